"""Everything that can be said of a quarter before its outcomes are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from earlywarning.district import MonitorLimits
from earlywarning.risk import scoring
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.watch import practice, ranking, recording
from earlywarning.risk.watch.checks import Check


def checks(
    history: Dataset,
    now: Dataset,
    *,
    quarter: str,
    estimators: Mapping[str, Estimator],
    features: tuple[str, ...],
    weights: Mapping[str, float],
    capacity_share: float,
    limits: MonitorLimits,
) -> list[Check]:
    """Compare a quarter's students with those of the quarters that the models learnt from.

    Parameters
    ----------
    history : Dataset
        The quarters learnt from.
    now : Dataset
        The quarter looked at.
    quarter : str
        Its code.
    estimators : mapping of outcome to Estimator
        What serves.
    features : tuple of str
        What the estimators look at.
    weights : mapping of outcome to float
    capacity_share : float
        Places as a share of the students.
    limits : MonitorLimits

    Returns
    -------
    list of Check
        Empty where there is nothing to compare, or nobody.
    """
    if not len(history) or not len(now):
        return []
    rows = by_quarter(history)
    ids = {code: history.ids.iloc[at] for code, at in rows.items()}
    past = {code: history.X.iloc[at] for code, at in rows.items()}
    found = recording.checks(
        recording.of_features(now.ids, now.X),
        [recording.of_features(ids[code], past[code]) for code in rows],
        limits,
    )
    found += practice.checks(
        practice.of_features(now.ids, now.X),
        [practice.of_features(ids[code], past[code]) for code in rows],
        limits,
    )
    found += ranking.feature_checks(
        {name: _floats(now.X[name]) for name in features},
        {name: {code: _floats(X[name]) for code, X in past.items()} for name in features},
        quarter,
        limits,
    )
    scored = scoring.score(estimators, now.with_school)
    table = history.with_school
    before = {code: scoring.score(estimators, table.iloc[at]) for code, at in rows.items()}
    for outcome in estimators:
        found += ranking.risk_checks(
            outcome,
            _floats(scored[outcome]),
            {code: _floats(risks[outcome]) for code, risks in before.items()},
            quarter,
            limits,
        )
    tied = ranking.tie_check(
        scoring.priority(scored, weights),
        {code: scoring.priority(risks, weights) for code, risks in before.items()},
        capacity_share=capacity_share,
    )
    return [*found, tied] if tied else found


def by_quarter(history: Dataset) -> dict[str, np.ndarray]:
    quarters = history.ids["quarter"].to_numpy(dtype=str)
    """Row positions of each quarter, oldest first."""
    return {code: np.flatnonzero(quarters == code) for code in history.quarters}


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
