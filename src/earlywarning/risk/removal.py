"""The same child had it not happened: no absence, no incident, no mark below the pass mark.

A reason is only given if the priority would be lower without what it states. Days, incidents and
marks are each described by several features; they go together, for a child without absences has no
streak and no sick day either. Last year's absences stay: nobody can change them now.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earlywarning.risk.estimators.what_if import WhatIf
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


def changed(
    columns: Mapping[str, np.ndarray], rows: np.ndarray, event: str
) -> dict[str, np.ndarray]:
    """The features of some students that an event speaks of, had it not happened.

    Parameters
    ----------
    columns : mapping of feature to array of float, shape (n,)
        What is empty stays empty.
    rows : array of int, shape (k,)
    event : str
        One of `EVENTS`.

    Returns
    -------
    dict of feature to array of float, shape (k,)
    """
    return {
        name: _neutral(name, columns[name][rows]) for name in features_of(event) if name in columns
    }


def _neutral(name: str, value: np.ndarray) -> np.ndarray:
    if name in _NO_LONGER_KNOWN:
        return np.full(len(value), np.nan)
    if name.startswith("grade_distance"):
        # Against the class or the past even is enough; against the pass mark there is room to it.
        least = 0.0 if "change" in name or "vs_class" in name else COMFORTABLE
        return np.where(np.isnan(value), np.nan, np.maximum(value, least))
    return np.where(np.isnan(value), np.nan, np.minimum(value, 0.0))


def losses(
    asked: Mapping[str, WhatIf],
    columns: Mapping[str, np.ndarray],
    risks: Mapping[str, np.ndarray],
    weights: Mapping[str, float],
    rows: np.ndarray,
    event: str,
) -> np.ndarray:
    """What the priority of some students would lose, shape (k,).

    Parameters
    ----------
    asked : mapping of outcome to WhatIf
        In the order of `OUTCOMES`.
    columns : mapping of feature to array of float, shape (n,)
    risks : mapping of outcome to array of float, shape (n,)
        As predicted; NaN is in no priority.
    weights : mapping of outcome to float
    rows : array of int, shape (k,)
    event : str
        One of `EVENTS`.
    """
    other = changed(columns, rows, event)
    lost = np.zeros(len(rows))
    for outcome, one in asked.items():
        lost += weights[outcome] * np.nan_to_num(risks[outcome][rows] - one.risk(rows, other))
    return lost
