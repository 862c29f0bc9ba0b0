"""Who holds a place on the list: certainly, not, or by lot."""

from __future__ import annotations

import numpy as np

from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.ties import tied_groups


def expected_places(risk: np.ndarray, places: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Each student's chance of a place when equal risks are settled by lot.

    Parameters
    ----------
    risk : array of float, shape (n,), n >= 1
        Higher comes first.
    places : int
    weights : array of whole numbers, shape (n_draws, n), optional
        How often each student counts; default once. A student who counts twice may take two
        places.

    Returns
    -------
    array of float, shape (n_draws, n), or (n,) without weights
        1 with a place, 0 without, between for those tied at the cut.
    """
    counted = np.ones((1, len(risk))) if weights is None else weights
    order = np.argsort(-risk, kind="stable")
    start, end = tied_groups(risk[order])
    first = np.unique(start)
    size = np.add.reduceat(counted[:, order], first, axis=1)
    before = np.cumsum(size, axis=1) - size
    share = np.clip(places - before, 0, size) / np.maximum(size, 1)
    out = np.empty_like(counted, dtype=np.float64)
    out[:, order] = np.repeat(share, (end - start)[first], axis=1)
    return out[0] if weights is None else out


def expected_places_within(
    risk: np.ndarray, within: np.ndarray, share: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """The same where every class has its own places, as the published list gives them.

    Parameters
    ----------
    risk : array of float, shape (n,), n >= 1
    within : array, shape (n,)
        Each student's class.
    share : float
        Places as a share of each class's students, at least one.
    weights : array of whole numbers, shape (n_draws, n), optional

    Returns
    -------
    array of float, shape (n_draws, n), or (n,) without weights
    """
    counted = np.ones((1, len(risk))) if weights is None else weights
    _, of = np.unique(within, return_inverse=True)
    order = np.lexsort((-risk, of))
    ordered_risk, ordered_of = risk[order], of[order]
    new_class = np.concatenate(([True], ordered_of[1:] != ordered_of[:-1]))
    new_risk = np.concatenate(([True], ordered_risk[1:] != ordered_risk[:-1]))
    first = np.flatnonzero(new_class | new_risk)
    size = np.add.reduceat(counted[:, order], first, axis=1)
    # All before it in the same class: all before it, less all before the class.
    before = np.cumsum(size, axis=1) - size
    start = np.flatnonzero(new_class[first])
    before -= np.repeat(before[:, start], np.diff(np.append(start, len(first))), axis=1)
    places = np.array([capacity_of(share, int(n)) for n in np.bincount(of)])[ordered_of[first]]
    chance = np.clip(places - before, 0, size) / np.maximum(size, 1)
    out = np.empty_like(counted, dtype=np.float64)
    out[:, order] = np.repeat(chance, np.diff(np.append(first, len(risk))), axis=1)
    return out[0] if weights is None else out
