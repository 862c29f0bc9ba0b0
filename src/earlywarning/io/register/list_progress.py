"""How far a list is: the order that holds today, where each family stands, when it was visited."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import false, func, select
from sqlalchemy.orm import Session

from earlywarning.io.register import overrides, working_list
from earlywarning.io.register.list_views import Rows, Students
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import VisitListItem, VisitListStudent
from earlywarning.io.register.overrides import OverrideRow
from earlywarning.io.register.visit_tables import Visit
from earlywarning.visits import overriding
from earlywarning.visits.overriding import Ranked
from earlywarning.visits.recording import DONE, PLANNED, FamilyStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one family of a list stands today.

    Attributes
    ----------
    place : int
        Among all families of its lead, in the order that holds today, 1 first.
    overall : int
        Among all families of the list.
    in_class : bool
        Whether a visible child is in the class that was asked for.
    status : str
        One of `recording.FAMILY_STATUSES`.
    last_visit : date or None
        The newest visit that took place, in any quarter.
    planned : date or None
        The newest day for which a visit is planned.
    decided : OverrideRow or None
        What a person decided about its place.
    """

    item_id: str
    household_key: str
    lead_staff_id: str | None
    track: str | None
    place: int
    overall: int
    in_class: bool
    status: FamilyStatus
    last_visit: date | None
    planned: date | None
    decided: OverrideRow | None


def standings(
    session: Session,
    visible: Students,
    row: ListRow,
    *,
    today: date,
    class_id: str | None = None,
) -> dict[str, Standing]:
    """Every family of a list with a visible child, by item id, in the order that holds today.

    Families that a person took off the list are left out, those added are in.

    Parameters
    ----------
    today : date
        At the school.
    class_id : str, optional
        Sets `in_class`; without it, it is true for everybody.
    """
    seen = visible.subquery()
    child = (
        select(VisitListStudent.student_id)
        .join(seen, seen.c[0] == VisitListStudent.student_id)
        .where(VisitListStudent.item_id == VisitListItem.item_id)
    )
    decided = overrides.of_list(session, row.visit_list_id)
    added = [item_id for item_id, one in decided.items() if one.action == overriding.ADD]
    here = VisitListItem.item_id.in_(added) if added else false()
    query: Rows = select(
        VisitListItem.item_id, VisitListItem.lead_staff_id, VisitListItem.position,
        VisitListItem.household_key, VisitListItem.track, child.exists(),
        child.where(VisitListStudent.class_id == class_id).exists(),
    ).where(
        VisitListItem.visit_list_id == row.visit_list_id,
        VisitListItem.position.is_not(None) | here,
    )  # fmt: skip
    rows = {one[0]: one for one in session.execute(query)}
    order = overriding.in_order(
        (Ranked(*one[:3]) for one in rows.values()), overrides.decisions(decided), today=today
    )
    keys = {item_id: rows[item_id][3] for item_id in order if rows[item_id][5]}
    status = working_list.statuses(session, row, keys, today=today)
    last, planned = last_visits(session, keys.values()), _planned(session, keys.values())
    found: dict[str, Standing] = {}
    places: dict[str | None, int] = {}
    for overall, item_id in enumerate(order, start=1):
        lead, key, track, in_class = (rows[item_id][part] for part in (1, 3, 4, 6))
        places[lead] = places.get(lead, 0) + 1
        if item_id in keys:
            found[item_id] = Standing(
                item_id, key, lead, track, places[lead], overall,
                class_id is None or bool(in_class), status[item_id], last.get(key),
                planned.get(key), decided.get(item_id),
            )  # fmt: skip
    return found


def last_visits(session: Session, keys: Collection[str]) -> dict[str, date]:
    """The day of the newest visit that took place, for each family that had one."""
    return _newest(session, keys, DONE)


def _planned(session: Session, keys: Collection[str]) -> Mapping[str, date]:
    return _newest(session, keys, PLANNED)


def _newest(session: Session, keys: Collection[str], status: str) -> dict[str, date]:
    query: Rows = (
        select(Visit.household_key, func.max(Visit.day))
        .where(Visit.household_key.in_(set(keys)), Visit.status == status)
        .group_by(Visit.household_key)
    )
    return {row[0]: row[1] for row in session.execute(query)}
