"""A school drawn at random, for tests of models: its truth is a hidden engagement that drifts.

`dataset` draws the finished table of features and outcomes; `facts` draws records to compute it
from. Nothing here is meant to look like a real school; it is meant to be learnt from quickly.
"""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.calendar import NEVER, Quarter, SchoolCalendar, day_number
from earlywarning.features.build import FEATURES
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.risk.dataset import Dataset

CALENDAR = SchoolCalendar()
QUARTERS = ("2024-25-Q1", "2024-25-Q2", "2024-25-Q3", "2024-25-Q4", "2025-26-Q1", "2025-26-Q2")
WINDOWS = {"30d": 20, "quarter": 60, "year": 120, "previous_year": 240}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@cache
def dataset(
    students: int = 200,
    quarters: tuple[str, ...] = QUARTERS,
    seed: int = 0,
    effect: float = 0.8,
    visits: float = 2.0,
) -> Dataset:
    """Features and outcomes of some quarters; visits go to those in trouble, and help."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=students)
    parts = []
    for quarter in quarters:
        hidden = 0.8 * hidden + 0.6 * rng.normal(size=students)
        X = _features(hidden, rng)
        seen = X["absence_rate_quarter"].fillna(0).to_numpy() * 15
        visited = (rng.random(students) < sigmoid(seen - visits)).astype(float)
        later = 0.8 * hidden + 0.6 * rng.normal(size=students) - effect * visited
        y = pd.DataFrame(
            {
                name: (rng.random(students) < sigmoid(2 * later - rarity)).astype(float)
                for name, rarity in (("attendance", 2.0), ("behaviour", 3.0), ("grades", 1.5))
            }
        )
        y[rng.random(students) < 0.03] = np.nan
        ids = pd.DataFrame(
            {
                "quarter": quarter,
                "student_id": [f"{i:032x}" for i in range(students)],
                "school_id": "SCH1",
                "class_id": [f"SCH1/{quarter[:7]}/{i % 7}" for i in range(students)],
            }
        )
        parts.append((ids, X, y, visited))
    ids = pd.concat([part[0] for part in parts], ignore_index=True)
    X = pd.concat([part[1] for part in parts], ignore_index=True)
    y = pd.concat([part[2] for part in parts], ignore_index=True)
    visited = np.concatenate([part[3] for part in parts])
    return Dataset(ids, X, y, visited, np.full(len(ids), "labelled", dtype=object))


def _features(hidden: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(hidden)
    X = pd.DataFrame(np.nan, index=range(n), columns=[feature.name for feature in FEATURES])
    for window, days in WINDOWS.items():
        absent = rng.binomial(days, sigmoid(hidden + 0.4 * rng.normal(size=n) - 3))
        unexcused = rng.binomial(absent, 0.4)
        X[f"register_days_{window}"] = days
        X[f"absent_days_{window}"], X[f"absence_rate_{window}"] = absent, absent / days
        X[f"unexcused_days_{window}"] = unexcused
        X[f"unexcused_rate_{window}"] = unexcused / days
    incidents = rng.poisson(np.exp(0.7 * hidden - 1))
    X["incidents_quarter"] = X["incidents_year"] = incidents
    X["points_quarter"] = 5.0 * incidents
    X["points_share_quarter"] = X["points_share_year"] = incidents / 10
    X["serious_incidents_quarter"] = (rng.random(n) < 0.02).astype(float)
    distance = np.round(6 - 5 * hidden + 3 * rng.normal(size=n), 2)
    X["grade_distance_latest"] = X["grade_distance_quarter"] = distance
    X["grade_distance_min_latest"] = distance - 6
    X["graded_subjects_latest"] = X["graded_subjects_quarter"] = 10
    below = np.clip(np.round(1 - distance / 3), 0, 10)
    X["subjects_below_latest"] = X["subjects_below_quarter"] = below
    X["grade_level"] = rng.integers(7, 10, n)
    # Holes by a feature's name: a new feature must not move what is drawn for the others.
    drawn = rng.random((n, 110))
    holes = {name: drawn[:, zlib.crc32(name.encode()) % 110] < 0.02 for name in X.columns}
    X = X.mask(pd.DataFrame(holes))
    X["attendance_known"] = X["behaviour_known"] = X["grades_known"] = 1
    X["summary_known"] = X["visits_known"] = 0
    return X.astype(float)


def facts(
    students: int = 150, quarters: tuple[str, ...] = QUARTERS, seed: int = 0
) -> dict[str, pl.DataFrame]:
    """Records of some quarters: four classes, marks on weekdays, incidents, grades; no visits."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{i:032x}" for i in range(students)])
    level = np.arange(students) % 4
    hidden = rng.normal(size=students)
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in FACT_SCHEMAS}
    periods = [CALENDAR.quarter(code) for code in quarters]
    for year in sorted({period.school_year for period in periods}):
        first = day_number(CALENDAR.school_year_start(year))
        classes = [f"SCH1/{year}/{chr(65 + c)}" for c in level]
        parts["enrollment"].append(
            _rows("enrollment", student_id=ids, class_id=classes, entry_day=first,
                  exit_day=first + 365, school_year=year, grade_level=7, known_day=first - 1)
        )  # fmt: skip
    for period in periods:
        hidden = 0.85 * hidden + 0.5 * rng.normal(size=students)
        days = weekdays(period)
        for c in range(4):
            parts["register_day"].append(
                _rows("register_day", class_id=f"SCH1/{period.school_year}/{chr(65 + c)}",
                      day=days, taken=True, assumed=False, known_day=days + 1)
            )  # fmt: skip
        absent = rng.random((students, len(days))) < sigmoid(hidden - 2.8)[:, None]
        who, when = np.nonzero(absent)
        parts["attendance_event"].append(
            _rows("attendance_event", student_id=ids[who], day=days[when],
                  class_id=[f"SCH1/{period.school_year}/{chr(65 + c)}" for c in level[who]],
                  status=rng.choice(["sick", "permitted", "unexcused"], len(who)),
                  namespace="id", known_day=days[when] + 1)
        )  # fmt: skip
        who = np.repeat(np.arange(students), rng.poisson(np.exp(0.8 * hidden - 0.2)))
        when = rng.choice(days, len(who))
        parts["behaviour_event"].append(
            _rows("behaviour_event",
                  event_id=[f"{period.code}-{i}" for i in range(len(who))], student_id=ids[who],
                  day=when, type_code="x", severity=rng.choice(["minor", "moderate"], len(who)),
                  polarity="offence", centipoints=1000, is_attendance_related=False,
                  known_day=when + 2)
        )  # fmt: skip
        for subject in ("a", "b", "c", "d", "e"):
            score = np.clip(79 - 4 * hidden + 4 * rng.normal(size=students), 0, 100)
            parts["grade"].append(
                _rows("grade", student_id=ids, subject=subject, period=period.code, kind="final",
                      day=int(days[-10]), score_centi=(score * 100).astype(int), pass_centi=7500,
                      max_score=100.0, known_day=int(days[-8]))
            )  # fmt: skip
    return {
        name: pl.concat(frames) if frames else pl.DataFrame(schema=FACT_SCHEMAS[name])
        for name, frames in parts.items()
    }


def weekdays(period: Quarter) -> np.ndarray:
    """Day numbers of Monday to Friday."""
    dates = [period.start + timedelta(days=n) for n in range((period.end - period.start).days)]
    return np.array([day_number(day) for day in dates if day.isoweekday() < 6])


def _rows(table: str, **columns: object) -> pl.DataFrame:
    given = {"school_id": "SCH1", "superseded_day": NEVER, **columns}
    length = max(len(v) for v in given.values() if isinstance(v, list | np.ndarray))
    whole = {
        name: value if isinstance(value, list | np.ndarray) else [value] * length
        for name, value in given.items()
    }
    schema = FACT_SCHEMAS[table]
    return pl.DataFrame({name: whole.get(name, [None] * length) for name in schema}, schema=schema)


AFTER: date = CALENDAR.quarter(QUARTERS[-1]).end
"""The day after the last quarter: when a model may learn from all of them."""
