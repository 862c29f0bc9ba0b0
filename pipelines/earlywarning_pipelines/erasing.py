"""Erase people from everything: register, facts, files of the installation, what a disk remembers.

The facts are written anew first, then one transaction erases the register's rows and switches to
them; what is left behind by an interruption is removed by the next run, which may be repeated.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from earlywarning.io import backup
from earlywarning.io.facts import FACT_SCHEMAS, FactStore, Snapshot
from earlywarning.io.register import erasure
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.db import Register
from earlywarning.io.register.erasure import Names
from earlywarning.io.register.models import FactsSnapshot, ImportBatch
from earlywarning.io.register.rights_tables import SnapshotRewrite
from earlywarning_pipelines.home import Home

WAIT_SECONDS = 600
_OURS = ("refused*.csv", "review*.csv", "*.refused.csv")
"""Lists that an import writes for people and that quote a school's files."""

_SEARCHED = 20_000_000
"""Larger files are stores of numbers."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done.

    Attributes
    ----------
    students : int
    snapshots : mapping of old to new snapshot id
    removed : list of Path
        Files that quoted a school's files.
    remaining : list of Path
        Files of the installation that still hold a name: a person must look at them.
    forgotten : bool
        Whether the database could rewrite its own files; somebody reading can keep it from that.
    """

    students: int
    snapshots: Mapping[str, str]
    removed: list[Path]
    remaining: list[Path]
    forgotten: bool


def run(home: Home, student_ids: Collection[str], *, by: str, at: datetime) -> Erased:
    """Erase students; imports wait meanwhile.

    Raises
    ------
    NotFound
        If one of them is not in the register; nothing was erased.
    Conflict
        If an import does not end.
    """
    register, store = home.register, home.store
    with store.only_writer(wait_seconds=WAIT_SECONDS):
        with register.session() as session:
            known = list(session.scalars(select(FactsSnapshot.snapshot_id)))
        there = [one for one in known if store.folder(one).exists()]
        rewritten = {old: without(store, old, student_ids) for old in there}
        moved = {old: new for old, new in rewritten.items() if new.id != old}
        with register.session(writing=True) as session:
            names = erasure.erase(session, student_ids, by=by, at=at)
            _switch(session, moved, by=by, at=at)
            session.commit()
            kept = set(session.scalars(select(FactsSnapshot.snapshot_id)))
        store.remove_except(kept)
        shutil.rmtree(store.root / "work", ignore_errors=True)
    removed, remaining = _files(home, names)
    forgotten = forget(register)
    log.info("erased %d students, rewrote %d snapshots", len(student_ids), len(moved))
    snapshots = {old: new.id for old, new in moved.items()}
    return Erased(len(student_ids), snapshots, removed, remaining, forgotten)


def without(store: FactStore, snapshot_id: str, student_ids: Collection[str]) -> Snapshot:
    """A snapshot like another, without the facts of some students; the same one if it has none."""
    gone = list(student_ids)
    with store.writer(base=snapshot_id) as writer:
        for table, schema in FACT_SCHEMAS.items():
            if "student_id" not in schema:
                continue
            for part in store.parts(snapshot_id, table):
                rows = store.read_part(snapshot_id, table, part)
                kept = rows.filter(~pl.col("student_id").is_in(gone))
                if kept.height < rows.height:
                    writer.put(table, part, kept)
        return writer.finish()


def _switch(session: Session, moved: Mapping[str, Snapshot], *, by: str, at: datetime) -> None:
    """Let the register point at the rewritten snapshots, and say which came from which."""
    for old, new in moved.items():
        before = session.get_one(FactsSnapshot, old)
        made_at, was_current = before.made_at, before.is_current
        before.is_current = False
        session.flush()
        found = session.get(FactsSnapshot, new.id)
        if found is None:
            found = FactsSnapshot(snapshot_id=new.id, made_at=made_at, rows=dict(new.rows))
            session.add(found)
        found.is_current = found.is_current or was_current
        session.flush()
        session.execute(
            update(ImportBatch).where(ImportBatch.snapshot_id == old).values(snapshot_id=new.id)
        )
        session.delete(before)
        session.execute(
            update(SnapshotRewrite)
            .where(SnapshotRewrite.new_snapshot_id == old)
            .values(new_snapshot_id=new.id)
        )
        session.merge(SnapshotRewrite(old_snapshot_id=old, new_snapshot_id=new.id, at=at))
        record(session, actor=by, action="facts.rewritten", entity="facts_snapshot",
               entity_id=new.id, detail={"before": old}, at=at)  # fmt: skip


def _files(home: Home, names: Names) -> tuple[list[Path], list[Path]]:
    """Remove what imports wrote for people, and find what else still holds a name."""
    folder = home.settings.home
    backup.clean(folder)
    removed = []
    for path in sorted({one for pattern in _OURS for one in folder.glob(pattern)}):
        path.unlink()
        removed.append(path)
    if home.settings.uploads_dir.exists():
        shutil.rmtree(home.settings.uploads_dir, ignore_errors=True)
        removed.append(home.settings.uploads_dir)
    wanted = [text.casefold().encode() for text in names.whole or names.words]
    return removed, [path for path in _texts(folder) if _holds(path, wanted)]


def _texts(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.rglob("*")):
        stores = (".db", ".db-wal", ".db-shm", ".parquet", ".key", ".lock")
        if path.is_file() and not path.name.endswith(stores) and path.stat().st_size < _SEARCHED:
            yield path


def _holds(path: Path, wanted: Iterable[bytes]) -> bool:
    content = path.read_bytes()
    folded = content.decode("utf-8", "ignore").casefold().encode()
    return any(one in folded for one in wanted)


def forget(register: Register) -> bool:
    """Let the database's own files forget what was deleted: pages, journal, freed space.

    Returns
    -------
    bool
        Whether they did: not while somebody reads what was there before. Doing it again is safe.
    """
    with register.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if register.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM (FULL)")
            return True
        driver = connection.connection.driver_connection
        if driver is None:
            raise AssertionError("an open connection has a driver's connection")
        try:
            for statement in (_EMPTY_JOURNAL, "VACUUM"):
                driver.execute(statement).close()
            (busy, *_) = driver.execute(_EMPTY_JOURNAL).fetchone()
        except sqlite3.OperationalError as error:
            log.warning("the register's file was not rewritten: %s", error)
            return False
        return not busy


_EMPTY_JOURNAL = "PRAGMA wal_checkpoint(TRUNCATE)"
