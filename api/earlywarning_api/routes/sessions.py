"""Signing in and out, and one's own sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response

from earlywarning.io.register import sessions, sign_in
from earlywarning_api import access, cookies, signing_in
from earlywarning_api.access_schemas import (
    Begun,
    CodeGiven,
    NewSession,
    PasswordGiven,
    Sessions,
    SessionView,
)
from earlywarning_api.problems import declared

router = APIRouter(prefix="/sessions", tags=["signing in"])

User = Annotated[access.Person, Depends(access.by_session)]


@router.post("", status_code=201, responses=declared(400, 401, 403, 422, 429))
async def begin(request: Request, response: Response, sent: NewSession) -> Begun:
    """Sign in. Unknown names, wrong passwords and disabled accounts are answered alike.

    Five failures of an account within 15 minutes: 429 until the oldest is 15 minutes old.
    """
    opened = await signing_in.with_password(
        request, sent.sign_in_name, sent.password, code=sent.code
    )
    cookies.put(response, request, opened.secret)
    return Begun(session_id=opened.session_id, level=opened.level)  # type: ignore[arg-type]


@router.post("/current/second_factor", responses=declared(400, 401, 403, 422, 429))
def second_factor(request: Request, response: Response, person: User, sent: CodeGiven) -> Begun:
    """Give the code of the authenticator app, or a recovery code. The cookie is a new one then."""
    opened = signing_in.with_code(request, person, sent.code)
    cookies.put(response, request, opened.secret)
    return Begun(session_id=opened.session_id, level=opened.level)  # type: ignore[arg-type]


@router.post("/current/confirmation", status_code=204, responses=declared(400, 401, 403, 422, 429))
async def confirm(request: Request, person: User, sent: PasswordGiven) -> None:
    """Give the password again, before roles are changed, data exported or erased."""
    state = request.app.state
    await signing_in.hashing(
        request, sign_in.confirm, state.register, person.token_id, sent.password,
        caller=signing_in.caller(request), at=state.clock(),
    )  # fmt: skip


@router.delete("/current", status_code=204, responses=declared(401, 403, 404))
def end_current(request: Request, response: Response, person: User) -> None:
    """Sign out; the cookie is good for nothing from now on."""
    signing_in.sign_out(request, response, person)


@router.get("", responses=declared(401, 403))
def listed(request: Request, person: User) -> Sessions:
    """Your sessions, to see whether one is not yours."""
    state = request.app.state
    rows = sessions.listed(state.register, person.user_id or "", at=state.clock())
    return Sessions(
        sessions=[
            SessionView(
                session_id=row.session_id,
                browser=row.browser,
                level=row.level,  # type: ignore[arg-type]
                current=row.session_id == person.token_id,
                made_at=row.made_at,
                seen_at=row.seen_at,
                expires_at=row.expires_at,
            )
            for row in rows
        ]
    )


@router.delete("/{session_id}", status_code=204, responses=declared(401, 403, 404))
def end(
    request: Request,
    person: User,
    session_id: Annotated[str, Path(description="From `GET /sessions`.")],
) -> None:
    """End one of your sessions."""
    state = request.app.state
    if not (session_id.isalnum() and session_id.isascii()):
        raise HTTPException(404)
    sessions.end(state.register, session_id, user_id=person.user_id or "", at=state.clock())
