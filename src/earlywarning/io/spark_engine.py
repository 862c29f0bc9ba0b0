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
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import polars as pl

from earlywarning.errors import ConfigError
from earlywarning.io.engine import Engine

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
    # Nothing listens beyond this machine unless a cluster's own settings say so.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
"""What is set unless `options` say otherwise."""


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
        If PySpark or a fitting Java is missing, or the cluster cannot be reached.
    """

    name = "spark"

    def __init__(
        self,
        *,
        master: str = "local[*]",
        scratch: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        _require_java()
        # Loopback unless the machine says otherwise: a name of its own may lead nowhere.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
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
        builder = SparkSession.builder.master(master)
        for key, value in {**CONFIG, **(options or {})}.items():
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
        self._session.sparkContext.setLogLevel("ERROR")

    def _scan_files(self, files: list[Path]) -> nw.LazyFrame:
        return nw.from_native(self._session.read.parquet(*(str(file) for file in files)))

    def _load(self, frame: pl.DataFrame) -> nw.LazyFrame:
        schema = ", ".join(f"`{name}` {_SQL[type(kind)]}" for name, kind in frame.schema.items())
        if frame.is_empty():
            return nw.from_native(self._session.createDataFrame([], schema))
        return nw.from_native(self._session.createDataFrame(frame.rows(), schema))

    def _collect(self, frame: nw.LazyFrame) -> pl.DataFrame:
        native: DataFrame = frame.to_native()
        collected = pl.from_arrow(native.toArrow())
        assert isinstance(collected, pl.DataFrame)  # noqa: S101
        return collected

    def _keep(self, frame: nw.LazyFrame) -> nw.LazyFrame:
        # Written and read again, not cached: the plan begins anew, which Spark would otherwise go
        # through from the start for each use, and a lost machine loses nothing.
        self._frames += 1
        path = f"{self._scratch}/frame-{self._frames}"
        frame.to_native().write.parquet(path)
        return nw.from_native(self._session.read.parquet(path))

    def _drop_kept(self) -> None:
        """Remove what was written for the frames of one date."""
        java: Any = self._session.sparkContext
        folder = java._jvm.org.apache.hadoop.fs.Path(self._scratch)
        folder.getFileSystem(java._jsc.hadoopConfiguration()).delete(folder, True)

    def close(self) -> None:
        """Stop the session and, with `local`, Java itself."""
        self._drop_kept()
        self._session.stop()
        self._clean()

    def _clean(self) -> None:
        if self._own_scratch is not None:
            self._own_scratch.cleanup()


_SQL: Mapping[type[Any], str] = {
    pl.String: "string",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Boolean: "boolean",
    pl.Date: "date",
}


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
