"""The flat tables of a monthly sheet: columns about the student as they are, days as dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from earlywarning.io.grid import Cell, Row
from earlywarning.io.headings import tidy
from earlywarning.io.school_files.day_sheet import Block, DayColumn, text_of
from earlywarning.io.school_files.interface import Rows, RowsTable
from earlywarning.io.school_files.sheet_time import Timed, headings
from earlywarning.io.school_files.sheet_totals import Totals
from earlywarning.io.workbook import EMPTY, TEXT

CLASS, NUMBER, NATIONAL = "Kelas", "NIS", "NISN"
"""Headings of columns that the file has not as such."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, understood: its days with dates, those with marks, its totals."""

    timed: Timed
    used: tuple[DayColumn, ...]
    totals: Totals
    warnings: tuple[str, ...]

    @property
    def block(self) -> Block:
        """The table."""
        return self.timed.block


Take = Callable[[int, Sequence[Cell]], Cell]


def columns_of(sheet: Sheet) -> list[tuple[str, str, Take]]:
    """Role, heading and cell of every column about a student; the class is always among them."""
    found: list[tuple[str, str, Take]] = []
    for column in sheet.block.students:
        place = column.place
        if column.role == "both":
            parts: list[tuple[str, str, Take]] = [
                ("student", NUMBER, lambda _, cells, at=place: _part(text_of(cells, at), 0)),
                ("national_id", NATIONAL, lambda _, cells, at=place: _part(text_of(cells, at), 1)),
            ]
            # A column of its own knows better.
            found += [part for part in parts if sheet.block.student_column(part[0]) is None]
        elif column.role != "class":
            found.append((column.role, column.heading, lambda _, cells, at=place: cells[at]))
    given = sheet.block.student_column("class")
    if given is None:
        cell = (sheet.timed.class_name, TEXT if sheet.timed.class_name else EMPTY)
        found.append(("class", CLASS, lambda _row, _cells: cell))
    else:
        names = _class_names(sheet.block.rows, given.place)
        found.append(("class", given.heading, lambda row, _cells: names[row]))
    return found


def _part(text: str, which: int) -> Cell:
    """Of `0123 / 0000000001` the school's number (0) or the national one (1); alone, ten digits
    are the national one."""
    parts = [part.strip() for part in text.split("/")]
    if len(parts) == 1:
        parts = ["", text] if re.fullmatch(r"\d{10}", text) else [text, ""]
    if len(parts[0]) == 10 and len(parts[1]) != 10:
        parts.reverse()
    found = parts[which]
    return (found, TEXT) if found else (None, EMPTY)


def _class_names(rows: Sequence[Row], place: int) -> dict[int, Cell]:
    """The class of each row; one that is merged over its students stands in the first of them."""
    cells = {number: row[place] for number, row in rows}
    given = [tidy(text) for text, _ in cells.values() if text]
    merged = len(set(given)) == len(given) < len(cells) and tidy(
        next(iter(cells.values()))[0] or ""
    )
    if not merged:
        return cells
    last: Cell = (None, EMPTY)
    filled = {}
    for number, cell in cells.items():
        last = cell if cell[0] else last
        filled[number] = last
    return filled


def flat_table(sheet: Sheet, part: str, *, several: bool) -> RowsTable:
    """One of the parts as a flat table."""
    block = sheet.block
    columns = [column for column in columns_of(sheet) if column[0] != "number"]
    days = [
        (heading, day.place) for day, heading in headings(sheet.timed) if day in sheet.used
    ] if part == "marks" else []  # fmt: skip

    def rows() -> Rows:
        for number, cells in block.rows:
            about = [take(number, cells) for _, _, take in columns]
            yield number, [*about, *(cells[place] for _, place in days)]

    return RowsTable(
        headings=(*(heading for _, heading, _ in columns), *(heading for heading, _ in days)),
        rows=rows,
        data_row=block.rows[0][0],
        sheet=block.grid.sheet if block.grid.file.kind == "workbook" or several else None,
        warnings=list(sheet.warnings) if part == "marks" else [],
    )
