"""What a request names, as far as the person may see it; what is not theirs answers as absent."""

from __future__ import annotations

from fastapi import HTTPException
from sqlalchemy.orm import Session

from earlywarning.io.register import list_views, plan_views
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.plan_views import PlannedRow
from earlywarning_api import access


def visit_list(session: Session, person: access.Person, visit_list_id: str) -> ListRow:
    """A list that the person may know of; else 404."""
    rows = []
    if visit_list_id.isalnum() and visit_list_id.isascii():
        ids = access.visible_lists(person).ids
        rows = list_views.visit_lists(session, ids, visit_list_id=visit_list_id)
    if not rows:
        raise HTTPException(404)
    return rows[0]


def planned_visit(session: Session, person: access.Person, planned_visit_id: str) -> PlannedRow:
    """A planned visit to a child whom the person may see, or that they accompany; else 404."""
    row = None
    if planned_visit_id.isalnum() and planned_visit_id.isascii():
        row = plan_views.planned_visit(
            session, access.visible_students(person).ids, planned_visit_id,
            staff_id=person.staff_id,
        )  # fmt: skip
    if row is None:
        raise HTTPException(404)
    return row


def own_planned_visit(session: Session, person: access.Person, planned_visit_id: str) -> PlannedRow:
    """A planned visit that the person may change: the coordinator, or who leads it; else 403."""
    row = planned_visit(session, person, planned_visit_id)
    if person.role != "coordinator" and row.lead_staff_id != person.staff_id:
        raise HTTPException(403)
    return row
