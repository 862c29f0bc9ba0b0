"""The same features as a data team would write them in pandas, from day-by-day marks.

Column at a time, categories for text, one grouping for each question; no loop over students. What
the marks do not hold (how a school's registers were kept) is left out; see `shared_features`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.features.build import FEATURES
from earlywarning.features.windows import Windows

ABSENT = ["sick", "permitted", "unexcused", "truant", "suspended"]
OUTSIDE = ["unrecorded", "not_required", "no_school", "other"]
KINDS = {
    "absent": ABSENT,
    "sick": ["sick"],
    "permitted": ["permitted"],
    "unexcused": ["unexcused", "truant"],
    "late": ["late"],
    "early_leave": ["early_leave"],
}
LEFT_OUT = (
    "grade_level", "new_to_school", "joined_late", "class_changes_year", "summary_absent_days",
    "summary_unexcused_days", "summary_effective_days", "summary_absence_rate",
    "expected_days_quarter", "recorded_share_quarter", "assumed_share", "attendance_known",
    "summary_known", "behaviour_known", "grades_known", "visits_known",
)  # fmt: skip


def shared_features() -> list[str]:
    """What both sides make."""
    return [feature.name for feature in FEATURES if feature.name not in LEFT_OUT]


def build(
    marks: pd.DataFrame, facts: dict[str, pd.DataFrame], district: District, quarter: Quarter
) -> pd.DataFrame:
    """Features of one as-of date: student_id, then `shared_features`, sorted by student."""
    as_of = quarter.start_day
    at = Windows.of(quarter, as_of_day=as_of, calendar=district.calendar)
    enrolled = known(facts["enrollment"], as_of)
    enrolled = enrolled[
        (enrolled["entry_day"] <= as_of)
        & (enrolled["exit_day"] > as_of)
        & (enrolled["school_year"] == quarter.school_year)
    ].sort_values("entry_day")
    cohort = enrolled.drop_duplicates("student_id", keep="last").set_index("student_id")
    cohort = cohort[["class_id", "school_id"]].sort_index()
    # By number: categories of which a window holds none do not line up with those of another.
    ids = cohort.index.astype(str)
    cohort = cohort.set_axis(pd.RangeIndex(len(ids), name="student_id"))
    marks = numbered(marks, ids)
    facts = {name: numbered(rows, ids) for name, rows in facts.items()}
    marked = attendance(known(marks, as_of), at)
    parts = [
        marked,
        two_years(marked, facts, cohort, district, at),
        behaviour(known(facts["behaviour_event"], as_of), cohort, district, at),
        grades(known(facts["grade"], as_of), cohort, district, at),
        visits(known(facts["visit"], as_of), cohort, as_of),
    ]
    frame = cohort
    for part in parts:
        frame = frame.join(part)
    nothing = {name: 0 for name in frame.columns if name.startswith("register_days_")}
    frame = frame.fillna(nothing | {"recorded_days_quarter": 0})
    frame.index = ids
    return frame[shared_features()].reset_index()


def numbered(rows: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    """The students of rows by their place in `ids`; everybody else is -1, and of no cohort."""
    places = ids.get_indexer(rows["student_id"].cat.categories)
    return rows.assign(student_id=places[rows["student_id"].cat.codes])


def known(frame: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Rows that were known, in the version that was the newest then."""
    mask = frame["known_day"] < as_of
    if "superseded_day" in frame:
        mask &= frame["superseded_day"] >= as_of
    if "day" in frame:
        mask &= frame["day"] < as_of
    return frame[mask]


