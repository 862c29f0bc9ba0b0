"""Visits that teachers recorded become facts, so that the next list and the next models know them.

They are a source of their own: what was recorded since the last time is added, what was taken back
ends, and a visit that a school's file has told already is not counted twice. One snapshot, all of
it or nothing; without anything new the facts stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from earlywarning.calendar import day_number
from earlywarning.errors import Conflict
from earlywarning.io import versions
from earlywarning.io.facts import FactStore, part_of
from earlywarning.io.register import recorded_visits
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import local_day
from earlywarning.records.tables import FACT_TABLES
from earlywarning.visits import past
from earlywarning_pipelines import ingest

TABLE = "visit"
KEY = ["visit_id", "student_id"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it.

    Attributes
    ----------
    added, changed, ended : int
        Visits of a child that are new, are told otherwise, or were taken back.
    snapshot_id : str or None
        The facts that are current now; None before the first import.
    """

    added: int
    changed: int
    ended: int
    snapshot_id: str | None


def take_in(
    *,
    store: FactStore,
    register: Register,
    timezone: str,
    at: datetime,
    wait_seconds: float = 5.0,
) -> Taken:
    """Bring the facts up to what is recorded.

    Parameters
    ----------
    timezone : str
        Of the school; a visit is known from the day on which it was entered there.
    at : datetime
        Now, UTC without zone.

    Raises
    ------
    Conflict
        Another import is running.
    """
    if register.current_snapshot() is None:
        return Taken(0, 0, 0, None)
    with store.only_writer(wait_seconds=wait_seconds):
        base = register.current_snapshot()
        before = store.read(base, TABLE)
        now = versions.current(before)
        files = now.filter(~past.recorded())
        told = past.without_told_before(recorded_visits.frame(register, timezone=timezone), files)
        gone = now.filter(past.recorded()).join(told, on=KEY, how="anti").select(KEY)
        day = day_number(local_day(at, timezone))
        merged = versions.merge(
            before, told, table=FACT_TABLES[TABLE], delivery_day=day, withdrawn=gone
        )
        taken = Taken(merged.added, merged.changed, gone.height, base)
        if merged.same and not gone.height:
            return taken
        with store.writer(base=base) as writer:
            parts = merged.rows.with_columns(part_of(TABLE).alias("_part"))
            left = set(store.parts(base, TABLE))
            for (part,), rows in parts.group_by("_part", maintain_order=True):
                writer.put(TABLE, str(part), rows.drop("_part"))
                left.discard(str(part))
            for part in left:
                writer.put(TABLE, part, pl.DataFrame(schema=before.schema))
            snapshot = writer.finish()
        with register.session(writing=True) as session:
            if ingest.current(session) != base:
                raise Conflict("other facts were imported meanwhile; do it again")
            ingest.make_current(session, snapshot, at)
            session.commit()
        return Taken(taken.added, taken.changed, taken.ended, snapshot.id)
