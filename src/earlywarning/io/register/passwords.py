"""Passwords: Argon2id with parameters of our own, and what a password must be.

The rules are those of OWASP ASVS 5.0, 6.2: length and a list of common ones, nothing about which
signs to use.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from earlywarning.errors import DataError

MEMORY_KIB, PASSES, LANES = 47_104, 2, 1
"""ASVS 5.0, appendix C. The library's own choice costs three times as much time."""

SHORTEST, URGED, LONGEST = 8, 15, 256
"""Characters. `URGED` is what a page recommends; `LONGEST` keeps hashing a fixed amount of work."""

_HASHER = PasswordHash((Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES),))


def hashed(password: str) -> str:
    """The hash to keep; about a sixth of a second, on purpose."""
    return _HASHER.hash(_normal(password))


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was kept; the same work where none is kept."""
    right = _HASHER.verify(_normal(password)[:LONGEST], stored or _nobodys())
    return right and stored is not None


def check(password: str, *, told: tuple[str, ...] = ()) -> None:
    """Refuse a password that others would guess first.

    Parameters
    ----------
    told : tuple of str
        What everybody knows of this person: their names.

    Raises
    ------
    DataError
        If it is too short, too long, common, or the person's own name.
    """
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise DataError(
            f"a password needs at least {SHORTEST} characters; {URGED} or more are better, "
            "for example four words"
        )
    if len(normal) > LONGEST:
        raise DataError(f"a password can have at most {LONGEST} characters")
    plain = normal.casefold()
    if plain in _common() or len(set(plain)) < 3:
        raise DataError("this password is among those that are tried first; choose another")
    if plain in {_normal(name).casefold() for name in told}:
        raise DataError("a password must not be one's own name; choose another")


def _normal(password: str) -> str:
    """One form for what looks the same, whatever the keyboard."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")


@cache
def _common() -> frozenset[str]:
    text = files("earlywarning.io.register").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
