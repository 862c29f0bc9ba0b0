"""Who may see what: the one place. What is not allowed here is denied.

Two questions. *May this role use this at all?* `PERMISSIONS`; no is 403. *May this person see this
child?* `visible_students`; no looks exactly like a child who does not exist (404, same words).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection, Select, false, select, union

from earlywarning.io.register import emergency, opaque, sessions, tokens, work_jobs
from earlywarning.io.register.access_tables import EmergencyAccess
from earlywarning.io.register.job_tables import ImportJob, WorkJob
from earlywarning.io.register.list_views import newest_published
from earlywarning.io.register.lists import DRAFT, PUBLISHED
from earlywarning.io.register.models import (
    ClassGroup,
    Student,
    VisitList,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.visit_views import VisitRow
from earlywarning_api import cookies
from earlywarning_api.problems import Refused

PERMISSIONS: Mapping[str, frozenset[str]] = {
    # Users, the audit and the clocks of requests, by ids; no child.
    "admin": frozenset({"users", "audit", "rights_requests", "models", "reference"}),
    # A school's lists, drafts too, and its students.
    "coordinator": frozenset(
        {"quarters", "visit_lists", "students", "models", "reference", "plans", "visits",
         "follow_ups", "overrides", "contact_attempts", "contact_links", "exports", "consents",
         "rights_requests", "impact", "emergency_access_log", "planning", "planned_visits",
         "imports", "drafts"}
    ),
    # Published lists, as far as they concern the own class or a family led.
    "homeroom_teacher": frozenset(
        {"quarters", "visit_lists", "students", "reference", "plans", "visits", "follow_ups",
         "overrides", "contact_attempts", "contact_links", "consents", "emergency_access",
         "planned_visits"}
    ),
    # Every student of the school, and the notes that are kept for the counsellor.
    "counsellor": frozenset(
        {"quarters", "visit_lists", "students", "reference", "plans", "visits", "follow_ups",
         "contact_attempts", "consents", "visit_notes"}
    ),
    # Counts and the restricted notes of visits; a child else only by emergency access.
    "principal": frozenset(
        {"visit_notes", "quarters", "visit_lists", "students", "models", "reference", "plans",
         "impact", "emergency_access"}
    ),
    # Models and pseudonyms; no list, no student, no name.
    "data_staff": frozenset(
        {"imports", "quarters", "models", "reference", "impact", "exports", "model_changes",
         "impact_details", "impact_runs"}
    ),
    # Agreed exports without names, and results about groups of ten or more.
    "researcher": frozenset(
        {"exports", "reference", "impact", "impact_details", "impact_runs"}
    ),
}  # fmt: skip
"""What each role may use. A role that is not here, or a use that is not named, is denied."""

CONFIRMED_FOR = timedelta(minutes=10)
"""How long a password that was given again is good for what cannot be undone."""

BEARER = HTTPBearer(auto_error=False, description="A token made by `earlywarning token create`.")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asking.

    Attributes
    ----------
    token_id : str
        Of the API token, or of the session.
    role : str
    school_id, staff_id : str or None
        Of what school, and who, as far as the role needs it.
    user_id : str or None
        None for an API token.
    name : str or None
        As pages show it; None for an API token.
    level : str
        Of the session: `full`, or what is still missing.
    confirmed_at : datetime or None
        When the password was last given.
    scope : frozenset of str or None
        The uses that a token is good for; None for all of its role.
    at : datetime or None
        When this was asked, in UTC without zone; emergency access is judged by it.
    """

    token_id: str
    role: str
    school_id: str | None
    staff_id: str | None
    user_id: str | None = None
    name: str | None = None
    level: str = sessions.FULL
    confirmed_at: datetime | None = None
    scope: frozenset[str] | None = None
    at: datetime | None = None

    @property
    def actor(self) -> str:
        """Who did something, as the register and the audit keep it: a user's or a token's id."""
        return self.user_id or self.token_id


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request showed: a `token` or a `session`, by the hash that the register keeps."""

    kind: str
    sha256: str


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


def somebody(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Person:
    """Whom the request's token or cookie stands for, even if a second factor is missing; else 401.

    The rate limit of a person is counted here: nobody is asked twice.
    """
    state = request.app.state
    at = state.clock()
    person, shown = None, None
    if credentials is not None:
        shown = Credential("token", tokens.hashed(credentials.credentials))
        bearer = tokens.bearer(state.register, credentials.credentials, at=at)
        person = _of_token(bearer, at) if bearer is not None else None
    elif (secret := cookies.secret(request)) is not None:
        shown = Credential("session", opaque.hashed(secret))
        holder = sessions.holder(state.register, secret, at=at)
        person = _of_session(holder, at) if holder is not None else None
    if person is None:
        raise HTTPException(401)
    request.state.actor = person.actor
    request.state.credential = shown
    state.rates.check(person.actor)
    return person


def still(connection: Connection, shown: Credential, *, at: datetime) -> Person | None:
    """Whom a credential that was good before stands for now; None if for nobody.

    None too where the register must note that a session is used: `somebody` does.
    """
    if shown.kind == "token":
        bearer = tokens.of_hash(connection, shown.sha256, at=at)
        return _of_token(bearer, at) if bearer is not None else None
    holder = sessions.of_hash(connection, shown.sha256, at=at)
    if holder is None or sessions.is_to_note(holder, at=at):
        return None
    return _of_session(holder, at)


def _of_token(found: tokens.Bearer, at: datetime) -> Person:
    return Person(
        found.token_id, found.role, found.school_id, found.staff_id, scope=found.scope, at=at
    )


def _of_session(found: sessions.Holder, at: datetime) -> Person:
    return Person(
        found.session_id, found.role, found.school_id, found.staff_id, user_id=found.user_id,
        name=found.name, level=found.level, confirmed_at=found.confirmed_at, at=at,
    )  # fmt: skip


def signed_in(person: Annotated[Person, Depends(somebody)]) -> Person:
    """The person who asks; 401 if there is none, 403 if their second factor is missing."""
    if person.level == sessions.CODE:
        raise Refused("second-factor-needed")
    if person.level != sessions.FULL:
        raise Refused("second-factor-missing")
    return person


def by_session(person: Annotated[Person, Depends(somebody)]) -> Person:
    """A signed-in user, whatever is still missing; a token is 403: it has no session."""
    if person.user_id is None:
        raise HTTPException(403)
    return person


def allowed(person: Person, use: str) -> bool:
    """Whether a person may use something: by their role, and by the scope of their token."""
    if person.scope is not None and use not in person.scope:
        return False
    return use in PERMISSIONS.get(person.role, frozenset())


def to(use: str) -> Callable[..., Person]:
    """A dependency: the person who asks, if their role may use `use`; else 401 or 403."""

    def checked(person: Annotated[Person, Depends(signed_in)]) -> Person:
        if not allowed(person, use):
            raise HTTPException(403)
        return person

    return checked


def confirmed(person: Annotated[Person, Depends(signed_in)]) -> Person:
    """A user who gave their password in the last ten minutes: for roles, exports, erasing."""
    if person.user_id is None or person.confirmed_at is None or person.at is None:
        raise HTTPException(403)
    if person.at - person.confirmed_at > CONFIRMED_FOR:
        raise Refused("confirm")
    return person


def visible_students(person: Person) -> Visible:
    """The students whom a person may see now. Every route reaches students through this."""
    nobody = Visible(select(Student.student_id).where(false()), "nobody")
    if not allowed(person, "students") or person.school_id is None:
        return nobody
    school = select(Student.student_id).where(Student.school_id == person.school_id)
    if person.role in ("coordinator", "counsellor"):
        return Visible(school, "every student of the school")
    granted = _granted(person)
    if person.role == "principal":
        seen = Student.student_id.in_(union(*granted)) if granted else false()
        return Visible(school.where(seen), "children whom they have emergency access to")
    if person.role == "homeroom_teacher" and person.staff_id is not None:
        own = _of_classes(
            select(ClassGroup.class_id).where(
                ClassGroup.school_id == person.school_id,
                ClassGroup.homeroom_staff_id == person.staff_id,
            )
        )
        led = (
            select(VisitListStudent.student_id)
            .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
            .where(
                VisitListItem.lead_staff_id == person.staff_id,
                VisitListItem.visit_list_id.in_(newest_published(person.school_id)),
            )
        )
        # A union, not "or": PostgreSQL would read whole tables for that.
        return Visible(
            school.where(Student.student_id.in_(union(own, led, *granted))),
            "the own class, families whose visit they lead on the newest list, and children whom "
            "they have emergency access to",
        )
    return nobody


def own_students(person: Person) -> Visible:
    """The students whose families a person may reach by telephone: the own class, or the school."""
    seen = visible_students(person)
    if person.role != "homeroom_teacher":
        return seen
    own = select(ClassGroup.class_id).where(ClassGroup.homeroom_staff_id == person.staff_id)
    return Visible(seen.ids.where(Student.class_id.in_(own)), "the own class")


def visible_notes(person: Person) -> Visible:
    """The students of whose visits a person may read the restricted notes."""
    school = select(Student.student_id).where(Student.school_id == person.school_id)
    if person.role in ("counsellor", "principal") and allowed(person, "visit_notes"):
        return Visible(school, "restricted notes of the school's visits")
    return Visible(school.where(false()), "nobody")


def may_publish(person: Person) -> bool:
    """Whether a person publishes the school's lists: its coordinator, signed in."""
    return person.role == "coordinator" and allowed(person, "visit_lists")


