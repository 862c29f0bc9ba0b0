"""Recorded visits, as far as the caller may see the families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.register.families import Students
from earlywarning.io.register.visit_tables import Visit, VisitNote, VisitStudent


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A recorded visit; `has_note` says that a restricted note exists, nothing more.

    Attributes
    ----------
    student_ids : tuple of str
        The children whom the caller may see.
    """

    visit_id: str
    school_id: str
    household_key: str
    item_id: str | None
    status: str
    day: date
    track: str
    lead_staff_id: str | None
    companion_staff_id: str | None
    met: Sequence[str]
    purposes: Sequence[str]
    causes: Sequence[str]
    observations: Mapping[str, str]
    agreement: str | None
    family_requests: str | None
    danger: bool
    revision: int
    entered_at: datetime
    entered_by: str
    changed_at: datetime
    changed_by: str
    has_note: bool
    student_ids: tuple[str, ...] = ()


_COLUMNS = tuple(getattr(Visit, name) for name in VisitRow.__slots__[:-2])


def rows(
    session: Session,
    visible: Students,
    *,
    visit_id: str | None = None,
    student_id: str | None = None,
    household_keys: Sequence[str] | None = None,
    status: str | None = None,
    since: date | None = None,
    before: date | None = None,
    after: tuple[date, str] | None = None,
    limit: int | None = None,
) -> list[VisitRow]:
    """Visits to families of visible children, newest first.

    Parameters
    ----------
    student_id, household_keys, status, since, before
        Only these: of one child, of some families, with one status, from a day, before a day.
    after : (day, visit_id), optional
        The last visit already read.
    """
    seen = visible.subquery()
    child = (
        select(VisitStudent.student_id)
        .join(seen, seen.c[0] == VisitStudent.student_id)
        .where(VisitStudent.visit_id == Visit.visit_id)
    )
    if student_id is not None:
        child = child.where(VisitStudent.student_id == student_id)
    note = exists().where(VisitNote.visit_id == Visit.visit_id)
    query = (
        select(*_COLUMNS, note)
        .where(child.exists())
        .order_by(Visit.day.desc(), Visit.visit_id.desc())
    )
    if visit_id is not None:
        query = query.where(Visit.visit_id == visit_id)
    if household_keys is not None:
        query = query.where(Visit.household_key.in_(household_keys))
    if status is not None:
        query = query.where(Visit.status == status)
    if since is not None:
        query = query.where(Visit.day >= since)
    if before is not None:
        query = query.where(Visit.day < before)
    if after is not None:
        day, last = after
        query = query.where((Visit.day < day) | ((Visit.day == day) & (Visit.visit_id < last)))
    if limit is not None:
        query = query.limit(limit)
    found = [tuple(row) for row in session.execute(query)]
    children: dict[str, list[str]] = {}
    for visit, child_id in session.execute(
        select(VisitStudent.visit_id, VisitStudent.student_id)
        .join(seen, seen.c[0] == VisitStudent.student_id)
        .where(VisitStudent.visit_id.in_([row[0] for row in found]))
        .order_by(VisitStudent.student_id)
    ):
        children.setdefault(visit, []).append(child_id)
    return [VisitRow(*row, student_ids=tuple(children.get(row[0], ()))) for row in found]


def one(session: Session, visible: Students, visit_id: str) -> VisitRow:
    """One visit.

    Raises
    ------
    NotFound
        If there is none, or the caller may see no child of the family.
    """
    found = rows(session, visible, visit_id=visit_id)
    if not found:
        raise NotFound("there is no such visit, or not for you")
    return found[0]


def restricted_note(session: Session, visible: Students, visit_id: str) -> VisitNote:
    """The note of a visit, for those who may read it; the caller asks whether they may.

    Raises
    ------
    NotFound
        If there is no such visit, or no note.
    """
    one(session, visible, visit_id)
    found = session.get(VisitNote, visit_id)
    if found is None:
        raise NotFound("this visit has no restricted note")
    return found


def counts(session: Session, school_id: str, *, start: date, end: date) -> dict[str, int]:
    """Visits of a school by status, from `start` on, before `end`."""
    query = (
        select(Visit.status, func.count())
        .where(Visit.school_id == school_id, Visit.day >= start, Visit.day < end)
        .group_by(Visit.status)
    )
    return {row[0]: row[1] for row in session.execute(query)}
