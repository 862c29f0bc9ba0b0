"""Reads, written to the audit before the answer leaves, many in one commit.

A commit that survives a power cut waits for the disk. Whoever comes while one is running, or less
than 4 ms after the last one ended, shares the next; alone, nobody waits. The first to come does
the work for all: no thread of its own, nothing to start or stop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from earlywarning.io.register import audit_log
from earlywarning.io.register.audit_log import Event
from earlywarning.io.register.db import Register, is_full

SPACING_SECONDS = 0.004
"""From one commit's end to the next one's begin, at least: whoever was just answered asks again,
and others who write come in between."""

MOST_IN_ONE = 500

MOST_HELD = 10_000
"""Reads that wait in memory while the disk is full, so that the published list is still served."""

log = logging.getLogger(__name__)


Work = Callable[[Connection], Iterable[Event]]
"""What is looked up in the transaction of a commit, and the reads that come of it."""


class _Group:
    """What is committed together."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.works: list[Work] = []
        self.done = threading.Event()
        self.error: BaseException | None = None


class ReadAudit:
    """Shared by all threads of one process; several processes share the chain itself."""

    def __init__(self, register: Register, *, spacing_seconds: float = SPACING_SECONDS) -> None:
        self._register = register
        self._spacing = spacing_seconds
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._group = _Group()
        self._held: list[Event] = []
        self._ended = 0.0
        self.commits = 0

    def record(
        self,
        *,
        actor: str,
        action: str,
        entity: str,
        entity_id: str,
        detail: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> None:
        """Return when the row is on the disk; raise what kept it from getting there.

        Whoever gets an error must not answer with what was read. One exception: while the disk is
        full, rows wait in memory and are written before any other as soon as there is room.
        """
        happened = Event(audit_log.named(actor), action, entity, entity_id, dict(detail or {}), at)
        self._share(lambda group: group.events.append(happened))

    def together(self, work: Work) -> None:
        """Do `work` in the next commit; return when what it read is on the disk.

        `work` sees the register as of that commit, and may not write. Errors are as of `record`.
        """
        self._share(lambda group: group.works.append(work))

    def _share(self, join: Callable[[_Group], None]) -> None:
        with self._lock:
            group = self._group
            leads = not group.events and not group.works
            join(group)
            if len(group.events) >= MOST_IN_ONE:
                self._group = _Group()
        if leads:
            self._commit(group)
        group.done.wait()
        if group.error is not None:
            raise group.error

    def _commit(self, group: _Group) -> None:
        """Wait for our turn, close the group, write it."""
        with self._writing:
            wait = self._ended + self._spacing - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            with self._lock:
                if self._group is group:
                    self._group = _Group()
            waiting = [*self._held, *group.events]
            try:
                head = None
                with self._register.begin() as connection:
                    for work in group.works:
                        waiting.extend(work(connection))
                    if waiting:
                        head = audit_log.write(connection, waiting)
                if head is not None:
                    audit_log.copy_head(head, self._register.head_file)
                self._held = []
                self.commits += 1
            except BaseException as error:
                if is_full(error) and len(waiting) <= MOST_HELD:
                    self._held = waiting
                    log.error("the disk is full: %d reads wait to be audited", len(waiting))
                    return
                group.error = error
                raise
            finally:
                self._ended = time.monotonic()
                group.done.set()
