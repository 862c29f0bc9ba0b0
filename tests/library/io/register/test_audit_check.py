"""Whoever tampers with the audit is found: 6 ways of 6, on both databases, triggers removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

import postgres
from earlywarning.errors import ConfigError
from earlywarning.io.register import audit_check, audit_head, audit_log, lists
from earlywarning.io.register.audit_check import Checked
from earlywarning.io.register.db import Register, open_register
from people import CHILDREN
from service_world import draft, people

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
ACTOR = "c" * 32


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    """Seven children read one after the other, then a list published."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'register.db'}"
    else:
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url, head_file=tmp_path / "audit-head") as opened:
        people(opened)
        for child in CHILDREN:
            read(opened, child.student_id)
        lists.save(
            opened, [draft("2026-27-Q2", date(2026, 10, 1), 9)], by="Bu Ratna", at=NOW, publish=True
        )
        yield opened


def read(register: Register, student_id: str) -> None:
    with register.session(writing=True) as session:
        audit_log.record(session, actor=ACTOR, action="student.read", entity="student",
                         entity_id=student_id, at=NOW)  # fmt: skip
        session.commit()


def checked(register: Register) -> Checked:
    head = audit_head.kept(register.head_file)
    assert head is not None
    with register.session() as session:
        return audit_check.verify(session, [("audit-head", head)])


def without_triggers(register: Register, change: Callable[[Connection], None]) -> None:
    """What somebody who owns the database can do."""
    with register.engine.begin() as connection:
        if register.engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_event_no_update"))
            connection.execute(text("DROP TRIGGER audit_event_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER audit_event_refuse ON audit_event"))
        change(connection)


def chained_anew(connection: Connection) -> None:
    """Compute every hash again, as somebody would who knows how."""
    rows = connection.execute(text("SELECT * FROM audit_event ORDER BY position")).all()
    before = audit_log.GENESIS
    for row in rows:
        at = row.at if isinstance(row.at, datetime) else datetime.fromisoformat(row.at)
        entry = audit_log.Entry(row.position, at, row.actor, row.action, row.entity,
                                row.entity_id, row.detail, "")  # fmt: skip
        before = audit_log.hashed(entry, before)
        connection.execute(
            text("UPDATE audit_event SET sha256 = :s WHERE position = :p"),
            {"s": before, "p": row.position},
        )


def edit(connection: Connection) -> None:
    connection.execute(text("UPDATE audit_event SET actor = 'terminal' WHERE position = 4"))


def delete(connection: Connection) -> None:
    connection.execute(text("DELETE FROM audit_event WHERE position = 4"))


def delete_and_close_the_gap(connection: Connection) -> None:
    delete(connection)
    connection.execute(text("UPDATE audit_event SET position = position - 1 WHERE position > 4"))


def insert(connection: Connection) -> None:
    connection.execute(text("UPDATE audit_event SET position = position + 100 WHERE position > 3"))
    connection.execute(text("UPDATE audit_event SET position = position - 99 WHERE position > 3"))
    connection.execute(
        text(
            "INSERT INTO audit_event SELECT 4, at, actor, action, entity, 'x', detail, sha256 "
            "FROM audit_event WHERE position = 3"
        )
    )


def reorder(connection: Connection) -> None:
    for old, new in ((2, 900), (3, 2), (900, 3)):
        connection.execute(
            text("UPDATE audit_event SET position = :new WHERE position = :old"),
            {"old": old, "new": new},
        )


def replace(connection: Connection) -> None:
    """The whole chain, its hashes right again."""
    edit(connection)
    chained_anew(connection)


def truncate(connection: Connection) -> None:
    connection.execute(text("DELETE FROM audit_event WHERE position > 6"))


def empty(connection: Connection) -> None:
    connection.execute(text("DELETE FROM audit_event"))


WAYS: dict[Callable[[Connection], None], str] = {
    edit: "row 4 does not fit its hash",
    delete: "row 4 is missing, row 5 comes in its place",
    delete_and_close_the_gap: "row 4 does not fit",
    insert: "row 4 does not fit",
    reorder: "row 2 does not fit",
    replace: "row 8 is not the one that audit-head has: replaced",
    truncate: "the chain ends at row 6, but audit-head knows row 8: the end was cut off",
    empty: "the chain ends at row 0, but audit-head knows row 8",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_tampering_is_found(register: Register, way: Callable[[Connection], None]) -> None:
    before = checked(register)
    assert (before.faults, before.rows, before.published, before.older) == ([], 8, 1, 0)
    without_triggers(register, way)
    assert WAYS[way] in checked(register).faults[0]


def test_what_comes_after_a_head_is_no_fault(register: Register) -> None:
    head = audit_head.kept(register.head_file)
    assert head is not None
    read(register, CHILDREN[0].student_id)
    with register.session() as session:
        assert audit_check.verify(session, [("paper", head)]).faults == []


def test_a_published_list_that_was_changed_is_found(register: Register) -> None:
    with register.engine.begin() as connection:
        connection.execute(text("UPDATE visit_list SET frozen_sha256 = :s"), {"s": "0" * 64})
    assert "is not the one that was published" in checked(register).faults[0]
    with register.engine.begin() as connection:
        connection.execute(text("DELETE FROM visit_list"))
    assert "was published and is not in the register any more" in checked(register).faults[0]


def test_a_list_slipped_in_is_found(register: Register) -> None:
    with register.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO visit_list SELECT :id, school_id, quarter, revision + 1, 'draft', "
                "as_of_date, made_at, made_by, published_at, published_by, snapshot_id, seed, "
                "header, frozen, frozen_sha256 FROM visit_list"
            ),
            {"id": "f" * 32},
        )
        connection.execute(text("UPDATE visit_list SET status = 'withdrawn' WHERE revision = 1"))
        connection.execute(text("UPDATE visit_list SET status = 'published' WHERE revision = 2"))
    assert f"list {'f' * 32} is published, but the audit knows nothing" in "".join(
        checked(register).faults
    )


@pytest.mark.parametrize("line", ["", "12", "12:abc", "x:" + "0" * 64, "-1:" + "0" * 64])
def test_a_head_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="a head looks like 120:5f2c"):
        audit_head.parsed(line, where="--head")


def test_a_head_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "audit-head"
    assert audit_head.kept(path) is None
    for position in (5, 3, 4):
        audit_head.advance(path, audit_head.Head(position, f"{position}" * 64))
    assert audit_head.kept(path) == audit_head.Head(5, "5" * 64)
    assert path.stat().st_mode & 0o777 == 0o600
