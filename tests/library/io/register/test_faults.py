"""Killed while migrating, and a full disk: nothing half, nothing lost, the list still served."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from earlywarning.io.register import audit_check, lists
from earlywarning.io.register.audit_batch import ReadAudit
from earlywarning.io.register.db import Register, is_full, open_register
from earlywarning.io.register.migrations import VERSION_TABLE
from people import SITI
from service_world import NOW, draft, opened_world, people

# Goes down and up again, over and over, and says so after each.
CHILD = """
import sys
from earlywarning.io.register.db import migrate_to, open_register
from earlywarning.io.register.migrations import HEAD
register = open_register(sys.argv[1])
print("ready", flush=True)
while True:
    for revision in ("0007", HEAD):
        migrate_to(register.engine, revision)
        print(revision, flush=True)
"""


@pytest.mark.parametrize(
    "kills", [pytest.param(6, id="6"), pytest.param(100, id="100", marks=pytest.mark.slow)]
)
def test_a_killed_migration_is_whole_or_not_there(tmp_path: Path, kills: int) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    with open_register(url) as register:
        people(register)
        before = names(register)
    dice = random.Random(20261005)  # noqa: S311 - moments at which to kill
    versions = set()
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 4)):  # "ready", and the moves that it made
            assert process.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        versions.add(checked(url))
        with open_register(url) as register:  # brings it up again
            assert register.schema_is_current()
            assert names(register) == before
    assert len(versions) > 1  # some were killed half way


def checked(url: str) -> str:
    """The version that a killed migration left; the database must be whole."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        return database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()[0]  # noqa: S608


def names(register: Register) -> list[str]:
    with register.engine.connect() as connection:
        return list(connection.scalars(text("SELECT full_name FROM student ORDER BY student_id")))


def fill_disk(register: Register) -> None:
    """Let no connection's database grow any more."""
    register.engine.dispose()
    with register.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()

    @event.listens_for(register.engine, "connect")
    def capped(connection: object, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").close()  # type: ignore[attr-defined]

    register.engine.dispose()


def test_a_full_disk_keeps_what_is_published(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        people(register)
        (old,) = lists.save(
            register, [draft("2026-27-Q1", date(2026, 7, 1), 4)], by="x", at=NOW, publish=True
        )
        fill_disk(register)
        for attempt in range(20):
            with pytest.raises(OperationalError, match="full") as caught:
                publish_until_full(register, attempt)
            assert is_full(caught.value)
        assert lists.frozen_record(register, old.visit_list_id)[1]["header"]["quarter"]
        with register.session() as session:
            assert audit_check.verify(session, []).faults == []


def publish_until_full(register: Register, attempt: int) -> None:
    """What is free inside the file goes first."""
    for year in range(2000 + attempt, 2100):
        made = draft(f"{year}-{(year + 1) % 100:02d}-Q{attempt % 4 + 1}", date(2026, 10, 1), 9)
        lists.save(register, [made], by="x", at=NOW, publish=True)


def test_reads_are_answered_on_a_full_disk_and_audited_when_there_is_room(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        audit = ReadAudit(register)

        def read() -> None:
            audit.record(actor="c" * 32, action="student.read", entity="student",
                         entity_id=SITI.student_id, detail={"why": "x" * 3000}, at=NOW)  # fmt: skip

        read()
        fill_disk(register)
        for _ in range(10):
            read()
        with register.session() as session:
            there = audit_check.verify(session, []).rows
        assert there < 11
        with register.engine.connect() as connection:
            connection.execute(text("PRAGMA max_page_count = 100000"))
        raised(register)
        read()
        with register.session() as session:
            found = audit_check.verify(session, [])
        assert (found.rows, found.faults) == (12, [])


def raised(register: Register) -> None:
    """There is room again, on every connection."""

    @event.listens_for(register.engine, "connect")
    def free(connection: object, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1000000").close()  # type: ignore[attr-defined]

    register.engine.dispose()


def test_the_service_says_507_and_serves_the_old_list(tmp_path: Path) -> None:
    with opened_world(tmp_path) as world:
        coordinator = world.as_("coordinator")
        place = f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items"
        before = coordinator.get(place).json()
        fill_disk(world.register)
        for number in range(40):
            answer = coordinator.post(
                f"/api/v1/students/{SITI.student_id}/consents",
                json={"purpose": "photo", "given_by": "mother", "given_on": "2026-07-13",
                      "evidence": "map " + "7A " * 60},
                headers={"Idempotency-Key": str(number)},
            )  # fmt: skip
            if answer.status_code != 201:
                break
        assert answer.status_code == 507, answer.text
        assert answer.json()["type"].endswith("storage-full")
        assert coordinator.get(place).json() == before
