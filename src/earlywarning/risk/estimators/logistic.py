"""Regularised logistic regression: empty values imputed and marked, long tails drawn in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from earlywarning.risk.estimators import skops_bytes
from earlywarning.risk.estimators.base import MAIN_FILE, json_bytes
from earlywarning.risk.estimators.calibration import Sigmoid, fit_sigmoid
from earlywarning.risk.estimators.filling import medians
from earlywarning.risk.estimators.matrix import matrix
from earlywarning.risk.estimators.memo import Memo, once
from earlywarning.risk.estimators.treatment import AGAINST_SENSE, NO_VISIT, USED, treatment
from earlywarning.risk.evaluation.calibration import log_loss
from earlywarning.risk.search import SEARCHED_OF_A_QUARTER, Tried
from earlywarning.risk.splits import inner_folds, spread

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
    memo : Memo, optional
        Of the training that it takes part in.
    tried : sequence of Tried
        The search that chose the strength, if there was one.

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

    def __init__(
        self,
        features: Sequence[str],
        strengths: Sequence[float],
        *,
        memo: Memo | None = None,
        tried: Sequence[Tried] = (),
    ) -> None:
        self.features = tuple(features)
        self.strengths = tuple(strengths)
        self.memo = memo
        self.tried = tuple(tried)
        self.calibrates = True
        self.treatment_ = ""

    def uncalibrated(self) -> Logistic:
        """The same candidate without calibration: it ranks alike, for a quarter of the work."""
        made = Logistic(self.features, self.strengths, memo=self.memo, tried=self.tried)
        made.calibrates = False
        return made

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
        known = np.flatnonzero(~np.isnan(y))
        known = known[spread(quarters[known], seed=seed, most=SEARCHED_OF_A_QUARTER)]
        values, y, quarters = self._values(X.iloc[known]), y[known], quarters[known]
        treated, _ = treatment(None if visited is None else visited[known], y)
        truths = [np.empty(0)]
        margins: list[list[np.ndarray]] = [[np.empty(0)] for _ in self.strengths]
        for earlier, later in inner_folds(quarters, seed=seed):
            if not 0 < y[earlier].sum() < len(earlier):
                continue
            prepared = _Prepared.of(values[earlier], treated[earlier])
            inputs = prepared.scaled(values[later], treated[later])
            truths.append(y[later])
            for strength, of in zip(self.strengths, margins, strict=True):
                of.append(_margin(prepared.model(y[earlier], strength), inputs))
        truth = np.concatenate(truths)
        losses = [log_loss(truth, np.concatenate(of)) if len(truth) else 0.0 for of in margins]
        best = int(np.argmin(losses))
        tried = [
            Tried({"strength": strength}, loss, at == best)
            for at, (strength, loss) in enumerate(zip(self.strengths, losses, strict=True))
        ]
        return Logistic(self.features, [self.strengths[best]], memo=self.memo, tried=tried)

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
        if not known.all():
            X, y, quarters = X.iloc[np.flatnonzero(known)], y[known], quarters[known]
            visited = None if visited is None else visited[known]
        values = self._values(X)
        treated, self.treatment_ = treatment(visited, y)
        if self.treatment_ != USED:
            treated = np.zeros(len(y))
        learnt = self._learnt(values, treated, y)
        if self.treatment_ == USED and learnt.pipeline[-1].coef_[0][len(self.features)] > 0:
            self.treatment_, treated = AGAINST_SENSE, np.zeros(len(y))
            learnt = self._learnt(values, treated, y)
        self.roots_, self.pipeline_ = learnt.roots, learnt.pipeline
        self.calibration_ = Sigmoid()
        if self.calibrates:
            margins, truths = [np.empty(0)], [np.empty(0)]
            for earlier, later in inner_folds(quarters, seed=seed):
                if not 0 < y[earlier].sum() < len(earlier):
                    continue
                before = self._learnt(values[earlier], treated[earlier], y[earlier])
                margins.append(before.margin(values[later], treated[later]))
                truths.append(y[later])
            self.calibration_ = fit_sigmoid(np.concatenate(margins), np.concatenate(truths))
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, shape (n,)."""
        return self.predict_factual(X, None)

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, shape (n,)."""
        treated = np.zeros(len(X))
        if visited is not None and self.treatment_ == USED:
            treated = np.nan_to_num(visited, nan=0.0)
        margin = _Learnt(self.roots_, self.pipeline_).margin(self._values(X), treated)
        return self.calibration_.risk(margin)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Coefficient times scaled value, with the feature's indicator of emptiness."""
        scaled = _scaled(self.pipeline_[:-1], self._values(X), np.zeros(len(X)), self.roots_)
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

    def _learnt(self, values: np.ndarray, treated: np.ndarray, y: np.ndarray) -> _Learnt:
        def learn() -> _Learnt:
            prepared = _Prepared.of(values, treated)
            model = prepared.model(y, self.strength_)
            return _Learnt(prepared.roots, Pipeline([*prepared.steps.steps, ("model", model)]))

        return once(self.memo, learn, values, treated, y, self.kind, self.strength_)


