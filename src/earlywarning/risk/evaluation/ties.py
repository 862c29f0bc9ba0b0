"""What a list finds at every capacity when several students have the same score.

Which of equal students comes first is settled by a seed, so one order flatters or hides a model.
Three figures are therefore reported: with ties settled at best, at worst, and by lot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Found:
    """Students in trouble among the first k of a list, for every k from 1 to n.

    Attributes
    ----------
    best, worst : array of float, shape (n,)
        With equal scores ordered in the list's favour, and against it.
    random : array of float, shape (n,)
        Expectation over every order of equal scores: exact, not simulated.
    """

    best: np.ndarray
    worst: np.ndarray
    random: np.ndarray


def found_at_every_capacity(y: np.ndarray, score: np.ndarray) -> Found:
    """Count the students in trouble that a ranked list finds, at every capacity.

    A group of m equal scores of which p are in trouble, entered by j places, finds at best
    min(j, p), at worst max(0, j - (m - p)), and on average j * p / m (the mean of the
    hypergeometric distribution).

    Parameters
    ----------
    y : array of 0 or 1, shape (n,)
        Whether the student was in trouble.
    score : array of float, shape (n,)
        Higher comes first; must be finite.

    Returns
    -------
    Found
        Position k - 1 belongs to capacity k.
    """
    order = np.argsort(-score, kind="stable")
    trouble = np.asarray(y, dtype=np.float64)[order]
    ranked = np.asarray(score, dtype=np.float64)[order]
    n = len(ranked)
    if n == 0:
        empty = np.empty(0)
        return Found(empty, empty, empty)
    start, end = tied_groups(ranked)
    total = np.concatenate(([0.0], np.cumsum(trouble)))
    before = total[start]
    positives = total[end] - before
    size = (end - start).astype(np.float64)
    entered = np.arange(1, n + 1) - start
    return Found(
        best=before + np.minimum(entered, positives),
        worst=before + np.maximum(0.0, entered - (size - positives)),
        random=before + entered * positives / size,
    )


def tied_groups(ranked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each position's group of equal scores starts, and the position after its end.

    Parameters
    ----------
    ranked : array of float, shape (n,), n >= 1
        Scores, highest first.

    Returns
    -------
    start, end : array of int, shape (n,)
    """
    n = len(ranked)
    first = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    sizes = np.diff(np.concatenate((first, [n])))
    return np.repeat(first, sizes), np.repeat(first + sizes, sizes)
