"""Rates, kinds, weekdays and changes, on twenty school days that can be counted on fingers."""

from __future__ import annotations

import pytest

from tiny_school import Backend, TinySchool, features, of, school_days

DAYS = school_days("2026-09-07", 20)
"""7 to 29 September 2026, Monday to Saturday; the list is for the quarter from 1 October."""


def taught(*students: str) -> TinySchool:
    """Students of 7A over the twenty days."""
    school = TinySchool()
    for student in students:
        school.enroll(student)
    school.take_register(DAYS)
    return school


def test_days_of_each_kind_and_their_share(backend: Backend):
    school = taught("Ani", "Budi")
    school.mark("Ani", DAYS[0:2], "sick")
    school.mark("Ani", DAYS[2], "permitted")
    school.mark("Ani", DAYS[3:5], "unexcused")
    school.mark("Ani", DAYS[5], "truant")
    school.mark("Ani", DAYS[6], "suspended")
    school.mark("Ani", DAYS[7:9], "late")
    school.mark("Ani", DAYS[9], "early_leave")
    frame = features(school, backend)
    ani, budi = of(frame, "Ani"), of(frame, "Budi")
    for window in ("30d", "quarter", "year"):
        found = {
            kind: ani[f"{kind}_days_{window}"]
            for kind in ("absent", "sick", "permitted", "unexcused", "late", "early_leave")
        }
        assert found == {
            "absent": 7, "sick": 2, "permitted": 1, "unexcused": 3, "late": 2, "early_leave": 1,
        }  # fmt: skip
        assert ani[f"register_days_{window}"] == 20
        assert ani[f"absence_rate_{window}"] == 7 / 20
        assert ani[f"sick_rate_{window}"] == 2 / 20
        assert ani[f"unexcused_rate_{window}"] == 3 / 20
        assert ani[f"late_rate_{window}"] == 2 / 20
        assert budi[f"absent_days_{window}"] == 0
        assert budi[f"absence_rate_{window}"] == 0


def test_an_unrecorded_day_is_neither_present_nor_absent(backend: Backend):
    school = taught("Ani")
    school.mark("Ani", DAYS[0:2], "unrecorded")
    school.mark("Ani", DAYS[2], "not_required")
    school.mark("Ani", DAYS[3], "no_school")
    school.mark("Ani", DAYS[4], "other")
    school.mark("Ani", DAYS[5:8], "sick")
    ani = of(features(school, backend), "Ani")
    assert ani["register_days_quarter"] == 15
    assert ani["absent_days_quarter"] == 3
    assert ani["absence_rate_quarter"] == 3 / 15


def test_on_a_duty_elsewhere_a_student_is_present(backend: Backend):
    school = taught("Ani")
    school.mark("Ani", DAYS[0:5], "dispensed")
    school.mark("Ani", DAYS[5], "present_offsite")
    school.mark("Ani", DAYS[6], "present")
    ani = of(features(school, backend), "Ani")
    assert (ani["register_days_quarter"], ani["absent_days_quarter"]) == (20, 0)


def test_a_change_of_class_resets_nothing(backend: Backend):
    """Ten days in 7A, ten in 7B; 7A was never closed. Absent on the last day and the first."""
    school = taught("Ani")
    school.take_register(DAYS, "7B")
    school.enroll("Ani", "7B", entry=DAYS[10])
    school.mark("Ani", DAYS[2], class_name="7A")
    school.mark("Ani", DAYS[9], class_name="7A")
    school.mark("Ani", DAYS[10], class_name="7B")
    ani = of(features(school, backend), "Ani")
    assert ani["class_id"] == "SCH1/2026-27/7B"
    assert (ani["absent_days_quarter"], ani["register_days_quarter"]) == (3, 20)
    assert ani["longest_absence_streak_year"] == 2


def test_who_joins_late_owes_no_earlier_day(backend: Backend):
    school = taught("Ani")
    school.enroll("Citra", entry=DAYS[15])
    school.mark("Citra", DAYS[16])
    citra = of(features(school, backend), "Citra")
    assert (citra["absent_days_quarter"], citra["register_days_quarter"]) == (1, 5)


