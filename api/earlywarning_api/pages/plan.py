"""The plan, week by week: who visits whom, with whom, what could not be met, and moving a visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from earlywarning.errors import Conflict, DataError
from earlywarning.io.register import families, list_views, names, plan_views, plans
from earlywarning.io.register.families import Stale
from earlywarning.io.register.lists import PUBLISHED
from earlywarning.io.register.plan_views import PlannedRow
from earlywarning.io.register.plans import AgainstWishes
from earlywarning.visit_rules import SLOTS
from earlywarning_api import access, lookup, plan_words, recording
from earlywarning_api.pages import forms, list_content, rendering, visitor
from earlywarning_api.pages.forms import Sent
from earlywarning_api.pages.list_content import Overview
from earlywarning_api.plan_schemas import PlannedVisitView, PlanView

router = APIRouter()

Reader = Annotated[access.Person, Depends(visitor.may("plans"))]
Planner = Annotated[access.Person, Depends(visitor.may("planning"))]
Mover = Annotated[access.Person, Depends(visitor.may("planned_visits"))]
SentForm = Annotated[Sent, Depends(forms.sent)]


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the plan; `monday` None: no week was left."""

    monday: date | None
    last: date | None
    current: bool
    visits: tuple[PlannedVisitView, ...]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """The plan of one list, as far as the reader may see it.

    Attributes
    ----------
    plan : PlanView or None
        None before it was made.
    own : str or None
        Staff id of the reader, who moves the visits that they lead.
    fault : str or None
        `raced`: somebody changed the plan while it was made again.
    """

    overview: Overview
    plan: PlanView | None
    made_by: str | None
    weeks: tuple[Week, ...]
    may_plan: bool
    may_move: bool
    whole: bool
    own: str | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class MovePage:
    """The form to move a visit.

    Attributes
    ----------
    stands_in : date or None
        Monday of the week in which the plan's page shows it.
    against : tuple of str
        Wishes that the change goes against, in words; it is kept only if confirmed.
    """

    visit: PlannedVisitView
    revision: int
    stands_in: date | None
    weeks: tuple[date, ...]
    slots: tuple[str, ...]
    staff: tuple[tuple[str, str], ...]
    back: str
    sent: Sent
    against: tuple[str, ...]
    fault: str | None


@router.get("/plan")
def newest(request: Request, person: Reader) -> Response:
    """Go to the plan of the newest published list that has begun."""
    today = rendering.today(request)
    with request.app.state.register.session() as session:
        rows = list_views.visit_lists(session, access.visible_lists(person).ids)
    published = [row for row in rows if row.status == PUBLISHED]
    begun = [row for row in published if row.as_of_date <= today] or published
    return rendering.see_other(f"/lists/{begun[0].visit_list_id}/plan" if begun else "/lists")


@router.get("/lists/{visit_list_id}/plan")
def plan(request: Request, person: Reader, visit_list_id: str) -> Response:
    """The plan of one list."""
    return _page(request, person, visit_list_id)


@router.post("/lists/{visit_list_id}/plan")
def make(request: Request, person: Planner, visit_list_id: str) -> Response:
    """Plan the list, or plan it again; what people set by hand stays."""
    state, now = request.app.state, recording.now(request)
    with state.register.session() as session:
        row = lookup.visit_list(session, person, visit_list_id)
    quarter = list_content.quarter_of(row)
    try:
        plans.make(
            state.register, visit_list_id, quarter=quarter, rules=state.planning,
            by=person.name or person.actor, actor=person.actor, at=now.at, today=now.today,
        )  # fmt: skip
    except Conflict:
        return _page(request, person, visit_list_id, fault="raced", status=409)
    return rendering.see_other(f"/lists/{visit_list_id}/plan")


