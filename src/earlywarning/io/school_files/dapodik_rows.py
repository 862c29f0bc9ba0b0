"""The rows of Dapodik's student list, as rows of students, classes and parents.

Only the columns of `dapodik_headings` are looked at; what the other columns of a row hold is never
taken out of the sheet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from earlywarning.io.grid import Cell, Grid
from earlywarning.io.school_files.dapodik_headings import GROUPS, Headings
from earlywarning.io.school_files.interface import Rows
from earlywarning.io.workbook import EMPTY, NUMBER, TEXT
from earlywarning.records import phones
from earlywarning.records.cell_values import LONG_NUMBER
from earlywarning.records.class_names import canonical

_RELATIONS = dict(zip(GROUPS, ("father", "mother", "guardian"), strict=True))
_SEXES = {"father": "M", "mother": "F", "guardian": "unknown"}
_STATES = {
    "98": "deceased", "sudah meninggal": "deceased",
    "13": "abroad", "tenaga kerja indonesia": "abroad", "tki": "abroad",
}  # fmt: skip
_DECEASED = re.compile(r"\(?\balm(?:h|arhum|arhumah)?\b\.?\)?", re.IGNORECASE)
_WITH_PARENTS = ("bersama orang tua", "orang tua", "bersama orangtua")
_WITH_GUARDIAN = ("wali", "bersama wali")
_ELSEWHERE = ("kos", "kost", "asrama", "panti asuhan", "pesantren")
_NOTHING = ("", "-", "--", "0", ".")
_CARD = re.compile(r"^\d{16}$")
_FEW_CARDS = 5
_SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True)
class Notes:
    """What is odd, and rows refused; filled while rows are read. As in `RowsTable`."""

    warnings: list[str] = field(default_factory=list)
    faults: list[tuple[int, str | None, str, str, str]] = field(default_factory=list)


Made = Iterator[tuple[int, Mapping[str, str | Cell | None]]]


def laid_out(names: Sequence[str], make: Callable[[], Made]) -> Callable[[], Rows]:
    """Rows of named cells as rows in the order of the headings."""

    def rows() -> Rows:
        for number, row in make():
            cells = [row.get(name) for name in names]
            yield (
                number,
                [
                    cell if isinstance(cell, tuple) else (cell, TEXT if cell else EMPTY)
                    for cell in cells
                ],
            )

    return rows


Read = Mapping[str, Cell]


def read_students(grid: Grid, headings: Headings) -> Iterator[tuple[int, Read]]:
    """Every row that names a student, by the columns that are read; the rest of it stays."""
    for number, cells in grid.rows():
        if number <= headings.last_row:
            continue
        row = {
            name: cells[place] if place < len(cells) else (None, EMPTY)
            for name, place in headings.places.items()
        }
        names = [text_of(row, name) for name in ("Nama", "NIPD", "NISN")]
        if any(name not in _NOTHING for name in names) and names[1].upper() != "NIPD":
            yield number, row


def text_of(row: Read, name: str) -> str:
    """A cell's text without needless blanks; empty if there is none."""
    return " ".join((row.get(name, (None, EMPTY))[0] or "").split())


def _own_number(row: Read, name: str) -> Cell:
    """A number as it stands; the apostrophe goes by which a spreadsheet keeps it as text."""
    text, kind = row.get(name, (None, EMPTY))
    if kind == TEXT and text and text.strip().startswith("'"):
        return text.strip()[1:], kind
    return text, kind


def _without_number(number: int, row: Read, notes: Notes) -> bool:
    """Whether the student has no NIPD; then the row is refused."""
    if text_of(row, "NIPD") not in _NOTHING:
        return False
    notes.faults.append((
        number, "NIPD", text_of(row, "NIPD") or "(empty)",
        "the school's own number of the student in every row; enter it in Dapodik (NIPD) and "
        "download the list again",
        "missing",
    ))  # fmt: skip
    return True


