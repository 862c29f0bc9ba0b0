"""Secrets that let somebody in: 256 random bits each, kept as SHA-256.

Nobody can guess 256 random bits back from their hash, so these need no slow hashing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.io.register import keys

_SHAPE = re.compile(r"^[A-Za-z0-9_-]{43}$")
ATTEMPTS = "sign_in_attempt"
"""The installation's key that hides names and addresses of attempts to sign in."""


def made() -> str:
    """A new secret: 43 letters of URL-safe base64."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """SHA-256 of a secret, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_shaped(text: str) -> bool:
    """Whether a text can be such a secret at all; asked before the register is."""
    return bool(_SHAPE.match(text))


def hidden(session: Session, kind: str, text: str) -> str:
    """A keyed hash of a name or an address, in hexadecimal.

    Parameters
    ----------
    session : Session
        Opened with `writing=True`: the first call makes the key.
    kind : str
        Keeps an address apart from a name of the same letters.
    """
    key = keys.stored(session, ATTEMPTS)
    if key is None:
        # Two first attempts at the same moment: PostgreSQL lets one of them keep its key.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            keys.keep(session, ATTEMPTS, secrets.token_bytes(32))
        key = keys.stored(session, ATTEMPTS)
        assert key is not None  # noqa: S101 - kept just now, by us or by the other one
    return hmac.new(key, f"{kind}\n{text}".encode(), hashlib.sha256).hexdigest()
