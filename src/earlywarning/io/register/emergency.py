"""Emergency access: one child or one class beyond one's own, for a reason, for three hours.

Each grant is in the audit, and so is every reading under it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from earlywarning.errors import NotFound
from earlywarning.io.register import audit_log
from earlywarning.io.register.access_tables import EmergencyAccess
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, Student

LASTS = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Grant:
    """One access and why it was taken."""

    access_id: str
    user_id: str
    student_id: str | None
    class_id: str | None
    reason: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None


COLUMNS = tuple(getattr(EmergencyAccess, name) for name in Grant.__slots__)


def take(
    register: Register,
    *,
    user_id: str,
    school_id: str,
    reason: str,
    at: datetime,
    student_number: str | None = None,
    class_id: str | None = None,
) -> Grant:
    """Take access; it ends by itself.

    Parameters
    ----------
    student_number : str, optional
        The school's own number of a child; either this or a class.
    class_id : str, optional

    Raises
    ------
    NotFound
        If the user's school has no such child or class.
    """
    with register.session(writing=True) as session:
        found = session.execute(_wanted(school_id, student_number, class_id)).one_or_none()
        if found is None:
            raise NotFound("the school has no such student or class; check the number or the name")
        row = EmergencyAccess(
            access_id=uuid.uuid4().hex,
            user_id=user_id,
            school_id=school_id,
            student_id=found.student_id if student_number is not None else None,
            class_id=found.class_id if student_number is None else None,
            reason=reason,
            made_at=at,
            expires_at=at + LASTS,
        )
        session.add(row)
        audit_log.record(
            session, actor=user_id, action="emergency_access.taken", entity="emergency_access",
            entity_id=row.access_id, detail={"student_id": row.student_id}, at=at,
        )  # fmt: skip
        session.commit()
        return Grant(*(getattr(row, name) for name in Grant.__slots__))


def _wanted(
    school_id: str, student_number: str | None, class_id: str | None
) -> Select[*tuple[Any, ...]]:
    if student_number is not None:
        return select(Student.student_id).where(
            Student.school_id == school_id, Student.local_id == student_number
        )
    return select(ClassGroup.class_id).where(
        ClassGroup.school_id == school_id, ClassGroup.class_id == class_id
    )


def valid(user_id: str, *, at: datetime) -> Select[*tuple[Any, ...]]:
    """A query for the accesses that a user has now."""
    return select(*COLUMNS).where(
        EmergencyAccess.user_id == user_id,
        EmergencyAccess.expires_at > at,
        EmergencyAccess.ended_at.is_(None),
    )


def of_user(register: Register, user_id: str) -> list[Grant]:
    """All that a user ever took, newest first."""
    return _rows(register, select(*COLUMNS).where(EmergencyAccess.user_id == user_id))


def of_school(register: Register, school_id: str) -> list[Grant]:
    """All that anybody took in a school, newest first: for those who answer for it."""
    return _rows(register, select(*COLUMNS).where(EmergencyAccess.school_id == school_id))


def _rows(register: Register, query: Select[*tuple[Any, ...]]) -> list[Grant]:
    query = query.order_by(EmergencyAccess.made_at.desc(), EmergencyAccess.access_id)
    with register.session() as session:
        return [Grant(*row) for row in session.execute(query)]


def end(register: Register, access_id: str, *, user_id: str, at: datetime) -> None:
    """Give an access back before its time.

    Raises
    ------
    NotFound
        If this user has no such access that still holds.
    """
    with register.session(writing=True) as session:
        row = session.get(EmergencyAccess, access_id)
        if row is None or row.user_id != user_id or row.ended_at is not None:
            raise NotFound("there is no such access; it may have ended")
        row.ended_at = at
        audit_log.record(
            session, actor=user_id, action="emergency_access.ended", entity="emergency_access",
            entity_id=access_id, at=at,
        )  # fmt: skip
        session.commit()
