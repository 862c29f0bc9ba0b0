"""What the titles, headings and names of a monthly sheet say: month, school year, class, weekday.

Words as Indonesian schools write them, slips included (`Pebruari`, `Nopember`, `Oktoter`). Nothing
here knows which cell is a title; `day_sheet` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from earlywarning.records.cell_values import school_year_code

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTHS = (
    "januari january jan", "februari pebruari february feb peb", "maret march mar mrt",
    "april apr", "mei may", "juni june jun", "juli july jul",
    "agustus august agu agt agst ags aug agust", "september sep sept", "oktober october okt oct",
    "november nopember nov nop", "desember december des dec",
)  # fmt: skip
_MONTH_OF = {word: i for i, words in enumerate(_MONTHS, start=1) for word in words.split()}
_LONG_MONTHS = [word for word in _MONTH_OF if len(word) > 6]
_WEEKDAYS = (
    "senin sen sn mon monday", "selasa sel sl tue tuesday", "rabu rab rb wed wednesday",
    "kamis kam km thu thursday", "jumat jum'at jum jm fri friday", "sabtu sab sb sat saturday",
    "minggu min mg mgg ahad ahd sun sunday",
)  # fmt: skip
_WEEKDAY_OF = {
    word: frozenset((i,)) for i, words in enumerate(_WEEKDAYS, start=1) for word in words.split()
}
_LETTERS = {
    "s": frozenset((1, 2, 6)), "r": frozenset((3,)), "k": frozenset((4,)), "j": frozenset((5,)),
    "m": frozenset((7,)), "a": frozenset((7,)),
}  # fmt: skip
_DAY_WORDS = ("tgl", "tanggal", "hari", "tg", "day")
_SERIALS = (date(1990, 1, 1), date(2100, 12, 31))
_SERIAL_ZERO = date(1899, 12, 30)

_YEARS = re.compile(r"(?<!\d)((?:19|20)\d\d)\s?[/–-]\s?((?:19|20)?\d\d)(?!\d)")
_DIGITS_MONTH = (
    re.compile(r"(?<!\d)(?P<year>20\d\d)[ ._-]?(?P<month>0[1-9]|1[0-2])(?!\d)"),
    re.compile(r"(?<![\d-])(?P<month>0?[1-9]|1[0-2])[ ._/-](?P<year>20\d\d)(?![\d/-])"),
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_GRADE = r"(?:XII|XI|IX|X|VIII|VII|VI|IV|V|III|II|I|1[0-2]|[1-9])"
_NO_GROUP = r"(?!BULAN|SEMESTER|TAHUN|TP|TA\b|SMP|SMA|SMK|MTS|DAN|TGL|WALI|THN)"
_GROUP = rf"(?:[\s.-]*{_NO_GROUP}[A-Z]{{1,5}}(?![A-Z]))?(?:[\s.-]*\d{{1,2}}(?!\d))?"
_CLASS_SAID = re.compile(
    rf"(?<!wali )\b(?:kelas|kls|rombel)\b\.?\s*:?\s*({_GRADE}{_GROUP})(?!\w)", re.IGNORECASE
)
_CLASS_ALONE = re.compile(
    rf"(?<!\w)({_GRADE}[\s.-]?[A-Z](?:[\s.-]?\d)?|(?:1[0-2]|[1-9])[a-k])(?!\w)"
)
_LABELS = (
    r"bulan|periode|month|(?<!wali )kelas|rombel|rombongan belajar|class|wali kelas|semester|"
    r"tahun pelajaran|tahun ajaran|nama sekolah|sekolah|npsn|mata pelajaran|jumlah siswa"
)
_NEXT_LABEL = re.compile(rf"\s+(?=(?:{_LABELS})\s*:)", re.IGNORECASE)
_OF_A_PERSON = re.compile(r"(?:wali|guru|kepala|nama|pengajar|nip)\b", re.IGNORECASE)
"""Mei, Juli and April are also names."""
_SCHOOL = re.compile(
    r"^(?:nama sekolah\s*:?\s*|(?:upt|uptd)\b.*?)?((?:SD|SDN|SMP|SMPN|SMPIT|SDIT|SMA|SMAN|SMK|SMKN"
    r"|MTS|MTSN|MI|MIN|MA|MAN|SLB|MADRASAH|SEKOLAH)\b.{2,80})$",
    re.IGNORECASE,
)
_NPSN = re.compile(r"\bNPSN\b\s*[:.]?\s*(\d{8})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DayLabel:
    """The heading of a day column.

    Attributes
    ----------
    day : int
        1 to 31; whether the month has it is not known here.
    weekdays : frozenset of int
        ISO weekdays that the heading allows, Monday 1; empty if it names none.
    month, year : int or None
        If the heading is a whole date.
    """

    day: int
    weekdays: frozenset[int] = frozenset()
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What some texts say of a sheet; None where they say nothing.

    Attributes
    ----------
    month : int or None
    year : int or None
        Calendar year of the month.
    school_year : str or None
        Like 2025-26.
    class_name, school, npsn : str or None
        As written.
    semester : int or None
        1 from July, 2 from January.
    slips : tuple of str
        Misspelt months.
    unread_month : str or None
        What stands behind `Bulan :` and is no month.
    """

    month: int | None = None
    year: int | None = None
    school_year: str | None = None
    class_name: str | None = None
    school: str | None = None
    npsn: str | None = None
    semester: int | None = None
    slips: tuple[str, ...] = ()
    unread_month: str | None = None


