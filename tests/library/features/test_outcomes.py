"""Trouble in the quarter from 1 October to 31 December, as known on 1 January."""

from __future__ import annotations

from datetime import date

import pytest

from earlywarning.district import District, Thresholds, Visits
from messy_district import DISTRICT, messy_tables
from tiny_school import Backend, TinySchool, labels, of, school_days

DAYS = school_days("2026-10-05", 60)


def taught(*students: str, days: list[str] = DAYS) -> TinySchool:
    school = TinySchool()
    for student in students:
        school.enroll(student)
    school.take_register(days)
    return school


def test_exactly_a_tenth_counts(backend: Backend):
    """One class for each number of school days; (absent, days) -> in trouble."""
    expected = {(6, 60): 1, (5, 60): 0, (7, 60): 1, (3, 30): 1, (2, 30): 0, (1, 10): 1, (0, 10): 0}
    school = TinySchool()
    for days in {days for _, days in expected}:
        school.take_register(DAYS[:days], f"7-{days}")
    for absent, days in expected:
        school.enroll(f"{absent} of {days}", f"7-{days}", entry="2026-09-01")
        school.mark(f"{absent} of {days}", DAYS[:absent], "sick", f"7-{days}")
    frame = labels(school, backend)
    found = dict(zip(frame["student_id"], frame["attendance"], strict=True))
    assert found == {f"{absent} of {days}": label for (absent, days), label in expected.items()}


def test_the_threshold_is_the_number_that_was_written(backend: Backend):
    """14 % of 50 days is 7, though 0.14 * 50 is a little more on a computer."""
    assert 0.14 * 50 > 7
    district = District(visits=Visits(lottery=False), thresholds=Thresholds(absence_rate=0.14))
    school = taught("Ani", "Budi", days=DAYS[:50])
    school.mark("Ani", DAYS[:6])
    school.mark("Budi", DAYS[:7])
    frame = labels(school, backend, district=district)
    assert frame["attendance"].to_list() == [0, 1]


def test_unrecorded_days_are_in_neither_number(backend: Backend):
    """5 absent of 60 less 10 unrecorded: exactly a tenth."""
    school = taught("Ani")
    school.mark("Ani", DAYS[:5])
    school.mark("Ani", DAYS[5:15], "unrecorded")
    assert of(labels(school, backend), "Ani")["attendance"] == 1


def test_a_transfer_resets_nothing(backend: Backend):
    """3 of 30 days in each class: a tenth together, and at neither class alone known."""
    school = taught("Ani")
    school.take_register(DAYS, "7B")
    school.enroll("Ani", "7B", entry=DAYS[30])
    school.mark("Ani", DAYS[27:30])
    school.mark("Ani", DAYS[30:33], class_name="7B")
    ani = of(labels(school, backend), "Ani")
    assert (ani["attendance"], ani["label_status"]) == (1, "labelled")


@pytest.mark.parametrize(("left_after", "status"), [(29, "left_early"), (30, "labelled")])
def test_leaving_is_not_being_fine(left_after: int, status: str, backend: Backend):
    """Half of the 60 school days is enough for a label; less is not."""
    school = taught("Ani")
    school.enroll("Budi", exit=DAYS[left_after])
    school.grade("Budi", DAYS[0], "Math", 50)
    school.grade("Budi", DAYS[0], "Art", 50)
    budi = of(labels(school, backend), "Budi")
    assert budi["label_status"] == status
    assert budi["attendance"] == (0 if status == "labelled" else None)
    assert budi["grades"] == (1 if status == "labelled" else None)


def test_a_leaver_of_a_school_without_registers_is_measured_in_calendar_days(backend: Backend):
    school = TinySchool()
    for student, left in (("Ani", None), ("Budi", "2026-11-15"), ("Citra", "2026-11-16")):
        school.enroll(student, exit=left)
        for subject in ("Math", "Art"):
            school.grade(student, "2026-10-10", subject, 50)
    frame = labels(school, backend)
    assert frame["label_status"].to_list() == ["labelled", "left_early", "labelled"]
    assert frame["attendance"].to_list() == [None, None, None]


