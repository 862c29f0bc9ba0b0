"""One list, judged: by hand, and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from earlywarning.risk.evaluation.ranking import capacity_of, evaluate


def test_by_hand() -> None:
    """Four students with an outcome, two in trouble, ranked first and third."""
    report = evaluate(np.array([1, 0, np.nan, 1, 0]), np.array([0.9, 0.6, 0.99, 0.5, 0.1]))
    assert (report.n, report.positives) == (4, 2)
    assert [report.found_share(k) for k in (1, 2, 3, 4)] == [0.5, 0.5, 1, 1]
    assert [report.precision(k) for k in (1, 2, 3, 4)] == [1, 0.5, 2 / 3, 0.5]
    figures = report.figures(2)
    assert figures["found_share_best"] == figures["found_share_worst"] == 0.5
    assert figures["prevalence"] == 0.5
    assert figures["brier"] == pytest.approx((0.1**2 + 0.6**2 + 0.5**2 + 0.1**2) / 4)


def test_against_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    risk = np.round(rng.random(400), 2)
    y = (rng.random(400) < risk).astype(float)
    report = evaluate(y, risk)
    # scikit-learn's stubs do not know NumPy 2's arrays.
    pair: tuple = (y, risk)
    assert report.pr_auc == pytest.approx(average_precision_score(*pair))
    assert report.roc_auc == pytest.approx(roc_auc_score(*pair))
    assert report.brier == pytest.approx(brier_score_loss(*pair))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_outcome_without_two_sides_has_no_auc(value: float) -> None:
    report = evaluate(np.full(5, value), np.linspace(0, 1, 5))
    assert math.isnan(report.roc_auc)
    assert math.isnan(report.pr_auc)
    assert math.isnan(report.found_share(2)) == (value == 0)


def test_nobody_with_an_outcome() -> None:
    report = evaluate(np.full(3, np.nan), np.linspace(0, 1, 3))
    assert report.n == 0
    assert "capacity" not in report.figures(2)


@pytest.mark.parametrize("capacity", [0, 6])
def test_a_capacity_outside_is_refused(capacity: int) -> None:
    report = evaluate(np.array([0, 1, 0, 0, 1.0]), np.linspace(0, 1, 5))
    with pytest.raises(ValueError, match="capacity must be 1 to 5"):
        report.found_share(capacity)


@pytest.mark.parametrize(
    ("share", "n", "expected"), [(0.1, 600, 60), (0.001, 10, 1), (1.0, 7, 7), (0.125, 4, 1)]
)
def test_whole_places(share: float, n: int, expected: int) -> None:
    assert capacity_of(share, n) == expected
