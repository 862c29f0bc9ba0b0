"""Visits that were made: history here, never the visits of the quarter to be predicted."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features.counting import known_in_school, totals, zero_if_empty
from earlywarning.features.feature import Feature, count
from earlywarning.features.views import Facts
from earlywarning.features.windows import Window

DONE = "done"

FEATURES: tuple[Feature, ...] = (
    count("visits_365d", "visits", "Visits made at home in the last 365 days", changeable=False),
    count(
        "days_since_visit",
        "visits",
        "Days since the last visit made at home; empty if there never was one",
        changeable=False,
    ),
)


def features(facts: Facts, cohort: nw.LazyFrame) -> nw.LazyFrame:
    """The visit history of every cohort student, and visits_known."""
    made = facts.visit.filter(nw.col("status") == DONE)
    last_year = Window("365d", facts.as_of_day - 365, facts.as_of_day)
    recent = totals(made, ["student_id"], flags={"visits_365d": last_year.holds(nw.col("day"))})
    last = made.group_by("student_id").agg(last_visit=nw.col("day").max())
    students = (
        cohort.select("student_id", "school_id")
        .join(recent, on="student_id", how="left")
        .join(last, on="student_id", how="left")
        .with_columns(
            *zero_if_empty(["visits_365d"]),
            days_since_visit=facts.as_of_day - nw.col("last_visit"),
        )
    )
    ever = ~nw.col("last_visit").is_null()
    return known_in_school(students, ever, "visits_known").select(
        "student_id", *(feature.name for feature in FEATURES), "visits_known"
    )
