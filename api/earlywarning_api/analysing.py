"""What routes and pages of studies share: starting an analysis, and how far one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from earlywarning.errors import NotFound
from earlywarning.io.register import evidence, work_jobs
from earlywarning.io.register.evidence import Registered
from earlywarning.io.register.work_jobs import Work
from earlywarning_api import access
from earlywarning_api.problems import Refused
from earlywarning_api.work_desk import WorkDesk


@dataclass(frozen=True, slots=True)
class Run:
    """One analysis of a study.

    Attributes
    ----------
    run_id : str
    status : str
        `running`, `finished`, `refused` or `failed`.
    stage : str or None
        `lists`, `panel` or `estimates`, while it runs.
    done, total : int
        Of the stage.
    problem : str or None
        Why it was refused.
    """

    run_id: str
    status: str
    made_at: datetime
    stage: str | None
    done: int
    total: int
    problem: str | None


def study(request: Request, study_id: str) -> Registered:
    """A registered study by its id, never by its name.

    Raises
    ------
    NotFound
        If there is none.
    """
    for one in evidence.studies(request.app.state.register):
        if one.study_id == study_id:
            return one
    raise NotFound(f"there is no study {study_id!r}")


def begin(request: Request, person: access.Person, study_id: str) -> Run:
    """Analyse a study, apart from this process.

    Raises
    ------
    NotFound
        If there is no such study.
    Conflict
        While other work runs.
    Refused
        503 if this service has no installation to work on.
    """
    one = study(request, study_id)
    desk = _desk(request)
    if desk is None:
        raise Refused("no-analyses")
    return _run(desk, desk.study(one.study_id, actor=person.actor))


def newest(request: Request, person: access.Person, study_id: str) -> Run | None:
    """The newest analysis that somebody may know of, as it stands now."""
    desk = _desk(request)
    if desk is None:
        return None
    with request.app.state.register.session() as session:
        rows = work_jobs.listed(session, access.visible_runs(person).ids, kind=work_jobs.IMPACT)
    mine = next((work for work in rows if work.asked.get("study") == study_id), None)
    return None if mine is None else _run(desk, desk.settled(mine))


def _desk(request: Request) -> WorkDesk | None:
    return request.app.state.work


def _run(desk: WorkDesk, work: Work) -> Run:
    progress = desk.progress(work) or {}
    return Run(
        work.job_id, work.status, work.made_at, progress.get("stage"),
        int(progress.get("done", 0)), int(progress.get("total", 0)), work.outcome.get("problem"),
    )  # fmt: skip
