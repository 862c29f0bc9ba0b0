"""How much of a list is chance: places that change when it is learnt again from other draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from earlywarning.risk.evaluation.ranking import capacity_of

REFITS = 5
ROWS = 150_000
"""Redraws: five, and no more than have so many rows together, at least one. Where many rows are
learnt from a list has hundreds of places, and one redraw already tells the share that changes."""

Fit = Callable[[np.ndarray, int], np.ndarray]
"""Learns from these rows, with this seed; the risks of the later students."""


@dataclass(frozen=True, slots=True)
class Stability:
    """Share of the places within capacity that go to somebody else, 0 to 1.

    Attributes
    ----------
    candidate, label : str
        What was learnt again, and the quarter that was listed.
    redrawn : tuple of float
        One for each redraw of the students learnt from.
    seed : float
        By another seed alone.
    """

    candidate: str
    label: str
    redrawn: tuple[float, ...]
    seed: float

    @property
    def mean(self) -> float:
        """Mean over the redraws."""
        return float(np.mean(self.redrawn))


def stability(
    fit: Fit,
    *,
    candidate: str,
    label: str,
    risk: np.ndarray,
    train: np.ndarray,
    quarters: np.ndarray,
    capacity_share: float,
    seed: int,
    refits: int | None = None,
) -> Stability:
    """Learn again a few times, and count the places that change hands.

    Parameters
    ----------
    fit : function
        See `Fit`.
    candidate, label : str
    risk : array of float, shape (n,)
        The later students' risks as they were first learnt.
    train : array of int, shape (m,)
        Rows learnt from; redrawn with replacement within each quarter, so that every quarter keeps
        its size.
    quarters : array of str, shape (m,)
        Of each of them.
    capacity_share : float
    seed : int
        Of the redraws; learning itself keeps its own, except in the last refit.
    refits : int, optional
        Redraws; default by the rows learnt from, see `ROWS`.
    """
    if refits is None:
        refits = min(max(ROWS // max(len(train), 1), 1), REFITS)
    rng = np.random.default_rng(seed)
    places = capacity_of(capacity_share, len(risk))
    lot = rng.permutation(len(risk))
    listed = _listed(risk, lot, places)

    def changed(again: np.ndarray) -> float:
        return float((listed & ~_listed(again, lot, places)).sum() / places)

    redrawn = tuple(changed(fit(_redrawn(train, quarters, rng), seed)) for _ in range(refits))
    return Stability(candidate, label, redrawn, changed(fit(train, seed + 1)))


def _listed(risk: np.ndarray, lot: np.ndarray, places: int) -> np.ndarray:
    """Who has a place; one lot settles equal risks, before and after alike."""
    chosen = np.zeros(len(risk), dtype=bool)
    chosen[np.lexsort((lot, -risk))[:places]] = True
    return chosen


def _redrawn(train: np.ndarray, quarters: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows with replacement, as many of each quarter, in the order of the quarters."""
    parts = []
    for quarter in np.unique(quarters):
        rows = train[quarters == quarter]
        parts.append(np.sort(rng.choice(rows, size=len(rows), replace=True)))
    return np.concatenate(parts)
