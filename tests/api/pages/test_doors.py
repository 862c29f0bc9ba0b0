"""Who may open which page: every route, every role; nothing is shown to who may not see it."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts

from earlywarning_api.pages.site import create_pages
from people import AHMAD, CHILDREN, CITRA, SARI
from service_world import OTHER, USERS, World

ABSENT = "e" * 32
OPEN = {"/", "/sign-in", "/sign-out", "/sign-in/code", "/sign-in/second-factor",
        "/sign-in/second-factor/confirmation", "/language", "/static/{digest}/{name}", "/activate",
        "/reset", "/me", "/me/password", "/me/sessions/{session_id}/end", "/confirm"}  # fmt: skip
"""For everybody, or for oneself alone; tested by themselves."""

C, H, B, P, A, D, R = ("coordinator", "homeroom_teacher", "counsellor", "principal", "admin",
                       "data_staff", "researcher")  # fmt: skip
ALLOWED = {
    "/quarter": {C, H, B, P},
    "/emergency": {C, H, P},
    "/emergency/{access_id}/end": {H, P},
    "/follow-ups/{follow_up_id}/done": {C, H, B},
    "/lists": {C, H, B, P},
    "/lists/{visit_list_id}": {C, H, B, P},
    "/lists/{visit_list_id}/print": {C, H, B, P},
    "/lists/{visit_list_id}/list.csv": {C, H, B, P},
    "/lists/{visit_list_id}/review": {C},
    "/lists/{visit_list_id}/publication": {C},
    "/lists/{visit_list_id}/plan": {C, H, B, P},
    "/lists/{visit_list_id}/summary": {C, H, B, P},
    "/lists/{visit_list_id}/items/{item_id}/priority": {C, H},
    "/students": {C, H, B},
    "/students/{student_id}": {C, H, B, P},
    "/students/{student_id}/contact": {C, H},
    "/students/{student_id}/attempts/new": {C, H, B},
    "/students/{student_id}/attempts/{attempt_id}": {C, H, B},
    "/students/{student_id}/visit-request": {C, H, B},
    "/students/{student_id}/visit-request/{request_id}": {C, H, B},
    "/students/{student_id}/visit-request/{request_id}/drop": {C, H, B},
    "/visits/new": {C, H, B},
    "/visits/{visit_id}": {C, H, B},
    "/visits/{visit_id}/change": {C, H, B},
    "/visits/{visit_id}/note": {B, P},
    "/plan": {C, H, B, P},
    "/planned/{planned_visit_id}": {C, H},
    "/planned/{planned_visit_id}/letter": {C, H},
    "/planned/{planned_visit_id}/form": {C, H},
    "/planned/{planned_visit_id}/notice": {C, H},
    "/data": {C, P, A, D},
    "/imports": {C, D},
    "/imports/{import_id}": {C, D},
    "/imports/{import_id}/answers": {C, D},
    "/imports/{import_id}/confirmation": {C, D},
    "/imports/{import_id}/withdrawal": {C, D},
    "/imports/{import_id}/faults.csv": {C, D},
    "/models": {C, P, A, D},
    "/models/{outcome}/rollback": {D},
    "/models/{outcome}/{version}": {C, P, A, D},
    "/models/{outcome}/{version}/promotion": {D},
    "/drafts": {C},
    "/jobs/{job_id}": {C, D},
    "/people": {A},
    "/people/{user_id}": {A},
    "/audit": {A},
    "/requests": {A, C},
    "/requests/{request_id}": {A, C},
    "/students/{student_id}/request": {A, C},
    "/impact": {C, P, D, R},
    "/impact/{study_id}": {C, P, D, R},
    "/impact/{study_id}/runs": {D, R},
}
"""Roles that a page is for. What is not here fails the test."""

CHANGES = {"/lists/{visit_list_id}/plan": {C}, "/emergency": {H, P}}
"""Pages that more may read than change."""


def routes(world: World) -> set[tuple[str, str]]:
    return {
        (str(one.path), method)
        for one in iter_route_contexts(create_pages(world.app).routes)
        for method in one.methods or ()
    }


def filled(path: str, world: World) -> str:
    path = path.replace("{visit_list_id}", world.lists["2026-27-Q2"])
    path = path.replace("{outcome}", "grades").replace("{version}", "1")
    path = path.replace("{visit_id}", "9" * 32).replace("{attempt_id}", "9" * 32)
    return re.sub(r"{[a-z_]+}", ABSENT, path)


def test_every_page_says_whom_it_is_for(world: World) -> None:
    found = routes(world)
    assert {path for path, _ in found} == set(ALLOWED) | OPEN
    assert len(found) >= 40


@pytest.mark.parametrize("path", sorted(ALLOWED))
def test_the_doors(world: World, path: str) -> None:
    methods = [method for route, method in routes(world) if route == path]
    address = filled(path, world)
    stranger = world.browser()
    for method in methods:
        answer = stranger.request(method, address)
        assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in")
        for role in (C, H, B, P, A, D, R):
            status = world.as_(role).request(method, address, data={"name": "x"}).status_code
            may = ALLOWED[path] if method == "GET" else CHANGES.get(path, ALLOWED[path])
            assert (status != 403) == (role in may), (method, role, status)
            assert status < 500


@pytest.mark.parametrize("who", [who for who in USERS if USERS[who][0] not in (A, D, R)])
def test_a_child_of_others_looks_like_one_who_is_not_there(world: World, who: str) -> None:
    browser = world.as_(who)

    def told(student_id: str) -> tuple[int, str]:
        answer = browser.get(f"/students/{student_id}")
        text = re.sub(r"[0-9a-f]{32}", "", answer.text)
        return answer.status_code, text

    absent = told(ABSENT)
    assert absent[0] == 404
    other = OTHER if USERS[who][1] == "SCH1" else AHMAD.student_id
    assert told(other) == absent
    if who == "homeroom_teacher":
        assert told(CITRA.student_id) == absent
        assert told(AHMAD.student_id)[0] == 200


def test_a_teacher_reads_the_names_of_their_own_families_only(world: World) -> None:
    text = world.as_("homeroom_teacher").get(f"/lists/{world.lists['2026-27-Q2']}").text
    own = {one.name for one in CHILDREN if one.class_name == SARI.class_name}
    shown = {one.name for one in CHILDREN if one.name in text}
    assert shown
    # Budi is Ahmad's brother: one visit serves both.
    assert shown <= own | {"Budi Fulan"}


def test_a_draft_is_for_the_coordinator_alone(world: World) -> None:
    draft = world.lists["2026-27-Q3"]
    assert world.as_(C).get(f"/lists/{draft}").status_code == 200
    for who in (H, B, P):
        assert world.as_(who).get(f"/lists/{draft}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/sign-in", "/nowhere", "/lists", "/static/0/site.css", "/people", "/quarter"]
)
def test_headers_of_every_answer(world: World, path: str) -> None:
    for browser in (world.browser(), world.as_(C)):
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_files_are_kept_for_good_under_a_name_of_their_content(world: World) -> None:
    page = world.as_(C).get("/quarter").text
    for path in re.findall(r'"(/static/[^"]+)"', page):
        answer = world.browser().get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example",
                                  "/\nSet-Cookie: a=b", "javascript:alert(1)"])  # fmt: skip
def test_14_nobody_is_led_elsewhere(world: World, path: str) -> None:
    answer = world.browser().post("/language", data={"language": "en", "next": path})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = world.browser().get("/sign-in", params={"next": path}).text
    assert '<input type="hidden" name="next" value="/">' in page


def test_the_language_is_remembered(world: World) -> None:
    browser = world.browser()
    browser.post("/language", data={"language": "en", "next": "/sign-in?next=/plan"})
    assert '<html lang="en">' in browser.get("/sign-in", headers={"Accept-Language": "id"}).text
    assert browser.post("/language", data={"language": "xx"}).status_code == 422


def test_names_are_shown_as_they_are_written(world: World) -> None:
    text = world.as_(C).get(f"/students/{CITRA.student_id}").text
    assert "Citra =SUM(A1)" in text
    csv = world.as_(C).get(f"/lists/{world.lists['2026-27-Q2']}/list.csv").text
    assert ",=SUM" not in csv
