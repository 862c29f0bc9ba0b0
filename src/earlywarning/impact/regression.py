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

ROUNDING = 1e-10
"""Of a coefficient; less is rounding, not spread."""

REACH = 2.8
"""Standard errors at which 80 of 100 studies find an effect at 5 %: 1.96 + 0.84."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted regression.

    Attributes
    ----------
    beta : array of float, shape (k,)
    covariance : array of float, shape (k, k)
        By a jackknife over clusters where these were given, else heteroscedasticity-robust.
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
    """Weighted least squares, or two-stage least squares with as many instruments as regressors.

    Parameters
    ----------
    y : array of float, shape (n,)
    X : array of float, shape (n, k)
    instruments : array of float, shape (n, k), optional
        As many as columns of X; the exogenous ones of X are among them.
    weights : array of float, shape (n,), optional
        0 or more.
    cluster : array, shape (n,), optional
        Errors may be correlated within each value. The covariance is the jackknife's, each cluster
        left out in turn (Bell and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023, CV3): the usual
        sandwich is too narrow where a few clusters weigh much, as they do at a cut.
    classical : bool
        Equal error variances instead of White's (1980) errors; without clusters only.
    """
    w = np.ones(len(y)) if weights is None else weights
    Z = X if instruments is None else instruments
    weighted = Z * w[:, None]
    gram, moments = weighted.T @ X, weighted.T @ y
    bread = np.linalg.pinv(gram, hermitian=instruments is None)
    beta = bread @ moments
    residuals = y - X @ beta
    n, k = int((w > 0).sum()), X.shape[1]
    df, groups = max(n - k, 1), 0
    if cluster is not None:
        grams, sums = _by_cluster(weighted, X, y, cluster)
        groups = len(grams)
        without = np.linalg.pinv(gram - grams, hermitian=instruments is None)
        away = (without @ (moments - sums)[:, :, None])[:, :, 0] - beta
        # Where every cluster says the same to the last digits, as when all who won were visited.
        away[np.abs(away) < ROUNDING * np.abs(beta)] = 0.0
        covariance = (groups - 1) / groups * away.T @ away
        df = max(groups - 1, 1)
    elif classical:
        covariance = float((w * residuals**2).sum()) / df * bread
    else:
        scores = weighted * residuals[:, None]
        covariance = n / df * bread @ (scores.T @ scores) @ bread.T
    return Fit(beta, covariance, residuals, df, groups)


def _by_cluster(
    Z: np.ndarray, X: np.ndarray, y: np.ndarray, cluster: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Z'X and Z'y of each cluster, shapes (n_clusters, k, k) and (n_clusters, k)."""
    code, names = pd.factorize(cluster)
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=len(names)))[:-1]
    parts = [np.split(values[order], ends) for values in (Z, X, y)]
    grams = np.stack([z.T @ x for z, x, _ in zip(*parts, strict=True)])
    sums = np.stack([z.T @ one for z, _, one in zip(*parts, strict=True)])
    return grams, sums


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
