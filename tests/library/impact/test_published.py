"""Estimates that others published, reproduced with our functions; data from the packages that
ship them."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from earlywarning.impact import density, discontinuity, regression, rollout, standards


@pytest.fixture(scope="module")
def senate() -> pd.DataFrame:
    """United States Senate elections (Cattaneo, Frandsen and Titiunik 2015)."""
    path = resources.files("rdrobust").joinpath("data", "rdrobust_RDsenate.csv")
    with resources.as_file(path) as file:
        return pd.read_csv(file)


def test_senate_discontinuity_at_the_published_bandwidth(senate):
    known = senate.dropna(subset=["vote", "margin"])
    x, y = known["margin"].to_numpy(), known["vote"].to_numpy()
    value, se = discontinuity.sharp(y, x, bandwidth=17.754398)
    assert value == pytest.approx(7.41413, abs=1e-3)
    assert se == pytest.approx(1.4587, abs=2e-3)
    inside = np.abs(x) < 17.754398
    assert (inside & (x < 0)).sum() == 360
    assert (inside & (x >= 0)).sum() == 323


def test_senate_by_rdrobust_gives_the_same_value_and_the_published_interval(senate):
    from rdrobust import rdrobust

    found = rdrobust(senate["vote"], senate["margin"])
    assert float(found.coef.iloc[0, 0]) == pytest.approx(7.41413, abs=1e-3)
    assert float(found.se.iloc[2, 0]) == pytest.approx(1.74126, abs=1e-3)
    assert list(found.ci.iloc[2]) == pytest.approx([4.0937, 10.9193], abs=1e-3)
    assert float(found.bws.loc["b", "left"]) == pytest.approx(28.0281, abs=1e-3)


def test_our_bandwidth_on_the_senate_is_of_the_size_of_theirs(senate):
    known = senate.dropna(subset=["vote", "margin"])
    h = discontinuity.best_bandwidth(known["margin"].to_numpy(), known["vote"].to_numpy())
    assert 12 < h < 24


def test_senate_density(senate):
    found = density.by_rddensity(senate["margin"].dropna().to_numpy())
    assert found.t == pytest.approx(-0.87527, abs=1e-3)
    assert found.p == pytest.approx(0.38143, abs=1e-3)


def test_job_training_experiment_and_its_biased_twin():
    """NSW, the sample of Dehejia and Wahba (1999): 185 trained, 260 not; and the population
    survey in place of the second, which must fail."""
    from causaldata import cps_mixtape, nsw_mixtape

    trial = pd.DataFrame(nsw_mixtape.load_pandas().data)
    treated = trial["treat"].to_numpy(dtype=float)
    assert (treated.sum(), len(trial)) == (185, 445)
    X = np.column_stack([treated, np.ones(len(trial))])
    y = trial["re78"].to_numpy(dtype=float)
    classical = regression.least_squares(y, X, classical=True)
    assert classical.beta[0] == pytest.approx(1794.342, abs=0.01)
    assert classical.se() == pytest.approx(632.853, abs=0.01)
    assert regression.least_squares(y, X).se() == pytest.approx(670.824, abs=0.01)
    survey = pd.DataFrame(cps_mixtape.load_pandas().data)
    naive = trial.loc[trial["treat"] == 1, "re78"].mean() - survey["re78"].mean()
    assert naive == pytest.approx(-8497.5, abs=0.05)


def test_darfur_sensitivity_from_its_published_t():
    """Cinelli and Hazlett (2020), table 1: t 4.18445 with 783 degrees of freedom."""
    assert standards.robustness_value(4.18445, 783) == pytest.approx(0.138776, abs=1e-5)
    assert standards.robustness_value(4.18445, 783, alpha=0.05) == pytest.approx(0.076258, abs=1e-5)
    assert standards.partial_r2(4.18445, 783) == pytest.approx(0.02187, abs=1e-4)


def test_effect_sizes_as_reviewers_of_education_studies_compute_them():
    """The example of the R package baselinr: six students, a pretest and a yes/no value. Its Cox
    index is the one without Hedges' correction, which the handbook applies to both."""
    arm = pd.Series([True, True, True, False, False, False])
    pretest = pd.Series([5.0, 6, 7, 4, 5, 6])
    assert standards.standardised(pretest, arm) == pytest.approx(0.8000, abs=1e-4)
    index = standards.cox_index(2 / 3, 1 / 3, 6)
    assert index / standards.small_sample(6) == pytest.approx(0.84018, abs=1e-4)


