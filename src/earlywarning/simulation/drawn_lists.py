"""Every teacher's list of a simulated district at once, by the rules of the real lists.

Arrays in place of families, so that hundreds of districts can be tried; a test compares it with
`visits.capacity` family by family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEVER_VISITED = -1


@dataclass(frozen=True)
class Lists:
    """What the cut made of each household; arrays of shape (n_households,).

    Attributes
    ----------
    rank : array of int
        Within the lead, 1 first.
    cut : array of float
        The N-th highest priority among the lead's others; NaN where everybody has a place.
    in_lottery, won : arrays of bool
    chance : array of float
        Of a place, where lots were drawn; else NaN.
    concern, preventive : arrays of bool
        Listed, and on which track.
    """

    rank: np.ndarray
    cut: np.ndarray
    in_lottery: np.ndarray
    won: np.ndarray
    chance: np.ndarray
    concern: np.ndarray
    preventive: np.ndarray

    @property
    def listed(self) -> np.ndarray:
        """Whether the household has a place."""
        return self.concern | self.preventive


def draw_lists(
    priority: np.ndarray,
    lead: np.ndarray,
    last_visit: np.ndarray,
    tie: np.ndarray,
    lot: np.ndarray,
    *,
    concern: int,
    preventive: int,
    lottery: bool,
) -> Lists:
    """Rank each lead's households, cut, draw lots, and fill the preventive places.

    Parameters
    ----------
    priority : array of float, shape (n,)
        Above 0.
    lead : array of int, shape (n,)
        0 to the number of leads - 1.
    last_visit : array of int, shape (n,)
        Quarter of the last visit; `NEVER_VISITED` if none.
    tie, lot : arrays of float, shape (n,)
        Settle ties and lots; the lower comes first.
    concern, preventive : int
        Places of each lead.
    lottery : bool
    """
    n = len(priority)
    order = np.lexsort((tie, -priority, lead))
    counts = np.bincount(lead)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.empty(n, dtype=int)
    rank[order] = np.arange(n) - np.repeat(starts, counts) + 1
    size = counts[lead]
    is_cut = (concern > 0) & (size > concern)
    at = starts[lead] + np.where(rank <= concern, concern, concern - 1)
    cut = np.where(is_cut, priority[order][np.minimum(at, n - 1)], np.nan)
    first = max(1, concern - 1)
    last = np.minimum(concern + 2, size)
    in_lottery = is_cut & lottery & (rank >= first) & (rank <= last)
    places = concern - first + 1
    won = np.zeros(n, dtype=bool)
    drawn = np.flatnonzero(in_lottery)
    by_lot = drawn[np.lexsort((lot[drawn], lead[drawn]))]
    _, begins, many = np.unique(lead[by_lot], return_index=True, return_counts=True)
    turn = np.arange(len(by_lot)) - np.repeat(begins, many)
    won[by_lot[turn < places]] = True
    chance = np.where(in_lottery, places / np.maximum(last - first + 1, 1), np.nan)
    on_concern = np.where(in_lottery, won, rank <= concern)
    waiting = np.flatnonzero(~on_concern)
    queue = waiting[np.lexsort((tie[waiting], last_visit[waiting], lead[waiting]))]
    _, begins, many = np.unique(lead[queue], return_index=True, return_counts=True)
    turn = np.arange(len(queue)) - np.repeat(begins, many)
    free = preventive + concern - np.bincount(lead, on_concern, minlength=len(counts)).astype(int)
    on_preventive = np.zeros(n, dtype=bool)
    on_preventive[queue[turn < free[lead[queue]]]] = True
    return Lists(rank, cut, in_lottery, won, chance, on_concern, on_preventive)
