"""A visit that somebody asks for: written down, sent twice, shown to whom it concerns, dropped."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from browser import Site, sideways, violations
from earlywarning.io import wording
from earlywarning.io.register.visit_tables import VisitRequest
from people import AHMAD, BUDI, SITI
from service_world import World

PLACE = f"/students/{SITI.student_id}/visit-request"
FORM = {"asked_by": "family", "asked_on": "2026-10-02", "wish": "Bertemu  hari\r\nSabtu"}


def kept(world: World) -> list[VisitRequest]:
    with world.register.session() as session:
        return list(session.scalars(select(VisitRequest)))


@pytest.mark.parametrize(
    ("language", "script"),
    [("id", False), pytest.param("en", True, marks=pytest.mark.slow)],
)
def test_a_family_asks_and_no_longer_asks(own: Site, language: str, script: bool) -> None:
    def t(key: str) -> str:
        return wording.page_text(key, language)

    with own.page("homeroom_teacher", size="telephone", language=language, script=script) as page:
        page.goto(f"/students/{SITI.student_id}")
        page.get_by_role("link", name=t("asking.title")).click()
        if script:
            assert not violations(page)
        page.get_by_label(t("asking.day")).fill("2026-10-06")  # tomorrow
        page.get_by_label(t("asking.wish")).fill("Bertemu hari Sabtu")
        page.get_by_role("button", name=t("form.save")).click()
        expect(page.locator(".faults:not([data-lost])")).to_contain_text(t("fault.not_yet"))
        expect(page.get_by_label(t("asking.wish"))).to_have_value("Bertemu hari Sabtu")
        page.get_by_label(t("asking.day")).fill("2026-10-02")
        page.get_by_role("button", name=t("form.save")).click()
        note = page.locator("form.note")
        expect(note).to_contain_text("“Bertemu hari Sabtu”")
        expect(note).to_contain_text(
            wording.say("occasion.asked_by_family", language, on=date(2026, 10, 2))
        )
        if script:
            assert not violations(page)
        assert sideways(page) <= 0
        note.get_by_role("button", name=t("asking.drop")).click()
        expect(page.locator("form.note")).to_have_count(0)
    (row,) = kept(own.world)
    assert (row.student_id, row.asked_by, row.status) == (SITI.student_id, "family", "dropped")


def test_sent_twice_it_is_there_once(own: Site) -> None:
    teacher = own.world.as_("homeroom_teacher")
    path = f"{PLACE}/{'4' * 32}"
    assert [teacher.post(path, data=FORM).status_code for _ in range(2)] == [303, 303]
    (row,) = kept(own.world)
    assert (row.wish, row.revision) == ("Bertemu hari Sabtu", 1)
    changed = teacher.post(path, data=FORM | {"wish": "Bertemu hari Minggu"})
    assert changed.status_code == 409
    assert wording.page_text("fault.saved_before", "id") in changed.text
    assert [teacher.post(f"{path}/drop").status_code for _ in range(2)] == [303, 303]
    (row,) = kept(own.world)
    assert (row.status, row.revision) == ("dropped", 2)


def test_a_brothers_teacher_sees_it_and_nobody_else(own: Site) -> None:
    world = own.world
    path = f"/students/{AHMAD.student_id}/visit-request/{'5' * 32}"
    assert world.as_("homeroom_teacher").post(path, data=FORM).status_code == 303
    seen = world.as_("coordinator").get(f"/students/{BUDI.student_id}").text
    assert "Bertemu hari Sabtu" in seen
    assert "Bertemu hari Sabtu" in world.as_("counsellor").get(f"/students/{AHMAD.student_id}").text
    for who in ("bambang", "other coordinator"):
        assert world.as_(who).get(f"/students/{AHMAD.student_id}").status_code == 404
        assert world.as_(who).post(f"{path}/drop").status_code == 404
    assert world.as_("principal").post(f"{path}/drop").status_code == 403
    assert kept(world)[0].status == "open"
