"""The whole installation in one sealed file, and back: register, facts, models, keys, choices.

Made while the service runs. The file gets its name only when it is whole and on the disk. A restore
opens and checks everything aside, before it touches what is there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from earlywarning.errors import ArtifactError, ConfigError, Conflict
from earlywarning.io import postgres_dump
from earlywarning.io.facts import FactStore, flush
from earlywarning.io.register.migrations import HEAD, VERSION_TABLE
from earlywarning.io.sealed import MAGIC, SealedReader, SealedWriter, Secret

MANIFEST = "manifest.json"
REGISTER = "register.db"
DUMP = "register.dump"
ASIDE = ".aside-backup-"
_SKIPPED = ("-wal", "-shm", "-journal", ".lock", ".tmp")
"""Ends of names that mean something only to a running program."""

HEAD_FILE = "audit-head"
"""Not backed up: it can be ahead of the copy of the register. A restore makes it anew."""


class Sink(Protocol):
    """Where a tar stream goes."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds.

    Attributes
    ----------
    made_at : datetime
        UTC without zone.
    files : int
    bytes : int
        Of content, before sealing.
    schema : str
        Of the register.
    """

    made_at: datetime
    files: int
    bytes: int
    schema: str


def create(home: Path, register_url: str, target: Path, secret: Secret, *, at: datetime) -> Summary:
    """Back up an installation.

    Imports wait meanwhile; reading and writing the register goes on.

    Raises
    ------
    Conflict
        If there is a file of that name, or an import does not end.
    ConfigError
        If PostgreSQL's own tools are needed and missing.
    """
    if target.exists():
        raise Conflict(f"{target}: exists; a backup never replaces a file, name another one")
    aside = target.with_name(f".{target.name}{ASIDE}{uuid.uuid4().hex}")
    clean(home)
    for old in target.parent.glob(f".{target.name}{ASIDE}*"):
        old.unlink()
    store = FactStore(home / "facts")
    try:
        with (
            store.only_writer(wait_seconds=600),
            _copies(home, register_url) as copies,
            os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out,
        ):
            sealed = SealedWriter(out, secret)
            summary = _write(sealed, _files(home, copies), at)
            sealed.close()
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(aside, target)  # fails where somebody else has just made one
        except FileExistsError as error:
            raise Conflict(f"{target}: exists; a backup never replaces a file") from error
        except OSError:  # a disk without hard links, a memory stick for instance
            aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)
    flush(target.parent)
    return summary


def clean(home: Path) -> None:
    """Remove what a backup that was killed left in the installation: copies without a seal."""
    for old in home.glob(f"{ASIDE}*"):
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _copies(home: Path, register_url: str) -> Iterator[dict[str, Path]]:
    """Copies of the databases as of one moment each, by the name they have in the backup."""
    folder = home / f"{ASIDE}{uuid.uuid4().hex}"
    folder.mkdir(mode=0o700)
    try:
        found = {}
        for path in sorted(home.glob("*.db")):
            found[path.name] = folder / path.name
            _copy_sqlite(path, found[path.name])
        if register_url.startswith("sqlite"):
            outside = Path(register_url.removeprefix("sqlite:///"))
            if outside.resolve() != (home / REGISTER).resolve():
                found[REGISTER] = folder / REGISTER
                _copy_sqlite(outside, found[REGISTER])
        else:
            found[DUMP] = folder / DUMP
            postgres_dump.dump(register_url, found[DUMP])
        yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_sqlite(source: Path, copy: Path) -> None:
    """SQLite's own online backup: one moment, whoever writes meanwhile."""
    handle = os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(handle)
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as target:
        live.backup(target)
        # As one file: a backup has no place for a journal beside it.
        target.execute("PRAGMA journal_mode = DELETE")


