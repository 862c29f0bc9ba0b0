"""What files are, before anything is imported: each reader looks, and the mapping is written.

`inspect` prints it, and an import without a mapping uses exactly what `inspect` would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.child import Child
from earlywarning.io.file_kind import FileKind, Kind, Limits
from earlywarning.io.mapping_text import mapping_text
from earlywarning.io.school_files import readers
from earlywarning.io.school_files.interface import Bundle, Found, Reader
from earlywarning.io.unpacking import OUTSIDE, Delivered, delivered
from earlywarning.records.tables import SOURCE_TABLES

EVERY_KIND: tuple[Kind, ...] = ("text", "workbook", "page", "xml", "json", "archive")
_WHICH_SCHOOL = "which school are these files of? say its number or short name with --school"
_OF_A_FILE = ("file", "comment")


@dataclass(frozen=True, slots=True)
class Recognised:
    """One file, or the files of one folder that belong together.

    Attributes
    ----------
    name : str
        As the delivery calls it.
    patterns : tuple of str
        `file` in the mapping.
    found : Found or None
        None if no reader knows the layout, or the file cannot be read.
    problem : str
        Why not; empty otherwise.
    """

    name: str
    patterns: tuple[str, ...]
    found: Found | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Every file of a delivery, looked at.

    Attributes
    ----------
    files : tuple of Recognised
    mapping : str
        Text of a mapping for all that was understood; empty if nothing was.
    questions : tuple of (str, str)
        What a person must say first: the key of the mapping, and the question.
    """

    files: tuple[Recognised, ...]
    mapping: str
    questions: tuple[tuple[str, str], ...]


def inspect_files(
    files: Sequence[Path],
    *,
    source: str,
    school_id: str | None = None,
    limits: Limits | None = None,
    child: Child | None = None,
) -> Inspection:
    """Look at files and folders, and write a mapping for what is understood.

    A child process opens them (`io.child`).

    Parameters
    ----------
    files : sequence of Path
    source : str
        Name of the source in the mapping.
    school_id : str, optional
        For files that do not name their school.
    limits : Limits, optional
    child : Child, optional
        Serves several deliveries; each has its own by default.

    Raises
    ------
    DataError
        If a path does not exist.
    """
    limits = limits or Limits()
    with (
        delivered(files, limits=limits) as given,
        nullcontext(child) if child else Child(limits) as opener,
    ):
        recognised = tuple(_recognise(given, opener))
    understood = [item for item in recognised if item.found]
    defaults = _shared(item.found.defaults for item in understood if item.found)
    if school_id is not None:
        defaults["school_id"] = school_id
    entries: list[dict[str, Any]] = []
    questions: dict[tuple[str, str], None] = {}
    for item in understood:
        assert item.found is not None  # noqa: S101
        kept = _unless_better(item.found, understood)
        for number, entry in enumerate(kept):
            own = {key: value for key, value in item.found.defaults.items() if key not in defaults}
            entries.append(_entry(item, entry, own, defaults, first=number == 0))
        questions |= dict.fromkeys(_asked(item.found, kept, defaults))
    if entries and not _has_school(entries, defaults):
        questions["school_id", _WHICH_SCHOOL] = None
    used = {name for entry in entries for name in _needed(entry)}
    kept = {name: value for name, value in defaults.items() if name in used | {"school_year"}}
    text = mapping_text(source, kept, _merged(entries)) if entries else ""
    return Inspection(recognised, text, tuple(questions))


def _unless_better(found: Found, understood: Sequence[Recognised]) -> list[Mapping[str, Any]]:
    """Entries of a file, without those for tables that another file holds better: a month's sheet
    names students too, but a list of students knows more of them."""
    better = {
        entry["table"]
        for item in understood
        if item.found
        for entry in item.found.entries
        if not entry.get("fallback")
    }
    return [
        {key: value for key, value in entry.items() if key != "fallback"}
        for entry in found.entries
        if not entry.get("fallback") or entry["table"] not in better
    ]


