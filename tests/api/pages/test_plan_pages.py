"""Planning on pages: made, moved, against a wish, by two people; letters and forms on paper."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import Site, sideways, site, violations
from earlywarning.io.register import lists
from earlywarning.visit_rules import Planning
from earlywarning_pipelines.plan_commands import week_view
from people import SITI
from service_world import NOW, World, opened_world


def exported(world: World, name: str) -> list[str]:
    """The plan's row of a child, from the file that the coordinator may take out."""
    coordinator = world.as_("coordinator")
    answer = coordinator.post(
        "/api/v1/exports",
        json={"kind": "plan", "visit_list_id": world.lists["2026-27-Q2"], "purpose": "rapat"},
        headers={"Idempotency-Key": uuid.uuid4().hex, "Accept-Language": "en"},
    )
    assert answer.status_code == 202, answer.text
    text = coordinator.get(answer.headers["location"]).text
    (row,) = (one for one in csv.reader(io.StringIO(text)) if name in one)
    return row


def planned(page: Page) -> None:
    page.goto("/plan")
    page.get_by_role("button", name="Buat rencana").click()
    expect(page.get_by_text("direncanakan oleh Coordinator")).to_be_visible()


@pytest.fixture(scope="module")
def plan(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A school whose plan is made; its tests read it, and one numbers a letter."""
    with opened_world(tmp_path_factory.mktemp("plan")) as world, site(world, browser) as served:
        path = f"/lists/{world.lists['2026-27-Q2']}/plan"
        assert world.as_("coordinator").post(path).status_code == 303
        yield served


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_plan_is_made_and_a_visit_moved(own: Site, script: bool) -> None:
    with own.page("coordinator", script=script) as page:
        planned(page)
        page.get_by_role("link", name=re.compile("^Pindahkan kunjungan")).first.click()
        page.get_by_label("Minggu", exact=True).select_option("2026-11-09")
        page.get_by_label("hari Sabtu").check()
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("heading", name=re.compile("Senin, 9 Nov"))).to_be_visible()
        if script:
            assert not violations(page)


def test_a_week_that_is_over_is_not_offered(plan: Site) -> None:
    coordinator = plan.world.as_("coordinator")
    list_id = plan.world.lists["2026-27-Q2"]
    made = coordinator.get(f"/api/v1/visit_lists/{list_id}/plan").json()
    visit = made["visits"][0]
    weeks = re.findall(
        r'<option value="(2026-\d\d-\d\d)"',
        coordinator.get(f"/planned/{visit['planned_visit_id']}").text,
    )
    # It is Monday, 5 October; the quarter's first week began on 28 September.
    assert weeks[0] == min("2026-10-05", visit["week"])
    assert weeks[-1] == "2026-12-28"


def test_a_change_against_a_wish_is_asked_about_first(own: Site) -> None:
    with own.page("coordinator", size="telephone") as page:
        planned(page)
        page.get_by_role("link", name=re.compile("^Pindahkan kunjungan")).first.click()
        page.get_by_label("hari Minggu").check()
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("alert")).to_contain_text("bertentangan")
        assert not violations(page)
        page.get_by_label("Tetap simpan").check()
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_text("Tidak sesuai:")).to_be_visible()
        assert not violations(page)
        assert sideways(page) <= 0


def test_who_moves_second_is_told(own: Site) -> None:
    coordinator = own.world.as_("coordinator")
    with own.page("coordinator") as page:
        planned(page)
        page.get_by_role("link", name=re.compile("^Pindahkan kunjungan")).first.click()
        path = page.url.removeprefix(own.address)
        form = {"revision": "1", "week": "2026-11-16", "slot": "saturday"}
        assert coordinator.post(path, data=form).status_code == 303
        page.get_by_label("hari Sabtu").check()
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("alert")).to_contain_text("16 Nov 2026")


def test_a_letter_gets_one_number_and_no_address_unless_asked(plan: Site) -> None:
    with plan.page("coordinator") as page:
        page.goto("/plan")
        page.get_by_role("link", name=re.compile("^Surat tugas")).first.click()
        page.get_by_role("button", name="Beri nomor surat").click()
        expect(page.get_by_text("001/ST/SMP/X/2026")).to_be_visible()
        assert "Alamat dan telepon:" not in page.content()
        assert not violations(page)
        page.reload()
        expect(page.get_by_text("001/ST/SMP/X/2026")).to_be_visible()


def test_paper_holds_nothing_that_hurts_a_family(plan: Site) -> None:
    with plan.page("coordinator") as page:
        for name in ("Formulir", "Surat tugas"):
            page.goto("/plan")
            page.get_by_role("link", name=re.compile(f"^{name}")).first.click()
            page.emulate_media(media="print")
            text = page.locator("article").inner_text()
            for word in ("Kunjungi dulu", "Perhatian", "Tidak hadir", "prioritas", "peringkat"):
                assert word not in text
            expect(page.get_by_role("navigation")).to_be_hidden()
            page.emulate_media(media="screen")


def test_the_principal_sees_counts_and_no_child(plan: Site) -> None:
    with plan.page("principal") as page:
        page.goto(f"/lists/{plan.world.lists['2026-27-Q2']}/summary")
        expect(page.get_by_role("heading", name=re.compile("Rekap"))).to_be_visible()
        assert "Ahmad" not in page.content()
        assert not violations(page)


def test_a_teacher_moves_only_visits_that_they_lead(plan: Site) -> None:
    text = plan.world.as_("coordinator").get(f"/lists/{plan.world.lists['2026-27-Q2']}/plan").text
    paths = re.findall(r'<a href="(/planned/[0-9a-f]{32})"', text)
    assert len(paths) >= 2
    answers = {plan.world.as_("bambang").get(path).status_code for path in paths}
    assert answers <= {200, 403, 404}
    assert 200 in answers
    assert answers != {200}


def test_a_day_on_record_after_nobody_was_home_shows_in_its_week(own: Site) -> None:
    world, list_id = own.world, own.world.lists["2026-27-Q2"]
    coordinator, teacher = world.as_("coordinator"), world.as_("homeroom_teacher")
    english = {"Accept-Language": "en"}
    path = f"/lists/{list_id}/plan"
    assert coordinator.post(path).status_code == 303

    def siti() -> dict:
        plan = coordinator.get(f"/api/v1{path.replace('/lists', '/visit_lists')}").json()
        return next(
            one for one in plan["visits"]
            if [child["student_id"] for child in one["students"]] == [SITI.student_id]
        )  # fmt: skip

    def week_of_entry(id_: str) -> tuple[str, str]:
        """Heading of the week in which the entry stands, and the entry."""
        text = teacher.get(path, headers=english).text
        (section,) = (one for one in text.split('<section class="week')[1:] if id_ in one)
        entry = section.split(f'<li id="{id_}">')[1].split("</li>")[0]
        return re.findall(r"<h2>(.*?) – ", section)[0], entry

    before = siti()
    id_ = before["planned_visit_id"]
    assert before["week"] != "2026-11-16"
    assert before["agreed_on"] is None
    assert "The plan had the week" not in week_of_entry(id_)[1]
    visit = f"/visits/{'7' * 32}"
    form = {"student": SITI.student_id, "day": "2026-10-05", "status": "no_one_home"}
    assert teacher.post(visit, data=form).status_code == 303
    # Without a day to go again the visit's page offers to choose one, and to reach the family.
    recorded = teacher.get(visit, headers=english).text
    assert f'href="{visit}/change#again"' in recorded
    assert f'href="/students/{SITI.student_id}#next"' in recorded
    change = teacher.get(f"{visit}/change").text
    (revision,) = re.findall(r'name="revision" value="(\d+)"', change)
    again = form | {"again": "2026-11-18", "revision": revision}
    assert teacher.post(visit, data=again).status_code == 303
    recorded = teacher.get(visit, headers=english).text
    assert "Next visit: <strong>Wednesday, 18 Nov</strong>" in recorded
    assert f'href="{path}#{id_}"' in recorded
    assert "/change#again" not in recorded
    after = siti()
    assert after == before | {"agreed_on": "2026-11-18"}  # what was planned stays as it was
    heading, entry = week_of_entry(id_)
    assert heading == "Monday, 16 Nov"
    assert "Wednesday, 18 Nov" in entry
    assert "The plan had the week from" in entry
    for paper in ("letter", "form", "notice"):
        assert "18 Nov 2026" in teacher.get(f"/planned/{id_}/{paper}", headers=english).text
    # So do the sheet that leaves, the terminal, and the form to move it.
    week, day, slot, *_ = exported(world, SITI.name)
    assert (week, day, slot) == ("2026-11-16", "2026-11-18", "")
    (listed,) = lists.find(world.register, [list_id])
    lines = week_view(world.register, listed, Planning(), "en").splitlines()
    (line,) = (one for one in lines if SITI.name in one)
    assert "18 Nov 2026" in line
    assert lines[lines.index(line) - 1].startswith("16 Nov 2026")
    form_page = teacher.get(f"/planned/{id_}").text
    assert '<option value="2026-11-16" selected>' in form_page
    assert re.search(r'name="on_date"[^>]*value="2026-11-18"', form_page)

    # Planned again by the program, the day on record still holds; set by hand, the hand does.
    assert coordinator.post(path).status_code == 303
    assert siti()["agreed_on"] == "2026-11-18"
    world.app.state.clock = lambda: NOW + timedelta(minutes=5)
    page = teacher.get(f"/planned/{id_}").text
    (revision,) = re.findall(r'name="revision" value="(\d+)"', page)
    moved = {"revision": revision, "week": "2026-11-23", "slot": "saturday", "despite": "yes"}
    assert teacher.post(f"/planned/{id_}", data=moved).status_code == 303
    assert siti()["agreed_on"] is None
    heading, entry = week_of_entry(id_)
    assert heading == "Monday, 23 Nov"
    assert "The plan had the week" not in entry


@pytest.mark.parametrize("language", ["id", pytest.param("en", marks=pytest.mark.slow)])
def test_what_a_link_of_the_plan_is_called_holds_what_it_shows(plan: Site, language: str) -> None:
    """Who speaks to the browser says what they see."""
    world = plan.world
    coordinator, path = world.as_("coordinator"), f"/lists/{world.lists['2026-27-Q2']}/plan"
    text = coordinator.get(path, headers={"Accept-Language": language}).text
    links = re.findall(r'<a [^>]*aria-label="([^"]*)"[^>]*>([^<]*)</a>', text)
    assert len({shown for _, shown in links}) == 4
    for called, shown in links:
        assert shown.lower() in called.lower(), (called, shown)
