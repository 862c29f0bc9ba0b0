"""The list of refused rows as a file for the person who can correct them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from earlywarning.io.cells import neutral
from earlywarning.records.faults import REFUSAL_SCHEMA

COLUMNS = ("file", "sheet", "row", "column", "found", "allowed", "reason")


def refusals_csv(refused: pl.DataFrame) -> bytes:
    """Refused rows as CSV: `;` between fields, UTF-8 with a byte-order mark, for spreadsheets.

    What a spreadsheet would compute is neutralised, for the cells come from strangers' files.

    Parameters
    ----------
    refused : DataFrame
        `records.faults.REFUSAL_SCHEMA`.
    """
    texts = [name for name in COLUMNS if REFUSAL_SCHEMA[name] == pl.String]
    safe = refused.select(*COLUMNS).with_columns(_neutral(refused[name]) for name in texts)
    text = safe.write_csv(separator=";", line_terminator="\r\n", null_value="")
    return b"\xef\xbb\xbf" + text.encode()


def write_refusals(refused: pl.DataFrame, path: Path) -> None:
    """Write `refusals_csv` to a file."""
    path.write_bytes(refusals_csv(refused))


def _neutral(texts: pl.Series) -> pl.Series:
    distinct = texts.drop_nulls().unique()
    return texts.replace_strict(
        distinct,
        pl.Series([neutral(text) for text in distinct], dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )
