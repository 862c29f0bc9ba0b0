"""What holds for every answer, the failed ones too: an id, safe headers, a body cap, no traceback.

Plain ASGI: a function under `@app.middleware` would cost more than half of the rate.
"""

from __future__ import annotations

import logging
import traceback
import uuid

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earlywarning_api import problems

MAX_BODY = 64 * 1024

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

log = logging.getLogger("earlywarning_api")


class TooLarge(HTTPException):
    """The body grew past the cap. An HTTPException, or FastAPI would make a 400 of it."""

    def __init__(self) -> None:
        super().__init__(413)


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id_ = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = id_
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["X-Request-ID"] = id_
            await send(message)

        if _declared_length(scope) > MAX_BODY:
            await problems.answer(scope, 413)(scope, receive, send_safely)
            return
        try:
            await self.app(scope, _capped(receive), send_safely)
        except Exception as error:
            # Where it happened, not what it said: messages can hold a child's data.
            frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
            log.error("request %s: %s\n%s", id_, type(error).__name__, frames)
            if not started:
                await problems.answer(scope, 500)(scope, receive, send_safely)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else MAX_BODY + 1
    return 0


def _capped(receive: Receive) -> Receive:
    total = 0

    async def receive_capped() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY:
            raise TooLarge
        return message

    return receive_capped
