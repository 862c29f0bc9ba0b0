"""Dapodik's list of a school's students (`daftar_pd`): who is in which class, families, parents.

Of its 66 columns only those in `dapodik_headings` are read. Identity numbers, income, religion,
weight, distance, bank accounts and such never leave the file; of the family card's number only a
keyed hash is kept, for brothers and sisters are one visit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.grid import Grid
from earlywarning.io.school_files.dapodik_headings import GROUPS, Headings, find_headings
from earlywarning.io.school_files.dapodik_rows import (
    Made,
    Notes,
    classes,
    laid_out,
    parents,
    read_students,
    students,
    text_of,
)
from earlywarning.io.school_files.interface import Bundle, Found, RowsTable
from earlywarning.io.school_files.title_rows import Titles, read_day, read_titles

LAYOUT = "dapodik_roster"
PARTS: Mapping[str, tuple[str, ...]] = {
    "students": (
        "NIPD", "NISN", "Nama", "JK", "Tanggal Lahir", "No KK", "Kelurahan", "Rombel Saat Ini",
        "Tingkat",
    ),
    "classes": ("Rombel Saat Ini", "Tingkat"),
    "parents": ("NIPD", "Hubungan", "Nama", "JK", "HP", "Keadaan", "Serumah"),
    "school": ("Nama Sekolah",),
}  # fmt: skip
_SEX_WORDS = {"L": "M", "Laki-laki": "M", "P": "F", "Perempuan": "F"}


class DapodikRoster:
    """Reads the list, sheet by sheet; see `docs/school-files.md`."""

    name = LAYOUT
    kinds: tuple[Kind, ...] = ("workbook", "text", "page")
    is_bundle = False
    parts = PARTS

    def sniff(self, bundle: Bundle) -> Found | None:
        """Every sheet that has the list's headings."""
        grids = bundle.grids()
        lists = [(grid, found) for grid in grids if (found := _headings(grid))]
        if not lists:
            return None
        grid, headings = lists[0]
        titles = _titles(grid, headings)
        named = read_day(bundle.file.path.stem.replace("_", " ")) if titles.day is None else None
        day = titles.day or named
        year = _school_year(day)
        sheets = [grid.sheet if len(grids) > 1 else None for grid, _ in lists]
        entries = [
            entry
            for (grid, headings), sheet in zip(lists, sheets, strict=True)
            for entry in _entries(headings, _titles(grid, headings), sheet, year)
        ]
        defaults: dict[str, Any] = {"school_id": titles.npsn} if titles.npsn else {}
        questions: list[tuple[str, str]] = []
        if year:
            defaults["school_year"] = year
        else:
            questions.append((
                "school_year",
                "which school year's classes are these? say school_year under [defaults], and "
                "entry_date, its first day, under the [table.constants] of enrollment",
            ))  # fmt: skip
        return Found(
            LAYOUT,
            _what(lists, titles, day),
            tuple(entries),
            defaults,
            tuple(questions),
            tuple(_oddities(lists, day, from_name=named is not None)),
        )

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return (bundle.file,)

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> RowsTable:
        """One of `PARTS`; columns that the list lacks are left out.

        Raises
        ------
        DataError
            If no sheet (or not the named one) is such a list, or an option is given.
        """
        if options:
            raise DataError(
                f"{bundle.name}: {LAYOUT} has no option {sorted(options)[0]!r}; remove "
                "[table.options]"
            )
        grid, headings = _chosen(bundle, sheet)
        names = tuple(name for name in PARTS[part] if name in _available(headings, part))
        make = {
            "students": students, "classes": classes, "parents": parents, "school": _school,
        }[part]  # fmt: skip
        notes = Notes()
        return RowsTable(
            names,
            laid_out(names, lambda: make(grid, headings, notes)),
            data_row=headings.last_row + 1,
            sheet=grid.sheet,
            warnings=notes.warnings,
            faults=notes.faults,
        )


def _headings(grid: Grid) -> Headings | None:
    return find_headings(grid.head())


def _titles(grid: Grid, headings: Headings) -> Titles:
    return read_titles([row for row in grid.head() if row[0] < headings.first_row])


