"""Work that people start from the service: imports, and what ranks families or chooses models."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class ImportJob(Base):
    """One upload. No name stands here: what quotes the files lies with them, for a day.

    `files` holds each file's name as a label, and its bytes; `said` answers by key; `summary` rows
    by table and refused rows by reason.
    """

    __tablename__ = "import_job"
    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str | None] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    made_by: Mapped[str] = mapped_column(String(32))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    files: Mapped[list[Any]]
    said: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]


class WorkJob(Base):
    """A draft that was asked for, or another model in service, and what became of it.

    `asked` holds what was asked for, `outcome` ids, codes and numbers: no child stands here.
    """

    __tablename__ = "work_job"
    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    school_id: Mapped[str | None] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    made_by: Mapped[str] = mapped_column(String(32))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    asked: Mapped[dict[str, Any]]
    outcome: Mapped[dict[str, Any]]
