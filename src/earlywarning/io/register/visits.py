"""Recording visits. An id made by the client makes it safe to send one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, DataError
from earlywarning.io.register import audit_log, families
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import Family, Stale, Students
from earlywarning.io.register.visit_tables import (
    FollowUp,
    Visit,
    VisitNote,
    VisitRequest,
    VisitStudent,
)
from earlywarning.io.register.visit_views import VisitRow, rows
from earlywarning.visits.recording import DONE, PLANNED, may_become

EARLIEST = date(2000, 1, 1)
PROTECTION_DAYS = 1
"""A child who may be in danger does not wait: due on the next day."""

Outcome = Literal["new", "same", "changed"]


@dataclass(frozen=True, slots=True)
class VisitContent:
    """What somebody records.

    Attributes
    ----------
    student_id, item_id : str or None
        Whose family: one of its children, or its place on a published list. One of the two.
    status : str
        One of `records.codes.VISIT_STATUSES`.
    day : date
        When it was, or is planned.
    met, purposes, causes : tuple of str
        Codes of `visits.recording`.
    observations : mapping of str to str
        `visits.recording.OBSERVATIONS` to `ANSWERS`.
    agreement, family_requests : str or None
        In words: what was agreed, and what the parents ask of the school.
    danger : bool
        A child may be in danger: the school's protection path begins. Once said it stays.
    restricted_note : str or None
        For the counsellor and the principal alone. Without one, a note on record stays.
    """

    status: str
    day: date
    student_id: str | None = None
    item_id: str | None = None
    lead_staff_id: str | None = None
    companion_staff_id: str | None = None
    met: Sequence[str] = ()
    purposes: Sequence[str] = ()
    causes: Sequence[str] = ()
    observations: Mapping[str, str] = field(default_factory=dict)
    agreement: str | None = None
    family_requests: str | None = None
    danger: bool = False
    restricted_note: str | None = None


def put(
    register: Register,
    visit_id: str,
    content: VisitContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    today: date,
    staff_id: str | None = None,
    revision: int | None = None,
) -> tuple[VisitRow, Outcome]:
    """Record a visit, or change one.

    Parameters
    ----------
    visit_id : str
        Made by the client, 32 hexadecimal digits.
    visible : query for student ids
    actor : str
        Who records, for the audit.
    at, today
        Now in UTC without zone, and the date at the school.
    staff_id : str, optional
        The member of staff who records; leads the visit unless content or list say otherwise.
    revision : int, optional
        To change a visit: the revision that the caller read.

    Raises
    ------
    NotFound
        There is no such family for this caller.
    Conflict
        The id stands for something else; the status cannot follow; the protection path is open.
    Stale
        The visit was changed after it was read.
    DataError
        A value that cannot be.
    """
    for last in (False, True):
        try:
            with register.session(writing=True) as session:
                found, outcome = save(
                    session, visit_id, content, visible=visible, actor=actor, at=at, today=today,
                    staff_id=staff_id, revision=revision,
                )  # fmt: skip
                session.commit()
                return found, outcome
        except IntegrityError:
            # Somebody stored the same id in between: what they stored is there now.
            if last:
                raise
    raise AssertionError


def save(
    session: Session,
    visit_id: str,
    content: VisitContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    today: date,
    staff_id: str | None = None,
    revision: int | None = None,
) -> tuple[VisitRow, Outcome]:
    """`put` within the caller's transaction."""
    sent = families.content_hash({**asdict(content), "observations": dict(content.observations)})
    family = families.find(session, visible, student_id=content.student_id, item_id=content.item_id)
    before = session.get(Visit, visit_id, with_for_update=True)
    if before is None:
        if revision is not None:
            raise Stale("this visit does not exist")
        outcome = _new(session, visit_id, content, family, actor, at, today, staff_id, sent)
    else:
        outcome = _again(session, before, content, family, actor, at, today, revision, sent)
    if outcome != "same":
        _settle(session, visit_id, content, actor=actor, at=at, today=today)
    session.flush()
    (row,) = rows(session, visible, visit_id=visit_id)
    if outcome != "same":
        audit_log.record(
            session,
            actor=actor,
            action=f"visit.{'recorded' if outcome == 'new' else 'changed'}",
            entity="visit",
            entity_id=visit_id,
            detail={
                "household_key": row.household_key,
                "status": row.status,
                "revision": row.revision,
                "danger": row.danger,
                "restricted_note": row.has_note,
            },
            at=at,
        )
    return row, outcome


def _new(
    session: Session,
    visit_id: str,
    content: VisitContent,
    family: Family,
    actor: str,
    at: datetime,
    today: date,
    staff_id: str | None,
    sent: str,
) -> Outcome:
    _check(session, family.school_id, content, today)
    if content.status == PLANNED:
        families.stop_if_in_danger(session, family.household_key)
    asked = session.scalars(
        select(VisitRequest.request_id).where(
            VisitRequest.household_key == family.household_key, VisitRequest.status == "open"
        )
    ).all()
    # A visit of an earlier quarter belongs to the list of then, not to the newest one.
    place = families.place_on(session, family.school_id, family.household_key, content.day)
    item_id, track, _ = place or (content.item_id, None, None)
    session.execute(
        insert(Visit).values(
            visit_id=visit_id,
            school_id=family.school_id,
            household_key=family.household_key,
            item_id=item_id,
            track="requested" if asked else track or "preventive",
            revision=1,
            entered_at=at,
            entered_by=actor,
            **_values(content, actor, at, sent, lead=family.lead_staff_id or staff_id),
        )
    )
    session.execute(
        insert(VisitStudent),
        [{"visit_id": visit_id, "student_id": child} for child in family.student_ids],
    )
    return "new"


