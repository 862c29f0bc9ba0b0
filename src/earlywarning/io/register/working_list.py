"""A published list as people work through it: the order that holds today, and who was reached.

The list stays frozen; what changes are the decisions of people and what was tried with families.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import families, list_views, overrides
from earlywarning.io.register.families import Students
from earlywarning.io.register.list_views import ItemRow
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import VisitListItem, VisitListStudent
from earlywarning.io.register.overrides import OverrideRow
from earlywarning.io.register.plan_tables import PlannedVisit
from earlywarning.visits import overriding
from earlywarning.visits.overriding import Ranked
from earlywarning.visits.recording import PLANNED, FamilyStatus, Tried, family_status

WORKING_DAYS = 5
"""From the Monday of a planned week to the last day on which its visit is not late."""


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A listed family today.

    Attributes
    ----------
    place : int
        In the order that holds today, 1 first.
    item : ItemRow
        As the list has it; `item.position` is the original place, 0 for a family that was added.
    status : str
        One of `visits.recording.FAMILY_STATUSES`.
    override : OverrideRow or None
        What a person decided, also if it has expired.
    """

    place: int
    item: ItemRow
    status: FamilyStatus
    override: OverrideRow | None


def page(
    session: Session,
    visible: Students,
    row: ListRow,
    *,
    today: date,
    class_id: str | None = None,
    track: str | None = None,
    status: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[FamilyRow]:
    """Families of a list with a visible child, in the order that holds today.

    Parameters
    ----------
    class_id, track, status : str, optional
        Only families with a visible child of this class; of this track; that stand here.
    after : int
        Place of the last family already read.
    limit : int, optional
        At most so many.
    """
    decided = overrides.of_list(session, row.visit_list_id)
    known = _known(session, visible, row.visit_list_id, class_id, track, decided)
    order = overriding.in_order(
        (ranked for ranked, _ in known.values()), overrides.decisions(decided), today=today
    )
    ranked = {item_id: one for item_id, (one, _) in known.items()}
    places = _places(session, row.visit_list_id, order, ranked, decided, today)
    wanted = [item_id for item_id in order if places[item_id] > after]
    stands: dict[str, FamilyStatus] = {}
    if status is not None:
        stands = statuses(session, row, {i: known[i][1] for i in wanted}, today=today)
        wanted = [item_id for item_id in wanted if stands[item_id] == status]
    wanted = wanted[:limit]
    if status is None:
        stands = statuses(session, row, {i: known[i][1] for i in wanted}, today=today)
    items = list_views.items_by_id(session, visible, row.visit_list_id, wanted)
    return [
        FamilyRow(places[item_id], items[item_id], stands[item_id], decided.get(item_id))
        for item_id in wanted
    ]


def order_tag(session: Session, visit_list_id: str, *, today: date) -> str:
    """Changes whenever the order of a list does; empty while nobody has decided anything."""
    decided = overrides.decisions(overrides.of_list(session, visit_list_id))
    return ",".join(
        f"{item_id}:{one.action}" for item_id, one in sorted(decided.items()) if one.holds(today)
    )


def _known(
    session: Session,
    visible: Students,
    visit_list_id: str,
    class_id: str | None,
    track: str | None,
    decided: Mapping[str, OverrideRow],
) -> dict[str, tuple[Ranked, str]]:
    """Families that are listed or were added, and their keys, by item id."""
    seen = visible.subquery()
    child = (
        select(VisitListStudent.student_id)
        .join(seen, seen.c[0] == VisitListStudent.student_id)
        .where(VisitListStudent.item_id == VisitListItem.item_id)
    )
    if class_id is not None:
        child = child.where(VisitListStudent.class_id == class_id)
    added = [item_id for item_id, one in decided.items() if one.action == overriding.ADD]
    here = VisitListItem.position.is_not(None)
    if added:
        here = here | VisitListItem.item_id.in_(added)
    query = select(
        VisitListItem.item_id, VisitListItem.lead_staff_id, VisitListItem.position,
        VisitListItem.household_key,
    ).where(VisitListItem.visit_list_id == visit_list_id, here, child.exists())  # fmt: skip
    if track is not None:
        query = query.where(VisitListItem.track == track)
    return {
        item_id: (Ranked(item_id, lead, position), key)
        for item_id, lead, position, key in session.execute(query)
    }


def _places(
    session: Session,
    visit_list_id: str,
    order: Collection[str],
    known: Mapping[str, Ranked],
    decided: Mapping[str, OverrideRow],
    today: date,
) -> dict[str, int]:
    """Each family's place among all of the list, whoever asks and whatever is left out.

    Without decisions it is the list's own place.
    """
    if not any(one.action for one in decided.values()):
        return {item_id: known[item_id].position or 0 for item_id in order}
    everybody = select(
        VisitListItem.item_id, VisitListItem.lead_staff_id, VisitListItem.position
    ).where(VisitListItem.visit_list_id == visit_list_id)
    whole = overriding.in_order(
        (Ranked(*row) for row in session.execute(everybody)),
        overrides.decisions(decided),
        today=today,
    )
    return {item_id: place for place, item_id in enumerate(whole, start=1)}


def statuses(
    session: Session, row: ListRow, keys: Mapping[str, str], *, today: date
) -> dict[str, FamilyStatus]:
    """Where families of a list stand.

    Parameters
    ----------
    keys : mapping of item id to household key
    """
    start, end = families.span_of(row.header)
    happened = families.tried(session, set(keys.values()), start=start, end=end)
    planned = _planned(session, keys)
    found = {}
    for item_id, key in keys.items():
        known = list(happened.get(key, ()))
        week = planned.get(item_id)
        # A day that is agreed counts, also one before the plan's week.
        if week is not None and not any(
            one.kind == "visit" and (one.result == PLANNED or one.day >= week[0]) for one in known
        ):
            known.append(Tried(week[1], "visit", PLANNED))
        found[item_id] = family_status(known, today=today)
    return found


def _planned(session: Session, keys: Collection[str]) -> dict[str, tuple[date, date]]:
    """First and last day on which a plan puts a family's visit."""
    query = select(PlannedVisit.item_id, PlannedVisit.on_date, PlannedVisit.week).where(
        PlannedVisit.item_id.in_(keys), PlannedVisit.status == PLANNED
    )
    found = {}
    for item_id, day, week in session.execute(query):
        if day is not None:
            found[item_id] = (day, day)
        elif week is not None:
            found[item_id] = (week, week + timedelta(days=WORKING_DAYS))
    return found
