"""The grade ledger (leger) of a class and semester: e-Rapor's, or a school's own in its manner.

It knows no dates: grades stand at the end of their semester, and the days sick, permitted and
unexcused are totals of the whole semester.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files.erapor_headings import TOTALS
from earlywarning.io.school_files.erapor_sheet import (
    DASHES,
    HIGHEST,
    NOTHING,
    Ledger,
    at,
    has_commas,
    has_totals,
    is_ledger,
    number_of,
    read_ledger,
    text_of,
    totals_of,
    who_is,
    writes_zeros,
)
from earlywarning.io.school_files.interface import Bundle, Found, Rows, RowsTable
from earlywarning.io.school_files.title_rows import Titles
from earlywarning.io.workbook import TEXT

LAYOUT = "erapor_ledger"
WHO = ("NIS", "NISN", "Nama")
PARTS: Mapping[str, tuple[str, ...]] = {"grades": (), "absences": (*WHO, *TOTALS)}
BLANK_TOTALS = ("zero", "unknown")
"""What S, I and A mean where all three are empty: no day absent, or nobody entered them."""

_MIDTERM = re.compile(r"tengah semester|\b[ap]?sts\b|\bpts\b|\buts\b")
_SMALL_SCALE = 4.0


class EraporLedger:
    """Reads ledgers, sheet by sheet; see `docs/school-files.md`."""

    name = LAYOUT
    kinds: tuple[Kind, ...] = ("workbook", "text", "page")
    is_bundle = False
    parts = PARTS

    def sniff(self, bundle: Bundle) -> Found | None:
        """Every sheet that is a ledger."""
        grids = bundle.grids()
        ledgers = [ledger for grid in grids if (ledger := read_ledger(grid)) and is_ledger(ledger)]
        if not ledgers:
            return None
        entries: list[Mapping[str, Any]] = []
        questions: dict[tuple[str, str], None] = {}
        for ledger in ledgers:
            sheet = ledger.grid.sheet if len(grids) > 1 else None
            entries += _entries(ledger, sheet)
            questions |= dict.fromkeys(_questions(ledger))
        return Found(
            LAYOUT,
            "; ".join(_what(ledger) for ledger in ledgers),
            tuple(entries),
            _defaults(ledgers),
            tuple(questions),
            tuple(note for ledger in ledgers for note in _notes(ledger)),
        )

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return (bundle.file,)

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> RowsTable:
        """`grades`: a column a subject; `absences`: days sick, permitted, unexcused.

        Parameters
        ----------
        options : mapping
            `blank_totals`, one of `BLANK_TOTALS`; for `absences`.

        Raises
        ------
        DataError
            If no sheet (or not the named one) is a ledger, or an option does not fit.
        """
        blank = _blank_totals(bundle, part, options)
        ledger = _chosen(bundle, sheet)
        columns = dict(_headed(ledger)) if part == "grades" else dict(ledger.headings.totals)
        warnings: list[str] = []
        faults: list[tuple[int, str | None, str, str, str]] = []

        def rows() -> Rows:
            left_out = []
            for number, cells in ledger.students:
                who = who_is(cells, ledger.headings)
                if not who["NIS"][0] and not who["NISN"][0]:
                    faults.append(_without_number(number))
                    continue
                row = [at(cells, place) for place in columns.values()]
                if part == "absences" and all(text_of(cell) in NOTHING for cell in row):
                    if blank != "zero":
                        left_out.append(number)
                        continue
                    row = [("0", TEXT) for _ in row]
                yield number, [*who.values(), *row]
            if left_out:
                warnings.append(_left_out(ledger, left_out, is_told=bool(options)))

        return RowsTable(
            (*WHO, *columns), rows, data_row=ledger.headings.last_row + 1,
            sheet=ledger.grid.sheet, warnings=warnings, faults=faults,
        )  # fmt: skip


def _blank_totals(bundle: Bundle, part: str, options: Mapping[str, Any]) -> str:
    allowed = {"blank_totals"} if part == "absences" else set()
    unknown = sorted(set(options) - allowed)
    if unknown:
        raise DataError(
            f"{bundle.name}: {LAYOUT} has no option {unknown[0]!r} for {part}; allowed: "
            f"{', '.join(allowed) or 'none'}"
        )
    value = options.get("blank_totals", "unknown")
    if value not in BLANK_TOTALS:
        raise DataError(
            f"{bundle.name}: blank_totals is {value!r}; allowed: {', '.join(BLANK_TOTALS)}"
        )
    return value


def _chosen(bundle: Bundle, sheet: str | int | None) -> Ledger:
    grids = bundle.grids()
    if isinstance(sheet, int):
        grids = grids[sheet - 1 : sheet] if sheet > 0 else []
    elif sheet is not None:
        grids = [grid for grid in grids if grid.sheet == sheet]
    for grid in grids:
        ledger = read_ledger(grid)
        if ledger and is_ledger(ledger):
            return ledger
    where = f"{bundle.name}, sheet {sheet}" if sheet is not None else bundle.name
    raise DataError(
        f"{where}: is no grade ledger; it needs headings with NIS or NISN, Nama, and a column for "
        "each subject"
    )


def _headed(ledger: Ledger) -> Iterator[tuple[str, int]]:
    """Headings of the part `grades`."""
    for column in ledger.grades:
        yield column.subject, column.place
    for column in ledger.skills:
        yield column.label, column.place


def _without_number(number: int) -> tuple[int, str, str, str, str]:
    return (
        number, "NIS", "(empty)",
        "the school's own number (NIS) or the national one (NISN) in every row; enter it and "
        "export the ledger again",
        "missing",
    )  # fmt: skip


def _left_out(ledger: Ledger, rows: Sequence[int], *, is_told: bool) -> str:
    shown = ", ".join(str(row) for row in rows[:10]) + (", …" if len(rows) > 10 else "")
    advice = (
        "" if is_told
        else '; if that means no day absent, say blank_totals = "zero" under [table.options]'
    )  # fmt: skip
    return (
        f"{ledger.grid.where}: S, I and A are all empty in {len(rows):,} rows ({shown}), which "
        f"were taken as not entered{advice}"
    )


def _entries(ledger: Ledger, sheet: str | None) -> Iterator[dict[str, Any]]:
    base: dict[str, Any] = {"layout": LAYOUT} | ({"sheet": sheet} if sheet else {})
    key, identify = _key(ledger)
    period = _period(ledger.titles)
    about = {"period": period} if period else {}
    is_midterm = bool(_MIDTERM.search(ledger.titles.text))
    for has_mark in (True, False):
        columns = [
            column for column in ledger.grades if (column.place in ledger.pass_marks) == has_mark
        ]
        if columns:
            yield {
                "table": "grade", **base, "part": "grades", **identify, "empty": list(DASHES),
                **({"decimal": ","} if has_commas(ledger) else {}),
                "columns": {"student": key},
                "constants": {**about, "kind": "midterm" if is_midterm else "final"},
                "melt": {
                    "into": "score",
                    "columns": {
                        column.subject: {"subject": column.subject} | (
                            {"pass_mark": ledger.pass_marks[column.place]} if has_mark else {}
                        )
                        for column in columns
                    },
                },
            }  # fmt: skip
    if ledger.headings.totals and has_totals(ledger):
        ours = {"Sakit": "sick", "Izin": "permitted", "Alpa": "unexcused"}
        yield {
            "table": "attendance_summary", **base, "part": "absences", **identify,
            "empty": list(DASHES),
            "columns": {"student": key} | {ours[name]: name for name in ledger.headings.totals},
            **({"constants": about} if about else {}),
            **({"options": {"blank_totals": "unknown"}} if writes_zeros(ledger) else {}),
        }  # fmt: skip


def _key(ledger: Ledger) -> tuple[str, dict[str, str]]:
    """By which number students go: the school's own, unless more have only the national one."""
    filled = {
        name: sum(bool(who_is(cells, ledger.headings)[name][0]) for _, cells in ledger.students)
        for name in ("NIS", "NISN")
    }
    if filled["NIS"] >= filled["NISN"]:
        return "NIS", {}
    return "NISN", {"identify": "national_id"}


