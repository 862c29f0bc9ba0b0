"""Signing in and out, with the second factor where the role needs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from earlywarning.errors import NotSignedIn, TooManyTries
from earlywarning.io.register import second_factor, sessions
from earlywarning_api import access, cookies, signing_in
from earlywarning_api.pages import rendering
from earlywarning_api.pages.preferences import local

router = APIRouter()

AnyLevel = Annotated[access.Person, Depends(access.by_session)]
Next = Annotated[str, Query(alias="next", max_length=2000)]
NextSent = Annotated[str, Form(alias="next", max_length=2000)]


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The first form.

    Attributes
    ----------
    name : str
        As typed before.
    fault : str or None
        `wrong`, `wait`, or `identity`: the identity provider's answer was not taken.
    minutes : int
        To wait, at `wait`.
    provider : str or None
        Where one can sign in instead.
    """

    name: str = ""
    next: str = "/"
    fault: str | None = None
    minutes: int = 0
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class CodePage:
    """The second factor is asked for."""

    next: str
    fault: str | None = None
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """An authenticator app is set up.

    Attributes
    ----------
    picture, secret : str or None
        A QR code as a data address, and the same to type; None before it was asked for.
    """

    picture: str | None = None
    secret: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class RecoveryPage:
    """Codes for the day when the telephone is lost; shown once."""

    codes: tuple[str, ...]


@router.get("/sign-in")
def form(
    request: Request,
    back: Next = "/",
    refused: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The form to sign in."""
    fault = "identity" if refused == "identity" else None
    view = SignInPage(next=local(back), fault=fault, provider=_provider(request))
    return rendering.page(request, "sign_in.html", view, person=None)


def _provider(request: Request) -> str | None:
    oidc = request.app.state.oidc
    return oidc.provider.label if oidc else None


@router.post("/sign-in")
async def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    back: NextSent = "/",
) -> Response:
    """Begin a session; an unknown name and a wrong password look the same."""
    try:
        opened = await signing_in.with_password(request, name, password)
    except NotSignedIn:
        view = SignInPage(name, local(back), "wrong", provider=_provider(request))
        return rendering.page(request, "sign_in.html", view, person=None, status=401)
    except TooManyTries as error:
        view = SignInPage(name, local(back), "wait", minutes=_minutes(error))
        return _wait(rendering.page(request, "sign_in.html", view, person=None, status=429), error)
    answer = rendering.see_other(_after(opened.level, local(back)))
    cookies.put(answer, request, opened.secret)
    return answer


def _after(level: str, back: str) -> str:
    """Where a session goes on, by what is still missing."""
    if level == sessions.CODE:
        return f"/sign-in/code?next={quote(back, safe='/')}"
    return "/sign-in/second-factor" if level == sessions.ENROL else back


def _minutes(error: TooManyTries) -> int:
    return -(-error.seconds // 60)


def _wait(answer: Response, error: TooManyTries) -> Response:
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


@router.get("/sign-in/code")
def code_form(request: Request, person: AnyLevel, back: Next = "/") -> Response:
    """The form for the code of the authenticator app."""
    if person.level != sessions.CODE:
        return rendering.see_other(_after(person.level, local(back)))
    return rendering.page(request, "sign_in_code.html", CodePage(local(back)), person=None)


@router.post("/sign-in/code")
def give_code(
    request: Request,
    person: AnyLevel,
    code: Annotated[str, Form(max_length=40)] = "",
    back: NextSent = "/",
) -> Response:
    """Take the code; a recovery code is good once."""
    view = None
    try:
        opened = signing_in.with_code(request, person, code)
    except NotSignedIn:
        view = CodePage(local(back), "wrong")
        return rendering.page(request, "sign_in_code.html", view, person=None, status=401)
    except TooManyTries as error:
        view = CodePage(local(back), "wait", minutes=_minutes(error))
        page = rendering.page(request, "sign_in_code.html", view, person=None, status=429)
        return _wait(page, error)
    answer = rendering.see_other(local(back))
    cookies.put(answer, request, opened.secret)
    return answer


@router.get("/sign-in/second-factor")
def set_up_form(request: Request, person: AnyLevel) -> Response:
    """Why an authenticator app is needed, and a button to begin."""
    return rendering.page(request, "second_factor.html", SetUpPage(), person=None)


@router.post("/sign-in/second-factor")
def set_up(request: Request, person: AnyLevel) -> Response:
    """Show what the app needs; beginning again makes the picture before worthless."""
    enrolment = second_factor.enrol(request.app.state.register, person.user_id or "")
    return rendering.page(request, "second_factor.html", _set_up(enrolment), person=None)


def _set_up(enrolment: second_factor.Enrolment, fault: str | None = None) -> SetUpPage:
    picture = segno.make(enrolment.uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    spaced = " ".join(enrolment.secret[i : i + 4] for i in range(0, len(enrolment.secret), 4))
    return SetUpPage(picture, spaced, fault)


@router.post("/sign-in/second-factor/confirmation")
def finish(
    request: Request, person: AnyLevel, code: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    """Take the app's first code, then show the recovery codes once."""
    state = request.app.state
    try:
        opened, codes = second_factor.confirm(
            state.register, person.user_id or "", code, session_id=person.token_id,
            address=signing_in.caller(request).address, at=state.clock(),
        )  # fmt: skip
    except NotSignedIn:
        enrolment = second_factor.enrol(state.register, person.user_id or "")
        view = _set_up(enrolment, "wrong")
        return rendering.page(request, "second_factor.html", view, person=None, status=401)
    answer = rendering.page(request, "recovery.html", RecoveryPage(tuple(codes)), person=None)
    cookies.put(answer, request, opened.secret)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, person: AnyLevel) -> Response:
    """End the session."""
    answer = rendering.see_other("/sign-in")
    signing_in.sign_out(request, answer, person)
    return answer
