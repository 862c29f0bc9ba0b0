"""A draft before it is published: against the last list, over the classes, for groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.errors import ArtifactError, Conflict
from earlywarning.io import wording
from earlywarning.io.register import list_views, lists, names
from earlywarning.io.register.lists import DRAFT, PUBLISHED, ListRow
from earlywarning.io.register.models import ClassGroup, Student, VisitListItem, VisitListStudent
from earlywarning_api import access, lookup
from earlywarning_api.pages import list_content, rendering, visitor, work
from earlywarning_api.pages.list_content import Overview

router = APIRouter()

Coordinator = Annotated[access.Person, Depends(visitor.may("visit_lists"))]
MANY = 10
"""Of fewer students than this, a share says nothing."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """How many of a class's students are on the list, now and on the last one."""

    name: str
    students: int
    listed: int
    before: int | None


@dataclass(frozen=True, slots=True)
class TrackRow:
    """Families on the list for one kind of visit, now and on the last one."""

    track: str
    listed: int
    before: int | None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """How many of a group are listed for concern; `share` is of 100, None for small groups."""

    kind: str
    value: str
    students: int
    listed: int
    share: int | None


@dataclass(frozen=True, slots=True)
class Decides:
    """What an area of the list rests on."""

    outcome: str
    estimator: str
    why: str


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A draft and what speaks for or against publishing it.

    Attributes
    ----------
    kept, new : int
        Listed families that were, and were not, on the last list.
    stale : bool
        Newer data was imported after the draft was made.
    early : bool
        Its quarter has not begun: what is recorded until then would be missing.
    gone : int
        Families that were on the last list and are not on this one.
    tracks : tuple of TrackRow
    missing : tuple of str
        What was missing of the quarter before, in words, where it was looked at.
    may_draft : bool
        Whether it can be made again on a page.
    fault : str or None
        `raced`: somebody published first, or the draft was made again.
    """

    overview: Overview
    sha: str
    last: Overview | None
    total: int
    kept: int
    new: int
    gone: int
    tracks: tuple[TrackRow, ...]
    missing: tuple[str, ...]
    may_draft: bool
    without_capacity: int
    classes: tuple[ClassRow, ...]
    groups: tuple[GroupRow, ...]
    decides: tuple[Decides, ...]
    stale: bool
    early: bool
    published_by: str | None
    published_at: datetime | None
    fault: str | None


@router.get("/lists/{visit_list_id}/review")
def review(request: Request, person: Coordinator, visit_list_id: str) -> Response:
    """The draft, looked at as a whole."""
    return _page(request, person, visit_list_id)


@router.post("/lists/{visit_list_id}/publication")
def publish(
    request: Request,
    person: Coordinator,
    visit_list_id: str,
    sha: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Publish the draft as it was seen; once, and whoever comes second sees who did."""
    state = request.app.state
    with state.register.session() as session:
        row = _found(session, person, visit_list_id)
    if row.status == PUBLISHED or row.frozen_sha256 != sha:
        return _page(request, person, visit_list_id, fault="raced", status=409)
    if row.snapshot_id != state.register.current_snapshot():
        return _page(request, person, visit_list_id, status=409)
    try:
        lists.publish_drafts(state.register, [row], by=person.actor, at=state.clock())
    except (Conflict, ArtifactError):
        return _page(request, person, visit_list_id, fault="raced", status=409)
    return rendering.see_other(f"/lists/{visit_list_id}/review")


def _found(session: Session, person: access.Person, visit_list_id: str) -> ListRow:
    if not access.may_publish(person):
        raise HTTPException(403)
    return lookup.visit_list(session, person, visit_list_id)


