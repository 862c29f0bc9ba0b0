"""Uploads and what becomes of them: one import runs at a time, and nothing is saved unconfirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.db import Register
from earlywarning.io.register.job_tables import ImportJob
from earlywarning.io.register.models import ImportBatch

READING, WAITING, SAVING = "reading", "waiting", "saving"
REFUSED, FINISHED, FAILED = "refused", "finished", "failed"
WITHDRAWN, EXPIRED = "withdrawn", "expired"

RUNNING = frozenset({READING, SAVING})
OPEN = frozenset({WAITING, REFUSED})
"""A person may still answer, confirm or withdraw."""

KEPT_FOR = timedelta(days=1)
"""How long uploaded files, and what quotes them, are kept at most."""

MOST_OPEN = 10
"""Uploads of a school that may wait at a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One upload.

    Attributes
    ----------
    job_id : str
    school_id : str or None
        Whose rows it may hold; None for all schools.
    status : str
    made_by : str
    made_at, changed_at : datetime
        UTC without zone.
    files : tuple of (str, int)
        Name as a label, and bytes.
    said : mapping
        Answers to what was asked about the files.
    summary : mapping
        Counts only.
    """

    job_id: str
    school_id: str | None
    status: str
    made_by: str
    made_at: datetime
    changed_at: datetime
    files: tuple[tuple[str, int], ...]
    said: Mapping[str, str]
    summary: Mapping[str, Any]


def add(
    register: Register,
    *,
    job_id: str,
    school_id: str | None,
    files: Sequence[tuple[str, int]],
    actor: str,
    at: datetime,
) -> Job:
    """Begin to read an upload.

    Raises
    ------
    Conflict
        While another import runs, or too many wait.
    """
    with register.session(writing=True) as session:
        _require_quiet(session)
        waiting = select(func.count()).where(ImportJob.status.in_(OPEN), _of(school_id))
        if session.scalars(waiting).one() >= MOST_OPEN:
            raise Conflict(
                f"{MOST_OPEN} uploads wait already; confirm or withdraw one of them first"
            )
        row = ImportJob(
            job_id=job_id, school_id=school_id, status=READING, made_by=actor, made_at=at,
            changed_at=at, files=[list(one) for one in files], said={}, summary={},
        )  # fmt: skip
        session.add(row)
        _note(session, row, "import.uploaded", actor, at)
        session.commit()
        return _job(row)


def listed(session: Session, visible: Select[*tuple[Any, ...]], *, limit: int) -> list[Job]:
    """The newest uploads that somebody may see."""
    query = (
        select(ImportJob)
        .where(ImportJob.job_id.in_(visible))
        .order_by(ImportJob.made_at.desc(), ImportJob.job_id)
        .limit(limit)
    )
    return [_job(row) for row in session.scalars(query)]


def found(session: Session, visible: Select[*tuple[Any, ...]], job_id: str) -> Job | None:
    """One of them; None if there is none, or not for this person."""
    query = select(ImportJob).where(ImportJob.job_id == job_id, ImportJob.job_id.in_(visible))
    row = session.scalars(query).one_or_none()
    return None if row is None else _job(row)


def unsettled(session: Session) -> list[Job]:
    """Those that run, or are said to."""
    query = select(ImportJob).where(ImportJob.status.in_(RUNNING))
    return [_job(row) for row in session.scalars(query)]


def outdated(session: Session, at: datetime) -> list[Job]:
    """Those that wait for longer than files are kept."""
    query = select(ImportJob).where(ImportJob.status.in_(OPEN), ImportJob.made_at < at - KEPT_FOR)
    return [_job(row) for row in session.scalars(query)]


def go_on(
    register: Register,
    job: Job,
    status: str,
    *,
    actor: str,
    at: datetime,
    said: Mapping[str, str] | None = None,
) -> Job:
    """Read the files again with answers, save them, or withdraw them.

    Raises
    ------
    Conflict
        If it does not wait any more, or another import runs.
    """
    with register.session(writing=True) as session:
        row = session.get(ImportJob, job.job_id)
        if row is None or row.status not in OPEN or (status == SAVING and row.status != WAITING):
            raise Conflict("this upload does not wait for anybody any more; read its newest state")
        if status in RUNNING:
            _require_quiet(session)
        row.status, row.changed_at = status, at
        if said is not None:
            row.said = {**row.said, **said}
        actions = {READING: "import.answered", SAVING: "import.confirmed"}
        _note(session, row, actions.get(status, f"import.{status}"), actor, at)
        session.commit()
        return _job(row)


def settle(
    register: Register,
    job: Job,
    status: str,
    *,
    at: datetime,
    summary: Mapping[str, Any] | None = None,
) -> None:
    """Say how what ran has ended, unless somebody said so before."""
    values: dict[str, Any] = {"status": status, "changed_at": at}
    if summary is not None:
        values["summary"] = dict(summary)
    with register.session(writing=True) as session:
        session.execute(
            update(ImportJob)
            .where(ImportJob.job_id == job.job_id, ImportJob.status == job.status)
            .values(**values)
        )
        session.commit()


def was_saved(session: Session, job_id: str) -> bool:
    """Whether the import is in the register: it carries the upload's id."""
    return session.get(ImportBatch, job_id) is not None


def _require_quiet(session: Session) -> None:
    rows = session.scalars(
        select(ImportJob.job_id).where(ImportJob.status.in_(RUNNING)).with_for_update()
    )
    if rows.first() is not None:
        raise Conflict("another import is running; wait until it has ended")


def _of(school_id: str | None) -> Any:
    column = ImportJob.school_id
    return column.is_(None) if school_id is None else column == school_id


def _note(session: Session, row: ImportJob, action: str, actor: str, at: datetime) -> None:
    record(session, actor=actor, action=action, entity="import_job", entity_id=row.job_id,
           detail={"files": len(row.files)}, at=at)  # fmt: skip


def _job(row: ImportJob) -> Job:
    return Job(
        row.job_id, row.school_id, row.status, row.made_by, row.made_at, row.changed_at,
        tuple((name, size) for name, size in row.files), dict(row.said), dict(row.summary),
    )  # fmt: skip
