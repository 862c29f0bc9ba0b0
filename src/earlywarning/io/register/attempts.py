"""Attempts to sign in, counted in the register, so that a restart forgives nothing.

An attempt counts as failed from the moment it begins until it has succeeded: many at once gain
nothing over one after the other.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from earlywarning.errors import TooManyTries
from earlywarning.io.register import opaque
from earlywarning.io.register.access_tables import SignInAttempt
from earlywarning.io.register.db import Register

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
"""Failures of one account within the window, since it last succeeded."""

PER_ADDRESS = 50
"""Failures from one address within the window: a whole school shares one."""

KEPT = timedelta(days=1)


def begin(register: Register, *, account: str, address: str, at: datetime) -> str:
    """Note an attempt; returns its id, for `succeeded`.

    Parameters
    ----------
    account : str
        The sign-in name as typed, in small letters, whether it exists or not.
    address : str
        Where the request came from.

    Raises
    ------
    TooManyTries
        If the account or the address had too many failures; nothing is noted then.
    """
    with register.session(writing=True) as session:
        account_key = opaque.hidden(session, "account", account)
        address_key = opaque.hidden(session, "address", address)
        if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
            session.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(account_key[:15], 16)}
            )
        session.execute(delete(SignInAttempt).where(SignInAttempt.at < at - KEPT))
        waits = (
            _wait(session, account_key, at),
            _wait_of_address(session, address_key, at),
        )
        if any(waits):
            session.commit()
            raise TooManyTries(max(waits))
        attempt_id = uuid.uuid4().hex
        session.add(
            SignInAttempt(
                attempt_id=attempt_id,
                account_key=account_key,
                address_key=address_key,
                at=at,
                succeeded=False,
            )
        )
        session.commit()
    return attempt_id


def succeeded(session: Session, attempt_id: str) -> None:
    """Note in the caller's transaction that an attempt was right."""
    session.execute(
        update(SignInAttempt).where(SignInAttempt.attempt_id == attempt_id).values(succeeded=True)
    )


def _wait(session: Session, account_key: str, at: datetime) -> int:
    """Seconds until the account may be tried again; 0 for now."""
    own = SignInAttempt.account_key == account_key
    last_success = session.scalar(
        select(func.max(SignInAttempt.at)).where(own, SignInAttempt.succeeded)
    )
    since = max(at - WINDOW, last_success or at - WINDOW)
    failures = session.scalars(
        select(SignInAttempt.at)
        .where(own, SignInAttempt.at > since, SignInAttempt.succeeded.is_(False))
        .order_by(SignInAttempt.at.desc())
        .limit(PER_ACCOUNT)
    ).all()
    return _seconds(failures[-1], at) if len(failures) == PER_ACCOUNT else 0


def _wait_of_address(session: Session, address_key: str, at: datetime) -> int:
    failures = session.scalars(
        select(SignInAttempt.at)
        .where(
            SignInAttempt.address_key == address_key,
            SignInAttempt.at > at - WINDOW,
            SignInAttempt.succeeded.is_(False),
        )
        .order_by(SignInAttempt.at.desc())
        .limit(PER_ADDRESS)
    ).all()
    return _seconds(failures[-1], at) if len(failures) == PER_ADDRESS else 0


def _seconds(oldest: datetime, at: datetime) -> int:
    return max(1, int((oldest + WINDOW - at).total_seconds()))
