"""The life of models in the register: rows only added, and which versions served before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

import postgres
from earlywarning.errors import NotFound
from earlywarning.io.register import model_events, model_versions
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.model_versions import NewModel

AT = datetime(2026, 10, 5, 7, 30)  # noqa: DTZ001 - the register keeps UTC without zone
RATNA = Decision("Bu Ratna", "finds more", AT, override=True, gates={"groups": {"passed": False}})


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    if request.param == "postgresql":
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url) as opened:
        yield opened


def model(name: str) -> NewModel:
    return NewModel(
        model_version_id=name, outcome="grades", estimator="rule", run_id=f"run-{name}",
        artifact_uri="file:///x", artifact_sha256="0" * 64, signature=b"s" * 64,
        public_key=b"k" * 32, snapshot_id="5" * 64, trained_at=AT, report={},
    )  # fmt: skip


def add(register: Register, name: str, *, promote: bool) -> None:
    model_versions.add(
        register, [model(name)], trained=RATNA, promoted={"grades": RATNA} if promote else {}
    )


def before(register: Register) -> list[str]:
    return model_events.served_before(model_events.of_outcome(register, "grades"))


def serve(register: Register, name: str, action: str = model_events.PROMOTED) -> None:
    model_versions.let_serve(register, name, RATNA, action=action)


def waiting(register: Register) -> str | None:
    return model_events.challenger(model_events.of_outcome(register, "grades"))


def test_every_step_is_written_with_its_reason(register: Register) -> None:
    add(register, "a", promote=True)
    add(register, "b", promote=False)
    assert waiting(register) == "b"
    serve(register, "b")
    assert waiting(register) is None
    events = model_events.of_outcome(register, "grades")
    assert [(one.action, one.model_version_id, one.from_version_id) for one in events] == [
        ("trained", "a", None), ("promoted", "a", None), ("trained", "b", None),
        ("promoted", "b", "a"),
    ]  # fmt: skip
    last = events[-1]
    assert (last.made_by, last.reason, last.override, last.at) == (
        "Bu Ratna", "finds more", True, AT,
    )  # fmt: skip
    assert last.gates == {"groups": {"passed": False}}
    assert model_versions.signature(register, "a") == b"s" * 64
    assert model_versions.signature(register, "x") is None
    assert model_versions.public_keys(register) == [b"k" * 32]
    found = model_versions.of_run(register, "run-b")
    assert found is not None
    assert found.version == 2
    with pytest.raises(NotFound, match="has no model version 3; there are: 2, 1"):
        model_versions.numbered(register, "grades", 3)
    with pytest.raises(NotFound, match="no model version 'x'"):
        serve(register, "x")
    assert [one.model_version_id for one in model_versions.champions(register)] == ["b"]


def test_going_back_goes_back_and_not_to_and_fro(register: Register) -> None:
    for name in "abc":
        add(register, name, promote=True)
    assert before(register) == ["b", "a"]
    serve(register, "b", model_events.ROLLED_BACK)
    assert before(register) == ["a"]
    serve(register, "a", model_events.ROLLED_BACK)
    assert before(register) == []
    serve(register, "c")
    assert before(register) == ["a"]
    add(register, "d", promote=True)
    serve(register, "a", model_events.ROLLED_BACK)  # over c, which could not be opened
    assert before(register) == []
    assert waiting(register) is None, "what was taken back does not wait"


def test_events_cannot_be_changed_or_removed(register: Register) -> None:
    add(register, "a", promote=True)
    for change in (
        "UPDATE model_event SET made_by = 'somebody else'",
        "DELETE FROM model_event",
        "DELETE FROM model_event WHERE event_id = 1",
    ):
        with register.engine.connect() as connection, pytest.raises(DBAPIError, match="only added"):
            connection.exec_driver_sql(change)
    if register.engine.dialect.name == "sqlite":
        replace = (
            "INSERT OR REPLACE INTO model_event SELECT event_id, outcome, action, "
            "model_version_id, from_version_id, 'x', reason, override, gates, at FROM model_event"
        )
        with register.engine.connect() as connection, pytest.raises(DBAPIError, match="only added"):
            connection.exec_driver_sql(replace)
    else:
        with register.engine.connect() as connection, pytest.raises(DBAPIError, match="only added"):
            connection.exec_driver_sql("TRUNCATE model_event")
    assert len(model_events.of_outcome(register, "grades")) == 2


def test_a_refusal_is_written_once(register: Register) -> None:
    add(register, "a", promote=True)
    write = (register, "grades", "a", Decision("earlywarning", "altered", AT))
    assert [model_events.record_refusal(*write) for _ in range(3)] == [True, False, False]
    serve(register, "a", model_events.ROLLED_BACK)
    assert model_events.record_refusal(*write), "it happened again"
    with register.session(writing=True) as session, pytest.raises(ValueError, match="allowed: tr"):
        model_events.add(session, "deleted", "grades", "a", RATNA)
