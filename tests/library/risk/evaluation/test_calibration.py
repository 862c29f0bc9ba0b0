"""Do risks mean what they say?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from earlywarning.risk.evaluation.calibration import (
    brier_score,
    brier_skill,
    calibration_error,
    error_by_chance,
    log_loss,
    reliability,
)


def test_levels_of_a_rule_are_judged_one_by_one() -> None:
    """Four students at 0.5, one of them in trouble; six at 0.1, none in trouble."""
    risk = np.array([0.5] * 4 + [0.1] * 6)
    y = np.array([1, 0, 0, 0] + [0] * 6)
    curve = reliability(y, risk)
    assert curve.predicted == pytest.approx([0.1, 0.5])
    assert curve.observed == pytest.approx([0.0, 0.25])
    assert curve.size.tolist() == [6, 4]
    assert calibration_error(y, risk) == pytest.approx(0.6 * 0.1 + 0.4 * 0.25)


def test_true_risks_are_calibrated() -> None:
    rng = np.random.default_rng(3)
    risk = rng.random(200_000)
    y = (rng.random(200_000) < risk).astype(float)
    assert calibration_error(y, risk) < 0.005
    assert calibration_error(y, risk**2) > 0.1


def test_groups_are_of_about_equal_size() -> None:
    risk = np.linspace(0, 1, 1000)
    assert reliability(np.zeros(1000), risk).size.tolist() == [100] * 10


def test_nobody() -> None:
    assert math.isnan(calibration_error(np.empty(0), np.empty(0)))
    assert math.isnan(brier_score(np.empty(0), np.empty(0)))


def test_log_loss_by_hand() -> None:
    assert log_loss(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == pytest.approx(math.log(2))
    assert log_loss(np.array([1.0]), np.array([1000.0])) == 0


def test_brier_skill_by_hand() -> None:
    """Squared errors 0.04 and 0.04 against 0.25 and 0.25 for one half said of everybody."""
    y, half = np.array([1.0, 0.0]), np.full(2, 0.5)
    assert brier_skill(y, np.array([0.8, 0.2]), half) == pytest.approx(1 - 0.04 / 0.25)
    assert brier_skill(y, half, half) == 0
    assert brier_skill(y, np.array([0.2, 0.8]), half) < 0
    assert math.isnan(brier_skill(np.zeros(2), half, np.zeros(2)))


def test_perfect_risks_err_by_chance_and_less_with_more_students() -> None:
    rng = np.random.default_rng(4)
    limits = {}
    for n in (100, 10_000):
        below = 0
        for school in range(60):
            risk = np.round(rng.random(n), 2)
            y = (rng.random(n) < risk).astype(float)
            limits[n] = error_by_chance(risk, seed=school, replicates=60)
            below += calibration_error(y, risk) <= limits[n]
        assert below >= 51, "95 of 100 stay below"
    assert limits[100] > 5 * limits[10_000]
    assert error_by_chance(np.ones(5), seed=1) == 0
    assert math.isnan(error_by_chance(np.empty(0), seed=1))
