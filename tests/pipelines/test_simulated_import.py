"""Importing a simulated delivery gives the facts that the simulator has; the demo does it all."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from earlywarning import district
from earlywarning.calendar import day_number
from earlywarning.errors import Conflict
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import load_mapping
from earlywarning.io.register import people
from earlywarning.io.register.db import open_register
from earlywarning.simulation import facts as simulated
from earlywarning_pipelines import demo, ingest, simulate

ON = date(2026, 10, 1)
AT = datetime(2026, 10, 1)  # noqa: DTZ001 - the register keeps UTC without zone


def test_files_and_memory_hold_the_same_facts(tmp_path: Path) -> None:
    folder = tmp_path / "district"
    result = simulate.run(students=90, years=1, seed=2, out=folder)
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        store = FactStore(tmp_path / "facts")
        imported = ingest.run(
            files=[folder / "delivery"],
            mapping=load_mapping(folder / "delivery" / "mapping.toml"),
            store=store,
            register=register,
            district=district.load(folder / "district.toml"),
            delivered_on=ON,
            finished_at=AT,
        )
        with register.session() as session:
            known = people.known_students(session)
    refused = imported.refused.filter(pl.col("table") == "attendance")
    assert sorted(refused["reason"]) == sorted(one["reason"] for one in result.planted)
    (records,) = simulate.schools(students=90, years=1, seed=2, until=ON, effect=1.0)
    expected = simulated.facts(records, delivered_day=day_number(ON))
    names = dict(
        zip(simulated.student_ids(records.school), records.school.local_ids(), strict=True)
    )
    back = dict(zip(known["student_id"], known["student"], strict=True))
    for table, rows in expected.items():
        found = store.read(imported.snapshot_id, table)
        one, two = _comparable(found, back), _comparable(rows, names)
        assert one.height == two.height, table
        assert one.equals(two), table


def _comparable(rows: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Students by their local number; ids made of other ids, and source words, left out."""
    if "student_id" in rows.columns:
        rows = rows.with_columns(pl.col("student_id").replace_strict(names))
    rows = rows.drop("visit_id", "event_id", "namespace", "raw_code", strict=False)
    return rows.select(sorted(rows.columns)).sort(sorted(rows.columns))


def test_the_demo_goes_from_files_to_a_list(tmp_path: Path) -> None:
    said: list[str] = []
    demo.run(tmp_path / "demo", students=90, seed=1, at=AT, echo=said.append)
    text = "\n".join(said)
    assert "Kunjungi dulu / Visit first" in text
    assert "Bearer ew_" in text
    assert "3 refused" in text
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(Conflict, match="holds something else"):
        demo.run(tmp_path / "mine", students=90, seed=1, at=AT, echo=said.append)
    assert (tmp_path / "mine" / "thesis.txt").exists()
