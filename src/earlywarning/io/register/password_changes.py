"""Choosing another password: with a link that an administrator made, or with the old one."""

from __future__ import annotations

from datetime import datetime

from earlywarning.errors import Conflict
from earlywarning.io.register import audit_log, links, passwords
from earlywarning.io.register.accounts import account_of, set_password
from earlywarning.io.register.db import Register


def reset_link(register: Register, user_id: str, *, by: str, at: datetime) -> links.Link:
    """A link with which a user chooses another password, good for 10 minutes.

    Raises
    ------
    NotFound, Conflict
    """
    with register.session(writing=True) as session:
        account = account_of(session, user_id)
        if account.disabled_at is not None:
            raise Conflict("this user is disabled; enable them first")
        link = links.make(session, links.RESET, user_id, by=by, at=at)
        audit_log.record(
            session, actor=by, action="password_reset.offered", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
    return link


def reset(register: Register, secret: str, password: str, *, at: datetime) -> str:
    """Choose another password with a reset link; all sessions end. Returns the user's id.

    Raises
    ------
    NotSignedIn, DataError
    """
    links.look(register, secret, at=at)  # before any work is spent on it
    passwords.check(password)
    hashed = passwords.hashed(password)
    with register.session(writing=True) as session:
        user_id = links.use(session, secret, links.RESET, at=at).user_id
        assert user_id is not None  # noqa: S101 - resets are made for a user
        set_password(session, user_id, hashed, told=password, at=at)
        audit_log.record(
            session, actor=user_id, action="password.reset", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
    return user_id


def change_password(
    register: Register, user_id: str, password: str, *, keep_session: str, at: datetime
) -> None:
    """Choose another password; every other session ends. The caller has asked the old one.

    Raises
    ------
    DataError
    """
    passwords.check(password)
    hashed = passwords.hashed(password)
    with register.session(writing=True) as session:
        set_password(session, user_id, hashed, told=password, at=at, keep_session=keep_session)
        audit_log.record(
            session, actor=user_id, action="password.changed", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
