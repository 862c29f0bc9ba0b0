"""Import a delivery: read, check, save people and facts, or nothing at all.

The facts are written aside as a new snapshot; the register's transaction saves the people, notes
the import and makes the snapshot current in one step. Until then nothing has changed; after it,
everything has. What an interrupted import leaves behind is removed by the next one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from earlywarning.calendar import day_number
from earlywarning.district import District
from earlywarning.errors import ConfirmationNeeded
from earlywarning.io import intake, versions
from earlywarning.io.delivery import Delivery
from earlywarning.io.facts import FACT_SCHEMAS, FactStore, SnapshotWriter, part_of
from earlywarning.io.mapping import load_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.refusals import write_refusals
from earlywarning.io.register import people
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ClassGroup, FactsSnapshot, ImportBatch, Student
from earlywarning.records.tables import FACT_TABLES

Progress = Callable[[str, int, int], None]
PEOPLE = ("school", "staff", "class_group", "student", "enrollment", "guardian")
LEAST_ROWS = 20
"""Below this many rows a swing says nothing."""


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


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an import did, or with `preview` would do.

    Attributes
    ----------
    source : str
    delivered_on : date
    preview : bool
    rows_read, rows_refused, merged : dict of source table to int
    counts : dict of table to Counts
        People by register table, facts by fact table.
    refused : DataFrame
        Table, reason, rows.
    refused_path : Path or None
        The CSV of refused rows, if there are any.
    snapshot_id : str or None
        The facts now current; None after a preview of a first import.
    warnings : tuple of str
    """

    source: str
    delivered_on: date
    preview: bool
    rows_read: dict[str, int]
    rows_refused: dict[str, int]
    merged: dict[str, int]
    counts: dict[str, Counts]
    refused: pl.DataFrame
    refused_path: Path | None
    snapshot_id: str | None
    warnings: tuple[str, ...] = field(default=())

    @property
    def changed_anything(self) -> bool:
        """Whether anything was added or changed."""
        return any(count.added or count.changed for count in self.counts.values())


def run(
    *,
    files: Sequence[Path],
    mapping_path: Path,
    store: FactStore,
    register: Register,
    district: District,
    delivered_on: date,
    finished_at: datetime,
    preview: bool = False,
    confirmed: bool = False,
    refused_path: Path | None = None,
    id_source: people.IdSource = people.random_id,
    wait_seconds: float = 5.0,
    progress: Progress | None = None,
) -> IngestResult:
    """Import the files of one delivery.

    Parameters
    ----------
    files : sequence of Path
        Files, and folders of them.
    mapping_path : Path
    delivered_on : date
        When the files left the school's system.
    finished_at : datetime
        Now, UTC without zone.
    preview : bool
        Save nothing.
    confirmed : bool
        Go on although a table's size swings or a class vanishes.
    refused_path : Path, optional
        Where refused rows are written, if there are any; also when the import is refused.

    Raises
    ------
    DataError, ConfigError
        A file cannot be read at all, or mapping and files do not fit.
    ConfirmationNeeded
        Something unusual; nothing was saved.
    Conflict
        Another import is running.
    """
    mapping = load_mapping(mapping_path)
    tell = progress or _silent
    with store.only_writer(wait_seconds=wait_seconds):
        work = store.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with register.session() as session:
            known = people.known_students(session)
            keep = set(session.scalars(select(FactsSnapshot.snapshot_id)))
        store.remove_except(keep)
        with read_delivery(
            files,
            mapping,
            district=district,
            known_students=known if known.height else None,
            delivered_on=delivered_on,
            work_dir=work,
            progress=progress,
        ) as delivery:
            written = refused_path if refused_path and delivery.refused.height else None
            if written:
                write_refusals(delivery.refused, written)
            with register.session(writing=True) as session:
                if not confirmed and not preview:
                    _stop_if_unusual(session, delivery, district)
                saved = people.save(
                    session,
                    {name: delivery.frame(name) for name in PEOPLE if name in delivery.tables},
                    id_source=id_source,
                )
                counts = {name: Counts(*numbers) for name, numbers in saved.items() if any(numbers)}
                students = people.known_students(session)
                base = session.scalar(
                    select(FactsSnapshot.snapshot_id).where(FactsSnapshot.is_current)
                )
                source = intake.Intake(delivery, district, students, delivered_on)
                with store.writer(base=base) as writer:
                    facts = _Facts(store, base, writer, day_number(delivered_on))
                    facts.add(source, delivery, tell)
                    counts |= facts.counts
                    snapshot = None if preview else writer.finish()
                if snapshot is None:
                    session.rollback()
                else:
                    _make_current(session, snapshot.id, snapshot.rows, finished_at)
                    session.add(
                        _batch(delivery, mapping.content_hash, delivered_on, finished_at,
                               snapshot.id, id_source)
                    )  # fmt: skip
                    session.commit()
            return IngestResult(
                source=delivery.source,
                delivered_on=delivered_on,
                preview=preview,
                rows_read=dict(delivery.rows_read),
                rows_refused=dict(delivery.rows_refused),
                merged=dict(delivery.merged),
                counts=counts,
                refused=delivery.refused_counts(),
                refused_path=written,
                snapshot_id=snapshot.id if snapshot else base,
                warnings=delivery.warnings,
            )


