"""Orders after people's decisions, checked by hand and against a plain rule."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from earlywarning.visits.overriding import (
    ACTIONS,
    ADD,
    DEFER,
    MOVE_UP,
    REASONS,
    REMOVE,
    Decision,
    Ranked,
    fits,
    in_order,
)

TODAY = date(2026, 10, 20)
LIST = [
    Ranked("a", "sari", 1), Ranked("b", "sari", 2), Ranked("c", "sari", 3),
    Ranked("d", "retno", 4), Ranked("e", "retno", 5), Ranked("f", "sari", None),
]  # fmt: skip


def order(**decisions: str) -> str:
    made = {item: Decision(action) for item, action in decisions.items()}
    return "".join(in_order(LIST, made, today=TODAY))


def test_by_hand() -> None:
    assert order() == "abcde"
    assert order(c=MOVE_UP) == "cabde"
    assert order(e=MOVE_UP) == "abced"  # before the lead's own families, never another's
    assert order(a=DEFER) == "bcade"
    assert order(a=DEFER, f=ADD) == "bcafde"
    assert order(b=REMOVE, c=MOVE_UP) == "cade"
    assert order(a=REMOVE, b=REMOVE, c=REMOVE, f=ADD) == "fde"


def test_a_decision_holds_until_its_last_day() -> None:
    last = {"c": Decision(MOVE_UP, TODAY)}
    assert "".join(in_order(LIST, last, today=TODAY)) == "cabde"
    assert "".join(in_order(LIST, last, today=date(2026, 10, 21))) == "abcde"


def test_only_a_family_without_a_place_is_added() -> None:
    assert [fits(action, listed=True) for action in ACTIONS] == [True, True, True, False]
    assert [fits(action, listed=False) for action in ACTIONS] == [False, False, False, True]
    assert set(REASONS) == set(ACTIONS)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(ACTIONS)), st.randoms())
def test_nobody_is_lost_and_undecided_families_keep_their_order(made, lots) -> None:
    shuffled = lots.sample(LIST, len(LIST))
    found = in_order(shuffled, {k: Decision(v) for k, v in made.items()}, today=TODAY)
    listed = {row.item_id for row in LIST if row.position is not None}
    gone = {item for item, action in made.items() if action == REMOVE}
    added = {item for item, action in made.items() if action == ADD}
    assert set(found) == (listed | added) - gone
    assert len(found) == len(set(found))
    untouched = [item for item in found if item not in made]
    assert untouched == sorted(untouched)
