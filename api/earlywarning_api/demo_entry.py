"""The demo's doors: one address for each invented user, good while this process runs.

They exist only for a folder that `earlywarning demo` made, where nobody is real.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse

from earlywarning.io.register import sessions, sign_in, user_admin
from earlywarning.io.register.db import Register
from earlywarning_api import cookies, signing_in

MARKER = ".earlywarning-demo"
"""The file by which a folder of the demo is known."""

PATH = "/api/v1/demo_entry"


def keys(register: Register) -> dict[str, str]:
    """A new secret for each user of the demo: secret -> user id."""
    return {secrets.token_urlsafe(12): row.user_id for row in user_admin.listed(register)}


def addresses(register: Register, made: Mapping[str, str], base: str) -> list[str]:
    """Lines to print: who, and where to enter as them."""
    users = {row.user_id: row for row in user_admin.listed(register)}
    return [
        f"  {users[user_id].role:<17} {base.rstrip('/')}{PATH}?key={secret}"
        for secret, user_id in made.items()
    ]


def router_of(made: Mapping[str, str]) -> APIRouter:
    """The route; it is there for a demo alone."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    def enter(request: Request, key: Annotated[str, Query(max_length=50)]) -> RedirectResponse:
        """Sign in as an invented user."""
        user_id = made.get(key)
        if user_id is None:
            raise HTTPException(404)
        state = request.app.state
        with state.register.session(writing=True) as session:
            opened = sign_in.begun(
                session, user_id, level=sessions.FULL, caller=signing_in.caller(request),
                at=state.clock(),
            )  # fmt: skip
            session.commit()
        answer = RedirectResponse("/", 303)
        cookies.put(answer, request, opened.secret)
        return answer

    return router
