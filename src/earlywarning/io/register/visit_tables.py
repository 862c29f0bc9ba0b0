"""Contact attempts, visits, follow-ups, and changes people made to a list.

A family is known by its `household_key`, as on the list: the household's id, or `student-<id>` for
a student without one. Ids of what a person records are made by the client, so that sending it
again is safe; `content_sha256` says whether it is the same again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class ContactAttempt(Base):
    """Somebody tried to reach a family before going. What was said is not kept."""

    __tablename__ = "contact_attempt"
    __table_args__ = (
        CheckConstraint("channel in ('whatsapp', 'telephone', 'letter')", name="channel"),
        Index("ix_contact_attempt_family", "household_key", "at"),
    )
    attempt_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    household_key: Mapped[str] = mapped_column(String(64))
    student_id: Mapped[str] = mapped_column(String(32), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    result: Mapped[str] = mapped_column(String(16))
    made_by: Mapped[str]
    staff_id: Mapped[str | None] = mapped_column(String(32))
    entered_at: Mapped[datetime]
    content_sha256: Mapped[str] = mapped_column(String(64))


class Visit(Base):
    """One visit to one family: planned, made, or tried.

    `day` is when it was or will be; `entered_at` when it first became known here, which may be
    later and never changes. `revision` grows by one with each change.
    """

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint(
            "status in ('planned', 'done', 'no_one_home', 'moved', 'declined', 'rescheduled', "
            "'cancelled')",
            name="status",
        ),
        Index("ix_visit_family", "household_key", "day"),
        Index("ix_visit_school_day", "school_id", "day"),
    )
    visit_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"))
    household_key: Mapped[str] = mapped_column(String(64))
    item_id: Mapped[str | None] = mapped_column(
        ForeignKey("visit_list_item.item_id", ondelete="SET NULL"), index=True
    )
    status: Mapped[str] = mapped_column(String(16))
    day: Mapped[date]
    track: Mapped[str] = mapped_column(String(16))
    lead_staff_id: Mapped[str | None] = mapped_column(String(32), index=True)
    companion_staff_id: Mapped[str | None] = mapped_column(String(32))
    met: Mapped[list[Any]]
    purposes: Mapped[list[Any]]
    causes: Mapped[list[Any]]
    observations: Mapped[dict[str, Any]]
    agreement: Mapped[str | None]
    family_requests: Mapped[str | None]
    danger: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int]
    entered_at: Mapped[datetime]
    entered_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    content_sha256: Mapped[str] = mapped_column(String(64))


class VisitStudent(Base):
    """A child of the visited family, as it was on that day."""

    __tablename__ = "visit_student"
    visit_id: Mapped[str] = mapped_column(
        ForeignKey("visit.visit_id", ondelete="CASCADE"), primary_key=True
    )
    student_id: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)


class VisitNote(Base):
    """What only the counsellor and the principal may read of a visit."""

    __tablename__ = "visit_note"
    visit_id: Mapped[str] = mapped_column(
        ForeignKey("visit.visit_id", ondelete="CASCADE"), primary_key=True
    )
    note: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class FollowUp(Base):
    """What somebody does next for a family, until when.

    `kind` is `agreed`, or `protection`: a child may be in danger, and while that is open nobody is
    sent to the family in the normal way.
    """

    __tablename__ = "follow_up"
    __table_args__ = (
        CheckConstraint("kind in ('agreed', 'protection')", name="kind"),
        CheckConstraint("status in ('open', 'done', 'dropped')", name="status"),
        Index("ix_follow_up_family", "household_key", "status"),
        Index("ix_follow_up_school_due", "school_id", "status", "due"),
    )
    follow_up_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"))
    household_key: Mapped[str] = mapped_column(String(64))
    student_id: Mapped[str] = mapped_column(String(32), index=True)
    visit_id: Mapped[str | None] = mapped_column(
        ForeignKey("visit.visit_id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    action: Mapped[str | None]
    owner_staff_id: Mapped[str | None] = mapped_column(String(32), index=True)
    due: Mapped[date]
    status: Mapped[str] = mapped_column(String(16))
    revision: Mapped[int]
    entered_at: Mapped[datetime]
    entered_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    content_sha256: Mapped[str] = mapped_column(String(64))


class VisitRequest(Base):
    """A family asks for a visit, or a member of staff asks for one on their behalf."""

    __tablename__ = "visit_request"
    __table_args__ = (
        CheckConstraint("asked_by in ('family', 'student', 'staff')", name="asked_by"),
        CheckConstraint("status in ('open', 'met', 'dropped')", name="status"),
        Index("ix_visit_request_family", "household_key", "status"),
    )
    request_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), index=True)
    household_key: Mapped[str] = mapped_column(String(64))
    student_id: Mapped[str] = mapped_column(String(32), index=True)
    asked_by: Mapped[str] = mapped_column(String(16))
    asked_on: Mapped[date]
    wish: Mapped[str | None]
    status: Mapped[str] = mapped_column(String(16))
    revision: Mapped[int]
    entered_at: Mapped[datetime]
    entered_by: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    content_sha256: Mapped[str] = mapped_column(String(64))


class ItemOverride(Base):
    """What a person decided about a family's place on a list. Rows are only added.

    The newest revision of an item holds; `withdrawn` takes the one before back. Two people who
    change the same revision make the same next one, and the key lets only one of them.
    `original_position` is the place that the list gave, which stays in the list too.
    """

    __tablename__ = "item_override"
    __table_args__ = (
        CheckConstraint(
            "action in ('move_up', 'defer', 'remove', 'add', 'withdrawn')", name="action"
        ),
        Index("ix_item_override_list", "visit_list_id"),
    )
    item_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list_item.item_id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    visit_list_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list.visit_list_id", ondelete="CASCADE")
    )
    action: Mapped[str] = mapped_column(String(16))
    reason_code: Mapped[str | None] = mapped_column(String(32))
    note: Mapped[str | None]
    expires_on: Mapped[date | None]
    original_position: Mapped[int | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
