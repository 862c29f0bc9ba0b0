"""Recording a visit: one form, safe to send twice, nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError
from earlywarning.io.register import (
    families,
    follow_ups,
    list_views,
    plan_views,
    visit_views,
    visits,
)
from earlywarning.io.register.families import Family, InProtection, Stale
from earlywarning.io.register.follow_ups import FollowUpContent
from earlywarning.io.register.plan_views import Place
from earlywarning.io.register.visit_views import VisitRow
from earlywarning.io.register.visits import VisitContent
from earlywarning.visits import recording as rules
from earlywarning_api import access, recording, visit_words
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Writer = Annotated[access.Person, Depends(visitor.may("visits"))]
Id = Annotated[str, Query(max_length=64, pattern="^[0-9a-z]*$")]
SentForm = Annotated[Sent, Depends(forms.sent)]

OUTCOMES = ("done", "no_one_home", "moved", "declined", "planned", "cancelled")
LONG = 2000


@dataclass(frozen=True, slots=True)
class VisitForm:
    """The form, with what was typed.

    Attributes
    ----------
    visit_id : str
        Made here: sending the form again is the same visit.
    revision : int or None
        To change a visit that is on record.
    names : tuple of str
        The family's children whom the reader may see.
    back : str
        The student's page.
    fault : str or None
        For the form as a whole: `conflict`, `stale`, `protection`.
    choices : mapping of name to codes
    """

    visit_id: str
    revision: int | None
    item_id: str
    student_id: str
    names: tuple[str, ...]
    back: str
    sent: Sent
    today: date
    fault: str | None
    choices: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class VisitPage:
    """A recorded visit, and what comes next for the family.

    Attributes
    ----------
    step : str
        Code of the next step.
    again : date or None
        When the family is visited next, if another visit is planned.
    plan, notice : str or None
        Where the visit stands in the plan; its letter to the parents, for who may hand it over.
    """

    visit: VisitRow
    names: tuple[str, ...]
    back: str
    saved: bool
    lead: str | None
    companion: str | None
    step: str
    next_step: str
    again: date | None
    plan: str | None
    notice: str | None
    may_reach: bool
    path: tuple[str, ...]
    danger: bool
    may_change: bool
    may_read_note: bool


@dataclass(frozen=True, slots=True)
class NotePage:
    """A note for the counsellor and the principal alone."""

    visit_id: str
    note: str
    written_at: datetime


@router.get("/visits/new")
def form(request: Request, person: Writer, item: Id = "", student: Id = "") -> Response:
    """The empty form; a visit that is planned for the family is the one that is recorded."""
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        family = families.find(
            session, visible, item_id=item or None, student_id=None if item else student
        )
        planned = visit_views.rows(
            session, visible, household_keys=[family.household_key], status=rules.PLANNED, limit=1
        )
    today = rendering.today(request)
    if planned:
        values = {**_typed(planned[0], person), "day": [today.isoformat()], "status": ["done"]}
        visit_id, revision = planned[0].visit_id, planned[0].revision
    else:
        values = {"day": [today.isoformat()], "status": ["done"]}
        visit_id, revision = uuid.uuid4().hex, None
    return _form(request, person, visit_id, revision, item, student, Sent(values))


@router.get("/visits/{visit_id}")
def one(request: Request, person: Writer, visit_id: UUID, saved: str = "") -> Response:
    """A visit on record."""
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        row = visit_views.one(session, visible, visit_id.hex)
        if not row.student_ids:
            raise HTTPException(404)
        family = families.find(session, visible, student_id=row.student_ids[0])
        code = families.next_of(session, family, today=rendering.today(request))
        planned = visit_views.rows(
            session, visible, household_keys=[family.household_key], status=rules.PLANNED, limit=1
        )
        staff = list_views.staff_names(session, row.school_id)
        names = _names(session, person, row.student_ids)
        place = plan_views.place_of(session, row.item_id) if row.item_id else None
    recording.read(
        request, person, "visit.read", entity="visit", entity_id=row.visit_id,
        detail={"students": list(row.student_ids)},
    )  # fmt: skip
    knows = access.knows_danger(person, row)
    step = visit_words.next_step(request, code, rendering.language(request), knows=knows)
    view = VisitPage(
        visit=row,
        names=names,
        back=f"/students/{row.student_ids[0]}",
        saved=bool(saved),
        lead=staff.get(row.lead_staff_id or ""),
        companion=staff.get(row.companion_staff_id or ""),
        step=step.code,
        next_step=step.text,
        plan=_in_plan(place),
        notice=_notice(person, place),
        may_reach=access.allowed(person, "contact_links"),
        again=next((one.day for one in planned if one.visit_id != row.visit_id), None),
        path=tuple(step.path),
        danger=row.danger and knows,
        may_change=row.status != rules.CANCELLED,
        may_read_note=row.has_note and access.allowed(person, "visit_notes"),
    )
    return rendering.page(request, "visit.html", view, person=person)


def _in_plan(place: Place | None) -> str | None:
    """Where the visit stands in the plan; the browser goes to it."""
    return None if place is None else f"/lists/{place.visit_list_id}/plan#{place.planned_visit_id}"


def _notice(person: access.Person, place: Place | None) -> str | None:
    """The letter to the parents, for the coordinator and for who leads the visit."""
    if place is None or not access.allowed(person, "planned_visits"):
        return None
    lead = access.only_lead(person)
    return f"/planned/{place.planned_visit_id}/notice" if lead in (None, place.lead) else None


@router.get("/visits/{visit_id}/note")
def note(
    request: Request,
    person: Annotated[access.Person, Depends(visitor.may("visit_notes"))],
    visit_id: UUID,
) -> Response:
    """What was left for the counsellor and the principal alone; opening it is on record."""
    visible = access.visible_notes(person).ids
    with request.app.state.register.session() as session:
        found = visit_views.restricted_note(session, visible, visit_id.hex)
    recording.read(request, person, "visit_note.read", entity="visit", entity_id=visit_id.hex)
    view = NotePage(visit_id.hex, found.note, found.written_at)
    return rendering.page(request, "note.html", view, person=person)


@router.get("/visits/{visit_id}/change")
def change(request: Request, person: Writer, visit_id: UUID) -> Response:
    """The form of a visit on record, to correct or complete it."""
    with request.app.state.register.session() as session:
        row = visit_views.one(session, access.visible_students(person).ids, visit_id.hex)
    student = row.student_ids[0] if row.student_ids else ""
    return _form(
        request, person, row.visit_id, row.revision, row.item_id or "", student,
        Sent(_typed(row, person)),
    )  # fmt: skip


@router.post("/visits/{visit_id}")
def save(request: Request, person: Writer, visit_id: UUID, sent: SentForm) -> Response:
    """Record what was typed; with a fault the form comes back with all of it."""
    id_, now = visit_id.hex, recording.now(request)
    visible = access.visible_students(person).ids
    revision = int(sent.text("revision")) if sent.text("revision").isdigit() else None
    item, student = sent.text("item"), sent.text("student")
    content = _content(sent, item, student)
    again = _again(sent, now.today)
    todo, due = sent.optional("todo", most=LONG), sent.day("due", needed=False)
    if todo and due is None and "due" not in sent.faults:
        sent.faults["due"] = "due"
    fault, status = None, 422
    if content is not None and not sent.faults:
        register = request.app.state.register
        who = {"visible": visible, "actor": person.actor, "at": now.at, "staff_id": person.staff_id}
        try:
            row, _ = visits.put(
                register, id_, content, today=now.today, revision=_read(request, person, id_,
                revision, content), **who,
            )  # fmt: skip
            if again is not None:
                planned = VisitContent(
                    rules.PLANNED, again, content.student_id, content.item_id,
                    lead_staff_id=row.lead_staff_id,
                )  # fmt: skip
                visits.put(register, _part_of(id_, "again"), planned, today=now.today, **who)
            if todo and due is not None:
                owner = row.lead_staff_id or person.staff_id or ""
                follow = FollowUpContent(row.student_ids[0], todo, owner, due, visit_id=id_)
                follow_ups.put_follow_up(register, _part_of(id_, "follow_up"), follow, **who)
            return rendering.see_other(f"/visits/{id_}?saved=1")
        except Stale:
            fault, status = "stale", 412
        except InProtection:
            fault, status = "protection", 409
        except Conflict:
            fault, status = "conflict", 409
        except DataError as error:
            name = str(error).partition(":")[0]
            sent.faults["todo" if name == "owner_staff_id" else name] = "value"
    return _form(request, person, id_, revision, item, student, sent, fault=fault, status=status)


def _read(
    request: Request, person: access.Person, id_: str, revision: int | None, content: VisitContent
) -> int | None:
    """The revision to start from: none where the same was saved before, by a second sending."""
    if revision is None:
        return None
    with request.app.state.register.session() as session:
        rows = visit_views.rows(session, access.visible_students(person).ids, visit_id=id_)
    return None if rows and _same(rows[0], content) else revision


def _same(row: VisitRow, content: VisitContent) -> bool:
    names = ("status", "day", "agreement", "family_requests")
    lists = ("met", "purposes", "causes")
    return (
        all(getattr(row, name) == getattr(content, name) for name in names)
        and all(tuple(getattr(row, name)) == tuple(getattr(content, name)) for name in lists)
        and dict(row.observations) == dict(content.observations)
        and (row.danger or not content.danger)
        and not content.restricted_note
    )


def _part_of(visit_id: str, name: str) -> str:
    """A fixed id for what belongs to a visit, so that sending it again makes no second one."""
    return uuid.uuid5(UUID(hex=visit_id), name).hex


def _content(sent: Sent, item: str, student: str) -> VisitContent | None:
    day = sent.day("day")
    observations = {
        name: answer
        for name in rules.OBSERVATIONS
        if (answer := sent.one_of(f"see_{name}", rules.ANSWERS, needed=False))
    }
    status = sent.one_of("status", OUTCOMES)
    content = {
        "met": sent.some_of("met", rules.MET),
        "purposes": sent.some_of("purpose", rules.PURPOSES),
        "causes": sent.some_of("cause", rules.known_causes()),
        "agreement": sent.optional("agreement", most=LONG),
        "family_requests": sent.optional("wishes", most=LONG),
        "restricted_note": sent.optional("note", most=LONG),
    }
    if day is None or sent.faults:
        return None
    return VisitContent(
        status, day, student_id=None if item else student or None, item_id=item or None,
        observations=observations, danger=sent.text("danger") == "yes", **content,
    )  # fmt: skip


def _again(sent: Sent, today: date) -> date | None:
    """The day on which somebody goes again; it lies ahead."""
    found = sent.day("again", needed=False)
    if found is not None and found < today:
        sent.faults["again"] = "ahead"
    return found


def _typed(row: VisitRow, person: access.Person) -> dict[str, list[str]]:
    """A visit on record as this person would have typed it."""
    values = {
        "day": [row.day.isoformat()],
        "status": [row.status],
        "met": list(row.met),
        "purpose": list(row.purposes),
        "cause": list(row.causes),
        "agreement": [row.agreement or ""],
        "wishes": [row.family_requests or ""],
        "danger": ["yes"] if row.danger and access.knows_danger(person, row) else [],
    }
    return values | {f"see_{name}": [answer] for name, answer in row.observations.items()}


def _names(session: Session, person: access.Person, ids: tuple[str, ...]) -> tuple[str, ...]:
    visible = access.visible_students(person).ids
    found = (list_views.person(session, visible, one) for one in ids)
    return tuple(one.full_name for one in found if one is not None)


def _form(
    request: Request,
    person: access.Person,
    visit_id: str,
    revision: int | None,
    item: str,
    student: str,
    sent: Sent,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        family: Family = families.find(
            session, visible, item_id=item or None, student_id=None if item else student
        )
        seen = families.children_seen(session, visible, family.household_key)
        names = _names(session, person, tuple(seen))
    if not seen:
        raise HTTPException(404)
    entity, about = ("student", seen[0]) if revision is None else ("visit", visit_id)
    recording.read(
        request, person, "visit.read" if revision is not None else "visit_form.read",
        entity=entity, entity_id=about, detail={"students": seen},
    )  # fmt: skip
    offered = tuple(one for one in OUTCOMES if revision is not None or one != "cancelled")
    view = VisitForm(
        visit_id=visit_id,
        revision=revision,
        item_id=item,
        student_id=student,
        names=names,
        back=f"/students/{seen[0]}",
        sent=sent,
        today=rendering.today(request),
        fault=fault,
        choices={
            "status": offered,
            "met": rules.MET,
            "purpose": rules.PURPOSES,
            "cause": rules.known_causes(),
            "see": rules.OBSERVATIONS,
            "answer": rules.ANSWERS,
        },
    )
    return rendering.page(request, "visit_form.html", view, person=person, status=status)