def may_protect(person: Person) -> bool:
    """Whether a person sees and closes the protection path of a child in danger."""
    return person.role in ("counsellor", "principal")


def knows_danger(person: Person, visit: VisitRow | None = None) -> bool:
    """Whether a person may be told that a child may be in danger: also who recorded it."""
    if person.role in ("coordinator", "counsellor", "principal"):
        return True
    return visit is not None and (
        visit.entered_by == person.actor
        or (person.staff_id is not None and visit.lead_staff_id == person.staff_id)
    )


def _granted(person: Person) -> list[Select[Any]]:
    """Queries for the children whom a person has emergency access to now."""
    if person.user_id is None or person.at is None:
        return []
    rows = emergency.valid(person.user_id, at=person.at)
    return [
        rows.with_only_columns(EmergencyAccess.student_id).where(
            EmergencyAccess.student_id.is_not(None)
        ),
        _of_classes(rows.with_only_columns(EmergencyAccess.class_id)),
    ]


def _of_classes(class_ids: Select[Any]) -> Select[Any]:
    """The students of some classes."""
    return select(Student.student_id).where(Student.class_id.in_(class_ids))


def sees_for_hours(connection: Connection, person: Person) -> bool:
    """Whether a person sees anything now by an emergency access, which ends by itself."""
    if person.user_id is None or person.at is None or not allowed(person, "emergency_access"):
        return False
    granted = emergency.valid(person.user_id, at=person.at).limit(1)
    return connection.execute(granted).first() is not None


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


