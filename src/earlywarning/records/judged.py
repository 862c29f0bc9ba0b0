"""Rows whose texts come by number: each different text of a column is judged once, not each row.

Where no rule looks at two columns of a row, a row is good if each of its texts is. A text is judged
by `validation.check`, in a copy of a good row in which it stands in its column's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from earlywarning.records import dates
from earlywarning.records.distinct import AT_ONCE, Numberings
from earlywarning.records.rules import Rules
from earlywarning.records.validation import check

TABLES = ("attendance",)
"""Where no rule looks at two columns of a row."""
_MAKES = {"code": ("code", "status")}
"""What a source's column becomes, if that is more than the column of its name."""


@dataclass(slots=True)
class _Column:
    """What became of a column's texts, by number; of the empty cell first."""

    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    values: dict[str, pl.Series] = field(default_factory=dict)

    def add(self, sound: np.ndarray, values: Mapping[str, pl.Series]) -> None:
        """What became of further texts."""
        self.sound = np.concatenate((self.sound, sound))
        for name, more in values.items():
            before = self.values.get(name)
            self.values[name] = more if before is None else pl.concat([before, more], rechunk=True)


class Judgements:
    """What became of each different text of one table, in all its files.

    Parameters
    ----------
    rules : Rules
        Of one of `TABLES`.
    example : DataFrame
        One row of `check`'s cells, which it accepts.
    numberings : Numberings
        By these texts stand in the rows.
    """

    def __init__(self, rules: Rules, example: pl.DataFrame, numberings: Numberings) -> None:
        self.rules, self.numberings = rules, numberings
        self.names = tuple(
            name for name in rules.labels if name in example.columns and name not in rules.constants
        )
        self._example = example
        self._columns = {name: _Column() for name in self.names}
        for name in self.names:
            self._judge(name, pl.Series([None], dtype=pl.String))

    def of(self, name: str, texts: pl.Series) -> tuple[np.ndarray, dict[str, pl.Series]]:
        """Judge texts of a column, those that are new.

        Returns
        -------
        sound : array of bool
        values : dict of our column to Series
            What each text became.
        """
        column = self._columns[name]
        numbers = self.numberings.number(name, texts).to_physical()
        places = (numbers.cast(pl.UInt32) + 1).fill_null(0)
        last = places.max()
        count = 0 if last is None else int(last) + 1  # type: ignore[call-overload]
        for first in range(len(column.sound), count, AT_ONCE):
            end = min(first + AT_ONCE, count)
            self._judge(name, self.numberings.texts(name, first - 1, end - 2))
        return (
            column.sound[places.to_numpy()],
            {made: values.gather(places) for made, values in column.values.items()},
        )

    def _judge(self, name: str, texts: pl.Series) -> None:
        others = [
            pl.lit(self._example[other].item(), dtype).alias(other)
            for other, dtype in self._example.schema.items()
            if other not in (name, "_row")
        ]
        row = pl.int_range(len(texts), dtype=pl.Int32, eager=True).alias("_row")
        checked = check(texts.to_frame(name).with_columns(row, *others), self.rules)
        sound = np.zeros(len(texts), dtype=bool)
        accepted = checked.rows["_row"].to_numpy()
        sound[accepted] = True
        places = np.zeros(len(texts), dtype=np.uint32)
        places[accepted] = np.arange(len(accepted), dtype=np.uint32)
        # Whether a row repeats the headings shows only the whole row.
        is_heading = texts.str.strip_chars() == self.rules.labels[name]
        sound &= ~is_heading.fill_null(False).to_numpy()
        made = checked.rows.select(_MAKES.get(name, (name,)))
        self._columns[name].add(
            sound,
            {
                column.name: column.gather(places)
                if len(column)
                else column.extend_constant(None, len(texts))
                for column in self.numberings.numbered(made).get_columns()
            },
        )


class Judged:
    """What became of the texts of one file, by the file's own numbers.

    Parameters
    ----------
    judgements : Judgements
    example : DataFrame
        One row of the file's cells that is accepted.

    Attributes
    ----------
    day_first : dict of column to int
        Good dates that prove that the day comes first; see `dates.ParsedDates`.
    """

    def __init__(self, judgements: Judgements, example: pl.DataFrame) -> None:
        self.judgements = judgements
        self._like = judgements.numberings.numbered(check(example, judgements.rules).rows)
        self._columns = {name: _Column() for name in judgements.names}
        self.day_first = dict.fromkeys(self.dates, 0)
        for name in self._columns:
            self._learn(name, pl.Series([None], dtype=pl.String))

    @property
    def dates(self) -> tuple[str, ...]:
        """Columns of dates that come from the source."""
        return tuple(name for name in self.judgements.rules.date_styles if name in self._columns)

    def rows(
        self, numbers: pl.DataFrame, texts: Mapping[str, pl.Series]
    ) -> tuple[pl.DataFrame, pl.Series | None]:
        """The rows whose texts are all sound, typed, with texts by number.

        Parameters
        ----------
        numbers : DataFrame
            `_row`, and by column the numbers of texts.
        texts : mapping of column to Series
            All texts so far, by number.

        Returns
        -------
        rows : DataFrame
            As `check`'s; `Numberings.spelled` spells their texts.
        good : Series of bool or None
            Which rows these are; None if all.
        """
        good: np.ndarray | None = None
        found = {"_row": numbers["_row"]}
        for name, column in self._columns.items():
            new = texts[name].slice(len(column.sound) - 1)
            if len(new):
                self._learn(name, new)
            places, first = numbers[name], 1
            if places.has_nulls():
                places, first = (places.cast(pl.UInt32) + 1).fill_null(0), 0
            sound = column.sound[first:]
            if not sound.all():
                these = sound[places.to_numpy()]
                good = these if good is None else good & these
            for made, values in column.values.items():
                found[made] = values.slice(first).gather(places)
        rows = self._whole(pl.DataFrame(found))
        if good is None or good.all():
            return rows, None
        mask = pl.Series(good)
        return rows.filter(mask), mask

    def _learn(self, name: str, texts: pl.Series) -> None:
        sound, values = self.judgements.of(name, texts)
        self._columns[name].add(sound, values)
        if name in self.day_first:
            good = texts.filter(pl.Series(sound)).str.strip_chars()
            styles = self.judgements.rules.date_styles[name]
            self.day_first[name] += dates.parse(good, styles).day_first_proof

    def _whole(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with the columns that say the same in all of the file."""
        same = [
            pl.lit(self._like[name].item(), dtype).alias(name)
            for name, dtype in self._like.schema.items()
            if name not in rows.columns
        ]
        return rows.with_columns(same).select(self._like.columns)