def _period(titles: Titles) -> str | None:
    """A semester; of a ledger of the middle of a semester, its first quarter."""
    if titles.semester is None or titles.school_year is None:
        return None
    if _MIDTERM.search(titles.text):
        return f"{titles.school_year}-Q{2 * titles.semester - 1}"
    return f"{titles.school_year}-S{titles.semester}"


def _defaults(ledgers: Sequence[Ledger]) -> dict[str, Any]:
    said = {
        "school_id": {ledger.titles.npsn for ledger in ledgers},
        "school_year": {ledger.titles.school_year for ledger in ledgers},
    }
    return {
        name: value for name, values in said.items() if len(values) == 1 and (value := values.pop())
    }


def _questions(ledger: Ledger) -> Iterator[tuple[str, str]]:
    where = ledger.grid.where
    if _period(ledger.titles) is None:
        yield (
            "period",
            f"of which semester is {where}? say it under the [table.constants] of each of its "
            'tables, like period = "2026-27-S1"',
        )
    scores = [
        number for column in ledger.grades for _, cells in ledger.students
        if (number := number_of(at(cells, column.place))) is not None
    ]  # fmt: skip
    if scores and max(scores) <= _SMALL_SCALE:
        yield (
            "max_score",
            f"no grade of {where} is above {_SMALL_SCALE:g}: is that the whole scale? say "
            "max_score = 4.0, or 100.0, under [table.constants] of grade",
        )
    empty = sum(all(text in NOTHING for text in row) for row in totals_of(ledger))
    if empty and ledger.headings.totals and has_totals(ledger) and not writes_zeros(ledger):
        yield (
            "blank_totals",
            f"S, I and A are all empty for {empty:,} students of {where}: no day absent, or not "
            'entered? say blank_totals = "zero" or "unknown" under [table.options] of '
            "attendance_summary",
        )


def _what(ledger: Ledger) -> str:
    titles = ledger.titles
    of = f" of {titles.class_name}" if titles.class_name else ""
    when = f", semester {titles.semester} of {titles.school_year}" if _period(titles) else ""
    return (
        f"grade ledger{of}{when}: {len(ledger.students):,} students, {len(ledger.grades):,} "
        "subjects"
    )


def _notes(ledger: Ledger) -> Iterator[str]:
    where = ledger.grid.where
    if ledger.skills:
        yield (
            f"{where}: the grade of a subject is that for knowledge (P); those for skills (K) of "
            f"{len(ledger.skills):,} subjects are not taken"
        )
    if ledger.further:
        yield f"{where}: further grades of a subject are not taken: {', '.join(ledger.further)}"
    if ledger.unread:
        yield (
            f"{where}: columns without numbers from 0 to {HIGHEST:g} are not taken: "
            f"{', '.join(ledger.unread)}"
        )
    if ledger.headings.totals and not has_totals(ledger):
        yield f"{where}: S, I and A are empty throughout and are not taken"
    if _MIDTERM.search(ledger.titles.text):
        yield f"{where}: is of the middle of a semester, and taken as of its first quarter"
