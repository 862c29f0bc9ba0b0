"""What is sent and answered about visits, attempts, follow-ups and places that people change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from earlywarning_api.schemas import Coded, Moment

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{32}$")]
"""A random id of the register."""

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000,
                           pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")
]  # fmt: skip
Note = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000,
                           pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")
]  # fmt: skip
Short = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500,
                           pattern=r"^[^\x00-\x1f]*$")
]  # fmt: skip


def _in_utc(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2200:
        raise ValueError("from the year 2000 on")
    return at.astimezone(UTC).replace(tzinfo=None)


Sent = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its zone, kept in UTC."""

VisitStatus = Literal[
    "planned", "done", "no_one_home", "moved", "declined", "rescheduled", "cancelled"
]
Met = Literal["mother", "father", "guardian", "grandparent", "uncle_aunt", "sibling", "carer",
              "student", "other"]  # fmt: skip
Purpose = Literal["attendance", "behaviour", "grades", "get_to_know", "sick_child", "good_news",
                  "requested", "other"]  # fmt: skip
Cause = Literal["health", "motivation", "family", "economy", "transport", "work", "care"]
Observation = Literal["study_place", "support", "phone_use", "health", "work", "journey"]
Answer = Literal["good", "help_needed", "not_asked"]
Channel = Literal["whatsapp", "telephone", "letter"]
Result = Literal["agreed", "reached", "sent", "no_answer", "wrong_number", "declined"]
FamilyStatus = Literal["not_visited", "scheduled", "visited", "overdue", "no_contact", "closed"]
Action = Literal["move_up", "defer", "remove", "add"]
ReasonCode = Literal[
    "new_event", "family_asked", "teacher_knows_more", "sick_child", "family_away",
    "already_in_contact", "teacher_away", "already_supported", "family_declined", "moved_away",
    "records_wrong", "other",
]  # fmt: skip


class Sending(BaseModel):
    """A body. What is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class VisitSent(Sending):
    """A visit as a teacher records it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "item_id": "3f2a9c5be41d4f0e8f6a7b1c2d3e4f50",
                    "status": "done",
                    "day": "2026-10-14",
                    "met": ["mother", "student"],
                    "purposes": ["attendance"],
                    "causes": ["transport", "work"],
                    "observations": {"study_place": "good", "journey": "help_needed"},
                    "agreement": "Ibu mengantar setiap pagi; wali kelas menelepon tiap Senin.",
                    "family_requests": "Meminta keringanan seragam.",
                }
            ]
        },
    )
    item_id: Id | None = Field(None, description="The family's place on a published list.")
    student_id: Id | None = Field(None, description="Or one of its children; give one of the two.")
    status: VisitStatus
    day: date = Field(description="When it was, or is planned. Late entry is fine.")
    lead_staff_id: Id | None = Field(None, description="Else as the list says, else yourself.")
    companion_staff_id: Id | None = None
    met: list[Met] = Field([], max_length=9)
    purposes: list[Purpose] = Field([], max_length=8)
    causes: list[Cause] = Field([], max_length=7, description="As the family named them.")
    observations: dict[Observation, Answer] = Field({}, description="Learning at home.")
    agreement: Words | None = Field(None, description="What was agreed with the family.")
    family_requests: Words | None = Field(None, description="What the parents ask of the school.")
    danger: bool = Field(
        False,
        description="A child may be in danger: the school's protection path begins. Once said it "
        "stays; counsellor and principal close the path.",
    )
    restricted_note: Note | None = Field(
        None,
        description="Only the counsellor and the principal can read it. Left out, one that is "
        "on record stays; another person's words are added below it.",
    )

    @model_validator(mode="after")
    def _one_family(self) -> VisitSent:
        if (self.item_id is None) == (self.student_id is None):
            raise ValueError("give item_id or student_id")
        return self


class VisitView(BaseModel):
    """A recorded visit."""

    visit_id: UUID
    student_ids: list[str] = Field(description="The family's children whom you may see.")
    item_id: str | None
    status: Coded
    day: date
    track: Coded
    lead_staff_id: str | None
    companion_staff_id: str | None
    met: list[Coded]
    purposes: list[Coded]
    causes: list[Coded]
    observations: dict[str, Coded]
    agreement: str | None
    family_requests: str | None
    danger: bool | None = Field(description="Null for those who need not know.")
    has_restricted_note: bool
    revision: int
    etag: str = Field(description="For `If-Match`, to change it.")
    entered_at: Moment = Field(description="When it first became known here.")
    changed_at: Moment


