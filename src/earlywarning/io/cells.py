"""Text in cells that a spreadsheet opens as text, never as a formula: CSV and XLSX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_UNSEEN = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\\x7f\u00a0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff"
)
_START = re.compile(f"[{_UNSEEN}]*[{_SIGNS}\t\r\n|%]")
"""First characters at which some spreadsheet computes, wide and small forms and DDE included."""

_WITHIN = re.compile(f'([,;|\t\r\n]["{_UNSEEN}]*)(?=[{_SIGNS}])')
"""Where a program that expects another mark between the cells would see a cell begin."""


def neutral(value: object) -> str:
    """A cell's text; what could be computed gets an apostrophe in front (ASVS 5.0, 1.2.10).

    Blanks before the first character do not hide it, nor does a comma or semicolon: one country's
    spreadsheet divides cells where another's does not. Numbers stay numbers: pass them as numbers.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    safe = _WITHIN.sub(r"\g<1>'", text)
    return f"'{safe}" if _START.match(text) else safe


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file (RFC 4180: commas, CRLF), UTF-8, every cell neutral."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([neutral(value) for value in row] for row in rows)
    return lines.getvalue().encode()


LONGEST_CELL = 32_767
"""Letters that a cell of a workbook can hold."""

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xlsx_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str) -> bytes:
    """A workbook of one sheet: the heading stays in sight, every text is stored as text.

    A cell's type decides here, not its first letter: `=1+1` stays as it was written.

    Parameters
    ----------
    title : str
        Of the sheet; what a sheet's name cannot hold is left out.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", title)[:31] or "1")
    sheet.freeze_panes = "A2"

    def cell(value: object) -> object:
        if value is None or isinstance(value, int | float):
            return value
        made = WriteOnlyCell(sheet, _NOT_IN_XML.sub("", str(value))[:LONGEST_CELL])
        made.data_type = "s"  # openpyxl makes a formula of whatever begins with `=`
        return made

    sheet.append([cell(name) for name in columns])
    for row in rows:
        sheet.append([cell(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
