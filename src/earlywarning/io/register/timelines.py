"""Students' years, kept beside the lists so that a page needs no facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import Student
from earlywarning.io.register.page_tables import StudentTimeline

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Timeline:
    """One student's year.

    Attributes
    ----------
    as_of_date : date
        The first day that it does not show.
    content : dict
        See `visits.timeline.timelines`.
    """

    as_of_date: date
    content: Mapping[str, Any]


def save(
    register: Register,
    groups: Iterable[Mapping[str, Mapping[str, Any]]],
    *,
    snapshot_id: str,
    as_of_date: date,
) -> int:
    """Replace all timelines by those of the newest list; returns how many.

    A list of an older quarter, drafted late, replaces nothing.

    Parameters
    ----------
    groups : iterable of mapping of student id to content
        Each student once. All are saved in one transaction, one group in memory at a time; the
        first is made before the transaction begins.
    """
    left = iter(groups)
    first = next(left, {})
    count = 0
    with register.session(writing=True) as session:
        newest = session.scalar(
            select(StudentTimeline.as_of_date).order_by(StudentTimeline.as_of_date.desc()).limit(1)
        )
        if newest is not None and newest > as_of_date:
            return 0
        session.execute(delete(StudentTimeline))
        known = set(session.scalars(select(Student.student_id)))
        for content in chain((first,), left):
            rows = [
                {
                    "student_id": student_id,
                    "snapshot_id": snapshot_id,
                    "as_of_date": as_of_date,
                    "content": dict(one),
                }
                for student_id, one in sorted(content.items())
                if student_id in known
            ]
            for start in range(0, len(rows), _AT_ONCE):
                session.execute(insert(StudentTimeline), rows[start : start + _AT_ONCE])
            count += len(rows)
        session.commit()
    return count


def of_student(session: Session, student_id: str) -> Timeline | None:
    """One student's year; None before the first list. Ask `list_views.person` first."""
    query = select(StudentTimeline.as_of_date, StudentTimeline.content).where(
        StudentTimeline.student_id == student_id
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Timeline(*row)
