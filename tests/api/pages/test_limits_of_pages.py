"""What a page shows of a child is on record, and never more than the API would say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earlywarning.io.register import audit_log
from earlywarning.io.register.models import Guardian
from people import AHMAD, BUDI, SITI
from service_world import World, opened_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def read(world: World, student_id: str) -> list[str]:
    """What the audit knows of a child, newest first."""
    with world.register.session() as session:
        found = audit_log.search(session, entity_id=student_id, limit=100)
        return [one.action for one in found]


def test_a_lead_does_not_reach_the_parents_through_a_brother_of_another_class(
    world: World,
) -> None:
    with world.register.session(writing=True) as session:
        session.add(
            Guardian(guardian_id="1" * 32, student_id=BUDI.student_id, relation="mother",
                     full_name="Ibu Zqxmarker", phone="+6281234567890", available="sore, sabtu")
        )  # fmt: skip
        session.commit()
    teacher, own = world.as_("homeroom_teacher"), world.as_("retno")
    page = teacher.get(f"/students/{BUDI.student_id}")  # she leads the visit to the brothers
    assert (page.status_code, "Zqxmarker" in page.text) == (200, False)
    assert teacher.post(f"/students/{BUDI.student_id}/contact").status_code == 404
    assert AHMAD.name in page.text  # the brother, whose page leads on to the parents
    assert read(world, AHMAD.student_id)[0] == "student.read"
    assert "Zqxmarker" in own.get(f"/students/{BUDI.student_id}").text
    assert "bisa ditemui: sore, sabtu" in own.get(f"/students/{BUDI.student_id}").text
    english = own.get(f"/students/{BUDI.student_id}", headers={"Accept-Language": "en"}).text
    assert "can be met: in the afternoon, on Saturday" in english
    assert "wa.me" in own.post(f"/students/{BUDI.student_id}/contact").text


def test_the_form_does_not_tell_of_a_danger(world: World) -> None:
    path = f"/visits/{'1' * 32}"
    form = {"student": AHMAD.student_id, "day": "2026-10-05", "status": "done", "danger": "yes"}
    assert world.as_("homeroom_teacher").post(path, data=form).status_code == 303
    ticked = 'name="danger" value="yes" checked'
    assert ticked in world.as_("homeroom_teacher").get(f"{path}/change").text
    assert ticked in world.as_("counsellor").get(f"{path}/change").text
    changed = world.as_("retno").get(f"{path}/change")  # the teacher of his brother
    assert (changed.status_code, ticked in changed.text) == (200, False)


def test_every_page_with_a_child_is_on_record(world: World) -> None:
    teacher, coordinator = world.as_("homeroom_teacher"), world.as_("coordinator")
    list_id = world.lists["2026-27-Q2"]
    visit = world.planned(list_id, AHMAD.student_id)
    planned, item = visit["planned_visit_id"], visit["item_id"]
    for path, action in (
        ("/quarter", "quarter.read"),
        (f"/visits/new?item={item}", "visit_form.read"),
        (f"/lists/{list_id}/plan", "plan.read"),
        (f"/planned/{planned}", "planned_visit.read"),
        (f"/planned/{planned}/letter", "planned_visit.printed"),
        (f"/api/v1/planned_visits/{planned}", "planned_visit.read"),
        (f"/lists/{list_id}/items/{item}/priority", "override.read"),
    ):
        before = len(read(world, AHMAD.student_id))
        assert teacher.get(path).status_code == 200, path
        found = read(world, AHMAD.student_id)
        assert (len(found), found[0]) == (before + 1, action), path
    coordinator.get(f"/students/{SITI.student_id}/request")
    assert read(world, SITI.student_id)[0] == "student.read"
    form = {"number": SITI.local_id, "reason": "Orang tua menunggu di kantor"}
    assert world.as_("bambang").post("/emergency", data=form).status_code == 303
    assert SITI.name in world.as_("bambang").get("/emergency").text
    assert read(world, SITI.student_id)[0] == "emergency_access.read"


def test_what_was_not_shown_is_not_on_record_as_read(world: World) -> None:
    path = f"/lists/{world.lists['2026-27-Q2']}/items/{'9' * 32}/priority"
    assert world.as_("homeroom_teacher").get(path).status_code == 404
    with world.register.session() as session:
        assert audit_log.search(session, entity_id="9" * 32) == []
