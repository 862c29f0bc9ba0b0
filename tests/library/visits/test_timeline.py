"""A student's year: counted by hand, cut at the as-of date."""

from __future__ import annotations

from datetime import date

import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.visits.timeline import timelines

AHMAD, SITI = "a" * 32, "b" * 32
CLASS = "SCH1/2026-27/VII-A"
MONDAY = day_number(date(2026, 9, 7))
AS_OF = day_number(date(2026, 10, 1))


def rows(name: str, *found: dict) -> pl.DataFrame:
    usual = {"known_day": MONDAY, "superseded_day": NEVER, "school_id": "SCH1"}
    columns = FACT_SCHEMAS[name]
    return pl.DataFrame([{**dict.fromkeys(columns), **usual, **row} for row in found],
                        schema=columns)  # fmt: skip


def tables(**more: pl.DataFrame) -> dict[str, pl.DataFrame]:
    enrolled = [
        {"student_id": one, "class_id": CLASS, "entry_day": MONDAY - 60, "exit_day": NEVER,
         "known_day": MONDAY - 60, "school_year": "2026-27"} for one in (AHMAD, SITI)
    ]  # fmt: skip
    register = [
        {"class_id": CLASS, "day": MONDAY + day, "taken": True, "assumed": False,
         "known_day": MONDAY + day} for day in (0, 1, 2, 7)
    ]  # fmt: skip
    empty = {
        name: pl.DataFrame(schema=FACT_SCHEMAS[name])
        for name in ("attendance_event", "behaviour_event", "grade", "visit")
    }
    return {
        "enrollment": rows("enrollment", *enrolled),
        "register_day": rows("register_day", *register),
        **empty,
        **more,
    }


def absence(day: int, status: str, **more: int) -> dict:
    return {"student_id": AHMAD, "day": day, "class_id": CLASS, "status": status,
            "namespace": "id", "known_day": day, **more}  # fmt: skip


def test_weeks_count_school_days_absences_and_lateness() -> None:
    events = rows("attendance_event", absence(MONDAY, "unexcused"), absence(MONDAY + 1, "late"),
                  absence(MONDAY + 7, "sick"))  # fmt: skip
    found = timelines(tables(attendance_event=events), as_of_day=AS_OF)
    assert found[AHMAD]["weeks"] == [[MONDAY, 3, 1, 1], [MONDAY + 7, 1, 1, 0]]
    assert found[SITI]["weeks"] == [[MONDAY, 3, 0, 0], [MONDAY + 7, 1, 0, 0]]


def test_a_day_that_was_not_recorded_is_no_school_day() -> None:
    events = rows("attendance_event", absence(MONDAY, "unrecorded"))
    found = timelines(tables(attendance_event=events), as_of_day=AS_OF)
    assert found[AHMAD]["weeks"][0] == [MONDAY, 2, 0, 0]


def test_what_was_not_known_yet_is_not_shown() -> None:
    late = absence(MONDAY, "unexcused", known_day=AS_OF)
    corrected = absence(MONDAY + 1, "sick", superseded_day=AS_OF - 1)
    events = rows("attendance_event", late, corrected)
    found = timelines(tables(attendance_event=events), as_of_day=AS_OF)
    assert found[AHMAD]["weeks"][0] == [MONDAY, 3, 0, 0]


def test_behaviour_grades_and_visits() -> None:
    event = {"student_id": AHMAD, "day": MONDAY + 2, "type_code": "X", "severity": "minor",
             "centipoints": 500}  # fmt: skip
    behaviour = rows(
        "behaviour_event",
        {**event, "event_id": "1", "polarity": "offence", "is_attendance_related": False},
        {**event, "event_id": "2", "polarity": "merit", "is_attendance_related": False},
        {**event, "event_id": "3", "polarity": "offence", "is_attendance_related": True},
    )
    mark = {"student_id": AHMAD, "period": "2026-27-Q1", "kind": "midterm", "day": MONDAY + 3,
            "pass_centi": 7000, "max_score": 100.0}  # fmt: skip
    grades = rows(
        "grade",
        {**mark, "subject": "MAT", "score_centi": 6000},
        {**mark, "subject": "BIN", "score_centi": 8100},
    )
    visit = rows("visit", {"visit_id": "v", "student_id": AHMAD, "day": MONDAY + 4,
                           "status": "done", "track": "concern"})  # fmt: skip
    found = timelines(
        tables(behaviour_event=behaviour, grade=grades, visit=visit), as_of_day=AS_OF
    )[AHMAD]
    assert found["behaviour"] == [[MONDAY, 1, 1]]
    assert found["grades"] == [[MONDAY + 3, 70.5, 70.0]]
    assert found["visits"] == [[MONDAY + 4, "done"]]


def test_the_school_s_pass_mark_stands_for_grades_without_one() -> None:
    mark = {"student_id": AHMAD, "period": "2026-27-Q1", "kind": "midterm", "day": MONDAY + 3,
            "max_score": 100.0}  # fmt: skip
    grades = rows(
        "grade",
        {**mark, "subject": "MAT", "score_centi": 6000},
        {**mark, "subject": "BIN", "score_centi": 8100, "pass_centi": 7000},
    )
    found = timelines(tables(grade=grades), as_of_day=AS_OF, pass_marks={"SCH1": 75.0})
    assert found[AHMAD]["grades"] == [[MONDAY + 3, 70.5, 72.5]]
    assert timelines(tables(grade=grades), as_of_day=AS_OF, pass_marks={"SCH2": 60.0})[AHMAD][
        "grades"
    ] == [[MONDAY + 3, 70.5, 70.0]]


def test_nothing_recorded_is_nobody() -> None:
    empty = {name: pl.DataFrame(schema=FACT_SCHEMAS[name]) for name in tables()}
    assert timelines(empty, as_of_day=AS_OF) == {}
