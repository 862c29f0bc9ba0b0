"""Visit history: only visits that were made."""

from __future__ import annotations

from tiny_school import Backend, TinySchool, features, of


def test_visits_made(backend: Backend):
    school = TinySchool()
    for student in ("Ani", "Budi", "Citra"):
        school.enroll(student)
    school.visit("Ani", "2025-09-30")  # 366 days before
    school.visit("Ani", "2026-03-02")
    school.visit("Ani", "2026-09-21")
    school.visit("Ani", "2026-09-25", "no_one_home")
    school.visit("Budi", "2025-09-30")
    school.visit("Citra", "2026-09-25", "declined")
    frame = features(school, backend)
    assert frame["visits_365d"].to_list() == [2, 0, 0]
    assert frame["days_since_visit"].to_list() == [10, 366, None]
    assert of(frame, "Citra")["visits_known"] == 1
