"""What a visit list's page, sheet and file show, put together from the register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from earlywarning.calendar import Quarter
from earlywarning.io import wording
from earlywarning.io.register import families, list_progress, list_views
from earlywarning.io.register.list_progress import Standing
from earlywarning.io.register.list_views import ItemRow, StudentRow, Students
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import VisitListItem
from earlywarning.visits.capacity import BANDS
from earlywarning.visits.frozen import district_of
from earlywarning_api import access, cursor
from earlywarning_api.pages import rendering

VIEWS = ("", "not_visited", "scheduled", "overdue", "no_contact", "visited")
SHOWN_BANDS = tuple(band for band in BANDS if band != "keep_watching")
TRACKS = ("concern", "preventive", "sick_child", "good_news", "requested")


@dataclass(frozen=True, slots=True)
class Child:
    """A child of a listed family, in words."""

    student_id: str
    name: str
    class_name: str | None
    reasons: tuple[str, ...]
    completeness: str


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the list.

    Attributes
    ----------
    place : int
        On the lead's part of the list, 1 first.
    position : int
        On the whole list, lead by lead.
    plain : bool
        Listed for concern without a fact that stands out; the row then says so.
    status : str
        One of `recording.FAMILY_STATUSES`.
    last_visit, planned : date or None
    """

    item_id: str
    place: int
    position: int
    band: str
    track: str
    children: tuple[Child, ...]
    plain: bool
    status: str
    last_visit: date | None
    planned: date | None


