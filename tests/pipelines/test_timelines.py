"""The years of a province's students are made some at a time, and are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.visits import timeline
from earlywarning_pipelines import timelines
from messy_district import DISTRICT, messy_tables

QUARTER = DISTRICT.calendar.quarter("2026-27-Q2")


@pytest.mark.parametrize("students", [1, 7, 10_000])
def test_some_at_a_time_are_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, students: int
) -> None:
    tables = {name: rows.cast(FACT_SCHEMAS[name]) for name, rows in messy_tables(3).items()}
    store = FactStore(tmp_path)
    snapshot = store.write(tables, base=None).id
    schools = tables["grade"]["school_id"].drop_nulls().unique()
    whole = timeline.timelines(
        {name: store.read(snapshot, name) for name in timelines.TABLES},
        as_of_day=QUARTER.start_day,
        pass_marks={one: DISTRICT.thresholds_of(one).pass_mark for one in schools},
    )
    monkeypatch.setattr(timelines, "STUDENTS", students)
    groups = list(timelines._groups(store, snapshot, QUARTER, DISTRICT))
    assert (len(groups) > 1) == (students < len(whole))
    assert sum(map(len, groups)) == len(whole) > 20
    assert {name: one for group in groups for name, one in group.items()} == whole
    assert any(one["weeks"] for one in whole.values())
    assert any(one["grades"] for one in whole.values())
