"""What a list takes from the register: families, homeroom teachers, capacities, wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.calendar import Quarter
from earlywarning.io.register import rights
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, Guardian, Household, Staff, Student
from earlywarning.io.register.visit_tables import VisitRequest
from earlywarning.visits.capacity import (
    DO_NOT_VISIT,
    NO_GUARDIAN,
    OBJECTION,
    REGISTERED,
    UNSCORED,
)
from earlywarning.visits.cohort import Registered
from earlywarning.visits.occasions import request

AWAY = ("deceased", "abroad")


def registered(register: Register, quarter: Quarter) -> Registered:
    """Everything that a list needs, of all schools, as it stands now.

    Parameters
    ----------
    quarter : Quarter
        In which the visits are made; requests of after its end do not count.
    """
    with register.session() as session:
        families = session.execute(select(Student.student_id, Student.household_id)).all()
        classes = session.execute(
            select(ClassGroup.class_id, ClassGroup.homeroom_staff_id, ClassGroup.grade_level)
        ).all()
        capacities = session.execute(
            select(Staff.staff_id, Staff.max_visits).where(Staff.max_visits.is_not(None))
        ).all()
        keys = {student: home or f"student-{student}" for student, home in families}
        closed = _closed(session, keys)
        requests = _requests(session, quarter)
    return Registered(
        households={student: home for student, home in families if home is not None},
        leads={class_id: lead for class_id, lead, _ in classes if lead is not None},
        grade_levels={class_id: level for class_id, _, level in classes},
        capacities={staff: max(0, int(most or 0)) for staff, most in capacities},
        closed=closed,
        unscored=frozenset(student for student, key in keys.items() if closed.get(key) in UNSCORED),
        requests=requests,
    )


def _closed(session: Session, keys: Mapping[str, str]) -> dict[str, str]:
    """Families who get no place, by household key: the first reason that holds."""
    found: list[tuple[str, str]] = [
        (home, DO_NOT_VISIT)
        for home in session.scalars(select(Household.household_id).where(Household.do_not_visit))
    ]
    found += [(key, OBJECTION) for key in rights.objecting_households(session)]
    found += [(key, NO_GUARDIAN) for key in _without_guardian(session, keys)]
    closed: dict[str, str] = {}
    for key, reason in found:
        closed[key] = min(closed.get(key, reason), reason, key=REGISTERED.index)
    return closed


def _without_guardian(session: Session, keys: Mapping[str, str]) -> Iterable[str]:
    """Families of whom guardians are recorded, and none of them lives and is at home."""
    query = select(Guardian.student_id, Guardian.vital, Guardian.lives_with)
    at_home: dict[str, bool] = {}
    for student, vital, lives_with in session.execute(query):
        key = keys[student]
        here = vital not in AWAY and lives_with is not False
        at_home[key] = at_home.get(key, False) or here
    return sorted(key for key, here in at_home.items() if not here)


def _requests(session: Session, quarter: Quarter) -> dict[str, list[dict[str, Any]]]:
    query = (
        select(
            VisitRequest.student_id, VisitRequest.request_id, VisitRequest.asked_by,
            VisitRequest.asked_on,
        )
        .where(VisitRequest.status == "open", VisitRequest.asked_on < quarter.end)
        .order_by(VisitRequest.asked_on, VisitRequest.request_id)
    )  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    for student, request_id, asked_by, asked_on in session.execute(query):
        found.setdefault(student, []).append(
            request(request_id, asked_by=asked_by, asked_on=asked_on)
        )
    return found
