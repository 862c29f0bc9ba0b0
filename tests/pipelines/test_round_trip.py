"""The same records, written as different systems write them, become the same facts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from answers import Answers, answered
from earlywarning import district
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.recognising import inspect_files
from earlywarning.io.register import people
from earlywarning.io.register.db import open_register
from earlywarning.records.tables import FACT_TABLES
from earlywarning.simulation.layouts.choice import LAYOUTS
from earlywarning_pipelines import ingest, simulate
from earlywarning_pipelines.ingest import IngestResult

UNTIL = date(2026, 10, 1)
SCHOOL = "SIM001"

ANSWERS: Mapping[str, Answers] = {
    "school_folder": {"attendance": {"blank": "unrecorded"}},
    "oneroster": {},
    "edfi": {},
    "sis_dump": {
        "defaults": {"school_year": "2026-27"},
        "attendance": {"rollup": "majority"},
        "enrollment": {"constants": {"entry_date": date(2026, 7, 1)}},
    },
}
"""What a person says to the questions that `inspect` leaves open: for each table, its keys."""


def hashes(store: FactStore, snapshot: str, students: pl.DataFrame) -> dict[str, str]:
    """A hash of every fact table, students by the number that the school gives them."""
    found = {}
    for table in FACT_TABLES:
        rows = store.read(snapshot, table)
        if "student_id" in rows.columns:
            rows = rows.join(students, on="student_id").drop("student_id")
        rows = rows.drop("event_id", strict=False)  # a keyed hash of the installation's own
        text = rows.select(sorted(rows.columns)).sort(sorted(rows.columns)).write_csv()
        found[table] = hashlib.sha256(text.encode()).hexdigest()
    return found


def imported(
    files: Path, mapping_text: str, home: Path, folder: Path
) -> tuple[IngestResult, dict[str, str]]:
    store, register = FactStore(home / "facts"), open_register(f"sqlite:///{home}/register.db")
    with register:
        result = ingest.run(
            files=[files],
            mapping=parse_mapping(mapping_text),
            store=store,
            register=register,
            district=district.load(folder / "district.toml"),
            delivered_on=UNTIL,
            finished_at=datetime(2026, 10, 1, 8),  # noqa: DTZ001
        )
        with register.session() as session:
            known = people.known_students(session).select("student_id", number="student")
    assert result.snapshot_id
    return result, hashes(store, result.snapshot_id, known)


def asked(layout: str) -> set[str]:
    """Keys of everything that is answered."""
    found: set[str] = set()
    for keys in ANSWERS[layout].values():
        found |= set(keys) | set(keys.get("constants", {}))
    return found


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_layout_becomes_the_facts_that_our_own_tables_become(layout: str, tmp_path: Path) -> None:
    folder = tmp_path / "district"
    carried = simulate.write_layout(students=90, seed=3, layout=layout, out=folder, until=UNTIL)
    found = inspect_files([folder / "delivery" / SCHOOL], source="school-files", school_id=SCHOOL)
    assert not [item.problem for item in found.files if item.problem]
    assert {key for key, _ in found.questions} <= asked(layout)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    result, theirs = imported(
        folder / "delivery" / SCHOOL,
        answered(found.mapping, ANSWERS[layout]),
        tmp_path / "theirs",
        folder,
    )
    own = folder / "records" / SCHOOL
    told, ours = imported(own, (own / "mapping.toml").read_text("utf-8"), tmp_path / "ours", folder)
    assert result.refused.is_empty(), result.refused
    assert theirs == ours
    for table in ("enrollment", "attendance_event"):
        assert told.counts[table].added > 50
    assert result.counts["student"].added == carried["student"]
