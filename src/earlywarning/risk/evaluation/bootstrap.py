"""How sure a comparison of lists is: students drawn again within their quarters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    places = [np.array([capacity_of(capacity_share, len(quarter.y))]) for quarter in quarters]
    measured = at_places(quarters, places, seed=seed, replicates=replicates)
    shares = {name: measured.found_shares(name)[:, 0] for name in measured.found}
    return Drawn(
        {name: float(share[0]) for name, share in shares.items()},
        {name: share[1:] for name, share in shares.items()},
    )


@dataclass(frozen=True, slots=True)
class Band:
    """A figure at several capacities, with the limits of its 95 % interval.

    Attributes
    ----------
    value, low, high : array of float, shape (n_capacities,)
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, slots=True)
class Measured:
    """What the candidates found at several capacities, as it was and on redrawn students.

    Attributes
    ----------
    places : array of float, shape (n_capacities,)
        Of all quarters together.
    trouble : array of float, shape (1 + replicates,)
        Students in trouble, as they were and in each draw.
    found : dict of candidate to array, shape (1 + replicates, n_capacities)
        Those among the first so many; ties by lot (their expectation).
    """

    places: np.ndarray
    trouble: np.ndarray
    found: dict[str, np.ndarray]

    def found_shares(self, name: str) -> np.ndarray:
        """Share of all trouble, shape (1 + replicates, n_capacities)."""
        trouble = self.trouble[:, None]
        # A draw without anybody in trouble found all there was to find.
        return np.where(trouble > 0, self.found[name] / np.maximum(trouble, 1), 1.0)

    def found_share(self, name: str) -> Band:
        """Share of all trouble that the first so many students hold."""
        return band(self.found_shares(name))

    def precision(self, name: str) -> Band:
        """Share of the first so many students who were in trouble."""
        return band(self.found[name] / self.places)


def band(drawn: np.ndarray) -> Band:
    """The first row with the middle 95 % of the others, shape (1 + replicates, n)."""
    low, high = np.nanquantile(drawn[1:], (0.025, 0.975), axis=0)
    return Band(drawn[0], low, high)


def at_places(
    quarters: Sequence[Quarterly],
    places: Sequence[np.ndarray],
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> Measured:
    """Measure candidates at several capacities at once; every candidate meets the same draws.

    Parameters
    ----------
    quarters : sequence of Quarterly
        At least one, with the same candidates.
    places : sequence of array of int, shape (n_capacities,)
        Of each quarter, 1 to its students; the same number of capacities for every quarter.
    seed : int
    replicates : int
    """
    rng = np.random.default_rng(seed)
    width = len(places[0])
    found = {name: np.zeros((replicates + 1, width)) for name in quarters[0].risks}
    trouble = np.zeros(replicates + 1)
    for quarter, at in zip(quarters, places, strict=True):
        for rows, weights in drawn_weights(rng, len(quarter.y), replicates):
            trouble[rows] += weights @ quarter.y
            for name, counts in found.items():
                counts[rows] += _found(quarter.y, quarter.risks[name], weights, at)
    return Measured(np.asarray(places, dtype=np.float64).sum(axis=0), trouble, found)


def drawn_weights(
    rng: np.random.Generator, n: int, replicates: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """How often each of n students counts, some draws at a time: (rows, weights).

    Weights have shape (len(rows), n); row 0 is the students as they are.
    """
    step = max(1, _CELLS // n)
    for first in range(0, replicates + 1, step):
        rows = slice(first, min(first + step, replicates + 1))
        yield rows, _weights(rng, n, rows)


def _weights(rng: np.random.Generator, n: int, rows: slice) -> np.ndarray:
    """How often each student counts, one row a draw; draw 0 is the data as they are."""
    weights = np.ones((rows.stop - rows.start, n))
    for draw, row in zip(range(rows.start, rows.stop), weights, strict=True):
        if draw:
            row[:] = np.bincount(rng.integers(0, n, size=n), minlength=n)
    return weights


def _found(y: np.ndarray, risk: np.ndarray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Expected trouble found in the first `places`, shape (n_draws, n_capacities)."""
    order = np.argsort(-risk, kind="stable")
    start, _ = tied_groups(risk[order])
    edges = np.unique(start)
    ordered = weights[:, order]
    size = np.add.reduceat(ordered, edges, axis=1)
    positives = np.add.reduceat(ordered * y[order], edges, axis=1)
    after = np.cumsum(size, axis=1)
    found = np.cumsum(positives, axis=1)
    # The group in which each capacity ends: every draw's cumulative sizes lie in a range of
    # their own, so that one search serves all draws.
    draws, n = weights.shape
    own = np.arange(draws)[:, None] * (n + 1.0)
    wanted = (own + places).ravel()
    last = np.searchsorted((own + after).ravel(), wanted).reshape(draws, -1)
    last -= np.arange(draws)[:, None] * len(edges)
    row = np.arange(draws)[:, None]
    inside, share = size[row, last], positives[row, last]
    entered = places - (after[row, last] - inside)
    return found[row, last] - share + entered * share / np.maximum(inside, 1)
