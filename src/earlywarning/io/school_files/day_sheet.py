"""A sheet with days across and students down: where its headings, students and marks stand.

A sheet may hold several such tables one under another, each with its own headings; `blocks` finds
them all. What month or class they are of is another question (`monthly_sheet`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

from openpyxl.utils import get_column_letter

from earlywarning.io.grid import Cell, Grid, Row
from earlywarning.io.headings import tidy
from earlywarning.io.school_files.month_titles import (
    DayLabel,
    day_label,
    month_number,
    weekday_of,
)
from earlywarning.io.workbook import EMPTY
from earlywarning.records.codes import attendance_codes

LEAST_DAYS = 5
_LOOK_AHEAD = 60
_ABOVE, _BELOW = 4, 3
_LONGEST_MARK = 20
_SURELY_MARKS = 3
_MOST_TITLES, _LONGEST_TITLE = 30, 200
_FOOTER = re.compile(
    r"^(jumlah|jml|total|rata|laki|perempuan|keterangan|ket\b|mengetahui|kepala|wali|catatan|"
    r"hari efektif|persen|nip\b|%|\* ?\)|l :|p :)",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"^(hari|tanggal|tgl|hari\W+(tanggal|tgl)|tanggal\W+bulan|total|jumlah|jml|rekap\w*|"
    r"ket|keterangan)$",
    re.IGNORECASE,
)
_WHO = ("name", "student", "national_id", "both")
"""Roles of columns of which one at least says who a row is about."""
_ROLES = {
    "number": r"no|no urut|nomor|nomor urut|urut|no absen|nomor absen",
    "student": r"nis|nipd|no induk|nomor induk|no induk siswa|nomor induk siswa|induk|nis lokal"
    r"|student id",
    "national_id": r"nisn",
    "both": r"(?:nis|nipd|no induk|induk|nomor induk)\s*/\s*nisn|nisn\s*/\s*(?:nis|nipd)",
    "name": r"nama|nama siswa|nama lengkap|nama peserta didik|nama murid|nama siswa i"
    r"|nama lengkap siswa|nama santri|student name|name|student",
    "sex": r"l/p|p/l|l p|lp|jk|jenis kelamin|gender|sex|kelamin",
    "class": r"kelas|kls|rombel|rombongan belajar|class|rombel saat ini",
}


@dataclass(frozen=True, slots=True)
class StudentColumn:
    """A column about the student: its place from 0, the file's heading, and what it holds."""

    place: int
    heading: str
    role: str


@dataclass(frozen=True, slots=True)
class DayColumn:
    """A column of marks.

    Attributes
    ----------
    place : int
        From 0.
    heading : str
        As the file writes it.
    label : DayLabel
        Weekdays from the row above or below, too.
    """

    place: int
    heading: str
    label: DayLabel

    @property
    def shown(self) -> str:
        """For messages: the heading and the column's letter."""
        return f"{self.heading!r} (column {letter(self.place)})"


@dataclass(frozen=True, slots=True)
class OtherColumn:
    """A column that is neither: a total, or something unknown. `pieces` are its headings from the
    top, with what a merged heading says over it."""

    place: int
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One table of a sheet.

    Attributes
    ----------
    grid : Grid
    number : int
        1 for the first of its sheet.
    titles : tuple of rows of texts
        Between the table before and the headings.
    students : tuple of StudentColumn
    days : tuple of DayColumn
        In order; a day may stand there twice.
    others : tuple of OtherColumn
    rows : tuple of Row
        One a student; all as wide as the headings.
    columns : mapping of int to sequence of str
        The texts of each day column, by its place; empty where there is no mark.
    counts : mapping of str to int
        Every mark in capitals, and how often it is there.
    """

    grid: Grid
    number: int
    titles: tuple[tuple[str, ...], ...]
    students: tuple[StudentColumn, ...]
    days: tuple[DayColumn, ...]
    others: tuple[OtherColumn, ...]
    rows: tuple[Row, ...]
    columns: Mapping[int, Sequence[str]]
    counts: Mapping[str, int]

    def student_column(self, role: str) -> StudentColumn | None:
        """The first column of a role, if there is one."""
        return next((column for column in self.students if column.role == role), None)

    def marks(self, column: DayColumn) -> Sequence[str]:
        """The marks of a day column, one a student; empty where there is none."""
        return self.columns[column.place]


def letter(place: int) -> str:
    """A column as a spreadsheet names it."""
    return get_column_letter(place + 1)


def text_of(cells: Sequence[Cell], place: int) -> str:
    """The text of a cell; empty beyond the row's end."""
    return (cells[place][0] or "") if place < len(cells) else ""


