"""How often one person may ask, counted in this process.

Attempts to sign in are counted in the register instead (`io.register.attempts`), because a restart
must not forgive them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from earlywarning.errors import TooManyTries

PER_MINUTE = 600
"""Requests of one person; a page takes a handful. 0 switches it off."""

MISSES = 20
"""Objects that were not there, of one person within `MISSES_MINUTES`: trying out ids looks so."""

MISSES_MINUTES = 5

log = logging.getLogger("earlywarning_api")


class Counts(Storage):
    """Counts in memory. That of `limits` itself starts a thread a hundred times a second."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing that can fail."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, in a window that begins with the first; the new count."""
        now = time.time()
        with self._lock:
            count, until = self._counts.get(key, (0, 0.0))
            if until <= now:
                self._forget(now)
                self._counts.pop(key, None)
                count, until = 0, now + expiry
            self._counts[key] = (count + amount, until)
        return count + amount

    def _forget(self, now: float) -> None:
        """Drop the windows that are over, as far as the oldest are."""
        while self._counts and next(iter(self._counts.values()))[1] <= now:
            self._counts.popitem(last=False)

    def get(self, key: str) -> int:
        """The count of a window that has not ended, else 0."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When a window ends, in seconds of the epoch."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Memory is there."""
        return True

    def reset(self) -> int:
        """Forget all; how many windows there were."""
        with self._lock:
            gone = len(self._counts)
            self._counts.clear()
        return gone

    def clear(self, key: str) -> None:
        """Forget one."""
        with self._lock:
            self._counts.pop(key, None)


class Rates:
    """The counts of this process.

    Parameters
    ----------
    per_minute : int
        0 for no limit of any kind, for measuring.
    """

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._counts = FixedWindowRateLimiter(Counts()) if per_minute else None
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
