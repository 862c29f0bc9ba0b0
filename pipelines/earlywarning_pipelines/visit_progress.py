"""How far the visits of a quarter are, school by school and teacher by teacher; counts only."""

from __future__ import annotations

from collections import Counter
from datetime import date

from sqlalchemy import select

from earlywarning.errors import NotFound
from earlywarning.io import wording
from earlywarning.io.register import list_views, lists, overrides, working_list
from earlywarning.io.register.db import Register
from earlywarning.io.register.lists import PUBLISHED, ListRow
from earlywarning.io.register.models import VisitListItem
from earlywarning.visits.recording import FAMILY_STATUSES


def report(
    register: Register,
    quarter: str,
    *,
    today: date,
    language: str,
    school_id: str | None = None,
) -> str:
    """A line a school, a line a teacher.

    Raises
    ------
    NotFound
        If the quarter has no published list.
    """
    rows = [
        row
        for row in lists.of_quarter(register, quarter, status=PUBLISHED)
        if school_id in (None, row.school_id)
    ]
    if not rows:
        raise NotFound(
            f"no list of {quarter} is published; `earlywarning lists` shows all there are"
        )
    return "\n".join(line for row in rows for line in _school(register, row, today, language))


def changes(register: Register, *, language: str) -> str:
    """A line for each quarter, action and reason, with how often it was taken."""
    with register.session() as session:
        rows = overrides.rates(session)
    return "\n".join(
        f"{quarter} · {wording.say(f'override.{action}', language)} · "
        f"{wording.say(f'override_reason.{reason}', language)}: {count}"
        for quarter, action, reason, count in rows
    ) or wording.say("override.none", language)


def _school(register: Register, row: ListRow, today: date, language: str) -> list[str]:
    query = (
        select(VisitListItem.item_id, VisitListItem.household_key, VisitListItem.lead_staff_id)
        .where(
            VisitListItem.visit_list_id == row.visit_list_id, VisitListItem.position.is_not(None)
        )
        .order_by(VisitListItem.position)
    )
    with register.session() as session:
        items = [tuple(one) for one in session.execute(query)]
        stands = working_list.statuses(
            session, row, {item_id: key for item_id, key, _ in items}, today=today
        )
        staff = list_views.staff_names(session, row.school_id)
        name = list_views.school_names(session)[row.school_id]
    leads: dict[str | None, Counter[str]] = {}
    for item_id, _, lead in items:
        leads.setdefault(lead, Counter())[stands[item_id]] += 1
    lines = [_line(name, sum(leads.values(), Counter()), language)]
    nobody = wording.say("lead.none", language)
    return lines + [
        "  " + _line(staff.get(lead or "", nobody), counted, language)
        for lead, counted in leads.items()
    ]


def _line(name: str, counted: Counter[str], language: str) -> str:
    """Such as `Sari: 3/8 visited · scheduled 2 · not visited 3`."""
    visited = wording.say("family_status.visited", language).lower()
    rest = [
        f"{wording.say(f'family_status.{status}', language).lower()} {counted[status]}"
        for status in FAMILY_STATUSES
        if status != "visited" and counted[status]
    ]
    return " · ".join([f"{name}: {counted['visited']}/{counted.total()} {visited}", *rest])