def _page(
    request: Request,
    person: access.Person,
    visit_list_id: str,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    state, spoken = request.app.state, rendering.language(request)
    with state.register.session() as session:
        row = lookup.visit_list(session, person, visit_list_id)
        schools = list_views.school_names(session)
        found = plan_views.plan_of(
            session, access.visible_students(person).ids, visit_list_id, staff_id=person.staff_id
        )
        by = names.of(session, found.made_by) if found is not None else None
    view = None
    if found is not None:
        recording.read(
            request, person, "plan.read", entity="visit_list", entity_id=visit_list_id,
            detail=plan_words.shown(found),
        )  # fmt: skip
        view = plan_words.plan(found, spoken, letter=state.planning.letter)
    page = PlanPage(
        overview=list_content.overview(row, schools),
        plan=view,
        made_by=by,
        weeks=() if view is None else _weeks(view, rendering.today(request)),
        may_plan=row.status == PUBLISHED and access.allowed(person, "planning"),
        may_move=access.allowed(person, "planned_visits"),
        whole=person.role == "coordinator",
        own=person.staff_id,
        fault=fault,
    )
    return rendering.page(request, "plan.html", page, person=person, status=status)


def _weeks(view: PlanView, today: date) -> tuple[Week, ...]:
    monday = today - timedelta(days=today.weekday())
    by_week: dict[date | None, list[PlannedVisitView]] = {}
    for visit in view.visits:
        by_week.setdefault(plan_views.week_of(visit.week, visit.agreed_on), []).append(visit)
    placed = sorted(week for week in by_week if week is not None)
    order: list[date | None] = [*placed, *([None] if None in by_week else [])]
    return tuple(
        Week(
            week,
            None if week is None else week + timedelta(days=5),
            week == monday,
            tuple(by_week[week]),
        )
        for week in order
    )


@router.get("/planned/{planned_visit_id}")
def form(request: Request, person: Mover, planned_visit_id: str) -> Response:
    """The form to move a visit."""
    with request.app.state.register.session() as session:
        row = lookup.own_planned_visit(session, person, planned_visit_id)
    return _form(request, person, row, None)


@router.post("/planned/{planned_visit_id}")
def move(request: Request, person: Mover, planned_visit_id: str, sent: SentForm) -> Response:
    """Move it; a change against wishes is asked about first, each wish named."""
    state = request.app.state
    with state.register.session() as session:
        row = lookup.own_planned_visit(session, person, planned_visit_id)
        listed = lookup.visit_list(session, person, row.visit_list_id)
    quarter = list_content.quarter_of(listed)
    week, on_date = sent.day("week"), sent.day("on_date", needed=False)
    slot = sent.one_of("slot", SLOTS)
    if week is None or sent.faults:
        return _form(request, person, row, sent, status=422)
    revision = int(sent.text("revision")) if sent.text("revision").isdigit() else -1
    wanted = plans.Change(
        week, slot, sent.text("companion") or None, on_date, pinned=not sent.text("free")
    )
    try:
        plans.change(
            state.register, planned_visit_id, wanted, revision=revision, quarter=quarter,
            rules=state.planning, despite=bool(sent.text("despite")), by=person.actor,
            actor=person.actor, at=state.clock(),
        )  # fmt: skip
    except AgainstWishes as error:
        return _form(request, person, row, sent, against=error.wishes, status=409)
    except Stale:
        return _form(request, person, row, sent, fault="stale", status=412)
    except DataError as error:
        name = str(error).partition(":")[0]
        sent.faults["companion" if name == "companion_staff_id" else name] = "value"
        return _form(request, person, row, sent, status=422)
    return rendering.see_other(f"/lists/{row.visit_list_id}/plan#{planned_visit_id}")


def _typed(row: PlannedRow, weeks: Sequence[date]) -> dict[str, list[str]]:
    """The form as the plan's page shows the visit; a day after the quarter stays out of it."""
    week, day = row.goes_in, row.goes_on
    if week not in weeks:
        week, day = row.week, row.on_date
    return {
        "week": [week.isoformat() if week else ""],
        "slot": [row.slot or ""],
        "companion": [row.companion_staff_id or ""],
        "on_date": [day.isoformat() if day else ""],
    }


def _form(
    request: Request,
    person: access.Person,
    row: PlannedRow,
    sent: Sent | None,
    *,
    against: tuple[str, ...] = (),
    fault: str | None = None,
    status: int = 200,
) -> Response:
    state, spoken = request.app.state, rendering.language(request)
    with state.register.session() as session:
        listed = lookup.visit_list(session, person, row.visit_list_id)
        staff = list_views.staff_names(session, listed.school_id)
    recording.read(
        request, person, "planned_visit.read", entity="planned_visit",
        entity_id=row.planned_visit_id, detail={"students": [one[0] for one in row.students]},
    )  # fmt: skip
    start, end = families.span_of(listed.header)
    first = start - timedelta(days=start.weekday())
    every = [first + timedelta(days=7 * n) for n in range(-(-(end - first).days // 7))]
    # Nobody plans a visit for a week that is over; one that stands there may stay.
    over = rendering.today(request) - timedelta(days=7)
    weeks = tuple(one for one in every if one > over or one in (row.week, row.goes_in))
    view = MovePage(
        visit=plan_words.planned(row, spoken, letter=state.planning.letter),
        revision=row.revision,
        stands_in=row.goes_in,
        weeks=weeks,
        slots=SLOTS,
        staff=tuple(
            (id_, name)
            for id_, name in sorted(staff.items(), key=lambda one: one[1])
            if id_ != row.lead_staff_id
        ),
        back=f"/lists/{row.visit_list_id}/plan",
        sent=Sent(_typed(row, every)) if sent is None else sent,
        against=against,
        fault=fault,
    )
    return rendering.page(request, "move.html", view, person=person, status=status)
