"""Last quarter's value alone: who was absent most will be absent most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from earlywarning.risk.estimators.base import MAIN_FILE, json_bytes
from earlywarning.risk.estimators.calibration import expit, fit_line, logit
from earlywarning.risk.estimators.matrix import matrix
from earlywarning.risk.estimators.treatment import NOT_APPLICABLE

PRIOR_STUDENTS = 10.0


class LastValue:
    """Risk that rises, or falls, with one feature and nothing else.

    Parameters
    ----------
    feature : str
    direction : int
        1 if more of it means more risk, -1 if less does.

    Attributes
    ----------
    intercept_, slope_ : float
        `logit(risk) = intercept + slope * direction * root(value)`, slope > 0, where `root` is the
        square root with the value's sign: the order stays the value's own.
    typical_ : float
        Mean of `direction * root(value)` in training.
    missing_ : float
        Risk of a student without a value.
    """

    kind: ClassVar[str] = "last_value"
    treatment_ = NOT_APPLICABLE

    def __init__(self, feature: str, direction: int) -> None:
        self.feature = feature
        self.direction = direction
        self.intercept_, self.slope_, self.typical_, self.missing_ = 0.0, 1.0, 0.0, 0.5

    def _root(self, X: pd.DataFrame) -> np.ndarray:
        value = matrix(X, [self.feature], who="last quarter's value")[:, 0]
        return self.direction * np.sign(value) * np.sqrt(np.abs(value))

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None = None,
        quarters: np.ndarray | None = None,
        seed: int = 0,
    ) -> Self:
        """Fit the two numbers; students without a value get their own share, drawn to the mean."""
        known = ~np.isnan(y)
        root, y = self._root(X)[known], y[known]
        filled = ~np.isnan(root)
        mean = (y.sum() + 0.5) / (len(y) + 1)
        missing = y[~filled]
        self.missing_ = float(
            (missing.sum() + PRIOR_STUDENTS * mean) / (len(missing) + PRIOR_STUDENTS)
        )
        self.typical_ = float(root[filled].mean()) if filled.any() else 0.0
        self.intercept_, self.slope_ = fit_line(root[filled], y[filled])
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk, shape (n,)."""
        root = self._root(X)
        risk = expit(self.intercept_ + self.slope_ * root)
        return np.where(np.isnan(root), self.missing_, risk)

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """The same as `predict_risk`: last quarter's value knows nothing of visits."""
        return self.predict_risk(X)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Slope times the distance from the typical student; for a missing value, its own step."""
        root = self._root(X)
        typical = self.intercept_ + self.slope_ * self.typical_
        own = np.where(
            np.isnan(root),
            logit(np.array(self.missing_)) - typical,
            self.slope_ * (root - self.typical_),
        )
        return pd.DataFrame({self.feature: own})

    def to_files(self) -> dict[str, bytes]:
        """One JSON file."""
        value = {
            "kind": self.kind,
            "feature": self.feature,
            "direction": self.direction,
            "intercept": self.intercept_,
            "slope": self.slope_,
            "typical": self.typical_,
            "missing": self.missing_,
        }
        return {MAIN_FILE: json_bytes(value)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The estimator of `to_files`."""
        value = json.loads(files[MAIN_FILE])
        made = cls(value["feature"], value["direction"])
        made.intercept_, made.slope_ = value["intercept"], value["slope"]
        made.typical_, made.missing_ = value["typical"], value["missing"]
        return made
