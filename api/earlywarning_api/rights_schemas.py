"""What is sent and answered about rights of families, exports and the audit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from earlywarning_api.schemas import Moment

StudentId = Annotated[str, Field(pattern="^[0-9a-z]{32}$")]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Guardian = Literal["father", "mother", "guardian", "other"]
Purpose = Literal["priority", "home_visit", "messages", "photo", "research"]
RequestKind = Literal["access", "rectification", "withdrawal", "profiling", "restriction"]
Status = Literal["open", "done", "refused"]
Refusal = Literal[
    "not_identified", "endangers", "exposes_others", "law_requires_keeping", "no_such_data"
]
_WORDS = r"^[^\x00-\x1f]*[^\x00-\x20][^\x00-\x1f]*$"


def utc(at: datetime | None) -> datetime | None:
    """A moment as the register has it; one before or after all that can be written is the first or
    last that can."""
    if at is None:
        return None
    try:
        return at.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return datetime.min if at.year == 1 else datetime.max  # noqa: DTZ901 - without zone


class Sent(BaseModel):
    """A field that the reference does not name is refused."""

    model_config = ConfigDict(extra="forbid")


class ConsentSent(Sent):
    """A guardian's agreement."""

    purpose: Purpose
    given_by: Guardian
    given_on: date
    evidence: str = Field(
        min_length=1, max_length=200, pattern=_WORDS, examples=["signed form, folder 7A"],
        description="Where the proof is; no name.",
    )  # fmt: skip


class ConsentView(BaseModel):
    """An agreement to one purpose."""

    consent_id: str
    purpose: str
    given_by: str
    given_on: date
    evidence: str
    recorded_at: Moment
    withdrawn_at: Moment | None


class ObjectionView(BaseModel):
    """An objection: while it stands, people decide about the family by hand."""

    objection_id: str
    kind: str
    made_on: date
    lifted_at: Moment | None


class Consents(BaseModel):
    """What was agreed to about a student, and what was objected to."""

    consents: list[ConsentView]
    objections: list[ObjectionView]


class Correction(Sent):
    """What should be read instead."""

    full_name: str | None = Field(default=None, min_length=1, max_length=200, pattern=_WORDS)
    sex: Literal["F", "M"] | None = None
    birth_date: date | None = None


class RequestSent(Sent):
    """What a family asks for."""

    kind: RequestKind
    student_id: StudentId
    made_by: Literal["father", "mother", "guardian", "other", "student"]
    received_at: AwareDatetime | None = Field(
        default=None, description="When they asked, if before now: the clock starts then."
    )
    wanted: Correction | None = Field(default=None, description="For a rectification only.")


class ErasureSent(Sent):
    """Who asks that a student be erased."""

    made_by: Literal["father", "mother", "guardian", "other", "student", "school"]


class DecisionSent(Sent):
    """The answer to a request."""

    status: Literal["done", "refused"]
    reason: Refusal | None = Field(default=None, description="For a refusal.")


class RequestView(BaseModel):
    """A request and its clock of 3 × 24 hours."""

    request_id: str
    kind: str
    student_id: str | None
    school_id: str | None
    made_by: str
    received_at: Moment
    due_at: Moment
    overdue: bool
    status: str
    decided_at: Moment | None
    reason: str | None


class Requests(BaseModel):
    """Requests, the most urgent first."""

    rights_requests: list[RequestView]


class ExportSent(Sent):
    """What file to make."""

    kind: Literal["visit_list", "plan", "visits", "research"]
    format: Literal["csv", "xlsx"] = "csv"
    purpose: str = Field(min_length=1, max_length=200, pattern=_WORDS, examples=["staff meeting"])
    visit_list_id: Id | None = Field(default=None, description="For `visit_list` and `plan`.")
    agreement_id: Id | None = Field(default=None, description="For `research`.")


class ExportView(BaseModel):
    """A file that was made; it waits to be fetched until `expires_at`."""

    export_id: str
    kind: str
    format: str
    purpose: str
    made_at: Moment
    rows: int
    suppressed: int = Field(description="Rows held back, so that nobody can be recognised.")
    sha256: str
    expires_at: Moment


class Exports(BaseModel):
    """Files that were made, newest first."""

    exports: list[ExportView]


class AuditEventView(BaseModel):
    """One thing that happened. Ids are random; no name is here."""

    position: int
    at: Moment
    actor: str
    action: str = Field(examples=["student.read"])
    entity: str
    entity_id: str
    detail: dict[str, Any]
    sha256: str


class AuditEvents(BaseModel):
    """Rows of the audit, newest first."""

    audit_events: list[AuditEventView]
    next_cursor: str | None
