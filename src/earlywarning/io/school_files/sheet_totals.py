"""Totals beside the marks, counted again.

Schools count differently: a total of H may include those who came late, one of A those whom nobody
recorded. So each total column is compared by the rule that most of its students agree with, and the
rule is said where it is not the plain one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from earlywarning.io.school_files.day_sheet import (
    Block,
    DayColumn,
    OtherColumn,
    letter,
    text_of,
)

BLANK = "an empty mark"
_COUNTED_OUT = ("no_school", "unrecorded", "not_required", "other")
_CAME = ("present", "late", "present_offsite", "partial", "early_leave", "dispensed")
_ABSENT = ("sick", "permitted", "unexcused", "truant", "suspended")
_WORDS = {
    "H": r"h|hadir|masuk|tepat|hadir tepat|tepat waktu|present",
    "S": r"s|sakit|skt",
    "I": r"i|izin|ijin",
    "A": r"a|alpa|alpha|alfa|alp|tk|mangkir|tanpa keterangan|tanpa ket|absent",
    "T": r"t|dt|terlambat|telat|datang terlambat",
    "TA": r"ta|tidak absen",
    "B": r"b|bolos|cabut",
    "D": r"d|dispensasi|dispen|dn",
    "sum": r"jumlah|jml|total|jumlah absen|total absen|tidak hadir|jumlah tidak hadir|jmlh",
    "%": r"%|persen|persentase|prosentase|% (?:ke)?hadir(?:an)?|persentase (?:ke)?hadir(?:an)?",
}
_TOLERANCE = 1.0
"""Of a percentage, in points: sheets round it in several ways."""
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a total counts: statuses, literal codes, or empty marks; `plain` needs no saying."""

    says: str
    statuses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    blank: bool = False
    plain: bool = False

    def counts(self, mark: str, status: str | None) -> bool:
        """Whether a mark is counted."""
        if not mark:
            return self.blank
        return status in self.statuses or mark in self.codes


@dataclass(frozen=True, slots=True)
class Totals:
    """What the totals of a block say.

    Attributes
    ----------
    places : frozenset of int
        Columns that are totals.
    warnings : tuple of str
        Totals that differ from the marks, and rules that are not the plain one.
    blank_counts_as : tuple of str
        Headings of totals that agree only if empty marks are counted with them.
    """

    places: frozenset[int]
    warnings: tuple[str, ...]
    blank_counts_as: tuple[str, ...]


def check_totals(block: Block, days: Sequence[DayColumn], statuses: Mapping[str, str]) -> Totals:
    """Compare every total with the marks of its student.

    Parameters
    ----------
    block : Block
    days : sequence of DayColumn
        The days that count: those with a mark for anyone.
    statuses : mapping of mark, in capitals, to status
    """
    day_places = [day.place for day in days]
    marks = [
        [
            (mark, statuses.get(mark), count)
            for mark, count in Counter(
                text_of(cells, place).upper() for place in day_places
            ).items()
        ]
        for _, cells in block.rows
    ]
    places, warnings, blanks = set(), [], []
    for column in block.others:
        kind = _kind(column, block)
        if kind is None:
            continue
        places.add(column.place)
        written = [_number(text_of(cells, column.place)) for _, cells in block.rows]
        if kind == "%":
            warnings += _check_share(block, column, written, marks)
            continue
        rule, counted = _best(_rules(kind), written, marks)
        if rule.blank:
            blanks.append(_heading(column))
        warnings += _differences(block, column, written, counted, rule)
    return Totals(frozenset(places), tuple(warnings), tuple(blanks))


Marked = Sequence[tuple[str, str | None, int]]
"""Of one student: each mark in capitals, its status, and how often it is there."""


def _kind(column: OtherColumn, block: Block) -> str | None:
    """What a total is of; None if the column is no total."""
    kind = next((kind for piece in reversed(column.pieces) if (kind := _word(piece))), None)
    if kind is None or column.place < block.days[0].place:
        return None
    texts = [text for _, cells in block.rows if (text := text_of(cells, column.place))]
    numbers = sum(_number(text) is not None for text in texts)
    return kind if numbers >= len(texts) / 2 else None


def _word(text: str) -> str | None:
    """The kind of a heading such as `Total Telat (DT)`; the code in brackets decides."""
    low = " ".join(text.lower().replace(".", " ").split())
    if match := re.search(r"\((\w{1,3}|%)\)$", low):
        return next((kind for kind, words in _WORDS.items() if re.fullmatch(words, match[1])), None)
    for attempt in (low, re.sub(r"^(?:total|jumlah|jml|rekap|hari)\s+", "", low)):
        for kind, words in _WORDS.items():
            if re.fullmatch(words, attempt):
                return kind
    return None


def _number(text: str) -> float | None:
    """A total as written; an empty one and `-` are 0, None is no number."""
    if text in ("", "-", "–"):
        return 0.0
    match = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(?:%|hari|x|kali)?", text)
    return float(match[1].replace(",", ".")) if match else None