def test_a_mark_outside_the_stay_does_not_count(backend: Backend):
    school = taught("Ani")
    school.enroll("Citra", entry=DAYS[15])
    school.mark("Citra", DAYS[0:5])
    school.mark("Citra", DAYS[16], class_name="7B")
    citra = of(features(school, backend), "Citra")
    assert (citra["absent_days_quarter"], citra["register_days_quarter"]) == (0, 5)


def test_a_withdrawn_register_takes_its_marks_with_it(backend: Backend):
    school = taught("Ani")
    extra = ["2026-09-30"]
    school.take_register(extra, known="2026-09-30", until="2026-09-30")
    school.take_register(extra, known="2026-09-30", taken=False)
    school.mark("Ani", "2026-09-30", known="2026-09-30")
    ani = of(features(school, backend), "Ani")
    assert (ani["absent_days_quarter"], ani["register_days_quarter"]) == (0, 20)


def test_the_class_is_compared_with_its_leavers_in_it(backend: Backend):
    """Budi misses five days and leaves; Ani misses none of twenty: the class 5 of 25."""
    school = taught("Ani")
    school.enroll("Budi", exit=DAYS[5])
    school.mark("Budi", DAYS[0:5])
    frame = features(school, backend)
    assert frame["student_id"].to_list() == ["Ani"]
    assert of(frame, "Ani")["absence_rate_vs_class_quarter"] == -5 / 25


def test_of_a_leaver_the_class_counts_the_quarter_only(backend: Backend):
    """Budi misses 10 days before the quarter, 2 of 5 in it, and leaves: the class 2 of 25."""
    school = TinySchool()
    before, days = school_days("2026-08-03", 10), school_days("2026-10-01", 20)
    school.take_register(before + days)
    school.enroll("Ani")
    school.enroll("Budi", exit=days[5])
    school.mark("Budi", before + days[0:2])
    ani = of(features(school, backend, quarter="2026-27-Q3"), "Ani")
    assert ani["absence_rate_vs_class_quarter"] == -2 / 25


def test_the_class_has_no_unrecorded_days_either(backend: Backend):
    """Budi misses 7 of 20 days, Ani none of 15 and five are unrecorded: the class 7 of 35."""
    school = taught("Ani", "Budi")
    school.mark("Ani", DAYS[0:5], "unrecorded")
    school.mark("Budi", DAYS[0:7])
    ani = of(features(school, backend), "Ani")
    assert ani["absence_rate_vs_class_quarter"] == -7 / 35


def test_the_class_is_the_one_the_student_was_in(backend: Backend):
    """Half the time with a class that misses 2 of 10 each, half with one that misses none."""
    school = TinySchool()
    school.take_register(DAYS[:10], "7A")
    school.take_register(DAYS[10:], "7B")
    for student in ("Budi", "Citra"):
        school.enroll(student)
        school.mark(student, DAYS[0:3])
    school.enroll("Ani", exit=DAYS[10])
    school.enroll("Ani", "7B", entry=DAYS[10])
    school.mark("Ani", DAYS[12:15], class_name="7B")
    ani = of(features(school, backend), "Ani")
    # 7A: 6 of 30; 7B: 3 of 10 (Ani alone); expected over Ani's days (2 + 3) / 20.
    assert ani["absence_rate_vs_class_quarter"] == pytest.approx(3 / 20 - 5 / 20, abs=1e-12)


def test_windows_end_before_the_as_of_date_and_begin_where_they_say(backend: Backend):
    school = TinySchool()
    school.enroll("Ani", "6A", entry="2025-07-01", exit="2026-06-30", year="2025-26")
    school.enroll("Ani", "7A", entry="2026-07-01")
    school.take_register(["2025-06-30"], "6A", year="2025-26")  # the year before the last
    school.take_register(["2025-07-01", "2026-03-31", "2026-04-01"], "6A", year="2025-26")
    school.take_register(["2026-07-01", "2026-08-31", "2026-09-01", "2026-09-30"], "7A")
    school.take_register(["2026-10-01"], known="2026-09-01")
    ani = of(features(school, backend), "Ani")
    assert ani["register_days_30d"] == 1  # of 30 September it is not known yet
    assert ani["register_days_quarter"] == 3
    assert ani["register_days_year"] == 3
    assert ani["register_days_previous_year"] == 3
    ani = of(features(school, backend, quarter="2026-27-Q3"), "Ani")
    assert ani["register_days_30d"] == 0
    assert ani["absence_rate_30d"] is None
    assert ani["absent_days_30d"] is None
    assert ani["register_days_quarter"] == 1
    assert ani["register_days_year"] == 5


