"""The population stability index, by hand; and what is normal movement."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy.stats import chi2

from earlywarning.risk.watch.stability import SURE, index, movement


def test_two_bins_by_hand() -> None:
    """Half a student is added to each of two bins: 75.5 and 25.5 of 101 against 50.5 and 50.5."""
    reference = np.repeat([0.0, 1.0], 50)
    now = np.repeat([0.0, 1.0], [75, 25])
    value, bins = index(now, reference, bins=2)
    a, b = 75.5 / 101, 0.5
    expected = (a - b) * log(a / b) + (b - a) * log((1 - a) / (1 - b))
    assert bins == 2
    assert value == pytest.approx(expected)


def test_the_same_values_have_not_moved() -> None:
    values = np.random.default_rng(1).normal(size=300)
    assert index(values, values)[0] == 0
    assert index(np.full(50, 3.0), np.full(70, 3.0))[0] == pytest.approx(0, abs=0.01)


def test_missing_values_have_a_bin_of_their_own() -> None:
    reference = np.random.default_rng(1).normal(size=300)
    some = reference.copy()
    some[:90] = np.nan
    assert index(some, reference)[0] > 0.25
    assert index(np.full(300, np.nan), np.full(200, np.nan))[0] == pytest.approx(0, abs=1e-3)


def test_more_school_days_are_no_drift() -> None:
    """The same absences as shares of 57 and of 60 days: other values, the same students."""
    rng = np.random.default_rng(2)
    chance = rng.beta(1, 20, size=600)
    reference, now = rng.binomial(57, chance) / 57, rng.binomial(60, chance) / 60
    assert index(now, reference)[0] < 0.05
    assert index(rng.binomial(60, np.minimum(2 * chance, 1)) / 60, reference)[0] > 0.25


def test_luck_alone_stays_below_the_limit_and_a_shift_does_not() -> None:
    rng = np.random.default_rng(3)
    codes = [f"{year}-Q{n}" for year in ("2024-25", "2025-26") for n in (1, 2, 3, 4)]
    past = {code: rng.normal(size=120) for code in codes}
    for _ in range(50):
        moved = movement(rng.normal(size=120), past, "2026-27-Q1", drift=0.1)
        assert moved is not None
        assert moved.status == "ok"
    shifted = movement(rng.normal(1.2, size=120), past, "2026-27-Q1", drift=0.1)
    assert shifted is not None
    assert shifted.status == "act"
    luck = chi2.ppf(SURE, 9) * (1 / 120 + 1 / 240)
    assert shifted.limit >= luck


def test_a_season_is_compared_with_its_own() -> None:
    """Every second and third quarter is high; a high one is news in the first only."""
    rng = np.random.default_rng(4)
    height = {"Q1": 0.0, "Q2": 5.0, "Q3": 5.0, "Q4": 0.0}
    past = {
        f"{year}-{season}": rng.normal(mean, size=200)
        for year in ("2024-25", "2025-26")
        for season, mean in height.items()
    }
    high = rng.normal(5.0, size=200)
    usual = movement(high, past, "2026-27-Q2", drift=0.25)
    news = movement(high, past, "2026-27-Q1", drift=0.25)
    assert usual is not None
    assert news is not None
    assert (usual.status, news.status) == ("ok", "act")


def test_with_one_past_quarter_nobody_knows_what_is_normal() -> None:
    assert movement(np.ones(5), {"2025-26-Q1": np.zeros(5)}, "2025-26-Q2", drift=0.25) is None


@pytest.mark.parametrize("always", [1.0, float("nan")])
def test_what_never_differed_says_nothing_of_what_is_normal(always: float) -> None:
    past = {code: np.full(50, always) for code in ("2024-25-Q2", "2024-25-Q3", "2024-25-Q4")}
    assert movement(np.zeros(50), past, "2025-26-Q1", drift=0.25) is None
