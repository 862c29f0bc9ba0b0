"""Find a student, also one who is on no list: by a part of the name or of the school's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from earlywarning.io.register import list_views
from earlywarning.io.register.list_views import Found
from earlywarning_api import access, recording
from earlywarning_api.pages import rendering, visitor

MOST = 50
"""Students on one page; who has more to look at types more of the name."""

router = APIRouter()

# Who records visits looks for a child; a principal sees none but by emergency access.
Reader = Annotated[access.Person, Depends(visitor.may("visits"))]
Text = Annotated[str, Query(max_length=80, pattern=r"^[^\x00-\x1f]*$")]


@dataclass(frozen=True, slots=True)
class FindPage:
    """Students who fit, as far as the reader may see them.

    Attributes
    ----------
    sought : str
        What was typed; empty before anything was.
    more : bool
        Whether more fit than are shown.
    own : bool
        Whether only the reader's own children are looked through, not the school.
    """

    sought: str
    students: tuple[Found, ...]
    most: int
    more: bool
    own: bool


@router.get("/students")
def find(request: Request, person: Reader, q: Text = "") -> Response:
    """Students by name or number; one of others looks like one who does not exist."""
    sought = " ".join(q.split())
    students: list[Found] = []
    if sought:
        with request.app.state.register.session() as session:
            students = list_views.find(
                session, access.visible_students(person).ids, sought, limit=MOST + 1
            )
    shown = students[:MOST]
    if shown:
        recording.read(
            request, person, "students.found", entity="school", entity_id=person.school_id or "",
            detail={"students": [one.student_id for one in shown]},
        )  # fmt: skip
    view = FindPage(
        sought=sought,
        students=tuple(shown),
        most=MOST,
        more=len(students) > MOST,
        own=access.only_lead(person) is not None,
    )
    return rendering.page(request, "find.html", view, person=person)
