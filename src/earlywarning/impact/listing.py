"""Effects of listing on all families whom listing could have reached, not only those at a cut.

Two children with the same score and history can differ in one thing: their teachers' capacity. That
decides who is listed. It needs an assumption which the lottery does not: that nothing else which
matters differs between classes where the cut is high and classes where it is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.preprocessing import SplineTransformer, StandardScaler

from earlywarning.impact.regression import Estimate, covariates, of_value

FOLDS = 5
TRIM = 0.05
"""Children whom the list almost always, or almost never, takes have nobody to be compared with."""

RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What listing says.

    Attributes
    ----------
    itt : Estimate
        Effect of being listed.
    first_stage : Estimate
        How much listing raised the chance of a visit.
    effect : Estimate
        Effect of a visit on those whom listing made visited.
    kept : array of bool, shape (n,)
        Rows with overlap, on which all three rest.
    propensity : array of float, shape (n,)
    """

    itt: Estimate
    first_stage: Estimate
    effect: Estimate
    kept: np.ndarray
    propensity: np.ndarray


def comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """Ranked student-quarters: listed for concern, or not listed.

    All other tracks are apart: a long illness that puts a child on the list also ends by itself.
    """
    by_score = rows["track"].isin(["concern", "none"])
    some = rows[rows["s"].notna() & rows["excluded"].isna() & by_score]
    return some[~some["shadow"].astype(bool)]


def estimate_listing(
    rows: pd.DataFrame,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    seed: int = 0,
    folds: int = FOLDS,
    trim: float = TRIM,
) -> Listing:
    """Cross-fitted doubly robust effect of listing, and of visits through it.

    Augmented inverse propensity weighting (Robins, Rotnitzky and Zhao 1994) with cross-fitting
    (Chernozhukov and others 2018); the ratio of both effects is that on compliers (Tan 2006;
    Frölich 2007). Overlap as in Crump, Hotz, Imbens and Mitnik (2009), at 0.05. Folds keep each
    homeroom whole; errors are clustered by homeroom.

    Parameters
    ----------
    rows : DataFrame
        As `comparable` returns them.
    adjust : sequence of str
        Columns known before the list, beside the score, which always enters.
    """
    z = rows["listed"].to_numpy(dtype=bool)
    y = rows[outcome].to_numpy(dtype=float)
    visited = rows["visited"].to_numpy(dtype=float)
    X = _basis(rows, adjust)
    homeroom = pd.factorize(rows["homeroom"])[0]
    fold = np.random.default_rng(seed).permutation(homeroom.max() + 1)[homeroom] % folds
    e = np.empty(len(y))
    about = {name: np.empty((2, len(y))) for name in ("y", "visited")}
    for k in range(folds):
        out, used = fold == k, fold != k
        e[out] = _chances(X[used], z[used], X[out])
        for arm in (0, 1):
            some = used & (z == arm)
            both = _ridge(X[some], np.column_stack([y[some], visited[some]]), X[out])
            about["y"][arm, out], about["visited"][arm, out] = both.T
    kept = (e > trim) & (e < 1 - trim)
    about["visited"] = np.clip(about["visited"], 0, 1)
    psi = {
        name: _score(z[kept], values[kept], e[kept], about[name][:, kept])
        for name, values in (("y", y), ("visited", visited))
    }
    cluster = homeroom[kept]
    itt = _mean("listing.itt", psi["y"], cluster)
    moved = _mean("listing.first_stage", psi["visited"], cluster)
    strength = (moved.value / moved.se) ** 2 if moved.se > 0 else float("inf")
    moved = replace(moved, first_stage=strength)
    theta = itt.value / moved.value if moved.value else float("nan")
    error = _cluster_se((psi["y"] - theta * psi["visited"]) / moved.value, cluster)
    n = int(kept.sum())
    effect = of_value(
        "listing.effect", theta, error, n=n, clusters=itt.clusters, df=max(itt.clusters - 1, 1),
        first_stage=strength,
    )  # fmt: skip
    return Listing(itt, moved, effect, kept, e)


