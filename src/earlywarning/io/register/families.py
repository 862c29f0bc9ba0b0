"""Families as records know them: which children, which key, what was tried with them lately."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from earlywarning.calendar import SchoolCalendar
from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register.lists import PUBLISHED
from earlywarning.io.register.models import (
    Staff,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.visit_tables import ContactAttempt, FollowUp, Visit
from earlywarning.visits.recording import CANCELLED, RESCHEDULED, NextStep, Tried, next_step

Students = Select[*tuple[Any, ...]]
"""A query for the ids of the students whom the caller may see."""

PROTECTION = "protection"
AGREED = "agreed"
OPEN = "open"
RECENT_DAYS = 92
"""How far back attempts count where no list says when the quarter began."""


class Stale(Conflict):
    """The row was changed after the caller read it."""


class InProtection(Conflict):
    """The school's protection path is open for the family."""


@dataclass(frozen=True, slots=True)
class Family:
    """Who is visited together, as the register has it now.

    Attributes
    ----------
    household_key : str
        The household's id; `student-<id>` for a student without one.
    student_ids : tuple of str
        All children, also those whom the caller may not see.
    item_id, track, lead_staff_id : str or None
        On the newest published list, or on the list asked for.
    """

    school_id: str
    household_key: str
    student_ids: tuple[str, ...]
    item_id: str | None
    track: str | None
    lead_staff_id: str | None


def find(
    session: Session,
    visible: Students,
    *,
    student_id: str | None = None,
    item_id: str | None = None,
) -> Family:
    """A family by one of its children or by its place on a published list.

    Raises
    ------
    NotFound
        If there is none, or the caller may see none of its children.
    """
    if item_id is not None:
        return _of_item(session, visible, item_id)
    row = session.execute(
        select(Student.school_id, Student.household_id).where(
            Student.student_id == student_id, Student.student_id.in_(visible)
        )
    ).one_or_none()
    if row is None or student_id is None:
        raise NotFound("there is no such student, or not for you")
    school_id, household_id = row
    children = [student_id]
    if household_id is not None:
        children = list(
            session.scalars(select(Student.student_id).where(Student.household_id == household_id))
        )
    key = household_id or f"student-{student_id}"
    place = session.execute(
        select(VisitListItem.item_id, VisitListItem.track, VisitListItem.lead_staff_id)
        .join(VisitList, VisitList.visit_list_id == VisitListItem.visit_list_id)
        .where(
            VisitList.school_id == school_id,
            VisitList.status == PUBLISHED,
            VisitListItem.household_key == key,
        )
        .order_by(VisitList.as_of_date.desc())
        .limit(1)
    ).one_or_none()
    return Family(school_id, key, tuple(sorted(children)), *(place or (None, None, None)))


