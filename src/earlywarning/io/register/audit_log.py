"""The audit: who did or read what, as a chain of rows in which each covers the one before.

Rows are only added. They hold random ids and codes, so that erasing a person needs no change here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, event, insert, select, text
from sqlalchemy.orm import Session, SessionTransaction

from earlywarning.io.register import audit_head
from earlywarning.io.register.audit_head import Head
from earlywarning.io.register.models import Base
from earlywarning.io.register.rights_tables import AuditEvent

log = logging.getLogger(__name__)

GENESIS = "0" * 64
"""What the first row has for the hash of the one before."""

TERMINAL = "terminal"
"""Who acts at the command line: names of people are not kept here."""

JOB = "job"
"""What the program does by itself."""

_ID = re.compile(r"^(?:[a-z_]{1,16}:)?[0-9a-f]{32}$")
_LOCK = 7_310_926_452
"""PostgreSQL's advisory lock around the end of the chain; SQLite has one writer anyway."""

_PENDING = "audit_pending"
_HEAD = "audit_new_head"
HEAD_FILE = "audit_head_file"
"""Under which a session's `info` has the file for the head; `Register.session` sets it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes
    ----------
    actor : str
        A user's or token's id, `terminal` or `job`.
    action : str
        A code: `student.read`, `visit_list.published`.
    entity, entity_id : str
        What it was done to: a table's name and a random id.
    detail : dict or str
        Codes, numbers and random ids; a text is their `canonical` JSON.
    at : datetime
        UTC without zone.
    """

    actor: str
    action: str
    entity: str
    entity_id: str
    detail: dict[str, Any] | str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place."""

    position: int
    at: datetime
    actor: str
    action: str
    entity: str
    entity_id: str
    detail: str
    sha256: str


COLUMNS = tuple(getattr(AuditEvent, name) for name in Entry.__slots__)

# Put together once: every reading of a child asks them.
_NEWEST = (
    select(AuditEvent.position, AuditEvent.sha256).order_by(AuditEvent.position.desc()).limit(1)
)
_ADD = insert(Base.metadata.tables[AuditEvent.__tablename__])
_HOLD = text("SELECT pg_advisory_xact_lock(:key)")


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    entity: str,
    entity_id: str,
    detail: Mapping[str, Any] | None = None,
    at: datetime,
) -> None:
    """Add a row in the session's transaction; it is there when the session is committed.

    The row is written last, just before the commit: the end of the chain is then held as briefly
    as can be, and after every other lock, so that two writers never wait for each other.

    Parameters
    ----------
    session : Session
        Opened with `writing=True`.
    actor : str
        An id; a name typed at the command line is kept as `terminal`.
    detail : mapping, optional
        Codes, numbers and random ids; never a name or anybody's words.
    at : datetime
        Now, in UTC without zone.
    """
    if not session.get_bind().get_execution_options().get("register_writes"):
        raise ValueError("the audit needs a session that was opened with writing=True")
    add(session, Event(named(actor), action, entity, entity_id, dict(detail or {}), at))


def named(actor: str) -> str:
    """The actor as the audit keeps it: an id or a code, never a person's name."""
    return actor if actor in (TERMINAL, JOB) or _ID.match(actor) else TERMINAL


def add(session: Session, happened: Event) -> None:
    """Let the session write an event at its commit."""
    if _PENDING not in session.info:
        session.info[_PENDING] = []
        event.listen(session, "before_commit", _append)
        event.listen(session, "after_commit", _copy_head)
        event.listen(session, "after_soft_rollback", _forget)
    session.connection()  # begins the transaction that the event belongs to
    inner = session.get_nested_transaction() or session.get_transaction()
    session.info[_PENDING].append((inner, happened))


def _append(session: Session) -> None:
    """Write what waits at the end of the chain, which stays locked until the commit."""
    pending = session.info[_PENDING]
    if not pending:
        return
    session.flush()
    session.info[_HEAD] = write(session.connection(), [happened for _, happened in pending])
    pending.clear()


