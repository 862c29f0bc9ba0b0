"""What is odd about a monthly sheet, in words, with the place: nothing is refused here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from earlywarning.io.school_files.day_sheet import Block, DayColumn, letter, text_of
from earlywarning.io.school_files.sheet_time import Timed, as_date
from earlywarning.records.codes import ABSENT_STATUSES, OUTSIDE_DENOMINATOR, attendance_codes

NAMESPACE = "id"
SPELLED = {
    "√": "present", "✔": "present", "☑": "present", "V": "present",
    "MANGKIR": "unexcused", "TANPA KETERANGAN": "unexcused", "LIBUR": "no_school",
    "DISPENSASI": "dispensed", "DISPEN": "dispensed", "CABUT": "truant", "TELAT": "late",
    "DATANG TERLAMBAT": "late",
}  # fmt: skip
"""Marks that the list `id` lacks and that mean one thing in a sheet of days. A reader states them
in the mapping, where a person sees them; `V` only where it is the usual mark, a tick."""

_USUAL = 0.3
_FOREIGN = 0.1
_MOST = 12


def codes_of(block: Block) -> dict[str, str]:
    """Of `SPELLED`, the marks that this table has."""
    found, every = block.counts, sum(block.counts.values())
    return {
        code: status for code, status in SPELLED.items()
        if found.get(code) and (code != "V" or found[code] >= _USUAL * every)
    }  # fmt: skip


def statuses_of(block: Block) -> dict[str, str]:
    """Every mark that is understood in this table, in capitals, and its status."""
    return {**attendance_codes(NAMESPACE).statuses, **codes_of(block)}


def foreign(block: Block) -> str | None:
    """The code list that knows all marks of a table where `id` does not; None if there is none."""
    found, known = block.counts, statuses_of(block)
    strange = sum(count for code, count in found.items() if code not in known)
    if strange <= _FOREIGN * sum(found.values()):
        return None
    for namespace in ("uk2024", "edfi5.2"):
        if set(found) <= set(attendance_codes(namespace).statuses):
            return namespace
    return None


def unknown_marks(block: Block) -> list[str]:
    """Marks that the list `id` does not know; a district may have given them a meaning."""
    known = statuses_of(block)
    places: dict[str, list[DayColumn]] = {}
    for day in block.days if set(block.counts) - set(known) else ():
        for mark in block.marks(day):
            if mark and mark.upper() not in known:
                places.setdefault(mark, []).append(day)
    if not places:
        return []
    listing = ", ".join(
        f"{mark!r} {len(days)} times (first under {days[0].shown})"
        for mark, days in list(places.items())[:_MOST]
    )
    return [
        f"{block.grid.where}: marks that the list {NAMESPACE} does not know: {listing}; give them "
        "a meaning in [table.codes], else their rows are refused"
    ]


def doubts(timed: Timed, used: Sequence[DayColumn], totals: frozenset[int]) -> list[str]:
    """What a person should look at.

    Parameters
    ----------
    timed : Timed
        Its dates are known.
    used : sequence of DayColumn
        Days with a mark for anyone.
    totals : frozenset of int
        Places of the columns of totals.
    """
    block = timed.block
    statuses = statuses_of(block)
    return [
        *_days_that_are_not(timed, used),
        *_days_twice(timed),
        *_marks_beside(block, totals, statuses),
        *_marks_on_free_days(block, used, statuses),
        *_sundays(timed, used, statuses),
        *_few_marks(timed, used, statuses),
        *_classes_without_marks(timed, used),
    ]


def _days_that_are_not(timed: Timed, used: Sequence[DayColumn]) -> list[str]:
    return [
        f"{timed.block.grid.where}: {day.shown} is no day of that month, but has "
        f"{sum(bool(mark) for mark in timed.block.marks(day))} marks; they are refused"
        for day in used
        if as_date(timed.dates[day]) is None
    ]


def _days_twice(timed: Timed) -> list[str]:
    places: dict[tuple[int, int, int], list[DayColumn]] = {}
    for day, parts in timed.dates.items():
        places.setdefault(parts, []).append(day)
    return [
        f"{timed.block.grid.where}: day {parts[2]} stands there {len(days)} times, in columns "
        f"{', '.join(letter(day.place) for day in days)}; equal marks are kept once, others "
        "refused"
        for parts, days in places.items()
        if len(days) > 1
    ]


def _marks_beside(block: Block, totals: frozenset[int], statuses: Mapping[str, str]) -> list[str]:
    notes = []
    for column in block.others:
        if column.place in totals:
            continue
        texts = [text_of(cells, column.place) for _, cells in block.rows]
        marks = [text for text in texts if text != "-" and text.upper() in statuses]
        between = block.days[0].place < column.place < block.days[-1].place
        if marks and (between or len(marks) > len(block.rows) / 2):
            heading = " ".join(dict.fromkeys(column.pieces))
            named = f"{heading!r} (column {letter(column.place)})" if heading else (
                f"column {letter(column.place)}, which has no heading,")  # fmt: skip
            notes.append(
                f"{block.grid.where}: {named} holds {len(marks)} marks but names no day; they are "
                "not read"
            )
    return notes


def _real(mark: str, statuses: Mapping[str, str]) -> bool:
    """Whether a mark says that a student came or did not."""
    return bool(mark) and statuses.get(mark.upper(), "") not in ("", *OUTSIDE_DENOMINATOR)


def _marks_on_free_days(
    block: Block, used: Sequence[DayColumn], statuses: Mapping[str, str]
) -> list[str]:
    notes = []
    for day in used:
        marks = block.marks(day)
        free = sum(statuses.get(mark.upper()) == "no_school" for mark in marks)
        real = [i for i, mark in enumerate(marks) if _real(mark, statuses)]
        if real and free > len(real):
            rows = ", ".join(str(block.rows[i][0]) for i in real[:_MOST])
            notes.append(
                f"{block.grid.where}: {day.shown} is no school day for {free} students, but row "
                f"{rows} has a mark there"
            )
    return notes


def _sundays(timed: Timed, used: Sequence[DayColumn], statuses: Mapping[str, str]) -> list[str]:
    """Sunday school where no other weekday is free: probably the wrong month."""
    block = timed.block
    taught: set[int] = set()
    sundays = []
    for day in used:
        found = as_date(timed.dates[day])
        if found is None:
            continue
        real = sum(_real(mark, statuses) for mark in block.marks(day))
        if real > len(block.rows) / 2:
            taught.add(found.isoweekday())
            if found.isoweekday() == 7:
                sundays.append(found.isoformat())
    others = taught - {7}
    if not sundays or 5 not in others:  # a school that rests on Friday teaches on Sunday
        return []
    return [
        f"{block.grid.where}: most students have marks on a Sunday: {', '.join(sundays[:_MOST])}; "
        "check the month and the year"
    ]


def _few_marks(timed: Timed, used: Sequence[DayColumn], statuses: Mapping[str, str]) -> list[str]:
    """Days with a few marks only, where presence is written down: nobody took the register, or a
    program filled in absences."""
    block = timed.block
    filled = [mark for day in used for mark in block.marks(day) if mark]
    if not any(statuses.get(mark.upper()) == "present" for mark in filled):
        return []
    few = []
    for day in used:
        count = sum(bool(mark) for mark in block.marks(day))
        if as_date(timed.dates[day]) and count < len(block.rows) / 2:
            few.append(f"{day.label.day} ({count})")
    if not few or len(few) > len(used) / 2:
        return []
    return [
        f"{block.grid.where}: fewer than half of the {len(block.rows)} students have a mark on "
        f"day {', '.join(few)}; absences there may have been filled in by a program"
    ]


def _classes_without_marks(timed: Timed, used: Sequence[DayColumn]) -> list[str]:
    """Where several classes share a sheet: days on which one of them has no mark at all."""
    block, column = timed.block, timed.block.student_column("class")
    if column is None:
        return []
    classes = [text_of(cells, column.place) for _, cells in block.rows]
    notes = []
    for name in dict.fromkeys(classes):
        empty = [
            str(day.label.day)
            for day in used
            if as_date(timed.dates[day])
            and not any(
                mark for mark, own in zip(block.marks(day), classes, strict=True) if own == name
            )
        ]
        if empty and len(set(classes)) > 1:
            notes.append(
                f"{block.grid.where}: class {name} has no mark on day {', '.join(empty)}, on which "
                "other classes have some"
            )
    return notes


def swapped(block: Block) -> str | None:
    """Whether names stand in the column of numbers and numbers in that of names."""
    name, number = block.student_column("name"), block.student_column("student")
    if name is None or number is None:
        return None
    pairs = [(text_of(cells, name.place), text_of(cells, number.place)) for _, cells in block.rows]
    wrong = sum(_has_digit(a) and b != "" and not _has_digit(b) for a, b in pairs)
    if wrong * 2 <= len(pairs):
        return None
    return (
        f"{block.grid.where}: column {number.heading!r} holds names and {name.heading!r} numbers; "
        "exchange the two headings in [table.columns]"
    )


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def present_is_blank(block: Block, used: Sequence[DayColumn]) -> bool:
    """Whether nobody is marked as present: only absences are written down."""
    statuses = statuses_of(block)
    marks = [mark for day in used for mark in block.marks(day) if mark]
    absent = sum(statuses.get(mark.upper()) in ABSENT_STATUSES for mark in marks)
    return bool(absent) and not any(statuses.get(mark.upper()) == "present" for mark in marks)
