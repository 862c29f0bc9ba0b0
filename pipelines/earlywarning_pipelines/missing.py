"""What a quarter's list would have to do without: records of the quarter before that are not there.

A school without attendance, or whose attendance stopped long before the end, holds a run back; the
rest is only said.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from earlywarning_pipelines.state import SchoolState, State

STOPPED = 28
"""Days before the end of a quarter; attendance that ends earlier has stopped. Holidays included."""

DAILY, TOTALS = "register_day", "attendance_summary"
TELLING = ("grade", "behaviour_event")
"""Kinds of records that a list can do without, but that a school should know to be missing."""

NO_SCHOOL = "no_school"
NO_ATTENDANCE = "no_attendance"
ATTENDANCE_STOPS = "attendance_stops"
CLASS_SILENT = "class_silent"
NO_RECORDS = {"grade": "no_grade", "behaviour_event": "no_behaviour_event"}

CODES = (NO_SCHOOL, NO_ATTENDANCE, ATTENDANCE_STOPS, CLASS_SILENT, *NO_RECORDS.values())
HOLD_BACK = (NO_SCHOOL, NO_ATTENDANCE, ATTENDANCE_STOPS)
"""Codes for which a run stops before the list."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing.

    Attributes
    ----------
    school_id : str
        Empty where it is about the whole installation.
    code : str
        One of `CODES`.
    newest : date or None
        The last day that has attendance.
    class_name : str or None
    """

    school_id: str
    code: str
    newest: date | None = None
    class_name: str | None = None

    @property
    def holds_back(self) -> bool:
        """Whether no list should be made without it."""
        return self.code in HOLD_BACK

    def as_json(self) -> dict[str, Any]:
        """The same for a file."""
        return asdict(self) | {"newest": self.newest and self.newest.isoformat()}


def missing(state: State, earlier: State, *, stopped: int = STOPPED) -> list[Missing]:
    """What is missing of a quarter, school by school.

    Parameters
    ----------
    state : State
        Of the quarter before the list's, as known when the list's begins.
    earlier : State
        Of the quarter before that: who hands in totals of half a year has none in every quarter.
    stopped : int
        Days; see `STOPPED`.
    """
    if not state.schools:
        return [Missing("", NO_SCHOOL)]
    end = min(state.quarter.end, state.as_of)
    totals = {school.school_id for school in earlier.schools if _rows(school, TOTALS)}
    return [
        one
        for school in state.schools
        for one in _of_school(school, end, stopped, totals=school.school_id in totals)
    ]


def _rows(school: SchoolState, table: str) -> int:
    return sum(source.rows for source in school.sources if source.table == table)


def _of_school(school: SchoolState, end: date, stopped: int, *, totals: bool) -> list[Missing]:
    name = school.school_id
    sources = {source.table: source for source in school.sources}
    days = [one for table in (DAILY, TOTALS) if (one := sources[table].newest) is not None]
    found = []
    if not days:
        if not totals:
            found.append(Missing(name, NO_ATTENDANCE))
    elif max(days) < end - timedelta(days=stopped):
        found.append(Missing(name, ATTENDANCE_STOPS, newest=max(days)))
    if sources[DAILY].rows:
        found += [
            Missing(name, CLASS_SILENT, class_name=one.class_name)
            for one in school.classes
            if not one.register_days
        ]
    found += [Missing(name, NO_RECORDS[table]) for table in TELLING if not sources[table].rows]
    return found
