"""How much of a list changes hands when it is learnt again."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.risk.evaluation.stability import stability

RISK = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
TRAIN = np.arange(100, 112)
QUARTERS = np.repeat(["2025-26-Q1", "2025-26-Q2"], 6)


def measured(fit, risk: np.ndarray = RISK, share: float = 0.4):
    return stability(
        fit,
        candidate="logistic",
        label="2025-26-Q3",
        risk=risk,
        train=TRAIN,
        quarters=QUARTERS,
        capacity_share=share,
        seed=3,
    )


def test_the_same_risks_move_nobody() -> None:
    found = measured(lambda rows, seed: RISK)
    assert found.redrawn == (0.0,) * 5
    assert (found.mean, found.seed) == (0.0, 0.0)


def test_one_of_four_places_is_a_quarter() -> None:
    other = RISK.copy()
    other[3], other[9] = 0.0, 0.75
    found = measured(lambda rows, seed: other if seed == 4 else RISK)
    assert found.redrawn == (0.0,) * 5
    assert found.seed == 0.25


def test_equal_risks_are_settled_by_one_lot() -> None:
    """A list of ties is as stable as its lot, which is drawn once."""
    assert measured(lambda rows, seed: np.full(10, 0.2), risk=np.full(10, 0.3)).mean == 0.0


def test_students_are_redrawn_within_their_quarters() -> None:
    seen: list[tuple[np.ndarray, int]] = []

    def fit(rows: np.ndarray, seed: int) -> np.ndarray:
        seen.append((rows, seed))
        return RISK

    measured(fit)
    *redraws, last = seen
    assert len(redraws) == 5
    for rows, seed in redraws:
        assert seed == 3
        assert (rows < 106).sum() == (rows >= 106).sum() == 6
    assert len({tuple(rows) for rows, _ in redraws}) == 5
    assert (last[0] == TRAIN).all()
    assert last[1] == 4


@pytest.mark.parametrize("share", [0.01, 1.0])
def test_one_place_and_all_places(share: float) -> None:
    found = measured(lambda rows, seed: RISK[::-1], share=share)
    assert found.mean == (1.0 if share < 1 else 0.0)
