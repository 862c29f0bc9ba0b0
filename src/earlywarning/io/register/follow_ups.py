"""What somebody does next for a family, and what families ask for. Ids are made by the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register import audit_log, families
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import PROTECTION, Stale, Students
from earlywarning.io.register.models import Student
from earlywarning.io.register.visit_tables import FollowUp, Visit, VisitRequest

Outcome = Literal["new", "same", "changed"]


@dataclass(frozen=True, slots=True)
class FollowUpContent:
    """What is to be done.

    Attributes
    ----------
    student_id : str
        A child of the family.
    action : str
        In words.
    owner_staff_id : str
        Who does it.
    due : date
    status : str
        One of `visits.recording.FOLLOW_UP_STATUSES`.
    visit_id : str or None
        Where it was agreed.
    """

    student_id: str
    action: str
    owner_staff_id: str
    due: date
    status: str = "open"
    visit_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestContent:
    """A visit that somebody asks for.

    Attributes
    ----------
    asked_by : str
        One of `visits.recording.ASKED_BY`.
    wish : str or None
        In the words of who asks.
    """

    student_id: str
    asked_by: str
    asked_on: date
    wish: str | None = None
    status: str = "open"


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """A follow-up on record; `action` is None on the protection path, which has its own words."""

    follow_up_id: str
    household_key: str
    student_id: str
    visit_id: str | None
    kind: str
    action: str | None
    owner_staff_id: str | None
    due: date
    status: str
    revision: int
    entered_at: datetime
    entered_by: str


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request on record."""

    request_id: str
    household_key: str
    student_id: str
    asked_by: str
    asked_on: date
    wish: str | None
    status: str
    revision: int
    entered_at: datetime
    entered_by: str


def put_follow_up(
    register: Register,
    follow_up_id: str,
    content: FollowUpContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    staff_id: str | None = None,
    may_protect: bool = False,
    revision: int | None = None,
) -> tuple[FollowUpRow, Outcome]:
    """Record a follow-up, or change one.

    Parameters
    ----------
    staff_id : str, optional
        The member of staff who asks; who owns a follow-up may change it.
    may_protect : bool
        Whether the caller may close the protection path.
    revision : int, optional
        To change one: the revision that the caller read.

    Raises
    ------
    NotFound, Conflict, Stale, DataError
        As `visits.put`.
    """

    check = _follow_up_check(content, visible, staff_id, may_protect)
    return _put(register, FollowUp, FollowUpRow, follow_up_id, content, check, visible=visible,
                actor=actor, at=at, revision=revision)  # fmt: skip


def save_follow_up(
    session: Session,
    follow_up_id: str,
    content: FollowUpContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
) -> tuple[FollowUpRow, Outcome]:
    """`put_follow_up` of a new one within the caller's transaction."""
    check = _follow_up_check(content, visible, None, may_protect=False)
    return _save(session, FollowUp, FollowUpRow, follow_up_id, content, check, visible=visible,
                 actor=actor, at=at, revision=None)  # fmt: skip


def _follow_up_check(
    content: FollowUpContent, visible: Students, staff_id: str | None, may_protect: bool
) -> Callable[[Session, FollowUp | None], str]:
    """What must hold for a follow-up; gives its school."""

    def check(session: Session, before: FollowUp | None) -> str:
        if before is not None and before.kind == PROTECTION and not may_protect:
            raise NotFound("there is no such follow-up, or not for you")
        if (
            before is not None
            and before.owner_staff_id is not None
            and (before.owner_staff_id == staff_id)
        ):
            school = before.school_id
        else:
            school = families.find(session, visible, student_id=content.student_id).school_id
        families.of_staff(session, school, owner_staff_id=content.owner_staff_id)
        if content.visit_id is not None:
            _same_family(session, content.visit_id, content.student_id)
        return school

    return check


def put_request(
    register: Register,
    request_id: str,
    content: RequestContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    today: date,
    revision: int | None = None,
) -> tuple[RequestRow, Outcome]:
    """Record a request for a visit, or change one; see `put_follow_up`."""

    def check(session: Session, before: VisitRequest | None) -> str:
        if content.asked_on > today:
            raise DataError("asked_on: cannot lie in the future")
        return families.find(session, visible, student_id=content.student_id).school_id

    return _put(register, VisitRequest, RequestRow, request_id, content, check, visible=visible,
                actor=actor, at=at, revision=revision)  # fmt: skip


def _put(
    register: Register,
    model: type[Any],
    shape: type[Any],
    id_: str,
    content: FollowUpContent | RequestContent,
    check: Callable[[Session, Any], str],
    *,
    visible: Students,
    actor: str,
    at: datetime,
    revision: int | None,
) -> tuple[Any, Outcome]:
    for last in (False, True):
        try:
            with register.session(writing=True) as session:
                made = _save(session, model, shape, id_, content, check, visible=visible,
                             actor=actor, at=at, revision=revision)  # fmt: skip
                session.commit()
                return made
        except IntegrityError:
            if last:  # else somebody stored the same id in between
                raise
    raise AssertionError


