"""Numbers drawn from a stored seed, so that anybody can draw them again with a pocket script."""

from __future__ import annotations

import hashlib


def number(seed: int, purpose: str, key: str) -> int:
    """The number that a seed gives to a key: the same on every machine, for ever.

    The first 13 hexadecimal digits of SHA-256 over `seed:purpose:key`. Two purposes give
    independent numbers, so that winning a tie says nothing about winning a lot.

    Parameters
    ----------
    seed : int
        Stored with the list.
    purpose : str
        `tie`, `lot`, or another word.
    key : str
        A household's key or a student's id.

    Returns
    -------
    int
        0 to 2**52 - 1: exact in JSON, in spreadsheets and in R.
    """
    return int(hashlib.sha256(f"{seed}:{purpose}:{key}".encode()).hexdigest()[:13], 16)


def tie_breaker(seed: int, key: str) -> int:
    """Settles equal priorities: the lower number comes first."""
    return number(seed, "tie", key)
