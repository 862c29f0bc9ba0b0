"""What administrators do with users: look, change roles, disable, take the second factor away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, NotFound
from earlywarning.io.register import audit_log, second_factor, sessions
from earlywarning.io.register.access_tables import RoleChange, UserAccount
from earlywarning.io.register.accounts import UserRow, account_of, place_of
from earlywarning.io.register.db import Register
from earlywarning.io.register.roles import ADMIN
from earlywarning.io.register.sign_in import normal

LAST_ADMIN = "the last administrator cannot go; make another one first"


def _rows(*conditions: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(
            UserAccount.user_id, UserAccount.sign_in_name, UserAccount.display_name,
            UserAccount.role, UserAccount.school_id, UserAccount.staff_id,
            UserAccount.password_hash.is_not(None), UserAccount.totp_confirmed_at.is_not(None),
            UserAccount.made_at, UserAccount.signed_in_at, UserAccount.disabled_at,
        )
        .where(*conditions)
        .order_by(UserAccount.sign_in_name)
    )  # fmt: skip


def listed(register: Register, *, after: str = "", limit: int | None = None) -> list[UserRow]:
    """Users by sign-in name.

    Parameters
    ----------
    after : str
        The last sign-in name that was read.
    """
    query = _rows(UserAccount.sign_in_name > after)
    with register.session() as session:
        return [UserRow(*row) for row in session.execute(query.limit(limit))]


def found(register: Register, user_id: str) -> UserRow:
    """One user.

    Raises
    ------
    NotFound
    """
    with register.session() as session:
        row = session.execute(_rows(UserAccount.user_id == user_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no user {user_id!r}; `earlywarning user list` shows them")
    return UserRow(*row)


def by_name(register: Register, name: str) -> UserRow:
    """One user by sign-in name.

    Raises
    ------
    NotFound
    """
    with register.session() as session:
        row = session.execute(_rows(UserAccount.sign_in_name == normal(name))).one_or_none()
    if row is None:
        raise NotFound(f"there is no user {name!r}; `earlywarning user list` shows them")
    return UserRow(*row)


def change_role(
    register: Register,
    user_id: str,
    role: str,
    *,
    by: str,
    at: datetime,
    school_id: str | None = None,
    staff_number: str | None = None,
) -> None:
    """Give a user another role; their sessions end, so that none keeps what the old one had.

    Raises
    ------
    NotFound, ConfigError
    Conflict
        For the last administrator.
    """
    with register.session(writing=True) as session:
        account = account_of(session, user_id)
        school, staff = place_of(session, role, school_id, staff_number)
        if account.role == ADMIN and role != ADMIN:
            _not_the_last(session, user_id)
        account.role, account.school_id, account.staff_id = role, school, staff
        session.add(RoleChange(user_id=user_id, role=role, school_id=school, at=at, made_by=by))
        sessions.end_all(session, user_id, at=at)
        audit_log.record(
            session, actor=by, action="user.role_changed", entity="user_account",
            entity_id=user_id, detail={"role": role}, at=at,
        )  # fmt: skip
        session.commit()


def set_disabled(
    register: Register, user_id: str, disabled: bool, *, by: str, at: datetime
) -> None:
    """Let a user no longer in, at once; or in again.

    Raises
    ------
    NotFound
    Conflict
        For the last administrator.
    """
    with register.session(writing=True) as session:
        account = account_of(session, user_id)
        if disabled and account.disabled_at is None:
            if account.role == ADMIN:
                _not_the_last(session, user_id)
            account.disabled_at = at
            sessions.end_all(session, user_id, at=at)
        elif not disabled:
            account.disabled_at = None
        audit_log.record(
            session, actor=by, action="user.disabled" if disabled else "user.enabled",
            entity="user_account", entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()


def remove_second_factor(register: Register, user_id: str, *, by: str, at: datetime) -> None:
    """For a lost telephone: the user sets up another one at the next sign-in.

    Raises
    ------
    NotFound
    """
    with register.session(writing=True) as session:
        account_of(session, user_id)
        second_factor.remove(session, user_id, by=by, at=at)
        session.commit()


def end_sessions(register: Register, user_id: str, *, by: str, at: datetime) -> int:
    """Sign a user out everywhere; returns how many sessions ended.

    Raises
    ------
    NotFound
    """
    with register.session(writing=True) as session:
        account_of(session, user_id)
        ended = sessions.end_all(session, user_id, at=at)
        audit_log.record(
            session, actor=by, action="sessions.ended", entity="user_account", entity_id=user_id,
            detail={"sessions": ended}, at=at,
        )  # fmt: skip
        session.commit()
    return ended


def _not_the_last(session: Session, user_id: str) -> None:
    # Held until the commit: two administrators cannot remove each other at the same moment.
    session.execute(
        select(UserAccount.user_id).where(UserAccount.role == ADMIN).with_for_update()
    ).all()
    others = session.scalar(
        select(func.count())
        .select_from(UserAccount)
        .where(
            UserAccount.role == ADMIN,
            UserAccount.disabled_at.is_(None),
            UserAccount.user_id != user_id,
            UserAccount.password_hash.is_not(None),
        )
    )
    if not others:
        raise Conflict(LAST_ADMIN)
