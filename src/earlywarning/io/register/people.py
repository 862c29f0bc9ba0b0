"""Save the people of a delivery: schools, staff, classes, households, students, guardians.

Rows are matched by the school's own numbers. A value that a delivery leaves empty keeps what the
register has; nobody is deleted because a file no longer names them.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from earlywarning.io.register.models import (
    Base,
    ClassGroup,
    Guardian,
    Household,
    School,
    Staff,
    Student,
)

IdSource = Callable[[], str]
Row = dict[str, Any]


def random_id() -> str:
    """A new id: 32 hexadecimal digits, unguessable."""
    return uuid.UUID(bytes=secrets.token_bytes(16)).hex


def class_id(school_id: str, school_year: str, class_name: str) -> str:
    """The id of a class group of one school year."""
    return f"{school_id}/{school_year}/{class_name}"


def known_students(session: Session) -> pl.DataFrame:
    """Columns `school_id`, `student` (the school's own number), `student_id`."""
    found = session.execute(select(Student.school_id, Student.local_id, Student.student_id)).all()
    return pl.DataFrame(
        [tuple(row) for row in found],
        schema={"school_id": pl.String, "student": pl.String, "student_id": pl.String},
        orient="row",
    )


def save(
    session: Session, tables: Mapping[str, pl.DataFrame], *, id_source: IdSource = random_id
) -> dict[str, tuple[int, int, int]]:
    """Save every person of a delivery; the caller commits.

    Parameters
    ----------
    tables : mapping of source table to DataFrame
        As `Delivery.frame` gives them; a table may be missing.
    id_source : callable
        Makes the ids of new people.

    Returns
    -------
    dict of table to (added, changed, unchanged)
    """
    rows = {name: frame.to_dicts() for name, frame in tables.items()}
    counts: dict[str, tuple[int, int, int]] = {}
    named = {row["school_id"]: row["name"] for row in rows.get("school", [])}
    seen = {row["school_id"] for table in rows.values() for row in table}
    known = set(session.scalars(select(School.school_id)))
    schools = [
        {"school_id": school, "name": named.get(school, None if school in known else school)}
        for school in sorted(seen)
    ]
    counts["school"] = _save(session, School, ("school_id",), None, schools, id_source)
    counts["staff"] = _save(
        session, Staff, ("school_id", "local_id"), "staff_id",
        [_renamed(row, staff="local_id") for row in rows.get("staff", [])], id_source,
    )  # fmt: skip
    counts["class_group"] = _save(
        session, ClassGroup, ("class_id",), None, _classes(session, rows), id_source
    )
    counts["household"] = _save(
        session, Household, ("school_id", "local_key"), "household_id",
        _households(rows.get("student", [])), id_source,
    )  # fmt: skip
    counts["student"] = _save(
        session, Student, ("school_id", "local_id"), "student_id",
        _students(session, rows), id_source,
    )  # fmt: skip
    counts["guardian"] = _save(
        session, Guardian, ("student_id", "relation"), "guardian_id",
        _guardians(session, rows.get("guardian", [])), id_source,
    )  # fmt: skip
    return counts


def _renamed(row: Row, **names: str) -> Row:
    kept = {key: value for key, value in row.items() if not key.startswith("_")}
    return {names.get(key, key): value for key, value in kept.items()}


def _ids(session: Session, model: type[Base], key: str, value: str) -> dict[tuple[str, str], str]:
    school, local, found = (getattr(model, name) for name in ("school_id", key, value))
    return {(a, b): c for a, b, c in session.execute(select(school, local, found))}


def _classes(session: Session, rows: Mapping[str, list[Row]]) -> list[Row]:
    staff = _ids(session, Staff, "local_id", "staff_id")
    classes: dict[str, Row] = {}
    for row in (*rows.get("enrollment", []), *rows.get("class_group", [])):
        key = class_id(row["school_id"], row["school_year"], row["class_name"])
        found = classes.setdefault(
            key,
            {
                "class_id": key,
                "school_id": row["school_id"],
                "school_year": row["school_year"],
                "name": row["class_name"],
                "grade_level": None,
                "homeroom_staff_id": None,
            },
        )
        found["grade_level"] = row.get("grade_level") or found["grade_level"]
        homeroom = staff.get((row["school_id"], row.get("homeroom_staff") or ""))
        found["homeroom_staff_id"] = homeroom or found["homeroom_staff_id"]
    return list(classes.values())


def _households(students: Iterable[Row]) -> list[Row]:
    households: dict[tuple[str, str], Row] = {}
    for row in students:
        if row["household"]:
            found = households.setdefault(
                (row["school_id"], row["household"]),
                {"school_id": row["school_id"], "local_key": row["household"], "village": None},
            )
            found["village"] = found["village"] or row["village"]
    return list(households.values())


def _students(session: Session, rows: Mapping[str, list[Row]]) -> list[Row]:
    """Students of the list; and the newest class of whoever an enrolment names."""
    households = _ids(session, Household, "local_key", "household_id")
    newest: dict[tuple[str, str], Row] = {}
    for row in rows.get("enrollment", []):
        key = (row["school_id"], row["student"])
        if key not in newest or row["entry_date"] >= newest[key]["entry_date"]:
            newest[key] = row
    students = []
    for row in rows.get("student", []):
        home = households.get((row["school_id"], row["household"] or ""))
        student = _renamed(row, student="local_id") | {"household_id": home}
        student.pop("household")
        student.pop("village")
        students.append(student)
    listed = {(row["school_id"], row["local_id"]): row for row in students}
    known = _ids(session, Student, "local_id", "student_id")
    for key, row in newest.items():
        if key not in listed and key in known:
            listed[key] = {"school_id": key[0], "local_id": key[1]}
            students.append(listed[key])
        if key in listed:
            listed[key]["class_id"] = class_id(
                row["school_id"], row["school_year"], row["class_name"]
            )
    return students


def _guardians(session: Session, rows: Iterable[Row]) -> list[Row]:
    students = _ids(session, Student, "local_id", "student_id")
    guardians = []
    for row in rows:
        guardian = _renamed(row) | {"student_id": students[row["school_id"], row["student"]]}
        guardian.pop("school_id")
        guardian.pop("student")
        guardians.append(guardian)
    return guardians


def _save(
    session: Session,
    model: type[Base],
    key: tuple[str, ...],
    id_column: str | None,
    rows: list[Row],
    id_source: IdSource,
) -> tuple[int, int, int]:
    """Insert what is new, update what differs; empty values change nothing."""
    columns = [column.key for column in model.__table__.columns]
    known = {
        tuple(found[name] for name in key): found
        for found in session.execute(select(*model.__table__.columns)).mappings()
    }
    added: list[Row] = []
    changed: list[Row] = []
    for row in rows:
        found = known.get(tuple(row[name] for name in key))
        if found is None:
            new = {name: row.get(name) for name in columns if name != "do_not_visit"}
            if id_column:
                new[id_column] = id_source()
            added.append(new)
            continue
        now = {name: value for name, value in row.items() if value is not None}
        if any(found[name] != value for name, value in now.items()):
            kept = {column.key: found[column.key] for column in model.__table__.primary_key}
            changed.append({str(name): value for name, value in found.items()} | now | kept)
    if added:
        session.execute(insert(model), added)
    if changed:
        session.execute(update(model), changed)
    return len(added), len(changed), len(rows) - len(added) - len(changed)
