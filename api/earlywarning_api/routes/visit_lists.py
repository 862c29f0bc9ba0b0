"""Visit lists and the families on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from sqlalchemy.orm import Session

from earlywarning.errors import Conflict
from earlywarning.io.cells import csv_bytes
from earlywarning.io.register import list_views, lists, working_list
from earlywarning.io.register.list_views import ItemRow
from earlywarning.io.register.lists import DRAFT, ListRow
from earlywarning_api import (
    access,
    cursor,
    idempotency,
    kept,
    lookup,
    preconditions,
    recording,
    schemas,
    visit_schemas,
    words,
)
from earlywarning_api.preconditions import IfMatch
from earlywarning_api.problems import declared
from earlywarning_api.representation import (
    csv_answer,
    etag_of,
    json_answer,
    language,
    wants_csv,
)

router = APIRouter(prefix="/visit_lists", tags=["visit lists"])

Reader = Annotated[access.Person, Depends(access.to("visit_lists"))]
ListId = Annotated[str, Path(description="From `GET /visit_lists`.")]
ClassId = Annotated[
    str | None,
    Query(
        max_length=160,
        pattern=r"^[^\x00-\x1f]*$",
        description="Families with a child of this class, whoever leads the visit.",
        examples=["SCH1/2026-27/VII-A"],
    ),
]
Track = Annotated[
    Literal["concern", "preventive", "sick_child", "good_news", "requested"] | None,
    Query(description="Why the family is on the list."),
]

CSV_COLUMNS = (
    "position", "band", "track", "lead", "class", "student_id", "student", "reasons",
    "completeness",
)  # fmt: skip
_CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}}


@router.get("", response_model=schemas.VisitLists, responses=declared(304, 401, 403, 422))
def visit_lists(
    request: Request,
    person: Reader,
    quarter: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-\d{2}-Q[1-6]$",
            description="Only lists of this quarter.",
            examples=["2026-27-Q2"],
        ),
    ] = None,
) -> Response:
    """Lists, newest quarter first: published ones; for coordinators drafts too."""
    with request.app.state.register.session() as session:
        rows = list_views.visit_lists(session, access.visible_lists(person).ids, quarter=quarter)
        views = _views(session, rows, person, language(request))
    return json_answer(request, schemas.VisitLists(visit_lists=views))


@router.get(
    "/{visit_list_id}",
    response_model=schemas.VisitListView,
    responses=declared(304, 401, 403, 404),
)
def visit_list(request: Request, person: Reader, visit_list_id: ListId) -> Response:
    """One list: what it rests on, and each lead's places."""
    with request.app.state.register.session() as session:
        row = lookup.visit_list(session, person, visit_list_id)
        (view,) = _views(session, [row], person, language(request))
    return json_answer(request, view)


@router.post(
    "/{visit_list_id}/publication",
    status_code=201,
    response_model=schemas.VisitListView,
    dependencies=[Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 404, 409, 412, 422, 428),
)
def publish(request: Request, person: Reader, visit_list_id: ListId, read: IfMatch) -> Response:
    """Publish a draft as it was read; for the school's coordinator.

    Published before, or newer data imported since: 409. Changed, or another one first: 412.
    """
    state, spoken = request.app.state, language(request)
    if not access.may_publish(person):
        raise HTTPException(403)
    with state.register.session() as session:
        row = lookup.visit_list(session, person, visit_list_id)
        (view,) = _views(session, [row], person, spoken)
    preconditions.require(read, etag_of(view, spoken))
    if row.status != DRAFT or row.snapshot_id != state.register.current_snapshot():
        raise HTTPException(409)
    try:
        (row,) = lists.publish_drafts(state.register, [row], by=person.actor, at=state.clock())
    except Conflict:  # somebody was faster
        raise HTTPException(412) from None
    with state.register.session() as session:
        (view,) = _views(session, [row], person, spoken)
    where = request.url.path.removesuffix("/publication")
    return recording.answer(
        request, view, status=201, etag=etag_of(view, spoken), headers={"Location": where}
    )


