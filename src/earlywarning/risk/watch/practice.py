"""Whether marks, points and grades still mean what they meant: code tables and rules change.

A rate is compared with the range of the past quarters. What tells causes apart: where one kind of
mark vanishes, its code means something else now; where many are ill in the same week and nothing
vanishes, it is a wave of illness; where the points of an incident move, and incidents do not, it is
a new catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earlywarning.district import MonitorLimits
from earlywarning.risk.watch.checks import ACT, LOOK, OK, Check, Status, beyond, usual_range

KINDS = ("sick", "permitted", "unexcused", "late", "early_leave")
"""Kinds of marks of which the features count the days."""

FEWEST_DAYS = 20.0
"""Days of a kind of mark (or incidents) in the poorest past quarter, below which luck rules."""

GONE = 0.25


@dataclass(frozen=True, slots=True)
class Practice:
    """How one school used marks, points and grades in one quarter.

    Attributes
    ----------
    students, days : float
        Students, and their register days together.
    marks : mapping of kind to float
        Days of each kind.
    incidents : float
    points : float
        Mean points of an incident; NaN without any.
    distance : float
        Mean distance of a student's marks to the pass mark, points of 100; NaN without any.
    """

    students: float
    days: float
    marks: Mapping[str, float]
    incidents: float
    points: float
    distance: float


def of_features(ids: pd.DataFrame, X: pd.DataFrame) -> dict[str, Practice]:
    """Each school's practice in the quarter before the as-of date."""
    school = ids["school_id"].to_numpy()
    return {str(one): _school(X[school == one]) for one in np.unique(school)}


def _school(X: pd.DataFrame) -> Practice:
    def total(name: str) -> float:
        return float(X[name].sum(skipna=True))

    incidents, points = total("incidents_quarter"), total("points_quarter")
    return Practice(
        students=float(len(X)),
        days=total("register_days_quarter"),
        marks={kind: total(f"{kind}_days_quarter") for kind in KINDS},
        incidents=incidents,
        points=points / incidents if incidents else float("nan"),
        distance=float(X["grade_distance_quarter"].mean()),
    )


def worst_week(days: np.ndarray, *, start: int, end: int, students: int, weekdays: int) -> float:
    """Share of student-days lost in the worst week of a span, 0 to 1.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day number of each student's day of illness.
    start, end : int
        First day, and day after the last.
    students : int
        At least 1.
    weekdays : int
        School days of a week.
    """
    inside = days[(days >= start) & (days < end)]
    weeks = np.bincount((inside - start) // 7, minlength=1)
    return float(weeks.max()) / (students * weekdays)


def illness_check(
    school: str, now: float, past: Sequence[float], *, students: int, limits: MonitorLimits
) -> Check | None:
    """Whether the worst week was worse than any before, by more than a factor.

    Parameters
    ----------
    school : str
    now : float
        From `worst_week`.
    past : sequence of float
        The same of the quarters learnt from.
    students : int
    limits : MonitorLimits
    """
    if not past or not max(past):
        return None
    least = FEWEST_DAYS / students / 5
    _, high = usual_range([max(one, least) for one in past], limits.movement)
    limit, status = beyond(now, 0.0, high)
    return Check("illness", status, now, limit, subject=school)


def checks(
    now: Mapping[str, Practice], past: Sequence[Mapping[str, Practice]], limits: MonitorLimits
) -> list[Check]:
    """Compare each school with its own past."""
    found = []
    for school, one in sorted(now.items()):
        own = [quarter[school] for quarter in past if school in quarter]
        found += _marks(school, one, [p for p in own if p.days], limits)
        found += _incidents(school, one, own, limits)
        found += _grades(school, one, own, limits)
    return found


def _marks(
    school: str, now: Practice, past: Sequence[Practice], limits: MonitorLimits
) -> list[Check]:
    if not past or not now.days:
        return []
    gone, risen = [], []
    for kind in KINDS:
        before = [one.marks[kind] / one.days for one in past]
        rate = now.marks[kind] / now.days
        if min(before) * now.days >= FEWEST_DAYS:
            low = min(before) / limits.movement
            status: Status = ACT if rate < GONE * min(before) else LOOK if rate < low else OK
            gone.append(Check("codes_changed", status, rate, low, subject=f"{school}/{kind}"))
        if max(before) * now.days >= FEWEST_DAYS or now.marks[kind] >= FEWEST_DAYS:
            # A kind of mark that was rare may become a little less rare.
            least = FEWEST_DAYS / now.days
            _, high = usual_range([max(value, least) for value in before], limits.movement)
            _, status = beyond(rate, 0.0, high)
            risen.append(Check("absences_risen", status, rate, high, subject=f"{school}/{kind}"))
    return [*gone, *risen]


def _incidents(
    school: str, now: Practice, past: Sequence[Practice], limits: MonitorLimits
) -> list[Check]:
    past = [one for one in past if one.incidents >= FEWEST_DAYS]
    if not past or not now.incidents:
        return []
    rate = now.incidents / now.students
    low, high = usual_range([one.incidents / one.students for one in past], limits.movement)
    limit, status = beyond(rate, low, high)
    found = [Check("incidents", status, rate, limit, subject=school)]
    points = [one.points for one in past if one.points > 0]
    if points and now.incidents >= FEWEST_DAYS:
        limit, status = beyond(now.points, *usual_range(points, limits.points_ratio))
        found.append(Check("incident_points", status, now.points, limit, subject=school))
    return found


def _grades(
    school: str, now: Practice, past: Sequence[Practice], limits: MonitorLimits
) -> list[Check]:
    before = [one.distance for one in past if not np.isnan(one.distance)]
    if not before or np.isnan(now.distance):
        return []
    shift = limits.marks_shift
    low, high = min(before) - shift, max(before) + shift
    away = max(low - now.distance, now.distance - high)
    status: Status = OK if away <= 0 else LOOK if away <= shift / 2 else ACT
    limit = low if now.distance < (low + high) / 2 else high
    return [Check("pass_marks", status, now.distance, limit, subject=school)]
