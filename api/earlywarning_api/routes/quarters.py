"""Quarters that have lists."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from earlywarning.io.register import list_views
from earlywarning_api import access, schemas
from earlywarning_api.problems import declared
from earlywarning_api.representation import json_answer

router = APIRouter(tags=["visit lists"])


@router.get("/quarters", response_model=schemas.Quarters, responses=declared(304, 401, 403))
def quarters(
    request: Request, person: Annotated[access.Person, Depends(access.to("quarters"))]
) -> Response:
    """Quarters that have lists, newest first."""
    with request.app.state.register.session() as session:
        rows = list_views.quarters(session, access.visible_lists(person).ids)
    found = [
        schemas.QuarterSummary(quarter=code, as_of_date=as_of, drafts=drafts, published=published)
        for code, as_of, drafts, published in rows
    ]
    return json_answer(request, schemas.Quarters(quarters=found))
