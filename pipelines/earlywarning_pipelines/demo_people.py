"""Invented users of every role for the demo's first school, who enter by the doors of `serve`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from earlywarning.io.register import accounts
from earlywarning.io.register.accounts import NewUser
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import Staff, VisitListItem

NAMES = {
    "admin": "Endang (admin)",
    "coordinator": "Ratna (koordinator)",
    "counsellor": "Wati (BK)",
    "principal": "Hendra (kepala sekolah)",
    "data_staff": "Dimas (data)",
    "researcher": "Laras (peneliti)",
}
NOWHERE = ("admin", "data_staff", "researcher")
"""Roles that belong to no school."""


def make(register: Register, *, school_id: str, at: datetime) -> int:
    """Make them; returns how many. Nobody of them has a password.

    Parameters
    ----------
    school_id : str
        Whose coordinator, principal, counsellor and homeroom teacher they are.
    """
    people = [
        NewUser(role, name, role, None if role in NOWHERE else school_id)
        for role, name in NAMES.items()
    ]
    teacher = _teacher(register, school_id)
    if teacher is not None:
        number, name = teacher
        people.append(NewUser("homeroom_teacher", name, "homeroom_teacher", school_id, number))
    for one in people:
        accounts.invite(register, one, by="terminal", at=at)
    return len(people)


def _teacher(register: Register, school_id: str) -> tuple[str, str] | None:
    """Number and name of the teacher with most families on a list."""
    query = (
        select(Staff.local_id, Staff.name)
        .join(VisitListItem, VisitListItem.lead_staff_id == Staff.staff_id)
        .where(Staff.school_id == school_id, VisitListItem.position.is_not(None))
        .group_by(Staff.staff_id, Staff.local_id, Staff.name)
        .order_by(func.count().desc(), Staff.local_id)
        .limit(1)
    )
    with register.session() as session:
        row = session.execute(query).one_or_none()
    return None if row is None else (row.local_id, row.name)
