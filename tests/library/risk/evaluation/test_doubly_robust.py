"""What would have happened without visits: by hand, against a known truth, or not claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from earlywarning.risk.evaluation import bootstrap, doubly_robust
from earlywarning.risk.evaluation.doubly_robust import Later

PLACES = 0.15


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def later(
    seed: int, *, students: int = 3000, effect: float = 2.0, sure: float = 0.8
) -> tuple[Later, np.ndarray]:
    """A quarter whose list was visited, and what would have happened without."""
    rng = np.random.default_rng(seed)
    absence, marks = rng.normal(size=(2, students))
    need = 1.2 * absence + 0.6 * marks - 2.0
    listed = need + 0.3 * rng.normal(size=students) > np.quantile(need, 0.85)
    visited = (rng.random(students) < np.where(listed, sure, 0.05)).astype(float)
    luck = rng.random(students)
    alone = (luck < sigmoid(need)).astype(float)
    helped = (luck < sigmoid(need - effect)).astype(float)
    X = pd.DataFrame({"absence": absence, "marks": np.where(rng.random(students) < 0.02, np.nan,
                                                            marks)})  # fmt: skip
    risks = {
        "honest": sigmoid(need + 0.3 * rng.normal(size=students)),
        "forgetful": sigmoid(need - 0.9 * effect * listed),
    }
    classes = np.array([f"c{index % (students // 30)}" for index in range(students)])
    return Later(np.where(visited == 1, helped, alone), visited, risks, X, classes), alone


def judge(*quarters: Later, seed: int = 1) -> doubly_robust.NoVisit:
    return doubly_robust.judge(quarters, listed_by="honest", capacity_share=PLACES, seed=seed)


def share(y: np.ndarray, risk: np.ndarray) -> float:
    drawn = bootstrap.found_share(
        [bootstrap.Quarterly(y, {"one": risk})], capacity_share=PLACES, seed=0, replicates=2
    )
    return drawn.value["one"]


def test_pseudo_outcomes_by_hand() -> None:
    """Two alike with a chance of one half to be visited; the one left alone counts twice."""
    found = doubly_robust.pseudo_outcomes(
        y=np.array([0.0, 1.0, 0.0, 1.0]),
        visited=np.array([1.0, 0.0, 0.0, 0.0]),
        outcome=np.array([0.4, 0.4, 0.1, 0.2]),
        propensity=np.array([0.5, 0.5, 0.2, 0.0]),
    )
    # 0.4; 0.4 + 2 * 0.6; 0.1 - 0.1 / 0.8; 0.2 + 0.8
    np.testing.assert_allclose(found, [0.4, 1.6, -0.025, 1.0])


def test_weights_are_bounded() -> None:
    one = np.ones(1)
    found = doubly_robust.pseudo_outcomes(one, 0 * one, 0 * one, 0.9999 * one)
    np.testing.assert_allclose(found, [20.0])


def test_the_chance_of_a_visit_levels_off_where_families_are_not_at_home() -> None:
    """However steep the curve that was fitted, eight in ten is what is on record."""
    visited = np.tile([1.0, 1.0, 0.0, 1.0, 1.0], 40)
    found = doubly_robust._levelled(np.linspace(0.9, 0.999, 200), visited)
    assert 0.75 < found[50:-50].min() <= found[50:-50].max() < 0.85


@pytest.mark.parametrize("right", ["outcome", "propensity"])
def test_one_right_model_is_enough(right: str) -> None:
    quarter, alone = later(3, students=20_000)
    X = quarter.X.fillna(0).to_numpy()
    need = X @ [1.2, 0.6] - 2.0
    noise = 0.3 * np.random.default_rng(1).normal(size=(400, 1))
    listed = (need + noise > np.quantile(need, 0.85)).mean(axis=0)
    outcome = sigmoid(need) if right == "outcome" else np.full(len(need), 0.3)
    propensity = 0.05 + 0.75 * listed if right == "propensity" else np.full(len(need), 0.2)
    found = doubly_robust.pseudo_outcomes(quarter.y, quarter.visited, outcome, propensity)
    assert abs(found.mean() - alone.mean()) < 0.01
    assert abs(quarter.y.mean() - alone.mean()) > 0.03


def test_the_truth_lies_in_the_interval_and_what_happened_does_not() -> None:
    """In at least nine of ten drawn quarters, as a 95 % interval should."""
    held = {"found share": 0, "of the forgetful": 0, "brier": 0, "factual below": 0}
    for seed in range(1, 11):
        quarter, alone = later(seed)
        found = judge(quarter)
        assert found.positivity.status == doubly_robust.CORRECTED
        honest, forgetful = quarter.risks["honest"], quarter.risks["forgetful"]
        one, other = found.candidates["honest"], found.candidates["forgetful"]
        truth = share(alone, honest)
        held["found share"] += one.found_share_low < truth < one.found_share_high
        held["factual below"] += share(quarter.y, honest) < one.found_share_low
        truth = share(alone, forgetful)
        held["of the forgetful"] += other.found_share_low < truth < other.found_share_high
        brier = float(np.mean((honest - alone) ** 2))
        held["brier"] += one.brier_low < brier < one.brier_high
        assert one.calibration_error < other.calibration_error
    assert min(held.values()) >= 9, held


def test_without_an_effect_it_agrees_with_what_happened() -> None:
    quarter, _ = later(5, effect=0.0)
    without = judge(quarter).candidates["honest"]
    happened = share(quarter.y, quarter.risks["honest"])
    assert without.found_share_low < happened < without.found_share_high


def test_the_same_seed_gives_the_same_figures() -> None:
    quarter, _ = later(1, students=600)
    assert judge(quarter) == judge(quarter)
    assert judge(quarter) != judge(quarter, seed=2)


def test_where_everybody_listed_was_visited_nothing_is_claimed() -> None:
    quarter, _ = later(1, students=600)
    order = np.argsort(-quarter.risks["honest"])
    visited = np.zeros(600)
    visited[order[:90]] = 1
    found = judge(replace(quarter, visited=visited))
    assert found.positivity.status == doubly_robust.NO_OVERLAP
    assert found.candidates == {}
    assert found.positivity.effective_listed == 0


@pytest.mark.parametrize(("number", "status"), [(0, "not_recorded"), (19, "too_rare")])
def test_too_few_visits_are_said_to_be(number: int, status: str) -> None:
    quarter, _ = later(1, students=600)
    visited = np.full(600, np.nan)
    visited[:number] = 1
    found = judge(replace(quarter, visited=visited))
    assert (found.positivity.status, found.positivity.visited) == (status, number)
    assert found.candidates == {}


def test_quarters_count_together() -> None:
    one, other = later(1, students=900)[0], later(2, students=900)[0]
    both = judge(one, other)
    assert both.positivity.students == 1800
    singles = [judge(one).candidates["honest"], judge(other).candidates["honest"]]
    low, high = sorted(single.found_share for single in singles)
    assert low < both.candidates["honest"].found_share < high
