"""Import a delivery: read, check, save people and facts, or nothing at all.

The facts are written aside as a new snapshot; then one short transaction of the register saves the
people, notes the import and makes the snapshot current. Until then nothing has changed; after it,
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
from earlywarning.errors import Conflict, DataError
from earlywarning.io import behaviour_rows, stretches
from earlywarning.io.delivery import Delivery
from earlywarning.io.facts import FactStore, Snapshot
from earlywarning.io.intake import Intake
from earlywarning.io.mapping import Mapping
from earlywarning.io.matching import Known, Matched
from earlywarning.io.reading import read_delivery
from earlywarning.io.refusals import write_refusals
from earlywarning.io.register import keys, matches, people
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch
from earlywarning.io.review import read_answers, write_review
from earlywarning.records.faults import REFUSAL_SCHEMA
from earlywarning_pipelines.merging import Counts, Merging
from earlywarning_pipelines.unusual import not_named, rows_that_wait, stop_if_unusual, unusual

Progress = Callable[[str, int, int], None]
PEOPLE = (
    "school", "staff", "class_group", "student", "enrollment", "guardian", "calendar_day",
)  # fmt: skip


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
    matched : Matched
        Students who were found by national id or by name, and the names that wait for a person.
    review_path : Path or None
        The review file with those names, if there are any.
    faults : DataFrame
        Every refused row and faulty column (`records.faults.REFUSAL_SCHEMA`).
    unusual : tuple of str
        What a person must confirm, or confirmed.
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
    matched: Matched = field(default_factory=Matched)
    review_path: Path | None = None
    faults: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REFUSAL_SCHEMA))
    unusual: tuple[str, ...] = ()

    @property
    def changed_anything(self) -> bool:
        """Whether anything was added or changed."""
        return any(count.added or count.changed for count in self.counts.values())


def run(
    *,
    files: Sequence[Path],
    mapping: Mapping,
    store: FactStore,
    register: Register,
    district: District,
    delivered_on: date,
    finished_at: datetime,
    preview: bool = False,
    confirmed: bool = False,
    refused_path: Path | None = None,
    answers: Path | None = None,
    review_path: Path | None = None,
    only_school: str | None = None,
    import_id: str | None = None,
    id_source: people.IdSource = people.random_id,
    wait_seconds: float = 5.0,
    progress: Progress | None = None,
) -> IngestResult:
    """Import the files of one delivery.

    Parameters
    ----------
    files : sequence of Path
        Files, and folders of them.
    mapping : Mapping
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
    answers : Path, optional
        A review file in which a person has settled names.
    review_path : Path, optional
        Where names are written that a person must settle, if there are any.
    only_school : str, optional
        Refuse the delivery if it holds rows of another school.
    import_id : str, optional
        Under which the register notes the import; a random one by default.

    Raises
    ------
    DataError, ConfigError
        A file cannot be read at all, mapping and files do not fit, or another school's rows.
    ConfirmationNeeded
        Something unusual; nothing was saved.
    Conflict
        Another import is running.
    """
    tell = progress or _silent
    day = day_number(delivered_on)
    settled = read_answers(answers) if answers else ()
    with store.only_writer(wait_seconds=wait_seconds):
        work = store.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with register.session() as session:
            known = people.known_students(session)
            keep = set(session.scalars(select(FactsSnapshot.snapshot_id)))
            household_key = keys.stored(session, keys.HOUSEHOLDS) or keys.new(id_source)
            on_record = Known(answers=settled, answers_name=answers.name if answers else "")
            if any(e.table == "student" or e.identify != "student" for e in mapping.tables):
                on_record = matches.known(session, mapping.source, on_record)
            known_classes = matches.known_classes(session)
        store.remove_except(keep)
        with read_delivery(
            files,
            mapping,
            district=district,
            known_students=known if known.height else None,
            known=on_record,
            known_classes=known_classes,
            delivered_on=delivered_on,
            work_dir=work,
            household_key=household_key,
            progress=progress,
        ) as delivery:
            written = _write_refused(delivery, refused_path)
            if only_school is not None:
                _require_school(delivery, only_school)
            matched, asked = delivery.matched, None
            if review_path and matched.review.height:
                asked = write_review(matched.review, review_path)
            with register.session() as session:
                found = tuple(unusual(session, delivery, district, day))
                if not confirmed and not preview:
                    stop_if_unusual(found, refused_path=written)
                planned = people.plan(session, _people(delivery), id_source=id_source)
                base = current(session)
                key = keys.stored(session, keys.EVENTS) or keys.new(id_source)
            source = Intake(
                delivery, district, planned.students, delivery_day=day, event_key=key,
                behaviour_types=planned.behaviour_types, calendar_days=planned.calendar_days,
            )  # fmt: skip
            with store.writer(base=base) as writer:
                merging = Merging(store, base, writer, day)
                merging.add(source, delivery, planned.grade_levels, tell)
                snapshot = None if preview else writer.finish()
            if delivery.refuse("attendance", merging.refused):
                written = _write_refused(delivery, refused_path)
            if snapshot is not None:
                with register.session(writing=True) as session:
                    if current(session) != base:
                        raise Conflict(
                            "other facts were imported meanwhile from another place; nothing was "
                            "saved, import again"
                        )
                    people.write(session, planned, stretches.on_day(merging.stays, day))
                    matches.remember(
                        session, delivery.source, matched.confirmed, planned.students, finished_at
                    )
                    keys.keep(session, keys.EVENTS, key)
                    keys.keep(session, keys.HOUSEHOLDS, household_key)
                    make_current(session, snapshot, finished_at)
                    session.add(
                        _batch(delivery, mapping.content_hash, delivered_on, finished_at,
                               snapshot.id, import_id or id_source())
                    )  # fmt: skip
                    session.commit()
            missing = not_named(delivery, merging.stays, planned.students, day)
            return IngestResult(
                source=delivery.source,
                delivered_on=delivered_on,
                preview=preview,
                rows_read=dict(delivery.rows_read),
                rows_refused=dict(delivery.rows_refused),
                merged=dict(delivery.merged),
                counts={name: Counts(*numbers) for name, numbers in planned.counts.items()}
                | merging.counts,
                refused=delivery.refused_counts(),
                refused_path=written,
                snapshot_id=snapshot.id if snapshot else base,
                warnings=(*delivery.warnings, *source.warnings, *([missing] if missing else [])),
                matched=matched,
                review_path=asked,
                faults=delivery.refused,
                unusual=found,
            )


def _people(delivery: Delivery) -> dict[str, pl.DataFrame]:
    tables = {name: delivery.frame(name) for name in PEOPLE if name in delivery.tables}
    if "behaviour_type" in delivery.tables:
        types = delivery.frame("behaviour_type")
        tables["behaviour_type"] = behaviour_rows.catalogue(types, delivery.mapping.tables)
    return tables


def _require_school(delivery: Delivery, only: str) -> None:
    """Nobody writes to another school.

    Raises
    ------
    DataError
    """
    others = {
        school
        for table in delivery.tables
        for rows in delivery.store.pieces(table)
        for school in rows["school_id"].unique().to_list()
        if school != only
    }
    if others:
        raise DataError(
            f"the files hold rows of school {', '.join(sorted(map(repr, others))[:5])}; allowed: "
            f"only rows of your school {only!r}, so nothing was saved; remove them, or ask data "
            "staff to import the files"
        )


def _write_refused(delivery: Delivery, path: Path | None) -> Path | None:
    """Write the refused rows if there are any."""
    if path is None or delivery.refused.is_empty():
        return None
    write_refusals(delivery.refused, path)
    return path


def current(session: Session) -> str | None:
    """Id of the facts that are current."""
    return session.scalar(select(FactsSnapshot.snapshot_id).where(FactsSnapshot.is_current))


def make_current(session: Session, snapshot: Snapshot, at: datetime) -> None:
    """Switch to a snapshot; the caller commits."""
    session.execute(update(FactsSnapshot).where(FactsSnapshot.is_current).values(is_current=False))
    found = session.get(FactsSnapshot, snapshot.id)
    if found is None:
        session.add(
            FactsSnapshot(
                snapshot_id=snapshot.id, made_at=at, is_current=True, rows=dict(snapshot.rows)
            )
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
    import_id: str,
) -> ImportBatch:
    return ImportBatch(
        import_id=import_id,
        source=delivery.source,
        delivered_on=delivered_on,
        finished_at=at,
        mapping_hash=mapping_hash,
        files=[
            {"name": file.name, "sha256": file.sha256, "rows": dict(file.rows)}
            for file in delivery.files
        ],
        counts={"rows": dict(delivery.rows), "waiting": rows_that_wait(delivery)},
        snapshot_id=snapshot_id,
    )


def _reasons(delivery: Delivery) -> dict[str, int]:
    """Refused rows by reason, over all tables."""
    counted = delivery.refused_counts().group_by("reason").agg(pl.col("rows").sum()).sort("reason")
    return dict(counted.iter_rows())


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""
