"""Consent, objections and requests of families: recorded, counted down, answered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register.audit_log import named, record
from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import Consent, Objection, RightsRequest
from earlywarning.records import rights
from earlywarning.records.names import normal


def objecting_students(session: Session) -> frozenset[str]:
    """Students whom no computer may rank: objection, restriction, or consent taken back.

    Whoever never agreed and never objected is not among them: whether the school needs consent at
    all depends on what its processing rests on, which the school decides.
    """
    objected = select(Objection.student_id).where(Objection.lifted_at.is_(None))
    asked = select(Consent.student_id, Consent.withdrawn_at).where(
        Consent.purpose == rights.PRIORITY
    )
    standing: dict[str, bool] = {}
    for student_id, withdrawn_at in session.execute(asked):
        standing[student_id] = standing.get(student_id, False) or withdrawn_at is None
    withdrawn = {student_id for student_id, agrees in standing.items() if not agrees}
    return frozenset(session.scalars(objected)) | withdrawn


def objecting_households(session: Session) -> frozenset[str]:
    """Households with such a child, by the key that lists use: people decide about them by hand.

    The key is the household's id, or `student-<id>` for a child without a household on record.
    """
    students = objecting_students(session)
    found: set[str] = set()
    for some in _slices(sorted(students)):
        query = select(Student.student_id, Student.household_id).where(Student.student_id.in_(some))
        found |= {
            household or f"student-{student}" for student, household in session.execute(query)
        }
    return frozenset(found)


def _slices(ids: Sequence[str], size: int = 500) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def add_consent(
    session: Session,
    *,
    student_id: str,
    purpose: str,
    given_by: str,
    given_on: date,
    evidence: str,
    by: str,
    at: datetime,
) -> str:
    """Record a guardian's agreement; the caller commits. Returns the id.

    Parameters
    ----------
    purpose : str
        One of `rights.PURPOSES`.
    given_by : str
        One of `rights.GUARDIANS`.
    evidence : str
        Where the proof is: "signed form, folder 7B"; never a name.

    Raises
    ------
    DataError
        A code that does not exist, no evidence, or a day that has not come yet.
    NotFound
        If there is no such student.
    """
    _one_of("purpose", purpose, rights.PURPOSES)
    _one_of("given_by", given_by, rights.GUARDIANS)
    if not evidence.strip():
        raise DataError("evidence: is empty; say where the signed form or record is")
    _not_ahead("given_on", given_on, at)
    _known(session, student_id)
    consent_id = uuid.uuid4().hex
    session.add(
        Consent(
            consent_id=consent_id,
            student_id=student_id,
            purpose=purpose,
            given_by=given_by,
            given_on=given_on,
            evidence=evidence.strip(),
            recorded_at=at,
            recorded_by=named(by),
        )
    )
    _audit(session, "consent.recorded", "consent", consent_id, by, at,
           student_id=student_id, purpose=purpose)  # fmt: skip
    return consent_id


def withdraw_consent(session: Session, consent_id: str, *, by: str, at: datetime) -> None:
    """Record that a guardian takes an agreement back; the caller commits.

    Raises
    ------
    NotFound
        If there is no such consent.
    Conflict
        If it was taken back before.
    """
    found = session.get(Consent, consent_id)
    if found is None:
        raise NotFound(f"there is no consent {consent_id!r}")
    if found.withdrawn_at is not None:
        raise Conflict(f"consent {consent_id} was withdrawn at {found.withdrawn_at} UTC already")
    found.withdrawn_at, found.withdrawn_by = at, named(by)
    _audit(session, "consent.withdrawn", "consent", consent_id, by, at,
           student_id=found.student_id, purpose=found.purpose)  # fmt: skip


def consents(session: Session, student_id: str) -> list[Consent]:
    """What was agreed to about a student, oldest first."""
    query = select(Consent).where(Consent.student_id == student_id)
    return list(session.scalars(query.order_by(Consent.recorded_at, Consent.consent_id)))


def object_to(
    session: Session,
    *,
    student_id: str,
    made_on: date,
    by: str,
    at: datetime,
    kind: str = rights.PROFILING,
) -> str:
    """Record an objection or a restriction; the caller commits. Returns the id.

    From now on no list ranks the household: people decide about it by hand.

    Raises
    ------
    DataError, NotFound, Conflict
        A code that does not exist, an unknown student, an objection that stands already.
    """
    _one_of("kind", kind, rights.OBJECTIONS)
    _not_ahead("made_on", made_on, at)
    _known(session, student_id)
    standing = select(Objection.objection_id).where(
        Objection.student_id == student_id, Objection.kind == kind, Objection.lifted_at.is_(None)
    )
    if session.scalar(standing) is not None:
        raise Conflict(f"student {student_id}: this {kind} is on record already")
    objection_id = uuid.uuid4().hex
    session.add(
        Objection(
            objection_id=objection_id,
            student_id=student_id,
            kind=kind,
            made_on=made_on,
            recorded_at=at,
            recorded_by=named(by),
        )
    )
    _audit(session, "objection.recorded", "objection", objection_id, by, at,
           student_id=student_id, kind=kind)  # fmt: skip
    return objection_id


def lift(session: Session, objection_id: str, *, by: str, at: datetime) -> None:
    """End an objection, because the family says so or the dispute is settled; the caller commits.

    Raises
    ------
    NotFound
        If none with this id stands.
    """
    found = session.get(Objection, objection_id)
    if found is None or found.lifted_at is not None:
        raise NotFound(f"no objection {objection_id!r} stands")
    found.lifted_at, found.lifted_by = at, named(by)
    _audit(session, "objection.lifted", "objection", objection_id, by, at,
           student_id=found.student_id, kind=found.kind)  # fmt: skip


def objections(session: Session, student_id: str) -> list[Objection]:
    """Objections about a student, those that ended too, oldest first."""
    query = select(Objection).where(Objection.student_id == student_id)
    return list(session.scalars(query.order_by(Objection.recorded_at, Objection.objection_id)))


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request and its clock."""

    request_id: str
    kind: str
    school_id: str | None
    student_id: str | None
    made_by: str
    received_at: datetime
    due_at: datetime
    recorded_by: str
    status: str
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None

    def overdue(self, at: datetime) -> bool:
        """Whether it waits longer than the law allows."""
        return rights.is_overdue(self.status, self.due_at, at)


