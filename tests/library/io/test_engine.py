"""Two engines over one snapshot: the same table, within a limit if one is set."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from earlywarning.errors import ArtifactError, ConfigError
from earlywarning.features import build
from earlywarning.io.engine import open_engine
from messy_district import DISTRICT, messy_tables
from tiny_school import QUARTER, TinySchool, features, write

WINDOW = DISTRICT.calendar.quarter(QUARTER)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(messy_tables(3), tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def expected(snapshot: Path) -> pl.DataFrame:
    with open_engine() as engine:
        facts = engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
        return engine.collect(build.features(facts, WINDOW), build.FEATURE_SCHEMA)


def test_polars_is_the_default():
    with open_engine() as engine:
        assert engine.name == "polars"


@pytest.mark.parametrize("threads", [1, 2])
def test_duckdb_within_a_limit(snapshot: Path, expected: pl.DataFrame, threads: int):
    # The plan alone takes up to 250 MB with two threads, now more, now less.
    with open_engine("duckdb", threads=threads, memory_limit="500MB") as engine:
        facts = engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
        frame = engine.collect(build.features(facts, WINDOW), build.FEATURE_SCHEMA)
    assert frame.equals(expected)


def test_one_engine_serves_many_dates(snapshot: Path):
    """What was kept for one date is dropped, and disturbs no other."""
    quarters = [DISTRICT.calendar.quarter(f"2026-27-Q{n}") for n in (1, 2, 3)]
    tables = {}
    for name in ("polars", "duckdb"):
        with open_engine(name) as engine:
            for quarter in quarters:
                facts = engine.views(snapshot, as_of_date=quarter.start, district=DISTRICT)
                frame = engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA)
                tables[name, quarter.code] = frame
    for quarter in quarters:
        assert tables["polars", quarter.code].equals(tables["duckdb", quarter.code])


def test_tables_without_files_are_empty(tmp_path: Path):
    school = TinySchool()
    school.enroll("Ani")
    write({"enrollment": school.tables()["enrollment"]}, tmp_path)
    for name in ("polars", "duckdb"):
        with open_engine(name) as engine:
            facts = engine.views(tmp_path, as_of_date=WINDOW.start, district=DISTRICT)
            frame = engine.collect(build.features(facts, WINDOW), build.FEATURE_SCHEMA)
            assert frame.equals(features(school, "polars"))
            assert engine.recorded_days(tmp_path).is_empty()


def test_recorded_days(snapshot: Path):
    with open_engine() as polars, open_engine("duckdb") as duckdb:
        days = polars.recorded_days(snapshot)
        assert days.equals(duckdb.recorded_days(snapshot))
    assert days.columns == ["day", "known_day"]
    assert days.is_unique().all()


def test_the_spill_folder_is_private_and_goes_when_done(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = open_engine("duckdb")
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
    engine.close()
    assert not folder.exists()
    with pytest.raises(ConfigError):
        open_engine("duckdb", memory_limit="much")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "spark4"}, "allowed: polars, duckdb"),
        ({"name": "polars", "memory_limit": "1GB"}, "use the engine duckdb"),
        ({"name": "polars", "threads": pl.thread_pool_size() + 1}, "POLARS_MAX_THREADS"),
        ({"name": "duckdb", "memory_limit": "much"}, "a size like"),
        ({"name": "duckdb", "threads": 0}, "a whole number from 1"),
    ],
)
def test_what_an_engine_does_not_take(options: dict, words: str):
    with pytest.raises(ConfigError, match=words):
        open_engine(**options)


def test_a_snapshot_that_is_not_there(tmp_path: Path):
    with open_engine() as engine, pytest.raises(ArtifactError, match="no such snapshot"):
        engine.views(tmp_path / "none", as_of_date=date(2026, 10, 1), district=DISTRICT)


def test_importing_the_engine_reads_no_clock_and_starts_nothing():
    """Neither connection nor folder before `open_engine`."""
    code = (
        "import tempfile; tempfile.TemporaryDirectory = None; "
        "import earlywarning.io.engine, earlywarning.io.dataset"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
