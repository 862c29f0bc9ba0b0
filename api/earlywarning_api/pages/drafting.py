"""Asking for a quarter's draft: a process of its own ranks the families, and the page waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.calendar import Quarter, SchoolCalendar
from earlywarning.errors import Conflict
from earlywarning.io.register import list_views, names, work_jobs
from earlywarning.io.register.lists import DRAFT, PUBLISHED, ListRow
from earlywarning.io.register.models import ImportBatch
from earlywarning_api import access
from earlywarning_api.pages import forms, rendering, visitor
from earlywarning_api.pages.forms import Sent

router = APIRouter()

Drafter = Annotated[access.Person, Depends(visitor.may("drafts"))]


@dataclass(frozen=True, slots=True)
class Choice:
    """A quarter that a list can be made for.

    Attributes
    ----------
    state : str
        `none`, `draft` or `published`.
    stale : bool
        Newer data was imported after the draft was made.
    early : bool
        The quarter has not begun.
    """

    quarter: Quarter
    state: str
    list_id: str | None = None
    by: str | None = None
    at: datetime | None = None
    stale: bool = False
    early: bool = False


@dataclass(frozen=True, slots=True)
class DraftsPage:
    """What can be drafted now.

    Attributes
    ----------
    running : str or None
        Id of the draft of this school that is being made.
    fault : str or None
        `busy` or `quarter`: why what was asked was not done.
    """

    school: str
    choices: tuple[Choice, ...]
    imported_at: datetime | None
    running: str | None
    fault: str | None


@router.get("/drafts")
def drafts(request: Request, person: Drafter) -> Response:
    """This quarter and the next one: what is there, and what can be made."""
    return _page(request, person)


@router.post("/drafts")
def draft(
    request: Request, person: Drafter, sent: Annotated[Sent, Depends(forms.sent)]
) -> Response:
    """Rank the families of a quarter, in place of an older draft."""
    state = request.app.state
    if state.work is None or person.school_id is None:
        raise HTTPException(404)
    with state.register.session() as session:
        lists = list_views.visit_lists(session, access.visible_lists(person).ids)
    open_ = {
        one.code
        for one in quarters(state.calendar, rendering.today(request))
        if not any(row.quarter == one.code and row.status == PUBLISHED for row in lists)
    }
    code = sent.text("quarter")
    if code not in open_:
        return _page(request, person, fault="quarter", status=409)
    try:
        work = state.work.draft(code, school_id=person.school_id, actor=person.actor)
    except Conflict:
        return _page(request, person, fault="busy", status=409)
    return rendering.see_other(f"/jobs/{work.job_id}")


def quarters(calendar: SchoolCalendar, today: date) -> tuple[Quarter, Quarter]:
    """Those that a list may be made for: the one that runs, and the next."""
    running = calendar.quarter_of(today)
    return running, calendar.next(running)


def _page(
    request: Request, person: access.Person, *, fault: str | None = None, status: int = 200
) -> Response:
    state = request.app.state
    if state.work is None:
        raise HTTPException(404)
    today = rendering.today(request)
    state.work.settle_all()
    current = state.register.current_snapshot()
    with state.register.session() as session:
        lists = list_views.visit_lists(session, access.visible_lists(person).ids)
        schools = list_views.school_names(session)
        visible = access.visible_work(person).ids
        newest = work_jobs.listed(session, visible, kind=work_jobs.DRAFT, limit=1)
        imported_at = session.scalar(select(func.max(ImportBatch.finished_at)))
        choices = tuple(
            _choice(session, one, lists, current, today) for one in quarters(state.calendar, today)
        )
    running = next((one.job_id for one in newest if one.status == work_jobs.RUNNING), None)
    view = DraftsPage(
        school=schools.get(person.school_id or "", ""),
        choices=choices,
        imported_at=imported_at,
        running=running,
        fault=fault,
    )
    return rendering.page(request, "drafts.html", view, person=person, status=status)


def _choice(
    session: Session, quarter: Quarter, lists: Sequence[ListRow], current: str | None, today: date
) -> Choice:
    early = quarter.start > today
    rows = [row for row in lists if row.quarter == quarter.code]
    published = next((row for row in rows if row.status == PUBLISHED), None)
    if published is not None:
        by = names.of(session, published.published_by)
        return Choice(
            quarter, PUBLISHED, published.visit_list_id, by, published.published_at, early=early
        )
    row = next((row for row in rows if row.status == DRAFT), None)
    if row is None:
        return Choice(quarter, "none", early=early)
    by = names.of(session, row.made_by)
    return Choice(
        quarter, DRAFT, row.visit_list_id, by, row.made_at,
        stale=row.snapshot_id != current, early=early,
    )  # fmt: skip
