"""Attendance totals of a period, from schools that give no days."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features.counting import share
from earlywarning.features.feature import Feature, count, measure
from earlywarning.features.views import Facts

FEATURES: tuple[Feature, ...] = (
    count(
        "summary_absent_days",
        "attendance",
        "Days absent in the latest period for which a school gave totals",
    ),
    count(
        "summary_unexcused_days",
        "attendance",
        "Days absent without excuse in the latest period for which a school gave totals",
    ),
    count(
        "summary_effective_days",
        "attendance",
        "School days of the latest period for which a school gave totals",
        changeable=False,
    ),
    measure(
        "summary_absence_rate",
        "attendance",
        "Absence rate of the latest period for which a school gave totals",
    ),
)


def features(facts: Facts, cohort: nw.LazyFrame) -> nw.LazyFrame:
    """The latest totals of every cohort student; empty for schools that give none."""
    return cohort.select("student_id").join(latest(facts), on="student_id", how="left")


def latest(facts: Facts) -> nw.LazyFrame:
    """Totals of the latest period known; of two that end on one day, the shorter.

    Returns
    -------
    LazyFrame
        student_id, summary_absent_days, summary_unexcused_days, summary_effective_days,
        summary_absence_rate.
    """
    summary = facts.keep(facts.attendance_summary)
    last = summary.group_by("student_id").agg(day=nw.col("day").max())
    ending = summary.join(last, on=["student_id", "day"], how="inner")
    shortest = ending.group_by("student_id").agg(start_day=nw.col("start_day").max())
    one = (
        ending.join(shortest, on=["student_id", "start_day"], how="inner")
        .group_by("student_id")
        .agg(
            summary_absent_days=nw.col("absent").max(),
            summary_unexcused_days=nw.col("unexcused").max(),
            summary_effective_days=nw.col("effective_days").max(),
        )
    )
    return one.with_columns(
        summary_absence_rate=share(nw.col("summary_absent_days"), nw.col("summary_effective_days"))
    )
