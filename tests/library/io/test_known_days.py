"""Which days of a month are school days, counted in one's head."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from earlywarning.io.known_days import CALENDAR_SCHEMA, school_days
from earlywarning.records.codes import CALENDAR_KINDS, SCHOOL_DAY_KINDS

FIVE = (1, 2, 3, 4, 5)
SEPTEMBER = date(2026, 9, 1)  # a Tuesday; 22 days from Monday to Friday


def days(*rows: tuple[str, str, str], schools: tuple[str, ...] = ("S1",)) -> dict[str, list[int]]:
    """Days of September by school; rows are school, day of the month or ISO date, kind."""
    calendar = pl.DataFrame(
        [
            (school, date.fromisoformat(day if len(day) > 2 else f"2026-09-{day}"), kind)
            for school, day, kind in rows
        ],
        schema=CALENDAR_SCHEMA, orient="row",
    )  # fmt: skip
    found = school_days(
        pl.Series(schools, dtype=pl.String), SEPTEMBER, calendar_days=calendar, weekdays=FIVE
    )
    assert found.schema == {"school_id": pl.String, "day": pl.Int32}
    assert found["day"].cast(pl.Date).is_between(SEPTEMBER, date(2026, 9, 30)).all()
    return {
        school: found.filter(pl.col("school_id") == school)["day"].cast(pl.Date).dt.day().to_list()
        for school in schools
    }


def test_without_a_calendar_the_weekdays_count() -> None:
    found = days()["S1"]
    assert len(found) == 22
    assert not {5, 6, 12, 13, 19, 20, 26, 27} & set(found)


def test_a_calendar_of_exceptions_takes_days_away_and_adds_some() -> None:
    found = days(("S1", "01", "holiday"), ("S1", "05", "make_up"))["S1"]
    assert len(found) == 22
    assert 1 not in found
    assert 5 in found


def test_a_calendar_that_lists_school_days_is_complete_for_its_month() -> None:
    listed = [("S1", day, "instructional") for day in ("01", "02", "06")]
    assert days(*listed)["S1"] == [1, 2, 6]
    # Another month's list says nothing about this one, nor does another school's.
    assert len(days(("S1", "2026-08-31", "instructional"))["S1"]) == 22
    both = days(*listed, schools=("S1", "S2"))
    assert both["S1"] == [1, 2, 6]
    assert len(both["S2"]) == 22


@pytest.mark.parametrize("kind", CALENDAR_KINDS)
def test_each_kind_is_a_school_day_or_none(kind: str) -> None:
    found = days(("S1", "02", kind))["S1"]
    assert (2 in found) is (kind in SCHOOL_DAY_KINDS)
    assert (3 in found) is (kind != "instructional")
