"""Plain tables: one row of headings, one row a fact. Recognised by their headings and cells.

Mostly the general reader reads them and the mapping needs no `layout`. Where it cannot (a table of
a web page, lines of totals under the rows), `layout = "plain_table"` does, with its part `rows`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.grid import Cell, Grid, Row, find_delimiter, grids
from earlywarning.io.headings import tidy
from earlywarning.io.school_files.column_roles import NUMBER, Column
from earlywarning.io.school_files.headings_known import PASS_MARKS, TOTALS, is_known, plain
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found, Rows, RowsTable
from earlywarning.io.school_files.table_guess import Guess, guess_tables
from earlywarning.io.workbook import EMPTY

_HEAD = 40
SAMPLE = 5_000
"""Rows that are looked at before anything is said of a table."""
_OPTIONS = ("header_row",)
_LONGEST_TOTAL = 40


@dataclass(frozen=True, slots=True)
class Heading:
    """Where the headings of a sheet stand.

    Attributes
    ----------
    row : int
        As a spreadsheet program shows it.
    names : tuple of str
        As a mapping names them: one that occurs twice is `Name#1`, an empty one `(column 3)`.
    """

    row: int
    names: tuple[str, ...]


class PlainTable:
    """Reader of `layout = "plain_table"`; see `interface.Reader`.

    Options: `header_row`, the row of the headings; found by itself if left out.
    """

    name = "plain_table"
    kinds: tuple[Kind, ...] = ("text", "workbook", "page")
    is_bundle = False
    parts: Mapping[str, tuple[str, ...]] = {"rows": ()}

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the sheets of the file fill; None if no row of any sheet looks like headings.

        Raises
        ------
        DataError
            If there is a table, but nothing of it can be imported.
        """
        found: list[Guess] = []
        problems: list[str] = []
        sheets = bundle.grids()
        for grid in sheets:
            heading = find_heading(grid)
            if heading is None:
                continue
            try:
                found.append(_understood(bundle, grid, heading, several=len(sheets) > 1))
            except DataError as error:
                problems.append(str(error))
        if not found:
            if problems:
                raise DataError("; ".join(problems))
            return None
        defaults: dict[str, Any] = {}
        for guess in found:
            defaults |= guess.defaults
        return Found(
            layout=self.name,
            what="; ".join(dict.fromkeys(text for guess in found for text in guess.what)),
            entries=tuple(entry for guess in found for entry in guess.entries),
            defaults=defaults,
            questions=tuple(dict.fromkeys(one for guess in found for one in guess.questions)),
            warnings=(*(text for guess in found for text in guess.warnings), *problems),
        )

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return bundle.files[:1]

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """The rows under the headings; lines of totals are left out, and said.

        Raises
        ------
        ConfigError
            If an option is unknown or no row number.
        DataError
            If the sheet does not exist or no row looks like headings.
        """
        unknown = sorted(set(options) - set(_OPTIONS))
        row = options.get("header_row")
        if unknown or (row is not None and (not isinstance(row, int) or row < 1)):
            raise ConfigError(
                f"{bundle.name}: [table.options] of plain_table: allowed is header_row = a row "
                f"number, found {dict(options)!r}"
            )
        grid = _sheet(bundle, sheet)
        heading = find_heading(grid) if row is None else heading_in(grid, row)
        if heading is None:
            raise DataError(
                f"{grid.where}: no row looks like headings; say which with header_row under "
                "[table.options]"
            )
        table = RowsTable(heading.names, lambda: iter(()), heading.row + 1, grid.sheet)
        table.rows = lambda: _rows(grid, heading, table)
        return table


def find_heading(grid: Grid) -> Heading | None:
    """The row with the most known headings, two at least; the first of equals."""
    best, most = None, 1
    for number, cells in grid.head(_HEAD):
        known = len({plain(text) for text, _ in cells if text and is_known(text)})
        if known > most:
            best, most = Heading(number, names_of(cells)), known
    return best


def heading_in(grid: Grid, row: int) -> Heading:
    """The headings in a row that a person named."""
    for number, cells in grid.rows():
        if number == row:
            return Heading(number, names_of(cells))
    raise DataError(f"{grid.where}: row {row} is empty; correct header_row under [table.options]")


