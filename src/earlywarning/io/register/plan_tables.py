"""When each listed family is visited, by whom and with whom; the numbers of assignment letters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from earlywarning.io.register.models import Base


class ItemPlace(Base):
    """How a family came by its place on a list, or why it has none.

    `rank` is null for a family that is `excluded`; `occasion` is what called for the visit on
    another track than concern and preventive; `others_told` has the staff ids of the other
    homeroom teachers of its children. Lists of before there were tracks have no such rows.
    """

    __tablename__ = "item_place"
    item_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list_item.item_id", ondelete="CASCADE"), primary_key=True
    )
    rank: Mapped[int | None]
    excluded: Mapped[str | None] = mapped_column(String(32))
    occasion: Mapped[dict[str, Any] | None]
    others_told: Mapped[list[Any]]


class Plan(Base):
    """The plan of one list; made again, it keeps its id and what people set by hand.

    `conflicts` says in codes which wishes could not all be met. `revision` grows by one with each
    planning and each change by hand.
    """

    __tablename__ = "plan"
    plan_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    visit_list_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list.visit_list_id", ondelete="CASCADE"), unique=True
    )
    revision: Mapped[int]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    rules: Mapped[dict[str, Any]]
    conflicts: Mapped[list[Any]]


class PlannedVisit(Base):
    """One listed family in a plan.

    `week` is its Monday, null if no week was free; `pinned` what a person set, which stays when
    the plan is made again. `loosened` holds codes of the wishes it does not meet.
    """

    __tablename__ = "planned_visit"
    __table_args__ = (
        CheckConstraint("status in ('planned', 'done', 'cancelled')", name="status"),
        CheckConstraint(
            "slot in ('morning', 'afternoon', 'evening', 'saturday', 'sunday')", name="slot"
        ),
        UniqueConstraint("letter_school_id", "letter_year", "letter_number"),
        Index("ix_planned_visit_lead", "lead_staff_id"),
        Index("ix_planned_visit_companion", "companion_staff_id"),
    )
    planned_visit_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.plan_id", ondelete="CASCADE"), index=True)
    item_id: Mapped[str] = mapped_column(
        ForeignKey("visit_list_item.item_id", ondelete="CASCADE"), unique=True
    )
    lead_staff_id: Mapped[str | None] = mapped_column(String(32))
    companion_staff_id: Mapped[str | None] = mapped_column(String(32))
    companion_needed: Mapped[bool]
    week: Mapped[date | None]
    slot: Mapped[str | None] = mapped_column(String(16))
    on_date: Mapped[date | None]
    pinned: Mapped[bool]
    status: Mapped[str] = mapped_column(String(16))
    loosened: Mapped[list[Any]]
    revision: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    letter_school_id: Mapped[str | None] = mapped_column(String(64))
    letter_year: Mapped[int | None]
    letter_number: Mapped[int | None]
    letter_date: Mapped[date | None]


class LetterSeries(Base):
    """The last number of a school's assignment letters of a year; none left out or used twice."""

    __tablename__ = "letter_series"
    school_id: Mapped[str] = mapped_column(ForeignKey("school.school_id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
