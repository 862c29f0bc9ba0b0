"""Work that a person asked for on a page, and what became of it; one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.db import Register
from earlywarning.io.register.job_tables import WorkJob

DRAFT, PROMOTE, ROLL_BACK, IMPACT = "draft", "promote", "roll_back", "impact"
KINDS = (DRAFT, PROMOTE, ROLL_BACK, IMPACT)

RUNNING, FINISHED, REFUSED, FAILED = "running", "finished", "refused", "failed"
STATUSES = (RUNNING, FINISHED, REFUSED, FAILED)

ACTIONS = {
    DRAFT: "visit_list.draft_asked",
    PROMOTE: "model.promotion_asked",
    ROLL_BACK: "model.roll_back_asked",
    IMPACT: "impact.result_asked",
}
"""What the audit calls each kind."""


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work.

    Attributes
    ----------
    job_id : str
    kind : str
        One of `KINDS`.
    school_id : str or None
        Whose list; None where it is about all schools.
    status : str
        One of `STATUSES`.
    made_by : str
    made_at, changed_at : datetime
        UTC without zone.
    asked, outcome : mapping
        Codes, numbers and ids; `asked` of a model has the reason that was given.
    """

    job_id: str
    kind: str
    school_id: str | None
    status: str
    made_by: str
    made_at: datetime
    changed_at: datetime
    asked: Mapping[str, Any]
    outcome: Mapping[str, Any]


def add(
    register: Register,
    *,
    job_id: str,
    kind: str,
    school_id: str | None,
    asked: Mapping[str, Any],
    actor: str,
    at: datetime,
) -> Work:
    """Begin a piece of work.

    Raises
    ------
    Conflict
        While another one runs.
    """
    with register.session(writing=True) as session:
        running = select(WorkJob.job_id).where(WorkJob.status == RUNNING).with_for_update()
        if session.scalars(running).first() is not None:
            raise Conflict("other work is running; wait until it has ended")
        row = WorkJob(
            job_id=job_id, kind=kind, school_id=school_id, status=RUNNING, made_by=actor,
            made_at=at, changed_at=at, asked=dict(asked), outcome={},
        )  # fmt: skip
        session.add(row)
        told = {key: value for key, value in asked.items() if key != "reason"}
        record(session, actor=actor, action=ACTIONS[kind], entity="work_job", entity_id=job_id,
               detail=told, at=at)  # fmt: skip
        session.commit()
        return _work(row)


def listed(
    session: Session, visible: Select[*tuple[Any, ...]], *, kind: str | None = None, limit: int = 20
) -> list[Work]:
    """The newest that somebody may see."""
    query = select(WorkJob).where(WorkJob.job_id.in_(visible))
    if kind is not None:
        query = query.where(WorkJob.kind == kind)
    query = query.order_by(WorkJob.made_at.desc(), WorkJob.job_id).limit(limit)
    return [_work(row) for row in session.scalars(query)]


def found(session: Session, visible: Select[*tuple[Any, ...]], job_id: str) -> Work | None:
    """One of them; None if there is none, or not for this person."""
    query = select(WorkJob).where(WorkJob.job_id == job_id, WorkJob.job_id.in_(visible))
    row = session.scalars(query).one_or_none()
    return None if row is None else _work(row)


def unsettled(session: Session) -> list[Work]:
    """Those that run, or are said to."""
    query = select(WorkJob).where(WorkJob.status == RUNNING)
    return [_work(row) for row in session.scalars(query)]


def settle(
    register: Register, job_id: str, status: str, outcome: Mapping[str, Any], *, at: datetime
) -> None:
    """Say how it has ended, unless somebody said so before."""
    with register.session(writing=True) as session:
        session.execute(
            update(WorkJob)
            .where(WorkJob.job_id == job_id, WorkJob.status == RUNNING)
            .values(status=status, outcome=dict(outcome), changed_at=at)
        )
        session.commit()


def _work(row: WorkJob) -> Work:
    return Work(
        row.job_id, row.kind, row.school_id, row.status, row.made_by, row.made_at, row.changed_at,
        dict(row.asked), dict(row.outcome),
    )  # fmt: skip