class _Facts:
    """The merge of one delivery into the facts, school year by school year."""

    def __init__(
        self, store: FactStore, base: str | None, writer: SnapshotWriter, delivery_day: int
    ) -> None:
        self.store = store
        self.base = base
        self.writer = writer
        self.day = delivery_day
        self.counts: dict[str, Counts] = {}
        self._open: dict[tuple[str, str], pl.DataFrame] = {}

    def add(self, source: intake.Intake, delivery: Delivery, tell: Progress) -> None:
        """Every table of the delivery."""
        stays = self.store.read(self.base, "enrollment")
        entered = source.enrollment()
        self._merge("enrollment", entered)
        stretches = intake.open_stretches(stays, entered)
        months = max(sum(1 for _ in delivery.store.parts("attendance")), 1)
        for done, month in enumerate(source.attendance(stretches)):
            tell("attendance", done, months)
            self._attendance(*month)
        tell("attendance", months, months)
        for table, rows in (
            ("attendance_summary", source.attendance_summary()),
            ("behaviour_event", source.behaviour_event()),
            ("grade", source.grade(stretches)),
            ("visit", source.visit()),
        ):
            self._merge(table, rows)
        for (table, part), rows in sorted(self._open.items(), key=lambda item: item[0]):
            self.writer.put(table, part, rows)

    def _attendance(self, taken: pl.DataFrame, marks: pl.DataFrame, history: pl.DataFrame) -> None:
        days = [self._current("register_day", part) for part in _parts(taken, "register_day")]
        parts = _parts(marks, "attendance_event")
        events = [self._current("attendance_event", part) for part in parts]
        rows = intake.exceptions(
            marks,
            known_events=pl.concat(
                [pl.DataFrame(schema=FACT_SCHEMAS["attendance_event"]), *events]
            ),
            known_days=pl.concat([pl.DataFrame(schema=FACT_SCHEMAS["register_day"]), *days]),
            delivery_day=self.day,
        )
        first = rows.filter(~pl.col(versions.KNOWN_BEFORE)).select("student_id", "day")
        history = history.join(first, on=["student_id", "day"], how="semi")
        self._merge("register_day", taken)
        self._merge("attendance_event", rows, history=history)

    def _part(self, table: str, part: str) -> pl.DataFrame:
        return self._open.get((table, part), self.store.read_part(self.base, table, part))

    def _current(self, table: str, part: str) -> pl.DataFrame:
        return versions.current(self._part(table, part))

    def _merge(self, table: str, rows: pl.DataFrame, history: pl.DataFrame | None = None) -> None:
        for part in _parts(rows, table):
            here = part_of(table) == part
            merged = versions.merge(
                self._part(table, part),
                rows.filter(here),
                table=FACT_TABLES[table],
                delivery_day=self.day,
                history=None if history is None else history.filter(here),
            )
            self._open[table, part] = merged.rows
            new = Counts(merged.added, merged.changed, merged.unchanged)
            self.counts[table] = self.counts.get(table, Counts()) + new


def _parts(rows: pl.DataFrame, table: str) -> list[str]:
    return sorted(rows.select(part_of(table).alias("part"))["part"].unique().to_list())


def _make_current(session: Session, snapshot_id: str, rows: dict[str, int], at: datetime) -> None:
    session.execute(update(FactsSnapshot).where(FactsSnapshot.is_current).values(is_current=False))
    found = session.get(FactsSnapshot, snapshot_id)
    if found is None:
        session.add(
            FactsSnapshot(snapshot_id=snapshot_id, made_at=at, is_current=True, rows=dict(rows))
        )
    else:
        found.is_current = True
    session.flush()


def _batch(
    delivery: Delivery,
    mapping_hash: str,
    delivered_on: date,
    at: datetime,
    snapshot_id: str,
    id_source: people.IdSource,
) -> ImportBatch:
    return ImportBatch(
        import_id=id_source(),
        source=delivery.source,
        delivered_on=delivered_on,
        finished_at=at,
        mapping_hash=mapping_hash,
        files=[
            {"name": file.name, "sha256": file.sha256, "rows": dict(file.rows)}
            for file in delivery.files
        ],
        counts={"rows": dict(delivery.rows)},
        snapshot_id=snapshot_id,
    )


def _stop_if_unusual(session: Session, delivery: Delivery, district: District) -> None:
    """Compare a delivery with the last one of the same source.

    Raises
    ------
    ConfirmationNeeded
        If a table's rows swing by more than the district allows, or a class of the same school
        year has no student any more.
    """
    found: list[str] = []
    last = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.source == delivery.source)
        .order_by(ImportBatch.finished_at.desc(), ImportBatch.import_id)
        .limit(1)
    ).first()
    before = last.counts["rows"] if last else {}
    for table in delivery.tables:
        old, new = before.get(table, 0), delivery.rows.get(table, 0)
        if old >= LEAST_ROWS and abs(new - old) > district.imports.swing * old:
            found.append(f"{table}: {new} rows, the last delivery of {delivery.source} had {old}")
    found += _vanished(session, delivery)
    if found:
        raise ConfirmationNeeded(
            "this delivery is unusual, so nothing was saved yet:\n  "
            + "\n  ".join(found)
            + "\nlook at the files; if it is right, run the same command with --confirm"
        )


def _vanished(session: Session, delivery: Delivery) -> list[str]:
    """Classes that had students and have none in the new roster of the same school year."""
    if "enrollment" not in delivery.tables:
        return []
    rows = delivery.frame("enrollment")
    named = set(
        rows.select(
            pl.format("{}/{}/{}", "school_id", "school_year", "class_name").alias("class_id")
        )["class_id"]
    )
    years = {tuple(pair) for pair in rows.select("school_id", "school_year").unique().rows()}
    classes = session.execute(
        select(ClassGroup.class_id, ClassGroup.school_id, ClassGroup.school_year)
        .where(ClassGroup.class_id.in_(select(Student.class_id)))
        .order_by(ClassGroup.class_id)
    ).all()
    return [
        f"class {class_id}: it has students, the new list has none"
        for class_id, school, year in classes
        if (school, year) in years and class_id not in named
    ]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""
