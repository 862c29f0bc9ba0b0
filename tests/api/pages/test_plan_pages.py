"""Planning on pages: made, moved, against a wish, by two people; letters and forms on paper."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser import Site, sideways, violations


def planned(page: Page) -> None:
    page.goto("/plan")
    page.get_by_role("button", name="Buat rencana").click()
    expect(page.get_by_text("direncanakan oleh Coordinator")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
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


def test_a_week_that_is_over_is_not_offered(own: Site) -> None:
    coordinator = own.world.as_("coordinator")
    list_id = own.world.lists["2026-27-Q2"]
    assert coordinator.post(f"/lists/{list_id}/plan").status_code == 303
    plan = coordinator.get(f"/api/v1/visit_lists/{list_id}/plan").json()
    visit = plan["visits"][0]
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


def test_a_letter_gets_one_number_and_no_address_unless_asked(own: Site) -> None:
    with own.page("coordinator") as page:
        planned(page)
        page.get_by_role("link", name=re.compile("^Surat tugas")).first.click()
        page.get_by_role("button", name="Beri nomor surat").click()
        expect(page.get_by_text("001/ST/SMP/X/2026")).to_be_visible()
        assert "Alamat dan telepon:" not in page.content()
        assert not violations(page)
        page.reload()
        expect(page.get_by_text("001/ST/SMP/X/2026")).to_be_visible()


def test_paper_holds_nothing_that_hurts_a_family(own: Site) -> None:
    with own.page("coordinator") as page:
        planned(page)
        for name in ("Formulir", "Surat tugas"):
            page.goto("/plan")
            page.get_by_role("link", name=re.compile(f"^{name}")).first.click()
            page.emulate_media(media="print")
            text = page.locator("article").inner_text()
            for word in ("Kunjungi dulu", "Perhatian", "Tidak hadir", "prioritas", "peringkat"):
                assert word not in text
            expect(page.get_by_role("navigation")).to_be_hidden()
            page.emulate_media(media="screen")


def test_the_principal_sees_counts_and_no_child(own: Site) -> None:
    with own.page("coordinator") as page:
        planned(page)
    with own.page("principal") as page:
        page.goto(f"/lists/{own.world.lists['2026-27-Q2']}/summary")
        expect(page.get_by_role("heading", name=re.compile("Rekap"))).to_be_visible()
        assert "Ahmad" not in page.content()
        assert not violations(page)


def test_a_teacher_moves_only_visits_that_they_lead(own: Site) -> None:
    with own.page("coordinator") as page:
        planned(page)
        links = page.get_by_role("link", name=re.compile("^Pindahkan kunjungan")).all()
        paths = [link.get_attribute("href") or "" for link in links]
    answers = {own.world.as_("bambang").get(path).status_code for path in paths}
    assert answers <= {200, 403, 404}
    assert 200 in answers
    assert answers != {200}
