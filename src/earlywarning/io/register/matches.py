"""Whose names a person has settled, so that next month's sheet needs no new answer.

The names are children's names: they belong to the register, and go with the student.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from earlywarning.io.class_joining import CLASSES_SCHEMA
from earlywarning.io.matching import PEOPLE_SCHEMA, REMEMBERED_SCHEMA, Known
from earlywarning.io.register.models import ClassGroup, PersonMatch, Student


def known(session: Session, source: str, answered: Known) -> Known:
    """Everybody on record, and the names of a source that were settled before.

    Parameters
    ----------
    source : str
        Name of the source; what another source calls somebody says nothing here.
    answered : Known
        Whose answers are taken over.
    """
    return Known(
        _frame(
            session,
            select(
                Student.school_id, Student.local_id, Student.national_id, Student.full_name,
                Student.birth_date, ClassGroup.name,
            ).outerjoin(ClassGroup, ClassGroup.class_id == Student.class_id),
            PEOPLE_SCHEMA,
        ),
        _frame(
            session,
            select(
                PersonMatch.school_id, PersonMatch.label, PersonMatch.class_key,
                PersonMatch.birth, Student.local_id,
            )
            .join(Student, Student.student_id == PersonMatch.student_id)
            .where(PersonMatch.source == source, Student.school_id == PersonMatch.school_id),
            REMEMBERED_SCHEMA,
        ),
        answered.answers,
        answered.answers_name,
    )  # fmt: skip


def known_classes(session: Session) -> pl.DataFrame:
    """Every class on record (`class_joining.CLASSES_SCHEMA`), in the order of their ids."""
    query = select(ClassGroup.school_id, ClassGroup.school_year, ClassGroup.name)
    return _frame(session, query.order_by(ClassGroup.class_id), CLASSES_SCHEMA)


def remember(
    session: Session, source: str, confirmed: pl.DataFrame, students: pl.DataFrame, at: datetime
) -> None:
    """Keep what a person answered; a newer answer takes the place of an older one, a no of any.

    Parameters
    ----------
    confirmed : DataFrame
        `matching.REMEMBERED_SCHEMA`.
    students : DataFrame
        `school_id`, `student`, `student_id` of everybody.
    at : datetime
        Now, UTC without zone.
    """
    for row in confirmed.filter(pl.col("student").is_null()).iter_rows(named=True):
        key = {name: value for name, value in row.items() if name != "student"}
        session.execute(delete(PersonMatch).filter_by(source=source, **key))
    for row in confirmed.join(students, on=["school_id", "student"]).iter_rows(named=True):
        session.merge(
            PersonMatch(
                source=source, school_id=row["school_id"], label=row["label"],
                class_key=row["class_key"], birth=row["birth"], student_id=row["student_id"],
                confirmed_at=at,
            )
        )  # fmt: skip


def _frame(session: Session, query: Any, schema: dict[str, Any]) -> pl.DataFrame:
    rows = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(rows, schema=schema, orient="row")
