"""A month's attendance sheet: students down, days across. The commonest file of an Indonesian
school, as CSV, workbook, or a web page called `.xls` or `.doc`.

Recognised by its row of days, never by its name. The wide table keeps its shape; its day columns
are renamed to dates, so that an entry of the mapping melts them into attendance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.csv_rows import decoded_blocks
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.headings import tidy
from earlywarning.io.school_files import sheet_doubts
from earlywarning.io.school_files.day_sheet import Block, DayColumn, blocks, text_of
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found
from earlywarning.io.school_files.month_titles import Said, read_name, read_titles
from earlywarning.io.school_files.sheet_columns import Sheet, flat_table
from earlywarning.io.school_files.sheet_found import (
    NAME,
    defaults_of,
    entries_of,
    questions_of,
    what_is,
)
from earlywarning.io.school_files.sheet_time import Options, Timed, as_date, date_days, read_options
from earlywarning.io.school_files.sheet_totals import check_totals

_WHOLE_MONTH = 20


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file, and what titles and names say of it."""

    block: Block
    said: tuple[tuple[str, Said], ...]


class MonthlySheet:
    """The reader; see `interface.Reader`."""

    name = NAME
    kinds: tuple[Kind, ...] = ("text", "workbook", "page")
    is_bundle = False
    parts: Mapping[str, tuple[str, ...]] = {"marks": (), "students": ()}

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the file is, if it is one; see `interface.Reader.sniff`.

        Raises
        ------
        DataError
            If it is a sheet without any mark, or damaged.
        """
        tables = _tables(bundle)
        marked = [table for table in tables if _has_marks(table.block)]
        if not marked:
            if any(len(table.block.days) >= _WHOLE_MONTH for table in tables):
                raise DataError(f"{bundle.name}: is a monthly attendance sheet without any mark")
            return None
        sheets = [_understand(table, Options()) for table in marked]
        warnings = [
            f"{table.block.grid.where}: has no marks yet and is left out"
            for table in tables
            if table not in marked
        ]
        for sheet in sheets:
            warnings += sheet.warnings
            if sheet_doubts.foreign(sheet.block) is None:
                warnings += sheet_doubts.unknown_marks(sheet.block)
        return Found(
            layout=NAME,
            what=what_is(sheets),
            entries=tuple(entry for sheet in sheets for entry in entries_of(sheet, sheets)),
            defaults=defaults_of(sheets),
            questions=tuple(question for sheet in sheets for question in questions_of(sheet)),
            warnings=tuple(warnings),
        )

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return bundle.files

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """`marks` or `students` of one table; see `interface.Reader.open`.

        Raises
        ------
        DataError
            If there is no such table, or something about it must be said first.
        ConfigError
            If an option is unknown or does not fit.
        """
        stated = read_options(options)
        found = _understand(_chosen(bundle, stated, sheet), stated)
        if found.timed.questions:
            raise DataError("; ".join(question for _, question in found.timed.questions))
        return flat_table(found, part, several=len(bundle.grids()) > 1)


def _tables(bundle: Bundle) -> list[_Table]:
    """Every table of days, sheet by sheet, with what is said of it."""
    path = PurePosixPath(bundle.name)
    names = [("name of the file", read_name(bundle.file.path.stem))]
    if path.parent.name and not path.is_absolute():
        names.append(("name of the folder", read_name(path.parent.name)))
    around = _text_before_tables(bundle.file) if bundle.file.kind == "page" else []
    tables = []
    for grid in bundle.grids():
        found = blocks(grid)
        if not found and grid.file.kind == "page":
            around += [tuple(text_of(cells, i) for i in range(len(cells))) for _, cells in
                       grid.head()]  # fmt: skip
        above: list[tuple[str, ...]] = []
        for block in found:
            said = [
                ("title", read_titles(block.titles)),
                ("title further up", read_titles(above)),
                ("text of the page", read_titles(around)),
            ]
            if grid.file.kind == "workbook" and grid.sheet:
                said.append(("name of the sheet", read_name(grid.sheet)))
            tables.append(_Table(block, (*said, *names)))
            above += block.titles
    return tables


def _text_before_tables(file: FileKind) -> list[tuple[str, ...]]:
    """Lines of a page before its first table, where programs write titles."""
    text = next(decoded_blocks(file)).decode("utf-8", "replace")
    head = re.split(r"<table\b", text, maxsplit=1, flags=re.IGNORECASE)[0]
    head = re.sub(r"<(script|style)\b.*?</\1>", " ", head, flags=re.IGNORECASE | re.DOTALL)
    lines = re.split(r"<(?:br|/?p|/?div|/?h\d|/?center|/?title)\b[^>]*>", head, flags=re.IGNORECASE)
    plain = [tidy(unescape(re.sub(r"<[^>]*>", " ", line))) for line in lines]
    return [(line,) for line in plain if line]


def _has_marks(block: Block) -> bool:
    return any(mark for day in block.days for mark in block.marks(day))


def _chosen(bundle: Bundle, stated: Options, sheet: str | int | None) -> _Table:
    """The table that an entry of the mapping means."""
    every = bundle.grids()
    names = [grid.sheet or "" for grid in every]
    if isinstance(sheet, int):
        if not 1 <= sheet <= len(names):
            raise DataError(f"{bundle.name}: has no sheet {sheet}; it has {len(names)}")
        sheet = names[sheet - 1]
    if sheet is not None and sheet not in names:
        listing = ", ".join(map(repr, names))
        raise DataError(f"{bundle.name}: has no sheet {sheet!r}; it has {listing}")
    tables = [
        table for table in _tables(bundle)
        if _has_marks(table.block)
        and (sheet is None or table.block.grid.sheet == sheet)
        and stated.block in (None, table.block.number)
    ]  # fmt: skip
    if not tables:
        raise DataError(
            f"{bundle.name}: holds no monthly attendance sheet with marks"
            f"{f' on sheet {sheet!r}' if sheet else ''}: looked for a row of at least 5 days over "
            "students' names or numbers"
        )
    if len(tables) > 1:
        found = [
            f"sheet = {table.block.grid.sheet!r}, block = {table.block.number}" for table in tables
        ]
        raise DataError(
            f"{bundle.name}: holds {len(tables)} tables; say which: {'; '.join(found)} "
            "(block under [table.options])"
        )
    return tables[0]


def _understand(table: _Table, options: Options) -> Sheet:
    block = table.block
    timed = date_days(block, table.said, options)
    marked = [day for day in block.days if any(block.marks(day))]
    used = tuple(
        day for day in marked if not timed.dates or day in timed.dates
    )  # fmt: skip
    counted = [day for day in used if not timed.dates or as_date(timed.dates[day])]
    totals = check_totals(block, counted, sheet_doubts.statuses_of(block))
    warnings = [*timed.warnings]
    if timed.dates:
        warnings += _days_without_marks(timed, used)
        warnings += sheet_doubts.doubts(timed, used, totals.places)
    return Sheet(timed, used, totals, (*warnings, *totals.warnings))


def _days_without_marks(timed: Timed, used: Sequence[DayColumn]) -> list[str]:
    empty = [
        str(day.label.day) for day, parts in timed.dates.items() if day not in used and
        as_date(parts)
    ]  # fmt: skip
    if not empty:
        return []
    return [
        f"{timed.block.grid.where}: nobody has a mark on day {', '.join(empty)}: no register was "
        "taken there, a holiday or a day to come"
    ]
