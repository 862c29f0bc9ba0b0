"""Lays down each student's year beside a list, so that a page can show it without the facts."""

from __future__ import annotations

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.io.facts import FactStore
from earlywarning.io.register import timelines
from earlywarning.io.register.db import Register
from earlywarning.visits import timeline

TABLES = ("enrollment", "register_day", "attendance_event", "behaviour_event", "grade", "visit")


def run(
    *,
    store: FactStore,
    register: Register,
    snapshot_id: str,
    quarter: Quarter,
    district: District,
) -> int:
    """Compute and save the timelines as of a quarter's first day; returns how many."""
    tables = {name: store.read(snapshot_id, name) for name in TABLES}
    schools = tables["grade"]["school_id"].drop_nulls().unique()
    marks = {one: district.thresholds_of(one).pass_mark for one in schools}
    content = timeline.timelines(tables, as_of_day=quarter.start_day, pass_marks=marks)
    return timelines.save(register, content, snapshot_id=snapshot_id, as_of_date=quarter.start)
