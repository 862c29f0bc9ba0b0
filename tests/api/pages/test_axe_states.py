"""Every form that did not fit, and every change that came second: shown again, shutting nobody out.

The form is sent as a program would, and the page that answers is looked at in a real browser. One
look at some of them is taken by default; the slow tests take all looks at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import product

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, Route

import three_versions
from browser import Site, sideways, site, violations
from earlywarning.io.register import accounts
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import FactsSnapshot
from earlywarning_api.app import create_app
from people import AHMAD, SITI
from service_world import NOW, World, opened_world, user_id

PASSWORD = "kata yang cukup panjang"
Look = tuple[str, str, str]
LOOKS: tuple[Look, ...] = tuple(product(("telephone", "desk"), ("id", "en"), ("light", "dark")))
USUAL = ("telephone", "id", "light")
OTHERS = [pytest.param(one, marks=() if one == USUAL else pytest.mark.slow) for one in LOOKS]
SLOW = [pytest.param(one, marks=pytest.mark.slow) for one in LOOKS]
ANY = "9" * 32


@dataclass(frozen=True)
class State:
    """A form that is refused.

    Attributes
    ----------
    path : str
        With `{q2}`, `{q3}`, `{item}`, `{planned}`, `{asked}`; see `school`.
    status : int
        The answer that is wanted.
    files : bool
        Whether the form sends files; here it sends none.
    often : bool
        Whether it is looked at by default.
    """

    who: str | None
    path: str
    status: int
    data: Mapping[str, str] = field(default_factory=dict)
    files: bool = False
    often: bool = False


PRIORITY = "/lists/{q2}/items/{item}/priority"
DEFER = {"choice": "defer:family_away"}
MOVE = {"week": "2026-11-09", "slot": "sunday"}
STATES = (
    State(None, "/sign-in", 401, {"name": "siapa", "password": "bukan ini"}),
    State(None, "/activate", 410, {"link": "x" * 43, "password": PASSWORD}),
    State("homeroom_teacher", f"/visits/{ANY}", 422, {"student": SITI.student_id}, often=True),
    State("homeroom_teacher", f"/students/{SITI.student_id}/attempts/{ANY}", 422),
    State("homeroom_teacher", f"/students/{SITI.student_id}/visit-request/{ANY}", 422),
    State("homeroom_teacher", "/emergency", 422),
    State("homeroom_teacher", "/me/password", 422, {"old": "bukan ini", "new": PASSWORD}),
    State("coordinator", PRIORITY, 422, {"revision": "0"}),
    State("coordinator", PRIORITY, 412, {"revision": "7"} | DEFER, often=True),
    State("coordinator", f"/students/{SITI.student_id}/request", 422),
    State("coordinator", "/requests/{asked}", 422),
    State("coordinator", "/planned/{planned}", 422, {"week": "minggu depan"}),
    State("coordinator", "/planned/{planned}", 409, {"revision": "{revision}"} | MOVE, often=True),
    State("coordinator", "/planned/{planned}", 412, {"revision": "99"} | MOVE),
    State("coordinator", "/lists/{q3}/publication", 409, {"sha": "x"}, often=True),
    State("coordinator", "/imports", 422, files=True, often=True),
    State("coordinator", "/drafts", 409, {"quarter": "2020-21-Q1"}),
    State("data_staff", "/models/attendance/rollback", 422, {"reason": "ya"}),
    State("data_staff", "/models/attendance/3/promotion", 422, {"reason": "ya"}),
    State("data_staff", "/models/attendance/2/promotion", 409, {"reason": "Sudah dilihat semua"}),
    State("admin", "/people", 422, {"shown": "Wati", "role": "homeroom_teacher"}, often=True),
    State("admin", "/people/{bambang}", 422, {"action": "role", "role": "homeroom_teacher"}),
    State("admin", "/people/{admin}", 409, {"action": "disable"}),
    State("admin", "/confirm", 422, {"password": "bukan ini"}),
)


@dataclass(frozen=True)
class School:
    """A school in its quarter, and what stands for the names in `State.path`."""

    site: Site
    world: World
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def school(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder = tmp_path_factory.mktemp("refusing")
    with opened_world(folder) as base:
        app = create_app(base.register, clock=lambda: NOW, home=folder, requests_per_minute=0)
        with TestClient(app) as client, site(base, browser) as served:
            world = World(base.register, app, client, base.tokens, base.lists)
            yield School(served, world, lived(world))


def lived(world: World) -> dict[str, str]:
    """Let a plan, a request and models be there."""
    with world.register.session(writing=True) as session:
        session.add(FactsSnapshot(snapshot_id="0" * 64, made_at=NOW, is_current=True, rows={}))
        session.commit()
    three_versions.add(world.register, NOW)
    coordinator, q2 = world.as_("coordinator"), world.lists["2026-27-Q2"]
    visit = world.planned(q2, AHMAD.student_id)
    asked = coordinator.post(
        "/api/v1/rights_requests",
        json={"kind": "access", "student_id": SITI.student_id, "made_by": "mother"},
        headers={"Idempotency-Key": ANY},
    ).json()
    return {
        "q2": q2, "q3": world.lists["2026-27-Q3"], "item": visit["item_id"],
        "planned": visit["planned_visit_id"], "revision": "1", "asked": asked["request_id"],
        "bambang": user_id("bambang"), "admin": user_id("admin"),
    }  # fmt: skip


def fulfilled(route: Route, *, body: str) -> None:
    route.fulfill(status=200, content_type="text/html; charset=utf-8", body=body)


FAULTS = "main [role=alert]:visible, main .fault:visible"


def looked_at(page: Page, body: str, what: object, *, told: str = FAULTS) -> None:
    """What axe and the window say of a page's text, and whether it says that something is wrong."""
    page.route("**/refused", partial(fulfilled, body=body))
    page.goto("/refused")
    assert page.locator("h1").count() == 1, what
    assert page.locator(told).count(), what
    assert not violations(page), what
    assert sideways(page) <= 0, what
    page.unroute("**/refused")


