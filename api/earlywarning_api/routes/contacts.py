"""Reaching a family before going."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from earlywarning.io.register import contacts, families
from earlywarning.io.register.contacts import AttemptContent
from earlywarning_api import access, recording, visit_schemas, visit_words
from earlywarning_api.problems import declared
from earlywarning_api.representation import language

router = APIRouter(tags=["visits"])

Reader = Annotated[access.Person, Depends(access.to("contact_attempts"))]
StudentId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$", description="From a list's items.")]


@router.put(
    "/contact_attempts/{client_uuid}",
    response_model=visit_schemas.AttemptStored,
    responses={
        **declared(401, 403, 404, 409, 422),
        201: {"model": visit_schemas.AttemptStored, "description": "Recorded"},
    },
)
def put(
    request: Request,
    person: Reader,
    client_uuid: recording.ClientId,
    sent: visit_schemas.AttemptSent,
) -> Response:
    """Record an attempt: 201 if new, 200 if it is the same again, 409 if the id has others.

    What was said is not kept. After two attempts without success the next step is a letter.
    """
    register, now = request.app.state.register, recording.now(request)
    visible = access.visible_students(person).ids
    with recording.told():
        row, new = contacts.put(
            register, client_uuid.hex, AttemptContent(**sent.model_dump()), visible=visible,
            actor=person.actor, at=now.at, staff_id=person.staff_id,
        )  # fmt: skip
    spoken = language(request)
    with register.session() as session:
        family = families.find(session, visible, student_id=row.student_id)
        code = families.next_of(session, family, today=now.today)
    view = visit_schemas.AttemptStored(
        attempt=visit_words.attempt(row, spoken),
        next_step=visit_words.next_step(request, code, spoken, knows=access.knows_danger(person)),
    )
    return recording.answer(request, view, status=201 if new else 200)


@router.get(
    "/students/{student_id}/contact_attempts",
    response_model=visit_schemas.Attempts,
    responses=declared(401, 403, 404, 422),
)
def listed(request: Request, person: Reader, student_id: StudentId) -> Response:
    """Attempts to reach a student's family, newest first, and what comes next."""
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        rows = contacts.rows(session, visible, student_id)
        family = families.find(session, visible, student_id=student_id)
        code = families.next_of(session, family, today=recording.now(request).today)
    recording.read(request, person, "contact_attempts.read", entity="student", entity_id=student_id)
    spoken = language(request)
    return recording.answer(
        request,
        visit_schemas.Attempts(
            attempts=[visit_words.attempt(row, spoken) for row in rows],
            next_step=visit_words.next_step(
                request, code, spoken, knows=access.knows_danger(person)
            ),
        ),
    )


@router.get(
    "/students/{student_id}/contact_link",
    response_model=visit_schemas.Links,
    responses=declared(401, 403, 404, 409, 422),
)
def link(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("contact_links"))],
    student_id: StudentId,
) -> Response:
    """Links that open WhatsApp with neutral words; asking for them is written to the audit.

    For the student's own homeroom teacher and the coordinator. Nothing is sent by us.
    """
    spoken = language(request)
    with recording.told():
        links = contacts.open_links(
            request.app.state.register, student_id, visible=access.own_students(person).ids,
            language=spoken, actor=person.actor, at=request.app.state.clock(),
        )  # fmt: skip
    view = visit_schemas.Links(
        links=[visit_schemas.LinkView(relation=one.relation, url=one.url) for one in links]
    )
    return recording.answer(request, view)