def test_attrition_boundary_is_the_cautious_one():
    assert standards.attrition_boundary(0.10) == pytest.approx(0.063)
    assert standards.attrition_boundary(0.15) == pytest.approx(0.0585)
    assert standards.attrition_boundary(0.60) == 0


MPDTA = Path(os.environ.get("EARLYWARNING_MPDTA", "mpdta.csv"))

if MPDTA.exists():

    @pytest.fixture(scope="module")
    def minimum_wage() -> pd.DataFrame:
        """Minimum wages and teenage employment (Callaway and Sant'Anna 2021), 500 counties.

        No package that can be installed on every supported Python ships it, so these tests are
        there only where EARLYWARNING_MPDTA names a CSV of `mpdta` of the R package `did`.
        """
        return pd.read_csv(MPDTA).rename(columns={"first_treat": "first.treat"})

    def test_minimum_wage_by_group_and_time(minimum_wage):
        found = rollout.group_time(
            minimum_wage, unit="countyreal", time="year", outcome="lemp", group="first.treat"
        )
        table = found.table.set_index(["group", "time"])["value"]
        published = {
            (2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373,
            (2004, 2007): -0.1008,
            (2006, 2006): -0.0046, (2006, 2007): -0.0412, (2007, 2007): -0.0261,
        }  # fmt: skip
        for place, value in published.items():
            assert table[place] == pytest.approx(value, abs=1e-4)
        simple = rollout.aggregate(found, "simple")
        assert simple.value == pytest.approx(-0.039951, abs=1e-4)
        assert simple.se == pytest.approx(0.01203, abs=1e-3)
        assert rollout.aggregate(found, "dynamic").value == pytest.approx(-0.077240, abs=1e-4)
        assert rollout.aggregate(found, "group").value == pytest.approx(-0.031018, abs=1e-4)

    def test_minimum_wage_with_population_by_diff_diff(minimum_wage):
        found = rollout.with_covariates(
            minimum_wage.rename(columns={"first.treat": "first"}), unit="countyreal", time="year",
            outcome="lemp", group="first", adjust=["lpop"],
        )  # fmt: skip
        assert found.overall_att == pytest.approx(-0.041752, abs=1e-4)
        effects = pd.DataFrame(
            [
                {"group": g, "since": t - g, "value": one["effect"]}
                for (g, t), one in found.group_time_effects.items() if t >= g
            ]
        )  # fmt: skip
        first = minimum_wage.groupby("countyreal")["first.treat"].first()
        effects["size"] = effects["group"].map(first.value_counts())
        weighted = effects.assign(value=effects["value"] * effects["size"])
        by_time = weighted.groupby("since")[["value", "size"]].sum()
        assert (by_time["value"] / by_time["size"]).mean() == pytest.approx(-0.080354, abs=1e-4)
        by_group = effects.groupby("group")[["value", "size"]].mean()
        of_groups = np.average(by_group["value"], weights=by_group["size"])
        assert of_groups == pytest.approx(-0.032820, abs=1e-4)


def test_staggered_differences_agree_with_diff_diff():
    from diff_diff import CallawaySantAnna, generate_staggered_data

    data = generate_staggered_data(n_units=120, n_periods=6, seed=7)
    ours = rollout.group_time(
        data, unit="unit", time="period", outcome="outcome", group="first_treat"
    )
    theirs = CallawaySantAnna().fit(
        data, outcome="outcome", unit="unit", time="period", first_treat="first_treat"
    )
    simple = rollout.aggregate(ours, "simple")
    assert simple.value == pytest.approx(theirs.overall_att, abs=1e-6)
    assert simple.se == pytest.approx(theirs.overall_se, rel=0.02)
    for (group, time), one in theirs.group_time_effects.items():
        place = (ours.table["group"] == group) & (ours.table["time"] == time)
        mine = ours.table.loc[place, "value"].item()
        assert mine == pytest.approx(one["effect"], abs=1e-6)
