"""Found students at every capacity, against every order that equal scores can take."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.risk.evaluation.ties import found_at_every_capacity


def every_order(y: list[int], score: list[float]) -> np.ndarray:
    """Found at each capacity, one row for each order in which the scores fall."""
    rows = [
        np.cumsum([y[i] for i in order])
        for order in permutations(range(len(y)))
        if all(score[a] >= score[b] for a, b in pairwise(order))
    ]
    return np.array(rows, dtype=float)


def test_by_hand() -> None:
    """Ranks 2 to 4 are tied and two of the three are in trouble."""
    found = found_at_every_capacity(np.array([1, 0, 1, 1, 0]), np.array([9.0, 5, 5, 5, 1]))
    assert found.best.tolist() == [1, 2, 3, 3, 3]
    assert found.worst.tolist() == [1, 1, 2, 3, 3]
    assert found.random == pytest.approx([1, 1 + 2 / 3, 1 + 4 / 3, 3, 3], abs=1e-12)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5])), min_size=1, max_size=6)
)
def test_against_every_order(rows: list[tuple[int, float]]) -> None:
    y, score = [row[0] for row in rows], [row[1] for row in rows]
    orders = every_order(y, score)
    found = found_at_every_capacity(np.array(y), np.array(score))
    assert (found.best == orders.max(axis=0)).all()
    assert (found.worst == orders.min(axis=0)).all()
    assert found.random == pytest.approx(orders.mean(axis=0), abs=1e-12)


def test_without_ties_there_is_one_answer() -> None:
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 500), rng.permutation(500).astype(float)
    found = found_at_every_capacity(y, score)
    expected = np.cumsum(y[np.argsort(-score)])
    assert (found.best == expected).all()
    assert (found.worst == expected).all()
    assert (found.random == expected).all()


def test_nobody() -> None:
    assert len(found_at_every_capacity(np.empty(0), np.empty(0)).random) == 0
