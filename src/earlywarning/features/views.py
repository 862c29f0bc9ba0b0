"""The facts as they were known on one day.

Everything else in `features` reads facts only through these views, so no feature can see the
future: an event counts if it happened before the as-of date **and** was known before it, in the
version that was the newest one then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import narwhals.stable.v2 as nw
import polars as pl

from earlywarning.calendar import SchoolCalendar
from earlywarning.district import District, Thresholds
from earlywarning.features.windows import Window
from earlywarning.records.tables import VERSION_COLUMNS

MILLION = 1_000_000

SCHOOL_SETTING = {
    "school_id": pl.String,
    "absence_ppm": pl.Int64,
    "first_warning_centi": pl.Int64,
    "trouble_centi": pl.Int64,
    "pass_centi": pl.Int64,
    "subjects_below": pl.Int64,
}
"""Columns of `Facts.school_setting`: one row a school, whole numbers only."""


READ: Mapping[str, tuple[str, ...]] = {
    "enrollment": (
        "student_id", "class_id", "school_id", "school_year", "grade_level", "entry_day",
        "exit_day",
    ),
    "register_day": ("class_id", "school_id", "day", "taken", "assumed"),
    "attendance_event": ("student_id", "class_id", "school_id", "day", "status"),
    "attendance_summary": (
        "student_id", "start_day", "day", "absent", "unexcused", "effective_days",
    ),
    "behaviour_event": (
        "student_id", "school_id", "day", "severity", "polarity", "centipoints",
        "is_attendance_related",
    ),
    "grade": ("student_id", "subject", "kind", "day", "score_centi", "pass_centi"),
    "visit": ("student_id", "day", "status"),
}  # fmt: skip
"""What is looked at of each table of `records.tables.FACT_TABLES`."""

Within = Callable[[str, Window], nw.LazyFrame]

VERSIONS = tuple(column.name for column in VERSION_COLUMNS)


@dataclass(frozen=True)
class Facts:
    """Fact tables cut at one as-of date.

    Attributes
    ----------
    as_of_day : int
        Only what happened before this day and was known before it is in the tables.
    calendar : SchoolCalendar
    enrollment, attendance_summary, visit
        Lazy frames with the columns `READ`. A planned entry known before the as-of date is in
        `enrollment`, though its day has not come.
    within : function of (table, Window) to LazyFrame
        The rows of a stretch of days, of a table that grows every day: `register_day`,
        `attendance_event`, `behaviour_event`, `grade`; the columns `READ`.
    school_setting : LazyFrame
        Each school's thresholds; see `SCHOOL_SETTING`.
    keep : function of LazyFrame to LazyFrame
        Tells the engine that a frame is read more than once. An engine that would compute it each
        time stores it.
    """

    as_of_day: int
    calendar: SchoolCalendar
    enrollment: nw.LazyFrame
    attendance_summary: nw.LazyFrame
    visit: nw.LazyFrame
    within: Within
    school_setting: nw.LazyFrame
    keep: Callable[[nw.LazyFrame], nw.LazyFrame] = lambda frame: frame


def as_known(frame: nw.LazyFrame, table: str, *, as_of_day: int) -> nw.LazyFrame:
    """One fact table as it was known when the as-of day began.

    A version counts from the day after it became known until the day on which a newer one did:
    what became known on the as-of date itself is the future.
    """
    known = (nw.col("known_day") < as_of_day) & (nw.col("superseded_day") >= as_of_day)
    if table != "enrollment":
        known = known & (nw.col("day") < as_of_day)
    return frame.filter(known).select(READ[table])


def cut(
    tables: Mapping[str, nw.LazyFrame],
    *,
    as_of_day: int,
    calendar: SchoolCalendar,
    school_setting: nw.LazyFrame,
    keep: Callable[[nw.LazyFrame], nw.LazyFrame] = lambda frame: frame,
    within: Within | None = None,
) -> Facts:
    """Cut every fact table at one day.

    Parameters
    ----------
    tables : mapping of table name to LazyFrame
        All of `FACT_TABLES`, every version, at least the columns `READ` and `VERSIONS`, all of
        one engine.
    as_of_day : int
    calendar : SchoolCalendar
    school_setting : LazyFrame
        From `school_settings`, on the same engine.
    keep, within : function, optional
        See `Facts`; with `within`, tables that grow every day need not be among `tables`.
    """

    def known(name: str) -> nw.LazyFrame:
        return as_known(tables[name], name, as_of_day=as_of_day)

    def of_days(name: str, window: Window) -> nw.LazyFrame:
        return known(name).filter(window.holds(nw.col("day")))

    return Facts(
        as_of_day=as_of_day,
        calendar=calendar,
        enrollment=known("enrollment"),
        attendance_summary=known("attendance_summary"),
        visit=known("visit"),
        within=within or of_days,
        school_setting=school_setting,
        keep=keep,
    )


def school_settings(district: District, school_ids: Iterable[str]) -> pl.DataFrame:
    """Each school's thresholds as whole numbers, so that a comparison is exact on every engine.

    Returns
    -------
    DataFrame
        One row a school, sorted; columns `SCHOOL_SETTING`: `absence_ppm` millionths of the school
        days, `first_warning_centi` and `trouble_centi` hundredths of a point, `pass_centi`
        hundredths of a per cent of the scale.
    """
    rows = [
        {"school_id": school, **_whole(district.thresholds_of(school))}
        for school in sorted(set(school_ids))
    ]
    return pl.DataFrame(rows, schema=SCHOOL_SETTING)


def _whole(thresholds: Thresholds) -> dict[str, int]:
    # A threshold written 0.1 means one tenth, not the nearest binary fraction above it.
    points = Fraction(str(thresholds.first_warning_points)) * 100
    return {
        "absence_ppm": round(Fraction(str(thresholds.absence_rate)) * MILLION),
        "first_warning_centi": round(points),
        "trouble_centi": ceil(points * Fraction(str(thresholds.behaviour_share))),
        "pass_centi": round(Fraction(str(thresholds.pass_mark)) * 100),
        "subjects_below": thresholds.subjects_below,
    }
