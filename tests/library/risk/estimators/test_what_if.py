"""What is looked up, or passed on, is what the estimator itself says of the same students."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from drawn_school import CALENDAR, dataset
from earlywarning.risk import reasons, removal, scoring, spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.estimators import tree_ways
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning.risk.estimators.calibration import Sigmoid
from earlywarning.risk.estimators.grouped import Grouped
from earlywarning.risk.estimators.what_if import OfTrees, Plain, what_if
from earlywarning.risk.spec import BoostedSetting

KINDS = ("rule", "last_value", "logistic", "boosted", "borrowed", "by_grade_level", "by_school")
SCORED = dataset(300, seed=5)
SPEC = spec.load("attendance")


@cache
def fitted(kind: str) -> Any:
    data = dataset(300)
    one: Any
    if kind in ("rule", "last_value", "logistic"):
        one = candidate(kind, SPEC)
    else:
        setting = BoostedSetting(depth=3, learning_rate=0.1, min_child_weight=5)
        one = Boosted(SPEC.features, [setting], rounds=40, increasing=SPEC.increasing,
                      decreasing=SPEC.decreasing)  # fmt: skip
    if kind.startswith("by_"):
        one = Grouped(one, kind.removeprefix("by_"))
    one = one.fit(
        data.with_school, data.y["attendance"].to_numpy(), visited=data.visited,
        quarters=data.ids["quarter"].to_numpy(dtype=str), seed=1,
    )  # fmt: skip
    if kind == "borrowed":
        one = Borrowed(one, {})
        one.calibration_ = Sigmoid(-0.3, 0.8)
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_as_the_estimator_itself(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_ways, "FEW_ROWS", 1)
    one, X = fitted(kind), SCORED.with_school
    found = what_if(one, X)
    plain = Plain(one, X)
    assert isinstance(found, OfTrees) == (kind == "boosted")
    assert set(found.names) <= set(plain.names)
    rng = np.random.default_rng(3)
    columns = {str(name): X[name].to_numpy(dtype=np.float64) for name in SCORED.X}
    for event in removal.EVENTS:
        rows = rng.permutation(len(X))[: len(X) // 2]
        names = [name for name in removal.features_of(event) if name in found.names]
        if names:
            assert np.array_equal(found.parts(names, rows), plain.parts(names, rows))
        other = removal.changed(columns, rows, event)
        assert np.array_equal(found.risk(rows, other), plain.risk(rows, other))
        assert np.array_equal(found.risk(rows, {}), one.predict_risk(X)[rows])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_scores_and_reasons_however_many_there_are(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few students are asked about one by one, many by their ways."""
    X = SCORED.with_school
    given = {"attendance": fitted(kind)}
    told = []
    for few in (10**9, 1):
        monkeypatch.setattr(tree_ways, "FEW_ROWS", few)
        monkeypatch.setattr(tree_ways, "FEW_FOR_MARGINS", few)
        risks = scoring.score(given, X)
        why = reasons.reasons(
            given, X, risks, CALENDAR.quarter("2026-27-Q2"), calendar=CALENDAR,
            weights={"attendance": 1.0},
        )  # fmt: skip
        told.append((risks["attendance"].to_numpy(), why))
    assert np.array_equal(told[0][0], told[1][0], equal_nan=True)
    assert told[0][1] == told[1][1]
    assert sum(map(bool, told[1][1])) > 20
