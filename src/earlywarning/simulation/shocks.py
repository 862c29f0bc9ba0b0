"""What can happen to a school's records from one quarter on, to try whether watching notices it.

Each shock takes a school's records, changes those of some days and returns new records; the truth
stays as it was. The size of each is that of such events, not of the check that looks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from earlywarning.calendar import Quarter
from earlywarning.simulation.records import (
    BLANK,
    HERE,
    NOT_ENROLLED,
    NOT_TAKEN,
    PERMITTED,
    SICK,
    Records,
)

WAVE_SHARE = 0.35
"""Share of the students who fall ill: that of outbreaks for which schools are closed."""

WAVE_DAYS = 5
"""School days that such an illness lasts."""


def permitted_written_as_sick(records: Records, quarter: Quarter) -> Records:
    """A new code table: what was `I` (permitted) is now written `S` (sick)."""
    return _marks(records, quarter, lambda marks: np.where(marks == PERMITTED, SICK, marks))


def unknown_codes(records: Records, quarter: Quarter) -> Records:
    """A new code table that nobody mapped: every mark but presence comes as no mark at all."""
    return _marks(
        records,
        quarter,
        lambda marks: np.where((marks > HERE) & (marks < BLANK), BLANK, marks),
    )


def registers_stop(records: Records, quarter: Quarter) -> Records:
    """From the middle of the quarter on nobody takes a register."""
    days = records.school.days
    middle = (quarter.start_day + quarter.end_day) // 2
    late = (days >= middle) & (days < quarter.end_day)
    marks = records.marks.copy()
    marks[:, late] = np.where(marks[:, late] == NOT_ENROLLED, NOT_ENROLLED, NOT_TAKEN)
    return replace(records, marks=marks)


def wave_of_illness(records: Records, quarter: Quarter, *, seed: int = 0) -> Records:
    """A third of the school falls ill for a week, most of them in the same one."""
    rng = np.random.default_rng(seed)
    days = records.school.days
    span = np.flatnonzero((days >= quarter.start_day) & (days < quarter.end_day))
    marks = records.marks.copy()
    first = span[len(span) // 2]
    for who in np.flatnonzero(rng.random(len(marks)) < WAVE_SHARE):
        start = first + int(rng.integers(0, 5))
        own = marks[who, start : start + WAVE_DAYS]
        own[own == HERE] = SICK
    return replace(records, marks=marks)


def points_doubled(records: Records, quarter: Quarter) -> Records:
    """A new catalogue: every offence is worth twice the points."""
    inside = (pl.col("day") >= quarter.start_day) & (pl.col("day") < quarter.end_day)
    offence = pl.col("polarity") == "offence"
    return replace(
        records,
        incidents=records.incidents.with_columns(
            points=pl.when(inside & offence).then(pl.col("points") * 2).otherwise("points")
        ),
    )


def pass_mark_raised(
    facts: dict[str, pl.DataFrame], quarter: Quarter, *, to: int
) -> dict[str, pl.DataFrame]:
    """The grades of the quarter come with a higher pass mark, points of 100."""
    inside = (pl.col("day") >= quarter.start_day) & (pl.col("day") < quarter.end_day)
    raised = facts["grade"].with_columns(
        pass_centi=pl.when(inside).then(pl.lit(100 * to, pl.Int32)).otherwise("pass_centi")
    )
    return {**facts, "grade": raised}


def _marks(
    records: Records, quarter: Quarter, change: Callable[[np.ndarray], np.ndarray]
) -> Records:
    days = records.school.days
    inside = (days >= quarter.start_day) & (days < quarter.end_day)
    marks = records.marks.copy()
    marks[:, inside] = change(marks[:, inside])
    return replace(records, marks=marks)