def _again(
    session: Session,
    before: Visit,
    content: VisitContent,
    family: Family,
    actor: str,
    at: datetime,
    today: date,
    revision: int | None,
    sent: str,
) -> Outcome:
    if before.content_sha256 == sent:
        return "same"
    if revision is None:
        raise Conflict(
            f"visit {before.visit_id} is recorded with other values; to change it, read it and "
            "send its ETag in If-Match, for another visit make a new id"
        )
    if revision != before.revision:
        raise Stale(f"visit {before.visit_id} was changed since it was read")
    if not may_become(before.status, content.status):
        raise Conflict(
            f"a visit that is {before.status} cannot become {content.status}; cancel it and "
            "record a new one"
        )
    if family.household_key != before.household_key:
        raise Conflict("a visit stays with its family; cancel it and record a new one")
    if content.status == PLANNED:
        families.stop_if_in_danger(session, before.household_key)
    _check(session, before.school_id, content, today)
    place = families.place_on(session, before.school_id, before.household_key, content.day)
    session.execute(
        update(Visit)
        .where(Visit.visit_id == before.visit_id, Visit.revision == revision)
        .values(
            revision=revision + 1,
            item_id=place[0] if place else content.item_id,
            **{
                **_values(content, actor, at, sent, lead=before.lead_staff_id),
                # Not everybody who changes a visit may know; the path is closed, not unticked.
                "danger": content.danger or before.danger,
            },
        )
    )
    return "changed"


def _values(
    content: VisitContent, actor: str, at: datetime, sent: str, *, lead: str | None
) -> dict[str, Any]:
    return {
        "status": content.status,
        "day": content.day,
        "lead_staff_id": content.lead_staff_id or lead,
        "companion_staff_id": content.companion_staff_id,
        "met": list(content.met),
        "purposes": list(content.purposes),
        "causes": list(content.causes),
        "observations": dict(content.observations),
        "agreement": content.agreement,
        "family_requests": content.family_requests,
        "danger": content.danger,
        "changed_at": at,
        "changed_by": actor,
        "content_sha256": sent,
    }


def _check(session: Session, school_id: str, content: VisitContent, today: date) -> None:
    families.of_staff(
        session,
        school_id,
        lead_staff_id=content.lead_staff_id,
        companion_staff_id=content.companion_staff_id,
    )
    if content.day < EARLIEST or content.day > today + timedelta(days=400):
        raise DataError(f"day: from {EARLIEST} to 400 days from now")
    if content.status != PLANNED and content.status != "cancelled" and content.day > today:
        raise DataError("day: what has taken place cannot lie in the future")


def _settle(
    session: Session, visit_id: str, content: VisitContent, *, actor: str, at: datetime, today: date
) -> None:
    """What a record brings with it: the note, the protection path, a request that was met."""
    if content.restricted_note:
        _note(session, visit_id, content.restricted_note, actor=actor, at=at)
    visit = session.get_one(Visit, visit_id, populate_existing=True)
    if content.danger:
        _protect(session, visit, actor=actor, at=at, today=today)
    if content.status == DONE:
        session.execute(
            update(VisitRequest)
            .where(
                VisitRequest.household_key == visit.household_key,
                VisitRequest.status == "open",
                VisitRequest.asked_on <= content.day,
            )
            .values(
                status="met", revision=VisitRequest.revision + 1, changed_at=at, changed_by=actor
            )
        )


def _note(session: Session, visit_id: str, note: str, *, actor: str, at: datetime) -> None:
    """Keep the note. Whoever changes a visit cannot read what another left: that stays above it."""
    before = session.get(VisitNote, visit_id)
    if before is None:
        before = VisitNote(visit_id=visit_id)
        session.add(before)
    elif before.written_by != actor and note not in before.note:
        note = f"{before.note}\n\n{note}"
    before.note, before.written_by, before.written_at = note, actor, at


def _protect(session: Session, visit: Visit, *, actor: str, at: datetime, today: date) -> None:
    """Open the protection path once for a visit; its follow-up has the visit's id."""
    if session.get(FollowUp, visit.visit_id) is not None:
        return
    student_id = session.scalars(
        select(VisitStudent.student_id).where(VisitStudent.visit_id == visit.visit_id).limit(1)
    ).one()
    session.execute(
        insert(FollowUp).values(
            follow_up_id=visit.visit_id,
            school_id=visit.school_id,
            household_key=visit.household_key,
            student_id=student_id,
            visit_id=visit.visit_id,
            kind=families.PROTECTION,
            action=None,
            owner_staff_id=None,
            due=today + timedelta(days=PROTECTION_DAYS),
            status=families.OPEN,
            revision=1,
            entered_at=at,
            entered_by=actor,
            changed_at=at,
            changed_by=actor,
            content_sha256=families.content_hash({"protection": visit.visit_id}),
        )
    )
    audit_log.record(
        session,
        actor=actor,
        action="protection.opened",
        entity="visit",
        entity_id=visit.visit_id,
        detail={"household_key": visit.household_key},
        at=at,
    )
