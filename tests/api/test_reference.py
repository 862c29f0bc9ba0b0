"""The written reference knows every route, role and kind of problem."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

from earlywarning_api.access import PERMISSIONS
from earlywarning_api.problems import KINDS, MORE_KINDS, TYPE_PREFIX
from service_world import World

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


def test_every_route_is_described_and_none_that_is_not_there(world: World) -> None:
    described = set(re.findall(r"^\| `([A-Z]+) (\S+)` \|", PAGE, re.MULTILINE))
    assert described == {
        (method, str(one.path))
        for one in iter_route_contexts(world.app.routes)
        for method in one.methods or ()
        if method != "HEAD"
    }


def test_every_parameter_is_described(world: World) -> None:
    for path, operations in world.get("/api/v1/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            start = f"| `{method.upper()} {path}` |"
            (line,) = [row for row in PAGE.splitlines() if row.startswith(start)]
            for parameter in operation.get("parameters", []):
                assert parameter["name"] in line, (path, parameter["name"])
                assert parameter["description"]


def test_every_role_is_described() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) == set(PERMISSIONS)


def test_every_problem_is_described() -> None:
    for kind in [*KINDS.values(), *MORE_KINDS.values()]:
        assert f"| {kind.status} | `{TYPE_PREFIX}{kind.slug}` |" in PAGE
