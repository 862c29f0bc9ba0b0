"""What somebody does next for a family, and visits that families ask for."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from earlywarning.io.register import families, follow_ups
from earlywarning.io.register.follow_ups import FollowUpContent, RequestContent
from earlywarning_api import access, cursor, recording, visit_schemas, visit_words
from earlywarning_api.preconditions import etag
from earlywarning_api.problems import declared
from earlywarning_api.representation import language

router = APIRouter(tags=["visits"])

Reader = Annotated[access.Person, Depends(access.to("follow_ups"))]
Asker = Annotated[access.Person, Depends(access.to("visits"))]
StudentId = Annotated[
    str | None, Query(pattern="^[0-9a-z]{32}$", description="Only of this student.")
]
Open = Annotated[
    Literal["open", "done", "dropped"] | None, Query(description="Only with this status.")
]


@router.put(
    "/follow_ups/{client_uuid}",
    response_model=visit_schemas.FollowUpView,
    responses={
        **declared(401, 403, 404, 409, 412, 422),
        201: {"model": visit_schemas.FollowUpView, "description": "Recorded"},
    },
)
def put_follow_up(
    request: Request,
    person: Reader,
    client_uuid: recording.ClientId,
    sent: visit_schemas.FollowUpSent,
    if_match: recording.Changing = None,
) -> Response:
    """Record a follow-up, or with `If-Match` change one: done, another owner, another date.

    Counsellor and principal close the protection path in the same way.
    """
    register, now = request.app.state.register, recording.now(request)
    visible = access.visible_students(person).ids
    protects = access.may_protect(person)
    id_ = client_uuid.hex

    def current() -> int | None:
        with register.session() as session:
            found = follow_ups.follow_ups(
                session, visible, staff_id=person.staff_id, follow_up_id=id_, protection=protects
            )
        return found[0].revision if found else None

    values = sent.model_dump() | {"visit_id": sent.visit_id.hex if sent.visit_id else None}
    with recording.told():
        revision = recording.revision_read(if_match, "follow_up", id_, current)
        row, outcome = follow_ups.put_follow_up(
            register, id_, FollowUpContent(**values), visible=visible, actor=person.actor,
            at=now.at, staff_id=person.staff_id, may_protect=protects, revision=revision,
        )  # fmt: skip
    view = visit_words.follow_up(row, language(request))
    return recording.answer(request, view, status=201 if outcome == "new" else 200, etag=view.etag)


@router.get(
    "/follow_ups", response_model=visit_schemas.FollowUps, responses=declared(401, 403, 404, 422)
)
def listed(
    request: Request,
    person: Reader,
    student_id: StudentId = None,
    status: Open = None,
    after: Annotated[
        str | None,
        Query(alias="cursor", max_length=200, description="`next_cursor` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Follow-ups a page.")] = 50,
) -> Response:
    """Follow-ups of families whom you may see, and your own; earliest due first."""
    visible = access.visible_students(person).ids
    bound_to = ("follow_ups", student_id, status)
    last = recording.last_row(after, bound_to)
    with request.app.state.register.session() as session:
        if student_id is not None:
            families.find(session, visible, student_id=student_id)
        rows = follow_ups.follow_ups(
            session, visible, staff_id=person.staff_id, student_id=student_id, status=status,
            protection=access.may_protect(person), limit=limit + 1,
            after=last,
        )  # fmt: skip
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        following = cursor.made_of(f"{page[-1].due}/{page[-1].follow_up_id}", bound_to)
    recording.read(
        request, person, "follow_ups.read",
        entity="student" if student_id else "school",
        entity_id=student_id or person.school_id or "",
        detail={
            "follow_ups": [row.follow_up_id for row in page],
            "students": sorted({row.student_id for row in page}),
        },
    )  # fmt: skip
    spoken = language(request)
    return recording.answer(
        request,
        visit_schemas.FollowUps(
            follow_ups=[visit_words.follow_up(row, spoken) for row in page],
            next_cursor=following,
        ),
        headers=cursor.link(request, following),
    )


@router.put(
    "/visit_requests/{client_uuid}",
    response_model=visit_schemas.RequestView,
    responses={
        **declared(401, 403, 404, 409, 412, 422),
        201: {"model": visit_schemas.RequestView, "description": "Recorded"},
    },
)
def put_request(
    request: Request,
    person: Asker,
    client_uuid: recording.ClientId,
    sent: visit_schemas.RequestSent,
    if_match: recording.Changing = None,
) -> Response:
    """Record that somebody asks for a visit, or with `If-Match` change it.

    The next list puts the family on its track for requests; a visit that is made meets it.
    """
    register, now = request.app.state.register, recording.now(request)
    visible = access.visible_students(person).ids
    id_ = client_uuid.hex

    def current() -> int | None:
        with register.session() as session:
            found = follow_ups.requests(session, visible, request_id=id_)
        return found[0].revision if found else None

    with recording.told():
        revision = recording.revision_read(if_match, "visit_request", id_, current)
        row, outcome = follow_ups.put_request(
            register, id_, RequestContent(**sent.model_dump()), visible=visible,
            actor=person.actor, at=now.at, today=now.today, revision=revision,
        )  # fmt: skip
    view = visit_words.request_(row, language(request))
    return recording.answer(
        request, view, status=201 if outcome == "new" else 200,
        etag=etag("visit_request", id_, row.revision),
    )  # fmt: skip


@router.get(
    "/visit_requests", response_model=visit_schemas.Requests, responses=declared(401, 403, 422)
)
def requested(
    request: Request,
    person: Asker,
    status: Annotated[
        Literal["open", "met", "dropped"] | None, Query(description="Only with this status.")
    ] = None,
) -> Response:
    """Requests for a visit of families whom you may see, oldest first."""
    with request.app.state.register.session() as session:
        rows = follow_ups.requests(
            session, access.visible_students(person).ids, statuses=(status,) if status else ()
        )
    recording.read(
        request, person, "visit_requests.read", entity="school",
        entity_id=person.school_id or "",
        detail={"students": sorted({row.student_id for row in rows})},
    )  # fmt: skip
    spoken = language(request)
    return recording.answer(
        request,
        visit_schemas.Requests(visit_requests=[visit_words.request_(row, spoken) for row in rows]),
    )