@dataclass(frozen=True, slots=True)
class Part:
    """The families that one teacher leads."""

    lead: str
    families: tuple[Family, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What is shown of a list; stands in the address, so that it can be kept and sent."""

    class_id: str = ""
    track: str = ""
    band: str = ""
    view: str = ""

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.class_id or self.track or self.band or self.view)

    def at(self, view: str) -> str:
        """The same filters with another saved view, as the query of an address."""
        return Filters(self.class_id, self.track, self.band, view).query()

    def query(self, **more: str) -> str:
        """The filters as the query of an address, empty ones left out."""
        values = {"class": self.class_id, "track": self.track, "band": self.band}
        values |= {"view": self.view} | more
        kept = {name: value for name, value in values.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A part of the list that is asked for often; `code` is empty for all of it."""

    code: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """A list among the others."""

    visit_list_id: str
    quarter: Quarter
    status: str
    school_name: str
    as_of: date
    made_at: datetime
    published_at: datetime | None
    published_by: str | None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a visit list.

    Attributes
    ----------
    parts : tuple of Part
        Lead by lead, in the order of the list.
    shown, total, visited : int
        Families on this page, on the list as far as the reader may see it, and of these visited.
    views : tuple of SavedView
    classes : tuple of (id, name)
        To filter by.
    following, first : str or None
        Addresses of the next and of the first page.
    others : tuple of Overview
        Lists of other quarters.
    """

    overview: Overview
    parts: tuple[Part, ...]
    shown: int
    total: int
    visited: int
    filters: Filters
    views: tuple[SavedView, ...]
    classes: tuple[tuple[str, str], ...]
    bands: tuple[str, ...]
    tracks: tuple[str, ...]
    following: str | None
    first: str | None
    others: tuple[Overview, ...]
    empty: str
    rules: tuple[str, ...]


def listed(
    request: Request,
    person: access.Person,
    visit_list_id: str,
    filters: Filters,
    *,
    after: str | None,
    limit: int | None,
) -> ListPage:
    """What a person may see of a list; 404 for one that is not theirs to know of."""
    bound_to = (visit_list_id, filters.class_id, filters.track, filters.band, filters.view)
    start = cursor.position(after, bound_to)
    visible = access.visible_students(person).ids
    spoken = rendering.language(request)
    with request.app.state.register.session() as session:
        lists = list_views.visit_lists(session, access.visible_lists(person).ids)
        row = next((one for one in lists if one.visit_list_id == visit_list_id), None)
        if row is None:
            raise HTTPException(404)
        standings = _standings(session, visible, row, rendering.today(request))
        rows = list_views.items(
            session,
            visible,
            visit_list_id,
            class_id=filters.class_id or None,
            track=filters.track or None,
            band=filters.band or None,
            among=_among(standings, filters.view),
            after=start,
            limit=None if limit is None else limit + 1,
        )
        counts = list_views.counts(session, visible, visit_list_id)
        starts = list_views.first_positions(session, visit_list_id)
        classes = list_views.classes(session, visible, visit_list_id)
        schools = list_views.school_names(session)
    page = rows if limit is None else rows[:limit]
    following = None
    if len(rows) > len(page):
        following = filters.query(after=cursor.made(page[-1].position, bound_to))
    return ListPage(
        overview=overview(row, schools),
        parts=_parts(page, starts, counts, standings, spoken),
        shown=len(page),
        total=sum(counts.values()),
        visited=sum(one.status == "visited" for one in standings.values()),
        views=_views(standings, filters.view),
        filters=filters,
        classes=tuple(classes),
        bands=SHOWN_BANDS,
        tracks=TRACKS,
        following=following,
        first=filters.query() or f"/lists/{visit_list_id}" if start else None,
        others=tuple(
            overview(one, schools)
            for one in lists
            if one.school_id == row.school_id and one is not row
        ),
        empty=_why_empty(row, person, filters, total=sum(counts.values())),
        rules=tuple(
            wording.say(f"outcome.{name}", spoken)
            for name, model in row.header["models"].items()
            if model["serves"] == "rule"
        ),
    )


def _standings(
    session: Session, visible: Students, row: ListRow, today: date
) -> dict[str, Standing]:
    start, end = families.span_of(row.header)
    return list_progress.standings(
        session, visible, row.visit_list_id, start=start, end=end, today=today
    )


def _among(standings: Mapping[str, Standing], view: str) -> Select[Any] | None:
    """A query for the families of a saved view."""
    if not view:
        return None
    wanted = [one.item_id for one in standings.values() if one.status == view]
    return select(VisitListItem.item_id).where(VisitListItem.item_id.in_(wanted))


def _views(standings: Mapping[str, Standing], current: str) -> tuple[SavedView, ...]:
    return tuple(
        SavedView(
            code,
            sum(not code or one.status == code for one in standings.values()),
            code == current,
        )
        for code in VIEWS
    )


def overview(row: ListRow, schools: Mapping[str, str]) -> Overview:
    """A list without its families."""
    return Overview(
        visit_list_id=row.visit_list_id,
        quarter=district_of(row.header["district"]).calendar.quarter(row.quarter),
        status=row.status,
        school_name=schools[row.school_id],
        as_of=row.as_of_date,
        made_at=row.made_at,
        published_at=row.published_at,
        published_by=row.published_by,
    )


def _why_empty(row: ListRow, person: access.Person, filters: Filters, *, total: int) -> str:
    """Why no family is shown, as a code: filters, no capacity, or no family of this reader."""
    if filters.any and total:
        return "filters"
    only = access.only_lead(person)
    leads = [one for one in row.header["leads"] if only is None or one["lead"] == only]
    if leads and all(one["capacity"] == 0 for one in leads):
        return "capacity"
    return "nobody"


def _parts(
    rows: Sequence[ItemRow],
    starts: Mapping[str | None, int],
    counts: Mapping[str | None, int],
    standings: Mapping[str, Standing],
    spoken: str,
) -> tuple[Part, ...]:
    by_lead: dict[str | None, list[ItemRow]] = {}
    for row in rows:
        by_lead.setdefault(row.lead_staff_id, []).append(row)
    return tuple(
        Part(
            lead=some[0].lead_name or wording.say("lead.none", spoken),
            families=tuple(
                _family(row, starts[lead], standings[row.item_id], spoken) for row in some
            ),
            total=counts.get(lead, len(some)),
        )
        for lead, some in by_lead.items()
    )


def _family(row: ItemRow, start: int, standing: Standing, spoken: str) -> Family:
    children = tuple(child(one, spoken) for one in row.students)
    return Family(
        item_id=row.item_id,
        place=row.position - start + 1,
        position=row.position,
        band=row.band,
        track=row.track,
        children=children,
        plain=row.track == "concern" and not any(one.reasons for one in children),
        status=standing.status,
        last_visit=standing.last_visit,
        planned=standing.planned,
    )


def child(row: StudentRow, spoken: str) -> Child:
    """A child of a listed family, in words."""
    return Child(
        student_id=row.student_id,
        name=row.full_name or wording.say("name.unknown", spoken),
        class_name=row.class_name,
        reasons=tuple(
            wording.fact_text(one["code"], one["numbers"], spoken) for one in row.reasons
        ),
        completeness=wording.completeness_text(row.completeness, spoken),
    )
