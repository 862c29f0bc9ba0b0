"""The features on Spark, for facts that do not fit one machine (extra `spark`, Java 17).

The same Narwhals definitions as on the other engines; only reading, keeping and collecting differ.
One school needs none of it: starting Spark alone takes longer than a school's features.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa

import earlywarning
from earlywarning.errors import ArtifactError, ConfigError, EarlyWarningError
from earlywarning.io.engine import Engine, Work, typed
from earlywarning.records.tables import Type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JAVA = (17, 21)
"""Versions of Java that Spark 4 runs on."""

CONFIG: Mapping[str, str] = {
    "spark.app.name": "earlywarning",
    # Dates are days of the school's calendar, times are UTC: never those of a machine.
    "spark.sql.session.timeZone": "UTC",
    # A division by zero is a mistake in a feature; it must stop, not become an empty cell.
    "spark.sql.ansi.enabled": "true",
    # Our files hold one school year each and no folder names that mean anything.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""What is set unless `options` say otherwise."""

PARTITIONS, FEWEST = "spark.sql.shuffle.partitions", 8
"""Into how many parts rows go between steps. Spark's 200 are for a cluster; on one machine's few
cores they cost a third more processor time."""

ADDRESS = "SPARK_LOCAL_IP"
"""Spark's own variable: where this machine listens, and where workers find it."""


