"""An answer that is given again is what would be made anew, for the same person, and audited."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import AuditEvent
from earlywarning_api.kept import Kept, Shelf
from service_world import World


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
    for name in "abc":
        shelf.put(name, Kept(1, b"x" * 40, {}, ("", "", "", {})))
    assert shelf.get("a", 1) is None
    assert shelf.get("c", 1) is not None
    assert shelf.get("c", 2) is None
