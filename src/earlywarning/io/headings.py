"""Headings of a table: found by name, and said clearly when they are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from earlywarning.errors import DataError
from earlywarning.io.file_kind import Limits

_LOOK_AHEAD = 50


def tidy(heading: str) -> str:
    """A heading without outer blanks, line breaks and doubled blanks."""
    return " ".join(heading.replace("\ufeff", "").split())


def find_headings(
    name: str,
    rows: Sequence[Sequence[str]],
    wanted: Collection[str],
    header_row: int,
    limits: Limits,
) -> tuple[str, ...]:
    """The headings of a table whose first rows are given; every wanted one is among them.

    Raises
    ------
    DataError
        If one is missing or stands over two columns.
    """
    if len(rows) < max(header_row, 1):
        raise DataError(
            f"{name}: has {len(rows)} rows, but the mapping looks for headings in row {header_row}"
        )
    if header_row == 0:
        headings = [str(i + 1) for i in range(len(rows[0]))]
    else:
        headings = [tidy(cell) for cell in rows[header_row - 1]]
    if len(headings) > limits.columns:
        raise DataError(
            f"{name}: row {header_row} has {len(headings):,} columns; allowed are "
            f"{limits.columns:,}"
        )
    counts = Counter(headings)
    seen: Counter[str] = Counter()
    unique = []
    for position, heading in enumerate(headings):
        seen[heading] += 1
        if not heading:
            unique.append(f"(column {position + 1})")
        elif counts[heading] > 1:
            unique.append(f"{heading}#{seen[heading]}")
        else:
            unique.append(heading)
    missing = [heading for heading in wanted if heading not in unique]
    if missing:
        raise DataError(_missing(name, rows, missing, counts, wanted, header_row))
    return tuple(unique)


def _missing(
    name: str,
    rows: Sequence[Sequence[str]],
    missing: Sequence[str],
    counts: Counter[str],
    wanted: Collection[str],
    header_row: int,
) -> str:
    for heading in missing:
        if counts[heading] > 1:
            return (
                f"{name}: row {header_row} has {counts[heading]} columns {heading!r}; "
                f"write {heading + '#1'!r} or {heading + '#2'!r} in the mapping to say which"
            )
    here = len(set(counts) & set(wanted))
    better = [
        (len({tidy(cell) for cell in row} & set(wanted)), -number)
        for number, row in enumerate(rows[:_LOOK_AHEAD], start=1)
    ]
    best, number = max(better, default=(0, 0))
    found = ", ".join(repr(heading) for heading in list(counts)[:30] if heading) or "nothing"
    text = (
        f"{name}: row {header_row} has no column "
        f"{', '.join(repr(heading) for heading in missing)}; found: {found}"
    )
    if best > here:
        return (
            f"{text}. Row {-number} holds these headings: set header_row = {-number} in the mapping"
        )
    close = get_close_matches(missing[0], [heading for heading in counts if heading], 1, 0.8)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{text}{hint}. Correct [table.columns] in the mapping, or export the columns it names"
