"""Risks to one priority: ordered sums, and outcomes that are not scored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drawn_school import dataset
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import scoring, spec
from earlywarning.risk.estimators.rule import Rule

RULES = {outcome: Rule(outcome, spec.load(outcome).rule) for outcome in OUTCOMES}


def test_what_a_school_does_not_record_is_not_scored() -> None:
    X = dataset(6).X.head(3).reset_index(drop=True)
    X["behaviour_known"] = [1.0, 0.0, np.nan]
    X["attendance_known"], X["summary_known"] = 0.0, [0.0, 1.0, 0.0]
    risks = scoring.score(RULES, X)
    assert list(risks.columns) == list(OUTCOMES)
    assert risks["behaviour"].notna().tolist() == [True, False, False]
    assert risks["attendance"].notna().tolist() == [False, True, False]
    assert risks["grades"].notna().all()
    assert scoring.score({}, X).isna().all(axis=None)


def test_risks_are_rounded_to_billionths() -> None:
    class Third(Rule):
        def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
            return np.full(len(X), 1 / 3)

    X = dataset(6).X
    risks = scoring.score({"grades": Third("grades", spec.load("grades").rule)}, X)
    assert (risks["grades"] == 0.333333333).all()


def test_priority_by_hand() -> None:
    risks = pd.DataFrame(
        {
            "attendance": [0.5, np.nan, 0.1],
            "behaviour": [0.25, np.nan, 0.2],
            "grades": [0.1, 0.3, 0.3],
        }
    )
    assert scoring.priority(risks, {"attendance": 1, "behaviour": 2, "grades": 0.5}).tolist() == [
        1.05, 0.15, 0.65,
    ]  # fmt: skip
    # 0.1 + 0.2 is 0.30000000000000004 before rounding.
    assert scoring.priority(risks, {"attendance": 1, "behaviour": 1, "grades": 0})[2] == 0.3


@pytest.mark.parametrize("rows", [0, 1])
def test_no_student_and_one(rows: int) -> None:
    X = dataset(6).X.head(rows)
    risks = scoring.score(RULES, X)
    assert len(scoring.priority(risks, dict.fromkeys(OUTCOMES, 1.0))) == rows
