"""What the service and the commands show of plans, read from the register alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from earlywarning.io.register.list_views import Rows, Students
from earlywarning.io.register.models import (
    ClassGroup,
    Household,
    Staff,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.plan_tables import ItemPlace, Plan, PlannedVisit
from earlywarning.io.register.visit_tables import Visit
from earlywarning.visits.recording import PLANNED


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One planned visit.

    Attributes
    ----------
    agreed_on : date or None
        The day for which a visit to the family is on record, for example after nobody was at home.
        None where a person set this visit by hand after that, and for one that is over.
    students : list of (student_id, name or None, class name or None)
        Only the children whom the caller may see.
    """

    planned_visit_id: str
    visit_list_id: str
    item_id: str
    position: int | None
    track: str | None
    lead_staff_id: str | None
    lead_name: str | None
    companion_staff_id: str | None
    companion_name: str | None
    companion_needed: bool
    week: date | None
    slot: str | None
    on_date: date | None
    pinned: bool
    status: str
    loosened: Sequence[str]
    revision: int
    letter_number: int | None
    letter_date: date | None
    village: str | None = None
    agreed_on: date | None = None
    students: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    @property
    def goes_on(self) -> date | None:
        """The day on which somebody goes, if one is known."""
        return self.agreed_on or self.on_date

    @property
    def goes_in(self) -> date | None:
        """Monday of the week in which somebody goes; see `week_of`."""
        return week_of(self.week, self.agreed_on)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan; its visits by the week in which somebody goes, then by the order of the list."""

    plan_id: str
    visit_list_id: str
    revision: int
    made_at: datetime
    made_by: str
    conflicts: Sequence[dict[str, Any]]
    visits: list[PlannedRow]


@dataclass(frozen=True, slots=True)
class UnrankedRow:
    """A family without rank, and why; a person decides about it."""

    item_id: str
    excluded: str
    lead_staff_id: str | None
    lead_name: str | None
    students: list[tuple[str, str | None, str | None]] = field(default_factory=list)


def week_of(week: date | None, agreed_on: date | None) -> date | None:
    """Monday of the week in which somebody goes: the day on record before the plan's week."""
    return week if agreed_on is None else agreed_on - timedelta(days=agreed_on.weekday())


def plan_of(
    session: Session, visible: Students, visit_list_id: str, *, staff_id: str | None = None
) -> PlanRow | None:
    """The plan of a list, as far as the caller may see it; None if there is none.

    Parameters
    ----------
    staff_id : str, optional
        Visits that this member of staff leads or accompanies are shown too, children only as far
        as they are visible.
    """
    found = session.scalar(select(Plan).where(Plan.visit_list_id == visit_list_id))
    if found is None:
        return None
    shown = _visits(session, visible, PlannedVisit.plan_id == found.plan_id, staff_id)
    items = {one.item_id for one in shown}
    conflicts = [
        one for one in found.conflicts
        if one["whose"] in items or one["whose"] in {row.lead_staff_id for row in shown}
    ]  # fmt: skip
    return PlanRow(
        found.plan_id, visit_list_id, found.revision, found.made_at, found.made_by, conflicts, shown
    )


def planned_visit(
    session: Session, visible: Students, planned_visit_id: str, *, staff_id: str | None = None
) -> PlannedRow | None:
    """One planned visit; None if there is none, or not for the caller."""
    found = _visits(session, visible, PlannedVisit.planned_visit_id == planned_visit_id, staff_id)
    return found[0] if found else None


