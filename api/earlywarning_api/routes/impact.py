"""Did visits help: registered studies, and what may be said of each. Groups of ten or more."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from earlywarning.errors import NotFound
from earlywarning.impact.public import public
from earlywarning.io import impact_page
from earlywarning.io.register import evidence
from earlywarning.io.register.evidence import Registered
from earlywarning_api import access, impact_schemas
from earlywarning_api.problems import declared
from earlywarning_api.representation import json_answer, language

router = APIRouter(prefix="/impact/studies", tags=["impact"])
Person = Annotated[access.Person, Depends(access.to("impact"))]


@router.get("", response_model=impact_schemas.Studies, responses=declared(304, 401, 403))
def studies(request: Request, person: Person) -> Response:
    """Every registered study: what was asked, before outcomes were known."""
    found = evidence.studies(request.app.state.register)
    return json_answer(request, impact_schemas.Studies(studies=[_summary(one) for one in found]))


@router.get(
    "/{study_id}",
    response_model=impact_schemas.StudyResult,
    responses=declared(304, 401, 403, 404),
)
def study(
    request: Request,
    study_id: Annotated[str, Path(description="From `GET /impact/studies`.")],
    person: Person,
) -> Response:
    """The newest result of a study: what can be said, how sure, and the misleading figures beside.

    404 where the study does not exist or no report was made yet.
    """
    register = request.app.state.register
    one = evidence.find(register, study_id)
    result = evidence.newest_result(register, one.study_id)
    if result is None or one.study_id != study_id:
        raise NotFound(f"there is no result of study {study_id!r}; `earlywarning impact report`")
    place = result["decides"]
    decisive = None if place is None else result["results"][place]
    shown: dict[str, Any] = public(result)
    view = impact_schemas.StudyResult(
        **_summary(one).model_dump(),
        said=impact_page.sentences(decisive, language(request)),
        **{key: shown[key] for key in ("data", "results", "naive", "subgroups", "reach")},
    )
    return json_answer(request, view)


def _summary(one: Registered) -> impact_schemas.StudySummary:
    design: dict[str, Any] = asdict(one.study)
    return impact_schemas.StudySummary(
        study_id=one.study_id,
        registered_at=one.registered_at,
        design_sha256=one.sha256,
        **{key: design[key] for key in ("name", "question", "first_quarter", "last_quarter",
                                        "designs", "primary", "worthwhile")},
    )  # fmt: skip
