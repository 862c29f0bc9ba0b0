"""Whether each school still records: registers, marks, incidents, grades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earlywarning.district import MonitorLimits
from earlywarning.risk.watch.checks import ACT, OK, Check, above, below

SOURCES = {
    "registers": "register_days_quarter",
    "totals": "summary_absent_days",
    "behaviour": "incidents_quarter",
    "grades": "graded_subjects_quarter",
}
"""Kinds of records, and the feature that counts them over the quarter before the as-of date."""

FEWEST_ROWS = 10.0
"""A kind of record with fewer in its poorest past quarter may fall silent by luck."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one school recorded in about a quarter.

    Attributes
    ----------
    school_days : int
        Days on which any class took its register.
    recorded_share : float
        Student-days with a mark over those on which the school took registers, 0 to 1; NaN
        without any.
    silent_share : float
        Share of the students whose class took its register on less than half of the school's
        days; NaN without any.
    rows : mapping of source to float, or None
        Records of each kind, of all students; None if they were not counted.
    """

    school_days: int
    recorded_share: float
    silent_share: float
    rows: Mapping[str, float] | None


def of_features(ids: pd.DataFrame, X: pd.DataFrame) -> dict[str, Recording]:
    """Each school's recording in the quarter before the as-of date, from its features.

    Parameters
    ----------
    ids : DataFrame, shape (n, k)
        With school_id.
    X : DataFrame, shape (n, n_features)
    """
    days = X[["expected_days_quarter", "register_days_quarter", "recorded_days_quarter"]]
    counted = days.fillna(0).set_axis(["expected", "register", "recorded"], axis=1)
    rows = {name: X[feature].fillna(0) for name, feature in SOURCES.items()}
    school = ids["school_id"].to_numpy()
    return {
        str(one): of_days(
            counted[school == one],
            {name: float(values[school == one].sum()) for name, values in rows.items()},
        )
        for one in np.unique(school)
    }


def of_days(days: pd.DataFrame, rows: Mapping[str, float] | None) -> Recording:
    """One school's recording, from each student's days.

    Parameters
    ----------
    days : DataFrame, shape (n, 3)
        expected: days on which the school took registers; register: the student's class; recorded:
        days with a mark.
    rows : mapping of source to float, or None
        See `Recording`.
    """
    expected = days["expected"].to_numpy(dtype=float)
    here = expected > 0
    total = float(expected.sum())
    silent = days["register"].to_numpy(dtype=float)[here] * 2 < expected[here]
    return Recording(
        school_days=int(expected.max(initial=0)),
        recorded_share=float(days["recorded"].sum()) / total if total else float("nan"),
        silent_share=float(silent.mean()) if here.any() else float("nan"),
        rows=rows,
    )


def checks(
    now: Mapping[str, Recording],
    past: Sequence[Mapping[str, Recording]],
    limits: MonitorLimits,
) -> list[Check]:
    """Compare each school with its own past.

    Parameters
    ----------
    now : mapping of school to Recording
    past : sequence of mapping of school to Recording
        One a quarter that the models learnt from.
    limits : MonitorLimits
    """
    found = []
    for school, one in sorted(now.items()):
        own = [quarter[school] for quarter in past if school in quarter]
        daily = [quarter for quarter in own if quarter.school_days]
        if daily:
            found += _days(school, one, daily, limits)
        if one.rows is not None:
            found += _sources(school, one.rows, [quarter.rows or {} for quarter in own])
    return found


def _days(
    school: str, now: Recording, past: Sequence[Recording], limits: MonitorLimits
) -> list[Check]:
    fewest = min(one.school_days for one in past)
    found = [
        Check(
            "registers_fewer",
            below(now.school_days, 0.75 * fewest, 0.5 * fewest),
            now.school_days,
            0.75 * fewest,
            subject=school,
        )
    ]
    if not now.school_days:
        return found
    least = min(one.recorded_share for one in past)
    most_silent = max(one.silent_share for one in past)
    drop = limits.recorded_drop
    return [
        *found,
        Check(
            "recorded_share",
            below(now.recorded_share, least - drop, least - 3 * drop),
            now.recorded_share,
            least - drop,
            subject=school,
        ),
        Check(
            "classes_silent",
            above(now.silent_share, most_silent + 0.02, most_silent + 0.2),
            now.silent_share,
            most_silent + 0.02,
            subject=school,
        ),
    ]


def _sources(
    school: str, now: Mapping[str, float], past: Sequence[Mapping[str, float]]
) -> list[Check]:
    found = []
    for source in SOURCES:
        before = [rows.get(source, 0.0) for rows in past]
        if before and min(before) >= FEWEST_ROWS:
            status = OK if now[source] > 0 else ACT
            found.append(
                Check("source_silent", status, now[source], 1.0, subject=f"{school}/{source}")
            )
    return found


def silence(days: np.ndarray, end_day: int, *, school: str, limits: MonitorLimits) -> Check | None:
    """Whether a school took no register for longer than ever before.

    Parameters
    ----------
    days : array of int, shape (n,)
        Days on which any of its classes took a register, in any order.
    end_day : int
        The day after the last that could be known.
    school : str
    limits : MonitorLimits

    Returns
    -------
    Check or None
        None for a school that took fewer than two registers.
    """
    taken = np.unique(days[days < end_day])
    if len(taken) < 2:
        return None
    value = int(end_day - taken[-1])
    limit = int(np.diff(taken).max()) + limits.silent_days
    return Check("registers_stopped", above(value, limit, limit), value, limit, subject=school)
