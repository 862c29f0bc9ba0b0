"""What was recorded, of what could have been."""

from __future__ import annotations

from tiny_school import Backend, TinySchool, features, of, school_days

DAYS = school_days("2026-09-07", 20)


def test_recorded_share(backend: Backend):
    """The school met on 20 days; 7A took 16 registers, of which Ani lacks a mark in 4."""
    school = TinySchool()
    for student in ("Ani", "Budi"):
        school.enroll(student)
    school.enroll("Citra", "7B")
    school.enroll("Dewi", entry=DAYS[10])
    school.take_register(DAYS[:16], assumed=False)
    school.take_register(DAYS, "7B")
    school.mark("Ani", DAYS[0:4], "unrecorded")
    school.mark("Budi", DAYS[0], "not_required")
    frame = features(school, backend)
    assert frame["expected_days_quarter"].to_list() == [20, 20, 20, 10]
    assert frame["recorded_days_quarter"].to_list() == [12, 16, 20, 6]
    assert frame["recorded_share_quarter"].to_list() == [12 / 20, 16 / 20, 1, 6 / 10]
    assert frame["days_since_register"].to_list() == [7, 7, 2, 7]
    assert frame["assumed_share"].to_list() == [0, 0, 0, 0]


def test_assumed_registers(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    school.take_register(DAYS[:5])
    school.take_register(DAYS[5:], assumed=True)
    assert of(features(school, backend), "Ani")["assumed_share"] == 15 / 20


def test_which_sources_a_school_has(backend: Backend):
    school = TinySchool()
    for student in ("Ani", "Budi"):
        school.enroll(student)
    names = ("attendance", "summary", "behaviour", "grades", "visits")

    def known() -> dict[str, int]:
        ani = of(features(school, backend), "Ani")
        return {name: ani[f"{name}_known"] for name in names}

    assert known() == dict.fromkeys(names, 0)
    school.take_register(DAYS)
    school.incident("Budi", DAYS[0])
    assert known() == dict.fromkeys(names, 0) | {"attendance": 1, "behaviour": 1}
    school.totals("Budi", "2026-07-01", "2026-09-01", absent=1)
    school.grade("Budi", DAYS[0], "Math", 80)
    school.visit("Budi", DAYS[0])
    assert known() == dict.fromkeys(names, 1)
