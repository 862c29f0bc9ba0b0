"""Saving a workbook so that the same content gives the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import openpyxl

_STAMP = (2026, 7, 1, 0, 0, 0)
_TIMES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def save(book: openpyxl.Workbook, path: Path) -> None:
    """Save without the time of writing."""
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(path, "w") as fixed:
        for name in parts.namelist():
            content = parts.read(name)
            if name == "docProps/core.xml":
                content = _TIMES.sub(rb"\g<1>2026-07-01T00:00:00Z", content)
            part = zipfile.ZipInfo(name, _STAMP)
            part.compress_type = zipfile.ZIP_DEFLATED
            fixed.writestr(part, content)
