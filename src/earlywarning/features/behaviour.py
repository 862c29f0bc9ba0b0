"""Behaviour: incidents and points, as shares of what the school itself calls a warning.

Incidents about attendance (truancy, coming late) are left out: schools give points for them, so
attendance would be counted twice. A school that recorded no behaviour at all has no counts, rather
than counts of 0.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features.counting import known_in_school, only_where, share, totals, zero_if_empty
from earlywarning.features.feature import Feature, count, measure
from earlywarning.features.views import Facts
from earlywarning.features.windows import Windows
from earlywarning.records.codes import SEVERITIES

SPANS = {
    "30d": "in the last 30 days",
    "quarter": "since the last quarter began",
    "year": "in the school year so far (in its first quarter: the year before)",
}


def _features() -> tuple[Feature, ...]:
    found: list[Feature] = []
    for window, when in SPANS.items():
        found += [
            count(f"incidents_{window}", "behaviour", f"Incidents {when}"),
            measure(
                f"points_{window}",
                "behaviour",
                f"Points {when}, in the school's own scale: for wording, not comparable between "
                "schools",
            ),
            measure(
                f"points_share_{window}",
                "behaviour",
                f"Points {when}, as a share of the school's first warning",
            ),
        ]
        if window != "30d":
            found += [
                count(
                    f"{severity}_incidents_{window}", "behaviour", f"Incidents, {severity}, {when}"
                )
                for severity in SEVERITIES
            ]
            found.append(count(f"merits_{window}", "behaviour", f"Merits {when}"))
    return (
        *found,
        measure(
            "points_share_previous_year",
            "behaviour",
            "Points in the school year before, as a share of the school's first warning",
            changeable=False,
        ),
        measure(
            "points_share_change_quarter",
            "behaviour",
            "Points since the last quarter began less those of the quarter before, as a share of "
            "the school's first warning",
        ),
        measure(
            "points_share_vs_class_quarter",
            "behaviour",
            "Points since the last quarter began less the class-mates' mean, as a share of the "
            "school's first warning",
        ),
        count(
            "days_since_incident",
            "behaviour",
            "Days since the last incident of this school year or the year before",
        ),
    )


FEATURES: tuple[Feature, ...] = _features()


def features(facts: Facts, cohort: nw.LazyFrame, own: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """The behaviour features of every cohort student, and behaviour_known.

    Parameters
    ----------
    facts : Facts
    cohort : LazyFrame
        From `enrollment.cohort`.
    own : LazyFrame
        From `counts`.
    at : Windows
    """
    names = [name for name in own.columns if name not in ("student_id", "last_incident")]
    students = (
        cohort.select("student_id", "class_id", "school_id")
        .join(own, on="student_id", how="left")
        .with_columns(*zero_if_empty(names))
    )
    students = known_in_school(students, nw.col("rows") > 0, "behaviour_known")
    class_mates = totals(
        students,
        ["class_id"],
        sums={"class_points": nw.col("centipoints_quarter"), "class_size": nw.lit(1)},
    )
    warning, size = nw.col("first_warning_centi"), nw.col("class_size")
    change = nw.col("centipoints_quarter") - nw.col("centipoints_before_quarter")
    above = nw.col("centipoints_quarter") * size - nw.col("class_points")
    wanted = [feature.name for feature in FEATURES]
    return (
        students.join(class_mates, on="class_id", how="left")
        .join(
            facts.school_setting.select("school_id", "first_warning_centi"),
            on="school_id",
            how="left",
        )
        .with_columns(
            *(
                share(nw.col(f"centipoints_{name}"), warning).alias(f"points_share_{name}")
                for name in (*SPANS, "previous_year")
            ),
            *(
                share(nw.col(f"centipoints_{name}") * size, size, times=100).alias(f"points_{name}")
                for name in SPANS
            ),
            points_share_change_quarter=share(change, warning),
            points_share_vs_class_quarter=share(above, warning * size),
            days_since_incident=at.quarter.end - nw.col("last_incident"),
        )
        .with_columns(*only_where(nw.col("behaviour_known") > 0, wanted))
        .select("student_id", *wanted, "behaviour_known")
    )


def is_incident() -> nw.Expr:
    """An offence that is not about attendance."""
    return (nw.col("polarity") == "offence") & ~nw.col("is_attendance_related")


def counts(facts: Facts, cohort: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """Incidents, merits and points of every cohort student with any, in all windows.

    Returns
    -------
    LazyFrame
        student_id; rows (events of any kind); incidents, severities and merits by window;
        `centipoints_{window}` (incidents only); last_incident (day, empty if none).
    """
    day = nw.col("day")
    events = facts.within("behaviour_event", at.longest).join(
        cohort.select("student_id"), on="student_id", how="semi"
    )
    counted = (at.last_30_days, at.quarter, at.year, at.previous_year)
    flags = {"rows": ~day.is_null()}
    flags |= {f"incidents_{w.name}": is_incident() & w.holds(day) for w in counted}
    for window in (at.quarter, at.year):
        for severity in SEVERITIES:
            flags[f"{severity}_incidents_{window.name}"] = (
                is_incident() & window.holds(day) & (nw.col("severity") == severity)
            )
        flags[f"merits_{window.name}"] = (nw.col("polarity") == "merit") & window.holds(day)
    points = {
        f"centipoints_{w.name}": nw.when(is_incident() & w.holds(day))
        .then(nw.col("centipoints"))
        .otherwise(0)
        for w in at.all
    }
    return totals(
        events,
        ["student_id"],
        flags=flags,
        sums=points,
        latest={"last_incident": nw.when(is_incident()).then(day)},
    )
