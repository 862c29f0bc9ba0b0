"""Giving a kept answer again, past routes and threads: most of what is read has not changed.

Every such request is judged anew, in the transaction that writes its reading to the audit: whether
the token or session is still good, for whom it stands now, whether they ask too often, whether
anything has changed. All requests that come while a commit is running are judged together in the
next one. Whatever is not as it was when the answer was made goes the usual way.

Plain ASGI, inside of `guard.Guard`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from earlywarning.errors import TooManyTries
from earlywarning.io.register import audit_log, changes
from earlywarning.io.register.audit_log import Event
from earlywarning.io.register.families import local_day
from earlywarning_api import access, kept, representation
from earlywarning_api.kept import Kept

log = logging.getLogger("earlywarning_api")


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits to be judged; `actor` is set if it may have the answer."""

    answer: Kept
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    actor: str | None = None


class Lane:
    """Wraps the application.

    Parameters
    ----------
    state : State
        The application's: `register`, `read_audit`, `shelf`, `rates`, `clock` and `timezone`.
    """

    def __init__(self, app: ASGIApp, *, state: State) -> None:
        self.app = app
        self._state = state
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._is_led = False
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="again")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "GET":
            found = self._state.shelf.get(kept.key_of(scope))
            if found is not None and (actor := await self._judged(found)) is not None:
                scope["state"]["actor"] = actor
                scope["route"] = found.route
                await _give(found, scope, send)
                return
        await self.app(scope, receive, send)

    async def _judged(self, found: Kept) -> str | None:
        """Who reads, if they may have the answer and the audit has it."""
        loop = asyncio.get_running_loop()
        one = _Waiting(found, loop, loop.create_future())
        with self._lock:
            self._waiting.append(one)
            leads, self._is_led = not self._is_led, True
        if leads:
            self._threads.submit(self._lead)
        await one.done
        return one.actor

    def _lead(self) -> None:
        """In a thread: judge all who wait when the commit begins, then tell them."""
        batch: list[_Waiting] = []

        def work(connection: Connection) -> list[Event]:
            batch.extend(self._taken())
            return self._judge(connection, batch)

        try:
            self._state.read_audit.together(work)
        except Exception as error:  # the usual way finds out what is wrong, and says it
            log.error("kept answers could not be audited: %s", type(error).__name__)
            batch = batch or self._taken()
            for one in batch:
                one.actor = None
        else:
            batch = batch or self._taken()  # the disk was full before anything could be judged
        by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
        for one in batch:
            by_loop[one.loop].append(one)
        for loop, some in by_loop.items():
            with contextlib.suppress(RuntimeError):  # its loop ended: nobody waits any more
                loop.call_soon_threadsafe(_tell, some)

    def _taken(self) -> list[_Waiting]:
        """Everybody who waits; whoever comes from now on leads the next batch."""
        with self._lock:
            batch, self._waiting, self._is_led = self._waiting, [], False
        return batch

    def _judge(self, connection: Connection, batch: list[_Waiting]) -> list[Event]:
        """Set `actor` of those who may have their answer; the readings, for the audit."""
        state = self._state
        number, at = changes.number(connection), state.clock()
        today = local_day(at, state.timezone)
        people: dict[access.Credential, access.Person | None] = {}
        events = []
        for one in batch:
            answer = one.answer
            if answer.version != number or answer.today != today:
                continue
            shown = answer.credential
            if shown not in people:
                people[shown] = access.still(connection, shown, at=at)
            person = people[shown]
            if person is None or kept.who(person) != answer.who or not self._in_time(person):
                continue
            one.actor = person.actor
            action, entity, entity_id, detail = answer.reading
            events.append(
                Event(audit_log.named(person.actor), action, entity, entity_id, detail, at)
            )
        return events

    def _in_time(self, person: access.Person) -> bool:
        try:
            self._state.rates.check(person.actor)
        except TooManyTries:
            return False
        return True


def _tell(some: list[_Waiting]) -> None:
    for one in some:
        if not one.done.done():
            one.done.set_result(None)


async def _give(found: Kept, scope: Scope, send: Send) -> None:
    """The answer, or 304 if the request says that its ETag is known."""
    status: int = 200
    headers: Any = found.headers
    body = found.body
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), None)
    etag = found.etag if asked is not None else None
    if asked is not None and etag and representation.is_known(asked.decode("latin-1"), etag):
        status, headers, body = 304, found.headers_of_304(), b""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
