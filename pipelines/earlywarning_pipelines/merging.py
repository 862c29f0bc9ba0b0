"""The merge of one delivery into the facts: table by table, school year by school year."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from earlywarning.io import stretches, versions
from earlywarning.io.delivery import Delivery, labels_of
from earlywarning.io.facts import FactStore, SnapshotWriter, part_of
from earlywarning.io.intake import Intake
from earlywarning.io.marks import Marks
from earlywarning.io.roster import Roster, Stored
from earlywarning.records.tables import FACT_TABLES
from earlywarning.visits import past

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of one table: rows or facts."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


class Merging:
    """Writes the facts after a delivery, as far as they differ from those before.

    Attributes
    ----------
    counts : dict of fact table to Counts
    stays : DataFrame
        Every stretch in a class that holds from now on; see `stretches.Settled`.
    refused : list of DataFrame
        Rows that only the facts can judge (`records.faults.REFUSAL_SCHEMA`).
    """

    def __init__(
        self, store: FactStore, base: str | None, writer: SnapshotWriter, delivery_day: int
    ) -> None:
        self.store = store
        self.base = base
        self.writer = writer
        self.day = delivery_day
        self.counts: dict[str, Counts] = {}
        self.stays = pl.DataFrame()
        self.refused: list[pl.DataFrame] = []

    def add(
        self, source: Intake, delivery: Delivery, grade_levels: pl.DataFrame, tell: Progress
    ) -> None:
        """Every table of the delivery."""
        before = self.store.read(self.base, "enrollment")
        told = source.enrollment(grade_levels)
        settled = stretches.settle(before, told, delivery_day=self.day)
        self._merge("enrollment", settled.incoming, withdrawn=settled.withdrawn)
        self.stays = settled.now
        roster = Roster(versions.current(before).select(stretches.PLACES), settled.now)
        self._attendance(source, delivery, roster, tell)
        for table, batches in (
            ("attendance_summary", source.attendance_summary()),
            ("behaviour_event", source.behaviour_event()),
            ("grade", source.grade(settled.now)),
            ("visit", self._not_recorded(source.visit())),
        ):
            self._merge_all(table, batches, tell)

    def _not_recorded(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Visits of a file, without those that teachers have recorded here already."""
        now = versions.current(self.store.read(self.base, "visit"))
        known = now.filter(past.recorded())
        for rows in batches:
            yield past.without_told_before(rows, known)

    def _attendance(
        self, source: Intake, delivery: Delivery, roster: Roster, tell: Progress
    ) -> None:
        total = max(len(set(delivery.store.parts("attendance"))), 1)
        label = _label(delivery)
        done = 0
        left = set(self.store.parts(self.base, "register_day")) if roster.changed.height else set()
        for year, months in groupby(source.marks(roster), key=lambda pair: pair[0]):
            left.discard(year)
            marks = self._marks(year, roster)
            for _, month in months:
                tell("attendance", done, total)
                held, refused = source.on_school_days(month, label)
                assumed = source.assumed_days(month, self.stays)
                self.refused += [refused, marks.month(held, assumed=assumed, label=label)]
                done += 1
            self._finish(marks)
        for year in sorted(left):
            self._finish(self._marks(year, roster))
        tell("attendance", total, total)

    def _marks(self, year: str, roster: Roster) -> Marks:
        stored = Stored(
            self.store.read_part(self.base, "register_day", year),
            self.store.read_part(self.base, "attendance_event", year),
            roster,
        )
        return Marks(roster, stored, delivery_day=self.day)

    def _finish(self, marks: Marks) -> None:
        marks.finish()
        self._merge("register_day", marks.register_rows())
        self._merge("attendance_event", marks.event_rows(), history=marks.history_rows())

    def _merge_all(self, table: str, batches: Iterable[pl.DataFrame], tell: Progress) -> None:
        """Batches of one school year follow each other, or are all there are."""
        tell(table, 0, 1)
        for _, frames in groupby(batches, key=lambda frame: _parts(frame, table)):
            self._merge(table, pl.concat(frames))
        tell(table, 1, 1)

    def _merge(
        self,
        table: str,
        rows: pl.DataFrame,
        *,
        history: pl.DataFrame | None = None,
        withdrawn: pl.DataFrame | None = None,
    ) -> None:
        parts = set(_parts(rows, table))
        if withdrawn is not None:
            parts |= set(_parts(withdrawn, table))
        one = len(parts) == 1
        for part in sorted(parts):
            here = part_of(table) == part
            stored = self.store.read_part(self.base, table, part)
            merged = versions.merge(
                stored,
                rows if one else rows.filter(here),
                table=FACT_TABLES[table],
                delivery_day=self.day,
                history=history if one or history is None else history.filter(here),
                withdrawn=withdrawn,
            )
            if not merged.same or (withdrawn is not None and withdrawn.height):
                self.writer.put(table, part, merged.rows)
            new = Counts(merged.added, merged.changed, merged.unchanged)
            self.counts[table] = self.counts.get(table, Counts()) + new


def _parts(rows: pl.DataFrame, table: str) -> list[str]:
    return sorted(rows.select(part_of(table).alias("part"))["part"].unique().to_list())


def _label(delivery: Delivery) -> str:
    """What the source calls the date of a mark."""
    for entry in delivery.mapping.tables:
        if entry.table == "attendance":
            return labels_of(entry.columns).get("date", "date")
    return "date"
