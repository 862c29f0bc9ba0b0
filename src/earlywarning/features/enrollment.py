"""Who is enrolled where, and whether the student is new, came late or changed class."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.calendar import Quarter, day_date, day_number
from earlywarning.features.counting import totals, zero_if_empty
from earlywarning.features.feature import Feature, count
from earlywarning.features.views import Facts

SETTLING_DAYS = 14
"""A student who enters a class more than two weeks after its first has joined late."""

FEATURES: tuple[Feature, ...] = (
    count("grade_level", "enrollment", "Grade level of the class", changeable=False),
    count(
        "new_to_school",
        "enrollment",
        "1 if first enrolled at this school in this school year; empty where the school's records "
        "start in it",
        changeable=False,
    ),
    count(
        "joined_late",
        "enrollment",
        "1 if the student entered more than 14 days after the class began its year",
        changeable=False,
    ),
    count(
        "class_changes_year",
        "enrollment",
        "Changes of class, and returns, in this school year",
        changeable=False,
    ),
)


def stays(facts: Facts, *, since: int) -> nw.LazyFrame:
    """Each stretch of a student in a class, in the school years from a day on; one class at a time.

    A later entry ends an earlier stay, so a class that was never closed (last year's, or the one
    before a transfer) counts no day twice.

    Returns
    -------
    LazyFrame
        student_id, class_id, class_no, school_id, school_year, grade_level, entry_day, exit_day
        (first day no longer enrolled). class_no numbers the classes: whole numbers join several
        times faster than names.
    """
    first_year = facts.calendar.school_year_of(day_date(since))
    entered = facts.enrollment.filter(nw.col("school_year") >= first_year)
    classes = entered.select("class_id").unique().with_row_index("class_no", order_by="class_id")
    numbered = entered.join(
        classes.select("class_id", nw.col("class_no").cast(nw.Int64)), on="class_id", how="inner"
    ).select(
        "student_id",
        "class_id",
        "class_no",
        "school_id",
        "school_year",
        "grade_level",
        "entry_day",
        "exit_day",
        # Of two classes entered on one day the later name stands.
        place=nw.col("entry_day").cast(nw.Int64) * 2**24 + nw.col("class_no"),
    )
    later = numbered.select("student_id", next_place="place", next_entry="entry_day")
    # Few stays overlap: to look for those is cheaper than to put every student's in order.
    ended = (
        numbered.join(later, on="student_id", how="inner")
        .filter(nw.col("next_place") > nw.col("place"), nw.col("next_entry") < nw.col("exit_day"))
        .group_by("student_id", "place")
        .agg(nw.col("next_entry").min())
    )
    exit_day = nw.col("next_entry").fill_null(nw.col("exit_day"))
    return (
        numbered.join(ended, on=["student_id", "place"], how="left")
        .with_columns(exit_day=exit_day.cast(nw.Int32))
        .filter(nw.col("exit_day") > nw.col("entry_day"))
        .drop("next_entry", "place")
    )


def cohort(all_stays: nw.LazyFrame, quarter: Quarter) -> nw.LazyFrame:
    """Students enrolled on the quarter's first day.

    The stay must be of the quarter's school year: last year's class, left open by a school that
    does not record leaving, is no enrolment.

    Returns
    -------
    LazyFrame
        One row a student: student_id, school_id, class_id, grade_level.
    """
    enrolled = (nw.col("entry_day") <= quarter.start_day) & (nw.col("exit_day") > quarter.start_day)
    return all_stays.filter(enrolled & (nw.col("school_year") == quarter.school_year)).select(
        "student_id", "school_id", "class_id", "grade_level"
    )


def features(
    facts: Facts, cohort: nw.LazyFrame, all_stays: nw.LazyFrame, quarter: Quarter
) -> nw.LazyFrame:
    """The enrolment features of every cohort student."""
    year_start = day_number(facts.calendar.school_year_start(quarter.school_year))
    at_school = facts.keep(
        facts.enrollment.group_by("student_id", "school_id").agg(
            first_entry=nw.col("entry_day").min()
        )
    )
    school = at_school.group_by("school_id").agg(school_first_entry=nw.col("first_entry").min())
    this_year = all_stays.filter(
        nw.col("school_year") == quarter.school_year, nw.col("entry_day") <= quarter.start_day
    )
    first_stay = this_year.group_by("student_id").agg(entry_day=nw.col("entry_day").min())
    class_began = this_year.group_by("class_id").agg(class_began=nw.col("entry_day").min())
    late = (
        first_stay.join(
            this_year.select("student_id", "class_id", "entry_day"),
            on=["student_id", "entry_day"],
            how="inner",
        )
        .join(class_began, on="class_id", how="inner")
        .select("student_id", late_by=nw.col("entry_day") - nw.col("class_began"))
    )
    entries = totals(this_year, ["student_id"], sums={"entries": nw.lit(1)})
    new = (nw.col("first_entry") >= year_start).cast(nw.Int32)
    return (
        cohort.join(at_school, on=["student_id", "school_id"], how="left")
        .join(school, on="school_id", how="left")
        .join(late, on="student_id", how="left")
        .join(entries, on="student_id", how="left")
        .with_columns(*zero_if_empty(["late_by"]))
        .select(
            "student_id",
            "grade_level",
            new_to_school=nw.when(nw.col("school_first_entry") < year_start).then(new),
            joined_late=(nw.col("late_by") > SETTLING_DAYS).cast(nw.Int32),
            class_changes_year=nw.col("entries") - 1,
        )
    )
