"""A delivery, read and checked: typed rows of every table, and the list of refused rows.

Rows are kept in parts whose keys cannot overlap (attendance by month, grades by period), so that
duplicates are settled part by part and memory does not grow with the number of files. Large tables
wait on disk, in a folder that only this user can read and that goes when the delivery is closed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars as pl

from earlywarning.io.mapping import Mapping as MappingFile
from earlywarning.io.matching import Matched
from earlywarning.records.cell_values import TYPES
from earlywarning.records.distinct import Numberings, as_categorical
from earlywarning.records.faults import REFUSAL_SCHEMA
from earlywarning.records.tables import SOURCE_TABLES

ORDER = (
    "school", "staff", "class_group", "student", "enrollment", "guardian", "calendar_day",
    "attendance",
    "attendance_summary", "behaviour_type", "behaviour", "grade", "visit",
)  # fmt: skip
"""Tables in the order in which an import needs them."""

ROWS_IN_MEMORY = 1_500_000
GROUPS = 16
"""Of schools, into which a large table is divided."""
DIVIDED = ("attendance", "attendance_summary", "grade")
"""Tables that may be large: they are divided, and their texts wait by number."""
_PLACE_TYPES = {"_file": pl.String, "_sheet": pl.String, "_row": pl.Int32, "_entry": pl.Int32}


def schema_of(table: str) -> dict[str, Any]:
    """Columns and types of a table in a delivery."""
    columns = {column.name: TYPES[column.type] for column in SOURCE_TABLES[table].columns}
    if table == "attendance":
        columns |= {"status": pl.String, "namespace": pl.String}
    return columns | _PLACE_TYPES


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file of a delivery.

    Attributes
    ----------
    name : str
    sha256 : str
    size : int
        Bytes.
    rows : mapping of table to int
        Rows read, before any was refused.
    """

    name: str
    sha256: str
    size: int
    rows: Mapping[str, int]


