"""What was learnt once is found again, and never for other rows."""

from __future__ import annotations

import numpy as np
import pytest

from drawn_school import QUARTERS, dataset
from earlywarning.risk import spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.estimators.memo import Memo


def test_the_same_is_made_once() -> None:
    memo, made = Memo(), []

    def make() -> int:
        made.append(1)
        return len(made)

    values = np.arange(6.0)
    assert memo.once(make, values, {"depth": 2}) == 1
    assert memo.once(make, values.copy(), {"depth": 2}) == 1
    assert memo.once(make, values.reshape(2, 3), {"depth": 2}) == 2
    assert memo.once(make, values.astype(np.float32), {"depth": 2}) == 3
    assert memo.once(make, values, {"depth": 3}) == 4
    memo.forget()
    assert memo.once(make, values, {"depth": 2}) == 5


@pytest.mark.parametrize("kind", ["logistic", "boosted"])
def test_a_memo_changes_no_byte(kind: str) -> None:
    data = dataset(150)
    read = spec.load("attendance")
    y, quarters = data.y["attendance"].to_numpy(), data.ids["quarter"].to_numpy(dtype=str)
    chosen = candidate(kind, read).tuned(data.X, y, visited=data.visited, quarters=quarters, seed=1)
    assert sum(one.chosen for one in chosen.tried) == 1
    assert min(chosen.tried, key=lambda one: one.loss).chosen
    memo = Memo()
    for until in (4, 5, 6):
        rows = np.flatnonzero(quarters < QUARTERS[until]) if until < 6 else np.arange(len(y))
        files = []
        for one in (memo, None):
            chosen.memo = one
            fitted = chosen.fit(
                data.X.iloc[rows], y[rows], visited=data.visited[rows], quarters=quarters[rows],
                seed=1,
            )  # fmt: skip
            files.append(fitted.to_files())
        assert files[0] == files[1]


@pytest.mark.parametrize("kind", ["logistic", "boosted"])
def test_without_calibration_the_order_is_the_same(kind: str) -> None:
    data = dataset(150)
    read = spec.load("attendance")
    given = {
        "visited": data.visited, "quarters": data.ids["quarter"].to_numpy(dtype=str), "seed": 1,
    }  # fmt: skip
    y = data.y["attendance"].to_numpy()
    chosen = candidate(kind, read).tuned(data.X, y, **given)
    bare = chosen.uncalibrated().fit(data.X, y, **given).predict_risk(data.X)
    whole = chosen.fit(data.X, y, **given).predict_risk(data.X)
    assert (np.argsort(bare, kind="stable") == np.argsort(whole, kind="stable")).all()
    assert not np.allclose(bare, whole, atol=1e-6)
