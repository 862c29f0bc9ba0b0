"""What pages show and lists do not hold: a student's year, laid down when a list is drafted."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class StudentTimeline(Base):
    """A year before the newest list, as `visits.timeline` gives it. It goes with the student."""

    __tablename__ = "student_timeline"
    student_id: Mapped[str] = mapped_column(
        ForeignKey("student.student_id", ondelete="CASCADE"), primary_key=True
    )
    snapshot_id: Mapped[str] = mapped_column(String(64))
    as_of_date: Mapped[date]
    content: Mapped[dict[str, Any]]
