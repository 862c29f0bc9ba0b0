"""Reads reach the audit before the answer leaves, many in one commit."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import postgres
from earlywarning.io.register import audit_check, audit_log
from earlywarning.io.register.audit_batch import ReadAudit
from earlywarning.io.register.db import Register, open_register
from people import SITI

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
ACTOR = "c" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'register.db'}"
    return postgres.new_database(request.getfixturevalue("server"))


def read(audit: ReadAudit, number: int = 0) -> None:
    audit.record(actor=ACTOR, action="student.read", entity="student", entity_id=SITI.student_id,
                 detail={"number": number}, at=NOW)  # fmt: skip


def rows(register: Register) -> int:
    with register.session() as session:
        found = audit_check.verify(session, [])
    assert found.faults == []
    return found.rows


def test_a_row_is_there_when_the_call_returns(url: str) -> None:
    with open_register(url) as register:
        audit = ReadAudit(register)
        for number in range(1, 4):
            read(audit)
            assert rows(register) == number


def test_many_readers_share_a_commit(url: str) -> None:
    with open_register(url) as register:
        audit = ReadAudit(register)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: read(audit, number), range(160)))
        assert rows(register) == 160
        # Sixteen at a time cannot need fewer than ten; one commit each would be 160.
        assert 10 <= audit.commits <= 80
        with register.session() as session:
            numbers = {entry.detail for entry in audit_log.entries(session)}
        assert len(numbers) == 160


def test_a_read_that_could_not_be_written_is_an_error_for_all(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        audit = ReadAudit(register)
        with register.engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_event RENAME TO elsewhere"))
        failed = []
        barrier = threading.Barrier(4)

        def attempt() -> None:
            barrier.wait()
            try:
                read(audit)
            except DBAPIError as error:
                failed.append(error)

        threads = [threading.Thread(target=attempt) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(failed) == 4
        with register.engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO audit_event"))
        read(audit)
        assert rows(register) == 1


PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from earlywarning.io.register.audit_batch import ReadAudit
from earlywarning.io.register.db import open_register
with open_register(sys.argv[1]) as register:
    audit = ReadAudit(register)
    def read(number):
        audit.record(actor="c" * 32, action="student.read", entity="student",
                     entity_id="s", detail={}, at=datetime(2026, 10, 5))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(100)))
"""


def test_several_processes_make_one_chain(url: str) -> None:
    with open_register(url) as register:
        running = [subprocess.Popen([sys.executable, "-c", PROCESS, url]) for _ in range(3)]
        assert [one.wait(timeout=60) for one in running] == [0, 0, 0]
        assert rows(register) == 300