def _chosen(bundle: Bundle, sheet: str | int | None) -> tuple[Grid, Headings]:
    grids = bundle.grids()
    if isinstance(sheet, int):
        grids = grids[sheet - 1 : sheet] if sheet > 0 else []
    elif sheet is not None:
        grids = [grid for grid in grids if grid.sheet == sheet]
    for grid in grids:
        headings = _headings(grid)
        if headings:
            return grid, headings
    where = f"{bundle.name}, sheet {sheet}" if sheet is not None else bundle.name
    raise DataError(
        f"{where}: is no student list of Dapodik; it needs the headings NIPD, Nama and Rombel Saat "
        "Ini; download Daftar PD again"
    )


def _available(headings: Headings, part: str) -> Collection[str]:
    """What a part can have, by what the list has."""
    if part == "parents":
        return PARTS[part]
    return {*headings.places, "Tingkat", "Nama Sekolah"}


def _entries(
    headings: Headings, titles: Titles, sheet: str | None, year: str | None
) -> Iterator[dict[str, Any]]:
    places = headings.places
    base: dict[str, Any] = {"layout": LAYOUT} | ({"sheet": sheet} if sheet else {})
    if titles.school:
        yield {
            "table": "school", **base, "part": "school", "distinct": True,
            "columns": {"name": "Nama Sekolah"},
        }  # fmt: skip
    yield {
        "table": "class_group", **base, "part": "classes", "distinct": True,
        "columns": {"class_name": "Rombel Saat Ini", "grade_level": "Tingkat"},
    }  # fmt: skip
    ours = {
        "student": "NIPD", "national_id": "NISN", "full_name": "Nama", "sex": "JK",
        "birth_date": "Tanggal Lahir", "household": "No KK", "village": "Kelurahan",
    }  # fmt: skip
    student: dict[str, Any] = {
        "table": "student", **base, "part": "students",
        "columns": {name: heading for name, heading in ours.items() if heading in places},
    }  # fmt: skip
    if "JK" in places:
        student["values"] = {"sex": _SEX_WORDS}
    if "No KK" in places:
        student["hashed"] = ["household"]
    yield student
    enrollment: dict[str, Any] = {
        "table": "enrollment", **base, "part": "students",
        "columns": {
            "student": "NIPD", "class_name": "Rombel Saat Ini", "grade_level": "Tingkat",
        },
    }  # fmt: skip
    if year:
        enrollment["constants"] = {"entry_date": date(int(year[:4]), 7, 1)}
    yield enrollment
    if any(f"{group}|Nama" in places for group in GROUPS):
        yield {
            "table": "guardian", **base, "part": "parents",
            "columns": {
                "student": "NIPD", "relation": "Hubungan", "full_name": "Nama", "sex": "JK",
                "phone": "HP", "vital": "Keadaan", "lives_with": "Serumah",
            },
        }  # fmt: skip


def _school_year(day: date | None) -> str | None:
    """Indonesian school years begin in July."""
    if day is None:
        return None
    first = day.year - (day.month < 7)
    return f"{first}-{(first + 1) % 100:02d}"


def _what(lists: Sequence[tuple[Grid, Headings]], titles: Titles, day: date | None) -> str:
    count, names = 0, set()
    for grid, headings in lists:
        for _, row in read_students(grid, headings):
            count += 1
            names.add(text_of(row, "Rombel Saat Ini"))
    of = f" of {titles.school}" if titles.school else ""
    on = f", downloaded {day}" if day else ""
    named = len(names - {""})
    return f"Dapodik student list{of}{on}: {count:,} students in {named:,} classes"


def _oddities(
    lists: Sequence[tuple[Grid, Headings]], day: date | None, *, from_name: bool
) -> Iterator[str]:
    for grid, headings in lists:
        if "No KK" not in headings.places:
            yield (
                f"{grid.where}: has no column No KK, so brothers and sisters stand as families of "
                "their own; download Daftar PD with all its columns"
            )
        if headings.unclear:
            yield (
                f"{grid.where}: it cannot be told whose occupation each column Pekerjaan is, so "
                "who has died or works abroad is not read; give the list with both rows of headings"
            )
    if day is not None and from_name:
        yield f"the date {day} stands only in the file's name; the school year follows from it"
    if day is not None and (day.month == 7 and day.day <= 15):
        yield (
            f"downloaded on {day}, as the school year begins: make sure that the classes are the "
            "new year's"
        )


def _school(grid: Grid, headings: Headings, _: Notes) -> Made:
    name = _titles(grid, headings).school
    if name:
        yield headings.first_row, {"Nama Sekolah": name}
