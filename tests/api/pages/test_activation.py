"""Invitations, resets and the first account, as a person opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from earlywarning.io.register import accounts, password_changes
from earlywarning.io.register.accounts import NewUser
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app
from service_world import NOW, World, opened_world, user_id

PASSWORD = "kata yang cukup panjang"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def test_an_invitation_leads_to_a_password_and_to_signing_in(own: World) -> None:
    new = NewUser("wati", "Wati", "homeroom_teacher", "SCH1", "G02")
    _, link = accounts.invite(own.register, new, by="terminal", at=NOW)
    browser = own.browser()
    page = browser.get(f"/activate?link={link.secret}")
    assert page.status_code == 200
    assert "Selamat datang" in page.text
    assert 'name="name"' not in page.text
    # Opening it twice uses nothing up; a bad password is said in words, and the link stays.
    assert browser.get(f"/activate?link={link.secret}").status_code == 200
    short = browser.post("/activate", data={"link": link.secret, "password": "rahasia1"})
    assert short.status_code == 422
    assert "mudah ditebak" in short.text
    assert "rahasia1" not in short.text
    done = browser.post("/activate", data={"link": link.secret, "password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    signed = browser.post("/sign-in", data={"name": "Wati", "password": PASSWORD})
    assert signed.status_code == 303
    assert browser.get("/lists").status_code in (200, 303)
    again = browser.get(f"/activate?link={link.secret}")
    assert again.status_code == 410
    assert "tidak berlaku lagi" in again.text


def test_a_reset_link_is_no_invitation(own: World) -> None:
    link = password_changes.reset_link(own.register, user_id("bambang"), by="terminal", at=NOW)
    browser = own.browser()
    assert browser.get(f"/activate?link={link.secret}").status_code == 410
    assert browser.get("/reset?link=x").status_code == 410
    assert browser.get("/reset").status_code == 410
    assert browser.get(f"/reset?link={link.secret}").status_code == 200
    done = browser.post("/reset", data={"link": link.secret, "password": PASSWORD})
    assert done.status_code == 303
    assert (
        browser.post("/reset", data={"link": link.secret, "password": PASSWORD}).status_code == 410
    )
    signed = browser.post("/sign-in", data={"name": "bambang@a.example", "password": PASSWORD})
    assert signed.status_code == 303


def test_the_first_account(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        app = create_app(register, clock=lambda: NOW)
        browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
        browser.headers.update({"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"})
        link = accounts.first_admin(register, at=NOW)
        assert link is not None
        page = browser.get(f"/activate?link={link.secret}")
        assert "Make the first account" in page.text
        form = {"link": link.secret, "password": PASSWORD, "name": "endang"}
        missing = browser.post("/activate", data=form)
        assert (missing.status_code, "Fill in both names" in missing.text) == (422, True)
        done = browser.post("/activate", data=form | {"shown": "Bu Endang"})
        assert done.status_code == 303
        # Whoever sees more than a class sets up an authenticator app next.
        signed = browser.post("/sign-in", data={"name": "endang", "password": PASSWORD})
        assert signed.headers["location"] == "/sign-in/second-factor"


def test_the_sign_in_page_says_what_the_identity_provider_could_not(own: World) -> None:
    assert "tidak dikenali" in own.browser().get("/sign-in?refused=identity").text
