"""Every family within a year, over four quarters; and by how much a capacity is too small."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.visit_rules import Tracks
from earlywarning.visits.capacity import allocate, split
from earlywarning.visits.households import Child, group
from earlywarning.visits.visit_list import within_year

QUARTER_DAYS = 91
FIRST_DAY = 20_000
TRACKS = Tracks(requested=1, sick_child=1, good_news=1)


def year(families: int, capacity: int, share: float, seed: int) -> tuple[int, int, int]:
    """Four quarters of one teacher: families visited, the first promise, and the worst shortfall.

    In each quarter trouble falls on whom it will, and things call for visits as they do.
    """
    rng = np.random.default_rng(seed)
    last = {f"K{i:02d}": None for i in range(families)}
    promised: list[dict[str, int]] = []
    for quarter in range(4):
        day = FIRST_DAY + quarter * QUARTER_DAYS
        children = []
        for key in last:
            occasions = tuple(
                {"track": track, "code": "x", "numbers": {}, "urgency": 0}
                for track in ("requested", "sick_child", "good_news")
                if rng.random() < 0.1
            )
            children.append(
                Child(f"s-{key}", rng.exponential(), household=key, last_visit=last[key],
                      occasions=occasions)
            )  # fmt: skip
        places = split(capacity, share)
        rows = allocate(
            group(children, seed=seed), places=places, seed=seed, lottery=True, block="b",
            tracks=TRACKS, year_ago=day - 365,
        )  # fmt: skip
        promised.append(within_year(places, rows, 4))
        assert sum(row.listed for row in rows) == min(capacity, families)
        last |= {row.household.key: day for row in rows if row.listed}  # type: ignore[misc]
    visited = sum(day is not None for day in last.values())
    return (
        visited,
        min(one["reached"] for one in promised),
        max(one["short"] for one in promised),
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(
    ("families", "capacity", "share"), [(28, 12, 0.5), (26, 10, 0.7), (4, 8, 0.4)]
)
def test_every_family_is_visited_within_a_year(
    families: int, capacity: int, share: float, seed: int
) -> None:
    visited, _, short = year(families, capacity, share, seed)
    if short == 0:
        assert visited == families
    # So many places more a quarter, all for the longest wait, and everybody is reached.
    more = capacity + short
    wider, _, still_short = year(
        families, more, 1 - (capacity - split(capacity, share).preventive) / more, seed
    )
    assert still_short == 0
    assert wider == families


def test_a_capacity_too_small_says_by_how_much() -> None:
    # 28 families, 4 places, 2 of them for concern: 2 + 4 x 2 are sure, 26 wait, 7 a quarter needed.
    rows = allocate(
        group([Child(f"s{i}", 1.0 + i, household=f"K{i:02d}") for i in range(28)], seed=1),
        places=split(4, 0.5), seed=1, lottery=False, block="b", tracks=TRACKS,
    )  # fmt: skip
    assert within_year(split(4, 0.5), rows, 4) == {"families": 28, "reached": 10, "short": 5}
    visited, reached, _ = year(28, 4, 0.5, seed=2)
    assert reached <= visited < 28
