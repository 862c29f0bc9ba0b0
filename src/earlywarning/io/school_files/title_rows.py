"""What the rows above a table say: the school, its number, the class, the semester, a date.

Schools and their programs write it as `Kelas : VII-A` in one cell, in two or three, or as a line of
its own. Names of persons that stand there (a homeroom teacher, who downloaded it) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from earlywarning.io.grid import Row
from earlywarning.records import dates
from earlywarning.records.cell_values import school_year_code

_LABELS = {
    "school": r"(?:nama )?(?:sekolah|satuan pendidikan|madrasah)",
    "npsn": r"npsn",
    "class_semester": r"kelas ?/ ?semester",
    "class": r"(?:nama )?(?:kelas|rombel|rombongan belajar)",
    "semester": r"semester",
    "school_year": r"(?:tahun|th\.?) ?(?:pelajaran|ajaran)|tp",
    "day": r"(?:tanggal|tgl\.?) ?(?:unduh|download|cetak)|(?:diunduh|dicetak)(?: pada)?",
}
_LABEL = re.compile(
    "|".join(
        f"(?P<{key}>^(?:{words})(?= ?[:=]|$| ?\\d| [ivx]+\\b))" for key, words in _LABELS.items()
    ),
    re.IGNORECASE,
)
_SCHOOL = re.compile(
    r"^(?:SMP|MTs|SMA|MA|SMK|SD|MI|SLB)(?:[NS]|IT|TQ)?\b(?! ?[:=])[^:=]{2,}$", re.IGNORECASE
)
_NPSN = re.compile(r"\bNPSN\D{0,4}(\d{8})\b", re.IGNORECASE)
_YEARS = re.compile(r"\b(\d{4}) ?[/-] ?(\d{4}|\d{2})\b")
_ODD_OR_EVEN = re.compile(r"\b(?:(ganjil|gasal)|(genap))\b", re.IGNORECASE)
_SEMESTER = re.compile(r"^\W*(?:(1|i|satu)|(2|ii|dua))\b", re.IGNORECASE)
_SEMESTER_ID = re.compile(r"^\W*(\d{4})([12])\b")
_DAYS = (
    (re.compile(r"\b\d{4}-\d{2}-\d{2}\b"), dates.ISO),
    (re.compile(r"\b\d{1,2}/\d{1,2}/\d{4}\b"), "%d/%m/%Y"),
    (re.compile(r"\b\d{1,2}-\d{1,2}-\d{4}\b"), "%d-%m-%Y"),
    (re.compile(r"\b\d{1,2} [^\W\d_]+ \d{4}\b"), "%d %B %Y"),
)


@dataclass(frozen=True, slots=True)
class Titles:
    """What is said above a table; None where nothing is said.

    Attributes
    ----------
    school, npsn : str or None
        Name, and national number of 8 digits.
    class_name : str or None
    semester : int or None
        1 (ganjil) or 2 (genap).
    school_year : str or None
        Like `2025-26`.
    day : date or None
        On which it was downloaded or printed.
    text : str
        All of it in lower case, to look for words such as `leger`; not to be shown.
    """

    school: str | None = None
    npsn: str | None = None
    class_name: str | None = None
    semester: int | None = None
    school_year: str | None = None
    day: date | None = None
    text: str = ""


def read_titles(rows: Sequence[Row]) -> Titles:
    """Read the rows above a table's headings."""
    said: dict[str, str] = {}
    for key, value in _pairs(rows):
        said.setdefault(key, value)
    cells = [" ".join(text.split()) for _, row in rows for text, _ in row if text and text.strip()]
    text = "\n".join(cells)
    both = said.get("class_semester", "")
    class_name, _, of_both = both.rpartition("/")
    semester, year = _semester(said.get("semester") or of_both, text)
    npsn = _NPSN.search(f"NPSN {said['npsn']}" if "npsn" in said else text)
    return Titles(
        school=said.get("school") or next((cell for cell in cells if _SCHOOL.match(cell)), None),
        npsn=npsn[1] if npsn else None,
        class_name=said.get("class") or class_name.strip() or None,
        semester=semester,
        school_year=_school_year(said.get("school_year", "")) or year or _school_year(text),
        day=read_day(said.get("day", "")),
        text=text.lower(),
    )


def read_day(text: str) -> date | None:
    """The first date in a text, day first or year first."""
    for pattern, style in _DAYS:
        for found in pattern.findall(text):
            parsed = dates.parse(pl.Series([found]), (style,)).dates
            if parsed[0] is not None:
                return parsed[0]
    return None


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Label and value, in one cell or in the next ones."""
    for _, row in rows:
        cells = [" ".join(text.split()) for text, _ in row if text and text.strip(" :=")]
        for place, cell in enumerate(cells):
            label = _LABEL.match(cell)
            if label is None:
                continue
            value = cell[label.end() :].strip(" :=")
            following = cells[place + 1] if place + 1 < len(cells) else ""
            if not value and not _LABEL.match(following):
                value = following.strip(" :=")
            if value and label.lastgroup:
                yield label.lastgroup, value


def _semester(value: str, text: str) -> tuple[int | None, str | None]:
    """1 or 2, and the school year if both are one number (`20251`)."""
    number = _SEMESTER_ID.match(value)
    if number:
        year = int(number[1])
        return int(number[2]), school_year_code(f"{year}-{year + 1}")
    for where in (value, text):
        word = _ODD_OR_EVEN.search(where)
        if word:
            return (1 if word[1] else 2), None
    plain = _SEMESTER.match(value)
    if plain is None:
        after = re.search(r"\bsemester\b(.{1,12})", text, re.IGNORECASE)
        plain = _SEMESTER.match(after[1]) if after else None
    return ((1 if plain[1] else 2) if plain else None), None


def _school_year(text: str) -> str | None:
    found = (school_year_code(f"{first}-{second}") for first, second in _YEARS.findall(text))
    return next((year for year in found if year), None)
