"""The tables: what a delivery holds, and what the facts keep.

Source tables are what a mapping fills from a school's files; people in them go by the school's own
numbers. Fact tables are what features read: a random `student_id`, whole-number days, no names.
Both are plain descriptions, so that any engine can build them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["str", "int32", "int64", "float64", "bool", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type, and whether a value must be there."""

    name: str
    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes
    ----------
    key : tuple of str
        Columns that say which fact a row is about; another row with the same key is a version.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def values(self) -> tuple[str, ...]:
        """Columns outside the key."""
        return tuple(name for name in self.names if name not in self.key)


def _table(name: str, key: str, columns: str) -> Table:
    """`columns` is a list like `score:float64 pass_mark:float64?`; `?` means may be empty."""
    parsed = []
    for item in columns.split():
        column, _, kind = item.partition(":")
        parsed.append(Column(column, kind.rstrip("?"), not kind.endswith("?")))  # type: ignore[arg-type]
    return Table(name, tuple(key.split()), tuple(parsed))


SOURCE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table("school", "school_id", "school_id:str name:str"),
        _table(
            "staff",
            "school_id staff",
            "school_id:str staff:str name:str sex:str? role:str? max_visits:int32? "
            "companion_preference:str?",
        ),
        _table(
            "class_group",
            "school_id school_year class_name",
            "school_id:str school_year:str class_name:str grade_level:int32? homeroom_staff:str?",
        ),
        _table(
            "student",
            "school_id student",
            "school_id:str student:str national_id:str? full_name:str sex:str? birth_date:date? "
            "household:str? village:str? status:str?",
        ),
        _table(
            "enrollment",
            "school_id student school_year class_name entry_date",
            "school_id:str student:str school_year:str class_name:str grade_level:int32? "
            "entry_date:date exit_date:date? exit_reason:str? recorded_on:date?",
        ),
        _table(
            "guardian",
            "school_id student relation",
            "school_id:str student:str relation:str full_name:str? sex:str? phone:str? vital:str? "
            "available:str? lives_with:bool?",
        ),
        _table(
            "attendance",
            "school_id student date",
            "school_id:str student:str date:date code:str class_name:str? late_minutes:int32? "
            "recorded_on:date?",
        ),
        _table(
            "attendance_summary",
            "school_id student period",
            "school_id:str student:str period:str sick:int32? permitted:int32? unexcused:int32? "
            "absent:int32? effective_days:int32? recorded_on:date?",
        ),
        # Which days are school days; a day that is not named follows the district's weekdays.
        _table("calendar_day", "school_id date", "school_id:str date:date kind:str"),
        # What an offence or a merit is worth, for logs that give only its code.
        _table(
            "behaviour_type",
            "school_id type_code",
            "school_id:str type_code:str name:str? points:float64? polarity:str? severity:str? "
            "is_attendance_related:bool?",
        ),
        _table(
            "behaviour",
            "school_id event",
            "school_id:str event:str student:str date:date type_code:str severity:str? "
            "polarity:str? points:float64? is_attendance_related:bool? recorded_on:date?",
        ),
        _table(
            "grade",
            "school_id student subject period kind",
            "school_id:str student:str subject:str period:str kind:str? score:float64 "
            "max_score:float64? pass_mark:float64? date:date? recorded_on:date?",
        ),
        _table(
            "visit",
            "school_id student date",
            "school_id:str student:str date:date status:str track:str? staff:str? "
            "recorded_on:date?",
        ),
    )
}
"""What a mapping can fill. `student`, `staff`, `household` are the school's own numbers (text)."""

VERSION_COLUMNS = (Column("known_day", "int32"), Column("superseded_day", "int32"))
"""Every fact row: the day it became known, and the day a newer version did (`calendar.NEVER`)."""


def _fact(name: str, key: str, columns: str) -> Table:
    table = _table(name, key, columns)
    return Table(table.name, table.key, table.columns + VERSION_COLUMNS)


FACT_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        # One stretch of a student in a class; exit_day is the first day no longer enrolled.
        _fact(
            "enrollment",
            "student_id class_id entry_day",
            "student_id:str class_id:str entry_day:int32 exit_day:int32 exit_reason:str? "
            "school_id:str school_year:str grade_level:int32?",
        ),
        # A day on which a class's register was taken (or, taken=false, was withdrawn again).
        _fact(
            "register_day",
            "class_id day",
            "class_id:str day:int32 school_id:str taken:bool assumed:bool",
        ),
        # A student-day other than present. A present row exists only to replace an older version.
        _fact(
            "attendance_event",
            "student_id day",
            "student_id:str day:int32 class_id:str school_id:str status:str namespace:str "
            "raw_code:str? late_minutes:int32?",
        ),
        # Totals of a period, where a source gives no days. day is the period's last day.
        _fact(
            "attendance_summary",
            "student_id period",
            "student_id:str period:str day:int32 start_day:int32 school_id:str sick:int32? "
            "permitted:int32? unexcused:int32? absent:int32 effective_days:int32?",
        ),
        # centipoints: hundredths of the school's own points, offences positive, merits negative.
        _fact(
            "behaviour_event",
            "event_id",
            "event_id:str student_id:str day:int32 school_id:str type_code:str severity:str "
            "polarity:str centipoints:int32 is_attendance_related:bool",
        ),
        # score_centi, pass_centi: hundredths of a per cent of the scale, so sums are exact.
        _fact(
            "grade",
            "student_id subject period kind",
            "student_id:str subject:str period:str kind:str day:int32 school_id:str class_id:str? "
            "score_centi:int32 pass_centi:int32? max_score:float64",
        ),
        _fact(
            "visit",
            "visit_id student_id",
            "visit_id:str student_id:str day:int32 school_id:str status:str track:str",
        ),
    )
}
"""What the engine reads. `day` is the day of the event; see `calendar.day_number`."""

OUTCOMES = ("attendance", "behaviour", "grades")
"""What the models predict for the coming quarter, in the order used everywhere."""
