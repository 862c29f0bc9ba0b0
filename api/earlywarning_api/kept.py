"""Answers given again while nothing has changed: a list is read far more often than written.

An answer is kept with the number of the register's changes before it was made, and given again
only to the same person, the same day, while that number stands. Who may see what is part of the
content: a changed role, a new class, an erased child move the number on. Each reading is audited
all the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from earlywarning.io.register import changes
from earlywarning_api import access, recording, representation
from earlywarning_api.pages.rendering import LANGUAGE_COOKIE

MOST_BYTES = 64_000_000
"""Of all answers together; the ones not asked for longest go first."""

Reading = tuple[str, str, str, dict[str, Any]]
"""Of what was read: action, entity, id and detail, for the audit."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer."""

    version: int
    body: bytes
    headers: dict[str, str]
    reading: Reading


class Shelf:
    """The kept answers of one process."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: int) -> Kept | None:
        """The answer, if it was made of what still stands."""
        with self._lock:
            found = self._answers.get(key)
            if found is None or found.version != version:
                return None
            self._answers.move_to_end(key)
            return found

    def put(self, key: Hashable, answer: Kept) -> None:
        """Keep an answer in place of an older one."""
        with self._lock:
            older = self._answers.pop(key, None)
            self._size += len(answer.body) - (len(older.body) if older else 0)
            self._answers[key] = answer
            while self._size > self._most:
                _, gone = self._answers.popitem(last=False)
                self._size -= len(gone.body)


def again(
    request: Request, person: access.Person, make: Callable[[], tuple[Response, Reading]]
) -> Response:
    """The answer to a request that reads children, made anew only if it must be.

    Parameters
    ----------
    make : function
        Makes the answer, and says what of it the audit is told.
    """
    state = request.app.state
    with state.register.engine.connect() as connection:
        version = changes.number(connection)
        # What is seen for some hours only ends without a change.
        key = None if access.sees_for_hours(connection, person) else _key(request, person)
    found = state.shelf.get(key, version) if key is not None else None
    if found is None:
        answer, reading = make()
        found = Kept(version, bytes(answer.body), dict(answer.headers), reading)
        if key is not None and answer.status_code == 200:
            state.shelf.put(key, found)
    else:
        answer = representation.unless_known(request, found.body, found.headers)
    action, entity, entity_id, detail = found.reading
    recording.read(request, person, action, entity=entity, entity_id=entity_id, detail=detail)
    return answer


def _key(request: Request, person: access.Person) -> Hashable:
    """All that an answer depends on besides the register's content."""
    heard = request.headers
    return (
        request.url.path, request.url.query, heard.get("accept"), heard.get("accept-encoding"),
        heard.get("accept-language"), request.cookies.get(LANGUAGE_COOKIE),
        recording.now(request).today, person.actor, person.role, person.school_id,
        person.staff_id, person.scope,
    )  # fmt: skip
