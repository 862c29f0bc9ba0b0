"""What a plan takes from the register: listed families, adults at home, teachers, days off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.calendar import Quarter
from earlywarning.io.register.models import (
    CalendarDay,
    Guardian,
    Household,
    Staff,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.plan_tables import ItemPlace, Plan, PlannedVisit
from earlywarning.io.register.visit_tables import FollowUp, ItemOverride, Visit
from earlywarning.records.codes import SCHOOL_DAY_KINDS
from earlywarning.visit_rules import SLOTS, Planning
from earlywarning.visits.capacity import CONCERN
from earlywarning.visits.plan_task import Family, Fixed, Task, Teacher
from earlywarning.visits.weeks import slots_of, weeks

AWAY = ("deceased", "abroad")
NOT_VISITING = ("principal", "admin", "data_staff")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Basis:
    """A task, and the state of the plan that it was read from.

    Attributes
    ----------
    revision : int
        Of the plan; 0 where there is none.
    done : set of str
        Item ids of families who were visited since.
    """

    task: Task
    school_id: str
    revision: int
    done: frozenset[str]


def read(
    session: Session, visit_list_id: str, quarter: Quarter, rules: Planning, *, since: date
) -> Basis:
    """The task of one list, as the register stands.

    Parameters
    ----------
    since : date
        Today: no visit is planned before it.
    """
    school_id, as_of = session.execute(
        select(VisitList.school_id, VisitList.as_of_date).where(
            VisitList.visit_list_id == visit_list_id
        )
    ).one()
    items = _items(session, visit_list_id, since)
    ids = [item.item_id for item in items]
    plan = session.scalar(select(Plan).where(Plan.visit_list_id == visit_list_id))
    planned = {}
    if plan is not None:
        query = select(PlannedVisit).where(PlannedVisit.plan_id == plan.plan_id)
        planned = {one.item_id: one for one in session.scalars(query)}
    visited = session.scalars(
        select(Visit.item_id).where(Visit.item_id.in_(ids), Visit.status == "done")
    )
    done = frozenset(str(item_id) for item_id in visited)
    adults, villages = _homes(session, visit_list_id, rules)
    told = {
        row.item_id: tuple(row.others_told)
        for row in session.scalars(select(ItemPlace).where(ItemPlace.item_id.in_(ids)))
    }
    everywhere = dict.fromkeys(SLOTS, frozenset({UNKNOWN}))
    families = [
        Family(
            item_id=item.item_id,
            lead=item.lead_staff_id,
            position=place,
            concern=item.track == CONCERN,
            village=villages.get(item.item_id),
            adults=adults.get(item.item_id, everywhere),
            told=told.get(item.item_id, ()),
            fixed=_fixed(planned.get(item.item_id), item.item_id in done),
        )
        for place, item in enumerate(items, start=1)
    ]
    closed = set(
        session.scalars(
            select(CalendarDay.day).where(
                CalendarDay.school_id == school_id,
                CalendarDay.day >= as_of,
                CalendarDay.day < quarter.end,
                CalendarDay.kind.not_in((*SCHOOL_DAY_KINDS, "optional")),
            )
        )
    )
    task = Task(
        families,
        _teachers(session, school_id),
        weeks(quarter, rules, since=since, closed=closed),
        rules,
    )
    return Basis(task, school_id, 0 if plan is None else plan.revision, done)


def _items(session: Session, visit_list_id: str, today: date) -> Sequence[VisitListItem]:
    """Families to be visited: listed and not taken off by a person, then those added by one.

    Families whom a person moved up come first.
    """
    decided: dict[str, ItemOverride] = {}
    query = (
        select(ItemOverride)
        .where(ItemOverride.visit_list_id == visit_list_id)
        .order_by(ItemOverride.revision)
    )
    for one in session.scalars(query):
        decided[one.item_id] = one
    actions = {
        item: one.action
        for item, one in decided.items()
        if one.expires_on is None or one.expires_on >= today
    }
    # A child may be in danger: nobody is sent to the family in the normal way now.
    protected = (
        select(FollowUp.household_key)
        .join(VisitList, VisitList.school_id == FollowUp.school_id)
        .where(
            VisitList.visit_list_id == visit_list_id,
            FollowUp.kind == "protection",
            FollowUp.status == "open",
        )
    )
    everybody = session.scalars(
        select(VisitListItem)
        .where(
            VisitListItem.visit_list_id == visit_list_id,
            VisitListItem.household_key.not_in(protected),
        )
        .order_by(VisitListItem.position, VisitListItem.household_key)
    ).all()
    kept = [
        item
        for item in everybody
        if item.position is not None and actions.get(item.item_id) not in ("remove", "defer")
    ]
    first = [item for item in kept if actions.get(item.item_id) == "move_up"]
    rest = [item for item in kept if actions.get(item.item_id) != "move_up"]
    added = [
        item for item in everybody if item.position is None and actions.get(item.item_id) == "add"
    ]
    return [*first, *rest, *added]


def _fixed(planned: PlannedVisit | None, done: bool) -> Fixed | None:
    """What a person set stays, and so does what was done or cancelled."""
    if planned is None:
        return Fixed(None, None, None) if done else None
    if planned.pinned or done or planned.status != "planned":
        return Fixed(planned.week, planned.slot, planned.companion_staff_id)
    return None


def _homes(
    session: Session, visit_list_id: str, rules: Planning
) -> tuple[dict[str, Mapping[str, frozenset[str]]], dict[str, str]]:
    """Of each item the slots with the adults who can be met in them, and the village."""
    query = (
        select(
            VisitListStudent.item_id, Household.village, Guardian.sex, Guardian.vital,
            Guardian.available, Guardian.lives_with,
        )
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .join(Student, Student.student_id == VisitListStudent.student_id)
        .outerjoin(Household, Household.household_id == Student.household_id)
        .outerjoin(Guardian, Guardian.student_id == Student.student_id)
        .where(VisitListItem.visit_list_id == visit_list_id)
        .order_by(VisitListStudent.item_id, VisitListStudent.student_id, Guardian.relation)
    )  # fmt: skip
    there: dict[str, dict[str, set[str]]] = {}
    villages: dict[str, str] = {}
    for item_id, village, sex, vital, available, lives_with in session.execute(query):
        if village:
            villages.setdefault(item_id, village.strip())
        if vital in AWAY or lives_with is False or (sex, vital, available) == (None, None, None):
            continue
        for slot in slots_of(available, rules) or SLOTS:
            there.setdefault(item_id, {}).setdefault(slot, set()).add(sex or UNKNOWN)
    adults: dict[str, Mapping[str, frozenset[str]]] = {
        item: {slot: frozenset(sexes) for slot, sexes in slots.items()}
        for item, slots in there.items()
    }
    return adults, villages


def _teachers(session: Session, school_id: str) -> dict[str, Teacher]:
    rows: Iterable[Any] = session.scalars(
        select(Staff).where(Staff.school_id == school_id).order_by(Staff.local_id, Staff.staff_id)
    )
    return {
        one.staff_id: Teacher(
            one.staff_id,
            one.sex,
            one.companion_preference,
            accompanies=one.role not in NOT_VISITING and one.max_visits != 0,
        )
        for one in rows
    }