def test_in_the_first_quarter_the_year_is_the_year_before(backend: Backend):
    school = TinySchool()
    school.enroll("Ani", "6A", entry="2025-07-01", year="2025-26")
    school.enroll("Ani", "7A", entry="2026-07-01")
    school.take_register(["2025-08-01", "2026-05-04", "2026-05-05"], "6A", year="2025-26")
    school.mark("Ani", "2026-05-04", class_name="6A", year="2025-26")
    ani = of(features(school, backend, quarter="2026-27-Q1"), "Ani")
    assert (ani["absent_days_year"], ani["register_days_year"]) == (1, 3)
    assert (ani["absent_days_quarter"], ani["register_days_quarter"]) == (1, 2)
    assert ani["register_days_previous_year"] == 0


def test_changes_against_the_students_own_past(backend: Backend):
    """Spring 1 of 4 days; July and August 0 of 4, September 2 of 4."""
    school = TinySchool()
    school.enroll("Ani", "6A", entry="2025-07-01", exit="2026-07-01", year="2025-26")
    school.enroll("Ani", "7A", entry="2026-07-01")
    spring, summer = school_days("2026-05-04", 4), school_days("2026-08-03", 4)
    autumn = school_days("2026-09-07", 4)
    school.take_register(spring, "6A", year="2025-26")
    school.take_register([*summer, *autumn])
    school.mark("Ani", spring[0], class_name="6A", year="2025-26")
    school.mark("Ani", autumn[:2])
    school.mark("Ani", autumn[2], "late")
    ani = of(features(school, backend), "Ani")
    assert ani["absence_rate_change_30d"] == 2 / 4 - 2 / 8
    assert ani["absence_rate_change_quarter"] == 2 / 8 - 1 / 4
    assert ani["absence_rate_change_year"] == 2 / 8 - 1 / 4
    assert ani["late_rate_change_quarter"] == 1 / 8


def test_mondays_and_fridays(backend: Backend):
    school = taught("Ani", "Budi")
    school.mark("Ani", ["2026-09-07", "2026-09-14", "2026-09-11", "2026-09-16"], "sick")
    school.mark("Ani", "2026-09-21", "late")  # a Monday, but present
    frame = features(school, backend)
    ani, budi = of(frame, "Ani"), of(frame, "Budi")
    assert (ani["absent_mondays_year"], ani["absent_fridays_year"]) == (2, 1)
    assert (ani["monday_share_year"], ani["friday_share_year"]) == (2 / 4, 1 / 4)
    assert budi["absent_mondays_year"] == 0
    assert budi["monday_share_year"] is None  # of no absences there is no share


def test_totals_of_a_period_stand_where_a_school_gives_no_days(backend: Backend):
    school = TinySchool()
    for student in ("Ani", "Budi", "Citra"):
        school.enroll(student)
    school.totals("Ani", "2026-07-01", "2026-08-31", absent=9, effective=40)
    school.totals("Ani", "2026-07-01", "2026-09-29", absent=12, unexcused=5, effective=60)
    school.totals("Ani", "2026-09-01", "2026-09-29", absent=3, unexcused=2, effective=20)
    school.totals("Budi", "2026-07-01", "2026-09-29", absent=4)
    school.totals("Citra", "2026-07-01", "2026-09-30", absent=40, effective=60)  # not known yet
    frame = features(school, backend)
    ani, budi, citra = of(frame, "Ani"), of(frame, "Budi"), of(frame, "Citra")
    assert ani["summary_absent_days"] == 3  # of two that end together, the shorter
    assert ani["summary_unexcused_days"] == 2
    assert ani["summary_absence_rate"] == 3 / 20
    assert ani["absent_days_quarter"] is None
    assert budi["summary_absent_days"] == 4
    assert budi["summary_absence_rate"] is None
    assert citra["summary_absent_days"] is None
