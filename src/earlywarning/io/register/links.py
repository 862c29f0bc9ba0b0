"""Links that work once: an invitation, a password reset, the first administrator's account.

The link's secret is shown to whoever made it and kept as a hash. Making another one of the same
kind for the same person ends the older one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from earlywarning.errors import NotSignedIn
from earlywarning.io.register import opaque
from earlywarning.io.register.access_tables import OneTimeLink
from earlywarning.io.register.db import Register

INVITATION, RESET, FIRST_ADMIN = "invitation", "reset", "first_admin"
LASTS = {
    INVITATION: timedelta(days=7),
    RESET: timedelta(minutes=10),
    FIRST_ADMIN: timedelta(hours=24),
}
REFUSED = "this link was used, is too old, or never was; ask for a new one"


@dataclass(frozen=True, slots=True)
class Link:
    """A link just made; the secret is shown once."""

    secret: str
    expires_at: datetime


def make(session: Session, purpose: str, user_id: str | None, *, by: str, at: datetime) -> Link:
    """Make a link in the caller's transaction; older ones of the same kind end."""
    session.execute(
        delete(OneTimeLink).where(
            OneTimeLink.purpose == purpose,
            OneTimeLink.user_id.is_(None) if user_id is None else OneTimeLink.user_id == user_id,
            OneTimeLink.used_at.is_(None),
        )
    )
    secret = opaque.made()
    link = Link(secret, at + LASTS[purpose])
    session.add(
        OneTimeLink(
            link_sha256=opaque.hashed(secret),
            purpose=purpose,
            user_id=user_id,
            made_at=at,
            made_by=by,
            expires_at=link.expires_at,
        )
    )
    return link


def look(register: Register, secret: str, *, at: datetime) -> tuple[str, str | None]:
    """What a link is for and whose it is, without using it up.

    Raises
    ------
    NotSignedIn
        If it was used, is too old, or never was.
    """
    with register.session() as session:
        row = _good(session, secret, at)
        return row.purpose, row.user_id


def use(session: Session, secret: str, *purposes: str, at: datetime) -> OneTimeLink:
    """Use a link up in the caller's transaction.

    Raises
    ------
    NotSignedIn
        If it was used, is too old, is for something else, or never was.
    """
    row = _good(session, secret, at)
    if row.purpose not in purposes:
        raise NotSignedIn(REFUSED)
    row.used_at = at
    session.flush()
    return row


def _good(session: Session, secret: str, at: datetime) -> OneTimeLink:
    row = None
    if opaque.is_shaped(secret):
        row = session.scalar(
            select(OneTimeLink)
            .where(OneTimeLink.link_sha256 == opaque.hashed(secret))
            .with_for_update()
        )
    if row is None or row.used_at is not None or row.expires_at <= at:
        raise NotSignedIn(REFUSED)
    return row