def visible_imports(person: Person) -> Visible:
    """The uploads that a person may know of: the school's; for data staff those without one."""
    query = select(ImportJob.job_id)
    if not allowed(person, "imports"):
        return Visible(query.where(false()), "none")
    if person.school_id is not None:
        return Visible(query.where(ImportJob.school_id == person.school_id), "the school's imports")
    return Visible(query.where(ImportJob.school_id.is_(None)), "imports of data staff")


def visible_work(person: Person) -> Visible:
    """The work that a person may know of: drafts of their school, or changes of models."""
    query = select(WorkJob.job_id).where(WorkJob.kind != work_jobs.IMPACT)
    if allowed(person, "drafts") and person.school_id is not None:
        mine = (WorkJob.kind == work_jobs.DRAFT, WorkJob.school_id == person.school_id)
        return Visible(query.where(*mine), "drafts of the school")
    if allowed(person, "model_changes"):
        return Visible(query.where(WorkJob.kind != work_jobs.DRAFT), "changes of models")
    return Visible(query.where(false()), "none")


def visible_runs(person: Person) -> Visible:
    """The analyses of studies that a person may know of: all, they say nothing of a child."""
    query = select(WorkJob.job_id).where(WorkJob.kind == work_jobs.IMPACT)
    if allowed(person, "impact_runs"):
        return Visible(query, "analyses of studies")
    return Visible(query.where(false()), "none")


def only_lead(person: Person) -> str | None:
    """The one teacher whose part of a list a person sees; None if all of it."""
    whole = person.role in ("coordinator", "counsellor", "principal")
    return None if whole else (person.staff_id or "")
