"""Work that somebody asked for on a page: how far it is, what came of it, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.calendar import Quarter
from earlywarning.io import wording
from earlywarning.io.register import list_views, names, work_jobs
from earlywarning.io.register.work_jobs import Work
from earlywarning_api import access
from earlywarning_api.pages import rendering, visitor

router = APIRouter()

REFRESH_SECONDS = "2"
STEPS: Mapping[str, tuple[str, ...]] = {
    work_jobs.DRAFT: ("features", "score", "allocate", "missing"),
    work_jobs.PROMOTE: (),
    work_jobs.ROLL_BACK: (),
}
"""Stages of a command, in their order, where there are several."""

WHY = {
    "NotFound": "not_found",
    "Conflict": "conflict",
    "Busy": "conflict",
    "DataError": "data",
    "ArtifactError": "altered",
    "CatalogueUnreachable": "altered",
}
"""Kinds of refusals that have words of their own."""


@dataclass(frozen=True, slots=True)
class WorkPage:
    """One piece of work.

    Attributes
    ----------
    quarter : Quarter or None
        Of a draft.
    steps : tuple of (str, str)
        Stage, and `done`, `now` or `later`; empty where nothing is known.
    missing, refused : tuple of str
        What the draft had to do without, in words.
    list_id : str or None
        The draft, if it is still there.
    why : str
        Code of why it stopped.
    """

    work: Work
    by: str
    quarter: Quarter | None
    steps: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    list_id: str | None
    failed_gates: tuple[str, ...]
    may_override: bool
    why: str


def worker(person: Annotated[access.Person, Depends(visitor.anybody)]) -> access.Person:
    """Somebody who may ask for work of any kind."""
    if not (access.allowed(person, "drafts") or access.allowed(person, "model_changes")):
        raise HTTPException(403)
    return person


@router.get("/jobs/{job_id}")
def work(
    request: Request,
    person: Annotated[access.Person, Depends(worker)],
    job_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
) -> Response:
    """How far it is; the page loads itself again until it has ended."""
    state, spoken = request.app.state, rendering.language(request)
    with state.register.session() as session:
        found = work_jobs.found(session, access.visible_work(person).ids, job_id)
    if found is None:
        raise HTTPException(404)
    desk = state.work
    one = found if desk is None else desk.settled(found)
    running = one.status == work_jobs.RUNNING
    progress = desk.progress(one) if desk is not None and running else None
    with state.register.session() as session:
        by = names.of(session, one.made_by) or "–"
        list_id = _list_of(session, person, one)
        schools = list_views.school_names(session)
    code = one.asked.get("quarter")
    view = WorkPage(
        work=one,
        by=by,
        quarter=None if code is None else state.calendar.quarter(code),
        steps=_steps(one.kind, progress) if running else (),
        missing=missing_words(one, schools, spoken),
        refused=tuple(
            wording.say("run.refused", spoken, outcome=wording.say(f"outcome.{name}", spoken))
            for name in one.outcome.get("refused") or ()
        ),
        list_id=list_id,
        failed_gates=tuple(one.outcome.get("gates") or ()),
        may_override=access.allowed(person, "model_changes"),
        why=WHY.get(str(one.outcome.get("kind")), "failed"),
    )
    headers = {"Refresh": REFRESH_SECONDS} if running else None
    return rendering.page(request, "work.html", view, person=person, headers=headers)


def _steps(kind: str, progress: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    stages = STEPS[kind]
    if not stages:
        return ()
    stage = str((progress or {}).get("stage"))
    now = stages.index(stage) if stage in stages else 0
    return tuple(
        (name, "done" if place < now else "now" if place == now else "later")
        for place, name in enumerate(stages)
    )


def _list_of(session: Session, person: access.Person, one: Work) -> str | None:
    """The list that was made, if the person may still look at it."""
    made = {list_id for _, list_id in one.outcome.get("lists") or ()}
    if not made:
        return None
    rows = list_views.visit_lists(session, access.visible_lists(person).ids)
    return next((row.visit_list_id for row in rows if row.visit_list_id in made), None)


def missing_words(one: Work, schools: Mapping[str, str], language: str) -> tuple[str, ...]:
    """What was missing of the quarter before when a draft was made."""
    found: Sequence[Mapping[str, Any]] = one.outcome.get("missing") or ()
    return tuple(
        wording.say(
            f"run.{row['code']}",
            language,
            school_id=schools.get(row["school_id"], row["school_id"]),
            newest=date.fromisoformat(row["newest"]) if row["newest"] else None,
            class_name=row["class_name"],
        )
        for row in found
    )


def of_list(session: Session, person: access.Person, visit_list_id: str) -> Work | None:
    """The work that made a draft; None if it was made at the terminal."""
    rows = work_jobs.listed(session, access.visible_work(person).ids, kind=work_jobs.DRAFT)
    return next(
        (
            row
            for row in rows
            if visit_list_id in {list_id for _, list_id in row.outcome.get("lists") or ()}
        ),
        None,
    )
