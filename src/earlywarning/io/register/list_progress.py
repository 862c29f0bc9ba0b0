"""How far a list is: where each family stands this quarter, and when it was last visited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from earlywarning.io.register import families
from earlywarning.io.register.list_views import Rows, Students
from earlywarning.io.register.models import VisitListItem, VisitListStudent
from earlywarning.io.register.visit_tables import Visit
from earlywarning.visits.recording import DONE, PLANNED, FamilyStatus, family_status


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one listed family stands.

    Attributes
    ----------
    status : str
        One of `recording.FAMILY_STATUSES`.
    last_visit : date or None
        The newest visit that took place, in any quarter.
    planned : date or None
        The next visit that is planned.
    """

    item_id: str
    status: FamilyStatus
    last_visit: date | None
    planned: date | None


def standings(
    session: Session,
    visible: Students,
    visit_list_id: str,
    *,
    start: date,
    end: date,
    today: date,
) -> dict[str, Standing]:
    """Where each listed family with a visible child stands, by item id, in the order of the list.

    Parameters
    ----------
    start, end : date
        First day of the list's quarter, and the first day after it.
    today : date
        At the school.
    """
    seen = visible.subquery()
    child = (
        select(VisitListStudent.student_id)
        .join(seen, seen.c.student_id == VisitListStudent.student_id)
        .where(VisitListStudent.item_id == VisitListItem.item_id)
    )
    query: Rows = (
        select(VisitListItem.item_id, VisitListItem.household_key)
        .where(
            VisitListItem.visit_list_id == visit_list_id,
            VisitListItem.position.is_not(None),
            child.exists(),
        )
        .order_by(VisitListItem.position)
    )
    keys = {row[0]: row[1] for row in session.execute(query)}
    tried = families.tried(session, set(keys.values()), start=start, end=end)
    last = last_visits(session, keys.values())
    found = {}
    for item_id, key in keys.items():
        happened = tried.get(key, [])
        days = [one.day for one in happened if one.kind == "visit" and one.result == PLANNED]
        status = family_status(happened, today=today)
        planned = max(days, default=None)
        found[item_id] = Standing(item_id, status, last.get(key), planned)
    return found


def last_visits(session: Session, keys: Collection[str]) -> dict[str, date]:
    """The day of the newest visit that took place, for each family that had one."""
    query: Rows = (
        select(Visit.household_key, func.max(Visit.day))
        .where(Visit.household_key.in_(set(keys)), Visit.status == DONE)
        .group_by(Visit.household_key)
    )
    return {row[0]: row[1] for row in session.execute(query)}
