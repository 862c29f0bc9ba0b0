"""Risks that come true in every group: one step on the logit scale for each, drawn to none.

Data staff switch it on in `spec.toml`. A group is a grade level or a school: where a child learns,
never what a child is. With the children of one group the order stays as it was.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from earlywarning.errors import DataError
from earlywarning.risk.estimators.base import Estimator, json_bytes
from earlywarning.risk.estimators.calibration import LIMIT, expit, logit
from earlywarning.risk.estimators.what_if import Adjusted, WhatIf, what_if
from earlywarning.risk.splits import inner_folds

GROUPS_FILE = "groups.json"
"""The file that a model has beside its own where groups are calibrated."""

GROUP = "group"
"""Name of what a group's step adds to the log odds; never a reason."""

COLUMNS = {"grade_level": "grade_level", "school": "school_id"}
"""What may be calibrated by, and the column that says it."""

PRIOR_WEIGHT = 10.0
"""Strength of the prior that a group is like all: groups differ by about a third of a logit. A
group with a tenth of its students in trouble keeps half of its own step from about 110 students."""


class Grouped:
    """Any estimator, with one step a group on top of its calibration.

    The steps are fitted on later quarters that the estimator of earlier ones had not seen, each
    with a normal prior centred on none. A group that is unknown, or was never seen, has none.

    Parameters
    ----------
    inner : Estimator
    by : {"grade_level", "school"}

    Attributes
    ----------
    steps_ : dict of group to float
        Added to the log odds.
    counts_ : dict of group to int
        Students and quarters that each step rests on.
    """

    def __init__(self, inner: Any, by: str) -> None:
        self.inner = inner
        self.by = by
        self.steps_: dict[str, float] = {}
        self.counts_: dict[str, int] = {}

    @property
    def kind(self) -> str:  # type: ignore[override]
        """That of the estimator inside."""
        return self.inner.kind

    @property
    def treatment_(self) -> str:
        """How visits entered training."""
        return self.inner.treatment_

    @property
    def tried(self) -> Any:
        """What the search of the estimator inside tried."""
        return getattr(self.inner, "tried", ())

    @property
    def features(self) -> tuple[str, ...]:
        """What the estimator inside looks at."""
        return tuple(getattr(self.inner, "features", None) or (self.inner.feature,))

    def tuned(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Grouped:
        """The same candidate with the strengths of the estimator inside chosen."""
        if not hasattr(self.inner, "tuned"):
            return self
        inner = self.inner.tuned(X, y, visited=visited, quarters=quarters, seed=seed)
        return Grouped(inner, self.by)

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Self:
        """Learn, then find each group's step on quarters that were not learnt from."""
        known = np.flatnonzero(~np.isnan(y))
        X, y, quarters = X.iloc[known], y[known], quarters[known]
        visited = None if visited is None else visited[known]
        whole = self.inner.tuned(X, y, visited=visited, quarters=quarters, seed=seed) if hasattr(
            self.inner, "tuned"
        ) else self.inner  # fmt: skip
        group = self._groups(X)
        margins = np.full(len(y), np.nan)
        for earlier, later in inner_folds(quarters, seed=seed):
            if not 0 < y[earlier].sum() < len(earlier):
                continue
            # Visits must mean the same in every fold as in the whole.
            of = _some(visited, earlier)
            fitted = copy.copy(whole).fit(
                X.iloc[earlier], y[earlier], visited=of, quarters=quarters[earlier], seed=seed
            )
            margins[later] = logit(fitted.predict_factual(X.iloc[later], _some(visited, later)))
        seen = ~np.isnan(margins) & (group != "")
        names = sorted(set(group[seen]))
        self.steps_ = {
            name: _step(margins[seen & (group == name)], y[seen & (group == name)])
            for name in names
        }
        self.counts_ = {name: int((seen & (group == name)).sum()) for name in names}
        self.inner = copy.copy(whole).fit(X, y, visited=visited, quarters=quarters, seed=seed)
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, shape (n,)."""
        return _stepped(self._steps(X), self.predict_pooled(X))

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, shape (n,)."""
        return _stepped(self._steps(X), self.pooled_factual(X, visited))

    def predict_pooled(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, without the steps: what switching this on has changed."""
        return self.inner.predict_risk(X)

    def pooled_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, without the steps."""
        return self.inner.predict_factual(X, visited)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Those of the estimator inside, and the group's step."""
        return self.inner.contributions(X).assign(**{GROUP: self._steps(X)})

    def what_if(self, X: pd.DataFrame) -> WhatIf:
        """By the estimator inside, and each child's step, whatever else is changed."""
        steps = self._steps(X)
        return Adjusted(what_if(self.inner, X), lambda rows, risk: _stepped(steps[rows], risk))

    def to_files(self) -> dict[str, bytes]:
        """The files of the estimator inside, and one for the steps."""
        value = {"by": self.by, "steps": self.steps_, "counts": self.counts_}
        return {**self.inner.to_files(), GROUPS_FILE: json_bytes(value)}

    @classmethod
    def around(cls, inner: Estimator, files: Mapping[str, bytes]) -> Grouped:
        """The estimator of `to_files`, of which `inner` has been read already."""
        value = json.loads(files[GROUPS_FILE])
        made = cls(inner, value["by"])
        made.steps_ = {str(name): float(step) for name, step in value["steps"].items()}
        made.counts_ = {str(name): int(count) for name, count in value["counts"].items()}
        return made

    def _steps(self, X: pd.DataFrame) -> np.ndarray:
        return np.array([self.steps_.get(name, 0.0) for name in self._groups(X)])

    def _groups(self, X: pd.DataFrame) -> np.ndarray:
        """Each student's group; empty text where it is not recorded."""
        column = COLUMNS[self.by]
        if column not in X.columns:
            raise DataError(
                f"risks are calibrated by {self.by}, and {column} is not among the features; "
                "score with `Dataset.with_school`"
            )
        if self.by == "school":
            return X[column].fillna("").to_numpy(dtype=str)
        levels = X[column].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.array(["" if np.isnan(one) else f"{one:g}" for one in levels], dtype=str)


def _stepped(steps: np.ndarray, risk: np.ndarray) -> np.ndarray:
    # A child without a step keeps its risk to the last bit.
    return np.where(steps == 0.0, risk, expit(logit(risk) + steps))


def _some(visited: np.ndarray | None, at: np.ndarray) -> np.ndarray | None:
    return None if visited is None else visited[at]


def _step(margin: np.ndarray, y: np.ndarray) -> float:
    """The most likely step of one group under the prior, by Newton's method."""
    step = 0.0
    margin = np.clip(margin, -LIMIT, LIMIT)
    for _ in range(100):
        risk = expit(margin + step)
        slope = float(np.sum(risk * (1 - risk))) + PRIOR_WEIGHT
        change = float(np.clip((np.sum(risk - y) + PRIOR_WEIGHT * step) / slope, -1, 1))
        step -= change
        if abs(change) < 1e-12:
            break
    return step
