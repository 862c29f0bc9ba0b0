"""Writing down that a family, a child or a colleague asks for a visit; taking it back."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.responses import Response

from earlywarning.errors import Conflict
from earlywarning.io.register import follow_ups
from earlywarning.io.register.families import Stale
from earlywarning.io.register.follow_ups import RequestContent
from earlywarning.visits import recording as rules
from earlywarning_api import access, recording
from earlywarning_api.pages import forms, named, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Asker = Annotated[access.Person, Depends(visitor.may("visits"))]
AnId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]
SentForm = Annotated[Sent, Depends(forms.sent)]
LONGEST = 500


@dataclass(frozen=True, slots=True)
class AskingPage:
    """The form; the id in it makes sending twice safe."""

    request_id: str
    student_id: str
    name: str
    askers: tuple[str, ...]
    sent: Sent


@router.get("/students/{student_id}/visit-request")
def form(request: Request, person: Asker, student_id: AnId) -> Response:
    """The form, as if the family asked today."""
    day = rendering.today(request).isoformat()
    typed = Sent({"asked_by": [rules.ASKED_BY[0]], "asked_on": [day]})
    return _form(request, person, student_id, uuid.uuid4().hex, typed)


@router.post("/students/{student_id}/visit-request/{request_id}")
def save(
    request: Request, person: Asker, student_id: AnId, request_id: UUID, sent: SentForm
) -> Response:
    """Record it; the same again changes nothing."""
    now = recording.now(request)
    asked_by, asked_on = sent.one_of("asked_by", rules.ASKED_BY), sent.day("asked_on")
    wish = " ".join((sent.optional("wish", most=LONGEST) or "").split()) or None
    if asked_on is not None and asked_on > now.today:
        sent.faults["asked_on"] = "not_yet"
    if sent.faults or asked_on is None:
        return _form(request, person, student_id, request_id.hex, sent, status=422)
    try:
        follow_ups.put_request(
            request.app.state.register, request_id.hex,
            RequestContent(student_id, asked_by, asked_on, wish),
            visible=access.visible_students(person).ids, actor=person.actor, at=now.at,
            today=now.today,
        )  # fmt: skip
    except Conflict:
        sent.faults["wish"] = "saved_before"
        return _form(request, person, student_id, request_id.hex, sent, status=409)
    return rendering.see_other(f"/students/{student_id}#next")


@router.post("/students/{student_id}/visit-request/{request_id}/drop")
def drop(request: Request, person: Asker, student_id: AnId, request_id: UUID) -> Response:
    """Nobody asks for it any more; one that was met or dropped meanwhile stays so."""
    state, now = request.app.state, recording.now(request)
    visible = access.visible_students(person).ids
    with state.register.session() as session:
        found = follow_ups.requests(session, visible, request_id=request_id.hex)
    if not found:
        raise HTTPException(404)
    (row,) = found
    if row.status == rules.REQUEST_STATUSES[0]:
        content = RequestContent(
            row.student_id, row.asked_by, row.asked_on, row.wish, rules.REQUEST_STATUSES[-1]
        )
        with suppress(Stale):  # somebody was faster: the student's page says how it stands
            follow_ups.put_request(
                state.register, row.request_id, content, visible=visible, actor=person.actor,
                at=now.at, today=now.today, revision=row.revision,
            )  # fmt: skip
    return rendering.see_other(f"/students/{student_id}#next")


def _form(
    request: Request,
    person: access.Person,
    student_id: str,
    request_id: str,
    sent: Sent,
    *,
    status: int = 200,
) -> Response:
    full_name = named.student(request, person, student_id)
    view = AskingPage(request_id, student_id, full_name, rules.ASKED_BY, sent)
    return rendering.page(request, "asking.html", view, person=person, status=status)
