"""Least squares and two-stage least squares, with errors that hold within clusters.

Small on purpose: every estimator of this package rests on these few lines, so that a researcher can
check them against any statistics package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

REACH = 2.8
"""Standard errors at which 80 of 100 studies find an effect at 5 %: 1.96 + 0.84."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted regression.

    Attributes
    ----------
    beta : array of float, shape (k,)
    covariance : array of float, shape (k, k)
        Cluster-robust where clusters were given, else heteroscedasticity-robust.
    residuals : array of float, shape (n,)
    df : int
        Degrees of freedom of t: clusters - 1, else n - k.
    clusters : int
        0 without clusters.
    """

    beta: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    df: int
    clusters: int

    def se(self, place: int = 0) -> float:
        """Standard error of one coefficient."""
        return float(np.sqrt(max(self.covariance[place, place], 0.0)))

    def f(self, place: int = 0) -> float:
        """Robust F of one coefficient: its squared t."""
        se = self.se(place)
        return float((self.beta[place] / se) ** 2) if se > 0 else float("inf")


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect with its uncertainty.

    Attributes
    ----------
    what : str
        Design and quantity: `lottery.itt`, `lottery.effect`, `discontinuity.itt`, ...
    value, se, low, high, p : float
        In units of the outcome; a 95 % interval; two-sided p.
    n, clusters : int
        Student-quarters and clusters it rests on.
    first_stage : float or None
        Robust F of assignment on visits, for an effect of visits.
    """

    what: str
    value: float
    se: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    first_stage: float | None = None


def least_squares(
    y: np.ndarray,
    X: np.ndarray,
    *,
    instruments: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    classical: bool = False,
) -> Fit:
    """Weighted least squares, or two-stage least squares with instruments.

    Parameters
    ----------
    y : array of float, shape (n,)
    X : array of float, shape (n, k)
    instruments : array of float, shape (n, m), optional
        In place of X in the first stage; exogenous columns of X belong in it, too. m >= k.
    weights : array of float, shape (n,), optional
        0 or more.
    cluster : array, shape (n,), optional
        Errors may be correlated within each value (Liang and Zeger 1986, with the usual factors
        G / (G - 1) and (n - 1) / (n - k)).
    classical : bool
        Equal error variances instead of White's (1980) errors; without clusters only.
    """
    w = np.ones(len(y)) if weights is None else weights
    if instruments is None:
        fitted = X
    else:
        zw = instruments * w[:, None]
        fitted = instruments @ np.linalg.lstsq(zw.T @ instruments, zw.T @ X, rcond=None)[0]
    weighted = fitted * w[:, None]
    bread = np.linalg.pinv(weighted.T @ fitted, hermitian=True)
    beta = bread @ (weighted.T @ y)
    residuals = y - X @ beta
    n, k = int((w > 0).sum()), X.shape[1]
    if classical:
        variance = float((w * residuals**2).sum()) / (n - k)
        return Fit(beta, variance * bread, residuals, n - k, 0)
    scores = weighted * residuals[:, None]
    groups, df, factor = 0, n - k, n / max(n - k, 1)
    if cluster is not None:
        scores, groups = _sums(scores[w > 0], cluster[w > 0])
        df = groups - 1
        factor = groups / max(groups - 1, 1) * (n - 1) / max(n - k, 1)
    covariance = bread @ (scores.T @ scores) @ bread * factor
    return Fit(beta, covariance, residuals, max(df, 1), groups)


def _sums(scores: np.ndarray, cluster: np.ndarray) -> tuple[np.ndarray, int]:
    """Sums within clusters, shape (n_clusters, k)."""
    code, names = pd.factorize(cluster)
    return np.column_stack(
        [np.bincount(code, column, minlength=len(names)) for column in scores.T]
    ), len(names)


def estimate(what: str, fit: Fit, n: int, *, first_stage: float | None = None) -> Estimate:
    """The first coefficient of a fit as an estimate."""
    return of_value(
        what, float(fit.beta[0]), fit.se(), n=n, clusters=fit.clusters, df=fit.df,
        first_stage=first_stage,
    )  # fmt: skip


def of_value(
    what: str, value: float, se: float, *, n: int, clusters: int, df: float,
    first_stage: float | None = None,
) -> Estimate:  # fmt: skip
    """An estimate from its value and standard error, by Student's t."""
    reach = float(stats.t.ppf(0.975, df)) * se
    p = float(2 * stats.t.sf(abs(value / se), df)) if se > 0 else float("nan")
    return Estimate(what, value, se, value - reach, value + reach, p, n, clusters, first_stage)


def within(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Values minus the mean of their group; works on columns, too.

    Parameters
    ----------
    values : array of float, shape (n,) or (n, k)
    code : array of int, shape (n,)
        0 to the number of groups - 1.
    """
    size = np.bincount(code)
    if values.ndim == 1:
        return values - (np.bincount(code, values) / size)[code]
    return np.column_stack([within(column, code) for column in values.T]) if values.size else values


def covariates(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Columns as a matrix; a missing value becomes the mean, and a column says that it was missing.

    Returns
    -------
    array of float, shape (n, k)
        Constant columns are left out.
    """
    columns: list[np.ndarray] = []
    for name in names:
        values = rows[name].to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        if missing.all():
            continue
        values = np.where(missing, values[~missing].mean(), values)
        columns += [values] + ([missing.astype(float)] if missing.any() else [])
    kept = [column for column in columns if np.ptp(column) > 0]
    return np.column_stack(kept) if kept else np.zeros((len(rows), 0))
