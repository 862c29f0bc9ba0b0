"""The texts of a table, each different one once: what is checked is checked once per text.

A column of a million marks holds a handful of codes and a few thousand numbers. A workbook's cells
have kinds, which may differ where the text does not; there every cell is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

WORTH = 10_000
"""Rows from which telling texts apart costs less than looking at all of them."""


class Texts:
    """Columns of text as their different values, without outer blanks, and where each stands.

    Parameters
    ----------
    cells : DataFrame
    names : sequence of str
        The columns of text.
    empty : collection of str
        Texts that mean an empty cell, besides the empty text.
    apart : bool
        Whether texts are told apart; if not, every cell counts as another one.
    """

    def __init__(
        self, cells: pl.DataFrame, names: Sequence[str], empty: Collection[str], *, apart: bool
    ) -> None:
        nothing = ["", *empty]
        self._codes: dict[str, pl.Series] = {}
        self.values: dict[str, pl.Series] = {}
        for name in names:
            column = cells[name]
            if apart and cells.height > WORTH:
                column, self._codes[name] = _told_apart(column)
            column = column.cast(pl.String)
            stripped = column.str.strip_chars()
            self.values[name] = without(stripped, stripped.is_in(nothing))

    def whole(self, name: str, values: pl.Series) -> pl.Series:
        """What holds for each different text of a column, for every row."""
        codes = self._codes.get(name)
        return values if codes is None else values.gather(codes)

    def filled(self, height: int) -> pl.Series:
        """Whether a row has a text in any column."""
        found = pl.repeat(not self.values, height, dtype=pl.Boolean, eager=True)
        for name, values in self.values.items():
            if not values.has_nulls():
                return pl.repeat(True, height, dtype=pl.Boolean, eager=True)
            found |= self.whole(name, values.is_not_null())
        return found


def _told_apart(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The different values, null the last one, and the place of each row's among them."""
    coded = column
    if not isinstance(column.dtype, pl.Categorical):
        coded = column.cast(pl.String).cast(pl.Categorical(pl.Categories.random()))
    present, places = coded.drop_nulls().unique(), coded.to_physical()
    if len(present) and places.max() != len(present) - 1:  # texts that only other rows have
        return _told_apart(column.cast(pl.String))
    values = present.gather(present.to_physical().arg_sort()).cast(pl.String)
    if column.has_nulls():
        places = places.fill_null(len(values))
        values = values.extend_constant(None, 1)
    return values, places


def without(values: pl.Series, mask: pl.Series) -> pl.Series:
    """Null where the mask is true."""
    if not mask.any():
        return values
    return pl.select(pl.when(~mask.fill_null(False)).then(values)).to_series()
