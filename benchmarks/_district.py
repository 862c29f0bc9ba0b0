"""A simulated district on disk: every mark day by day, and the facts that an import keeps of it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.io.facts import FactStore, part_of
from earlywarning.records.tables import FACT_TABLES
from earlywarning.simulation import records, world
from earlywarning.simulation.facts import facts, marks
from earlywarning.simulation.school_days import CALENDAR

YEARS = 3
UNTIL = date(2026, 7, 1)
"""The day after the last recorded one, and the first as-of date: two whole years lie before it."""

DISTRICT_TOML = '[district]\nname = "Simulated"\n\n[visits]\nlottery = false\n'


def as_of_quarters(count: int) -> list[str]:
    """Codes of the quarters to make features for, newest first."""
    quarters = [CALENDAR.quarter_of(UNTIL)]
    while len(quarters) < count:
        quarters.append(CALENDAR.previous(quarters[-1]))
    return [quarter.code for quarter in quarters]


def make(folder: Path, students: int, *, seed: int = 1) -> dict[str, int]:
    """Simulate, and lay down `marks/`, `facts/` and `district.toml`.

    Returns
    -------
    dict
        Rows of marks and of every fact table.
    """
    first = date(UNTIL.year - YEARS, 7, 1)
    quarters = CALENDAR.quarters_between(first, UNTIL)
    pieces = folder / "pieces"
    for number, size in enumerate(world.sizes(students), start=1):
        school = world.build_school(number, size, years=YEARS, seed=seed, until=UNTIL)
        lived = records.live(school, quarters=quarters, effect=1.0, draws=1)
        tables = facts(lived, delivered_day=day_number(UNTIL))
        tables["marks"] = _versions(marks(lived), tables["attendance_event"])
        for name, frame in tables.items():
            (pieces / name).mkdir(parents=True, exist_ok=True)
            frame.write_parquet(pieces / name / f"{number:04d}.parquet")
    (folder / "district.toml").write_text(DISTRICT_TOML, encoding="utf-8")
    rows = {"marks": _marks(pieces / "marks", folder / "marks")}
    rows |= _facts(pieces, folder)
    shutil.rmtree(pieces)
    return rows


def draw(made: Path, folder: Path, times: int) -> dict[str, int]:
    """The same schools so many times over under other names, in the files of one installation.

    The marks are not written again: a folder of links to the same files, read as often as there
    are copies, costs a scan the same and the disk nothing.

    Parameters
    ----------
    made : Path
        From `make`.
    times : int
        At most 256, as many as two hexadecimal digits name.

    Returns
    -------
    dict
        Rows of marks and of every fact table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "marks").mkdir()
    rows = {"marks": 0}
    for file in sorted((made / "marks").glob("*.parquet")):
        rows["marks"] += times * pl.scan_parquet(file).select(pl.len()).collect().item()
        for copy in range(times):
            (folder / "marks" / f"{file.stem}-{copy:03d}.parquet").symlink_to(file.resolve())
    for table in FACT_TABLES:
        (folder / "facts" / table).mkdir(parents=True)
        rows[table] = 0
        for file in sorted((made / "facts" / table).glob("*.parquet")):
            source = pl.scan_parquet(file)
            names = [name for name in _NAMED if name in source.collect_schema()]
            copies = [
                source.with_columns(_renamed(name, copy) for name in names) for copy in range(times)
            ]
            target = folder / "facts" / table / file.name
            pl.concat(copies).sink_parquet(
                target, compression="zstd", statistics=True, row_group_size=262_144
            )
            rows[table] += pl.scan_parquet(target).select(pl.len()).collect().item()
    (folder / "district.toml").write_text(DISTRICT_TOML, encoding="utf-8")
    return rows


_NAMED = ("student_id", "school_id", "class_id")


def _renamed(name: str, copy: int) -> pl.Expr:
    """An id of a copy: as long as before and unlike any other, in the order of copies."""
    if name == "student_id":
        return pl.format("{}{}", pl.lit(f"{copy:02x}"), pl.col(name).str.slice(2)).alias(name)
    return pl.format("{}{}", pl.lit(f"{copy:02x}."), pl.col(name)).alias(name)


def _versions(marks: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """A mark that was entered late was unrecorded before."""
    before = events.filter(pl.col("superseded_day") < NEVER)
    return pl.concat(
        [
            marks.with_columns(superseded_day=pl.lit(NEVER, pl.Int32)),
            before.select(*marks.columns, "superseded_day"),
        ]
    )


def _marks(pieces: Path, folder: Path) -> int:
    folder.mkdir()
    every = pl.scan_parquet(pieces / "*.parquet")
    for year in range(UNTIL.year - YEARS, UNTIL.year):
        start, end = (day_number(date(y, 7, 1)) for y in (year, year + 1))
        part = every.filter(pl.col("day").is_between(start, end, closed="left"))
        part.sink_parquet(folder / f"{year}.parquet")
    return every.select(pl.len()).collect().item()


def _facts(pieces: Path, folder: Path) -> dict[str, int]:
    store = FactStore(folder / "store")
    with store.writer(base=None) as writer:
        for name, table in FACT_TABLES.items():
            if not (pieces / name).is_dir():
                continue
            rows = pl.scan_parquet(pieces / name / "*.parquet").with_columns(_part=part_of(name))
            for part in rows.select("_part").unique().collect()["_part"].sort().to_list():
                frame = rows.filter(pl.col("_part") == part).drop("_part").collect()
                writer.put(name, part, frame.sort(*table.key, "known_day"))
        snapshot = writer.finish()
    (folder / "facts").symlink_to(store.folder(snapshot.id))
    return snapshot.rows