def students(grid: Grid, headings: Headings, notes: Notes) -> Made:
    """One row a student; numbers keep their kind, so that lost zeros are reported."""
    listed = list(read_students(grid, headings))
    rounded = _cards_rounded(row for _, row in listed)
    unusable: list[int] = []
    for number, row in listed:
        if _without_number(number, row, notes):
            continue
        card = None if rounded else _card(row)
        if card is None and text_of(row, "No KK") not in _NOTHING:
            unusable.append(number)
        yield (
            number,
            {
                **row,
                "NIPD": _own_number(row, "NIPD"),
                "NISN": _own_number(row, "NISN"),
                "No KK": card,
                "Tingkat": _level(row),
            },
        )
    if unusable:
        notes.warnings.append(
            f"{grid.where}: No KK of {_listed(unusable)} is no number of 16 digits, or a "
            "spreadsheet program rounded it; these students stand without a family. Format the "
            "column as text and export again"
        )


def _listed(rows: Sequence[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:_SHOWN_ROWS])
    more = ", …" if len(rows) > _SHOWN_ROWS else ""
    return f"{len(rows):,} rows ({shown}{more})"


def _card(row: Read) -> str | None:
    """The number of the family card; None if it cannot tell a family."""
    text, kind = _own_number(row, "No KK")
    digits = re.sub(r"[\s.-]", "", text or "")
    if not _CARD.match(digits) or len(set(digits)) == 1:
        return None
    # A spreadsheet keeps 15 digits: two families would become one.
    return None if kind == NUMBER and int(digits) >= LONG_NUMBER else digits


def _cards_rounded(rows: Iterable[Read]) -> bool:
    """Whether every number ends in 0, as after a spreadsheet program has rounded the column."""
    cards = {card for row in rows if (card := _card(row))}
    return len(cards) >= _FEW_CARDS and all(card.endswith("0") for card in cards)


def _level(row: Read) -> str | None:
    name = text_of(row, "Rombel Saat Ini")
    level = canonical(name).grade_level if name else None
    return None if level is None else str(level)


def classes(grid: Grid, headings: Headings, _: Notes) -> Made:
    """Each class once, in the row of its first student."""
    seen: set[str] = set()
    for number, row in read_students(grid, headings):
        name = text_of(row, "Rombel Saat Ini")
        if name and name not in seen:
            seen.add(name)
            yield number, {"Rombel Saat Ini": row["Rombel Saat Ini"], "Tingkat": _level(row)}


def parents(grid: Grid, headings: Headings, notes: Notes) -> Made:
    """One row for each father, mother and guardian that is named."""
    unusable: list[int] = []
    for number, row in read_students(grid, headings):
        present = [group for group in GROUPS if text_of(row, f"{group}|Nama") not in _NOTHING]
        if not present or _without_number(number, row, notes):
            continue
        phone = _phone(row)
        if phone is None and any(text_of(row, name) not in _NOTHING for name in ("HP", "Telepon")):
            unusable.append(number)
        for group in present:
            yield number, _parent(row, group, phone)
    if unusable:
        notes.warnings.append(
            f"{grid.where}: HP or Telepon of {_listed(unusable)} is no telephone number that can "
            "be dialled, and was left out; a mobile number begins with 08"
        )


def _parent(row: Read, group: str, phone: str | None) -> Mapping[str, str | Cell | None]:
    relation = _RELATIONS[group]
    name, kind = row[f"{group}|Nama"]
    vital = _STATES.get(text_of(row, f"{group}|Pekerjaan").lower())
    if name and _DECEASED.search(name):
        # "(alm)" behind a name: the late. Nobody is to be written to by that name.
        vital, name = "deceased", " ".join(_DECEASED.sub(" ", name).split())
    return {
        "NIPD": _own_number(row, "NIPD"),
        "Hubungan": relation,
        "Nama": (name, kind),
        "JK": _SEXES[relation],
        "HP": None if vital else phone,
        "Keadaan": vital,
        "Serumah": None if vital else _lives_with(row, relation),
    }


def _phone(row: Read) -> str | None:
    """The family's number: a mobile one if there is any."""
    found = phones.numbers(f"{text_of(row, 'HP')} / {text_of(row, 'Telepon')}")
    return found[0] if found else None


def _lives_with(row: Read, relation: str) -> str | None:
    """`yes` or `no` where the list says so."""
    home = text_of(row, "Jenis Tinggal").lower()
    if home in _ELSEWHERE:
        return "no"
    with_them = _WITH_GUARDIAN if relation == "guardian" else _WITH_PARENTS
    return "yes" if home in with_them else None