def write(connection: Connection, events: Sequence[Event]) -> Head:
    """Add rows at the end of the chain, which stays locked until the caller commits.

    Parameters
    ----------
    connection : Connection
        In a transaction that writes.
    events : sequence of Event
        At least one.

    Returns
    -------
    Head
        The new one, for `copy_head` after the commit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_HOLD, {"key": _LOCK})
    last = newest(connection)
    rows = []
    for happened in events:
        entry = following(last, happened)
        rows.append(dict(zip(Entry.__slots__, _values(entry), strict=True)))
        last = Head(entry.position, entry.sha256)
    connection.execute(_ADD, rows)
    assert last is not None  # noqa: S101 - there was an event
    return last


def _copy_head(session: Session) -> None:
    head = session.info.pop(_HEAD, None)
    if head is not None:
        copy_head(head, session.info.get(HEAD_FILE))


def copy_head(head: Head, path: Path | None) -> None:
    """Copy the head of what was committed to a file, if there is one."""
    if path is None:
        return
    try:
        audit_head.advance(path, head)
    except OSError as error:  # what was committed stays; the next commit copies the head again
        log.warning("the head of the audit was not copied to %s: %s", path, error.strerror)


def _forget(session: Session, ended: SessionTransaction) -> None:
    """What is rolled back did not happen; what an outer transaction did still may."""
    pending = session.info[_PENDING]
    pending[:] = [one for one in pending if ended.nested and one[0] is not ended]
    session.info.pop(_HEAD, None)


def following(last: Head | None, happened: Event) -> Entry:
    """The row that comes after the newest one."""
    at = happened.at
    if at.tzinfo is not None:
        at = at.astimezone(UTC).replace(tzinfo=None)
    detail = happened.detail if isinstance(happened.detail, str) else canonical(happened.detail)
    position = last.position + 1 if last else 1
    values = (
        position, at, happened.actor, happened.action, happened.entity, happened.entity_id, detail,
    )  # fmt: skip
    return Entry(*values, _hashed(values, last.sha256 if last else GENESIS))


def canonical(detail: Mapping[str, Any]) -> str:
    """An event's detail as the register keeps it: one JSON text for one content."""
    return json.dumps(
        detail, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


_values = attrgetter(*Entry.__slots__)


def hashed(entry: Entry, previous: str) -> str:
    """SHA-256 of a row and of the hash before it, in hexadecimal."""
    return _hashed(_values(entry)[:-1], previous)


def _hashed(values: tuple[Any, ...], previous: str) -> str:
    position, at, *rest = values
    text_ = json.dumps([previous, position, at.isoformat(), *rest], ensure_ascii=False)
    return hashlib.sha256(text_.encode("utf-8", "surrogatepass")).hexdigest()


def newest(connection: Connection | Session) -> Head | None:
    """The head of the chain; None while it is empty."""
    row = connection.execute(_NEWEST).one_or_none()
    return None if row is None else Head(*row)


def entries(session: Session) -> Iterator[Entry]:
    """The whole chain, oldest first, without holding it in memory."""
    query = select(*COLUMNS).order_by(AuditEvent.position)
    for row in session.execute(query, execution_options={"yield_per": 2000}):
        yield Entry(*row)


def search(
    session: Session,
    *,
    actor: str | None = None,
    action: str | None = None,
    entity: str | None = None,
    entity_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Rows that fit, newest first.

    Parameters
    ----------
    action : str, optional
        A whole code, or its first part: `student` finds `student.read`.
    entity_id : str, optional
        An id; rows that read many children at once are found by each of them.
    since, until : datetime, optional
        From the first, and before the second; UTC without zone.
    before : int, optional
        Only rows with a lower position: the next page.
    """
    query: Select[*tuple[Any, ...]] = select(*COLUMNS)
    if actor is not None:
        query = query.where(AuditEvent.actor == actor)
    if action is not None:
        query = query.where(
            (AuditEvent.action == action)
            | AuditEvent.action.startswith(f"{action}.", autoescape=True)
        )
    if entity is not None:
        query = query.where(AuditEvent.entity == entity)
    if entity_id is not None:
        named_in = AuditEvent.detail.contains(f'"{entity_id}"', autoescape=True)
        query = query.where((AuditEvent.entity_id == entity_id) | named_in)
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if until is not None:
        query = query.where(AuditEvent.at < until)
    if before is not None:
        query = query.where(AuditEvent.position < before)
    query = query.order_by(AuditEvent.position.desc()).limit(limit)
    return [Entry(*row) for row in session.execute(query)]
