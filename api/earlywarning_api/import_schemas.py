"""What an import looks like in answers, and what a person says about it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from earlywarning_api.schemas import Moment

Status = Literal[
    "reading", "waiting", "refused", "saving", "finished", "failed", "withdrawn", "expired"
]


class UploadedFile(BaseModel):
    """A file that was sent."""

    name: str = Field(description="As it was sent, without what a name may not hold.")
    bytes: int


class UnderstoodFile(BaseModel):
    """What a file was taken for."""

    name: str
    layout: str | None = Field(description="Null if no reader knows it.")
    what: str
    tables: list[str] = Field(description="What it fills.")
    notes: list[str]
    problem: str = Field(description="Why it cannot be read; empty if it can.")


class Progress(BaseModel):
    """How far a running import is."""

    stage: str
    done: int
    total: int


class TableCounts(BaseModel):
    """Rows read from the files, and rows that are saved, or would be."""

    table: str
    read: int
    refused: int
    merged: int
    added: int
    changed: int
    unchanged: int


class ReasonCount(BaseModel):
    """How many rows of a table are refused for a reason."""

    table: str
    reason: str
    rows: int


class Fault(BaseModel):
    """A value that cannot be used. Data staff see where, and why; not what stands there."""

    table: str
    file: str | None
    sheet: str | None
    row: int | None = Field(description="As a spreadsheet counts, headings too.")
    column: str | None
    found: str | None
    allowed: str | None
    reason: str


class NameToSettle(BaseModel):
    """A name in the files of which nobody is sure whose it is."""

    key: str
    name: str
    class_name: str | None
    birth_date: date | None
    rows: int
    proposed_student: str | None = Field(description="Number of the student who is proposed.")
    proposed_name: str | None
    proposed_class: str | None
    how_sure: str


class AskedFirst(BaseModel):
    """What must be said before the files can be read."""

    key: str
    text: str
    answerable: bool = Field(description="Whether it can be answered here, not only in a mapping.")


class ImportHead(BaseModel):
    """One upload, in a list of them."""

    import_id: str
    status: Status
    made_at: Moment
    changed_at: Moment
    files: list[UploadedFile]


class ImportView(ImportHead):
    """An upload: what was understood, what would be saved, what is refused, what is asked."""

    progress: Progress | None
    problem: str = Field(description="Why it cannot go on as it is; empty if it can.")
    understood: list[UnderstoodFile]
    questions: list[AskedFirst]
    said: dict[str, str] = Field(description="Answers so far.")
    tables: list[TableCounts]
    reasons: list[ReasonCount]
    faults: list[Fault] = Field(description="The first 200.")
    faults_total: int
    faults_file: bool = Field(description="Whether `faults.csv` is there.")
    names: list[NameToSettle] = Field(description="The first 300; none for data staff.")
    names_total: int
    unusual: list[str] = Field(description="What a person must confirm besides.")
    notes: list[str]
    delivered_on: date | None


class Imports(BaseModel):
    """Uploads, newest first."""

    imports: list[ImportHead]


class Said(BaseModel):
    """Answers to what was asked about the files; what is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    school_year: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")] | None = None
    entry_date: date | None = None
    subject: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    max_score: Annotated[float, Field(gt=0, le=1000)] | None = None
    blank: Literal["unrecorded", "present", "no_school"] | None = None
    coverage: Literal["all_marks", "exceptions"] | None = None
    school_id: Annotated[str, StringConstraints(pattern=r"^[\w .-]{1,64}$")] | None = Field(
        default=None, description="For data staff: the school, if no file names it."
    )


class NameAnswer(BaseModel):
    """Whose a name is."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-z-]{1,64}$")]
    answer: Annotated[str, StringConstraints(pattern=r"^[\w ./-]{1,64}$")] = Field(
        description="`yes`, `no`, or the number of a student."
    )


class Confirmation(BaseModel):
    """Save it."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[list[NameAnswer], Field(max_length=300)] = []
    unusual_is_right: bool = False
