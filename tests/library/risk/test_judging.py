"""What later quarters say, summed by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from earlywarning.risk import spec, splits
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.evaluation.judged import Judged
from earlywarning.risk.judging import Judgement, judge
from earlywarning.risk.results import TrainingResult

SPEC = spec.load("attendance")
# Eight students of two classes; three are listed. The model lists a, b, c, the rule a, e and f.
Y = np.array([1, 1, 0, 0, 1, 0, 0, 1.0])
MODEL = np.array([0.9, 0.8, 0.7, 0.1, 0.5, 0.2, 0.1, 0.3])
RULE = np.array([0.9, 0.1, 0.1, 0.1, 0.8, 0.7, 0.1, 0.1])
IDS = pd.DataFrame(
    {
        "quarter": "2025-26-Q2",
        "student_id": list("abcdefgh"),
        "school_id": "S1",
        "class_id": ["S1/7A"] * 4 + ["S1/7B"] * 4,
    }
)


def judged(y: np.ndarray = Y, served: str = "logistic", **changes: object) -> Judgement:
    kept = Judged("2025-26-Q2", np.arange(8), y, {"rule": RULE, "logistic": MODEL},
                  {"rule": RULE, "logistic": MODEL}, before=0.5)  # fmt: skip
    result = TrainingResult(
        outcome="attendance",
        estimator=Rule("attendance", SPEC.rule),
        chosen=served,
        served=served,
        notices=(),
        plan=splits.plan(["2025-26-Q1", "2025-26-Q2"]),
        rows=16,
        positives=8,
        judged=(kept,),
    )
    found = judge(
        result,
        IDS,
        {"sex": np.array(["female", "male"] * 4)},
        spec=replace(SPEC, **changes),  # type: ignore[arg-type]
        capacity_share=3 / 8,
        seed=1,
    )
    assert found is not None
    return found


def test_found_precision_chance_and_gain() -> None:
    told = judged().as_report()["evaluation"]
    model, rule = told["candidates"]["logistic"], told["candidates"]["rule"]
    assert model["found_share"]["value"] == 2 / 4
    assert model["precision"]["value"] == 2 / 3
    assert rule["found_share"]["value"] == 2 / 4
    assert model["gain_over_rule"]["value"] == 0
    assert model["gain_over_rule"]["low"] < 0 < model["gain_over_rule"]["high"]
    assert told["chance"] == {"found_share": 3 / 8, "precision": 1 / 2}


def test_brier_and_its_skill_against_the_quarters_before() -> None:
    model = judged().probabilities["logistic"]
    squared = [0.01, 0.04, 0.49, 0.01, 0.25, 0.04, 0.01, 0.49]
    assert model.brier == pytest.approx(sum(squared) / 8)
    assert model.brier_skill == pytest.approx(1 - sum(squared) / 8 / 0.25)


def test_calibration_within_capacity() -> None:
    told = judged().as_report()["evaluation"]["calibration"]["within_capacity"]
    assert told["risk"] == pytest.approx((0.9 + 0.8 + 0.7) / 3)
    assert told["observed"]["value"] == 2 / 3


def test_a_gate_fails_only_beyond_what_chance_explains() -> None:
    strict = judged(max_calibration_error=0.0).held
    assert strict.limit == strict.by_chance > 0
    assert strict.passed == (strict.error <= strict.by_chance)
    lenient = judged(max_calibration_error=1.0)
    assert lenient.held.limit == 1.0
    assert lenient.as_report()["gates"]["calibration"]["passed"] is True


def test_each_class_with_its_counts_and_the_small_ones_said() -> None:
    first, second = judged().classes.to_dict("records")
    # 3 / 8 of four are two places: the model lists a and b, then e and h. Of the rule's class one,
    # b, c and d share a place by lot; its class two lists e and f.
    assert (first["students"], first["trouble"], first["listed"], first["found"]) == (4, 2, 2, 2)
    assert (first["found_share"], first["precision"], first["few"]) == (1.0, 1.0, True)
    assert first["rule_found"] == pytest.approx(1 + 1 / 3)
    assert (second["trouble"], second["listed"], second["found"]) == (2, 2, 2)
    assert second["rule_found"] == 1


def test_every_capacity_of_a_quarter() -> None:
    capacities, measured = judged().quarters["2025-26-Q2"]
    assert capacities.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert measured.found["logistic"][0].tolist()[:4] == [1, 2, 2, 3]


def test_groups_too_small_leave_their_gate_open() -> None:
    found = judged()
    assert all(group.too_small for group in found.audit.groups)
    assert "groups" not in found.as_report()["gates"]


def test_nothing_judged_is_nothing_said() -> None:
    empty = TrainingResult("attendance", None, "rule", None, (), splits.plan([]), 0, 0)
    assert judge(empty, IDS, {}, spec=SPEC, capacity_share=0.1, seed=1) is None


def test_a_quarter_without_trouble() -> None:
    told = judged(np.zeros(8)).as_report()["evaluation"]
    assert math.isnan(told["chance"]["found_share"])
    assert told["candidates"]["logistic"]["precision"]["value"] == 0
