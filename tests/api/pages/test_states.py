"""Pages where something is missing: the first run, nobody's list, and every kind of error."""

from __future__ import annotations

from functools import partial

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Route, expect

from browser import Site, sideways, site, violations
from earlywarning.errors import Conflict, TooManyTries
from earlywarning.io import wording
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app
from earlywarning_api.pages import failures
from earlywarning_api.pages.site import create_pages
from service_world import NOW, World, people, users

FIRST_RUN = {
    "coordinator": ("/quarter", "/lists", "/plan", "/data", "/models", "/impact", "/requests"),
    "coordinator's tools": ("/imports", "/drafts", "/students", "/students?q=Zqx", "/emergency",
                            "/me"),
    "homeroom_teacher": ("/quarter", "/lists", "/plan", "/students", "/students?q=Zqx",
                         "/emergency"),
    "counsellor": ("/quarter", "/lists", "/plan", "/students"),
    "principal": ("/quarter", "/lists", "/plan", "/data", "/models", "/impact", "/emergency"),
    "data_staff": ("/data", "/imports", "/models", "/impact"),
    "admin": ("/people", "/audit", "/audit?about=zqx", "/requests", "/data", "/models"),
    "researcher": ("/", "/impact", "/me"),
}  # fmt: skip
"""Who looks at what; of a name, what stands before the apostrophe is who."""


@pytest.fixture(scope="module")
def empty(browser: Browser, tmp_path_factory: pytest.TempPathFactory):
    """A school with people and users, and nothing else."""
    folder = tmp_path_factory.mktemp("first")
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        people(register)
        users(register)
        app = create_app(register, clock=lambda: NOW, requests_per_minute=0, home=folder)
        with TestClient(app) as client:
            world = World(register, app, client, {}, {})
            with site(world, browser) as served:
                yield served


LOOKS = (("telephone", "light", "id"), ("desk", "dark", "en"))


@pytest.mark.parametrize(
    ("who", "look"),
    [pytest.param(who, look, marks=() if (who, look) == ("coordinator", LOOKS[0])
                  else pytest.mark.slow)
     for who in FIRST_RUN for look in LOOKS],
)  # fmt: skip
def test_the_first_run(empty: Site, who: str, look: tuple[str, str, str]) -> None:
    size, scheme, language = look
    with empty.page(who.partition("'")[0], size=size, scheme=scheme, language=language) as page:
        for path in FIRST_RUN[who]:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            expect(page.locator("h1")).to_have_count(1)
            assert not violations(page), path
            assert sideways(page) <= 0, path


def test_the_first_steps_are_named(empty: Site) -> None:
    with empty.page("coordinator", language="en") as page:
        page.goto("/quarter")
        expect(page.get_by_text("Nothing was imported yet. Begin here.")).to_be_visible()
        page.goto("/lists")
        expect(page.get_by_text("Three steps to the first list:")).to_be_visible()


def failing(world: World) -> TestClient:
    pages = create_pages(world.app)

    @pages.get("/fail/{status}")
    def fail(status: int) -> None:
        if status == 409:
            raise Conflict("somebody was first")
        if status == 429:
            raise TooManyTries(60)
        if status == 500:
            raise RuntimeError("Ahmad Fulan")
        raise HTTPException(status)

    return TestClient(pages, raise_server_exceptions=False)


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("status", failures.STATUSES)
def test_every_error_has_words(world: World, status: int, language: str) -> None:
    answer = failing(world).get(f"/fail/{status}", headers={"Accept-Language": language})
    assert answer.status_code == status
    assert wording.page_text(f"failure.{status}.title", language) in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert "Ahmad" not in answer.text
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) > 0


def fulfilled(route: Route, *, body: str) -> None:
    route.fulfill(status=200, content_type="text/html; charset=utf-8", body=body)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_errors_shut_nobody_out(read_only: Site, world: World, scheme: str) -> None:
    client = failing(world)
    with read_only.page("coordinator", size="telephone", scheme=scheme) as page:
        for status in failures.STATUSES:
            body = client.get(f"/fail/{status}").text
            page.route("**/fail/*", partial(fulfilled, body=body))
            page.goto(f"/fail/{status}")
            assert not violations(page), status
            assert sideways(page) <= 0
            page.unroute("**/fail/*")


def test_a_teacher_without_capacity_is_told(read_only: Site) -> None:
    list_id = read_only.world.lists["2026-27-Q2"]
    with read_only.page("retno") as page:
        page.goto(f"/lists/{list_id}?view=visited")
        expect(page.locator(".empty")).to_be_visible()
        assert not violations(page)


def test_filters_that_fit_nothing_can_be_cleared(read_only: Site) -> None:
    list_id = read_only.world.lists["2026-27-Q2"]
    with read_only.page("coordinator") as page:
        page.goto(f"/lists/{list_id}?track=good_news")
        expect(page.get_by_text("Tidak ada yang cocok")).to_be_visible()
        page.locator(".empty").get_by_role("link").click()
        expect(page.locator(".family").first).to_be_visible()
