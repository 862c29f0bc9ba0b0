"""Signing in, staying signed in, signing out. Tests carry the numbers of the list of attacks."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from earlywarning.errors import Conflict, DataError, NotSignedIn
from earlywarning.io.register import (
    accounts,
    attempts,
    audit_log,
    links,
    passwords,
    sessions,
    user_admin,
)
from earlywarning.io.register.access_tables import UserAccount, UserSession
from earlywarning.io.register.accounts import NewUser
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app
from expectations import key
from service_world import NOW, PASSWORD, World, opened_world, user_id

SESSIONS = "/api/v1/sessions"
LISTS = "/api/v1/visit_lists"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def later(world: World, **time_: float) -> datetime:
    world.app.state.clock = lambda: NOW + timedelta(**time_)
    return NOW + timedelta(**time_)


def sign_in(browser: TestClient, name: str, password: str = PASSWORD, **more: str):
    return browser.post(SESSIONS, json={"sign_in_name": name, "password": password, **more})


def secret_of(browser: TestClient) -> str:
    (cookie,) = [one for one in browser.cookies.jar if one.name == "__Host-ew_session"]
    assert cookie.value is not None
    return cookie.value


def app_of(world: World, who: str) -> pyotp.TOTP:
    """The authenticator app of somebody, set up now."""
    browser = world.browser(who, level=sessions.ENROL)
    app = pyotp.TOTP(browser.post("/api/v1/me/second_factor").json()["secret"])
    answer = browser.put("/api/v1/me/second_factor", json={"code": code_of(world, app)})
    assert answer.status_code == 200
    return app


def code_of(world: World, app: pyotp.TOTP) -> str:
    return app.at(world.app.state.clock().replace(tzinfo=UTC))


def test_11_the_cookie_is_host_only_http_only_and_lax(own: World) -> None:
    answer = sign_in(own.browser(), "bambang@a.example")
    assert answer.status_code == 201
    header = answer.headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-ew_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", header
    )
    # On plain http, which is for this machine alone, a browser would refuse that name.
    plain = TestClient(own.app, base_url="http://127.0.0.1:8000")
    header = sign_in(plain, "bambang@a.example").headers["set-cookie"]
    assert re.fullmatch(r"ew_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", header)
    assert plain.get(LISTS).status_code == 200
    # The secret is in no answer and in no table.
    assert secret_of_plain(plain) not in answer.text
    with own.register.session() as session:
        rows = str(session.execute(text("SELECT * FROM user_session")).all())
    assert secret_of_plain(plain) not in rows


def secret_of_plain(browser: TestClient) -> str:
    (cookie,) = browser.cookies.jar
    assert cookie.value is not None
    return cookie.value


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 204),
        ({"Origin": "https://testserver"}, 204),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://testserver"}, 403),
        ({}, 403),
    ],
)
def test_13_a_change_must_come_from_our_own_pages(
    own: World, headers: dict[str, str], status: int
) -> None:
    browser = own.browser("homeroom_teacher")
    del browser.headers["Sec-Fetch-Site"]
    answer = browser.delete(f"{SESSIONS}/current", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] == "urn:earlywarning:problem:other-site"
        assert browser.get(LISTS).status_code == 200
    # Signing somebody else in from another site is refused as well.
    stranger = TestClient(own.app, base_url="https://testserver")
    answer = stranger.post(SESSIONS, json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_13_a_token_needs_no_such_header(own: World) -> None:
    answer = own.client.post(
        "/api/v1/invitations", headers={"Authorization": f"Bearer {own.tokens['admin']}"}
    )
    # It is not refused for where it came from, but because a token gave no password.
    assert answer.json()["type"] == "urn:earlywarning:problem:forbidden"


def test_20_the_sixth_try_is_429_and_the_lock_ends_by_itself(own: World) -> None:
    for name in ("bambang@a.example", "nobody@a.example"):
        browser = own.browser()
        answers = [sign_in(browser, name, "not the password") for _ in range(6)]
        assert [one.status_code for one in answers] == [401] * 5 + [429]
        assert answers[5].headers["retry-after"] == "900"
        # Not even the right password is looked at now, from wherever it comes.
        assert sign_in(own.browser(), name).status_code == 429
    later(own, minutes=14, seconds=59)
    assert sign_in(own.browser(), "bambang@a.example").status_code == 429
    later(own, minutes=15)
    assert sign_in(own.browser(), "bambang@a.example").status_code == 201


def test_20_the_count_survives_a_restart_and_a_success_forgives(own: World) -> None:
    for _ in range(4):
        sign_in(own.browser(), "Bambang@A.example ", "not the password")
    again = create_app(own.register, clock=lambda: NOW, requests_per_minute=0)
    browser = TestClient(again, base_url="https://testserver")
    assert sign_in(browser, "bambang@a.example", "no").status_code == 401
    assert sign_in(browser, "bambang@a.example").status_code == 429
    assert sign_in(browser, "retno@a.example", "no").status_code == 401
    assert sign_in(browser, "retno@a.example").status_code == 201
    later_app = create_app(
        own.register, clock=lambda: NOW + timedelta(seconds=1), requests_per_minute=0
    )
    browser = TestClient(later_app, base_url="https://testserver")
    answers = [sign_in(browser, "retno@a.example", "no").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_20_15_an_address_has_a_looser_limit_whatever_headers_say(own: World) -> None:
    """A forged `X-Forwarded-For` makes nobody another machine."""
    for number in range(attempts.PER_ADDRESS):
        attempts.begin(own.register, account=f"a{number}", address="testclient", at=NOW)
    answer = own.browser().post(
        SESSIONS,
        json={"sign_in_name": "retno@a.example", "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"},
    )
    assert answer.status_code == 429
    attempts.begin(own.register, account="retno", address="another", at=NOW)


def test_20_unknown_wrong_and_disabled_are_answered_alike(own: World) -> None:
    admin = own.as_("admin")
    admin.patch(f"/api/v1/users/{user_id('retno')}", json={"disabled": True})
    answers, seconds = [], {}
    for name, password in (
        ("nobody@a.example", PASSWORD), ("bambang@a.example", "wrong"),
        ("retno@a.example", PASSWORD),
    ):  # fmt: skip
        times = []
        for _ in range(3):
            start = time.process_time()
            answer = sign_in(own.browser(), name, password)
            times.append(time.process_time() - start)
        seconds[name] = statistics.median(times)
        document = answer.json()
        document.pop("request_id")
        headers = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        answers.append((answer.status_code, document, headers))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401
    # Each costs one hash, which is nearly all of the work.
    assert max(seconds.values()) < 2 * min(seconds.values())


def test_25_a_session_cannot_be_planted(own: World) -> None:
    browser = own.browser()
    planted = "p" * 43
    browser.cookies.set("__Host-ew_session", planted, domain="testserver.local")
    assert browser.get(LISTS).status_code == 401
    answer = sign_in(browser, "bambang@a.example")
    assert planted not in answer.headers["set-cookie"]
    # Giving the second factor changes the secret once more.
    app = app_of(own, "coordinator")
    browser = own.browser()
    later(own, seconds=60)
    assert sign_in(browser, "coordinator@a.example").json()["level"] == "code"
    before = secret_of(browser)
    assert browser.get(LISTS).json()["type"].endswith("second-factor-needed")
    answer = browser.post(f"{SESSIONS}/current/second_factor", json={"code": code_of(own, app)})
    assert answer.json()["level"] == "full"
    assert secret_of(browser) != before
    assert browser.get(LISTS).status_code == 200
    old = own.browser()
    old.cookies.set("__Host-ew_session", before, domain="testserver.local")
    assert old.get(LISTS).status_code == 401


def test_25_26_another_role_ends_every_session(own: World) -> None:
    browser = own.as_("counsellor")
    assert browser.get(LISTS).status_code == 200
    answer = own.as_("admin").patch(
        f"/api/v1/users/{user_id('counsellor')}", json={"role": "researcher"}
    )
    assert answer.json()["role"] == "researcher"
    assert browser.get(LISTS).status_code == 401
    assert own.browser("counsellor").get(LISTS).status_code == 403


def test_26_sessions_end_idle_old_and_signed_out(own: World) -> None:
    idle, busy, out = (own.browser("bambang") for _ in range(3))
    for minutes in range(0, 12 * 60, 45):
        later(own, minutes=minutes)
        assert busy.get(LISTS).status_code == 200
    later(own, minutes=60)
    assert idle.get(LISTS).status_code == 401
    later(own, hours=12)
    assert busy.get(LISTS).status_code == 401
    later(own)
    assert out.get(LISTS).status_code == 200
    answer = out.delete(f"{SESSIONS}/current")
    assert answer.status_code == 204
    assert '"cache"' in answer.headers["clear-site-data"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_26_signing_out_and_being_disabled_end_the_old_cookie(own: World) -> None:
    for ending in ("sign out", "disabled"):
        browser = own.browser("bambang")
        secret = secret_of(browser)
        if ending == "sign out":
            browser.delete(f"{SESSIONS}/current")
        else:
            own.as_("admin").patch(f"/api/v1/users/{user_id('bambang')}", json={"disabled": True})
        again = own.browser()
        again.cookies.set("__Host-ew_session", secret, domain="testserver.local")
        assert again.get(LISTS).status_code == 401
    own.as_("admin").patch(f"/api/v1/users/{user_id('bambang')}", json={"disabled": False})
    assert sign_in(own.browser(), "bambang@a.example").status_code == 201


def test_27_people_see_and_end_their_sessions(own: World) -> None:
    here, there = own.browser("bambang"), own.browser("bambang")
    there.headers["User-Agent"] = "Telepon"
    rows = here.get(SESSIONS).json()["sessions"]
    assert [row["current"] for row in rows].count(True) == 1
    other = next(row for row in rows if not row["current"])
    assert here.delete(f"{SESSIONS}/{other['session_id']}").status_code == 204
    assert there.get(LISTS).status_code == 401
    assert here.get(LISTS).status_code == 200
    # Nobody ends somebody else's, nor learns that it is there.
    mine = next(row for row in rows if row["current"])
    assert own.as_("admin").delete(f"{SESSIONS}/{mine['session_id']}").status_code == 404


def test_22_whoever_sees_more_than_a_class_needs_a_second_factor(own: World) -> None:
    for who in ("coordinator", "admin", "data_staff", "researcher", "principal", "counsellor"):
        browser = own.browser()
        assert sign_in(browser, f"{who}@a.example").json()["level"] == "enrol"
        me = browser.get("/api/v1/me").json()
        assert (me["level"], me["uses"]) == ("enrol", [])
        for path in (LISTS, "/api/v1/models", "/api/v1/users", "/api/v1/openapi.json"):
            assert browser.get(path).json()["type"].endswith("second-factor-missing"), path
    assert sign_in(own.browser(), "bambang@a.example").json()["level"] == "full"


def test_22_no_code_counts_twice_and_a_recovery_code_once(own: World) -> None:
    browser = own.browser()
    sign_in(browser, "principal@a.example")
    made = browser.post("/api/v1/me/second_factor").json()
    assert made["uri"].startswith("otpauth://totp/earlywarning:")
    assert made["qr_svg"].startswith("<svg")
    app = pyotp.TOTP(made["secret"])
    code = code_of(own, app)
    codes = browser.put("/api/v1/me/second_factor", json={"code": code}).json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert browser.get("/api/v1/me").json()["recovery_codes_left"] == 10
    assert browser.post("/api/v1/me/second_factor").status_code == 409

    def with_code(given: str) -> int:
        return sign_in(own.browser(), "principal@a.example", code=given).status_code

    assert with_code(code) == 401  # it was used to set the app up
    later(own, seconds=30)
    assert with_code(code_of(own, app)) == 201
    assert with_code(code_of(own, app)) == 401
    assert with_code(codes[0].upper().replace("-", " ")) == 201
    assert with_code(codes[0]) == 401
    with own.register.session() as session:
        rows = str(session.execute(text("SELECT * FROM recovery_code")).all())
    assert not [one for one in codes if one in rows or one.replace("-", "") in rows]


def test_22_guessing_codes_locks_as_well(own: World) -> None:
    app_of(own, "coordinator")
    later(own, seconds=60)
    browser = own.browser()
    sign_in(browser, "coordinator@a.example")
    answers = [
        browser.post(f"{SESSIONS}/current/second_factor", json={"code": f"00000{n}"}).status_code
        for n in range(6)
    ]
    assert answers == [401] * 5 + [429]


def test_22_the_password_alone_forgives_no_guessed_codes(own: World) -> None:
    app_of(own, "coordinator")
    later(own, seconds=60)
    answers = []
    for n in range(6):
        answers.append(
            sign_in(own.browser(), "coordinator@a.example", code=f"00000{n}").status_code
        )
        if answers[-1] == 401:
            assert sign_in(own.browser(), "coordinator@a.example").json()["level"] == "code"
    assert answers == [401] * 5 + [429]


def test_22_an_administrator_helps_after_a_lost_telephone(own: World) -> None:
    app_of(own, "coordinator")
    browser = own.browser("coordinator")
    path = f"/api/v1/users/{user_id('coordinator')}/second_factor"
    assert own.as_("admin").delete(path).status_code == 204
    assert browser.get(LISTS).status_code == 401
    assert sign_in(own.browser(), "coordinator@a.example").json()["level"] == "enrol"


def invited(world: World, **more: str) -> str:
    """The secret of an invitation."""
    body = {"sign_in_name": "wati@a.example", "display_name": "Wati", "role": "data_staff"} | more
    answer = world.as_("admin").post(
        "/api/v1/invitations", json=body, headers={"Idempotency-Key": key()}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["url"].split("link=")[1]


def test_23_an_invitation_works_once_and_for_seven_days(own: World) -> None:
    link = invited(own)
    stranger = own.browser()
    activation = {"link": link, "password": "kata yang cukup panjang"}
    later(own, days=7)
    assert stranger.post("/api/v1/activations", json=activation).status_code == 401
    later(own, days=6)
    assert stranger.post("/api/v1/password_resets", json=activation).status_code == 401
    assert stranger.post("/api/v1/activations", json=activation).status_code == 204
    assert stranger.post("/api/v1/activations", json=activation).status_code == 401
    assert sign_in(stranger, "WATI@a.example", activation["password"]).status_code == 201
    with own.register.session() as session:
        assert link not in str(session.execute(text("SELECT * FROM one_time_link")).all())


def test_23_a_second_invitation_is_in_the_audit(own: World) -> None:
    invited(own)
    row = user_admin.by_name(own.register, "wati@a.example")
    accounts.invite_again(own.register, row.user_id, by=user_id("admin"), at=NOW)
    with own.register.session() as session:
        found = audit_log.search(session, entity_id=row.user_id)
    assert [(one.action, one.actor) for one in found] == [
        ("invitation.offered", user_id("admin")), ("user.invited", user_id("admin")),
    ]  # fmt: skip


def test_23_a_reset_works_once_for_ten_minutes_and_ends_sessions(own: World) -> None:
    browser = own.browser("bambang")
    path = f"/api/v1/users/{user_id('bambang')}/password_reset"

    def offered() -> str:
        return own.as_("admin").post(path).json()["url"].split("link=")[1]

    first, second = offered(), offered()
    body = {"link": second, "password": "kata yang cukup panjang"}
    stranger = own.browser()
    assert stranger.post("/api/v1/password_resets", json=body | {"link": first}).status_code == 401
    later(own, minutes=10)
    assert stranger.post("/api/v1/password_resets", json=body).status_code == 401
    later(own, minutes=9)
    assert stranger.post("/api/v1/activations", json=body).status_code == 401
    short = stranger.post("/api/v1/password_resets", json=body | {"password": "pendek"})
    assert short.status_code == 422
    assert short.json()["errors"][0]["pointer"] == "/body/password"
    assert browser.get(LISTS).status_code == 200
    assert stranger.post("/api/v1/password_resets", json=body).status_code == 204
    assert stranger.post("/api/v1/password_resets", json=body).status_code == 401
    assert browser.get(LISTS).status_code == 401
    assert sign_in(stranger, "bambang@a.example").status_code == 401
    assert sign_in(stranger, "bambang@a.example", body["password"]).status_code == 201


def test_23_the_old_password_is_asked_before_a_new_one(own: World) -> None:
    here, there = own.browser("bambang"), own.browser("bambang")
    body = {"old_password": "wrong", "new_password": "kata yang cukup panjang"}
    assert here.put("/api/v1/me/password", json=body).status_code == 401
    answer = here.put("/api/v1/me/password", json=body | {"old_password": PASSWORD})
    assert answer.status_code == 204
    assert (here.get(LISTS).status_code, there.get(LISTS).status_code) == (200, 401)


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("pendek7", False), ("8charsok", True), ("x7!", False), ("a" * 20, False),
        ("passw0rd", False), ("PassWord1", False), ("sayangku", False), ("bismillah123", False),
        ("sandi yang panjang sekali sehingga lebih dari enam puluh empat huruf ya", True),
        ("huruf kecil saja", True), ("  spasi  ", True), ("π≈3,14159", True),
        ("😀😁😂🤣😃😄😅😆", True),
        ("z" * 250 + "abcdef", True), ("y" * 250 + "abcdefg", False),
        ("wati@a.example", False), ("Wati Contoh", False),
    ],
)  # fmt: skip
def test_19_passwords_by_length_and_list_alone(password: str, good: bool) -> None:
    told = ("wati@a.example", "Wati Contoh")
    if good:
        passwords.check(password, told=told)
        return
    with pytest.raises(DataError) as error:
        passwords.check(password, told=told)
    assert password not in str(error.value)


def test_34_how_passwords_are_kept(own: World) -> None:
    with own.register.session() as session:
        for kept in session.scalars(select(UserAccount.password_hash)):
            assert kept is not None
            assert kept.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    assert passwords.matches("e\u0301", passwords.hashed("\u00e9"))  # one letter, two keyboards
    assert not passwords.matches("", passwords.hashed("x"))
    assert not passwords.matches("x", None)


def test_34_two_passwords_at_most_are_hashed_at_once(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, lock = 0, 0, threading.Lock()
    real = passwords.matches

    def counted(password: str, stored: str | None) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return real(password, stored)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(passwords, "matches", counted)
    with TestClient(own.app, base_url="https://testserver") as client:  # one loop for all
        client.headers["Sec-Fetch-Site"] = "same-origin"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: sign_in(client, f"n{n}", "x").status_code, range(8)))
    assert answers == [401] * 8
    assert most == 2


def test_21_there_is_no_account_until_the_first_link_is_used(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        browser = TestClient(create_app(register, clock=lambda: NOW), base_url="https://testserver")
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        for name in ("admin", "root", "earlywarning"):
            for password in ("admin", "password", "earlywarning", "changeme"):
                assert sign_in(browser, name, password).status_code in (401, 429)
        older, link = (accounts.first_admin(register, at=NOW) for _ in range(2))
        assert older is not None
        assert link is not None
        body = {"password": "kata yang cukup panjang", "sign_in_name": "Endang",
                "display_name": "Bu Endang"}  # fmt: skip
        for secret, status in ((older.secret, 401), (link.secret, 204), (link.secret, 401)):
            answer = browser.post("/api/v1/activations", json=body | {"link": secret})
            assert answer.status_code == status
        (row,) = user_admin.listed(register)
        assert (row.sign_in_name, row.role) == ("endang", "admin")
        assert accounts.first_admin(register, at=NOW) is None


def test_the_last_administrator_stays(own: World) -> None:
    path = f"/api/v1/users/{user_id('admin')}"
    admin = own.as_("admin")
    for change in ({"disabled": True}, {"role": "data_staff"}):
        assert admin.patch(path, json=change).status_code == 409
    # Somebody who was invited and never came does not count; one who came does.
    link = invited(own, sign_in_name="endang", role="admin")
    assert admin.patch(path, json={"disabled": True}).status_code == 409
    accounts.activate(own.register, link, "kata yang cukup panjang", at=NOW)
    assert admin.patch(path, json={"disabled": True}).status_code == 200
    assert admin.get("/api/v1/users").status_code == 401


def test_26_roles_need_the_password_again_after_ten_minutes(own: World) -> None:
    admin = own.browser("admin")
    path = f"/api/v1/users/{user_id('retno')}"
    later(own, minutes=10, seconds=1)
    answer = admin.patch(path, json={"disabled": True})
    assert (answer.status_code, answer.json()["type"][-7:]) == (403, "confirm")
    confirm = f"{SESSIONS}/current/confirmation"
    assert admin.post(confirm, json={"password": "wrong"}).status_code == 401
    assert admin.post(confirm, json={"password": PASSWORD}).status_code == 204
    assert admin.patch(path, json={"disabled": True}).status_code == 200


def test_31_what_is_not_asked_for_is_refused(own: World) -> None:
    bodies = [
        ("POST", SESSIONS, {"sign_in_name": "a", "password": "b", "role": "admin"}),
        ("POST", "/api/v1/activations", {"link": "x", "password": "y", "role": "admin"}),
        ("PUT", "/api/v1/me/password",
         {"old_password": "a", "new_password": "b", "user_id": user_id("admin")}),
    ]  # fmt: skip
    for method, path, body in bodies:
        answer = own.as_("bambang").request(method, path, json=body)
        assert answer.status_code == 422, path
        assert "admin" not in answer.text
    admin = own.as_("admin")
    body = {"sign_in_name": "a", "display_name": "b", "role": "researcher", "password_hash": "x"}
    headers = {"Idempotency-Key": key()}
    assert admin.post("/api/v1/invitations", json=body, headers=headers).status_code == 422
    path = f"/api/v1/users/{user_id('retno')}"
    assert admin.patch(path, json={"totp_secret": "x"}).status_code == 422


def test_what_an_administrator_cannot_invite(own: World) -> None:
    for change in (
        {"role": "coordinator", "school_id": "SCH9"}, {"role": "coordinator"},
        {"role": "homeroom_teacher", "school_id": "SCH1"},
        {"role": "homeroom_teacher", "school_id": "SCH1", "staff_number": "G99"},
        {"role": "janitor"}, {"sign_in_name": " "}, {"display_name": ""},
    ):  # fmt: skip
        body = {"sign_in_name": "wati", "display_name": "Wati", "role": "data_staff"} | change
        answer = own.as_("admin").post(
            "/api/v1/invitations", json=body, headers={"Idempotency-Key": key()}
        )
        assert answer.status_code == 422, change
    again = NewUser("BAMBANG@a.example", "Bambang", "data_staff")
    with pytest.raises(Conflict, match="already"):
        accounts.invite(own.register, again, by="terminal", at=NOW)


def test_a_link_of_one_kind_opens_no_other(own: World) -> None:
    with own.register.session(writing=True) as session:
        made = links.make(session, links.RESET, user_id("retno"), by="terminal", at=NOW)
        session.commit()
    assert links.look(own.register, made.secret, at=NOW) == ("reset", user_id("retno"))
    with pytest.raises(NotSignedIn):
        accounts.activate(own.register, made.secret, "kata yang cukup panjang", at=NOW)
    for wrong in ("", "x", "x" * 43, "\x00" * 43):
        with pytest.raises(NotSignedIn):
            links.look(own.register, wrong, at=NOW)


def test_a_session_is_kept_as_a_hash_and_leaves_a_trail(own: World) -> None:
    sign_in(own.browser(), "bambang@a.example")
    with own.register.session() as session:
        kept = session.scalars(select(UserSession.secret_sha256)).all()
        actions = session.execute(
            text("SELECT action FROM audit_event WHERE actor = :who"), {"who": user_id("bambang")}
        ).all()
    assert all(len(one) == 64 for one in kept)
    assert ("session.began",) in [tuple(row) for row in actions]
