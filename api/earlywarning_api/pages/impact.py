"""Did visits help: registered studies, and the report of each; the researcher's part by role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from markupsafe import Markup
from starlette.responses import Response

from earlywarning.errors import Conflict
from earlywarning.io import impact_page
from earlywarning.io.register import evidence, names, work_jobs
from earlywarning.io.register.evidence import Registered
from earlywarning_api import access, analysing
from earlywarning_api.analysing import Run
from earlywarning_api.pages import rendering, visitor
from earlywarning_api.problems import Refused

router = APIRouter()

Reader = Annotated[access.Person, Depends(visitor.may("impact"))]
Runner = Annotated[access.Person, Depends(visitor.may("impact_runs"))]
AnId = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")]

REFRESH_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A registered study.

    Attributes
    ----------
    by : str
        Who registered it.
    made_at : datetime or None
        When its newest result was made, in UTC.
    """

    registered: Registered
    by: str
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class StudiesPage:
    """Studies of what visits do."""

    studies: tuple[StudyRow, ...]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What may be said of one study.

    Attributes
    ----------
    may_run : bool
        Whether the reader may let it be worked out.
    run : Run or None
        The newest analysis that was asked for, if the reader may know.
    fault : str or None
        `busy` or `closed`: why it was not begun.
    principal : Markup or None
        The first page of the report; None while there is no result.
    researcher : Markup or None
        Tables, figures and rules; None for roles that read the first page only.
    """

    study: StudyRow
    may_run: bool
    run: Run | None
    fault: str | None
    principal: Markup | None
    researcher: Markup | None


@router.get("/impact")
def studies(request: Request, person: Reader) -> Response:
    """Registered studies of what visits do."""
    register = request.app.state.register
    view = StudiesPage(
        tuple(
            _row(request, one, evidence.newest_result(register, one.study_id))
            for one in evidence.studies(register)
        )
    )
    return rendering.page(request, "impact.html", view, person=person)


@router.get("/impact/{study_id}")
def report(request: Request, person: Reader, study_id: AnId) -> Response:
    """The report of one study: what can be said, how sure, what cannot be said."""
    return _page(request, person, study_id)


@router.post("/impact/{study_id}/runs")
def run(request: Request, person: Runner, study_id: AnId) -> Response:
    """Work a study out, apart from the service; the page then says how far it is."""
    try:
        analysing.begin(request, person, study_id)
    except Conflict:
        return _page(request, person, study_id, fault="busy", status=409)
    except Refused:
        return _page(request, person, study_id, fault="closed", status=503)
    return rendering.see_other(f"/impact/{study_id}")


def _page(
    request: Request,
    person: access.Person,
    study_id: str,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    register = request.app.state.register
    one = analysing.study(request, study_id)
    run = analysing.newest(request, person, study_id)
    kept = evidence.newest_result(register, study_id)
    parts: dict[str, Markup | None] = {"principal": None, "researcher": None}
    if kept is not None:
        spoken = rendering.language(request)
        about = impact_page.about(
            kept.result, spoken, zone=request.app.state.timezone, made_at=kept.made_at,
            registered_at=one.registered_at,
        )  # fmt: skip
        shown = ["principal", "researcher"]
        for part in shown if access.allowed(person, "impact_details") else shown[:1]:
            parts[part] = impact_page.section(part, kept.result, language=spoken, about=about)
    view = ReportPage(
        _row(request, one, kept), access.allowed(person, "impact_runs"), run, fault,
        parts["principal"], parts["researcher"],
    )  # fmt: skip
    runs = run is not None and run.status == work_jobs.RUNNING
    return rendering.page(
        request, "impact_report.html", view, person=person, status=status,
        headers={"Refresh": REFRESH_SECONDS} if runs else None,
    )  # fmt: skip


def _row(request: Request, one: Registered, kept: evidence.Kept | None) -> StudyRow:
    with request.app.state.register.session() as session:
        by = names.of(session, one.registered_by) or "–"
    return StudyRow(one, by, None if kept is None else kept.made_at)