def _visits(
    session: Session, visible: Students, which: Any, staff_id: str | None
) -> list[PlannedRow]:
    seen = visible.subquery()
    child = (
        select(VisitListStudent.student_id)
        .join(seen, seen.c.student_id == VisitListStudent.student_id)
        .where(VisitListStudent.item_id == PlannedVisit.item_id)
        .exists()
    )
    shown = child
    if staff_id is not None:
        shown = or_(child, PlannedVisit.companion_staff_id == staff_id)
    companion = aliased(Staff)
    set_since = and_(PlannedVisit.pinned, PlannedVisit.changed_at > Visit.changed_at)
    agreed = (
        select(func.max(Visit.day))
        .where(Visit.item_id == PlannedVisit.item_id, Visit.status == PLANNED)
        .where(PlannedVisit.status == "planned", not_(set_since))
        .correlate(PlannedVisit)
        .scalar_subquery()
    )
    query: Rows = (
        select(
            PlannedVisit.planned_visit_id, Plan.visit_list_id, PlannedVisit.item_id,
            VisitListItem.position, VisitListItem.track, PlannedVisit.lead_staff_id, Staff.name,
            PlannedVisit.companion_staff_id, companion.name, PlannedVisit.companion_needed,
            PlannedVisit.week, PlannedVisit.slot, PlannedVisit.on_date, PlannedVisit.pinned,
            PlannedVisit.status, PlannedVisit.loosened, PlannedVisit.revision,
            PlannedVisit.letter_number, PlannedVisit.letter_date, Household.village, agreed,
        )
        .join(Plan, Plan.plan_id == PlannedVisit.plan_id)
        .join(VisitListItem, VisitListItem.item_id == PlannedVisit.item_id)
        .outerjoin(Household, Household.household_id == VisitListItem.household_id)
        .outerjoin(Staff, Staff.staff_id == PlannedVisit.lead_staff_id)
        .outerjoin(companion, companion.staff_id == PlannedVisit.companion_staff_id)
        .where(which, shown)
        .order_by(VisitListItem.position, PlannedVisit.planned_visit_id)
    )  # fmt: skip
    rows = [PlannedRow(*row) for row in session.execute(query)]
    rows.sort(key=lambda row: row.goes_in or date.max)
    by_item = {row.item_id: row for row in rows}
    for item_id, *child_values in _children(session, visible, list(by_item)):
        by_item[item_id].students.append(tuple(child_values))  # type: ignore[arg-type]
    return rows


def _children(session: Session, visible: Students, items: Sequence[str]) -> list[Any]:
    seen = visible.subquery()
    found: list[Any] = []
    for start in range(0, len(items), 500):
        query = (
            select(
                VisitListStudent.item_id, VisitListStudent.student_id, Student.full_name,
                ClassGroup.name,
            )
            .join(seen, seen.c.student_id == VisitListStudent.student_id)
            .outerjoin(Student, Student.student_id == VisitListStudent.student_id)
            .outerjoin(ClassGroup, ClassGroup.class_id == VisitListStudent.class_id)
            .where(VisitListStudent.item_id.in_(items[start : start + 500]))
            .order_by(VisitListStudent.item_id, Student.full_name, VisitListStudent.student_id)
        )  # fmt: skip
        found += session.execute(query).all()
    return found


def unranked(session: Session, visible: Students, visit_list_id: str) -> list[UnrankedRow]:
    """Families who are kept on record without a rank: objection, moved, nobody at home, …"""
    query: Rows = (
        select(VisitListItem.item_id, ItemPlace.excluded, VisitListItem.lead_staff_id, Staff.name)
        .join(ItemPlace, ItemPlace.item_id == VisitListItem.item_id)
        .outerjoin(Staff, Staff.staff_id == VisitListItem.lead_staff_id)
        .where(VisitListItem.visit_list_id == visit_list_id, ItemPlace.excluded.is_not(None))
        .order_by(VisitListItem.class_id, VisitListItem.household_key)
    )
    rows = {row[0]: UnrankedRow(*row) for row in session.execute(query)}
    for item_id, *values in _children(session, visible, list(rows)):
        rows[item_id].students.append(tuple(values))  # type: ignore[arg-type]
    return [row for row in rows.values() if row.students]


def places(session: Session, items: Sequence[str]) -> dict[str, ItemPlace]:
    """How families came by their place, by item id; a list of before there were tracks has none."""
    found: dict[str, ItemPlace] = {}
    for start in range(0, len(items), 500):
        query = select(ItemPlace).where(ItemPlace.item_id.in_(items[start : start + 500]))
        found |= {row.item_id: row for row in session.scalars(query)}
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where the visit of a listed family stands in its plan; `lead` is who leads it."""

    visit_list_id: str
    planned_visit_id: str
    lead: str | None


def place_of(session: Session, item_id: str) -> Place | None:
    """The planned visit of a listed family; None before the list was planned."""
    query = (
        select(Plan.visit_list_id, PlannedVisit.planned_visit_id, PlannedVisit.lead_staff_id)
        .join(PlannedVisit, PlannedVisit.plan_id == Plan.plan_id)
        .where(PlannedVisit.item_id == item_id)
    )
    row = session.execute(query).first()
    return None if row is None else Place(*row)


def list_of(session: Session, planned_visit_id: str) -> tuple[str, str] | None:
    """The list and quarter that a planned visit belongs to."""
    query = (
        select(VisitList.visit_list_id, VisitList.quarter)
        .join(Plan, Plan.visit_list_id == VisitList.visit_list_id)
        .join(PlannedVisit, PlannedVisit.plan_id == Plan.plan_id)
        .where(PlannedVisit.planned_visit_id == planned_visit_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])
