"""Visits that teachers record become facts: the next list knows them, and none counts twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from earlywarning.calendar import NEVER, day_number
from earlywarning.impact import counting
from earlywarning.impact.counting import Window
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import lists, tokens
from earlywarning.io.register.db import Register, open_register
from earlywarning.visits import past
from earlywarning_api.app import create_app
from earlywarning_pipelines import demo_visits, publish, recorded, visit_progress
from people import AHMAD, BUDI, SITI, SUPARMI
from service_world import household_id
from small_school import DISTRICT, NOW, QUARTER, settle

NEXT = "2026-27-Q3"


@dataclass
class Home:
    """A school with a service on its register."""

    store: FactStore
    register: Register
    registry: ModelRegistry
    engine: Engine
    client: TestClient
    now: datetime = NOW

    def draft(self, quarter: str) -> dict[str, dict[str, Any]]:
        """The households of a new draft, by key."""
        (row,) = publish.draft(
            quarter=quarter, engine=self.engine, store=self.store, register=self.register,
            registry=self.registry, district=DISTRICT, seed=1, by="Bu Ratna", at=self.now,
        )  # fmt: skip
        _, document = lists.frozen_record(self.register, row.visit_list_id)
        return {one["household_key"]: one for one in document["households"]}

    def record(self, student: str, day: str, id_: str = "", **more: Any) -> str:
        """Through the API, as a coordinator; the visit's id."""
        made = id_ or str(uuid.uuid4())
        headers = {"If-Match": more.pop("if_match")} if "if_match" in more else {}
        body = {"student_id": student, "status": "done", "day": day} | more
        answer = self.client.put(f"/api/v1/visits/{made}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return made

    def etag(self, id_: str) -> str:
        return self.client.get(f"/api/v1/visits/{id_}").headers["etag"]

    def take_in(self) -> recorded.Taken:
        return recorded.take_in(
            store=self.store, register=self.register, timezone="Asia/Jakarta", at=self.now
        )

    def facts(self) -> pl.DataFrame:
        """Visits of the facts as they hold now, those that were recorded."""
        rows = self.store.read(self.register.current_snapshot(), "visit")
        return rows.filter(past.recorded(), pl.col("superseded_day") == NEVER)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with (
        open_engine() as engine,
        open_register(f"sqlite:///{tmp_path / 'register.db'}") as register,
    ):
        store = settle(tmp_path, register)
        registry = ModelRegistry(
            f"sqlite:///{tmp_path / 'mlflow.db'}",
            artifact_location=(tmp_path / "artifacts").as_uri(),
            register=register,
        )
        secret = tokens.create(
            register, role="coordinator", label="x", at=NOW, expires_days=400, school_id="SCH1"
        ).secret
        app = create_app(register)
        made = Home(store, register, registry, engine, TestClient(app))
        app.state.clock = lambda: made.now
        made.client.headers["Authorization"] = f"Bearer {secret}"
        yield made


def test_a_visited_family_is_out_of_this_list_and_last_in_the_next(home: Home) -> None:
    key = household_id("K1")
    before = home.draft(QUARTER)
    assert before[key]["excluded"] is None
    home.record(AHMAD.student_id, "2026-10-03")
    now = home.draft(QUARTER)
    assert now[key]["excluded"] == "visited_this_quarter"
    home.now = datetime(2027, 1, 4, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
    after = home.draft(NEXT)
    assert after[key]["last_visit"] == "2026-10-03"
    waiting = [one["waiting_rank"] for one in after.values() if one["lead"] == after[key]["lead"]]
    assert after[key]["waiting_rank"] == max(rank for rank in waiting if rank is not None)


def test_facts_know_a_visit_from_the_day_on_which_it_was_entered(home: Home) -> None:
    home.record(AHMAD.student_id, "2026-09-14")
    home.take_in()
    rows = home.facts().sort("student_id")
    assert rows["student_id"].to_list() == sorted([AHMAD.student_id, BUDI.student_id])
    assert set(rows["day"]) == {day_number(date(2026, 9, 14))}
    assert set(rows["known_day"]) == {day_number(NOW.date())}


def test_taking_in_again_changes_nothing(home: Home) -> None:
    home.record(AHMAD.student_id, "2026-10-03")
    first = home.take_in()
    assert (first.added, first.changed, first.ended) == (2, 0, 0)
    assert home.take_in() == recorded.Taken(0, 0, 0, first.snapshot_id)
    assert home.register.current_snapshot() == first.snapshot_id


def test_only_what_took_place_counts_and_what_is_taken_back_ends(home: Home) -> None:
    home.record(SUPARMI.student_id, "2026-10-09", status="planned")
    assert home.take_in().added == 0
    id_ = home.record(SITI.student_id, "2026-10-04")
    assert home.take_in().added == 1
    home.now += timedelta(days=2)
    home.record(SITI.student_id, "2026-10-03", id_, if_match=home.etag(id_))
    assert home.take_in().changed == 1
    home.record(SITI.student_id, "2026-10-03", id_, status="cancelled", if_match=home.etag(id_))
    assert home.take_in().ended == 1
    assert home.facts().is_empty()


def test_a_family_found_to_have_moved_is_not_listed_at_its_old_address(home: Home) -> None:
    key = household_id("K1")
    home.record(SITI.student_id, "2026-10-03", status="no_one_home")
    home.record(AHMAD.student_id, "2026-10-03", status="moved")
    now = home.draft(QUARTER)
    assert now[key]["excluded"] == "moved"
    assert [one["excluded"] for one in now.values()].count("visited_this_quarter") == 0
    found = counting.visits(
        {"visit": home.facts()}, Window(day_number(date(2026, 10, 1)), day_number(NOW.date()) + 9)
    )
    assert found.loc[[SITI.student_id, AHMAD.student_id], "tried"].to_list() == [1.0, 1.0]
    assert not found["done"].any()


def test_a_visit_that_a_file_has_told_is_not_counted_twice(home: Home) -> None:
    """Siti's visit of 6 March came with the school's files."""
    home.record(SITI.student_id, "2026-03-06")
    assert home.take_in().added == 0
    home.record(SITI.student_id, "2026-03-07")
    assert home.take_in().added == 1


def test_the_demos_teachers_write_down_the_visits_that_the_facts_have(home: Home) -> None:
    start = date(2026, 10, 1)
    (row,) = publish.publish(
        quarter=QUARTER, engine=home.engine, store=home.store, register=home.register,
        registry=home.registry, district=DISTRICT, seed=1, by="Bu Ratna", at=NOW,
    )  # fmt: skip
    assert demo_visits.past_year(home.register, home.store, until=start, seed=1) == 2
    told = home.client.get("/api/v1/visits").json()["visits"]
    assert [one["day"] for one in told] == ["2026-05-08", "2026-03-06"]
    assert all(one["agreement"] and one["met"] and one["purposes"] for one in told)
    # The files have told them already: the facts stay as they are.
    assert home.take_in().added == 0
    home.now = datetime(2026, 11, 20, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
    made = sum(
        demo_visits.this_quarter(home.register, row, start=start, today=home.now.date(), seed=seed)
        for seed in range(5)
    )
    stands = home.client.get(f"/api/v1/visit_lists/{row.visit_list_id}/items").json()["items"]
    assert made > 0
    assert {one["status"]["code"] for one in stands} - {"not_visited"}
    text = visit_progress.report(
        home.register, QUARTER, today=home.now.date(), language="en", school_id="SCH1"
    )
    assert f"/{len(stands)} visited" in text.splitlines()[0]


def test_a_file_does_not_tell_again_what_was_recorded() -> None:
    schema = {"visit_id": pl.String, "student_id": pl.String, "day": pl.Int32,
              "status": pl.String}  # fmt: skip
    file = pl.DataFrame(
        [("f/1", "a", 10, "done"), ("f/2", "a", 11, "done"), ("f/3", "b", 10, "no_one_home")],
        schema=schema, orient="row",
    )  # fmt: skip
    known = pl.DataFrame(
        [("recorded/x", "a", 10, "done"), ("recorded/y", "b", 10, "done")],
        schema=schema, orient="row",
    )  # fmt: skip
    left = past.without_told_before(file, known)
    assert sorted(left["visit_id"]) == ["f/2", "f/3"]
