"""The texts of a table, each different one once: what is checked is checked once per text.

A column of a million marks holds a handful of codes and a few thousand numbers. A workbook's cells
have kinds, which may differ where the text does not; there every cell is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

AT_ONCE = 50_000
"""Texts that are searched or judged at a time, which takes memory for each."""
WORTH = 10_000
"""Rows from which telling texts apart costs less than looking at all of them."""
_SAMPLE = 1_000
_OFTEN = 100
"""Texts that stand more often in a column are not looked for in their order."""


def repeats(column: pl.Series) -> bool:
    """Whether a column of text says the same things again and again, by two samples of it.

    One is its beginning, the other spread over all of it: a file may be sorted.
    """
    if isinstance(column.dtype, pl.Categorical):
        return True
    spread = column.gather_every(max(len(column) // _SAMPLE, 1))
    return any(2 * sample.n_unique() <= len(sample) for sample in (spread, column.head(_SAMPLE)))


def as_categorical(numbers: pl.Series, dtype: pl.Categorical) -> pl.Series:
    """Numbers that texts of a type have, as these texts; the way back is `to_physical`."""
    return numbers.cast(pl.UInt32).cat.to(dtype)


MANY = ("student",)
"""Columns with about as many different texts as there are people; their numbers are plain ones,
which take a third of the memory of a `Categorical`."""


class Numberings(dict[str, pl.Categorical]):
    """The numbers of texts, column by column: a text keeps its number as long as this lives.

    For each column a `Categorical` type. Polars forgets the numbers of a type of which no column is
    left. Columns of `MANY` have unsigned numbers, as no column of a source table has.
    """

    def __init__(self) -> None:
        super().__init__()
        self._alive: list[pl.Series] = []
        self._texts = {name: pl.Series(name, [], dtype=pl.String) for name in MANY}
        self._next = dict.fromkeys(MANY, 0)

    def __missing__(self, name: str) -> pl.Categorical:
        self[name] = pl.Categorical(pl.Categories.random())
        self._alive.append(pl.Series(name, [], dtype=self[name]))
        return self[name]

    def number(self, name: str, column: pl.Series) -> pl.Series:
        """A column of text by number; soonest if it goes on in the order in which texts first came.

        So it is where an export lists the same students day by day.
        """
        if name not in MANY:
            return column.cast(self[name])
        column = column.cast(pl.String)
        numbers = in_order(column, self._texts[name], self._next[name])
        if numbers is not None:
            self._next[name] = int(numbers[-1]) + 1
            return numbers.alias(name)
        parts = range(0, max(len(column), 1), AT_ONCE)
        return pl.concat(self._searched(name, column.slice(part, AT_ONCE)) for part in parts)

    def _searched(self, name: str, column: pl.Series) -> pl.Series:
        known = self._texts[name]
        found = _places(known, column)
        if found.null_count() > column.null_count():
            new = column.filter(found.is_null()).drop_nulls().unique(maintain_order=True)
            known = self._texts[name] = pl.concat([known, new.alias(name)], rechunk=True)
            found = _places(known, column)
        return found.alias(name)

    def texts(self, name: str, first: int, last: int) -> pl.Series:
        """The texts of some numbers of a column."""
        if name in MANY:
            return self._texts[name].slice(first, last + 1 - first)
        numbers = pl.int_range(first, last + 1, dtype=pl.UInt32, eager=True)
        return as_categorical(numbers, self[name]).cast(pl.String)

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Each text as a number, the same for the same text of a column."""
        return rows.with_columns(
            self.number(name, rows[name])
            for name, dtype in rows.schema.items()
            if dtype == pl.String
        )

    def spelled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Numbers as texts."""
        return rows.with_columns(
            column.cast(pl.String)
            if column.dtype != pl.UInt32
            else self._texts[column.name].gather(column)
            for column in rows.get_columns()
            if column.dtype == pl.UInt32 or isinstance(column.dtype, pl.Categorical)
        )


def in_order(column: pl.Series, known: pl.Series, start: int) -> pl.Series | None:
    """The places of texts among those that are known, if they go on in that order.

    So they do where an export lists the same students day by day; there nothing is searched.

    Parameters
    ----------
    column, known : Series of str
    start : int
        The place where the column may begin; if not there, where its first text stands.

    Returns
    -------
    Series of uint32 or None
        None if the column is in another order.
    """
    if column.has_nulls() or not len(column) or _OFTEN * len(known) < len(column):
        return None
    start %= len(known)
    if known[start] != column[0]:
        start = (known == column[0]).arg_max() or 0
    numbers: list[pl.Series] = []
    place = 0
    while place < len(column):
        part = known.slice(start, len(column) - place)
        if not (part == column.slice(place, len(part))).all():
            return None
        numbers.append(pl.int_range(start, start + len(part), dtype=pl.UInt32, eager=True))
        place, start = place + len(part), 0
    return pl.concat(numbers)


def _places(known: pl.Series, column: pl.Series) -> pl.Series:
    """The place of each text among those that are known; null if it is not."""
    asked = column.to_frame("text")
    # First those that are asked for, few beside a province's: a join keeps its right side.
    numbered = known.to_frame("text").with_row_index("place")
    numbered = numbered.join(asked.unique(), on="text", how="semi")
    return asked.join(numbered, on="text", how="left", maintain_order="left")["place"]


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
    known : mapping of column to Series, optional
        Texts that are told apart already: of `Categorical` columns, by number.
    """

    def __init__(
        self, cells: pl.DataFrame, names: Sequence[str], empty: Collection[str], *, apart: bool,
        known: Mapping[str, pl.Series] | None = None,
    ) -> None:  # fmt: skip
        nothing = ["", *empty]
        self._codes: dict[str, pl.Series] = {}
        self.values: dict[str, pl.Series] = {}
        for name in names:
            column = cells[name]
            if apart and cells.height > WORTH and repeats(column):
                texts = (known or {}).get(name)
                column, self._codes[name] = (
                    _told_apart(column) if texts is None else _placed(column.to_physical(), texts)
                )
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
    return _placed(places, present.gather(present.to_physical().arg_sort()).cast(pl.String))


def _placed(places: pl.Series, values: pl.Series) -> tuple[pl.Series, pl.Series]:
    if places.has_nulls():
        places = places.fill_null(len(values))
        values = values.extend_constant(None, 1)
    return values, places


def without(values: pl.Series, mask: pl.Series) -> pl.Series:
    """Null where the mask is true."""
    if not mask.any():
        return values
    return pl.select(pl.when(~mask.fill_null(False)).then(values)).to_series()
