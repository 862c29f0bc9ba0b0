"""What families ask for, and by when it must be answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict
from earlywarning.io.register import rights
from earlywarning.io.register.rights import RequestRow
from earlywarning.records.rights import DONE, ERASURE
from earlywarning_api import access, idempotency, recording
from earlywarning_api.problems import declared
from earlywarning_api.rights_schemas import (
    DecisionSent,
    ErasureSent,
    Requests,
    RequestSent,
    RequestView,
    Status,
    utc,
)
from earlywarning_api.routes.consents import require

router = APIRouter(tags=["rights"])

Reader = Annotated[access.Person, Depends(access.to("rights_requests"))]


@router.get("/rights_requests", response_model=Requests, responses=declared(401, 403, 422))
def listed(
    request: Request,
    person: Reader,
    status: Annotated[Status | None, Query(description="Only with this status.")] = None,
) -> Response:
    """Requests of the school's families, the most urgent first. Ids only, no name."""
    at = recording.now(request).at
    with request.app.state.register.session() as session:
        rows = rights.requests(session, status=status, school_id=_school(person))
    return recording.answer(request, Requests(rights_requests=[_view(row, at) for row in rows]))


@router.post(
    "/rights_requests",
    status_code=201,
    response_model=RequestView,
    dependencies=[Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def receive(request: Request, person: Reader, sent: RequestSent) -> Response:
    """Record a request and start its clock. An objection holds from this moment."""
    at = recording.now(request).at
    received = utc(sent.received_at)
    wanted = sent.wanted.model_dump(mode="json", exclude_none=True) if sent.wanted else None
    with recording.told(), request.app.state.register.session(writing=True) as session:
        require(session, person, sent.student_id)
        row = rights.receive(
            session, kind=sent.kind, made_by=sent.made_by, by=person.actor, at=at,
            received_at=received, student_id=sent.student_id, wanted=wanted,
        )  # fmt: skip
        session.commit()
    return recording.answer(request, _view(row, at), status=201)


@router.post(
    "/rights_requests/{request_id}/decision",
    status_code=201,
    response_model=RequestView,
    responses=declared(401, 403, 404, 409, 422),
)
def decide(
    request: Request,
    person: Reader,
    request_id: Annotated[str, Path(description="From `GET /rights_requests`.")],
    sent: DecisionSent,
) -> Response:
    """Answer a request; a granted correction is made with it.

    Erasing also rewrites files of the installation, so whoever runs it does that at the terminal:
    here an erasure can be refused, not done (409).
    """
    at = recording.now(request).at
    with recording.told(), request.app.state.register.session(writing=True) as session:
        kind = _found(session, person, request_id).kind
        if (kind, sent.status) == (ERASURE, DONE):
            raise Conflict("an erasure is done by `earlywarning requests decide`")
        row = rights.decide(
            session, request_id, status=sent.status, reason=sent.reason, by=person.actor, at=at
        )
        session.commit()
    return recording.answer(request, _view(row, at), status=201)


@router.post(
    "/students/{student_id}/erasure",
    status_code=202,
    response_model=RequestView,
    dependencies=[Depends(idempotency.needed), Depends(access.confirmed)],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def erase(
    request: Request,
    person: Reader,
    student_id: Annotated[str, Path(description="From a list's items.")],
    sent: ErasureSent,
) -> Response:
    """Ask that a student be erased; whoever runs the installation does it within three days."""
    at = recording.now(request).at
    with recording.told(), request.app.state.register.session(writing=True) as session:
        require(session, person, student_id)
        row = rights.receive(
            session, kind=ERASURE, made_by=sent.made_by, by=person.actor, at=at,
            student_id=student_id,
        )  # fmt: skip
        session.commit()
    return recording.answer(request, _view(row, at), status=202)


def _school(person: access.Person) -> str | None:
    """Whose requests somebody sees: an administrator without a school sees all."""
    if person.school_id is None and person.role != "admin":
        raise HTTPException(403)
    return person.school_id


def _found(session: Session, person: access.Person, request_id: str) -> RequestRow:
    rows = rights.requests(session, school_id=_school(person))
    for row in rows:
        if row.request_id == request_id:
            return row
    raise HTTPException(404)


def _view(row: RequestRow, at: datetime) -> RequestView:
    return RequestView(
        request_id=row.request_id,
        kind=row.kind,
        student_id=row.student_id,
        school_id=row.school_id,
        made_by=row.made_by,
        received_at=row.received_at,
        due_at=row.due_at,
        overdue=row.overdue(at),
        status=row.status,
        decided_at=row.decided_at,
        reason=row.reason,
    )
