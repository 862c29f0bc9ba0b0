"""Zip files of a delivery: unpacked into a private folder, and removed when the work is done.

An archive comes from a stranger. Nothing leaves the folder that it is unpacked into, no part is a
link or another archive, and what is written is counted, for the sizes that an archive declares may
be lies.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from earlywarning.errors import DataError
from earlywarning.io.file_kind import DAMAGED, Limits, inspect

NO_DATA = (".toml", ".md")
"""Endings of files that lie beside data and are none: mappings and notes."""

_LICENCES = ("license", "licence", "copying", "notice")

OUTSIDE = (
    "is a link that leads out of the folder, and was not followed; give the file itself, or copy it"
)
"""What is told of links among a folder's files."""

_HIDDEN = (".", "~$")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DOCUMENT = ("[Content_Types].xml", "mimetype")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """One file of a delivery.

    Attributes
    ----------
    path : Path
    name : str
        As the delivery calls it: `users.csv`, `kelas/7a.csv`, `roster.zip/users.csv`.
    is_named : bool
        Whether it was given itself, not by the folder or the zip file that it lies in.
    archive : str
        Name of the zip file that it comes from; empty if from none.
    """

    path: Path
    name: str
    is_named: bool
    archive: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """All files of a delivery.

    Attributes
    ----------
    files : tuple of Given
        Each once. Those of zip files in the place of these.
    broken : tuple of (Given, str)
        Zip files that were not unpacked, and why.
    named_archives : tuple of str
        Zip files that were given themselves and unpacked.
    outside : tuple of str
        Links in folders that lead out of these, which are not followed.
    """

    files: tuple[Given, ...]
    broken: tuple[tuple[Given, str], ...]
    named_archives: tuple[str, ...]
    outside: tuple[str, ...] = ()


@contextmanager
def delivered(
    files: Sequence[Path],
    *,
    limits: Limits,
    work_dir: Path | None = None,
    is_wanted: Callable[[Path], bool] | None = None,
) -> Iterator[Delivered]:
    """The files of a delivery, those in folders and in zip files too.

    Parameters
    ----------
    files : sequence of Path
        Files and folders.
    limits : Limits
    work_dir : Path, optional
        Where zip files are unpacked, each into a folder of its name; the system's temporary folder
        by default. It holds nothing of them any more when the context is left.
    is_wanted : callable, optional
        Says of a path whether it is read. A zip file that is itself wanted stays one; a zip file of
        a folder of which nothing is wanted is not unpacked.

    Raises
    ------
    DataError
        If a path does not exist.
    """
    found: list[Given] = []
    broken: list[tuple[Given, str]] = []
    named: list[str] = []
    folder: tempfile.TemporaryDirectory[str] | None = None
    try:
        listed, outside = _listed(files)
        for given in listed:
            parts = _parts(given.path)
            if is_wanted and parts:
                inside = (given.path / part for part in parts)
                is_needed = given.is_named or any(map(is_wanted, inside))
                parts = parts if is_needed and not is_wanted(given.path) else None
            if not parts:
                found.append(given)
                continue
            if folder is None:
                if work_dir is not None:
                    work_dir.mkdir(parents=True, exist_ok=True)
                folder = tempfile.TemporaryDirectory(prefix="unpacked-", dir=work_dir)
            # Two zip files of different folders may have the same name.
            room = Path(tempfile.mkdtemp(dir=folder.name)) / given.path.name
            try:
                found += _unpack(given, room, limits)
            except DataError as error:
                broken.append((given, str(error)))
                continue
            if given.is_named:
                named.append(given.name)
        yield Delivered(tuple(found), tuple(broken), tuple(named), tuple(outside))
    finally:
        if folder is not None:
            folder.cleanup()


