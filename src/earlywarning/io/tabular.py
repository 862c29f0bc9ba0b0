"""CSV files as text cells with row numbers; nothing is interpreted here.

Polars parses; this module decides what is handed to it. Delimiter, encoding and a `sep=;` line are
detected. A row with more or fewer fields than there are headings is refused by its number instead
of shifting its cells: `csv_rows` proves that there is none, or counts the fields of each. Read in
blocks: memory does not grow with the file.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.csv_rows import Records, decoded_blocks, even_rows, split_records
from earlywarning.io.file_kind import FileKind, Limits
from earlywarning.io.headings import find_headings, tidy

DELIMITERS = (";", ",", "\t", "|")

FAULT_SCHEMA = {
    "_row": pl.Int32, "column": pl.String, "found": pl.String, "allowed": pl.String,
    "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Attributes
    ----------
    cells : DataFrame
        Text, or numbers of texts where asked for (`child.ChildTable.chunks`); one column a heading,
        and `_row`, the row's number as a spreadsheet shows it.
    faults : DataFrame
        Rows that are no rows of this table: `_row`, `column`, `found`, `allowed`, `reason`.
    kinds : DataFrame, optional
        Of a workbook: for each cell one of the numbers of `workbook.KINDS`.
    file : str
        Of several files that are read together: the one in which `faults` stand, if they stand not
        in the table's own.
    texts : mapping of heading to Series
        Of columns that are numbers, the text of each; also of numbers that stand in other rows.
    """

    cells: pl.DataFrame
    faults: pl.DataFrame
    kinds: pl.DataFrame | None = None
    file: str = ""
    texts: Mapping[str, pl.Series] = field(default_factory=dict)


@dataclass(slots=True)
class TextTable:
    """A CSV file, opened.

    Attributes
    ----------
    headings : tuple of str
        In order; a heading that occurs twice is `Name#1`, `Name#2`.
    delimiter : str
    warnings : list of str
        Filled while the rows are read.
    types : dict of heading to Categorical
        As what columns are parsed that are no plain text; it may change between two blocks.
    """

    file: FileKind
    headings: tuple[str, ...]
    delimiter: str
    data_row: int
    limits: Limits
    sheet: str | None = None
    warnings: list[str] = field(default_factory=list)
    types: dict[str, pl.Categorical] = field(default_factory=dict)
    _skip_records: int = 0

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """The rows under the headings, in blocks.

        Parameters
        ----------
        columns : collection of str, optional
            The headings whose cells are wanted; all of them by default.

        Raises
        ------
        DataError
            If the file is cut off or its quotation marks do not match.
        """
        chosen = [name for name in self.headings if columns is None or name in columns]
        number = -self._skip_records
        is_worth_trying = True

        def even(data: bytes, before: int) -> pl.DataFrame | None:
            nonlocal is_worth_trying
            if not is_worth_trying or before - self._skip_records < self.data_row - 1:
                return None
            cells = even_rows(data, self.delimiter, self.headings, chosen, self.types)
            is_worth_trying = cells is not None
            return cells

        for records in split_records(self.file, self.delimiter, self.limits, even):
            first, number = number + 1, number + len(records)
            if records.even is not None:
                row = pl.int_range(first, number + 1, dtype=pl.Int32, eager=True).alias("_row")
                yield Chunk(records.even.with_columns(row), pl.DataFrame(schema=FAULT_SCHEMA))
                continue
            skip = min(max(self.data_row - first, 0), len(records))
            if skip < len(records):
                yield self._chunk(records, skip, first, chosen)

    def _chunk(self, records: Records, skip: int, first: int, chosen: Sequence[str]) -> Chunk:
        width = len(self.headings)
        fields = records.fields[skip:]
        rows = np.arange(first + skip, first + len(records), dtype=np.int32)
        self._refuse_cut(records, rows, fields)
        good = fields == width
        blank = records.blank[skip:]
        cells = records.frame(skip + np.flatnonzero(good & ~blank), self.headings, chosen)
        cells = cells.with_columns(pl.Series("_row", rows[good & ~blank]))
        wrong = np.flatnonzero(~good & ~blank)
        quotes = fields[wrong] < 0
        faults = pl.DataFrame(
            {
                "_row": rows[wrong],
                "column": None,
                "found": [
                    "quotation mark inside a field" if q else f"{n} fields"
                    for q, n in zip(quotes, fields[wrong], strict=True)
                ],
                "allowed": f"{width} fields, as there are headings",
                "reason": [
                    "wrong_quotes" if q else "too_many_fields" if n > width else "too_few_fields"
                    for q, n in zip(quotes, fields[wrong], strict=True)
                ],
            },
            schema=FAULT_SCHEMA,
        )
        return Chunk(cells, faults)

    def _refuse_cut(self, records: Records, rows: np.ndarray, fields: np.ndarray) -> None:
        if not records.last or self.file.ends_with_newline or not len(fields):
            return
        if 0 <= fields[-1] < len(self.headings):
            raise DataError(
                f"{self.file.path.name}: row {rows[-1]}, the last one, breaks off after "
                f"{fields[-1]} of {len(self.headings)} fields; the file is cut off, export it again"
            )
        self.warnings.append(
            f"{self.file.path.name}: the last row ({rows[-1]}) has no line end; check that the "
            "file is complete"
        )


