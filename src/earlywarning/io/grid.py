"""Sheets of cells, whatever the file is: CSV, a workbook, or a web page that a program saved.

What a reader of `school_files` looks at before it knows where the headings are. Each cell is text
with its kind (`workbook.KINDS`), each row has the number that a spreadsheet program shows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import islice
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io import workbook
from earlywarning.io.csv_rows import decoded_blocks, split_records
from earlywarning.io.file_kind import FileKind, Limits
from earlywarning.io.tabular import DELIMITERS

Cell = tuple[str | None, int]
Row = tuple[int, list[Cell]]

_SAMPLE = 1 << 16
_WIDEST_SPAN = 1_000


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet: a CSV file, a sheet of a workbook, a table of a web page.

    Attributes
    ----------
    file : FileKind
    sheet : str or None
        Name of the sheet, or "table 2" of a web page; None for CSV.
    limits : Limits
    """

    file: FileKind
    sheet: str | None
    limits: Limits

    @property
    def where(self) -> str:
        """File and sheet, for messages."""
        return self.file.path.name + (f", sheet {self.sheet}" if self.sheet else "")

    def rows(self) -> Iterator[Row]:
        """Every row that holds anything, with its number.

        Raises
        ------
        DataError
            If the file is damaged, or larger than the limits allow.
        """
        if self.file.kind == "workbook":
            for number, values in workbook.raw_rows(self.file, self.sheet or "", self.limits):
                cells = [workbook.cell(value) for value in values]
                if any(kind for _, kind in cells):
                    yield number, cells
            return
        rows = _page_rows(self) if self.file.kind == "page" else _text_rows(self)
        for number, texts in rows:
            cells = [(text or None, workbook.TEXT if text else workbook.EMPTY) for text in texts]
            if any(kind for _, kind in cells):
                yield number, cells

    def head(self, number: int = 60) -> list[Row]:
        """The first rows that hold anything."""
        return list(islice(self.rows(), number))


def grids(file: FileKind, limits: Limits | None = None) -> list[Grid]:
    """The sheets of a file of kind "text", "workbook" or "page", in order.

    Raises
    ------
    DataError
        If the file is damaged or of another kind.
    """
    limits = limits or Limits()
    if file.kind == "workbook":
        return [Grid(file, name, limits) for name in workbook.sheet_names(file)]
    if file.kind == "text":
        return [Grid(file, None, limits)]
    if file.kind == "page":
        count = len(_tables(file, limits))
        if not count:
            raise DataError(f"{file.path.name}: is a web page without a table; export it again")
        return [Grid(file, f"table {i + 1}", limits) for i in range(count)]
    raise DataError(f"{file.path.name}: holds no sheets of cells")


def _text_rows(grid: Grid) -> Iterator[tuple[int, Sequence[str]]]:
    delimiter, skip = find_delimiter(grid.file)
    number = -skip
    for records in split_records(grid.file, delimiter, grid.limits):
        if records.lists is not None:
            lists: Sequence[Sequence[str]] = records.lists
        else:
            text = records.data[: int(records.starts[-1])].decode()  # type: ignore[index]
            # Not `splitlines`: a row ends with a line feed only, whatever else Unicode calls so.
            lines = (line.removesuffix("\r").replace("\r", " ") for line in text.split("\n"))
            lists = list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter))
            del lists[len(records) :]
        for row in lists:
            number += 1
            if number > 0:
                if len(row) > grid.limits.columns:
                    raise DataError(
                        f"{grid.where}: row {number} has {len(row):,} fields; allowed are "
                        f"{grid.limits.columns:,}"
                    )
                yield number, row


def find_delimiter(file: FileKind) -> tuple[str, int]:
    """The mark between fields, and 1 if the first line only announces it (`sep=;`)."""
    text = next(decoded_blocks(file, _SAMPLE)).decode("utf-8", "ignore").lstrip("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", " ").split("\n")
    first = lines[0].strip('" ')
    if first[:4].lower() == "sep=" and len(first) == 5:
        return first[4], 1
    sample = [line for line in lines[:200] if line.strip()]

    def agreement(mark: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(sample, delimiter=mark)]
        usual = max(set(widths), key=lambda width: (widths.count(width) * (width > 1), width))
        return (widths.count(usual) if usual > 1 else 0, usual)

    return max(DELIMITERS, key=agreement), 0


def _page_rows(grid: Grid) -> Iterator[tuple[int, Sequence[str]]]:
    assert grid.sheet is not None  # noqa: S101
    table = _tables(grid.file, grid.limits)[int(grid.sheet.removeprefix("table ")) - 1]
    yield from enumerate(table, start=1)


def _tables(file: FileKind, limits: Limits) -> list[list[list[str]]]:
    parser = _TableParser(file.path.name, limits)
    for block in decoded_blocks(file):
        parser.feed(block.decode("utf-8", "replace"))
    parser.close()
    return [table for table in parser.tables if table]


class _TableParser(HTMLParser):
    """The cells of every table; a cell over several columns or rows stands in the first, the
    others are empty. Scripts and styles are not looked at, nothing is fetched."""

    def __init__(self, name: str, limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._name, self._limits, self._count = name, limits, 0
        self._cell: list[str] | None = None
        self._spans: dict[int, int] = {}
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """A table, row or cell begins."""
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "table":
            self._finish_cell()
            self._open.append([])
            self.tables.append(self._open[-1])
            self._spans = {}
        elif tag == "tr" and self._open:
            self._finish_cell()
            if self._open[-1]:
                self._fill_end(self._open[-1][-1])
            self._open[-1].append([])
        elif tag in ("td", "th") and self._open:
            self._finish_cell()
            if not self._open[-1]:
                self._open[-1].append([])
            row = self._open[-1][-1]
            self._fill(row)
            given = dict(attrs)
            across, down = _span(given.get("colspan")), _span(given.get("rowspan"))
            self._count += across
            if self._count > self._limits.cells or len(row) + across > self._limits.columns:
                raise DataError(f"{self._name}: has more cells than the limits allow")
            start = len(row)
            row += [""] * across
            if down > 1:
                self._spans |= dict.fromkeys(range(start, start + across), down - 1)
            self._cell = []
            self._place = (row, start)
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """A table, row or cell ends."""
        if tag in ("script", "style"):
            self._hidden = max(self._hidden - 1, 0)
        elif tag in ("td", "th", "tr"):
            self._finish_cell()
        elif tag == "table" and self._open:
            self._finish_cell()
            self._open.pop()
            self._spans = {}

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._cell is not None and not self._hidden:
            self._cell.append(data)

    def _fill(self, row: list[str]) -> None:
        """Places that a cell of a row above covers."""
        while self._spans.get(len(row), 0):
            self._spans[len(row)] -= 1
            row.append("")

    def _fill_end(self, row: list[str]) -> None:
        """Places behind a row's last cell that cells of rows above cover."""
        end = max((place for place, rows in self._spans.items() if rows), default=-1)
        while len(row) <= end:
            self._fill(row)
            if len(row) <= end:
                row.append("")

    def _finish_cell(self) -> None:
        if self._cell is not None:
            row, place = self._place
            row[place] = " ".join("".join(self._cell).split())
            self._cell = None


def _span(text: str | None) -> int:
    return min(max(int(text), 1), _WIDEST_SPAN) if text and text.strip().isdigit() else 1
