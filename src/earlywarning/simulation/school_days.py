"""On which days school is held: weekends, semester breaks, Eid and national holidays.

Eid al-Fitr moves about eleven days a year; its dates here are those announced or expected for
2020 to 2029, with a week before and after. Other years have no Eid break.
"""

from __future__ import annotations

from datetime import date, timedelta

from earlywarning.calendar import SchoolCalendar

EID = {
    2020: date(2020, 5, 24), 2021: date(2021, 5, 13), 2022: date(2022, 5, 2),
    2023: date(2023, 4, 22), 2024: date(2024, 4, 10), 2025: date(2025, 3, 31),
    2026: date(2026, 3, 20), 2027: date(2027, 3, 9), 2028: date(2028, 2, 26),
    2029: date(2029, 2, 14),
}  # fmt: skip
FIXED = ((1, 1), (5, 1), (6, 1), (8, 17), (12, 25))
"""New Year, Labour Day, Pancasila Day, Independence Day, Christmas."""

BREAKS = (((6, 20), (7, 12)), ((12, 20), (1, 4)))
"""End of the year and of the first semester: first day off, last day off."""


def school_days(first: date, end: date, *, weekdays: tuple[int, ...]) -> list[date]:
    """Effective days from `first` to before `end`; about 55 to 66 a quarter."""
    days = [first + timedelta(days=number) for number in range((end - first).days)]
    return [day for day in days if day.isoweekday() in weekdays and not _free(day)]


def _free(day: date) -> bool:
    eid = EID.get(day.year)
    if eid is not None and abs((day - eid).days) <= 7:
        return True
    month_day = (day.month, day.day)
    summer, winter = BREAKS
    return (
        month_day in FIXED
        or summer[0] <= month_day <= summer[1]
        or month_day >= winter[0]
        or month_day <= winter[1]
    )


CALENDAR = SchoolCalendar()
"""Quarters from July, October, January and April."""
