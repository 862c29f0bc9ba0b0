"""Text in cells that a spreadsheet opens as text, never as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters at which some spreadsheet computes, wide forms and DDE included."""


def neutral(value: object) -> str:
    """A cell's text; what could be computed gets an apostrophe in front (ASVS 5.0, 1.2.10).

    Blanks before the first character do not hide it. Numbers stay numbers: pass them as numbers.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\x00", "")
    first = text.lstrip(" \u00a0\ufeff\u200b")
    return f"'{text}" if first.startswith(_STARTS) else text


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file (RFC 4180: commas, CRLF), UTF-8, every cell neutral."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([neutral(value) for value in row] for row in rows)
    return lines.getvalue().encode()
