"""The student's own school days, and what the class register says of them.

The denominator of every attendance rate is the number of days on which the student was enrolled
and the class's register was taken, less the days marked neither present nor absent. Present days
are not stored, so they are never counted one by one: the register days of a class are counted once
for all who were enrolled over the same dates, and only the exceptions are looked at per student.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw

from earlywarning.features.counting import nth, totals, zero_if_empty
from earlywarning.features.views import Facts
from earlywarning.features.windows import Window, Windows
from earlywarning.records.codes import (
    ABSENT_STATUSES,
    OUTSIDE_DENOMINATOR,
    UNEXCUSED_STATUSES,
    UNRECORDED,
)

STATUS_GROUPS: Mapping[str, tuple[str, ...]] = {
    "absent": ABSENT_STATUSES,
    "sick": ("sick",),
    "permitted": ("permitted",),
    "unexcused": UNEXCUSED_STATUSES,
    "late": ("late",),
    "early_leave": ("early_leave",),
    "outside": OUTSIDE_DENOMINATOR,
    "unrecorded": (UNRECORDED,),
}
"""What is counted, by name; `outside` days are neither present nor absent."""

ABSENT_ON = {"absent_mondays": 1, "absent_fridays": 5}
"""ISO weekdays on which absences are counted."""


def looked_at(all_stays: nw.LazyFrame, cohort: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """Stays that features look at: the cohort's in every window, others' in the quarter only.

    Whoever has left has no features, but still counts among the class-mates of the quarter.

    Returns
    -------
    LazyFrame
        As from `within`.
    """
    enrolled = cohort.select("student_id").with_columns(since=nw.lit(at.longest.start))
    since = nw.col("since").fill_null(at.quarter.start)
    return within(
        all_stays.join(enrolled, on="student_id", how="left")
        .with_columns(entry_day=nw.max_horizontal("entry_day", since))
        .filter(nw.col("exit_day") > nw.col("entry_day")),
        at.longest,
    )


def within(all_stays: nw.LazyFrame, longest: Window) -> nw.LazyFrame:
    """Stays that touch the window, cut to it.

    Returns
    -------
    LazyFrame
        student_id, class_id, school_id, class_no, entry_day, exit_day.
    """
    touching = all_stays.filter(
        (nw.col("exit_day") > longest.start) & (nw.col("entry_day") < longest.end)
    )
    return touching.select(
        "student_id",
        "class_id",
        "school_id",
        "class_no",
        entry_day=nw.max_horizontal("entry_day", nw.lit(longest.start)).cast(nw.Int32),
        exit_day=nw.min_horizontal("exit_day", nw.lit(longest.end)).cast(nw.Int32),
    )


def _slot(class_no: nw.Expr, day: nw.Expr) -> nw.Expr:
    """One whole number for a class on a day."""
    return class_no * 2**17 + day


def sessions(facts: Facts, stays: nw.LazyFrame, longest: Window) -> nw.LazyFrame:
    """The days on which each class's register was taken, numbered.

    Returns
    -------
    LazyFrame
        class_no, school_id, day, assumed, slot (of class and day), session: 1 for the class's
        first day in the window.
    """
    taken = facts.within("register_day", longest).filter(nw.col("taken"))
    classes = stays.select("class_id", "class_no", "school_id").unique()
    return (
        taken.select("class_id", "day", "assumed")
        .join(classes, on="class_id", how="inner")
        .select(
            "class_no",
            "school_id",
            "day",
            "assumed",
            slot=_slot(nw.col("class_no"), nw.col("day")),
            session=nth("class_no", by="day").cast(nw.Int32),
        )
    )


def stay_days(
    stays: nw.LazyFrame, sessions: nw.LazyFrame, windows: Sequence[Window]
) -> nw.LazyFrame:
    """Register days of every stay.

    Parameters
    ----------
    stays : LazyFrame
        From `within`.
    sessions : LazyFrame
        From `sessions`.
    windows : sequence of Window

    Returns
    -------
    LazyFrame
        `stays`, and per window `days_{window}`; `days` in all, `assumed` of them from a calendar
        rather than a register; `last_day`, the last of them (empty if none); `before`, the class's
        days before the student entered.
    """
    inside = (nw.col("day") >= nw.col("entry_day")) & (nw.col("day") < nw.col("exit_day"))
    # Most of a class share their dates: each distinct stretch is counted once.
    span = ["class_no", "entry_day", "exit_day"]
    flags = {"before": ~inside, "days": inside, "assumed": inside & nw.col("assumed")}
    flags |= {f"days_{window.name}": inside & window.holds(nw.col("day")) for window in windows}
    spans = totals(
        stays.select(span)
        .unique()
        .join(sessions.select("class_no", "day", "assumed"), on="class_no", how="inner")
        .filter(nw.col("day") < nw.col("exit_day")),
        span,
        flags=flags,
        latest={"last_day": nw.when(inside).then(nw.col("day"))},
    )
    return stays.join(spans, on=span, how="left").with_columns(*zero_if_empty(list(flags)))


def marks(
    facts: Facts, stay_days: nw.LazyFrame, sessions: nw.LazyFrame, longest: Window
) -> nw.LazyFrame:
    """Exceptions on the student's own school days.

    A mark outside the student's stay, or on a day whose register was withdrawn, does not count; so
    no numerator can exceed its denominator.

    Returns
    -------
    LazyFrame
        student_id, class_no, day, status; and session: the how-manieth of the student's own school
        days it was. It runs on over a change of class, because a transfer resets nothing.
    """
    earlier = (
        nw.col("days").cum_sum().over("student_id", order_by="entry_day")
        - nw.col("days")
        - nw.col("before")
    )
    numbered = stay_days.select(
        "student_id", "class_id", "class_no", "entry_day", "exit_day", offset=earlier
    )
    in_stay = (nw.col("day") >= nw.col("entry_day")) & (nw.col("day") < nw.col("exit_day"))
    return (
        facts.within("attendance_event", longest)
        .select("student_id", "class_id", "day", "status")
        .join(numbered, on=["student_id", "class_id"], how="inner")
        .filter(in_stay)
        .with_columns(slot=_slot(nw.col("class_no"), nw.col("day")))
        .join(sessions.select("slot", "session"), on="slot", how="inner")
        .select(
            "student_id",
            "class_no",
            "day",
            "status",
            session=(nw.col("session") + nw.col("offset")).cast(nw.Int32),
        )
    )


def is_kind(kind: str) -> nw.Expr:
    """Whether a mark is of a kind: of `STATUS_GROUPS` or `ABSENT_ON`."""
    if kind in ABSENT_ON:
        # ISO weekday of a day number: 1970-01-01 was a Thursday.
        return is_kind("absent") & ((nw.col("day") + 3) % 7 + 1 == ABSENT_ON[kind])
    return nw.col("status").is_in(STATUS_GROUPS[kind])


def mark_counts(marks: nw.LazyFrame, window: Window, kinds: Sequence[str]) -> nw.LazyFrame:
    """Count each student's marks in a window: student_id, then `{kind}_{window}` as wanted.

    One window at a time: a mark of the year before is not asked whether it was last month.
    """
    flags = {f"{kind}_{window.name}": is_kind(kind) for kind in kinds}
    return totals(marks.filter(window.holds(nw.col("day"))), ["student_id"], flags=flags)


def of_school(sessions: nw.LazyFrame) -> nw.LazyFrame:
    """The days on which any class of a school took its register: school_id, day."""
    return sessions.select("school_id", "day").unique()


def enrolled(stays: nw.LazyFrame, days: nw.LazyFrame) -> nw.LazyFrame:
    """Of `days` (school_id, day), how many lie in each stay: adds school_days, drops other stays.

    Each distinct stretch of a school is counted once.
    """
    span = ["school_id", "entry_day", "exit_day"]
    inside = (nw.col("day") >= nw.col("entry_day")) & (nw.col("day") < nw.col("exit_day"))
    spans = totals(
        stays.select(span).unique().join(days, on="school_id", how="inner").filter(inside),
        span,
        sums={"school_days": nw.lit(1)},
    )
    return stays.join(spans, on=span, how="inner")
