"""What holds for every answer, the failed ones too: an id, safe headers, a body cap, no traceback.

Plain ASGI: a function under `@app.middleware` would cost more than half of the rate.
"""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earlywarning_api import cookies, problems
from earlywarning_api.metrics import Metrics
from earlywarning_api.pages import assets
from earlywarning_api.rates import Rates

MAX_BODY = 64 * 1024
MAX_UPLOAD = 20 * 1024 * 1024
UPLOADS = ("/api/v1/imports", "/imports")
"""Paths, and all below them, that take files."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}
"""On every answer. Shared computers: nothing of a child stays in a browser's cache."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""A page may load our stylesheet and script, and send its forms to us; nothing stands inline."""

_OF_ANSWERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_OF_PAGES = [
    (name, PAGE_POLICY.encode() if name == b"content-security-policy" else value)
    for name, value in _OF_ANSWERS
]
_NAMES = frozenset(name for name, _ in _OF_ANSWERS)

HSTS = "max-age=31536000; includeSubDomains"
"""Only over TLS: a year without plain http."""

DENIALS = frozenset({401, 403, 404, 429})

log = logging.getLogger("earlywarning_api")


class TooLarge(HTTPException):
    """The body grew past the cap. An HTTPException, or FastAPI would make a 400 of it."""

    def __init__(self) -> None:
        super().__init__(413)


class Guard:
    """Wraps the application.

    Parameters
    ----------
    public_url : str, optional
        Where browsers find the service, if a proxy stands before it.
    rates : Rates
        Told of every answer that said: there is no such thing.
    metrics : Metrics
        Told of every answer.
    """

    def __init__(
        self, app: ASGIApp, *, rates: Rates, metrics: Metrics, public_url: str | None = None
    ) -> None:
        self.app = app
        self.rates = rates
        self.metrics = metrics
        self.public_url = public_url
        self.hsts = bool(public_url and public_url.startswith("https://"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id_ = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = id_
        started = False
        started_at = time.perf_counter()

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                more = [(b"x-request-id", id_.encode())]
                if self.hsts or scope["scheme"] == "https":
                    more.append((b"strict-transport-security", HSTS.encode()))
                given = message.get("headers", ())
                message = {**message, "headers": _safe(given, scope["path"]) + more}
                self._note(scope, message["status"], started_at)
            await send(message)

        if _ambiguous(scope):
            close = {"Connection": "close"}
            await problems.answer(scope, 400, headers=close)(scope, receive, send_safely)
            return
        if _declared_length(scope) > (cap := _cap(scope["path"])):
            await problems.answer(scope, 413)(scope, receive, send_safely)
            return
        if cookies.is_from_elsewhere(scope, self.public_url):
            await problems.answer(scope, 403, slug="other-site")(scope, receive, send_safely)
            return
        try:
            await self.app(scope, _capped(receive, cap), send_safely)
        except Exception as error:
            # Where it happened, not what it said: messages can hold a child's data.
            frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
            log.error("request %s: %s\n%s", id_, type(error).__name__, frames)
            if not started:
                await problems.answer(scope, 500)(scope, receive, send_safely)

    def _note(self, scope: Scope, status: int, started_at: float) -> None:
        """Log what was asked by its template: a path holds ids. Denials are seen at a glance."""
        actor = scope["state"].get("actor")
        if status == 404 and actor is not None:
            self.rates.missed(actor)
        route, seconds = route_of(scope), time.perf_counter() - started_at
        self.metrics.answered(method=scope["method"], route=route, status=status, seconds=seconds)
        record = {
            "what": "denied" if status in DENIALS else "answered",
            "request_id": scope["state"]["request_id"],
            "method": scope["method"],
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "actor": actor,
        }
        log.log(logging.WARNING if status in DENIALS else logging.INFO, "request", extra=record)


def _safe(given: Iterable[tuple[bytes, bytes]], path: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with ours in the place of their namesakes."""
    kept: list[tuple[bytes, bytes]] = []
    ours = _OF_ANSWERS
    for one in given:
        name = one[0].lower()
        if name == b"content-type" and one[1].startswith(b"text/html"):
            ours = _OF_PAGES
        if name not in _NAMES or (name == b"cache-control" and assets.is_asset(path)):
            kept.append(one)
    there = {b"cache-control"} & {one[0].lower() for one in kept}
    return kept + ([one for one in ours if one[0] not in there] if there else ours)


def route_of(scope: Scope) -> str:
    """The template of the route that answered; empty if none did."""
    route = scope.get("route")
    return getattr(route, "path_format", "") if route is not None else ""


def _cap(path: str) -> int:
    """The largest body that a path takes, in bytes."""
    uploads = any(path == one or path.startswith(f"{one}/") for one in UPLOADS)
    return MAX_UPLOAD if uploads else MAX_BODY


def _ambiguous(scope: Scope) -> bool:
    """Whether a proxy could see another end of this request than we do (RFC 9112, 6.3)."""
    names = [name for name, _ in scope["headers"]]
    return b"transfer-encoding" in names and b"content-length" in names


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else MAX_UPLOAD + 1
    return 0


def _capped(receive: Receive, cap: int) -> Receive:
    total = 0

    async def receive_capped() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > cap:
            raise TooLarge
        return message

    return receive_capped
