"""Importing on a page: uploaded, looked at, kept; a process of its own does it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect

from browser import Site, site, violations
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app
from earlywarning_api.import_jobs import safe
from service_world import NOW, World, people, users

DATA = Path(__file__).parents[2] / "data" / "two_classes"
FILES = sorted(DATA.glob("*.csv"))
PATIENCE = 90


@pytest.fixture
def school(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    """An installation in a folder, with people and users and no facts."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "district.toml").write_text(
        '[district]\nname = "Contoh"\n\n[visits]\nlottery = false\n', encoding="utf-8"
    )
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        people(register)
        users(register)
        app = create_app(register, clock=lambda: NOW, home=home, requests_per_minute=0)
        with TestClient(app) as client:
            world = World(register, app, client, {}, {})
            with site(world, browser) as served:
                yield served


def ended(page: Page) -> None:
    """Wait until the import stands still; the page reloads by itself."""
    over = page.locator("main form, [role=alert], .good").first
    expect(over).to_be_visible(timeout=PATIENCE * 1000)


def test_files_are_looked_at_and_then_kept(school: Site) -> None:
    with school.page("data_staff", script=False) as page:
        page.goto("/data")
        page.get_by_label("Berkas", exact=True).set_input_files([*FILES, DATA / "mapping.toml"])
        page.get_by_role("button", name="Unggah dan lihat").click()
        ended(page)
        expect(page.get_by_text("Belum ada yang disimpan.")).to_be_visible()
        assert school.world.register.current_snapshot() is None
        page.get_by_role("button", name="Simpan semuanya").click()
        ended(page)
        expect(page.get_by_role("status")).to_contain_text("Tersimpan.")
    assert school.world.register.current_snapshot() is not None
    folder = school.world.app.state.home / "uploads"
    assert all(
        stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (folder, *folder.glob("*"))
    )


def test_files_that_nobody_understands_change_nothing(school: Site, tmp_path: Path) -> None:
    odd = tmp_path / "catatan.csv"
    odd.write_text("apa,ini\n1,2\n", encoding="utf-8")
    with school.page("coordinator", size="telephone") as page:
        page.goto("/data")
        assert not violations(page)
        page.get_by_label("Berkas", exact=True).set_input_files([odd])
        page.get_by_role("button", name="Unggah dan lihat").click()
        ended(page)
        expect(page.get_by_role("alert")).to_contain_text("Tidak ada yang disimpan")
        assert not violations(page)
        path = page.url.removeprefix(school.address)
    other = school.world.as_("data_staff")
    assert other.get(path).status_code == 404
    assert school.world.as_("coordinator").post(path).status_code == 409
    assert school.world.register.current_snapshot() is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("2026-09.csv", "2026-09.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\berkas\\Absen VII A.xlsx", "Absen VII A.xlsx"),
        (".bashrc", "bashrc"),
        ("--confirm", "--confirm"),
        ("a\nb;c.csv", "a_b_c.csv"),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 76 + ".csv"),
    ],
)
def test_names_of_files_are_names_and_nothing_more(name: str, kept: str) -> None:
    assert safe(name) == kept
