"""The people who may sign in, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response

from earlywarning.errors import ConfigError, NotFound
from earlywarning.io.register import accounts, links, password_changes, user_admin
from earlywarning.io.register.accounts import NewUser, UserRow
from earlywarning_api import access, cursor, idempotency
from earlywarning_api.access_schemas import (
    Invitation,
    LinkView,
    UserChange,
    Users,
    UserView,
)
from earlywarning_api.problems import Invalid, declared

router = APIRouter(tags=["users"])

Admin = Annotated[access.Person, Depends(access.to("users"))]
Confirmed = Depends(access.confirmed)
UserId = Annotated[str, Path(description="From `GET /users`.")]
PLACE = (
    "a role of one school needs a school that is there, a homeroom teacher also the staff number"
)


@router.get("/users", responses=declared(401, 403, 422))
def users(
    request: Request,
    response: Response,
    person: Admin,
    after: Annotated[
        str | None,
        Query(alias="cursor", max_length=400, description="`next_cursor` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Users a page.")] = 50,
) -> Users:
    """Users by sign-in name, page by page."""
    rows = user_admin.listed(
        request.app.state.register, after=cursor.key(after, ("users",)), limit=limit + 1
    )
    following = None
    if len(rows) > limit:
        following = cursor.made_of(rows[limit - 1].sign_in_name, ("users",))
    response.headers.update(cursor.link(request, following))
    return Users(users=[view(row) for row in rows[:limit]], next_cursor=following)


@router.post(
    "/invitations",
    status_code=201,
    dependencies=[Confirmed, Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 409, 422),
)
def invite(request: Request, person: Admin, sent: Invitation) -> LinkView:
    """Make an account, and the link with which its owner takes it up: 7 days, once."""
    state = request.app.state
    new = NewUser(
        sent.sign_in_name, sent.display_name, sent.role, sent.school_id, sent.staff_number
    )
    try:
        user_id, link = accounts.invite(state.register, new, by=person.actor, at=state.clock())
    except (ConfigError, NotFound):
        raise Invalid("/body/role", PLACE) from None
    return link_view(request, "activate", user_id, link)


@router.get("/users/{user_id}", responses=declared(401, 403, 404))
def user(request: Request, person: Admin, user_id: UserId) -> UserView:
    """One user."""
    return view(user_admin.found(request.app.state.register, shaped(user_id)))


@router.patch(
    "/users/{user_id}",
    dependencies=[Confirmed],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def change(request: Request, person: Admin, user_id: UserId, sent: UserChange) -> UserView:
    """Give another role, disable, or enable again. Their sessions end.

    The last administrator can neither be disabled nor get another role: 409.
    """
    state = request.app.state
    user_admin.found(state.register, shaped(user_id))
    if sent.role is not None and sent.disabled is not None:
        raise Invalid("/body/disabled", "goes alone: a change of role is a request of its own")
    if sent.role is not None:
        try:
            user_admin.change_role(
                state.register, user_id, sent.role, by=person.actor, at=state.clock(),
                school_id=sent.school_id, staff_number=sent.staff_number,
            )  # fmt: skip
        except (ConfigError, NotFound):
            raise Invalid("/body/role", PLACE) from None
    elif sent.school_id is not None or sent.staff_number is not None:
        raise Invalid("/body/role", "a school or a staff number goes with a role")
    if sent.disabled is not None:
        user_admin.set_disabled(
            state.register, user_id, sent.disabled, by=person.actor, at=state.clock()
        )
    return view(user_admin.found(state.register, user_id))


@router.delete("/users/{user_id}/sessions", status_code=204, responses=declared(401, 403, 404))
def end_sessions(request: Request, person: Admin, user_id: UserId) -> None:
    """Sign a user out everywhere."""
    state = request.app.state
    user_admin.end_sessions(state.register, shaped(user_id), by=person.actor, at=state.clock())


@router.delete(
    "/users/{user_id}/second_factor",
    status_code=204,
    dependencies=[Confirmed],
    responses=declared(401, 403, 404),
)
def remove_second_factor(request: Request, person: Admin, user_id: UserId) -> None:
    """For a lost telephone: the user sets up another app at the next sign-in."""
    state = request.app.state
    user_admin.remove_second_factor(
        state.register, shaped(user_id), by=person.actor, at=state.clock()
    )


@router.post(
    "/users/{user_id}/password_reset",
    status_code=201,
    dependencies=[Confirmed],
    responses=declared(401, 403, 404, 409),
)
def offer_reset(request: Request, person: Admin, user_id: UserId) -> LinkView:
    """A link with which the user chooses another password: 10 minutes, once."""
    state = request.app.state
    link = password_changes.reset_link(
        state.register, shaped(user_id), by=person.actor, at=state.clock()
    )
    return link_view(request, "reset", user_id, link)


@router.post(
    "/users/{user_id}/invitation",
    status_code=201,
    dependencies=[Confirmed],
    responses=declared(401, 403, 404, 409),
)
def invite_again(request: Request, person: Admin, user_id: UserId) -> LinkView:
    """Another invitation for somebody who has not taken theirs up; the older one ends."""
    state = request.app.state
    link = accounts.invite_again(state.register, shaped(user_id), by=person.actor, at=state.clock())
    return link_view(request, "activate", user_id, link)


def shaped(user_id: str) -> str:
    """An id that can be one; anything else is not there."""
    if not (user_id.isalnum() and user_id.isascii()):
        raise HTTPException(404)
    return user_id


def view(row: UserRow) -> UserView:
    """A user as answered."""
    return UserView.model_validate(row, from_attributes=True)


def link_view(request: Request, page: str, user_id: str, link: links.Link) -> LinkView:
    """A link as answered; its page asks for a password, so that opening it uses nothing up."""
    base = request.app.state.public_url or str(request.base_url)
    return LinkView(
        user_id=user_id,
        url=f"{base.rstrip('/')}/{page}?link={link.secret}",
        expires_at=link.expires_at,
    )
