"""Quarters in order: never learn from what came later."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.risk import splits

EIGHT = ("2024-25-Q3", "2024-25-Q4", *(f"2025-26-Q{n}" for n in (1, 2, 3, 4)), "2026-27-Q1",
         "2026-27-Q2")  # fmt: skip


def test_the_worked_example() -> None:
    plan = splits.plan(EIGHT[::-1])
    assert plan.quarters == EIGHT
    assert plan.validation == EIGHT[2:6]
    assert plan.test == EIGHT[6:]


@pytest.mark.parametrize(
    ("count", "validation", "test"),
    [(0, 0, 0), (1, 0, 0), (2, 0, 1), (3, 1, 1), (4, 2, 1), (7, 4, 1), (12, 4, 3), (40, 4, 3)],
)
def test_how_many_choose_and_judge(count: int, validation: int, test: int) -> None:
    plan = splits.plan(
        [f"{2000 + n // 4}-{(n // 4 + 1) % 100:02d}-Q{n % 4 + 1}" for n in range(count)]
    )
    assert (len(plan.validation), len(plan.test)) == (validation, test)
    assert not set(plan.validation) & set(plan.test)
    assert plan.quarters[:1] != plan.validation[:1] or count == 0
    assert plan.test == plan.quarters[len(plan.quarters) - len(plan.test) :]


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_learnt_from_is_always_earlier(count: int) -> None:
    quarters = np.repeat(EIGHT[:count], 5)
    plan = splits.plan(list(quarters))
    for split in splits.test_splits(quarters, plan, seed=1):
        assert max(quarters[split.train]) < min(quarters[split.later]) == split.label
    for split in splits.validation_splits(quarters, plan, seed=1):
        assert not set(split.train) & set(split.later)
        assert max(quarters[split.later]) < plan.test[0]
        if count > 2:
            assert max(quarters[split.train]) < min(quarters[split.later])


def test_two_quarters_choose_on_parts_of_the_first() -> None:
    quarters = np.repeat(EIGHT[:2], 10)
    found = list(splits.validation_splits(quarters, splits.plan(list(quarters)), seed=1))
    assert sorted(np.concatenate([split.later for split in found])) == list(range(10))
    assert found[0].label == "2024-25-Q3#1"


def test_inner_folds_look_forward_too() -> None:
    quarters = np.repeat(EIGHT[:5], 3)
    folds = splits.inner_folds(quarters, seed=1)
    assert [quarters[later][0] for _, later in folds] == list(EIGHT[2:5])
    assert all(max(quarters[earlier]) < quarters[later][0] for earlier, later in folds)
    assert len(splits.inner_folds(np.repeat(EIGHT[:1], 9), seed=1)) == splits.WITHIN_FOLDS


def test_of_a_large_quarter_so_many_by_lot_and_whole_the_next_time() -> None:
    quarters = np.repeat(EIGHT[:3], (4, 30, 12))
    rows = splits.spread(quarters, seed=1, most=12)
    assert [list(quarters[rows]).count(one) for one in EIGHT[:3]] == [4, 12, 12]
    assert (np.diff(rows) > 0).all()
    again = splits.spread(quarters[rows], seed=1, most=12)
    assert list(again) == list(range(len(rows)))
    # The lot of a quarter does not hang on the quarters beside it.
    alone = splits.spread(quarters[4:], seed=1, most=12) + 4
    assert set(alone) == set(rows) - set(range(4))
    assert set(splits.spread(quarters, seed=2, most=12)) != set(rows)


def test_a_district_learns_from_some_and_is_judged_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits.spread, "__kwdefaults__", {"most": 5})
    quarters = np.repeat(EIGHT[:5], 20)
    plan = splits.plan(list(quarters))
    (test,) = splits.test_splits(quarters, plan, seed=1)
    assert (len(test.train), len(test.later)) == (20, 20)
    last = list(splits.validation_splits(quarters, plan, seed=1))[-1]
    assert (len(last.train), len(last.later)) == (15, 5)
    # What calibrates the model that serves is what was compared.
    earlier, later = splits.inner_folds(quarters, seed=1)[-1]
    assert list(earlier) == list(test.train)
    assert set(later) <= set(test.later)
