"""What the answers hold. A code comes with its words; nowhere is a probability."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

Moment = Annotated[datetime, AfterValidator(lambda at: at.replace(tzinfo=UTC))]
"""A time of the register, which keeps UTC without saying so; answers say so (`…Z`)."""


class Coded(BaseModel):
    """A code, and its words in the asked language."""

    code: str = Field(examples=["visit_first"])
    text: str = Field(examples=["Kunjungi dulu"])


class Reason(BaseModel):
    """A dated fact that can change."""

    code: str = Field(examples=["absent_days"])
    domain: str = Field(examples=["attendance"])
    numbers: dict[str, Any] = Field(examples=[{"absent": 9, "days": 20, "since": "2026-09-01"}])
    as_of: date = Field(description="Known before this day.")
    text: str = Field(examples=["Tidak hadir 9 dari 20 hari sejak 1 Sep 2026"])


class Completeness(BaseModel):
    """Which kinds of records the school had for a child. Little data is not no trouble."""

    sources: dict[str, Any] = Field(description="As frozen with the list.")
    text: str = Field(examples=["3 dari 4 sumber data tersedia"])


class QuarterSummary(BaseModel):
    """A quarter that has lists."""

    quarter: str = Field(examples=["2026-27-Q2"])
    as_of_date: date
    drafts: int
    published: int


class Quarters(BaseModel):
    """Quarters, newest first."""

    quarters: list[QuarterSummary]


class ListModel(BaseModel):
    """What decided one outcome on a list."""

    outcome: Coded
    serves: str = Field(description="`model` or `rule`.", examples=["rule"])
    estimator: Coded
    version: int | None = Field(description="Null for the rule that needs no training.")
    why: str = Field(description="In words.")


class Lead(BaseModel):
    """One teacher's part of a list; `staff_id` null: families without homeroom teacher."""

    staff_id: str | None
    name: str
    capacity: int
    concern_places: int
    preventive_places: int
    households: int
    listed: int
    excluded: int
    note: str | None = Field(
        description="Says so if the teacher can visit nobody, or not every family within a year."
    )


class VisitListView(BaseModel):
    """A list without its families."""

    visit_list_id: str
    quarter: str
    school_id: str
    school_name: str
    revision: int
    status: Coded
    as_of_date: date
    made_at: Moment
    published_at: Moment | None
    published_by: str | None
    snapshot_id: str
    seed: int
    frozen_sha256: str = Field(description="SHA-256 of the frozen record; drafts have one too.")
    lottery: bool
    models: list[ListModel]
    counts: dict[str, int] | None = Field(description="The whole school's; for coordinators.")
    leads: list[Lead] = Field(description="A homeroom teacher sees their own.")


class VisitLists(BaseModel):
    """Lists, newest quarter first."""

    visit_lists: list[VisitListView]


class ListedStudent(BaseModel):
    """A child of a listed family."""

    student_id: str
    full_name: str
    class_id: str | None
    class_name: str | None
    reasons: list[Reason]
    reasons_note: str | None = Field(
        default=None,
        description="Where reasons were not written down for this child, a sentence that says so.",
        examples=["Alasan hanya dicatat untuk keluarga yang masuk daftar"],
    )
    completeness: Completeness


class ItemLead(BaseModel):
    """Who leads the visit."""

    staff_id: str | None
    name: str


class Override(BaseModel):
    """What a person decided about a family's place; the list itself stays as it is."""

    action: Coded
    reason: Coded
    expires_on: date | None = Field(description="Last day on which it holds.")
    holds: bool = Field(description="Whether it holds today.")


class Item(BaseModel):
    """A listed family."""

    item_id: str
    place: int = Field(description="In the order that holds today, 1 first; lead by lead.")
    position: int = Field(description="The place that the list gave; 0 for a family added since.")
    track: Coded
    band: Coded
    status: Coded = Field(description="Where the family stands this quarter.")
    lead: ItemLead
    override: Override | None = Field(description="What a person decided about the place.")
    override_etag: str = Field(description="For `If-Match`, to decide about the place.")
    occasion: Coded | None = Field(
        description="What called for the visit, on a track other than concern and preventive."
    )
    others_told: list[str] = Field(
        description="Staff ids of the other homeroom teachers of the family's children."
    )
    students: list[ListedStudent] = Field(description="The children whom you may see.")


class Items(BaseModel):
    """One page of a list."""

    visit_list_id: str
    items: list[Item]
    next_cursor: str | None = Field(description="Null on the last page.")


class Place(BaseModel):
    """What one published list said about a student."""

    visit_list_id: str
    quarter: str
    as_of_date: date
    published_at: Moment | None
    listed: bool
    track: Coded
    band: Coded
    reasons: list[Reason]
    reasons_note: str | None = Field(
        default=None,
        description="Where reasons were not written down for this child, a sentence that says so.",
        examples=["Alasan hanya dicatat untuk keluarga yang masuk daftar"],
    )
    completeness: Completeness


class StudentView(BaseModel):
    """One student: what the newest list says, and what earlier ones said."""

    student_id: str
    full_name: str
    school_id: str
    class_id: str | None
    class_name: str | None
    now: Place | None = Field(description="On the school's newest published list.")
    history: list[Place] = Field(description="All published lists, newest first.")


class ServingModel(BaseModel):
    """What decides one outcome from now on."""

    outcome: Coded
    serves: str = Field(description="`model` or `rule`.")
    estimator: Coded
    why: str
    model_version_id: str | None
    version: int | None
    trained_at: Moment | None
    snapshot_id: str | None
    artifact_sha256: str | None
    report: dict[str, Any] | None = Field(description="Measures by split, as recorded at training.")


class ServingModels(BaseModel):
    """One entry an outcome."""

    models: list[ServingModel]


class Health(BaseModel):
    """Whether the service runs. Holds no data."""

    status: str = Field(examples=["ok"])
