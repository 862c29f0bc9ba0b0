"""What plans look like in answers, and what a change by hand says."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from earlywarning_api.schemas import Coded, Moment

SlotName = Literal["morning", "afternoon", "evening", "saturday", "sunday"]
StaffId = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{32}$")]


class PlanStudent(BaseModel):
    """A child of a family to be visited."""

    student_id: str
    full_name: str
    class_name: str | None


class Member(BaseModel):
    """Somebody of the school's staff."""

    staff_id: str
    name: str


class PlannedVisitView(BaseModel):
    """When a family is visited, by whom and with whom."""

    planned_visit_id: str
    etag: str = Field(description="Send it as `If-Match` to change this visit.")
    item_id: str
    position: int | None = Field(description="Place on the list; null if a person added it.")
    track: Coded
    status: Coded
    lead: Member | None
    companion: Member | None
    companion_needed: bool = Field(description="By the lead's own preference.")
    week: date | None = Field(description="Its Monday; null if no week was left.")
    slot: Coded | None
    on_date: date | None = Field(description="Once a day is agreed on.")
    agreed_on: date | None = Field(
        description="For which a visit to the family is on record since, as after nobody was home."
    )
    pinned: bool = Field(description="Set by hand; planning again leaves it so.")
    village: str | None
    unmet: list[Coded] = Field(description="Wishes that this place in the plan does not meet.")
    letter_number: str | None = Field(examples=["001/ST/SMP/X/2026"])
    letter_date: date | None
    students: list[PlanStudent] = Field(description="The children whom you may see.")


class ConflictView(BaseModel):
    """A wish that is not met, and those it cannot be met together with."""

    wish: Coded
    whose: str = Field(description="Id of the listed family or of the teacher.")
    against: list[Coded]
    text: str


class PlanView(BaseModel):
    """A list's plan, week by week."""

    plan_id: str
    visit_list_id: str
    revision: int
    made_at: Moment
    made_by: str
    conflicts: list[ConflictView]
    visits: list[PlannedVisitView] = Field(description="By week, then by the order of the list.")


class PlannedVisitChange(BaseModel):
    """What a person sets; it stays when the plan is made again."""

    model_config = {"extra": "forbid"}

    week: date = Field(description="A Monday of the quarter.", examples=["2026-10-12"])
    slot: SlotName
    companion_staff_id: StaffId | None = None
    on_date: date | None = None
    pinned: bool = Field(True, description="False gives the visit back to the next planning.")
    despite: bool = Field(
        False, description="Set it although it goes against wishes that a 409 named."
    )


class LetterView(BaseModel):
    """The number of an assignment letter; the same whenever it is asked for."""

    letter_number: str = Field(examples=["001/ST/SMP/X/2026"])
    letter_date: date


class UnrankedView(BaseModel):
    """A family without rank, about whom a person decides."""

    item_id: str
    reason: Coded
    lead: Member | None
    students: list[PlanStudent]


class Unranked(BaseModel):
    """Families without rank."""

    visit_list_id: str
    families: list[UnrankedView]
