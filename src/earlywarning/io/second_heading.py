"""Two heading rows where the mapping knows one: found before the second is read as data."""

from __future__ import annotations

import re

import polars as pl

from earlywarning.errors import DataError
from earlywarning.records.cell_values import ID_COLUMNS
from earlywarning.records.codes import ALLOWED
from earlywarning.records.validation import Rules, check

_TYPED_WORDS = ("school_year", "period", "code")
_SHAPE_REASONS = (
    "wrong_date_style", "wrong_number", "unknown_code", "wrong_period", "wrong_school_year",
)  # fmt: skip


def refuse_second_heading(
    name: str, cells: pl.DataFrame, kinds: pl.DataFrame | None, rules: Rules
) -> None:
    """Stop if the first row holds words where dates, numbers and codes should be.

    Parameters
    ----------
    name : str
        Of the file.
    cells, kinds, rules
        As of `records.validation.check`; the rows under the headings.

    Raises
    ------
    DataError
        If the row below has the dates, numbers and codes that the first one lacks.
    """
    # A row may be many lines here, one for each column that became rows.
    others = cells["_row"] != cells["_row"][0]
    second = others.arg_max()
    if second is None or not others[second]:
        return
    typed = _typed_cells(0, cells, rules)
    if not typed or any(re.search(r"\d", text) for text in typed.values()):
        return
    if _failing(0, cells, kinds, rules, typed) != set(typed):
        return
    if _failing(second, cells, kinds, rules, _typed_cells(second, cells, rules)) >= set(typed):
        return
    ids = [item for item in ID_COLUMNS if item in rules.labels and item in cells.columns]
    above, below = (" ".join(str(cells[item][place]) for item in ids) for place in (0, second))
    has_numbers_only_below = not re.search(r"\d", above) and re.search(r"\d", below)
    if len(typed) < 2 and not has_numbers_only_below:
        return
    row = cells["_row"][0]
    words = ", ".join(repr(text) for text in list(typed.values())[:5])
    raise DataError(
        f"{name}: row {row} looks like a second row of headings ({words}); set "
        f"data_row = {row + 1} in the mapping, and header_row to the row that it names"
    )


def _typed_cells(index: int, cells: pl.DataFrame, rules: Rules) -> dict[str, str]:
    """Of one row: the cells that must be a date, number or code."""
    typed = {}
    for column in rules.table.columns:
        name = column.name
        is_typed = (
            column.type != "str" or name in _TYPED_WORDS or (rules.table.name, name) in ALLOWED
        )
        if is_typed and name in rules.labels and name in cells.columns:
            text = (cells[name][index] or "").strip()
            if text:
                typed[name] = text
    return typed


def _failing(
    index: int,
    cells: pl.DataFrame,
    kinds: pl.DataFrame | None,
    rules: Rules,
    typed: dict[str, str],
) -> set[str]:
    """Of one row's typed cells: those that are no date, number or code."""
    row = cells.slice(index, 1)
    checked = check(row, rules, kinds=None if kinds is None else kinds.slice(index, 1))
    wrong = set(checked.refused.filter(pl.col("reason").is_in(_SHAPE_REASONS))["column"].to_list())
    melted = row["_melted"][0] if rules.melted else None
    return {
        name for name in typed if (melted if name == rules.melted else rules.labels[name]) in wrong
    }
