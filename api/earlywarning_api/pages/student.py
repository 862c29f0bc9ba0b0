"""One student: why the family is on the list, the year in a picture, what the school has tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.calendar import Quarter
from earlywarning.errors import Conflict
from earlywarning.io import wording
from earlywarning.io.register import (
    contacts,
    families,
    follow_ups,
    list_views,
    timelines,
    visit_views,
)
from earlywarning.io.register.contacts import AttemptRow, Link
from earlywarning.io.register.follow_ups import RequestRow
from earlywarning.io.register.list_views import PlaceRow
from earlywarning.io.register.models import Guardian, VisitList, VisitListItem, VisitListStudent
from earlywarning.io.register.visit_views import VisitRow
from earlywarning.visits import recording as rules
from earlywarning.visits.frozen import district_of
from earlywarning_api import access, recording, visit_words
from earlywarning_api.pages import rendering, visitor
from earlywarning_api.pages.year import Year, year

router = APIRouter()

Reader = Annotated[access.Person, Depends(visitor.may("students"))]


@dataclass(frozen=True, slots=True)
class PlaceOnList:
    """What one list said of the student.

    Attributes
    ----------
    item_id : str or None
        The family's place on it, if the reader decides about it.
    """

    quarter: Quarter
    as_of: date
    band: str
    track: str | None
    listed: bool
    reasons: tuple[str, ...]
    completeness: str
    visit_list_id: str
    item_id: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that the school tried; `note` says that a closed note exists, nothing more."""

    day: date
    kind: str
    result: str
    agreement: str | None = None
    note: bool = False
    visit_id: str | None = None


@dataclass(frozen=True, slots=True)
class GuardianRow:
    """Somebody who may be met."""

    relation: str
    name: str | None
    available: str | None
    lives_with: bool | None


@dataclass(frozen=True, slots=True)
class StudentPage:
    """What is known of one student, as far as the reader may see it.

    Attributes
    ----------
    siblings : tuple of Person
        Other children of the family whom the reader may see; they are visited together.
    now : PlaceOnList or None
        On the newest published list.
    earlier : tuple of PlaceOnList
        Other lists, newest first.
    next_step : str
        In words.
    asked : tuple of RequestRow
        Visits that the family waits for, oldest first.
    may_reach : bool
        Whether guardians and links to WhatsApp are for this reader.
    """

    student_id: str
    name: str
    class_name: str | None
    siblings: tuple[list_views.Person, ...]
    now: PlaceOnList | None
    earlier: tuple[PlaceOnList, ...]
    year: Year | None
    tried: tuple[Happened, ...]
    next_step: str
    asked: tuple[RequestRow, ...]
    guardians: tuple[GuardianRow, ...]
    may_reach: bool
    may_record: bool
    may_decide: bool
    may_ask: bool
    may_try: bool


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Links to guardians' WhatsApp; `closed` while the protection path is open."""

    student_id: str
    name: str
    links: tuple[Link, ...]
    closed: bool


@router.get("/students/{student_id}")
def student(request: Request, person: Reader, student_id: str) -> Response:
    """The page of one student; one of another class looks like one who does not exist."""
    spoken = rendering.language(request)
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        found = _found(session, person, student_id)
        newest = session.scalar(list_views.newest_published(found.school_id))
        places = _places(session, found.student_id, spoken, lead=access.only_lead(person))
        record = timelines.of_student(session, found.student_id)
        family = families.find(session, visible, student_id=found.student_id)
        step = families.next_of(session, family, today=rendering.today(request))
        siblings = _siblings(session, visible, family.household_key, found.student_id)
        visits = visit_views.rows(session, visible, student_id=found.student_id)
        attempts = contacts.rows(session, visible, found.student_id)
        waiting = rules.REQUEST_STATUSES[:1]
        asked = (
            follow_ups.requests(
                session, visible, household_key=family.household_key, statuses=waiting
            )
            if access.allowed(person, "visits")
            else ()
        )
        reach = _may_reach(session, person, found.student_id)
        guardians = _guardians(session, found.student_id, request) if reach else ()
    others = [one.student_id for one in siblings]
    recording.read(
        request, person, "student.read", entity="student", entity_id=found.student_id,
        detail={"students": others} if others else None,
    )  # fmt: skip
    dangers = [one for one in visits if one.danger]
    knows = access.knows_danger(person) or any(access.knows_danger(person, one) for one in dangers)
    view = StudentPage(
        student_id=found.student_id,
        name=found.full_name,
        class_name=found.class_name,
        siblings=siblings,
        now=next((one for one in places if one.visit_list_id == newest), None),
        earlier=tuple(one for one in places if one.visit_list_id != newest),
        year=None if record is None else year(record, spoken),
        tried=_tried(visits, attempts),
        next_step=visit_words.next_step(request, step, spoken, knows=knows).text,
        asked=tuple(asked),
        guardians=guardians,
        may_reach=reach,
        may_record=access.allowed(person, "visits"),
        may_decide=access.allowed(person, "overrides"),
        may_ask=access.allowed(person, "rights_requests"),
        may_try=access.allowed(person, "contact_attempts"),
    )
    return rendering.page(request, "student.html", view, person=person)