def attendance(marks: pd.DataFrame, at: Windows) -> pd.DataFrame:
    """Counts, rates, changes, weekdays and streaks."""
    marks = marks[marks["day"] >= at.longest.start]
    marks = marks.assign(
        counted=~marks["status"].isin(OUTSIDE),
        **{kind: marks["status"].isin(statuses) for kind, statuses in KINDS.items()},
    )
    found: dict[str, pd.Series] = {}
    for window in at.all:
        rows = marks[marks["day"].between(window.start, window.end - 1)]
        sums = rows.groupby("student_id", observed=True)[["counted", *KINDS]].sum()
        found[f"register_days_{window.name}"] = sums["counted"]
        seen = sums["counted"] > 0
        for kind in KINDS:
            found[f"{kind}_days_{window.name}"] = sums[kind].where(seen)
            rate = "absence" if kind == "absent" else kind
            found[f"{rate}_rate_{window.name}"] = sums[kind] / sums["counted"].where(seen)
    year = marks[marks["day"] >= at.year.start]
    weekday = (year["day"] + 3) % 7 + 1
    for number, name in ((1, "monday"), (5, "friday")):
        days = (year["absent"] & (weekday == number)).groupby(year["student_id"], observed=True)
        days = days.sum()
        found[f"absent_{name}s_year"] = days.where(found["register_days_year"] > 0)
        absences = found["absent_days_year"]
        found[f"{name}_share_year"] = days / absences.where(absences > 0)
    frame = pd.DataFrame(found)
    for name, kind, of, against in (
        ("absence_rate_change_30d", "absent", "30d", "year"),
        ("absence_rate_change_quarter", "absent", "quarter", "before_quarter"),
        ("absence_rate_change_year", "absent", "year", "previous_year"),
        ("late_rate_change_quarter", "late", "quarter", "before_quarter"),
    ):
        days, past = frame[f"register_days_{of}"], frame[f"register_days_{against}"]
        more = frame[f"{kind}_days_{of}"] * past - frame[f"{kind}_days_{against}"] * days
        frame[name] = more / (days * past).where(lambda product: product > 0)
    last = marks[marks["day"] >= at.quarter.start]
    frame["absence_rate_vs_class_quarter"] = against_class(last, frame)
    recorded = last["status"] != "unrecorded"
    frame["recorded_days_quarter"] = recorded.groupby(last["student_id"], observed=True).sum()
    last_day = marks.groupby("student_id", observed=True)["day"].max()
    frame["days_since_register"] = at.quarter.end - last_day
    return frame.join(streaks(year, frame, at))


