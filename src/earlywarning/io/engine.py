"""The engines that run the features: Polars in memory, DuckDB when memory is short, Spark beyond.

All read the same Parquet snapshot and the same Narwhals definitions, and give the same table.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

import duckdb
import narwhals.stable.v2 as nw
import polars as pl

from earlywarning.calendar import day_number
from earlywarning.district import District
from earlywarning.errors import ArtifactError, ConfigError
from earlywarning.features.views import Facts, cut, school_settings
from earlywarning.io.coded import WHOLE, CodedFacts, Codes
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.records.tables import FACT_TABLES, Type

_TYPES: Mapping[Type, pl.DataType] = {
    "str": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
}


EngineName = Literal["polars", "duckdb", "spark"]

Work = Callable[[pl.DataFrame], pl.DataFrame]


def typed(frame: pl.DataFrame, schema: Mapping[str, Type]) -> pl.DataFrame:
    """The columns of a schema, cast to its types, rows sorted by `student_id`."""
    return frame.select(pl.col(name).cast(_TYPES[kind]) for name, kind in schema.items()).sort(
        "student_id"
    )


def files_of(snapshot: Path, table: str) -> list[Path]:
    """The Parquet files of one table."""
    return sorted((snapshot / table).glob("*.parquet"))


def _require(snapshot: Path) -> None:
    if not snapshot.is_dir():
        raise ArtifactError(f"{snapshot}: there is no such snapshot of facts; import files first")


class Engine(ABC):
    """Reads a snapshot of facts and runs lazy frames.

    Attributes
    ----------
    name : str
        `polars`, `duckdb` or `spark`.
    distributed : bool
        Whether the work is done by processes of other machines.
    """

    name: str
    distributed: bool = False

    def views(self, snapshot: Path, *, as_of_date: date, district: District) -> Facts:
        """The facts of a snapshot as they were known when a day began.

        Parameters
        ----------
        snapshot : Path
            Folder with one folder of Parquet files for each table of `FACT_TABLES`; a table
            without a file is empty.
        as_of_date : date
        district : District
            Calendar and thresholds.

        Raises
        ------
        ArtifactError
            If the snapshot is not there.
        """
        _require(snapshot)
        tables = {name: self._scan(snapshot, name) for name in FACT_TABLES}
        schools = self._collect(tables["enrollment"].select("school_id").unique())
        return cut(
            tables,
            as_of_day=day_number(as_of_date),
            calendar=district.calendar,
            school_setting=self._load(school_settings(district, schools["school_id"])),
            keep=self._keep,
        )

    def recorded_days(self, snapshot: Path) -> pl.DataFrame:
        """The days of which anything is recorded, and when that became known.

        Returns
        -------
        DataFrame
            day, known_day: each pair once, sorted, over every event that features look at.
        """
        pairs = [
            self._collect(self._scan(snapshot, table).select("day", "known_day").unique())
            for table in ("register_day", "attendance_summary", "behaviour_event", "grade")
        ]
        return pl.concat(pairs).unique().sort("day", "known_day")

    def collect(self, frame: nw.LazyFrame, schema: Mapping[str, Type]) -> pl.DataFrame:
        """Run a lazy frame, and drop what the engine kept while it was built.

        So build a frame and collect it before building the next.

        Returns
        -------
        DataFrame
            The columns of `schema`, cast to its types, rows sorted by `student_id`: the same on
            every engine.
        """
        collected = typed(self._collect(frame), schema)
        self._drop_kept()
        return collected

    def among(self, frame: nw.LazyFrame, students: pl.Series) -> nw.LazyFrame:
        """The rows of some students.

        Parameters
        ----------
        frame : LazyFrame
            Of this engine, with `student_id`.
        students : Series of str
        """
        wanted = self._load(pl.DataFrame({"student_id": students}))
        return frame.join(wanted, on="student_id", how="semi")

    def map_rows(
        self,
        frame: nw.LazyFrame,
        schema: Mapping[str, Type],
        work: Work,
        told: Mapping[str, Type],
        *,
        together: str,
    ) -> pl.DataFrame:
        """Do a piece of work on the rows of a lazy frame, and collect what it tells of them.

        Parameters
        ----------
        frame : LazyFrame
        schema : mapping of column to type
            Of the rows; the work gets them cast to it and sorted by `student_id`.
        work : function of DataFrame to DataFrame
            Made of importable functions and plain values: a distributed engine sends it to its
            workers and gives it some of the rows at a time. It must not depend on which.
        told : mapping of column to type
            What the work gives, `student_id` among it.
        together : str
            A column: rows that have its value in common come at once.

        Returns
        -------
        DataFrame
            The columns of `told`, sorted by `student_id`: the same on every engine.
        """
        del together  # all rows come at once
        return typed(work(self.collect(frame, schema)), told)

    def close(self) -> None:
        """Give back memory and spilled files."""
        self._drop_kept()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _scan(self, snapshot: Path, table: str) -> nw.LazyFrame:
        files = files_of(snapshot, table)
        if files:
            return self._scan_files(files)
        return self._load(pl.DataFrame(schema=FACT_SCHEMAS[table]))

    @abstractmethod
    def _scan_files(self, files: list[Path]) -> nw.LazyFrame: ...

    @abstractmethod
    def _load(self, frame: pl.DataFrame) -> nw.LazyFrame: ...

    @abstractmethod
    def _collect(self, frame: nw.LazyFrame) -> pl.DataFrame: ...

    @abstractmethod
    def _keep(self, frame: nw.LazyFrame) -> nw.LazyFrame: ...

    @abstractmethod
    def _drop_kept(self) -> None: ...


# Joins run in the order in which they are written. Polars' own order joins every student with every
# register day of the class before it looks at the few exceptions: 9 times the memory and the time.
_AS_WRITTEN = pl.QueryOptFlags(join_order=False)


class PolarsEngine(Engine):
    """Everything in memory; the default."""

    name = "polars"

    def __init__(self) -> None:
        self._codes = Codes()
        self._files: tuple[tuple[str, int, int], ...] = ()
        self._facts: CodedFacts | None = None

    def views(self, snapshot: Path, *, as_of_date: date, district: District) -> Facts:
        """As on every engine; a snapshot asked for again is laid out, for all further dates."""
        _require(snapshot)
        files = {name: files_of(snapshot, name) for name in FACT_TABLES}
        # A snapshot's files never change; whoever writes others under its name is not misled.
        found = tuple(
            (str(file), file.stat().st_mtime_ns, file.stat().st_size)
            for some in files.values()
            for file in some
        )
        if found != self._files:
            # For one date alone, to lay out would cost more than to read.
            self._forget()
            self._files = found
            return super().views(snapshot, as_of_date=as_of_date, district=district)
        if self._facts is None:
            self._facts = CodedFacts(files, district.calendar, self._codes)
        coded, as_of_day = self._facts, day_number(as_of_date)
        return cut(
            {name: nw.from_native(coded.whole(name)) for name in WHOLE},
            as_of_day=as_of_day,
            calendar=district.calendar,
            school_setting=self._load(school_settings(district, coded.schools)),
            keep=self._keep,
            within=lambda table, window: nw.from_native(
                coded.known(table, window, as_of_day=as_of_day)
            ),
        )

    def _forget(self) -> None:
        if self._facts is not None:
            self._facts.close()
        self._facts = None

    def _scan_files(self, files: list[Path]) -> nw.LazyFrame:
        return nw.from_native(self._codes.coded(pl.scan_parquet(files)))

    def _load(self, frame: pl.DataFrame) -> nw.LazyFrame:
        return nw.from_native(self._codes.coded(frame.lazy()))

    def _collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        native: pl.LazyFrame = frame.to_native()
        # Not in memory: that engine knows a column of one value, such as the warning of the only
        # school, as a number, and divides by it with the inexact reciprocal.
        return native.collect(engine="streaming", optimizations=_AS_WRITTEN)

    def _keep(self, frame: nw.LazyFrame) -> nw.LazyFrame:
        return nw.from_native(self._collect(frame).lazy())

    def _drop_kept(self) -> None:
        """Frames free themselves."""

    def close(self) -> None:
        """Forget the facts."""
        self._forget()


class DuckDBEngine(Engine):
    """Within a memory limit, the rest on disk."""

    name = "duckdb"

    def __init__(self, *, threads: int | None, memory_limit: str | None) -> None:
        # Readable by this user alone; removed on close.
        self._spill = tempfile.TemporaryDirectory(prefix="earlywarning-spill-")
        config: dict[str, Any] = {
            "temp_directory": self._spill.name,
            "preserve_insertion_order": False,
            # Nothing is fetched while running.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads is not None:
            config["threads"] = threads
        if memory_limit is not None:
            config["memory_limit"] = memory_limit
        try:
            self._connection = duckdb.connect(":memory:", config=config)
        except duckdb.Error:
            self._spill.cleanup()
            raise
        self._tables = 0
        self._kept: list[str] = []

    def _scan_files(self, files: list[Path]) -> nw.LazyFrame:
        return nw.from_native(self._connection.read_parquet([str(file) for file in files]))

    def _load(self, frame: pl.DataFrame) -> nw.LazyFrame:
        # A copy: a relation over a Python object would die with it.
        name = self._table(self._connection.from_arrow(frame.to_arrow()))
        return nw.from_native(self._connection.table(name))

    def _collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        return relation.pl()

    def _keep(self, frame: nw.LazyFrame) -> nw.LazyFrame:
        name = self._table(frame.to_native())
        self._kept.append(name)
        return nw.from_native(self._connection.table(name))

    def _drop_kept(self) -> None:
        while self._kept:
            self._connection.execute(f"drop table {self._kept.pop()}")

    def _table(self, relation: duckdb.DuckDBPyRelation) -> str:
        self._tables += 1
        name = f"frame_{self._tables}"
        relation.create(name)
        return name

    def close(self) -> None:
        """Drop every table and the spill folder."""
        self._connection.close()
        self._spill.cleanup()


def open_engine(
    name: EngineName = "polars",
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
    master: str | None = None,
    scratch: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Engine:
    """Open an engine; close it, or use it in a `with` statement.

    Parameters
    ----------
    name : {"polars", "duckdb", "spark"}
        Polars is faster and needs the features' working set in memory; DuckDB writes to a
        temporary folder what does not fit; Spark spreads the work over machines.
    threads : int, optional
        DuckDB only; Polars takes POLARS_MAX_THREADS when it is first imported.
    memory_limit : str, optional
        DuckDB only, for example "2GB"; the plan of one date alone takes up to 250 MB.
    master, scratch, options : optional
        Spark only; see `spark_engine.SparkEngine`.

    Raises
    ------
    ConfigError
        If the name is unknown, or an option is not the engine's.
    """
    if name == "spark":
        if threads is not None or memory_limit is not None:
            raise ConfigError(
                "Spark takes neither threads nor a memory limit here; set them for its workers, or "
                'with options such as {"spark.executor.memory": "2g"}'
            )
        from earlywarning.io.spark_engine import SparkEngine

        return SparkEngine(master=master or "local[*]", scratch=scratch, options=options)
    if master is not None or scratch is not None or options:
        raise ConfigError(f"master, scratch and options are Spark's; the engine is {name!r}")
    if name == "duckdb":
        try:
            return DuckDBEngine(threads=threads, memory_limit=memory_limit)
        except duckdb.Error as error:
            raise ConfigError(
                f"DuckDB does not accept threads={threads}, memory_limit={memory_limit!r}; "
                'allowed: a whole number from 1, and a size like "2GB"'
            ) from error
    if name != "polars":
        raise ConfigError(f"there is no engine {name!r}; allowed: polars, duckdb, spark")
    if memory_limit is not None:
        raise ConfigError("Polars has no memory limit; use the engine duckdb to have one")
    if threads is not None and threads != pl.thread_pool_size():
        raise ConfigError(
            f"Polars has started with {pl.thread_pool_size()} threads; for {threads}, set "
            "POLARS_MAX_THREADS before starting"
        )
    return PolarsEngine()
