"""The longer memory: a student's grades, incidents and absences over this school year and the last.

One quarter holds few events; over two years the same student shows more clearly. Rates are per
enrolled day or school day, so that somebody who came a quarter ago compares with somebody who came
two years ago. Schools without a record of a kind leave its columns empty.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features.counting import known_in_school, only_where, share, totals, zero_if_empty
from earlywarning.features.feature import Feature, measure
from earlywarning.features.views import Facts
from earlywarning.features.windows import Window, Windows

FEATURES: tuple[Feature, ...] = (
    measure(
        "absence_rate_two_years",
        "attendance",
        "Absent days over school days, this school year and the last",
    ),
    measure(
        "incidents_per_100_days_two_years",
        "behaviour",
        "Incidents on a hundred enrolled days (holidays counted), this school year and the last",
    ),
    measure(
        "points_share_per_100_days_two_years",
        "behaviour",
        "Points of incidents on a hundred enrolled days, this school year and the last, as a share "
        "of the school's first warning",
    ),
    measure(
        "grade_distance_two_years",
        "grades",
        "Mean distance to the pass mark over all grades of this school year and the last",
    ),
)
_BEHAVIOUR = ("incidents_per_100_days_two_years", "points_share_per_100_days_two_years")


def features(
    facts: Facts,
    cohort: nw.LazyFrame,
    all_stays: nw.LazyFrame,
    counts: nw.LazyFrame,
    incidents: nw.LazyFrame,
    at: Windows,
) -> nw.LazyFrame:
    """The features of every cohort student.

    Parameters
    ----------
    facts : Facts
    cohort : LazyFrame
    all_stays : LazyFrame
        From `enrollment.stays`, since the start of the longest window at the latest.
    counts : LazyFrame
        From `attendance.counts`.
    incidents : LazyFrame
        From `behaviour.counts`.
    at : Windows
    """
    both = Window("two_years", at.previous_year.start, at.quarter.end)
    students = (
        cohort.select("student_id", "school_id")
        .join(_absences(counts, at), on="student_id", how="left")
        .join(_enrolled_days(all_stays, both), on="student_id", how="left")
        .join(_incidents(incidents, at), on="student_id", how="left")
        .join(facts.keep(_graded(facts, both)), on="student_id", how="left")
        .join(
            facts.school_setting.select("school_id", "first_warning_centi", "pass_centi"),
            on="school_id",
            how="left",
        )
        .with_columns(
            *zero_if_empty(
                ["absent", "marked", "enrolled", "rows", "incidents", "points", "graded",
                 "above_own_marks", "without_mark"]
            )
        )
    )  # fmt: skip
    students = known_in_school(students, nw.col("rows") > 0, "behaviour_known")
    warned_days = nw.col("enrolled") * nw.col("first_warning_centi")
    distance = nw.col("above_own_marks") - nw.col("without_mark") * nw.col("pass_centi")
    return (
        students.with_columns(
            absence_rate_two_years=share(nw.col("absent"), nw.col("marked")),
            incidents_per_100_days_two_years=share(nw.col("incidents") * 100, nw.col("enrolled")),
            points_share_per_100_days_two_years=share(nw.col("points") * 100, warned_days),
            grade_distance_two_years=share(distance, nw.col("graded"), times=100),
        )
        .with_columns(*only_where(nw.col("behaviour_known") > 0, _BEHAVIOUR))
        .select("student_id", *(feature.name for feature in FEATURES))
    )


def _absences(counts: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    # In the first quarter of a school year `year` is the year before: the two never overlap.
    windows = (at.year.name, at.previous_year.name)
    return counts.select(
        "student_id",
        absent=sum((nw.col(f"absent_days_{name}") for name in windows), nw.lit(0)),
        marked=sum((nw.col(f"register_days_{name}") for name in windows), nw.lit(0)),
    )


def _enrolled_days(stays: nw.LazyFrame, window: Window) -> nw.LazyFrame:
    first = nw.max_horizontal("entry_day", nw.lit(window.start))
    end = nw.min_horizontal("exit_day", nw.lit(window.end))
    days = nw.max_horizontal(end - first, nw.lit(0))
    return totals(stays, ["student_id"], sums={"enrolled": days})


def _incidents(incidents: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    windows = (at.year.name, at.previous_year.name)
    return incidents.select(
        "student_id",
        "rows",
        incidents=sum((nw.col(f"incidents_{name}") for name in windows), nw.lit(0)),
        points=sum((nw.col(f"centipoints_{name}") for name in windows), nw.lit(0)),
    )


def _graded(facts: Facts, window: Window) -> nw.LazyFrame:
    own = nw.col("pass_centi")
    return totals(
        facts.within("grade", window),
        ["student_id"],
        flags={"graded": nw.lit(value=True), "without_mark": own.is_null()},
        sums={"above_own_marks": nw.col("score_centi") - own.fill_null(0)},
    )
