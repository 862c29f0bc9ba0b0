"""A delivery, read and checked: typed rows of every table, and the list of refused rows.

Rows are kept in parts whose keys cannot overlap (attendance by month, grades by period), so that
duplicates are settled part by part and memory does not grow with the number of files. Large tables
wait on disk, in a folder that only this user can read and that goes when the delivery is closed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

from earlywarning.io.mapping import Mapping as MappingFile
from earlywarning.io.matching import Matched
from earlywarning.records.cell_values import TYPES
from earlywarning.records.faults import REFUSAL_SCHEMA
from earlywarning.records.tables import SOURCE_TABLES

ORDER = (
    "school", "staff", "class_group", "student", "enrollment", "guardian", "calendar_day",
    "attendance",
    "attendance_summary", "behaviour_type", "behaviour", "grade", "visit",
)  # fmt: skip
"""Tables in the order in which an import needs them."""

ROWS_IN_MEMORY = 1_500_000
GROUPS = 32
"""Of schools, into which a large table is divided."""
DIVIDED = ("attendance", "attendance_summary", "grade")
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
        self._frames: dict[tuple[str, str], list[pl.DataFrame | Path]] = {}
        self._waiting: dict[str, int] = {}
        self._divided: set[str] = set()
        self._count = 0

    def add(self, table: str, rows: pl.DataFrame) -> None:
        """Add rows, each to its part."""
        if not rows.height:
            return
        self._keep(table, _parts(table, rows))
        self._waiting[table] = self._waiting.get(table, 0) + rows.height
        if self._waiting[table] > ROWS_IN_MEMORY:
            self._to_disk(table)

    def parts(self, table: str) -> list[str]:
        """Parts of a table, in order."""
        return sorted(part for name, part in self._frames if name == table)

    def load(self, table: str, part: str) -> pl.DataFrame:
        """All rows of one part, in the order in which they were added."""
        frames = [
            frame if isinstance(frame, pl.DataFrame) else pl.read_ipc(frame.read_bytes())
            for frame in self._frames[table, part]
        ]
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def pieces(self, table: str) -> Iterator[pl.DataFrame]:
        """The rows of a table block by block, as they were added."""
        for part in self.parts(table):
            for frame in self._frames[table, part]:
                yield frame if isinstance(frame, pl.DataFrame) else pl.read_ipc(frame.read_bytes())

    def drop(self, table: str) -> None:
        """Forget the rows of a table."""
        for part in self.parts(table):
            for frame in self._frames.pop((table, part)):
                if isinstance(frame, Path):
                    frame.unlink(missing_ok=True)

    def replace(self, table: str, part: str, rows: pl.DataFrame) -> None:
        """Put settled rows in the place of a part."""
        old = self._frames[table, part]
        if all(isinstance(frame, pl.DataFrame) for frame in old):
            self._frames[table, part] = [rows]
            return
        self._frames[table, part] = [self._write(rows)]
        for frame in old:
            if isinstance(frame, Path):
                frame.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove every row."""
        self._frames.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _keep(self, table: str, parts: Iterable[tuple[str, pl.DataFrame]]) -> None:
        for part, frame in parts:
            pieces = _by_school(part, frame) if table in self._divided else [(part, frame)]
            for name, piece in pieces:
                self._frames.setdefault((table, name), []).append(piece)

    def _to_disk(self, table: str) -> None:
        if table in DIVIDED and table not in self._divided:
            whole = [(part, self.load(table, part)) for part in self.parts(table)]
            self.drop(table)
            self._divided.add(table)
            self._keep(table, whole)
        for (name, _), frames in self._frames.items():
            if name == table:
                here = [frame for frame in frames if isinstance(frame, pl.DataFrame)]
                written = [frame for frame in frames if isinstance(frame, Path)]
                frames[:] = [*written, self._write(pl.concat(here))] if here else written
        self._waiting[table] = 0

    def _write(self, rows: pl.DataFrame) -> Path:
        if self._folder is None:
            if self._work_dir is not None:
                self._work_dir.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix="delivery-", dir=self._work_dir)
        self._count += 1
        path = Path(self._folder.name) / f"{self._count:06d}.arrow"
        rows.write_ipc(path, compression="lz4")
        return path


def _by_school(part: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """A part in pieces, each school whole in one of them; in the order of parts."""
    for group, frame in _split(rows, rows["school_id"].hash() % GROUPS):
        yield f"{part}/{group:02d}", frame


def _parts(table: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if table == "attendance":
        part = rows["date"].dt.year() * 100 + rows["date"].dt.month()
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


def _split(rows: pl.DataFrame, by: pl.Series) -> Iterator[tuple[Any, pl.DataFrame]]:
    """The rows of each value of a series as long as they are, in their order."""
    for frame in rows.with_columns(by.alias("_by")).partition_by("_by", maintain_order=True):
        yield frame["_by"][0], frame.drop("_by")


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