def test_no_data_is_no_label(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    ani = of(labels(school, backend), "Ani")
    assert ani["label_status"] == "no_data"
    assert (ani["attendance"], ani["behaviour"], ani["grades"]) == (None, None, None)
    assert ani["visited"] == 0


def test_period_totals_where_no_day_was_marked(backend: Backend):
    school = TinySchool()
    for student in ("Ani", "Budi", "Citra", "Dewi"):
        school.enroll(student)
    school.totals("Ani", "2026-10-01", "2026-12-30", absent=6, effective=60)
    school.totals("Budi", "2026-10-01", "2026-12-30", absent=5, effective=60)
    school.totals("Citra", "2026-10-01", "2026-12-30", absent=30)
    school.totals("Dewi", "2026-07-01", "2026-12-30", absent=30, effective=120)  # a longer time
    frame = labels(school, backend)
    assert frame["attendance"].to_list() == [1, 0, None, None]


@pytest.mark.parametrize(
    ("incidents", "expected"),
    [
        ([], 0),
        ([(24.99, "minor")], 0),
        ([(25, "minor")], 1),  # half of the first warning, exactly
        ([(12.5, "minor"), (12.5, "moderate")], 1),
        ([(1, "serious")], 1),
    ],
)
def test_behaviour(incidents: list[tuple[float, str]], expected: int, backend: Backend):
    school = taught("Ani", "Budi")
    school.incident("Budi", "2026-08-03", 1)  # the school records behaviour
    for points, severity in incidents:
        school.incident("Ani", DAYS[3], points, severity)
    school.incident("Ani", DAYS[4], 90, "serious", about_attendance=True)
    school.incident("Ani", DAYS[4], 90, merit=True)
    school.incident("Ani", "2026-09-30", 90)  # before the quarter
    assert of(labels(school, backend), "Ani")["behaviour"] == expected


def test_where_behaviour_is_not_recorded_it_is_unknown(backend: Backend):
    school = taught("Ani")
    ani = of(labels(school, backend), "Ani")
    assert (ani["behaviour"], ani["attendance"], ani["label_status"]) == (None, 0, "labelled")


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((70, 74.99), 1), ((70, 75), 0), ((80, 80), 0), ((70,), None), ((), None), ((1, 1, 90), 1)],
)
def test_grades(scores: tuple[float, ...], expected: int | None, backend: Backend):
    """Two subjects below 75; with one subject graded, two could not have shown."""
    school = taught("Ani")
    for subject, score in enumerate(scores):
        school.grade("Ani", DAYS[40], f"Subject {subject}", score)
        school.grade("Ani", DAYS[5], f"Subject {subject}", 100 - score, kind="midterm")
    school.grade("Ani", "2026-09-15", "Art", 10)
    school.grade("Ani", "2026-09-15", "PE", 10)
    assert of(labels(school, backend), "Ani")["grades"] == expected


def test_visited_means_a_visit_made_in_the_quarter(backend: Backend):
    school = taught("Ani", "Budi", "Citra", "Dewi")
    school.visit("Ani", "2026-10-01")
    school.visit("Budi", "2026-09-30")
    school.visit("Citra", "2026-11-02", "no_one_home")
    school.visit("Dewi", "2026-12-30")
    assert labels(school, backend)["visited"].to_list() == [1, 0, 0, 1]


def test_labels_change_when_a_correction_becomes_known(backend: Backend):
    school = taught("Ani")
    school.mark("Ani", DAYS[:6], until="2027-02-01")
    school.mark("Ani", DAYS[:6], "present", known="2027-02-01")
    assert of(labels(school, backend), "Ani")["attendance"] == 1
    later = labels(school, backend, as_of=date(2027, 2, 1))
    assert of(later, "Ani")["attendance"] == 1
    later = labels(school, backend, as_of=date(2027, 2, 2))
    assert of(later, "Ani")["attendance"] == 0


@pytest.mark.parametrize("quarter", ["2025-26-Q3", "2026-27-Q2"])
def test_every_engine_gives_the_same_labels(quarter: str):
    tables = messy_tables(2)
    found = {
        backend: labels(tables, backend, quarter=quarter, as_of=date(2027, 6, 1), district=DISTRICT)
        for backend in ("polars", "duckdb", "pandas")
    }
    assert found["duckdb"].equals(found["polars"])
    assert found["pandas"].equals(found["polars"])
    for outcome in ("attendance", "behaviour", "grades"):
        assert {0, 1} <= set(found["polars"][outcome])
    assert "labelled" in set(found["polars"]["label_status"])
