"""All that is kept about one person, for them to read: law 27 of 2022, articles 32 and 33.

Tables are found by their description, so that a new one is not forgotten. What would give away
others stays out: brothers' and sisters' rows, whole lists, the names of staff. A counsellor's note
is only counted: whether it endangers somebody is for a person to judge.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.register import audit_log
from earlywarning.io.register.models import Household, Student
from earlywarning.io.register.schema import Base

LEFT_OUT = frozenset({"export", "emergency_access", "student"})
"""Tables about what others did; the audit has it."""

_INTERNAL = frozenset({"content_sha256", "basis", "pseudonym_key", "content"})


def register_copy(session: Session, student_id: str) -> dict[str, Any]:
    """What the register keeps about a student and the household, as JSON values.

    Raises
    ------
    NotFound
        If there is no such student.
    """
    student = session.get(Student, student_id)
    if student is None:
        raise NotFound(f"there is no student {student_id!r} in the register")
    found: dict[str, Any] = {"student": [_row(student)]}
    if student.household_id:
        found["household"] = [_row(session.get_one(Household, student.household_id))]
    key = student.household_id or f"student-{student_id}"
    for table in Base.metadata.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        if "student_id" in table.c:
            where = table.c.student_id == student_id
        elif "household_key" in table.c:
            where = table.c.household_key == key
        else:
            continue
        columns = [
            column
            for column in table.c
            if column.name not in _INTERNAL and not isinstance(column.type, LargeBinary)
        ]
        rows = [_values(row) for row in session.execute(select(*columns).where(where)).mappings()]
        if rows:
            found[table.name] = rows
    visits = [row["visit_id"] for row in found.get("visit", [])]
    notes = Base.metadata.tables["visit_note"]
    kept_back = session.execute(select(notes.c.visit_id).where(notes.c.visit_id.in_(visits))).all()
    found["notes_for_the_counsellor"] = len(kept_back)
    found["read_by"] = [
        {"at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action}
        for entry in audit_log.search(session, entity_id=student_id, limit=100_000)
    ]
    return found


def _row(found: Base) -> dict[str, Any]:
    return _values({column.key: getattr(found, column.key) for column in found.__table__.columns})


def _values(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): json_value(value) for name, value in row.items()}


def json_value(value: Any) -> Any:
    """A value of a table as JSON has it."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def readable(document: Mapping[str, Any]) -> str:
    """The same for a person to read: one heading a table, one line a value."""
    lines: list[str] = []
    for name, rows in document.items():
        title = name.replace("_", " ").capitalize()
        if not isinstance(rows, list):
            lines.append(f"{title}: {rows}")
            continue
        lines += ["", f"{title} ({len(rows)})", "-" * (len(title) + len(str(len(rows))) + 3)]
        for number, row in enumerate(rows, 1):
            shown = {key: value for key, value in row.items() if value not in (None, "", [], {})}
            if number > 1:
                lines.append("")
            lines += [f"  {key.replace('_', ' ')}: {value}" for key, value in shown.items()]
    return "\n".join(lines).strip() + "\n"
