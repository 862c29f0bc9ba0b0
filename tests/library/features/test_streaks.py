"""Streaks in school days: what breaks one, and what does not."""

from __future__ import annotations

from tiny_school import Backend, TinySchool, features, of, school_days

DAYS = school_days("2026-09-07", 20)
LETTERS = {"a": "unexcused", "s": "sick", "u": "unrecorded", "n": "not_required", "l": "late"}


EXPECTED = {
    # marks of twenty days: longest, current
    "....................": (0, 0),
    "aaa.aa..............": (3, 0),
    "..................aa": (2, 2),
    "aaaa..............aa": (4, 2),
    "aaaaaaaaaaaaaaaaaaaa": (20, 20),
    "asasa...............": (5, 0),  # for whatever reason
    "aa.aa.aa............": (2, 0),
    "aala................": (2, 0),  # who comes late comes
    "aauaa...............": (4, 0),  # unrecorded: neither breaks nor lengthens
    "auuuua..............": (2, 0),
    "uuuuu...............": (0, 0),
    "anna................": (2, 0),
    ".................aau": (2, 2),  # goes on, as far as anybody knows
    "................aau.": (2, 0),
    "u.aua...............": (2, 0),
    "uuuuuuuuuuuuuuuuuuuu": (None, None),
}


def test_streaks(backend: Backend):
    """One student for each pattern, named by it."""
    school = TinySchool()
    school.take_register(DAYS)
    for marks in EXPECTED:
        school.enroll(marks)
        for day, letter in zip(DAYS, marks, strict=True):
            if letter != ".":
                school.mark(marks, day, LETTERS[letter])
    frame = features(school, backend)
    found = {
        row["student_id"]: (row["longest_absence_streak_year"], row["current_absence_streak"])
        for row in frame.iter_rows(named=True)
    }
    assert found == EXPECTED
    assert frame["longest_absence_streak_quarter"].equals(
        frame["longest_absence_streak_year"].alias("longest_absence_streak_quarter")
    )


def test_a_day_without_register_is_no_day(backend: Backend):
    """Absent on Monday and Wednesday; on Tuesday nobody took the register."""
    school = TinySchool()
    school.enroll("Ani")
    school.take_register(DAYS[0:1] + DAYS[2:])
    school.mark("Ani", [DAYS[0], DAYS[2]])
    assert of(features(school, backend), "Ani")["longest_absence_streak_year"] == 2


def test_a_streak_runs_on_in_another_class(backend: Backend):
    """7B met on days on which 7A did not, before Ani came: they are not Ani's days."""
    school = TinySchool()
    school.enroll("Ani", exit=DAYS[10])
    school.enroll("Ani", "7B", entry=DAYS[12])
    school.take_register(DAYS, "7A")
    school.take_register(school_days("2026-08-03", 9) + DAYS, "7B")
    school.mark("Ani", DAYS[8:10], class_name="7A")
    school.mark("Ani", DAYS[12:15], class_name="7B")
    ani = of(features(school, backend), "Ani")
    assert ani["register_days_year"] == 18
    assert ani["longest_absence_streak_year"] == 5
    assert ani["current_absence_streak"] == 0


def test_who_leaves_and_returns_has_days_of_their_own_only(backend: Backend):
    school = TinySchool()
    school.enroll("Ani", exit=DAYS[5])
    school.enroll("Ani", entry=DAYS[15])
    school.take_register(DAYS)
    school.mark("Ani", [DAYS[4], DAYS[15], DAYS[16]])
    ani = of(features(school, backend), "Ani")
    assert (ani["register_days_year"], ani["absent_days_year"]) == (10, 3)
    assert ani["longest_absence_streak_year"] == 3


def test_the_longest_of_the_quarter_is_one_that_reached_into_it(backend: Backend):
    """As of January: five days in September, two in October."""
    school = TinySchool()
    school.enroll("Ani")
    autumn = school_days("2026-10-05", 10)
    school.take_register(DAYS + autumn)
    school.mark("Ani", DAYS[0:5] + autumn[0:2])
    ani = of(features(school, backend, quarter="2026-27-Q3"), "Ani")
    assert ani["longest_absence_streak_year"] == 5
    assert ani["longest_absence_streak_quarter"] == 2
