"""The texts of a table, each different one once: what is checked is checked once per text.

A column of a million marks holds a handful of codes and a few thousand numbers. A workbook's cells
have kinds, which may differ where the text does not; there every cell is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from earlywarning.records.cell_values import ID_COLUMNS

WORTH = 10_000
"""Rows from which telling texts apart costs less than looking at all of them."""
_SAMPLE = 1_000


def repeats(column: pl.Series) -> bool:
    """Whether a column of text says the same things again and again, by two samples of it.

    One is its beginning, the other spread over all of it: a file may be sorted.
    """
    if isinstance(column.dtype, pl.Categorical):
        return True
    spread = column.gather_every(max(len(column) // _SAMPLE, 1))
    return any(2 * sample.n_unique() <= len(sample) for sample in (spread, column.head(_SAMPLE)))


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
        self._texts: dict[str, pl.Series] = {}
        self._next: dict[str, int] = {}

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
        known = self._texts.get(name, pl.Series(name, [], dtype=pl.String))
        if len(known) and len(column) and not column.has_nulls():
            for start in self._starts(name, known, column[0]):
                numbers = np.arange(start, start + len(column), dtype=np.int64) % len(known)
                if self._is_so(known, column, numbers):
                    self._next[name] = int(numbers[-1] + 1) % len(known)
                    return pl.Series(name, numbers.astype(np.uint32))
        found = _places(known, column)
        if found.null_count() > column.null_count():
            new = column.filter(found.is_null()).drop_nulls().unique(maintain_order=True)
            known = self._texts[name] = pl.concat([known, new.alias(name)])
            found = _places(known, column)
        return found.alias(name)

    def spelled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Numbers as texts."""
        return rows.with_columns(
            column.cast(pl.String)
            if column.dtype != pl.UInt32
            else self._texts[column.name].gather(column)
            for column in rows.get_columns()
            if column.dtype == pl.UInt32 or isinstance(column.dtype, pl.Categorical)
        )

    def _starts(self, name: str, known: pl.Series, first: str) -> Iterator[int]:
        """Where a column may go on: after the one before, or where its first text stands."""
        following = self._next.get(name, 0)
        if known[following] == first:
            yield following
        elif (place := (known == first).arg_max()) is not None and known[place] == first:
            yield place

    @staticmethod
    def _is_so(known: pl.Series, column: pl.Series, numbers: np.ndarray) -> bool:
        every = max(len(column) // _SAMPLE, 1)
        return all(  # a wrong guess is seen in a sample
            bool((known.gather(numbers[::part]) == column.gather_every(part)).all())
            for part in (every, 1)
        )


def _places(known: pl.Series, column: pl.Series) -> pl.Series:
    """The place of each text among those that are known; null if it is not."""
    asked = column.to_frame("text")
    # First those that are asked for, few beside a province's: a join keeps its right side.
    numbered = known.to_frame("text").with_row_index("place")
    numbered = numbered.join(asked.unique(), on="text", how="semi")
    return asked.join(numbered, on="text", how="left", maintain_order="left")["place"]


class Vetted:
    """Texts of columns that have been found sound just as they stand, of one entry of a mapping.

    The students of a province stand there again every day. Who was looked at once is known by a
    number, without another look at the text.

    Parameters
    ----------
    dtypes : Numberings
    """

    def __init__(self, dtypes: Numberings) -> None:
        self.dtypes = dtypes
        self._sound: dict[str, np.ndarray] = {}

    def numbered(self, cells: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.Series]:
        """Numbers of people and the like that hardly repeat within one block."""
        return {
            name: self.dtypes.number(name, cells[name])
            for name in names
            if name in ID_COLUMNS and cells[name].dtype == pl.String and not repeats(cells[name])
        }

    def all_sound(self, name: str, numbered: pl.Series) -> bool:
        """Whether every text of a column was found sound before."""
        sound = self._sound.get(name)
        if sound is None or numbered.has_nulls():
            return False
        numbers = numbered.to_physical().to_numpy()
        return bool(numbers.max() < len(sound) and sound[numbers].all())

    def add(self, name: str, numbered: pl.Series) -> None:
        """Remember texts as sound."""
        if not len(numbered):
            return
        numbers = numbered.to_physical().to_numpy()
        sound = self._sound.get(name, np.zeros(0, dtype=bool))
        most = int(numbers.max()) + 1
        if most > len(sound):
            sound = np.concatenate((sound, np.zeros(most - len(sound), dtype=bool)))
        sound[numbers] = True
        self._sound[name] = sound


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

    def are_apart(self, name: str) -> bool:
        """Whether the values of a column are its different ones."""
        return name in self._codes

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
