"""What was imported, and when: the first thing to look at when a list surprises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from starlette.responses import Response

from earlywarning.io.register.models import ImportBatch
from earlywarning_api import access
from earlywarning_api.pages import rendering, visitor

router = APIRouter()

SHOWN = 20
TABLES = (
    "student", "enrollment", "staff", "class_group", "guardian", "attendance",
    "attendance_summary", "behaviour", "grade", "visit",
)  # fmt: skip
"""Kinds of records that are counted for people, in this order."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import.

    Attributes
    ----------
    rows : tuple of (table, int)
        Rows taken, by kind of record.
    waiting : int
        Names that wait for a person to say whose they are.
    """

    source: str
    delivered_on: date
    finished_at: datetime
    files: tuple[str, ...]
    rows: tuple[tuple[str, int], ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class DataPage:
    """The newest imports."""

    imports: tuple[Import, ...]
    may_import: bool


@router.get("/data")
def data(
    request: Request, person: Annotated[access.Person, Depends(visitor.may("models"))]
) -> Response:
    """The newest imports, newest first."""
    query = select(ImportBatch).order_by(ImportBatch.finished_at.desc()).limit(SHOWN)
    with request.app.state.register.session() as session:
        found = session.scalars(query).all()
    may = access.allowed(person, "imports") and request.app.state.desk is not None
    view = DataPage(tuple(_import(one) for one in found), may)
    return rendering.page(request, "data.html", view, person=person)


def _import(row: ImportBatch) -> Import:
    counted = row.counts.get("rows", {})
    waiting = row.counts.get("waiting") or {}
    return Import(
        source=row.source,
        delivered_on=row.delivered_on,
        finished_at=row.finished_at,
        files=tuple(str(one.get("name", "–")) for one in row.files),
        rows=tuple((table, counted[table]) for table in TABLES if counted.get(table)),
        waiting=sum(value for value in waiting.values() if isinstance(value, int)),
    )
