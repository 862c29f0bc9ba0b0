"""Emergency access: one child beyond one's own, for a reason, for three hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.errors import NotFound
from earlywarning.io.register import emergency, list_views, names
from earlywarning.io.register.emergency import Grant
from earlywarning.io.register.list_views import Students
from earlywarning_api import access, recording
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Somebody = Annotated[access.Person, Depends(visitor.user)]
Taker = Annotated[access.Person, Depends(visitor.may("emergency_access"))]
SentForm = Annotated[Sent, Depends(forms.sent)]
SHORTEST, LONGEST = 10, 500
"""Letters of a reason."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One access; the child's name is shown while it holds, to whoever took it."""

    access_id: str
    by: str
    reason: str
    made_at: datetime
    expires_at: datetime
    holds: bool
    own: bool
    student_id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class EmergencyPage:
    """The form, and what was taken: one's own, or for a coordinator the school's."""

    taken: tuple[Taken, ...]
    may_take: bool
    sent: Sent


@router.get("/emergency")
def form(request: Request, person: Somebody) -> Response:
    """What was taken, and the form for who may."""
    return _page(request, person, Sent())


@router.post("/emergency")
def take(request: Request, person: Taker, sent: SentForm) -> Response:
    """Take access to one child; it ends by itself after three hours."""
    state = request.app.state
    if person.user_id is None or person.school_id is None:
        raise HTTPException(403)
    reason, number = sent.optional("reason", most=LONGEST) or "", sent.text("number")
    if len(reason) < SHORTEST:
        sent.faults["reason"] = "reason"
    if not number:
        sent.faults["number"] = "number"
    if sent.faults:
        return _page(request, person, sent, status=422)
    try:
        made = emergency.take(
            state.register, user_id=person.user_id, school_id=person.school_id, reason=reason,
            at=state.clock(), student_number=number,
        )  # fmt: skip
    except NotFound:
        sent.faults["number"] = "number"
        return _page(request, person, sent, status=422)
    return rendering.see_other(f"/students/{made.student_id}")


@router.post("/emergency/{access_id}/end")
def end(
    request: Request,
    person: Taker,
    access_id: Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")],
) -> Response:
    """Give it back before the time is over."""
    state = request.app.state
    emergency.end(state.register, access_id, user_id=person.user_id or "", at=state.clock())
    return rendering.see_other("/emergency")


def _page(request: Request, person: access.Person, sent: Sent, *, status: int = 200) -> Response:
    register, at = request.app.state.register, request.app.state.clock()
    may_take = access.allowed(person, "emergency_access")
    if access.allowed(person, "emergency_access_log") and person.school_id is not None:
        rows = emergency.of_school(register, person.school_id)
    elif may_take and person.user_id is not None:
        rows = emergency.of_user(register, person.user_id)
    else:
        raise HTTPException(403)
    visible = access.visible_students(person).ids
    with register.session() as session:
        taken = tuple(_taken(session, person, one, visible, at) for one in rows)
    named = (one for one in taken if one.own and one.holds)
    shown = sorted({one.student_id for one in named if one.student_id is not None})
    if shown:
        recording.read(
            request, person, "emergency_access.read", entity="school",
            entity_id=person.school_id or "", detail={"students": shown},
        )  # fmt: skip
    view = EmergencyPage(taken, may_take, sent)
    return rendering.page(request, "emergency.html", view, person=person, status=status)


def _taken(
    session: Session, person: access.Person, row: Grant, visible: Students, at: datetime
) -> Taken:
    child = None
    if row.student_id is not None:
        child = list_views.person(session, visible, row.student_id)
    return Taken(
        access_id=row.access_id,
        by=names.of(session, row.user_id) or "–",
        reason=row.reason,
        made_at=row.made_at,
        expires_at=row.expires_at,
        holds=row.ended_at is None and row.expires_at > at,
        own=row.user_id == person.user_id,
        student_id=child.student_id if child else None,
        name=child.full_name if child else None,
    )
