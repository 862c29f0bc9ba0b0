"""Who may call what: every route, every method, every role and nobody, every kind of object.

Generated from the routes of the running application and `expectations.ROWS` (28, 29, 32).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from asking import ask, parameters
from earlywarning.io.register.roles import ROLES
from earlywarning_api.access import PERMISSIONS
from earlywarning_api.pages.site import create_pages
from expectations import ABSENT, CALLERS, LETTERS, ROWS
from service_world import World, opened_world

OPEN = {
    "GET /healthz", "GET /readyz", "POST /api/v1/sessions", "POST /api/v1/activations",
    "POST /api/v1/password_resets", "GET /api/v1/oidc/start", "GET /api/v1/oidc/callback",
}  # fmt: skip
"""Answered without anybody signed in."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAFE = "GET"


def routes(app: FastAPI) -> set[str]:
    return {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }


def test_28_every_route_has_a_row(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = routes(world.app)
    assert found - set(ROWS) == set(), "add rows to tests/expectations.py"
    assert set(ROWS) - found == set(), "these routes are gone"
    assert len(found) >= 15
    requests = sum(len(row.cases) for row in ROWS.values()) * len(CALLERS)
    others = sum(f"{method} {path}" not in found for path in paths(found) for method in METHODS)
    pages = routes(create_pages(world.app))
    with capsys.disabled():
        print(
            f"\nmatrix: {len(found)} routes, {requests} requests of {len(CALLERS)} callers, "
            f"{others * 2} with methods that are not there, {len(pages)} pages asked by nobody"
        )


def paths(found: set[str]) -> set[str]:
    return {route.split(" ")[1] for route in found}


@pytest.mark.parametrize(
    ("route", "case"),
    [(route, case) for route, row in ROWS.items() for case in row.cases],
)
def test_28_29_32_the_matrix(
    world: World, route: str, case: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    row = ROWS[route]
    letters = row.cases[case]
    assert len(letters) == len(CALLERS)
    if route.startswith(SAFE):
        values = parameters(world, route, row)[case] if "{" in route else {}
        answers = [ask(world, route, row, case, values, who) for who in CALLERS]
    elif row.apart:
        answers = []
        for who in CALLERS:
            with opened_world(tmp_path_factory.mktemp("apart")) as fresh:
                values = parameters(fresh, route, row)[case] if "{" in route else {}
                answers.append(ask(fresh, route, row, case, values, who))
    else:
        with opened_world(tmp_path_factory.mktemp("own")) as fresh:
            values = parameters(fresh, route, row)[case] if "{" in route else {}
            answers = [ask(fresh, route, row, case, values, who) for who in CALLERS]
    for who, letter, answer in zip(CALLERS, letters, answers, strict=True):
        assert answer.status_code in LETTERS[letter], (who, answer.status_code, answer.text[:300])


def test_29_not_yours_is_answered_like_not_there(world: World) -> None:
    for route, row in ROWS.items():
        if not route.startswith(SAFE) or "absent" not in row.cases:
            continue
        values = parameters(world, route, row)
        for who in CALLERS[:-1]:
            absent = problem(ask(world, route, row, "absent", values["absent"], who))
            for case in row.cases:
                answer = ask(world, route, row, case, values[case], who)
                if answer.status_code == 404:
                    assert problem(answer) == absent, (route, case, who)


def problem(answer: Any) -> tuple[int, dict, dict]:
    document = json.loads(answer.text)
    document.pop("request_id")
    headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
    return answer.status_code, document, headers


def test_28_other_methods_are_not_there(world: World) -> None:
    found = routes(world.app)
    for path in sorted(paths(found)):
        values = {part.strip("{}"): ABSENT for part in path.split("/") if part.startswith("{")}
        for method in METHODS:
            # `/sessions/current` also has the shape of `/sessions/{session_id}`, and so on.
            if any(same_shape(path, one) for one in found if one.startswith(f"{method} ")):
                continue
            for client in (world.browser(), world.as_("admin")):
                answer = client.request(method, path.format(**values))
                assert answer.status_code == 405, (method, path, answer.status_code)
                assert answer.headers["allow"]


def same_shape(path: str, route: str) -> bool:
    ours, theirs = path.split("/"), route.split(" ")[1].split("/")
    return len(ours) == len(theirs) and all(
        one == other or other.startswith("{") for one, other in zip(ours, theirs, strict=True)
    )


def test_28_nobody_gets_in_but_where_it_is_said(world: World) -> None:
    for route, row in ROWS.items():
        if route not in OPEN:
            assert all(letters.endswith("1") for letters in row.cases.values()), route


def test_28_each_role_is_known_and_none_may_everything() -> None:
    assert set(PERMISSIONS) == set(ROLES)
    everything = frozenset().union(*PERMISSIONS.values())
    assert all(uses < everything for uses in PERMISSIONS.values())


PUBLIC_PAGES = ("/static", "/sign-in", "/language", "/activate", "/reset", "/invitation")


def test_28_pages_send_a_stranger_to_sign_in(world: World) -> None:
    for route in sorted(routes(create_pages(world.app))):
        method, path = route.split(" ")
        if path.startswith(PUBLIC_PAGES):
            continue
        values = {
            part.strip("{}").split(":")[0]: ABSENT
            for part in path.split("/") if part.startswith("{")
        }  # fmt: skip
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", value)
        answer = world.browser().request(method, path)
        assert answer.status_code == 303, (route, answer.status_code)
        assert answer.headers["location"].startswith("/sign-in")
