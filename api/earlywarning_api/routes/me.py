"""Oneself: role, password, second factor; and taking up an invitation or a reset link."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response

from earlywarning.errors import DataError
from earlywarning.io.register import (
    accounts,
    password_changes,
    second_factor,
    sessions,
    sign_in,
)
from earlywarning_api import access, cookies, signing_in
from earlywarning_api.access_schemas import (
    Activation,
    CodeGiven,
    Enrolment,
    Me,
    PasswordChange,
    PasswordReset,
    RecoveryCodes,
)
from earlywarning_api.problems import Invalid, declared

router = APIRouter(tags=["signing in"])

User = Annotated[access.Person, Depends(access.by_session)]


@router.get("/me", responses=declared(401))
def me(request: Request, person: Annotated[access.Person, Depends(access.somebody)]) -> Me:
    """Who you are here, and what you may use. Answers also while the second factor is missing."""
    full = person.level == sessions.FULL
    uses = access.PERMISSIONS.get(person.role, frozenset()) if full else frozenset()
    left = None
    if person.user_id is not None and full:
        with request.app.state.register.session() as session:
            left = second_factor.codes_left(session, person.user_id)
    return Me(
        user_id=person.user_id,
        name=person.name,
        role=person.role,  # type: ignore[arg-type]
        school_id=person.school_id,
        staff_id=person.staff_id,
        level=person.level,  # type: ignore[arg-type]
        uses=sorted(use for use in uses if access.allowed(person, use)),
        recovery_codes_left=left,
    )


@router.put("/me/password", status_code=204, responses=declared(400, 401, 403, 422, 429))
async def change_password(
    request: Request,
    person: Annotated[access.Person, Depends(access.signed_in)],
    sent: PasswordChange,
) -> None:
    """Choose another password. Every other session of yours ends."""
    access.by_session(person)
    state = request.app.state
    await signing_in.hashing(
        request, sign_in.confirm, state.register, person.token_id, sent.old_password,
        caller=signing_in.caller(request), at=state.clock(),
    )  # fmt: skip
    await checked(
        request, password_changes.change_password, state.register, person.user_id,
        sent.new_password, keep_session=person.token_id, at=state.clock(),
        pointer="/body/new_password",
    )  # fmt: skip


@router.post("/me/second_factor", status_code=201, responses=declared(401, 403, 409))
def enrol(request: Request, person: User) -> Enrolment:
    """Begin to set up an authenticator app. It counts only once a code of it was given."""
    made = second_factor.enrol(request.app.state.register, person.user_id or "")
    picture = segno.make(made.uri, error="m").svg_inline(scale=4)
    return Enrolment(secret=made.secret, uri=made.uri, qr_svg=picture)


@router.put("/me/second_factor", responses=declared(400, 401, 403, 422, 429))
def confirm_second_factor(
    request: Request, response: Response, person: User, sent: CodeGiven
) -> RecoveryCodes:
    """Give a code of the new app. Keep the recovery codes: they are not shown again."""
    state = request.app.state
    opened, codes = second_factor.confirm(
        state.register, person.user_id or "", sent.code, session_id=person.token_id,
        address=signing_in.caller(request).address, at=state.clock(),
    )  # fmt: skip
    cookies.put(response, request, opened.secret)
    return RecoveryCodes(recovery_codes=codes)


@router.post("/activations", status_code=204, responses=declared(400, 401, 403, 409, 422, 429))
async def activate(request: Request, sent: Activation) -> None:
    """Take up an invitation: choose a password, then sign in. The link works once."""
    state = request.app.state
    await checked(
        request, accounts.activate, state.register, sent.link, sent.password, at=state.clock(),
        sign_in_name=sent.sign_in_name, display_name=sent.display_name, pointer="/body/password",
    )  # fmt: skip


@router.post("/password_resets", status_code=204, responses=declared(400, 401, 403, 422, 429))
async def reset(request: Request, sent: PasswordReset) -> None:
    """Choose another password with a link that an administrator made. All sessions end."""
    state = request.app.state
    await checked(
        request, password_changes.reset, state.register, sent.link, sent.password,
        at=state.clock(), pointer="/body/password",
    )  # fmt: skip


async def checked(request: Request, work, *values, pointer: str, **named):  # type: ignore[no-untyped-def]
    """Hash in a thread; what is wrong with a password is said, without the password."""
    try:
        return await signing_in.hashing(request, work, *values, **named)
    except DataError as error:
        raise Invalid(pointer, str(error)) from None
