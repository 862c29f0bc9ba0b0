"""What decides from now on: the model in service for each outcome, or the rule, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from earlywarning.io.register import list_views
from earlywarning.records.tables import OUTCOMES
from earlywarning_api import access, schemas, words
from earlywarning_api.problems import declared
from earlywarning_api.representation import json_answer, language

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", response_model=schemas.ServingModels, responses=declared(304, 401, 403))
def models(
    request: Request, person: Annotated[access.Person, Depends(access.to("models"))]
) -> Response:
    """The model in service for each outcome, its measures, and why it or the rule serves."""
    with request.app.state.register.session() as session:
        rows = {row.outcome: row for row in list_views.models_in_service(session)}
    spoken = language(request)
    view = schemas.ServingModels(
        models=[words.serving_model(name, rows.get(name), spoken) for name in OUTCOMES]
    )
    return json_answer(request, view)
