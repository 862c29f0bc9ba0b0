"""Reaching a family before going: what was tried, and a link that opens WhatsApp.

Nothing is sent from here. The words of the link are neutral, because telephones are shared: no
name, no class, no reason.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict, DataError
from earlywarning.io import wording
from earlywarning.io.register import audit_log, families
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import Students
from earlywarning.io.register.models import Guardian
from earlywarning.io.register.visit_tables import ContactAttempt
from earlywarning.records import phones

LINK = "https://wa.me/{digits}?text={words}"


@dataclass(frozen=True, slots=True)
class AttemptContent:
    """What was tried.

    Attributes
    ----------
    channel : str
        One of `visits.recording.CHANNELS`.
    at : datetime
        UTC without zone.
    result : str
        One of `visits.recording.RESULTS`.
    """

    student_id: str
    channel: str
    at: datetime
    result: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A contact attempt on record."""

    attempt_id: str
    household_key: str
    student_id: str
    channel: str
    at: datetime
    result: str
    made_by: str
    entered_at: datetime


_COLUMNS = tuple(getattr(ContactAttempt, name) for name in AttemptRow.__slots__)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to one guardian's WhatsApp.

    Attributes
    ----------
    relation : str
        One of `records.codes.RELATIONS`.
    url : str
    """

    relation: str
    url: str


def put(
    register: Register,
    attempt_id: str,
    content: AttemptContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    staff_id: str | None = None,
) -> tuple[AttemptRow, bool]:
    """Record an attempt; whether it is new. The same again changes nothing.

    Raises
    ------
    NotFound
        There is no such student for this caller.
    Conflict
        The id stands for another attempt.
    DataError
        It lies in the future.
    """
    for last in (False, True):
        try:
            with register.session(writing=True) as session:
                made = save(
                    session, attempt_id, content, visible=visible, actor=actor, at=at,
                    staff_id=staff_id,
                )  # fmt: skip
                session.commit()
                return made
        except IntegrityError:
            if last:  # else somebody stored the same id in between
                raise
    raise AssertionError


def save(
    session: Session,
    attempt_id: str,
    content: AttemptContent,
    *,
    visible: Students,
    actor: str,
    at: datetime,
    staff_id: str | None = None,
) -> tuple[AttemptRow, bool]:
    """`put` within the caller's transaction."""
    family = families.find(session, visible, student_id=content.student_id)
    sent = families.content_hash(asdict(content))
    before = session.get(ContactAttempt, attempt_id)
    if before is not None:
        if before.content_sha256 != sent:
            raise Conflict("this id stands for another attempt; make a new one")
        return _row(session, attempt_id), False
    if content.at > at + timedelta(days=1):
        raise DataError("at: what was tried cannot lie in the future")
    session.execute(
        insert(ContactAttempt).values(
            attempt_id=attempt_id,
            school_id=family.school_id,
            household_key=family.household_key,
            made_by=actor,
            staff_id=staff_id,
            entered_at=at,
            content_sha256=sent,
            **asdict(content),
        )
    )
    audit_log.record(
        session,
        actor=actor,
        action="contact_attempt.recorded",
        entity="student",
        entity_id=content.student_id,
        detail={"channel": content.channel, "result": content.result},
        at=at,
    )
    return _row(session, attempt_id), True


def _row(session: Session, attempt_id: str) -> AttemptRow:
    query = select(*_COLUMNS).where(ContactAttempt.attempt_id == attempt_id)
    return AttemptRow(*session.execute(query).one())


def rows(session: Session, visible: Students, student_id: str) -> list[AttemptRow]:
    """Attempts to reach a student's family, newest first.

    Raises
    ------
    NotFound
        If the caller may not see the student.
    """
    family = families.find(session, visible, student_id=student_id)
    query = (
        select(*_COLUMNS)
        .where(ContactAttempt.household_key == family.household_key)
        .order_by(ContactAttempt.at.desc(), ContactAttempt.attempt_id)
    )
    return [AttemptRow(*row) for row in session.execute(query)]


def open_links(
    register: Register,
    student_id: str,
    *,
    visible: Students,
    language: str,
    actor: str,
    at: datetime,
) -> list[Link]:
    """WhatsApp links to a student's guardians; asking for them is written to the audit.

    Guardians who died, and numbers of fixed lines, have none.

    Raises
    ------
    NotFound
        If the caller may not see the student.
    Conflict
        While the protection path is open for the family.
    """
    with register.session(writing=True) as session:
        family = families.find(session, visible, student_id=student_id)
        families.stop_if_in_danger(session, family.household_key)
        found = session.execute(
            select(Guardian.relation, Guardian.phone)
            .where(Guardian.student_id == student_id, Guardian.phone.is_not(None))
            .where(Guardian.vital.is_(None) | (Guardian.vital != "deceased"))
            .order_by(Guardian.relation)
        ).all()
        links = [Link(relation, url) for relation, phone in found if (url := link(phone, language))]
        audit_log.record(
            session,
            actor=actor,
            action="contact_link.opened",
            entity="student",
            entity_id=student_id,
            detail={"guardians": [one.relation for one in links]},
            at=at,
        )
        session.commit()
    return links


def link(phone: str | None, language: str) -> str | None:
    """The link to a number; None if no message can go there."""
    for number in phones.numbers(phone or ""):
        if phones.is_mobile(number) or not number.startswith("+62"):
            words = quote(wording.say("contact.message", language), safe="")
            return LINK.format(digits=number.removeprefix("+"), words=words)
    return None
