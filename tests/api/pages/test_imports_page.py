"""Importing on a page: uploaded, looked at, kept; a process of its own does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import Site, sideways, site, violations
from service_world import installed_world

DATA = Path(__file__).parents[2] / "data" / "two_classes"
FILES = sorted(DATA.glob("*.csv"))
PATIENCE = 240


@pytest.fixture
def school(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    """An installation in a folder, with people and users and no facts."""
    with installed_world(tmp_path / "home") as world, site(world, browser) as served:
        yield served


def ended(page: Page) -> None:
    """Wait until the import stands still; the page reloads by itself."""
    over = page.locator("main form, [role=alert], .good").first
    expect(over).to_be_visible(timeout=PATIENCE * 1000)


def fine(page: Page) -> None:
    assert not violations(page)
    assert sideways(page) <= 0


@pytest.mark.slow
def test_files_are_looked_at_and_then_kept_without_script(school: Site) -> None:
    with school.page("data_staff", script=False) as page:
        page.goto("/data")
        page.get_by_role("link", name="Impor berkas sekolah").click()
        expect(page.get_by_text("Belum ada berkas yang diunggah.")).to_be_visible()
        page.get_by_label("Berkas", exact=True).set_input_files([*FILES, DATA / "mapping.toml"])
        page.get_by_role("button", name="Unggah dan lihat").click()
        ended(page)
        expect(page.get_by_text("Belum ada yang disimpan.")).to_be_visible()
        assert school.world.register.current_snapshot() is None
        if page.get_by_role("checkbox").count():
            page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Simpan semuanya").click()
        ended(page)
        expect(page.get_by_role("status")).to_contain_text("Tersimpan.")
    assert school.world.register.current_snapshot() is not None


def test_files_that_nobody_understands_change_nothing(school: Site, tmp_path: Path) -> None:
    odd = tmp_path / "catatan.csv"
    odd.write_text("apa,ini\n1,2\n", encoding="utf-8")
    with school.page("coordinator", size="telephone") as page:
        page.goto("/imports")
        fine(page)
        page.get_by_label("Berkas", exact=True).set_input_files([odd])
        page.get_by_role("button", name="Unggah dan lihat").click()
        ended(page)
        expect(page.get_by_role("alert")).to_contain_text("daftar siswa Dapodik")
        fine(page)
        path = page.url.removeprefix(school.address)
        page.get_by_role("button", name="Jangan disimpan").click()
        expect(page.get_by_text("Dibatalkan")).to_be_visible()
        fine(page)
        page.goto(path)
        expect(page.get_by_role("heading", name="Dibatalkan")).to_be_visible()
    coordinator = school.world.as_("coordinator")
    assert school.world.as_("other coordinator").get(path).status_code == 404
    assert coordinator.post(f"{path}/confirmation").status_code == 409
    assert coordinator.post(f"{path}/withdrawal").status_code == 409
    assert school.world.register.current_snapshot() is None


@pytest.mark.slow
def test_questions_are_answered_and_a_name_is_settled(school: Site, tmp_path: Path) -> None:
    late = tmp_path / "kejadian.csv"
    late.write_text("Nama;Kelas;Tanggal;Kode\nSiti Aminnah;VII-A;03/09/2026;A\n", encoding="utf-8")
    with school.page("coordinator", language="en") as page:
        page.goto("/imports")
        page.get_by_label("Files", exact=True).set_input_files(FILES)
        page.get_by_role("button", name="Upload and look").click()
        ended(page)
        fine(page)
        page.get_by_label("Which school year").fill("2026")
        page.get_by_label("Since when").fill("2026-07-13")
        page.get_by_label("Nobody wrote anything down").check()
        page.get_by_role("button", name="Answer and look again").click()
        expect(page.get_by_text("write it like 2026-27").first).to_be_visible()
        fine(page)
        page.get_by_label("Which school year").fill("2026-27")
        page.get_by_role("button", name="Answer and look again").click()
        ended(page)
        expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
        fine(page)
        if page.get_by_role("checkbox").count():
            page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Save all of it").click()
        ended(page)
        fine(page)
        page.goto("/imports")
        page.get_by_label("Files", exact=True).set_input_files([late])
        page.get_by_role("button", name="Upload and look").click()
        ended(page)
        fine(page)
        page.get_by_label("Only absences").check()
        page.get_by_role("button", name="Answer and look again").click()
        ended(page)
        expect(page.get_by_text("Siti Aminnah").first).to_be_visible()
        fine(page)
        page.get_by_label("It is Siti Aminah").check()
        if page.get_by_role("checkbox").count():
            page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Save all of it").click()
        ended(page)
        expect(page.get_by_role("status")).to_contain_text("Saved.")
