"""The rows of a dump: a backslash protects quotation marks, NULL is empty, headings may lack."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from earlywarning.errors import DataError
from earlywarning.io.csv_rows import decoded_blocks
from earlywarning.io.file_kind import FileKind
from earlywarning.io.school_files.column_roles import LETTER_MARK, NUMBER, NUMBER_AND_LETTER
from earlywarning.io.school_files.headings_known import ROLES, is_known, plain
from earlywarning.io.school_files.plain_table import SAMPLE

NULL = "NULL"
TEMPLATE = "<district_school_year>"
"""A word that the export should have filled in."""
NUMBER_OF, LETTER_OF = "{} (number)", "{} (letter)"
DAY_MARK = "day mark"
_DELIMITERS = (",", ";", "\t", "|")
_FLAGS = ("absent", "tardy", "dismissed", "excused")


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump, opened.

    Attributes
    ----------
    headings : tuple of str
        Of the file, of `options.headings`, or "1", "2", ….
    has_headings : bool
        Whether the first row is one of headings.
    delimiter : str
    """

    file: FileKind
    headings: tuple[str, ...]
    has_headings: bool
    delimiter: str

    def rows(self) -> Iterator[tuple[int, list[str | None]]]:
        """Row number and cells of every row of data; NULL and empty are None."""
        for number, row in records(self.file, self.delimiter):
            if number > 1 or not self.has_headings:
                yield number, [None if text in ("", NULL) else text for text in row]


def records(file: FileKind, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Row number and fields; a backslash protects the mark after it, a field may hold line ends.

    Raises
    ------
    DataError
        If a quotation mark is not closed.
    """
    reader = csv.reader(_lines(file), delimiter=delimiter, escapechar="\\", strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{file.path.name}: row {number} has a quotation mark that is not closed or not "
                f"protected by a backslash ({error}); export the file again"
            ) from error
        if row:
            yield number, row


def opened(file: FileKind, names: Sequence[str] | None = None) -> Dump:
    """Find the headings of a dump.

    Raises
    ------
    DataError
        If `names` are given and the file has another number of columns.
    """
    delimiter = _delimiter(file)
    _, first = next(records(file, delimiter))
    plain_names = tuple(text.strip().strip("'") for text in first)
    quoted = all(text.startswith("'") and text.endswith("'") and len(text) > 2 for text in first)
    known = sum(is_known(text) for text in plain_names)
    has_headings = quoted or known >= 2 or (
        known >= 1 and all(plain(text) and not NUMBER.match(text) for text in plain_names)
    )  # fmt: skip
    if names is not None:
        if len(names) != len(first):
            raise DataError(
                f"{file.path.name}: has {len(first)} columns, but headings under [table.options] "
                f"names {len(names)}"
            )
        return Dump(file, tuple(names), has_headings, delimiter)
    if has_headings:
        return Dump(file, plain_names, True, delimiter)
    return Dump(file, tuple(str(i + 1) for i in range(len(first))), False, delimiter)


def _lines(file: FileKind) -> Iterator[str]:
    rest = ""
    for block in decoded_blocks(file):
        pieces = (rest + block.decode("utf-8", "replace")).replace("\r\n", "\n").split("\n")
        rest = pieces.pop()
        yield from (piece + "\n" for piece in pieces)
    if rest.strip("\x1a"):
        yield rest


def _delimiter(file: FileKind) -> str:
    text = next(decoded_blocks(file, 1 << 16)).decode("utf-8", "replace")
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def is_dump(file: FileKind) -> bool:
    """Headings in ', values with a backslash, the text NULL, or quoted rows without headings."""
    text = next(decoded_blocks(file, 1 << 18)).decode("utf-8", "replace")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    if not lines or lines[0].count(",") + lines[0].count(";") + lines[0].count("\t") == 0:
        return False
    delimiter = max(_DELIMITERS, key=lines[0].count)
    first = lines[0].split(delimiter)
    if all(one.startswith("'") and one.rstrip().endswith("'") for one in first):
        return True
    quoted = all(line.startswith('"') and line.rstrip().endswith('"') for line in lines[:50])
    if not quoted:
        return False
    without_headings = sum(is_known(one.strip('"')) for one in first) == 0
    null = f'"{NULL}"' in text
    return null or '\\"' in text or TEMPLATE in text or without_headings


Derived = tuple[str, Callable[[Sequence[str | None]], str | None]]
"""A heading, and what stands under it by the cells of a row."""


def added_columns(dump: Dump, *, by_name: bool = False) -> list[Derived]:
    """Columns that the reader makes: number and letter of a mark, and the mark of a day.

    With `by_name` also of a column that is only called like marks, so that a mapping fits a file
    whose marks happen to have no letters.
    """
    rows = []
    for _, row in dump.rows():
        if len(row) == len(dump.headings):
            rows.append(row)
        if len(rows) == SAMPLE:
            break
    added: list[Derived] = []
    for place, name in enumerate(dump.headings):
        values = [row[place] for row in rows if row[place]]
        is_named = by_name and plain(name) in ROLES["score"]
        if is_named or any(NUMBER_AND_LETTER.match(value or "") for value in values):
            added += [
                (NUMBER_OF.format(name), lambda row, at=place: _part(row[at], 0)),
                (LETTER_OF.format(name), lambda row, at=place: _part(row[at], 1)),
            ]
    flags = flag_places(dump.headings)
    if "absent" in flags and "tardy" in flags:
        added.append((DAY_MARK, lambda row: day_mark(row, flags)))
    return added


def _part(text: str | None, which: int) -> str | None:
    """The number or the letter of `85.12 B+`; anything else stays whole, where it belongs."""
    if text is None:
        return None
    if NUMBER_AND_LETTER.match(text):
        return text.split(" ")[which]
    if LETTER_MARK.match(text):
        return text if which else None
    return None if which else text


def flag_places(headings: Sequence[str]) -> dict[str, int]:
    places = {}
    for place, heading in enumerate(headings):
        for flag in _FLAGS:
            if plain(heading) in (f"att {flag} ind", f"{flag} ind", flag):
                places.setdefault(flag, place)
    return places


def day_mark(row: Sequence[str | None], flags: Mapping[str, int]) -> str:
    is_set = {flag: row[place] == "1" for flag, place in flags.items()}
    what = next((flag for flag in _FLAGS[:3] if is_set.get(flag)), "present")
    return f"{what}, excused" if what != "present" and is_set.get("excused") else what
