"""An answer that is given again is what would be made anew, for the same person, and audited."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from earlywarning.io.register import audit_check, sessions, tokens
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import AuditEvent
from earlywarning_api.access import Credential
from earlywarning_api.kept import Kept, Shelf
from earlywarning_api.rates import Rates
from people import SARI
from service_world import NOW, World, opened_world, staff_id, user_id


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """One that a test may change."""
    with opened_world(tmp_path) as made:
        yield made


def first_page(world: World, who: str = "coordinator", **headers: str):
    return world.get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items", who, **headers)


def reads(world: World) -> int:
    query = select(func.count()).where(AuditEvent.action == "visit_list.read")
    with world.register.session() as session:
        return session.execute(query).scalar_one()


def makings(world: World, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is put onto the shelf from now on."""
    seen: list[object] = []
    put = Shelf.put

    def noted(self: Shelf, key, answer: Kept) -> None:
        seen.append(key)
        put(self, key, answer)

    monkeypatch.setattr(Shelf, "put", noted)
    return seen


def test_the_second_time_is_the_first_answer_and_is_audited(world: World, monkeypatch):
    made = makings(world, monkeypatch)
    before = reads(world)
    first, second = first_page(world), first_page(world)
    assert first.status_code == second.status_code == 200
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]
    assert len(made) <= 1
    assert reads(world) == before + 2


def test_a_change_is_seen_at_once(world: World):
    child = first_page(world).json()["items"][0]["students"][0]
    try:
        rename(world, child["student_id"], "Nama Baru")
        assert "Nama Baru" in first_page(world).text
    finally:
        rename(world, child["student_id"], child["full_name"])
    assert "Nama Baru" not in first_page(world).text


def rename(world: World, student_id: str, name: str) -> None:
    with world.register.session(writing=True) as session:
        session.execute(
            update(Student).where(Student.student_id == student_id).values(full_name=name)
        )
        session.commit()


def test_each_sees_their_own(world: World):
    whole, part = first_page(world), first_page(world, "sari")
    assert whole.status_code == part.status_code == 200
    assert len(whole.json()["items"]) > len(part.json()["items"])
    assert first_page(world, "sari").content == part.content


def test_what_is_known_is_not_sent_again(world: World):
    etag = first_page(world).headers["etag"]
    for _ in range(2):
        answer = first_page(world, If_None_Match=etag)
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == etag


def test_each_language_its_own(world: World):
    words = {
        spoken: first_page(world, Accept_Language=spoken).text
        for spoken in ("id", "en", "id", "en")
    }
    assert words["id"] != words["en"]
    assert first_page(world, Accept_Language="id").text == words["id"]


def test_the_oldest_go_when_there_is_no_room():
    shelf = Shelf(most_bytes=100)
    shown = Credential("token", "0" * 64)
    answer = Kept(1, NOW.date(), shown, (), None, b"x" * 40, [], ("", "", "", "{}"))
    for name in (b"a", b"b", b"c"):
        shelf.put(name, answer)
    assert shelf.get(b"a") is None
    assert shelf.get(b"c") is answer


def test_a_revoked_token_gets_no_kept_answer(own: World):
    made = tokens.create(
        own.register, role="coordinator", label="gone", school_id="SCH1", expires_days=30, at=NOW
    )
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    headers = {"Authorization": f"Bearer {made.secret}"}
    assert [own.client.get(path, headers=headers).status_code for _ in range(3)] == [200] * 3
    tokens.revoke(own.register, made.token_id, at=NOW)
    assert own.client.get(path, headers=headers).status_code == 401


def test_a_session_that_ended_gets_no_kept_answer(own: World):
    path = f"/lists/{own.lists['2026-27-Q2']}"
    browser = own.browser("coordinator")
    assert [browser.get(path).status_code for _ in range(3)] == [200] * 3
    with own.register.session(writing=True) as session:
        sessions.end_all(session, user_id("coordinator"), at=NOW)
        session.commit()
    assert browser.get(path).status_code in (303, 401)


def test_another_role_gets_no_kept_answer(own: World):
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    browser = own.browser("coordinator")
    whole = [browser.get(path).json() for _ in range(2)][-1]
    with own.register.session(writing=True) as session:
        session.execute(
            update(UserAccount)
            .where(UserAccount.user_id == user_id("coordinator"))
            .values(role="homeroom_teacher", staff_id=staff_id(SARI.local_id))
        )
        session.commit()
    part = browser.get(path).json()
    assert len(part["items"]) < len(whole["items"])


def test_an_idle_session_ends_whatever_is_kept(own: World):
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    browser = own.browser("counsellor")
    assert [browser.get(path).status_code for _ in range(2)] == [200] * 2
    own.app.state.clock = lambda: NOW + timedelta(minutes=61)
    assert browser.get(path).status_code == 401


def test_use_is_noted_though_the_answer_is_kept(own: World):
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    browser = own.browser("counsellor")
    for minutes in (0, 40, 80, 120):  # idle for less than an hour each time
        own.app.state.clock = lambda later=minutes: NOW + timedelta(minutes=later)
        assert browser.get(path).status_code == 200


def test_too_many_requests_are_refused_though_the_answer_is_kept(own: World):
    own.app.state.rates = Rates(5)
    found = [first_page(own).status_code for _ in range(7)]
    assert found == [200] * 5 + [429] * 2
    assert reads(own) == 5


def test_many_at_once_are_each_audited_and_judged_by_themselves(own: World):
    gone = tokens.create(
        own.register, role="coordinator", label="gone", school_id="SCH1", expires_days=30, at=NOW
    )
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    secrets = [own.tokens["coordinator"], own.tokens["sari"], gone.secret]
    headers = [{"Authorization": f"Bearer {secret}"} for secret in secrets]
    bodies = [own.client.get(path, headers=one).content for one in headers]
    tokens.revoke(own.register, gone.token_id, at=NOW)
    bodies[:2] = [own.client.get(path, headers=one).content for one in headers[:2]]
    before, commits = reads(own), own.app.state.read_audit.commits
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: own.client.get(path, headers=headers[n % 3]), range(60)))
    for number, answer in enumerate(answers):
        if number % 3 == 2:
            assert answer.status_code == 401
        else:
            assert (answer.status_code, answer.content) == (200, bodies[number % 3])
    assert reads(own) == before + 40
    assert own.app.state.read_audit.commits - commits < 40
    with own.register.session() as session:
        assert audit_check.verify(session, []).faults == []


def test_no_kept_answer_leaves_without_its_audit(own: World):
    path = f"/api/v1/visit_lists/{own.lists['2026-27-Q2']}/items"
    assert own.get(path, "coordinator").status_code == 200
    with own.register.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_event RENAME TO elsewhere"))
    assert own.get(path, "coordinator").status_code in (500, 503)
    with own.register.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO audit_event"))
    assert own.get(path, "coordinator").status_code == 200


def test_headers_and_log_are_as_of_an_answer_that_is_made(own: World, caplog):
    caplog.set_level(logging.INFO, "earlywarning_api")
    made, kept = first_page(own), first_page(own)
    changing = {"x-request-id", "date"}
    assert {k: v for k, v in made.headers.items() if k not in changing} == {
        k: v for k, v in kept.headers.items() if k not in changing
    }
    first, second = [one for one in caplog.records if one.getMessage() == "request"]
    assert (first.route, first.actor, first.status) == (second.route, second.actor, second.status)
    assert first.route.endswith("/visit_lists/{visit_list_id}/items")
