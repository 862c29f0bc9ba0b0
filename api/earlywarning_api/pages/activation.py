"""Taking up an invitation or a reset link: choose a password, then sign in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError, NotSignedIn
from earlywarning.io.register import accounts, links, password_changes, passwords
from earlywarning_api import signing_in
from earlywarning_api.pages import rendering

router = APIRouter()

Link = Annotated[str, Query(max_length=100)]
Sent = Annotated[str, Form(max_length=300)]


@dataclass(frozen=True, slots=True)
class ActivationPage:
    """The form.

    Attributes
    ----------
    purpose : str
        `invitation`, `first_admin`, `reset`, or `old`: the link is no good.
    action : str
        Where the form is sent.
    link : str
        The link's secret; opening the page does not use it up.
    name, shown : str
        As typed before, where the first administrator chooses them.
    shortest, urged : int
        Characters of a password.
    provider : str or None
        Where one can sign in instead.
    fault : str or None
        `password`, `names` or `taken`.
    """

    purpose: str
    action: str
    link: str = ""
    name: str = ""
    shown: str = ""
    shortest: int = passwords.SHORTEST
    urged: int = passwords.URGED
    provider: str | None = None
    fault: str | None = None


@router.get("/activate")
def activate_form(request: Request, link: Link = "") -> Response:
    """The form of an invitation."""
    return _form(request, "/activate", link, (links.INVITATION, links.FIRST_ADMIN))


@router.get("/reset")
def reset_form(request: Request, link: Link = "") -> Response:
    """The form of a reset link."""
    return _form(request, "/reset", link, (links.RESET,))


def _form(request: Request, action: str, link: str, purposes: tuple[str, ...]) -> Response:
    state = request.app.state
    try:
        purpose, _ = links.look(state.register, link, at=state.clock())
    except NotSignedIn:
        purpose = "old"
    if purpose not in purposes:
        return _page(request, ActivationPage("old", action), status=410)
    provider = state.oidc.provider.label if state.oidc and purpose == links.INVITATION else None
    return _page(request, ActivationPage(purpose, action, link, provider=provider))


def _page(request: Request, view: ActivationPage, *, status: int = 200) -> Response:
    return rendering.page(request, "activation.html", view, person=None, status=status)


@router.post("/activate")
async def activate(
    request: Request, link: Sent = "", password: Sent = "", name: Sent = "", shown: Sent = ""
) -> Response:
    """Take up an invitation; the first administrator chooses both names too."""
    purpose = links.FIRST_ADMIN if name or shown else links.INVITATION
    view = ActivationPage(purpose, "/activate", link, name, shown)
    names = {"sign_in_name": name or None, "display_name": shown or None}
    return await _done(request, view, accounts.activate, link, password, **names)


@router.post("/reset")
async def reset(request: Request, link: Sent = "", password: Sent = "") -> Response:
    """Choose another password; every session ends."""
    view = ActivationPage(links.RESET, "/reset", link)
    return await _done(request, view, password_changes.reset, link, password)


async def _done(
    request: Request, view: ActivationPage, work: Callable[..., Any], *values: Any, **named: Any
) -> Response:
    state = request.app.state
    try:
        await signing_in.hashing(request, work, state.register, *values, at=state.clock(), **named)
    except NotSignedIn:
        return _page(request, replace(view, purpose="old", link=""), status=410)
    except Conflict:
        return _page(request, replace(view, fault="taken"), status=409)
    except DataError:
        names_missing = view.purpose == links.FIRST_ADMIN and not (view.name and view.shown)
        fault = "names" if names_missing else "password"
        return _page(request, replace(view, fault=fault), status=422)
    return rendering.see_other("/sign-in")
