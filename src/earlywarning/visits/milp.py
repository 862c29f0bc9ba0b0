"""A mixed-integer linear program, put together row by row and solved by HiGHS."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array


class Program:
    """Minimise cost, subject to rows of the form low <= sum of coefficient x variable <= high.

    The same rows in the same order give the same solution: HiGHS is deterministic, and its work is
    limited by nodes, never by time.
    """

    def __init__(self) -> None:
        self._cost: list[float] = []
        self._upper: list[float] = []
        self._whole: list[int] = []
        self._at: tuple[list[int], list[int], list[float]] = ([], [], [])
        self._low: list[float] = []
        self._high: list[float] = []

    @property
    def size(self) -> int:
        """How many variables there are."""
        return len(self._cost)

    def variable(self, cost: float = 0.0, *, upper: float = 1.0, whole: bool = True) -> int:
        """A new variable from 0 to `upper`; its number."""
        self._cost.append(cost)
        self._upper.append(upper)
        self._whole.append(int(whole))
        return len(self._cost) - 1

    def row(
        self,
        terms: Iterable[tuple[int, float]],
        *,
        low: float = -np.inf,
        high: float = np.inf,
    ) -> None:
        """A new constraint; `terms` are (variable, coefficient)."""
        place = len(self._low)
        rows, columns, values = self._at
        for variable, coefficient in terms:
            rows.append(place)
            columns.append(variable)
            values.append(coefficient)
        self._low.append(low)
        self._high.append(high)

    def solve(self, *, nodes: int, gap: float = 0.0) -> np.ndarray | None:
        """The best values found; None if there are none.

        Parameters
        ----------
        nodes : int
            Of the search tree, at most.
        gap : float
            Share of the cost by which the answer may miss the best one.
        """
        if not self._cost:
            return np.zeros(0)
        rows, columns, values = self._at
        matrix = csr_array((values, (rows, columns)), shape=(len(self._low), self.size))
        found = milp(
            np.array(self._cost),
            integrality=np.array(self._whole),
            bounds=Bounds(np.zeros(self.size), np.array(self._upper)),
            constraints=LinearConstraint(matrix, np.array(self._low), np.array(self._high)),
            options={"node_limit": nodes, "mip_rel_gap": gap},
        )
        if found.x is None:
            return None
        whole = np.array(self._whole) > 0
        return np.where(whole, np.rint(found.x), found.x)
