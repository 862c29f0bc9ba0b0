"""Did visits help: registered studies, what may be said of each, and working it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from earlywarning.errors import NotFound
from earlywarning.impact.public import public
from earlywarning.io import impact_page
from earlywarning.io.register import evidence
from earlywarning.io.register.evidence import Registered
from earlywarning_api import access, analysing, idempotency, impact_schemas, recording
from earlywarning_api.problems import declared
from earlywarning_api.representation import json_answer, language

router = APIRouter(prefix="/impact/studies", tags=["impact"])
Person = Annotated[access.Person, Depends(access.to("impact"))]
Runner = Annotated[access.Person, Depends(access.to("impact_runs"))]
StudyId = Annotated[str, Path(description="From `GET /impact/studies`.")]
DETAILS = ("results", "naive", "subgroups", "reach")


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
def study(request: Request, study_id: StudyId, person: Person) -> Response:
    """The newest result of a study: what can be said, how sure, and the misleading figures beside.

    404 where the study does not exist or no report was made yet. Groups of ten or more. Designs,
    figures and rules are for researchers and data staff.
    """
    one = analysing.study(request, study_id)
    kept = evidence.newest_result(request.app.state.register, study_id)
    if kept is None:
        raise NotFound(f"there is no result of study {study_id!r}; `earlywarning impact report`")
    shown: dict[str, Any] = public(kept.result)
    spoken = language(request)
    details = access.allowed(person, "impact_details")
    researchers: dict[str, Any] = {key: shown[key] if details else None for key in DETAILS}
    view = impact_schemas.StudyResult(
        **_summary(one).model_dump(),
        made_at=kept.made_at,
        said=impact_page.sentences(impact_page.decides(shown), spoken),
        not_said=[impact_page.words(spoken)[f"doubt_{code}"] for code in impact_page.doubts(shown)],
        data=shown["data"],
        **researchers,
    )
    return json_answer(request, view)


@router.post(
    "/{study_id}/runs",
    status_code=202,
    response_model=impact_schemas.AnalysisRun,
    dependencies=[Depends(idempotency.needed)],
    responses=declared(400, 401, 403, 404, 409, 422, 503),
)
def run(request: Request, study_id: StudyId, person: Runner) -> Response:
    """Work a study out, apart from the service; one thing runs at a time (409).

    Ask `Location` until `status` is no longer `running`. From the same data, design and program the
    result is the one that is there already.
    """
    begun = analysing.begin(request, person, study_id)
    return recording.answer(
        request, _run(begun), status=202,
        headers={"Location": f"{request.url.path}/newest"},
    )  # fmt: skip


@router.get(
    "/{study_id}/runs/newest",
    response_model=impact_schemas.AnalysisRun,
    responses=declared(401, 403, 404),
)
def newest(request: Request, study_id: StudyId, person: Runner) -> Response:
    """How far the newest analysis of a study is, or how it ended."""
    found = analysing.newest(request, person, study_id)
    if found is None:
        raise NotFound(f"nothing was worked out of study {study_id!r} here")
    return recording.answer(request, _run(found))


def _run(one: analysing.Run) -> impact_schemas.AnalysisRun:
    return impact_schemas.AnalysisRun.model_validate(asdict(one))


def _summary(one: Registered) -> impact_schemas.StudySummary:
    design: dict[str, Any] = asdict(one.study)
    return impact_schemas.StudySummary(
        study_id=one.study_id,
        registered_at=one.registered_at,
        design_sha256=one.sha256,
        **{key: design[key] for key in ("name", "question", "first_quarter", "last_quarter",
                                        "designs", "primary", "worthwhile")},
    )  # fmt: skip
