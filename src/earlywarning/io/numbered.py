"""Cells by number between the process that opens files and this one: each text is sent once.

A million marks have a handful of codes, and the students of a province stand there again every
day. So a column's texts are numbered in the order in which they first come, as long as the table is
read, and a message has the numbers of its rows and the texts that are new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from earlywarning.io import child_talk
from earlywarning.io.child_talk import NotUnderstood
from earlywarning.records.distinct import as_categorical, in_order, repeats

WORTH = 10_000
"""Rows of a message from which numbering a column is begun."""
MEMORY = 1_000
"""Bytes of the child's memory for each text that is numbered, which needs up to a quarter of it."""
_VIEW = 16
"""Bytes of a text besides its letters."""
_NARROW = ((8, pl.UInt8), (16, pl.UInt16), (32, pl.UInt32))


class Numbering:
    """In the child: the numbers of a table's texts.

    Parameters
    ----------
    most : int
        Texts that are numbered; with more, the column with the most is sent as text from then on.
    types : dict, optional
        Is filled, see below.

    Attributes
    ----------
    types : dict of heading to Categorical
        Columns that say the same things again and again; what parses them as such saves the work of
        numbering them. Filled while rows are numbered.
    """

    def __init__(self, most: int, types: dict[str, pl.Categorical] | None = None) -> None:
        self._most = most
        self.types = {} if types is None else types
        self._columns: dict[str, _Column] = {}
        self._as_text: set[str] = set()

    def numbered(self, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """Numbers in the place of texts, where that is worth it.

        Returns
        -------
        cells : DataFrame
            `UInt8`, `UInt16` or `UInt32` in the place of a column's texts.
        texts : DataFrame or None
            One row: for each of these columns its texts that were not sent before, as a list.
        """
        numbers, texts = [], []
        for name in self._worth_it(cells):
            found, new = self._columns[name].numbered(cells[name])
            numbers.append(found.alias(name))
            texts.append(new.implode().alias(name))
        self._give_up()
        if not numbers:
            return cells.cast({pl.Categorical: pl.String}), None
        return cells.with_columns(numbers).cast({pl.Categorical: pl.String}), pl.DataFrame(texts)

    def _worth_it(self, cells: pl.DataFrame) -> Iterator[str]:
        for name, dtype in cells.schema.items():
            if name in self._columns:
                yield name
            elif dtype == pl.String and cells.height > WORTH and name not in self._as_text:
                self._columns[name] = _Column()
                if repeats(cells[name]):
                    self.types[name] = self._columns[name].dtype
                yield name

    def _give_up(self) -> None:
        while sum(column.told for column in self._columns.values()) > self._most:
            name = max(self._columns, key=lambda name: self._columns[name].told)
            del self._columns[name]
            self.types.pop(name, None)
            self._as_text.add(name)


class _Column:
    """The texts of one column."""

    def __init__(self) -> None:
        self.dtype = pl.Categorical(pl.Categories.random())
        # Polars forgets the numbers of a type of which no column is left.
        self._alive = pl.Series([], dtype=self.dtype)
        self._texts = pl.Series([], dtype=pl.String)
        self._next = 0

    @property
    def told(self) -> int:
        """How many texts were sent."""
        return len(self._texts)

    def numbered(self, column: pl.Series) -> tuple[pl.Series, pl.Series]:
        """The number of each row's text, and the texts that are new."""
        plain = column.dtype == pl.String
        numbers = in_order(column, self._texts, self._next) if plain else None
        if numbers is None:
            numbers = column.cast(self.dtype).to_physical()
        else:
            self._next = int(numbers[-1]) + 1
        most = numbers.max()
        count = self.told if most is None else max(int(most) + 1, self.told)  # type: ignore[call-overload]
        new = pl.int_range(self.told, count, dtype=pl.UInt32, eager=True)
        new = as_categorical(new, self.dtype).cast(pl.String)
        if len(new):
            self._texts = pl.concat([self._texts, new], rechunk=True)
        narrow = next(dtype for bits, dtype in _NARROW if count <= 1 << bits)
        return numbers.cast(narrow), new


class Told:
    """In the process that asked: the texts of a table that were sent.

    Parameters
    ----------
    most : int
        Bytes that all of them may take: no more than the child may have, for it keeps them too.
    """

    def __init__(self, most: int = child_talk.LONGEST_PART) -> None:
        self._most = most
        self._texts: dict[str, pl.Series] = {}
        self._sizes: dict[str, int] = {}
        self._given_up: set[str] = set()

    def heard(self, cells: pl.DataFrame, texts: pl.DataFrame) -> dict[str, pl.Series]:
        """What `Numbering.numbered` made of a message's cells, checked.

        Returns
        -------
        dict of column to Series
            All texts so far, in the order of their numbers.

        Raises
        ------
        NotUnderstood
            If the numbers are not those of the texts, or the texts are more than there can be.
        """
        for name in self._texts.keys() - set(texts.columns):  # sent as text from now on
            self._given_up.add(name)
            del self._texts[name], self._sizes[name]
        for name in texts.columns:
            if name in self._given_up:
                raise NotUnderstood("numbers of a column that has none any more")
            if texts[name].dtype != pl.List(pl.String) or texts.height != 1:
                raise NotUnderstood("texts that are none")
            new = texts[name].explode(empty_as_null=False)
            if texts[name].has_nulls() or new.has_nulls():
                raise NotUnderstood("texts that are none")
            size = int(new.str.len_bytes().sum()) + _VIEW * len(new)
            self._sizes[name] = self._sizes.get(name, 0) + size
            if sum(self._sizes.values()) > self._most:
                raise NotUnderstood("more texts than there can be")
            known = self._texts.get(name)
            if known is None:
                self._texts[name] = new
            elif len(new):
                self._texts[name] = pl.concat([known, new], rechunk=True)
            numbers = cells[name] if name in cells.columns else pl.Series([""])
            if numbers.dtype not in (pl.UInt8, pl.UInt16, pl.UInt32):
                raise NotUnderstood("numbers of texts that are none")
            most = numbers.max()
            if most is not None and most >= len(self._texts[name]):  # type: ignore[operator]
                raise NotUnderstood("numbers without a text")
        return {name: self._texts[name] for name in texts.columns}


def spelled(cells: pl.DataFrame, texts: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Texts in the place of their numbers."""
    return cells.with_columns(
        known.gather(cells[name]).alias(name) for name, known in texts.items()
    )


def told_apart(
    cells: pl.DataFrame, texts: Mapping[str, pl.Series]
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """`Categorical` in the place of numbers, where these rows say the same again and again.

    Returns
    -------
    cells : DataFrame
        Other columns are spelled.
    texts : dict of column to Series
        The text of each number of a `Categorical` column; each stands in some row.
    """
    columns, values = [], {}
    for name, known in texts.items():
        numbers = cells[name]
        present = numbers.drop_nulls().unique().sort()
        if 2 * len(present) > len(numbers):
            columns.append(known.gather(numbers).alias(name))
            continue
        place = np.zeros(len(known), dtype=np.uint32)
        place[present.to_numpy()] = np.arange(len(present), dtype=np.uint32)
        dtype = pl.Categorical(pl.Categories.random())
        here = known.gather(present)
        told = here.cast(dtype)
        columns.append(told.gather(pl.Series(place).gather(numbers)).alias(name))
        if told.n_unique() == len(told):
            values[name] = here
    return cells.with_columns(columns), values
