"""What the models predict: trouble in the coming quarter, by each school's own thresholds.

Unknown is not fine: a student who left before half of the quarter, or of whom nothing was recorded,
has no label.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.calendar import Quarter
from earlywarning.features import behaviour, enrollment, grades, school_days
from earlywarning.features.counting import totals, zero_if_empty
from earlywarning.features.views import MILLION, Facts
from earlywarning.features.visits import DONE
from earlywarning.features.windows import Window, before
from earlywarning.records.tables import OUTCOMES, Type

LABELLED, LEFT_EARLY, NO_DATA = "labelled", "left_early", "no_data"

_LABEL: Type = "int32"
OUTCOME_SCHEMA: dict[str, Type] = {
    "student_id": "str",
    **dict.fromkeys(OUTCOMES, _LABEL),
    "visited": "int32",
    "label_status": "str",
}
"""Columns of the finished table and their types."""


def outcomes(facts: Facts, quarter: Quarter) -> nw.LazyFrame:
    """What became of each student in a quarter.

    Parameters
    ----------
    facts : Facts
        Cut at a date after the quarter's end.
    quarter : Quarter

    Returns
    -------
    LazyFrame
        One row a student enrolled on `quarter.start`: student_id; attendance, behaviour, grades:
        1 in trouble, 0 not, empty unknown; visited: 1 if a visit was made in the quarter;
        label_status: `labelled`, `left_early`, or `no_data` (no outcome is known).
    """
    window = Window("window", quarter.start_day, quarter.end_day)
    all_stays = facts.keep(enrollment.stays(facts, since=window.start))
    cohort = facts.keep(enrollment.cohort(all_stays, quarter))
    stays = facts.keep(school_days.within(all_stays, window))
    sessions = facts.keep(school_days.sessions(facts, stays, window))
    frame = cohort.select("student_id", "school_id").join(
        facts.school_setting, on="school_id", how="left"
    )
    for part in (
        stayed(cohort, stays, sessions, window),
        attendance_outcome(facts, stays, sessions, window),
        behaviour_outcome(facts, window),
        grades_outcome(facts, cohort, window),
        visited(facts, window),
    ):
        frame = frame.join(part, on="student_id", how="left")
    recording = facts.within("behaviour_event", before(window.end)).select("school_id")
    frame = frame.join(
        recording.unique().with_columns(behaviour_known=nw.lit(1)), on="school_id", how="left"
    ).with_columns(
        *zero_if_empty(
            ["absent", "days", "serious", "centipoints", "graded", "below", "visited",
             "behaviour_known"]
        )
    )  # fmt: skip
    return _labels(frame)


def stayed(
    cohort: nw.LazyFrame, stays: nw.LazyFrame, sessions: nw.LazyFrame, window: Window
) -> nw.LazyFrame:
    """Whether each cohort student stayed for half of the quarter's school days.

    A school without registers is measured in calendar days.

    Returns
    -------
    LazyFrame
        student_id, stayed (bool).
    """
    days = school_days.of_school(sessions)
    in_school = totals(days, ["school_id"], sums={"all_days": nw.lit(1)})
    own = totals(
        school_days.enrolled(stays, days),
        ["student_id"],
        sums={"own_days": nw.col("school_days")},
    )
    calendar_days = totals(
        stays, ["student_id"], sums={"enrolled": nw.col("exit_day") - nw.col("entry_day")}
    )
    return (
        cohort.select("student_id", "school_id")
        .join(in_school, on="school_id", how="left")
        .join(own, on="student_id", how="left")
        .join(calendar_days, on="student_id", how="left")
        .with_columns(*zero_if_empty(["all_days", "own_days", "enrolled"]))
        .select(
            "student_id",
            stayed=nw.when(nw.col("all_days") > 0)
            .then(nw.col("own_days") * 2 >= nw.col("all_days"))
            .otherwise(nw.col("enrolled") * 2 >= window.end - window.start),
        )
    )


def attendance_outcome(
    facts: Facts, stays: nw.LazyFrame, sessions: nw.LazyFrame, window: Window
) -> nw.LazyFrame:
    """Days absent and school days of the quarter; from period totals where no day was marked.

    Returns
    -------
    LazyFrame
        student_id, absent, days.
    """
    stay_days = school_days.stay_days(stays, sessions, [window])
    marks = school_days.marks(facts, stay_days, sessions, window)
    counted = school_days.mark_counts(marks, window, ["absent", "outside"])
    daily = (
        totals(stay_days, ["student_id"], sums={"days": nw.col("days_window")})
        .join(counted, on="student_id", how="left")
        .with_columns(*zero_if_empty(["absent_window", "outside_window"]))
        .with_columns(days=nw.col("days") - nw.col("outside_window"))
    )
    within = window.holds(nw.col("day")) & (nw.col("start_day") >= window.start)
    summed = totals(
        facts.attendance_summary.filter(within & (nw.col("effective_days") > 0)),
        ["student_id"],
        sums={"period_absent": nw.col("absent"), "period_days": nw.col("effective_days")},
    )
    marked = nw.col("days") > 0
    return (
        daily.join(summed, on="student_id", how="left")
        .with_columns(*zero_if_empty(["period_absent", "period_days"]))
        .select(
            "student_id",
            absent=nw.when(marked).then(nw.col("absent_window")).otherwise(nw.col("period_absent")),
            days=nw.when(marked).then(nw.col("days")).otherwise(nw.col("period_days")),
        )
    )


def behaviour_outcome(facts: Facts, window: Window) -> nw.LazyFrame:
    """Serious incidents and points of the quarter: student_id, serious, centipoints."""
    incidents = facts.within("behaviour_event", window).filter(behaviour.is_incident())
    return totals(
        incidents,
        ["student_id"],
        flags={"serious": nw.col("severity") == "serious"},
        sums={"centipoints": nw.col("centipoints")},
    )


def grades_outcome(facts: Facts, cohort: nw.LazyFrame, window: Window) -> nw.LazyFrame:
    """Subjects graded, and below the pass mark, in the quarter: student_id, graded, below."""
    graded = facts.within("grade", window)
    subjects = grades.by_subject(graded, grades.pass_marks(facts, cohort), window)
    return totals(
        subjects,
        ["student_id"],
        flags={"graded": ~nw.col("quarter").is_null(), "below": nw.col("quarter") < 0},
    )


def visited(facts: Facts, window: Window) -> nw.LazyFrame:
    """Students visited at home in the quarter: student_id, visited."""
    made = facts.visit.filter((nw.col("status") == DONE) & window.holds(nw.col("day")))
    return made.select("student_id").unique().with_columns(visited=nw.lit(1))


def _labels(frame: nw.LazyFrame) -> nw.LazyFrame:
    # Whole numbers on both sides, so that exactly 10 % is 10 %.
    absent = nw.col("absent") * MILLION >= nw.col("days") * nw.col("absence_ppm")
    trouble = (nw.col("serious") > 0) | (nw.col("centipoints") >= nw.col("trouble_centi"))
    below = nw.col("below") >= nw.col("subjects_below")
    stayed = nw.col("stayed")
    labels = {
        "attendance": (nw.col("days") > 0, absent),
        "behaviour": (nw.col("behaviour_known") > 0, trouble),
        # With fewer subjects graded than count as trouble, trouble could not have shown.
        "grades": (nw.col("graded") >= nw.col("subjects_below"), below),
    }
    frame = frame.with_columns(
        nw.when(stayed & known).then(found.cast(nw.Int32)).alias(name)
        for name, (known, found) in labels.items()
    )
    nothing = nw.all_horizontal(*(nw.col(name).is_null() for name in OUTCOMES), ignore_nulls=True)
    status = (
        nw.when(~stayed)
        .then(nw.lit(LEFT_EARLY))
        .otherwise(nw.when(nothing).then(nw.lit(NO_DATA)).otherwise(nw.lit(LABELLED)))
    )
    return frame.with_columns(label_status=status).select(*OUTCOME_SCHEMA)
