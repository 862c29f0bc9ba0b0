"""The cookie of a session, and whether a request with it came from our own pages.

On https the cookie's name begins with `__Host-`, which a browser accepts only over TLS, for one
host and the whole site. On plain http, which is for loopback alone, it has another name.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

NAME = "ew_session"
SAFE_NAME = f"__Host-{NAME}"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_https(scope: Scope) -> bool:
    """Whether the browser's side of the connection is TLS: ours, or that of the proxy before us."""
    public = getattr(scope["app"].state, "public_url", None) if "app" in scope else None
    return scope.get("scheme") == "https" or bool(public and public.startswith("https://"))


def secret(request: HTTPConnection) -> str | None:
    """The session's secret in the request's cookie."""
    return request.cookies.get(SAFE_NAME if is_https(request.scope) else NAME)


def put(response: Response, request: HTTPConnection, secret: str) -> None:
    """Give the browser a session. It goes when the browser is closed, or when the register says."""
    https = is_https(request.scope)
    response.set_cookie(
        SAFE_NAME if https else NAME, secret, path="/", secure=https, httponly=True, samesite="lax"
    )


def drop(response: Response, request: HTTPConnection) -> None:
    """Take the session from the browser, and what it kept of our pages."""
    https = is_https(request.scope)
    response.delete_cookie(
        SAFE_NAME if https else NAME, path="/", secure=https, httponly=True, samesite="lax"
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def is_from_elsewhere(scope: Scope, public_url: str | None) -> bool:
    """Whether a change was asked for by another site's page, as far as the browser says.

    Browsers say in `Sec-Fetch-Site` who asks, older ones in `Origin`. A request with a session's
    cookie and neither is refused; one without cookie can do no more than its sender could anyway.
    """
    if scope["method"] in SAFE_METHODS:
        return False
    headers: dict[bytes, str] = {
        name: value.decode("latin-1")
        for name, value in scope["headers"]
        if name in (b"sec-fetch-site", b"origin", b"host", b"cookie", b"authorization")
    }
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get(b"origin")
    if origin is not None:
        own = {urlsplit(public_url).netloc} if public_url else {headers.get(b"host", "")}
        return urlsplit(origin).netloc not in own
    if b"authorization" in headers:
        return False
    return _has_session(headers.get(b"cookie", ""))


def _has_session(header: str) -> bool:
    try:
        found = SimpleCookie(header)
    except CookieError:
        return True
    return NAME in found or SAFE_NAME in found or NAME in header
