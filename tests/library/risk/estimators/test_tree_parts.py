"""Shapley values looked up way by way are XGBoost's own, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from earlywarning.risk.estimators import tree_parts
from earlywarning.risk.estimators.tree_parts import TreeParts

COLUMNS = 9


def students(n: int, seed: int) -> np.ndarray:
    """Counts, shares and gaps, as the features have them."""
    rng = np.random.default_rng(seed)
    values = np.column_stack(
        [
            rng.poisson(3, (n, 3)),
            rng.uniform(size=(n, 3)),
            np.round(rng.uniform(size=(n, 3)), 1),
        ]
    ).astype(np.float32)
    values[rng.uniform(size=values.shape) < 0.15] = np.nan
    return values


def fitted(depth: int, *, rounds: int = 40, rows: int = 3000) -> xgb.Booster:
    values = students(rows, 1)
    clean = np.nan_to_num(values, nan=0.4)
    risk = 1 / (1 + np.exp(2 - clean[:, 0] * clean[:, 4] - clean[:, 7] + clean[:, 2] / 3))
    y = np.random.default_rng(2).uniform(size=rows) < risk
    return xgb.train(
        {"objective": "binary:logistic", "max_depth": depth, "seed": 3, "nthread": 1},
        xgb.DMatrix(values, y), rounds,
    )  # fmt: skip


def native(booster: xgb.Booster, values: np.ndarray) -> np.ndarray:
    return booster.predict(xgb.DMatrix(values, nthread=1), pred_contribs=True)[:, :-1]


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_same_bits(depth: int) -> None:
    booster = fitted(depth)
    values = students(tree_parts.FEW_ROWS + 500, 4)
    # Values that stand exactly on a threshold, and a student of whom nothing is known.
    trees, limits = TreeParts(booster)._read
    assert max(len(tree.columns) for tree in trees) == 2**depth - 1
    for row, (column, some) in enumerate(limits.items()):
        values[row, column] = some[len(some) // 2]
    values[-1] = np.nan
    found = TreeParts(booster).values(values)
    assert found.dtype == np.float32
    assert np.array_equal(found, native(booster, values))
    assert np.abs(found).max() > 0


def test_what_was_asked_before_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    booster = fitted(3)
    parts = TreeParts(booster)
    first, second = (students(tree_parts.FEW_ROWS + 100, seed) for seed in (8, 9))
    assert np.array_equal(parts.values(first), native(booster, first))
    asked = []
    ask = TreeParts._asked
    monkeypatch.setattr(
        TreeParts, "_asked", lambda *given: asked.append(len(given[-1])) or ask(*given)
    )
    # Other students, some of whom take ways that nobody took before.
    assert np.array_equal(parts.values(second), native(booster, second))
    assert 0 < sum(asked) < parts.booster.num_boosted_rounds() * 3
    asked.clear()
    assert np.array_equal(parts.values(first), native(booster, first))
    assert asked == []


def test_few_students_and_deep_trees_are_left_to_xgboost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("looked up")

    few, many = students(50, 5), students(tree_parts.FEW_ROWS, 5)
    shallow, deep = fitted(3, rounds=3), fitted(7, rounds=3)
    monkeypatch.setattr(TreeParts, "_add", never)
    assert np.array_equal(TreeParts(shallow).values(few), native(shallow, few))
    assert np.array_equal(TreeParts(deep).values(many), native(deep, many))
    with pytest.raises(AssertionError, match="looked up"):
        TreeParts(shallow).values(many)


def test_a_tree_without_splits_adds_nothing() -> None:
    values = students(tree_parts.FEW_ROWS, 6)
    nothing = xgb.train(
        {"objective": "binary:logistic", "max_depth": 2, "gamma": 1e9, "nthread": 1},
        xgb.DMatrix(values, np.arange(len(values)) % 2), 3,
    )  # fmt: skip
    assert not TreeParts(nothing).values(values).any()


def test_columns_that_no_two_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nearly every student has a way of their own, all are asked for."""
    monkeypatch.setattr(tree_parts, "SEVERAL", 10**9)
    booster, values = fitted(4, rounds=5), students(tree_parts.FEW_ROWS, 7)
    assert np.array_equal(TreeParts(booster).values(values), native(booster, values))
