"""Files to take away: asked for with a purpose, on record, gone after a day."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from sqlalchemy.orm import Session

from earlywarning.io.register import exports, research
from earlywarning.io.register.exports import ExportRow, Sheet
from earlywarning_api import access, idempotency, lookup, recording, sheets
from earlywarning_api.problems import Invalid, declared
from earlywarning_api.representation import language
from earlywarning_api.rights_schemas import Exports, ExportSent, ExportView

router = APIRouter(prefix="/exports", tags=["exports"])

Reader = Annotated[access.Person, Depends(access.to("exports"))]
ONLY_RESEARCH = frozenset({"researcher", "data_staff"})
"""Roles that never get a name: agreed research exports, nothing else."""


@router.post(
    "",
    status_code=202,
    response_model=ExportView,
    dependencies=[Depends(idempotency.needed), Depends(access.confirmed)],
    responses=declared(400, 401, 403, 404, 409, 422),
)
def make(request: Request, person: Reader, sent: ExportSent) -> Response:
    """Make a file; fetch it within a day from `/exports/{export_id}/file`.

    Lists, plans and visits are for the school's own staff. Research needs an agreement in your
    name; its rows carry random names that no other export has, in groups of ten children or more.
    """
    if (sent.kind == exports.RESEARCH) != (person.role in ONLY_RESEARCH):
        raise HTTPException(403)
    at, letter = recording.now(request).at, request.app.state.planning.letter
    with recording.told(), request.app.state.register.session(writing=True) as session:
        if sent.kind == exports.RESEARCH:
            if sent.agreement_id is None:
                raise Invalid("/body/agreement_id", "is required for research")
            agreed = exports.agreement(session, sent.agreement_id, researcher=person.actor, at=at)
            row = research.export(session, agreed, format_=sent.format, by=person.actor, at=at)
        else:
            row = exports.keep(
                session, _sheet(session, person, sent, language(request), letter), kind=sent.kind,
                format_=sent.format, purpose=sent.purpose, school_id=person.school_id,
                subject_id=sent.visit_list_id, by=person.actor, at=at,
            )  # fmt: skip
        session.commit()
    return recording.answer(
        request, _view(row), status=202,
        headers={"Location": f"{request.url.path}/{row.export_id}/file"},
    )  # fmt: skip


@router.get("", response_model=Exports, responses=declared(401, 403))
def listed(request: Request, person: Reader) -> Response:
    """What was exported, newest first: of the whole school, or your own research."""
    own = person.role in ONLY_RESEARCH or person.school_id is None
    with request.app.state.register.session() as session:
        rows = exports.listed(
            session,
            school_id=None if own else person.school_id,
            made_by=person.actor if own else None,
        )
    return recording.answer(request, Exports(exports=[_view(row) for row in rows]))


@router.get(
    "/{export_id}/file",
    response_class=Response,
    responses={
        **declared(401, 403, 404),
        200: {
            "description": "The file",
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in ("text/csv", exports.MEDIA_TYPES["xlsx"])
            },
        },
    },
)
def fetch(
    request: Request,
    person: Reader,
    export_id: Annotated[str, Path(description="From `POST /exports`.")],
) -> Response:
    """The file, for whoever made it, until it expires or a child in it is erased."""
    if not (export_id.isalnum() and export_id.isascii()):
        raise HTTPException(404)
    with request.app.state.register.session(writing=True) as session:
        row, content = exports.content(
            session, export_id, by=person.actor, at=recording.now(request).at
        )
        # Made in an earlier role or school, it is no longer theirs.
        if (row.kind == exports.RESEARCH) != (person.role in ONLY_RESEARCH) or (
            row.school_id is not None and row.school_id != person.school_id
        ):
            raise HTTPException(404)
        session.commit()
    name = f"{row.kind}-{row.made_at:%Y%m%d}-{row.export_id[:8]}.{row.format}"
    return Response(
        content,
        200,
        {"Content-Disposition": f'attachment; filename="{name}"'},
        exports.MEDIA_TYPES[row.format],
    )


def _sheet(
    session: Session, person: access.Person, sent: ExportSent, spoken: str, letter: str
) -> Sheet:
    if sent.kind == exports.VISITS:
        return sheets.visits(session, person, spoken)
    if sent.visit_list_id is None:
        raise Invalid("/body/visit_list_id", "is required for a list or a plan")
    found = lookup.visit_list(session, person, sent.visit_list_id)
    if sent.kind == exports.VISIT_LIST:
        return sheets.visit_list(session, person, found, spoken)
    return sheets.plan(session, person, found, spoken, letter=letter)


def _view(row: ExportRow) -> ExportView:
    return ExportView(
        export_id=row.export_id,
        kind=row.kind,
        format=row.format,
        purpose=row.purpose,
        made_at=row.made_at,
        rows=row.rows,
        suppressed=row.suppressed,
        sha256=row.sha256,
        expires_at=row.expires_at,
    )