class SparkEngine(Engine):
    """On a cluster, or on this machine's cores with `local[*]`.

    Parameters
    ----------
    master : str
        Spark's address of the cluster, such as `spark://host:7077`, `yarn` or `local[2]`.
    scratch : str, optional
        A folder that every machine of the cluster sees, for what is read more than once; a
        temporary one by default, which does for one machine.
    options : mapping of str to str, optional
        Further settings of Spark, such as `spark.executor.memory`.

    Raises
    ------
    ConfigError
        If PySpark or a fitting Java is missing, `scratch` or this machine's own address is missing
        where the workers may be on other machines, or the cluster cannot be reached.
    """

    name = "spark"
    distributed = True

    def __init__(
        self,
        *,
        master: str = "local[*]",
        scratch: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        here = _is_here(master)
        if not here:
            _require_places(master, scratch)
        _require_java()
        # Nothing listens beyond this machine unless its address is named.
        address = os.environ.setdefault(ADDRESS, "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            with warnings.catch_warnings():
                # PySpark does not know pandas 3 yet; nothing here goes through pandas.
                warnings.simplefilter("ignore", FutureWarning)
                from pyspark.sql import SparkSession
        except ImportError as error:
            raise ConfigError(
                "the engine spark needs PySpark: pip install 'earlywarning[spark]'"
            ) from error
        self._own_scratch: tempfile.TemporaryDirectory[str] | None = None
        if scratch is None:
            self._own_scratch = tempfile.TemporaryDirectory(prefix="earlywarning-spark-")
            scratch = self._own_scratch.name
        self._scratch = f"{scratch}/{uuid.uuid4().hex}"
        self._frames = 0
        self._tables = 0
        self._stored: list[str] = []
        builder = SparkSession.builder.master(master)
        # Spark would make a name of the address, which may lead nowhere. Between machines the
        # cluster's own settings may name another place at which the driver is found.
        names = ("spark.driver.host", "spark.driver.bindAddress")
        places = dict.fromkeys(names, address) if here else {}
        for key, value in {**CONFIG, **places, **(options or {})}.items():
            builder = builder.config(key, value)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                self._session: SparkSession = builder.getOrCreate()
        except Exception as error:  # PySpark's, Py4J's and the system's have no common base
            self._clean()
            words = str(error).strip().splitlines() or [type(error).__name__]
            raise ConfigError(
                f"Spark did not start with master {master!r}: {words[0]}; check the address and "
                "that the cluster runs"
            ) from error
        context = self._session.sparkContext
        context.setLogLevel("ERROR")
        if here and not context.getConf().contains(PARTITIONS):
            self._session.conf.set(PARTITIONS, str(max(FEWEST, 2 * self.slots)))

    def _scan_files(self, files: list[Path]) -> nw.LazyFrame:
        return nw.from_native(self._session.read.parquet(*(str(file) for file in files)))

    def _load(self, frame: pl.DataFrame) -> nw.LazyFrame:
        schema = ", ".join(f"`{name}` {_SQL[type(kind)]}" for name, kind in frame.schema.items())
        if frame.is_empty():
            return nw.from_native(self._session.createDataFrame([], schema))
        return nw.from_native(self._session.createDataFrame(frame.rows(), schema))

    def _collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        native: DataFrame = frame.to_native()
        with in_words():
            collected = pl.from_arrow(native.toArrow())
        assert isinstance(collected, pl.DataFrame)  # noqa: S101
        return collected

    def map_rows(
        self,
        frame: nw.LazyFrame,
        schema: Mapping[str, Type],
        work: Work,
        told: Mapping[str, Type],
        *,
        together: str,
    ) -> pl.DataFrame:
        """As on one machine; the rows stay on the workers, and only what is told comes back."""
        columns = ", ".join(f"`{name}` {_DDL[kind]}" for name, kind in told.items())
        run = partial(
            _on_a_worker, schema=dict(schema), work=work, told=dict(told),
            version=earlywarning.__version__,
        )  # fmt: skip
        native: DataFrame = frame.to_native()
        with in_words():
            done = native.repartition(together).mapInArrow(run, columns)
            collected = pl.from_arrow(done.toArrow())
        assert isinstance(collected, pl.DataFrame)  # noqa: S101
        self._drop_kept()
        return typed(collected, told)

    def table(self, frames: Iterable[nw.LazyFrame]) -> DataFrame:
        """Frames of the same columns below one another, stored until the engine is closed.

        Each is written before the next is built, so frames that were kept for one date can go.
        """
        self._tables += 1
        folder = f"{self._scratch}-table-{self._tables}"
        self._stored.append(folder)
        for frame in frames:
            with in_words():
                frame.to_native().write.mode("append").parquet(folder)
            self._drop_kept()
        return self._session.read.parquet(folder)

    @property
    def slots(self) -> int:
        """Tasks that the cluster can do at once."""
        return max(self._session.sparkContext.defaultParallelism, 1)

    def _keep(self, frame: nw.LazyFrame) -> nw.LazyFrame:
        # Written and read again, not cached: the plan begins anew, which Spark would otherwise go
        # through from the start for each use, and a lost machine loses nothing.
        self._frames += 1
        path = f"{self._scratch}/frame-{self._frames}"
        with in_words():
            frame.to_native().write.parquet(path)
        return nw.from_native(self._session.read.parquet(path))

    def _drop_kept(self) -> None:
        """Remove what was written for the frames of one date."""
        self._remove(self._scratch)

    def _remove(self, path: str) -> None:
        java: Any = self._session.sparkContext
        folder = java._jvm.org.apache.hadoop.fs.Path(path)
        folder.getFileSystem(java._jsc.hadoopConfiguration()).delete(folder, True)

    def close(self) -> None:
        """Remove what was written, stop the session and, with `local`, Java itself."""
        try:
            for path in (self._scratch, *self._stored):
                self._remove(path)
        finally:
            self._session.stop()
            self._clean()

    def _clean(self) -> None:
        if self._own_scratch is not None:
            self._own_scratch.cleanup()


@contextmanager
def in_words() -> Iterator[None]:
    """Say in one line that the cluster did not do its work.

    A worker that dies is not told: Spark does its part again elsewhere.

    Raises
    ------
    EarlyWarningError
        If Spark gave up; nothing of the run was saved.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with warnings.catch_warnings():
            # PySpark does not know pandas 3 yet, and says so; nothing here goes through pandas.
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except (PySparkException, Py4JError, OSError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        ours = [line for line in lines if line.startswith("earlywarning.errors.")]
        said = (ours or lines or [type(error).__name__])[0][:300]
        raise EarlyWarningError(
            f"Spark gave up: {said}; nothing was saved. Look at the cluster's workers and their "
            "logs, then run the same command again"
        ) from error


def _on_a_worker(
    batches: Iterator[pa.RecordBatch],
    *,
    schema: Mapping[str, Type],
    work: Work,
    told: Mapping[str, Type],
    version: str,
) -> Iterator[pa.RecordBatch]:
    """Do the work on one partition's rows."""
    if earlywarning.__version__ != version:
        raise ArtifactError(
            f"this worker has earlywarning {earlywarning.__version__}, the driver {version}; "
            "install the same version on every machine"
        )
    rows = list(batches)
    if not rows:
        return
    given = pl.from_arrow(pa.Table.from_batches(rows))
    assert isinstance(given, pl.DataFrame)  # noqa: S101
    made = typed(work(typed(given, schema)), told)
    fields = pa.schema([(name, _ARROW[kind]()) for name, kind in told.items()])
    yield from (
        made.to_arrow(compat_level=pl.CompatLevel.oldest())
        .cast(fields)
        .to_batches(max_chunksize=_BATCH)
    )


_BATCH = 10_000
"""Rows that a worker hands back at a time."""

_DDL: Mapping[Type, str] = {
    "str": "string", "int32": "int", "int64": "bigint", "float64": "double", "bool": "boolean",
    "date": "date",
}  # fmt: skip
_ARROW: Mapping[Type, Callable[[], pa.DataType]] = {
    "str": pa.string, "int32": pa.int32, "int64": pa.int64, "float64": pa.float64,
    "bool": pa.bool_, "date": pa.date32,
}  # fmt: skip

_SQL: Mapping[type[Any], str] = {
    pl.String: "string",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Boolean: "boolean",
    pl.Date: "date",
}


def _is_here(master: str) -> bool:
    """Whether every worker runs on this machine."""
    host = master.removeprefix("spark://").rpartition(":")[0]
    return master.startswith("local") or host in ("127.0.0.1", "localhost", "[::1]")


def _require_places(master: str, scratch: str | None) -> None:
    """Where workers of other machines read what was kept, and where they find the driver."""
    if scratch is None:
        raise ConfigError(
            f"the workers of {master} cannot read this machine's temporary folder; set "
            "EARLYWARNING_SPARK_SCRATCH to a folder that every machine of the cluster sees"
        )
    if not os.environ.get(ADDRESS):
        raise ConfigError(
            f"the workers of {master} must reach this machine, which listens for itself alone; set "
            f"{ADDRESS} to its address in the network that only the cluster shares"
        )


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if program is None or not Path(program).exists():
        raise ConfigError(
            "the engine spark needs Java 17 or 21, and none was found; on Debian: "
            "apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
        )
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = _major(said.stderr)
    if version is None or not JAVA[0] <= version <= JAVA[1]:
        raise ConfigError(
            f"the engine spark needs Java {JAVA[0]} to {JAVA[1]}; {program} is "
            f"{version or 'of an unknown version'}; set JAVA_HOME to another one"
        )


def _major(text: str) -> int | None:
    """Java's version out of `openjdk version "17.0.15" 2025-04-15`."""
    _, _, after = text.partition('"')
    number = after.split(".")[0].split('"')[0]
    return int(number) if number.isdigit() else None
