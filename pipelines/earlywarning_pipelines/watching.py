"""Checks from a snapshot of facts: records, features and ranking, and what a list found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl

from earlywarning.calendar import Quarter, day_number
from earlywarning.district import District
from earlywarning.features.recording import RECORDED_SCHEMA, recorded
from earlywarning.features.windows import Window, before
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import Engine
from earlywarning.records.tables import Type
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.watch import practice, ranking, realised, recording
from earlywarning.risk.watch import quarter as watch_quarter
from earlywarning.risk.watch.checks import Check
from earlywarning.risk.watch.realised import Promise

SOON = 21
"""Days after its start from which a running quarter is looked at: two weeks' marks, and a lag."""


@dataclass(frozen=True)
class Watched:
    """What is compared with what.

    Attributes
    ----------
    estimators : mapping of outcome to Estimator
    learnt_from : tuple of str
        Codes of the quarters that the models learnt from.
    capacity_share : float
    reports : mapping of outcome to dict
        The trainings' reports; empty for a rule that was never trained.
    """

    estimators: Mapping[str, Estimator]
    learnt_from: tuple[str, ...]
    capacity_share: float
    reports: Mapping[str, Mapping[str, Any]]


def input_checks(
    engine: Engine,
    snapshot: Path,
    district: District,
    quarter: Quarter,
    *,
    history: Dataset,
    watched: Watched,
    as_of: date,
) -> list[Check]:
    """Records and ranking of a quarter against the quarters learnt from.

    Parameters
    ----------
    snapshot : Path
        Folder of one snapshot of facts.
    quarter : Quarter
        Its first day is not after `as_of`.
    history : Dataset
        The quarters learnt from, with labels.
    watched : Watched
    as_of : date
    """
    if not len(history):
        return []
    now = load_dataset(
        engine, snapshot, district, quarters=[quarter], known_before=quarter.start, labels=False
    )
    found = watch_quarter.checks(
        history,
        now,
        quarter=quarter.code,
        estimators=watched.estimators,
        features=_features(watched.estimators),
        weights=district.weights,
        capacity_share=watched.capacity_share,
        limits=district.monitor,
    )
    found += _day_by_day(engine, snapshot, district, quarter, history, now, as_of)
    found += _running(engine, snapshot, district, quarter, history, as_of)
    for outcome, report in watched.reports.items():
        if learnt_quarters(report) != history.quarters:
            continue
        check = ranking.redefined_check(
            outcome, rows=report["rows"], positives=report["positives"],
            now=history.y[outcome].to_numpy(dtype=np.float64),
        )  # fmt: skip
        found += [check] if check else []
    return found


def outcome_checks(
    history: Dataset,
    after: Dataset,
    risks: Mapping[str, Mapping[str, float]],
    watched: Watched,
    district: District,
    *,
    groups: Mapping[str, np.ndarray],
    seed: int,
) -> list[Check]:
    """What the published lists of one quarter found, outcome by outcome.

    Parameters
    ----------
    history : Dataset
        The quarters learnt from, with labels.
    after : Dataset
        The quarter's students, with labels.
    risks : mapping of outcome to mapping of student_id to float
        As published.
    watched : Watched
    district : District
    groups : mapping of name to array of str, shape (n,)
    seed : int
    """
    known = np.zeros(len(after), dtype=bool)
    for name in _EVIDENCE:
        known |= after.X[name].to_numpy(dtype=np.float64, na_value=0.0) > 0
    after = after.rows(known)
    students = after.ids["student_id"].tolist()
    found = []
    for outcome, by_student in risks.items():
        report = watched.reports.get(outcome, {})
        found += realised.checks(
            outcome,
            after.y[outcome].to_numpy(dtype=np.float64),
            np.array([by_student.get(one, np.nan) for one in students], dtype=np.float64),
            after.visited,
            {name: group[known] for name, group in groups.items()},
            promise=promise_of(report),
            capacity_share=watched.capacity_share,
            calibrated=bool(report.get("calibrated")),
            usual_shift=_usual_shift(history, outcome),
            limits=district.monitor,
            seed=seed,
        )
    return found


_EVIDENCE = (
    "register_days_year",
    "summary_absent_days",
    "incidents_year",
    "graded_subjects_latest",
)
"""Features of which one at least is above 0 for a student of whom anything was known."""


def _usual_shift(history: Dataset, outcome: str) -> float:
    """The farthest that one past quarter's share in trouble was from that of all."""
    y = history.y[outcome]
    shares = y.groupby(history.ids["quarter"].to_numpy()).mean().dropna()
    return float((shares - y.mean()).abs().max()) if len(shares) else 0.0


def learnt_quarters(report: Mapping[str, Any]) -> tuple[str, ...]:
    """The quarters that a training learnt from; none where its report does not say."""
    return tuple(report.get("quarters", {}).get("history", ()))


