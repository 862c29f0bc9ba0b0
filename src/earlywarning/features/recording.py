"""What was recorded of each student in one span of time, and what could have been.

The same school days and marks as the features count; so the state of the data and a list's
completeness never say two things.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features import enrollment, school_days
from earlywarning.features.counting import totals, zero_if_empty
from earlywarning.features.views import Facts
from earlywarning.features.windows import Window
from earlywarning.records.tables import Type

RECORDED_SCHEMA: dict[str, Type] = {
    "student_id": "str",
    "school_id": "str",
    "class_id": "str",
    "expected_days": "int64",
    "register_days": "int64",
    "assumed_days": "int64",
    "recorded_days": "int64",
}
"""Columns of `recorded` and their types."""


def recorded(facts: Facts, window: Window) -> nw.LazyFrame:
    """One row a student and class, for every stay that touches the window.

    Returns
    -------
    LazyFrame
        `RECORDED_SCHEMA`: expected_days, days on which any class of the school took its register
        while the student was in this class; register_days, those of the class; assumed_days, of
        them from a calendar; recorded_days, those with a mark of the student's own.
    """
    all_stays = enrollment.stays(facts, since=window.start)
    stays = facts.keep(school_days.within(all_stays, window))
    sessions = facts.keep(school_days.sessions(facts, stays, window))
    stay_days = facts.keep(school_days.stay_days(stays, sessions, [window]))
    marks = facts.keep(school_days.marks(facts, stay_days, sessions, window))
    missing = totals(
        marks,
        ["student_id", "class_no"],
        flags={"missing": nw.col("status") == "unrecorded"},
    )
    expected = totals(
        school_days.enrolled(stays, school_days.of_school(sessions)),
        ["student_id", "class_no"],
        sums={"expected_days": nw.col("school_days")},
    )
    own = totals(
        stay_days,
        ["student_id", "school_id", "class_id", "class_no"],
        sums={"register_days": nw.col("days"), "assumed_days": nw.col("assumed")},
    )
    return (
        own.join(expected, on=["student_id", "class_no"], how="left")
        .join(missing, on=["student_id", "class_no"], how="left")
        .with_columns(*zero_if_empty(["expected_days", "missing"]))
        .with_columns(recorded_days=nw.col("register_days") - nw.col("missing"))
        .select(*RECORDED_SCHEMA)
    )
