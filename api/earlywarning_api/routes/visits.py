"""Visits: recorded, changed, read."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from earlywarning.io.register import families, visit_views, visits
from earlywarning.io.register.visits import VisitContent
from earlywarning_api import access, cursor, recording, visit_schemas, visit_words
from earlywarning_api.preconditions import etag
from earlywarning_api.problems import declared
from earlywarning_api.representation import language

router = APIRouter(prefix="/visits", tags=["visits"])

Reader = Annotated[access.Person, Depends(access.to("visits"))]
VisitId = Annotated[UUID, Path(description="From `GET /visits`, or your own.")]
StudentId = Annotated[
    str | None,
    Query(pattern="^[0-9a-z]{32}$", description="Only visits to this student's family."),
]


@router.put(
    "/{client_uuid}",
    response_model=visit_schemas.VisitStored,
    responses={
        **declared(401, 403, 404, 409, 412, 422),
        201: {"model": visit_schemas.VisitStored, "description": "Recorded"},
    },
)
def put(
    request: Request,
    person: Reader,
    client_uuid: recording.ClientId,
    sent: visit_schemas.VisitSent,
    if_match: recording.Changing = None,
) -> Response:
    """Record a visit: 201 if new, 200 if it is the same again, 409 if the id has other values.

    With `If-Match` a visit on record is changed: a planned one becomes done, for example. What
    comes next for the family stands beside it.
    """
    register, now = request.app.state.register, recording.now(request)
    visible = access.visible_students(person).ids
    id_ = client_uuid.hex

    def current() -> int | None:
        with register.session() as session:
            found = visit_views.rows(session, visible, visit_id=id_)
        return found[0].revision if found else None

    with recording.told():
        revision = recording.revision_read(if_match, "visit", id_, current)
        row, outcome = visits.put(
            register, id_, VisitContent(**sent.model_dump()), visible=visible,
            actor=person.actor, at=now.at, today=now.today, staff_id=person.staff_id,
            revision=revision,
        )  # fmt: skip
    spoken = language(request)
    with register.session() as session:
        family = families.find(
            session, visible, student_id=row.student_ids[0] if row.student_ids else None
        )
        code = families.next_of(session, family, today=now.today)
    view = visit_schemas.VisitStored(
        visit=visit_words.visit(row, person, spoken),
        next_step=visit_words.next_step(
            request, code, spoken, knows=access.knows_danger(person, row)
        ),
    )
    return recording.answer(
        request, view, status=201 if outcome == "new" else 200,
        etag=etag("visit", id_, row.revision),
    )  # fmt: skip


@router.get("", response_model=visit_schemas.Visits, responses=declared(401, 403, 404, 422))
def listed(
    request: Request,
    person: Reader,
    student_id: StudentId = None,
    status: Annotated[
        visit_schemas.VisitStatus | None, Query(description="Only with this status.")
    ] = None,
    after: Annotated[
        str | None,
        Query(alias="cursor", max_length=200, description="`next_cursor` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Visits a page.")] = 50,
) -> Response:
    """Visits to families with a child whom you may see, newest first."""
    visible = access.visible_students(person).ids
    bound_to = ("visits", student_id, status)
    last = recording.last_row(after, bound_to)
    with request.app.state.register.session() as session:
        if student_id is not None:
            families.find(session, visible, student_id=student_id)
        rows = visit_views.rows(
            session, visible, student_id=student_id, status=status, limit=limit + 1,
            after=last,
        )  # fmt: skip
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        following = cursor.made_of(f"{page[-1].day}/{page[-1].visit_id}", bound_to)
    recording.read(
        request, person, "visits.read",
        entity="student" if student_id else "school",
        entity_id=student_id or person.school_id or "",
        detail={
            "visits": [row.visit_id for row in page],
            "students": sorted({id_ for row in page for id_ in row.student_ids}),
        },
    )  # fmt: skip
    spoken = language(request)
    return recording.answer(
        request,
        visit_schemas.Visits(
            visits=[visit_words.visit(row, person, spoken) for row in page],
            next_cursor=following,
        ),
        headers=cursor.link(request, following),
    )


@router.get(
    "/{client_uuid}",
    response_model=visit_schemas.VisitView,
    responses=declared(401, 403, 404, 422),
)
def one(request: Request, person: Reader, client_uuid: VisitId) -> Response:
    """One visit; its `ETag` is good for `If-Match`."""
    with request.app.state.register.session() as session:
        row = visit_views.one(session, access.visible_students(person).ids, client_uuid.hex)
    recording.read(
        request, person, "visit.read", entity="visit", entity_id=row.visit_id,
        detail={"students": list(row.student_ids)},
    )  # fmt: skip
    view = visit_words.visit(row, person, language(request))
    return recording.answer(request, view, etag=etag("visit", row.visit_id, row.revision))


@router.get(
    "/{client_uuid}/restricted_note",
    response_model=visit_schemas.RestrictedNote,
    responses=declared(401, 403, 404, 422),
)
def restricted_note(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("visit_notes"))],
    client_uuid: VisitId,
) -> Response:
    """What a teacher left for the counsellor and the principal alone."""
    with request.app.state.register.session() as session:
        found = visit_views.restricted_note(
            session, access.visible_notes(person).ids, client_uuid.hex
        )
    recording.read(request, person, "visit_note.read", entity="visit", entity_id=client_uuid.hex)
    return recording.answer(
        request,
        visit_schemas.RestrictedNote(
            visit_id=client_uuid, note=found.note, written_at=found.written_at
        ),
    )