def promise_of(report: Mapping[str, Any]) -> Promise | None:
    """What a training found on its test quarters; None where there were none."""
    figures = report.get("test", {}).get(report.get("served"))
    if not figures or not figures.get("positives") or figures.get("found_share") is None:
        return None
    return Promise(
        float(figures["found_share"]), float(figures["positives"]), float(report["capacity_share"])
    )


def _features(estimators: Mapping[str, Estimator]) -> tuple[str, ...]:
    """Every feature that something in service looks at."""
    names: list[str] = []
    for one in estimators.values():
        names += getattr(one, "features", None) or [getattr(one, "feature")]  # noqa: B009
    return tuple(name for name in dict.fromkeys(names) if not _of_the_calendar(name))


def _of_the_calendar(feature: str) -> bool:
    """Whether holidays move a feature as much as children do.

    The last 30 days have 8 to 26 school days, and the same events count over the quarter, too. How
    many days were recorded has checks of its own.
    """
    return feature.startswith(("register_days", "recorded_")) or feature.endswith("_30d")


_SICK_SCHEMA: dict[str, Type] = {"student_id": "str", "school_id": "str", "day": "int64"}


def _day_by_day(
    engine: Engine,
    snapshot: Path,
    district: District,
    quarter: Quarter,
    history: Dataset,
    now: Dataset,
    as_of: date,
) -> list[Check]:
    """What no feature tells: how long there was no register, and the week with most illness."""
    end = min(as_of, quarter.end)
    facts = engine.views(snapshot, as_of_date=end, district=district)
    ill = facts.within("attendance_event", before(day_number(end))).filter(
        nw.col("status") == "sick"
    )
    sick = engine.collect(ill, _SICK_SCHEMA)
    facts = engine.views(snapshot, as_of_date=end, district=district)
    # Registers are of classes: the class stands in the place of the student.
    registers = (
        facts.within("register_day", before(day_number(end)))
        .filter(nw.col("taken"))
        .with_columns(student_id="class_id")
    )
    taken = engine.collect(registers, _SICK_SCHEMA)
    found = []
    for school in sorted(now.ids["school_id"].unique()):
        days = taken.filter(pl.col("school_id") == school)["day"].to_numpy()
        silence = recording.silence(days, day_number(end), school=school, limits=district.monitor)
        days = sick.filter(pl.col("school_id") == school)["day"].to_numpy()
        illness = _illness(school, days, district, quarter, history, now, day_number(end))
        found += [one for one in (silence, illness) if one]
    return found


def _illness(
    school: str,
    days: np.ndarray,
    district: District,
    quarter: Quarter,
    history: Dataset,
    now: Dataset,
    end: int,
) -> Check | None:
    """The worst week of the quarter before, and of the running one, against those learnt from."""
    weekdays = len(district.calendar.school_weekdays)
    past = []
    for code, rows in watch_quarter.by_quarter(history).items():
        students = int((history.ids["school_id"].iloc[rows] == school).sum())
        learnt = district.calendar.quarter(code)
        before = district.calendar.previous(learnt)
        if students:
            past.append(
                practice.worst_week(
                    days, start=before.start_day, end=before.end_day, students=students,
                    weekdays=weekdays,
                )
            )  # fmt: skip
    students = int((now.ids["school_id"] == school).sum())
    start = district.calendar.previous(quarter).start_day
    worst = practice.worst_week(days, start=start, end=end, students=students, weekdays=weekdays)
    return practice.illness_check(school, worst, past, students=students, limits=district.monitor)


def _running(
    engine: Engine,
    snapshot: Path,
    district: District,
    quarter: Quarter,
    history: Dataset,
    as_of: date,
) -> list[Check]:
    """Marks and registers of the last quarter's length of days, once the quarter has begun."""
    end = min(day_number(as_of), quarter.end_day)
    if end - quarter.start_day < SOON:
        return []
    window = Window("watch", end - (quarter.end_day - quarter.start_day), end)
    facts = engine.views(snapshot, as_of_date=min(as_of, quarter.end), district=district)
    days = engine.collect(recorded(facts, window), RECORDED_SCHEMA).to_pandas()
    counted = days[["expected_days", "register_days", "recorded_days"]].set_axis(
        ["expected", "register", "recorded"], axis=1
    )
    now = {
        str(school): recording.of_days(counted[days["school_id"] == school], None)
        for school in sorted(days["school_id"].unique())
    }
    past = [
        recording.of_features(part.ids, part.X)
        for part in (
            history.rows((history.ids["quarter"] == code).to_numpy()) for code in history.quarters
        )
    ]
    return [
        replace(check, subject=f"{check.subject}/{quarter.code}")
        for check in recording.checks(now, past, district.monitor)
    ]
