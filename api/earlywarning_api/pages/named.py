"""The child that a form speaks of."""

from __future__ import annotations

from fastapi import HTTPException, Request

from earlywarning.io.register import list_views
from earlywarning_api import access, recording


def student(request: Request, person: access.Person, student_id: str) -> str:
    """The full name; that it was read is on record.

    Raises
    ------
    HTTPException
        404 if the caller may not see the child, or there is none.
    """
    with request.app.state.register.session() as session:
        found = list_views.person(session, access.visible_students(person).ids, student_id)
    if found is None:
        raise HTTPException(404)
    recording.read(request, person, "student.read", entity="student", entity_id=student_id)
    return found.full_name
