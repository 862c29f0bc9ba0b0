"""Sessions of signed-in browsers: opaque, ended at will, kept as a hash.

A session ends by itself 60 minutes after it was last used and 12 hours after it began, and at once
when its user is disabled, gets another role, or signs out.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.register import audit_log, opaque
from earlywarning.io.register.access_tables import UserAccount, UserSession
from earlywarning.io.register.db import Register

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)
"""How often the register notes that a session is used; each time costs a write."""

FULL, CODE, ENROL = "full", "code", "enrol"
"""Levels: everything the role allows; the second factor is still to be given; or to be set up."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just begun; the secret goes into the cookie and is shown nowhere else."""

    secret: str
    session_id: str
    level: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a session stands for, as the register knows them now."""

    session_id: str
    user_id: str
    role: str
    school_id: str | None
    staff_id: str | None
    name: str
    level: str
    confirmed_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its user sees it."""

    session_id: str
    browser: str
    level: str
    made_at: datetime
    seen_at: datetime
    expires_at: datetime


def open_for(session: Session, user_id: str, *, level: str, browser: str, at: datetime) -> Opened:
    """Begin a session in the caller's transaction.

    Parameters
    ----------
    browser : str
        What the browser says it is, so that its user recognises it; cut to 120 characters.
    """
    secret, session_id = opaque.made(), uuid.uuid4().hex
    session.add(
        UserSession(
            session_id=session_id,
            secret_sha256=opaque.hashed(secret),
            user_id=user_id,
            level=level,
            browser="".join(c for c in browser if c.isprintable())[:120],
            made_at=at,
            seen_at=at,
            confirmed_at=at,
            expires_at=at + LONGEST,
        )
    )
    return Opened(secret, session_id, level)


def _alive(at: Any, idle_since: Any) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a session that counts at a time; values, or parameters for them."""
    return (
        UserSession.ended_at.is_(None),
        UserSession.expires_at > at,
        UserSession.seen_at > idle_since,
    )


# Put together once: every request asks it.
_VALID = (
    select(
        UserSession.session_id, UserSession.user_id, UserAccount.role, UserAccount.school_id,
        UserAccount.staff_id, UserAccount.display_name, UserSession.level,
        UserSession.confirmed_at, UserSession.seen_at,
    )
    .join(UserAccount, UserAccount.user_id == UserSession.user_id)
    .where(
        UserSession.secret_sha256 == bindparam("sha256"),
        UserAccount.disabled_at.is_(None),
        *_alive(bindparam("at"), bindparam("idle_since")),
    )
)  # fmt: skip


def holder(register: Register, secret: str, *, at: datetime) -> Holder | None:
    """Whom a session stands for; None for one that is unknown, ended, or of a disabled user."""
    if not opaque.is_shaped(secret):
        return None
    with register.engine.connect() as connection:
        found = of_hash(connection, opaque.hashed(secret), at=at)
    if found is not None and is_to_note(found, at=at):
        _note(register, found.session_id, at)
    return found


def of_hash(connection: Connection, sha256: str, *, at: datetime) -> Holder | None:
    """Whom the session of a hash stands for, in the caller's transaction; else None."""
    row = connection.execute(
        _VALID, {"sha256": sha256, "at": at, "idle_since": at - IDLE}
    ).one_or_none()
    return None if row is None else Holder(*row)


def is_to_note(found: Holder, *, at: datetime) -> bool:
    """Whether the register must note again that a session is used."""
    return at - found.seen_at >= NOTED_EVERY


def _note(register: Register, session_id: str, at: datetime) -> None:
    with register.session(writing=True) as session:
        session.execute(
            update(UserSession).where(UserSession.session_id == session_id).values(seen_at=at)
        )
        session.commit()


def raised(session: Session, session_id: str, *, level: str, at: datetime) -> Opened:
    """Give a session a new secret and another level; the old secret ends at once."""
    secret = opaque.made()
    session.execute(
        update(UserSession)
        .where(UserSession.session_id == session_id, UserSession.ended_at.is_(None))
        .values(secret_sha256=opaque.hashed(secret), level=level, seen_at=at)
    )
    return Opened(secret, session_id, level)


def confirm(session: Session, session_id: str, *, at: datetime) -> None:
    """Note that the password was given just now."""
    session.execute(
        update(UserSession).where(UserSession.session_id == session_id).values(confirmed_at=at)
    )


def listed(register: Register, user_id: str, *, at: datetime) -> list[SessionRow]:
    """A user's sessions that are still good, newest first."""
    query = (
        select(
            UserSession.session_id, UserSession.browser, UserSession.level, UserSession.made_at,
            UserSession.seen_at, UserSession.expires_at,
        )
        .where(UserSession.user_id == user_id, *_alive(at, at - IDLE))
        .order_by(UserSession.made_at.desc(), UserSession.session_id)
    )  # fmt: skip
    with register.session() as session:
        return [SessionRow(*row) for row in session.execute(query)]


def end(register: Register, session_id: str, *, user_id: str, at: datetime) -> None:
    """End one of a user's sessions.

    Raises
    ------
    NotFound
        If this user has no such session.
    """
    with register.session(writing=True) as session:
        found = session.get(UserSession, session_id)
        if found is None or found.user_id != user_id or found.ended_at is not None:
            raise NotFound("there is no such session; it may have ended")
        found.ended_at = at
        audit_log.record(
            session, actor=user_id, action="session.ended", entity="user_session",
            entity_id=session_id, at=at,
        )  # fmt: skip
        session.commit()


def end_all(session: Session, user_id: str, *, at: datetime, but: str | None = None) -> int:
    """End a user's sessions in the caller's transaction; returns how many."""
    query = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.ended_at.is_(None)
    )
    if but is not None:
        query = query.where(UserSession.session_id != but)
    return session.execute(query.values(ended_at=at)).rowcount  # type: ignore[attr-defined]
