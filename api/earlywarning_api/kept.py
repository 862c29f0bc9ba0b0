"""Answers that are kept, to be given again while nothing has changed (`again.Lane` gives them).

An answer is kept with the number of the register's changes before it was made, and with whom it was
made for. Who may see what is part of the content: a changed role, a new class, an erased child move
the number on. Each reading is audited all the same.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from starlette.responses import Response
from starlette.types import Scope

from earlywarning.io.register import audit_log, changes
from earlywarning_api import access, recording, representation

MOST_BYTES = 64_000_000
"""Of all answers together; the ones not asked for longest go first."""

HEARD = frozenset({b"authorization", b"cookie", b"accept", b"accept-encoding", b"accept-language"})
"""The headers of a request that its answer depends on."""

Reading = tuple[str, str, str, dict[str, Any]]
"""Of what was read: action, entity, id and detail, for the audit."""

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer.

    Attributes
    ----------
    version : int
        Number of the register's changes that it was made of.
    today : date
        The school's, when it was made.
    credential : Credential
        By which the person was known.
    who : tuple
        What of the person decides what they may see; see `who`.
    route : object
        That of the framework, for the log.
    body : bytes
    headers : list of (bytes, bytes)
    reading : tuple
        As `Reading`, the detail as the audit keeps it.
    """

    version: int
    today: date
    credential: access.Credential
    who: tuple[Any, ...]
    route: object
    body: bytes
    headers: RawHeaders
    reading: tuple[str, str, str, str]

    @property
    def etag(self) -> str | None:
        """Its ETag, if it has one."""
        return next((value.decode() for name, value in self.headers if name == b"etag"), None)

    def headers_of_304(self) -> RawHeaders:
        """Its headers where the body is known already."""
        left = representation.NOT_IN_304
        return [one for one in self.headers if one[0].decode() not in left]


class Shelf:
    """The kept answers of one process, by what was asked."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[bytes, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Kept | None:
        """The answer that was kept; whether it still stands is for the caller to ask."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def put(self, key: bytes, answer: Kept) -> None:
        """Keep an answer in place of an older one."""
        with self._lock:
            older = self._answers.pop(key, None)
            self._size += len(answer.body) - (len(older.body) if older else 0)
            self._answers[key] = answer
            while self._size > self._most:
                _, gone = self._answers.popitem(last=False)
                self._size -= len(gone.body)


def key_of(scope: Scope) -> bytes:
    """What was asked, and by what credential, as a hash: no secret is kept."""
    heard = [one for one in scope["headers"] if one[0] in HEARD]
    asked = repr((scope["path"], scope["query_string"], heard))
    return hashlib.blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def who(person: access.Person) -> tuple[Any, ...]:
    """All of a person that an answer depends on besides the register's content."""
    return (
        person.actor, person.role, person.school_id, person.staff_id, person.scope, person.level,
    )  # fmt: skip


def keeping(
    request: Request, person: access.Person, make: Callable[[], tuple[Response, Reading]]
) -> Response:
    """The answer to a request that reads children, kept to be given again.

    Parameters
    ----------
    make : function
        Makes the answer, and says what of it the audit is told.
    """
    state = request.app.state
    with state.register.engine.connect() as connection:
        version = changes.number(connection)
        # What is seen for some hours only ends without a change.
        passes = access.sees_for_hours(connection, person)
    today = recording.now(request).today
    answer, reading = make()
    action, entity, entity_id, detail = reading
    if answer.status_code == 200 and not passes:
        made = Kept(
            version, today, request.state.credential, who(person), request.scope.get("route"),
            bytes(answer.body), answer.raw_headers,
            (action, entity, entity_id, audit_log.canonical(detail)),
        )  # fmt: skip
        state.shelf.put(key_of(request.scope), made)
    recording.read(request, person, action, entity=entity, entity_id=entity_id, detail=detail)
    return answer
