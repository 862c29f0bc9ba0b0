"""What is looked up of each way through a tree is XGBoost's own, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.errors import DataError
from earlywarning.risk.estimators import tree_ways
from earlywarning.risk.estimators.tree_ways import FEW_FOR_MARGINS, FEW_ROWS, Thresholds, TreeWays

COLUMNS = 9
EVERY = range(COLUMNS)


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


def margin(booster: xgb.Booster, values: np.ndarray) -> np.ndarray:
    return booster.inplace_predict(values, predict_type="margin")


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_same_bits(depth: int) -> None:
    booster = fitted(depth)
    trees = TreeWays(booster)
    assert max(len(tree.splits) for tree in trees.trees) == 2**depth - 1
    values = students(FEW_ROWS + 500, 4)
    # Values that stand exactly on a threshold, and a student of whom nothing is known.
    for row, (column, some) in enumerate(trees.thresholds.items()):
        values[row, column] = some.limits[len(some.limits) // 2]
    values[-1] = np.nan
    assert trees.serves(len(values))
    assert trees.margin(values).dtype == np.float32
    assert np.array_equal(trees.margin(values), margin(booster, values))
    rows = np.random.default_rng(5).permutation(len(values))[:1000]
    ways = trees.of(values)
    expected = native(booster, values)
    assert np.abs(expected).max() > 0
    assert np.array_equal(ways.parts(EVERY, np.arange(len(values))), expected.T)
    assert np.array_equal(ways.parts([7, 2], rows), expected[rows][:, [7, 2]].T)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_what_xgboost_refuses_is_refused(value: float) -> None:
    """Else a school of many students would get scores where one of few gets none."""
    booster, values = fitted(3, rounds=3), students(50, 4)
    values[7, COLUMNS - 1] = value
    with pytest.raises(xgb.core.XGBoostError, match="inf"):
        native(booster, values)
    for ask in (TreeWays(booster).margin, TreeWays(booster).of):
        with pytest.raises(DataError, match="infinite"):
            ask(values)


@given(seed=st.integers(0, 2**32), depth=st.integers(1, 4), columns=st.sets(st.sampled_from(EVERY)))
@settings(max_examples=25, deadline=None)
def test_other_values_have_the_margin_that_xgboost_predicts(
    seed: int, depth: int, columns: set[int]
) -> None:
    rng = np.random.default_rng(seed)
    booster = fitted(depth, rounds=6, rows=600)
    values = students(800, seed)
    rows = rng.choice(len(values), 300, replace=False)
    other = values[rows]
    # To nothing, to what is not known, and to another student's.
    for column in columns:
        kind = rng.integers(3, size=len(rows))
        someone = rng.permutation(other[:, column])
        other[:, column] = np.select([kind == 0, kind == 1], [0.0, np.nan], someone)
    changed = {column: other[:, column] for column in columns}
    found = TreeWays(booster).of(values).margin(rows, changed)
    assert np.array_equal(found, margin(booster, other))


@given(
    limits=st.sets(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
    values=st.lists(st.floats(width=32)),
)
def test_a_value_has_reached_as_many_thresholds_as_a_search_finds(
    limits: set[float], values: list[float]
) -> None:
    ordered = np.unique(np.array(sorted(limits), dtype=np.float32))
    given_ = np.concatenate([np.array(values, dtype=np.float32), ordered])
    found = Thresholds(ordered).steps(given_)
    empty = np.isnan(given_)
    assert (found.empty is None) == (not empty.any())
    assert found.empty is None or np.array_equal(found.empty, empty)
    assert np.array_equal(found.reached, np.searchsorted(ordered, given_, side="right"))


def test_what_was_asked_before_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    booster = fitted(3)
    trees = TreeWays(booster)
    first, second = (students(FEW_ROWS + 100, seed) for seed in (8, 9))
    everybody = np.arange(len(first))
    expected = [native(booster, some).T for some in (first, second)]
    assert np.array_equal(trees.of(first).parts(EVERY, everybody), expected[0])
    asked = []
    matrix = xgb.DMatrix
    monkeypatch.setattr(
        tree_ways.xgb, "DMatrix",
        lambda values, **more: asked.append(len(values)) or matrix(values, **more),
    )  # fmt: skip
    # Other students, some of whom take ways that nobody took before.
    assert np.array_equal(trees.of(second).parts(EVERY, everybody), expected[1])
    assert 0 < sum(asked) < booster.num_boosted_rounds() * 3
    asked.clear()
    assert np.array_equal(trees.of(first).parts(EVERY, everybody), expected[0])
    assert asked == []


def test_few_students_and_deep_trees_are_left_to_xgboost() -> None:
    shallow, deep = TreeWays(fitted(3, rounds=3)), TreeWays(fitted(7, rounds=3))
    assert shallow.serves(FEW_ROWS)
    assert not shallow.serves(FEW_ROWS - 1)
    assert not deep.serves(FEW_FOR_MARGINS)
    assert shallow.serves(FEW_FOR_MARGINS, once=True)
    assert not shallow.serves(FEW_FOR_MARGINS - 1, once=True)


def test_a_tree_without_splits_adds_its_leaf_and_no_part() -> None:
    values = students(500, 6)
    nothing = xgb.train(
        {"objective": "binary:logistic", "max_depth": 2, "gamma": 1e9, "nthread": 1},
        xgb.DMatrix(values, np.arange(len(values)) % 3 == 0), 3,
    )  # fmt: skip
    ways = TreeWays(nothing).of(values)
    assert not ways.parts(EVERY, np.arange(len(values))).any()
    assert np.array_equal(TreeWays(nothing).margin(values), margin(nothing, values))
    assert np.array_equal(
        ways.margin(np.arange(5), {0: values[5:10, 0]}), margin(nothing, values[:5])
    )


def test_more_than_go_through_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_ways, "AT_ONCE", 64)
    booster, values = fitted(4, rounds=5), students(1000, 7)
    trees = TreeWays(booster)
    ways = trees.of(values)
    assert np.array_equal(trees.margin(values), margin(booster, values))
    assert np.array_equal(ways.parts(EVERY, np.arange(1000)), native(booster, values).T)
    assert np.array_equal(ways.margin(np.arange(1000), {}), margin(booster, values))