def _asked(
    found: Found, kept: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """A file's questions, without those that another file of the delivery answers."""
    columns, needed = (
        {name for entry in entries for name in SOURCE_TABLES[entry["table"]].names}
        for entries in (found.entries, kept)
    )
    answered = {*defaults, *(columns - needed)}
    return [(key, question) for key, question in found.questions if key not in answered]


def _recognise(given: Delivered, child: Child) -> Iterator[Recognised]:
    kinds: dict[Path, FileKind] = {}
    names = {file.path: file.name for file in given.files}
    broken = [Recognised(file.name, (), None, problem) for file, problem in given.broken]
    broken += [Recognised(name, (), None, f"{name}: {OUTSIDE}") for name in given.outside]
    for path, name in names.items():
        try:
            kinds[path] = child.inspect(path, EVERY_KIND, name=name)
        except DataError as error:
            broken.append(Recognised(name, (), None, str(error)))
    taken: set[Path] = set()
    folders: dict[Path, list[Path]] = {}
    for path in kinds:
        folders.setdefault(path.parent, []).append(path)
    for folder, paths in folders.items():
        for reader in readers.READERS:
            if reader.is_bundle:
                own = [path for path in paths if path not in taken]
                item = _bundle(reader, folder, own, kinds, names, child)
                if item:
                    taken |= {path for path in own if names[path] in item.patterns}
                    yield item
    for path in kinds:
        if path not in taken:
            yield _single(kinds[path], names[path], child)
    yield from broken


def _bundle(
    reader: Reader,
    folder: Path,
    paths: Sequence[Path],
    kinds: Mapping[Path, FileKind],
    names: Mapping[Path, str],
    child: Child,
) -> Recognised | None:
    """Files of one folder that one reader takes together."""
    own = [kinds[path] for path in paths if kinds[path].kind in reader.kinds]
    if not own:
        return None
    inside = PurePath(names[own[0].path]).parent.as_posix().removeprefix(".")
    bundle = Bundle(tuple(own), f"{inside or folder.name}/", child.limits)
    try:
        found = child.sniff(reader.name, bundle)
        if found is None:
            return None
        used = child.files_of(reader.name, bundle)
    except DataError as error:
        return Recognised(bundle.name, _blamed(reader, bundle, names, child), None, str(error))
    return Recognised(bundle.name, tuple(names[file.path] for file in used), found)


def _blamed(
    reader: Reader, bundle: Bundle, names: Mapping[Path, str], child: Child
) -> tuple[str, ...]:
    """The files of a bundle that cannot be read: the reader's, if it can say so much."""
    try:
        files = child.files_of(reader.name, bundle)
    except DataError:
        files = bundle.files
    return tuple(names[file.path] for file in files)


def _single(file: FileKind, name: str, child: Child) -> Recognised:
    bundle = Bundle((file,), name, child.limits)
    for reader in readers.READERS:
        if reader.is_bundle or file.kind not in reader.kinds:
            continue
        try:
            found = child.sniff(reader.name, bundle)
        except DataError as error:
            return Recognised(name, (), None, str(error))
        if found is not None:
            return Recognised(name, (name,), found)
    return Recognised(
        name, (), None,
        f"{name}: no reader knows this layout; write a mapping for it (docs/mapping.md)",
    )  # fmt: skip


def holds_nothing(path: Path, name: str, child: Child) -> bool:
    """Whether a reader knows the file and says that nothing of it is imported."""
    try:
        item = _single(child.inspect(path, EVERY_KIND), name, child)
    except DataError:
        return False
    return item.found is not None and not item.found.entries


def _entry(
    item: Recognised,
    entry: Mapping[str, Any],
    own: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    first: bool,
) -> dict[str, Any]:
    """An entry of the mapping, with what only this file says among its constants."""
    files = item.patterns[0] if len(item.patterns) == 1 else list(item.patterns)
    made: dict[str, Any] = {"table": entry["table"], "file": files}
    if first and item.found:
        made["comment"] = f"{item.name}: {item.found.what}"
    made |= {key: value for key, value in entry.items() if key != "table"}
    lacking = [name for name in _needed(entry) if name in own]
    constants = {**{name: own[name] for name in lacking}, **made.get("constants", {})}
    # What one file says differently from the rest stands with that file.
    if item.found:
        constants |= {
            name: value
            for name, value in item.found.defaults.items()
            if name in _needed(entry) and defaults.get(name, value) != value
        }
    if constants:
        made["constants"] = constants
    return made


def _merged(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries that differ in nothing but the file become one, such as twelve monthly sheets."""
    merged: dict[str, dict[str, Any]] = {}
    for entry in entries:
        key = repr([(name, entry[name]) for name in sorted(entry) if name not in _OF_A_FILE])
        same = merged.setdefault(key, {**entry, "file": []})
        same["file"] += [entry["file"]] if isinstance(entry["file"], str) else entry["file"]
    for entry in merged.values():
        if len(entry["file"]) == 1:
            (entry["file"],) = entry["file"]
    return list(merged.values())


def _needed(entry: Mapping[str, Any]) -> set[str]:
    """Columns of the entry's table that no column of the file fills."""
    melt = entry.get("melt", {})
    filled = {*entry.get("columns", {}), melt.get("into"), melt.get("label")}
    filled |= {name for about in _labels(melt) for name in about}
    return set(SOURCE_TABLES[entry["table"]].names) - filled - set(entry.get("constants", {}))


def _labels(melt: Mapping[str, Any]) -> Iterator[Iterable[str]]:
    for value in melt.get("columns", {}).values():
        if isinstance(value, Mapping):
            yield value


def _shared(all_defaults: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What no file contradicts."""
    values: dict[str, set[Any]] = {}
    for defaults in all_defaults:
        for name, value in defaults.items():
            values.setdefault(name, set()).add(value)
    return {name: next(iter(found)) for name, found in values.items() if len(found) == 1}


def _has_school(entries: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> bool:
    return "school_id" in defaults or all("school_id" not in _needed(entry) for entry in entries)
