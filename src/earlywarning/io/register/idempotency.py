"""Requests that create something, remembered for a day: sent again, they make nothing twice.

A key belongs to one user or token. What was answered is kept whole; erasing a person forgets all of
it, because an answer can hold a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from earlywarning.io.register.access_tables import IdempotencyKey
from earlywarning.io.register.db import Register

KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=2)
"""A first request that has not answered by then died; the key is free again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until it has answered."""

    actor: str
    key: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the first request was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class KeyUsed(Exception):
    """The key came before with another request."""


class InFlight(Exception):
    """The first request with this key is still running."""


def claim(register: Register, claim: Claim, *, request_sha256: str, at: datetime) -> Kept | None:
    """Hold a key; or return what it was answered before.

    Raises
    ------
    KeyUsed, InFlight
    """
    with register.session(writing=True) as session:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.made_at <= at - KEPT))
        row = session.get(IdempotencyKey, (claim.actor, claim.key), with_for_update=True)
        if row is not None and row.status is None and row.made_at <= at - GIVEN_UP:
            session.delete(row)
            session.flush()
            row = None
        if row is None:
            session.add(
                IdempotencyKey(
                    actor=claim.actor, key=claim.key, request_sha256=request_sha256, made_at=at
                )
            )
            try:
                session.commit()
            except IntegrityError:
                raise InFlight from None
            return None
        session.commit()
    if row.request_sha256 != request_sha256:
        raise KeyUsed
    if row.status is None:
        raise InFlight
    return Kept(row.status, row.headers or {}, row.body or b"")


def keep(register: Register, claim: Claim, answer: Kept) -> None:
    """Remember what a request was answered."""
    with register.session(writing=True) as session:
        session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.actor == claim.actor, IdempotencyKey.key == claim.key)
            .values(status=answer.status, headers=answer.headers, body=answer.body)
        )
        session.commit()


def release(register: Register, claim: Claim) -> None:
    """Free the key of a request that made nothing."""
    with register.session(writing=True) as session:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.actor == claim.actor,
                IdempotencyKey.key == claim.key,
                IdempotencyKey.status.is_(None),
            )
        )
        session.commit()
