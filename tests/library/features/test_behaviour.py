"""Points as shares of the school's first warning; attendance is not behaviour."""

from __future__ import annotations

from earlywarning.district import District, Thresholds, Visits
from tiny_school import Backend, TinySchool, features, of


def school_of(*students: str) -> TinySchool:
    school = TinySchool()
    for student in students:
        school.enroll(student)
    return school


def test_points_are_shares_of_the_first_warning(backend: Backend):
    """The first warning comes at 50 points; merits and attendance are apart."""
    school = school_of("Ani", "Budi")
    school.incident("Ani", "2026-08-03", 10)
    school.incident("Ani", "2026-09-15", 12.5, "moderate")
    school.incident("Ani", "2026-09-16", 5, about_attendance=True)
    school.incident("Ani", "2026-09-17", 20, merit=True)
    frame = features(school, backend)
    ani, budi = of(frame, "Ani"), of(frame, "Budi")
    assert ani["points_share_quarter"] == 22.5 / 50
    assert ani["points_quarter"] == 22.5
    assert ani["points_share_30d"] == 12.5 / 50
    assert ani["points_share_year"] == 22.5 / 50
    assert (ani["incidents_30d"], ani["incidents_quarter"], ani["incidents_year"]) == (1, 2, 2)
    assert ani["minor_incidents_quarter"] == 1
    assert ani["moderate_incidents_quarter"] == 1
    assert ani["serious_incidents_quarter"] == 0
    assert ani["merits_quarter"] == 1
    assert ani["days_since_incident"] == 16
    assert budi["points_share_quarter"] == 0
    assert budi["days_since_incident"] is None
    # Class mean 22.5 / 2.
    assert ani["points_share_vs_class_quarter"] == 11.25 / 50
    assert budi["points_share_vs_class_quarter"] == -11.25 / 50


def test_each_school_has_its_own_scale(backend: Backend):
    district = District(
        visits=Visits(lottery=False),
        school_thresholds={"SCH1": Thresholds(first_warning_points=100)},
    )
    school = school_of("Ani")
    school.incident("Ani", "2026-09-15", 25)
    assert of(features(school, backend, district=district), "Ani")["points_share_quarter"] == 0.25


def test_change_and_previous_year(backend: Backend):
    school = school_of("Ani")
    school.incident("Ani", "2026-05-04", 20)
    school.incident("Ani", "2026-09-15", 5)
    ani = of(features(school, backend), "Ani")
    assert ani["points_share_change_quarter"] == -15 / 50
    assert ani["points_share_previous_year"] == 20 / 50
    assert ani["points_share_year"] == 5 / 50


def test_a_school_that_records_nothing_is_not_a_school_where_nothing_happens(backend: Backend):
    school = school_of("Ani", "Budi")
    ani = of(features(school, backend), "Ani")
    assert ani["behaviour_known"] == 0
    assert ani["incidents_quarter"] is None
    assert ani["points_share_quarter"] is None
    school.incident("Budi", "2026-09-15", 1, merit=True)
    ani = of(features(school, backend), "Ani")
    assert ani["behaviour_known"] == 1
    assert ani["incidents_quarter"] == 0


def test_a_corrected_incident(backend: Backend):
    school = school_of("Ani")
    school.incident("Ani", "2026-09-15", 30, until="2026-09-25", event="E1")
    school.incident("Ani", "2026-09-15", 3, known="2026-09-25", event="E1")
    school.incident("Ani", "2026-09-16", 30, until="2026-10-05", event="E2")
    school.incident("Ani", "2026-09-16", 3, known="2026-10-05", event="E2")
    ani = of(features(school, backend), "Ani")
    assert (ani["points_quarter"], ani["incidents_quarter"]) == (33, 2)
