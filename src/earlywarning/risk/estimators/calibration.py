"""Turning a model's margin into a risk that means what it says.

A sigmoid of two numbers, fitted on quarters that the model had not seen, keeps the order of
students; a step function would tie them. Its prior is "leave the margin as it is", worth a few
students, so that little data bends it little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PRIOR_WEIGHT = 5.0
"""Strength of the prior on both numbers, in units of 1 / variance of a logit."""

MIN_SLOPE = 0.05

LIMIT = 30.0
"""Margins beyond this are as good as certain; keeps exponentials finite."""


def logit(risk: np.ndarray) -> np.ndarray:
    """Log odds of a risk; 0 and 1 are moved in by 1e-9."""
    inside = np.clip(risk, 1e-9, 1 - 1e-9)
    return np.log(inside / (1 - inside))


def expit(margin: np.ndarray) -> np.ndarray:
    """Risk of log odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(margin, -LIMIT, LIMIT)))


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """`risk = expit(intercept + slope * margin)`, slope > 0 (Platt 1999).

    Attributes
    ----------
    intercept, slope : float
        0 and 1 leave the margin as it is.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def margin(self, margin: np.ndarray) -> np.ndarray:
        """Calibrated log odds."""
        return self.intercept + self.slope * margin

    def risk(self, margin: np.ndarray) -> np.ndarray:
        """Calibrated risk."""
        return expit(self.margin(margin))


def fit_sigmoid(margin: np.ndarray, y: np.ndarray) -> Sigmoid:
    """Fit a sigmoid, with a prior centred on intercept 0 and slope 1.

    Parameters
    ----------
    margin : array of float, shape (n,)
        Log odds of students whom the model had not seen.
    y : array of 0 or 1, shape (n,)
    """
    a, b = _newton(np.clip(margin, -LIMIT, LIMIT), y, centre=(0.0, 1.0), weight=PRIOR_WEIGHT)
    # A model that ranks backwards on later quarters is flattened, never turned round.
    return Sigmoid(a, max(b, MIN_SLOPE))


def fit_line(value: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of `logit(risk)` over one value; the slope is positive.

    Parameters
    ----------
    value : array of float, shape (n,)
    y : array of 0 or 1, shape (n,)
    """
    if not len(y):
        return 0.0, 1.0
    middle = float(value.mean())
    spread = float(value.std()) or 1.0
    a, b = _newton((value - middle) / spread, y, centre=(0.0, 0.0), weight=1.0)
    slope = max(b, MIN_SLOPE) / spread
    return a - slope * middle, slope


def _newton(
    margin: np.ndarray, y: np.ndarray, *, centre: tuple[float, float], weight: float
) -> tuple[float, float]:
    """Logistic regression on one value by Newton's method, with a normal prior on both numbers."""
    a, b = centre
    for _ in range(100):
        p = expit(a + b * margin)
        w = p * (1 - p)
        gradient = np.array(
            [
                np.sum(p - y) + weight * (a - centre[0]),
                np.sum((p - y) * margin) + weight * (b - centre[1]),
            ]
        )
        cross = np.sum(w * margin)
        hessian = np.array([[np.sum(w) + weight, cross], [cross, np.sum(w * margin**2) + weight]])
        step = np.clip(np.linalg.solve(hessian, gradient), -1, 1)
        a, b = a - float(step[0]), b - float(step[1])
        if np.abs(step).max() < 1e-10:
            break
    return a, b


def pool_adjacent_violators(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The non-increasing sequence nearest to `value` (weighted least squares; Ayer et al. 1955).

    Parameters
    ----------
    value, weight : array of float, shape (n,)
        Weights above 0.
    """
    blocks: list[list[float]] = []
    for v, w in zip(value.tolist(), weight.tolist(), strict=True):
        blocks.append([v, w, 1])
        while len(blocks) > 1 and blocks[-1][0] > blocks[-2][0]:
            v2, w2, n2 = blocks.pop()
            v1, w1, n1 = blocks.pop()
            blocks.append([(v1 * w1 + v2 * w2) / (w1 + w2), w1 + w2, n1 + n2])
    return np.concatenate([np.full(int(n), v) for v, _, n in blocks]) if blocks else value.copy()
