"""Who may sign in, what was done, and what families asked for: for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.errors import ConfigError, Conflict, DataError, NotFound
from earlywarning.io.register import accounts, list_views, password_changes, user_admin
from earlywarning.io.register.accounts import NewUser, UserRow
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, Staff
from earlywarning.io.register.roles import ROLES
from earlywarning_api import access
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent
from earlywarning_api.routes.users import link_view, shaped

router = APIRouter()

Admin = Annotated[access.Person, Depends(visitor.may("users"))]
Sure = Depends(visitor.confirmed)
SentForm = Annotated[Sent, Depends(forms.sent)]

ACTIONS = ("disable", "enable", "sign_out", "remove_second_factor", "link", "role")


@dataclass(frozen=True, slots=True)
class Member:
    """One of a school's staff, with the classes that they lead, newest year first."""

    staff_id: str
    local_id: str
    school_id: str
    name: str
    class_names: str


Staffed = tuple[tuple[str, tuple[Member, ...]], ...]
"""The staff of each school by its name."""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Users, and the form to invite another one."""

    users: tuple[UserRow, ...]
    schools: dict[str, str]
    roles: tuple[str, ...]
    staff: Staffed
    sent: Sent
    fault: str | None


@dataclass(frozen=True, slots=True)
class UserPage:
    """One user, and what may be done."""

    user: UserRow
    school: str | None
    roles: tuple[str, ...]
    schools: dict[str, str]
    staff: Staffed
    sent: Sent
    fault: str | None
    saved: bool


@dataclass(frozen=True, slots=True)
class NewLinkPage:
    """A link to hand over; shown once."""

    name: str
    url: str
    hours: int


@router.get("/people")
def people(request: Request, person: Admin) -> Response:
    """Everybody who may sign in."""
    return _people(request, person, Sent({"role": ["homeroom_teacher"]}))


def _people(
    request: Request,
    person: access.Person,
    sent: Sent,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    register = request.app.state.register
    with register.session() as session:
        schools = list_views.school_names(session)
        staff = _staff(session, schools)
    view = PeoplePage(tuple(user_admin.listed(register)), schools, ROLES, staff, sent, fault)
    return rendering.page(request, "people.html", view, person=person, status=status)


@router.post("/people", dependencies=[Sure])
def invite(request: Request, person: Admin, sent: SentForm) -> Response:
    """Make an account, and show the link to hand over."""
    state = request.app.state
    try:
        school_id, number = _place(state.register, sent)
    except NotFound:
        return _people(request, person, sent, fault="place", status=422)
    new = NewUser(
        sent.text("name"), sent.text("shown"), sent.one_of("role", ROLES),
        school_id, number,
    )  # fmt: skip
    if sent.faults:
        return _people(request, person, sent, status=422)
    try:
        user_id, link = accounts.invite(state.register, new, by=person.actor, at=state.clock())
    except (ConfigError, NotFound):
        return _people(request, person, sent, fault="place", status=422)
    except Conflict:
        return _people(request, person, sent, fault="taken", status=409)
    except DataError:
        return _people(request, person, sent, fault="name", status=422)
    made = link_view(request, "activate", user_id, link)
    view = NewLinkPage(new.display_name, str(made.url), 7 * 24)
    return rendering.page(request, "new_link.html", view, person=person, status=201)


def _staff(session: Session, schools: Mapping[str, str]) -> Staffed:
    """Everybody on the imported staff lists, by school and name."""
    led: dict[str, list[str]] = {}
    classes = select(ClassGroup.homeroom_staff_id, ClassGroup.name).order_by(
        ClassGroup.school_year.desc(), ClassGroup.name
    )
    for staff_id, name in session.execute(classes.where(ClassGroup.homeroom_staff_id.is_not(None))):
        led.setdefault(str(staff_id), []).append(name)
    found: dict[str, list[Member]] = {}
    query = select(Staff.staff_id, Staff.local_id, Staff.school_id, Staff.name)
    for row in session.execute(query.order_by(Staff.school_id, Staff.name)):
        names_ = ", ".join(dict.fromkeys(led.get(row.staff_id, ())))
        found.setdefault(row.school_id, []).append(Member(*row, class_names=names_))
    return tuple((schools.get(id_, id_), tuple(members)) for id_, members in found.items())


def _place(register: Register, sent: Sent) -> tuple[str | None, str | None]:
    """School and staff number that a form means; who was chosen belongs to one school.

    Raises
    ------
    NotFound
        If there is no such member of staff, or another school was chosen beside.
    """
    school_id, chosen = sent.text("school") or None, sent.text("staff")
    if not chosen:
        return school_id, None
    with register.session() as session:
        row = session.get(Staff, chosen)
    if row is None or school_id not in (None, row.school_id):
        raise NotFound("this member of staff is not of that school")
    return row.school_id, row.local_id


@router.get("/people/{user_id}")
def user(request: Request, person: Admin, user_id: str, saved: str = "") -> Response:
    """One user."""
    return _user(request, person, user_id, None, saved=bool(saved))


def _user(
    request: Request,
    person: access.Person,
    user_id: str,
    sent: Sent | None,
    *,
    fault: str | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    register = request.app.state.register
    row = user_admin.found(register, shaped(user_id))
    with register.session() as session:
        schools = list_views.school_names(session)
        staff = _staff(session, schools)
    # Saved by mistake, the form must give nobody another role.
    sent = sent or Sent(
        {"role": [row.role], "school": [row.school_id or ""], "staff": [row.staff_id or ""]}
    )
    school = schools.get(row.school_id or "")
    view = UserPage(row, school, ROLES, schools, staff, sent, fault, saved)
    return rendering.page(request, "user.html", view, person=person, status=status)


@router.post("/people/{user_id}", dependencies=[Sure])
def change(request: Request, person: Admin, user_id: str, sent: SentForm) -> Response:
    """Disable or enable, sign out everywhere, take the second factor away, make a link."""
    state = request.app.state
    row = user_admin.found(state.register, shaped(user_id))
    who = {"by": person.actor, "at": state.clock()}
    action = sent.one_of("action", ACTIONS)
    try:
        if action in ("disable", "enable"):
            user_admin.set_disabled(state.register, user_id, action == "disable", **who)
        elif action == "sign_out":
            user_admin.end_sessions(state.register, user_id, **who)
        elif action == "remove_second_factor":
            user_admin.remove_second_factor(state.register, user_id, **who)
        elif action == "link":
            return _link(request, person, row)
        elif action == "role":
            school_id, number = _place(state.register, sent)
            user_admin.change_role(
                state.register, user_id, sent.one_of("role", ROLES),
                school_id=school_id, staff_number=number, **who,
            )  # fmt: skip
    except Conflict:
        return _user(request, person, user_id, sent, fault="last", status=409)
    except (ConfigError, NotFound):
        return _user(request, person, user_id, sent, fault="place", status=422)
    if sent.faults:
        return _user(request, person, user_id, sent, fault="place", status=422)
    return rendering.see_other(f"/people/{user_id}?saved=1")


def _link(request: Request, person: access.Person, row: UserRow) -> Response:
    """An invitation for who has no password yet, else a link to choose another one."""
    state = request.app.state
    who = {"by": person.actor, "at": state.clock()}
    if row.has_password:
        made = password_changes.reset_link(state.register, row.user_id, **who)
        url = link_view(request, "reset", row.user_id, made).url
    else:
        made = accounts.invite_again(state.register, row.user_id, **who)
        url = link_view(request, "activate", row.user_id, made).url
    view = NewLinkPage(row.display_name, str(url), 0 if row.has_password else 7 * 24)
    return rendering.page(request, "new_link.html", view, person=person, status=201)