def _rules(kind: str) -> tuple[_Rule, ...]:
    """What a total of this kind may count, the plain one first."""
    late = ("late",)
    return {
        "H": (
            _Rule("H", ("present",), plain=True),
            _Rule("H and those who came late", ("present", *late)),
            _Rule("everyone who came", _CAME),
            _Rule(f"H and {BLANK}", ("present",), blank=True),
            _Rule(f"H, those who came late and {BLANK}", ("present", *late), blank=True),
        ),
        "S": (_Rule("S", ("sick",), plain=True),),
        "I": (
            _Rule("I", ("permitted",), plain=True),
            _Rule("I and D", ("permitted", "dispensed")),
        ),
        "A": (
            _Rule("A", ("unexcused",), plain=True),
            _Rule("A and B", ("unexcused", "truant")),
            _Rule("A and TA", ("unexcused",), ("TA",)),
            _Rule(f"A and {BLANK}", ("unexcused",), blank=True),
        ),
        "T": (_Rule("T", late, plain=True),),
        "TA": (
            _Rule("TA", codes=("TA",), plain=True),
            _Rule("TA and A", ("unexcused",), ("TA",)),
            _Rule("A", ("unexcused",)),
        ),
        "B": (_Rule("B", ("truant",), plain=True),),
        "D": (_Rule("D", ("dispensed",), plain=True),),
        "sum": (
            _Rule("S, I and A", ("sick", "permitted", "unexcused"), plain=True),
            _Rule("all absences", _ABSENT),
            _Rule("H", ("present",)),
            _Rule("everyone who came", _CAME),
            _Rule("all marks", (*_CAME, *_ABSENT)),
        ),
    }[kind]


def _best(
    rules: Sequence[_Rule], written: Sequence[float | None], marks: Sequence[Marked]
) -> tuple[_Rule, list[int]]:
    """The rule that most students agree with; of equal ones the first."""
    counted = [
        [sum(count for mark, status, count in row if rule.counts(mark, status)) for row in marks]
        for rule in rules
    ]
    agreeing = [
        sum(a == b for a, b in zip(written, counts, strict=True) if a is not None)
        for counts in counted
    ]
    best = agreeing.index(max(agreeing))
    return rules[best], counted[best]


def _heading(column: OtherColumn) -> str:
    return " ".join(dict.fromkeys(column.pieces))


def _differences(
    block: Block,
    column: OtherColumn,
    written: Sequence[float | None],
    counted: Sequence[float],
    rule: _Rule,
) -> list[str]:
    what = f"total {_heading(column)!r} (column {letter(column.place)})"
    where = block.grid.where
    wrong = [
        (place, said, count)
        for place, (said, count) in enumerate(zip(written, counted, strict=True))
        if said is not None and said != count
    ]
    notes = []
    if not rule.plain and len(wrong) < len(written):
        notes.append(f"{where}: {what} counts {rule.says}; it was compared so")
    if len(written) > 3 and len(wrong) > len(written) / 2:
        place, said, count = wrong[0]
        return [
            f"{where}: {what} follows no rule that is known here: {len(wrong)} of {len(written)} "
            f"students differ, the first in row {block.rows[place][0]} with {said:g} where the "
            f"marks make {count:g} ({rule.says})"
        ]
    for place, said, count in wrong[:_MOST_ROWS]:
        notes.append(
            f"{where}: row {block.rows[place][0]} (student {place + 1}): {what} says {said:g}, the "
            f"marks make {count:g} ({rule.says})"
        )
    if len(wrong) > _MOST_ROWS:
        notes.append(f"{where}: {what}: {len(wrong) - _MOST_ROWS} more students differ")
    unread = sum(said is None for said in written)
    if unread:
        notes.append(f"{where}: {what}: {unread} totals are no numbers and were not compared")
    return notes


def _check_share(
    block: Block, column: OtherColumn, written: Sequence[float | None], marks: Sequence[Marked]
) -> list[str]:
    """A percentage of attendance: of the recorded days, or of all days of the sheet."""
    shares = [value for value in written if value is not None]
    scale = 100 if shares and max(shares) <= 1 else 1

    def recorded(row: Marked) -> int:
        return sum(count for mark, status, count in row if mark and status not in _COUNTED_OUT)

    def school_days(row: Marked) -> int:
        return sum(count for _, status, count in row if status != "no_school")

    best: list[tuple[int, float, float]] | None = None
    for statuses in (("present",), ("present", "late"), _CAME):
        for days in (recorded, school_days):
            wrong = _wrong_shares(written, marks, statuses, days, scale)
            if best is None or len(wrong) < len(best):
                best = wrong
    what = f"total {_heading(column)!r} (column {letter(column.place)})"
    if not best or len(best) > len(written) / 2:
        return []
    return [
        f"{block.grid.where}: row {block.rows[place][0]} (student {place + 1}): {what} says "
        f"{said:g} %, the marks make {count:.1f} %"
        for place, said, count in best[:_MOST_ROWS]
    ]


def _wrong_shares(
    written: Sequence[float | None],
    marks: Sequence[Marked],
    statuses: Sequence[str],
    days: Callable[[Marked], int],
    scale: int,
) -> list[tuple[int, float, float]]:
    wrong = []
    for place, (said, row) in enumerate(zip(written, marks, strict=True)):
        if said is None or not days(row):
            continue
        came = sum(count for _, status, count in row if status in statuses)
        count = 100 * came / days(row)
        if abs(said * scale - count) > _TOLERANCE:
            wrong.append((place, said * scale, count))
    return wrong
