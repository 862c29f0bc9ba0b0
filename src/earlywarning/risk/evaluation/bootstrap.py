"""How sure a comparison of lists is: students drawn again within their quarters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.special import ndtr, stdtrit

from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.ties import tied_groups

REPLICATES = 200
_CELLS = 2_000_000
"""Students times draws held at once."""

MOST_GROUPS = 2_000
"""Steps of a list in the redraws. The students of a larger list are taken together by neighbours in
rank, as if by lot among them: a step is then at most a place in two thousand, and a draw costs what
adding up the students costs. What was found on the data as they are is always exact."""


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
    trouble : float
        Students in trouble that the share is of.
    """

    value: dict[str, float]
    draws: dict[str, np.ndarray]
    trouble: float = np.inf

    def difference(self, one: str, other: str) -> tuple[float, float, float, float]:
        """`one` minus `other`: the difference, its standard error, and a 95 % interval."""
        draws = self.draws[one] - self.draws[other]
        low, high = np.quantile(draws, levels(self.trouble))
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
        float(measured.trouble[0]),
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
        return band(self.found_shares(name), among=self.trouble[0])

    def precision(self, name: str) -> Band:
        """Share of the first so many students who were in trouble."""
        return band(self.found[name] / self.places)


def levels(among: float) -> tuple[float, float]:
    """Where a 95 % interval begins and ends among the draws.

    Redrawing few students spreads too little, so the levels move outwards as Student's t does
    (expanded percentiles; Hesterberg 2015): of 20 from 2.5 to 1.6 %, of 3 to the ends.
    """
    if not among < 1e6:
        return 0.025, 0.975
    if among < 2:
        return 0.0, 1.0
    reach = float(stdtrit(among - 1, 0.975)) * (among / (among - 1)) ** 0.5
    low = float(ndtr(-reach))
    return low, 1 - low


def band(drawn: np.ndarray, *, among: float = np.inf) -> Band:
    """The first row with the middle 95 % of the others, shape (1 + replicates, n).

    Parameters
    ----------
    drawn : array of float
    among : float
        Students that the figure is a mean of; few widen it, see `levels`.
    """
    # Many columns at once; the version that passes over NaN takes them one by one.
    quantile = np.nanquantile if np.isnan(drawn).any() else np.quantile
    low, high = quantile(drawn[1:], levels(float(among)), axis=0)
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
        y = np.asarray(quarter.y, dtype=np.float64)
        lists = [_Ranked.of(risk) for risk in quarter.risks.values()]
        # For every list its steps' students, and below them their trouble.
        sums = vstack(
            [part for one in lists for part in (one.members(), one.members(y))], format="csr"
        )
        for rows, weights in drawn_weights(rng, len(y), replicates):
            trouble[rows] += weights @ y
            drawn = (sums @ np.ascontiguousarray(weights.T)).T
            start = 0
            for one, counts in zip(lists, found.values(), strict=True):
                size, positives = np.split(drawn[:, start : start + 2 * one.steps], 2, axis=1)
                some = _found(size, positives, at)
                if not rows.start:
                    some[:1] = one.as_they_are(y, at)
                counts[rows] += some
                start += 2 * one.steps
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


@dataclass(frozen=True, slots=True)
class _Ranked:
    """One list: its order, and where each step of it begins."""

    order: np.ndarray
    every: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, risk: np.ndarray) -> _Ranked:
        order = np.argsort(-risk, kind="stable")
        start, _ = tied_groups(risk[order])
        every = start[np.diff(start, prepend=-1) > 0]
        first = every
        if len(every) > MOST_GROUPS:
            wanted = np.linspace(0, len(risk), MOST_GROUPS, endpoint=False)
            at = np.searchsorted(every, wanted)
            first = every[np.unique(at[at < len(every)])]
        return cls(order, every, first)

    @property
    def steps(self) -> int:
        return len(self.first)

    def members(self, values: np.ndarray | None = None) -> csr_array:
        """Adds up students, or a value of theirs, by step; shape (steps, n)."""
        ends = np.append(self.first, len(self.order))
        data = np.ones(len(self.order)) if values is None else values[self.order]
        shape = (self.steps, len(self.order))
        made = csr_array((data, self.order, ends), shape=shape, copy=True)
        made.eliminate_zeros()
        return made

    def as_they_are(self, y: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Trouble found with each student once, step by step of equal risks."""
        size = np.diff(np.append(self.every, len(y))).astype(np.float64)
        positives = np.add.reduceat(y[self.order], self.every)
        return _found(size[None], positives[None], places)


def _found(size: np.ndarray, positives: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Expected trouble found in the first `places`, shape (n_draws, n_capacities).

    Parameters
    ----------
    size, positives : array of float, shape (n_draws, n_steps)
        Students of each step of the list, first step first, and those in trouble.
    places : array of int, shape (n_capacities,)
    """
    after = np.cumsum(size, axis=1)
    found = np.cumsum(positives, axis=1)
    # The step in which each capacity ends: every draw's cumulative sizes lie in a range of
    # their own, so that one search serves all draws.
    draws, steps = size.shape
    own = np.arange(draws)[:, None] * (after[:, -1:].max() + 1.0)
    last = np.searchsorted((own + after).ravel(), (own + places).ravel()).reshape(draws, -1)
    last -= np.arange(draws)[:, None] * steps
    row = np.arange(draws)[:, None]
    inside, share = size[row, last], positives[row, last]
    entered = places - (after[row, last] - inside)
    return found[row, last] - share + entered * share / np.maximum(inside, 1)