def _page(
    request: Request,
    person: access.Person,
    visit_list_id: str,
    *,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    spoken = rendering.language(request)
    register = request.app.state.register
    current = register.current_snapshot()
    with register.session() as session:
        row = _found(session, person, visit_list_id)
        schools = list_views.school_names(session)
        before = _last(session, person, row)
        keys = _listed(session, row.visit_list_id)
        earlier = _listed(session, before.visit_list_id) if before else set()
        classes = _classes(session, row, before)
        groups = _groups(session, row)
        tracks = _tracks(session, row, before)
        by = names.of(session, row.published_by)
        made = work.of_list(session, person, row.visit_list_id)
    view = ReviewPage(
        overview=list_content.overview(row, schools),
        sha=row.frozen_sha256,
        last=None if before is None else list_content.overview(before, schools),
        total=len(keys),
        kept=len(keys & earlier),
        new=len(keys - earlier),
        gone=len(earlier - keys),
        tracks=tracks,
        missing=() if made is None else work.missing_words(made, schools, spoken),
        may_draft=request.app.state.work is not None,
        without_capacity=row.header["counts"].get("leads_without_capacity", 0),
        classes=classes,
        groups=groups,
        decides=tuple(
            Decides(
                wording.say(f"outcome.{name}", spoken),
                wording.say(f"estimator.{model['estimator']}", spoken),
                wording.why_text(model["why"], spoken),
            )
            for name, model in row.header["models"].items()
        ),
        stale=row.status == DRAFT and row.snapshot_id != current,
        early=row.status == DRAFT and row.as_of_date > rendering.today(request),
        published_by=by,
        published_at=row.published_at,
        fault=fault,
    )
    return rendering.page(request, "review.html", view, person=person, status=status)


def _last(session: Session, person: access.Person, row: ListRow) -> ListRow | None:
    """The published list before this one."""
    rows = list_views.visit_lists(session, access.visible_lists(person).ids)
    older = (one for one in rows if one.status == PUBLISHED and one.as_of_date < row.as_of_date)
    return next((one for one in older if one.school_id == row.school_id), None)


def _listed(session: Session, visit_list_id: str) -> set[str]:
    query = select(VisitListItem.household_key).where(
        VisitListItem.visit_list_id == visit_list_id, VisitListItem.position.is_not(None)
    )
    return set(session.scalars(query))


def _classes(session: Session, row: ListRow, before: ListRow | None) -> tuple[ClassRow, ...]:
    now = _by_class(session, row.visit_list_id)
    then = _by_class(session, before.visit_list_id) if before else {}
    return tuple(
        ClassRow(name, total, listed, then.get(class_id, (name, 0, None))[2])
        for class_id, (name, total, listed) in now.items()
    )


def _tracks(session: Session, row: ListRow, before: ListRow | None) -> tuple[TrackRow, ...]:
    now = _by_track(session, row.visit_list_id)
    then = None if before is None else _by_track(session, before.visit_list_id)
    names_ = sorted({*now, *(then or {})}, key=lambda one: -now.get(one, 0))
    return tuple(
        TrackRow(one, now.get(one, 0), None if then is None else then.get(one, 0)) for one in names_
    )


def _by_track(session: Session, visit_list_id: str) -> dict[str, int]:
    query = (
        select(VisitListItem.track, func.count())
        .where(
            VisitListItem.visit_list_id == visit_list_id,
            VisitListItem.position.is_not(None),
            VisitListItem.track.is_not(None),
        )
        .group_by(VisitListItem.track)
    )
    return {str(track): count for track, count in session.execute(query)}


def _by_class(session: Session, visit_list_id: str) -> dict[str, tuple[str, int, int]]:
    listed = func.count().filter(VisitListItem.position.is_not(None))
    query = (
        select(ClassGroup.class_id, ClassGroup.name, func.count(), listed)
        .join(VisitListStudent, VisitListStudent.class_id == ClassGroup.class_id)
        .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
        .where(VisitListItem.visit_list_id == visit_list_id)
        .group_by(ClassGroup.class_id, ClassGroup.name, ClassGroup.grade_level)
        .order_by(ClassGroup.grade_level, ClassGroup.name)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in session.execute(query)}


def _groups(session: Session, row: ListRow) -> tuple[GroupRow, ...]:
    concern = func.count().filter(VisitListItem.band == "visit_first")
    found: list[GroupRow] = []
    for kind, column in (("sex", Student.sex), ("grade_level", ClassGroup.grade_level)):
        query = (
            select(column, func.count(), concern)
            .select_from(VisitListStudent)
            .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
            .join(Student, Student.student_id == VisitListStudent.student_id)
            .outerjoin(ClassGroup, ClassGroup.class_id == VisitListStudent.class_id)
            .where(VisitListItem.visit_list_id == row.visit_list_id, column.is_not(None))
            .group_by(column)
            .order_by(column)
        )
        found += _rows(kind, [tuple(one) for one in session.execute(query)])
    return tuple(found)


def _rows(kind: str, counted: Sequence[tuple]) -> list[GroupRow]:
    return [
        GroupRow(kind, str(value), total, listed,
                 round(100 * listed / total) if total >= MANY else None)
        for value, total, listed in counted
    ]  # fmt: skip