@dataclass(frozen=True, slots=True)
class _Learnt:
    """One model, not calibrated."""

    roots: np.ndarray
    pipeline: Pipeline

    def margin(self, values: np.ndarray, treated: np.ndarray) -> np.ndarray:
        """Log odds, shape (n,)."""
        scaled = _scaled(self.pipeline[:-1], values, treated, self.roots)
        return _margin(self.pipeline[-1], scaled)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Rows to learn from, filled and scaled once for any number of strengths."""

    roots: np.ndarray
    steps: Pipeline
    inputs: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, treated: np.ndarray) -> _Prepared:
        roots = long_tailed(values)
        inputs: Any = _inputs(values, treated, roots)
        imputer: Any = medians(inputs)
        scaler: Any = StandardScaler(copy=False)
        inputs = scaler.fit_transform(imputer.transform(inputs))
        steps = Pipeline([("imputer", imputer), ("scaler", scaler)])
        return cls(roots, steps, np.clip(inputs, -WIDEST, WIDEST, out=inputs))

    def scaled(self, values: np.ndarray, treated: np.ndarray) -> np.ndarray:
        """Other rows, as these were."""
        return _scaled(self.steps, values, treated, self.roots)

    def model(self, y: np.ndarray, strength: float) -> LogisticRegression:
        """Newton's method: a handful of steps, where rows are many and columns few."""
        model: Any = LogisticRegression(
            C=strength, solver="newton-cholesky", max_iter=100, tol=1e-6
        )
        # More threads would add up in another order, and the last bits would differ.
        with threadpool_limits(1):
            return model.fit(self.inputs, y)


def long_tailed(values: np.ndarray) -> np.ndarray:
    """Which columns are never negative and have a long tail; empty values are passed over."""
    out = np.zeros(values.shape[1], dtype=bool)
    for column in range(values.shape[1]):
        filled = values[:, column][~np.isnan(values[:, column])]
        spread = filled.std() if len(filled) else 0.0
        if spread > 0 and filled.min() >= 0:
            scaled = (filled - filled.mean()) / spread
            out[column] = np.mean(scaled * scaled * scaled) > LONG_TAIL
    return out


def _inputs(values: np.ndarray, treated: np.ndarray, roots: np.ndarray) -> np.ndarray:
    out = np.column_stack([values, treated])
    for column in np.flatnonzero(roots):
        # A later quarter may bring the first negative value of a column that had none.
        out[:, column] = np.sign(values[:, column]) * np.sqrt(np.abs(values[:, column]))
    return out


def _scaled(
    steps: Pipeline, values: np.ndarray, treated: np.ndarray, roots: np.ndarray
) -> np.ndarray:
    if not len(values):
        return np.empty((0, steps[-1].n_features_in_))
    scaled: Any = steps.transform(_inputs(values, treated, roots))
    return np.clip(scaled, -WIDEST, WIDEST, out=scaled)


def _margin(model: LogisticRegression, scaled: np.ndarray) -> np.ndarray:
    """Log odds, added up column by column: the same bits whatever the number of threads."""
    margin = np.full(len(scaled), model.intercept_[0])
    for column, coefficient in enumerate(model.coef_[0]):
        margin += scaled[:, column] * coefficient
    return margin
