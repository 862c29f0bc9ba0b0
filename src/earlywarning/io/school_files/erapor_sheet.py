"""A grade ledger, read once: its students, which columns hold grades, the pass marks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earlywarning.io.grid import Cell, Grid
from earlywarning.io.school_files.erapor_headings import (
    KNOWLEDGE,
    SKILLS,
    WHOLE,
    GradeColumn,
    LedgerHeadings,
    find_headings,
)
from earlywarning.io.school_files.title_rows import Titles, read_titles
from earlywarning.io.workbook import EMPTY, TEXT

DASHES = ("-", "\u2013", "\u2014")
NOTHING = ("", *DASHES)
_NUMBER = re.compile(r"^\d{1,3}([.,]\d+)?$")
_OWN_NUMBER = re.compile(r"^(?!NIP\b)[A-Za-z0-9][\w./-]*$", re.IGNORECASE)
_PASS_MARK = re.compile(r"\b(KKM|KKTP|KBM|kriteria ketuntasan)\b", re.IGNORECASE)
_TITLE = re.compile(r"\bl(?:e|ed)ger\b")
_SUBJECT = re.compile(
    r"matematika|mtk|bahasa|b\. ?(indo|ing|jawa)|\bipa\b|\bips\b|pkn|pancasila|kewarganegaraan"
    r"|\bpai\b|agama|seni|pjok|penjas|jasmani|prakarya|informatika|\btik\b",
    re.IGNORECASE,
)
_FEW_SUBJECTS = 3
HIGHEST = 100.0
"""A column with larger numbers holds no grades."""

_PASS_MARK_ABOVE = re.compile(r"\b(?:kkm|kktp)\b[ :=]{0,4}(\d{1,3}(?:[.,]\d+)?)\b")


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger that was read once.

    Attributes
    ----------
    students : list of (row number, cells)
    grades : tuple of GradeColumn
        The columns that hold grades and are taken.
    skills : tuple of GradeColumn
        Grades for skills beside those for knowledge.
    further : tuple of str
        Headings of more grades of the same subjects.
    unread : tuple of str
        Headings of columns that hold no numbers from 0 to 100.
    pass_marks : mapping of place to float
    """

    grid: Grid
    titles: Titles
    headings: LedgerHeadings
    students: list[tuple[int, list[Cell]]]
    grades: tuple[GradeColumn, ...]
    skills: tuple[GradeColumn, ...]
    further: tuple[str, ...]
    unread: tuple[str, ...]
    pass_marks: Mapping[int, float]


def read_ledger(grid: Grid) -> Ledger | None:
    """Read a sheet as a ledger; None if its headings do not name students."""
    head = grid.head()
    headings = find_headings(head)
    if headings is None or not (headings.columns or headings.totals):
        return None
    titles = read_titles([row for row in head if row[0] < headings.first_row])
    students, pass_marks = [], {}
    for number, cells in grid.rows():
        if number <= headings.last_row:
            continue
        if _is_pass_mark(cells, headings):
            marks = ((column.place, number_of(at(cells, column.place))) for column in
                     headings.columns)  # fmt: skip
            pass_marks |= {place: mark for place, mark in marks if mark is not None}
        elif _is_student(cells, headings):
            students.append((number, cells))
    holding = [column for column in headings.columns if _holds_grades(column, students)]
    above = _PASS_MARK_ABOVE.search(titles.text)
    if above and not pass_marks:
        pass_marks = {column.place: float(above[1].replace(",", ".")) for column in holding}
    grades, skills = _taken(holding)
    return Ledger(
        grid, titles, headings, students, grades, skills,
        tuple(column.label for column in holding if column not in (*grades, *skills)),
        tuple(
            dict.fromkeys(column.label for column in headings.columns if column not in holding)
        ),
        pass_marks,
    )  # fmt: skip


def is_ledger(ledger: Ledger) -> bool:
    """Whether the title says so, or the subjects are subjects."""
    known = sum(bool(_SUBJECT.search(column.subject)) for column in ledger.grades)
    if not ledger.students:
        return False
    if _TITLE.search(ledger.titles.text):
        return bool(ledger.grades or ledger.headings.totals)
    return known >= _FEW_SUBJECTS and bool(ledger.headings.totals or ledger.titles.semester)


