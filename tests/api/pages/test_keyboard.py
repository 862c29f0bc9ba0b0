"""Every task by keyboard alone: both languages, on a telephone and at a desk, with script or not.

Three tasks run by default, in one of the eight ways each; the slow tests try all of all tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date
from itertools import product

import pyotp
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from browser import Site, sideways
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.models import FactsSnapshot, Guardian
from earlywarning.io.register.rights_tables import RightsRequest
from earlywarning.io.register.visit_tables import ContactAttempt, Visit, VisitRequest
from keyboard import Hands
from people import AHMAD, CITRA, SITI
from service_world import NOW, PASSWORD

Way = tuple[str, str, bool]
WAYS: tuple[Way, ...] = tuple(product(("telephone", "desk"), ("id", "en"), (True, False)))
NAMES = {way: f"{way[0]}-{way[1]}-{'script' if way[2] else 'plain'}" for way in WAYS}


def ways(usual: int | None = None) -> pytest.MarkDecorator:
    """All eight ways; at most one of them by default, the others with the slow tests."""
    return pytest.mark.parametrize(
        "way",
        [
            pytest.param(way, id=NAMES[way], marks=() if place == usual else pytest.mark.slow)
            for place, way in enumerate(WAYS)
        ],
    )


@contextmanager
def hands(site: Site, way: Way, who: str | None) -> Iterator[Hands]:
    size, spoken, script = way
    with site.page(who, size=size, language=spoken, script=script) as page:
        yield Hands(page, spoken)
        assert sideways(page) <= 0


def told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(text)


@ways()
def test_sign_in_with_a_second_factor(own: Site, way: Way) -> None:
    with hands(own, way, None) as user:
        user.opened("/")
        for password in ("salah sekali", PASSWORD):
            user.typed(user.t("sign_in.name"), "coordinator@a.example")
            user.typed(user.t("sign_in.password"), password)
            user.entered(user.t("sign_in.go"))
            if password != PASSWORD:
                expect(user.page.get_by_role("alert")).to_contain_text(user.t("sign_in.wrong"))
        user.entered(user.t("factor.begin"))
        app = pyotp.TOTP(user.page.locator("main code").inner_text().replace(" ", ""))
        user.typed(user.t("code.code"), app.at(NOW.replace(tzinfo=UTC)))
        user.entered(user.t("factor.finish"))
        assert user.page.locator(".codes code").count() == 10
        user.entered(user.t("recovery.go"))
        expect(user.page.locator("h1")).to_contain_text(user.t("menu.quarter"))
        # Back over the menu: out again.
        other = {"id": "English", "en": "Bahasa Indonesia"}[way[1]]
        user.page.goto("/quarter")
        user.to(other)
        user.leaves(lambda: user.page.keyboard.press("Enter"))
        user.spoken = {"id": "en", "en": "id"}[way[1]]
        user.entered(user.t("site.sign_out"))
        expect(user.page.locator("h1")).to_contain_text(user.t("sign_in.title"))


@ways(3)
def test_the_list_is_filtered_and_a_student_read(own: Site, way: Way) -> None:
    with own.world.register.session(writing=True) as session:
        session.add(Guardian(guardian_id="1" * 32, student_id=CITRA.student_id, relation="mother",
                             full_name="Ibu Contoh", phone="+6281234567890"))  # fmt: skip
        session.commit()
    with hands(own, way, "coordinator") as user:
        user.page.goto("/")
        user.entered(user.t("menu.lists"))
        page = user.page
        user.entered(f"{user.say('family_status.not_visited')}…")
        assert "view=not_visited" in page.url
        user.chosen(user.t("list.class"), "VII-A")
        user.chosen(user.t("list.track"), user.say("track.concern"))
        user.entered(user.t("list.filter"))
        assert "view=not_visited" in page.url
        assert "track=concern" in page.url
        expect(page.locator(".family").first).to_be_visible()
        user.entered(user.t("list.clear"))
        assert "?" not in page.url
        user.to(user.t("list.export"))
        user.entered(user.t("list.print"), back=True)
        expect(page.locator("article table").first).to_be_visible()
        user.opened("/lists")
        user.entered(AHMAD.name)
        expect(page.locator("h1")).to_have_text(AHMAD.name)
        user.opened(f"/students/{CITRA.student_id}")
        user.entered(user.t("student.reach"))
        user.to(user.t("contact.open", who=user.say("met.mother")))


@ways(1)
def test_nobody_is_home_and_the_visit_is_planned_again(own: Site, way: Way) -> None:
    with hands(own, way, "homeroom_teacher") as user:
        page = user.page
        user.opened("/lists")
        user.to(SITI.name)
        user.entered(user.t("list.record"))
        user.ticked(user.say("visit_status.no_one_home"))
        user.dated(user.t("visit.again"), date(2026, 10, 12))
        user.to(user.t("visit.more"))
        page.keyboard.press("Enter")
        user.ticked(user.say("cause.health"))
        user.typed(user.t("visit.todo"), "Telepon Jumat")
        user.dated(user.t("visit.due"), date(2026, 10, 9))
        user.entered(user.t("form.save"))
        told(page, user.t("visit.saved"))
        expect(page.locator(".card")).to_contain_text("12 Okt" if way[1] == "id" else "12 Oct")
        user.entered(user.t("menu.plan"))
    with own.world.register.session() as session:
        rows = session.scalars(select(Visit).order_by(Visit.day)).all()
        assert [(row.status, row.day) for row in rows] == [
            ("no_one_home", NOW.date()), ("planned", date(2026, 10, 12))]  # fmt: skip


@ways(6)
def test_a_visit_with_a_fault_is_mended(own: Site, way: Way) -> None:
    with hands(own, way, "homeroom_teacher") as user:
        page = user.page
        user.opened(f"/visits/new?student={AHMAD.student_id}")
        user.dated(user.t("visit.day"), date(2026, 11, 30))
        user.ticked(user.say("visit_status.done"))
        user.ticked(user.say("met.mother"))
        user.typed(user.t("visit.agreement"), "Berangkat bersama kakaknya.")
        user.to(user.t("form.save"))
        page.keyboard.press("Enter")
        alert = page.locator(".faults:not([data-lost])")
        expect(alert).to_contain_text(user.t("form.faults"))
        if way[2]:
            # What is wrong is where the reader is: the next stop leads to the field.
            assert page.evaluate("document.activeElement.matches('.faults')")
        else:
            user.to_content()
        user.to(f"{user.t('visit.day')}…", tag="a")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "day"
        page.keyboard.type("10022026")
        user.to(user.t("form.save"))
        user.leaves(lambda: page.keyboard.press("Enter"))
        told(page, user.t("visit.saved"))
    with own.world.register.session() as session:
        (visit,) = session.scalars(select(Visit)).all()
        assert (visit.met, visit.agreement) == (["mother"], "Berangkat bersama kakaknya.")
        assert visit.day == date(2026, 10, 2)


@ways()
def test_an_attempt_to_reach_a_family(own: Site, way: Way) -> None:
    with hands(own, way, "homeroom_teacher") as user:
        user.opened(f"/students/{AHMAD.student_id}")
        user.entered(user.t("attempt.title"))
        user.ticked(user.say("channel.telephone"))
        user.ticked(user.say("contact_result.no_answer"))
        user.entered(user.t("form.save"))
        expect(user.page.get_by_text(user.say("contact_result.no_answer"))).to_be_visible()
    with own.world.register.session() as session:
        (row,) = session.scalars(select(ContactAttempt)).all()
        assert (row.channel, row.result) == ("telephone", "no_answer")


@ways()
def test_a_family_asks_for_a_visit(own: Site, way: Way) -> None:
    with hands(own, way, "homeroom_teacher") as user:
        user.opened(f"/students/{AHMAD.student_id}")
        user.entered(user.t("asking.title"))
        user.ticked(user.say("asked_by.student"))
        user.dated(user.t("asking.day"), date(2026, 10, 2))
        user.typed(user.t("asking.wish"), "Bertemu hari Sabtu")
        user.entered(user.t("form.save"))
        expect(user.page.get_by_text("Bertemu hari Sabtu")).to_be_visible()
        user.entered(user.t("asking.drop"))
        expect(user.page.get_by_text("Bertemu hari Sabtu")).to_have_count(0)
    with own.world.register.session() as session:
        (row,) = session.scalars(select(VisitRequest)).all()
        assert (row.asked_by, row.asked_on, row.status) == (
            "student", date(2026, 10, 2), "dropped")  # fmt: skip


@ways()
def test_a_priority_is_changed_and_taken_back(own: Site, way: Way) -> None:
    with hands(own, way, "homeroom_teacher") as user:
        user.opened(f"/students/{AHMAD.student_id}")
        user.entered(user.t("student.priority"))
        decision, reason = user.say("override.defer"), user.say("override_reason.family_away")
        user.chosen(user.t("priority.choice"), f"{decision}: {reason}")
        user.typed(user.t("priority.note"), "Pulang kampung")
        user.entered(user.t("form.save"))
        told(user.page, user.t("visit.saved"))
        user.entered(user.t("priority.undo"))
        expect(user.page.locator(".card")).to_contain_text(user.t("priority.as_listed"))


@ways()
def test_a_visit_is_moved_and_gets_company(own: Site, way: Way) -> None:
    with hands(own, way, "coordinator") as user:
        page = user.page
        user.opened("/plan")
        user.entered(user.t("plan.make"))
        user.entered(user.t("plan.move_of", name="") + "…")
        user.chosen(user.t("plan.week"), user.t("plan.week_of", day=date(2026, 11, 9)))
        user.ticked(user.say("slot.saturday"))
        user.chosen(user.t("visit.companion"), "Bambang O'Connor")
        user.entered(user.t("form.save"))
        if page.get_by_role("alert").count():  # against somebody's wish: asked about first
            user.ticked(user.t("plan.despite"))
            user.entered(user.t("form.save"))
        expect(page.get_by_text(user.t("plan.with", name="Bambang O'Connor"))).to_be_visible()
        user.entered(user.t("plan.letter_of", name="") + "…")
        expect(page.locator("article")).to_be_visible()


@ways()
def test_a_draft_is_published(own: Site, way: Way) -> None:
    with own.world.register.session(writing=True) as session:
        session.add(FactsSnapshot(snapshot_id="0" * 64, made_at=NOW, is_current=True, rows={}))
        session.commit()
    with hands(own, way, "coordinator") as user:
        user.opened("/quarter")
        user.entered(user.t("task.next"))
        user.to(user.t("review.read"))
        user.entered(user.t("review.publish"))
        told(user.page, "Coordinator")
        user.to(user.t("review.plan"))


@ways()
def test_somebody_is_invited(own: Site, way: Way) -> None:
    with hands(own, way, "admin") as user:
        user.opened("/people")
        user.typed(user.t("people.shown"), "Wati")
        user.typed(user.t("sign_in.name"), "wati")
        user.chosen(user.t("people.role"), user.t("role.homeroom_teacher"))
        user.chosen(user.t("people.school"), "SMP Contoh")
        user.entered(user.t("people.invite"))  # no teacher was chosen
        expect(user.page.get_by_role("alert")).to_contain_text(user.t("people.fault.place"))
        user.chosen(user.t("people.staff"), "Bambang O'Connor (VII-B)")
        user.entered(user.t("people.invite"))
        expect(user.page.locator("main code")).to_contain_text("/activate?link=")
        user.entered(user.t("menu.people"))
        user.entered("Wati")
        user.entered(user.t("people.disable"))
        told(user.page, user.t("visit.saved"))
    with own.world.register.session() as session:
        query = select(UserAccount).where(UserAccount.sign_in_name == "wati")
        assert session.scalars(query).one().disabled_at is not None


@ways()
def test_a_family_asks_and_is_answered(own: Site, way: Way) -> None:
    with hands(own, way, "coordinator") as user:
        user.opened(f"/students/{SITI.student_id}")
        user.entered(user.t("student.ask"))
        user.ticked(user.t("request.kind.access"))
        user.ticked(user.t("request.by.mother"))
        user.entered(user.t("form.save"))
        user.opened("/requests")
        user.entered(user.t("requests.done"))
    with own.world.register.session() as session:
        (row,) = session.scalars(select(RightsRequest)).all()
        assert (row.kind, row.status) == ("access", "done")


@ways()
def test_emergency_access_is_taken_and_ended(own: Site, way: Way) -> None:
    with hands(own, way, "bambang") as user:
        user.opened("/quarter")
        user.entered(user.t("emergency.title"))
        user.typed(user.t("emergency.number"), SITI.local_id)
        user.typed(user.t("emergency.reason"), "Orang tua menunggu di kantor")
        user.entered(user.t("emergency.take"))
        user.opened("/emergency")
        user.entered(user.t("me.end"))
        expect(user.page.get_by_text(user.t("emergency.over"))).to_be_visible()
