"""Dumps of a student information system: `layout = "sis_dump"`.

Their headings are quoted with ' and their values with ", quotation marks inside a value have a
backslash before them, an empty cell says NULL, marks read `85.12 B+`, and some files have no
headings at all. What a file holds is found as for any plain table, by headings and cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files.column_roles import NUMBER, NUMBER_AND_LETTER, Column
from earlywarning.io.school_files.dump_rows import (
    DAY_MARK,
    NUMBER_OF,
    TEMPLATE,
    Derived,
    Dump,
    added_columns,
    day_mark,
    flag_places,
    is_dump,
    opened,
)
from earlywarning.io.school_files.headings_known import plain
from earlywarning.io.school_files.interface import Bundle, FlatTable, Found, Rows, RowsTable
from earlywarning.io.school_files.plain_table import SAMPLE, columns_of
from earlywarning.io.school_files.table_guess import Guess, guess_tables

_DAY_MARKS = {
    "absent": "unexcused", "absent, excused": "permitted", "tardy": "late",
    "tardy, excused": "late", "dismissed": "early_leave", "dismissed, excused": "early_leave",
    "present": "present",
}  # fmt: skip
_NOT_OURS = (
    ({"assessment id", "assessment scale score", "assessment date"},
     "holds results of a statewide test, not marks of lessons; export the section grades"),
    ({"login name", "section number"},
     "says which teacher gives which lesson; nothing of that is needed: homeroom teachers come "
     "with the students' homeroom, names of teachers with a staff list"),
    ({"local id", "course number", "section number"},
     "says who takes which lesson, without a mark; classes come with the students' homeroom: "
     "export the students"),
)  # fmt: skip


class SisDump:
    """Reader of `layout = "sis_dump"`; see `interface.Reader`.

    Options: `headings`, a list with a name for each column of a file that has none.
    """

    name = "sis_dump"
    kinds: tuple[Kind, ...] = ("text",)
    is_bundle = False
    parts: Mapping[str, tuple[str, ...]] = {
        "students": (), "attendance": (), "behaviour": (), "grades": (),
    }  # fmt: skip

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the dump holds; None if it is none.

        Raises
        ------
        DataError
            If it is a dump that holds nothing to import; says what to export instead.
        """
        if not is_dump(bundle.file):
            return None
        dump = opened(bundle.file)
        _refuse_others(dump, bundle.name)
        if not dump.has_headings:
            return _without_headings(dump, bundle.name)
        columns = _columns(dump)
        guess = guess_tables(bundle.name, columns)
        if len(columns[0].values) == SAMPLE:
            guess.warnings.append(f"{bundle.name}: only the first {SAMPLE:,} rows were looked at")
        return _found(dump, guess)

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """The one file."""
        return bundle.files[:1]

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> FlatTable:
        """The rows of the dump, marks split, and with the columns that the part adds.

        Raises
        ------
        ConfigError
            If an option is unknown, or `headings` is no list of different names.
        DataError
            If `headings` has not as many names as the file has columns.
        """
        names = options.get("headings")
        if set(options) - {"headings"} or (names is not None and not _are_names(names)):
            raise ConfigError(
                f"{bundle.name}: [table.options] of sis_dump: allowed is headings = a list of "
                f"different names, found {dict(options)!r}"
            )
        dump = opened(bundle.file, names)
        width = len(dump.headings)
        added = added_columns(dump, by_name=True)
        table = RowsTable(
            (*dump.headings, *(name for name, _ in added)), lambda: iter(()),
            2 if dump.has_headings else 1,
        )  # fmt: skip
        table.rows = lambda: _flat(dump, width, added, table, part)
        return table


def _columns(dump: Dump) -> list[Column]:
    rows = []
    for _, row in dump.rows():
        rows.append(row)
        if len(rows) == SAMPLE:
            break
    columns = columns_of(dump.headings, rows)
    for name, cells in added_columns(dump):
        values = tuple(cells(row) or "" if len(row) == len(dump.headings) else "" for row in rows)
        columns.append(Column(name, values))
    return columns


def _refuse_others(dump: Dump, name: str) -> None:
    """Dumps that are well known and hold nothing to import."""
    headings = {plain(heading) for heading in dump.headings}
    has_marks = any(label.endswith("(number)") for label, _ in added_columns(dump))
    for wanted, why in _NOT_OURS:
        if wanted <= headings and not has_marks:
            raise DataError(f"{name}: {why}{_unfilled(dump)}")


def _unfilled(dump: Dump) -> str:
    for _, row in dump.rows():
        if TEMPLATE in row:
            return f"; besides, {TEMPLATE} in it was never filled in by the export"
    return ""


