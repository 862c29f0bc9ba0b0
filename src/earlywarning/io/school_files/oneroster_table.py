"""The flat tables of a OneRoster bundle: headings, rows, and refused rows of several files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.oneroster_files import Fault, Line
from earlywarning.io.tabular import FAULT_SCHEMA, Chunk

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "school": ("sourcedId", "name"),
    "staff": ("orgSourcedId", "staff", "name", "sex", "role"),
    "class_group": ("schoolSourcedId", "schoolYear", "class", "gradeLevel", "homeroomTeacher"),
    "student": ("orgSourcedId", "student", "name", "sex", "birthDate"),
    "enrollment": (
        "schoolSourcedId", "student", "schoolYear", "class", "gradeLevel", "beginDate", "endDate",
    ),
    "guardian": ("orgSourcedId", "student", "relation", "name", "sex", "phone"),
    "grade": (
        "schoolSourcedId", "student", "subject", "period", "category", "score", "resultValueMax",
        "scoreDate", "dateLastModified",
    ),
}  # fmt: skip
"""Parts and the headings of each."""

OWN_FILES: Mapping[str, tuple[str, ...]] = {
    "school": (f.ORGS,),
    "staff": (f.USERS,),
    "class_group": (f.CLASSES, f.SESSIONS),
    "student": (f.USERS, f.ROLES, f.DEMOGRAPHICS),
    "enrollment": (f.ENROLLMENTS,),
    "guardian": (f.USERS,),
    "grade": (f.RESULTS, f.LINE_ITEMS, f.CATEGORIES, f.COURSES),
}
"""The file whose rows a part's rows are; and the files whose broken rows it reports."""

NO_REFERENCE = "no_such_reference"


@dataclass(slots=True)
class PartTable:
    """A flat table; a `FlatTable` of `interface`.

    Attributes
    ----------
    file : str
        The file of the bundle whose rows these are.
    rows : list of (int, cells)
    faults : dict of file to list of Fault
    """

    headings: tuple[str, ...]
    file: str
    data_row: int = 2
    sheet: str | None = None
    warnings: list[str] = field(default_factory=list)
    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)

    def add(self, row: int, *cells: str) -> None:
        """One row."""
        self.rows.append((row, cells))

    def refuse(self, file: str, line: Line, column: str, reason: str, allowed: str) -> None:
        """Refuse a row of a file for what stands in a column."""
        fault = (line.row, column, line[column] or "(empty)", allowed, reason)
        self.faults.setdefault(f"{file}.csv", []).append(fault)

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        """All rows in one block; then the refused rows of each file."""
        places = [
            (place, name)
            for place, name in enumerate(self.headings)
            if columns is None or name in columns
        ]
        cells = pl.DataFrame(
            {name: [row[place] for _, row in self.rows] for place, name in places},
            schema=dict.fromkeys((name for _, name in places), pl.String),
        ).with_columns(pl.Series("_row", [row for row, _ in self.rows], pl.Int32))
        yield Chunk(cells, pl.DataFrame(schema=FAULT_SCHEMA))
        for file, faults in self.faults.items():
            lines = sorted(faults, key=lambda fault: fault[0])
            yield Chunk(cells.clear(), pl.DataFrame(lines, FAULT_SCHEMA, orient="row"), file=file)


def refuse_class(table: PartTable, line: Line) -> None:
    """Refuse an enrollment whose class the bundle does not hold."""
    table.refuse(
        f.ENROLLMENTS, line, "classSourcedId", NO_REFERENCE, "a class that is in classes.csv"
    )


def refuse_user(table: PartTable, file: str, line: Line, column: str, number: str) -> None:
    """Refuse a row about a student whose number the bundle does not tell."""
    table.refuse(
        file, line, column, NO_REFERENCE, f"a user that is in users.csv and has a value in {number}"
    )


def refuse_year(table: PartTable, file: str, line: Line, column: str) -> None:
    """Refuse a row about a class whose school year is unknown."""
    table.refuse(
        file, line, column, NO_REFERENCE,
        "a class whose session, in academicSessions.csv, says the school year; or the option "
        "school_year",
    )  # fmt: skip
