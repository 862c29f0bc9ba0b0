"""A district with known truth: the same each time, plausible, and honest about its truth."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earlywarning.calendar import Quarter
from earlywarning.district import Thresholds
from earlywarning.simulation import life, rosters
from earlywarning.simulation.records import NOT_ENROLLED, Records, live
from earlywarning.simulation.school_days import CALENDAR, school_days
from earlywarning.simulation.world import build_school, sizes, year_start
from earlywarning_pipelines import simulate

UNTIL = date(2026, 10, 1)


@pytest.fixture(scope="module")
def school() -> Records:
    built = build_school(1, 600, years=2, seed=5, until=UNTIL)
    return live(built, quarters=simulate.quarters_until(2, UNTIL), effect=1.0)


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "summary.json"
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate.run(students=60, years=1, seed=3, out=tmp_path / "a")
    code = (
        "from pathlib import Path; from earlywarning_pipelines import simulate;"
        f"simulate.run(students=60, years=1, seed=3, out=Path({str(tmp_path / 'b')!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"}
    )
    simulate.run(students=60, years=1, seed=4, out=tmp_path / "c")
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert bytes_of(tmp_path / "a") != bytes_of(tmp_path / "c")


def test_trouble_is_as_frequent_as_published(school: Records) -> None:
    past = school.truth.filter(pl.col("quarter") != "2026-27-Q2")
    shares = {
        name: float(past[f"{name}_realised"].to_numpy().mean()) for name in life.OUTCOME_NAMES
    }
    assert 0.10 < shares["attendance"] < 0.25
    assert 0.03 < shares["behaviour"] < 0.12
    assert 0.08 < shares["grades"] < 0.25
    rate = past["absent_days"].to_numpy().sum() / past["enrolled_days"].to_numpy().sum()
    assert 0.03 < rate < 0.08


@pytest.mark.parametrize("outcome", life.OUTCOME_NAMES)
def test_the_true_risk_is_the_frequency_of_trouble(outcome: str) -> None:
    """Drawn again and again from the same state, trouble comes as often as the risk says."""
    built = build_school(1, 600, years=1, seed=8, until=UNTIL)
    n = built.size
    rng = np.random.default_rng(1)
    state = life.State(
        rng.standard_normal(n), np.zeros(n), np.zeros(n), built.engagement, built.conduct,
        built.ability, np.zeros(n),
    )  # fmt: skip
    days = np.full(n, 60)
    one, two = (
        life.true_risk(
            state, built.household, days, season=1, visit=0.0, thresholds=Thresholds(),
            rng=np.random.default_rng(seed), draws=200,
        )[:, life.OUTCOME_NAMES.index(outcome)]
        for seed in (1, 2)
    )  # fmt: skip
    assert abs(one.mean() - two.mean()) < 0.01
    assert np.corrcoef(one, two)[0, 1] > 0.85


def test_a_visit_helps_by_the_effect_and_not_without() -> None:
    built = build_school(1, 300, years=1, seed=8, until=UNTIL)
    quarters = simulate.quarters_until(1, UNTIL)
    helped = live(built, quarters=quarters, effect=1.0).truth
    idle = live(built, quarters=quarters, effect=0.0).truth
    for name in life.OUTCOME_NAMES:
        gain, nothing = (
            float(np.mean((one[f"{name}_without_visit"] - one[f"{name}_with_visit"]).to_numpy()))
            for one in (helped, idle)
        )
        assert gain > 0.01
        assert abs(nothing) < 0.01


def test_nobody_is_marked_while_not_enrolled(school: Records) -> None:
    built = school.school
    marked = school.marks != NOT_ENROLLED
    days = built.days[None, :]
    assert not (marked & (days < built.entry_day[:, None])).any()
    assert not (marked & (days >= built.exit_day[:, None])).any()
    assert not marked[:, built.days >= 20727].any()  # 2026-10-01: the quarter to be listed


def test_siblings_share_a_household_over_intakes(school: Records) -> None:
    built = school.school
    homes, count = np.unique(built.household, return_counts=True)
    assert 0.05 < (count > 1).mean() < 0.3
    for home in homes[count > 1][:20]:
        years = built.intake[built.household == home]
        assert len(set(years)) == len(years) or len(years) > 2


def test_stretches_follow_each_other(school: Records) -> None:
    stays = rosters.enrolments(school.school).sort("student", "entry_day")
    following = stays.with_columns(next=pl.col("entry_day").shift(-1).over("student"))
    assert following.filter(pl.col("next") < pl.col("exit_day")).is_empty()
    assert (stays["exit_day"] > stays["entry_day"]).all()
    assert {"moved", "promoted", "graduated", "class_change"} == set(stays["exit_reason"])


def test_a_quarter_has_the_usual_number_of_school_days() -> None:
    for quarter in simulate.quarters_until(2, UNTIL):
        six = school_days(quarter.start, quarter.end, weekdays=(1, 2, 3, 4, 5, 6))
        assert 40 <= len(six) <= 72, quarter.code
    assert CALENDAR.school_year_of(date(2026, 7, 1)) == "2026-27"
    assert year_start(2026) == 20635


def test_large_districts_are_many_schools() -> None:
    assert len(sizes(100_000)) == 167
    assert sum(sizes(100_001)) == 100_001
    assert sizes(1) == [1]


def test_planted_faults_are_listed(tmp_path: Path) -> None:
    result = simulate.run(students=30, years=1, seed=1, out=tmp_path / "d")
    reasons = [one["reason"] for one in result.planted]
    assert reasons == ["unknown_student", "impossible_date", "date_out_of_range"]
    told = json.loads((tmp_path / "d" / "truth" / "summary.json").read_text())
    assert told["planted"] == result.planted


def test_a_list_may_choose_the_visits() -> None:
    """It sees what was written down before the quarter, the same whenever it looks."""
    built = build_school(1, 90, years=1, seed=8, until=UNTIL)
    seen: list[tuple[str, Records]] = []

    def choose(quarter: Quarter, records: Records) -> list[tuple[int, str]]:
        seen.append((quarter.code, records))
        before = built.days < quarter.start_day
        assert (records.marks[:, ~before] == NOT_ENROLLED).all()
        assert (records.marks[:, before] != NOT_ENROLLED).any()
        assert quarter.code not in records.truth["quarter"]
        here = (built.entry_day <= quarter.start_day) & (built.exit_day > quarter.start_day)
        return [(int(student), "concern") for student in np.flatnonzero(here)[:5]]

    quarters = simulate.quarters_until(1, UNTIL)
    one, two = (
        live(built, quarters=quarters, effect=1.0, draws=1, choose_visits=choose) for _ in range(2)
    )
    assert [code for code, _ in seen] == 2 * [quarter.code for quarter in quarters[1:]]
    for _, early in seen:
        known = early.marks != NOT_ENROLLED
        assert (early.marks[known] == one.marks[known]).all()
        assert (early.entered_late[known] == one.entered_late[known]).all()
    assert one.visits.height == 5 * (len(quarters) - 2)  # the last quarter is not recorded
    assert set(one.visits["track"]) == {"concern"}
    assert (one.marks == two.marks).all()
    assert one.visits.equals(two.visits)
    assert one.truth.equals(two.truth)
