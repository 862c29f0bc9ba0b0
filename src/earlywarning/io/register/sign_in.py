"""Signing in with a name and a password. Whoever does not exist costs the same work and answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.errors import NotSignedIn
from earlywarning.io.register import attempts, audit_log, passwords, second_factor, sessions
from earlywarning.io.register.access_tables import UserAccount, UserSession
from earlywarning.io.register.db import Register
from earlywarning.io.register.roles import SECOND_FACTOR

REFUSED = "name, password or code do not fit"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where an attempt comes from.

    Attributes
    ----------
    address : str
        Of the machine that connects.
    browser : str
        What it says it is.
    """

    address: str
    browser: str = ""


def with_password(
    register: Register,
    name: str,
    password: str,
    *,
    caller: Caller,
    at: datetime,
    code: str | None = None,
) -> sessions.Opened:
    """Begin a session.

    Parameters
    ----------
    code : str, optional
        The second factor, where it is given at once; else the session waits for it.

    Raises
    ------
    NotSignedIn
        For an unknown name, a wrong password or code, and a disabled account alike.
    TooManyTries
    """
    name = normal(name)
    attempt = attempts.begin(register, account=name, address=caller.address, at=at)
    with register.session() as session:
        account = session.scalar(select(UserAccount).where(UserAccount.sign_in_name == name))
    usable = account is not None and account.disabled_at is None
    kept = account.password_hash if account is not None and usable else None
    if not passwords.matches(password, kept) or account is None:
        raise NotSignedIn(REFUSED)
    given = None
    if code is not None and account.totp_confirmed_at is not None:
        # Counted by itself: else the right password, given alone, would forgive guessed codes.
        given = second_factor.attempted(register, account.user_id, caller.address, at=at)
    with register.session(writing=True) as session:
        if given is not None:
            if not second_factor.is_right(session, account.user_id, str(code), at=at):
                raise NotSignedIn(REFUSED)
            attempts.succeeded(session, given)
            level = sessions.FULL
        else:
            level = level_of(account)
        attempts.succeeded(session, attempt)
        opened = begun(session, account.user_id, level=level, caller=caller, at=at)
        session.commit()
    return opened


def begun(
    session: Session, user_id: str, *, level: str, caller: Caller, at: datetime
) -> sessions.Opened:
    """Open a session for somebody who has shown who they are, in the caller's transaction."""
    opened = sessions.open_for(session, user_id, level=level, browser=caller.browser, at=at)
    session.get_one(UserAccount, user_id).signed_in_at = at
    audit_log.record(
        session, actor=user_id, action="session.began", entity="user_session",
        entity_id=opened.session_id, detail={"level": level}, at=at,
    )  # fmt: skip
    return opened


def level_of(account: UserAccount) -> str:
    """What a session of this account still lacks after the password."""
    if account.totp_confirmed_at is not None:
        return sessions.CODE
    return sessions.ENROL if account.role in SECOND_FACTOR else sessions.FULL


def confirm(
    register: Register, session_id: str, password: str, *, caller: Caller, at: datetime
) -> None:
    """Ask the password again before something that cannot be undone.

    Raises
    ------
    NotSignedIn, TooManyTries
    """
    query = (
        select(UserAccount)
        .join(UserSession, UserSession.user_id == UserAccount.user_id)
        .where(UserSession.session_id == session_id)
    )
    with register.session() as session:
        account = session.scalars(query).one()
    attempt = attempts.begin(register, account=account.sign_in_name, address=caller.address, at=at)
    if not passwords.matches(password, account.password_hash):
        raise NotSignedIn(REFUSED)
    with register.session(writing=True) as session:
        attempts.succeeded(session, attempt)
        sessions.confirm(session, session_id, at=at)
        session.commit()


def normal(name: str) -> str:
    """A sign-in name as it is kept."""
    return name.strip().casefold()