def _listed(files: Sequence[Path]) -> tuple[list[Given], list[str]]:
    """Files, and what lies in folders, each once; and the links that lead out of a folder."""
    listed: dict[Path, Given] = {}
    outside: list[str] = []
    for path in files:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder")
        if path.is_dir():
            within = path.resolve()
            for item in sorted(path.rglob("*")):
                name = item.relative_to(path).as_posix()
                if not item.resolve().is_relative_to(within):
                    outside += [name] if item.is_symlink() and _is_data(name) else []
                elif item.is_file() and _is_data(name):
                    listed.setdefault(item.resolve(), Given(item, name, is_named=False))
        else:
            listed.setdefault(path.resolve(), Given(path, path.name, is_named=True))
    return list(listed.values()), outside


def _is_data(name: str) -> bool:
    last = PurePosixPath(name)
    is_note = last.suffix.lower() in NO_DATA or last.name.lower() in _LICENCES
    return not is_note and not last.name.startswith(_HIDDEN)


def _parts(path: Path) -> list[str] | None:
    """Names in a zip file; None of a document, of any other file and of a damaged one."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) not in _ZIP:
                return None
            with zipfile.ZipFile(stream) as archive:
                names = archive.namelist()
    except (*DAMAGED, OSError):
        return None  # whoever reads it says what is wrong
    return None if any(name in _DOCUMENT for name in names) else names


def _unpack(given: Given, folder: Path, limits: Limits) -> list[Given]:
    """The files of a zip file, written into a folder."""
    name = given.name
    inspect(given.path, accept=("archive",), limits=limits)
    size = given.path.stat().st_size
    most = min(limits.unpacked_bytes, limits.ratio * size)
    made: list[Given] = []
    seen: set[str] = set()
    try:
        with zipfile.ZipFile(given.path) as archive:
            for part in archive.infolist():
                inner = _safe_name(name, part)
                if part.is_dir() or not _is_data(inner) or inner.startswith("__MACOSX/"):
                    continue
                if inner.lower() in seen:
                    raise DataError(f"{name}: holds {inner} twice; pack it again")
                seen.add(inner.lower())
                target = folder / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(part) as source, target.open("xb") as into:
                    most -= _copy(name, source, into, most, limits)
                _refuse_nested(name, inner, target)
                made.append(Given(target, f"{name}/{inner}", is_named=False, archive=name))
    except (*DAMAGED, OSError) as error:
        raise DataError(
            f"{name}: is a damaged zip file ({error}); it may be cut off; pack it again"
        ) from error
    if not made:
        raise DataError(f"{name}: is a zip file without any file; pack it again")
    return made


def _safe_name(name: str, part: zipfile.ZipInfo) -> str:
    """Where a part lies inside the archive; some Windows programs write backslashes."""
    inner = part.filename.replace("\\", "/")
    path = PurePosixPath(inner)
    if path.is_absolute() or ".." in path.parts or ":" in inner or not path.parts:
        raise DataError(
            f"{name}: the part {part.filename!r} would be written outside the folder that it is "
            "unpacked into; nothing was unpacked; ask the sender how it was made"
        )
    kind = stat.S_IFMT(part.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(
            f"{name}: the part {part.filename!r} is a link or a device, no file; nothing was "
            "unpacked; pack the file itself"
        )
    return path.as_posix()


def _copy(name: str, source: IO[bytes], into: IO[bytes], most: int, limits: Limits) -> int:
    """Write one part; its bytes, which may not be more than `most`."""
    written = 0
    while block := source.read(_BLOCK):
        written += len(block)
        if written > most:
            raise DataError(
                f"{name}: unpacks to more than it says; allowed are "
                f"{limits.unpacked_bytes / 1e6:,.0f} MB and {limits.ratio} times its size; "
                "give the files unpacked"
            )
        into.write(block)
    return written


def _refuse_nested(name: str, inner: str, path: Path) -> None:
    """A workbook is a zip file too, and welcome; an archive in an archive is not."""
    if _parts(path) is not None:
        raise DataError(
            f"{name}: holds another zip file, {inner}; give that one itself, or unpack it"
        )