def names_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Headings as the general reader names them (`headings.find_headings`)."""
    texts = [tidy(text or "") for text, _ in cells]
    while texts and not texts[-1]:
        texts.pop()
    counts = Counter(texts)
    seen: Counter[str] = Counter()
    names = []
    for place, text in enumerate(texts, start=1):
        seen[text] += 1
        several = counts[text] > 1
        names.append(f"{text}#{seen[text]}" if text and several else text or f"(column {place})")
    return tuple(names)


def columns_of(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[Column]:
    """Columns out of rows; rows may be shorter than the headings."""
    return [
        Column(name, tuple((row[place] or "").strip() if place < len(row) else "" for row in rows))
        for place, name in enumerate(names)
    ]


def label_of(cells: Sequence[Cell], names: Sequence[str] = ()) -> str | None:
    """The word with which a line of totals begins; None if the row is no such line.

    Such a line has its word where the name or number of a student would stand, and less beside it.
    """
    texts = [text.strip() for text, _ in cells if text and text.strip()]
    while texts and (NUMBER.match(texts[0]) or plain(texts[0]) == ""):
        texts.pop(0)
    if not texts or len(texts[0]) > _LONGEST_TOTAL:
        return None
    word = plain(texts[0])
    lists = (*TOTALS, *PASS_MARKS)
    if not any(word == one or word.startswith(one + " ") for one in lists):
        return None
    others = [text for text in texts[1:] if not NUMBER.match(text)]
    return texts[0] if len(others) <= 1 else None


def _understood(bundle: Bundle, grid: Grid, heading: Heading, *, several: bool) -> Guess:
    below = list(islice(_below(grid, heading), SAMPLE))
    totals = [(number, label_of(cells)) for number, cells in below]
    rows = [cells for (_, cells), (_, label) in zip(below, totals, strict=True) if label is None]
    left = [(number, label) for number, label in totals if label]
    columns = columns_of(heading.names, [[text for text, _ in cells] for cells in rows])
    guess = guess_tables(grid.where, columns, _pass_marks(heading, below))
    if len(below) == SAMPLE:
        guess.warnings.append(f"{grid.where}: only the first {SAMPLE:,} rows were looked at")
    width = len(heading.names)
    ragged = grid.file.kind == "text" and any(len(cells) != width for cells in rows)
    needs_layout = grid.file.kind == "page" or bool(left) or ragged
    for entry in guess.entries:
        keys: dict[str, Any] = {}
        if several or grid.file.kind == "page":
            keys["sheet"] = grid.sheet
        if needs_layout:
            keys |= {"layout": PlainTable.name, "part": "rows"}
            entry["options"] = {"header_row": heading.row}
        elif heading.row > 1:
            keys["header_row"] = heading.row
            if grid.file.kind == "text":
                keys["delimiter"] = find_delimiter(grid.file)[0]
        rest = dict(entry)
        entry.clear()
        entry.update({"table": rest.pop("table")} | keys | rest)
    if left:
        said = ", ".join(f"row {number} ({label})" for number, label in left[:5])
        guess.warnings.append(f"lines that are no rows are left out: {said}")
    return guess


def _below(grid: Grid, heading: Heading) -> Iterator[Row]:
    return (row for row in grid.rows() if row[0] > heading.row)


def _pass_marks(heading: Heading, below: Sequence[Row]) -> dict[str, float]:
    for _, cells in below:
        label = label_of(cells)
        if label and plain(label).startswith(PASS_MARKS):
            return {
                name: float(text.replace(",", "."))
                for name, (text, _) in zip(heading.names, cells, strict=False)
                if text and NUMBER.match(text.strip())
            }
    return {}


def _sheet(bundle: Bundle, sheet: str | int | None) -> Grid:
    sheets = grids(bundle.file, bundle.limits)
    if sheet is None:
        known = [grid for grid in sheets if find_heading(grid)] or sheets
        if len(known) > 1:
            raise DataError(
                f"{bundle.name}: has several tables "
                f"({', '.join(repr(grid.sheet) for grid in known)}); say which with sheet = …"
            )
        return known[0]
    if isinstance(sheet, int) and 1 <= sheet <= len(sheets):
        return sheets[sheet - 1]
    for grid in sheets:
        if grid.sheet == sheet:
            return grid
    raise DataError(
        f"{bundle.name}: has no sheet {sheet!r}; it has "
        f"{', '.join(repr(grid.sheet) for grid in sheets)}"
    )


def _rows(grid: Grid, heading: Heading, table: RowsTable) -> Rows:
    width = len(heading.names)
    for number, cells in _below(grid, heading):
        label = label_of(cells)
        if label:
            table.warnings.append(f"{grid.where}: row {number} ({label}) is none and was left out")
            continue
        extra = [text for text, _ in cells[width:] if text]
        if extra:
            table.faults.append(
                (number, None, f"{len(cells)} cells", f"{width} cells, as there are headings",
                 "too_many_fields")
            )  # fmt: skip
            continue
        yield number, [*cells[:width], *[(None, EMPTY)] * (width - len(cells))]
