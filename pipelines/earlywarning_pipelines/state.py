"""The state of the data: what each school recorded in a quarter, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import select

from earlywarning.calendar import Quarter, day_date, day_number
from earlywarning.district import District
from earlywarning.errors import DataError, NotFound
from earlywarning.features.recording import RECORDED_SCHEMA, recorded
from earlywarning.features.windows import Window
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ImportBatch
from earlywarning.records.class_names import sort_key

SOURCES = ("attendance_summary", "behaviour_event", "grade", "visit")
"""Fact tables that are looked at beside the daily registers."""


@dataclass(frozen=True, slots=True)
class ClassState:
    """One class of one school in the quarter.

    Attributes
    ----------
    class_name : str
    students : int
        In the class at any time of the quarter.
    register_days, expected_days : int
        Days on which the class's register was taken; days on which any class's was.
    assumed_days : int
        Of the register days, those that come from a calendar.
    marked : float or None
        Share of the students' register days that have a mark, 0 to 1; None without any.
    without_mark : int
        Students without a single mark.
    """

    class_name: str
    students: int
    register_days: int
    expected_days: int
    assumed_days: int
    marked: float | None
    without_mark: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """One kind of record of one school in the quarter: rows, and the newest day."""

    table: str
    rows: int
    newest: date | None


@dataclass(frozen=True, slots=True)
class SchoolState:
    """One school."""

    school_id: str
    classes: tuple[ClassState, ...]
    sources: tuple[SourceState, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The last delivery of one source.

    Attributes
    ----------
    source : str
    delivered_on : date
    files : int
    refused : mapping of reason to int
        Rows; empty if it was imported before these were counted.
    """

    source: str
    delivered_on: date
    files: int
    refused: dict[str, int]


@dataclass(frozen=True, slots=True)
class State:
    """What `run` found."""

    quarter: Quarter
    as_of: date
    schools: tuple[SchoolState, ...]
    deliveries: tuple[Delivered, ...]


def run(
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    district: District,
    as_of: date,
    quarter: str | None = None,
    school_id: str | None = None,
) -> State:
    """Count what was recorded.

    Parameters
    ----------
    as_of : date
        Only what happened and was known before this day.
    quarter : str, optional
        The one of the day before `as_of` by default.
    school_id : str, optional
        All schools by default.

    Raises
    ------
    DataError
        If nothing was imported yet.
    NotFound
        If there is no such school.
    """
    snapshot_id = register.current_snapshot()
    if snapshot_id is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    calendar = district.calendar
    chosen = (
        calendar.quarter(quarter)
        if quarter
        else calendar.quarter_of(day_date(day_number(as_of) - 1))
    )
    end = min(chosen.end_day, day_number(as_of))
    window = Window("quarter", chosen.start_day, end)
    facts = engine.views(
        store.folder(snapshot_id), as_of_date=min(as_of, chosen.end), district=district
    )
    students = engine.collect(recorded(facts, window), RECORDED_SCHEMA)
    events = {
        table: _events(store.read(snapshot_id, table), window, as_of)
        for table in ("register_day", *SOURCES)
    }
    known = sorted(students["school_id"].unique().to_list())
    if school_id is not None and school_id not in known:
        raise NotFound(
            f"no student of school {school_id!r} is enrolled in {chosen.code}; schools: "
            f"{', '.join(known) or 'none'}"
        )
    wanted = [school_id] if school_id else known
    return State(
        chosen,
        as_of,
        tuple(_school(school, students, events) for school in wanted),
        _deliveries(register),
    )


def _events(rows: pl.DataFrame, window: Window, as_of: date) -> pl.DataFrame:
    """Rows of the quarter that hold on the as-of day, by school: school_id, rows, newest."""
    day = day_number(as_of)
    return (
        rows.filter(
            pl.col("day") >= window.start,
            pl.col("day") < window.end,
            pl.col("known_day") < day,
            pl.col("superseded_day") >= day,
        )
        .group_by("school_id")
        .agg(pl.len().alias("rows"), pl.col("day").max().cast(pl.Date).alias("newest"))
    )


def _school(school_id: str, students: pl.DataFrame, events: dict[str, pl.DataFrame]) -> SchoolState:
    own = students.filter(pl.col("school_id") == school_id)
    classes = [
        _class(str(name), rows) for (name,), rows in own.group_by("class_id", maintain_order=True)
    ]
    sources = []
    for table, counted in events.items():
        found = counted.filter(pl.col("school_id") == school_id).rows(named=True)
        rows, newest = (found[0]["rows"], found[0]["newest"]) if found else (0, None)
        sources.append(SourceState(table, rows, newest))
    return SchoolState(
        school_id,
        tuple(sorted(classes, key=lambda one: sort_key(one.class_name))),
        tuple(sources),
    )


def _class(class_id: str, rows: pl.DataFrame) -> ClassState:
    days, marked = int(rows["register_days"].sum()), int(rows["recorded_days"].sum())
    return ClassState(
        class_name=class_id.rsplit("/", 1)[-1],
        students=rows.height,
        register_days=int(rows["register_days"].max() or 0),  # type: ignore[arg-type]
        expected_days=int(rows["expected_days"].max() or 0),  # type: ignore[arg-type]
        assumed_days=int(rows["assumed_days"].max() or 0),  # type: ignore[arg-type]
        marked=marked / days if days else None,
        without_mark=rows.filter(pl.col("recorded_days") == 0).height,
    )


def _deliveries(register: Register) -> tuple[Delivered, ...]:
    """The newest import of every source."""
    with register.session() as session:
        batches = session.scalars(select(ImportBatch).order_by(ImportBatch.finished_at)).all()
    newest = {batch.source: batch for batch in batches}
    return tuple(
        Delivered(
            batch.source,
            batch.delivered_on,
            len(batch.files),
            dict(batch.counts.get("refused", {})),
        )
        for _, batch in sorted(newest.items())
    )
