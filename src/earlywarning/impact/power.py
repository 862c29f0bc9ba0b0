"""What could be seen: smallest detectable effects, tried on a school's own past absences.

In past quarters nobody drew lots. So lots are drawn now, among families who would have been nearly
tied then, and analysed as a study would: whatever difference they show is luck, and its spread is
the luck that a study must beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from earlywarning.impact import lottery
from earlywarning.impact.regression import REACH
from earlywarning.simulation.drawn_lists import NEVER_VISITED, draw_lists

DRAWS = 120
TAKE_UP = 0.75
"""How much a place raises the chance of a visit, unless past visits say otherwise."""


@dataclass(frozen=True, slots=True)
class Power:
    """What a lottery over a year could see.

    Attributes
    ----------
    itt, visit : float
        Smallest detectable effect on the absence rate, of a place and of a visit; NaN if the past
        is too short.
    homerooms, blocks : int
        A year's.
    take_up : float
    pooled : dict of str to float
        The effect of a visit, detectable by two years, four schools, ten schools like these.
    """

    itt: float
    visit: float
    homerooms: int
    blocks: int
    take_up: float
    pooled: dict[str, float]


def detectable(
    history: pd.DataFrame, *, places: int, quarters: int = 4, take_up: float = TAKE_UP,
    seed: int = 1,
) -> Power:  # fmt: skip
    """Smallest effects that a lottery could find with these schools' own absences.

    Parameters
    ----------
    history : DataFrame
        Past student-quarters: `student_id`, `household_id`, `homeroom`, `t`, `absence_rate`,
        `absence_before`.
    places : int
        For concern, of each teacher.
    quarters : int
        Of a study.
    take_up : float
    """
    known = history[history["absence_rate"].notna() & history["absence_before"].notna()]
    rooms = int(known.groupby("t")["homeroom"].nunique().max()) if len(known) else 0
    if known.empty or places < 1:
        return Power(np.nan, np.nan, rooms, 0, take_up, {})
    rng = np.random.default_rng(seed)
    past = [part for _, part in known.groupby("t")]
    many = min(quarters, len(past))
    starts = range(len(past) - many + 1)
    draws = -(-DRAWS // len(starts))
    values, counts = [], []
    for start in starts:
        for _ in range(draws):
            # A study counts each family's first lottery only, so a year's lots are drawn together.
            drawn = lottery.drawn(
                pd.concat(
                    _drawn(part, places, rng, first_block=place * rooms)
                    for place, part in enumerate(past[start : start + many])
                )
            )
            if drawn["block"].nunique() >= 2:
                values.append(lottery.itt(drawn, "absence_rate", adjust=["absence_before"]).value)
                counts.append(drawn["block"].nunique())
    if len(values) < DRAWS // 2:
        return Power(np.nan, np.nan, rooms, 0, take_up, {})
    longer = quarters / many
    itt = REACH * float(np.std(values)) / np.sqrt(longer)
    visit = itt / take_up
    pooled = {
        "two_years": visit / np.sqrt(2), "four_times_the_schools": visit / 2,
        "ten_times_the_schools": visit / np.sqrt(10),
    }  # fmt: skip
    return Power(itt, visit, rooms, int(np.mean(counts) * longer), take_up, pooled)


def _drawn(
    part: pd.DataFrame, places: int, rng: np.random.Generator, *, first_block: int
) -> pd.DataFrame:
    """A quarter's lottery among families ranked by their last quarter's absence."""
    family, homes = pd.factorize(part["household_id"])
    lead = pd.factorize(part["homeroom"])[0]
    first = np.unique(family, return_index=True)[1]
    priority = np.bincount(family, part["absence_before"].to_numpy(dtype=float)) + 1e-6
    n = len(homes)
    lists = draw_lists(
        priority, lead[first], np.full(n, NEVER_VISITED), rng.random(n), rng.random(n),
        concern=places, preventive=0, lottery=True,
    )  # fmt: skip
    return part.assign(
        block=np.where(lists.in_lottery[family], first_block + lead[first][family], np.nan),
        shadow=False, won=lists.won[family], visited=lists.won[family].astype(float),
    )  # fmt: skip
