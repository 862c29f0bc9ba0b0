"""Some students asked about more than once: what their risks are made of, and what they would be.

Any estimator can say both by itself. Trees, which are asked for hundreds of thousands, look up what
they said before; what stands around other estimators passes the question on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.calibration import Sigmoid
from earlywarning.risk.estimators.tree_ways import StudentsWays


class WhatIf(Protocol):
    """What an estimator says of some students.

    Attributes
    ----------
    names : collection of str
        Features that may add to the risk.
    """

    names: Collection[str]

    def parts(self, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """What some of the features add to the log odds of some of the students.

        Parameters
        ----------
        names : sequence of str
            Out of `names`.
        rows : array of int, shape (k,)

        Returns
        -------
        array of float, shape (len(names), k)
            The same bits as in `Estimator.contributions`.
        """
        ...

    def risk(self, rows: np.ndarray, changed: Mapping[str, np.ndarray]) -> np.ndarray:
        """The risk of some of the students if nobody visits, had some values been others.

        Parameters
        ----------
        rows : array of int, shape (k,)
        changed : mapping of feature to array of float, shape (k,)

        Returns
        -------
        array of float, shape (k,)
            The same bits as from `Estimator.predict_risk`.
        """
        ...


def what_if(estimator: Estimator, X: pd.DataFrame) -> WhatIf:
    """Any estimator, to be asked about the students of `X`."""
    own: Callable[[pd.DataFrame], WhatIf] | None = getattr(estimator, "what_if", None)
    return Plain(estimator, X) if own is None else own(X)


class Plain:
    """By asking the estimator itself each time."""

    def __init__(self, estimator: Estimator, X: pd.DataFrame) -> None:
        self._estimator = estimator
        self._X = X
        self._added = estimator.contributions(X)
        self.names: Collection[str] = frozenset(map(str, self._added.columns))

    def parts(self, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """See `WhatIf`."""
        return np.stack([self._added[name].to_numpy()[rows] for name in names])

    def risk(self, rows: np.ndarray, changed: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `WhatIf`."""
        return self._estimator.predict_risk(self._X.iloc[rows].assign(**changed))


class OfTrees:
    """By the students' ways through each tree.

    Parameters
    ----------
    ways : StudentsWays
    features : sequence of str
        Names of the trees' columns.
    calibration : Sigmoid
    """

    def __init__(self, ways: StudentsWays, features: Sequence[str], calibration: Sigmoid) -> None:
        self._ways = ways
        self._calibration = calibration
        self._column = {name: at for at, name in enumerate(features)}
        self.names: Collection[str] = self._column.keys()

    def parts(self, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """See `WhatIf`."""
        added = self._ways.parts([self._column[name] for name in names], rows)
        return added.astype(np.float64) * self._calibration.slope

    def risk(self, rows: np.ndarray, changed: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `WhatIf`."""
        values = {
            self._column[name]: value.astype(np.float32)
            for name, value in changed.items()
            if name in self._column
        }
        return self._calibration.risk(self._ways.margin(rows, values).astype(np.float64))


class Adjusted:
    """By what the estimator inside another says, adjusted as the other does.

    Parameters
    ----------
    inner : WhatIf
    slope : float
        What each part is multiplied by.
    risk : function of rows and their risks
        From the inner risks to the outer.
    """

    def __init__(
        self, inner: WhatIf, risk: Callable[[np.ndarray, np.ndarray], Any], *, slope: float = 1.0
    ) -> None:
        self._inner = inner
        self._risk = risk
        self._slope = slope
        self.names = inner.names

    def parts(self, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """See `WhatIf`."""
        return self._inner.parts(names, rows) * self._slope

    def risk(self, rows: np.ndarray, changed: Mapping[str, np.ndarray]) -> np.ndarray:
        """See `WhatIf`."""
        return self._risk(rows, self._inner.risk(rows, changed))
