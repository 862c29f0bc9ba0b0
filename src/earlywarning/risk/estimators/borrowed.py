"""A model that learnt at another school, made to mean what it says at this one.

Its order of students is kept. Two numbers of calibration are fitted on this school's own quarters,
with a prior that leaves them as they were: with little history they hardly move, and with none
they do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from earlywarning.risk.estimators.base import MAIN_FILE, Estimator, json_bytes
from earlywarning.risk.estimators.calibration import Sigmoid, fit_sigmoid, logit
from earlywarning.risk.estimators.what_if import Adjusted, WhatIf, what_if

INSIDE = "base."
"""Begins the names of the files of the model inside."""


class Borrowed:
    """Another school's model with two numbers of this one's.

    Parameters
    ----------
    base : Estimator
        Fitted; it is never changed.
    origin : mapping
        JSON values: where it comes from, and the hash of what brought it.

    Attributes
    ----------
    calibration_ : Sigmoid
    calibrated : bool
        Whether this school's own history has set it.
    """

    kind: ClassVar[str] = "borrowed"

    def __init__(self, base: Estimator, origin: Mapping[str, Any]) -> None:
        self.base = base
        self.origin = dict(origin)
        self.calibration_ = Sigmoid()
        self.calibrated = False

    @property
    def treatment_(self) -> str:
        """How visits entered its training, at the other school."""
        return self.base.treatment_

    @property
    def features(self) -> tuple[str, ...]:
        """What the model inside looks at."""
        inside: Any = self.base
        return tuple(getattr(inside, "features", None) or (inside.feature,))

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Self:
        """Calibrate on this school's quarters; the model inside learns nothing."""
        known = ~np.isnan(y)
        there = None if visited is None else visited[known]
        margin = logit(self.base.predict_factual(X[known], there))
        self.calibration_, self.calibrated = fit_sigmoid(margin, y[known]), True
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, shape (n,)."""
        return self.calibration_.risk(logit(self.base.predict_risk(X)))

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, shape (n,)."""
        return self.calibration_.risk(logit(self.base.predict_factual(X, visited)))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Those of the model inside, calibrated."""
        return self.base.contributions(X) * self.calibration_.slope

    def what_if(self, X: pd.DataFrame) -> WhatIf:
        """By the model inside, calibrated."""

        def risk(_: np.ndarray, inner: np.ndarray) -> np.ndarray:
            return self.calibration_.risk(logit(inner))

        return Adjusted(what_if(self.base, X), risk, slope=self.calibration_.slope)

    def to_files(self) -> dict[str, bytes]:
        """The files of the model inside under other names, and one for the rest."""
        value = {
            "kind": self.kind,
            "origin": self.origin,
            "calibrated": self.calibrated,
            "calibration": [self.calibration_.intercept, self.calibration_.slope],
        }
        inside = {INSIDE + name: data for name, data in self.base.to_files().items()}
        return {MAIN_FILE: json_bytes(value), **inside}

    @classmethod
    def around(cls, base: Estimator, files: Mapping[str, bytes]) -> Borrowed:
        """The estimator of `to_files`, of which `base` has been read already."""
        value = json.loads(files[MAIN_FILE])
        made = cls(base, value["origin"])
        made.calibration_ = Sigmoid(*value["calibration"])
        made.calibrated = bool(value["calibrated"])
        return made
