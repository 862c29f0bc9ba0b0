"""What protects the service as a whole; tests carry the numbers of the list of attacks."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from earlywarning.errors import ConfigError
from earlywarning.io.register import attempts, tokens, user_admin
from earlywarning.io.register import idempotency as kept
from earlywarning.settings import Settings
from earlywarning_api import logs, metrics, rates, serve
from earlywarning_api.app import create_app
from earlywarning_api.guard import HEADERS, MAX_BODY
from expectations import ABSENT, key
from people import BUDI, CHILDREN, CITRA, DEWI, SCHOOL_ID, SITI, TEACHERS, YUSUF
from service_world import NOW, OTHER, USERS, World, opened_world, user_id

LISTS = "/api/v1/visit_lists"
EMERGENCY = "/api/v1/emergency_access"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def limited(world: World, per_minute: int = rates.PER_MINUTE) -> World:
    """The same register behind a service that counts requests."""
    app = create_app(world.register, clock=lambda: NOW, requests_per_minute=per_minute)
    return World(world.register, app, world.client, world.tokens, world.lists)


def test_10_walking_through_ids_is_stopped_and_seen(
    own: World, caplog: pytest.LogCaptureFixture
) -> None:
    browser = limited(own).browser("homeroom_teacher")
    walked = [browser.get(f"/api/v1/students/{n:032x}").status_code for n in range(40)]
    assert walked == [404] * rates.MISSES + [429] * (40 - rates.MISSES)
    # Now nothing is answered for a while, and somebody who looks at the log sees who it was.
    answer = browser.get(f"/api/v1/students/{SITI.student_id}")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60 * rates.MISSES_MINUTES + 1
    tried = [one for one in caplog.records if getattr(one, "what", "") == "ids_tried"]
    assert tried
    assert {one.actor for one in tried} == {user_id("homeroom_teacher")}  # type: ignore[attr-defined]


def test_10_another_person_is_not_stopped_with_them(own: World) -> None:
    world = limited(own, per_minute=30)
    for _ in range(30):
        assert world.as_("bambang").get(LISTS).status_code == 200
    answer = world.as_("bambang").get(LISTS)
    assert (answer.status_code, answer.json()["type"][-8:]) == (429, "too-many")
    assert world.as_("homeroom_teacher").get(LISTS).status_code == 200


def test_15_a_forged_address_gives_no_more_requests(own: World) -> None:
    browser = limited(own, per_minute=10).browser("bambang")
    answers = [
        browser.get(LISTS, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
        for n in range(12)
    ]
    assert answers == [200] * 10 + [429] * 2


def test_15_only_the_named_proxy_is_believed(own: World) -> None:
    app = create_app(own.register, clock=lambda: NOW, proxy="testclient", requests_per_minute=0)
    browser = TestClient(app, base_url="https://testserver")

    def sign_in(forwarded: str) -> int:
        body = {"sign_in_name": "nobody", "password": "x"}
        headers = {"X-Forwarded-For": forwarded, "Sec-Fetch-Site": "same-origin"}
        return browser.post("/api/v1/sessions", json=body, headers=headers).status_code

    for number in range(attempts.PER_ADDRESS):
        attempts.begin(own.register, account=f"a{number}", address="203.0.113.9", at=NOW)
    # The last entry is the proxy's own; what a sender put before it counts for nothing.
    assert sign_in("198.51.100.1, 203.0.113.9") == 429
    assert sign_in("203.0.113.9, 198.51.100.1") == 401


def test_12_every_answer_has_the_headers(own: World) -> None:
    """Also 401, 403, 404, 405, 413, 422 and 500."""

    @own.app.get("/api/v1/breaks")
    def breaks() -> None:
        raise RuntimeError

    browser = own.as_("bambang")
    answers = {
        200: browser.get(LISTS), 201: own.browser().get("/healthz"),
        401: own.browser().get(LISTS), 403: browser.get("/api/v1/users"),
        404: browser.get(f"/api/v1/students/{ABSENT}"), 405: browser.put(LISTS),
        413: browser.post("/api/v1/sessions", content=b"x" * (MAX_BODY + 1)),
        422: browser.get(LISTS, params={"quarter": "x"}),
        500: TestClient(own.app, base_url="https://testserver").get("/api/v1/breaks"),
        303: own.browser().get("/"), 429: own.browser().get("/sign-in"),
    }  # fmt: skip
    for name, answer in answers.items():
        for header in HEADERS:
            assert header in answer.headers, (name, header)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in own.client.get("/healthz").headers


@pytest.mark.parametrize("who", [*USERS])
def test_30_fields_by_role(world: World, who: str) -> None:
    """What each role's answers hold, field by field, and which names."""
    role = USERS[who][0]
    browser = world.as_(who)
    own_school = USERS[who][1] == "SCH1"
    list_id = world.lists["2026-27-Q2" if own_school else "other school"]
    seen = browser.get(f"{LISTS}/{list_id}")
    items = browser.get(f"{LISTS}/{list_id}/items")
    if role in ("admin", "data_staff", "researcher"):
        assert (seen.status_code, items.status_code) == (403, 403)
        names = [child.name for child in CHILDREN] + [teacher.name for teacher in TEACHERS]
        for path in ("/api/v1/me", "/api/v1/models", "/api/v1/quarters", "/api/v1/sessions"):
            assert not [name for name in names if name in browser.get(path).text]
        return
    assert set(seen.json()) == {
        "visit_list_id", "quarter", "school_id", "school_name", "revision", "status",
        "as_of_date", "made_at", "published_at", "published_by", "snapshot_id", "seed",
        "frozen_sha256", "lottery", "models", "counts", "leads",
    }  # fmt: skip
    assert (seen.json()["counts"] is None) == (role == "homeroom_teacher")
    children = [child for row in items.json()["items"] for child in row["students"]]
    for child in children:
        assert set(child) == {
            "student_id", "full_name", "class_id", "class_name", "reasons", "reasons_note",
            "completeness",
        }  # fmt: skip
    # A principal sees counts; a child only by emergency access.
    assert bool(children) == (role != "principal")


