"""Nothing is learnt twice in one training.

The model that a quarter is compared with is the one that calibrates the models of later quarters.
What was learnt is found again by what it was learnt from, to the last bit, so that nobody has to
keep book of which rows those were and no model can get another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np


class Memo:
    """What was learnt so far in one training."""

    def __init__(self) -> None:
        self._made: dict[bytes, Any] = {}

    def once(self, make: Callable[[], Any], *given: object) -> Any:
        """What `make` gave when it was given the same, or what it gives now.

        Parameters
        ----------
        make : function
        given : arrays, or values whose `repr` says all of them
            Everything that the answer depends on.
        """
        key = _fingerprint(given)
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def forget(self) -> None:
        """Let go of all of it: the training is over."""
        self._made.clear()


def once(memo: Memo | None, make: Callable[[], Any], *given: object) -> Any:
    """As `Memo.once`; without a memo, what `make` gives now."""
    return make() if memo is None else memo.once(make, *given)


def _fingerprint(given: tuple[object, ...]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for one in given:
        if isinstance(one, np.ndarray):
            digest.update(f"{one.dtype} {one.shape} ".encode())
            digest.update(np.ascontiguousarray(one).data)
        else:
            digest.update(f"{one!r};".encode())
    return digest.digest()
