"""Visits that were tried, as the register has them, for the facts: random ids and days only."""

from __future__ import annotations

import polars as pl
from sqlalchemy import select

from earlywarning.calendar import day_number
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import local_day
from earlywarning.io.register.visit_tables import Visit, VisitStudent
from earlywarning.visits.past import RECORDED, TRIED

SCHEMA = {
    "visit_id": pl.String(), "student_id": pl.String(), "day": pl.Int32(),
    "school_id": pl.String(), "status": pl.String(), "track": pl.String(),
    "known_day": pl.Int32(),
}  # fmt: skip


def frame(register: Register, *, timezone: str) -> pl.DataFrame:
    """Recorded visits for which somebody went there, a row a child.

    Those that found nobody, or a family that moved, too: the next list must not send a teacher to
    an old address, and how often families are reached is counted from them. Known from the day on
    which somebody entered them, never before the visit.
    """
    query = (
        select(
            Visit.visit_id, VisitStudent.student_id, Visit.day, Visit.school_id, Visit.status,
            Visit.track, Visit.entered_at,
        )
        .join(VisitStudent, VisitStudent.visit_id == Visit.visit_id)
        .where(Visit.status.in_(TRIED))
        .order_by(Visit.visit_id, VisitStudent.student_id)
    )  # fmt: skip
    with register.session() as session:
        rows = [
            (
                f"{RECORDED}{visit_id}", student_id, day_number(day), school_id, status, track,
                max(day_number(day), day_number(local_day(entered_at, timezone))),
            )
            for visit_id, student_id, day, school_id, status, track, entered_at in session.execute(
                query
            )
        ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