def against_class(last: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    """Own rate less that of the classes, weighted by the student's days in each."""
    classes = last.groupby("class_id", observed=True)[["counted", "absent"]].sum()
    rate = classes["absent"] * 1_000_000 // classes["counted"].clip(lower=1)
    own = last.groupby(["student_id", "class_id"], observed=True).size().rename("days")
    own = own.reset_index()
    own["expected"] = own["days"] * own["class_id"].astype(rate.index.dtype).map(rate).astype(int)
    own = own.groupby("student_id", observed=True)[["days", "expected"]].sum()
    marked = frame["register_days_quarter"]
    above = frame["absent_days_quarter"] * own["days"] * 1_000_000 - own["expected"] * marked
    divisor = marked * own["days"] * 1_000_000
    return above / divisor.where(divisor > 0)


def streaks(year: pd.DataFrame, frame: pd.DataFrame, at: Windows) -> pd.DataFrame:
    """Longest and current absence in school days; days outside the denominator are skipped."""
    days = year[year["counted"]].sort_values(["student_id", "day"])
    new_student = days["student_id"].ne(days["student_id"].shift())
    # A new number at each present day and at each student: absences between share one.
    run = (~days["absent"] | new_student).cumsum()
    absent = days[days["absent"]]
    lengths = absent.groupby(run[absent.index]).agg(
        student_id=("student_id", "first"), length=("day", "size"), last=("day", "max")
    )
    by_student = lengths.groupby("student_id", observed=True)["length"]
    in_quarter = lengths[lengths["last"] >= at.quarter.start]
    last_run = run.groupby(days["student_id"], observed=True).max()
    current = lengths["length"].reindex(last_run.to_numpy()).fillna(0)
    current.index = last_run.index
    found = pd.DataFrame(
        {
            "longest_absence_streak_year": by_student.max(),
            "longest_absence_streak_quarter": in_quarter.groupby("student_id", observed=True)[
                "length"
            ].max(),
            "current_absence_streak": current,
        }
    ).reindex(frame.index)
    found = found.fillna(0)
    year_seen, quarter_seen = frame["register_days_year"] > 0, frame["register_days_quarter"] > 0
    found["longest_absence_streak_quarter"] = found["longest_absence_streak_quarter"].where(
        quarter_seen
    )
    for name in ("longest_absence_streak_year", "current_absence_streak"):
        found[name] = found[name].where(year_seen)
    return found


def behaviour(
    events: pd.DataFrame, cohort: pd.DataFrame, district: District, at: Windows
) -> pd.DataFrame:
    """Incidents, points, merits."""
    events = events[events["day"] >= at.longest.start]
    incident = (events["polarity"] == "offence") & ~events["is_attendance_related"]
    incidents, merits = events[incident], events[events["polarity"] == "merit"]
    found = pd.DataFrame(index=cohort.index)
    centi = pd.DataFrame(index=cohort.index)
    for window in at.all:
        rows = incidents[incidents["day"].between(window.start, window.end - 1)]
        by_student = rows.groupby("student_id", observed=True)
        centi[window.name] = by_student["centipoints"].sum()
        found[f"incidents_{window.name}"] = by_student.size()
        for severity in ("minor", "moderate", "serious"):
            of_kind = rows[rows["severity"] == severity].groupby("student_id", observed=True)
            found[f"{severity}_incidents_{window.name}"] = of_kind.size()
        rows = merits[merits["day"].between(window.start, window.end - 1)]
        found[f"merits_{window.name}"] = rows.groupby("student_id", observed=True).size()
    found, centi = found.fillna(0), centi.fillna(0)
    schools = cohort["school_id"].unique()
    warnings = {
        school: district.thresholds_of(school).first_warning_points * 100 for school in schools
    }
    warning = cohort["school_id"].map(warnings).astype(float)
    for name in ("30d", "quarter", "year", "previous_year"):
        found[f"points_{name}"] = centi[name] / 100
        found[f"points_share_{name}"] = centi[name] / warning
    found["points_share_change_quarter"] = (centi["quarter"] - centi["before_quarter"]) / warning
    mates = centi["quarter"].groupby(cohort["class_id"], observed=True)
    size = mates.transform("size")
    above = centi["quarter"] * size - mates.transform("sum")
    found["points_share_vs_class_quarter"] = above / (warning * size)
    last = incidents.groupby("student_id", observed=True)["day"].max()
    found["days_since_incident"] = at.quarter.end - last
    recording = cohort["school_id"].isin(
        cohort.loc[cohort.index.isin(events["student_id"].unique()), "school_id"]
    )
    return found.where(recording)


def grades(
    rows: pd.DataFrame, cohort: pd.DataFrame, district: District, at: Windows
) -> pd.DataFrame:
    """Distance to the pass mark, now, latest, against the past and the class."""
    rows = rows[(rows["day"] >= at.before_quarter.start) & rows["student_id"].isin(cohort.index)]
    school = rows["student_id"].astype(cohort.index.dtype).map(cohort["school_id"])
    marks = {
        school_id: district.thresholds_of(school_id).pass_mark * 100
        for school_id in cohort["school_id"].unique()
    }
    own_mark = rows["pass_centi"].fillna(school.map(marks).astype(float))
    rows = rows.assign(
        distance=rows["score_centi"] - own_mark,
        finality=rows["kind"].map({"formative": 0, "midterm": 1, "final": 2}).astype(int),
    ).sort_values(["finality", "day", "score_centi"])
    key = ["student_id", "subject"]
    now = rows["day"] >= at.quarter.start
    quarter = rows[now].groupby(key, observed=True)["distance"].last()
    before = rows[~now].groupby(key, observed=True)["distance"].last()
    latest = quarter.combine_first(before)
    found = pd.DataFrame(index=cohort.index)
    for name, values in (("quarter", quarter), ("latest", latest)):
        by_student = values.groupby("student_id", observed=True)
        count = by_student.size().reindex(found.index).fillna(0)
        found[f"graded_subjects_{name}"] = count
        below = (values < 0).groupby("student_id", observed=True).sum()
        found[f"subjects_below_{name}"] = below.reindex(found.index)
        found[f"sum_{name}"] = by_student.sum().reindex(found.index)
        found[f"grade_distance_{name}"] = found[f"sum_{name}"] / (count.where(count > 0) * 100)
        found[f"grade_distance_min_{name}"] = by_student.min().reindex(found.index) / 100
    both = (quarter - before).dropna().groupby("student_id", observed=True)
    change, count = both.sum().reindex(found.index), both.size().reindex(found.index)
    found["grade_distance_change_quarter"] = change / (count * 100)
    count = found["graded_subjects_quarter"]
    mates = pd.DataFrame({"count": count, "sum": found["sum_quarter"].fillna(0), "size": 1})
    mates = mates.groupby(cohort["class_id"], observed=True).transform("sum")
    usual = (mates["count"] * 2 + mates["size"]) // (mates["size"] * 2)
    found["subjects_missing_quarter"] = (usual - count).clip(lower=0).where(mates["count"] > 0)
    above = found["sum_quarter"] * mates["count"] - mates["sum"] * count
    product = count * mates["count"]
    found["grade_distance_vs_class_quarter"] = above / (product.where(product > 0) * 100)
    recording = cohort["school_id"].isin(
        cohort.loc[found["graded_subjects_latest"] > 0, "school_id"]
    )
    return found.where(recording)


def two_years(
    marked: pd.DataFrame,
    facts: dict[str, pd.DataFrame],
    cohort: pd.DataFrame,
    district: District,
    at: Windows,
) -> pd.DataFrame:
    """Rates over this school year and the last."""
    start, end = at.previous_year.start, at.quarter.end
    found = pd.DataFrame(index=cohort.index)
    absent, days = (
        marked[[f"{what}_year", f"{what}_previous_year"]].sum(axis=1)
        for what in ("absent_days", "register_days")
    )
    found["absence_rate_two_years"] = absent / days.where(days > 0)
    stays = known(facts["enrollment"], end).sort_values(["student_id", "entry_day"])
    following = stays.groupby("student_id", observed=True)["entry_day"].shift(-1)
    stop = stays["exit_day"].where(~(following < stays["exit_day"]), following).clip(upper=end)
    enrolled = (stop - stays["entry_day"].clip(lower=start)).clip(lower=0)
    enrolled = enrolled.groupby(stays["student_id"], observed=True).sum().reindex(found.index)
    events = known(facts["behaviour_event"], end)
    events = events[events["day"] >= start]
    incidents = events[(events["polarity"] == "offence") & ~events["is_attendance_related"]]
    by_student = incidents.groupby("student_id", observed=True)["centipoints"]
    warning = cohort["school_id"].map(
        {s: district.thresholds_of(s).first_warning_points for s in cohort["school_id"].unique()}
    )
    recording = cohort["school_id"].isin(
        cohort.loc[cohort.index.isin(events["student_id"].unique()), "school_id"]
    ) & (enrolled > 0)
    size, points = (x.reindex(found.index).fillna(0) for x in (by_student.size(), by_student.sum()))
    found["incidents_per_100_days_two_years"] = (size * 100 / enrolled).where(recording)
    found["points_share_per_100_days_two_years"] = (
        points * 100 / (enrolled * warning.astype(float) * 100)
    ).where(recording)
    grades = known(facts["grade"], end)
    grades = grades[(grades["day"] >= start) & grades["student_id"].isin(cohort.index)]
    school = grades["student_id"].astype(cohort.index.dtype).map(cohort["school_id"])
    marks = {s: district.thresholds_of(s).pass_mark * 100 for s in cohort["school_id"].unique()}
    own_mark = grades["pass_centi"].fillna(school.map(marks).astype(float))
    distance = (grades["score_centi"] - own_mark).groupby(grades["student_id"], observed=True)
    found["grade_distance_two_years"] = (distance.sum() / (distance.size() * 100)).reindex(
        found.index
    )
    return found


def visits(rows: pd.DataFrame, cohort: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Visits made."""
    made = rows[rows["status"] == "done"]
    recent = made[made["day"] >= as_of - 365].groupby("student_id", observed=True).size()
    last = made.groupby("student_id", observed=True)["day"].max()
    return pd.DataFrame(
        {
            "visits_365d": recent.reindex(cohort.index).fillna(0),
            "days_since_visit": (as_of - last).reindex(cohort.index),
        }
    )


def read(folder: Path) -> pd.DataFrame:
    """One table, every file; text that repeats as categories."""
    repeating = ["student_id", "class_id", "school_id", "status", "subject"]
    return pd.read_parquet(folder, read_dictionary=repeating)