def month_number(word: str) -> int | None:
    """The month of a word, also misspelt if it is long; None if it is no month."""
    word = word.lower()
    if word in _MONTH_OF:
        return _MONTH_OF[word]
    close = get_close_matches(word, _LONG_MONTHS, 1, 0.82) if len(word) > 5 else []
    return _MONTH_OF[close[0]] if close else None


def is_slip(word: str) -> bool:
    """Whether a word is a month only by its likeness."""
    return word.lower() not in _MONTH_OF and month_number(word) is not None


def weekday_of(text: str, *, letters: bool = False) -> frozenset[int]:
    """ISO weekdays that a word allows; with `letters`, also `S S R K J S M`."""
    word = text.strip().strip(".()").lower().replace("’", "'").replace("`", "'")
    return _WEEKDAY_OF.get(word) or (_LETTERS.get(word, frozenset()) if letters else frozenset())


def day_label(text: str) -> DayLabel | None:
    """The day that a heading names: `1`, `01`, `Sen (01)`, `Tgl 1`, a date; None if none."""
    text = " ".join(text.replace("’", "'").split()).lower()
    word = re.match(r"([a-z']+)\.?[\s,./(-]*(?=\d)", text)
    weekdays: frozenset[int] = frozenset()
    if word:
        weekdays = weekday_of(word[1])
        if not weekdays and word[1] not in _DAY_WORDS:
            return None
        text = text[word.end() :].rstrip(" )")
    after = re.fullmatch(r"(\d{1,2})[\s,./(-]+([a-z']+)\.?\)?", text)
    if after and weekday_of(after[2]):
        weekdays, text = weekday_of(after[2]), after[1]
    label = _date_label(text)
    return label and DayLabel(label.day, weekdays, label.month, label.year)


def _date_label(text: str) -> DayLabel | None:
    if match := re.fullmatch(r"(\d{1,2})(?:\.0)?", text):
        return _possible(int(match[1]), None, None)
    if match := re.fullmatch(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ t]00:00(?::00)?)?", text):
        return _possible(int(match[3]), int(match[2]), int(match[1]))
    if match := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}|\d\d))?", text):
        return _possible(int(match[1]), int(match[2]), _year(match[3]))
    if match := re.fullmatch(r"(\d{1,2})[\s-]([a-z]+)\.?(?:[\s-](\d{4}|\d\d))?", text):
        month = _MONTH_OF.get(match[2])
        return _possible(int(match[1]), month, _year(match[3])) if month else None
    if re.fullmatch(r"\d{5}", text):
        day = _SERIAL_ZERO + timedelta(days=int(text))
        if _SERIALS[0] <= day <= _SERIALS[1]:
            return DayLabel(day.day, frozenset(), day.month, day.year)
    return None


def _possible(day: int, month: int | None, year: int | None) -> DayLabel | None:
    fits = 1 <= day <= 31 and 1 <= (month or 1) <= 12 and 1990 <= (year or 2000) <= 2100
    return DayLabel(day, frozenset(), month, year) if fits else None


def _year(digits: str | None) -> int | None:
    return (int(digits) + (2000 if len(digits) == 2 else 0)) if digits else None


def read_titles(rows: Iterable[Sequence[str]]) -> Said:
    """What title rows say; a labelled month (`Bulan : …`) is believed before another.

    Where two unlabelled months differ, none is believed.
    """
    texts = [part for row in rows for part in _parts(row)]
    labelled = [part for part in texts if re.match(r"(?:bulan|periode|month)\b", part, re.I)]
    inside = [
        text[match.start() :]
        for text in texts
        if (match := re.search(r"\b(?:bulan|periode)\b", text, re.I))
    ]
    month, year, slips = _month_in([*labelled, *inside])
    unread = None
    if month is None:
        unread = _first([v for text in labelled if (v := _labelled(text, "bulan|periode|month"))])
        month, year, slips = _month_in(text for text in texts if not _OF_A_PERSON.match(text))
    classes = [
        value for text in texts if (value := _labelled(text, r"kelas|kls|rombel|rombongan belajar"
                                                       r"|class|nama rombel"))
    ]  # fmt: skip
    classes += [match[1].strip() for text in texts if (match := _CLASS_SAID.search(text))]
    schools = [match[1].strip() for text in texts if (match := _SCHOOL.match(text))]
    numbers = [match[1] for text in texts if (match := _NPSN.search(text))]
    everything = "\n".join(texts)
    return Said(
        month=month,
        year=year,
        school_year=_school_year(everything),
        class_name=_first(classes),
        school=_first(schools),
        npsn=_first(numbers),
        semester=_semester(everything),
        slips=slips,
        unread_month=unread,
    )


