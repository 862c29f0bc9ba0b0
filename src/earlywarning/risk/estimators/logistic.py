"""Regularised logistic regression: empty values imputed and marked, long tails drawn in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from earlywarning.risk.estimators import skops_bytes
from earlywarning.risk.estimators.base import MAIN_FILE, json_bytes
from earlywarning.risk.estimators.calibration import Sigmoid, fit_sigmoid
from earlywarning.risk.estimators.matrix import matrix
from earlywarning.risk.estimators.treatment import AGAINST_SENSE, NO_VISIT, USED, treatment
from earlywarning.risk.evaluation.calibration import log_loss
from earlywarning.risk.splits import inner_folds

PIPELINE_FILE = "pipeline.skops"
LONG_TAIL = 1.0
"""Skewness from which a never-negative feature is replaced by its square root."""

WIDEST = 6.0
"""Standard deviations at which a scaled value is cut off: one odd record must not decide."""


class Logistic:
    """Logistic regression with an L2 penalty, calibrated on later quarters.

    Parameters
    ----------
    features : sequence of str
    strengths : sequence of float
        Inverse penalties to choose from, by log loss on later quarters.

    Attributes
    ----------
    roots_ : array of bool, shape (n_features,)
        Features whose square root is taken.
    pipeline_ : sklearn.pipeline.Pipeline
        Imputer with indicators, scaler, model; its last input column is the treatment.
    calibration_ : Sigmoid
    strength_ : float
    treatment_ : str
    """

    kind: ClassVar[str] = "logistic"

    def __init__(self, features: Sequence[str], strengths: Sequence[float]) -> None:
        self.features = tuple(features)
        self.strengths = tuple(strengths)
        self.treatment_ = ""

    def tuned(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Logistic:
        """The same candidate with its penalty chosen, by log loss on later quarters."""
        if len(self.strengths) == 1:
            return self
        known = ~np.isnan(y)
        values, y, quarters = self._values(X)[known], y[known], quarters[known]
        treated, _ = treatment(None if visited is None else visited[known], y)
        folds = inner_folds(quarters, seed=seed)
        losses = []
        for strength in self.strengths:
            margin, truth = self._later(values, treated, y, folds, strength)
            losses.append(log_loss(truth, margin) if len(truth) else 0.0)
        return Logistic(self.features, [self.strengths[int(np.argmin(losses))]])

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Self:
        """Learn, and calibrate on quarters that the model of earlier ones had not seen."""
        chosen = self.tuned(X, y, visited=visited, quarters=quarters, seed=seed)
        self.strength_ = chosen.strengths[0]
        known = ~np.isnan(y)
        values, y, quarters = self._values(X)[known], y[known], quarters[known]
        treated, self.treatment_ = treatment(None if visited is None else visited[known], y)
        self.roots_ = long_tailed(values)
        if self.treatment_ != USED:
            treated = np.zeros(len(y))
        self.pipeline_ = self._pipeline(values, treated, y, self.roots_, self.strength_)
        if self.treatment_ == USED and self.pipeline_[-1].coef_[0][len(self.features)] > 0:
            self.treatment_, treated = AGAINST_SENSE, np.zeros(len(y))
            self.pipeline_ = self._pipeline(values, treated, y, self.roots_, self.strength_)
        folds = inner_folds(quarters, seed=seed)
        self.calibration_ = fit_sigmoid(*self._later(values, treated, y, folds, self.strength_))
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, shape (n,)."""
        return self.predict_factual(X, None)

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, shape (n,)."""
        treated = np.zeros(len(X))
        if visited is not None and self.treatment_ == USED:
            treated = np.nan_to_num(visited, nan=0.0)
        scaled = _scaled(self.pipeline_, self._values(X), treated, self.roots_)
        return self.calibration_.risk(_margin(self.pipeline_, scaled))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Coefficient times scaled value, with the feature's indicator of emptiness."""
        scaled = _scaled(self.pipeline_, self._values(X), np.zeros(len(X)), self.roots_)
        terms = scaled * self.pipeline_[-1].coef_[0] * self.calibration_.slope
        n = len(self.features)
        out = terms[:, : n + 1].copy()
        indicator = self.pipeline_.named_steps["imputer"].indicator_
        for column, feature in enumerate(indicator.features_, start=n + 1):
            out[:, feature] += terms[:, column]
        return pd.DataFrame(out, columns=[*self.features, NO_VISIT])

    def to_files(self) -> dict[str, bytes]:
        """The pipeline as skops, the rest as JSON."""
        value = {
            "kind": self.kind,
            "features": list(self.features),
            "strength": self.strength_,
            "treatment": self.treatment_,
            "roots": [bool(root) for root in self.roots_],
            "calibration": [self.calibration_.intercept, self.calibration_.slope],
        }
        return {MAIN_FILE: json_bytes(value), PIPELINE_FILE: skops_bytes.dump(self.pipeline_)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The estimator of `to_files`."""
        value = json.loads(files[MAIN_FILE])
        made = cls(value["features"], [value["strength"]])
        made.strength_, made.treatment_ = value["strength"], value["treatment"]
        made.roots_ = np.array(value["roots"], dtype=bool)
        made.calibration_ = Sigmoid(*value["calibration"])
        made.pipeline_ = skops_bytes.load(files[PIPELINE_FILE])
        return made

    def _values(self, X: pd.DataFrame) -> np.ndarray:
        return matrix(X, self.features, who="the logistic model")

    def _pipeline(
        self,
        values: np.ndarray,
        treated: np.ndarray,
        y: np.ndarray,
        roots: np.ndarray,
        strength: float,
    ) -> Pipeline:
        pipeline = Pipeline(
            [
                (
                    "imputer",
                    SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                ),
                ("scaler", StandardScaler()),
                ("model", LogisticRegression(C=strength, max_iter=1000, tol=1e-6)),
            ]
        )
        # More threads would add up in another order, and the last bits would differ.
        with threadpool_limits(1):
            inputs = _inputs(values, treated, roots)
            scaled = np.clip(pipeline[:-1].fit_transform(inputs), -WIDEST, WIDEST)
            pipeline[-1].fit(scaled, y)
        return pipeline

    def _later(
        self,
        values: np.ndarray,
        treated: np.ndarray,
        y: np.ndarray,
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        strength: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Margins on later quarters of models of earlier ones, and what happened."""
        margins, truths = [np.empty(0)], [np.empty(0)]
        for earlier, later in folds:
            if not 0 < y[earlier].sum() < len(earlier):
                continue
            roots = long_tailed(values[earlier])
            fitted = self._pipeline(values[earlier], treated[earlier], y[earlier], roots, strength)
            margins.append(_margin(fitted, _scaled(fitted, values[later], treated[later], roots)))
            truths.append(y[later])
        return np.concatenate(margins), np.concatenate(truths)


def long_tailed(values: np.ndarray) -> np.ndarray:
    """Which columns are never negative and have a long tail; empty values are passed over."""
    out = np.zeros(values.shape[1], dtype=bool)
    for column in range(values.shape[1]):
        filled = values[:, column][~np.isnan(values[:, column])]
        spread = filled.std() if len(filled) else 0.0
        if spread > 0 and filled.min() >= 0:
            out[column] = np.mean(((filled - filled.mean()) / spread) ** 3) > LONG_TAIL
    return out


def _inputs(values: np.ndarray, treated: np.ndarray, roots: np.ndarray) -> np.ndarray:
    # A later quarter may bring the first negative value of a column that had none.
    drawn_in = np.where(roots, np.sign(values) * np.sqrt(np.abs(values)), values)
    return np.column_stack([drawn_in, treated])


def _scaled(
    pipeline: Pipeline, values: np.ndarray, treated: np.ndarray, roots: np.ndarray
) -> np.ndarray:
    if not len(values):
        return np.empty((0, pipeline[-1].coef_.shape[1]))
    scaled = pipeline[:-1].transform(_inputs(values, treated, roots))
    return np.clip(scaled, -WIDEST, WIDEST)


def _margin(pipeline: Pipeline, scaled: np.ndarray) -> np.ndarray:
    """Log odds, added up column by column: the same bits whatever the number of threads."""
    margin = np.full(len(scaled), pipeline[-1].intercept_[0])
    for column, coefficient in enumerate(pipeline[-1].coef_[0]):
        margin += scaled[:, column] * coefficient
    return margin