@router.post("/students/{student_id}/contact")
def contact(
    request: Request,
    person: Annotated[access.Person, Depends(visitor.may("contact_links"))],
    student_id: str,
) -> Response:
    """Show links that open WhatsApp; asking for them is on record, so it is no plain link."""
    state = request.app.state
    with state.register.session() as session:
        found = _found(session, person, student_id)
        if not _may_reach(session, person, student_id):
            raise HTTPException(404)
    links: Sequence[Link] = ()
    closed = False
    try:
        links = contacts.open_links(
            state.register, found.student_id, visible=access.own_students(person).ids,
            language=rendering.language(request), actor=person.actor, at=state.clock(),
        )  # fmt: skip
    except Conflict:
        closed = True
    view = ContactPage(found.student_id, found.full_name, tuple(links), closed)
    return rendering.page(request, "contact.html", view, person=person)


def _found(session: Session, person: access.Person, student_id: str) -> list_views.Person:
    found = None
    if student_id.isalnum() and student_id.isascii():
        found = list_views.person(session, access.visible_students(person).ids, student_id)
    if found is None:
        raise HTTPException(404)
    return found


def _siblings(
    session: Session, visible: list_views.Students, household_key: str, student_id: str
) -> tuple[list_views.Person, ...]:
    ids = families.children_seen(session, visible, household_key)
    found = (list_views.person(session, visible, one) for one in ids if one != student_id)
    return tuple(one for one in found if one is not None)


def _places(
    session: Session, student_id: str, spoken: str, *, lead: str | None
) -> list[PlaceOnList]:
    rows = list_views.history(session, student_id)
    query = (
        select(VisitListItem.visit_list_id, VisitListItem.item_id)
        .join(VisitListStudent, VisitListStudent.item_id == VisitListItem.item_id)
        .where(VisitListStudent.student_id == student_id)
    )
    if lead is not None:
        query = query.where(VisitListItem.lead_staff_id == lead)
    items = session.execute(query).all()
    headers = session.execute(
        select(VisitList.visit_list_id, VisitList.header).where(
            VisitList.visit_list_id.in_([row.visit_list_id for row in rows])
        )
    ).all()
    item_of, header_of = dict(items), dict(headers)  # type: ignore[arg-type]
    return [
        _place(row, header_of[row.visit_list_id], item_of.get(row.visit_list_id), spoken)
        for row in rows
    ]


def _place(
    row: PlaceRow, header: Mapping[str, Any], item_id: str | None, spoken: str
) -> PlaceOnList:
    return PlaceOnList(
        quarter=district_of(header["district"]).calendar.quarter(row.quarter),
        as_of=row.as_of_date,
        band=row.band,
        track=row.track,
        listed=row.position is not None,
        reasons=wording.fact_texts(row.reasons, spoken),
        completeness=wording.completeness_text(row.completeness, spoken),
        visit_list_id=row.visit_list_id,
        item_id=item_id,
    )


def _tried(visits: Sequence[VisitRow], attempts: Sequence[AttemptRow]) -> tuple[Happened, ...]:
    found = [
        Happened(one.day, "visit", one.status, one.agreement, one.has_note, one.visit_id)
        for one in visits
    ]
    found += [Happened(one.at.date(), one.channel, one.result) for one in attempts]
    return tuple(sorted(found, key=lambda one: one.day, reverse=True))


def _may_reach(session: Session, person: access.Person, student_id: str) -> bool:
    """Whether guardians and links to them are for this reader: the own class, or the school."""
    if not access.allowed(person, "contact_links"):
        return False
    return list_views.person(session, access.own_students(person).ids, student_id) is not None


def _guardians(session: Session, student_id: str, request: Request) -> tuple[GuardianRow, ...]:
    query = (
        select(Guardian.relation, Guardian.full_name, Guardian.available, Guardian.lives_with)
        .where(Guardian.student_id == student_id)
        .where(Guardian.vital.is_(None) | (Guardian.vital != "deceased"))
        .order_by(Guardian.relation)
    )
    return tuple(
        GuardianRow(relation, name, _hours(available, request), lives_with)
        for relation, name, available, lives_with in session.execute(query)
    )


def _hours(words: str | None, request: Request) -> str | None:
    """When somebody can be met, as the file says it; in English where every word is known."""
    spoken, known = rendering.language(request), request.app.state.planning.available
    parts = [one.strip() for one in (words or "").lower().split(",")]
    if spoken != "en" or not all(one in known for one in parts):
        return words
    slots = dict.fromkeys(slot for one in parts for slot in known[one])
    return ", ".join(wording.say(f"slot.{slot}", spoken) for slot in slots)
