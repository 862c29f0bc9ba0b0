"""PostgreSQL ended and started again while people read and write: they wait, and lose nothing."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

import postgres
from earlywarning.io.register import audit_check
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.visit_tables import Visit
from earlywarning_api.app import create_app
from people import SITI
from service_world import NOW, World, fill

BACK_SECONDS = 5.0


@dataclass
class Load:
    """Readers and writers, until they are told to stop.

    Attributes
    ----------
    acknowledged : set of str
        Visits that the service said it kept.
    wrong : list of str
        Answers that were neither right nor 503 with `Retry-After`.
    """

    client: TestClient
    place: str
    right: object
    stop: threading.Event = field(default_factory=threading.Event)
    acknowledged: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    away: int = 0

    def judge(self, answer, *, expected: int) -> bool:
        if answer.status_code == 503:
            self.away += 1
            if not int(answer.headers.get("retry-after", "0")):
                self.wrong.append("503 without Retry-After")
        elif answer.status_code != expected:
            self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
        return answer.status_code == expected

    def read(self) -> None:
        while not self.stop.is_set():
            answer = self.client.get(self.place)
            if self.judge(answer, expected=200) and families(answer.json()) != self.right:
                self.wrong.append("other rows")

    def write(self) -> None:
        while not self.stop.is_set():
            id_ = str(uuid.uuid4())
            body = {"student_id": SITI.student_id, "status": "done", "day": "2026-10-01"}
            answer = self.client.put(f"/api/v1/visits/{id_}", json=body)
            if self.judge(answer, expected=201):
                self.acknowledged.add(id_.replace("-", ""))


def families(page: dict) -> list[tuple[str, int]]:
    """Who is on the list, in which order; visits being recorded change the rest."""
    return [(one["item_id"], one["position"]) for one in page["items"]]


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    with postgres.own_server() as made:
        yield made


@pytest.mark.parametrize(
    "restarts", [pytest.param(2, id="2"), pytest.param(20, id="20", marks=pytest.mark.slow)]
)
def test_8_restarted_under_load(server: postgres.Server, restarts: int) -> None:
    dice = random.Random(20261005)  # noqa: S311 - moments at which to end the server
    with open_register(postgres.new_database(server.folder)) as register:
        tokens, lists = fill(register)
        app = create_app(register, clock=lambda: NOW, requests_per_minute=0)
        world = World(register, app, TestClient(app), tokens, lists)
        with world.browser("coordinator") as client:
            place = f"/api/v1/visit_lists/{lists['2026-27-Q2']}/items"
            load = Load(client, place, families(client.get(place).json()))
            threads = [threading.Thread(target=one) for one in (load.read, load.write) * 2]
            for thread in threads:
                thread.start()
            try:
                for _ in range(restarts):
                    time.sleep(dice.uniform(0.2, 0.5))
                    server.stop()
                    time.sleep(dice.uniform(0.1, 0.4))
                    server.start()
                    back(client, place)
            finally:
                load.stop.set()
                for thread in threads:
                    thread.join(30)
        assert load.wrong == []
        assert load.away > 0
        kept(register, load.acknowledged)


def back(client: TestClient, place: str) -> None:
    """It serves again within `BACK_SECONDS` of the server's return."""
    until = time.monotonic() + BACK_SECONDS
    while client.get(place).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.02)


def kept(register: Register, acknowledged: set[str]) -> None:
    """Every visit that was acknowledged is there, and the audit is whole."""
    assert acknowledged
    with register.session() as session:
        assert acknowledged <= set(session.scalars(select(Visit.visit_id)))
        assert audit_check.verify(session, []).faults == []
