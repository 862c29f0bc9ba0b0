"""Files that leave: made once, kept for a day to be fetched, and on record for good.

Lists, plans and visits go to a school's own staff, with names. Research gets random names of its
own in each export, in groups large enough, and only what an agreement covers.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from earlywarning.errors import DataError, NotFound
from earlywarning.io.cells import csv_bytes, xlsx_bytes
from earlywarning.io.register.audit_log import named, record
from earlywarning.io.register.models import School
from earlywarning.io.register.rights_tables import Export, ResearchAgreement
from earlywarning.records.disclosure import SMALLEST_GROUP

VISIT_LIST, PLAN, VISITS, RESEARCH = "visit_list", "plan", "visits", "research"
KINDS = (VISIT_LIST, PLAN, VISITS, RESEARCH)
FORMATS = ("csv", "xlsx")
KEPT_FOR = timedelta(hours=24)
"""How long a file waits to be fetched."""

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file holds.

    Attributes
    ----------
    title : str
    columns : sequence of str
    rows : sequence of sequences
    students : frozenset of str
        Ids of those whom it concerns, for the audit.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    students: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An export without its content."""

    export_id: str
    kind: str
    format: str
    school_id: str | None
    subject_id: str | None
    agreement_id: str | None
    purpose: str
    made_at: datetime
    made_by: str
    rows: int
    suppressed: int
    sha256: str
    expires_at: datetime


_COLUMNS = tuple(getattr(Export, name) for name in ExportRow.__slots__)


def keep(
    session: Session,
    sheet: Sheet,
    *,
    kind: str,
    format_: str,
    purpose: str,
    by: str,
    at: datetime,
    school_id: str | None = None,
    subject_id: str | None = None,
    agreement_id: str | None = None,
    suppressed: int = 0,
    pseudonym_key: bytes | None = None,
    basis: dict[str, Any] | None = None,
) -> ExportRow:
    """Make the file, keep it for a day, and put it on record; the caller commits.

    Raises
    ------
    DataError
        If no purpose is given, or the kind or format does not exist.
    """
    for what, value, allowed in (("kind", kind, KINDS), ("format", format_, FORMATS)):
        if value not in allowed:
            raise DataError(f"{what}: is {value!r}; allowed: {', '.join(allowed)}")
    if not purpose.strip():
        raise DataError("purpose: is empty; say what the file is for")
    if format_ == "csv":
        content = csv_bytes(sheet.columns, sheet.rows)
    else:
        content = xlsx_bytes(sheet.columns, sheet.rows, title=sheet.title)
    row = Export(
        export_id=uuid.uuid4().hex,
        kind=kind,
        format=format_,
        school_id=school_id,
        subject_id=subject_id,
        agreement_id=agreement_id,
        purpose=purpose.strip(),
        made_at=at,
        made_by=named(by),
        rows=len(sheet.rows),
        suppressed=suppressed,
        sha256=hashlib.sha256(content).hexdigest(),
        expires_at=at + KEPT_FOR,
        content=content,
        pseudonym_key=pseudonym_key,
        basis=basis,
    )
    session.add(row)
    record(
        session, actor=by, action="export.made", entity="export", entity_id=row.export_id, at=at,
        detail={
            "kind": kind, "format": format_, "rows": row.rows, "sha256": row.sha256,
            "agreement_id": agreement_id, "students": sorted(sheet.students),
        },
    )  # fmt: skip
    session.flush()
    return ExportRow(*(getattr(row, name) for name in ExportRow.__slots__))


def listed(
    session: Session, *, school_id: str | None = None, made_by: str | None = None
) -> list[ExportRow]:
    """Exports, newest first: of a school, of a person, or all."""
    query: Select[*tuple[Any, ...]] = select(*_COLUMNS)
    if school_id is not None:
        query = query.where(Export.school_id == school_id)
    if made_by is not None:
        query = query.where(Export.made_by == made_by)
    query = query.order_by(Export.made_at.desc(), Export.export_id)
    return [ExportRow(*row) for row in session.execute(query)]