class NextStep(BaseModel):
    """What comes next for the family."""

    code: str = Field(examples=["letter"])
    text: str
    path: list[str] = Field(
        [], description="If a child may be in danger: the school's protection path, step by step."
    )


class VisitStored(BaseModel):
    """The visit as it is on record, and what comes next."""

    visit: VisitView
    next_step: NextStep


class Visits(BaseModel):
    """One page of visits, newest first."""

    visits: list[VisitView]
    next_cursor: str | None


class RestrictedNote(BaseModel):
    """What only the counsellor and the principal may read."""

    visit_id: UUID
    note: str
    written_at: Moment


class AttemptSent(Sending):
    """An attempt to reach a family."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "student_id": "3f2a9c5be41d4f0e8f6a7b1c2d3e4f50",
                    "channel": "whatsapp",
                    "at": "2026-10-12T09:30:00+07:00",
                    "result": "no_answer",
                }
            ]
        },
    )
    student_id: Id
    channel: Channel
    at: Sent
    result: Result


class AttemptView(BaseModel):
    """An attempt on record. What was said is not kept."""

    attempt_id: UUID
    student_id: str
    channel: Coded
    at: Moment
    result: Coded
    entered_at: Moment


class AttemptStored(BaseModel):
    """The attempt, and what comes next."""

    attempt: AttemptView
    next_step: NextStep


class Attempts(BaseModel):
    """Attempts to reach one family, newest first, and what comes next."""

    attempts: list[AttemptView]
    next_step: NextStep


class LinkView(BaseModel):
    """A link that opens WhatsApp with neutral words. Nothing is sent by us."""

    relation: str = Field(examples=["mother"])
    url: str = Field(examples=["https://wa.me/6281200000000?text=Selamat%20pagi"])


class Links(BaseModel):
    """Links to a student's guardians; asking for them is on the audit."""

    links: list[LinkView]


class FollowUpSent(Sending):
    """What somebody does next for a family."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "student_id": "3f2a9c5be41d4f0e8f6a7b1c2d3e4f50",
                    "action": "Menanyakan angkutan ke komite sekolah",
                    "owner_staff_id": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
                    "due": "2026-10-28",
                }
            ]
        },
    )
    student_id: Id
    action: Short
    owner_staff_id: Id
    due: date
    status: Literal["open", "done", "dropped"] = "open"
    visit_id: UUID | None = Field(None, description="Where it was agreed.")


class FollowUpView(BaseModel):
    """A follow-up on record."""

    follow_up_id: UUID
    student_id: str
    visit_id: UUID | None
    kind: Coded
    action: str | None
    owner_staff_id: str | None
    due: date
    status: Coded
    revision: int
    etag: str = Field(description="For `If-Match`, to change it.")
    entered_at: Moment


class FollowUps(BaseModel):
    """One page of follow-ups, earliest due first."""

    follow_ups: list[FollowUpView]
    next_cursor: str | None


class RequestSent(Sending):
    """A visit that somebody asks for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "student_id": "3f2a9c5be41d4f0e8f6a7b1c2d3e4f50",
                    "asked_by": "family",
                    "asked_on": "2026-10-05",
                    "wish": "Bertemu di hari Sabtu",
                }
            ]
        },
    )
    student_id: Id
    asked_by: Literal["family", "student", "staff"]
    asked_on: date
    wish: Short | None = None
    status: Literal["open", "met", "dropped"] = "open"


class RequestView(BaseModel):
    """A request on record."""

    request_id: UUID
    student_id: str
    asked_by: Coded
    asked_on: date
    wish: str | None
    status: Coded
    revision: int
    etag: str = Field(description="For `If-Match`, to change it.")
    entered_at: Moment


class Requests(BaseModel):
    """Requests for a visit, oldest first."""

    visit_requests: list[RequestView]


class OverrideSent(Sending):
    """What a person decides about a family's place."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "action": "move_up",
                    "reason_code": "teacher_knows_more",
                    "note": "Kakak sulung bercerita bahwa ayah sedang sakit.",
                    "expires_on": "2026-11-30",
                }
            ]
        },
    )
    action: Action
    reason_code: ReasonCode
    note: Short | None = Field(None, description="In words; needed for `other`.")
    expires_on: date | None = Field(None, description="Last day on which it holds.")


class OverrideView(BaseModel):
    """What holds for a family's place; `action` null: nothing was decided, or it was taken back."""

    item_id: str
    revision: int
    action: Coded | None
    reason: Coded | None
    note: str | None
    expires_on: date | None
    original_position: int | None = Field(description="The place that the list gave.")
    made_at: Moment | None
    etag: str = Field(description="For `If-Match`, to decide anew.")
