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
    out = np.empty(len(risk) if weights is None else weights.shape)
    _, of = np.unique(within, return_inverse=True)
    order = np.argsort(of, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(of))[:-1]):
        places = capacity_of(share, len(members))
        counted = None if weights is None else weights[:, members]
        out[..., members] = expected_places(risk[members], places, counted)
    return out
