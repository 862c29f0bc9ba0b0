"""What the service shows of lists, read from the register alone.

Every function takes `visible`, a query for the students whom the caller may see (made in one place,
the service's `access`), and shows nothing of anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from earlywarning.io.register.lists import COLUMNS, PUBLISHED, ListRow
from earlywarning.io.register.models import (
    ClassGroup,
    ModelVersion,
    School,
    Staff,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.plan_tables import ItemPlace

Rows = Select[*tuple[Any, ...]]
Students = Rows
"""A query for student ids."""

Lists = Rows
"""A query for visit list ids."""


@dataclass(frozen=True, slots=True)
class StudentRow:
    """A child of a listed family. The name is None once it was erased; `reasons` are None where
    the district has them written down for listed families only and the list gave no place."""

    student_id: str
    full_name: str | None
    class_id: str | None
    class_name: str | None
    reasons: Sequence[dict[str, Any]] | None
    completeness: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A listed family.

    Attributes
    ----------
    students : list of StudentRow
        Only the children whom the caller may see.
    occasion : dict or None
        What called for the visit; see `visits.occasions`.
    others_told : sequence of str
        Staff ids of the other homeroom teachers of its children.
    """

    item_id: str
    position: int
    track: str
    band: str
    lead_staff_id: str | None
    lead_name: str | None
    occasion: dict[str, Any] | None = None
    others_told: Sequence[str] | None = ()
    students: list[StudentRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """What one list said about one student; `reasons` as in `StudentRow`."""

    visit_list_id: str
    quarter: str
    as_of_date: date
    published_at: datetime | None
    position: int | None
    track: str | None
    band: str
    reasons: Sequence[dict[str, Any]] | None
    completeness: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A student of the register."""

    student_id: str
    full_name: str
    school_id: str
    class_id: str | None
    class_name: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A student who was looked for; `local_id` is the school's own number."""

    student_id: str
    full_name: str
    local_id: str
    class_name: str | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model version in service."""

    model_version_id: str
    outcome: str
    version: int
    estimator: str
    trained_at: datetime
    snapshot_id: str
    artifact_sha256: str
    report: dict[str, Any]


def quarters(session: Session, lists: Lists) -> list[tuple[str, date, int, int]]:
    """Quarters that have lists: code, as-of date, drafts, published lists; newest first."""
    published = func.count().filter(VisitList.status == PUBLISHED)
    query = (
        select(VisitList.quarter, func.max(VisitList.as_of_date), func.count(), published)
        .where(VisitList.visit_list_id.in_(lists))
        .group_by(VisitList.quarter)
        .order_by(VisitList.quarter.desc())
    )
    return [
        (quarter, as_of, total - done, done)
        for quarter, as_of, total, done in session.execute(query)
    ]


def visit_lists(
    session: Session, lists: Lists, *, quarter: str | None = None, visit_list_id: str | None = None
) -> list[ListRow]:
    """Lists without their content, newest quarter first."""
    query = select(*COLUMNS).where(VisitList.visit_list_id.in_(lists))
    if quarter is not None:
        query = query.where(VisitList.quarter == quarter)
    if visit_list_id is not None:
        query = query.where(VisitList.visit_list_id == visit_list_id)
    query = query.order_by(
        VisitList.as_of_date.desc(), VisitList.quarter.desc(), VisitList.school_id,
        VisitList.revision.desc(),
    )  # fmt: skip
    return [ListRow(*row) for row in session.execute(query)]


def items(
    session: Session,
    visible: Students,
    visit_list_id: str,
    *,
    class_id: str | None = None,
    track: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[ItemRow]:
    """Listed families with at least one visible child, in the order of the list.

    Parameters
    ----------
    class_id : str, optional
        Only families with a visible child in this class, whoever leads the visit.
    track : str, optional
    after : int
        Position of the last family already read.
    limit : int, optional
        At most so many families.
    """
    seen = visible.subquery()
    child = (
        select(VisitListStudent.student_id)
        .join(seen, seen.c.student_id == VisitListStudent.student_id)
        .where(VisitListStudent.item_id == VisitListItem.item_id)
    )
    if class_id is not None:
        child = child.where(VisitListStudent.class_id == class_id)
    query: Rows = (
        select(
            VisitListItem.item_id, VisitListItem.position, VisitListItem.track,
            VisitListItem.band, VisitListItem.lead_staff_id, Staff.name, ItemPlace.occasion,
            ItemPlace.others_told,
        )
        .outerjoin(Staff, Staff.staff_id == VisitListItem.lead_staff_id)
        .outerjoin(ItemPlace, ItemPlace.item_id == VisitListItem.item_id)
        .where(
            VisitListItem.visit_list_id == visit_list_id,
            VisitListItem.position > after,
            child.exists(),
        )
        .order_by(VisitListItem.position)
    )  # fmt: skip
    if track is not None:
        query = query.where(VisitListItem.track == track)
    if limit is not None:
        query = query.limit(limit)
    rows = [ItemRow(*row) for row in session.execute(query)]
    by_id = {row.item_id: row for row in rows}
    for item_id, student in _students(session, visible, visit_list_id, rows):
        by_id[item_id].students.append(student)
    return rows


def items_by_id(
    session: Session, visible: Students, visit_list_id: str, item_ids: Sequence[str]
) -> dict[str, ItemRow]:
    """Families of a list by id, also such without a place (`position` 0)."""
    query: Rows = (
        select(
            VisitListItem.item_id, func.coalesce(VisitListItem.position, 0), VisitListItem.track,
            VisitListItem.band, VisitListItem.lead_staff_id, Staff.name, ItemPlace.occasion,
            ItemPlace.others_told,
        )
        .outerjoin(Staff, Staff.staff_id == VisitListItem.lead_staff_id)
        .outerjoin(ItemPlace, ItemPlace.item_id == VisitListItem.item_id)
        .where(
            VisitListItem.visit_list_id == visit_list_id, VisitListItem.item_id.in_(item_ids)
        )
    )  # fmt: skip
    by_id = {row[0]: ItemRow(*row) for row in session.execute(query)}
    for item_id, student in _children(session, visible, VisitListItem.item_id.in_(item_ids)):
        by_id[item_id].students.append(student)
    return by_id


def _students(
    session: Session, visible: Students, visit_list_id: str, rows: Sequence[ItemRow]
) -> list[tuple[str, StudentRow]]:
    if not rows:
        return []
    wanted = {row.item_id for row in rows}
    here = and_(
        VisitListItem.visit_list_id == visit_list_id,
        VisitListItem.position.between(rows[0].position, rows[-1].position),
    )
    return [pair for pair in _children(session, visible, here) if pair[0] in wanted]


def _children(
    session: Session, visible: Students, here: ColumnElement[bool]
) -> list[tuple[str, StudentRow]]:
    """Visible children of some families, in the order of the list, by item id."""
    # A join, not `IN`: SQLite then looks each child up once instead of trying every visible one.
    seen = visible.subquery()
    query: Rows = (
        select(
            VisitListStudent.item_id, VisitListStudent.student_id, Student.full_name,
            VisitListStudent.class_id, ClassGroup.name, VisitListStudent.reasons,
            VisitListStudent.completeness,
        )
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .join(seen, seen.c.student_id == VisitListStudent.student_id)
        .outerjoin(Student, Student.student_id == VisitListStudent.student_id)
        .outerjoin(ClassGroup, ClassGroup.class_id == VisitListStudent.class_id)
        .where(here)
        .order_by(VisitListItem.position, Student.full_name, VisitListStudent.student_id)
    )  # fmt: skip
    return [(item_id, StudentRow(*values)) for item_id, *values in session.execute(query)]


def person(session: Session, visible: Students, student_id: str) -> Person | None:
    """A student of the register; None if there is none or the caller may not see them."""
    query = (
        select(
            Student.student_id, Student.full_name, Student.school_id, Student.class_id,
            ClassGroup.name,
        )
        .outerjoin(ClassGroup, ClassGroup.class_id == Student.class_id)
        .where(Student.student_id == student_id, Student.student_id.in_(visible))
    )  # fmt: skip
    row = session.execute(query).one_or_none()
    return None if row is None else Person(*row)


def find(session: Session, visible: Students, sought: str, *, limit: int) -> list[Found]:
    """Students whom the caller may see, by parts of the name or of the school's number.

    Parameters
    ----------
    sought : str
        Words; each must stand in the name or in the number, in small or large letters.
    limit : int
        At most so many, by name.
    """
    query = (
        select(Student.student_id, Student.full_name, Student.local_id, ClassGroup.name)
        .outerjoin(ClassGroup, ClassGroup.class_id == Student.class_id)
        .where(Student.student_id.in_(visible))
        .order_by(Student.full_name, ClassGroup.name, Student.student_id)
        .limit(limit)
    )
    for word in sought.split():
        query = query.where(
            Student.full_name.icontains(word, autoescape=True)
            | Student.local_id.icontains(word, autoescape=True)
        )
    return [Found(*row) for row in session.execute(query)]


def history(session: Session, student_id: str) -> list[PlaceRow]:
    """What published lists said about a student, newest first. Ask `person` first."""
    query = (
        select(
            VisitList.visit_list_id, VisitList.quarter, VisitList.as_of_date,
            VisitList.published_at, VisitListItem.position, VisitListItem.track,
            VisitListItem.band, VisitListStudent.reasons, VisitListStudent.completeness,
        )
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .join(VisitList, VisitList.visit_list_id == VisitListItem.visit_list_id)
        .where(VisitListStudent.student_id == student_id, VisitList.status == PUBLISHED)
        .order_by(VisitList.as_of_date.desc(), VisitList.published_at.desc())
    )  # fmt: skip
    return [PlaceRow(*row) for row in session.execute(query)]


def classes(session: Session, visible: Students, visit_list_id: str) -> list[tuple[str, str]]:
    """Id and name of the classes with visible children on a list, by grade level, then name."""
    seen = visible.subquery()
    query: Rows = (
        select(ClassGroup.class_id, ClassGroup.name)
        .join(VisitListStudent, VisitListStudent.class_id == ClassGroup.class_id)
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .join(seen, seen.c.student_id == VisitListStudent.student_id)
        .where(VisitListItem.visit_list_id == visit_list_id, VisitListItem.position.is_not(None))
        .group_by(ClassGroup.class_id, ClassGroup.name, ClassGroup.grade_level)
        .order_by(ClassGroup.grade_level, ClassGroup.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def newest_published(school_id: str) -> Lists:
    """Query for the newest published list of a school."""
    return (
        select(VisitList.visit_list_id)
        .where(VisitList.school_id == school_id, VisitList.status == PUBLISHED)
        .order_by(VisitList.as_of_date.desc(), VisitList.published_at.desc())
        .limit(1)
    )


def school_names(session: Session) -> dict[str, str]:
    """Name of each school."""
    query = select(School.school_id, School.name)
    return {row[0]: row[1] for row in session.execute(query)}


def staff_names(session: Session, school_id: str) -> dict[str, str]:
    """Name of each member of a school's staff."""
    query = select(Staff.staff_id, Staff.name).where(Staff.school_id == school_id)
    return {row[0]: row[1] for row in session.execute(query)}


def models_in_service(session: Session) -> list[ModelRow]:
    """The champion of each outcome that has one, by outcome."""
    query = (
        select(
            ModelVersion.model_version_id, ModelVersion.outcome, ModelVersion.version,
            ModelVersion.estimator, ModelVersion.trained_at, ModelVersion.snapshot_id,
            ModelVersion.artifact_sha256, ModelVersion.report,
        )
        .where(ModelVersion.is_champion)
        .order_by(ModelVersion.outcome)
    )  # fmt: skip
    return [ModelRow(*row) for row in session.execute(query)]