def _of_item(session: Session, visible: Students, item_id: str) -> Family:
    child = select(VisitListStudent.item_id).where(
        VisitListStudent.item_id == VisitListItem.item_id, VisitListStudent.student_id.in_(visible)
    )
    row = session.execute(
        select(
            VisitList.school_id, VisitListItem.household_key, VisitListItem.track,
            VisitListItem.lead_staff_id,
        )
        .join(VisitList, VisitList.visit_list_id == VisitListItem.visit_list_id)
        .where(
            VisitListItem.item_id == item_id, VisitList.status == PUBLISHED, child.exists()
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound("there is no such family on a published list, or not for you")
    children = session.scalars(
        select(VisitListStudent.student_id).where(VisitListStudent.item_id == item_id)
    )
    school_id, key, track, lead = row
    return Family(school_id, key, tuple(sorted(children)), item_id, track, lead)


def place_on(
    session: Session, school_id: str, key: str, day: date
) -> tuple[str, str | None, str | None] | None:
    """A family's item, track and lead on the list of the quarter in which a day lies."""
    row = session.execute(
        select(VisitList.visit_list_id, VisitList.header)
        .where(
            VisitList.school_id == school_id,
            VisitList.status == PUBLISHED,
            VisitList.as_of_date <= day,
        )
        .order_by(VisitList.as_of_date.desc())
        .limit(1)
    ).one_or_none()
    if row is None or day >= span_of(row.header)[1]:
        return None
    found = session.execute(
        select(VisitListItem.item_id, VisitListItem.track, VisitListItem.lead_staff_id).where(
            VisitListItem.visit_list_id == row.visit_list_id, VisitListItem.household_key == key
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


def children_seen(session: Session, visible: Students, key: str) -> list[str]:
    """The children of a family whom the caller may see."""
    if key.startswith("student-"):
        mine = Student.student_id == key.removeprefix("student-")
    else:
        mine = Student.household_id == key
    return list(
        session.scalars(
            select(Student.student_id)
            .where(mine, Student.student_id.in_(visible))
            .order_by(Student.student_id)
        )
    )


def of_staff(session: Session, school_id: str, **staff_ids: str | None) -> None:
    """Check that members of staff belong to the school.

    Raises
    ------
    DataError
        Names the field.
    """
    for field, staff_id in staff_ids.items():
        if staff_id is None:
            continue
        school = session.scalar(select(Staff.school_id).where(Staff.staff_id == staff_id))
        if school != school_id:
            raise DataError(f"{field}: must be the id of a member of this school's staff")


def tried(
    session: Session, keys: Collection[str], *, start: date, end: date | None = None
) -> dict[str, list[Tried]]:
    """What was tried with families from `start` on, before `end`.

    Visits that were cancelled or rescheduled are left out.
    """
    found: dict[str, list[Tried]] = {}
    if not keys:
        return found
    visits = select(Visit.household_key, Visit.day, Visit.status).where(
        Visit.household_key.in_(keys),
        Visit.day >= start,
        Visit.status.not_in((CANCELLED, RESCHEDULED)),
    )
    attempts = select(
        ContactAttempt.household_key, ContactAttempt.at, ContactAttempt.channel,
        ContactAttempt.result,
    ).where(
        ContactAttempt.household_key.in_(keys),
        ContactAttempt.at >= datetime.combine(start, time.min),
    )  # fmt: skip
    if end is not None:
        visits = visits.where(Visit.day < end)
        attempts = attempts.where(ContactAttempt.at < datetime.combine(end, time.min))
    for key, day, status in session.execute(visits):
        found.setdefault(key, []).append(Tried(day, "visit", status))
    for key, at, channel, result in session.execute(attempts):
        found.setdefault(key, []).append(Tried(at.date(), channel, result))
    return found


def in_danger(session: Session, keys: Collection[str]) -> set[str]:
    """Families for whom the protection path is open."""
    if not keys:
        return set()
    return set(
        session.scalars(
            select(FollowUp.household_key).where(
                FollowUp.household_key.in_(keys),
                FollowUp.kind == PROTECTION,
                FollowUp.status == OPEN,
            )
        )
    )


def stop_if_in_danger(session: Session, key: str) -> None:
    """Refuse what belongs to the normal flow.

    Raises
    ------
    InProtection
        While the protection path is open.
    """
    if in_danger(session, [key]):
        raise InProtection(
            "the school's protection path is open for this family; nobody is sent in the normal "
            "way until the counsellor or the principal closes it"
        )


def next_of(session: Session, family: Family, *, today: date) -> NextStep:
    """What comes next for one family."""
    start = session.scalar(
        select(VisitList.as_of_date)
        .where(
            VisitList.school_id == family.school_id,
            VisitList.status == PUBLISHED,
            VisitList.as_of_date <= today,
        )
        .order_by(VisitList.as_of_date.desc())
        .limit(1)
    )
    key = family.household_key
    recent = today - timedelta(days=RECENT_DAYS)
    happened = tried(session, [key], start=max(start, recent) if start else recent)
    waiting = session.scalars(
        select(FollowUp.follow_up_id).where(
            FollowUp.household_key == key, FollowUp.kind == AGREED, FollowUp.status == OPEN
        )
    ).all()
    return next_step(
        happened.get(key, []),
        today=today,
        danger=bool(in_danger(session, [key])),
        open_follow_ups=len(waiting),
    )


def span_of(header: Mapping[str, Any]) -> tuple[date, date]:
    """First day of a list's quarter, and the first day after it, by the calendar of then."""
    values = header["district"]["calendar"]
    calendar = SchoolCalendar(
        tuple((month, day) for month, day in values["quarter_starts"]),
        tuple(values["school_weekdays"]),
    )
    quarter = calendar.quarter(header["quarter"])
    return quarter.start, quarter.end


def local_day(at: datetime, timezone: str) -> date:
    """The date that a clock at the school shows."""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of what somebody sent: the same again is the same hash."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
