"""Districts in arrays follow the rules of the real lists, and their truth is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.impact.columns import COLUMNS
from earlywarning.simulation.drawn_lists import NEVER_VISITED, draw_lists
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import BASELINE, LifeWorld, Plan, run
from earlywarning.visits.capacity import Places, allocate
from earlywarning.visits.households import Household


@pytest.mark.parametrize("lottery", [True, False])
def test_lists_in_arrays_are_those_of_the_real_rules(lottery: bool) -> None:
    rng = np.random.default_rng(4)
    for size in (3, 4, 5, 6, 12):
        priority, tie = rng.random(size) + 0.1, rng.integers(0, 1000, size)
        last = rng.integers(-1, 3, size)
        homes = [
            Household(
                key=f"h{place:02d}", household_id=None, children=(), priority=priority[place],
                tie_breaker=int(tie[place]), lead="guru", class_id=None,
                last_visit=None if last[place] < 0 else int(last[place]),
            )
            for place in range(size)
        ]  # fmt: skip
        real = {
            one.household.key: one
            for one in allocate(homes, places=Places(4, 3, 1), seed=9, lottery=lottery, block="b")
        }
        lots = [real[one.key].lot for one in homes]
        draws = np.array([0 if one is None else one.draw for one in lots])
        ours = draw_lists(
            priority, np.zeros(size, dtype=int), np.where(last < 0, NEVER_VISITED, last), tie,
            draws, concern=3, preventive=1, lottery=lottery,
        )  # fmt: skip
        for place, home in enumerate(homes):
            one = real[home.key]
            assert ours.rank[place] == one.rank
            assert ours.concern[place] == (one.track == "concern")
            assert ours.preventive[place] == (one.track == "preventive")
            assert ours.in_lottery[place] == (one.lot is not None)
            if one.lot:
                assert ours.won[place] == one.lot.won
                assert ours.chance[place] == pytest.approx(one.lot.probability)
            if one.cut is None:
                assert np.isnan(ours.cut[place])
            else:
                assert ours.cut[place] == one.cut


@pytest.mark.parametrize("world", [LifeWorld, RoughWorld])
def test_the_known_effect_is_what_visits_do(world) -> None:
    """With everybody visited or nobody, by lot, the difference is the mean of the gains."""
    plan = Plan(homerooms=120, lottery=True, quarters=1)
    rows = run(world(2.0), plan, seed=3)
    drawn = rows[rows["block"].notna() & rows["absence_rate"].notna()]
    assert rows["gain"].max() <= 0
    assert drawn["gain"].mean() < -0.02
    none = run(world(0.0), plan, seed=3)
    assert (none["gain"] == 0).all()


def test_a_district_has_the_columns_of_the_panel_and_the_same_seed_the_same_rows() -> None:
    rows = run(RoughWorld(1.0), Plan(homerooms=6), seed=1)
    assert set(COLUMNS) <= set(rows.columns)
    assert set(BASELINE) <= set(rows.columns)
    assert rows.equals(run(RoughWorld(1.0), Plan(homerooms=6), seed=1))


def test_the_rough_world_has_what_it_promises() -> None:
    rows = run(RoughWorld(1.0), Plan(homerooms=150), seed=2)
    assert rows["override"].sum() > 0
    listed = rows[rows["listed"]]
    at_home = listed.groupby(listed["gain"] < listed["gain"].quantile(0.2))["visited"].mean()
    assert at_home[True] < at_home[False], "families in trouble are less often at home"
    left = rows.groupby(rows["visited"] > 0)["left"].mean()
    assert left[True] > left[False]
    waves = run(RoughWorld(1.0), Plan(homerooms=50, roll_out=True), seed=2)
    assert not waves.loc[waves["shadow"], "visited"].any()
    assert waves.loc[waves["shadow"], "listed"].any()
