"""This quarter as a task list: what is done, what comes first now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.io.register import follow_ups, list_progress, list_views, names
from earlywarning.io.register.follow_ups import FollowUpContent, FollowUpRow
from earlywarning.io.register.list_progress import Standing
from earlywarning.io.register.lists import DRAFT, PUBLISHED, ListRow
from earlywarning.io.register.models import ImportBatch
from earlywarning_api import access, recording
from earlywarning_api.pages import list_content, rendering, visitor
from earlywarning_api.pages.list_content import Overview

router = APIRouter()

NEXT_FAMILIES = 3
FOLLOW_UPS = 20


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the task list.

    Attributes
    ----------
    key : str
        Of its words: `task.<key>`.
    state : str
        `done`, `now`, `later`.
    href : str or None
    detail : str
        Key of what is known: `task.<key>.<detail>`.
    done, of : int
        Where something is counted.
    """

    key: str
    state: str
    detail: str
    href: str | None = None
    done: int = 0
    of: int = 0
    by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextFamily:
    """A family to visit next."""

    item_id: str
    names: tuple[str, ...]
    student_id: str
    student_ids: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class ToDo:
    """A follow-up that is open."""

    follow_up_id: str
    action: str | None
    student_id: str
    name: str
    due: date
    overdue: bool
    visit_id: str | None


@dataclass(frozen=True, slots=True)
class QuarterPage:
    """Where this quarter stands, for whoever reads it."""

    overview: Overview | None
    tasks: tuple[Task, ...]
    families: tuple[NextFamily, ...]
    to_do: tuple[ToDo, ...]
    role: str


@dataclass(frozen=True, slots=True)
class Wants:
    """What the list of the running quarter wants.

    Attributes
    ----------
    drafts : str or None
        Where a draft is asked for; None where this service makes none.
    none_yet : bool
        There are lists, and none of this quarter.
    stale : bool
        Newer data was imported after the draft was made.
    """

    drafts: str | None
    none_yet: bool
    stale: bool


@router.get("/quarter")
def quarter(
    request: Request, person: Annotated[access.Person, Depends(visitor.may("visit_lists"))]
) -> Response:
    """The task list of the running quarter, as far as the reader may know of it."""
    today = rendering.today(request)
    visible = access.visible_students(person).ids
    with request.app.state.register.session() as session:
        lists = list_views.visit_lists(session, access.visible_lists(person).ids)
        schools = list_views.school_names(session)
        current = _current(lists, today)
        standings: dict[str, Standing] = {}
        if current is not None and current.status == PUBLISHED:
            standings = list_progress.standings(session, visible, current, today=today)
        families = _next(session, person, current, standings)
        open_ = _open(session, person)
        to_do = tuple(_to_do(session, person, row, today) for row in open_)
        wants = _wants(request, current, today)
        tasks = _tasks(session, person, current, standings, to_do, _coming(lists, current), wants)
    shown = {id_ for one in families for id_ in one.student_ids}
    shown |= {one.student_id for one in to_do}
    if shown:
        recording.read(
            request, person, "quarter.read", entity="school", entity_id=person.school_id or "",
            detail={"students": sorted(shown)},
        )  # fmt: skip
    view = QuarterPage(
        overview=None if current is None else list_content.overview(current, schools),
        tasks=tasks,
        families=families,
        to_do=to_do[:FOLLOW_UPS],
        role=person.role,
    )
    return rendering.page(request, "quarter.html", view, person=person)


@router.post("/follow-ups/{follow_up_id}/done")
def done(
    request: Request,
    person: Annotated[access.Person, Depends(visitor.may("follow_ups"))],
    follow_up_id: Annotated[str, Path(pattern="^[0-9a-z]{1,64}$")],
) -> Response:
    """A follow-up was done; a second time changes nothing."""
    state = request.app.state
    visible = access.visible_students(person).ids
    with state.register.session() as session:
        found = follow_ups.follow_ups(
            session, visible, staff_id=person.staff_id, follow_up_id=follow_up_id
        )
    row = next(iter(found), None)
    # The protection path has no action of its own: it is closed by those it is for.
    if row is None or row.action is None or row.owner_staff_id is None:
        raise HTTPException(404)
    if row.status == "open":
        content = FollowUpContent(
            row.student_id, row.action, row.owner_staff_id, row.due, "done", row.visit_id
        )
        follow_ups.put_follow_up(
            state.register, follow_up_id, content, visible=visible, actor=person.actor,
            at=state.clock(), staff_id=person.staff_id, revision=row.revision,
        )  # fmt: skip
    return rendering.see_other("/quarter#follow-ups")


def _current(lists: Sequence[ListRow], today: date) -> ListRow | None:
    """The list of the running quarter; else a draft that waits, else the newest."""
    begun = [row for row in lists if row.as_of_date <= today]
    published = [row for row in begun if row.status == PUBLISHED]
    return next(iter(published or begun or lists), None)


def _wants(request: Request, current: ListRow | None, today: date) -> Wants:
    state = request.app.state
    drafts = None if state.work is None else "/drafts"
    if current is None:
        return Wants(drafts, none_yet=True, stale=False)
    running = state.calendar.quarter_of(today)
    is_draft = current.status == DRAFT
    return Wants(
        drafts,
        none_yet=current.as_of_date < running.start,
        stale=is_draft and current.snapshot_id != state.register.current_snapshot(),
    )


