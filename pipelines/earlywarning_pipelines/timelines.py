"""Lays down each student's year beside a list, so that a page can show it without the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.io.facts import FactStore
from earlywarning.io.register import timelines
from earlywarning.io.register.db import Register
from earlywarning.visits import timeline

DATED = ("register_day", "attendance_event", "behaviour_event", "grade", "visit")
TABLES = ("enrollment", *DATED)

STUDENTS = 20_000
"""About so many students' years at a time: those of a province fit no memory."""


def run(
    *,
    store: FactStore,
    register: Register,
    snapshot_id: str,
    quarter: Quarter,
    district: District,
) -> int:
    """Compute and save the timelines as of a quarter's first day; returns how many."""
    return timelines.save(
        register,
        _groups(store, snapshot_id, quarter, district),
        snapshot_id=snapshot_id,
        as_of_date=quarter.start,
    )


def _groups(
    store: FactStore, snapshot_id: str, quarter: Quarter, district: District
) -> Iterator[dict[str, dict[str, Any]]]:
    """The timelines of some students after the other."""
    rows = {name: store.scan(snapshot_id, name) for name in TABLES}
    for name in DATED:
        rows[name] = timeline.recent(rows[name], quarter.start_day)
    students = rows["enrollment"].select(pl.col("student_id").n_unique()).collect().item()
    schools = rows["grade"].select(pl.col("school_id").drop_nulls().unique()).collect()["school_id"]
    marks: Mapping[str, float] = {one: district.thresholds_of(one).pass_mark for one in schools}
    days = rows.pop("register_day").collect()
    groups = max(1, -(-students // STUDENTS))
    for group in range(groups):
        here = pl.col("student_id").hash() % groups == group
        tables = {name: table.filter(here).collect() for name, table in rows.items()}
        yield timeline.timelines(
            {**tables, "register_day": days}, as_of_day=quarter.start_day, pass_marks=marks
        )
