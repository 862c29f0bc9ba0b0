"""The audit: rows are only added, each covers the one before, and whoever tampers is found."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import postgres
from earlywarning.io.register import audit_head, audit_log
from earlywarning.io.register.db import Register, open_register
from people import SITI, SUPARMI

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
ACTOR = "c" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'register.db'}"
    else:
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url, head_file=tmp_path / "audit-head") as opened:
        yield opened


def read(register: Register, student_id: str, *, at: datetime = NOW, actor: str = ACTOR) -> None:
    with register.session(writing=True) as session:
        audit_log.record(
            session, actor=actor, action="student.read", entity="student", entity_id=student_id,
            detail={"why": "own_class"}, at=at,
        )  # fmt: skip
        session.commit()


def chain(register: Register) -> list[audit_log.Entry]:
    with register.session() as session:
        return list(audit_log.entries(session))


def test_each_row_covers_the_one_before(register: Register) -> None:
    for number in range(5):
        read(register, SITI.student_id, at=NOW + timedelta(microseconds=number))
    rows = chain(register)
    assert [row.position for row in rows] == [1, 2, 3, 4, 5]
    before = audit_log.GENESIS
    for row in rows:
        assert row.sha256 == audit_log.hashed(row, before)
        before = row.sha256
    assert audit_head.kept(register.head_file) == audit_head.Head(5, before)


def test_what_is_rolled_back_did_not_happen(register: Register) -> None:
    with register.session(writing=True) as session:
        audit_log.record(session, actor=ACTOR, action="a", entity="x", entity_id="1", at=NOW)
        session.rollback()
        audit_log.record(session, actor=ACTOR, action="b", entity="x", entity_id="2", at=NOW)
        with session.begin_nested() as inner:
            audit_log.record(session, actor=ACTOR, action="c", entity="x", entity_id="3", at=NOW)
            inner.rollback()
        session.commit()
    assert [row.action for row in chain(register)] == ["b"]


def test_a_name_typed_at_the_terminal_is_not_kept(register: Register) -> None:
    read(register, SITI.student_id, actor="Bu Ratna")
    assert [row.actor for row in chain(register)] == ["terminal"]


def test_a_session_that_only_reads_is_refused(register: Register) -> None:
    with register.session() as session, pytest.raises(ValueError, match="writing=True"):
        audit_log.record(session, actor=ACTOR, action="a", entity="x", entity_id="1", at=NOW)


def test_many_writers_at_once_make_one_chain(register: Register) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: read(register, SITI.student_id), range(60)))
    rows = chain(register)
    assert [row.position for row in rows] == list(range(1, 61))
    before = audit_log.GENESIS
    for row in rows:
        assert row.sha256 == audit_log.hashed(row, before)
        before = row.sha256
    assert audit_head.kept(register.head_file) == audit_head.Head(60, before)


def test_the_database_itself_refuses_changes(register: Register) -> None:
    own = {
        "sqlite": "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event",
        "postgresql": "TRUNCATE audit_event",
    }[register.engine.dialect.name]
    read(register, SITI.student_id)
    for statement in ("UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", own):
        with (
            register.engine.connect() as connection,
            pytest.raises(DBAPIError, match="only added"),
        ):
            connection.execute(text(statement))
        assert len(chain(register)) == 1


def test_rows_are_found_by_whom_what_and_when(register: Register) -> None:
    read(register, SITI.student_id)
    read(register, SUPARMI.student_id, actor="d" * 32, at=NOW + timedelta(hours=1))
    with register.session(writing=True) as session:
        audit_log.record(
            session, actor=ACTOR, action="visit_list.read", entity="visit_list", entity_id="l1",
            detail={"students": [SITI.student_id, SUPARMI.student_id]}, at=NOW + timedelta(hours=2),
        )  # fmt: skip
        session.commit()

    def found(**wanted: object) -> list[int]:
        with register.session() as session:
            return [row.position for row in audit_log.search(session, **wanted)]  # type: ignore[arg-type]

    assert found() == [3, 2, 1]
    assert found(actor="d" * 32) == [2]
    assert found(action="student") == [2, 1]
    assert found(action="stud") == []
    assert found(entity_id=SITI.student_id) == [3, 1]
    assert found(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=2)) == [2]
    assert found(before=3, limit=1) == [2]