def _coming(lists: Sequence[ListRow], current: ListRow | None) -> ListRow | None:
    """The draft of a later quarter, which can be looked at already."""
    if current is None:
        return None
    later = [
        row for row in lists if row.status == DRAFT and row.as_of_date > current.as_of_date
    ]  # fmt: skip
    return min(later, key=lambda row: row.as_of_date, default=None)


def _tasks(
    session: Session,
    person: access.Person,
    current: ListRow | None,
    standings: dict[str, Standing],
    to_do: Sequence[ToDo],
    coming: ListRow | None,
    wants: Wants,
) -> tuple[Task, ...]:
    found: list[Task] = []
    if person.role == "coordinator":
        found += [_imported(session, wants), *_listed(session, current, wants)]
        if coming is not None:
            review = f"/lists/{coming.visit_list_id}/review"
            by = names.of(session, coming.made_by)
            found.append(Task("next", "later", "made", review, by=by, at=coming.made_at))
    if current is not None and current.status == PUBLISHED:
        of = len(standings) or current.header["counts"].get("listed", 0)
        done = sum(one.status == "visited" for one in standings.values())
        list_ = f"/lists/{current.visit_list_id}"
        if access.visible_students(person).why.startswith("children whom"):
            found.append(Task("visits", "later", "whole", f"{list_}/summary", 0, of))
        elif of:
            state = "done" if done == of else "now"
            # Families with a day or an attempt have a part of the list of their own.
            waits = any(one.status == "not_visited" for one in standings.values())
            href = f"{list_}?view=not_visited" if waits else list_
            found.append(Task("visits", state, "count", href, done, of))
            late = sum(one.status == "overdue" for one in standings.values())
            if late:
                found.append(Task("overdue", "now", "count", f"{list_}?view=overdue", late, of))
        else:
            found.append(Task("visits", "later", "none", list_))
    if access.allowed(person, "follow_ups"):
        late = sum(one.overdue for one in to_do)
        found.append(
            Task("follow_ups", "now" if late else "later" if to_do else "done",
                 "count" if to_do else "none", "#follow-ups" if to_do else None, late, len(to_do))
        )  # fmt: skip
    return _first_now(found)


def _first_now(tasks: Sequence[Task]) -> tuple[Task, ...]:
    return tuple(sorted(tasks, key=lambda one: ORDER.index(one.key)))


ORDER = ("import", "draft", "publish", "visits", "overdue", "follow_ups", "next")


def _imported(session: Session, wants: Wants) -> Task:
    at, count = session.execute(
        select(func.max(ImportBatch.finished_at), func.count(ImportBatch.import_id))
    ).one()
    if not count:
        return Task("import", "now", "none", "/imports" if wants.drafts else "/data")
    return Task("import", "done", "last", "/data", done=count, at=at)


def _listed(session: Session, current: ListRow | None, wants: Wants) -> list[Task]:
    if current is None or wants.none_yet:
        detail = "none" if current is None else "due"
        return [Task("draft", "now", detail, wants.drafts), Task("publish", "later", "none")]
    if wants.stale:
        return [Task("draft", "now", "stale", wants.drafts), Task("publish", "later", "none")]
    by = names.of(session, current.made_by)
    drafted = Task("draft", "done", "made", wants.drafts, by=by, at=current.made_at)
    if current.status == DRAFT:
        review = f"/lists/{current.visit_list_id}/review"
        return [drafted, Task("publish", "now", "waits", review)]
    by = names.of(session, current.published_by)
    published = Task(
        "publish", "done", "made", f"/lists/{current.visit_list_id}", by=by, at=current.published_at
    )
    return [drafted, published]


def _next(
    session: Session,
    person: access.Person,
    current: ListRow | None,
    standings: dict[str, Standing],
) -> tuple[NextFamily, ...]:
    """The families that a homeroom teacher visits next."""
    if current is None or person.staff_id is None:
        return ()
    wanted = [
        one.item_id
        for one in standings.values()
        if one.lead_staff_id == person.staff_id and one.status not in ("visited", "closed")
    ][:NEXT_FAMILIES]
    visible = access.visible_students(person).ids
    items = list_views.items_by_id(session, visible, current.visit_list_id, wanted)
    return tuple(
        NextFamily(
            item_id=item_id,
            names=tuple(one.full_name or "–" for one in items[item_id].students),
            student_id=items[item_id].students[0].student_id,
            student_ids=tuple(one.student_id for one in items[item_id].students),
            status=standings[item_id].status,
        )
        for item_id in wanted
        if items[item_id].students
    )


def _open(session: Session, person: access.Person) -> list[FollowUpRow]:
    if not access.allowed(person, "follow_ups"):
        return []
    return follow_ups.follow_ups(
        session,
        access.visible_students(person).ids,
        staff_id=person.staff_id,
        status="open",
        protection=access.may_protect(person),
    )


def _to_do(session: Session, person: access.Person, row: FollowUpRow, today: date) -> ToDo:
    found = list_views.person(session, access.visible_students(person).ids, row.student_id)
    return ToDo(
        follow_up_id=row.follow_up_id,
        action=row.action,
        student_id=row.student_id,
        name=found.full_name if found else "–",
        due=row.due,
        overdue=row.due < today,
        visit_id=row.visit_id,
    )
