"""Signing in as the API and the pages both do it: hashing in threads, two at most at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio
from fastapi import Request
from starlette.responses import Response

from earlywarning.io.register import second_factor, sessions, sign_in
from earlywarning.io.register.sign_in import Caller
from earlywarning_api import access, cookies

T = TypeVar("T")
AT_ONCE = 2
"""Passwords hashed at the same time: each takes 46 MiB and a sixth of a second."""


def caller(request: Request) -> Caller:
    """Where a request comes from: the machine that connected, whatever headers say.

    Only the proxy that was named in the settings is believed about whom it speaks for, and only in
    the last entry of `X-Forwarded-For`, which it wrote itself.
    """
    address = request.client.host if request.client else "unknown"
    if address == request.app.state.proxy:
        address = request.headers.get("x-forwarded-for", "").split(",")[-1].strip() or address
    return Caller(address, request.headers.get("user-agent", ""))


async def hashing(request: Request, work: Callable[..., T], *values: Any, **named: Any) -> T:
    """Run something that hashes a password in a thread, at most two at once."""
    state = request.app.state
    if not hasattr(state, "hashing"):
        state.hashing = anyio.CapacityLimiter(AT_ONCE)
    return await anyio.to_thread.run_sync(partial(work, *values, **named), limiter=state.hashing)


async def with_password(
    request: Request, name: str, password: str, *, code: str | None = None
) -> sessions.Opened:
    """Begin a session; put its secret into a cookie with `cookies.put`.

    Raises
    ------
    NotSignedIn, TooManyTries
    """
    state = request.app.state
    return await hashing(
        request, sign_in.with_password, state.register, name, password,
        caller=caller(request), at=state.clock(), code=code,
    )  # fmt: skip


def with_code(request: Request, person: access.Person, code: str) -> sessions.Opened:
    """Raise the person's session with the second factor; it has a new secret then.

    Raises
    ------
    NotSignedIn, TooManyTries
    """
    assert person.user_id is not None  # noqa: S101 - `access.by_session` let them in
    state = request.app.state
    return second_factor.give(
        state.register, person.user_id, code, session_id=person.token_id,
        address=caller(request).address, at=state.clock(),
    )  # fmt: skip


def sign_out(request: Request, response: Response, person: access.Person) -> None:
    """End the person's session and take the cookie."""
    assert person.user_id is not None  # noqa: S101 - `access.by_session` let them in
    state = request.app.state
    sessions.end(state.register, person.token_id, user_id=person.user_id, at=state.clock())
    cookies.drop(response, request)
