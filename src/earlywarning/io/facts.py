"""The facts: Parquet snapshots keyed by random student ids, each named by its content.

A snapshot is written aside, flushed to the disk, and renamed into place; nothing points at it until
the register says that it is the current one. Files that did not change are hard links to those of
the snapshot before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from earlywarning.errors import ArtifactError
from earlywarning.io.only_one import only_one
from earlywarning.records.tables import FACT_TABLES, Table

_TYPES: dict[str, Any] = {
    "str": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
}
_ASIDE = ".aside-"
_EMPTY = "empty.parquet"
ROW_GROUP = 262_144
"""Rows of a Parquet row group: enough work for one thread of Polars or one task of Spark, and few
enough for its statistics to leave something out."""


def frame_schema(table: Table) -> pl.Schema:
    """A table's columns as polars types."""
    return pl.Schema({column.name: _TYPES[column.type] for column in table.columns})


FACT_SCHEMAS: dict[str, pl.Schema] = {
    name: frame_schema(table) for name, table in FACT_TABLES.items()
}


def part_of(table: str) -> pl.Expr:
    """The school year whose file a row lies in; it follows from the key, so versions stay together.

    The year of a day is July to June on every calendar: this only names files.
    """
    if table == "enrollment":
        return pl.col("school_year")
    if table in ("grade", "attendance_summary"):
        return pl.col("period").str.head(7)
    day = pl.col("day").cast(pl.Date)
    first = day.dt.year() - (day.dt.month() < 7).cast(pl.Int32)
    return pl.format("{}-{}", first, ((first + 1) % 100).cast(pl.String).str.zfill(2))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that was written.

    Attributes
    ----------
    id : str
        SHA-256 over its manifest, which holds the SHA-256 of every file.
    rows : mapping of table to int
        Rows, every version counted.
    """

    id: str
    rows: dict[str, int]


class FactStore:
    """Snapshots below one folder.

    Attributes
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def _snapshots(self) -> Path:
        return self.root / "snapshots"

    def folder(self, snapshot_id: str) -> Path:
        """Where a snapshot lies: a folder per table, with one Parquet file a school year."""
        return self._snapshots / snapshot_id

    def manifest(self, snapshot_id: str) -> dict[str, Any]:
        """Rows and hash of every file, by table and school year.

        Raises
        ------
        ArtifactError
            If the snapshot is not there, or its manifest is not the one that gave it its name.
        """
        path = self.folder(snapshot_id) / "manifest.json"
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ArtifactError(
                f"facts: snapshot {snapshot_id[:12]} is not in {self._snapshots}; "
                "restore the folder from the backup that belongs to the register"
            ) from error
        if hashlib.sha256(text).hexdigest() != snapshot_id:
            raise ArtifactError(f"{path}: was altered after it was written; restore a backup")
        return json.loads(text)

    def read(self, snapshot_id: str | None, table: str) -> pl.DataFrame:
        """Every row of a table, every version, in the order of its key within each school year.

        An empty frame with the declared columns where there is no snapshot.
        """
        if snapshot_id is None:
            return pl.DataFrame(schema=FACT_SCHEMAS[table])
        parts = self.parts(snapshot_id, table)
        frames = [self.read_part(snapshot_id, table, part) for part in parts]
        return pl.concat(frames) if frames else pl.DataFrame(schema=FACT_SCHEMAS[table])

    def scan(self, snapshot_id: str, table: str) -> pl.LazyFrame:
        """As `read`, of what is asked for only, in no order."""
        parts = self.parts(snapshot_id, table)
        if not parts:
            return pl.LazyFrame(schema=FACT_SCHEMAS[table])
        folder = self.folder(snapshot_id) / table
        files = [folder / f"{part}.parquet" for part in parts]
        return pl.scan_parquet(files, hive_partitioning=False)

    def parts(self, snapshot_id: str | None, table: str) -> list[str]:
        """School years in which a table has rows."""
        if snapshot_id is None:
            return []
        return sorted(
            name.removesuffix(".parquet")
            for name, entry in self.manifest(snapshot_id)[table]["files"].items()
            if entry["rows"]
        )

    def read_part(self, snapshot_id: str | None, table: str, part: str) -> pl.DataFrame:
        """The rows of one school year; an empty frame where there are none."""
        path = self.folder(snapshot_id) / table / f"{part}.parquet" if snapshot_id else None
        if path is None or not path.exists():
            return pl.DataFrame(schema=FACT_SCHEMAS[table])
        return pl.read_parquet(path, hive_partitioning=False)

    def write(self, tables: Mapping[str, pl.DataFrame], *, base: str | None) -> Snapshot:
        """Write a snapshot: whole tables; those left out stay as in `base`."""
        with self.writer(base=base) as writer:
            for table, rows in tables.items():
                old = set(self.parts(base, table))
                for (part,), frame in rows.group_by(part_of(table), maintain_order=True):
                    writer.put(table, str(part), frame)
                    old.discard(str(part))
                for part in old:
                    writer.put(table, part, rows.clear())
            return writer.finish()

    @contextmanager
    def writer(self, *, base: str | None) -> Iterator[SnapshotWriter]:
        """A snapshot being written, file by file; what is not finished is removed."""
        aside = self._snapshots / f"{_ASIDE}{uuid.uuid4().hex}"
        aside.mkdir(parents=True)
        try:
            yield SnapshotWriter(self, aside, base)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def verify(self, snapshot_id: str) -> None:
        """Compare every file with its recorded hash.

        Raises
        ------
        ArtifactError
            Names the first file that is missing, altered, or not in the manifest.
        """
        folder = self.folder(snapshot_id)
        expected = {
            f"{table}/{name}": entry["sha256"]
            for table, about in self.manifest(snapshot_id).items()
            for name, entry in about["files"].items()
        }
        found = {str(path.relative_to(folder).as_posix()) for path in folder.glob("*/*")}
        for name in sorted(set(expected) | found):
            path = folder / name
            if name not in expected:
                raise ArtifactError(f"{path}: is not part of the snapshot; remove it")
            if not path.exists() or _sha256(path) != expected[name]:
                raise ArtifactError(
                    f"{path}: is missing or was altered after it was written; restore a backup"
                )

    def remove_except(self, keep: set[str]) -> None:
        """Remove what an interrupted import left behind, and every snapshot not in `keep`."""
        if not self._snapshots.exists():
            return
        for folder in list(self._snapshots.iterdir()):
            if folder.name not in keep:
                # Under its name a snapshot is whole or not there, even if this is interrupted.
                gone = folder
                if not folder.name.startswith(_ASIDE):
                    gone = folder.rename(folder.with_name(f"{_ASIDE}{uuid.uuid4().hex}"))
                shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def only_writer(self, *, wait_seconds: float) -> Iterator[None]:
        """Hold the facts against a second import.

        Raises
        ------
        Busy
            If another import still runs after `wait_seconds`.
        """
        with only_one(
            self.root / "import.lock",
            wait_seconds=wait_seconds,
            busy=f"another import into {self.root} is running and did not end within "
            f"{wait_seconds:g} s; nothing was saved, try again when it has finished",
        ):
            yield


