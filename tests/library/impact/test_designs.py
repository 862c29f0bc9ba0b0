"""The designs on simulated districts: the truth in their intervals, nothing from nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from earlywarning.impact import (
    analysis,
    diagnose,
    discontinuity,
    listing,
    lottery,
    naive,
    rollout,
)
from earlywarning.impact.columns import BASELINE
from earlywarning.impact.designs import run as run_design
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import LifeWorld, Plan, run

Y = "absence_rate"


def known(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows[Y].notna()]


def test_lottery_holds_the_truth_and_its_redraws_agree(with_lottery) -> None:
    rows = lottery.drawn(known(with_lottery))
    truth = rows.loc[rows["complier"], "gain"].mean()
    one = lottery.effect(rows, Y, adjust=BASELINE)
    assert one.low <= truth <= one.high
    assert one.first_stage is not None
    assert one.first_stage > diagnose.F_LEAST
    place = lottery.itt(rows, Y, adjust=BASELINE)
    drawn = lottery.randomisation(rows, Y, seed=1, adjust=BASELINE)
    assert drawn.value == pytest.approx(place.value, rel=0.05)
    assert drawn.low == pytest.approx(place.low, abs=0.6 * place.se)
    assert drawn.high == pytest.approx(place.high, abs=0.6 * place.se)
    assert lottery.randomisation(rows, Y, seed=1, adjust=BASELINE) == drawn


def test_effect_of_a_visit_is_that_of_a_place_over_what_it_moved(with_lottery) -> None:
    rows = lottery.drawn(known(with_lottery))
    place, moved = lottery.itt(rows, Y), lottery.first_stage(rows)
    assert lottery.effect(rows, Y).value == pytest.approx(place.value / moved.value)


def test_each_family_draws_once_unless_asked(with_lottery) -> None:
    once = lottery.drawn(with_lottery)
    assert once.groupby("household_id")["t"].nunique().max() == 1
    assert len(lottery.drawn(with_lottery, first_only=False)) > len(once)
    share = once.groupby("block")["won"].mean()
    assert ((share > 0) & (share < 1)).all()


def test_discontinuity_holds_the_truth(without_lottery) -> None:
    rows = discontinuity.at_cut(known(without_lottery))
    found = discontinuity.estimate_at_cut(rows, Y, adjust=BASELINE)
    near = rows[(rows["x"].abs() < found.bandwidth / 3) & rows["complier"]]
    assert found.effect.low <= near["gain"].mean() <= found.effect.high
    assert found.left > 100
    assert found.right > 100
    bins = discontinuity.binned(rows, Y, bandwidth=found.bandwidth)
    assert (bins["n"] >= 10).all()


def test_a_cut_where_lots_decide_has_no_jump_to_use(with_lottery) -> None:
    assert discontinuity.at_cut(with_lottery).empty
    made = run_design("discontinuity", with_lottery, Y, seed=1, before_rules=[])
    assert made.reason == "lots_at_cut"
    assert made.itt is None


def test_bandwidth_follows_the_unit_of_the_score(without_lottery) -> None:
    rows = discontinuity.at_cut(known(without_lottery))
    x, y = rows["x"].to_numpy(), rows[Y].to_numpy()
    one = discontinuity.best_bandwidth(x, y)
    assert discontinuity.best_bandwidth(1000 * x, y) == pytest.approx(1000 * one)
    assert discontinuity.best_bandwidth(x, 100 * y) == pytest.approx(one)


def test_our_discontinuity_is_rdrobusts_at_equal_bandwidth(without_lottery) -> None:
    from rdrobust import rdrobust

    rows = discontinuity.at_cut(known(without_lottery))
    h = discontinuity.best_bandwidth(rows["x"].to_numpy(), rows[Y].to_numpy())
    theirs = rdrobust(
        rows[Y].to_numpy(), rows["x"].to_numpy(), fuzzy=rows["visited"].to_numpy(), h=h, b=h,
        masspoints="off",
    )  # fmt: skip
    ours = discontinuity.estimate_at_cut(rows, Y, bandwidth=h)
    assert ours.effect.value == pytest.approx(float(theirs.coef.iloc[0, 0]), rel=1e-6)


def test_a_second_opinion_by_rdrobust_agrees_within_its_interval(without_lottery) -> None:
    rows = discontinuity.at_cut(known(without_lottery))
    theirs, bandwidth = discontinuity.by_rdrobust(rows, Y)
    ours = discontinuity.estimate_at_cut(rows, Y)
    assert theirs.low < ours.effect.value < theirs.high
    assert bandwidth / 4 < ours.bandwidth < 4 * bandwidth


def test_listing_holds_the_truth(without_lottery) -> None:
    rows = listing.comparable(known(without_lottery))
    found = listing.estimate_listing(rows, Y, adjust=BASELINE)
    kept = rows[found.kept]
    assert found.effect.low <= kept.loc[kept["complier"], "gain"].mean() <= found.effect.high
    inside = found.propensity[found.kept]
    assert inside.min() > listing.TRIM
    assert inside.max() < 1 - listing.TRIM


def test_a_drawn_order_holds_the_truth_and_moved_alike_before() -> None:
    rows = known(run(LifeWorld(1.5), Plan(homerooms=100, roll_out=True), seed=21))
    begun = rollout.starting(rows)
    assert set(begun["t"]) == {0, 1, 2, 3}
    found = rollout.effect(begun, Y, "absence_before")
    now = begun[(begun["wave"] == begun["t"]) & (begun["visited"] > 0)]
    assert found.low <= now["gain"].mean() <= found.high
    trend = rollout.pre_trend(begun, "absence_before", "absence_earlier")
    assert trend.low <= 0 <= trend.high
    drawn = rollout.randomisation(rollout.by_score(rows), Y, "absence_before", seed=1, draws=199)
    place = rollout.itt(begun, Y, "absence_before")
    assert drawn.value == pytest.approx(place.value)
    assert drawn.p <= 0.01
    assert drawn.low == pytest.approx(place.low, abs=0.6 * place.se)
    assert drawn.high == pytest.approx(place.high, abs=0.6 * place.se)


def test_a_redrawn_order_holds_its_size_with_12_homerooms_and_is_what_is_shown() -> None:
    """Redrawing what was compared, in place of all lists, would reject half as often."""
    p = []
    for seed in range(80):
        rows = known(run(RoughWorld(0.0), Plan(homerooms=12, roll_out=True), seed=seed))
        drawn = rollout.randomisation(
            rollout.by_score(rows), Y, "absence_before", seed=seed, draws=99
        )
        p.append(drawn.p)
    assert 0.11 <= np.mean(np.array(p) < 0.2) <= 0.29
    study = {"name": "A", "question": "?", "primary": [Y], "secondary": [], "designs": ["rollout"],
             "subgroups": [], "seed": 1, "worthwhile": 0.02}  # fmt: skip
    found = analysis.analyse(rows, study, {"lists": 4, "broken": 0, "registered": True})
    (one,) = found["results"]
    assert one["exact_used"]
    assert one["interval"] == {"low": one["exact"]["low"], "high": one["exact"]["high"]}


def test_naive_comparisons_find_effects_that_are_not_there() -> None:
    rows = known(run(RoughWorld(0.0), Plan(homerooms=60), seed=31))
    for one in naive.every(rows, Y, "absence_before"):
        assert one.biased_p < 0.05
        assert "BIASED" in repr(one)
        assert "BIASED" in f"{one:.3f}"
        with pytest.raises(TypeError, match="cannot be used as a number"):
            float(one)
        assert not hasattr(one, "value")


def test_one_school_gets_redrawn_lots_not_clusters(one_school) -> None:
    made = run_design("lottery", one_school, Y, seed=1, before_rules=[])
    assert diagnose.EXACT_ONLY in {rule.then for rule in made.rules if not rule.passed}
    assert made.effect is None
    assert 0 < made.exact["p"] <= 1
    assert made.exact["low"] < made.exact["value"] < made.exact["high"]


@pytest.mark.parametrize("world", [LifeWorld, RoughWorld])
def test_forty_districts_with_lots_and_orders(world) -> None:
    """Bias under a tenth of the effect beyond luck, and few alarms where nothing is."""
    errors: dict[str, list[float]] = {"lottery": [], "rollout": []}
    alarms: list[bool] = []
    effects: list[float] = []
    for seed in range(40):
        rows = lottery.drawn(known(run(world(1.5), Plan(homerooms=40, lottery=True), seed=seed)))
        truth = rows.loc[rows["complier"], "gain"].mean()
        effects.append(truth)
        errors["lottery"].append(lottery.effect(rows, Y, adjust=BASELINE).value - truth)
        order = rollout.starting(
            known(run(world(1.5), Plan(homerooms=40, roll_out=True), seed=1000 + seed))
        )
        begun = order[(order["wave"] == order["t"]) & (order["visited"] > 0)]
        found = rollout.effect(order, Y, "absence_before").value
        errors["rollout"].append(found - begun["gain"].mean())
        nothing = lottery.drawn(
            known(run(world(0.0), Plan(homerooms=40, lottery=True), seed=2000 + seed))
        )
        alarms.append(lottery.itt(nothing, Y, adjust=BASELINE).p < 0.05)
    for found in errors.values():
        luck = 2.5 * np.std(found) / np.sqrt(len(found))
        assert abs(np.mean(found)) < 0.1 * abs(np.mean(effects)) + luck
    assert sum(alarms) <= 6
