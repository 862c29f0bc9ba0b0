"""What a single cell may say: types, bounds, words for true and false, periods, school years."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl

from earlywarning.calendar import SchoolCalendar
from earlywarning.errors import NotFound

TYPES = {
    "str": pl.String, "int32": pl.Int32, "int64": pl.Int64, "float64": pl.Float64,
    "bool": pl.Boolean, "date": pl.Date,
}  # fmt: skip

ID_COLUMNS = (
    "school_id", "student", "staff", "homeroom_staff", "household", "national_id", "event",
)  # fmt: skip
"""Numbers that are names: always text, never padded."""

RANGES: Mapping[str, tuple[float, float]] = {
    "grade_level": (0, 20), "max_visits": (0, 1_000), "late_minutes": (0, 1_440),
    "sick": (0, 366), "permitted": (0, 366), "unexcused": (0, 366), "absent": (0, 366),
    "effective_days": (0, 366), "points": (-100_000, 100_000), "max_score": (0.01, 10_000),
}  # fmt: skip
"""Smallest and largest possible number of a column."""

TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "ya", "1"), True),
    **dict.fromkeys(("false", "no", "n", "tidak", "0"), False),
}
EVENT_TABLES = ("attendance", "behaviour", "grade", "visit")
BIRTHS = (date(1900, 1, 1), date(2100, 1, 1))
USUAL_SCORE = 100.0
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)

ERRORS = r"^#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|CALC!|SPILL!)$"
ROUNDED = r"^\d([.,]\d+)?[eE]\+?\d+$"
DECIMALS = {".": r"^[+-]?\d{1,15}(\.\d{1,15})?$", ",": r"^[+-]?\d{1,15}(,\d{1,15})?$"}
LONG_NUMBER = 10**15
LENGTHS = {"class_name": 80, "school_year": 7, **dict.fromkeys(ID_COLUMNS, 64)}
TEXT_LENGTH = 500


def period_code(value: str, calendar: SchoolCalendar, *, totals: bool = False) -> str | None:
    """The code of a quarter; None if there is none.

    With `totals` also of a semester (`2026-27-S1`) or a whole school year: its days cannot be told
    apart. Without, a semester means its last quarter, at whose end its grades are given.
    """
    if totals and (year := school_year_code(value)):
        return year
    try:
        if "-S" in value:
            last = calendar.semester(value)[1]
            return value if totals else last.code
        return calendar.quarter(value).code
    except NotFound:
        return None


@cache
def school_year_code(value: str) -> str | None:
    """`2026-27` from that, `2026/27`, `2026/2027` or `2026-2027`."""
    first, _, second = value.replace("/", "-").partition("-")
    if not (len(first) == 4 and first.isdecimal() and second.isdecimal()):
        return None
    year = int(first)
    if not 1990 <= year <= 2100 or second not in (str(year + 1), f"{(year + 1) % 100:02d}"):
        return None
    return f"{year}-{(year + 1) % 100:02d}"
