"""Versions by hand: grades of one student, days as small numbers."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from earlywarning.calendar import NEVER
from earlywarning.io.versions import KNOWN_BEFORE, Merged, current, merge
from earlywarning.records.tables import Column, Table

MARK = Table(
    "mark",
    ("student", "subject"),
    (
        Column("student", "str"), Column("subject", "str"),
        Column("score", "int32", required=False),
        Column("known_day", "int32"), Column("superseded_day", "int32"),
    ),
)  # fmt: skip
SCHEMA = {
    "student": pl.String, "subject": pl.String, "score": pl.Int32, "known_day": pl.Int32,
    "superseded_day": pl.Int32,
}  # fmt: skip
TOLD = {name: kind for name, kind in SCHEMA.items() if name != "superseded_day"}
NOTHING = pl.DataFrame(schema=SCHEMA)

Row = tuple[str, str, int | None, int]


def told(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TOLD, orient="row")


def stored(*rows: tuple[str, str, int | None, int, int]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def taken(existing: pl.DataFrame, *rows: Row, on: int, **more: Any) -> Merged:
    return merge(existing, told(*rows), table=MARK, delivery_day=on, **more)


def counts(merged: Merged) -> tuple[int, int, int]:
    return merged.added, merged.changed, merged.unchanged


def seen(rows: pl.DataFrame, as_of: int) -> list[tuple[str, str, int | None]]:
    """What a view at an as-of day finds."""
    view = rows.filter(pl.col("known_day") < as_of, pl.col("superseded_day") >= as_of)
    return view.select("student", "subject", "score").sort(pl.all()).rows()


def test_a_first_delivery_keeps_its_own_day() -> None:
    merged = taken(NOTHING, ("siti", "ipa", 70, 5), on=20)
    assert merged.rows.rows() == [("siti", "ipa", 70, 5, NEVER)]
    assert counts(merged) == (1, 0, 0)


def test_a_fact_restated_adds_nothing_whatever_day_it_is_said_to_be_known_since() -> None:
    first = stored(("siti", "ipa", 70, 5, NEVER))
    for since in (3, 5, 9, 30):
        merged = taken(first, ("siti", "ipa", 70, since), on=30)
        assert merged.rows.equals(first)
        assert counts(merged) == (0, 0, 1)
        assert merged.same


def test_a_changed_fact_is_known_from_its_delivery_not_from_the_day_it_claims() -> None:
    merged = taken(stored(("siti", "ipa", 70, 5, NEVER)), ("siti", "ipa", 80, 6), on=30)
    assert merged.rows.rows() == [("siti", "ipa", 70, 5, 30), ("siti", "ipa", 80, 30, NEVER)]
    assert counts(merged) == (0, 1, 0)
    # On the day itself nobody had seen the correction yet.
    assert seen(merged.rows, 5) == []
    assert seen(merged.rows, 6) == [("siti", "ipa", 70)]
    assert seen(merged.rows, 30) == [("siti", "ipa", 70)]
    assert seen(merged.rows, 31) == [("siti", "ipa", 80)]


def test_empty_and_filled_are_different_and_empty_twice_is_the_same() -> None:
    none = stored(("siti", "ipa", None, 5, NEVER))
    assert counts(taken(none, ("siti", "ipa", None, 5), on=9)) == (0, 0, 1)
    assert counts(taken(none, ("siti", "ipa", 0, 5), on=9)) == (0, 1, 0)
    zero = stored(("siti", "ipa", 0, 5, NEVER))
    assert counts(taken(zero, ("siti", "ipa", None, 5), on=9)) == (0, 1, 0)


def test_of_two_deliveries_on_one_day_the_later_wins() -> None:
    rows = taken(NOTHING, ("siti", "ipa", 70, 30), on=30).rows
    rows = taken(rows, ("siti", "ipa", 80, 30), on=30).rows
    assert rows.rows() == [("siti", "ipa", 80, 30, NEVER)]
    # A correction and its correction on one day: only the last could ever be seen.
    rows = taken(rows, ("siti", "ipa", 90, 30), on=40).rows
    rows = taken(rows, ("siti", "ipa", 80, 30), on=40).rows
    assert rows.rows() == [("siti", "ipa", 80, 30, 40), ("siti", "ipa", 80, 40, NEVER)]
    assert [seen(rows, day) for day in (31, 40, 41)] == [[("siti", "ipa", 80)]] * 3


def test_an_older_delivery_after_a_newer_one_never_turns_time_around() -> None:
    rows = taken(stored(("siti", "ipa", 70, 40, NEVER)), ("siti", "ipa", 60, 5), on=30).rows
    assert rows.rows() == [("siti", "ipa", 60, 40, NEVER)]


def test_every_version_stays() -> None:
    rows = NOTHING
    for on, score in ((10, 50), (20, 60), (30, 50)):
        rows = taken(rows, ("siti", "ipa", score, 5), on=on).rows
    assert rows.rows() == [
        ("siti", "ipa", 50, 5, 20), ("siti", "ipa", 60, 20, 30), ("siti", "ipa", 50, 30, NEVER),
    ]  # fmt: skip
    assert current(rows).rows() == [("siti", "ipa", 50, 30, NEVER)]


def test_others_are_left_alone_and_rows_are_in_order() -> None:
    before = stored(("yusuf", "ipa", 70, 5, NEVER), ("siti", "mtk", 60, 5, NEVER))
    merged = taken(before, ("siti", "ipa", 50, 7), ("yusuf", "ipa", 71, 7), on=9)
    assert merged.rows.rows() == [
        ("siti", "ipa", 50, 7, NEVER), ("siti", "mtk", 60, 5, NEVER),
        ("yusuf", "ipa", 70, 5, 9), ("yusuf", "ipa", 71, 9, NEVER),
    ]  # fmt: skip
    assert counts(merged) == (1, 1, 0)


def test_what_is_withdrawn_ends_and_what_comes_back_is_news() -> None:
    first = stored(("siti", "ipa", 70, 5, NEVER), ("siti", "mtk", 60, 5, NEVER))
    gone = taken(first, on=20, withdrawn=told(("siti", "ipa", None, 0))).rows
    assert gone.rows() == [("siti", "ipa", 70, 5, 20), ("siti", "mtk", 60, 5, NEVER)]
    assert seen(gone, 21) == [("siti", "mtk", 60)]
    back = taken(gone, ("siti", "ipa", 70, 5), on=30)
    assert counts(back) == (0, 1, 0)
    # Between the 20th and the 30th nobody knew it.
    assert seen(back.rows, 20) == [("siti", "ipa", 70), ("siti", "mtk", 60)]
    assert seen(back.rows, 30) == [("siti", "mtk", 60)]
    assert seen(back.rows, 31) == [("siti", "ipa", 70), ("siti", "mtk", 60)]


def test_what_was_known_without_a_row_counts_as_changed() -> None:
    incoming = told(("siti", "ipa", 70, 30), ("siti", "mtk", 60, 5)).with_columns(
        pl.Series(KNOWN_BEFORE, [True, False])
    )
    merged = merge(NOTHING, incoming, table=MARK, delivery_day=30)
    assert counts(merged) == (1, 1, 0)


def test_history_comes_with_new_facts_only() -> None:
    history = stored(("siti", "ipa", None, 3, 8), ("siti", "mtk", None, 3, 8))
    merged = taken(
        stored(("siti", "mtk", 60, 5, NEVER)),
        ("siti", "ipa", 70, 8), ("siti", "mtk", 60, 8),
        on=30, history=history,
    )  # fmt: skip
    assert merged.rows.rows() == [
        ("siti", "ipa", None, 3, 8), ("siti", "ipa", 70, 8, NEVER), ("siti", "mtk", 60, 5, NEVER),
    ]  # fmt: skip


def test_one_delivery_cannot_say_two_things() -> None:
    with pytest.raises(ValueError, match="mark: two rows of one delivery have the same key"):
        taken(NOTHING, ("siti", "ipa", 70, 5), ("siti", "ipa", 80, 5), on=9)
