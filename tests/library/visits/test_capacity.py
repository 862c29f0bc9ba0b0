"""Rank and cut, small enough to do by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.visit_rules import Tracks
from earlywarning.visits.capacity import (
    ALREADY_VISITED,
    DO_NOT_VISIT,
    Allocation,
    Places,
    allocate,
    split,
)
from earlywarning.visits.households import Child, Household, group
from earlywarning.visits.lottery import block_ranks, draw


def families(priorities: dict[str, float], last_visits: dict[str, int] | None = None,
             seed: int = 1) -> list[Household]:  # fmt: skip
    visits = last_visits or {}
    return group(
        [
            Child(f"s-{key}", priority, household=key, last_visit=visits.get(key))
            for key, priority in priorities.items()
        ],
        seed=seed,
    )


def cut(
    households: list[Household], capacity: int, share: float = 0.0, *, lottery: bool = False,
    excluded: dict[str, str] | None = None, seed: int = 1,
) -> list[Allocation]:  # fmt: skip
    return allocate(
        households,
        places=split(capacity, share),
        seed=seed,
        lottery=lottery,
        block="SCH1/2026-27-Q2/sari",
        excluded=excluded,
    )


@pytest.mark.parametrize(
    ("capacity", "share", "concern", "preventive"),
    [
        (8, 0.4, 5, 3),  # 3.2 places
        (5, 0.4, 3, 2),
        (2, 0.4, 1, 1),  # 0.8 of a place
        (1, 0.4, 1, 0),
        (0, 0.4, 0, 0),
        (5, 0.5, 3, 2),  # 2.5 places: the half goes to concern
        (10, 0.35, 7, 3),  # 3.5 places: again to concern
        (30, 0.15, 26, 4),  # 4.5 places
        (7, 0.0, 7, 0),
        (7, 1.0, 0, 7),
    ],
)
def test_the_rounding_rule(capacity: int, share: float, concern: int, preventive: int) -> None:
    assert split(capacity, share) == Places(capacity, concern, preventive)


@pytest.mark.parametrize(("capacity", "share"), [(-1, 0.4), (5, -0.1), (5, 1.1)])
def test_an_impossible_capacity_is_refused(capacity: int, share: float) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        split(capacity, share)


def test_the_list_as_a_person_would_make_it() -> None:
    # Sari can visit 4; 0.25 of that is 1 preventive place, so N = 3 for concern.
    priorities = {"A": 1.9, "B": 0.2, "C": 1.1, "D": 0.7, "E": 0.0, "F": 0.5}
    visits = {"A": 100, "B": 300, "D": 200, "E": 250, "F": 50}
    rows = {row.household.key: row for row in cut(families(priorities, visits), 4, 0.25)}
    assert {key: row.rank for key, row in rows.items()} == {
        "A": 1, "C": 2, "D": 3, "F": 4, "B": 5, "E": 6,
    }  # fmt: skip
    # Listed for concern: the first three. Preventive: F waits longest among the rest.
    assert {key: row.track for key, row in rows.items()} == {
        "A": "concern", "C": "concern", "D": "concern", "F": "preventive", "B": None, "E": None,
    }  # fmt: skip
    assert {key: row.waiting_rank for key, row in rows.items()} == {
        "A": None, "C": None, "D": None, "F": 1, "E": 2, "B": 3,
    }  # fmt: skip
    # The third highest among the others: for A, C and D that is F's 0.5; for the rest D's 0.7.
    assert {key: row.cut for key, row in rows.items()} == {
        "A": 0.5, "C": 0.5, "D": 0.5, "F": 0.7, "B": 0.7, "E": 0.7,
    }  # fmt: skip
    assert rows["D"].distance == 0.7 - 0.5
    assert rows["F"].distance == 0.5 - 0.7
    assert rows["A"].band == "visit_first"
    assert rows["F"].band == "schedule"
    assert rows["E"].band == "keep_watching"


def test_never_visited_comes_before_long_ago() -> None:
    rows = cut(families({"A": 0.0, "B": 0.0, "C": 0.0}, {"A": 5, "B": 4}), 2, 1.0)
    assert {row.household.key for row in rows if row.listed} == {"B", "C"}
    assert {row.household.key: row.waiting_rank for row in rows} == {"C": 1, "B": 2, "A": 3}


def test_a_family_without_concern_takes_no_place_for_concern() -> None:
    # 3 places for concern, one family with a concern: the two left over are preventive.
    rows = cut(families({"A": 0.4, "B": 0.0, "C": 0.0, "D": 0.0}), 3)
    tracks = [row.track for row in rows]
    assert tracks.count("concern") == 1
    assert tracks.count("preventive") == 2
    assert all(row.cut is None and row.distance is None for row in rows)


def test_a_teacher_without_capacity_has_everybody_ranked_and_nobody_listed() -> None:
    rows = cut(families({"A": 1.0, "B": 2.0}), 0, 0.4, lottery=True)
    assert [(row.household.key, row.rank, row.listed) for row in rows] == [
        ("B", 1, False), ("A", 2, False),
    ]  # fmt: skip


def test_excluded_families_are_kept_with_the_reason_and_free_their_place() -> None:
    rows = cut(
        families({"A": 3.0, "B": 2.0, "C": 1.0}),
        1,
        excluded={"A": DO_NOT_VISIT, "Z": ALREADY_VISITED},
    )
    assert [(row.household.key, row.rank, row.track, row.excluded) for row in rows] == [
        ("B", 1, "concern", None),
        ("C", 2, None, None),
        ("A", None, None, DO_NOT_VISIT),
    ]
    # The cut is among those who could be listed.
    assert rows[0].cut == 1.0


def test_ties_follow_the_seed() -> None:
    priorities: dict[str, float] = dict.fromkeys("ABCDEF", 1.0)
    first = {
        seed: [row.household.key for row in cut(families(priorities, seed=seed), 2)]
        for seed in range(30)
    }
    assert len({tuple(keys) for keys in first.values()}) > 20
    tied = cut(families(priorities), 2)
    assert [row.household.tie_breaker for row in tied] == sorted(
        row.household.tie_breaker for row in tied
    )
    assert {row.distance for row in tied} == {0.0}


@pytest.mark.parametrize(
    ("places", "ranked", "ranks"),
    [
        (5, 20, [4, 5, 6, 7]),
        (2, 4, [1, 2, 3, 4]),
        (1, 9, [1, 2, 3]),  # three families for one place
        (5, 6, [4, 5, 6]),  # only one below the cut: three for two
        (1, 2, [1, 2]),
        (5, 5, []),  # a place for everybody
        (5, 3, []),
        (0, 9, []),
    ],
)
def test_who_draws_lots(places: int, ranked: int, ranks: list[int]) -> None:
    assert list(block_ranks(places, ranked)) == ranks


def test_two_places_are_shared_by_lot_around_the_cut() -> None:
    priorities = {key: 10.0 - i for i, key in enumerate("ABCDEFGH")}
    seen = set()
    for seed in range(60):
        rows = cut(families(priorities, seed=seed), 3, lottery=True, seed=seed)
        by_key = {row.household.key: row for row in rows}
        # N = 3: rank 1 is sure of a place; ranks 2 to 5 share two; the rest have none.
        assert by_key["A"].listed
        assert by_key["A"].lot is None
        assert not any(by_key[key].listed or by_key[key].lot for key in "FGH")
        won = frozenset(key for key in "BCDE" if by_key[key].listed)
        assert len(won) == 2
        for key in "BCDE":
            lot = by_key[key].lot
            assert lot is not None
            assert (lot.block, lot.probability) == ("SCH1/2026-27-Q2/sari", 0.5)
            assert lot.won == by_key[key].listed
        seen.add(won)
    assert len(seen) == 6  # every pair comes up


def test_lots_are_fair() -> None:
    wins: dict[str, int] = dict.fromkeys("BCDE", 0)
    for seed in range(2000):
        for key, lot in draw("BCDE", places=2, seed=seed, block="b").items():
            wins[key] += lot.won
    # 1000 expected, standard deviation 22.
    assert all(900 < count < 1100 for count in wins.values()), wins


@pytest.mark.parametrize("places", [0, 4, 5])
def test_there_must_be_something_to_draw_for(places: int) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw("BCDE", places=places, seed=1, block="b")


@given(
    priorities=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]), max_size=15),
    capacity=st.integers(0, 10),
    share=st.sampled_from([0.0, 0.25, 0.4, 0.5, 1.0]),
    lottery=st.booleans(),
    seed=st.integers(0, 9),
    excluded=st.sets(st.integers(0, 14), max_size=4),
)
def test_no_rule_is_ever_broken(
    priorities: list[float], capacity: int, share: float, lottery: bool, seed: int,
    excluded: set[int],
) -> None:  # fmt: skip
    households = families({f"K{i:02}": p for i, p in enumerate(priorities)}, seed=seed)
    out = {f"K{i:02}": DO_NOT_VISIT for i in excluded}
    rows = cut(households, capacity, share, lottery=lottery, excluded=out, seed=seed)
    assert sorted(row.household.key for row in rows) == sorted(item.key for item in households)
    inside = [row for row in rows if row.excluded is None]
    assert [row.rank for row in inside] == list(range(1, len(inside) + 1))
    # Nobody is left out while a place is free; nobody more than fits.
    assert sum(row.listed for row in rows) == min(capacity, len(inside))
    places = split(capacity, share)
    concern = [row for row in rows if row.track == "concern"]
    positive = sum(row.household.priority > 0 for row in inside)
    assert len(concern) == min(places.concern, positive)
    # Without lots, the hand sort: the first N by priority and tie-breaker.
    if not lottery:
        by_hand = sorted(
            (row.household for row in inside),
            key=lambda item: (-item.priority, item.tie_breaker),
        )
        assert [row.household.key for row in concern] == [
            item.key for item in by_hand[: len(concern)]
        ]
    for row in inside:
        others = sorted(
            (other.household.priority for other in inside if other is not row), reverse=True
        )
        if row.cut is not None and row.distance is not None:
            assert row.cut == others[places.concern - 1]
            assert row.distance == row.household.priority - row.cut
            if not lottery and row.distance != 0:
                assert (row.track == "concern") == (row.distance > 0)
    for left, right in itertools.pairwise(inside):
        assert left.household.priority >= right.household.priority


def called(key: str, priority: float, track: str, urgency: int, last_visit: int | None) -> Child:
    occasion = {"track": track, "code": "x", "numbers": {}, "urgency": urgency}
    return Child(f"s-{key}", priority, household=key, last_visit=last_visit, occasions=(occasion,))


def test_requests_the_sick_and_good_news_take_places_kept_for_prevention() -> None:
    # 7 places, 0.7 of them (4.9, so 5) not for concern: A and B are listed for concern.
    some = [
        Child("s-A", 2.0, household="A"),
        called("B", 1.5, "requested", 1, 10),  # listed for concern, so it needs no other place
        called("C", 0.5, "requested", 20, 300),
        called("D", 0.4, "requested", 10, 400),  # asked first
        called("E", 0.3, "sick_child", -5, 390),
        called("F", 0.3, "sick_child", -9, 395),  # sick for longer
        called("G", 0.2, "good_news", 0, 399),  # visited within the year
        called("H", 0.2, "good_news", 0, 90),
        Child("s-I", 0.1, household="I", last_visit=50),
        Child("s-J", 0.1, household="J", last_visit=40),
    ]  # fmt: skip
    rows = allocate(
        group(some, seed=1), places=split(7, 0.7), seed=1, lottery=False, block="b",
        tracks=Tracks(requested=2, sick_child=1, good_news=1), year_ago=100,
    )  # fmt: skip
    assert {row.household.key: row.track for row in rows} == {
        "A": "concern", "B": "concern", "C": "requested", "D": "requested", "F": "sick_child",
        "H": "good_news", "J": "preventive", "E": None, "G": None, "I": None,
    }  # fmt: skip
    assert {row.band for row in rows if row.track not in (None, "concern")} == {"schedule"}
    # Fewer places: the track that comes first takes them.
    few = allocate(
        group(some, seed=1), places=split(4, 0.4), seed=1, lottery=False, block="b",
        tracks=Tracks(), year_ago=100,
    )  # fmt: skip
    assert [row.household.key for row in few if row.listed] == ["A", "B", "C", "D"]


def test_what_the_tracks_do_changes_no_place_for_concern() -> None:
    some = [called(key, 1.0 - i / 10, "requested", i, i) for i, key in enumerate("ABCDEFG")]
    with_tracks = allocate(
        group(some, seed=3), places=split(4, 0.5), seed=3, lottery=True, block="b",
        tracks=Tracks(),
    )  # fmt: skip
    without = allocate(group(some, seed=3), places=split(4, 0.5), seed=3, lottery=True, block="b")
    assert [(row.rank, row.cut, row.distance, row.lot) for row in with_tracks] == [
        (row.rank, row.cut, row.distance, row.lot) for row in without
    ]
    assert [row.household.key for row in with_tracks if row.track == "concern"] == [
        row.household.key for row in without if row.track == "concern"
    ]
