"""Emergency access: one child or class beyond one's own, with a reason, for three hours."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request

from earlywarning.io.register import emergency
from earlywarning_api import access, idempotency
from earlywarning_api.access_schemas import EmergencyRequest, EmergencyView, EmergencyViews
from earlywarning_api.problems import declared

router = APIRouter(prefix="/emergency_access", tags=["emergency access"])


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def take(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("emergency_access"))],
    sent: EmergencyRequest,
) -> EmergencyView:
    """See a child or a class of your school for three hours. Coordinators see who did, and why."""
    if person.user_id is None or person.school_id is None:
        raise HTTPException(403)
    state = request.app.state
    made = emergency.take(
        state.register, user_id=person.user_id, school_id=person.school_id, reason=sent.reason,
        at=state.clock(), student_number=sent.student_number, class_id=sent.class_id,
    )  # fmt: skip
    return EmergencyView.model_validate(made, from_attributes=True)


@router.get("", responses=declared(401, 403))
def listed(
    request: Request, person: Annotated[access.Person, Depends(access.signed_in)]
) -> EmergencyViews:
    """Your own; a coordinator sees everybody's of the school."""
    register = request.app.state.register
    if access.allowed(person, "emergency_access_log") and person.school_id is not None:
        rows = emergency.of_school(register, person.school_id)
    elif access.allowed(person, "emergency_access") and person.user_id is not None:
        rows = emergency.of_user(register, person.user_id)
    else:
        raise HTTPException(403)
    return EmergencyViews(
        emergency_access=[EmergencyView.model_validate(row, from_attributes=True) for row in rows]
    )


@router.delete("/{access_id}", status_code=204, responses=declared(401, 403, 404))
def end(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("emergency_access"))],
    access_id: Annotated[str, Path(description="From `GET /emergency_access`.")],
) -> None:
    """Give an access back before its three hours are over."""
    state = request.app.state
    if not (access_id.isalnum() and access_id.isascii()):
        raise HTTPException(404)
    emergency.end(state.register, access_id, user_id=person.user_id or "", at=state.clock())
