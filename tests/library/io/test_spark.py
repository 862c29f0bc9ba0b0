"""Features and outcomes on a Spark cluster are those of one machine, whatever happens to a worker.

The cluster is a master and two workers, processes of their own on loopback.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from earlywarning.errors import ConfigError
from earlywarning.features import build, outcomes
from earlywarning.io import spark_engine
from earlywarning.io.engine import Engine, open_engine
from messy_district import DISTRICT, messy_tables
from spark_cluster import Cluster, cluster
from tiny_school import QUARTER, write

WINDOW = DISTRICT.calendar.quarter(QUARTER)
HOW = "install it with: pip install 'earlywarning[spark]', and Java 17 or 21"


def _is_installed() -> bool:
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return False
    return shutil.which("java") is not None


needs_spark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not _is_installed() and not os.environ.get("EARLYWARNING_NEEDS_SPARK"), reason=HOW
    ),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(messy_tables(5), tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("spark")) as found:
        yield found


def opened(found: Cluster) -> Engine:
    return open_engine(
        "spark", master=found.address,
        options={"spark.sql.shuffle.partitions": "4", "spark.executor.memory": "1g"},
    )  # fmt: skip


def features(engine: Engine, snapshot: Path) -> pl.DataFrame:
    facts = engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
    return engine.collect(build.features(facts, WINDOW), build.FEATURE_SCHEMA)


def labels(engine: Engine, snapshot: Path) -> pl.DataFrame:
    later = engine.views(snapshot, as_of_date=date(2027, 1, 1), district=DISTRICT)
    return engine.collect(outcomes.outcomes(later, WINDOW), outcomes.OUTCOME_SCHEMA)


class TestOnACluster:
    pytestmark = needs_spark

    def test_the_same_table_as_on_one_machine(self, spark_cluster: Cluster, snapshot: Path):
        with open_engine() as polars:
            expected = features(polars, snapshot), labels(polars, snapshot)
            days = polars.recorded_days(snapshot)
        with opened(spark_cluster) as spark:
            assert spark.name == "spark"
            made = features(spark, snapshot), labels(spark, snapshot)
            assert spark.recorded_days(snapshot).equals(days)
        for table, other in zip(made, expected, strict=True):
            assert table.equals(other)

    def test_a_worker_that_dies_costs_time_only(self, spark_cluster: Cluster, snapshot: Path):
        with open_engine() as polars:
            expected = features(polars, snapshot)
        with opened(spark_cluster) as spark:
            end = threading.Timer(5, spark_cluster.kill_a_worker)
            end.start()
            made = features(spark, snapshot)
            end.join()
            assert made.equals(expected)
            assert features(spark, snapshot).equals(expected)


@pytest.mark.parametrize("options", [{"threads": 2}, {"memory_limit": "1GB"}])
def test_what_spark_does_not_take(options):
    with pytest.raises(ConfigError, match="Spark takes neither threads nor a memory limit"):
        open_engine("spark", **options)


def test_what_only_spark_takes():
    with pytest.raises(ConfigError, match="are Spark's; the engine is 'polars'"):
        open_engine(master="local[2]")


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="needs Java 17 or 21, and none was found"):
        open_engine("spark")


@pytest.mark.parametrize(
    ("said", "version"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 1), ("?", None)],
)
def test_versions_of_java(said: str, version: int | None):
    assert spark_engine._major(said) == version
