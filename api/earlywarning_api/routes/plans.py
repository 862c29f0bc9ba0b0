"""Plans: made from a list, looked at, changed by hand; letters; families without rank."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from earlywarning.errors import NotFound
from earlywarning.io import wording
from earlywarning.io.register import plan_views, plans
from earlywarning.io.register.plan_views import PlannedRow
from earlywarning.io.register.plans import AgainstWishes
from earlywarning_api import access, lookup, plan_schemas, plan_words, recording
from earlywarning_api.preconditions import IfMatch, etag, require
from earlywarning_api.problems import FieldError, answer, declared
from earlywarning_api.representation import language

router = APIRouter(tags=["plans"])

Reader = Annotated[access.Person, Depends(access.to("plans"))]
Mover = Annotated[access.Person, Depends(access.to("planned_visits"))]
Planner = Annotated[access.Person, Depends(access.to("planning"))]
ListReader = Annotated[access.Person, Depends(access.to("visit_lists"))]
ListId = Annotated[str, Path(description="From `GET /visit_lists`.")]
PlannedId = Annotated[str, Path(description="From the plan.")]


@router.get(
    "/visit_lists/{visit_list_id}/plan",
    response_model=plan_schemas.PlanView,
    responses=declared(401, 403, 404),
)
def plan(request: Request, person: Reader, visit_list_id: ListId) -> Response:
    """The plan of a list; a teacher sees their own visits and those they accompany."""
    return _plan(request, person, visit_list_id)


@router.post(
    "/visit_lists/{visit_list_id}/plan",
    response_model=plan_schemas.PlanView,
    responses=declared(401, 403, 404, 409),
)
def make(request: Request, person: Planner, visit_list_id: ListId) -> Response:
    """Plan a published list, or plan it again. What people set by hand stays as it is."""
    state, now = request.app.state, recording.now(request)
    with state.register.session() as session:
        found = lookup.visit_list(session, person, visit_list_id)
    plans.make(
        state.register, visit_list_id, quarter=state.calendar.quarter(found.quarter),
        rules=state.planning, by=person.name or person.actor, actor=person.actor, at=now.at,
        today=now.today,
    )  # fmt: skip
    return _plan(request, person, visit_list_id)


@router.get(
    "/planned_visits/{planned_visit_id}",
    response_model=plan_schemas.PlannedVisitView,
    responses=declared(401, 403, 404),
)
def planned_visit(request: Request, person: Reader, planned_visit_id: PlannedId) -> Response:
    """One planned visit."""
    with request.app.state.register.session() as session:
        row = lookup.planned_visit(session, person, planned_visit_id)
    recording.read(
        request, person, "planned_visit.read", entity="planned_visit",
        entity_id=planned_visit_id, detail={"students": [one[0] for one in row.students]},
    )  # fmt: skip
    return _one(request, row)


@router.patch(
    "/planned_visits/{planned_visit_id}",
    response_model=plan_schemas.PlannedVisitView,
    responses=declared(401, 403, 404, 409, 412, 422, 428),
)
def move(
    request: Request,
    person: Mover,
    planned_visit_id: PlannedId,
    sent: plan_schemas.PlannedVisitChange,
    if_match: IfMatch,
) -> Response:
    """Set week, part of the week, companion or day of a visit by hand.

    Coordinators move any visit, teachers those they lead. A change against a wish is answered with
    409, each wish in `errors`; with `despite` it is kept, and the plan shows what is not met.
    """
    state = request.app.state
    with state.register.session() as session:
        row = lookup.own_planned_visit(session, person, planned_visit_id)
        _, quarter = plan_views.list_of(session, planned_visit_id) or ("", "")
    require(if_match, etag("planned_visit", planned_visit_id, row.revision))
    wanted = plans.Change(
        week=sent.week, slot=sent.slot, companion=sent.companion_staff_id, on_date=sent.on_date,
        pinned=sent.pinned,
    )  # fmt: skip
    try:
        _change(request, person, row, wanted, quarter, sent.despite)
    except AgainstWishes as error:
        spoken = language(request)
        wishes = [
            FieldError(pointer="/body/despite", detail=wording.say(f"wish.{code}", spoken))
            for code in error.wishes
        ]
        return answer(request.scope, 409, errors=wishes)
    with state.register.session() as session:
        return _one(request, lookup.planned_visit(session, person, planned_visit_id))


def _change(
    request: Request,
    person: access.Person,
    row: PlannedRow,
    wanted: plans.Change,
    quarter: str,
    despite: bool,
) -> None:
    state = request.app.state
    with recording.told():
        plans.change(
            state.register, row.planned_visit_id, wanted, revision=row.revision,
            quarter=state.calendar.quarter(quarter), rules=state.planning, despite=despite,
            by=person.actor, actor=person.actor, at=state.clock(),
        )  # fmt: skip


@router.post(
    "/planned_visits/{planned_visit_id}/letter",
    response_model=plan_schemas.LetterView,
    responses=declared(401, 403, 404),
)
def letter(request: Request, person: Mover, planned_visit_id: PlannedId) -> Response:
    """The number of the visit's assignment letter: the next one of the school's year, once."""
    state, now = request.app.state, recording.now(request)
    with state.register.session() as session:
        lookup.own_planned_visit(session, person, planned_visit_id)
    number, on = plans.letter(
        state.register, planned_visit_id, on=now.today, actor=person.actor, at=now.at
    )
    text = plans.letter_text(number, on, state.planning.letter)
    return recording.answer(request, plan_schemas.LetterView(letter_number=text, letter_date=on))


@router.get(
    "/visit_lists/{visit_list_id}/unranked",
    response_model=plan_schemas.Unranked,
    responses=declared(401, 403, 404),
)
def unranked(request: Request, person: ListReader, visit_list_id: ListId) -> Response:
    """Families without rank: an objection, moved, nobody at home, … A person decides about each."""
    with request.app.state.register.session() as session:
        lookup.visit_list(session, person, visit_list_id)
        rows = plan_views.unranked(session, access.visible_students(person).ids, visit_list_id)
    spoken = language(request)
    recording.read(
        request, person, "visit_list.unranked_read", entity="visit_list",
        entity_id=visit_list_id,
        detail={"students": [child[0] for row in rows for child in row.students]},
    )  # fmt: skip
    view = plan_schemas.Unranked(
        visit_list_id=visit_list_id,
        families=[plan_words.unranked(row, spoken) for row in rows],
    )
    return recording.answer(request, view)


def _plan(request: Request, person: access.Person, visit_list_id: str) -> Response:
    with request.app.state.register.session() as session:
        lookup.visit_list(session, person, visit_list_id)
        row = plan_views.plan_of(
            session, access.visible_students(person).ids, visit_list_id, staff_id=person.staff_id
        )
    if row is None:
        raise NotFound(f"list {visit_list_id} has no plan yet")
    recording.read(
        request, person, "plan.read", entity="visit_list", entity_id=visit_list_id,
        detail=plan_words.shown(row),
    )  # fmt: skip
    view = plan_words.plan(row, language(request), letter=request.app.state.planning.letter)
    return recording.answer(request, view, etag=etag("plan", row.plan_id, row.revision))


def _one(request: Request, row: PlannedRow) -> Response:
    view = plan_words.planned(row, language(request), letter=request.app.state.planning.letter)
    return recording.answer(request, view, etag=view.etag)
