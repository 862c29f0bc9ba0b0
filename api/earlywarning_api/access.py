"""Who may see what: the one place. What is not allowed here is denied.

Two questions. *May this role use this at all?* `PERMISSIONS`; no is 403. *May this person see this
child?* `visible_students`; no looks exactly like a child who does not exist (404, same words).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Select, false, select

from earlywarning.io.register import tokens
from earlywarning.io.register.list_views import newest_published
from earlywarning.io.register.lists import DRAFT, PUBLISHED
from earlywarning.io.register.models import (
    ClassGroup,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)

PERMISSIONS: Mapping[str, frozenset[str]] = {
    # A school's lists, drafts too, and its students.
    "coordinator": frozenset({"quarters", "visit_lists", "students", "models", "reference"}),
    # Published lists, as far as they concern the own class or a family led.
    "homeroom_teacher": frozenset({"quarters", "visit_lists", "students", "reference"}),
    # Models and pseudonyms; no list, no student, no name.
    "data_staff": frozenset({"quarters", "models", "reference"}),
}
"""What each role may use. A role that is not here, or a use that is not named, is denied."""

BEARER = HTTPBearer(auto_error=False, description="A token made by `earlywarning token create`.")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking.

    Attributes
    ----------
    token_id : str
    role : str
    school_id, staff_id : str or None
        Of what school, and who, as far as the role needs it.
    """

    token_id: str
    role: str
    school_id: str | None
    staff_id: str | None


@dataclass(frozen=True, slots=True)
class Visible:
    """Which rows a person may see, and by what rule.

    Attributes
    ----------
    ids : Select
        A query for their ids.
    why : str
        The rule, for people and for the audit.
    """

    ids: Select[*tuple[Any, ...]]
    why: str


def signed_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Person:
    """The person whom the request's token stands for; 401 if none."""
    state = request.app.state
    found = (
        tokens.bearer(state.register, credentials.credentials, at=state.clock())
        if credentials is not None
        else None
    )
    if found is None:
        raise HTTPException(401)
    return Person(found.token_id, found.role, found.school_id, found.staff_id)


def allowed(person: Person, use: str) -> bool:
    """Whether a role may use something."""
    return use in PERMISSIONS.get(person.role, frozenset())


def to(use: str) -> Callable[..., Person]:
    """A dependency: the person who asks, if their role may use `use`; else 401 or 403."""

    def checked(person: Annotated[Person, Depends(signed_in)]) -> Person:
        if not allowed(person, use):
            raise HTTPException(403)
        return person

    return checked


def visible_students(person: Person) -> Visible:
    """The students whom a person may see now. Every route reaches students through this."""
    nobody = Visible(select(Student.student_id).where(false()), "nobody")
    if not allowed(person, "students") or person.school_id is None:
        return nobody
    school = select(Student.student_id).where(Student.school_id == person.school_id)
    if person.role == "coordinator":
        return Visible(school, "every student of the school")
    if person.role == "homeroom_teacher" and person.staff_id is not None:
        own_classes = select(ClassGroup.class_id).where(
            ClassGroup.school_id == person.school_id,
            ClassGroup.homeroom_staff_id == person.staff_id,
        )
        led = (
            select(VisitListStudent.student_id)
            .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
            .where(
                VisitListItem.lead_staff_id == person.staff_id,
                VisitListItem.visit_list_id.in_(newest_published(person.school_id)),
            )
        )
        return Visible(
            school.where(Student.class_id.in_(own_classes) | Student.student_id.in_(led)),
            "the own class, and families whose visit they lead on the newest list",
        )
    return nobody


def visible_lists(person: Person) -> Visible:
    """The lists that a person may know of."""
    lists = select(VisitList.visit_list_id)
    if not allowed(person, "quarters"):
        return Visible(lists.where(false()), "none")
    if person.school_id is not None:
        lists = lists.where(VisitList.school_id == person.school_id)
    elif person.role != "data_staff":
        return Visible(lists.where(false()), "none")
    if person.role == "coordinator":
        shown = VisitList.status.in_((DRAFT, PUBLISHED))
        return Visible(lists.where(shown), "the school's lists, drafts too")
    return Visible(lists.where(VisitList.status == PUBLISHED), "published lists")


def only_lead(person: Person) -> str | None:
    """The one teacher whose part of a list a person sees; None if all of it."""
    return None if person.role == "coordinator" else (person.staff_id or "")
