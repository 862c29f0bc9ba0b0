"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), or a recovery code."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, NotSignedIn
from earlywarning.io.register import attempts, audit_log, opaque, sessions
from earlywarning.io.register.access_tables import RecoveryCode, UserAccount
from earlywarning.io.register.db import Register

ISSUER = "earlywarning"
STEP_SECONDS = 30
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs; shown once, good only after a code was given back."""

    secret: str
    uri: str


def enrol(register: Register, user_id: str) -> Enrolment:
    """Begin to set up an app; a second time begins anew.

    Raises
    ------
    Conflict
        If one is set up already: an administrator takes it away first.
    """
    secret = pyotp.random_base32()
    with register.session(writing=True) as session:
        account = session.get_one(UserAccount, user_id, with_for_update=True)
        if account.totp_confirmed_at is not None:
            raise Conflict(
                "an authenticator app is set up already; ask an administrator to take it away, "
                "then set up the new one"
            )
        account.totp_secret = secret
        name = account.sign_in_name
        session.commit()
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    return Enrolment(secret, uri)


def confirm(
    register: Register, user_id: str, code: str, *, session_id: str, address: str, at: datetime
) -> tuple[sessions.Opened, list[str]]:
    """Finish setting up with a code of the app.

    Returns
    -------
    Opened
        The same session with a new secret, now at level `full`.
    list of str
        Recovery codes, shown once.

    Raises
    ------
    NotSignedIn
        If the code is not the app's.
    """
    attempt = attempted(register, user_id, address, at=at)
    with register.session(writing=True) as session:
        account = session.get_one(UserAccount, user_id, with_for_update=True)
        if account.totp_confirmed_at is not None or not _is_apps(account, code, at):
            raise NotSignedIn("the code does not fit")
        account.totp_confirmed_at = at
        codes = _new_codes(session, user_id)
        attempts.succeeded(session, attempt)
        opened = sessions.raised(session, session_id, level=sessions.FULL, at=at)
        sessions.end_all(session, user_id, at=at, but=session_id)
        audit_log.record(
            session, actor=user_id, action="second_factor.set_up", entity="user_account",
            entity_id=user_id, at=at,
        )  # fmt: skip
        session.commit()
    return opened, codes


def give(
    register: Register, user_id: str, code: str, *, session_id: str, address: str, at: datetime
) -> sessions.Opened:
    """Raise a session to `full` with a code of the app, or a recovery code.

    Raises
    ------
    NotSignedIn, TooManyTries
    """
    attempt = attempted(register, user_id, address, at=at)
    with register.session(writing=True) as session:
        if not is_right(session, user_id, code, at=at):
            raise NotSignedIn("the code does not fit")
        attempts.succeeded(session, attempt)
        opened = sessions.raised(session, session_id, level=sessions.FULL, at=at)
        audit_log.record(
            session, actor=user_id, action="session.raised", entity="user_session",
            entity_id=session_id, detail={"level": sessions.FULL}, at=at,
        )  # fmt: skip
        session.commit()
    return opened


def attempted(register: Register, user_id: str, address: str, *, at: datetime) -> str:
    """Note that a code of this user is tried; returns the attempt's id, for `attempts.succeeded`.

    Raises
    ------
    TooManyTries
    """
    return attempts.begin(register, account=f"code:{user_id}", address=address, at=at)


def is_right(session: Session, user_id: str, code: str, *, at: datetime) -> bool:
    """Whether a code is good now; it is used up, in the caller's transaction."""
    account = session.get_one(UserAccount, user_id, with_for_update=True)
    if account.totp_confirmed_at is None:
        return False
    return _is_apps(account, code, at) or _is_recovery(session, user_id, code, at)


def remove(session: Session, user_id: str, *, by: str, at: datetime) -> None:
    """Take the second factor and its recovery codes away; all sessions end."""
    account = session.get_one(UserAccount, user_id, with_for_update=True)
    account.totp_secret = account.totp_confirmed_at = account.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    sessions.end_all(session, user_id, at=at)
    audit_log.record(
        session, actor=by, action="second_factor.removed", entity="user_account",
        entity_id=user_id, at=at,
    )  # fmt: skip


def codes_left(session: Session, user_id: str) -> int:
    """How many recovery codes a user still has."""
    rows = session.scalars(
        select(RecoveryCode.code_id).where(
            RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
        )
    )
    return len(rows.all())


def _is_apps(account: UserAccount, code: str, at: datetime) -> bool:
    """Whether an app shows this code now, or one step before or after; each counts once."""
    digits = "".join(code.split())
    if account.totp_secret is None or not (digits.isascii() and digits.isdigit()):
        return False
    moment = int(at.replace(tzinfo=UTC).timestamp())
    app = pyotp.TOTP(account.totp_secret)
    for step in (moment // STEP_SECONDS + shift for shift in (-1, 0, 1)):
        used = account.totp_step is not None and step <= account.totp_step
        if app.verify(digits, for_time=step * STEP_SECONDS) and not used:
            account.totp_step = step
            return True
    return False


def _is_recovery(session: Session, user_id: str, code: str, at: datetime) -> bool:
    plain = "".join(c for c in code.lower() if c in _LETTERS)
    done = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_sha256 == opaque.hashed(f"{user_id}{plain}"),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        return False
    audit_log.record(
        session, actor=user_id, action="recovery_code.used", entity="user_account",
        entity_id=user_id, at=at,
    )  # fmt: skip
    return True


def _new_codes(session: Session, user_id: str) -> list[str]:
    """Ten codes of 16 letters: 79 bits each."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    plain = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(
            code_id=uuid.uuid4().hex, user_id=user_id, code_sha256=opaque.hashed(f"{user_id}{one}")
        )
        for one in plain
    )
    return ["-".join(one[i : i + 4] for i in range(0, 16, 4)) for one in plain]
