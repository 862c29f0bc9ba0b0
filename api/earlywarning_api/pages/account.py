"""One's own account: taking up an invitation, another password, one's sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError, NotSignedIn, TooManyTries
from earlywarning.io.register import accounts, password_changes, sessions, sign_in
from earlywarning.io.register.sessions import SessionRow
from earlywarning_api import access, signing_in
from earlywarning_api.pages import rendering, visitor

router = APIRouter()

Secret = Annotated[str, Form(max_length=200)]
Password = Annotated[str, Form(max_length=1000)]
User = Annotated[access.Person, Depends(visitor.user)]


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A password is chosen by a link that works once.

    Attributes
    ----------
    kind : str
        `activate` or `reset`.
    fault : str or None
        `link`, `password`, `taken` or `wait`.
    """

    kind: str
    link: str
    fault: str | None = None
    name: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class MePage:
    """One's own account.

    Attributes
    ----------
    fault : str or None
        `old` or `password`, after another password was asked for.
    """

    name: str
    role: str
    sessions: tuple[SessionRow, ...]
    current: str
    fault: str | None = None
    saved: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """The password is asked again before something that cannot be undone."""

    fault: str | None = None


@router.get("/activate")
def activation(request: Request, link: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The form to take up an invitation; opening it uses nothing up."""
    return rendering.page(request, "link.html", LinkPage("activate", link), person=None)


@router.get("/reset")
def resetting(request: Request, link: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The form to choose another password."""
    return rendering.page(request, "link.html", LinkPage("reset", link), person=None)


@router.post("/activate")
async def activate(
    request: Request,
    link: Secret = "",
    password: Password = "",
    name: Annotated[str, Form(max_length=254)] = "",
    shown: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Take up an invitation; the first administrator also says who they are."""
    state = request.app.state
    try:
        await signing_in.hashing(
            request, accounts.activate, state.register, link, password, at=state.clock(),
            sign_in_name=name or None, display_name=shown or None,
        )  # fmt: skip
    except (NotSignedIn, DataError, Conflict) as error:
        view = LinkPage("activate", link, _fault(error), name, shown)
        return rendering.page(request, "link.html", view, person=None, status=422)
    return rendering.see_other("/sign-in")


@router.post("/reset")
async def reset(request: Request, link: Secret = "", password: Password = "") -> Response:
    """Choose another password with a link."""
    state = request.app.state
    try:
        await signing_in.hashing(
            request, password_changes.reset, state.register, link, password, at=state.clock()
        )
    except (NotSignedIn, DataError) as error:
        view = LinkPage("reset", link, _fault(error))
        return rendering.page(request, "link.html", view, person=None, status=422)
    return rendering.see_other("/sign-in")


def _fault(error: Exception) -> str:
    if isinstance(error, NotSignedIn):
        return "link"
    return "taken" if isinstance(error, Conflict) else "password"


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
        sessions=tuple(rows),
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
