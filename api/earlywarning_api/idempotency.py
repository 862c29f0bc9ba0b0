"""`Idempotency-Key`: sending the same request again makes nothing twice.

A route that creates something takes `dependencies=[Depends(idempotency.needed)]` and declares 400,
409 and 422. The first answer below 400 is kept for 24 hours and given again, with the header
`Idempotent-Replay: true`; after an error the key is free again.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earlywarning.io.register import idempotency as kept
from earlywarning.io.register.idempotency import Claim, InFlight, Kept, KeyUsed
from earlywarning_api.access import Person, signed_in
from earlywarning_api.problems import Refused

REPLAYED = "Idempotent-Replay"
KEPT_HEADERS = frozenset({"content-type", "location", "etag", "content-language", "link"})
"""Of an answer. A cookie is never kept."""


class Replay(Exception):
    """The answer was given before; this is it."""

    def __init__(self, answer: Kept) -> None:
        self.answer = answer


async def needed(
    request: Request,
    person: Annotated[Person, Depends(signed_in)],
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="A text of your own, a new one for each thing to make; good for 24 hours.",
        ),
    ] = None,
) -> None:
    """Hold the request's key, or answer as before.

    Raises
    ------
    Refused
        400 without a key, 422 if it came with another request, 409 while the first one runs.
    """
    if key is None:
        raise Refused("key-needed")
    state = request.app.state
    claim = Claim(person.actor, key)
    # Who one is counts too: in another role, or another school, it is another request.
    who = f"{person.role}\n{person.school_id}\n{person.staff_id}"
    asked = f"{request.method} {request.url.path}\n{request.url.query}\n{who}\n"
    digest = hashlib.sha256(asked.encode())
    digest.update(await request.body())
    try:
        before = await run_in_threadpool(
            kept.claim, state.register, claim, request_sha256=digest.hexdigest(), at=state.clock()
        )
    except KeyUsed:
        raise Refused("key-used") from None
    except InFlight:
        raise Refused("in-flight") from None
    if before is not None:
        raise Replay(before)
    request.state.idempotency = claim


def replayed(answer: Kept) -> Response:
    """The answer that was kept, marked as such."""
    return Response(answer.body, answer.status, {**answer.headers, REPLAYED: "true"})


class Keeper:
    """Wraps the application: keeps the answer of a request that holds a key, before it leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def keep_first(message: Message) -> None:
            if _claim(scope) is None:
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await run_in_threadpool(_settle, scope, held)
                for one in held:
                    await send(one)
                held.clear()

        try:
            await self.app(scope, receive, keep_first)
        finally:
            claim = _claim(scope)
            if claim is not None:  # it failed before it answered
                await run_in_threadpool(kept.release, scope["app"].state.register, claim)


def _claim(scope: Scope) -> Claim | None:
    return getattr(HTTPConnection(scope).state, "idempotency", None)


def _settle(scope: Scope, held: list[Message]) -> None:
    claim = _claim(scope)
    assert claim is not None  # noqa: S101 - asked before
    start = held[0]
    register = scope["app"].state.register
    if start["status"] < 400:
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in start["headers"]
            if name.decode("latin-1").lower() in KEPT_HEADERS
        }
        body = b"".join(message.get("body", b"") for message in held[1:])
        kept.keep(register, claim, Kept(start["status"], headers, body))
    else:
        kept.release(register, claim)
    del HTTPConnection(scope).state.idempotency
