"""Whatever is sent to the API, by whom: never an error of ours, never an answer undeclared (6).

Requests are drawn from the reference itself, for every operation and kind of caller: some made up
altogether, some about people and lists that are there, some right but for one field.
`EARLYWARNING_TEST_REQUESTS` is how many the slow test draws at most: some operations have fewer.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from asking import made, parameters
from expectations import CALLERS, ROWS, Row, key
from service_world import World, opened_world

MANY = int(os.environ.get("EARLYWARNING_TEST_REQUESTS", "26000"))
NOT_HERE = (b"no-imports", b"no-analyses")
"""What this service refuses, because it was started without a folder for it."""
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
MADE_UP, PLACED, NEARLY = "made up", "placed", "nearly right"


@dataclass
class Caller:
    """The service as somebody calls it, world by world; the application of the drawn requests."""

    who: str | None = None
    world: World | None = None
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.world is not None
        await self.world.app(scope, receive, send)

    def cookies(self) -> dict[str, str]:
        """Of a session that is open; the last request may have ended it."""
        assert self.world is not None
        if self.who is None:
            return {}
        browser = self.world.as_(self.who)
        if browser.get("/api/v1/me").status_code == 401:
            browser = self.world.browsers[self.who] = self.world.browser(self.who)
        return dict(browser.cookies)


@pytest.fixture(scope="module")
def operations(world: World) -> dict[str, schemathesis.APIOperation]:
    """Operation by route; a route without a row is missed by the matrix."""
    document = world.get("/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    routes = {f"{one.method.upper()} {one.path}": one for one in found}
    return {route: one for route, one in routes.items() if route in ROWS}


def placed(
    case: schemathesis.Case, how: str, world: World, row: Row, ids: Mapping[str, str]
) -> None:
    """Turn a request that is made up into one about what is there."""
    there = next(iter(row.cases))
    if ids:
        case.path_parameters = dict(ids)
    case.headers.clear()
    case.headers.update({"Idempotency-Key": key()} | dict(made(row.headers, world, there)))
    right = made(row.json, world, there)
    if how == NEARLY and isinstance(right, dict):
        drawn = case.body if isinstance(case.body, dict) else {}
        changed = dict(sorted(drawn.items())[:1])
        case.body, case.media_type = right | changed, "application/json"


def ids_of(world: World, route: str) -> Mapping[str, str]:
    """The path's parameters of what is there, made once."""
    return next(iter(parameters(world, route, ROWS[route]).values())) if "{" in route else {}


def requests(
    caller: Caller,
    route: str,
    operation: schemathesis.APIOperation,
    ids: Mapping[str, str],
    *,
    number: int,
) -> None:
    """Draw requests of one operation, and judge each answer."""
    row, world = ROWS[route], caller.world
    assert world is not None
    drawn = st.one_of(
        [operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode]
    )

    @seed(route + str(caller.who))
    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(drawn, st.sampled_from((MADE_UP, PLACED, NEARLY)))
    def judged(case: schemathesis.Case, how: str) -> None:
        if how != MADE_UP:
            placed(case, how, world, row, ids)
        answer = case.call(
            base_url="https://testserver", app=caller, cookies=caller.cookies(),
            headers={"Sec-Fetch-Site": "same-origin"},
        )  # fmt: skip
        caller.answers[answer.status_code] += 1
        if answer.status_code == 503 and any(one in answer.content for one in NOT_HERE):
            return
        case.validate_response(answer, checks=CHECKS)

    try:
        judged()
    except schemathesis.errors.FailureGroup as group:
        caller.wrong += [
            f"{caller.who}, {route}: {one.title}: {one.message}" for one in group.exceptions
        ]


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def judge(caller: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nrequests drawn: {caller.answers.total()}, answers {dict(caller.answers)}")
    assert not caller.wrong, "\n".join(caller.wrong)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_6_a_few_requests_of_everybody(
    caller: Caller,
    operations: dict[str, schemathesis.APIOperation],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a quarter of the callers for each operation, by turns."""
    for place, (route, operation) in enumerate(operations.items()):
        with opened_world(folder(tmp_path, str(place))) as caller.world:
            ids = ids_of(caller.world, route)
            for caller.who in CALLERS[place % 4 :: 4]:
                requests(caller, route, operation, ids, number=1)
    judge(caller, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("who", CALLERS)
def test_6_many_requests_of_everybody(
    caller: Caller,
    operations: dict[str, schemathesis.APIOperation],
    who: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caller.who = who
    each = -(-MANY // (len(operations) * len(CALLERS)))
    for number, (route, operation) in enumerate(operations.items()):
        with opened_world(folder(tmp_path, str(number))) as caller.world:
            requests(caller, route, operation, ids_of(caller.world, route), number=each)
    judge(caller, capsys)
