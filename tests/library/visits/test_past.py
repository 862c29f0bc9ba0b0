"""Which visits count, and as known when."""

from __future__ import annotations

from datetime import date

import polars as pl

from earlywarning.calendar import NEVER, SchoolCalendar, day_number
from earlywarning.visits.past import last_visits, visited_in

QUARTER = SchoolCalendar().quarter("2026-27-Q2")  # from 1 October 2026
START = QUARTER.start_day


def visits(*rows: tuple[str, int, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "student_id": pl.String, "day": pl.Int32, "status": pl.String, "known_day": pl.Int32,
            "superseded_day": pl.Int32,
        },
        orient="row",
    )  # fmt: skip


def test_the_last_visit_that_took_place_and_was_known() -> None:
    table = visits(
        ("a", START - 90, "done", START - 88, NEVER),
        ("a", START - 10, "done", START - 8, NEVER),
        ("a", START - 5, "no_one_home", START - 4, NEVER),
        ("b", START - 20, "done", START + 3, NEVER),  # entered late: not yet known
        ("b", START - 200, "done", START - 190, NEVER),
        ("c", START - 30, "done", START - 29, START - 10),  # corrected since: it was no visit
        ("c", START - 30, "moved", START - 10, NEVER),
        ("d", START - 30, "done", START - 29, START + 2),  # corrected only afterwards
        ("e", START, "done", START, NEVER),
    )
    assert last_visits(table, as_of_day=START) == {
        "a": START - 10, "b": START - 200, "d": START - 30,
    }  # fmt: skip


def test_visited_in_the_quarter_by_the_newest_versions() -> None:
    last = QUARTER.end_day - 1
    table = visits(
        ("a", START, "done", START + 1, NEVER),
        ("b", last, "done", last + 20, NEVER),
        ("c", START - 1, "done", START, NEVER),
        ("d", QUARTER.end_day, "done", QUARTER.end_day, NEVER),
        ("e", START + 5, "no_one_home", START + 6, NEVER),
        ("f", START + 5, "done", START + 6, START + 9),  # withdrawn again
    )
    assert visited_in(table, QUARTER) == {"a", "b"}
    assert day_number(date(2026, 10, 1)) == START


def test_no_visit_at_all() -> None:
    assert last_visits(visits(), as_of_day=START) == {}
    assert visited_in(visits(), QUARTER) == set()
