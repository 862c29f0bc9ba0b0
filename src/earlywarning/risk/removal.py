"""The same child had it not happened: no absence, no incident, no mark below the pass mark.

A reason is only given if the priority would be lower without what it states. Days, incidents and
marks are each described by several features; they go together, for a child without absences has no
streak and no sick day either. Last year's absences stay: nobody can change them now.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.reason_facts import THEMES

EVENT_OF: Mapping[str, str] = {
    "absence": "absence",
    "absence_totals": "absence",
    "absent_in_a_row": "absence",
    "unexcused": "absence",
    "sick": "absence",
    "weekday": "absence",
    "late": "lateness",
    "early_leave": "early_leave",
    "serious_incidents": "incident",
    "incidents": "incident",
    "subjects_below": "mark",
    "grades_falling": "mark",
    "grades_missing": "missing_mark",
}
"""What must not have happened for a theme's facts to be gone."""

EVENTS = tuple(dict.fromkeys(EVENT_OF[theme.name] for theme in THEMES))

COMFORTABLE = 10.0
"""Distance above the pass mark, in per cent of the scale, at which no mark is a concern."""

_NO_LONGER_KNOWN = ("monday_share_year", "friday_share_year", "days_since_incident")
"""Features that have no value where nothing happened."""


def features_of(event: str) -> tuple[str, ...]:
    """Every feature that describes one kind of event."""
    return tuple(
        name for theme in THEMES if EVENT_OF[theme.name] == event for name in theme.features
    )


def without(X: pd.DataFrame, event: str) -> pd.DataFrame:
    """The same students, had nothing of the kind happened; what is empty stays empty.

    Parameters
    ----------
    X : DataFrame, shape (n, n_features)
    event : str
        One of `EVENTS`.
    """
    changed = {}
    for name in features_of(event):
        if name in X.columns:
            value = X[name].to_numpy(dtype=np.float64, na_value=np.nan)
            changed[name] = _neutral(name, value)
    return X.assign(**changed)


def _neutral(name: str, value: np.ndarray) -> np.ndarray:
    if name in _NO_LONGER_KNOWN:
        return np.full(len(value), np.nan)
    if name.startswith("grade_distance"):
        # Against the class or the past even is enough; against the pass mark there is room to it.
        least = 0.0 if "change" in name or "vs_class" in name else COMFORTABLE
        return np.where(np.isnan(value), np.nan, np.maximum(value, least))
    return np.where(np.isnan(value), np.nan, np.minimum(value, 0.0))


def losses(
    estimators: Mapping[str, Estimator],
    X: pd.DataFrame,
    risks: Mapping[str, np.ndarray],
    weights: Mapping[str, float],
    event: str,
) -> np.ndarray:
    """What each student's priority would lose, shape (n,).

    Parameters
    ----------
    estimators : mapping of outcome to Estimator
    X : DataFrame, shape (n, n_features)
    risks : mapping of outcome to array of float, shape (n,)
        As predicted from `X`; NaN is in no priority.
    weights : mapping of outcome to float
    event : str
        One of `EVENTS`.
    """
    other = without(X, event)
    lost = np.zeros(len(X))
    for outcome in OUTCOMES:
        if outcome in risks and len(X):
            fell = risks[outcome] - estimators[outcome].predict_risk(other)
            lost += weights[outcome] * np.nan_to_num(fell)
    return lost
