"""Importing a school's files: send them, look at what was understood, confirm."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from earlywarning_api import access, importing, recording
from earlywarning_api.import_schemas import Confirmation, Imports, ImportView, Said
from earlywarning_api.problems import Invalid, declared

router = APIRouter(prefix="/imports", tags=["imports"])

Importer = Annotated[access.Person, Depends(access.to("imports"))]
ImportId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$", description="From `GET /imports`.")]
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 20,
                            "items": {"type": "string", "format": "binary"},
                            "description": "20 MiB together; one may be a mapping (`.toml`).",
                        }
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    response_model=ImportView,
    responses=declared(400, 401, 403, 409, 415, 422),
    openapi_extra=FORM,
)
async def send(request: Request, person: Importer) -> Response:
    """Send files. They are read; nothing is saved before it is confirmed.

    Ask `Location` until `status` is no longer `reading`. One import runs at a time (409).
    """
    job = await importing.take(request, person)
    return recording.answer(
        request, importing.view(request, person, job), status=202,
        headers={"Location": f"{request.url.path}/{job.job_id}"},
    )  # fmt: skip


@router.get("", response_model=Imports, responses=declared(401, 403))
def listed(request: Request, person: Importer) -> Response:
    """The newest 50 uploads: of the school; for data staff, those of all schools together."""
    rows = importing.listed(request, person)
    return recording.answer(request, Imports(imports=[importing.head(one) for one in rows]))


@router.get("/{import_id}", response_model=ImportView, responses=declared(401, 403, 404, 422))
def one(request: Request, person: Importer, import_id: ImportId) -> Response:
    """What was understood, what would be saved, and what is refused or asked."""
    job = importing.found(request, person, import_id)
    return recording.answer(request, importing.view(request, person, job))


@router.get(
    "/{import_id}/faults.csv",
    response_class=Response,
    responses={
        **declared(401, 403, 404, 422),
        200: {
            "description": "Every refused value",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
def faults(request: Request, person: Importer, import_id: ImportId) -> Response:
    """Every refused value: file, sheet, row, column, what was found, what is allowed."""
    job = importing.found(request, person, import_id)
    return faults_answer(importing.faults(request, person, job))


def faults_answer(content: bytes) -> Response:
    """The file of faults, to be kept."""
    return Response(
        content,
        200,
        {"Content-Disposition": 'attachment; filename="faults.csv"'},
        "text/csv; charset=utf-8",
    )


@router.post(
    "/{import_id}/answers",
    status_code=202,
    response_model=ImportView,
    responses=declared(401, 403, 404, 409, 422),
)
def answer(request: Request, person: Importer, import_id: ImportId, sent: Said) -> Response:
    """Answer what is asked about the files; they are read again."""
    job = importing.found(request, person, import_id)
    said = importing.said_of(sent)
    if not said:
        raise Invalid("/body", "must answer something")
    if "school_id" in said and person.school_id is not None:
        raise Invalid("/body/school_id", "is your own school's for you; leave it out")
    job = importing.desk(request).read_again(job, said, actor=person.actor)
    return recording.answer(request, importing.view(request, person, job), status=202)


@router.post(
    "/{import_id}/confirmation",
    status_code=202,
    response_model=ImportView,
    responses=declared(401, 403, 404, 409, 422),
)
def confirm(
    request: Request, person: Importer, import_id: ImportId, sent: Confirmation
) -> Response:
    """Save it: all of it, or nothing. 409 if something unusual was not confirmed with it."""
    job = importing.found(request, person, import_id)
    job = importing.save(
        request, person, job, importing.answers_of(sent.answers),
        unusual_is_right=sent.unusual_is_right,
    )  # fmt: skip
    return recording.answer(request, importing.view(request, person, job), status=202)


@router.delete(
    "/{import_id}",
    status_code=204,
    response_class=Response,
    responses=declared(401, 403, 404, 409, 422),
)
def withdraw(request: Request, person: Importer, import_id: ImportId) -> Response:
    """Remove an upload that was not confirmed, and its files."""
    job = importing.found(request, person, import_id)
    importing.desk(request).withdraw(job, actor=person.actor)
    return Response(status_code=204)
