"""What every candidate can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

MAIN_FILE = "estimator.json"
"""The file that every stored estimator has; its `kind` says what the others are."""


class Estimator(Protocol):
    """One outcome's risk, from X.

    Attributes
    ----------
    kind : str
        `rule`, `last_value`, `logistic` or `boosted`.
    treatment_ : str
        How visits entered training; see `estimators.treatment`.
    """

    kind: ClassVar[str]
    treatment_: str

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Self:
        """Learn; rows whose `y` is NaN are left out.

        Parameters
        ----------
        X : DataFrame
            One row a student and quarter.
        y : array of 0, 1 or NaN, shape (n,)
        visited : array of 0, 1 or NaN, shape (n,), or None
            Whether a visit took place in the outcome's quarter.
        quarters : array of str, shape (n,)
            Codes; they sort by time.
        seed : int
        """
        ...

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, 0 to 1, shape (n,)."""
        ...

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, to be compared with what happened."""
        ...

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the log odds, against a typical student.

        Exact: with the typical student's log odds they add up to the risk. Columns are features,
        and `treatment.NO_VISIT` where visits entered training.
        """
        ...

    def to_files(self) -> dict[str, bytes]:
        """The fitted estimator as files, the same bytes each time; never a pickle."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The estimator of `to_files`."""
        ...


def json_bytes(value: Any) -> bytes:
    """Canonical JSON: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