class PartStore:
    """Frames by table and part; in memory while small, in files of a private folder after that.

    What is too much for memory is divided by school, too: then a part holds some schools only, and
    one part after the other needs no more memory for a province than for a district.
    """

    def __init__(self, work_dir: Path | None) -> None:
        self._work_dir = work_dir
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._frames: dict[tuple[str, str], list[pl.DataFrame | _Written]] = {}
        self._new: dict[tuple[str, str], list[pl.DataFrame]] = {}
        self._waiting: dict[str, int] = {}
        self._divided: set[str] = set()
        self._count = 0
        self.dtypes = Numberings()
        """Of each column of text of `DIVIDED` tables, while they wait."""

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Add rows, each to its part; texts of `DIVIDED` tables may be numbers (`dtypes`)."""
        if not rows.height:
            return
        for part, frame in _parts(table, self.dtypes.numbered(rows) if table in DIVIDED else rows):
            self._new.setdefault((table, part), []).append(frame)
        self._waiting[table] = self._waiting.get(table, 0) + rows.height
        if self._waiting[table] > ROWS_IN_MEMORY:
            self._to_disk(table)

    def parts(self, table: str) -> list[str]:
        """Parts of a table, in order."""
        self._put(table, write=False)
        return sorted(part for name, part in self._frames if name == table)

    def load(self, table: str, part: str) -> pl.DataFrame:
        """All rows of one part, in the order in which they were added."""
        return self.dtypes.spelled(self.load_numbered(table, part))

    def load_numbered(
        self, table: str, part: str, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """As `load`, but texts of a `DIVIDED` table are numbers; or some columns of it."""
        self._put(table, write=False)
        frames = [self._read(frame, columns) for frame in self._frames[table, part]]
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def has_column(self, table: str, part: str, name: str) -> bool:
        """Whether the rows of a part have a column."""
        self._put(table, write=False)
        first = self._frames[table, part][0]
        return name in (first if isinstance(first, pl.DataFrame) else first.like).columns

    def pieces(self, table: str) -> Iterator[pl.DataFrame]:
        """The rows of a table block by block, as they were added."""
        for part in self.parts(table):
            for frame in self._frames[table, part]:
                yield self.dtypes.spelled(self._read(frame))

    def drop(self, table: str) -> None:
        """Forget the rows of a table."""
        for part in self.parts(table):
            _forget(self._frames.pop((table, part)))

    def replace(self, table: str, part: str, rows: pl.DataFrame) -> None:
        """Put settled rows in the place of a part."""
        rows = self.dtypes.numbered(rows) if table in DIVIDED else rows
        old = self._frames[table, part]
        if all(isinstance(frame, pl.DataFrame) for frame in old):
            self._frames[table, part] = [rows]
            return
        self._frames[table, part] = [self._written(rows)]
        _forget(old)

    def close(self) -> None:
        """Remove every row."""
        self._frames.clear()
        self._new.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _put(self, table: str, *, write: bool) -> None:
        """Put what is new into its parts."""
        for name, part in [key for key in self._new if key[0] == table]:
            frames = self._new.pop((name, part))
            rows = frames[0] if len(frames) == 1 else pl.concat(frames)
            packed, same = _packed(rows) if write else (rows, rows)
            divided = [(part, packed)]
            if table in self._divided:
                divided = [
                    (f"{part}/{group:02d}", piece)
                    for group, piece in _split(packed, _groups(rows["school_id"]))
                ]
            for place, piece in divided:
                kept = self._write(piece, rows.clear(), same) if write else piece
                self._frames.setdefault((table, place), []).append(kept)

    def _to_disk(self, table: str) -> None:
        if table in DIVIDED and table not in self._divided:
            self._divided.add(table)
            for part in [part for name, part in self._frames if name == table]:
                before = [self._read(frame) for frame in self._frames.pop((table, part))]
                self._new[table, part] = [*before, *self._new.pop((table, part), [])]
        for (name, _), frames in self._frames.items():
            if name == table:
                here = [frame for frame in frames if isinstance(frame, pl.DataFrame)]
                written = [frame for frame in frames if isinstance(frame, _Written)]
                frames[:] = [*written, self._written(pl.concat(here))] if here else written
        self._put(table, write=True)
        self._waiting[table] = 0

    def _written(self, rows: pl.DataFrame) -> _Written:
        packed, same = _packed(rows)
        return self._write(packed, rows.clear(), same)

    def _write(self, packed: pl.DataFrame, like: pl.DataFrame, same: pl.DataFrame) -> _Written:
        if self._folder is None:
            if self._work_dir is not None:
                self._work_dir.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix="delivery-", dir=self._work_dir)
        self._count += 1
        path = Path(self._folder.name) / f"{self._count:06d}.arrow"
        packed.write_ipc(path, compression="lz4")
        return _Written(path, like, same)

    def _read(
        self, frame: pl.DataFrame | _Written, wanted: Sequence[str] | None = None
    ) -> pl.DataFrame:
        if isinstance(frame, pl.DataFrame):
            return frame if wanted is None else frame.select(wanted)
        names = frame.like.columns if wanted is None else list(wanted)
        differing = [name for name in names if name not in frame.same.columns]
        # The first column is always in the file, and says how many rows there are.
        stored = pl.read_ipc(frame.path.read_bytes(), columns=differing or [frame.like.columns[0]])
        rows = stored.with_columns(
            as_categorical(stored[name], dtype)
            for name, dtype in frame.like.select(differing).schema.items()
            if isinstance(dtype, pl.Categorical)
        )
        same = [
            pl.lit(column.item(), column.dtype).alias(column.name)
            for column in frame.same
            if column.name in names
        ]
        return rows.with_columns(same).select(names)


@dataclass(frozen=True, slots=True)
class _Written:
    """Rows in a file.

    Attributes
    ----------
    path : Path
    like : DataFrame
        Their columns, without a row.
    same : DataFrame
        Columns that say the same in every row, in one row; they are not in the file.
    """

    path: Path
    like: pl.DataFrame
    same: pl.DataFrame


def _forget(frames: Sequence[pl.DataFrame | _Written]) -> None:
    for frame in frames:
        if isinstance(frame, _Written):
            frame.path.unlink(missing_ok=True)


def _packed(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows as they are written, and columns that say one thing in all of them, in one row."""
    same = [name for name in rows.columns[1:] if rows.height and _says_one_thing(rows[name])]
    differing = [_narrow(column) for column in rows.drop(same).get_columns()]
    # Gathered, not sliced: a slice would keep the whole columns in memory.
    return pl.DataFrame(differing), rows.select(pl.col(name).gather([0]) for name in same)


def _says_one_thing(column: pl.Series) -> bool:
    if isinstance(column.dtype, pl.Categorical):
        column = column.to_physical()
    if column.dtype.is_float():
        return False
    nulls = column.null_count()
    return (
        nulls == len(column) if nulls else column[0] == column[-1] and column.min() == column.max()
    )


def _narrow(column: pl.Series) -> pl.Series:
    """The numbers of texts, in as few bytes as they need."""
    if not isinstance(column.dtype, pl.Categorical):
        return column
    numbers = column.to_physical()
    most = int(numbers.fill_null(0).to_numpy().max(initial=0))
    if most < 1 << 8:
        return numbers.cast(pl.UInt8)
    return numbers.cast(pl.UInt16) if most < 1 << 16 else numbers


