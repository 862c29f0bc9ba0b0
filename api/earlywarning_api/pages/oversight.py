"""What was done and read, and what families asked for with its clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError
from earlywarning.io.register import audit_log, list_views, names, rights
from earlywarning.io.register.rights import RequestRow
from earlywarning.records import rights as rules
from earlywarning_api import access, cursor, recording
from earlywarning_api.pages import audit_words, forms, named, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Auditor = Annotated[access.Person, Depends(visitor.may("audit"))]
Clerk = Annotated[access.Person, Depends(visitor.may("rights_requests"))]
SentForm = Annotated[Sent, Depends(forms.sent)]
Text = Annotated[str, Query(max_length=160, pattern=r"^[A-Za-z0-9_:./ -]*$")]
AnId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]

ROWS = 50
FAMILIES_ASK = tuple(one for one in rules.REQUESTS if one != rules.BREACH)
SIMPLE = tuple(one for one in FAMILIES_ASK if one not in (rules.RECTIFICATION, rules.ERASURE))
"""Requests that a form of two fields records; the others need more, and are made elsewhere."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row, with the name of who did it and what it says beside."""

    position: int
    at: datetime
    actor: str
    name: str
    words: str
    entity_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows that fit, newest first."""

    rows: tuple[AuditRow, ...]
    actions: tuple[tuple[str, str], ...]
    actor: str
    action: str
    about: str
    following: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how its clock stands."""

    row: RequestRow
    overdue: bool
    hours: int


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """What families asked for, the most urgent first."""

    asked: tuple[Asked, ...]
    refusals: tuple[str, ...]
    fault: str | None


@dataclass(frozen=True, slots=True)
class NewRequestPage:
    """The form to record what a family asks for."""

    student_id: str
    name: str
    kinds: tuple[str, ...]
    askers: tuple[str, ...]
    sent: Sent


@router.get("/audit")
def audit(
    request: Request,
    person: Auditor,
    actor: Text = "",
    action: Annotated[str, Query(max_length=64, pattern="^[a-z_.]*$")] = "",
    about: Text = "",
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Search what was done and read; searching is itself on record."""
    spoken = rendering.language(request)
    bound_to = (actor, action, about)
    before = cursor.position(after, bound_to)
    with request.app.state.register.session() as session:
        found = audit_log.search(
            session, actor=names.id_of(session, actor) if actor else None,
            action=action or None, entity_id=about or None,
            before=before or None, limit=ROWS + 1,
        )  # fmt: skip
        page = found[:ROWS]
        known = {one.actor: names.of(session, one.actor) or one.actor for one in page}
    recording.read(
        request, person, "audit.read", entity="audit", entity_id="audit",
        detail={"rows": len(page), "about": about or None},
    )  # fmt: skip
    following = cursor.made(page[-1].position, bound_to) if len(found) > ROWS else None
    view = AuditPage(
        rows=tuple(
            AuditRow(
                one.position, one.at, one.actor, known[one.actor],
                audit_words.action(one.action, spoken), one.entity_id,
                audit_words.detail(json.loads(one.detail), spoken),
            )
            for one in page
        ),
        actions=tuple(audit_words.actions(spoken)),
        actor=actor,
        action=action,
        about=about,
        following=following,
    )  # fmt: skip
    return rendering.page(request, "audit.html", view, person=person)


@router.get("/requests")
def requests(request: Request, person: Clerk) -> Response:
    """What families asked for: three days each, weekends included."""
    return _requests(request, person)


def _requests(
    request: Request, person: access.Person, *, fault: str | None = None, status: int = 200
) -> Response:
    at = request.app.state.clock()
    with request.app.state.register.session() as session:
        rows = rights.requests(session, school_id=person.school_id)
    asked = tuple(
        Asked(one, one.overdue(at), max(0, round((one.due_at - at).total_seconds() / 3600)))
        for one in sorted(rows, key=lambda one: (one.status != rules.OPEN, one.due_at))
    )
    view = RequestsPage(asked, rules.REFUSALS, fault)
    return rendering.page(request, "requests.html", view, person=person, status=status)


@router.post("/requests/{request_id}")
def decide(request: Request, person: Clerk, request_id: AnId, sent: SentForm) -> Response:
    """Answer a request: done, or refused for a reason that the law knows."""
    status = sent.one_of("status", (rules.DONE, rules.REFUSED))
    reason = sent.one_of("reason", rules.REFUSALS, needed=status == rules.REFUSED)
    if sent.faults:
        return _requests(request, person, fault="reason", status=422)
    register = request.app.state.register
    with register.session(writing=True) as session:
        row = rights.found_request(session, request_id)
        if person.school_id is not None and row.school_id != person.school_id:
            raise HTTPException(404)
        if row.kind == rules.ERASURE and status == rules.DONE:
            return _requests(request, person, fault="erasure", status=409)
        try:
            rights.decide(
                session, request_id, status=status, by=person.actor,
                at=request.app.state.clock(), reason=reason if status == rules.REFUSED else None,
            )  # fmt: skip
        except (Conflict, DataError):
            return _requests(request, person, fault="answered", status=409)
        session.commit()
    return rendering.see_other("/requests")


@router.get("/students/{student_id}/request")
def request_form(request: Request, person: Clerk, student_id: AnId) -> Response:
    """The form to record what a family asks for."""
    return _request_form(request, person, student_id, Sent())


def _request_form(
    request: Request, person: access.Person, student_id: str, sent: Sent, *, status: int = 200
) -> Response:
    full_name = named.student(request, person, student_id)
    view = NewRequestPage(student_id, full_name, SIMPLE, rules.ASKERS, sent)
    return rendering.page(request, "new_request.html", view, person=person, status=status)


@router.post("/students/{student_id}/request")
def receive(request: Request, person: Clerk, student_id: AnId, sent: SentForm) -> Response:
    """Record it; the clock starts, and an objection holds at once."""
    kind = sent.one_of("kind", SIMPLE)
    made_by = sent.one_of("made_by", rules.ASKERS)
    if sent.faults:
        return _request_form(request, person, student_id, sent, status=422)
    with request.app.state.register.session(writing=True) as session:
        if list_views.person(session, access.visible_students(person).ids, student_id) is None:
            raise HTTPException(404)
        rights.receive(
            session, kind=kind, made_by=made_by, by=person.actor,
            at=request.app.state.clock(), student_id=student_id,
        )  # fmt: skip
        session.commit()
    return rendering.see_other("/requests")
