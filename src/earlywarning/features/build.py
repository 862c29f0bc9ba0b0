"""All features of all cohort students as of one day; training and scoring both come here."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.calendar import Quarter
from earlywarning.features import (
    attendance,
    behaviour,
    completeness,
    enrollment,
    grades,
    period_totals,
    school_days,
    streaks,
    two_years,
    visits,
)
from earlywarning.features.feature import Feature
from earlywarning.features.views import Facts
from earlywarning.features.windows import Windows
from earlywarning.records.tables import Type

_MADE: tuple[Feature, ...] = (
    *enrollment.FEATURES,
    *attendance.FEATURES,
    *streaks.FEATURES,
    *period_totals.FEATURES,
    *behaviour.FEATURES,
    *grades.FEATURES,
    *two_years.FEATURES,
    *visits.FEATURES,
    *completeness.FEATURES,
)
_DOMAINS = list(dict.fromkeys(feature.domain for feature in _MADE))
FEATURES: tuple[Feature, ...] = tuple(
    sorted(_MADE, key=lambda feature: _DOMAINS.index(feature.domain))
)
"""Every feature, domain by domain, in the order of the table."""

IDS = ("student_id", "school_id", "class_id")
_ID: Type = "str"
FEATURE_SCHEMA: dict[str, Type] = {
    **dict.fromkeys(IDS, _ID),
    **{feature.name: feature.type for feature in FEATURES},
}
"""Columns of the finished table and their types; every engine casts to it."""


def features(facts: Facts, quarter: Quarter) -> nw.LazyFrame:
    """What was known of each student before the as-of date.

    Parameters
    ----------
    facts : Facts
        Cut at the as-of date, normally `quarter.start`.
    quarter : Quarter
        The quarter to be predicted.

    Returns
    -------
    LazyFrame
        One row a student enrolled on `quarter.start`, in no particular order: `IDS`, then
        `FEATURES`. Collect it with `FEATURE_SCHEMA`.
    """
    at = Windows.of(quarter, as_of_day=facts.as_of_day, calendar=facts.calendar)
    all_stays = facts.keep(enrollment.stays(facts, since=at.longest.start))
    cohort = facts.keep(enrollment.cohort(all_stays, quarter))
    stays = facts.keep(school_days.looked_at(all_stays, cohort, at))
    sessions = facts.keep(school_days.sessions(facts, stays, at.longest))
    stay_days = facts.keep(school_days.stay_days(stays, sessions, at.all))
    marks = facts.keep(school_days.marks(facts, stay_days, sessions, at.longest))
    counts = facts.keep(attendance.counts(stay_days, marks, at))
    # What is made of long tables is kept; so they can go before the last step.
    lengths = facts.keep(streaks.lengths(counts, marks, at))
    expected = facts.keep(completeness.expected_days(stays, sessions, at))
    incidents = facts.keep(behaviour.counts(facts, cohort, at))
    frame = cohort.select(*IDS)
    # Widest last: a join copies every column that is there already.
    for part in (
        enrollment.features(facts, cohort, all_stays, quarter),
        streaks.features(cohort, counts, lengths),
        period_totals.features(facts, cohort),
        visits.features(facts, cohort),
        completeness.features(facts, cohort, counts, expected),
        two_years.features(facts, cohort, all_stays, counts, incidents, at),
        grades.features(facts, cohort, at),
        behaviour.features(facts, cohort, incidents, at),
        attendance.features(cohort, counts, at),
    ):
        frame = frame.join(part, on="student_id", how="left")
    return frame.select(*FEATURE_SCHEMA)