def _save(
    session: Session,
    model: type[Any],
    shape: type[Any],
    id_: str,
    content: FollowUpContent | RequestContent,
    check: Callable[[Session, Any], str],
    *,
    visible: Students,
    actor: str,
    at: datetime,
    revision: int | None,
) -> tuple[Any, Outcome]:
    values: Mapping[str, Any] = asdict(content)
    sent = families.content_hash(values)
    name = model.__tablename__
    before = session.get(model, id_, with_for_update=True)
    school = check(session, before)
    outcome: Outcome = "changed"
    if before is None:
        if revision is not None:
            raise Stale(f"this {name} does not exist")
        family = families.find(session, visible, student_id=content.student_id)
        if model is FollowUp:
            values = {**values, "kind": families.AGREED}
        session.execute(
            insert(model).values(
                **{model.__mapper__.primary_key[0].name: id_},
                **values,
                school_id=school,
                household_key=family.household_key,
                revision=1,
                entered_at=at,
                entered_by=actor,
                changed_at=at,
                changed_by=actor,
                content_sha256=sent,
            )
        )
        outcome = "new"
    elif before.content_sha256 == sent:
        outcome = "same"
    elif revision is None:
        raise Conflict(
            f"this {name} is recorded with other values; to change it, read it and send its ETag "
            "in If-Match"
        )
    elif revision != before.revision:
        raise Stale(f"this {name} was changed since it was read")
    elif before.student_id != content.student_id:
        raise Conflict(f"a {name} stays with its family; make a new one")
    else:
        if model is FollowUp and before.kind == PROTECTION:
            values = {**values, "action": None, "visit_id": before.visit_id}
        session.execute(
            update(model)
            .where(model.__mapper__.primary_key[0] == id_, model.revision == revision)
            .values(
                **values, revision=revision + 1, changed_at=at, changed_by=actor,
                content_sha256=sent,
            )
        )  # fmt: skip
    if outcome != "same":
        audit_log.record(
            session,
            actor=actor,
            action=f"{name}.{'recorded' if outcome == 'new' else 'changed'}",
            entity=name,
            entity_id=id_,
            detail={"student_id": content.student_id, "status": content.status},
            at=at,
        )
    columns = [getattr(model, field) for field in shape.__slots__]
    key = model.__mapper__.primary_key[0]
    return shape(*session.execute(select(*columns).where(key == id_)).one()), outcome


def _same_family(session: Session, visit_id: str, student_id: str) -> None:
    key = session.scalar(select(Visit.household_key).where(Visit.visit_id == visit_id))
    household = session.scalar(select(Student.household_id).where(Student.student_id == student_id))
    if key is None or key != (household or f"student-{student_id}"):
        raise DataError("visit_id: must be a visit to this student's family")


def follow_ups(
    session: Session,
    visible: Students,
    *,
    staff_id: str | None = None,
    follow_up_id: str | None = None,
    student_id: str | None = None,
    status: str | None = None,
    protection: bool = False,
    after: tuple[date, str] | None = None,
    limit: int | None = None,
) -> list[FollowUpRow]:
    """Follow-ups of visible families, and those that a member of staff owns; earliest due first.

    Parameters
    ----------
    protection : bool
        Whether to show those of the protection path.
    after : (due, follow_up_id), optional
        The last one already read.
    """
    seen = FollowUp.student_id.in_(visible)
    if staff_id is not None:
        seen = seen | (FollowUp.owner_staff_id == staff_id)
    columns = [getattr(FollowUp, name) for name in FollowUpRow.__slots__]
    query = select(*columns).where(seen).order_by(FollowUp.due, FollowUp.follow_up_id)
    if not protection:
        query = query.where(FollowUp.kind != PROTECTION)
    for column, value in (
        (FollowUp.follow_up_id, follow_up_id),
        (FollowUp.student_id, student_id),
        (FollowUp.status, status),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        due, last = after
        query = query.where(
            (FollowUp.due > due) | ((FollowUp.due == due) & (FollowUp.follow_up_id > last))
        )
    if limit is not None:
        query = query.limit(limit)
    return [FollowUpRow(*row) for row in session.execute(query)]


def requests(
    session: Session,
    visible: Students,
    *,
    request_id: str | None = None,
    household_key: str | None = None,
    statuses: Sequence[str] = (),
    limit: int = 1000,
) -> list[RequestRow]:
    """Requests for a visit of visible families, oldest first."""
    columns = [getattr(VisitRequest, name) for name in RequestRow.__slots__]
    query = (
        select(*columns)
        .where(VisitRequest.student_id.in_(visible))
        .order_by(VisitRequest.asked_on, VisitRequest.request_id)
        .limit(limit)
    )
    if request_id is not None:
        query = query.where(VisitRequest.request_id == request_id)
    if household_key is not None:
        query = query.where(VisitRequest.household_key == household_key)
    if statuses:
        query = query.where(VisitRequest.status.in_(statuses))
    return [RequestRow(*row) for row in session.execute(query)]
