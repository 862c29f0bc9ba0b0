"""Signing in at an identity provider, a real one on loopback (24), and where it leads (14)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

import identity_provider
from earlywarning.errors import ConfigError
from earlywarning_api.app import create_app
from earlywarning_api.oidc import Provider, SignIn
from expectations import key
from identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider
from service_world import NOW, World, opened_world

LISTS = "/api/v1/visit_lists"
REFUSED = "/sign-in?refused=identity"


@pytest.fixture(scope="module")
def shared() -> Iterator[IdentityProvider]:
    with identity_provider.running() as running:
        yield running


@pytest.fixture
def provider(shared: IdentityProvider) -> Iterator[IdentityProvider]:
    yield shared
    shared.subject, shared.sign = "teacher-7", shared.signed
    shared.change = lambda claims: claims


@pytest.fixture
def own(tmp_path: Path, provider: IdentityProvider) -> Iterator[World]:
    with opened_world(tmp_path) as world:
        app = create_app(
            world.register, clock=lambda: NOW, public_url="https://testserver",
            requests_per_minute=0,
            provider=Provider(provider.issuer, CLIENT_ID, CLIENT_SECRET),
        )  # fmt: skip
        yield World(world.register, app, world.client, world.tokens, world.lists)


def invitation(world: World) -> str:
    answer = world.as_("admin").post(
        "/api/v1/invitations",
        json={"sign_in_name": "wulan", "display_name": "Bu Wulan", "role": "homeroom_teacher",
              "school_id": "SCH1", "staff_number": "G01"},
        headers={"Idempotency-Key": key()},
    )  # fmt: skip
    return answer.json()["url"].split("link=")[1]


def go(browser: TestClient, query: str = "") -> str:
    """To the provider and back; returns where we lead the browser then."""
    sent = browser.get(f"/api/v1/oidc/start{query}")
    assert sent.status_code == 303
    back = httpx2.get(sent.headers["location"], follow_redirects=False).headers["location"]
    return browser.get(back).headers["location"]


def test_24_only_the_invited_come_in_and_are_known_by_issuer_and_subject(
    own: World, provider: IdentityProvider
) -> None:
    assert go(own.browser()) == REFUSED
    link = invitation(own)
    browser = own.browser()
    assert go(browser, f"?link={link}&next=/lists") == "/lists"
    assert browser.get("/api/v1/me").json()["name"] == "Bu Wulan"
    assert browser.get(LISTS).status_code == 200
    # Next time without a link; nobody else with the same link.
    assert go(own.browser()) == "/"
    provider.subject = "teacher-8"
    assert go(own.browser(), f"?link={link}") == REFUSED
    # An e-mail address proves nothing.
    provider.change = lambda claims: claims | {"email": "bambang@a.example"}
    assert go(own.browser()) == REFUSED
    # Disabled is disabled.
    provider.subject = "teacher-7"
    (user,) = [one for one in own.as_("admin").get("/api/v1/users").json()["users"]
               if one["sign_in_name"] == "wulan"]  # fmt: skip
    own.as_("admin").patch(f"/api/v1/users/{user['user_id']}", json={"disabled": True})
    assert go(own.browser()) == REFUSED


def test_24_a_role_that_needs_a_second_factor_needs_it_here_too(own: World) -> None:
    answer = own.as_("admin").post(
        "/api/v1/invitations", headers={"Idempotency-Key": key()},
        json={"sign_in_name": "dimas", "display_name": "Dimas", "role": "data_staff"},
    )  # fmt: skip
    browser = own.browser()
    link = answer.json()["url"].split("link=")[1]
    assert go(browser, f"?link={link}") == "/sign-in/second-factor"
    assert browser.get("/api/v1/models").status_code == 403


def unsigned(claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def with_shared_secret(claims: dict[str, Any]) -> str:
    secret = OctKey.import_key(CLIENT_SECRET * 2)
    return jwt.encode({"alg": "HS256"}, claims, secret)


def by_another_key(claims: dict[str, Any]) -> str:
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, other)


Change = Callable[[dict[str, Any]], dict[str, Any]]
FORGED: dict[str, Change] = {
    "wrong issuer": lambda c: c | {"iss": "https://elsewhere.example"},
    "no issuer": lambda c: {k: v for k, v in c.items() if k != "iss"},
    "wrong audience": lambda c: c | {"aud": "another client"},
    "no audience": lambda c: {k: v for k, v in c.items() if k != "aud"},
    "several audiences, not for us": lambda c: c | {"aud": [CLIENT_ID, "b"], "azp": "b"},
    "several audiences, no azp": lambda c: c | {"aud": [CLIENT_ID, "b"]},
    "made for another": lambda c: c | {"azp": "another client"},
    "wrong nonce": lambda c: c | {"nonce": "n" * 43},
    "no nonce": lambda c: {k: v for k, v in c.items() if k != "nonce"},
    "expired": lambda c: c | {"exp": int(time.time()) - 120},
    "no expiry": lambda c: {k: v for k, v in c.items() if k != "exp"},
    "of the future": lambda c: c | {"iat": int(time.time()) + 3600},
    "not yet": lambda c: c | {"nbf": int(time.time()) + 3600},
    "no subject": lambda c: {k: v for k, v in c.items() if k != "sub"},
}


@pytest.mark.parametrize(
    "forged", [*FORGED, "alg none", "shared secret", "another key", "no token"]
)
def test_24_33_forged_tokens_are_refused(
    own: World, provider: IdentityProvider, forged: str
) -> None:
    browser = own.browser()
    link = invitation(own)
    signers = {"alg none": unsigned, "shared secret": with_shared_secret,
               "another key": by_another_key, "no token": lambda claims: ""}  # fmt: skip
    provider.change = FORGED.get(forged, lambda claims: claims)
    provider.sign = signers.get(forged, provider.signed)
    assert go(browser, f"?link={link}") == REFUSED
    assert browser.get("/api/v1/me").status_code == 401
    # The same without the forgery comes in: nothing else was wrong, and the link was not used.
    provider.change, provider.sign = lambda claims: claims, provider.signed
    assert go(browser, f"?link={link}") == "/"


def test_24_the_way_back_belongs_to_the_browser_that_began(own: World) -> None:
    victim, attacker = own.browser(), own.browser()
    sent = attacker.get(f"/api/v1/oidc/start?link={invitation(own)}")
    back = httpx2.get(sent.headers["location"], follow_redirects=False).headers["location"]
    # Without the cookie of the beginning, and with that of another beginning.
    assert victim.get(back).headers["location"] == REFUSED
    victim.get("/api/v1/oidc/start")
    assert victim.get(back).headers["location"] == REFUSED
    assert victim.get("/api/v1/me").status_code == 401
    # The provider gives a code's tokens once, and only with the verifier.
    assert attacker.get(back).headers["location"] == "/"
    assert attacker.get(back).headers["location"] == REFUSED


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\/evil.example", "evil",
     "/%0d%0aSet-Cookie:x", "javascript:alert(1)", "/\t/evil.example", "///evil.example"],
)  # fmt: skip
def test_14_nobody_is_led_to_another_site(own: World, address: str) -> None:
    browser = own.browser()
    link = invitation(own)
    where = go(browser, f"?link={link}&next={quote(address)}")
    assert where == "/" or (where.startswith("/") and not where.startswith(("//", "/\\")))
    assert "\n" not in where
    assert "evil" not in where


def test_24_hosted_domain(provider: IdentityProvider) -> None:
    signing = SignIn(
        Provider(provider.issuer, CLIENT_ID, CLIENT_SECRET, hosted_domain="guru.smp.belajar.id"),
        "https://testserver/back",
    )
    now = int(time.time())
    claims = {"iss": provider.issuer, "aud": CLIENT_ID, "sub": "s", "iat": now, "exp": now + 60,
              "nonce": "n"}  # fmt: skip
    good = provider.signed(claims | {"hd": "guru.smp.belajar.id"})
    assert signing.identity(good, nonce="n").subject == "s"
    for other in ({"hd": "elsewhere.example"}, {}):
        with pytest.raises(Exception, match="begin anew"):
            signing.identity(provider.signed(claims | other), nonce="n")


def test_a_provider_that_cannot_be_reached_is_told_to_the_administrator(
    own: World, provider: IdentityProvider
) -> None:
    away = SignIn(Provider("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET), "https://x/back")
    with pytest.raises(ConfigError, match="cannot be read"):
        away.begin()
    app = create_app(own.register, provider=away.provider, requests_per_minute=0)
    assert TestClient(app).get("/api/v1/oidc/start").status_code == 503
    other = SignIn(Provider(f"{provider.issuer}/", CLIENT_ID, CLIENT_SECRET), "https://x/back")
    with pytest.raises(ConfigError, match="calls itself"):
        other.begin()
    assert CLIENT_SECRET not in repr(Provider(provider.issuer, CLIENT_ID, CLIENT_SECRET))


def test_without_a_provider_there_is_no_way_to_one(world: World) -> None:
    for path in ("start", "callback?code=x&state=y"):
        assert world.client.get(f"/api/v1/oidc/{path}").status_code == 404
