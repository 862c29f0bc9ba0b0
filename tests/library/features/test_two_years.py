"""The longer memory: rates per day, over this school year and the last."""

from __future__ import annotations

from tiny_school import Backend, TinySchool, features, of


def test_rates_over_two_years(backend: Backend):
    """As of 1 October 2026: since 1 July 2025, 457 calendar days."""
    school = TinySchool()
    school.enroll("Ani")
    school.incident("Ani", "2026-05-04", 20)
    school.incident("Ani", "2026-09-15", 5)
    school.incident("Ani", "2026-09-16", 5, about_attendance=True)
    school.incident("Ani", "2025-05-05", 50)
    ani = of(features(school, backend), "Ani")
    days = ani["points_share_per_100_days_two_years"]
    assert ani["incidents_per_100_days_two_years"] > 0
    # 25 points are half of the 50 of a first warning; two incidents. Both over the same days.
    assert days / ani["incidents_per_100_days_two_years"] == (25 / 50) / 2


def test_somebody_new_compares_with_somebody_who_was_always_there(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    school.enroll("Budi", entry="2026-08-22")
    for student in ("Ani", "Budi"):
        school.incident(student, "2026-09-15", 5)
    frame = features(school, backend)
    # Budi: 40 days from 22 August to 30 September.
    budi = of(frame, "Budi")["incidents_per_100_days_two_years"]
    assert budi == 100 / 40
    assert of(frame, "Ani")["incidents_per_100_days_two_years"] < budi


def test_nothing_recorded_is_empty(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    ani = of(features(school, backend), "Ani")
    assert ani["incidents_per_100_days_two_years"] is None
    assert ani["points_share_per_100_days_two_years"] is None
    assert ani["grade_distance_two_years"] is None
    assert ani["absence_rate_two_years"] is None
