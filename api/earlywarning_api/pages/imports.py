"""Importing files on a page: upload, look at what was understood, then keep it, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from earlywarning.errors import Conflict, NotFound
from earlywarning_api import access
from earlywarning_api.import_jobs import MOST_FILES, ImportJobs, Job
from earlywarning_api.pages import rendering, visitor

router = APIRouter()

Importer = Annotated[access.Person, Depends(visitor.may("imports"))]
AnId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
SOURCE = "school-files"
SHOWN_FAULTS = 50


@dataclass(frozen=True, slots=True)
class ImportPage:
    """How an import stands.

    Attributes
    ----------
    tables : tuple of dict
        Rows read, refused, added, changed and unchanged by table.
    faults : tuple of dict
        File, row, column, what was found and what is allowed.
    problem : str or None
        Why nothing was saved, as the command says it.
    """

    import_id: str
    step: str
    status: str
    progress: dict[str, Any] | None
    files: tuple[dict[str, Any], ...]
    questions: tuple[dict[str, Any], ...]
    tables: tuple[dict[str, Any], ...]
    faults: tuple[dict[str, Any], ...]
    faults_total: int
    people_total: int
    unusual: tuple[str, ...]
    notes: tuple[str, ...]
    problem: str | None
    fault: str | None


async def uploaded(request: Request) -> list[tuple[str, bytes]]:
    """A dependency: the files of the form, without empty ones."""
    async with request.form(max_files=MOST_FILES) as form:
        sent = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        return [(one.filename, await one.read()) for one in sent if one.filename]


@router.post("/imports")
def begin(
    request: Request,
    person: Importer,
    files: Annotated[list[tuple[str, bytes]], Depends(uploaded)],
) -> Response:
    """Keep the files and look at them; nothing is saved yet."""
    if not files:
        return rendering.see_other("/data#import")
    import_id = _jobs(request).begin(
        files, actor=person.actor, source=SOURCE, school_id=person.school_id
    )
    return rendering.see_other(f"/imports/{import_id}")


@router.get("/imports/{import_id}")
def one(request: Request, person: Importer, import_id: AnId) -> Response:
    """What was understood and refused, or how far it is."""
    return _page(request, person, _jobs(request).job(import_id, actor=person.actor))


@router.post("/imports/{import_id}")
def confirm(request: Request, person: Importer, import_id: AnId) -> Response:
    """Keep what was looked at."""
    jobs = _jobs(request)
    try:
        jobs.confirm(import_id, actor=person.actor)
    except Conflict:
        job = jobs.job(import_id, actor=person.actor)
        return _page(request, person, job, fault="over", status=409)
    return rendering.see_other(f"/imports/{import_id}")


@router.get("/imports/{import_id}/refused.csv")
def refused(request: Request, person: Importer, import_id: AnId) -> Response:
    """Every refused row with what is allowed, for whoever corrects the file."""
    jobs = _jobs(request)
    jobs.job(import_id, actor=person.actor)
    path = jobs.refused(import_id)
    if not path.exists():
        raise HTTPException(404)
    return FileResponse(path, media_type="text/csv", filename="refused.csv")


def _jobs(request: Request) -> ImportJobs:
    home = request.app.state.home
    if home is None:
        raise NotFound("this service keeps no files")
    return ImportJobs(home)


def _page(
    request: Request,
    person: access.Person,
    job: Job,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    told = job.report
    view = ImportPage(
        import_id=job.import_id,
        step=job.step,
        status=job.status,
        progress=told.get("progress"),
        files=tuple(told.get("files", ())),
        questions=tuple(told.get("questions", ())),
        tables=tuple(told.get("tables", ())),
        faults=tuple(told.get("faults", ())[:SHOWN_FAULTS]),
        faults_total=told.get("faults_total", 0),
        people_total=told.get("people_total", 0),
        unusual=tuple(told.get("unusual", ())),
        notes=tuple(told.get("notes", ())),
        problem=told.get("problem"),
        fault=fault,
    )
    headers = {"Refresh": "2"} if job.status == "running" else None
    return rendering.page(
        request, "import.html", view, person=person, status=status, headers=headers
    )
