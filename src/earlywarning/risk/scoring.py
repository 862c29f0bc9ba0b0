"""From risks to one priority."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.estimators.base import Estimator

DECIMALS = 9
"""Risks and priorities are rounded to billionths: far below what means anything, far above what the
order of an addition can change."""

RECORDED = {
    "attendance": ("attendance_known", "summary_known"),
    "behaviour": ("behaviour_known",),
    "grades": ("grades_known",),
}
"""Features that say whether a student's school records an outcome's kind of event at all."""


def score(estimators: Mapping[str, Estimator], X: pd.DataFrame) -> pd.DataFrame:
    """Every student's risk of each outcome, if nobody visits.

    Parameters
    ----------
    estimators : mapping of outcome to Estimator
        An outcome that is left out is not scored.
    X : DataFrame, shape (n, n_features)

    Returns
    -------
    DataFrame, shape (n, 3)
        Columns `OUTCOMES`; risk 0 to 1, NaN where the outcome is not scored: no estimator, or the
        student's school records nothing of the kind.
    """
    risks = {}
    for outcome in OUTCOMES:
        risk = np.full(len(X), np.nan)
        if outcome in estimators and len(X):
            recorded = np.zeros(len(X), dtype=bool)
            for name in RECORDED[outcome]:
                recorded |= X[name].to_numpy(dtype=np.float64, na_value=np.nan) == 1
            predicted = np.round(estimators[outcome].predict_risk(X), DECIMALS)
            risk = np.where(recorded, predicted, np.nan)
        risks[outcome] = risk
    return pd.DataFrame(risks, index=X.index)


def priority(risks: pd.DataFrame, weights: Mapping[str, float]) -> np.ndarray:
    """Expected number of trouble areas in the coming quarter, weighted.

    Parameters
    ----------
    risks : DataFrame, shape (n, 3)
        From `score`; NaN counts 0.
    weights : mapping of outcome to float
        From `district.toml`.

    Returns
    -------
    array of float, shape (n,)
        Added up in the order of `OUTCOMES` and rounded to billionths, so that the same risks give
        the same bits everywhere.
    """
    total = np.zeros(len(risks))
    for outcome in OUTCOMES:
        total += np.nan_to_num(risks[outcome].to_numpy(dtype=np.float64), nan=0.0) * float(
            weights.get(outcome, 0.0)
        )
    return np.round(total, DECIMALS)
