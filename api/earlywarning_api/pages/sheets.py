"""Paper: letters of assignment, forms to take along, the quarter's summary for the principal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.io.register import families, list_views, plans
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import ClassGroup, Guardian, VisitListItem
from earlywarning.io.register.plan_views import PlannedRow
from earlywarning.io.register.visit_tables import FollowUp, Visit
from earlywarning.visits import recording as rules
from earlywarning_api import access, lookup, plan_words, recording
from earlywarning_api.pages import list_content, rendering, visitor
from earlywarning_api.pages.list_content import Overview
from earlywarning_api.plan_schemas import PlannedVisitView

router = APIRouter()

Mover = Annotated[access.Person, Depends(visitor.may("planned_visits"))]
Reader = Annotated[access.Person, Depends(visitor.may("plans"))]
WithContact = Annotated[str, Query(alias="contact", max_length=1)]


@dataclass(frozen=True, slots=True)
class Paper:
    """A letter of assignment, or the form of a visit.

    Attributes
    ----------
    contact : tuple of str
        Where and how to reach the family; empty unless asked for.
    """

    school: str
    visit: PlannedVisitView
    contact: tuple[str, ...]
    asked: bool
    met: tuple[str, ...]
    observations: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """How far one class's visits are."""

    name: str
    listed: int
    visited: int


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """A quarter in counts: no child is named, and a small count is not broken down."""

    overview: Overview
    listed: int
    visited: int
    outcomes: tuple[tuple[str, int], ...]
    causes: tuple[tuple[str, int], ...]
    classes: tuple[ClassSummary, ...]
    follow_ups: int
    overdue: int
    as_of: date


FEW = 5
"""A cause that fewer families named is not counted out: it could tell of one of them."""


@router.post("/planned/{planned_visit_id}/letter")
def number(request: Request, person: Mover, planned_visit_id: str) -> Response:
    """Give the letter its number, the next of the school's year; a second time changes nothing."""
    state, now = request.app.state, recording.now(request)
    with state.register.session() as session:
        lookup.own_planned_visit(session, person, planned_visit_id)
    plans.letter(state.register, planned_visit_id, on=now.today, actor=person.actor, at=now.at)
    return rendering.see_other(f"/planned/{planned_visit_id}/letter")


@router.get("/planned/{planned_visit_id}/letter")
def letter(
    request: Request, person: Mover, planned_visit_id: str, contact: WithContact = ""
) -> Response:
    """The letter of assignment on A4; without number before one was asked for."""
    view = _paper(request, person, planned_visit_id, contact)
    return rendering.page(request, "letter.html", view, person=person)


@router.get("/planned/{planned_visit_id}/form")
def visit_form(
    request: Request, person: Mover, planned_visit_id: str, contact: WithContact = ""
) -> Response:
    """The form to take along: what to ask, what was agreed, three signatures."""
    view = _paper(request, person, planned_visit_id, contact)
    return rendering.page(request, "paper_form.html", view, person=person)


@router.get("/planned/{planned_visit_id}/notice")
def notice(request: Request, person: Mover, planned_visit_id: str) -> Response:
    """The letter to the parents: that somebody comes, when, and a slip to send back; no reason."""
    view = _paper(request, person, planned_visit_id, "")
    return rendering.page(request, "notice.html", view, person=person)


def _paper(request: Request, person: access.Person, planned_visit_id: str, contact: str) -> Paper:
    state, spoken = request.app.state, rendering.language(request)
    with state.register.session() as session:
        row = lookup.own_planned_visit(session, person, planned_visit_id)
        listed = lookup.visit_list(session, person, row.visit_list_id)
        school = list_views.school_names(session)[listed.school_id]
        reach = _contact(session, person, row) if contact else ()
    recording.read(
        request, person, "planned_visit.printed", entity="planned_visit",
        entity_id=planned_visit_id,
        detail={"contact": bool(contact), "students": [one[0] for one in row.students]},
    )  # fmt: skip
    return Paper(
        school=school,
        visit=plan_words.planned(row, spoken, letter=state.planning.letter),
        contact=tuple(reach),
        asked=bool(contact),
        met=rules.MET,
        observations=rules.OBSERVATIONS,
        answers=rules.ANSWERS,
    )


def _contact(session: Session, person: access.Person, row: PlannedRow) -> Sequence[str]:
    """Village and telephones, for whoever may reach the family."""
    if not access.allowed(person, "contact_links"):
        return ()
    ids = [student_id for student_id, _, _ in row.students]
    phones = session.scalars(
        select(Guardian.phone)
        .where(Guardian.student_id.in_(ids), Guardian.phone.is_not(None))
        .where(Guardian.student_id.in_(access.own_students(person).ids))
        .where(Guardian.vital.is_(None) | (Guardian.vital != "deceased"))
        .order_by(Guardian.relation)
    ).all()
    return [one for one in dict.fromkeys([row.village, *phones]) if one]


@router.get("/lists/{visit_list_id}/summary")
def summary(request: Request, person: Reader, visit_list_id: str) -> Response:
    """The quarter in counts, for the principal."""
    today = rendering.today(request)
    with request.app.state.register.session() as session:
        row = lookup.visit_list(session, person, visit_list_id)
        schools = list_views.school_names(session)
        view = _summary(session, row, schools[row.school_id], today)
    return rendering.page(request, "summary.html", view, person=person)


def _summary(session: Session, row: ListRow, school: str, today: date) -> SummaryPage:
    start, end = families.span_of(row.header)
    in_quarter = (Visit.school_id == row.school_id, Visit.day >= start, Visit.day < end)
    visits = session.execute(
        select(Visit.household_key, Visit.status, Visit.causes).where(*in_quarter)
    ).all()
    done = {key for key, status, _ in visits if status == rules.DONE}
    listed = session.execute(
        select(VisitListItem.household_key, VisitListItem.class_id, ClassGroup.name)
        .outerjoin(ClassGroup, ClassGroup.class_id == VisitListItem.class_id)
        .where(
            VisitListItem.visit_list_id == row.visit_list_id, VisitListItem.position.is_not(None)
        )
        .order_by(ClassGroup.grade_level, ClassGroup.name)
    ).all()
    outcomes = Counter(status for _, status, _ in visits)
    causes = Counter(cause for _, _, found in visits for cause in found)
    by_class: dict[str, list[str]] = {}
    for key, _, name in listed:
        by_class.setdefault(name or "–", []).append(key)
    open_ = (FollowUp.school_id == row.school_id, FollowUp.status == "open")
    waiting = session.scalar(select(func.count()).select_from(FollowUp).where(*open_)) or 0
    late = session.scalar(
        select(func.count()).select_from(FollowUp).where(*open_, FollowUp.due < today)
    )
    return SummaryPage(
        overview=list_content.overview(row, {row.school_id: school}),
        listed=len(listed),
        visited=sum(key in done for key, _, _ in listed),
        outcomes=tuple((one, outcomes[one]) for one in rules.NEXT_STATUSES if outcomes[one]),
        causes=tuple((one, causes[one]) for one in rules.known_causes() if causes[one] >= FEW),
        classes=tuple(
            ClassSummary(name, len(keys), sum(key in done for key in keys))
            for name, keys in by_class.items()
        ),
        follow_ups=waiting,
        overdue=late or 0,
        as_of=today,
    )
