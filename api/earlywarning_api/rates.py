"""How often one person may ask, counted in this process.

Attempts to sign in are counted in the register instead (`io.register.attempts`), because a restart
must not forgive them.
"""

from __future__ import annotations

import logging
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from earlywarning.errors import TooManyTries

PER_MINUTE = 600
"""Requests of one person; a page takes a handful. 0 switches it off."""

MISSES = 20
"""Objects that were not there, of one person within `MISSES_MINUTES`: trying out ids looks so."""

MISSES_MINUTES = 5

log = logging.getLogger("earlywarning_api")


class Rates:
    """The counts of this process.

    Parameters
    ----------
    per_minute : int
        0 for no limit of any kind, for measuring.
    """

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._counts = FixedWindowRateLimiter(MemoryStorage()) if per_minute else None
        self._all = RateLimitItemPerMinute(per_minute or 1, namespace="all")
        self._misses = RateLimitItemPerMinute(MISSES, MISSES_MINUTES, namespace="misses")

    def check(self, actor: str) -> None:
        """Count one request.

        Raises
        ------
        TooManyTries
            If there were too many, or too many for things that are not there.
        """
        if self._counts is None:
            return
        if not self._counts.test(self._misses, actor):
            raise TooManyTries(self._wait(self._misses, actor))
        if not self._counts.hit(self._all, actor):
            raise TooManyTries(self._wait(self._all, actor))

    def missed(self, actor: str) -> None:
        """Count an answer that said: there is no such thing."""
        if self._counts is None:
            return
        self._counts.hit(self._misses, actor)
        if not self._counts.test(self._misses, actor):
            log.warning("many ids tried", extra={"what": "ids_tried", "actor": actor})

    def _wait(self, item: RateLimitItemPerMinute, actor: str) -> int:
        assert self._counts is not None  # noqa: S101 - asked before
        reset = self._counts.get_window_stats(item, actor).reset_time
        return max(1, int(reset - time.time()) + 1)
