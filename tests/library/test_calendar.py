"""Quarters, school years, integer days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.calendar import (
    DEFAULT_QUARTER_STARTS,
    SchoolCalendar,
    day_date,
    day_number,
)
from earlywarning.errors import ConfigError, NotFound

INDONESIA = SchoolCalendar()
THREE_TERMS = SchoolCalendar(((9, 1), (12, 1), (3, 1)))


@pytest.mark.parametrize(
    ("code", "start", "end"),
    [
        ("2026-27-Q1", date(2026, 7, 1), date(2026, 10, 1)),
        ("2026-27-Q2", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026-27-Q3", date(2027, 1, 1), date(2027, 4, 1)),
        ("2026-27-Q4", date(2027, 4, 1), date(2027, 7, 1)),
        ("1999-00-Q1", date(1999, 7, 1), date(1999, 10, 1)),
    ],
)
def test_a_code_names_its_quarter(code: str, start: date, end: date) -> None:
    quarter = INDONESIA.quarter(code)
    assert (quarter.start, quarter.end, quarter.code) == (start, end, code)
    assert quarter.school_year == code[:7]


@pytest.mark.parametrize(
    "code", ["2026-27-Q5", "2026-28-Q1", "2026-27", "2026-27-Q0", "", "26-27-Q1", "6209-10-Q1"]
)
def test_a_quarter_that_does_not_exist_is_refused_with_the_right_spelling(code: str) -> None:
    with pytest.raises(NotFound, match="write it like 2026-27"):
        INDONESIA.quarter(code)


@given(st.dates(date(1995, 1, 1), date(2090, 12, 31)), st.sampled_from([INDONESIA, THREE_TERMS]))
def test_every_day_lies_in_exactly_one_quarter(day: date, calendar: SchoolCalendar) -> None:
    quarter = calendar.quarter_of(day)
    assert quarter.start <= day < quarter.end
    assert calendar.quarter(quarter.code) == quarter
    assert calendar.next(quarter).start == quarter.end
    assert calendar.previous(calendar.next(quarter)) == quarter
    assert calendar.quarter_of(quarter.end - timedelta(days=1)) == quarter


@pytest.mark.parametrize(
    ("starts", "code", "quarters"),
    [
        (DEFAULT_QUARTER_STARTS, "2026-27-S1", ("2026-27-Q1", "2026-27-Q2")),
        (DEFAULT_QUARTER_STARTS, "2026-27-S2", ("2026-27-Q3", "2026-27-Q4")),
        (((7, 1), (1, 1)), "2026-27-S2", ("2026-27-Q2", "2026-27-Q2")),
        (((7, 1), (9, 1), (11, 1), (1, 1), (3, 1), (5, 1)), "2026-27-S1",
         ("2026-27-Q1", "2026-27-Q3")),
    ],
)  # fmt: skip
def test_a_semester_is_half_the_quarters(starts, code: str, quarters: tuple[str, str]) -> None:
    first, last = SchoolCalendar(starts).semester(code)
    assert (first.code, last.code) == quarters


def test_a_year_of_three_terms_has_no_semesters() -> None:
    with pytest.raises(NotFound, match="even number of quarters"):
        SchoolCalendar(((7, 1), (11, 1), (3, 1))).semester("2026-27-S1")
    for code in ("2026-27-S3", "2026-28-S1", "2026-27-s1"):
        with pytest.raises(NotFound):
            SchoolCalendar().semester(code)


def test_quarters_between_runs_over_the_year_without_a_gap() -> None:
    quarters = INDONESIA.quarters_between(date(2025, 12, 1), date(2026, 7, 1))
    assert [item.code for item in quarters] == [
        "2025-26-Q2", "2025-26-Q3", "2025-26-Q4", "2026-27-Q1",
    ]  # fmt: skip


def test_day_numbers_count_from_1970() -> None:
    assert day_number(date(1970, 1, 2)) == 1
    assert day_date(day_number(date(2026, 10, 1))) == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("starts", "weekdays"),
    [
        (((7, 1),), (1,)),
        (((7, 1), (1, 1), (10, 1)), (1,)),
        (((7, 1), (7, 1)), (1,)),
        (((7, 1), (2, 30)), (1,)),
        (((7, 1), (1, 1)), (0,)),
        (((7, 1), (1, 1)), ()),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(starts, weekdays) -> None:
    with pytest.raises(ConfigError):
        SchoolCalendar(starts, weekdays)
