"""What each rule holds back, what a study may ask, and what could be seen."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from earlywarning.calendar import SchoolCalendar
from earlywarning.errors import ConfigError
from earlywarning.impact import (
    analysis,
    density,
    diagnose,
    listing,
    lottery,
    power,
    rollout,
    standards,
    study,
)
from earlywarning.impact.columns import BASELINE, COLUMNS
from earlywarning.impact.diagnose import Rule
from earlywarning.impact.limits import LIMITS
from earlywarning.impact.redraw import faults
from earlywarning.impact.regression import of_value
from earlywarning.impact.study import Study
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run
from earlywarning.visits.capacity import Places, allocate
from earlywarning.visits.chance import tie_breaker
from earlywarning.visits.households import Household

Y = "absence_rate"
ASKED = Study("A", "Do visits help?", "2026-27-Q1", "2026-27-Q4", designs=("lottery", "listing"),
              limits=LIMITS)  # fmt: skip
EVIDENCE = {"lists": 4, "broken": 0, "registered": True}


def result(panel: pd.DataFrame, asked: Study = ASKED, evidence=EVIDENCE):
    return analysis.analyse(panel, asdict(asked), evidence)


def test_a_broken_list_silences_every_design(with_lottery) -> None:
    found = result(with_lottery, evidence={**EVIDENCE, "broken": 1})
    assert {one["verdict"] for one in found["results"]} == {"withheld"}
    assert all(one["effect"] is None for one in found["results"])


def test_where_all_who_won_were_visited_the_first_stage_has_no_spread(with_lottery) -> None:
    rows = lottery.drawn(with_lottery[with_lottery[Y].notna()])
    one = lottery.first_stage(rows.assign(visited=rows["won"].astype(float)), adjust=BASELINE)
    assert (one.value, one.se, one.first_stage) == (pytest.approx(1), 0, math.inf)


def test_limits_that_are_not_the_registered_ones_are_said() -> None:
    assert diagnose.limits(None).passed
    assert diagnose.limits(LIMITS).passed
    softer = diagnose.limits({**LIMITS, "first_stage_f": 4.0})
    assert (softer.passed, softer.value, softer.then) == (False, 1, diagnose.RESERVATIONS)


def test_a_strong_lottery_is_said_to_help(with_lottery) -> None:
    found = result(with_lottery)
    one = found["results"][found["decides"]]
    assert (one["design"], one["verdict"]) == ("lottery", "helped")
    assert one["effect"]["value"] < one["itt"]["value"] < 0
    assert all(row["biased"] for row in found["naive"])
    assert {row["what"] for row in found["naive"]} >= {"before_after", "staggered_on_chosen"}


def test_without_effect_it_is_inconclusive_or_not_as_large_never_none() -> None:
    panel = run(RoughWorld(0.0), Plan(homerooms=60, lottery=True), seed=5)
    verdicts = {one["verdict"] for one in result(panel)["results"]}
    assert verdicts <= {"inconclusive", "not_as_large"}
    strict = Study(**{**asdict(ASKED), "worthwhile": 0.0001})
    assert {one["verdict"] for one in result(panel, strict)["results"]} == {"inconclusive"}


def test_weak_first_stage_leaves_the_place_only() -> None:
    panel = run(RoughWorld(1.0, at_home=0.02), Plan(homerooms=40, lottery=True), seed=6)
    one = result(panel)["results"][0]
    assert one["first_stage"]["first_stage"] < diagnose.F_LEAST
    assert one["effect"] is None
    assert one["held"] == diagnose.ITT_ONLY


def test_subgroups_only_where_asked(with_lottery) -> None:
    assert result(with_lottery)["subgroups"] == []
    asked = Study(**{**asdict(ASKED), "subgroups": ("s",)})
    rows = result(with_lottery, asked)["subgroups"]
    low, high, difference = (
        next(row for row in rows if row["part"] == part) for part in ("low", "high", "difference")
    )
    assert len(rows) == 3
    assert low["n"] + high["n"] <= difference["n"]
    assert difference["p_adjusted"] == difference["p"], "one measure was asked about"
    apart = high["value"] - low["value"]
    assert difference["value"] == pytest.approx(apart, abs=2 * difference["se"])
    assert result(with_lottery, asked, {**EVIDENCE, "broken": 1})["subgroups"] == []


def test_what_is_withheld_cannot_be_read_from_the_rules(without_lottery) -> None:
    asked = Study(**{**asdict(ASKED), "designs": ("discontinuity",)})
    told, held = (
        {rule["name"]: rule for rule in result(without_lottery, asked, said)["results"][0]["rules"]}
        for said in (EVIDENCE, {**EVIDENCE, "broken": 1})
    )
    assert told["donut"]["limit"] is not None
    for name in ("donut", "bandwidths", "robustness_value"):
        assert held[name]["passed"] == told[name]["passed"]
        assert {held[name][key] for key in ("value", "limit", "detail")} == {None}, name


def test_a_long_illness_is_no_score(without_lottery) -> None:
    """Families on such tracks are visited for another reason; the designs leave them out."""
    sick = without_lottery["track"].eq("none") & (without_lottery["student_id"] % 50 == 0)
    rows = without_lottery.assign(
        track=without_lottery["track"].mask(sick, "sick_child"),
        listed=without_lottery["listed"] | sick,
        wave=without_lottery["t"] + without_lottery["homeroom"] % 2,
    )
    assert set(listing.comparable(rows)["track"]) == {"concern", "none"}
    assert set(rollout.starting(rows)["track"]) == {"concern", "preventive"}


def test_reach_names_no_teacher_and_shows_no_small_group(with_lottery) -> None:
    for row in analysis.reach(with_lottery):
        assert row["children"] >= 10
        assert set(row) == {"by", "group", "children", "tried", "reached"}


def test_data_hash_does_not_hang_on_names_of_ids(with_lottery) -> None:
    renamed = with_lottery.assign(student_id=with_lottery["student_id"].astype(str) + "x")
    panel = with_lottery[list(COLUMNS)]
    assert analysis.data_hash(panel) == analysis.data_hash(renamed[list(COLUMNS)])
    changed = panel.assign(absent_days=panel["absent_days"] + 1)
    assert analysis.data_hash(panel) != analysis.data_hash(changed)


def test_strictest_failure_decides() -> None:
    rules = [Rule("a", 0, 0, False, diagnose.NOTE), Rule("b", 0, 0, False, diagnose.ITT_ONLY),
             Rule("c", 0, 0, True, diagnose.NOTHING)]  # fmt: skip
    assert diagnose.may_say(rules) == diagnose.ITT_ONLY
    assert diagnose.may_say(rules[2:]) is None


def test_attrition_beyond_the_boundary_fails() -> None:
    rows = pd.DataFrame({"won": [True] * 100 + [False] * 100, Y: [0.1] * 200})
    assert diagnose.attrition(rows, "won", Y).passed
    rows.loc[:15, Y] = np.nan
    failed = diagnose.attrition(rows, "won", Y)
    assert not failed.passed
    assert failed.value == pytest.approx(0.16)
    assert failed.limit == pytest.approx(standards.attrition_boundary(0.08))


def test_balance_sees_a_rigged_lottery(with_lottery) -> None:
    rows = lottery.drawn(with_lottery)
    assert diagnose.lottery_balance(rows, BASELINE).passed
    rigged = rows.assign(won=rows.groupby("block")["absence_before"].rank() > 2)
    assert not diagnose.lottery_balance(rigged, BASELINE).passed


def test_benjamini_hochberg_by_hand() -> None:
    adjusted = standards.benjamini_hochberg([0.01, 0.04, math.nan, 0.03])
    assert adjusted[0] == pytest.approx(0.03)
    assert adjusted[1] == pytest.approx(0.04)
    assert adjusted[3] == pytest.approx(0.04)
    assert math.isnan(adjusted[2])


def test_sensitivity_grows_with_certainty() -> None:
    weak, strong = (of_value("x", value, 0.01, n=500, clusters=50, df=49) for value in (0.01, 0.1))
    assert diagnose.sensitivity(weak).value < diagnose.sensitivity(strong).value


def frozen_document():
    homes = [
        Household(
            f"h{place}", None, (), 1.0 - place / 10, tie_breaker(3, f"h{place}"), "guru", None, None
        )
        for place in range(8)
    ]
    rows = []
    for one in allocate(homes, places=Places(4, 4, 0), seed=3, lottery=True, block="b"):
        lot = one.lot
        rows.append(
            {"household_key": one.household.key, "lead": "guru", "rank": one.rank,
             "priority": one.household.priority, "tie_breaker": one.household.tie_breaker,
             "cut": one.cut, "distance": one.distance, "track": one.track,
             "lottery": lot and {"block": lot.block, "draw": lot.draw, "won": lot.won,
                                 "probability": lot.probability}}
        )  # fmt: skip
    leads = [{"lead": "guru", "concern_places": 4}]
    return {"header": {"seed": 3, "leads": leads}, "households": rows}


def test_a_list_follows_its_seed_or_is_named() -> None:
    document = frozen_document()
    assert faults(document) == []
    swapped = copy.deepcopy(document)
    homes = swapped["households"]
    homes[0]["rank"], homes[5]["rank"] = homes[5]["rank"], homes[0]["rank"]
    assert "order" in faults(swapped)[0]
    rigged = copy.deepcopy(document)
    for home in rigged["households"]:
        if home["lottery"]:
            home["lottery"]["won"] = not home["lottery"]["won"]
    assert "lowest numbers" in faults(rigged)[0]
    invented = copy.deepcopy(document)
    drawn = next(home for home in invented["households"] if home["lottery"])
    drawn["lottery"]["draw"] += 1
    assert "not those of the seed" in faults(invented)[0]
    moved = copy.deepcopy(document)
    moved["households"][0]["distance"] = 0.5
    assert "another distance" in faults(moved)[0]


def change_the_cut(home) -> None:
    home["cut"] -= 0.01
    home["distance"] = home["priority"] - home["cut"]


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (0, change_the_cut, "another cut than its neighbours make"),
        (0, lambda home: home.update(track=None), "has, or lacks, a place"),
        (7, lambda home: home.update(track="concern"), "has, or lacks, a place"),
        (7, lambda home: home.update(shadow_track="concern"), "has, or lacks, a place"),
        (7, lambda home: home.update(tie_breaker=home["tie_breaker"] + 1), "tie-breaker"),
        (3, lambda home: home["lottery"].update(probability=0.6), "the chances of block b"),
        (3, lambda home: home.update(lottery=None), "others drew lots"),
    ],
)
def test_a_list_made_wrong_from_the_start_is_named(place, change, said: str) -> None:
    document = frozen_document()
    change(document["households"][place])
    assert said in faults(document)[0]


def test_a_place_too_many_in_a_lottery_is_named() -> None:
    """The third of the lowest draws gets a place beside the two who have one."""
    document = frozen_document()
    lost = [one for one in document["households"] if one["lottery"] and not one["lottery"]["won"]]
    third = min(lost, key=lambda one: one["lottery"]["draw"])
    third["lottery"]["won"], third["track"] = True, "concern"
    assert "lowest numbers" in faults(document)[0]


TEXT = study.text_of(ASKED)


def parse(text: str) -> Study:
    return study.parse(text, calendar=SchoolCalendar())


def test_a_design_written_out_reads_back_the_same() -> None:
    assert parse(TEXT) == ASKED
    assert parse(TEXT).sha256 == ASKED.sha256
    order = study.draw_order({"A": ["A/1", "A/2"]}, ["2026-27-Q1"], seed=1)
    rolled = Study(**{**asdict(ASKED), "designs": ("rollout",), "roll_out": order})
    assert parse(study.text_of(rolled)) == rolled
    assert rolled.sha256 != ASKED.sha256


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('designs = ["lottery", "listing"]', 'designs = ["staggered"]', "allowed: lottery"),
        ('designs = ["lottery", "listing"]', 'designs = ["rollout"]', "there is no roll_out"),
        ('primary = ["absence_rate"]', 'primary = ["happiness"]', "allowed: absence_rate"),
        ('primary = ["absence_rate"]', "primary = []", "primary is"),
        ("worthwhile = 0.02", "worthwhile = 0", "above 0"),
        ("seed = 1", "seed = -1", "0 or more"),
        ('question = "Do visits help?"', 'question = ""', "must be said"),
        ('last_quarter = "2026-27-Q4"', 'last_quarter = "2025-26-Q4"', "lies before"),
        ("seed = 1", "seed = 1\nlucky = true", "unknown key 'lucky'"),
        ("subgroups = []", 'subgroups = ["sex"]', "subgroups has 'sex'"),
        ("first_stage_f = 16", "first_stage_f = 4", "limits.first_stage_f is 4"),
        ("blocks = 40\n", "", "limits.blocks is None"),
        ("blocks = 40", "blocks = 40\nluck = 1", "limits.luck is 1"),
    ],
)
def test_a_design_that_cannot_be_is_refused_in_words(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=said):
        parse(TEXT.replace(old, new))


def test_an_order_spreads_each_schools_homerooms_over_the_quarters() -> None:
    leads = {"A": [f"A/{n}" for n in range(10)], "B": [f"B/{n}" for n in range(5)]}
    order = study.draw_order(leads, ["Q1", "Q2", "Q3", "Q4"], seed=7)
    assert order == study.draw_order(leads, ["Q1", "Q2", "Q3", "Q4"], seed=7)
    for school, some in leads.items():
        starts = [order[lead] for lead in some]
        counts = {starts.count(part) for part in ("Q1", "Q2", "Q3", "Q4", None)}
        assert counts == {len(some) // 5}, school


def test_power_shrinks_with_schools_and_agrees_with_the_lottery() -> None:
    rows = run(RoughWorld(0.0), Plan(homerooms=48, lottery=True), seed=8)
    small = power.detectable(rows[rows["homeroom"] < 12], places=4)
    large = power.detectable(rows, places=4)
    assert large.visit < small.visit
    assert large.visit == pytest.approx(small.visit / 2, rel=0.4)
    assert large.pooled["four_times_the_schools"] == pytest.approx(large.visit / 2)
    # As the study will count: each family's first lottery.
    real = 2.8 * lottery.itt(lottery.drawn(rows[rows[Y].notna()]), Y, adjust=["absence_before"]).se
    assert large.itt == pytest.approx(real, rel=0.25)


def test_power_of_nothing_is_unknown() -> None:
    names = ("student_id", "household_id", "homeroom", "t", Y, "absence_before")
    empty = pd.DataFrame({name: [] for name in names})
    assert math.isnan(power.detectable(empty, places=4).visit)


@pytest.mark.parametrize("seed", range(3))
def test_a_heap_at_the_cut_is_seen_and_a_slope_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sloping = 1 - rng.exponential(1, 4000)
    assert density.by_counts(sloping).p > 0.01
    heaped = np.where((sloping < 0) & (sloping > -0.15), -sloping, sloping)
    assert density.by_counts(heaped).p < 0.001


def test_few_distances_have_no_density() -> None:
    assert math.isnan(density.by_counts(np.linspace(-1, 1, 9)).p)
