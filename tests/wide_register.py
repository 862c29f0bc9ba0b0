"""A register of many schools in PostgreSQL, made by the database itself in seconds.

Schools of 500 students in ten classes, each student a family of its own; one published list a
school with every family ranked and the first 60 listed; for each family a telephone call, a visit
and a row of the audit.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, text

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import VisitList
from service_world import draft

SCHOOL, CLASS = 500, 50
LISTED = 60
AT = datetime(2026, 10, 2, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
QUARTER, STARTS = "2026-27-Q2", date(2026, 10, 1)

_SCHOOL = "'S' || lpad((n / :school)::text, 5, '0')"
_CLASS = f"{_SCHOOL} || '/2026-27/VII-' || chr((65 + n % :school / :class)::int)"
_REASONS = (
    '[{"code": "absent_days", "domain": "attendance", "as_of": "2026-10-01", '
    '"numbers": {"absent": 9, "days": 20, "since": "2026-09-01"}}]'
)
_EACH = "from generate_series(0, :size - 1) n"
_BEFORE = (
    f"insert into school (school_id, name) select {_SCHOOL}, 'SMP ' || n / :school {_EACH} "
    "where n % :school = 0",
    "insert into staff (staff_id, school_id, local_id, name, max_visits) "
    f"select md5('t' || n / :class), {_SCHOOL}, 'G' || n % :school / :class, 'Guru', 6 {_EACH} "
    "where n % :class = 0",
    "insert into class_group (class_id, school_id, school_year, name, grade_level, "
    f"homeroom_staff_id) select {_CLASS}, {_SCHOOL}, '2026-27', "
    f"'VII-' || chr((65 + n % :school / :class)::int), 7, md5('t' || n / :class) {_EACH} "
    "where n % :class = 0",
    "insert into household (household_id, school_id, local_key, do_not_visit) "
    f"select md5('h' || n), {_SCHOOL}, 'K' || n, false {_EACH}",
    "insert into student (student_id, school_id, local_id, full_name, household_id, class_id) "
    f"select md5('s' || n), {_SCHOOL}, n::text, 'Anak ' || n, md5('h' || n), {_CLASS} {_EACH}",
)
_AFTER = (
    "insert into visit_list_item (item_id, visit_list_id, household_key, household_id, "
    "lead_staff_id, class_id, position, track, band) "
    "select md5('i' || n), md5('l' || n / :school), "
    f"md5('h' || n), md5('h' || n), md5('t' || n / :class), {_CLASS}, "
    "case when n % :school < :listed then n % :school + 1 end, 'concern', 'visit_first' " + _EACH,
    "insert into item_place (item_id, rank, others_told) "
    f"select md5('i' || n), n % :school + 1, '[]' {_EACH}",
    "insert into visit_list_student (item_id, student_id, class_id, reasons, completeness) "
    f"select md5('i' || n), md5('s' || n), {_CLASS}, '{_REASONS.replace(':', chr(92) + ':')}', "
    f'\'{{"available"\\: 2, "of"\\: 3}}\' {_EACH}',
    "insert into contact_attempt (attempt_id, school_id, household_key, student_id, channel, at, "
    f"result, made_by, entered_at, content_sha256) select md5('a' || n), {_SCHOOL}, md5('h' || n), "
    f"md5('s' || n), 'whatsapp', :at, 'agreed', 'terminal', :at, md5('') || md5('') {_EACH}",
    "insert into visit (visit_id, school_id, household_key, item_id, status, day, track, "
    "lead_staff_id, met, purposes, causes, observations, danger, revision, entered_at, entered_by, "
    f"changed_at, changed_by, content_sha256) select md5('v' || n), {_SCHOOL}, md5('h' || n), "
    "md5('i' || n), 'done', :day, 'concern', md5('t' || n / :class), '[]', '[]', '[]', '{}', "
    f"false, 1, :at, 'terminal', :at, 'terminal', md5('') || md5('') {_EACH}",
    f"insert into visit_student (visit_id, student_id) select md5('v' || n), md5('s' || n) {_EACH}",
    "insert into audit_event (position, at, actor, action, entity, entity_id, detail, sha256) "
    "select n + 1, :at, md5('u' || n % 1000), 'student.read', 'student', md5('s' || n), '{}', "
    f"md5('') || md5('') {_EACH}",
    "analyze",
)


def fill(register: Register, size: int) -> None:
    """Put so many families into an empty register; a multiple of `SCHOOL`."""
    numbers: dict[str, Any] = {
        "size": size, "school": SCHOOL, "class": CLASS, "listed": LISTED, "at": AT, "day": STARTS,
    }  # fmt: skip
    made = draft(QUARTER, STARTS, 9)
    with register.session(writing=True) as session:
        for statement in _BEFORE:
            session.execute(text(statement), _of(statement, numbers))
        lists = [
            {
                "visit_list_id": list_id(n), "school_id": school_id(n), "quarter": QUARTER,
                "revision": 1, "status": "published", "as_of_date": STARTS, "made_at": AT,
                "made_by": "terminal", "published_at": AT, "published_by": "terminal",
                "snapshot_id": "0" * 64, "seed": 1, "header": made.header, "frozen": b"{}",
                "frozen_sha256": "0" * 64,
            }
            for n in range(size // SCHOOL)
        ]  # fmt: skip
        session.execute(insert(VisitList), lists)
        for statement in _AFTER:
            session.execute(text(statement), _of(statement, numbers))
        session.commit()


def _of(statement: str, numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in numbers.items() if f":{name}" in statement}


def school_id(n: int) -> str:
    return f"S{n:05d}"


def _md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def list_id(school: int) -> str:
    return _md5(f"l{school}")


def student_id(n: int) -> str:
    return _md5(f"s{n}")


def staff_id(student: int) -> str:
    """Who teaches the class of the n-th student."""
    return _md5(f"t{student // CLASS}")
