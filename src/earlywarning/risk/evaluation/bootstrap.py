"""How sure a comparison of lists is: students drawn again within their quarters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.ties import tied_groups

REPLICATES = 200
_CELLS = 2_000_000
"""Students times draws held at once."""


@dataclass(frozen=True, slots=True)
class Quarterly:
    """One quarter's outcomes and every candidate's risks for the same students.

    Attributes
    ----------
    y : array of 0 or 1, shape (n,)
    risks : mapping of candidate to array of float, shape (n,)
    """

    y: np.ndarray
    risks: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Share of trouble found within capacity, over all quarters together.

    Attributes
    ----------
    value : dict of candidate to float
        On the data as they are; ties by lot (their expectation).
    draws : dict of candidate to array, shape (replicates,)
        On the redrawn data; position b is the same draw for every candidate.
    """

    value: dict[str, float]
    draws: dict[str, np.ndarray]

    def difference(self, one: str, other: str) -> tuple[float, float, float, float]:
        """`one` minus `other`: the difference, its standard error, and a 95 % interval."""
        draws = self.draws[one] - self.draws[other]
        low, high = np.quantile(draws, (0.025, 0.975))
        spread = float(draws.std(ddof=1))
        return self.value[one] - self.value[other], spread, float(low), float(high)

    def standard_error(self, one: str) -> float:
        """Standard error of one candidate's share."""
        return float(self.draws[one].std(ddof=1))


def found_share(
    quarters: Sequence[Quarterly], *, capacity_share: float, seed: int, replicates: int = REPLICATES
) -> Drawn:
    """Measure candidates on the same later quarters, and redraw the students within each.

    Every candidate meets the same draws, so a difference between two is far surer than each alone.

    Parameters
    ----------
    quarters : sequence of Quarterly
        At least one, with the same candidates; together at least one student in trouble.
    capacity_share : float
        Places as a share of the students of each quarter, above 0, at most 1.
    seed : int
    replicates : int
    """
    rng = np.random.default_rng(seed)
    names = list(quarters[0].risks)
    found = {name: np.zeros(replicates + 1) for name in names}
    trouble = np.zeros(replicates + 1)
    for quarter in quarters:
        n = len(quarter.y)
        places = capacity_of(capacity_share, n)
        step = max(1, _CELLS // n)
        for first in range(0, replicates + 1, step):
            rows = slice(first, min(first + step, replicates + 1))
            weights = _weights(rng, n, rows)
            trouble[rows] += weights @ quarter.y
            for name in names:
                found[name][rows] += _found(quarter.y, quarter.risks[name], weights, places)
    # A draw without anybody in trouble found all there was to find.
    shares = {
        name: np.where(trouble > 0, counts / np.maximum(trouble, 1), 1.0)
        for name, counts in found.items()
    }
    return Drawn(
        {name: float(share[0]) for name, share in shares.items()},
        {name: share[1:] for name, share in shares.items()},
    )


def _weights(rng: np.random.Generator, n: int, rows: slice) -> np.ndarray:
    """How often each student counts, one row a draw; draw 0 is the data as they are."""
    weights = np.ones((rows.stop - rows.start, n))
    for draw, row in zip(range(rows.start, rows.stop), weights, strict=True):
        if draw:
            row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return weights


def _found(y: np.ndarray, risk: np.ndarray, weights: np.ndarray, places: int) -> np.ndarray:
    """Expected trouble found in the first `places`, for each row of whole-number weights."""
    order = np.argsort(-risk, kind="stable")
    start, end = tied_groups(risk[order])
    firsts, lasts = np.unique(start), np.unique(end)
    edges = np.concatenate((firsts, lasts[-1:]))
    ordered = weights[:, order]
    size = np.add.reduceat(ordered, edges[:-1], axis=1)
    positives = np.add.reduceat(ordered * y[order], edges[:-1], axis=1)
    entered = np.clip(places - (np.cumsum(size, axis=1) - size), 0, size)
    return (entered * positives / np.maximum(size, 1)).sum(axis=1)
