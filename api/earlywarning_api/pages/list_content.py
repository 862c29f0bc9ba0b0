"""What a visit list's page, sheet and file show, put together from the register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from fastapi import HTTPException, Request

from earlywarning.calendar import Quarter
from earlywarning.io import wording
from earlywarning.io.register import list_progress, list_views
from earlywarning.io.register.list_progress import Standing
from earlywarning.io.register.list_views import ItemRow, StudentRow
from earlywarning.io.register.lists import PUBLISHED, ListRow
from earlywarning.visits.frozen import district_of
from earlywarning_api import access, cursor, kept, recording
from earlywarning_api.pages import rendering

VIEWS = ("", "not_visited", "scheduled", "overdue", "no_contact", "visited")
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
        On the lead's part of the list, in the order that holds today, 1 first.
    plain : bool
        Listed for concern without a fact that stands out; the row then says so.
    status : str
        One of `recording.FAMILY_STATUSES`.
    last_visit, planned : date or None
    decided : str or None
        What a person decided about its place: one of `overriding.ACTIONS`.
    """

    item_id: str
    place: int
    band: str
    track: str
    children: tuple[Child, ...]
    plain: bool
    status: str
    last_visit: date | None
    planned: date | None
    decided: str | None


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
    view: str = ""

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.class_id or self.track or self.view)

    def at(self, view: str) -> str:
        """The same filters with another saved view, as the query of an address."""
        return Filters(self.class_id, self.track, view).query()

    def query(self, **more: str) -> str:
        """The filters as the query of an address, empty ones left out."""
        values = {"class": self.class_id, "track": self.track, "view": self.view} | more
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
    tracks: tuple[str, ...]
    following: str | None
    first: str | None
    others: tuple[Overview, ...]
    empty: str
    may_record: bool
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
    """What a person may see of a list, read and noted in the audit; 404 for one not theirs."""
    view, (action, entity, entity_id, detail) = content(
        request, person, visit_list_id, filters, after=after, limit=limit
    )
    recording.read(request, person, action, entity=entity, entity_id=entity_id, detail=detail)
    return view


def content(
    request: Request,
    person: access.Person,
    visit_list_id: str,
    filters: Filters,
    *,
    after: str | None,
    limit: int | None,
) -> tuple[ListPage, kept.Reading]:
    """What a person may see of a list, and what the audit must be told of it."""
    bound_to = (visit_list_id, filters.class_id, filters.track, filters.view)
    start = cursor.position(after, bound_to)
    visible = access.visible_students(person).ids
    spoken = rendering.language(request)
    with request.app.state.register.session() as session:
        lists = list_views.visit_lists(session, access.visible_lists(person).ids)
        row = next((one for one in lists if one.visit_list_id == visit_list_id), None)
        if row is None:
            raise HTTPException(404)
        standings = list_progress.standings(
            session, visible, row,
            today=rendering.today(request), class_id=filters.class_id or None,
        )  # fmt: skip
        wanted = [one for one in standings.values() if _fits(one, filters) and one.overall > start]
        page = wanted if limit is None else wanted[:limit]
        items = list_views.items_by_id(
            session, visible, visit_list_id, [one.item_id for one in page]
        )
        classes = list_views.classes(session, visible, visit_list_id)
        schools = list_views.school_names(session)
    students = [one.student_id for row in items.values() for one in row.students]
    reading = ("visit_list.read", "visit_list", visit_list_id, {"students": students})
    following = None
    if len(wanted) > len(page):
        following = filters.query(after=cursor.made(page[-1].overall, bound_to))
    view = ListPage(
        overview=overview(row, schools),
        parts=_parts(page, items, standings, spoken),
        shown=len(page),
        total=len(standings),
        visited=sum(one.status == "visited" for one in standings.values()),
        views=_views(standings, filters.view),
        filters=filters,
        classes=tuple(classes),
        tracks=TRACKS,
        following=following,
        first=filters.query() or f"/lists/{visit_list_id}" if start else None,
        others=tuple(
            overview(one, schools)
            for one in lists
            if one.school_id == row.school_id and one is not row
        ),
        empty=_why_empty(row, person, filters, total=len(standings)),
        may_record=row.status == PUBLISHED and access.allowed(person, "visits"),
        rules=tuple(
            wording.say(f"outcome.{name}", spoken)
            for name, model in row.header["models"].items()
            if model["serves"] == "rule"
        ),
    )
    return view, reading


def _fits(standing: Standing, filters: Filters) -> bool:
    return (
        standing.in_class
        and filters.track in ("", standing.track)
        and filters.view in ("", standing.status)
    )


def _views(standings: Mapping[str, Standing], current: str) -> tuple[SavedView, ...]:
    return tuple(
        SavedView(
            code,
            sum(not code or one.status == code for one in standings.values()),
            code == current,
        )
        for code in VIEWS
    )


def quarter_of(row: ListRow) -> Quarter:
    """A list's quarter, by the calendar of then."""
    return district_of(row.header["district"]).calendar.quarter(row.quarter)


def overview(row: ListRow, schools: Mapping[str, str]) -> Overview:
    """A list without its families."""
    return Overview(
        visit_list_id=row.visit_list_id,
        quarter=quarter_of(row),
        status=row.status,
        school_name=schools[row.school_id],
        as_of=row.as_of_date,
        made_at=row.made_at,
        published_at=row.published_at,
        published_by=row.published_by,
    )


def _why_empty(row: ListRow, person: access.Person, filters: Filters, *, total: int) -> str:
    """Why no family is shown, as a code: filters, a role of counts, no capacity, nobody's."""
    if filters.any and total:
        return "filters"
    if person.role == "principal":
        return "counts"
    only = access.only_lead(person)
    leads = [one for one in row.header["leads"] if only is None or one["lead"] == only]
    if leads and all(one["capacity"] == 0 for one in leads):
        return "capacity"
    return "nobody"


def _parts(
    page: Sequence[Standing],
    items: Mapping[str, ItemRow],
    standings: Mapping[str, Standing],
    spoken: str,
) -> tuple[Part, ...]:
    by_lead: dict[str | None, list[Standing]] = {}
    for one in page:
        by_lead.setdefault(one.lead_staff_id, []).append(one)
    return tuple(
        Part(
            lead=items[some[0].item_id].lead_name or wording.say("lead.none", spoken),
            families=tuple(_family(items[one.item_id], one, spoken) for one in some),
            total=sum(one.lead_staff_id == lead for one in standings.values()),
        )
        for lead, some in by_lead.items()
    )


def _family(row: ItemRow, standing: Standing, spoken: str) -> Family:
    children = tuple(child(one, spoken) for one in row.students)
    decided = standing.decided
    return Family(
        item_id=row.item_id,
        place=standing.place,
        band=row.band,
        track=row.track,
        children=children,
        plain=row.track == "concern" and not any(one.reasons for one in children),
        status=standing.status,
        last_visit=standing.last_visit,
        planned=standing.planned,
        decided=decided.action if decided else None,
    )


def child(row: StudentRow, spoken: str) -> Child:
    """A child of a listed family, in words."""
    return Child(
        student_id=row.student_id,
        name=row.full_name or wording.say("name.unknown", spoken),
        class_name=row.class_name,
        reasons=wording.fact_texts(row.reasons, spoken),
        completeness=wording.completeness_text(row.completeness, spoken),
    )
