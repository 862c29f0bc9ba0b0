"""What guardians agreed to, child by child."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import rights
from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import Consent
from earlywarning_api import access, idempotency, recording
from earlywarning_api.problems import declared
from earlywarning_api.rights_schemas import Consents, ConsentSent, ConsentView, ObjectionView

router = APIRouter(prefix="/students/{student_id}/consents", tags=["rights"])

Reader = Annotated[access.Person, Depends(access.to("consents"))]
StudentId = Annotated[str, Path(description="From a list's items.")]


@router.get("", response_model=Consents, responses=declared(401, 403, 404))
def listed(request: Request, person: Reader, student_id: StudentId) -> Response:
    """Agreements and objections about a student, those that ended too."""
    with request.app.state.register.session() as session:
        require(session, person, student_id)
        view = Consents(
            consents=[_view(one) for one in rights.consents(session, student_id)],
            objections=[
                ObjectionView.model_validate(one, from_attributes=True)
                for one in rights.objections(session, student_id)
            ],
        )
    recording.read(request, person, "consent.read", entity="student", entity_id=student_id)
    return recording.answer(request, view)


@router.post(
    "",
    status_code=201,
    response_model=ConsentView,
    dependencies=[Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def add(request: Request, person: Reader, student_id: StudentId, sent: ConsentSent) -> Response:
    """Record an agreement, and where its proof is."""
    with recording.told(), request.app.state.register.session(writing=True) as session:
        require(session, person, student_id)
        made = rights.add_consent(
            session, student_id=student_id, by=person.actor, at=recording.now(request).at,
            **sent.model_dump(),
        )  # fmt: skip
        session.commit()
        view = _view(session.get_one(Consent, made))
    return recording.answer(request, view, status=201)


@router.post(
    "/{consent_id}/withdrawal",
    status_code=201,
    response_model=ConsentView,
    responses=declared(401, 403, 404, 409),
)
def withdraw(
    request: Request,
    person: Reader,
    student_id: StudentId,
    consent_id: Annotated[str, Path(description="From the student's consents.")],
) -> Response:
    """Record that an agreement was taken back. Without `priority`, no list ranks the family."""
    with request.app.state.register.session(writing=True) as session:
        require(session, person, student_id)
        if consent_id not in {one.consent_id for one in rights.consents(session, student_id)}:
            raise HTTPException(404)
        rights.withdraw_consent(session, consent_id, by=person.actor, at=recording.now(request).at)
        session.commit()
        view = _view(session.get_one(Consent, consent_id))
    return recording.answer(request, view, status=201)


def require(session: Session, person: access.Person, student_id: str) -> None:
    """404 unless the person may see the student."""
    visible = access.visible_students(person).ids
    query = select(Student.student_id).where(
        Student.student_id == student_id, Student.student_id.in_(visible)
    )
    if not (student_id.isalnum() and student_id.isascii()) or session.scalar(query) is None:
        raise HTTPException(404)


def _view(row: Consent) -> ConsentView:
    return ConsentView.model_validate(row, from_attributes=True)
