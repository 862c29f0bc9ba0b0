"""Grades against the pass mark, 75 unless the grade says otherwise."""

from __future__ import annotations

import pytest

from tiny_school import Backend, TinySchool, features, of


def school_of(*students: str) -> TinySchool:
    school = TinySchool()
    for student in students:
        school.enroll(student)
    return school


def test_distance_to_the_pass_mark(backend: Backend):
    school = school_of("Ani")
    school.grade("Ani", "2026-09-15", "Math", 60)
    school.grade("Ani", "2026-09-15", "Art", 80)
    school.grade("Ani", "2026-09-15", "PE", 70, pass_mark=65)
    school.grade("Ani", "2026-09-15", "History", 75)
    ani = of(features(school, backend), "Ani")
    assert ani["graded_subjects_quarter"] == 4
    assert ani["subjects_below_quarter"] == 1  # exactly the pass mark passes
    assert ani["grade_distance_quarter"] == (-15 + 5 + 5 + 0) / 4
    assert ani["grade_distance_min_quarter"] == -15
    assert ani["subjects_missing_quarter"] == 0


def test_one_grade_stands_for_a_subject(backend: Backend):
    """The final one before the midterm one, whatever its day; then the later day."""
    school = school_of("Ani")
    school.grade("Ani", "2026-09-10", "Math", 85, kind="final")
    school.grade("Ani", "2026-09-20", "Math", 60, kind="formative")
    school.grade("Ani", "2026-09-15", "Math", 70, kind="midterm")
    school.grade("Ani", "2026-09-01", "Art", 90, kind="midterm")
    school.grade("Ani", "2026-09-02", "Art", 65, kind="midterm")
    ani = of(features(school, backend), "Ani")
    assert ani["graded_subjects_quarter"] == 2
    assert ani["grade_distance_quarter"] == (10 - 10) / 2
    assert ani["subjects_below_quarter"] == 1


def test_trend_over_the_subjects_graded_in_both(backend: Backend):
    school = school_of("Ani")
    school.grade("Ani", "2026-06-15", "Math", 80)
    school.grade("Ani", "2026-06-15", "Art", 90)
    school.grade("Ani", "2026-06-15", "PE", 40)
    school.grade("Ani", "2026-09-15", "Math", 74)
    school.grade("Ani", "2026-09-15", "Art", 86)
    school.grade("Ani", "2026-09-15", "History", 100)
    ani = of(features(school, backend), "Ani")
    assert ani["grade_distance_change_quarter"] == (-6 - 4) / 2


def test_latest_grade_of_each_subject(backend: Backend):
    """A school that grades once a semester has nothing in the last quarter, but has grades."""
    school = school_of("Ani")
    school.grade("Ani", "2026-12-15", "Math", 60, kind="midterm")
    school.grade("Ani", "2026-09-15", "Math", 90, kind="final")
    school.grade("Ani", "2026-09-15", "Art", 70)  # two quarters before the last
    school.grade("Ani", "2026-12-15", "PE", 70)
    ani = of(features(school, backend, quarter="2026-27-Q4"), "Ani")  # from 1 April
    assert ani["graded_subjects_quarter"] == 0
    assert ani["grade_distance_quarter"] is None
    assert ani["subjects_below_quarter"] is None
    assert ani["graded_subjects_latest"] == 2
    assert ani["subjects_below_latest"] == 2
    assert ani["grade_distance_latest"] == (-15 - 5) / 2
    assert ani["grade_distance_min_latest"] == -15
    # At the start of the third quarter the last one is the second.
    ani = of(features(school, backend, quarter="2026-27-Q3"), "Ani")
    assert ani["graded_subjects_quarter"] == 2
    assert ani["graded_subjects_latest"] == 3
    assert ani["grade_distance_change_quarter"] == 60 - 90


def test_against_the_class_and_what_is_missing(backend: Backend):
    """Three with four subjects, Ani with two: the class usually has (4 + 4 + 4 + 2) / 4 = 3.5."""
    school = school_of("Ani", "Budi", "Citra", "Dewi")
    for student in ("Budi", "Citra", "Dewi"):
        for subject in ("Math", "Art", "PE", "History"):
            school.grade(student, "2026-09-15", subject, 80)
    school.grade("Ani", "2026-09-15", "Math", 70)
    school.grade("Ani", "2026-09-15", "Art", 66)
    frame = features(school, backend)
    ani, budi = of(frame, "Ani"), of(frame, "Budi")
    assert ani["subjects_missing_quarter"] == 2
    assert budi["subjects_missing_quarter"] == 0
    class_mean = (12 * 5 - 5 - 9) / 14
    assert ani["grade_distance_vs_class_quarter"] == pytest.approx(-7 - class_mean, abs=1e-12)


def test_a_subject_of_ones_own_makes_nobody_lack_one(backend: Backend):
    """One religion class each: subjects are counted, never compared by name."""
    school = school_of("Ani", "Budi", "Citra")
    for student, religion in (("Ani", "R1"), ("Budi", "R1"), ("Citra", "R2")):
        school.grade(student, "2026-09-15", "Math", 80)
        school.grade(student, "2026-09-15", religion, 80)
    assert features(school, backend)["subjects_missing_quarter"].to_list() == [0, 0, 0]


def test_a_school_without_grades(backend: Backend):
    school = school_of("Ani", "Budi")
    ani = of(features(school, backend), "Ani")
    assert ani["grades_known"] == 0
    assert ani["graded_subjects_quarter"] is None
    school.grade("Budi", "2026-09-15", "Math", 80)
    ani = of(features(school, backend), "Ani")
    assert ani["grades_known"] == 1
    assert ani["graded_subjects_quarter"] == 0


def test_a_corrected_grade(backend: Backend):
    school = school_of("Ani")
    school.grade("Ani", "2026-09-15", "Math", 60, until="2026-09-30")
    school.grade("Ani", "2026-09-15", "Math", 80, known="2026-09-30")
    school.grade("Ani", "2026-09-15", "Art", 60, until="2026-10-01")
    school.grade("Ani", "2026-09-15", "Art", 80, known="2026-10-01")
    assert of(features(school, backend), "Ani")["subjects_below_quarter"] == 1
