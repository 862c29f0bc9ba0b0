"""Recording a visit in a browser: by touch, by keyboard, without script, twice, with a fault."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from browser import Site, session_of, violations
from earlywarning.io.register.visit_tables import FollowUp, Visit
from people import AHMAD, SITI


def recorded(site: Site) -> list[Visit]:
    with site.world.register.session() as session:
        return list(session.scalars(select(Visit).order_by(Visit.day, Visit.status)))


@pytest.mark.parametrize("script", [True, False])
def test_a_teacher_records_a_visit_on_a_telephone(own: Site, script: bool) -> None:
    with own.page("homeroom_teacher", size="telephone", script=script) as page:
        page.goto("/")
        page.get_by_role("link", name="Catat kunjungan").first.click()
        page.get_by_label("Selesai").check()
        page.get_by_label("Ibu", exact=True).check()
        page.get_by_label("Kesepakatan").fill("Berangkat bersama kakaknya.")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")
        expect(page.get_by_text("Berangkat bersama kakaknya.")).to_be_visible()
        assert not violations(page) if script else True
    (visit,) = recorded(own)
    assert (visit.status, visit.met, str(visit.day)) == ("done", ["mother"], "2026-10-05")


def test_nobody_was_home_and_the_family_is_planned_again(own: Site) -> None:
    with own.page("homeroom_teacher", size="telephone", language="en") as page:
        page.goto(f"/students/{SITI.student_id}")
        page.get_by_role("link", name="Record a visit").click()
        page.get_by_label("No one home").check()
        page.get_by_label("Visit again on").fill("2026-10-12")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        expect(page.locator("main").get_by_role("link", name="Plan", exact=True)).to_be_visible()
        page.goto("/lists")
        expect(page.get_by_role("link", name=re.compile("^Scheduled 1"))).to_be_visible()
    assert [visit.status for visit in recorded(own)] == ["no_one_home", "planned"]


@pytest.mark.parametrize("script", [True, False])
def test_what_was_typed_stays_when_something_does_not_fit(own: Site, script: bool) -> None:
    with own.page("homeroom_teacher", script=script) as page:
        page.goto(f"/visits/new?student={AHMAD.student_id}")
        page.get_by_label("Kesepakatan").fill("Ditelepon tiap Jumat.")
        page.get_by_label("Tanggal").fill("2026-11-30")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("alert").first).to_contain_text("isian Anda masih ada")
        expect(page.get_by_label("Kesepakatan")).to_have_value("Ditelepon tiap Jumat.")
        if script:
            assert not violations(page)
        page.get_by_label("Tanggal").fill("2026-10-02")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")
    assert len(recorded(own)) == 1


def test_sending_twice_saves_once(own: Site) -> None:
    form = {"student": AHMAD.student_id, "day": "05-10-2026", "status": "done", "todo": "Telepon",
            "due": "2026-10-09"}  # fmt: skip
    teacher = own.world.as_("homeroom_teacher")
    id_ = "1" * 32
    first, second = (teacher.post(f"/visits/{id_}", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    other = teacher.post(f"/visits/{id_}", data=form | {"day": "2026-10-04"})
    assert other.status_code == 409
    assert "sudah tersimpan dengan isi lain" in other.text
    assert "2026-10-04" in other.text
    assert len(recorded(own)) == 1
    with own.world.register.session() as session:
        assert len(session.scalars(select(FollowUp)).all()) == 1


def test_a_lost_connection_loses_nothing(own: Site) -> None:
    with own.page("homeroom_teacher", size="telephone") as page:
        page.goto(f"/visits/new?student={AHMAD.student_id}")
        page.get_by_label("Kesepakatan").fill("Buku dipinjamkan.")
        page.route("**/visits/*", lambda route: route.abort())
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_text("Belum terkirim")).to_be_visible()
        expect(page.get_by_label("Kesepakatan")).to_have_value("Buku dipinjamkan.")
        page.unroute("**/visits/*")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")
    assert len(recorded(own)) == 1


def test_an_ended_session_loses_nothing(own: Site) -> None:
    with own.page("homeroom_teacher") as page:
        page.goto(f"/visits/new?student={AHMAD.student_id}")
        page.get_by_label("Kesepakatan").fill("Buku dipinjamkan.")
        page.context.clear_cookies()
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_text("Belum terkirim")).to_be_visible()
        secret = session_of(own.world, "homeroom_teacher")  # signed in again in another tab
        page.context.add_cookies([{"name": "ew_session", "value": secret, "url": own.address}])
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")


def test_two_who_change_the_same_visit(own: Site) -> None:
    teacher, coordinator = (own.world.as_(who) for who in ("homeroom_teacher", "coordinator"))
    id_ = "2" * 32
    form = {"student": AHMAD.student_id, "day": "2026-10-05", "status": "done"}
    assert teacher.post(f"/visits/{id_}", data=form).status_code == 303
    first = coordinator.post(f"/visits/{id_}", data=form | {"revision": "1", "met": "father"})
    late = teacher.post(f"/visits/{id_}", data=form | {"revision": "1", "met": "mother"})
    assert (first.status_code, late.status_code) == (303, 412)
    assert "diubah orang lain" in late.text
    (visit,) = recorded(own)
    assert visit.met == ["father"]


def test_the_form_by_keyboard_alone(own: Site) -> None:
    with own.page("homeroom_teacher") as page:
        page.goto(f"/visits/new?student={AHMAD.student_id}")
        page.get_by_label("Tanggal").focus()
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == "Simpan":
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")
    assert len(recorded(own)) == 1


def test_a_closed_note_is_opened_by_those_it_is_for(own: Site) -> None:
    id_, secret = "3" * 32, "Hanya untuk guru BK."
    form = {"student": AHMAD.student_id, "day": "2026-10-05", "status": "done", "note": secret}
    teacher, counsellor = (own.world.as_(who) for who in ("homeroom_teacher", "counsellor"))
    assert teacher.post(f"/visits/{id_}", data=form).status_code == 303
    for path in (f"/visits/{id_}", f"/visits/{id_}/change", f"/students/{AHMAD.student_id}"):
        assert secret not in teacher.get(path).text
    assert teacher.get(f"/visits/{id_}/note").status_code == 403
    assert f"/visits/{id_}/note" in counsellor.get(f"/visits/{id_}").text
    assert secret in counsellor.get(f"/visits/{id_}/note").text
    assert secret in own.world.as_("principal").get(f"/visits/{id_}/note").text
    assert own.world.as_("other counsellor").get(f"/visits/{id_}/note").status_code == 404


def test_a_follow_up_is_done_where_the_tasks_stand(own: Site) -> None:
    form = {"student": AHMAD.student_id, "day": "2026-10-01", "status": "done",
            "todo": "Telepon keluarga", "due": "2026-10-03"}  # fmt: skip
    assert own.world.as_("homeroom_teacher").post(f"/visits/{'4' * 32}", data=form).is_redirect
    with own.page("homeroom_teacher", size="telephone", script=False) as page:
        page.goto("/quarter")
        expect(page.get_by_text("1 terbuka, 1 lewat tenggat.")).to_be_visible()
        page.get_by_role("button", name="Telepon keluarga").click()
        expect(page.get_by_text("Tidak ada yang terbuka.")).to_be_visible()
    with own.world.register.session() as session:
        (row,) = session.scalars(select(FollowUp)).all()
    assert row.status == "done"


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_two_attempts_to_reach_a_family_lead_to_a_letter(own: Site, script: bool) -> None:
    with own.page("homeroom_teacher", size="telephone", script=script) as page:
        for _ in range(2):
            page.goto(f"/students/{AHMAD.student_id}")
            page.get_by_role("link", name="Catat upaya menghubungi").click()
            page.get_by_label("Telepon").check()
            page.get_by_label("Tidak dijawab").check()
            if script:
                assert not violations(page)
            page.get_by_role("button", name="Simpan").click()
            expect(page.get_by_role("heading", name="Ahmad Fulan")).to_be_visible()
        expect(page.get_by_text("Kirim surat")).to_be_visible()
        page.goto("/lists")
        expect(
            page.get_by_role("link", name=re.compile("^Belum dapat dihubungi 1"))
        ).to_be_visible()


def test_an_attempt_sent_twice_is_one(own: Site) -> None:
    teacher = own.world.as_("homeroom_teacher")
    path = f"/students/{AHMAD.student_id}/attempts/{'5' * 32}"
    for _ in range(2):
        answer = teacher.post(path, data={"channel": "letter", "result": "sent"})
        assert answer.status_code == 303
    other = teacher.post(path, data={"channel": "letter", "result": "agreed"})
    assert other.status_code == 409