def test_28_emergency_access_is_reasoned_limited_seen_and_audited(own: World) -> None:
    teacher = own.as_("bambang")
    path = f"/api/v1/students/{SITI.student_id}"
    assert teacher.get(path).status_code == 404

    def take(who: str, **more: str):
        body = {"reason": "Wali kelas sakit, orang tua menunggu di kantor"} | more
        return own.as_(who).post(EMERGENCY, json=body, headers={"Idempotency-Key": key()})

    for wrong in ({}, {"student_number": "0102", "class_id": SITI.class_id},
                  {"student_number": "0102", "reason": "penting"}):  # fmt: skip
        assert take("bambang", **wrong).status_code == 422
    assert take("bambang", student_number="9999").status_code == 404
    assert take("joko", student_number="0102").status_code == 404
    made = take("bambang", student_number="0102")
    assert made.status_code == 201
    assert teacher.get(path).json()["full_name"] == SITI.name
    assert own.as_("retno").get(path).status_code == 404
    # A whole class, for the principal.
    principal = own.as_("principal")
    assert principal.get(f"/api/v1/students/{YUSUF.student_id}").status_code == 404
    take("principal", class_id=YUSUF.class_id)
    assert principal.get(f"/api/v1/students/{YUSUF.student_id}").status_code == 200
    assert principal.get(f"/api/v1/students/{DEWI.student_id}").status_code == 200
    assert principal.get(f"/api/v1/students/{CITRA.student_id}").status_code == 404
    assert principal.get(f"/api/v1/students/{OTHER}").status_code == 404
    # The coordinator sees who did, and why; teachers see their own.
    rows = own.as_("coordinator").get(EMERGENCY).json()["emergency_access"]
    assert {row["user_id"] for row in rows} == {user_id("bambang"), user_id("principal")}
    assert own.as_("other coordinator").get(EMERGENCY).json()["emergency_access"] == []
    (mine,) = teacher.get(EMERGENCY).json()["emergency_access"]
    with own.register.session() as session:
        taken = session.execute(
            text("SELECT actor, detail FROM audit_event WHERE action = 'emergency_access.taken'")
        ).all()
    assert {row.actor for row in taken} == {user_id("bambang"), user_id("principal")}
    assert not [row for row in taken if "kantor" in str(row.detail)]
    # It ends when it is given back, or after three hours.
    assert own.as_("retno").delete(f"{EMERGENCY}/{mine['access_id']}").status_code == 404
    assert teacher.delete(f"{EMERGENCY}/{mine['access_id']}").status_code == 204
    assert teacher.get(path).status_code == 404
    own.app.state.clock = lambda: NOW + timedelta(hours=2, minutes=59)
    late = own.browser("principal")
    assert late.get(f"/api/v1/students/{YUSUF.student_id}").status_code == 200
    own.app.state.clock = lambda: NOW + timedelta(hours=3)
    assert late.get(f"/api/v1/students/{YUSUF.student_id}").status_code == 404


