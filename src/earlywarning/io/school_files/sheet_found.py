"""What is said of a monthly sheet before an import: one line, questions, entries of a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from earlywarning.io.school_files import sheet_doubts
from earlywarning.io.school_files.day_sheet import Block, text_of
from earlywarning.io.school_files.month_titles import MONTH_NAMES
from earlywarning.io.school_files.sheet_columns import Sheet, columns_of
from earlywarning.io.school_files.sheet_time import as_date

NAME = "monthly_sheet"
MELT = {
    "into": "code", "label": "date", "pattern": r"^(\d{4}-\d\d-\d\d)(?:#\d+)?$", "template": "{1}",
}  # fmt: skip
SEXES = {"L": "M", "P": "F", "Laki-laki": "M", "Perempuan": "F"}

_MOST_SHOWN = 4


def what_is(sheets: Sequence[Sheet]) -> str:
    texts = [_one(sheet) for sheet in sheets]
    if len(texts) == 1:
        return f"monthly attendance sheet, {texts[0]}"
    more = f"; and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
    return f"{len(texts)} monthly attendance sheets: {'; '.join(texts[:_MOST_SHOWN])}{more}"


def _one(sheet: Sheet) -> str:
    timed, block = sheet.timed, sheet.block
    month = timed.month
    column = block.student_column("class")
    classes = (
        dict.fromkeys(text for _, cells in block.rows if (text := text_of(cells, column.place)))
        if column else {timed.class_name: None} if timed.class_name else {}
    )  # fmt: skip
    parts = [
        f"{MONTH_NAMES[month[1] - 1]} {month[0]}" if month else "month unknown",
        timed.school or "",
        f"class{'es' if len(classes) > 1 else ''} {', '.join(map(str, classes))}"
        if classes
        else "",
        _count(len(block.rows), "student"),
        _count(len(sheet.used), "day"),
    ]
    return ", ".join(part for part in parts if part)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def defaults_of(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """What holds for every table of the file."""
    defaults = {}
    for name, values in (
        ("school_id", {sheet.timed.npsn for sheet in sheets}),
        ("school_year", {sheet.timed.school_year for sheet in sheets}),
    ):
        if len(values) == 1 and (value := values.pop()):
            defaults[name] = value
    return defaults


def questions_of(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """What a person must say before this table is imported."""
    timed, block = sheet.timed, sheet.block
    yield from timed.questions
    if timed.school_year is None and _has_roster(block):
        yield (
            "entry_date",
            f"{block.grid.where}: of which school year are these students and classes? say "
            "school_year under [defaults], and its first day as entry_date under "
            "[table.constants] of enrollment",
        )
    if problem := sheet_doubts.swapped(block):
        yield "columns", problem
    if namespace := sheet_doubts.foreign(block):
        yield (
            "namespace",
            f"{block.grid.where}: many marks are not in the list id, but all are in {namespace}; "
            f'say namespace = "{namespace}", or give them a meaning in [table.codes]',
        )
    empty = {
        day: count for day in sheet.used
        if (not timed.dates or as_date(timed.dates[day])) and (count := block.marks(day).count(""))
    }  # fmt: skip
    if empty:
        days = ", ".join(f"{day.label.day} ({count})" for day, count in empty.items())
        hints = []
        if sheet_doubts.present_is_blank(block, sheet.used):
            hints.append("nobody is marked as present, so it may mean present")
        if sheet.totals.blank_counts_as:
            totals = ", ".join(map(repr, sheet.totals.blank_counts_as))
            hints.append(f"the totals {totals} count it")
        hint = f" ({'; '.join(hints)})" if hints else ""
        yield (
            "blank",
            f"{block.grid.where}: {_count(sum(empty.values()), 'empty mark')} on days on which "
            f"others have one, day {days}{hint}; what does an empty mark mean? say "
            'blank = "unrecorded", "present" or "no_school"',
        )


def _has_roster(block: Block) -> bool:
    """Whether students stand there by name and by the school's own number: names alone are no
    roster, for nobody could tell two of one name apart."""
    number = block.student_column("student") or block.student_column("both")
    return number is not None and block.student_column("name") is not None


def entries_of(sheet: Sheet, sheets: Sequence[Sheet]) -> Iterator[dict[str, Any]]:
    """The entries of the mapping that read one table."""
    block, timed = sheet.block, sheet.timed
    columns = {role: heading for role, heading, _ in columns_of(sheet)}
    base: dict[str, Any] = {"layout": NAME}
    if len({other.block.grid.sheet for other in sheets}) > 1:
        base["sheet"] = block.grid.sheet
    options = {}
    if sum(other.block.grid.sheet == block.grid.sheet for other in sheets) > 1:
        options = {"options": {"block": block.number}}
    year: dict[str, Any] = {}
    if timed.school_year and len({other.timed.school_year for other in sheets}) > 1:
        year = {"constants": {"school_year": timed.school_year}}
    if _has_roster(block):
        yield from _roster(sheet, {**base, "part": "students"}, options, columns, year)
    marks: dict[str, Any] = {"table": "attendance", **base, "part": "marks"}
    who = next(role for role in ("student", "national_id", "name") if role in columns)
    if who != "student":
        marks["identify"] = who
    marks["columns"] = {"student": columns[who], "class_name": columns["class"]}
    marks["melt"] = dict(MELT)
    if codes := sheet_doubts.codes_of(block):
        marks["codes"] = codes
    if who == "name":
        marks["match"] = {"class_name": columns["class"]}
    yield {**marks, **options}


def _roster(
    sheet: Sheet,
    base: Mapping[str, Any],
    options: Mapping[str, Any],
    columns: Mapping[str, str],
    year: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Classes and students as the sheet names them, where no better list is at hand."""
    base = {**base, "distinct": True, "fallback": True}
    yield {
        "table": "class_group", **base, "columns": {"class_name": columns["class"]}, **year,
        **options,
    }  # fmt: skip
    about = {"student": columns["student"], "full_name": columns["name"]}
    student: dict[str, Any] = {"table": "student", **base, "columns": about}
    if "national_id" in columns:
        about["national_id"] = columns["national_id"]
    if "sex" in columns and _knows_sexes(sheet.block):
        about["sex"] = columns["sex"]
        student["values"] = {"sex": SEXES}
    yield {**student, **options}
    first = sheet.timed.school_year
    constants = {"entry_date": date(int(first[:4]), 7, 1)} if first else {}
    yield {
        "table": "enrollment", **base,
        "columns": {"student": columns["student"], "class_name": columns["class"]},
        "constants": {**constants, **year.get("constants", {})}, **options,
    }  # fmt: skip


def _knows_sexes(block: Block) -> bool:
    column = block.student_column("sex")
    words = {word.upper() for word in ("", "M", "F", *SEXES)}
    return column is not None and all(
        text_of(cells, column.place).upper() in words for _, cells in block.rows
    )
