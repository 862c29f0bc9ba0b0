"""Write an invented district: its files as schools deliver them, and the truth apart."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from earlywarning.calendar import Quarter
from earlywarning.errors import ConfigError, Conflict
from earlywarning.simulation import files, mapping_text, world
from earlywarning.simulation.layouts import canonical
from earlywarning.simulation.layouts.choice import LAYOUTS
from earlywarning.simulation.records import Records, live
from earlywarning.simulation.school_days import CALENDAR

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What was written.

    Attributes
    ----------
    out : str
    students : int
        Enrolled when the quarter to be listed starts.
    schools : int
    quarter : str
        The one to be listed; its truth is there, its records are not.
    rows : dict of file to int
    prevalence : dict of outcome to float
        Share of students in trouble a quarter, over the recorded quarters.
    absence_rate : float
        Absent days over enrolled days.
    visit_effect : float
        Mean true change of the chance of attendance trouble by a visit in the quarter to be
        listed.
    planted : list of dict
        Rows that an import must refuse, and why.
    """

    out: str
    students: int
    schools: int
    quarter: str
    rows: dict[str, int]
    prevalence: dict[str, float]
    absence_rate: float
    visit_effect: float
    planted: list[dict[str, str]]


def quarters_until(years: int, until: date) -> list[Quarter]:
    """Every quarter of the history, and the one that starts on `until`.

    Raises
    ------
    ConfigError
        If no quarter starts on that day.
    """
    target = CALENDAR.quarter_of(until)
    if target.start != until:
        raise ConfigError(
            f"--until is {until}; allowed: the first day of a quarter, like 2026-10-01"
        )
    first = CALENDAR.quarter_of(date(int(target.school_year[:4]) - years, 7, 1))
    return CALENDAR.quarters_between(first.start, until)


def schools(
    *, students: int, years: int, seed: int, until: date, effect: float, draws: int = 100,
    processes: int = 1,
) -> Iterator[Records]:  # fmt: skip
    """School after school, in order; the same whatever the number of processes."""
    jobs = [
        (number, size, years, seed, until, effect, draws)
        for number, size in enumerate(world.sizes(students), 1)
    ]
    if processes < 2 or len(jobs) < 4:
        yield from map(_school, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_school, jobs)


def _school(job: tuple[int, int, int, int, date, float, int]) -> Records:
    number, size, years, seed, until, effect, draws = job
    school = world.build_school(number, size, years=years, seed=seed, until=until)
    return live(school, quarters=quarters_until(years, until), effect=effect, draws=draws)


def run(
    *,
    students: int,
    years: int,
    seed: int,
    out: Path,
    until: date = date(2026, 10, 1),
    effect: float = 1.0,
    marks: bool = True,
    progress: Progress | None = None,
) -> SimulationResult:
    """Write `out/delivery`, `out/district.toml` and `out/truth`.

    Parameters
    ----------
    students : int
        At a time, about; schools of about 600.
    years : int
        Full school years of history before the current one.
    seed : int
        The same seed gives the same bytes.
    out : Path
        Must not exist yet.
    until : date
        The quarter to be listed starts here; nothing after it is recorded.
    effect : float
        Strength of a visit; 0 for none.
    marks : bool
        Whether to write every day's marks, by far the most of it.

    Raises
    ------
    Conflict
        If `out` exists.
    """
    if out.exists():
        raise Conflict(f"{out}: is already there; choose a folder that does not exist")
    quarters = quarters_until(years, until)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    number_of_schools = len(world.sizes(students))
    truth: list[pl.DataFrame] = []
    try:
        with files.Delivery(aside / "delivery") as delivery:
            made = schools(
                students=students, years=years, seed=seed, until=until, effect=effect,
                processes=min(os.cpu_count() or 1, 4),
            )  # fmt: skip
            for done, records in enumerate(made):
                if progress:
                    progress("simulate", done, number_of_schools)
                delivery.add(records, marks=marks)
                if done == 0 and marks and years + len(quarters) > 1:
                    delivery.plant(records.school, until)
                ids = pl.Series(records.school.local_ids())
                truth.append(
                    records.truth.with_columns(
                        pl.lit(records.school.school_id).alias("school_id"),
                        ids.gather(records.truth["student"]).alias("student"),
                    )
                )
        result = _summary(out, pl.concat(truth), quarters[-1].code, number_of_schools, delivery)
        (aside / "truth").mkdir()
        pl.concat(truth).write_parquet(aside / "truth" / "risk.parquet")
        summary = json.dumps(asdict(result) | {"out": out.name}, indent=2, sort_keys=True)
        (aside / "truth" / "summary.json").write_text(summary + "\n", encoding="utf-8")
        (aside / "delivery" / "mapping.toml").write_text(mapping_text.mapping(), encoding="utf-8")
        (aside / "district.toml").write_text(mapping_text.DISTRICT, encoding="utf-8")
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if progress:
        progress("simulate", number_of_schools, number_of_schools)
    return result


def write_layout(
    *, students: int, seed: int, layout: str, out: Path, until: date = date(2026, 10, 1)
) -> dict[str, int]:
    """Write this school year of an invented district as another system would.

    `out/delivery/<school>` holds the files, `out/records/<school>` the same records as our own
    tables with a mapping: an import of either gives the same facts.

    Parameters
    ----------
    students, seed, until
        As of `run`.
    layout : str
        One of `simulation.layouts.choice.LAYOUTS`.
    out : Path
        Must not exist yet.

    Returns
    -------
    dict of table to int
        Rows that the layout carries.

    Raises
    ------
    Conflict
        If `out` exists.
    """
    if out.exists():
        raise Conflict(f"{out}: is already there; choose a folder that does not exist")
    quarters_until(0, until)
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    rows: dict[str, int] = {}
    try:
        made = schools(students=students, years=0, seed=seed, until=until, effect=1.0, draws=1)
        for records in made:
            name = records.school.school_id
            chosen = LAYOUTS[layout]
            tables = chosen.carry(canonical.frames(records, until), until)
            chosen.write(tables, aside / "delivery" / name, until)
            canonical.write(tables, aside / "records" / name, attendance=chosen.attendance)
            for table, frame in tables.items():
                rows[table] = rows.get(table, 0) + frame.height
        (aside / "district.toml").write_text(mapping_text.DISTRICT, encoding="utf-8")
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return rows


def _summary(
    out: Path, truth: pl.DataFrame, quarter: str, schools: int, delivery: files.Delivery
) -> SimulationResult:
    past = truth.filter(pl.col("quarter") != quarter)
    coming = truth.filter(pl.col("quarter") == quarter)
    recorded = past if past.height else coming
    return SimulationResult(
        out=str(out),
        students=coming.height,
        schools=schools,
        quarter=quarter,
        rows=dict(sorted(delivery.rows.items())),
        prevalence={
            name: round(float(recorded[f"{name}_realised"].mean() or 0), 4)  # type: ignore[arg-type]
            for name in ("attendance", "behaviour", "grades")
        },
        absence_rate=round(
            float(recorded["absent_days"].sum()) / max(float(recorded["enrolled_days"].sum()), 1.0),
            4,
        ),
        visit_effect=round(
            float(
                (coming["attendance_with_visit"] - coming["attendance_without_visit"]).mean() or 0  # type: ignore[arg-type]
            ),
            4,
        ),
        planted=delivery.planted,
    )
