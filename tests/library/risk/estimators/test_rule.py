"""The rule: levels that can be checked by hand, with and without history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drawn_school import dataset
from earlywarning.errors import DataError
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec
from earlywarning.risk.estimators.rule import Rule

SPEC = spec.load("attendance")


def students(**columns: list[float]) -> pd.DataFrame:
    """Some students of whom only the named features are known."""
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame(
        np.nan, index=range(n), columns=list(Rule("attendance", SPEC.rule).features)
    )
    return frame.assign(**columns)


def test_levels_by_hand() -> None:
    """Of 60 days: 12 absent, 6, 5, 3, 2 with three unexplained, 2, none; then nobody's records."""
    X = students(
        register_days_quarter=[60.0] * 7 + [np.nan],
        absence_rate_quarter=[12 / 60, 6 / 60, 5 / 60, 3 / 60, 2 / 60, 2 / 60, 0, np.nan],
        unexcused_days_quarter=[0, 0, 0, 0, 3, 2, 0, np.nan],
    )
    rule = Rule("attendance", SPEC.rule)
    assert rule.levels_of(X).tolist() == [0, 1, 2, 2, 2, 3, 3, 4]
    assert rule.predict_risk(X).tolist() == [0.75, 0.5, 0.2, 0.2, 0.2, 0.05, 0.05, 0.10]
    assert not rule.calibrated


@pytest.mark.parametrize("days", [10, 20, 30, 50, 60, 70, 90, 130])
def test_exactly_ten_percent_counts(days: int) -> None:
    X = students(register_days_quarter=[days, days],
                 absence_rate_quarter=[days // 10 / days, (days // 10 - 1) / days])  # fmt: skip
    assert Rule("attendance", SPEC.rule).levels_of(X)[0] == 1
    assert Rule("attendance", SPEC.rule).levels_of(X)[1] != 1


def test_totals_of_a_period_will_do() -> None:
    X = students(summary_absent_days=[30.0, 12, 6, 5, np.nan])
    assert Rule("attendance", SPEC.rule).levels_of(X).tolist() == [1, 1, 2, 3, 4]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_presets_serve_without_history(outcome: str) -> None:
    rule = Rule(outcome, spec.load(outcome).rule)
    X = dataset().X
    risk = rule.predict_risk(X)
    assert ((risk > 0) & (risk < 1)).all()
    assert len(np.unique(risk)) == len(np.unique(rule.levels_of(X)))


def test_history_calibrates_and_keeps_the_order() -> None:
    data = dataset()
    y = data.y["attendance"].to_numpy()
    known = ~np.isnan(y)
    rule = Rule("attendance", SPEC.rule).fit(data.X, y)
    assert rule.calibrated
    assert rule.predict_risk(data.X)[known].mean() == pytest.approx(y[known].mean(), abs=0.01)
    assert (np.diff(rule.risks_[:-1]) <= 0).all()


def test_documented_order_beats_a_school_that_turns_it_round() -> None:
    """Forty "severe" students without trouble, forty at ease with it: both get one risk."""
    X = students(register_days_quarter=[60.0] * 80,
                 absence_rate_quarter=[0.25] * 40 + [0.0] * 40)  # fmt: skip
    rule = Rule("attendance", SPEC.rule).fit(X, np.array([0.0] * 40 + [1.0] * 40))
    assert rule.risks_[0] == pytest.approx(rule.risks_[3])


def test_contributions_name_the_conditions_that_were_met() -> None:
    X = students(register_days_quarter=[60.0, 60, 60], absence_rate_quarter=[0.12, 0.06, 0.0],
                 unexcused_days_quarter=[5.0, 4, 0])  # fmt: skip
    added = Rule("attendance", SPEC.rule).contributions(X)
    assert added["absence_rate_quarter"].gt(0).tolist() == [True, True, False]
    # At the level "chronic" unexplained days are no condition; at "near" they share the reason.
    assert added["unexcused_days_quarter"].gt(0).tolist() == [False, True, False]


def test_a_feature_that_is_gone_is_told() -> None:
    with pytest.raises(DataError, match=r"needs the feature 'absence_rate_quarter'.*train again"):
        Rule("attendance", SPEC.rule).predict_risk(pd.DataFrame({"x": [1.0]}))


def test_one_student_and_none() -> None:
    X = students(absence_rate_quarter=[0.3], register_days_quarter=[10.0])
    rule = Rule("attendance", SPEC.rule).fit(X, np.array([1.0]))
    assert 0 < rule.predict_risk(X)[0] < 1
    assert len(rule.predict_risk(X.iloc[:0])) == 0
    assert rule.contributions(X.iloc[:0]).shape == (0, len(rule.features))
