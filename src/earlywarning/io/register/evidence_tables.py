"""What was laid down before outcomes were known, for judging whether visits helped."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class ImpactStudy(Base):
    """One study's design as it was registered: canonical JSON and its hash, never changed.

    `facts_until` is the newest day of attendance that the facts held then: outcomes later than it
    were not known to whoever wrote the design.
    """

    __tablename__ = "impact_study"
    study_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    first_quarter: Mapped[str] = mapped_column(String(10))
    last_quarter: Mapped[str] = mapped_column(String(10))
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(200))
    snapshot_id: Mapped[str | None] = mapped_column(String(64))
    facts_until: Mapped[date | None]
    design: Mapped[bytes] = mapped_column(LargeBinary)
    design_sha256: Mapped[str] = mapped_column(String(64))


class ImpactResult(Base):
    """One analysis, kept under the hash of what it rests on, so that it is made once."""

    __tablename__ = "impact_result"
    result_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    study_id: Mapped[str | None] = mapped_column(String(32), index=True)
    made_at: Mapped[datetime]
    result: Mapped[bytes] = mapped_column(LargeBinary)
