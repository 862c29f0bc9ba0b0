"""Attendance: how much, of what kind, on which weekdays, and getting worse?

Rates are shares of the student's own school days (see `school_days`). An unrecorded day is neither
present nor absent: it is in no rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw

from earlywarning.features import school_days
from earlywarning.features.counting import only_where, share, totals, zero_if_empty
from earlywarning.features.feature import Feature, count, measure
from earlywarning.features.views import MILLION
from earlywarning.features.windows import Window, Windows

KINDS = ("absent", "sick", "permitted", "unexcused", "late", "early_leave")
WORDS = {
    "absent": "absent, for any reason",
    "sick": "absent, sick",
    "permitted": "absent with permission",
    "unexcused": "absent without excuse",
    "late": "late",
    "early_leave": "left early",
}
RATE = {"absent": "absence"}
"""`absent_days` but `absence_rate`; other kinds keep their word."""

SPANS = {
    "30d": "in the last 30 days",
    "quarter": "since the last quarter began",
    "year": "in the school year so far (in its first quarter: the year before)",
    "previous_year": "in the school year before",
}
PREVIOUS_YEAR_KINDS = ("absent", "unexcused", "late")


def _features() -> tuple[Feature, ...]:
    found: list[Feature] = []
    for window, when in SPANS.items():
        past = window == "previous_year"
        found.append(
            count(
                f"register_days_{window}",
                "attendance",
                f"School days {when} on which the student was enrolled and a mark was made",
                changeable=False,
            )
        )
        for kind in PREVIOUS_YEAR_KINDS if past else KINDS:
            rate = RATE.get(kind, kind)
            found += [
                count(
                    f"{kind}_days_{window}",
                    "attendance",
                    f"Days {WORDS[kind]}, {when}",
                    changeable=not past,
                ),
                measure(
                    f"{rate}_rate_{window}",
                    "attendance",
                    f"Share of the student's school days {WORDS[kind]}, {when}",
                    changeable=not past,
                ),
            ]
    return (
        *found,
        measure(
            "absence_rate_change_30d",
            "attendance",
            "Absence rate in the last 30 days, less that of the school year so far",
        ),
        measure(
            "absence_rate_change_quarter",
            "attendance",
            "Absence rate since the last quarter began, less that of the quarter before",
        ),
        measure(
            "absence_rate_change_year",
            "attendance",
            "Absence rate in the school year so far, less that of the year before",
        ),
        measure(
            "late_rate_change_quarter",
            "attendance",
            "Late rate since the last quarter began, less that of the quarter before",
        ),
        measure(
            "absence_rate_vs_class_quarter",
            "attendance",
            "Absence rate since the last quarter began, less that of the student's classes over "
            "the same days; those who left are counted in the class",
        ),
        count("absent_mondays_year", "attendance", "Mondays absent in the school year so far"),
        count("absent_fridays_year", "attendance", "Fridays absent in the school year so far"),
        measure(
            "monday_share_year",
            "attendance",
            "Share of the absences of the school year so far that fell on a Monday",
        ),
        measure(
            "friday_share_year",
            "attendance",
            "Share of the absences of the school year so far that fell on a Friday",
        ),
    )


FEATURES: tuple[Feature, ...] = _features()


def features(cohort: nw.LazyFrame, counts: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """The attendance features of every cohort student.

    Parameters
    ----------
    cohort : LazyFrame
        From `enrollment.cohort`.
    counts : LazyFrame
        From `counts`.
    at : Windows

    Returns
    -------
    LazyFrame
        student_id, then `FEATURES`.
    """
    return (
        cohort.select("student_id")
        .join(counts, on="student_id", how="left")
        .with_columns(*zero_if_empty([f"register_days_{window.name}" for window in at.all]))
        .with_columns(*_rates(at))
        .with_columns(*_changes(at))
        .with_columns(*_emptied(at))
        .select("student_id", *(feature.name for feature in FEATURES))
    )


def counts(stay_days: nw.LazyFrame, marks: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """Register days and exceptions of every student with a stay, all stays together.

    Returns
    -------
    LazyFrame
        student_id; per window `days_{window}` and, less the days outside the denominator,
        `register_days_{window}`; `{kind}_days_{window}`; `unrecorded_quarter`; `outside_year`;
        `absent_mondays_year`, `absent_fridays_year`; `class_absence`: what a student of the same
        classes was absent on average over `days_quarter`, in millionths of a day; `days`,
        `assumed` and last_day as in `school_days.stay_days`.
    """
    wanted: Mapping[Window, Sequence[str]] = {
        at.last_30_days: (*KINDS, "outside"),
        at.quarter: (*KINDS, "outside", "unrecorded"),
        at.before_quarter: ("absent", "late", "outside"),
        at.year: (*KINDS, "outside", *school_days.ABSENT_ON),
        at.previous_year: (*PREVIOUS_YEAR_KINDS, "outside"),
    }
    rated = stay_days.join(class_rates(stay_days, marks, at.quarter), on="class_no", how="left")
    names = [*(f"days_{window.name}" for window in at.all), "days", "assumed"]
    days = rated.select(
        "student_id",
        "last_day",
        *names,
        class_absence=nw.col("days_quarter") * nw.col("class_rate"),
    ).group_by("student_id")
    frame = days.agg(nw.col("last_day").max(), nw.col(*names, "class_absence").sum())
    counted = [f"{kind}_{window.name}" for window, kinds in wanted.items() for kind in kinds]
    for window, kinds in wanted.items():
        part = school_days.mark_counts(marks, window, kinds)
        frame = frame.join(part, on="student_id", how="left")
    return (
        frame.with_columns(*zero_if_empty([*counted, *names, "class_absence"]))
        .with_columns(
            (nw.col(f"days_{window.name}") - nw.col(f"outside_{window.name}")).alias(
                f"register_days_{window.name}"
            )
            for window in at.all
        )
        .rename(
            {
                f"{kind}_{window.name}": f"{kind}_days_{window.name}"
                for window, kinds in wanted.items()
                for kind in kinds
                if kind in KINDS
            }
        )
    )


def class_rates(stay_days: nw.LazyFrame, marks: nw.LazyFrame, quarter: Window) -> nw.LazyFrame:
    """Absence rate of each class in the quarter, over everyone who was in it.

    Those who left are counted, else a class would look better with each one who gave up.

    Returns
    -------
    LazyFrame
        class_no, class_rate (millionths; 0 for a class without a marked day).
    """
    counted = totals(
        marks.filter(quarter.holds(nw.col("day"))),
        ["class_no"],
        flags={kind: school_days.is_kind(kind) for kind in ("absent", "outside")},
    )
    marked = nw.col("days") - nw.col("outside")
    return (
        totals(stay_days, ["class_no"], sums={"days": nw.col("days_quarter")})
        .join(counted, on="class_no", how="left")
        .with_columns(*zero_if_empty(["absent", "outside"]))
        .select(
            "class_no",
            class_rate=nw.col("absent") * MILLION // nw.when(marked > 0).then(marked).otherwise(1),
        )
    )


def _rates(at: Windows) -> list[nw.Expr]:
    return [
        share(nw.col(f"{kind}_days_{window.name}"), nw.col(f"register_days_{window.name}")).alias(
            f"{RATE.get(kind, kind)}_rate_{window.name}"
        )
        for window in (at.last_30_days, at.quarter, at.year, at.previous_year)
        for kind in (PREVIOUS_YEAR_KINDS if window == at.previous_year else KINDS)
    ]


def _difference(kind: str, of: Window, against: Window) -> nw.Expr:
    """Difference of two rates, as one division of whole numbers."""
    part, whole = nw.col(f"{kind}_days_{of.name}"), nw.col(f"register_days_{of.name}")
    past, days = nw.col(f"{kind}_days_{against.name}"), nw.col(f"register_days_{against.name}")
    return share(part * days - past * whole, whole * days)


def _changes(at: Windows) -> list[nw.Expr]:
    own, marked = nw.col("absent_days_quarter"), nw.col("register_days_quarter")
    class_days = nw.col("days_quarter") * MILLION
    above = own * class_days - nw.col("class_absence") * marked
    return [
        _difference("absent", at.last_30_days, at.year).alias("absence_rate_change_30d"),
        _difference("absent", at.quarter, at.before_quarter).alias("absence_rate_change_quarter"),
        _difference("absent", at.year, at.previous_year).alias("absence_rate_change_year"),
        _difference("late", at.quarter, at.before_quarter).alias("late_rate_change_quarter"),
        share(above, marked * class_days).alias("absence_rate_vs_class_quarter"),
        share(nw.col("absent_mondays_year"), nw.col("absent_days_year")).alias("monday_share_year"),
        share(nw.col("absent_fridays_year"), nw.col("absent_days_year")).alias("friday_share_year"),
    ]


def _emptied(at: Windows) -> list[nw.Expr]:
    """Without one marked day, no count is known: not even that it was 0."""
    emptied = []
    for window in (at.last_30_days, at.quarter, at.year, at.previous_year):
        kinds = PREVIOUS_YEAR_KINDS if window == at.previous_year else KINDS
        names = [f"{kind}_days_{window.name}" for kind in kinds]
        if window == at.year:
            names += ["absent_mondays_year", "absent_fridays_year"]
        emptied += only_where(nw.col(f"register_days_{window.name}") > 0, names)
    return emptied
