"""Reads, written to the audit before the answer leaves, many in one commit.

A commit that survives a power cut waits for the disk. Whoever comes while one is running, or less
than 20 ms after the last one began, shares the next; alone, nobody waits. The first to come does
the work for all: no thread of its own, nothing to start or stop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from earlywarning.io.register import audit_log
from earlywarning.io.register.audit_log import Event
from earlywarning.io.register.db import Register, is_full

SPACING_SECONDS = 0.02
"""From one commit's begin to the next one's, at least."""

MOST_IN_ONE = 500

MOST_HELD = 10_000
"""Reads that wait in memory while the disk is full, so that the published list is still served."""

log = logging.getLogger(__name__)


class _Group:
    """Events that are committed together."""

    def __init__(self) -> None:
        self.events: list[Event] = []
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
        self._began = 0.0
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
        with self._lock:
            group = self._group
            group.events.append(happened)
            leads = len(group.events) == 1
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
            wait = self._began + self._spacing - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self._began = time.monotonic()
            with self._lock:
                if self._group is group:
                    self._group = _Group()
            waiting = [*self._held, *group.events]
            try:
                with self._register.session(writing=True) as session:
                    for happened in waiting:
                        audit_log.add(session, happened)
                    session.commit()
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
                group.done.set()