def _files(home: Path, copies: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """Name and place of every file, databases first: what they point at is there then."""
    yield from copies.items()
    for folder, names, files in os.walk(home):
        names[:] = sorted(name for name in names if not name.startswith(".aside-"))
        for name in sorted(files):
            path = Path(folder) / name
            told = path.relative_to(home).as_posix()
            if (
                told in (*copies, HEAD_FILE)
                or name.endswith(_SKIPPED)
                or ASIDE in name
                or _is_sealed(path)
            ):
                continue
            yield told, path


def _is_sealed(path: Path) -> bool:
    """Backups are not backed up."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _Hashed:
    """A file that is read once, and its hash."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = os.fstat(self._file.fileno()).st_size
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data

    def close(self) -> None:
        self._file.close()


def _write(out: Sink, files: Iterator[tuple[str, Path]], at: datetime) -> Summary:
    manifest: dict[str, Any] = {}
    total = 0
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, path in files:
            with closing(_Hashed(path)) as file:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = file.size, path.stat().st_mode & 0o700
                archive.addfile(entry, file)  # type: ignore[arg-type]
                manifest[name] = {"bytes": file.size, "sha256": file.sha256.hexdigest()}
                total += file.size
        whole = {"made_at": at.isoformat(), "schema": HEAD, "files": manifest}
        text = json.dumps(whole, sort_keys=True).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(text), 0o600
        archive.addfile(entry, io.BytesIO(text))
    return Summary(at, len(manifest), total, HEAD)


def verify(source: Path, secret: Secret, *, beside: Path) -> Summary:
    """Open a backup whole, in a folder aside that is removed again, and check all of it.

    Parameters
    ----------
    beside : Path
        A folder on a disk with room, which only its owner reads.

    Raises
    ------
    ArtifactError
        If it is cut off, was changed, has another key, or does not fit together.
    """
    with opened(source, secret, beside=beside) as (_, summary):
        return summary


@contextmanager
def opened(source: Path, secret: Secret, *, beside: Path) -> Iterator[tuple[Path, Summary]]:
    """The checked content of a backup in a folder, removed afterwards unless it was moved away."""
    folder = beside / f"{ASIDE}{uuid.uuid4().hex}"
    try:
        folder.mkdir(mode=0o700, parents=True)
        with source.open("rb") as file:
            reader = SealedReader(file, secret, name=source.name)
            _extract(reader, folder, source.name)
        yield folder, _check(folder, source.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(reader: SealedReader, folder: Path, name: str) -> None:
    try:
        with tarfile.open(fileobj=reader, mode="r|") as archive:  # type: ignore[call-overload]
            for entry in archive:
                parts = PurePosixPath(entry.name).parts
                if not entry.isfile() or ".." in parts or PurePosixPath(entry.name).is_absolute():
                    raise ArtifactError(f"{name}: holds {entry.name!r}, which no backup has")
                archive.extract(entry, folder, filter="data")
    except tarfile.TarError as error:
        raise ArtifactError(f"{name}: its content is damaged; use another copy") from error
    if reader.read(1 << 20).strip(b"\0"):
        raise ArtifactError(f"{name}: something follows its end; use another copy")
    while reader.read(1 << 20):
        pass


def _check(folder: Path, name: str) -> Summary:
    """Every file against the manifest, the register's own checks, the facts it points at."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files, schema = manifest["files"], manifest["schema"]
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{name}: has no list of its content; use another copy") from error
    (folder / MANIFEST).unlink()
    there = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    for told in sorted(there ^ set(files)):
        raise ArtifactError(f"{name}: {told} is {'new' if told in there else 'missing'}")
    for told, about in files.items():
        with (folder / told).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != about["sha256"]:
                raise ArtifactError(f"{name}: {told} is damaged; use another copy")
    if schema > HEAD:
        raise ArtifactError(f"{name}: is of a newer earlywarning; install that one first")
    if REGISTER in files:
        _check_register(folder, name)
    return Summary(
        datetime.fromisoformat(manifest["made_at"]),
        len(files),
        sum(about["bytes"] for about in files.values()),
        schema,
    )


def _check_register(folder: Path, name: str) -> None:
    with closing(sqlite3.connect(folder / REGISTER)) as register:
        said = register.execute("PRAGMA integrity_check").fetchone()[0]
        if said != "ok":
            raise ArtifactError(f"{name}: its register is damaged ({said}); use another copy")
        (version,) = register.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
        current = register.execute("SELECT snapshot_id FROM facts_snapshot WHERE is_current")
        row = current.fetchone()
    if version > HEAD:
        raise ArtifactError(f"{name}: is of a newer earlywarning; install that one first")
    if row is not None:
        FactStore(folder / "facts").verify(row[0])


def restore(
    source: Path, home: Path, register_url: str, secret: Secret, *, replace: bool, at: datetime
) -> tuple[Summary, Path | None]:
    """Put a backup in place of an installation; the service must be stopped.

    Returns
    -------
    Summary, and the folder to which what was there before was moved
        None if there was nothing.

    Raises
    ------
    ConfigError
        If there is an installation and `replace` does not say that it may go, or the backup is of
        another kind of database than `register_url`.
    ArtifactError
        As `verify`. What was there before is untouched.
    """
    home = home.resolve()
    taken = home.exists() and any(home.iterdir())
    if taken and not replace:
        raise ConfigError(
            f"{home}: holds something already; stop the service and say --replace to move it aside"
        )
    before = home.with_name(f"{home.name}.before-{at:%Y%m%dT%H%M%S}") if taken else None
    with opened(source, secret, beside=home.parent) as (folder, summary):
        has_dump = (folder / DUMP).exists()
        if has_dump == register_url.startswith("sqlite"):
            kind = "PostgreSQL" if has_dump else "SQLite"
            raise ConfigError(
                f"{source.name}: holds a register of {kind}; let EARLYWARNING_DATABASE_URL name one"
            )
        if has_dump:
            postgres_dump.restore(register_url, folder / DUMP)
            (folder / DUMP).unlink()
        if before is not None:
            home.rename(before)
        elif home.exists():
            home.rmdir()
        folder.rename(home)
        flush(home.parent)
    outside = Path(register_url.removeprefix("sqlite:///"))
    if not has_dump and outside.resolve() != (home / REGISTER).resolve():
        _put(home / REGISTER, outside, at)
    return summary, before


def _put(copy: Path, place: Path, at: datetime) -> None:
    """Move a register to a place outside the installation's folder."""
    for end in ("", "-wal", "-shm"):
        old = place.with_name(place.name + end)
        if old.exists():
            old.rename(place.with_name(f"{place.name}.before-{at:%Y%m%dT%H%M%S}{end}"))
    aside = place.with_name(f".{place.name}{ASIDE}{uuid.uuid4().hex}")
    shutil.copyfile(copy, aside)
    aside.chmod(0o600)
    aside.rename(place)
    copy.unlink()
