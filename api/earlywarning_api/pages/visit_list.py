"""The visit list: which families, in which order, why, and how far their visits are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from earlywarning.io import wording
from earlywarning.io.cells import csv_bytes
from earlywarning.io.register import list_views
from earlywarning.io.register.lists import DRAFT
from earlywarning_api import access, kept
from earlywarning_api.pages import rendering, visitor
from earlywarning_api.pages.list_content import Filters, ListPage, content, listed

PAGE = 50

CSV_COLUMNS = (
    "place", "band", "track", "lead", "class", "student", "reasons", "completeness",
)  # fmt: skip

router = APIRouter()

Reader = Annotated[access.Person, Depends(visitor.may("visit_lists"))]
ClassId = Annotated[str, Query(alias="class", max_length=160, pattern=r"^[^\x00-\x1f]*$")]
Track = Annotated[
    Literal["", "concern", "preventive", "sick_child", "good_news", "requested"], Query()
]
View = Annotated[
    Literal["", "not_visited", "scheduled", "overdue", "no_contact", "visited"], Query()
]


@dataclass(frozen=True, slots=True)
class FirstRun:
    """There is no list yet."""

    role: str


@router.get("/lists")
def newest(request: Request, person: Reader) -> Response:
    """Go to the newest list that has begun; say what is missing where there is none."""
    today = rendering.today(request)
    with request.app.state.register.session() as session:
        rows = list_views.visit_lists(session, access.visible_lists(person).ids)
    published = [row for row in rows if row.status != DRAFT] or rows
    begun = [row for row in published if row.as_of_date <= today] or published
    if begun:
        return rendering.see_other(f"/lists/{begun[0].visit_list_id}")
    return rendering.page(request, "no_list.html", FirstRun(person.role), person=person)


@router.get("/lists/{visit_list_id}")
def visit_list(
    request: Request,
    person: Reader,
    visit_list_id: str,
    class_id: ClassId = "",
    track: Track = "",
    view: View = "",
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """One page of a list, by filters that stand in the address."""
    filters = Filters(class_id, track, view)

    def made() -> tuple[Response, kept.Reading]:
        found, reading = content(request, person, visit_list_id, filters, after=after, limit=PAGE)
        return rendering.page(request, "visit_list.html", found, person=person), reading

    return kept.keeping(request, person, made)


@router.get("/lists/{visit_list_id}/print")
def printed(
    request: Request,
    person: Reader,
    visit_list_id: str,
    class_id: ClassId = "",
    track: Track = "",
    view: View = "",
) -> Response:
    """The whole list as a sheet of A4, without address or phone."""
    filters = Filters(class_id, track, view)
    found = listed(request, person, visit_list_id, filters, after=None, limit=None)
    return rendering.page(request, "visit_list_print.html", found, person=person)


@router.get("/lists/{visit_list_id}/list.csv")
def downloaded(
    request: Request,
    person: Reader,
    visit_list_id: str,
    class_id: ClassId = "",
    track: Track = "",
    view: View = "",
) -> Response:
    """The list as a file for a spreadsheet, by the same filters; no cell is a formula."""
    filters = Filters(class_id, track, view)
    found = listed(request, person, visit_list_id, filters, after=None, limit=None)
    spoken = rendering.language(request)
    name = f"visit-list-{found.overview.quarter.code}.csv"
    return Response(
        csv_bytes(CSV_COLUMNS, _cells(found, spoken)),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        media_type="text/csv; charset=utf-8; header=present",
    )


def _cells(view: ListPage, spoken: str) -> list[tuple[str | int, ...]]:
    return [
        (
            row.place, wording.band_text(row.band, spoken), wording.track_text(row.track, spoken),
            part.lead, one.class_name or "", one.name, "; ".join(one.reasons), one.completeness,
        )
        for part in view.parts
        for row in part.families
        for one in row.children
    ]  # fmt: skip
