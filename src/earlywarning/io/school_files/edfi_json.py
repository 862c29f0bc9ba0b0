"""Answers of an Ed-Fi API as they were captured: arrays, or one object after the other.

A capture is rarely a clean file: a byte-order mark, one object a line without commas, or several
pages one behind the other. What a file holds shows in the keys of its objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files.edfi_contents import Contents, contents_of
from earlywarning.io.school_files.edfi_found import understood
from earlywarning.io.school_files.edfi_records import Fields, kind_of_object, of_object
from earlywarning.io.school_files.edfi_tables import PARTS, table
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found

_BETWEEN = re.compile(r"[\s,\[\]]*")
# Numbers stay as they are written: 63.00 is no 63.0, and a long one keeps its digits.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)
_OF_THE_API = ("_etag", "_lastModifiedDate", "ChangeVersion")


class EdfiJson:
    """Reads captured API answers of a folder; see `docs/school-files.md`."""

    name = "edfi_json"
    kinds: tuple[Kind, ...] = ("json",)
    is_bundle = True
    parts: Mapping[str, tuple[str, ...]] = PARTS

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the answers hold together; None if nothing of it is imported."""
        files = self.files_of(bundle)
        if not files:
            return None
        return understood(_contents(files), self.name, "Ed-Fi API answers (JSON)")

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """Files whose first object is a record that is imported."""
        return tuple(file for file in bundle.files if is_imported(file))

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """One part of all the files."""
        files = self.files_of(bundle)
        if not files:
            raise DataError(f"{bundle.name}: holds no answers of an Ed-Fi API that are imported")
        contents = _contents(files)
        return table(contents, partial(_stream, files, contents), part, options)


def is_imported(file: FileKind) -> bool:
    """Whether the file holds records that are imported."""
    first = _first(file)
    return first is not None and kind_of_object(first) is not None


def is_answer(file: FileKind) -> bool:
    """Whether the file is an answer of an Ed-Fi API at all."""
    first = _first(file)
    return first is not None and any(key in first for key in _OF_THE_API)


def objects(file: FileKind) -> Iterator[tuple[int, Any]]:
    """The objects of a file, one after the other, with the line on which each begins.

    Raises
    ------
    DataError
        If the file is no JSON, nested too deep, or cut off; names the line.
    """
    text = file.path.read_bytes()[file.skip :].decode(file.encoding.removesuffix("-sig"))
    place, line = 0, 1
    try:
        while True:
            end = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]
            line += text.count("\n", place, end)
            if end == len(text):
                _check_end(file, text, line)
                return
            found, place = _DECODER.raw_decode(text, end)
            yield line, found
            line += text.count("\n", end, place)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{file.path.name}: line {error.lineno}, column {error.colno}: is no complete JSON "
            f"({error.msg}); it is damaged or cut off, capture it again"
        ) from error
    except RecursionError as error:
        raise DataError(
            f"{file.path.name}: line {line}: is nested too deep; no answer is; it was not read"
        ) from error


def _check_end(file: FileKind, text: str, line: int) -> None:
    if text.lstrip().startswith("[") and not text.rstrip().endswith("]"):
        raise DataError(
            f"{file.path.name}: line {line}: the list does not end; the file is cut off, "
            "capture it again"
        )


def _first(file: FileKind) -> Mapping[str, Any] | None:
    try:
        found = next(objects(file), (0, None))[1]
    except DataError:
        return None
    return found if isinstance(found, Mapping) else None


@lru_cache(maxsize=1)
def _contents(files: tuple[FileKind, ...]) -> Contents:
    """One look through the files; the same files, by their hash, are looked through once."""
    return contents_of(partial(_stream, files, None))


def _stream(
    files: tuple[FileKind, ...], contents: Contents | None, kinds: Collection[str]
) -> Iterator[tuple[str, int, str, Fields]]:
    for file in files:
        name = file.path.name
        if contents is not None and not any((kind, name) in contents.counts for kind in kinds):
            continue
        for line, found in objects(file):
            kind = kind_of_object(found) if isinstance(found, Mapping) else None
            if kind is not None and (not kinds or kind.name in kinds):
                yield name, line, kind.name, of_object(found, kind)