class SnapshotWriter:
    """A snapshot being written; `FactStore.writer` opens one."""

    def __init__(self, store: FactStore, aside: Path, base: str | None) -> None:
        self._store = store
        self._aside = aside
        self._base = base
        nothing = {table: {"rows": 0, "files": {}} for table in FACT_TABLES}
        self._manifest: dict[str, dict[str, Any]] = store.manifest(base) if base else nothing
        self._written: set[tuple[str, str]] = set()
        for table in FACT_TABLES:
            (aside / table).mkdir()

    def put(self, table: str, part: str, rows: pl.DataFrame) -> None:
        """Write one school year of a table in place of what `base` has; no rows, no file."""
        name = f"{part}.parquet"
        files = self._manifest[table]["files"]
        before = files.pop(name, None)
        self._written.discard((table, name))
        if rows.is_empty():
            return
        path = self._aside / table / name
        rows.select(FACT_SCHEMAS[table].names()).cast(FACT_SCHEMAS[table]).write_parquet(
            path, compression="zstd", statistics=True, row_group_size=ROW_GROUP
        )
        digest = _sha256(path)
        files[name] = {"rows": rows.height, "sha256": digest}
        if before and before["sha256"] == digest:
            path.unlink()
        else:
            flush(path)
            self._written.add((table, name))

    def finish(self) -> Snapshot:
        """Put the snapshot in place and return its id; `base` itself if nothing differs."""
        for table, about in self._manifest.items():
            if set(about["files"]) - {_EMPTY}:
                about["files"].pop(_EMPTY, None)
            elif _EMPTY not in about["files"]:
                self._put_empty(table)
            about["files"] = dict(sorted(about["files"].items()))
            about["rows"] = sum(entry["rows"] for entry in about["files"].values())
        text = json.dumps(self._manifest, sort_keys=True, separators=(",", ":")).encode()
        snapshot = Snapshot(
            hashlib.sha256(text).hexdigest(),
            {table: about["rows"] for table, about in self._manifest.items()},
        )
        if self._store.folder(snapshot.id).exists():
            return snapshot
        for table, about in self._manifest.items():
            for name in about["files"]:
                if (table, name) not in self._written:
                    self._link(table, name)
            flush(self._aside / table)
        path = self._aside / "manifest.json"
        path.write_bytes(text)
        flush(path)
        flush(self._aside)
        self._aside.rename(self._store.folder(snapshot.id))
        flush(self._aside.parent)
        return snapshot

    def _put_empty(self, table: str) -> None:
        """A file without rows, so that every engine finds the columns."""
        path = self._aside / table / _EMPTY
        pl.DataFrame(schema=FACT_SCHEMAS[table]).write_parquet(path)
        flush(path)
        self._manifest[table]["files"][_EMPTY] = {"rows": 0, "sha256": _sha256(path)}
        self._written.add((table, _EMPTY))

    def _link(self, table: str, name: str) -> None:
        if self._base is None:
            raise AssertionError(f"{table}/{name} was neither written nor there before")
        old = self._store.folder(self._base) / table / name
        try:
            os.link(old, self._aside / table / name)
        except FileNotFoundError as error:
            raise ArtifactError(f"{old}: is missing; restore a backup") from error
        except OSError:  # a file system without hard links
            shutil.copyfile(old, self._aside / table / name)
            flush(self._aside / table / name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Make sure that a file, or a folder's list of names, is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
