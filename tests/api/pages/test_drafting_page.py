"""From files to a published list without a command line, by a coordinator, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import Site, sideways, site, violations
from earlywarning.io.register import lists
from earlywarning_api.pages import work
from people import SCHOOL_ID
from service_world import installed_world

DATA = Path(__file__).parents[2] / "data" / "two_classes"
FILES = sorted(DATA.glob("*.csv"))
NOW = datetime(2026, 10, 6, 2, 0)  # noqa: DTZ001 - the register keeps UTC without zone
PATIENCE = 240_000


@pytest.fixture
def school(browser: Browser, tmp_path: Path) -> Iterator[Site]:
    """An installation in a folder, with users and no facts."""
    with installed_world(tmp_path / "home", at=NOW) as world, site(world, browser) as served:
        yield served


def fine(page: Page) -> None:
    assert not violations(page)
    assert sideways(page) <= 0


def stands(page: Page) -> None:
    """Wait until the work stands still; the page reloads by itself."""
    over = page.locator("main form, main .faults, main .good").first
    expect(over).to_be_visible(timeout=PATIENCE)


def test_from_files_to_a_published_list_without_script(school: Site, tmp_path: Path) -> None:
    register = school.world.register
    mapping = tmp_path / "mapping.toml"
    text = (DATA / "mapping.toml").read_text("utf-8")
    mapping.write_text(text.replace("SMP-CONTOH", SCHOOL_ID), encoding="utf-8")
    with school.page("coordinator", size="telephone", language="en", script=False) as page:
        page.goto("/quarter")
        page.get_by_role("link", name="Data in").click()
        page.get_by_label("Files", exact=True).set_input_files([*FILES, mapping])
        page.get_by_role("button", name="Upload and look").click()
        page.wait_for_url("**/imports/*")
        stands(page)
        if page.get_by_role("checkbox").count():
            page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Save all of it").click()
        expect(page.locator("main .good")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("link", name="Make the draft of the list").click()
        page.get_by_role("button", name="Make the draft October").click()
        page.wait_for_url("**/jobs/*")
        stands(page)
        expect(page.get_by_role("status")).to_contain_text("The draft is ready.")
        expect(page.get_by_text("What is missing of the quarter before")).to_be_visible()
        page.get_by_role("link", name="Look at the draft").click()
        expect(page.get_by_text("What is missing of the quarter before")).to_be_visible()
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("List published")
        expect(page.get_by_role("status")).to_contain_text("Coordinator")
        page.get_by_role("link", name="Plan its visits").click()
        page.get_by_role("button", name="Make the plan").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Plan of visits")
        page.goto("/drafts")
        expect(page.get_by_role("link", name="Open the list")).to_be_visible()
        expect(page.get_by_role("button", name="Make the draft October")).to_have_count(0)
    (made,) = lists.of_quarter(register, "2026-27-Q2", status=lists.PUBLISHED)
    coordinator = school.world.as_("coordinator")
    again = coordinator.post("/drafts", data={"quarter": "2026-27-Q2"})
    assert again.status_code == 409
    with register.session() as session:
        found = work.of_list(session, _coordinator(), made.visit_list_id)
    assert found is not None
    assert (found.status, found.asked) == ("finished", {"quarter": "2026-27-Q2"})


@pytest.mark.slow
def test_a_draft_that_cannot_be_made_says_why(school: Site) -> None:
    with school.page("coordinator") as page:
        page.goto("/drafts")
        expect(page.get_by_text("Belum ada data yang diimpor.")).to_be_visible()
        fine(page)
    coordinator = school.world.as_("coordinator")
    started = coordinator.post("/drafts", data={"quarter": "2026-27-Q2"})
    busy = coordinator.post("/drafts", data={"quarter": "2026-27-Q2"})
    assert (started.status_code, busy.status_code) == (303, 409)
    where = started.headers["location"]
    other = school.world.as_("other coordinator")
    assert other.get(where).status_code == 404
    assert school.world.as_("data_staff").get(where).status_code == 404
    with school.page("coordinator", size="telephone") as page:
        page.goto(where)
        stands(page)
        expect(page.get_by_role("alert")).to_contain_text("Datanya belum memungkinkan.")
        fine(page)
    assert coordinator.post("/drafts", data={"quarter": "2026-27-Q9"}).status_code == 409


def _coordinator():
    from earlywarning_api.access import Person

    return Person("x", "coordinator", SCHOOL_ID, None)