def open_text(
    file: FileKind,
    *,
    wanted: Collection[str],
    header_row: int = 1,
    data_row: int | None = None,
    delimiter: str | None = None,
    limits: Limits | None = None,
) -> TextTable:
    """Open a CSV file and read its headings.

    Parameters
    ----------
    file : FileKind
        From `file_kind.inspect`; its kind is "text".
    wanted : collection of str
        Headings that must be there; they also decide between possible delimiters.
    header_row : int
        Row of the headings, 1 for the first; 0 if there are none: columns are then "1", "2", ….
    data_row : int, optional
        First row under the headings; by default the next one.
    delimiter : str, optional
        Detected by default.

    Raises
    ------
    DataError
        If headings are missing; the message says what was found and, if they stand in another
        row, in which.
    """
    limits = limits or Limits()
    sample, announced = _first_rows(file, delimiter)
    candidates = [mark for mark in (delimiter, announced) if mark][:1] or list(DELIMITERS)
    lines = [line + "\n" for line in sample.split("\n")]
    tables = {mark: list(csv.reader(lines, delimiter=mark)) for mark in candidates}
    skip = 1 if announced else 0
    chosen = max(candidates, key=lambda mark: _fit(tables[mark][skip:], wanted, header_row or 1))
    rows = tables[chosen][skip:]
    headings = find_headings(file.path.name, rows, wanted, header_row, limits)
    return TextTable(file, headings, chosen, data_row or header_row + 1, limits, _skip_records=skip)


def _first_rows(file: FileKind, delimiter: str | None) -> tuple[str, str | None]:
    """The first 64 KB as text, and the delimiter that a `sep=;` line announces."""
    text = next(decoded_blocks(file, 1 << 16)).decode("utf-8", "ignore").lstrip("\ufeff")
    if len(text) >= 1 << 15 and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    text = text.replace("\r\n", "\n").replace("\r", " ").removesuffix("\n")
    line = text.partition("\n")[0].strip('" ')
    announced = line[4:5] if line[:4].lower() == "sep=" and len(line) == 5 else None
    if announced and delimiter and announced != delimiter:
        raise DataError(
            f"{file.path.name}: its first line announces {announced!r} between fields, the "
            f"mapping says {delimiter!r}; correct the mapping"
        )
    return text, announced


def _fit(
    rows: Sequence[Sequence[str]], wanted: Collection[str], header_row: int
) -> tuple[int, int, int, int]:
    """How well a delimiter fits: wanted headings found in their row, in any row, rows of one
    width, width."""
    if len(rows) < header_row:
        return (0, 0, 0, 0)
    found = [len({tidy(name) for name in row} & set(wanted)) for row in rows[:50]]
    width = len(rows[header_row - 1])
    same = sum(len(row) == width for row in rows[header_row:])
    return (found[header_row - 1], max(found), same if width > 1 else 0, width)
