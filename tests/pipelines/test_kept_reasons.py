"""Reasons of listed families only: places stay, others are told why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from earlywarning.district import District
from earlywarning.io.engine import open_engine
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import lists
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import VisitListStudent
from earlywarning_pipelines import list_rows, publish
from small_school import DISTRICT, NOW, QUARTER, settle

LISTED = replace(DISTRICT, visits=replace(DISTRICT.visits, reasons="listed", reasons_next=0))


class Place:
    """A school with its facts, in which lists are made by one set of rules after another."""

    def __init__(self, folder: Path) -> None:
        self.opened = open_register(f"sqlite:///{folder / 'register.db'}")
        self.register = self.opened.__enter__()
        self.store = settle(folder, self.register)
        self.registry = ModelRegistry(
            f"sqlite:///{folder / 'mlflow.db'}",
            artifact_location=(folder / "artifacts").as_uri(),
            register=self.register,
        )

    def draft(self, district: District) -> tuple[lists.ListRow, dict[str, Any]]:
        with open_engine() as engine:
            (row,) = publish.draft(
                quarter=QUARTER, engine=engine, store=self.store, register=self.register,
                registry=self.registry, district=district, seed=1, by="Bu Ratna", at=NOW,
            )  # fmt: skip
        return row, lists.frozen_record(self.register, row.visit_list_id)[1]

    def rebuilt(self, row: lists.ListRow) -> publish.Rebuilt:
        with open_engine() as engine:
            return publish.rebuild(
                row.visit_list_id, engine=engine, store=self.store, register=self.register,
                registry=self.registry,
            )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("kept"))
    yield made
    made.opened.__exit__(None, None, None)


def without_reasons(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        row | {"children": [child | {"reasons": None} for child in row["children"]]}
        for row in document["households"]
    ]


def test_places_are_the_same_and_so_are_the_reasons_that_are_written_down(place: Place) -> None:
    _, everyone = place.draft(DISTRICT)
    _, listed = place.draft(LISTED)
    assert without_reasons(everyone) == without_reasons(listed)
    kept = 0
    for old, new in zip(everyone["households"], listed["households"], strict=True):
        for before, after in zip(old["children"], new["children"], strict=True):
            assert after["reasons"] == (before["reasons"] if new["listed"] else None)
            kept += bool(after["reasons"])
    assert 0 < kept < sum(len(row["children"]) for row in listed["households"])
    # Only the rules of a list that has them say so.
    assert "reasons" not in everyone["header"]["district"]["visits"]
    assert listed["header"]["district"]["visits"]["reasons"] == "listed"
    assert everyone["header"]["district_sha256"] != listed["header"]["district_sha256"]


def test_the_next_in_line_by_rank_and_by_the_longest_wait_have_theirs(place: Place) -> None:
    rules = replace(LISTED, visits=replace(LISTED.visits, reasons_next=1))
    _, document = place.draft(rules)
    leads: dict[str | None, list[dict[str, Any]]] = {}
    for row in document["households"]:
        leads.setdefault(row["lead"], []).append(row)
    for rows in leads.values():
        rest = [row for row in rows if not row["listed"] and row["excluded"] is None]
        queue = [row for row in rest if row["waiting_rank"]]
        first = [*sorted(rest, key=lambda row: row["rank"])[:1],
                 *sorted(queue, key=lambda row: row["waiting_rank"])[:1]]  # fmt: skip
        for row in rows:
            wanted = row["listed"] or row in first
            assert all((child["reasons"] is not None) == wanted for child in row["children"])
    assert any(row["excluded"] for row in document["households"])


def test_such_a_list_is_made_again_byte_for_byte(place: Place) -> None:
    row, _ = place.draft(LISTED)
    again = place.rebuilt(row)
    assert (again.identical, again.difference) == (True, None)


def test_the_register_keeps_that_there_are_none_and_rows_say_so(place: Place) -> None:
    row, document = place.draft(LISTED)
    with place.register.session() as session:
        kept = dict(
            session.execute(select(VisitListStudent.student_id, VisitListStudent.reasons)).all()
        )
    assert kept == {
        child["student_id"]: child["reasons"]
        for home in document["households"]
        for child in home["children"]
    }
    family = list_rows.rows(place.register, row.visit_list_id, language="en", first=1)[0]
    assert any("known before" in text for text in family.reasons)