def _groups(schools: pl.Series) -> pl.Series:
    """A number below `GROUPS` for each row, the same for all rows of a school."""
    numbers, different = schools.to_physical().to_numpy(), schools.unique()
    of_school = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.uint8)
    of_school[different.to_physical().to_numpy()] = (
        different.cast(pl.String).hash() % GROUPS
    ).to_numpy()
    return pl.Series(of_school[numbers])


def _parts(table: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if table == "attendance":
        ends = pl.Series([rows["date"].min(), rows["date"].max()], dtype=pl.Date)
        if not rows["date"].has_nulls() and _month(ends).n_unique() == 1:
            yield str(_month(ends)[0]), rows
            return
        part = _month(rows["date"])
    elif table in ("grade", "attendance_summary"):
        part = rows["period"]
    else:
        yield "", rows
        return
    if part.n_unique() == 1:
        yield str(part[0]), rows
        return
    starts = (part != part.shift()).fill_null(True).arg_true().to_list()
    if len(starts) == part.n_unique():  # each part stands together, as in a file sorted by day
        for start, end in zip(starts, [*starts[1:], rows.height], strict=True):
            yield str(part[start]), rows.slice(start, end - start)
        return
    for name, frame in _split(rows, part):
        yield str(name), frame


def _month(days: pl.Series) -> pl.Series:
    return days.dt.year() * 100 + days.dt.month()


def _split(rows: pl.DataFrame, by: pl.Series) -> Iterator[tuple[Any, pl.DataFrame]]:
    """The rows of each of a few values of a series as long as they are, in their order."""
    for value in by.unique(maintain_order=True):
        yield value, rows.filter(by.eq_missing(value))


@dataclass(slots=True)
class Delivery:
    """What `reading.read_delivery` returns; use it in a `with` statement.

    Attributes
    ----------
    source : str
    mapping : Mapping
    files : tuple of FileRead
    rows_read, rows, rows_refused, merged : dict of table to int
        Rows in the files; accepted; refused, identical duplicates among them; and merged, that is
        marks of one day rolled up and repetitions that the mapping expects. The first is the sum
        of the others.
    refused : DataFrame
        `records.faults.REFUSAL_SCHEMA`: one line a refused row and faulty column.
    warnings : tuple of str
        For the summary.
    matched : Matched
        Students who were found by their national id or their name.
    """

    source: str
    mapping: MappingFile
    store: PartStore
    files: tuple[FileRead, ...] = ()
    rows_read: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    rows_refused: dict[str, int] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    refused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REFUSAL_SCHEMA))
    warnings: tuple[str, ...] = ()
    matched: Matched = field(default_factory=Matched)

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that the files hold, in the order in which an import needs them."""
        return tuple(table for table in ORDER if table in self.rows_read)

    def batches(self, table: str) -> Iterator[pl.DataFrame]:
        """Accepted rows in parts: attendance month by month, grades period by period.

        Of a large delivery some schools of the month or period come at a time.

        Columns as in `schema_of`. No key appears in two batches.
        """
        for part in self.store.parts(table):
            rows = self.store.load(table, part)
            if rows.height:
                yield rows

    def frame(self, table: str) -> pl.DataFrame:
        """All accepted rows of a table; empty if the delivery has none."""
        return pl.concat([pl.DataFrame(schema=schema_of(table)), *self.batches(table)])

    def refused_counts(self) -> pl.DataFrame:
        """Refused rows by table and reason: `table`, `reason`, `rows`."""
        place = pl.struct("file", "sheet", "row")
        return (
            self.refused.group_by("table", "reason")
            .agg(place.n_unique().cast(pl.Int64).alias("rows"))
            .sort("table", "reason")
        )

    def refuse(self, table: str, refused: Sequence[pl.DataFrame]) -> int:
        """Count rows as refused that were accepted at first, one line each; returns how many."""
        lines = pl.concat([pl.DataFrame(schema=REFUSAL_SCHEMA), *refused])
        if lines.height:
            self.rows[table] -= lines.height
            self.rows_refused[table] = self.rows_refused.get(table, 0) + lines.height
            self.refused = pl.concat([self.refused, lines]).sort(
                "file", "row", "table", "column", maintain_order=True
            )
        return lines.height

    def close(self) -> None:
        """Remove the rows, from disk too."""
        self.store.close()

    def __enter__(self) -> Delivery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def tidy_rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a table in a delivery, in their order."""
    return rows.select(*schema_of(table))


def labels_of(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What the source calls each column; `#row` is no column of the source."""
    names = {name: [part for part in parts if part != "#row"] for name, parts in columns.items()}
    return {name: " + ".join(parts) for name, parts in names.items() if parts}
