"""Whether the audit is whole: edited, deleted, inserted, reordered, replaced, cut off are found.

Each row's hash covers the one before, so nothing inside can change unseen. The end is checked
against heads that were copied aside. Published lists must be those whose hashes the chain has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import audit_log
from earlywarning.io.register.audit_head import Head
from earlywarning.io.register.audit_log import Entry
from earlywarning.io.register.lists import PUBLICATION, PUBLISHED
from earlywarning.io.register.models import VisitList
from earlywarning.visits.frozen import digest

MOST_FAULTS = 20
"""After so many the rest of the chain says nothing new."""


@dataclass
class Checked:
    """What was found.

    Attributes
    ----------
    rows : int
    head : Head or None
        The newest row; None while there is none.
    published : int
        Lists compared with the chain.
    older : int
        Published lists from before the audit was kept; nothing vouches for them.
    faults : list of str
        Empty if all is whole.
    """

    rows: int = 0
    head: Head | None = None
    published: int = 0
    older: int = 0
    faults: list[str] = field(default_factory=list)


def verify(session: Session, heads: Sequence[tuple[str, Head]]) -> Checked:
    """Check the whole chain, its end, and the published lists.

    Parameters
    ----------
    heads : sequence of (str, Head)
        Heads copied aside, and where each comes from.
    """
    found = Checked()
    wanted: dict[int, list[tuple[str, str]]] = {}
    for where, head in heads:
        wanted.setdefault(head.position, []).append((where, head.sha256))
    lists = _lists(session)  # before the chain: one published meanwhile is then in the chain
    published: dict[str, str] = {}
    first: datetime | None = None
    before = audit_log.GENESIS
    for entry in audit_log.entries(session):
        first = first or entry.at
        found.rows += 1
        fault = _fault(entry, found.rows, before)
        if fault is None:
            for where, sha256 in wanted.pop(entry.position, []):
                if sha256 != entry.sha256:
                    fault = f"row {entry.position} is not the one that {where} has: replaced"
        if fault is not None:
            found.faults.append(fault)
            if len(found.faults) == MOST_FAULTS:
                return found
        before, found.rows = entry.sha256, entry.position
        found.head = Head(entry.position, entry.sha256)
        if entry.action == PUBLICATION:
            published[entry.entity_id] = json.loads(entry.detail)["frozen_sha256"]
    for position, missing in sorted(wanted.items()):
        found.faults += [
            f"the chain ends at row {found.rows}, but {where} knows row {position}: the end was "
            "cut off"
            for where, _ in missing
        ]
    _compare(session, lists, published, first, found)
    return found


def _fault(entry: Entry, place: int, before: str) -> str | None:
    """What is wrong with one row, if anything."""
    if entry.position != place:
        return (
            f"row {place} is missing, row {entry.position} comes in its place: deleted, inserted "
            "or moved"
        )
    if entry.sha256 != audit_log.hashed(entry, before):
        return f"row {place} does not fit its hash and the row before: changed, inserted or moved"
    return None


@dataclass(frozen=True, slots=True)
class _List:
    """A published list: when, its recorded hash, and that of its bytes."""

    at: datetime | None
    sha256: str
    found: str


def _lists(session: Session) -> dict[str, _List]:
    query = select(
        VisitList.visit_list_id, VisitList.published_at, VisitList.frozen_sha256, VisitList.frozen
    ).where(VisitList.status == PUBLISHED)
    return {
        id_: _List(at, sha256, digest(frozen))
        for id_, at, sha256, frozen in session.execute(query, execution_options={"yield_per": 20})
    }


def _compare(
    session: Session,
    lists: dict[str, _List],
    published: dict[str, str],
    first: datetime | None,
    found: Checked,
) -> None:
    """Compare the published lists with what the chain says was published."""
    for id_, one in sorted(lists.items()):
        if id_ in published:
            found.published += 1
            if not published[id_] == one.sha256 == one.found:
                found.faults.append(f"list {id_} is not the one that was published: it was changed")
        elif first is None or (one.at is not None and one.at < first):
            found.older += 1
        else:
            found.faults.append(f"list {id_} is published, but the audit knows nothing of it")
    there = set(session.scalars(select(VisitList.visit_list_id)))
    found.faults += [
        f"list {id_} was published and is not in the register any more"
        for id_ in sorted(set(published) - there)
    ]