def _basis(rows: pd.DataFrame, adjust: Sequence[str]) -> np.ndarray:
    """A curve of the score, what is known before, the class's mean history, and quarters.

    Of the class only its history: with every mean of it, a class's cut could be told to the digit,
    and nobody would be left to compare with.
    """
    main = covariates(rows, ["s", *adjust])
    curve = SplineTransformer(n_knots=4, degree=3, knots="quantile", include_bias=False)
    parts = [curve.fit_transform(main[:, :1]), main[:, 1:]]
    if len(adjust) > 1:
        parts += [column[:, None] for column in _class_history(rows, adjust[0], adjust[1])]
    quarter = pd.get_dummies(rows["t"], drop_first=True).to_numpy(dtype=float)
    return StandardScaler().fit_transform(np.column_stack([*parts, quarter]))


def _class_history(rows: pd.DataFrame, before: str, earlier: str) -> list[np.ndarray]:
    """Means of each class: last quarter, two quarters ago, and all quarters so far.

    The last one tells a class in which absence is always high from one with a bad quarter.
    """
    history = covariates(rows, [before])[:, 0], covariates(rows, [earlier])[:, 0]
    frame = pd.DataFrame(
        {"room": pd.factorize(rows["homeroom"])[0], "t": rows["t"].to_numpy(),
         "before": history[0], "earlier": history[1]}
    )  # fmt: skip
    means = frame.groupby(["room", "t"], sort=True)[["before", "earlier"]].mean()
    by_room = means.groupby(level="room")
    so_far = by_room["before"].cumsum() + by_room["earlier"].transform("first")
    means["so_far"] = so_far / (by_room.cumcount() + 2)
    found = means.loc[pd.MultiIndex.from_frame(frame[["room", "t"]])]
    return [found[name].to_numpy() for name in means.columns]


def _ridge(X: np.ndarray, Y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Predictions of a ridge regression for several outcomes at once, shape (n_at, n_outcomes)."""
    centre, level = X.mean(axis=0), Y.mean(axis=0)
    left = X - centre
    gram = left.T @ left + RIDGE * np.eye(X.shape[1])
    return level + (at - centre) @ np.linalg.solve(gram, left.T @ (Y - level))


def _chances(X: np.ndarray, z: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Chances of a logistic regression with a small ridge, by Newton's steps, shape (n_at,)."""
    inner = np.column_stack([np.ones(len(X)), X])
    penalty = np.full(inner.shape[1], RIDGE)
    penalty[0] = 0.0
    beta = np.zeros(inner.shape[1])
    for _ in range(25):
        chance = expit(inner @ beta)
        weight = np.maximum(chance * (1 - chance), 1e-9)
        hessian = inner.T @ (inner * weight[:, None]) + np.diag(penalty)
        step = np.linalg.solve(hessian, inner.T @ (z - chance) - penalty * beta)
        beta += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-6:
            break
    return expit(beta[0] + at @ beta[1:])


def _score(z: np.ndarray, y: np.ndarray, e: np.ndarray, about: np.ndarray) -> np.ndarray:
    """Each row's doubly robust score, shape (n,)."""
    return about[1] - about[0] + z * (y - about[1]) / e - (1 - z) * (y - about[0]) / (1 - e)


def _mean(what: str, psi: np.ndarray, cluster: np.ndarray) -> Estimate:
    groups = len(np.unique(cluster))
    error = _cluster_se(psi - psi.mean(), cluster)
    return of_value(
        what, float(psi.mean()), error, n=len(psi), clusters=groups, df=max(groups - 1, 1)
    )


def _cluster_se(influence: np.ndarray, cluster: np.ndarray) -> float:
    """Standard error of the mean of influences that are correlated within clusters."""
    sums = np.bincount(cluster, influence)
    groups = len(np.unique(cluster))
    factor = groups / max(groups - 1, 1)
    return float(np.sqrt(factor * (sums**2).sum())) / len(influence)
