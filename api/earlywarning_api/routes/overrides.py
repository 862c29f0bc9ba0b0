"""What people decide about a family's place on a list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response

from earlywarning.errors import NotFound
from earlywarning.io.register import overrides
from earlywarning.io.register.overrides import OverrideContent, OverrideRow
from earlywarning_api import access, preconditions, recording, visit_schemas, visit_words
from earlywarning_api.preconditions import IfMatch, etag
from earlywarning_api.problems import declared
from earlywarning_api.representation import language

router = APIRouter(
    prefix="/visit_lists/{visit_list_id}/items/{item_id}/override", tags=["visit lists"]
)

Decider = Annotated[access.Person, Depends(access.to("overrides"))]
ListId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$", description="From `GET /visit_lists`.")]
ItemId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$", description="From the list's items.")]


@router.get(
    "",
    response_model=visit_schemas.OverrideView,
    responses=declared(401, 403, 404, 422),
)
def current(request: Request, person: Decider, visit_list_id: ListId, item_id: ItemId) -> Response:
    """What holds for a family's place; its `ETag` is needed to decide anew."""
    row = _current(request, person, visit_list_id, item_id)
    recording.read(request, person, "override.read", entity="visit_list_item", entity_id=item_id)
    return _answer(request, row)


@router.put(
    "",
    response_model=visit_schemas.OverrideView,
    responses=declared(401, 403, 404, 412, 422, 428),
)
def put(
    request: Request,
    person: Decider,
    visit_list_id: ListId,
    item_id: ItemId,
    sent: visit_schemas.OverrideSent,
    if_match: IfMatch,
) -> Response:
    """Move a family up, defer, remove or add it, with a reason. The list's own place stays.

    For the coordinator, and for the teacher who leads the visit.
    """
    before = _unchanged(request, person, visit_list_id, item_id, if_match)
    now = recording.now(request)
    with recording.told():
        row = overrides.put(
            request.app.state.register, visit_list_id, item_id,
            OverrideContent(**sent.model_dump()), visible=access.visible_students(person).ids,
            revision=before.revision, actor=person.actor, at=now.at, today=now.today,
            lead=access.only_lead(person),
        )  # fmt: skip
    return _answer(request, row)


@router.delete(
    "", status_code=204, response_class=Response,
    responses=declared(401, 403, 404, 412, 422, 428),
)  # fmt: skip
def withdraw(
    request: Request, person: Decider, visit_list_id: ListId, item_id: ItemId, if_match: IfMatch
) -> Response:
    """Take a decision back. That it was taken stays on record."""
    before = _unchanged(request, person, visit_list_id, item_id, if_match)
    with recording.told():
        row = overrides.withdraw(
            request.app.state.register, visit_list_id, item_id,
            visible=access.visible_students(person).ids, revision=before.revision,
            actor=person.actor, at=request.app.state.clock(), lead=access.only_lead(person),
        )  # fmt: skip
    return Response(status_code=204, headers={"ETag": etag("override", item_id, row.revision)})


def _current(
    request: Request, person: access.Person, visit_list_id: str, item_id: str
) -> OverrideRow:
    with request.app.state.register.session() as session:
        return overrides.current(
            session, access.visible_students(person).ids, visit_list_id, item_id,
            lead=access.only_lead(person),
        )  # fmt: skip


def _unchanged(
    request: Request, person: access.Person, visit_list_id: str, item_id: str, if_match: str
) -> OverrideRow:
    try:
        row = _current(request, person, visit_list_id, item_id)
    except NotFound:
        raise HTTPException(404) from None
    preconditions.require(if_match, etag("override", item_id, row.revision))
    return row


def _answer(request: Request, row: OverrideRow) -> Response:
    view = visit_words.override(row, language(request))
    return recording.answer(request, view, etag=view.etag)
