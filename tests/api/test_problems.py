"""Errors: one shape, declared, safe headers everywhere, and nothing that was sent comes back."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from earlywarning.errors import (
    ArtifactError,
    ConfirmationNeeded,
    Conflict,
    DataError,
    NotFound,
)
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app
from earlywarning_api.guard import HEADERS, MAX_BODY
from people import SITI
from service_world import NOW, World

MARKER = "zqxmarker"


@pytest.fixture
def broken(world: World) -> Iterator[TestClient]:
    """The service with routes that fail in each way."""
    app = create_app(world.register, clock=lambda: NOW)
    failures = {
        "absent": NotFound(MARKER),
        "conflict": Conflict(MARKER),
        "confirm": ConfirmationNeeded(MARKER),
        "data": DataError(MARKER),
        "artifact": ArtifactError(MARKER),
        "bug": RuntimeError(MARKER),
    }

    @app.get("/api/fail/{how}")
    def fail(how: str) -> None:
        raise failures[how]

    @app.get("/api/sql")
    def sql() -> None:
        with world.register.session() as session:
            session.execute(text("SELECT * FROM zqxmarker"))

    @app.post("/api/body")
    async def body(value: dict[str, int]) -> dict[str, int]:
        return value

    with TestClient(app) as client:
        yield client


def problem(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "request_id", "errors"}
    assert document["status"] == status
    assert re.fullmatch(r"urn:earlywarning:problem:[a-z-]+", document["type"])
    assert document["request_id"] == answer.headers["x-request-id"]
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    return document


@pytest.mark.parametrize(
    ("how", "status"),
    [("absent", 404), ("conflict", 409), ("confirm", 409), ("data", 422), ("artifact", 500),
     ("bug", 500)],
)  # fmt: skip
def test_each_failure_is_a_problem_that_tells_no_data(
    broken: TestClient, how: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        document = problem(broken.get(f"/api/fail/{how}"), status)
    assert MARKER not in json.dumps(document)
    assert MARKER not in caplog.text
    if status == 500:
        assert document["request_id"] in caplog.text


def test_a_statement_that_fails_is_not_told(
    broken: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert MARKER not in broken.get("/api/sql").text
    assert MARKER not in caplog.text


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        (f"limit={MARKER}", "/query/limit", "must be a whole number"),
        ("limit=0", "/query/limit", "must be at least 1"),
        ("limit=201", "/query/limit", "must be at most 200"),
        (f"track={MARKER}", "/query/track", "must be one of 'concern', 'preventive', "
         "'sick_child', 'good_news' or 'requested'"),
        (f"cursor={MARKER}", "/query/cursor", "must come from this list's `next_cursor`, "
         "same filters"),
        (f"class_id={MARKER * 20}", "/query/class_id", "must have at most 160 characters"),
        (f"class_id=%00{MARKER}", "/query/class_id", "must have the form that the reference "
         "describes"),
    ],
)  # fmt: skip
def test_each_wrong_parameter_is_named(world: World, query: str, pointer: str, detail: str) -> None:
    answer = world.get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items?{query}")
    document = problem(answer, 422)
    assert document["errors"] == [{"pointer": pointer, "detail": detail}]
    assert MARKER not in answer.text


def test_two_wrong_parameters_are_two_errors(world: World) -> None:
    answer = world.get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items?limit=0&track=x")
    assert len(problem(answer, 422)["errors"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/{MARKER}", 404),
        ("GET", f"/api/v1/{MARKER}", 404),
        ("GET", "/api/v1/quarters/", 404),
        ("GET", "/api/docs", 404),
        ("GET", "/api/redoc", 404),
        ("GET", "/api/openapi.json", 404),
        ("GET", "/metrics", 404),
        ("POST", "/api/v1/quarters", 405),
        ("DELETE", "/healthz", 405),
        ("TRACE", "/healthz", 405),
    ],
)
def test_what_is_not_there(world: World, method: str, path: str, status: int) -> None:
    answer = world.client.request(method, path)
    problem(answer, status)
    assert MARKER not in answer.text
    if status == 405:
        assert answer.headers["allow"] == "GET"


def test_40_a_large_body_is_refused_before_it_is_read(broken: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b'{"a": 1}' * 1000

    problem(broken.post("/api/body", content=b" " * (MAX_BODY + 1)), 413)
    as_json = {"content-type": "application/json"}
    problem(broken.post("/api/body", content=pieces(), headers=as_json), 413)
    assert broken.post("/api/body", json={"a": 1}).json() == {"a": 1}
    problem(broken.post("/api/body", content=b"{", headers=as_json), 422)
    document = problem(broken.post("/api/body", json={MARKER: MARKER}), 422)
    assert document["errors"][0]["detail"] == "must be a whole number"


def test_a_length_that_is_no_number_is_refused(world: World) -> None:
    answer = world.client.get("/healthz", headers={"content-length": "-5"})
    problem(answer, 413)


def test_good_answers_have_the_safe_headers_too(world: World) -> None:
    for path in ("/healthz", "/api/v1/quarters", f"/api/v1/students/{SITI.student_id}"):
        answer = world.get(path)
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert len(answer.headers["x-request-id"]) == 32
    one, two = (world.get("/healthz", x_request_id="mine").headers for _ in range(2))
    assert one["x-request-id"] not in ("mine", two["x-request-id"])


def test_a_register_that_is_away_is_503_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    with open_register(f"sqlite:///{path}") as register, TestClient(create_app(register)) as client:
        header = {"Authorization": "Bearer ew_" + "A" * 43}
        assert client.get("/readyz").status_code == 200
        register.close()
        path.rename(tmp_path / "away")
        for side in ("-wal", "-shm"):
            (tmp_path / f"register.db{side}").unlink(missing_ok=True)
        for target in ("/readyz", "/api/v1/quarters"):
            answer = client.get(target, headers=header)
            problem(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
        register.close()
        path.unlink()  # an empty file, made by the attempts
        for side in ("-wal", "-shm"):
            (tmp_path / f"register.db{side}").unlink(missing_ok=True)
        (tmp_path / "away").rename(path)
        assert client.get("/readyz").status_code == 200
        assert client.get("/api/v1/quarters", headers=header).status_code == 401


def test_every_answer_that_these_tests_meet_is_declared(world: World) -> None:
    document = world.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            wanted = {"413", "500", "503", "507"}
            if "security" in operation:
                wanted |= {"401", "403", "429"}
            if "{" in path:
                wanted.add("404")
            assert wanted <= set(responses), (method, path)
            assert {one[0] for one in responses} & {"2", "3"}, (method, path)
            for status in [one for one in responses if one[0] in "45"]:
                schema = responses[status]["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
    parts = document["components"]["schemas"]
    assert "HTTPValidationError" not in parts
    assert set(parts["Problem"]["properties"]) == {
        "type", "title", "status", "detail", "request_id", "errors",
    }  # fmt: skip
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(parts)


def test_the_frameworks_own_telemetry_is_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    app: FastAPI = create_app(world.register)
    chosen = app._telemetry
    assert not any(
        chosen[key] for key in ("tracing", "metrics", "logs", "operation_spans", "auto_configure")
    )


ODD = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            "limit": st.one_of(ODD, st.integers().map(str)),
            "cursor": st.one_of(ODD, st.from_regex(r"[A-Za-z0-9_-]{0,60}", fullmatch=True)),
            "class_id": ODD,
            "track": ODD,
            "quarter": ODD,
        },
    ),
    object_id=ODD,
    accept=st.one_of(ODD, st.sampled_from(["text/csv", "*/*", "text/csv;q=2", ""])),
    language=st.one_of(ODD, st.sampled_from(["en", "id-ID, en;q=0.1", ";;q=,"])),
    etag=ODD,
)
def test_odd_requests_never_break_the_service(
    world: World, values: dict[str, str], object_id: str, accept: str, language: str, etag: str
) -> None:
    from urllib.parse import quote

    headers = [
        (b"authorization", f"Bearer {world.tokens['coordinator']}".encode()),
        (b"accept", accept.encode()),
        (b"accept-language", language.encode()),
        (b"if-none-match", etag.encode()),
    ]
    for path in (
        f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items",
        f"/api/v1/visit_lists/{quote(object_id, safe='')}/items.csv",
        f"/api/v1/students/{quote(object_id, safe='')}",
        "/api/v1/visit_lists",
    ):
        answer = world.client.get(path, params=values, headers=headers)
        assert answer.status_code in (200, 304, 404, 422), answer.text
        if answer.status_code >= 400:
            problem(answer, answer.status_code)
            for value in values.values():
                assert len(value) < 12 or value not in answer.text
