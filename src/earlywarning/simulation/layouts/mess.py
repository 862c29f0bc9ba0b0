"""Faults as real files have them, put into written sheets on purpose, each with its place.

What an import says about the files must name every one of them; none may be mended in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl

from earlywarning.simulation.layouts.monthly_sheets import DAYS, Sheet
from earlywarning.simulation.layouts.workbooks import save

HEADINGS = 7
"""Rows above the students of a monthly sheet."""

FIRST_DAY = 3
"""Place of the first day column, from 0."""

FOOTER = 4
"""Rows below the students."""


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that was put in.

    Attributes
    ----------
    kind : str
    file : str
        Name of the file.
    row : int or None
        Row as a spreadsheet shows it; None if the fault is of the whole file.
    """

    kind: str
    file: str
    row: int | None


Spoiled = tuple[Sheet, int | None]


def _student_row(rows: Sheet, rng: np.random.Generator) -> int:
    return int(rng.integers(HEADINGS, len(rows) - FOOTER))


def _day_column(rows: Sheet, rng: np.random.Generator) -> int:
    days = sum(cell.isdigit() for cell in rows[HEADINGS - 1][FIRST_DAY:])
    return FIRST_DAY + int(rng.integers(0, days))


def unknown_code(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A mark that no code list has."""
    row = _student_row(rows, rng)
    rows[row][_day_column(rows, rng)] = "Q"
    return rows, row + 1


def wrong_total(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A total beside the marks that is not their sum."""
    row = _student_row(rows, rng)
    total = rows[row][-1]
    rows[row][-1] = str(int(total) + 1) if total.isdigit() else "1"
    return rows, row + 1


def misspelt_month(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A month's name with a letter too few, as titles typed by hand have."""
    title = rows[3][0]
    place = int(rng.integers(len("Bulan : ") + 2, len(title) - 1))
    rows[3][0] = title[:place] + title[place + 1 :]
    return rows, None


def weekdays_of_another_month(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """Weekdays copied from another month's sheet."""
    shift = int(rng.integers(1, 5))
    names = rows[HEADINGS - 2]
    for place, name in enumerate(names):
        if name in DAYS:
            names[place] = DAYS[(DAYS.index(name) + shift) % 7]
    return rows, None


def impossible_day(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A day that no month has."""
    rows[HEADINGS - 1][_day_column(rows, rng)] = "32"
    return rows, None


def day_twice(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """Two columns of the same day."""
    place = max(_day_column(rows, rng), FIRST_DAY + 1)
    rows[HEADINGS - 1][place] = rows[HEADINGS - 1][place - 1]
    return rows, None


def student_twice(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A row copied and one mark changed, so that the two disagree."""
    row = _student_row(rows, rng)
    copied = list(rows[row])
    place = _day_column(rows, rng)
    copied[place] = "S" if copied[place] != "S" else "H"
    rows.insert(row + 1, copied)
    return rows, row + 2


def swapped_columns(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """Numbers under the heading of names, names under that of numbers."""
    del rng
    for row in rows[HEADINGS : len(rows) - FOOTER]:
        row[1], row[2] = row[2], row[1]
    return rows, None


def unknown_student(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A number that no list of students has."""
    row = _student_row(rows, rng)
    rows[row][1] = "S99999999"
    return rows, row + 1


def merged_students(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """Two students' cells merged: the lower one has neither number nor name."""
    row = min(_student_row(rows, rng) + 1, len(rows) - FOOTER - 1)
    rows[row][1] = rows[row][2] = ""
    return rows, row + 1


def serial_heading(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A day that a spreadsheet turned into its own number of days."""
    rows[HEADINGS - 1][_day_column(rows, rng)] = "46225.5"
    return rows, None


def foreign_letters(rows: Sheet, rng: np.random.Generator) -> Spoiled:
    """A letter that Windows-1252 and UTF-8 write differently."""
    row = _student_row(rows, rng)
    rows[row][2] = rows[row][2].replace("a", "é", 1) + "é"
    return rows, None


SHEET_FAULTS: Mapping[str, Callable[[Sheet, np.random.Generator], Spoiled]] = {
    fault.__name__: fault
    for fault in (
        unknown_code, wrong_total, misspelt_month, weekdays_of_another_month, impossible_day,
        day_twice, student_twice, swapped_columns, unknown_student, merged_students,
        serial_heading, foreign_letters,
    )
}  # fmt: skip
"""Faults of a monthly sheet, by name."""


class Spoiler:
    """Puts one fault into each sheet, every kind in turn.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    injected : list of Injected
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._turn = 0
        self.injected: list[Injected] = []

    def __call__(self, rows: Sheet, file: str) -> Sheet:
        """The sheet with its fault; `foreign_letters` only where an encoding can go wrong."""
        names: Sequence[str] = list(SHEET_FAULTS)
        name = names[self._turn % len(names)]
        self._turn += 1
        if name == "foreign_letters" and not file.endswith(".csv"):
            name = names[self._turn % (len(names) - 1)]
        spoiled, row = SHEET_FAULTS[name]([list(row) for row in rows], self._rng)
        self.injected.append(Injected(name, file, row))
        return spoiled


def spoil_roster(path: Path, seed: int) -> list[Injected]:
    """Put faults into a Dapodik list: numbers that lost zeros, a number twice, none, bad dates.

    Parameters
    ----------
    path : Path
        Changed in place.
    seed : int
    """
    rng = np.random.default_rng(seed)
    book = openpyxl.load_workbook(path)
    page = book.active
    assert page is not None  # noqa: S101
    first = HEADINGS
    rows = rng.permutation(np.arange(first, page.max_row + 1))
    name = path.name
    injected = []

    def put(kind: str, row: int, column: int, value: object) -> None:
        page.cell(row, column).value = value  # type: ignore[union-attr]
        injected.append(Injected(kind, name, row))

    nipd, sex, national, born = 3, 4, 5, 7
    put("lost_zeros", int(rows[0]), national, int(str(page.cell(int(rows[0]), national).value)))
    put(
        "number_twice", int(max(rows[1], rows[2])), nipd, page.cell(int(min(rows[1:3])), nipd).value
    )
    put("no_number", int(rows[3]), nipd, None)
    put("impossible_date", int(rows[4]), born, "2013-02-31")
    put("serial_date", int(rows[5]), born, "41275")
    put("unknown_sex", int(rows[6]), sex, "X")
    save(book, path)
    return injected
