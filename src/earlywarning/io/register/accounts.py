"""The people who may sign in: invited, activated, given a role, disabled. None of them by default.

Every change is in the audit, and whoever changes a role or disables somebody ends their sessions.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import ConfigError, Conflict, DataError, NotFound
from earlywarning.io.register import audit_log, links, passwords, sessions
from earlywarning.io.register.access_tables import RoleChange, UserAccount
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import School, Staff
from earlywarning.io.register.roles import ADMIN, OF_ONE_SCHOOL, ROLES
from earlywarning.io.register.sign_in import normal


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody to be invited.

    Attributes
    ----------
    sign_in_name : str
        E-mail address or name; small letters are the same as capital ones.
    role : str
        One of `roles.ROLES`.
    school_id : str or None
        Needed for a role of one school; may be left out while there is one school only.
    staff_number : str or None
        The school's own number; needed for a homeroom teacher.
    """

    sign_in_name: str
    display_name: str
    role: str
    school_id: str | None = None
    staff_number: str | None = None


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as administrators see them: never a password, a secret or a hash."""

    user_id: str
    sign_in_name: str
    display_name: str
    role: str
    school_id: str | None
    staff_id: str | None
    has_password: bool
    has_second_factor: bool
    made_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None


def invite(register: Register, new: NewUser, *, by: str, at: datetime) -> tuple[str, links.Link]:
    """Make an account that nobody can use yet, and the link with which its owner takes it up.

    Returns
    -------
    user_id : str
    link : Link
        Good for 7 days.

    Raises
    ------
    Conflict
        If there is such a sign-in name already.
    ConfigError, NotFound
        A role that is not, or lacks its school or teacher.
    """
    name = normal(new.sign_in_name)
    if not name or not new.display_name.strip():
        raise DataError("a user needs a sign-in name and a name to be shown")
    with register.session(writing=True) as session:
        school_id, staff_id = place_of(session, new.role, new.school_id, new.staff_number)
        user_id = _added(
            session, name, new.display_name.strip(), new.role, school_id, staff_id, by=by, at=at
        )
        link = links.make(session, links.INVITATION, user_id, by=by, at=at)
        session.commit()
    return user_id, link


def invite_again(register: Register, user_id: str, *, by: str, at: datetime) -> links.Link:
    """Another invitation for somebody who has not taken theirs up.

    Raises
    ------
    NotFound, Conflict
    """
    with register.session(writing=True) as session:
        account = account_of(session, user_id)
        if account.password_hash is not None:
            raise Conflict("this user has a password already; make a reset link instead")
        link = links.make(session, links.INVITATION, user_id, by=by, at=at)
        audit_log.record(
            session, actor=by, action="invitation.offered", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
    return link


def first_admin(register: Register, *, at: datetime) -> links.Link | None:
    """A link with which the first administrator makes their account; None once there is one."""
    with register.session(writing=True) as session:
        if session.scalar(select(func.count()).select_from(UserAccount)):
            return None
        link = links.make(session, links.FIRST_ADMIN, None, by=audit_log.TERMINAL, at=at)
        session.commit()
    return link


def activate(
    register: Register,
    secret: str,
    password: str,
    *,
    at: datetime,
    sign_in_name: str | None = None,
    display_name: str | None = None,
) -> str:
    """Take up an invitation; returns the user's id.

    Parameters
    ----------
    sign_in_name, display_name : str, optional
        For the first administrator, whom nobody could name before.

    Raises
    ------
    NotSignedIn
        If the link is not good.
    DataError
        If the password is not good; the link stays as it is.
    """
    links.look(register, secret, at=at)  # before any work is spent on it
    passwords.check(password, told=tuple(filter(None, (sign_in_name, display_name))))
    hashed = passwords.hashed(password)
    with register.session(writing=True) as session:
        link = links.use(session, secret, links.INVITATION, links.FIRST_ADMIN, at=at)
        user_id = link.user_id
        if user_id is None:
            if session.scalar(select(func.count()).select_from(UserAccount)):
                raise Conflict("there is an administrator already; ask them for an invitation")
            name, shown = normal(sign_in_name or ""), (display_name or "").strip()
            if not name or not shown:
                raise DataError("choose a sign-in name and a name to be shown")
            user_id = _added(session, name, shown, ADMIN, None, None, by=audit_log.TERMINAL, at=at)
        set_password(session, user_id, hashed, told=password, at=at)
        audit_log.record(
            session, actor=user_id, action="user.activated", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
    return user_id


def set_password(
    session: Session,
    user_id: str,
    hashed: str,
    *,
    told: str,
    at: datetime,
    keep_session: str | None = None,
) -> None:
    """Keep a password's hash in the caller's transaction; sessions end, but one if so wanted.

    Parameters
    ----------
    told : str
        The password, to be sure that it is not the person's own name.
    """
    account = session.get_one(UserAccount, user_id)
    passwords.check(told, told=(account.sign_in_name, account.display_name))
    account.password_hash, account.password_set_at = hashed, at
    sessions.end_all(session, user_id, at=at, but=keep_session)


def _added(
    session: Session,
    name: str,
    shown: str,
    role: str,
    school_id: str | None,
    staff_id: str | None,
    *,
    by: str,
    at: datetime,
) -> str:
    user_id = uuid.uuid4().hex
    session.add(
        UserAccount(
            user_id=user_id, sign_in_name=name, display_name=shown, role=role,
            school_id=school_id, staff_id=staff_id, made_at=at, made_by=by,
        )
    )  # fmt: skip
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("somebody has this sign-in name already; choose another") from error
    session.add(RoleChange(user_id=user_id, role=role, school_id=school_id, at=at, made_by=by))
    audit_log.record(
        session, actor=by, action="user.invited", entity="user_account", entity_id=user_id,
        detail={"role": role}, at=at,
    )  # fmt: skip
    return user_id


def account_of(session: Session, user_id: str) -> UserAccount:
    """A user's row.

    Raises
    ------
    NotFound
    """
    found = session.get(UserAccount, user_id)
    if found is None:
        raise NotFound(f"there is no user {user_id!r}; `earlywarning user list` shows them")
    return found


def place_of(
    session: Session, role: str, school_id: str | None, staff_number: str | None
) -> tuple[str | None, str | None]:
    """The school and the member of staff that a role belongs to.

    Raises
    ------
    ConfigError, NotFound
    """
    if role not in ROLES:
        raise ConfigError(f"role {role!r} does not exist; allowed: {', '.join(ROLES)}")
    known = list(session.scalars(select(School.school_id).order_by(School.school_id)))
    if school_id is not None and school_id not in known:
        raise NotFound(f"there is no school {school_id!r}; known: {', '.join(known) or 'none'}")
    if role in OF_ONE_SCHOOL and school_id is None:
        if len(known) != 1:
            raise ConfigError(
                f"a {role} belongs to one school; known: {', '.join(known) or 'none, import first'}"
            )
        school_id = known[0]
    if role == "homeroom_teacher" and staff_number is None:
        raise ConfigError("a homeroom teacher needs their staff number: whose class it is")
    if staff_number is None:
        return school_id, None
    query = select(Staff).where(Staff.local_id == staff_number)
    if school_id is not None:
        query = query.where(Staff.school_id == school_id)
    found = list(session.scalars(query))
    if len(found) != 1:
        raise NotFound(
            f"{len(found)} members of staff have the number {staff_number!r}; "
            + ("name the school too" if found else "import the staff list first")
        )
    return found[0].school_id, found[0].staff_id