def content(session: Session, export_id: str, *, by: str, at: datetime) -> tuple[ExportRow, bytes]:
    """The file, for whoever made it; the audit tells that it was fetched. The caller commits.

    Raises
    ------
    NotFound
        If there is none, it is somebody else's, it has expired, a child in it was erased, or the
        agreement that it was made under has ended.
    """
    found = session.get(Export, export_id)
    if found is None or found.made_by != by or found.content is None or found.expires_at <= at:
        raise NotFound(f"there is no export {export_id!r} to fetch; make a new one")
    if found.agreement_id is not None:
        agreement(session, found.agreement_id, researcher=by, at=at)
    record(session, actor=by, action="export.fetched", entity="export", entity_id=export_id, at=at)
    return ExportRow(*(getattr(found, name) for name in ExportRow.__slots__)), found.content


def agree(
    session: Session,
    *,
    researcher: str,
    purpose: str,
    schools: Iterable[str],
    expires_on: date,
    by: str,
    at: datetime,
    smallest_group: int = SMALLEST_GROUP,
) -> str:
    """Record what a researcher may have; the caller commits. Returns the agreement's id.

    Raises
    ------
    DataError
        No purpose, no school, groups too small, or an end that is past.
    NotFound
        If the register does not know a school.
    """
    wanted = sorted(set(schools))
    if not purpose.strip() or not wanted:
        raise DataError("an agreement says for what purpose and of which schools")
    if smallest_group < SMALLEST_GROUP:
        raise DataError(f"groups have at least {SMALLEST_GROUP} children, got {smallest_group}")
    if expires_on <= at.date():
        raise DataError(f"the agreement ends on {expires_on}; give a day to come")
    known = set(session.scalars(select(School.school_id)))
    for school in wanted:
        if school not in known:
            raise NotFound(f"there is no school {school!r}; known: {', '.join(sorted(known))}")
    agreement_id = uuid.uuid4().hex
    session.add(
        ResearchAgreement(
            agreement_id=agreement_id,
            researcher=researcher,
            purpose=purpose.strip(),
            schools=wanted,
            smallest_group=smallest_group,
            agreed_on=at.date(),
            expires_on=expires_on,
            recorded_at=at,
            recorded_by=named(by),
        )
    )
    record(session, actor=by, action="agreement.recorded", entity="research_agreement",
           entity_id=agreement_id, detail={"researcher": named(researcher)}, at=at)  # fmt: skip
    return agreement_id


def agreement(
    session: Session, agreement_id: str, *, researcher: str | None, at: datetime
) -> ResearchAgreement:
    """An agreement that holds now, for this researcher; whoever's it is where that is None.

    Raises
    ------
    NotFound
        If there is none: unknown, somebody else's, ended or expired.
    """
    found = session.get(ResearchAgreement, agreement_id)
    if (
        found is None
        or researcher not in (None, found.researcher)
        or found.ended_at is not None
        or found.expires_on < at.date()
    ):
        raise NotFound(f"no agreement {agreement_id!r} holds for you today")
    return found


def end(session: Session, agreement_id: str, *, by: str, at: datetime) -> None:
    """End an agreement; the caller commits.

    Raises
    ------
    NotFound
        If none with this id holds.
    """
    found = session.get(ResearchAgreement, agreement_id)
    if found is None or found.ended_at is not None:
        raise NotFound(f"no agreement {agreement_id!r} holds; `earlywarning agreement list`")
    found.ended_at = at
    record(session, actor=by, action="agreement.ended", entity="research_agreement",
           entity_id=agreement_id, at=at)  # fmt: skip


def agreements(session: Session, *, researcher: str | None = None) -> list[ResearchAgreement]:
    """Agreements, newest first."""
    query = select(ResearchAgreement)
    if researcher is not None:
        query = query.where(ResearchAgreement.researcher == researcher)
    return list(session.scalars(query.order_by(ResearchAgreement.recorded_at.desc())))
