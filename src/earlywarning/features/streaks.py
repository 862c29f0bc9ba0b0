"""Absence in one stretch: the longest, and the one that goes on.

A streak counts school days of the student's own, within one school year. An unrecorded day, or one
outside the denominator, neither breaks nor lengthens it; a change of class does not break it.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features import school_days
from earlywarning.features.counting import nth, only_where, zero_if_empty
from earlywarning.features.feature import Feature, count
from earlywarning.features.windows import Windows

FEATURES: tuple[Feature, ...] = (
    count(
        "longest_absence_streak_quarter",
        "attendance",
        "School days in the longest unbroken absence that reached into the last quarter",
    ),
    count(
        "longest_absence_streak_year",
        "attendance",
        "School days in the longest unbroken absence of the school year so far",
    ),
    count(
        "current_absence_streak",
        "attendance",
        "School days of the absence that has not ended yet; 0 if last seen at school",
    ),
)


def features(
    cohort: nw.LazyFrame,
    counts: nw.LazyFrame,
    longest: nw.LazyFrame,
) -> nw.LazyFrame:
    """The streaks of every cohort student; empty without a marked day in the quarter or the year.

    Parameters
    ----------
    cohort : LazyFrame
        From `enrollment.cohort`.
    counts : LazyFrame
        From `attendance.counts`, for the marked days.
    longest : LazyFrame
        From `lengths`.
    """
    in_quarter, in_year = nw.col("register_days_quarter") > 0, nw.col("register_days_year") > 0
    names = [feature.name for feature in FEATURES]
    return (
        cohort.select("student_id")
        .join(
            counts.select("student_id", "register_days_quarter", "register_days_year"),
            on="student_id",
            how="left",
        )
        .join(longest, on="student_id", how="left")
        .with_columns(*zero_if_empty([*names, "register_days_quarter", "register_days_year"]))
        .with_columns(*only_where(in_quarter, names[:1]), *only_where(in_year, names[1:]))
        .select("student_id", *names)
    )


def lengths(counts: nw.LazyFrame, marks: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """Longest and current unbroken absence of every student with a mark in the year.

    A student's own school days are numbered without gaps. Number the days that are absent or
    outside the denominator as well: while both numbers grow together, no day at school came
    between, so their difference names the streak. A day outside the denominator grows both, and so
    breaks nothing; only absent days are counted, so it lengthens nothing.

    Parameters
    ----------
    counts : LazyFrame
        From `attendance.counts`.
    marks : LazyFrame
        From `school_days.marks`.
    at : Windows

    Returns
    -------
    LazyFrame
        student_id, then `FEATURES`.
    """
    absent = school_days.is_kind("absent")
    away = absent | school_days.is_kind("outside")
    numbered = marks.filter(at.year.holds(nw.col("day")) & away).select(
        "student_id",
        "day",
        absent=absent,
        streak=nw.col("session").cast(nw.Int64) - nth("student_id", by="day"),
    )
    # The streak that the next school day would continue.
    all_away = nw.col("absent_days_year") + nw.col("outside_year")
    open_streak = counts.select("student_id", open=nw.col("days") - all_away)
    length = (
        numbered.filter("absent")
        .group_by("student_id", "streak")
        .agg(nw.len().alias("length"), nw.col("day").max().alias("last_day"))
        .join(open_streak, on="student_id", how="inner")
        .select(
            "student_id",
            longest_absence_streak_year=nw.col("length").cast(nw.Int64),
            longest_absence_streak_quarter=nw.when(at.quarter.holds(nw.col("last_day")))
            .then(nw.col("length"))
            .otherwise(0)
            .cast(nw.Int64),
            current_absence_streak=nw.when(nw.col("streak") == nw.col("open"))
            .then(nw.col("length"))
            .otherwise(0)
            .cast(nw.Int64),
        )
    )
    return length.group_by("student_id").agg(nw.col(feature.name).max() for feature in FEATURES)
