"""The number of changes moves with whatever a list could show, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

import postgres
from earlywarning.io.register import audit_log, changes
from earlywarning.io.register.access_tables import SignInAttempt
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import School

AT = datetime(2026, 10, 5, 7, 30)  # noqa: DTZ001 - the register keeps UTC without zone


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'register.db'}"
    return postgres.new_database(request.getfixturevalue("server"))


@pytest.fixture
def register(url: str) -> Iterator[Register]:
    with open_register(url) as opened:
        yield opened


def number(register: Register) -> int:
    with register.engine.connect() as connection:
        return changes.number(connection)


def test_every_way_of_writing_counts_once(register: Register) -> None:
    with register.session(writing=True) as session:
        session.add_all([School(school_id="S1", name="a"), School(school_id="S2", name="b")])
        session.commit()
    assert number(register) == 1
    with register.session(writing=True) as session:
        session.execute(insert(School), [{"school_id": "S3", "name": "c"}])
        session.execute(update(School).values(name="d"))
        session.commit()
    assert number(register) == 2
    with register.engine.begin() as connection:
        connection.execute(text("UPDATE school SET name = 'e'"))
    assert number(register) == 3
    with register.session(writing=True) as session:
        school = session.get(School, "S1")
        session.delete(school)
        session.commit()
    assert number(register) == 4


def test_another_process_sees_it(register: Register, url: str) -> None:
    with open_register(url) as other, other.session(writing=True) as session:
        session.add(School(school_id="S1", name="a"))
        session.commit()
    assert number(register) == 1


def test_what_is_taken_back_does_not_count(register: Register) -> None:
    with register.session(writing=True) as session:
        session.add(School(school_id="S1", name="a"))
        session.flush()
        session.rollback()
    with register.session(writing=True) as session:
        session.commit()
    assert number(register) == 0


def test_reading_signing_in_and_the_audit_do_not_count(register: Register) -> None:
    with register.session(writing=True) as session:
        audit_log.record(
            session, actor="job", action="visit_list.read", entity="visit_list",
            entity_id="a" * 32, at=AT,
        )  # fmt: skip
        session.commit()
    assert SignInAttempt.__tablename__ in changes.SILENT
    assert number(register) == 0
