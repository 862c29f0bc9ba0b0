"""Who may sign in, and their sessions, invitations and second factors.

Whatever lets somebody in (a session, a link, a recovery code) is kept as SHA-256 only: whoever
reads the register cannot use it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class UserAccount(Base):
    """Somebody who may sign in, and in what role. There is none unless a person was invited.

    `sign_in_name` is an e-mail address or a name, in small letters. Without `password_hash` the
    invitation was not taken up yet, or the person signs in elsewhere. `totp_step` is the newest
    time step whose code was used, so that no code counts twice.
    """

    __tablename__ = "user_account"
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sign_in_name: Mapped[str] = mapped_column(String(254), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(32))
    school_id: Mapped[str | None] = mapped_column(ForeignKey("school.school_id"), index=True)
    staff_id: Mapped[str | None] = mapped_column(ForeignKey("staff.staff_id"), index=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_set_at: Mapped[datetime | None]
    totp_secret: Mapped[str | None] = mapped_column(String(64))
    totp_confirmed_at: Mapped[datetime | None]
    totp_step: Mapped[int | None]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(32))
    signed_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class RoleChange(Base):
    """A role given, first or anew. Rows are only added."""

    __tablename__ = "role_change"
    change_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(32))
    school_id: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(32))


class UserSession(Base):
    """One signed-in browser.

    `level` is `full`, or what is still missing: `code` (the second factor) or `enrol` (there is no
    second factor yet, and the role needs one). `confirmed_at`: when the password was last given.
    """

    __tablename__ = "user_session"
    session_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    level: Mapped[str] = mapped_column(String(8))
    browser: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OneTimeLink(Base):
    """An invitation, a password reset, or the link to the first administrator's account."""

    __tablename__ = "one_time_link"
    link_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ExternalIdentity(Base):
    """The same person at an identity provider: its issuer and `sub`, never an e-mail address."""

    __tablename__ = "external_identity"
    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    made_at: Mapped[datetime]


class SignInAttempt(Base):
    """A try to sign in. Names and addresses are keyed hashes: a password typed into the wrong box
    does not end up here."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index("ix_sign_in_attempt_account", "account_key", "at"),
        Index("ix_sign_in_attempt_address", "address_key", "at"),
    )
    attempt_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_key: Mapped[str] = mapped_column(String(64))
    address_key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    succeeded: Mapped[bool]


class RecoveryCode(Base):
    """For a day without the telephone: each code works once instead of the second factor."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_sha256"),)
    code_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    code_sha256: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class EmergencyAccess(Base):
    """Access beyond one's own class: to one child or one class, for a reason, for some hours."""

    __tablename__ = "emergency_access"
    access_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user_account.user_id", ondelete="CASCADE"), index=True
    )
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"))
    student_id: Mapped[str | None] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), index=True
    )
    class_id: Mapped[str | None] = mapped_column(ForeignKey("class_group.class_id"))
    reason: Mapped[str] = mapped_column(String(500))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A request that creates something, and what it was answered, for 24 hours.

    `status` is null while the first one runs. `key` is the SHA-256 of what was sent, and the body
    is sealed under that: it can hold names, or a link. Erasing a person empties this.
    """

    __tablename__ = "idempotency_key"
    actor: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class TokenScope(Base):
    """A use that an API token is good for. A token without any row may do all that its role may."""

    __tablename__ = "token_scope"
    token_id: Mapped[str] = mapped_column(
        ForeignKey("api_token.token_id", ondelete="CASCADE"), primary_key=True
    )
    use: Mapped[str] = mapped_column(String(32), primary_key=True)
