"""Nothing that leaves for research gives a child away, nor does the difference of two exports."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.records.disclosure import pseudonym, release

K = 10


def group(*names: str, size: int, start: int = 0) -> tuple[tuple[Hashable, ...], frozenset[str]]:
    return names, frozenset(f"{'/'.join(names)}#{start + number}" for number in range(size))


def test_small_groups_are_held_back() -> None:
    groups = dict([group("A", "7", size=25), group("A", "8", size=10), group("B", "7", size=9)])
    found = release(groups, margin=1, k=K)
    assert set(found.groups) == {("A", "7"), ("A", "8")}
    assert found.held_back == 9  # all of school B: nothing to subtract from


def test_a_group_is_held_back_so_that_subtraction_finds_nobody() -> None:
    groups = dict([group("A", "7", size=25), group("A", "8", size=12), group("A", "9", size=4)])
    # Whoever knows that school A has 41 children would find the 4 of grade 9 missing.
    found = release(groups, margin=1, k=K)
    assert set(found.groups) == {("A", "7")}
    assert found.held_back == 16


def test_two_small_groups_hide_each_other() -> None:
    groups = dict([group("A", "7", size=25), group("A", "8", size=6), group("A", "9", size=5)])
    assert set(release(groups, margin=1, k=K).groups) == {("A", "7")}


def test_one_child_more_than_last_time_is_not_released() -> None:
    first = dict([group("A", "7", size=25)])
    before = list(release(first, margin=1, k=K).groups.values())
    for size, released in ((25, True), (26, False), (24, False), (34, False), (35, True)):
        found = release(dict([group("A", "7", size=size)]), margin=1, k=K, earlier=before)
        assert bool(found.groups) == released, size


def test_other_children_in_a_group_are_no_difference() -> None:
    before = [group("A", "7", size=25)[1]]
    now = dict([group("A", "7", size=30, start=100)])
    assert release(now, margin=1, k=K, earlier=before).held_back == 0


SIZES = st.dictionaries(
    st.tuples(st.sampled_from("AB"), st.sampled_from("789"), st.sampled_from("FM")),
    st.frozensets(st.integers(0, 400), max_size=40),
    max_size=12,
)


def apart(
    groups: dict[tuple[str, ...], frozenset[int]],
) -> dict[tuple[Hashable, ...], frozenset[str]]:
    """Each child in one group."""
    seen: set[int] = set()
    found: dict[tuple[Hashable, ...], frozenset[str]] = {}
    for name in sorted(groups):
        found[name] = frozenset(str(one) for one in groups[name] - seen)
        seen |= groups[name]
    return found


@settings(max_examples=400, deadline=None)
@given(SIZES, SIZES, st.integers(2, 12))
def test_nobody_is_found_by_subtraction_or_difference(
    first: dict[tuple[str, ...], frozenset[int]],
    second: dict[tuple[str, ...], frozenset[int]],
    k: int,
) -> None:
    one, two = apart(first), apart(second)
    released = release(one, margin=1, k=k)
    again = release(two, margin=1, k=k, earlier=released.groups.values())
    for groups, found in ((one, released), (two, again)):
        assert all(len(ids) >= k for ids in found.groups.values())
        for school in {name[0] for name in groups}:
            there = [name for name in groups if name[0] == school]
            missing = sum(len(groups[name]) for name in there if name not in found.groups)
            published = any(name in found.groups for name in there)
            assert missing == 0 or missing >= k or not published
    for old in released.groups.values():
        for new in again.groups.values():
            if old & new:
                assert not 0 < len(old - new) < k
                assert not 0 < len(new - old) < k


def test_pseudonyms_of_two_exports_cannot_be_joined() -> None:
    first, second = b"a" * 32, b"b" * 32
    assert pseudonym(first, "student", "s1") == pseudonym(first, "student", "s1")
    others = {
        pseudonym(key, kind, id_)
        for key, kind, id_ in (
            (first, "student", "s1"), (second, "student", "s1"), (first, "school", "s1"),
            (first, "student", "s2"),
        )
    }  # fmt: skip
    assert len(others) == 4
    assert (
        pseudonym(first, "student", "s1")
        == hmac.new(first, b"student:s1", hashlib.sha256).hexdigest()[:32]
    )
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonym(b"short", "student", "s1")
