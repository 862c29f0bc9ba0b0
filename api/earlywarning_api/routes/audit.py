"""Who did and read what. Only added to; ids, no names."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from earlywarning.io.register import audit_log
from earlywarning.io.register.audit_log import Entry
from earlywarning_api import access, cursor, recording
from earlywarning_api.problems import declared
from earlywarning_api.rights_schemas import AuditEvents, AuditEventView, utc

router = APIRouter(prefix="/audit_events", tags=["audit"])

_ID = r"^[A-Za-z0-9_:./ -]+$"
Actor = Annotated[
    str | None,
    Query(max_length=160, pattern=_ID, description="Id of a user or token; `terminal`, `job`."),
]
Code = Annotated[
    str | None,
    Query(max_length=64, pattern="^[a-z_.]+$", description="A code, or its first part."),
]
AnId = Annotated[
    str | None,
    Query(max_length=160, pattern=_ID, description="To what it was done, or whom it showed."),
]
Since = Annotated[AwareDatetime | None, Query(description="From this moment on.")]
Until = Annotated[AwareDatetime | None, Query(description="Before this moment.")]


@router.get("", response_model=AuditEvents, responses=declared(401, 403, 422))
def listed(
    request: Request,
    person: Annotated[access.Person, Depends(access.to("audit"))],
    actor: Actor = None,
    action: Code = None,
    entity_id: AnId = None,
    since: Since = None,
    until: Until = None,
    after: Annotated[
        str | None,
        Query(alias="cursor", max_length=200, description="`next_cursor` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows a page.")] = 50,
) -> Response:
    """Rows that fit, newest first. `entity_id` of a student finds reads of whole lists too.

    `action` is a whole code, or its first part: `student` finds `student.read`.
    """
    bound_to = (actor, action, entity_id, str(since), str(until))
    before = cursor.position(after, bound_to)
    with request.app.state.register.session() as session:
        rows = audit_log.search(
            session,
            actor=actor,
            action=action,
            entity_id=entity_id,
            since=utc(since),
            until=utc(until),
            before=before or None,
            limit=limit + 1,
        )
    page = rows[:limit]
    following = cursor.made(page[-1].position, bound_to) if len(rows) > limit else None
    recording.read(request, person, "audit.read", entity="audit", entity_id="audit",
                   detail={"rows": len(page), "about": entity_id})  # fmt: skip
    return recording.answer(
        request,
        AuditEvents(audit_events=[_view(row) for row in page], next_cursor=following),
        headers=cursor.link(request, following),
    )


def _view(row: Entry) -> AuditEventView:
    return AuditEventView(
        position=row.position,
        at=row.at,
        actor=row.actor,
        action=row.action,
        entity=row.entity,
        entity_id=row.entity_id,
        detail=json.loads(row.detail),
        sha256=row.sha256,
    )