def _taken(
    holding: Sequence[GradeColumn],
) -> tuple[tuple[GradeColumn, ...], tuple[GradeColumn, ...]]:
    """One column a subject: knowledge before one grade for all of it before skills."""
    order = (KNOWLEDGE, WHOLE, SKILLS)
    best: dict[str, GradeColumn] = {}
    for column in sorted(holding, key=lambda column: order.index(column.aspect)):
        best.setdefault(column.subject, column)
    skills: dict[str, GradeColumn] = {}
    for column in holding:
        if column.aspect == SKILLS and best[column.subject].aspect != SKILLS:
            skills.setdefault(column.subject, column)
    grades = tuple(sorted(best.values(), key=lambda column: column.place))
    return grades, tuple(skills.values())


def at(cells: Sequence[Cell], place: int | None) -> Cell:
    """The cell at a place; an empty one if the row is shorter, or there is no such column."""
    return cells[place] if place is not None and place < len(cells) else (None, EMPTY)


def text_of(cell: Cell) -> str:
    """A cell's text without needless blanks; empty if there is none."""
    return " ".join((cell[0] or "").split())


def number_of(cell: Cell) -> float | None:
    """A grade, with comma or point; None if the cell holds something else."""
    text = text_of(cell)
    return float(text.replace(",", ".")) if _NUMBER.match(text) else None


def who_is(cells: Sequence[Cell], headings: LedgerHeadings) -> dict[str, Cell]:
    """NIS, NISN and name; numbers keep their kind, so that lost zeros are reported."""
    found = {name: _own_number(at(cells, headings.ids.get(name))) for name in ("NIS", "NISN")}
    both = text_of(at(cells, headings.ids.get("NIS/NISN")))
    for name, text in zip(("NIS", "NISN"), both.split("/"), strict=False):
        if not found[name][0] and text.strip(" -"):
            found[name] = (text.strip(), TEXT)
    return {**found, "Nama": at(cells, headings.ids["Nama"])}


def _own_number(cell: Cell) -> Cell:
    text = text_of(cell).removeprefix("'")
    return (text, cell[1]) if text not in (*NOTHING, "0") else (None, EMPTY)


def _is_student(cells: Sequence[Cell], headings: LedgerHeadings) -> bool:
    """A row with a student's number, or at least with its own number and a name."""
    who = who_is(cells, headings)
    name = text_of(who["Nama"])
    if not re.search(r"[^\W\d_]", name):
        return False
    numbers = [text_of(who[key]) for key in ("NIS", "NISN") if who[key][0]]
    if any(_OWN_NUMBER.match(number) and re.search(r"\d", number) for number in numbers):
        return True
    return not numbers and text_of(at(cells, headings.ids.get("No"))).rstrip(".").isdecimal()


def _is_pass_mark(cells: Sequence[Cell], headings: LedgerHeadings) -> bool:
    ends = max(headings.ids.values()) + 1
    return any(_PASS_MARK.search(text_of(cell)) for cell in cells[:ends])


def _holds_grades(column: GradeColumn, students: Sequence[tuple[int, list[Cell]]]) -> bool:
    """Whether the cells are numbers from 0 to 100, a few slips apart."""
    filled = [
        cell for _, cells in students if text_of(cell := at(cells, column.place)) not in NOTHING
    ]
    numbers = [number for cell in filled if (number := number_of(cell)) is not None]
    fitting = sum(0 <= number <= HIGHEST for number in numbers)
    return bool(filled) and fitting * 10 >= len(filled) * 8


def has_commas(ledger: Ledger) -> bool:
    """Whether grades are written like 77,5."""
    return any(
        "," in text_of(cell := at(cells, column.place)) and cell[1] == TEXT and number_of(cell)
        for column in ledger.grades
        for _, cells in ledger.students
    )


def totals_of(ledger: Ledger) -> list[list[str]]:
    """The days sick, permitted and unexcused of each student, as far as there are such columns."""
    places = ledger.headings.totals.values()
    return [[text_of(at(cells, place)) for place in places] for _, cells in ledger.students]


def has_totals(ledger: Ledger) -> bool:
    """Whether anybody's days are entered."""
    return any(text not in NOTHING for row in totals_of(ledger) for text in row)


def writes_zeros(ledger: Ledger) -> bool:
    """Whether no day absent is written as 0, so that empty cells must mean something else."""
    return any(text == "0" for row in totals_of(ledger) for text in row)
