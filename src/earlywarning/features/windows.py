"""The stretches of time that features look at, all ending on the day before the as-of date."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v2 as nw

from earlywarning.calendar import Quarter, SchoolCalendar, day_number


@dataclass(frozen=True, slots=True)
class Window:
    """A named stretch of days.

    Attributes
    ----------
    name : str
        Ends the names of the features that look at it: `30d`, `quarter`, `year`.
    start, end : int
        First day, and first day after it, as day numbers.
    """

    name: str
    start: int
    end: int

    def holds(self, day: nw.Expr) -> nw.Expr:
        """Whether a day lies in the window."""
        return (day >= self.start) & (day < self.end)


def before(end: int) -> Window:
    """Every day before one."""
    return Window("before", -(2**31), end)


@dataclass(frozen=True, slots=True)
class Windows:
    """Every window of one as-of date.

    For the quarter 2026-27-Q2, which starts on 2026-10-01, looked at on that day:

    Attributes
    ----------
    last_30_days : Window
        `30d`: 2026-09-01 to 2026-09-30.
    quarter : Window
        `quarter`, the last full one: 2026-07-01 to 2026-09-30.
    before_quarter : Window
        The quarter before that, to see a change: 2026-04-01 to 2026-06-30.
    year : Window
        `year`, the school year to date: 2026-07-01 to 2026-09-30. In the first quarter of a school
        year nothing of it is known, so it is the whole year before.
    previous_year : Window
        `previous_year`: the school year before `year`.
    """

    last_30_days: Window
    quarter: Window
    before_quarter: Window
    year: Window
    previous_year: Window

    @classmethod
    def of(cls, quarter: Quarter, *, as_of_day: int, calendar: SchoolCalendar) -> Windows:
        """The windows for predicting `quarter` from what is known before `as_of_day`."""
        last = calendar.previous(quarter)
        before = calendar.previous(last)
        year_start = calendar.school_year_start(last.school_year)
        older = calendar.previous(calendar.quarter_of(year_start)).school_year
        older_start = day_number(calendar.school_year_start(older))
        return cls(
            Window("30d", as_of_day - 30, as_of_day),
            Window("quarter", last.start_day, as_of_day),
            Window("before_quarter", before.start_day, last.start_day),
            Window("year", day_number(year_start), as_of_day),
            Window("previous_year", older_start, day_number(year_start)),
        )

    @property
    def all(self) -> tuple[Window, ...]:
        """All five."""
        return (
            self.last_30_days,
            self.quarter,
            self.before_quarter,
            self.year,
            self.previous_year,
        )

    @property
    def longest(self) -> Window:
        """From the earliest day any of them holds to the as-of date."""
        first = min(window.start for window in self.all)
        return Window("longest", first, self.quarter.end)
