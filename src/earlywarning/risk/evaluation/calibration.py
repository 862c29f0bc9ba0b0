"""Whether risks mean what they say: of the students given 0.3, about 30 in 100 were in trouble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Reliability:
    """Risk against what happened, in groups of about equal size ordered by risk.

    Attributes
    ----------
    predicted, observed : array of float, shape (n_groups,)
        Mean risk, and share in trouble, 0 to 1.
    size : array of int, shape (n_groups,)
    """

    predicted: np.ndarray
    observed: np.ndarray
    size: np.ndarray


def reliability(y: np.ndarray, risk: np.ndarray, *, groups: int = 10) -> Reliability:
    """Group students by risk; compare each group's mean risk with its share in trouble.

    Students with equal risk stay in one group, so that a rule with few levels is judged level by
    level.

    Parameters
    ----------
    y : array of 0 or 1, shape (n,)
    risk : array of float, shape (n,)
    groups : int
        Wanted number of groups; fewer come back when there are few different risks.
    """
    if len(y) == 0:
        empty = np.empty(0)
        return Reliability(empty, empty, np.empty(0, dtype=np.int64))
    group = _group_of(risk, groups)
    size = np.bincount(group, minlength=groups)
    used = size > 0
    predicted = np.bincount(group, weights=risk, minlength=groups)[used] / size[used]
    observed = np.bincount(group, weights=y, minlength=groups)[used] / size[used]
    return Reliability(predicted, observed, size[used])


def _group_of(risk: np.ndarray, groups: int) -> np.ndarray:
    _, inverse, counts = np.unique(risk, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.minimum((middle * groups / len(risk)).astype(np.int64), groups - 1)[inverse]


def calibration_error(y: np.ndarray, risk: np.ndarray, *, groups: int = 10) -> float:
    """Expected calibration error over groups of about equal size, 0 to 1 (Naeini et al. 2015)."""
    curve = reliability(y, risk, groups=groups)
    if not len(curve.size):
        return float("nan")
    gaps = np.abs(curve.predicted - curve.observed)
    return float((gaps * curve.size).sum() / curve.size.sum())


def brier_score(y: np.ndarray, risk: np.ndarray) -> float:
    """Mean squared distance between risk and what happened, 0 best (Brier 1950)."""
    return float(np.mean((risk - y) ** 2)) if len(y) else float("nan")


def brier_skill(y: np.ndarray, risk: np.ndarray, reference: np.ndarray) -> float:
    """How much nearer risks came than one number for everybody, at most 1; 0 no nearer.

    Parameters
    ----------
    y : array of 0 or 1, shape (n,)
    risk : array of float, shape (n,)
    reference : array of float, shape (n,)
        That number: the share in trouble in the quarters before. NaN where it was never wrong.
    """
    against = brier_score(y, reference)
    return 1 - brier_score(y, risk) / against if against > 0 else float("nan")


def error_by_chance(
    risk: np.ndarray, *, seed: int, groups: int = 10, replicates: int = 200
) -> float:
    """Calibration error that perfect risks stay below in 95 of 100 cases.

    Few students err by chance alone: outcomes are drawn from the risks themselves (consistency
    resampling; Broecker and Smith 2007), and the error measured each time.
    """
    if not len(risk):
        return float("nan")
    rng = np.random.default_rng(seed)
    group = _group_of(risk, groups)
    drawn = np.empty(replicates)
    for draw in range(replicates):
        distance = risk - (rng.random(len(risk)) < risk)
        drawn[draw] = np.abs(np.bincount(group, weights=distance)).sum() / len(risk)
    return float(np.quantile(drawn, 0.95))


def log_loss(y: np.ndarray, margin: np.ndarray) -> float:
    """Mean surprise of what happened, given log odds; 0 best."""
    return float(np.mean(np.logaddexp(0.0, np.where(y == 1, -margin, margin))))
