"""The snapshots of the facts: are they as they were written, and which may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from earlywarning.errors import ArtifactError
from earlywarning.io.register import snapshots
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.snapshots import Known
from earlywarning_pipelines.home import Home

KEEP_DAYS = 35
"""Unused snapshots are kept so long, unless told otherwise: as long as backups may be."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found.

    Attributes
    ----------
    whole : int
        Snapshots of which every file has the hash that its manifest recorded.
    files, bytes : int
        Of those; a file that snapshots share counts once.
    faults : tuple of str
        Empty if every snapshot that something rests on is there and whole.
    """

    whole: int
    files: int
    bytes: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What `clean` removed, or would remove.

    Attributes
    ----------
    removed : tuple of Known
    bytes : int
        That no other snapshot shares.
    kept : int
    """

    removed: tuple[Known, ...]
    bytes: int
    kept: int


def verify(home: Home) -> Verified:
    """Compare every file of every snapshot with its manifest, and each manifest with its name.

    A snapshot that nothing rests on may be gone; any other must be there.
    """
    with home.register.session() as session:
        known = snapshots.known(session)
    faults, whole = [], []
    for one in known:
        if not one.used_by and not home.store.folder(one.snapshot_id).exists():
            continue
        try:
            home.store.verify(one.snapshot_id)
        except ArtifactError as error:
            faults.append(str(error))
        else:
            whole.append(one.snapshot_id)
    sizes = _sizes(home, whole)
    return Verified(len(whole), len(sizes), sum(sizes.values()), tuple(faults))


def clean(
    home: Home, *, at: datetime, by: str, days: int = KEEP_DAYS, dry: bool = False
) -> Cleaned:
    """Remove snapshots that nothing rests on any more; lists and models keep theirs.

    Parameters
    ----------
    at : datetime
        Now, in UTC without zone.
    by : str
        Who does it, for the audit.
    days : int
        Younger ones stay.
    dry : bool
        Say what would go; remove nothing.

    Raises
    ------
    Busy
        An import does not end.
    """
    with home.store.only_writer(wait_seconds=60):
        with home.register.session() as session:
            known = snapshots.known(session)
        there = [one for one in known if home.store.folder(one.snapshot_id).exists()]
        gone = [one for one in there if not one.used_by and one.made_at < at - timedelta(days=days)]
        left = {one.snapshot_id for one in there} - {one.snapshot_id for one in gone}
        before = _sizes(home, [one.snapshot_id for one in there])
        freed = before.keys() - _sizes(home, sorted(left)).keys()
        if gone and not dry:
            with home.register.session(writing=True) as session:
                for one in gone:
                    record(session, actor=by, action="facts.removed", entity="facts_snapshot",
                           entity_id=one.snapshot_id, at=at)  # fmt: skip
                session.commit()
            home.store.remove_except(left)
        return Cleaned(tuple(gone), sum(before[inode] for inode in freed), len(left))


def _sizes(home: Home, snapshot_ids: list[str]) -> dict[tuple[int, int], int]:
    """Bytes of each file, by device and inode."""
    found = {}
    for one in snapshot_ids:
        for path in home.store.folder(one).glob("*/*.parquet"):
            about = path.stat()
            found[about.st_dev, about.st_ino] = about.st_size
    return found
