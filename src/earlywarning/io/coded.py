"""A snapshot read once for many dates: text as numbers, laid out by when things happened.

Text costs most of reading facts: each row's student is looked up in a dictionary. So that is done
once. What features ask for is a stretch of days, as known on a date; so rows lie by the school year
of their day (grades: the quarter), and those that were known by its end, or the next one's, and
were never replaced, need not be asked again. A school's facts stay in memory. A
province's wait in a temporary folder, readable by this user alone and gone with the engine: they
would take half of the memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from earlywarning.calendar import NEVER, SchoolCalendar, day_date, day_number
from earlywarning.features.views import READ, VERSIONS
from earlywarning.features.windows import Window
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.records.tables import FACT_TABLES

IN_MEMORY = 64_000_000
"""Bytes of Parquet up to which facts are kept in memory, where they take up to twelve times that:
some 100,000 students with three school years."""

_ROWS = 8_000_000
"""Rows laid out at a time where they do not stay in memory."""

_IDS = ("student_id", "class_id", "school_id")
_WORDS = ("subject", "status", "kind", "severity", "polarity")
_SENSIBLE = day_number(date(1990, 7, 1)), day_number(date(2100, 1, 1))
"""Quarters are made for days in between; a row of any other day is kept among the odd ones."""

_LONG = ("register_day", "attendance_event", "behaviour_event", "grade")
"""Tables that are laid out by day."""

WHOLE = tuple(name for name in FACT_TABLES if name not in _LONG)
"""The others, which are given whole."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that were never replaced.

    Attributes
    ----------
    start, end : int
        Every row's day is in between: first day, and first day after it.
    ready : int
        Every row was known before this day.
    rows : DataFrame or Path
        The rows, or the file that holds them.
    """

    start: int
    end: int
    ready: int
    rows: pl.DataFrame | Path


_ODD = 0


def _place(rows: pl.DataFrame, bounds: Sequence[int]) -> pl.Series:
    """Which part a row lies in: twice its stretch's number, one more if it was known in the next.

    `_ODD` for a row that was replaced, known later still, or of a day out of all stretches.
    """
    # The stretch's number of each day, small enough for a processor's cache.
    first, last = _SENSIBLE
    days = np.arange(first, last + 1, dtype=np.int32)
    numbers = np.searchsorted(np.asarray(bounds, dtype=np.int32), days, side="right")
    numbers = np.where(numbers < len(bounds), numbers, len(bounds)).astype(np.uint16)
    day = rows["day"].to_numpy()
    stretch = numbers[day.clip(first, last) - first]
    ready = numbers[rows["known_day"].to_numpy().clip(first, last) - first]
    late = np.maximum(ready, stretch) - stretch
    is_odd = (rows["superseded_day"].to_numpy() != NEVER) | (late > 1)
    is_odd |= (stretch < 1) | (stretch >= len(bounds)) | (day < first) | (day > last)
    return pl.Series(np.where(is_odd, np.uint16(_ODD), stretch * np.uint16(2) + late))


class Codes:
    """Numbers for ids and words; frames join that were coded by the same."""

    def __init__(self) -> None:
        self.kinds = {name: pl.Categorical(pl.Categories.random(name)) for name in (*_IDS, *_WORDS)}
        # Held, because numbers live as long as a column that has them.
        self._held = [pl.Series(dtype=kind) for kind in self.kinds.values()]

    def coded(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """A frame, its ids and words as Categorical."""
        names = frame.collect_schema().names()
        return frame.with_columns(
            pl.col(name).cast(kind) for name, kind in self.kinds.items() if name in names
        )


class CodedFacts:
    """The facts of one snapshot.

    Every column of text but `school_year` is Categorical.

    Parameters
    ----------
    files : mapping of table to list of Path
        Parquet files of every table of `FACT_TABLES`; a table without files is empty.
    calendar : SchoolCalendar
        Rows lie by its years and quarters. Any other gives the same rows, only slower.
    codes : Codes
    """

    def __init__(
        self, files: Mapping[str, list[Path]], calendar: SchoolCalendar, codes: Codes
    ) -> None:
        self._kinds = codes.kinds
        self._calendar = calendar
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        size = sum(file.stat().st_size for some in files.values() for file in some)
        if size > IN_MEMORY:
            self._folder = tempfile.TemporaryDirectory(prefix="earlywarning-facts-")
        self._files = 0
        self._whole: dict[str, pl.LazyFrame] = {}
        self._parts: dict[str, list[Part]] = {}
        self._odd: dict[str, pl.DataFrame] = {}
        try:
            for name, some in files.items():
                frame = pl.scan_parquet(some) if some else pl.LazyFrame(schema=FACT_SCHEMAS[name])
                coded = codes.coded(frame.select(*READ[name], *VERSIONS))
                if name in _LONG:
                    self._lay_out(name, coded)
                else:
                    self._whole[name] = coded.collect(engine="streaming").lazy()
        except BaseException:
            # Nobody has this object yet who could close it.
            self.close()
            raise
        enrolled = self._whole["enrollment"].select("school_id").collect()
        self.schools: pl.Series = enrolled["school_id"].unique().cast(pl.String).sort()

    def known(self, table: str, window: Window, *, as_of_day: int) -> pl.LazyFrame:
        """The rows of a stretch of days as they were known when a day began: columns `READ`."""
        end = min(window.end, as_of_day)
        whole: list[Part] = []
        cut: list[pl.LazyFrame] = []
        seen = pl.col("day").is_between(window.start, end, closed="left") & (
            pl.col("known_day") < as_of_day
        )
        for part in self._parts[table]:
            if part.end <= window.start or part.start >= end:
                continue
            if part.ready <= as_of_day and part.start >= window.start and part.end <= end:
                whole.append(part)
            else:
                cut.append(self._read([part]).filter(seen))
        odd = self._odd[table].filter(seen & (pl.col("superseded_day") >= as_of_day))
        frames = [self._read(whole)] if whole else []
        frames += [*cut, odd.lazy()] if odd.height or not (frames or cut) else cut
        frames = [frame.select(READ[table]) for frame in frames]
        return pl.concat(frames) if len(frames) > 1 else frames[0]

    def whole(self, table: str) -> pl.LazyFrame:
        """Every row, every version, of a table that is not laid out; `known` gives the others."""
        return self._whole[table]

    def close(self) -> None:
        """Remove what waits in a folder."""
        self._parts, self._odd, self._whole = {}, {}, {}
        if self._folder is not None:
            self._folder.cleanup()

    def _read(self, parts: Sequence[Part]) -> pl.LazyFrame:
        frames = [part.rows for part in parts if isinstance(part.rows, pl.DataFrame)]
        if frames:
            return pl.concat(frames, rechunk=False).lazy()
        scanned = pl.scan_ipc([part.rows for part in parts if isinstance(part.rows, Path)])
        names = scanned.collect_schema().names()
        return scanned.with_columns(
            pl.col(name).cat.to(kind) for name, kind in self._kinds.items() if name in names
        )

    def _lay_out(self, name: str, coded: pl.LazyFrame) -> None:
        parts: list[Part] = []
        odd: list[pl.DataFrame] = []
        for rows in self._pieces(coded):
            bounds = self._bounds(name, rows["day"])
            place = _place(rows, bounds)
            odd.append(rows.filter(place == _ODD))
            for found in sorted(set(place.unique()) - {_ODD}):
                number, late = divmod(found, 2)
                ready = bounds[number + late] if number + late < len(bounds) else NEVER
                some = rows.drop("superseded_day").filter(place == found)
                kept = self._stored(name, some)
                parts.append(Part(bounds[number - 1], bounds[number], ready, kept))
        self._parts[name] = parts
        self._odd[name] = pl.concat(odd)

    def _pieces(self, coded: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        if self._folder is None:
            yield coded.collect(engine="streaming")
            return
        height = coded.select(pl.len()).collect().item()
        for start in range(0, max(height, 1), _ROWS):
            yield coded.slice(start, _ROWS).collect(engine="streaming")

    def _bounds(self, name: str, days: pl.Series) -> list[int]:
        """The first days of the stretches of days that hold some, and the day after all."""
        if days.is_empty():
            return []
        sensible = days.clip(*_SENSIBLE)
        first, last = (day_date(int(day)) for day in (sensible.min(), sensible.max()))  # type: ignore[arg-type]
        quarters = self._calendar.quarters_between(first, last)
        starts = {
            # Only of grades is so little looked at that quarters pay.
            quarter.start_day if name == "grade" else self._year_start(quarter.school_year)
            for quarter in quarters
        }
        end = quarters[-1]
        while name != "grade" and end.school_year == quarters[-1].school_year:
            end = self._calendar.next(end)
        return [*sorted(starts), end.end_day if name == "grade" else end.start_day]

    def _year_start(self, school_year: str) -> int:
        return day_number(self._calendar.school_year_start(school_year))

    def _stored(self, name: str, rows: pl.DataFrame) -> pl.DataFrame | Path:
        if self._folder is None:
            return rows
        self._files += 1
        file = Path(self._folder.name) / f"{name}-{self._files}.arrow"
        # Bare numbers: a file of categories would hold every name and look each up again.
        texts = [column for column in rows.columns if column in self._kinds]
        rows.with_columns(pl.col(texts).to_physical()).write_ipc(file, compression="lz4")
        return file
