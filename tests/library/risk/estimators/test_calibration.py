"""Sigmoids and steps, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from earlywarning.risk.estimators.calibration import (
    Sigmoid,
    expit,
    fit_line,
    fit_sigmoid,
    logit,
    pool_adjacent_violators,
)


def test_much_data_finds_the_true_sigmoid() -> None:
    rng = np.random.default_rng(1)
    margin = rng.normal(-1, 2, 40_000)
    y = (rng.random(40_000) < expit(0.5 + 0.7 * margin)).astype(float)
    fitted = fit_sigmoid(margin, y)
    # scikit-learn's stubs do not know NumPy 2's arrays.
    pair: tuple = (margin[:, None], y)
    reference = LogisticRegression(C=1e6).fit(*pair)
    assert fitted.intercept == pytest.approx(reference.intercept_[0], abs=0.01)
    assert fitted.slope == pytest.approx(reference.coef_[0, 0], abs=0.01)


def test_little_data_changes_little() -> None:
    assert fit_sigmoid(np.empty(0), np.empty(0)) == Sigmoid(0.0, 1.0)
    one = fit_sigmoid(np.array([-2.0]), np.array([1.0]))
    assert abs(one.intercept) < 0.3
    assert abs(one.slope - 1) < 0.4


def test_the_order_is_never_turned_round() -> None:
    margin = np.linspace(-3, 3, 400)
    backwards = fit_sigmoid(margin, (margin < 0).astype(float))
    assert backwards.slope > 0
    assert fit_line(margin, (margin < 0).astype(float))[1] > 0


def test_certainty_is_finite() -> None:
    sure = fit_sigmoid(np.array([-1e9, 1e9] * 50), np.array([0.0, 1.0] * 50))
    assert np.isfinite([sure.intercept, sure.slope]).all()
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 50)), min_size=1, max_size=12))
def test_pooling_against_isotonic_regression(rows: list[tuple[float, float]]) -> None:
    value, weight = np.array(rows).T
    pair: tuple = (np.arange(len(value)), value)
    reference = IsotonicRegression(increasing=False).fit_transform(*pair, sample_weight=weight)
    assert pool_adjacent_violators(value, weight) == pytest.approx(reference, abs=1e-9)
