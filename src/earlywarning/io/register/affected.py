"""Whom to notify of a breach: children and how to reach their guardians."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.cells import csv_bytes
from earlywarning.io.register import audit_log
from earlywarning.io.register.models import ClassGroup, Guardian, Student

COLUMNS = ("school_id", "class", "student_id", "student", "guardian", "relation", "phone",
           "times_read")  # fmt: skip


def listed(
    session: Session,
    *,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[bytes, int]:
    """A CSV file with a row for each guardian, and the number of students in it.

    Parameters
    ----------
    actor : str, optional
        Only students whose data this account read, exported or changed, by the audit; without it,
        every student.
    since, until : datetime, optional
        When it did; UTC without zone.
    """
    read = None if actor is None else _read_by(session, actor, since, until)
    query = (
        select(Student, ClassGroup.name, Guardian)
        .outerjoin(ClassGroup, ClassGroup.class_id == Student.class_id)
        .outerjoin(Guardian, Guardian.student_id == Student.student_id)
        .order_by(Student.school_id, ClassGroup.name, Student.full_name, Guardian.relation)
    )
    rows, students = [], set()
    for student, class_name, guardian in session.execute(query):
        if read is not None and student.student_id not in read:
            continue
        students.add(student.student_id)
        rows.append(
            (
                student.school_id, class_name, student.student_id, student.full_name,
                guardian.full_name if guardian else None, guardian.relation if guardian else None,
                guardian.phone if guardian else None,
                read[student.student_id] if read is not None else None,
            )
        )  # fmt: skip
    return csv_bytes(COLUMNS, rows), len(students)


def _read_by(
    session: Session, actor: str, since: datetime | None, until: datetime | None
) -> dict[str, int]:
    """How often an account touched each student: rows about one, and rows that name many."""
    found: dict[str, int] = {}
    rows = audit_log.search(session, actor=actor, since=since, until=until, limit=10_000_000)
    for row in rows:
        detail = json.loads(row.detail)
        touched = set(detail.get("students", ()))
        touched |= {detail["student_id"]} if detail.get("student_id") else set()
        touched |= {row.entity_id} if row.entity == "student" else set()
        for student_id in touched:
            found[student_id] = found.get(student_id, 0) + 1
    return found
