"""Who left so long ago that nothing about them is kept any more, and what else has expired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from earlywarning.calendar import NEVER, SchoolCalendar, day_date
from earlywarning.io.register.models import ClassGroup, Student
from earlywarning.io.register.rights_tables import Export
from earlywarning.io.register.schema import Base
from earlywarning.records.rights import leaves_on
from earlywarning_pipelines import erasing
from earlywarning_pipelines.erasing import Erased
from earlywarning_pipelines.home import Home

GRADUATION_MONTHS = 12
"""Kept for so long after the last day at school, unless told otherwise."""

EXPORT_LOG_YEARS = 5
"""How long it stays on record that something was exported; the file goes after a day."""


@dataclass(frozen=True, slots=True)
class Due:
    """What has expired.

    Attributes
    ----------
    students : list of str
        Student ids, sorted.
    unknown : int
        Students of whom no last day is known; they stay, and a person must look at them.
    exports : int
        Files that wait to be fetched no longer.
    """

    students: list[str]
    unknown: int
    exports: int


def due(home: Home, *, today: date, at: datetime, months: int = GRADUATION_MONTHS) -> Due:
    """What has expired by a day; changes nothing."""
    last_days = _last_days(home)
    calendar = home.district.calendar
    with home.register.session() as session:
        query = select(Student.student_id, ClassGroup.school_year).outerjoin(
            ClassGroup, ClassGroup.class_id == Student.class_id
        )
        exports = session.scalar(
            select(func.count()).where(Export.content.is_not(None), Export.expires_at <= at)
        )
        people = list(session.execute(query))
    students, unknown = [], 0
    for student_id, school_year in people:
        last = last_days.get(student_id) or _end_of(school_year, calendar)
        if last is None:
            unknown += 1
        elif leaves_on(last, months=months) < today:
            students.append(student_id)
    return Due(sorted(students), unknown, exports or 0)


def run(home: Home, found: Due, *, by: str, at: datetime) -> Erased:
    """Erase who is due, empty what has expired, and let the database's files forget it."""
    with home.register.session(writing=True) as session:
        _expire(session, at)
        session.commit()
    if found.students:
        return erasing.run(home, found.students, by=by, at=at)
    return Erased(0, {}, [], [], erasing.forget(home.register))


def _expire(session: Session, at: datetime) -> None:
    session.execute(
        update(Export).where(Export.expires_at <= at).values(content=None, pseudonym_key=None)
    )
    session.execute(
        delete(Export).where(Export.made_at < at - timedelta(days=365 * EXPORT_LOG_YEARS))
    )
    answers = Base.metadata.tables["idempotency_key"]
    session.execute(delete(answers).where(answers.c.made_at < at - timedelta(days=1)))


def _last_days(home: Home) -> dict[str, date]:
    """The last day in a class, of everybody who left every class; from the facts."""
    rows = home.store.read(home.register.current_snapshot(), "enrollment")
    current = rows.filter(pl.col("superseded_day") == NEVER)
    last = current.group_by("student_id").agg(pl.col("exit_day").max())
    return {
        student_id: day_date(exit_day - 1)
        for student_id, exit_day in last.iter_rows()
        if exit_day < NEVER
    }


def _end_of(school_year: str | None, calendar: SchoolCalendar) -> date | None:
    """The last day of a school year, for a student whose records name no exit."""
    if school_year is None:
        return None
    last = len(calendar.quarter_starts)
    return calendar.quarter(f"{school_year}-Q{last}").end - timedelta(days=1)