_COLUMNS = tuple(getattr(RightsRequest, name) for name in RequestRow.__slots__)


def receive(
    session: Session,
    *,
    kind: str,
    made_by: str,
    by: str,
    at: datetime,
    received_at: datetime | None = None,
    student_id: str | None = None,
    school_id: str | None = None,
    wanted: Mapping[str, str] | None = None,
) -> RequestRow:
    """Record a request and start its clock; the caller commits.

    An objection or a restriction holds from this moment: the family need not wait for an answer.

    Parameters
    ----------
    kind : str
        One of `rights.REQUESTS`.
    made_by : str
        One of `rights.ASKERS`.
    received_at : datetime, optional
        When the family asked, if before `at`; the clock starts then.
    wanted : mapping of field to value, optional
        For a correction: fields of `rights.RECTIFIABLE`.

    Raises
    ------
    DataError
        A code that does not exist, a moment that has not come yet, nothing to correct.
    NotFound
        If there is no such student.
    """
    _one_of("kind", kind, rights.REQUESTS)
    _one_of("made_by", made_by, rights.ASKERS)
    asked = received_at or at
    if asked > at:
        raise DataError(f"received_at: is {asked}, after now ({at} UTC); give the past moment")
    if (student_id is None) != (kind == rights.BREACH):
        need = "needs one" if student_id is None else "has none"
        raise DataError(f"student_id: a request of kind {kind} {need}")
    if student_id is not None:
        school_id = _known(session, student_id)
    if (wanted is not None) != (kind == rights.RECTIFICATION):
        raise DataError(
            "wanted: a rectification, and nothing else, says which fields should read what"
        )
    row = RightsRequest(
        request_id=uuid.uuid4().hex,
        kind=kind,
        school_id=school_id,
        student_id=student_id,
        made_by=made_by,
        received_at=asked,
        due_at=rights.due_at(asked),
        recorded_by=named(by),
        status=rights.OPEN,
        wanted=None if wanted is None else _correct(wanted),
    )
    session.add(row)
    detail: dict[str, Any] = {"kind": kind, "student_id": student_id}
    _audit(session, "rights_request.received", "rights_request", row.request_id, by, at, **detail)
    standing = {one.kind for one in objections(session, student_id or "") if not one.lifted_at}
    if kind in rights.OBJECTIONS and student_id and kind not in standing:
        object_to(session, student_id=student_id, made_on=asked.date(), kind=kind, by=by, at=at)
    session.flush()
    return _row(row)


