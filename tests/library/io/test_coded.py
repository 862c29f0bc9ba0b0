"""Facts read once for many dates: never a row more or less than each date knew."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
import pytest

from earlywarning.calendar import NEVER, SchoolCalendar, day_number
from earlywarning.district import Thresholds
from earlywarning.features import build
from earlywarning.features.views import READ, as_known
from earlywarning.features.windows import Window, before
from earlywarning.io import coded
from earlywarning.io.coded import CodedFacts, Codes
from earlywarning.io.engine import files_of, open_engine
from messy_district import DISTRICT, messy_tables
from tiny_school import TinySchool, write

LONG = ("register_day", "attendance_event", "behaviour_event", "grade")
FIRST = day_number(date(2025, 7, 1))
CODES = ("2026-27-Q1", "2026-27-Q4", "2025-26-Q3", "2026-27-Q2")
"""Not in their order: what was read for a later date serves an earlier one."""


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A province's way, in pieces, on the data of a school."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(coded, "IN_MEMORY", 0)
    monkeypatch.setattr(coded, "_ROWS", 700)
    return place


def opened(snapshot: Path, calendar: SchoolCalendar = DISTRICT.calendar) -> CodedFacts:
    return CodedFacts({name: files_of(snapshot, name) for name in READ}, calendar, Codes())


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """As text again, in one order."""
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String)).sort(frame.columns)


def odd_days(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Some rows known years later, replaced, known before their day, or of an impossible day."""
    rng = np.random.default_rng(seed)
    known, day, until = (
        frame[name].to_numpy().copy() for name in ("known_day", "day", "superseded_day")
    )
    kind = rng.integers(0, 12, len(frame))
    known = np.where(kind == 0, known + rng.integers(0, 800, len(frame)), known)
    known = np.where(kind == 1, day - 30, known)
    until = np.where(kind == 2, known + rng.integers(0, 300, len(frame)), until)
    day = np.where(kind == 3, rng.choice([-9000, 0, 7000, 48_000, 60_000], len(frame)), day)
    columns = {"known_day": known, "day": day, "superseded_day": until}
    return frame.with_columns(
        pl.Series(name, values, dtype=pl.Int32) for name, values in columns.items()
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("where", ["memory", "disk"])
def test_each_date_sees_what_it_knew(tmp_path: Path, seed: int, where: str, request):
    if where == "disk":
        request.getfixturevalue("on_disk")
    tables = {
        name: odd_days(frame, seed) if name in LONG else frame
        for name, frame in messy_tables(seed).items()
    }
    facts = opened(write(tables, tmp_path / "facts"))
    rng = np.random.default_rng(seed)
    days = [FIRST + int(n) for n in rng.integers(-60, 1100, 12)]
    days += [quarter.start_day for quarter in map(DISTRICT.calendar.quarter, CODES)]
    seen = 0
    for as_of_day in days:
        start = as_of_day - int(rng.integers(1, 700))
        for window in (Window("some", start, start + 300), before(as_of_day), Window("", 0, NEVER)):
            for name in LONG:
                found = facts.known(name, window, as_of_day=as_of_day).collect()
                cut = as_known(nw.from_native(tables[name].lazy()), name, as_of_day=as_of_day)
                expected = cut.filter(window.holds(nw.col("day"))).to_native().collect()
                assert plain(found).equals(plain(expected)), (name, as_of_day, window)
                seen += found.height
    facts.close()
    assert seen > 10_000


def test_a_province_on_disk_is_a_school_in_memory(tmp_path: Path, on_disk: Path):
    snapshot = write(messy_tables(2), tmp_path / "facts")
    quarters = [DISTRICT.calendar.quarter(code) for code in CODES]
    made = {}
    for name in ("polars", "duckdb"):
        with open_engine(name) as engine:
            for quarter in quarters:
                facts = engine.views(snapshot, as_of_date=quarter.start, district=DISTRICT)
                frame = engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA)
                made[name, quarter.code] = frame
            if name == "polars":
                (folder,) = on_disk.iterdir()
                assert folder.stat().st_mode & 0o077 == 0
                assert len(list(folder.iterdir())) > len(LONG)
    for quarter in quarters:
        assert made["polars", quarter.code].equals(made["duckdb", quarter.code])
    assert list(on_disk.iterdir()) == [], "gone with the engine"


def test_a_district_of_one_school_divides_by_its_threshold_exactly(tmp_path: Path):
    """The same number in each row must not be divided by as its inexact reciprocal."""
    tables = {
        name: frame.filter(pl.col("school_id") == "SCH1") for name, frame in messy_tables(6).items()
    }
    snapshot = write(tables, tmp_path)
    district = replace(DISTRICT, thresholds=Thresholds(first_warning_points=49.0))
    quarter = DISTRICT.calendar.quarter("2026-27-Q4")
    made = []
    for name in ("polars", "duckdb"):
        with open_engine(name) as engine:
            for _ in range(2):
                facts = engine.views(snapshot, as_of_date=quarter.start, district=district)
                made.append(engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA))
    assert all(one.equals(made[0]) for one in made)
    wrong = made[0]["points_year"] * (1 / 49.0)
    assert not wrong.equals(made[0]["points_share_year"].rename("points_year"))


def test_the_calendar_by_which_rows_lie_changes_none(tmp_path: Path):
    snapshot = write(messy_tables(5), tmp_path)
    ours = opened(snapshot)
    other = opened(snapshot, SchoolCalendar(quarter_starts=((9, 1), (2, 1))))
    for name in LONG:
        for as_of_day in range(FIRST + 10, FIRST + 700, 97):
            window = Window("some", as_of_day - 400, as_of_day)
            found, same = (
                plain(facts.known(name, window, as_of_day=as_of_day).collect())
                for facts in (ours, other)
            )
            assert found.equals(same)


def test_other_facts_under_the_same_name_are_read_anew(tmp_path: Path):
    quarter = DISTRICT.calendar.quarter("2026-27-Q2")
    students = []
    with open_engine() as engine:
        for name in ("Ani", "Budi"):
            school = TinySchool()
            school.enroll(name)
            write(school.tables(), tmp_path)
            for _ in range(2):
                facts = engine.views(tmp_path, as_of_date=quarter.start, district=DISTRICT)
                frame = engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA)
            students.append(frame["student_id"].to_list())
    assert students == [["Ani"], ["Budi"]]


def test_nothing_stays_of_a_snapshot_that_cannot_be_read(tmp_path: Path, on_disk: Path):
    snapshot = write(messy_tables(2), tmp_path / "facts")
    for damaged in files_of(snapshot, "grade"):
        damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(pl.exceptions.PolarsError):
        opened(snapshot)
    assert list(on_disk.iterdir()) == []
