"""Deciding about a place on a page: with a reason, taken back, and never over somebody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser import Site, violations
from people import AHMAD


def address(site: Site) -> str:
    with site.page("coordinator") as page:
        page.goto(f"/students/{AHMAD.student_id}")
        link = page.get_by_role("link", name="Ubah prioritas").get_attribute("href")
    assert link
    return link


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_place_is_changed_and_taken_back(own: Site, script: bool) -> None:
    path = address(own)
    with own.page("coordinator", size="telephone", script=script) as page:
        page.goto(path)
        page.get_by_label("Keputusan dan alasannya").select_option("defer:family_away")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("status")).to_have_text("Tersimpan.")
        expect(page.get_by_text("Diputuskan oleh Coordinator")).to_be_visible()
        if script:
            assert not violations(page)
        page.get_by_role("button", name="Batalkan keputusan ini").click()
        expect(page.get_by_text("Keputusan sebelumnya dibatalkan")).to_be_visible()


def test_another_reason_needs_words(own: Site) -> None:
    with own.page("coordinator", language="en") as page:
        page.goto(address(own))
        page.get_by_label("Decision and reason").select_option("remove:other")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("say the reason in words")).to_be_visible()
        expect(page.get_by_label("Decision and reason")).to_have_value("remove:other")
        assert not violations(page)


def test_who_comes_second_sees_whose_change_won(own: Site) -> None:
    path = address(own)
    with own.page("homeroom_teacher") as page:
        page.goto(path)
        first = own.world.as_("coordinator").post(
            path, data={"revision": "0", "choice": "move_up:new_event"}
        )
        assert first.status_code == 303
        page.get_by_label("Keputusan dan alasannya").select_option("defer:family_away")
        page.get_by_role("button", name="Simpan").click()
        expect(page.get_by_role("alert")).to_contain_text("diputuskan oleh Coordinator")
        expect(page.get_by_text("Dahulukan", exact=True)).to_be_visible()
        assert not violations(page)
    with own.page("coordinator") as page:
        page.goto("/lists")
        expect(page.get_by_text("Dahulukan")).to_be_visible()
