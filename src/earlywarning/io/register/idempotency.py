"""Requests that create something, remembered for a day: sent again, they make nothing twice.

A key belongs to one user or token. What was answered is kept whole, sealed under the key itself,
of which the register has a hash: an answer can hold a name, or a link that lets somebody in.
Erasing a person forgets all of it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from earlywarning.io.register.access_tables import IdempotencyKey
from earlywarning.io.register.db import Register

KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=2)
"""A first request that has not answered by then died; the key is free again."""

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until it has answered."""

    actor: str
    key: str

    @property
    def sha256(self) -> str:
        """Of the key, as the register knows it."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def seal(self, body: bytes) -> bytes:
        """An answer that only whoever sends the key again can read (AES-256-GCM)."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher().encrypt(nonce, body, self.actor.encode())

    def opened(self, sealed: bytes) -> bytes:
        """The answer."""
        return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], self.actor.encode())

    def _cipher(self) -> AESGCM:
        kdf = HKDF(SHA256(), 32, salt=None, info=b"earlywarning kept answer")
        return AESGCM(kdf.derive(self.key.encode()))


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
        row = session.get(IdempotencyKey, (claim.actor, claim.sha256), with_for_update=True)
        if row is not None and row.status is None and row.made_at <= at - GIVEN_UP:
            session.delete(row)
            session.flush()
            row = None
        if row is None:
            session.add(
                IdempotencyKey(
                    actor=claim.actor, key=claim.sha256, request_sha256=request_sha256, made_at=at
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
    return Kept(row.status, row.headers or {}, claim.opened(row.body or b""))


def keep(register: Register, claim: Claim, answer: Kept) -> None:
    """Remember what a request was answered."""
    with register.session(writing=True) as session:
        session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.actor == claim.actor, IdempotencyKey.key == claim.sha256)
            .values(status=answer.status, headers=answer.headers, body=claim.seal(answer.body))
        )
        session.commit()


def release(register: Register, claim: Claim) -> None:
    """Free the key of a request that made nothing."""
    with register.session(writing=True) as session:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.actor == claim.actor,
                IdempotencyKey.key == claim.sha256,
                IdempotencyKey.status.is_(None),
            )
        )
        session.commit()
