"""Importing files on a page: upload, look at what was understood, then keep it, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from earlywarning.errors import Conflict
from earlywarning.io.register import import_jobs as jobs
from earlywarning.io.register.import_jobs import Job
from earlywarning_api import access, importing
from earlywarning_api.import_schemas import ImportHead, ImportView, NameAnswer, Said
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent
from earlywarning_api.problems import Invalid, Refused
from earlywarning_api.routes.imports import faults_answer

router = APIRouter()

Importer = Annotated[access.Person, Depends(visitor.may("imports"))]
AnId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Form = Annotated[Sent, Depends(forms.sent)]
SHOWN_FAULTS = 50
SHOWN_UPLOADS = 20
REFRESH_SECONDS = "2"

CHOICES = {
    "blank": ("unrecorded", "present", "no_school"),
    "coverage": ("all_marks", "exceptions"),
}
"""What an empty mark can mean, and whether everybody was marked."""

COUNTED = ("too_few_fields", "too_many_fields")
"""Reasons for which what was found is counted in our words and not quoted."""

YES, NO, OTHER = "yes", "no", "other"


@dataclass(frozen=True, slots=True)
class UploadPage:
    """The form, and earlier uploads.

    Attributes
    ----------
    fault : str or None
        Why what was sent was not taken: `files`, `form` or `busy`.
    """

    imports: tuple[ImportHead, ...]
    fault: str | None


@dataclass(frozen=True, slots=True)
class ImportPage:
    """How one import stands.

    Attributes
    ----------
    one : ImportView
    answerable, in_mapping : tuple of str
        Questions that can be answered here, and what only a mapping can say.
    counted : tuple of str
        Reasons for which what was found is in our words.
    fault : str or None
        `over`, `busy` or `unusual`: why what was asked was not done.
    """

    one: ImportView
    answerable: tuple[str, ...]
    in_mapping: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    shown_faults: int
    counted: tuple[str, ...]
    school_year: str
    may_draft: bool
    sent: Sent = field(default_factory=Sent)
    fault: str | None = None


@router.get("/imports")
def upload(request: Request, person: Importer) -> Response:
    """The form to send files with, and what was sent before."""
    return _upload_page(request, person)


@router.post("/imports")
async def take(request: Request, person: Importer) -> Response:
    """Keep the files and look at them; nothing is saved yet."""
    try:
        job = await importing.take(request, person)
    except Invalid:
        return await run_in_threadpool(_upload_page, request, person, fault="files", status=422)
    except Conflict:
        return await run_in_threadpool(_upload_page, request, person, fault="busy", status=409)
    return rendering.see_other(f"/imports/{job.job_id}")


@router.get("/imports/{import_id}")
def one(request: Request, person: Importer, import_id: AnId) -> Response:
    """What was understood and refused, what is asked, or how far it is."""
    return _page(request, person, importing.found(request, person, import_id))


@router.get("/imports/{import_id}/faults.csv")
def faults(request: Request, person: Importer, import_id: AnId) -> Response:
    """Every refused value with what is allowed, for whoever corrects the file."""
    job = importing.found(request, person, import_id)
    return faults_answer(importing.faults(request, person, job))


@router.post("/imports/{import_id}/answers")
def answer(request: Request, person: Importer, import_id: AnId, sent: Form) -> Response:
    """Take answers to what is asked about the files, and read these again."""
    job = importing.found(request, person, import_id)
    known = set(importing.ANSWERABLE) | (set() if person.school_id else {"school_id"})
    values = {key: sent.text(key) for key in known if sent.text(key)}
    if "entry_date" in values and (day := sent.day("entry_date")):
        values["entry_date"] = day.isoformat()
    if "max_score" in values:
        values["max_score"] = values["max_score"].replace(",", ".")
    said: dict[str, str] = {}
    try:
        said = importing.said_of(Said.model_validate(values))
    except ValidationError as error:
        for fault in error.errors():
            sent.faults.setdefault(str(fault["loc"][0]), f"said_{fault['loc'][0]}")
    if sent.faults or not values:
        if not values:
            sent.faults["school_year"] = "said_school_year"
        return _page(request, person, job, sent=sent, status=422)
    try:
        importing.desk(request).read_again(job, said, actor=person.actor)
    except Conflict:
        return _over(request, person, import_id)
    return rendering.see_other(f"/imports/{import_id}")


@router.post("/imports/{import_id}/confirmation")
def confirm(request: Request, person: Importer, import_id: AnId, sent: Form) -> Response:
    """Save what was looked at, with answers about names."""
    job = importing.found(request, person, import_id)
    answers = _answers(sent)
    if sent.faults:
        return _page(request, person, job, sent=sent, status=422)
    right = sent.text("unusual_is_right") == YES
    try:
        importing.save(request, person, job, answers, unusual_is_right=right)
    except Refused as error:
        if error.slug != "unusual":
            raise
        return _page(request, person, job, sent=sent, fault="unusual", status=409)
    except Conflict:
        return _over(request, person, import_id)
    return rendering.see_other(f"/imports/{import_id}")


@router.post("/imports/{import_id}/withdrawal")
def withdraw(request: Request, person: Importer, import_id: AnId) -> Response:
    """Remove an upload and its files; nothing of it was saved."""
    job = importing.found(request, person, import_id)
    try:
        importing.desk(request).withdraw(job, actor=person.actor)
    except Conflict:
        return _over(request, person, import_id)
    return rendering.see_other("/imports")


def _answers(sent: Sent) -> dict[str, str]:
    """Answers about names, by key; a name that was left for later has none."""
    found: dict[str, str] = {}
    for name in sent.values:
        kind, _, key = name.partition(".")
        choice = sent.text(name)
        if kind != "who" or choice not in (YES, NO, OTHER):
            continue
        said = sent.text(f"number.{key}") if choice == OTHER else choice
        try:
            one = NameAnswer(key=key, answer=said)
        except ValidationError:
            sent.faults[f"number.{key}"] = "number"
            continue
        found[one.key] = one.answer
    return found


def _over(request: Request, person: access.Person, import_id: str) -> Response:
    """Somebody was faster, or another import runs."""
    job = importing.found(request, person, import_id)
    fault = "busy" if job.status in jobs.OPEN else "over"
    return _page(request, person, job, fault=fault, status=409)


def _upload_page(
    request: Request, person: access.Person, *, fault: str | None = None, status: int = 200
) -> Response:
    if request.app.state.desk is None:
        raise HTTPException(404)
    rows = importing.listed(request, person, limit=SHOWN_UPLOADS)
    view = UploadPage(tuple(importing.head(row) for row in rows), fault)
    return rendering.page(request, "imports.html", view, person=person, status=status)


def _page(
    request: Request,
    person: access.Person,
    job: Job,
    *,
    sent: Sent | None = None,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    shown = importing.view(request, person, job)
    view = ImportPage(
        one=shown,
        answerable=tuple(dict.fromkeys(q.key for q in shown.questions if q.answerable)),
        in_mapping=tuple(dict.fromkeys(q.text for q in shown.questions if not q.answerable)),
        choices=CHOICES,
        shown_faults=SHOWN_FAULTS,
        counted=COUNTED,
        may_draft=access.allowed(person, "drafts") and person.school_id is not None,
        school_year=request.app.state.calendar.school_year_of(rendering.today(request)),
        sent=sent or Sent(_before(shown.said)),
        fault=fault,
    )
    headers = {"Refresh": REFRESH_SECONDS} if job.status in jobs.RUNNING else None
    return rendering.page(
        request, "import.html", view, person=person, status=status, headers=headers
    )


def _before(said: Mapping[str, str]) -> dict[str, list[str]]:
    return {key: [value] for key, value in said.items()}
