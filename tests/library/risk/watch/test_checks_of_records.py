"""Each check on numbers that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from earlywarning.district import MonitorLimits
from earlywarning.risk.watch import practice, ranking, recording
from earlywarning.risk.watch.checks import Check, beyond, usual_range
from earlywarning.risk.watch.practice import Practice
from earlywarning.risk.watch.recording import Recording

LIMITS = MonitorLimits()
FULL = Recording(60, 0.98, 0.0, {"registers": 6000, "totals": 0, "behaviour": 40, "grades": 900})
USUAL = Practice(
    students=100,
    days=6000,
    marks={"sick": 180, "permitted": 90, "unexcused": 120, "late": 60, "early_leave": 0},
    incidents=50,
    points=9.0,
    distance=6.0,
)


def bad(found: list[Check]) -> dict[str, tuple[str, str | None]]:
    return {one.code: (one.status, one.subject) for one in found if one.status != "ok"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"recorded_share": 0.92}, {"recorded_share": ("look", "S1")}),
        ({"recorded_share": 0.80}, {"recorded_share": ("act", "S1")}),
        ({"silent_share": 0.1}, {"classes_silent": ("look", "S1")}),
        ({"silent_share": 0.3}, {"classes_silent": ("act", "S1")}),
        ({"school_days": 44}, {"registers_fewer": ("look", "S1")}),
        ({"school_days": 0}, {"registers_fewer": ("act", "S1")}),
        (
            {"rows": {**(FULL.rows or {}), "behaviour": 0.0}},
            {"source_silent": ("act", "S1/behaviour")},
        ),
    ],
)
def test_recording(change: dict[str, Any], expected: dict[str, tuple[str, str]]) -> None:
    past = [{"S1": FULL}] * 4
    assert bad(recording.checks({"S1": replace(FULL, **change)}, past, LIMITS)) == expected


def test_a_kind_of_record_that_never_came_is_not_missed() -> None:
    found = recording.checks({"S1": FULL}, [{"S1": FULL}], LIMITS)
    assert "S1/totals" not in {one.subject for one in found}
    assert recording.checks({"S2": FULL}, [{"S1": FULL}], LIMITS) == []


def test_days_are_added_up_student_by_student() -> None:
    """Of 10 days A has 10 marks, B 8; C's class took its register on 4 days only."""
    days = pd.DataFrame({"expected": [10, 10, 10], "register": [10, 10, 4], "recorded": [10, 8, 4]})
    one = recording.of_days(days, None)
    assert one.school_days == 10
    assert one.recorded_share == pytest.approx(22 / 30)
    assert one.silent_share == pytest.approx(1 / 3)
    empty = recording.of_days(days.iloc[:0], None)
    assert empty.school_days == 0
    assert np.isnan(empty.recorded_share)


def test_silence_is_measured_against_the_longest_gap() -> None:
    """Registers on days 1 to 10 and 31 to 40: a gap of 21, so 28 days are allowed."""
    days = np.r_[1:11, 31:41]

    def status(end: int) -> str:
        found = recording.silence(days, end, school="S1", limits=LIMITS)
        assert found is not None
        assert found.limit == 28
        return found.status

    assert status(40 + 28) == "ok"
    assert status(40 + 29) == "act"
    assert recording.silence(days[:1], 100, school="S1", limits=LIMITS) is None


def changed(**marks: float) -> Practice:
    return replace(USUAL, marks={**USUAL.marks, **marks})


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (USUAL, {}),
        (changed(permitted=0, sick=270), {"codes_changed": ("act", "S1/permitted")}),
        (changed(permitted=40), {"codes_changed": ("look", "S1/permitted")}),
        (changed(late=130), {"absences_risen": ("look", "S1/late")}),
        (changed(unexcused=400), {"absences_risen": ("act", "S1/unexcused")}),
        (replace(USUAL, points=18.0), {"incident_points": ("look", "S1")}),
        (replace(USUAL, points=19.0), {"incident_points": ("act", "S1")}),
        (replace(USUAL, points=4.0), {"incident_points": ("act", "S1")}),
        (replace(USUAL, incidents=120), {"incidents": ("look", "S1")}),
        (replace(USUAL, distance=1.0), {"pass_marks": ("act", "S1")}),
        (replace(USUAL, distance=9.0), {"pass_marks": ("look", "S1")}),
        (replace(USUAL, distance=float("nan")), {}),
    ],
)
def test_practice(now: Practice, expected: dict[str, tuple[str, str]]) -> None:
    assert bad(practice.checks({"S1": now}, [{"S1": USUAL}] * 4, LIMITS)) == expected


def test_few_quarters_show_little_of_what_is_normal() -> None:
    assert usual_range([1.0] * 4, 2.0) == (0.5, 2.0)
    assert usual_range([1.0] * 3, 2.0) == (0.25, 4.0)
    assert beyond(2.5, 0.5, 2.0) == (2.0, "look")
    assert beyond(0.3, 0.5, 2.0) == (0.5, "act")


def test_the_worst_week() -> None:
    """Ten children, five days a week: 20 of 50 student-days in the second week."""
    days = np.array([1, 3] + [8] * 12 + [9] * 8 + [30])
    worst = practice.worst_week(days, start=0, end=28, students=10, weekdays=5)
    assert worst == pytest.approx(20 / 50)
    assert practice.worst_week(days[:0], start=0, end=28, students=10, weekdays=5) == 0
    usual = practice.illness_check("S1", 0.05, [0.04] * 4, students=100, limits=LIMITS)
    wave = practice.illness_check("S1", 0.2, [0.04] * 4, students=100, limits=LIMITS)
    assert usual is not None
    assert wave is not None
    assert (usual.status, wave.status) == ("ok", "act")
    assert practice.illness_check("S1", 0.2, [], students=100, limits=LIMITS) is None


def test_ties_at_the_cut() -> None:
    """Two of ten places: 3 share the second; without ties nobody shares."""
    priority = np.array([9, 5, 5, 5, 4, 3, 2, 1, 0, -1.0])
    assert ranking.tied_at_cut(priority, 0.2) == pytest.approx(0.3)
    assert ranking.tied_at_cut(np.arange(10.0), 0.2) == 0
    past = {"2025-26-Q1": np.arange(10.0)}
    found = ranking.tie_check(priority, past, capacity_share=0.2)
    assert found is not None
    assert (found.status, found.limit) == ("act", pytest.approx(0.1))


def test_a_short_list_and_other_trouble() -> None:
    full, short = (ranking.list_size_check("S1", listed=listed, wanted=20) for listed in (20, 12))
    assert full is not None
    assert short is not None
    assert (full.status, short.status) == ("ok", "look")
    assert ranking.list_size_check("S1", listed=0, wanted=0) is None
    now = np.r_[np.ones(20), np.zeros(80), np.nan]
    same = ranking.redefined_check("grades", rows=100, positives=21, now=now)
    other = ranking.redefined_check("grades", rows=100, positives=10, now=now)
    assert same is not None
    assert other is not None
    assert (same.status, other.status) == ("ok", "act")
    assert other.value == pytest.approx(1.0)
    assert ranking.redefined_check("grades", rows=0, positives=0, now=now) is None
