"""The demo's visits: what its invented teachers wrote down in the past year and this quarter."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from earlywarning.calendar import day_number
from earlywarning.io import versions
from earlywarning.io.facts import FactStore
from earlywarning.io.register import contacts, follow_ups, visits
from earlywarning.io.register.contacts import AttemptContent
from earlywarning.io.register.db import Register
from earlywarning.io.register.follow_ups import FollowUpContent
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import ClassGroup, Student, VisitListItem, VisitListStudent
from earlywarning.io.register.visits import VisitContent
from earlywarning.simulation.visit_records import Known, Written, written

ACTOR = "demo"
MOST = 1_500
"""Visits of the past that are written down; a large demo has more in its facts alone."""

YEAR_DAYS = 365
EVERYBODY = select(Student.student_id)
NOON = time(5, 0)
"""Noon at the school, in UTC."""


def past_year(
    register: Register, store: FactStore, *, until: date, seed: int, most: int = MOST
) -> int:
    """Write down last year's visits, as far as the facts have them; how many.

    Parameters
    ----------
    until : date
        The first day of the current quarter.
    """
    snapshot = register.current_snapshot()
    rows = versions.current(store.read(snapshot, "visit")).filter(
        pl.col("day") >= day_number(until) - YEAR_DAYS, pl.col("day") < day_number(until)
    )
    rows = rows.sort("day", "student_id", descending=[True, False])
    with register.session() as session:
        homes = {row[0]: row[1] or row[0] for row in session.execute(
            select(Student.student_id, Student.household_id))}  # fmt: skip
    known, seen = [], set()
    for student_id, day, status, track in rows.select(
        "student_id", pl.col("day").cast(pl.Date), "status", "track"
    ).iter_rows():
        place = (homes.get(student_id), day)
        if place[0] is None or place in seen or len(known) == most:
            continue
        seen.add(place)
        known.append(Known(student_id, day, status, track))
    return _store(register, written(reversed(known), seed=seed, today=until))


def this_quarter(register: Register, row: ListRow, *, start: date, today: date, seed: int) -> int:
    """Write down the first visits of a published list: done, planned, nobody at home."""
    one_child = func.min(VisitListStudent.student_id)
    query = (
        select(one_child, VisitListItem.track)
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .where(
            VisitListItem.visit_list_id == row.visit_list_id, VisitListItem.position.is_not(None)
        )
        .group_by(VisitListItem.item_id, VisitListItem.track, VisitListItem.position)
        .order_by(VisitListItem.position)
    )
    lots = random.Random(seed)  # noqa: S311 - an invented school
    known = []
    with register.session() as session:
        for student_id, track in session.execute(query):
            status = lots.choices(
                ("", "done", "no_one_home", "planned"), weights=(0.55, 0.3, 0.07, 0.08)
            )[0]
            day = start + timedelta(days=lots.randrange(5, 40))
            if status == "planned":
                day = max(day, today + timedelta(days=lots.randrange(2, 12)))
            elif day > today:
                continue
            if status:
                known.append(Known(student_id, day, status, track or "concern"))
    return _store(register, written(known, seed=seed + 1, today=max(today, start)))


def _store(register: Register, records: Iterable[Written]) -> int:
    """Through the same services as a teacher's telephone, in one transaction."""
    number = 0
    with register.session(writing=True) as session:
        homeroom = {row[0]: row[1] for row in session.execute(
            select(Student.student_id, ClassGroup.homeroom_staff_id)
            .join(ClassGroup, ClassGroup.class_id == Student.class_id)
        )}  # fmt: skip
        for record in records:
            _one(session, record, homeroom.get(record.known.student_id))
            number += 1
        session.commit()
    return number


def _one(session: Session, record: Written, teacher: str | None) -> None:
    known = record.known
    for tried in record.tried:
        at = datetime.combine(tried.day, NOON)
        contacts.save(
            session, tried.id,
            AttemptContent(known.student_id, tried.channel, at, tried.result),
            visible=EVERYBODY, actor=ACTOR, at=at, staff_id=teacher,
        )  # fmt: skip
    at = datetime.combine(record.entered, NOON)
    visits.save(
        session, record.id,
        VisitContent(
            known.status, known.day, student_id=known.student_id, lead_staff_id=teacher,
            met=record.met, purposes=record.purposes, causes=record.causes,
            observations=record.observations, agreement=record.agreement,
            family_requests=record.family_requests,
        ),
        visible=EVERYBODY, actor=ACTOR, at=at, today=record.entered, staff_id=teacher,
    )  # fmt: skip
    if record.follow_up is not None and teacher is not None:
        follow_ups.save_follow_up(
            session, record.follow_up.id,
            FollowUpContent(
                known.student_id, record.follow_up.action, teacher, record.follow_up.due,
                status="done" if record.follow_up.done else "open", visit_id=record.id,
            ),
            visible=EVERYBODY, actor=ACTOR, at=at,
        )  # fmt: skip
