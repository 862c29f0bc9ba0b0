"""On PostgreSQL with many schools, no hot request reads a large table from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event

import postgres
import wide_register
from earlywarning.io.register import sessions, tokens
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.db import Register, open_register
from earlywarning_api.app import create_app
from service_world import password_hash
from wide_register import AT, SCHOOL

SIZE = 50_000
HERE = SIZE // SCHOOL // 2
"""The school whose people ask."""

LARGE = {
    "visit_list_item", "visit_list_student", "student", "household", "item_place", "audit_event",
    "contact_attempt", "visit", "visit_student",
}  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with postgres.server() as folder, open_register(postgres.new_database(folder)) as register:
        wide_register.fill(register, SIZE)
        yield register


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


@contextmanager
def planned(register: Register) -> Iterator[list[str]]:
    """Every statement of the block that reads or writes; what of it scans a large table."""
    seen: list[tuple[str, Any]] = []

    def executed(_c: Connection, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            seen.append((statement, parameters))

    event.listen(register.engine, "before_cursor_execute", executed)
    found: list[str] = []
    try:
        yield found
    finally:
        event.remove(register.engine, "before_cursor_execute", executed)
    assert seen
    with register.engine.connect() as connection:
        for statement, parameters in seen:
            # Only planned, not run.
            rows = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            told = rows.scalar_one()
            (whole,) = json.loads(told) if isinstance(told, str) else told
            scans = [
                node["Relation Name"]
                for node in _nodes(whole["Plan"])
                if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
            ]
            found += [f"{table}: {statement}" for table in scans]


@pytest.fixture(scope="module")
def client(register: Register) -> Iterator[TestClient]:
    app = create_app(register, clock=lambda: AT, requests_per_minute=0)
    with TestClient(app, base_url="https://testserver") as client:
        yield client


def token(register: Register, role: str) -> dict[str, str]:
    staff = "G0" if role == "homeroom_teacher" else None
    made = tokens.create(
        register, role=role, label=role, at=AT, expires_days=30,
        school_id=wide_register.school_id(HERE), staff_local_id=staff,
    )  # fmt: skip
    return {"Authorization": f"Bearer {made.secret}"}


LIST, STUDENT = wide_register.list_id(HERE), wide_register.student_id(HERE * SCHOOL)
ASKED = (
    f"/api/v1/visit_lists/{LIST}",
    f"/api/v1/visit_lists/{LIST}/items?limit=50",
    f"/api/v1/visit_lists/{LIST}/items?limit=20&track=concern",
    f"/api/v1/students/{STUDENT}",
    "/api/v1/visit_lists",
    "/api/v1/quarters",
)


@pytest.mark.parametrize("role", ["coordinator", "homeroom_teacher"])
@pytest.mark.parametrize("path", ASKED)
def test_the_api_finds_what_it_shows_by_an_index(
    register: Register, client: TestClient, role: str, path: str
) -> None:
    headers = token(register, role)
    with planned(register) as scans:
        answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    if "/items" in path:
        assert answer.json()["items"]
    assert not scans, "\n\n".join(scans)


@pytest.mark.parametrize("role", ["coordinator", "homeroom_teacher"])
@pytest.mark.parametrize("path", ["/", f"/lists/{LIST}", f"/students/{STUDENT}"])
def test_pages_do_so_too(register: Register, client: TestClient, role: str, path: str) -> None:
    user_id = ("c" if role == "coordinator" else "d") * 32
    with register.session(writing=True) as session:
        staff = None if role == "coordinator" else wide_register.staff_id(HERE * SCHOOL)
        if session.get(UserAccount, user_id) is None:
            session.add(
                UserAccount(user_id=user_id, sign_in_name=f"{role}@a.example", display_name=role,
                            role=role, school_id=wide_register.school_id(HERE), staff_id=staff,
                            password_hash=password_hash(), password_set_at=AT, made_at=AT,
                            made_by="terminal")
            )  # fmt: skip
            session.flush()
        opened = sessions.open_for(session, user_id, level=sessions.FULL, browser="test", at=AT)
        session.commit()
    client.cookies.set("__Host-ew_session", opened.secret, domain="testserver.local")
    with planned(register) as scans:
        answer = client.get(path, headers={"Sec-Fetch-Site": "same-origin"})
    client.cookies.clear()
    assert answer.status_code == 200, answer.text[:500]
    assert not scans, "\n\n".join(scans)
