"""Writing down that somebody tried to reach a family: how, and what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError
from earlywarning.io.register import contacts
from earlywarning.io.register.contacts import AttemptContent
from earlywarning.visits import recording as rules
from earlywarning_api import access, recording
from earlywarning_api.pages import forms, named, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Writer = Annotated[access.Person, Depends(visitor.may("contact_attempts"))]
AnId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]
SentForm = Annotated[Sent, Depends(forms.sent)]


@dataclass(frozen=True, slots=True)
class AttemptPage:
    """The form; the id in it makes sending twice safe."""

    attempt_id: str
    student_id: str
    name: str
    channels: tuple[str, ...]
    results: tuple[str, ...]
    sent: Sent


@router.get("/students/{student_id}/attempts/new")
def form(request: Request, person: Writer, student_id: AnId) -> Response:
    """The empty form."""
    return _form(request, person, student_id, uuid.uuid4().hex, Sent({"channel": ["whatsapp"]}))


def _form(
    request: Request,
    person: access.Person,
    student_id: str,
    attempt_id: str,
    sent: Sent,
    *,
    status: int = 200,
) -> Response:
    full_name = named.student(request, person, student_id)
    view = AttemptPage(attempt_id, student_id, full_name, rules.CHANNELS, rules.RESULTS, sent)
    return rendering.page(request, "attempt.html", view, person=person, status=status)


@router.post("/students/{student_id}/attempts/{attempt_id}")
def save(
    request: Request, person: Writer, student_id: AnId, attempt_id: UUID, sent: SentForm
) -> Response:
    """Record it; the same again changes nothing."""
    now = recording.now(request)
    channel = sent.one_of("channel", rules.CHANNELS)
    result = sent.one_of("result", rules.RESULTS)
    if sent.faults:
        return _form(request, person, student_id, attempt_id.hex, sent, status=422)
    state, visible = request.app.state, access.visible_students(person).ids
    with state.register.session() as session:
        before = next(
            (one for one in contacts.rows(session, visible, student_id)
             if one.attempt_id == attempt_id.hex),
            None,
        )  # fmt: skip
    at = now.at if before is None else before.at
    try:
        contacts.put(
            state.register, attempt_id.hex, AttemptContent(student_id, channel, at, result),
            visible=visible, actor=person.actor, at=now.at, staff_id=person.staff_id,
        )  # fmt: skip
    except (Conflict, DataError):
        sent.faults["result"] = "value"
        return _form(request, person, student_id, attempt_id.hex, sent, status=409)
    return rendering.see_other(f"/students/{student_id}")