def test_what_is_often_refused_can_be_read_and_mended(school: School) -> None:
    refuse(school, USUAL, [state for state in STATES if state.often])


@pytest.mark.parametrize("look", SLOW, ids="-".join)
def test_what_is_refused_can_be_read_and_mended(school: School, look: Look) -> None:
    refuse(school, look, STATES)


def refuse(school: School, look: Look, states: Sequence[State]) -> None:
    """Send each form, and look at the page that answers.

    Each look has its own time: wrong passwords of the look before are forgotten.
    """
    size, language, scheme = look
    at = NOW + LOOKS.index(look) * timedelta(minutes=20)
    school.world.app.state.clock = lambda: at
    with school.site.page(size=size, language=language, scheme=scheme) as page:
        for state in states:
            who = school.world.browser(state.who)
            data = {name: value.format(**school.ids) for name, value in state.data.items()}
            answer = who.post(
                state.path.format(**school.ids),
                data=data,
                files={"nothing": ("", b"")} if state.files else None,
                headers={"Accept-Language": language},
            )
            assert answer.status_code == state.status, (state, answer.status_code)
            assert f'<html lang="{language}"' in answer.text
            # Of an old link the heading says so, and nothing else is there.
            looked_at(page, answer.text, state, told="h1" if state.status == 410 else FAULTS)


@pytest.mark.parametrize("look", OTHERS, ids="-".join)
def test_who_tries_too_often_is_told_to_wait(school: School, look: Look) -> None:
    size, language, scheme = look
    form = {"name": f"seseorang.{'.'.join(look)}", "password": "bukan ini"}
    for _ in range(6):
        answer = school.world.browser().post(
            "/sign-in", data=form, headers={"Accept-Language": language}
        )
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    with school.site.page(size=size, language=language, scheme=scheme) as page:
        looked_at(page, answer.text, "429")


@pytest.mark.parametrize("look", OTHERS, ids="-".join)
def test_the_first_administrators_link(
    school: School, look: Look, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A register without anybody: the form, the form that does not fit, and the link once used."""
    size, language, scheme = look
    folder = tmp_path_factory.mktemp("first")
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        app = create_app(register, clock=lambda: NOW, requests_per_minute=0)
        link = accounts.first_admin(register, at=NOW)
        assert link is not None
        place, form = f"/activate?link={link.secret}", {"link": link.secret, "password": "pendek"}
        with TestClient(app) as client:
            world = World(register, app, client, {}, {})
            with (
                site(world, school.site.browser) as served,
                served.page(size=size, language=language, scheme=scheme) as page,
            ):
                page.goto(place)
                assert page.locator("form input:visible").count() == 3
                assert not violations(page)
                assert sideways(page) <= 0
                spoken = {"Accept-Language": language}
                short = world.browser().post("/activate", data=form, headers=spoken)
                assert short.status_code == 422
                looked_at(page, short.text, "short")
                done = form | {"password": PASSWORD, "name": "endang", "shown": "Bu Endang"}
                assert world.browser().post("/activate", data=done).status_code == 303
                page.goto(place)
                assert not violations(page)
                assert sideways(page) <= 0
