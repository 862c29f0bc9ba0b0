"""XLSX sheets as text cells with row numbers, each cell with its kind.

A number stays told apart from text, and a real date from a text that looks like one: so a student
number that lost its zeros, or a mark that Excel turned into a date, can be named. Formulas are
never computed; the value that the spreadsheet program stored beside them is read.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Limits
from earlywarning.io.headings import find_headings
from earlywarning.io.tabular import FAULT_SCHEMA, Chunk

EMPTY, TEXT, NUMBER, DATE, TRUTH, FORMULA = range(6)
KINDS = ("empty", "text", "number", "date", "truth", "formula")
"""What a cell is; `formula` is one whose value is not stored in the file."""

_ROWS = 50_000
_LOOK_AHEAD = 50
_LAST_ROW = 1_048_576
"""No spreadsheet program has more rows; a file that claims one would keep us counting."""


@dataclass(slots=True)
class WorkbookTable:
    """One sheet of a workbook, opened. Attributes as of `tabular.TextTable`."""

    file: FileKind
    sheet: str | None
    headings: tuple[str, ...]
    data_row: int
    limits: Limits
    warnings: list[str] = field(default_factory=list)

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """The rows under the headings; see `tabular.TextTable.chunks`."""
        places = [
            (place, name)
            for place, name in enumerate(self.headings)
            if columns is None or name in columns
        ]
        width = len(self.headings)
        texts: list[list[str | None]] = []
        kinds: list[list[int]] = []
        numbers: list[int] = []
        faults: list[tuple[int, None, str, str, str]] = []
        for number, row in raw_rows(self.file, self.sheet or "", self.limits):
            if number < self.data_row or all(value is None for value in row):
                continue
            if any(value is not None for value in row[width:]):
                faults.append(
                    (number, None, f"{len(row)} cells", f"{width} cells, as there are headings",
                     "too_many_fields")
                )  # fmt: skip
                continue
            cells = [cell(row[place] if place < len(row) else None) for place, _ in places]
            texts.append([text for text, _ in cells])
            kinds.append([kind for _, kind in cells])
            numbers.append(number)
            if len(numbers) == _ROWS:
                yield _chunk(places, texts, kinds, numbers, faults)
                texts, kinds, numbers, faults = [], [], [], []
        if numbers or faults:
            yield _chunk(places, texts, kinds, numbers, faults)


def open_workbook(
    file: FileKind,
    *,
    wanted: Collection[str],
    sheet: str | int | None = None,
    header_row: int = 1,
    data_row: int | None = None,
    limits: Limits | None = None,
) -> WorkbookTable:
    """Open a sheet and read its headings.

    Parameters
    ----------
    file : FileKind
        From `file_kind.inspect`, which has checked the limits; its kind is "workbook".
    sheet : str or int, optional
        Name, or number from 1; needed if there are several.
    wanted, header_row, data_row
        As of `tabular.open_text`.

    Raises
    ------
    DataError
        If the workbook is damaged, the sheet does not exist or headings are missing.
    """
    limits = limits or Limits()
    name = _sheet_name(file, sheet)
    first: list[list[str]] = []
    for number, row in raw_rows(file, name, limits):
        while len(first) < number - 1:
            first.append([])
        first.append([cell(value)[0] or "" for value in row])
        if number >= max(header_row, 1) + _LOOK_AHEAD:
            break
    where = f"{file.path.name}, sheet {name}"
    if not first:
        raise DataError(f"{where}: is empty; export it again")
    headings = find_headings(where, first, wanted, header_row, limits)
    return WorkbookTable(file, name, headings, data_row or header_row + 1, limits)


def _open(file: FileKind, *, values: bool = True) -> Any:
    import openpyxl  # it takes long, and most files are no workbooks

    try:
        with warnings.catch_warnings():
            # Styles, validations and such that openpyxl does not know are of no concern here.
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(
                file.path, read_only=True, data_only=values, keep_links=False
            )
    except Exception as error:  # openpyxl lets every kind of error through
        raise _damaged(file, error) from error


def _damaged(file: FileKind, error: Exception) -> DataError:
    return DataError(
        f"{file.path.name}: is a damaged workbook ({type(error).__name__}: {error}); "
        "open it in a spreadsheet program and save it again"
    )


def sheet_names(file: FileKind) -> list[str]:
    """The sheets of a workbook, in order; charts apart."""
    book = _open(file)
    try:
        return [page.title for page in book.worksheets]
    finally:
        book.close()


def _sheet_name(file: FileKind, sheet: str | int | None) -> str:
    names = sheet_names(file)
    listing = ", ".join(repr(name) for name in names) or "none"
    if isinstance(sheet, int) and 1 <= sheet <= len(names):
        return names[sheet - 1]
    if isinstance(sheet, str) and sheet in names:
        return sheet
    if sheet is None and len(names) == 1:
        return names[0]
    if sheet is None:
        raise DataError(
            f"{file.path.name}: has {len(names)} sheets ({listing}); "
            "say in the mapping which one, with sheet = …"
        )
    raise DataError(f"{file.path.name}: has no sheet {sheet!r}; it has {listing}")


def raw_rows(file: FileKind, sheet: str, limits: Limits) -> Iterator[tuple[int, Sequence[Any]]]:
    """Row number and values; a formula without stored value appears as `_Formula`."""
    book = _open(file)
    formulas = _open(file, values=False) if _has_formulas(file) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pages = [other[sheet] for other in (book, formulas) if other is not None]
            for page in pages:
                page.reset_dimensions()
            count = 0
            parallel = [page.iter_rows(values_only=True) for page in pages]
            for number, rows in enumerate(zip(*parallel, strict=True), start=1):
                row = rows[0]
                count += len(row)
                if count > limits.cells or len(row) > limits.columns or number > _LAST_ROW:
                    raise DataError(
                        f"{file.path.name}, sheet {sheet}: row {number} goes beyond "
                        f"{limits.columns:,} columns, {limits.cells:,} cells or row {_LAST_ROW:,}; "
                        "delete what is outside the table"
                    )
                if len(rows) == 2:
                    row = [
                        _Formula if value is None and _is_formula(other) else value
                        for value, other in zip(row, rows[1], strict=True)
                    ]
                yield number, row
    except DataError:
        raise
    except Exception as error:
        raise _damaged(file, error) from error
    finally:
        book.close()
        if formulas is not None:
            formulas.close()


class _Formula:
    """Stands for a formula whose value the file does not hold."""


def _is_formula(value: object) -> bool:
    return not isinstance(value, str | int | float | date | time | timedelta | None) or (
        isinstance(value, str) and value.startswith("=")
    )


def _has_formulas(file: FileKind) -> bool:
    with zipfile.ZipFile(file.path) as archive:
        for part in archive.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                with archive.open(part) as stream:
                    tail = b""
                    while block := stream.read(1 << 22):
                        if b"<f>" in tail + block or b"<f " in tail + block:
                            return True
                        tail = block[-3:]
    return False


def cell(value: Any) -> tuple[str | None, int]:
    """A value as text, and its kind. Dates are written year first."""
    if value is None:
        return None, EMPTY
    if isinstance(value, str):
        return value, TEXT
    if isinstance(value, bool):
        return str(value).lower(), TRUTH
    if isinstance(value, int):
        return str(value), NUMBER
    if isinstance(value, float):
        return (str(int(value)) if value.is_integer() else repr(value)), NUMBER
    if isinstance(value, datetime):
        midnight = value.time() == time(0)
        return (value.date().isoformat() if midnight else value.isoformat(" ")), DATE
    if isinstance(value, date):
        return value.isoformat(), DATE
    if value is _Formula:
        return "(formula)", FORMULA
    return str(value), TEXT


def _chunk(
    places: Sequence[tuple[int, str]],
    texts: list[list[str | None]],
    kinds: list[list[int]],
    numbers: list[int],
    faults: list[tuple[int, None, str, str, str]],
) -> Chunk:
    names = [name for _, name in places]
    cells = pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String), orient="row")
    if not texts:
        cells = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return Chunk(
        cells.with_columns(pl.Series("_row", numbers, pl.Int32)),
        pl.DataFrame(faults, schema=FAULT_SCHEMA, orient="row"),
        pl.DataFrame(kinds, schema=dict.fromkeys(names, pl.UInt8), orient="row"),
    )
