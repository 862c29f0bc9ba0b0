"""The cohort, and who is new to it."""

from __future__ import annotations

from tiny_school import Backend, TinySchool, features, of


def test_cohort_is_who_is_enrolled_on_the_first_day(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    school.enroll("Budi", entry="2026-10-01")  # planned, known the day before
    school.enroll("Citra", entry="2026-10-02", known="2026-09-01")  # a day too late
    school.enroll("Dewi", exit="2026-10-01")  # the first day no longer enrolled
    school.enroll("Eka", exit="2026-10-02")
    school.enroll("Fajar", entry="2026-10-01", known="2026-10-01")  # nobody knew
    school.enroll("Gita", "9A", year="2025-26", entry="2025-07-01")  # left open last year
    assert features(school, backend)["student_id"].to_list() == ["Ani", "Budi", "Eka"]


def test_a_student_is_in_one_class_at_a_time(backend: Backend):
    school = TinySchool()
    school.enroll("Ani", "7A")
    school.enroll("Ani", "7B", entry="2026-09-01")
    school.enroll("Budi", "7A")
    school.enroll("Budi", "7B")  # both from the first day: the later name stands
    frame = features(school, backend)
    assert frame["class_id"].to_list() == ["SCH1/2026-27/7B", "SCH1/2026-27/7B"]
    assert of(frame, "Ani")["class_changes_year"] == 1
    assert of(frame, "Budi")["class_changes_year"] == 0


def test_who_is_new_and_who_came_late(backend: Backend):
    school = TinySchool()
    for student in ("Ani", "Budi"):
        school.enroll(student, "6A", entry="2025-07-01", exit="2026-07-01", year="2025-26")
        school.enroll(student)
    school.enroll("Citra")
    school.enroll("Dewi", entry="2026-07-15")
    school.enroll("Eka", entry="2026-07-16")
    frame = features(school, backend)
    assert frame["new_to_school"].to_list() == [0, 0, 1, 1, 1]
    assert frame["joined_late"].to_list() == [0, 0, 0, 0, 1]
    assert frame["grade_level"].to_list() == [7] * 5


def test_in_the_first_year_of_records_nobody_is_known_to_be_new(backend: Backend):
    school = TinySchool()
    school.enroll("Ani", grade_level=None)
    ani = of(features(school, backend), "Ani")
    assert ani["new_to_school"] is None
    assert ani["grade_level"] is None