@router.get(
    "/{visit_list_id}/items",
    response_model=schemas.Items,
    responses={**declared(304, 401, 403, 404, 422), 200: _CSV},
)
def items(
    request: Request,
    person: Reader,
    visit_list_id: ListId,
    class_id: ClassId = None,
    track: Track = None,
    status: Annotated[
        visit_schemas.FamilyStatus | None,
        Query(description="Only families that stand here this quarter."),
    ] = None,
    after: Annotated[
        str | None,
        Query(alias="cursor", max_length=200, description="`next_cursor` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Families a page.")] = 50,
) -> Response:
    """Listed families in the order that holds today, page by page; JSON, or CSV by `Accept`.

    The order is the list's own, until people move families: then a cursor of before is refused.
    """

    def made() -> tuple[Response, kept.Reading]:
        today = recording.now(request).today
        with request.app.state.register.session() as session:
            found = lookup.visit_list(session, person, visit_list_id)
            order = working_list.order_tag(session, visit_list_id, today=today)
            bound_to = (visit_list_id, class_id, track, *([status] if status else []), order)
            rows = working_list.page(
                session,
                access.visible_students(person).ids,
                found,
                today=today,
                class_id=class_id,
                track=track,
                status=status,
                after=cursor.position(after, bound_to),
                limit=limit + 1,
            )
        page = rows[:limit]
        reading = _reading(visit_list_id, [row.item for row in page])
        following = cursor.made(page[-1].place, bound_to) if len(rows) > limit else None
        headers = cursor.link(request, following)
        spoken = language(request)
        if wants_csv(request):
            lines = _csv([row.item for row in page], spoken)
            return csv_answer(request, lines, headers=headers), reading
        view = schemas.Items(
            visit_list_id=visit_list_id,
            items=[words.item(row, spoken, today=today) for row in page],
            next_cursor=following,
        )
        return json_answer(request, view, headers=headers), reading

    return kept.keeping(request, person, made)


@router.get(
    "/{visit_list_id}/items.csv",
    response_class=Response,
    responses={**declared(304, 401, 403, 404, 422), 200: _CSV},
)
def items_csv(
    request: Request,
    person: Reader,
    visit_list_id: ListId,
    class_id: ClassId = None,
    track: Track = None,
) -> Response:
    """The whole list as one CSV file, a row a child; no cell is a formula."""
    with request.app.state.register.session() as session:
        found = lookup.visit_list(session, person, visit_list_id)
        rows = list_views.items(
            session,
            access.visible_students(person).ids,
            visit_list_id,
            class_id=class_id,
            track=track,
        )
    _read(request, person, visit_list_id, rows)
    name = f'attachment; filename="visit-list-{found.quarter}.csv"'
    return csv_answer(request, _csv(rows, language(request)), headers={"Content-Disposition": name})


def _read(
    request: Request, person: access.Person, visit_list_id: str, rows: Sequence[ItemRow]
) -> None:
    action, entity, entity_id, detail = _reading(visit_list_id, rows)
    recording.read(request, person, action, entity=entity, entity_id=entity_id, detail=detail)


def _reading(visit_list_id: str, rows: Sequence[ItemRow]) -> kept.Reading:
    """The audit names every child who was shown."""
    students = [child.student_id for row in rows for child in row.students]
    return "visit_list.read", "visit_list", visit_list_id, {"students": students}


def _views(
    session: Session, rows: list[ListRow], person: access.Person, spoken: str
) -> list[schemas.VisitListView]:
    schools = list_views.school_names(session)
    staff = {
        school_id: list_views.staff_names(session, school_id)
        for school_id in {row.school_id for row in rows}
    }
    return [
        words.visit_list(
            row,
            spoken,
            school_name=schools[row.school_id],
            staff=staff[row.school_id],
            only_lead=access.only_lead(person),
        )
        for row in rows
    ]


def _csv(rows: list[ItemRow], spoken: str) -> bytes:
    lines = []
    for row in rows:
        band, track = words.coded("band", row.band, spoken), words.coded("track", row.track, spoken)
        lead = words.lead_name(row.lead_name, spoken)
        lines += [
            (
                row.position, band.text, track.text, lead, child.class_name, child.student_id,
                child.full_name, words.reasons_in_a_cell(kept.reasons, spoken),
                child.completeness.text,
            )
            for kept, child in ((one, words.student(one, spoken)) for one in row.students)
        ]  # fmt: skip
    return csv_bytes(CSV_COLUMNS, lines)
