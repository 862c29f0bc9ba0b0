"""The audit, consent, objections and requests of families, and what was exported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class AuditEvent(Base):
    """Who did or read what. Rows are only added; each one's hash covers the one before.

    `detail` is canonical JSON: codes, numbers and random ids, never a name or anybody's words.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_entity", "entity", "entity_id"),
        Index("ix_audit_event_actor", "actor"),
    )
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    entity: Mapped[str] = mapped_column(String(64))
    entity_id: Mapped[str] = mapped_column(String(160))
    detail: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class Consent(Base):
    """A guardian's agreement to one purpose, how it was given, and whether it was taken back."""

    __tablename__ = "consent"
    consent_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    student_id: Mapped[str] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(String(32))
    given_by: Mapped[str] = mapped_column(String(32))
    given_on: Mapped[date]
    evidence: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))


class Objection(Base):
    """A family that is not to be ranked by a computer; people decide about it by hand.

    `kind` is `profiling` (an objection) or `restriction` (until a dispute is settled).
    """

    __tablename__ = "objection"
    objection_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    student_id: Mapped[str] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    made_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class RightsRequest(Base):
    """What a family asked for, and by when it must be answered.

    `student_id` is no foreign key: after an erasure the answered request stays, without a name.
    `wanted` holds a correction asked for; it is emptied when the request is answered.
    """

    __tablename__ = "rights_request"
    request_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    school_id: Mapped[str | None] = mapped_column(String(64), index=True)
    student_id: Mapped[str | None] = mapped_column(String(32), index=True)
    made_by: Mapped[str] = mapped_column(String(32))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    recorded_by: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(32))
    wanted: Mapped[dict[str, Any] | None]


class ResearchAgreement(Base):
    """What a researcher may have, for what, and until when."""

    __tablename__ = "research_agreement"
    agreement_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    researcher: Mapped[str] = mapped_column(String(64), index=True)
    purpose: Mapped[str]
    schools: Mapped[list[Any]]
    smallest_group: Mapped[int]
    agreed_on: Mapped[date]
    expires_on: Mapped[date]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]


class Export(Base):
    """A file that left, or waits to be fetched: for whom, for what, and its hash.

    `content` is emptied when it expires or a child in it is erased. `pseudonym_key` belongs to this
    export alone. `basis` says which random ids stood behind each published group, so that a later
    export can be kept from giving away the difference.
    """

    __tablename__ = "export"
    export_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(8))
    school_id: Mapped[str | None] = mapped_column(String(64), index=True)
    subject_id: Mapped[str | None] = mapped_column(String(32))
    agreement_id: Mapped[str | None] = mapped_column(
        ForeignKey("research_agreement.agreement_id"), index=True
    )
    purpose: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(64), index=True)
    rows: Mapped[int]
    suppressed: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    pseudonym_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    basis: Mapped[dict[str, Any] | None]


class SnapshotRewrite(Base):
    """A snapshot of the facts from which children were erased, and the one in its place."""

    __tablename__ = "snapshot_rewrite"
    old_snapshot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    new_snapshot_id: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]
