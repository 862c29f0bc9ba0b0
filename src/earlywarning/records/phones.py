"""Telephone numbers as families write them, in the one form that a telephone understands.

E.164: a plus sign, the country, the number without the zero in front, such as `+62` and `812…`.
Nothing is guessed: a number that could be another one is no number.
"""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"[/,;&|\n]|\s{2,}|\b(?:atau|dan|or)\b", re.IGNORECASE)
_NOT_DIALLED = re.compile(r"[\s().\-\u2010-\u2015\u00a0]+")
_PLAIN = re.compile(r"^(\+?)(\d+)$")
_INDONESIA = "62"
_MOBILE = re.compile(r"^8\d{8,11}$")
_LANDLINE = re.compile(r"^[2-79]\d{7,10}$")
_ABROAD = re.compile(r"^[1-9]\d{7,14}$")


def numbers(text: str) -> tuple[str, ...]:
    """Every telephone number of a cell in E.164, mobile numbers first, each once.

    `0812…`, `812…` (a spreadsheet dropped the zero), `62812…`, `+62 812-…` and `+62 0812…` are one
    number. A number of a fixed line needs its area code with the zero. Numbers of other countries
    need `+` or `00`. Empty if there is none.
    """
    found = [
        number
        for piece in _BETWEEN.split(text)
        for number in (_each(piece) if piece and piece.strip() else ())
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda number: not is_mobile(number)))


def is_mobile(number: str) -> bool:
    """Whether an E.164 number is an Indonesian mobile one, to which messages can go."""
    return number.startswith(f"+{_INDONESIA}8")


def _each(piece: str) -> tuple[str, ...]:
    """One number, or two that only a blank parts."""
    whole = _one(piece)
    if whole:
        return (whole,)
    apart = [_one(word) for word in piece.split()]
    return tuple(number for number in apart if number) if all(apart) else ()


def _one(text: str) -> str | None:
    plain = _PLAIN.match(_NOT_DIALLED.sub("", text.strip().lstrip("'")))
    if plain is None:
        return None
    plus, digits = plain.groups()
    if digits.startswith("00"):
        plus, digits = "+", digits[2:]
    if digits.startswith(_INDONESIA) and (plus or len(digits) > 10):
        own = digits.removeprefix(_INDONESIA).removeprefix("0")
        return f"+{_INDONESIA}{own}" if _MOBILE.match(own) or _LANDLINE.match(own) else None
    if plus:
        return f"+{digits}" if _ABROAD.match(digits) else None
    own = digits.removeprefix("0")
    if _MOBILE.match(own) or (digits.startswith("0") and _LANDLINE.match(own)):
        return f"+{_INDONESIA}{own}"
    return None