def test_29_a_token_does_only_what_its_scope_says(own: World) -> None:
    made = tokens.create(
        own.register, role="coordinator", label="x", at=NOW, expires_days=1, school_id="SCH1",
        scope=["visit_lists", "users"],
    )  # fmt: skip
    own.tokens["scoped"] = made.secret
    assert own.get(LISTS, "scoped").status_code == 200
    for path in (f"/api/v1/students/{BUDI.student_id}", "/api/v1/quarters", "/api/v1/users",
                 "/api/v1/openapi.json"):  # fmt: skip
        assert own.get(path, "scoped").status_code == 403
    assert own.get("/api/v1/me", "scoped").json()["uses"] == ["visit_lists"]
    # A token has no session, no password and no telephone.
    for path in ("/api/v1/sessions", EMERGENCY):
        assert own.get(path, "scoped").status_code == 403


def invitation(name: str = "wati") -> dict[str, str]:
    return {"sign_in_name": name, "display_name": "Wati", "role": "researcher"}


def test_the_same_request_twice_makes_one_thing(own: World) -> None:
    admin, path = own.as_("admin"), "/api/v1/invitations"
    once = {"Idempotency-Key": "a-1"}
    assert admin.post(path, json=invitation()).json()["type"].endswith("key-needed")
    assert (
        admin.post(path, json=invitation(), headers={"Idempotency-Key": "a b"}).status_code == 422
    )
    first = admin.post(path, json=invitation(), headers=once)
    again = admin.post(path, json=invitation(), headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    other = admin.post(path, json=invitation("dian"), headers=once)
    assert (other.status_code, other.json()["type"][-8:]) == (422, "key-used")
    # Another person's key of the same letters is another key; a refused request frees its key.
    assert own.as_("principal").post(path, json=invitation(), headers=once).status_code == 403
    free = {"Idempotency-Key": "a-2"}
    assert admin.post(path, json=invitation(), headers=free).status_code == 409
    assert admin.post(path, json=invitation("dian"), headers=free).status_code == 201
    # After a day it is a new request.
    own.app.state.clock = lambda: NOW + timedelta(hours=24)
    admin = own.browser("admin")
    assert admin.post(path, json=invitation(), headers=once).status_code == 409


def test_a_kept_answer_is_sealed_and_does_not_go_along_into_another_role(own: World) -> None:
    once = {"Idempotency-Key": "e-1"}
    sent = {"reason": "Guru sakit, murid menangis di kelas", "student_number": YUSUF.local_id}
    path = "/api/v1/emergency_access"
    assert own.as_("bambang").post(path, json=sent, headers=once).status_code == 201
    link = own.as_("admin").post("/api/v1/invitations", json=invitation(), headers=once)
    secret = link.json()["url"].partition("link=")[2]
    with own.register.session() as session:
        rows = str(session.execute(text("SELECT * FROM idempotency_key")).all())
    for plain in (secret, "menangis", "e-1"):
        assert plain not in rows
    user_admin.change_role(
        own.register, user_id("bambang"), "principal", by="terminal", at=NOW, school_id=SCHOOL_ID
    )
    again = own.browser("bambang").post(path, json=sent, headers=once)
    assert (again.status_code, again.json()["type"][-8:]) == (422, "key-used")


def test_the_same_request_at_once_makes_one_thing(own: World) -> None:
    browsers = [own.browser("admin") for _ in range(6)]
    start = threading.Barrier(len(browsers))

    def ask(browser: TestClient) -> int:
        start.wait()
        headers = {"Idempotency-Key": "same"}
        return browser.post("/api/v1/invitations", json=invitation(), headers=headers).status_code

    with ThreadPoolExecutor(len(browsers)) as pool:
        statuses = list(pool.map(ask, browsers))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    users = own.as_("admin").get("/api/v1/users", params={"limit": 200}).json()["users"]
    assert len([one for one in users if one["sign_in_name"] == "wati"]) == 1


def test_a_request_that_died_gives_its_key_back(own: World) -> None:
    claim = kept.Claim(user_id("admin"), "k")
    assert kept.claim(own.register, claim, request_sha256="a" * 64, at=NOW) is None
    with pytest.raises(kept.InFlight):
        kept.claim(own.register, claim, request_sha256="a" * 64, at=NOW)
    later = NOW + kept.GIVEN_UP
    assert kept.claim(own.register, claim, request_sha256="b" * 64, at=later) is None


def test_users_come_page_by_page(own: World) -> None:
    admin, found, path = own.as_("admin"), [], "/api/v1/users?limit=5"
    while path:
        answer = admin.get(path)
        found += [one["sign_in_name"] for one in answer.json()["users"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
        assert (answer.json()["next_cursor"] is None) == (not path)
    assert found == sorted(f"{who.replace(' ', '.')}@a.example" for who in USERS)
    for wrong in ("x", "é", "a" * 400, "MTIz"):
        assert admin.get("/api/v1/users", params={"cursor": wrong}).status_code == 422


def test_36_nothing_tells_about_the_service_to_strangers(own: World) -> None:
    stranger = own.browser()
    for path in ("/docs", "/redoc", "/openapi.json", "/metrics", "/.git/config", "/server-status"):
        assert stranger.get(path).status_code == 404, path
    assert stranger.get("/api/v1/openapi.json").status_code == 401
    assert "server" not in stranger.get("/healthz").headers
    document = own.as_("bambang").get("/api/v1/openapi.json").json()
    assert len(document["paths"]) >= 20


def test_36_counts_are_on_a_port_of_their_own_and_tell_no_ids(own: World) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own.as_("bambang").get(f"/api/v1/students/{YUSUF.student_id}")
    with own.app.state.metrics.served(port):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            counts = answer.read().decode()
        with pytest.raises(ConfigError, match="choose another"), metrics.Metrics().served(port):
            pass
    assert 'route="/students/{student_id}",status="200"' in counts
    assert YUSUF.student_id not in counts
    assert user_id("bambang") not in counts


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict]:
    made = logs.formatter()
    return [json.loads(made.format(record)) for record in caplog.records]


def test_39_the_log_is_json_without_people_and_cannot_be_injected(
    own: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    @own.app.get("/api/v1/breaks/{what}")
    def breaks(what: str) -> None:
        raise RuntimeError(what)

    browser = own.browser("homeroom_teacher")
    browser.get(f"/api/v1/students/{SITI.student_id}")
    browser.get(f"/api/v1/students/{YUSUF.student_id}")
    browser.get("/api/v1/users", headers={"User-Agent": 'x"}\n{"event": "forged"}'})
    browser.get(f"{LISTS}?quarter={SITI.name}")
    browser.get("/api/v1/x%0a%7b%22event%22:%22forged%22%7d")
    browser.post("/api/v1/sessions", json={"sign_in_name": SITI.name, "password": "rahasia besar"})
    browser.get(f"/api/v1/breaks/{SITI.name}")
    made = logs.formatter()
    ours = [one for one in caplog.records if one.name != "httpx2"]  # that one is the test's
    texts = [made.format(record) for record in ours]
    assert not [one for one in texts if "\n" in one]
    rows = [json.loads(one) for one in texts]
    whole = "\n".join(texts)
    for secret in (SITI.name, SITI.student_id, YUSUF.student_id, "rahasia", "forged", "a.example"):
        assert secret not in whole, secret
    denied = [(row["route"], row["status"]) for row in rows if row.get("what") == "denied"]
    assert ("/students/{student_id}", 404) in denied
    assert ("/users", 403) in denied
    assert ("/sessions", 401) in denied
    assert {row["actor"] for row in rows if row.get("status") == 403} == {
        user_id("homeroom_teacher")
    }
    assert [row for row in rows if row["level"] == "error"]


def test_39_an_error_of_a_library_is_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise ValueError(SITI.name)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    (row,) = lines_of(caplog)
    assert (row["error"], row["event"]) == ("ValueError", "it failed")
    assert SITI.name not in json.dumps(row)
    assert "test_defences.py" in row["frames"][0]


def test_other_machines_may_connect_only_through_tls() -> None:
    with pytest.raises(ConfigError, match="EARLYWARNING_PUBLIC_URL"):
        serve.run(Settings(host="0.0.0.0"))  # noqa: S104 - refused
    with pytest.raises(ConfigError, match="EARLYWARNING_PUBLIC_URL"):
        serve.run(Settings(host="0.0.0.0", public_url="http://sekolah.example"))  # noqa: S104


def test_behind_a_tls_proxy_cookies_and_origins_are_those_of_its_address(own: World) -> None:
    app = create_app(own.register, clock=lambda: NOW, public_url="https://kunjungan.example")
    browser = TestClient(app, base_url="http://127.0.0.1:8000")
    answer = browser.post(
        "/api/v1/sessions",
        json={"sign_in_name": "bambang@a.example", "password": "empat kata tanpa arti"},
        headers={"Origin": "https://kunjungan.example"},
    )
    assert answer.status_code == 201
    assert answer.headers["set-cookie"].startswith("__Host-ew_session=")
    assert "Strict-Transport-Security" in answer.headers
    wrong = browser.post("/api/v1/sessions", json={}, headers={"Origin": "http://127.0.0.1:8000"})
    assert wrong.status_code == 403
