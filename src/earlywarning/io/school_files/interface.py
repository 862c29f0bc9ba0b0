"""What every reader of school files offers, and what it is given.

A reader knows one layout, such as a month's attendance sheet. It recognises the layout by content
(`sniff`), says what it understood as entries of a mapping, and turns the files into flat tables
(`open`): one row a fact, each with the number of the row that it comes from. From there on they go
the way of every other table: the mapping names the columns, `records.validation` judges the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from earlywarning.io.file_kind import FileKind, Kind, Limits
from earlywarning.io.grid import Cell, Grid, grids
from earlywarning.io.tabular import FAULT_SCHEMA, Chunk
from earlywarning.io.workbook import EMPTY, TEXT

_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files that a reader looks at: one, or the files of a folder that belong together.

    Attributes
    ----------
    files : tuple of FileKind
    name : str
        As the delivery calls the file or folder.
    limits : Limits
    """

    files: tuple[FileKind, ...]
    name: str
    limits: Limits = field(default_factory=Limits)

    @property
    def file(self) -> FileKind:
        """The first file, or the only one."""
        return self.files[0]

    def grids(self) -> list[Grid]:
        """The sheets of the first file; none if it is no file of cells."""
        if self.file.kind not in ("text", "workbook", "page"):
            return []
        return grids(self.file, self.limits)

    def named(self, name: str) -> FileKind | None:
        """The file of that name, capitals apart."""
        found = (file for file in self.files if file.path.name.lower() == name.lower())
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader understood of a bundle.

    Attributes
    ----------
    layout : str
        The reader's name.
    what : str
        One line for a person: what it is, of which time, class, how many students.
    entries : tuple of mapping
        The `[[table]]` entries that read it, as `mapping.parse_mapping` takes them, without `file`;
        each has `table`, `layout` and `part`. One with `fallback = True` is left out where another
        file of the delivery fills the same table without it.
    defaults : mapping
        What the files say about all of it: `school_id`, `school_year`.
    questions : tuple of (str, str)
        What a person must say before an import: the key of the mapping, and the question in words.
    warnings : tuple of str
        What is odd, with the place.
    """

    layout: str
    what: str
    entries: tuple[Mapping[str, Any], ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


class FlatTable(Protocol):
    """A table that is opened; `tabular.TextTable` and `workbook.WorkbookTable` are such.

    One of a reader with `is_bundle` may have `file`, a str: the name of the file of the bundle
    whose rows its rows are. Refused rows are named by it; those of other files by `Chunk.file`.
    """

    headings: tuple[str, ...]
    data_row: int
    sheet: str | None
    warnings: list[str]

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """The rows in blocks; see `tabular.TextTable.chunks`."""
        ...


class Reader(Protocol):
    """One layout.

    Attributes
    ----------
    name : str
        As `layout` in a mapping.
    kinds : tuple of str
        Kinds of file (`FileKind.kind`) that it reads.
    is_bundle : bool
        Whether it reads all files of a folder together.
    parts : mapping of str to tuple of str
        The flat tables that it makes, and the headings of each; a reader that keeps the file's own
        headings gives none.
    """

    name: str
    kinds: tuple[Kind, ...]
    is_bundle: bool
    parts: Mapping[str, tuple[str, ...]]

    def sniff(self, bundle: Bundle) -> Found | None:
        """What is understood of the bundle; None if it is not this layout."""
        ...

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """Of a bundle that `sniff` knows, the files that are this reader's."""
        ...

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """One flat table of a bundle.

        Parameters
        ----------
        bundle : Bundle
        part : str
            One of `parts`.
        options : mapping
            `[table.options]` of the mapping, which the reader describes.
        sheet : str or int, optional
            Of a workbook: name, or number from 1.

        Raises
        ------
        DataError
            If the bundle is not of this layout, is damaged, or an option does not fit.
        """
        ...


Rows = Iterator[tuple[int, Sequence[str | None] | Sequence[Cell]]]


@dataclass(slots=True)
class RowsTable:
    """A flat table out of a reader's rows.

    Attributes
    ----------
    headings : tuple of str
    rows : function that gives (row number, cells as wide as the headings)
        Cells are texts, or (text, kind) pairs where the kind is known. Called at each reading.
    data_row : int
        Row number of the first row.
    faults : list of tuple
        Rows that the reader refuses, as `tabular.FAULT_SCHEMA`; filled while `rows` runs.
    warnings : list of str
        Filled while `rows` runs.
    """

    headings: tuple[str, ...]
    rows: Callable[[], Rows]
    data_row: int = 1
    sheet: str | None = None
    warnings: list[str] = field(default_factory=list)
    faults: list[tuple[int, str | None, str, str, str]] = field(default_factory=list)

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """The rows in blocks."""
        places = [
            (place, name)
            for place, name in enumerate(self.headings)
            if columns is None or name in columns
        ]
        texts: list[list[str | None]] = []
        kinds: list[list[int]] = []
        numbers: list[int] = []
        for number, row in self.rows():
            cells = [_pair(row[place]) for place, _ in places]
            texts.append([text for text, _ in cells])
            kinds.append([kind for _, kind in cells])
            numbers.append(number)
            if len(numbers) == _ROWS:
                yield self._chunk(places, texts, kinds, numbers)
                texts, kinds, numbers = [], [], []
        if numbers or self.faults:
            yield self._chunk(places, texts, kinds, numbers)

    def _chunk(
        self,
        places: Sequence[tuple[int, str]],
        texts: list[list[str | None]],
        kinds: list[list[int]],
        numbers: list[int],
    ) -> Chunk:
        names = [name for _, name in places]
        faults = pl.DataFrame(self.faults, schema=FAULT_SCHEMA, orient="row")
        self.faults.clear()
        # `orient` needs at least one row to know the width.
        cells = pl.DataFrame(texts or None, schema=dict.fromkeys(names, pl.String), orient="row")
        return Chunk(
            cells.with_columns(pl.Series("_row", numbers, pl.Int32)),
            faults,
            pl.DataFrame(kinds or None, schema=dict.fromkeys(names, pl.UInt8), orient="row"),
        )


def _pair(cell: str | Cell | None) -> Cell:
    if isinstance(cell, tuple):
        return cell
    return cell, TEXT if cell else EMPTY
