"""One student: reasons now, and what earlier lists said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response

from earlywarning.io.register import list_views
from earlywarning_api import access, recording, schemas, words
from earlywarning_api.problems import declared
from earlywarning_api.representation import json_answer, language

router = APIRouter(prefix="/students", tags=["students"])


@router.get(
    "/{student_id}",
    response_model=schemas.StudentView,
    responses=declared(304, 401, 403, 404),
)
def student(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("students"))],
    student_id: Annotated[str, Path(description="From a list's items.")],
) -> Response:
    """Reasons on the newest published list, and the history over all of them.

    A student of another class answers exactly as one who does not exist.
    """
    with request.app.state.register.session() as session:
        found = None
        if student_id.isalnum() and student_id.isascii():
            visible = access.visible_students(person).ids
            found = list_views.person(session, visible, student_id)
        if found is None:
            raise HTTPException(404)
        newest = session.scalar(list_views.newest_published(found.school_id))
        rows = list_views.history(session, found.student_id)
    recording.read(request, person, "student.read", entity="student", entity_id=found.student_id)
    spoken = language(request)
    places = [words.place(row, spoken) for row in rows]
    now = next((place for place in places if place.visit_list_id == newest), None)
    view = schemas.StudentView(
        student_id=found.student_id,
        full_name=found.full_name,
        school_id=found.school_id,
        class_id=found.class_id,
        class_name=found.class_name,
        now=now,
        history=places,
    )
    return json_answer(request, view)
