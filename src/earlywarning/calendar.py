"""School years, quarters and integer days. Never reads the clock.

A quarter is a grading period of about three months; its code is `2026-27-Q1`. Days are counted as
whole numbers since 1970-01-01, so that every engine compares them in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from earlywarning.errors import ConfigError, NotFound

EPOCH = date(1970, 1, 1)
WEEKS = 52
"""A year as it is drawn, week by week."""
NEVER = 2_147_483_647
"""The day that never comes: open enrolments, facts not yet superseded."""

DEFAULT_QUARTER_STARTS = ((7, 1), (10, 1), (1, 1), (4, 1))
_CODE = re.compile(r"^(\d{4})-(\d{2})-Q([1-9])$")
_SEMESTER = re.compile(r"^(\d{4}-\d{2})-S([12])$")


def day_number(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - EPOCH).days


def day_date(number: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=number)


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One grading period.

    Attributes
    ----------
    start, end : date
        First day, and first day after it (half open).
    code : str
        For example `2026-27-Q2`.
    school_year : str
        For example `2026-27`.
    """

    start: date
    end: date
    code: str
    school_year: str

    @property
    def start_day(self) -> int:
        """`start` as a day number."""
        return day_number(self.start)

    @property
    def end_day(self) -> int:
        """`end` as a day number."""
        return day_number(self.end)


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """How a district divides its year.

    Attributes
    ----------
    quarter_starts : tuple of (month, day)
        In the order of the school year; the first one starts it. Two to six of them.
    school_weekdays : tuple of int
        ISO weekdays on which school is held, Monday 1.
    """

    quarter_starts: tuple[tuple[int, int], ...] = DEFAULT_QUARTER_STARTS
    school_weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6)

    def __post_init__(self) -> None:
        if not 2 <= len(self.quarter_starts) <= 6:
            raise ConfigError(f"quarter_starts needs 2 to 6 dates, got {len(self.quarter_starts)}")
        starts = [self._start(2001, i) for i in range(len(self.quarter_starts))]
        if sorted(starts) != starts or len(set(starts)) != len(starts):
            raise ConfigError(
                "quarter_starts must follow each other within one year, the school year's first "
                f"day first; got {self.quarter_starts}"
            )
        if starts[-1] >= self._start(2002, 0):
            raise ConfigError("quarter_starts must all lie within twelve months")
        if not set(self.school_weekdays) <= set(range(1, 8)) or not self.school_weekdays:
            raise ConfigError(f"school_weekdays are 1 to 7, Monday 1; got {self.school_weekdays}")

    def _start(self, first_year: int, index: int) -> date:
        month, day = self.quarter_starts[index]
        year = first_year if (month, day) >= self.quarter_starts[0] else first_year + 1
        try:
            return date(year, month, day)
        except ValueError as error:
            raise ConfigError(f"quarter_starts: {month:02d}-{day:02d} is not a date") from error

    def _quarter(self, first_year: int, index: int) -> Quarter:
        last = index + 1 == len(self.quarter_starts)
        end = self._start(first_year + 1, 0) if last else self._start(first_year, index + 1)
        year = f"{first_year}-{(first_year + 1) % 100:02d}"
        return Quarter(self._start(first_year, index), end, f"{year}-Q{index + 1}", year)

    def quarter(self, code: str) -> Quarter:
        """The quarter of a code.

        Raises
        ------
        NotFound
            If the code is misspelt or the year has no such quarter.
        """
        match = _CODE.match(code)
        count = len(self.quarter_starts)
        if not match or not 1 <= int(match[3]) <= count:
            raise NotFound(
                f"there is no quarter {code!r}; write it like 2026-27-Q1, Q1 to Q{count}"
            )
        first_year = int(match[1])
        if (first_year + 1) % 100 != int(match[2]) or not 1990 <= first_year <= 2100:
            raise NotFound(f"there is no school year {code[:7]!r}; write it like 2026-27")
        return self._quarter(first_year, int(match[3]) - 1)

    def quarter_of(self, day: date) -> Quarter:
        """The quarter that contains a date."""
        for first_year in (day.year, day.year - 1):
            for index in range(len(self.quarter_starts)):
                quarter = self._quarter(first_year, index)
                if quarter.start <= day < quarter.end:
                    return quarter
        raise NotFound(f"no quarter contains {day}")

    def semester(self, code: str) -> tuple[Quarter, Quarter]:
        """The first and the last quarter of half a school year, such as `2026-27-S1`.

        Raises
        ------
        NotFound
            If the code is misspelt, or the year has an odd number of quarters, so no halves.
        """
        match = _SEMESTER.match(code)
        half, odd = divmod(len(self.quarter_starts), 2)
        if not match or odd:
            raise NotFound(
                f"there is no semester {code!r}; write it like 2026-27-S1, S1 or S2, of a school "
                "year with an even number of quarters"
            )
        last = int(match[2]) * half
        return (
            self.quarter(f"{match[1]}-Q{last - half + 1}"),
            self.quarter(f"{match[1]}-Q{last}"),
        )

    def next(self, quarter: Quarter) -> Quarter:
        """The quarter after."""
        return self.quarter_of(quarter.end)

    def previous(self, quarter: Quarter) -> Quarter:
        """The quarter before."""
        return self.quarter_of(quarter.start - timedelta(days=1))

    def quarters_between(self, first: date, last: date) -> list[Quarter]:
        """Every quarter from the one of `first` to the one of `last`."""
        quarters = [self.quarter_of(first)]
        while quarters[-1].end <= last:
            quarters.append(self.next(quarters[-1]))
        return quarters

    def school_year_of(self, day: date) -> str:
        """The code of the school year that contains a date."""
        return self.quarter_of(day).school_year

    def school_year_start(self, school_year: str) -> date:
        """First day of a school year."""
        return self.quarter(f"{school_year}-Q1").start
