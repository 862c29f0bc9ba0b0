"""Names of classes: `VII-A`, `VII A`, `7A`, `Kelas 7 A` are one class, and IX comes after VIII.

A school's own spelling is kept; here it is only understood, so that two files can mean the same
class and lists stand in a school's order.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

Part = tuple[int, int, str]
SortKey = tuple[int, tuple[Part, ...]]

LEVELS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
"""Grade levels 1 to 12 as schools write them."""

NO_LEVEL = 999
"""Sorts classes whose name tells no grade level behind the others."""

_WORD = re.compile(r"^(?:KELAS|KLS|KL|CLASS|GRADE|TINGKAT|ROMBEL)(?:[\s.:_-]+|(?=\d))")
_ARABIC = re.compile(r"^0?([1-9]|1[0-2])(?:(?=[^\d])|$)(.*)$")
_ROMAN = re.compile(r"^([IVX]+)(?:[\s._/:-]+(.*))?$")
_SHORT = re.compile(r"^(?:[A-Z]\d{0,2}|\d{1,2})$")
_BRANCH = re.compile(
    r"^(?:IPA|IPS|MIPA|MIA|IIS|IBB|BAHASA|BHS|AGAMA|TKJ|TKR|TSM|RPL|AKL|OTKP|BDP|DKV|MM)"
    r"(?:$|[\s._/-]*\d{0,2}$)"
)
_SEPARATORS = re.compile(r"[\s._/:()-]+")


@dataclass(frozen=True, slots=True)
class ClassName:
    """What a class's name says.

    Attributes
    ----------
    grade_level : int or None
        1 to 12; None if the name does not tell it.
    section : str
        What is left, capitals, without separators: `A`, `IPA1`, `1-1`; the whole name where there
        is no grade level.
    """

    grade_level: int | None
    section: str

    @property
    def key(self) -> str:
        """The same for every spelling of a class, and for no other class."""
        return f"{self.grade_level or ''}/{self.section}"

    @property
    def sort_key(self) -> SortKey:
        """By grade level, then section; the numbers in it as numbers."""
        return (self.grade_level or NO_LEVEL, _natural(self.section))


@cache
def canonical(name: str) -> ClassName:
    """Understand a class's name.

    `VIII` is the eighth grade, `VII I` is section I of the seventh; `XIIPA1` is XI IPA 1. A number
    above 12, such as `71`, tells no grade level: it may be 7-1 or a room.
    """
    text = unicodedata.normalize("NFKC", name).upper().translate(_DASHES)
    text = " ".join(text.split())
    text = _WORD.sub("", text, count=1) or text
    arabic = _ARABIC.match(text)
    if arabic and not _is_year(arabic[2]):
        return ClassName(int(arabic[1]), _joined(arabic[2]))
    roman = _ROMAN.match(text)
    if roman and roman[1] in LEVELS:
        return ClassName(_level(roman[1]), _joined(roman[2] or ""))
    attached = _attached(text)
    if attached:
        return attached
    return ClassName(None, text)


def sort_key(name: str) -> SortKey:
    """Key for sorting classes by name: VII, VIII, IX, X; 7-2 before 7-10."""
    return canonical(name).sort_key


_DASHES = {ord(dash): "-" for dash in "\u2010\u2011\u2012\u2013\u2014\u2212"}


def _attached(text: str) -> ClassName | None:
    """A Roman level with the section right behind it, such as `VIIA` or `XIPA1`."""
    if not text.strip("IVX"):
        return None  # a Roman number above 12, such as XIII
    found = []
    for number, level in enumerate(LEVELS, start=1):
        rest = text.removeprefix(level)
        if rest == text:
            continue
        if _BRANCH.match(rest):
            # A branch is only in 10 to 12, and its name settles where the level ends.
            found.append((number >= 10, number, rest))
        elif _SHORT.match(_SEPARATORS.sub("", rest)):
            found.append((False, number, rest))
    if not found:
        return None
    _, number, rest = max(found)
    return ClassName(number, _joined(rest))


def _is_year(rest: str) -> bool:
    """`7/2026` and the like are dates, not classes."""
    return bool(re.search(r"\d{4}", rest))


def _level(roman: str) -> int:
    return LEVELS.index(roman) + 1


def _joined(section: str) -> str:
    """Without separators, but for one between two numbers: `1-1` is not `11`."""
    parts = [part for part in _SEPARATORS.split(section) if part]
    joined = ""
    for part in parts:
        between = "-" if joined[-1:].isdecimal() and part[0].isdecimal() else ""
        joined += between + part
    return joined


def _natural(text: str) -> tuple[Part, ...]:
    """Parts that sort as a person would sort them; numbers before letters."""
    parts = (part for part in re.split(r"(\d+)", text) if part)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
