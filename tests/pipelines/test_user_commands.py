"""People and tokens from the terminal, and the invented users of the demo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from earlywarning.io.register import accounts, tokens, user_admin
from earlywarning.io.register.db import open_register
from earlywarning_api import demo_entry
from earlywarning_api.app import create_app
from earlywarning_pipelines import cli, demo_people
from earlywarning_pipelines.console import now
from service_world import World, opened_world

PASSWORD = "kata yang cukup panjang"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with opened_world(tmp_path):  # its register becomes this home's
        pass
    assert said(tmp_path, "init", "--name", "SMP Contoh", "--no-lottery")[0] == 0
    return tmp_path


def said(home: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, ["--home", str(home), *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_somebody_is_invited_comes_and_goes(home: Path) -> None:
    code, out, err = said(
        home, "user", "invite", "--role", "homeroom_teacher", "--email", "Wulan@a.example",
        "--name", "Bu Wulan", "--school", "SCH1", "--staff", "G02",
    )  # fmt: skip
    assert code == 0, err
    assert "hand it over yourself" in err
    link = out.strip().split("/activate?link=")[1]
    assert "invited" in line(home, "wulan@a.example")
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        accounts.activate(register, link, PASSWORD, at=now())
        with TestClient(create_app(register), base_url="https://testserver") as client:
            answer = client.post(
                "/api/v1/sessions", json={"sign_in_name": "wulan@a.example", "password": PASSWORD}
            )
            assert answer.json()["level"] == "full"
    assert "active" in line(home, "wulan@a.example")
    _, out, _ = said(home, "user", "sessions", "WULAN@a.example")
    assert "full" in out
    _, out, _ = said(home, "user", "sessions", "wulan@a.example", "--end")
    assert out.startswith("ended 1 sessions")
    assert said(home, "user", "sessions", "wulan@a.example")[1] == "signed in nowhere\n"
    said(home, "user", "role", "wulan@a.example", "--role", "counsellor", "--school", "SCH1")
    assert "counsellor" in line(home, "wulan@a.example")
    said(home, "user", "reset-mfa", "wulan@a.example")
    _, out, _ = said(home, "user", "reset-password", "wulan@a.example")
    assert "/reset?link=" in out
    said(home, "user", "disable", "wulan@a.example")
    assert "disabled" in line(home, "wulan@a.example")
    assert said(home, "user", "disable", "wulan@a.example", "--enable")[0] == 0
    assert "active" in line(home, "wulan@a.example")


def line(home: Path, name: str) -> str:
    _, out, _ = said(home, "user", "list")
    (found,) = [one for one in out.splitlines() if one.startswith(f"{name} ")]
    return found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("user", "disable", "admin@a.example"), "the last administrator"),
        (("user", "role", "admin@a.example", "--role", "researcher"), "the last administrator"),
        (("user", "disable", "nobody"), "there is no user 'nobody'"),
        (("user", "role", "retno@a.example", "--role", "janitor"), "allowed: admin, coordinator"),
        (("user", "invite", "--role", "coordinator", "--email", "x"), "belongs to one school"),
        (("user", "invite", "--role", "admin", "--email", "admin@a.example"), "has this sign-in"),
        (("token", "create", "--role", "principal", "--label", "x"), "belongs to one school"),
    ],
)
def test_what_cannot_be_done_is_said(home: Path, words: tuple[str, ...], message: str) -> None:
    code, out, err = said(home, *words)
    assert code == 1
    assert message in err
    assert out == ""


def test_a_token_with_a_scope(home: Path) -> None:
    code, out, _ = said(
        home, "token", "create", "--role", "data_staff", "--label", "report", "--scope", "models",
        "--scope", "reference",
    )  # fmt: skip
    assert code == 0
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        found = tokens.bearer(register, out.split()[0], at=now())
    assert found is not None
    assert found.scope == {"models", "reference"}


def test_with_nobody_it_says_where_to_begin(tmp_path: Path) -> None:
    said(tmp_path, "init", "--name", "SMP Contoh", "--no-lottery")
    assert "prints the link" in said(tmp_path, "user", "list")[1]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as world:
        yield world


def test_invented_users_enter_by_the_doors_of_the_demo(demo: World) -> None:
    at = datetime(2026, 10, 5, 8)  # noqa: DTZ001 - the register keeps UTC without zone
    before = {row.user_id for row in user_admin.listed(demo.register)}
    assert demo_people.make(demo.register, school_id="SCH1", at=at) == 7
    keys = demo_entry.keys(demo.register)
    made = {row.user_id: row for row in user_admin.listed(demo.register)
            if row.user_id not in before}  # fmt: skip
    assert {row.role for row in made.values()} == {
        "admin", "coordinator", "homeroom_teacher", "counsellor", "principal", "data_staff",
        "researcher",
    }  # fmt: skip
    assert not [row for row in made.values() if row.has_password]
    printed = demo_entry.addresses(demo.register, keys, "http://127.0.0.1:8000")
    assert len(printed) == len(keys)
    app = create_app(demo.register, clock=lambda: at, demo_keys=keys, requests_per_minute=0)
    for secret, user_id in keys.items():
        browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
        assert browser.get(demo_entry.PATH, params={"key": secret}).status_code == 303
        me = browser.get("/api/v1/me").json()
        assert (me["user_id"], me["level"]) == (user_id, "full")
    stranger = TestClient(app, base_url="https://testserver")
    assert stranger.get(demo_entry.PATH, params={"key": "x"}).status_code == 404
    # A service of real people has no such door.
    real = TestClient(create_app(demo.register, clock=lambda: at), base_url="https://testserver")
    assert real.get(demo_entry.PATH, params={"key": secret}).status_code == 404
