"""A student's year, week by week, for a picture beside the reasons. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import polars as pl

from earlywarning.calendar import WEEKS
from earlywarning.records.codes import ABSENT_STATUSES, OUTSIDE_DENOMINATOR

_DAYS = WEEKS * 7

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


def monday(day: pl.Expr) -> pl.Expr:
    """The Monday of a day's week, both as day numbers (day 0 was a Thursday)."""
    return day - (day + 3) % 7


def timelines(
    tables: Mapping[str, pl.DataFrame],
    *,
    as_of_day: int,
    pass_marks: Mapping[str, float] | None = None,
) -> dict[str, dict[str, Any]]:
    """What a year before the as-of date holds of each student, as it was known then.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        The fact tables enrollment, register_day, attendance_event, behaviour_event, grade and
        visit, every version.
    as_of_day : int
        Only what happened, and was known, before this day.
    pass_marks : mapping of school_id to float, optional
        In per cent of the scale, for grades that carry none of their own.

    Returns
    -------
    dict of student_id to dict
        `weeks`: [Monday, school days, days absent, days late] for each week with school days;
        `behaviour`: [Monday, offences, merits]; `grades`: [day, mean score, mean pass mark], a row
        a grading period, in per cent of the scale; `visits`: [day, status]. Oldest first.
    """
    cut = {name: _known(table, as_of_day) for name, table in tables.items()}
    parts = {
        "weeks": _weeks(cut["enrollment"], cut["register_day"], cut["attendance_event"], as_of_day),
        "behaviour": _behaviour(cut["behaviour_event"], as_of_day),
        "grades": _grades(cut["grade"], as_of_day, pass_marks or {}),
        "visits": recent(cut["visit"], as_of_day)
        .select("student_id", "day", "status")
        .sort("student_id", "day"),
    }
    found: dict[str, dict[str, Any]] = {}
    for name, frame in parts.items():
        for student_id, *values in frame.iter_rows():
            of_student = found.setdefault(student_id, {part: [] for part in parts})
            of_student[name].append(values)
    return found


def _known(table: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The versions that were the newest ones when the as-of day began."""
    return table.filter(pl.col("known_day") < as_of_day, pl.col("superseded_day") >= as_of_day)


def recent(rows: Rows, as_of_day: int) -> Rows:
    """Of rows with a day, those of the year that a timeline shows."""
    return rows.filter(pl.col("day") < as_of_day, pl.col("day") >= as_of_day - _DAYS)


def _weeks(
    enrollment: pl.DataFrame, register: pl.DataFrame, events: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    taken = recent(register, as_of_day).filter("taken").select("class_id", "day")
    stays = enrollment.filter(pl.col("exit_day") > as_of_day - _DAYS)
    days = (
        stays.select("student_id", "class_id", "entry_day", "exit_day")
        .join(taken, on="class_id")
        .filter(pl.col("day") >= pl.col("entry_day"), pl.col("day") < pl.col("exit_day"))
        .select("student_id", "day")
        .unique()
    )
    marked = recent(events, as_of_day).select("student_id", "day", "status")
    status = pl.col("status").fill_null("present")
    return (
        days.join(marked, on=["student_id", "day"], how="left")
        .filter(~status.is_in(OUTSIDE_DENOMINATOR))
        .group_by("student_id", monday(pl.col("day")).alias("week"))
        .agg(
            pl.len().alias("days"),
            status.is_in(ABSENT_STATUSES).sum().alias("absent"),
            (status == "late").sum().alias("late"),
        )
        .sort("student_id", "week")
    )


def _behaviour(events: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    # Lateness and absence stand in the attendance already.
    counted = recent(events, as_of_day).filter(~pl.col("is_attendance_related"))
    return (
        counted.group_by("student_id", monday(pl.col("day")).alias("week"))
        .agg(
            (pl.col("polarity") == "offence").sum().alias("offences"),
            (pl.col("polarity") == "merit").sum().alias("merits"),
        )
        .sort("student_id", "week")
    )


def _grades(grades: pl.DataFrame, as_of_day: int, pass_marks: Mapping[str, float]) -> pl.DataFrame:
    of_school = pl.col("school_id").replace_strict(
        dict(pass_marks), default=None, return_dtype=pl.Float64
    )
    return (
        recent(grades, as_of_day)
        .with_columns(pl.col("pass_centi").cast(pl.Float64).fill_null(of_school * 100))
        .group_by("student_id", "period")
        .agg(
            pl.col("day").max(),
            (pl.col("score_centi").mean() / 100).round(1).alias("score"),
            (pl.col("pass_centi").mean() / 100).round(1).alias("pass_mark"),
        )
        .sort("student_id", "day", "period")
        .select("student_id", "day", "score", "pass_mark")
    )