def read_name(name: str) -> Said:
    """What the name of a sheet or file says."""
    text = name.replace("_", " ").replace("+", " ")
    month, year, slips = None, None, ()
    for pattern in _DIGITS_MONTH:
        if match := pattern.search(name):
            month, year = int(match["month"]), int(match["year"])
            text = text[: match.start()] + " " + text[match.end() :]
            break
    school_year = _school_year(text)
    if month is None:
        month, year, slips = _month_in([_YEARS.sub(" ", text)])
    said = _CLASS_SAID.search(text) or _CLASS_ALONE.search(text)
    return Said(
        month=month,
        year=year,
        school_year=school_year,
        class_name=" ".join(said[1].split()) if said else None,
        semester=_semester(text),
        slips=slips,
    )


def school_year_of(year: int, month: int) -> str:
    """The school year of a month; it begins in July."""
    first = year if month >= 7 else year - 1
    return f"{first}-{(first + 1) % 100:02d}"


def year_in(school_year: str, month: int) -> int:
    """The calendar year of a month of a school year like 2025-26."""
    return int(school_year[:4]) + (month < 7)


def months_of(school_year: str) -> Iterator[tuple[int, int]]:
    """Year and month of every month of a school year, July first."""
    for month in (*range(7, 13), *range(1, 7)):
        yield year_in(school_year, month), month


def _parts(row: Sequence[str]) -> Iterator[str]:
    """Texts of a title row; a label and the value in a cell beside it become one text."""
    cells = [" ".join(cell.split()) for cell in row]
    parts = [part for cell in cells if cell for part in _NEXT_LABEL.split(cell)]
    place = 0
    while place < len(parts):
        text = parts[place]
        place += 1
        while place < len(parts) and re.fullmatch(rf"(?:{_LABELS})\s*:?|.*:", text, re.IGNORECASE):
            if re.match(rf"(?:{_LABELS})\b", parts[place], re.IGNORECASE):
                break
            text = f"{text} {parts[place]}"
            place += 1
        yield text


def _labelled(text: str, words: str) -> str | None:
    match = re.match(rf"(?:{words})\s*[:=]\s*:?\s*(\S.*)$", text, re.IGNORECASE)
    return match[1].strip() if match else None


def _month_in(texts: Iterable[str]) -> tuple[int | None, int | None, tuple[str, ...]]:
    """Month and year; a day before the month makes it a date (`30 September`), not a title."""
    found: dict[tuple[int, int | None], str] = {}
    for text in texts:
        for match in _WORD.finditer(text):
            month = month_number(match[0])
            before = text[: match.start()]
            if month is None or re.search(r"\d\s*$", before):
                continue
            after = re.match(r"[\s,./_-]*((?:19|20)\d\d)(?!\d)(?!\s?[/–-]\s?\d)",
                             text[match.end() :])  # fmt: skip
            found.setdefault((month, int(after[1]) if after else None), match[0])
        for pattern in _DIGITS_MONTH if re.match(r"(?:bulan|periode|month)\b", text, re.I) else ():
            if match := pattern.search(text):
                found.setdefault((int(match["month"]), int(match["year"])), "")
    if len({month for month, _ in found}) != 1:
        return None, None, ()
    years = {year for _, year in found if year}
    slips = tuple(word for word in found.values() if word and is_slip(word))
    return next(iter(found))[0], next(iter(years)) if len(years) == 1 else None, slips


def _school_year(text: str) -> str | None:
    found = [school_year_code(f"{match[1]}-{match[2]}") for match in _YEARS.finditer(text)]
    years = dict.fromkeys(year for year in found if year)
    return next(iter(years)) if len(years) == 1 else None


def _semester(text: str) -> int | None:
    match = re.search(r"\b(?:semester\s*:?\s*)?(ganjil|genap|gasal)\b", text, re.IGNORECASE)
    return None if not match else 2 if match[1].lower() == "genap" else 1


def _first(values: Sequence[str]) -> str | None:
    return values[0] if values else None
