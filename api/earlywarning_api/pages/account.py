"""One's own account: another password, where one is signed in, showing that it is oneself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import Response

from earlywarning.errors import DataError, NotSignedIn, TooManyTries
from earlywarning.io.register import password_changes, passwords, sessions, sign_in
from earlywarning.io.register.sessions import SessionRow
from earlywarning_api import access, signing_in
from earlywarning_api.pages import rendering, visitor
from earlywarning_api.pages.devices import Device, device

router = APIRouter()

Password = Annotated[str, Form(max_length=1000)]
User = Annotated[access.Person, Depends(visitor.user)]


@dataclass(frozen=True, slots=True)
class MePage:
    """One's own account.

    Attributes
    ----------
    fault : str or None
        `old`, `password` or `wait`, after another password was asked for.
    shortest, urged : int
        Characters of a password.
    """

    name: str
    role: str
    sessions: tuple[tuple[SessionRow, Device], ...]
    current: str
    fault: str | None = None
    saved: bool = False
    shortest: int = passwords.SHORTEST
    urged: int = passwords.URGED


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """The password is asked again before something that cannot be undone."""

    fault: str | None = None


@router.get("/me")
def me(request: Request, person: User, saved: str = "") -> Response:
    """Who one is here, and where one is signed in."""
    return _me(request, person, saved=bool(saved))


def _me(
    request: Request,
    person: access.Person,
    *,
    fault: str | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    state = request.app.state
    rows = sessions.listed(state.register, person.user_id or "", at=state.clock())
    view = MePage(
        name=person.name or "–",
        role=person.role,
        sessions=tuple((one, device(one.browser)) for one in rows),
        current=person.token_id,
        fault=fault,
        saved=saved,
    )
    return rendering.page(request, "me.html", view, person=person, status=status)


@router.post("/me/password")
async def change_password(
    request: Request, person: User, old: Password = "", new: Password = ""
) -> Response:
    """Choose another password; other sessions end."""
    state = request.app.state
    try:
        await signing_in.hashing(
            request, sign_in.confirm, state.register, person.token_id, old,
            caller=signing_in.caller(request), at=state.clock(),
        )  # fmt: skip
        await signing_in.hashing(
            request, password_changes.change_password, state.register, person.user_id, new,
            keep_session=person.token_id, at=state.clock(),
        )  # fmt: skip
    except TooManyTries:
        return _me(request, person, fault="wait", status=429)
    except NotSignedIn:
        return _me(request, person, fault="old", status=422)
    except DataError:
        return _me(request, person, fault="password", status=422)
    return rendering.see_other("/me?saved=1")


@router.post("/me/sessions/{session_id}/end")
def end_session(request: Request, person: User, session_id: str) -> Response:
    """End one of one's own sessions."""
    state = request.app.state
    if not (session_id.isalnum() and session_id.isascii()):
        raise HTTPException(404)
    sessions.end(state.register, session_id, user_id=person.user_id or "", at=state.clock())
    return rendering.see_other("/me")


@router.get("/confirm")
def confirmation(request: Request, person: User) -> Response:
    """The form for the password, once more."""
    return rendering.page(request, "confirm.html", ConfirmPage(), person=person)


@router.post("/confirm")
async def confirm(request: Request, person: User, password: Password = "") -> Response:
    """Take the password; for ten minutes it is not asked again."""
    state = request.app.state
    try:
        await signing_in.hashing(
            request, sign_in.confirm, state.register, person.token_id, password,
            caller=signing_in.caller(request), at=state.clock(),
        )  # fmt: skip
    except TooManyTries:
        view = ConfirmPage("wait")
        return rendering.page(request, "confirm.html", view, person=person, status=429)
    except NotSignedIn:
        view = ConfirmPage("old")
        return rendering.page(request, "confirm.html", view, person=person, status=422)
    return rendering.see_other("/people" if access.allowed(person, "users") else "/")
