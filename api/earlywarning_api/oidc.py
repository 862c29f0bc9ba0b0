"""Signing in at an identity provider: OpenID Connect, authorization code with PKCE (S256).

What the provider says is believed only after its signature, issuer, audience, nonce and times were
checked (OpenID Connect Core 1.0, 3.1.3.7). Its discovery document names where its keys are.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from earlywarning.errors import ConfigError, NotSignedIn
from earlywarning.io.register.identities import Identity
from earlywarning_api.oidc_flow import Flow, Provider

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures with a public key; `none` and shared secrets are not among them."""

SCOPE = "openid profile"
TIMEOUT_SECONDS = 10.0
KEYS_KEPT_SECONDS = 3600.0
LEEWAY_SECONDS = 60
REFUSED = "the identity provider's answer is not what it must be; begin anew"


class SignIn:
    """Signing in at one provider.

    Parameters
    ----------
    provider : Provider
    redirect_uri : str
        Our address to which the provider sends the browser back.
    """

    def __init__(self, provider: Provider, redirect_uri: str) -> None:
        self.provider = provider
        self.redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._discovered: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    def begin(self) -> tuple[str, Flow]:
        """Where to send the browser, and what it must keep.

        Raises
        ------
        ConfigError
            If the provider cannot be reached or is not what it was said to be.
        """
        flow = Flow(generate_token(43), generate_token(43), generate_token(64))
        with self._client() as client:  # type: ignore[attr-defined]
            url, _ = client.create_authorization_url(
                self._metadata("authorization_endpoint"), state=flow.state, nonce=flow.nonce,
                code_verifier=flow.verifier,
            )  # fmt: skip
        return url, flow

    def finish(self, flow: Flow, *, code: str, now: int | None = None) -> Identity:
        """Who came back.

        Parameters
        ----------
        code : str
            What the provider gave the browser for us.
        now : int, optional
            Seconds since 1970, for tests.

        Raises
        ------
        NotSignedIn
            If the provider refuses the code, or its token does not hold.
        """
        try:
            with self._client() as client:  # type: ignore[attr-defined]
                answer = client.fetch_token(
                    self._metadata("token_endpoint"), code=code, code_verifier=flow.verifier,
                    grant_type="authorization_code",
                )  # fmt: skip
        except Exception as error:  # the client's errors have no common base but this
            raise NotSignedIn(REFUSED) from error
        return self.identity(str(answer.get("id_token", "")), nonce=flow.nonce, now=now)

    def identity(self, id_token: str, *, nonce: str, now: int | None = None) -> Identity:
        """Whom an ID token vouches for.

        Raises
        ------
        NotSignedIn
            If one thing about it is wrong; which one is not said.
        """
        expected = jwt.JWTClaimsRegistry(
            now=now, leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            try:
                token = jwt.decode(id_token, self._jwks(), algorithms=list(ALGORITHMS))
            except ValueError:  # a key that we do not know: they may have changed theirs
                token = jwt.decode(id_token, self._jwks(anew=True), algorithms=list(ALGORITHMS))
            expected.validate(token.claims)
        except (JoseError, ValueError) as error:
            raise NotSignedIn(REFUSED) from error
        claims = token.claims
        audience = claims["aud"]
        many = isinstance(audience, list) and len(audience) > 1
        if (many or "azp" in claims) and claims.get("azp") != self.provider.client_id:
            raise NotSignedIn(REFUSED)
        domain = self.provider.hosted_domain
        if domain is not None and claims.get("hd") != domain:
            raise NotSignedIn(REFUSED)
        return Identity(self.provider.issuer, str(claims["sub"]))

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            client_id=self.provider.client_id, client_secret=self.provider.client_secret,
            scope=SCOPE, redirect_uri=self.redirect_uri, code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS, follow_redirects=False,
        )  # fmt: skip

    def _metadata(self, name: str) -> str:
        with self._lock:
            if self._discovered is None:
                base = self.provider.issuer.rstrip("/")
                found = _fetched(f"{base}/.well-known/openid-configuration")
                if found.get("issuer") != self.provider.issuer:
                    raise ConfigError(
                        f"OIDC: {base} calls itself {found.get('issuer')!r}; set "
                        "EARLYWARNING_OIDC_ISSUER to exactly that, if it is the right one"
                    )
                self._discovered = found
            try:
                return str(self._discovered[name])
            except KeyError:
                raise ConfigError(f"OIDC: the provider names no {name}") from None

    def _jwks(self, *, anew: bool = False) -> KeySet:
        address = self._metadata("jwks_uri")
        with self._lock:
            age = time.monotonic() - self._keys_at
            if self._keys is None or age > KEYS_KEPT_SECONDS or (anew and age > LEEWAY_SECONDS):
                self._keys = KeySet.import_key_set(_fetched(address))  # type: ignore[arg-type]
                self._keys_at = time.monotonic()
            return self._keys


def _fetched(address: str) -> dict[str, Any]:
    try:
        answer = httpx2.get(address, timeout=TIMEOUT_SECONDS, follow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise ConfigError(f"OIDC: {address} cannot be read: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"OIDC: {address} holds no object")
    return found
