"""How complete the records are: a page must say so, and a model must not take silence for calm."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features import school_days
from earlywarning.features.counting import known_in_school, share, totals, zero_if_empty
from earlywarning.features.feature import Feature, count, measure
from earlywarning.features.views import Facts
from earlywarning.features.windows import Windows

SOURCES = {
    "attendance_known": "daily attendance",
    "summary_known": "attendance totals",
    "behaviour_known": "behaviour",
    "grades_known": "grades",
    "visits_known": "visits made",
}

FEATURES: tuple[Feature, ...] = (
    count(
        "expected_days_quarter",
        "completeness",
        "Days of the quarter on which the school took registers while the student was enrolled",
        changeable=False,
    ),
    count(
        "recorded_days_quarter",
        "completeness",
        "Of those, days with the class's register taken and a mark for the student",
        changeable=False,
    ),
    measure(
        "recorded_share_quarter",
        "completeness",
        "Recorded days as a share of the expected ones",
        changeable=False,
    ),
    measure(
        "assumed_share",
        "completeness",
        "Share of the register days, this school year and the one before, that come from a "
        "calendar, not from a register",
        changeable=False,
    ),
    count(
        "days_since_register",
        "completeness",
        "Days since the student's class last took its register",
        changeable=False,
    ),
    *(
        count(
            name,
            "completeness",
            f"1 if the school recorded {words} of any of its students, else 0; looks as far back "
            "as the features do",
            changeable=False,
        )
        for name, words in SOURCES.items()
    ),
)


def features(
    facts: Facts,
    cohort: nw.LazyFrame,
    counts: nw.LazyFrame,
    expected: nw.LazyFrame,
) -> nw.LazyFrame:
    """How completely each cohort student, and the student's school, was recorded.

    Parameters
    ----------
    facts : Facts
    cohort : LazyFrame
        From `enrollment.cohort`.
    counts : LazyFrame
        From `attendance.counts`.
    expected : LazyFrame
        From `expected_days`.

    Returns
    -------
    LazyFrame
        student_id, then those of `FEATURES` that are about attendance. The other modules say
        themselves whether the school recorded their kind of event.
    """
    summarised = facts.attendance_summary.select("student_id").unique()
    days = ["days", "assumed", "days_quarter", "unrecorded_quarter", "expected_days_quarter"]
    students = (
        cohort.select("student_id", "school_id")
        .join(
            counts.select(
                "student_id", "days", "assumed", "days_quarter", "unrecorded_quarter", "last_day"
            ),
            on="student_id",
            how="left",
        )
        .join(expected, on="student_id", how="left")
        .join(summarised.with_columns(summarised=nw.lit(1)), on="student_id", how="left")
        .with_columns(*zero_if_empty([*days, "summarised"]))
    )
    students = known_in_school(students, nw.col("days") > 0, "attendance_known")
    students = known_in_school(students, nw.col("summarised") > 0, "summary_known")
    recorded = nw.col("days_quarter") - nw.col("unrecorded_quarter")
    return students.select(
        "student_id",
        "expected_days_quarter",
        "attendance_known",
        "summary_known",
        recorded_days_quarter=recorded,
        recorded_share_quarter=share(recorded, nw.col("expected_days_quarter")),
        assumed_share=share(nw.col("assumed"), nw.col("days")),
        days_since_register=facts.as_of_day - nw.col("last_day"),
    )


def expected_days(stays: nw.LazyFrame, sessions: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """School days of the quarter while the student was enrolled.

    A school day is one on which any class of the school took its register.

    Returns
    -------
    LazyFrame
        student_id, expected_days_quarter.
    """
    days = school_days.of_school(sessions).filter(at.quarter.holds(nw.col("day")))
    return totals(
        school_days.enrolled(stays, days),
        ["student_id"],
        sums={"expected_days_quarter": nw.col("school_days")},
    )