def requests(
    session: Session,
    *,
    status: str | None = None,
    school_id: str | None = None,
    student_id: str | None = None,
    overdue_at: datetime | None = None,
) -> list[RequestRow]:
    """Requests, the most urgent first."""
    query: Select[*tuple[Any, ...]] = select(*_COLUMNS)
    if status is not None:
        query = query.where(RightsRequest.status == status)
    if school_id is not None:
        query = query.where(RightsRequest.school_id == school_id)
    if student_id is not None:
        query = query.where(RightsRequest.student_id == student_id)
    if overdue_at is not None:
        query = query.where(RightsRequest.status == rights.OPEN, RightsRequest.due_at < overdue_at)
    query = query.order_by(RightsRequest.due_at, RightsRequest.request_id)
    return [RequestRow(*row) for row in session.execute(query)]


def found_request(session: Session, request_id: str) -> RightsRequest:
    """A request by its id.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = session.get(RightsRequest, request_id)
    if found is None:
        raise NotFound(
            f"there is no request {request_id!r}; `earlywarning requests list` shows all"
        )
    return found


def decide(
    session: Session, request_id: str, *, status: str, by: str, at: datetime,
    reason: str | None = None,
) -> RequestRow:  # fmt: skip
    """Answer a request; the caller commits. A correction is made with it.

    Parameters
    ----------
    status : str
        `done` or `refused`.
    reason : str, optional
        One of `rights.REFUSALS`; needed for a refusal.

    Raises
    ------
    NotFound, Conflict, DataError
        No such request, one that was answered, a code that does not exist.
    """
    row = found_request(session, request_id)
    if row.status != rights.OPEN:
        raise Conflict(f"request {request_id} was answered at {row.decided_at} UTC: {row.status}")
    _one_of("status", status, (rights.DONE, rights.REFUSED))
    if status == rights.REFUSED:
        _one_of("reason", reason or "", rights.REFUSALS)
    elif reason is not None:
        raise DataError("reason: only a refusal has one")
    if status == rights.DONE and row.kind == rights.RECTIFICATION:
        corrected: Any = dict(row.wanted or {})
        if "birth_date" in corrected:
            corrected["birth_date"] = date.fromisoformat(corrected["birth_date"])
        session.execute(
            update(Student).where(Student.student_id == row.student_id).values(**corrected)
        )
    if status == rights.REFUSED and row.kind in rights.OBJECTIONS:
        for one in objections(session, row.student_id or ""):
            if one.kind == row.kind and one.lifted_at is None:
                lift(session, one.objection_id, by=by, at=at)
    row.status, row.decided_at, row.decided_by = status, at, named(by)
    row.reason, row.wanted = reason, None
    _audit(session, f"rights_request.{status}", "rights_request", request_id, by, at,
           kind=row.kind, student_id=row.student_id, reason=reason,
           late=at > row.due_at)  # fmt: skip
    session.flush()
    return _row(row)


def _row(found: RightsRequest) -> RequestRow:
    return RequestRow(*(getattr(found, name) for name in RequestRow.__slots__))


def _correct(wanted: Mapping[str, str]) -> dict[str, Any]:
    """Corrections that can be made, checked before the family is promised anything."""
    if not wanted:
        raise DataError(f"wanted: nothing to correct; allowed: {', '.join(rights.RECTIFIABLE)}")
    for field, value in wanted.items():
        _one_of("field", field, rights.RECTIFIABLE)
        if field == "full_name" and not normal(value):
            raise DataError("full_name: is empty; write the name as it should be")
        if field == "sex":
            _one_of("sex", value, ("F", "M"))
        if field == "birth_date":
            try:
                date.fromisoformat(value)
            except ValueError as error:
                raise DataError("birth_date: is no date; write it like 2013-05-17") from error
    return dict(wanted)


def _known(session: Session, student_id: str) -> str:
    """The school of a student of the register."""
    school = session.scalar(select(Student.school_id).where(Student.student_id == student_id))
    if school is None:
        raise NotFound(f"there is no student {student_id!r} in the register")
    return school


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise DataError(f"{what}: is {value!r}; allowed: {', '.join(allowed)}")


def _not_ahead(what: str, day: date, at: datetime) -> None:
    if (day - at.date()).days > 1:  # the school's day can be ahead of UTC's
        raise DataError(f"{what}: is {day}, which has not come yet (today is {at.date()} UTC)")


def _audit(
    session: Session, action: str, entity: str, entity_id: str, by: str, at: datetime,
    **detail: Any,
) -> None:  # fmt: skip
    record(session, actor=by, action=action, entity=entity, entity_id=entity_id,
           detail=detail, at=at)  # fmt: skip