def _tidied(row: Row) -> Row:
    """A row whose texts have no outer or doubled blanks."""
    number, cells = row
    return number, [
        (text if text is None or text.isalnum() else tidy(text) or None, kind)
        for text, kind in cells
    ]


def blocks(grid: Grid) -> list[Block]:
    """The tables of a sheet; none if it is no sheet of days.

    A table begins where a row holds at least `LEAST_DAYS` days in order, and a name or number of a
    student stands in a heading beside it. Tables without any mark count; scores under the numbers
    1, 2, 3 … do not.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    stream = map(_tidied, grid.rows())
    rows = list(islice(stream, _LOOK_AHEAD))
    if not any(_day_columns(cells) for _, cells in rows):
        return []
    rows = list(chain(rows, stream))
    heads = list(_headings(rows))
    found: list[Block] = []
    start = 0
    for number, head in enumerate(heads):
        until = heads[number + 1].first if number + 1 < len(heads) else len(rows)
        students, end = _students(rows, head, until)
        columns = {
            day.place: [text_of(cells, day.place) for _, cells in students] for day in head.days
        }
        counts = Counter(mark.upper() for texts in columns.values() for mark in texts if mark)
        block = Block(
            grid, len(found) + 1,
            _titles(rows[max(start, head.first - _MOST_TITLES) : head.first]),
            head.students, head.days, head.others, tuple(students), columns, counts,
        )  # fmt: skip
        if _holds_marks(block):
            found.append(block)
        start = end
    return found


def _titles(rows: Sequence[Row]) -> tuple[tuple[str, ...], ...]:
    """Texts of the rows over a table; as many and as long as titles are."""
    return tuple(
        tuple(text[:_LONGEST_TITLE] for text, _ in _texts(cells))[:_MOST_TITLES]
        for _, cells in rows
    )


@dataclass(frozen=True, slots=True)
class _Head:
    """Headings: rows `first` to `last` (places in the list of rows), and the columns."""

    first: int
    last: int
    students: tuple[StudentColumn, ...]
    days: tuple[DayColumn, ...]
    others: tuple[OtherColumn, ...]


def _texts(cells: Sequence[Cell]) -> Iterator[tuple[str, int]]:
    for place in range(len(cells)):
        if text := text_of(cells, place):
            yield text, place


def _day_columns(cells: Sequence[Cell]) -> list[tuple[int, str, DayLabel]]:
    """The day headings of a row; empty if it is no such row.

    Days rise; they may begin anew for a second month, but then at least five must follow.
    """
    found = [
        (place, text, label)
        for text, place in _texts(cells)
        if len(text) <= _LONGEST_MARK and not text.isalpha() and (label := day_label(text))
    ]
    if len(found) < LEAST_DAYS:
        return []
    run, runs = 1, []
    for (_, _, before), (_, _, after) in pairwise(found):
        if (after.year or 0, after.month or 0, after.day) >= (
            before.year or 0, before.month or 0, before.day
        ):  # fmt: skip
            run += 1
        else:
            runs.append(run)
            run = 1
    days = {(label.year, label.month, label.day) for _, _, label in found}
    if min([*runs, run]) < LEAST_DAYS or len(days) < max(LEAST_DAYS, len(found) // 2):
        return []
    return found


def _headings(rows: Sequence[Row]) -> Iterator[_Head]:
    """Every row of days with its student headings; a numbering of the columns is none."""
    taken = -1
    for place, (_, cells) in enumerate(rows):
        if place <= taken:
            continue
        days = _day_columns(cells)
        if not days:
            continue
        head = _head(rows, place, days, taken)
        if head is not None:
            taken = head.last
            yield head


def _head(
    rows: Sequence[Row], place: int, days: Sequence[tuple[int, str, DayLabel]], taken: int
) -> _Head | None:
    near = range(max(place - _ABOVE, taken + 1), min(place + _BELOW, len(rows)))
    day_places = {column for column, _, _ in days}
    named = [
        i for i in near if any(_role(text) in _WHO
                               and column not in day_places
                               for text, column in _texts(rows[i][1]))
    ]  # fmt: skip
    if not named:
        return None
    weekday_rows = [i for i in near if i != place and _weekdays(rows[i][1], day_places)]
    key = min(named, key=lambda i: abs(i - place))
    first = min([key, place, *(i for i in weekday_rows if i < place)])
    while first - 1 in near and _is_group_row(rows[first - 1][1], day_places):
        first -= 1
    last = max([key, place, *(i for i in weekday_rows if i > place)])
    while last + 1 < len(rows) and _is_numbering(rows[last + 1][1]):
        last += 1
    region = [rows[i][1] for i in range(first, last + 1)]
    width = max(max((place for _, place in _texts(cells)), default=0) for cells in region) + 1
    weekdays: dict[int, frozenset[int]] = {}
    for i in weekday_rows:
        weekdays |= _weekdays(rows[i][1], day_places)
    months = _months_above(region, day_places)
    columns = tuple(
        DayColumn(
            column, text,
            DayLabel(
                label.day, label.weekdays or weekdays.get(column, frozenset()),
                label.month or months.get(column), label.year,
            ),
        )
        for column, text, label in days
    )  # fmt: skip
    students, others = _other_columns(region, day_places, width)
    if not any(column.role in _WHO for column in students):
        return None
    return _Head(first, last, students, columns, others)


def _other_columns(
    region: Sequence[Sequence[Cell]], day_places: set[int], width: int
) -> tuple[tuple[StudentColumn, ...], tuple[OtherColumn, ...]]:
    students: list[StudentColumn] = []
    others = []
    roles: set[str] = set()
    over: dict[int, str] = {}
    behind = max(day_places)
    for place in range(width):
        if place in day_places:
            continue
        pieces = tuple(text for cells in region if (text := text_of(cells, place)))
        said = {role: text for text in pieces if (role := _role(text)) and role not in roles}
        role = next((role for role in (*_WHO, *said) if role in said), None)
        if role:
            roles.add(role)
            students.append(StudentColumn(place, said[role], role))
        elif place > behind:
            # A heading over several columns stands in the first of them.
            for row, cells in enumerate(region[:-1]):
                if text := text_of(cells, place):
                    over[row] = text
            above = [text for row, text in over.items() if not text_of(region[row], place)]
            others.append(OtherColumn(place, (*above[:1], *pieces)))
        else:
            others.append(OtherColumn(place, pieces))
    return tuple(students), tuple(others)


def _role(text: str) -> str | None:
    words = re.sub(r"[.:()]", " ", text.lower())
    words = " ".join(words.split())
    return next((role for role, words_ in _ROLES.items() if re.fullmatch(words_, words)), None)


def _weekdays(cells: Sequence[Cell], places: set[int]) -> dict[int, frozenset[int]]:
    """Weekdays of a row that holds nothing else in the day columns; of letters, only `SSRKJSM`."""
    texts = {place: text for text, place in _texts(cells) if place in places}
    if len(texts) < LEAST_DAYS - 2:
        return {}
    found = {place: weekday_of(text, letters=True) for place, text in texts.items()}
    return found if all(found.values()) and len(set(found.values())) > 1 else {}


def _is_group_row(cells: Sequence[Cell], places: set[int]) -> bool:
    """A row above the headings that says what columns have in common: months, days, totals."""
    texts = list(_texts(cells))
    months = [text for text, place in texts if place in places and month_number(text.split()[0])]
    others = [text for text, place in texts if not _GROUP.match(text) and text not in months]
    return bool(texts) and not others and len(months) != 1


def _is_numbering(cells: Sequence[Cell]) -> bool:
    """A row that numbers the columns: 1, 2, 3 …, also in brackets."""
    texts = [text.strip("()") for text, _ in _texts(cells)]
    return len(texts) > LEAST_DAYS and texts == [str(i + 1) for i in range(len(texts))]


def _months_above(region: Sequence[Sequence[Cell]], places: set[int]) -> dict[int, int]:
    """The month that stands over each day column, where several stand side by side."""
    found: dict[int, int] = {}
    for cells in region:
        said = {
            place: month
            for text, place in _texts(cells)
            if place in places and not day_label(text) and not weekday_of(text, letters=True)
            and (month := month_number(text.split()[0]))
        }  # fmt: skip
        if len(said) > 1:
            for place in sorted(places):
                left = [start for start in said if start <= place]
                if left:
                    found[place] = said[max(left)]
    return found


def _students(rows: Sequence[Row], head: _Head, until: int) -> tuple[list[Row], int]:
    """The rows of students, and the place behind the last one."""
    width = max(c.place for c in (*head.students, *head.days, *head.others)) + 1
    students: list[Row] = []
    end = head.last + 1
    in_footer = False
    for place in range(head.last + 1, until):
        number, cells = rows[place]
        lead = next((text for text, at in _texts(cells) if at < head.days[0].place), "")
        is_student = _is_student(cells, head, lead, in_footer=in_footer)
        if is_student:
            padded = [*cells[:width], *[(None, EMPTY)] * (width - len(cells))]
            students.append((number, padded))
            end = place + 1
        in_footer |= not is_student and bool(students) and bool(_FOOTER.match(lead))
    return students, end


def _is_student(cells: Sequence[Cell], head: _Head, lead: str, *, in_footer: bool) -> bool:
    """Whether a row is a student's: footers, signatures, legends and repeated headings are not."""
    by_role = {column.role: text_of(cells, column.place) for column in head.students}
    marks = [text for day in head.days if (text := text_of(cells, day.place)) not in ("", "-")]
    words = [mark for mark in marks if not _is_number(mark) and len(mark) <= _LONGEST_MARK]
    known = [mark for mark in words if mark.upper() in _KNOWN]
    who = [text for role in _WHO if (text := by_role.get(role, ""))]
    if not who:
        return not _FOOTER.match(lead) and not in_footer and len(known) >= _SURELY_MARKS
    if any(_role(text) for text in who):
        return False
    if _is_number(by_role.get("number", "")):
        return bool(words) or not marks or not _is_number(by_role.get("name", "1"))
    if _FOOTER.match(lead) or (marks and not words):
        return False
    if known or (not in_footer and len(words) >= _SURELY_MARKS):
        return True
    alone = "number" not in by_role and (len(who) > 1 or len(by_role) == 1)
    return not in_footer and alone


_NUMBER = re.compile(r"\d+([.,]\d*)?")
_KNOWN = frozenset(
    {*attendance_codes("id").statuses, *attendance_codes("uk2024").statuses, "√", "✔", "V"}
)


def _is_number(text: str) -> bool:
    return text[:1].isdigit() and bool(_NUMBER.fullmatch(text))


def _holds_marks(block: Block) -> bool:
    """Whether the cells can be marks: mostly words or signs, not scores; none at all is fine."""
    every = sum(block.counts.values())
    numbers = sum(
        count for mark, count in block.counts.items()
        if _is_number(mark) or len(mark) > _LONGEST_MARK
    )  # fmt: skip
    return bool(block.rows) and numbers <= every * 0.4
