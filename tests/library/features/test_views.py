"""What was known on a day: in the version that was the newest then."""

from __future__ import annotations

from datetime import date

import pytest

from earlywarning.calendar import day_number
from earlywarning.district import District, Thresholds, Visits
from earlywarning.features import views
from earlywarning.features.windows import Windows, before
from tiny_school import DISTRICT, TinySchool, pandas_facts

EVER = before(day_number(date(2030, 1, 1)))


@pytest.mark.parametrize(
    ("as_of", "seen"),
    [
        (date(2026, 9, 7), []),  # the day itself
        (date(2026, 9, 8), []),  # happened, but not known
        (date(2026, 9, 10), []),  # becomes known on this day
        (date(2026, 9, 11), ["sick"]),
        (date(2026, 9, 20), ["sick"]),  # the correction becomes known on this day
        (date(2026, 9, 21), ["late"]),
        (date(2027, 9, 21), ["late"]),
    ],
)
def test_versions(as_of: date, seen: list[str]):
    school = TinySchool()
    school.enroll("Ani")
    school.mark("Ani", "2026-09-07", "sick", known="2026-09-10", until="2026-09-20")
    school.mark("Ani", "2026-09-07", "late", known="2026-09-20")
    facts = pandas_facts(school.tables(), as_of, DISTRICT)
    assert facts.within("attendance_event", EVER).collect()["status"].to_list() == seen


def test_a_planned_entry_is_known_before_its_day():
    school = TinySchool()
    school.enroll("Ani", entry="2026-10-01", known="2026-09-01")
    facts = pandas_facts(school.tables(), date(2026, 9, 15), DISTRICT)
    assert facts.enrollment.collect()["student_id"].to_list() == ["Ani"]
    assert "known_day" not in facts.enrollment.collect_schema().names()


def test_settings_are_whole_numbers():
    district = District(
        visits=Visits(lottery=False),
        thresholds=Thresholds(absence_rate=0.07, first_warning_points=33.33, behaviour_share=0.1),
        school_thresholds={"B": Thresholds()},
    )
    rows = views.school_settings(district, ["B", "A", "B"]).rows(named=True)
    assert rows == [
        {
            "school_id": "A", "absence_ppm": 70_000, "first_warning_centi": 3333,
            "trouble_centi": 334, "pass_centi": 7500, "subjects_below": 2,
        },
        {
            "school_id": "B", "absence_ppm": 100_000, "first_warning_centi": 5000,
            "trouble_centi": 2500, "pass_centi": 7500, "subjects_below": 2,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "starts"),
    [
        ("2026-27-Q2", ["2026-09-01", "2026-07-01", "2026-04-01", "2026-07-01", "2025-07-01"]),
        ("2026-27-Q1", ["2026-06-01", "2026-04-01", "2026-01-01", "2025-07-01", "2024-07-01"]),
        ("2026-27-Q4", ["2027-03-02", "2027-01-01", "2026-10-01", "2026-07-01", "2025-07-01"]),
    ],
)
def test_windows(code: str, starts: list[str]):
    quarter = DISTRICT.calendar.quarter(code)
    at = Windows.of(quarter, as_of_day=quarter.start_day, calendar=DISTRICT.calendar)
    found = [(date(1970, 1, 1).toordinal() + window.start) for window in at.all]
    assert [date.fromordinal(day).isoformat() for day in found] == starts
    ends = {window.name: window.end for window in at.all}
    assert ends["30d"] == ends["quarter"] == ends["year"] == quarter.start_day
    assert ends["previous_year"] == at.year.start
    assert at.longest.start == at.previous_year.start


def test_what_is_announced_has_not_happened():
    """A leave asked for in advance, and a visit entered with a wrong date, in the future."""
    school = TinySchool()
    school.enroll("Ani")
    school.mark("Ani", "2026-09-15", "permitted", known="2026-09-01")
    for as_of, seen in ((date(2026, 9, 15), 0), (date(2026, 9, 16), 1)):
        facts = pandas_facts(school.tables(), as_of, DISTRICT)
        assert len(facts.within("attendance_event", EVER).collect()) == seen
