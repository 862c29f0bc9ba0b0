"""The texts of a table, each different one once: what is checked is checked once per text.

A column of a million marks holds a handful of codes and a few thousand numbers. A workbook's cells
have kinds, which may differ where the text does not; there every cell is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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


class Numberings(dict[str, pl.Categorical]):
    """For each column a type in which a text keeps its number as long as this lives.

    Polars forgets the numbers of a type of which no column is left.
    """

    def __init__(self) -> None:
        super().__init__()
        self._alive: list[pl.Series] = []

    def __missing__(self, name: str) -> pl.Categorical:
        self[name] = pl.Categorical(pl.Categories.random())
        self._alive.append(pl.Series(name, [], dtype=self[name]))
        return self[name]


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
            name: self._number(name, cells[name])
            for name in names
            if name in ID_COLUMNS and cells[name].dtype == pl.String and not repeats(cells[name])
        }

    def _number(self, name: str, column: pl.Series) -> pl.Series:
        """The texts by number; soonest if they stand in the order in which they first came.

        So it is where an export lists the same students day by day.
        """
        dtype, known = self.dtypes[name], len(self._sound.get(name, ()))
        start = column.head(1).cast(dtype).to_physical().item()
        if known and not column.has_nulls():
            numbers = np.arange(start, start + len(column), dtype=np.int64) % known
            guess = pl.Series(name, numbers.astype(np.uint32)).cat.to(dtype)
            every = max(len(column) // _SAMPLE, 1)
            for part in (every, 1):  # a wrong guess is seen in a sample
                guessed = guess.gather_every(part).cast(pl.String)
                if not (guessed == column.gather_every(part)).all():
                    break
            else:
                return guess
        return column.cast(dtype)

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