def _found(dump: Dump, guess: Guess) -> Found:
    part = {"attendance": "attendance", "behaviour": "behaviour", "grade": "grades"}
    for entry in guess.entries:
        rest = dict(entry)
        rest.pop("empty", None)
        entry.clear()
        entry["table"] = rest.pop("table")
        entry |= {"layout": SisDump.name, "part": part.get(entry["table"], "students")}
        entry |= rest
        if entry["table"] == "attendance":
            _as_days(dump, entry, guess)
    name = "a dump of a student information system"
    return Found(
        SisDump.name, f"{name}: {', '.join(guess.what)}", tuple(guess.entries),
        guess.defaults, tuple(guess.questions), tuple(guess.warnings),
    )  # fmt: skip


def _as_days(dump: Dump, entry: dict[str, Any], guess: Guess) -> None:
    """Flags of a day become a mark; a dump of the days table holds only what is not present."""
    if DAY_MARK not in [name for name, _ in added_columns(dump)]:
        return
    flags = flag_places(dump.headings)
    marks = {
        mark
        for _, row in dump.rows() if len(row) == len(dump.headings)
        for mark in [day_mark(row, flags)]
    }  # fmt: skip
    entry["columns"]["code"] = DAY_MARK
    entry["namespace"] = "sis-dump"
    entry["codes"] = _DAY_MARKS
    entry["rollup"] = "worst"
    asked = ("codes", "rollup", "coverage", "blank")
    guess.questions[:] = [one for one in guess.questions if one[0] not in asked]
    guess.warnings.append(
        "the mark of a day was made from the flags absent, tardy, dismissed, excused; of several "
        'rows of a day the gravest counts (rollup = "worst")'
    )
    if "present" not in marks:
        entry["coverage"] = "exceptions"
        guess.questions.append(
            ("coverage",
             "no row says present: are the days without a row days of presence (coverage = "
             '"exceptions", as the mapping says now), or was everybody marked (coverage = '
             '"all_marks")?')
        )  # fmt: skip


def _without_headings(dump: Dump, name: str) -> Found:
    """Section grades are known by their marks; other files without headings are refused."""
    columns = [column for column in _columns(dump) if column.heading in dump.headings]
    marks = [
        column for column in columns
        if column.filled and column.share("mark") < 1
        and all(NUMBER_AND_LETTER.match(v) or NUMBER.match(v) for v in column.distinct())
    ]  # fmt: skip
    empty = [column.heading for column in columns if not column.filled]
    if len(marks) != 1:
        said = f"; column {', '.join(empty)} is empty in every row" if empty else ""
        raise DataError(
            f"{name}: has no headings, and no column that tells what it holds{said}. Export it "
            "with headings, or when its marks are entered; or write a mapping with layout = "
            '"sis_dump", a part, and [table.options] headings = ["section_number", …], a name for '
            f"each of its {len(columns)} columns"
        )
    names = _guessed_names(columns, marks[0])
    score = NUMBER_OF.format(names[int(marks[0].heading) - 1])
    wanted = {"student": "local_id", "subject": "course_number", "period": "term_local_id",
              "school_id": "school_local_id"}  # fmt: skip
    entry = {
        "table": "grade", "layout": SisDump.name, "part": "grades",
        "columns": {ours: there for ours, there in wanted.items() if there in names}
        | {"score": score},
        "options": {"headings": names},
    }  # fmt: skip
    example = " | ".join(column.values[0] for column in columns)
    return Found(
        SisDump.name,
        f"a dump of a student information system: {len(marks[0].values):,} section grades, without "
        "headings",
        (entry,),
        questions=(
            ("options.headings",
             f"the file has no headings; are its columns, such as {example}, really "
             f"{', '.join(names)}?"),
            ("values.period",
             "which quarter is each term of the file? Write lines like \"FY\" = \"2026-27-Q4\""),
        ),
    )  # fmt: skip


_USUAL = (
    "section_number", "local_id", "school_local_id", "course_number", "term_local_id", "grade",
)  # fmt: skip
"""Order of the columns of section grades as such systems export them."""


def _guessed_names(columns: Sequence[Column], marks: Column) -> list[str]:
    if len(columns) == len(_USUAL) and marks is columns[-1]:
        return list(_USUAL)
    return ["grade" if column is marks else f"column {column.heading}" for column in columns]


def _are_names(names: Any) -> bool:
    return (
        isinstance(names, list)
        and all(isinstance(name, str) and name.strip() for name in names)
        and len(set(names)) == len(names)
    )


def _flat(dump: Dump, width: int, added: Sequence[Derived], table: RowsTable, part: str) -> Rows:
    section = next(
        (i for i, name in enumerate(dump.headings) if plain(name) in ("section number", "section")),
        None,
    )
    for number, row in dump.rows():
        if len(row) != width:
            table.faults.append(
                (number, None, f"{len(row)} fields", f"{width} fields, as there are columns",
                 "too_many_fields" if len(row) > width else "too_few_fields")
            )  # fmt: skip
        elif part == "grades" and section is not None and row[section] is None:
            table.faults.append(
                (number, dump.headings[section], "(empty)", "the section that the mark is of",
                 "missing")
            )  # fmt: skip
        else:
            yield number, [*row, *(cells(row) for _, cells in added)]
