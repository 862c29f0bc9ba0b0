"""What each column of a plain table is: by its heading, and by what stands under it.

Where the two contradict each other, both are said: a template whose columns were swapped looks
right until somebody reads the cells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from earlywarning.io.school_files.headings_known import (
    ATTENDANCE_WORDS,
    BY_HEADING,
    POLARITY_WORDS,
    SEVERITY_WORDS,
    SEX_WORDS,
    VISIT_WORDS,
    plain,
)
from earlywarning.records import dates
from earlywarning.records.codes import attendance_codes

EMPTY_TEXTS = ("NULL", "null", "-", "N/A", "n/a")
"""Texts that stand for an empty cell in exports."""

NUMBER = re.compile(r"^[+-]?\d{1,15}([.,]\d{1,15})?$")
LETTER_MARK = re.compile(r"^[A-Fa-f][+-]?$")
NUMBER_AND_LETTER = re.compile(r"^\d{1,3}([.,]\d+)? [A-Fa-f][+-]?$")
_DIGITS = re.compile(r"\d")
_NAME = re.compile(r"^[^\W\d_][^\d_]*$")
_ID = re.compile(r"^[\w./-]{1,40}$")
_FITS = 0.8
_CONTRADICTS = 0.2
_MONTH_FIRST = "%m/%d/%Y"
_NEVER_SHOWN = ("family_card",)
"""What stands under it is repeated in no message, and belongs under no other heading."""
_MEANINGS = 3
"""A heading with more meanings than this contradicts nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a plain table.

    Attributes
    ----------
    heading : str
        As a mapping names it.
    values : tuple of str
        Of the rows looked at; empty texts are "".
    """

    heading: str
    values: tuple[str, ...]

    @property
    def filled(self) -> list[str]:
        """Values that are there."""
        return [value for value in self.values if value]

    def distinct(self) -> list[str]:
        """Values that are there, each once, in order."""
        return list(dict.fromkeys(self.filled))

    def share(self, domain: str) -> float:
        """Share of the filled cells that are of a domain, 0 to 1; 0 if none is filled."""
        values = self.distinct()
        if not values:
            return 0.0
        if domain == "date":
            return _date_share(values)
        return sum(_is(value, domain) for value in values) / len(values)


def _is(value: str, domain: str) -> bool:
    word = plain(value)
    match domain:
        case "id":
            # A student number has a digit; a word or a name has none.
            return bool(_ID.match(value) and _DIGITS.search(value)) and not _looks_dated(value)
        case "name":
            return bool(_NAME.match(value)) and len(value) > 2
        case "number":
            return bool(NUMBER.match(value))
        case "mark":
            return bool(NUMBER.match(value) or LETTER_MARK.match(value))
        case "code":
            return (
                value.upper() in _ATTENDANCE
                or word in ATTENDANCE_WORDS
                or (len(value) <= 4 and not _DIGITS.search(value))
            )
        case "sex":
            return word in SEX_WORDS
        case "severity":
            return word in SEVERITY_WORDS
        case "polarity":
            return word in POLARITY_WORDS
        case "visit":
            return word in VISIT_WORDS
        case "school_year":
            return bool(re.match(r"^\d{4}[-/](\d{2}|\d{4})$", value))
        case "truth":
            return word in ("ya", "tidak", "yes", "no", "true", "false", "y", "n", "0", "1")
        case _:
            return not _looks_dated(value)


_ATTENDANCE = frozenset(attendance_codes("id").statuses)


def _looks_dated(value: str) -> bool:
    return bool(re.match(r"^\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}( .*)?$", value))


def _date_share(values: Sequence[str]) -> float:
    text = pl.Series(values, dtype=pl.String).str.slice(0, 30)
    style = dates.usual_style(text)
    read = dates.parse(text, [style]).dates.is_not_null()
    # Whoever wrote month first is asked later; they are dates all the same.
    month_first = dates.parse(text, [_MONTH_FIRST]).dates.is_not_null()
    return float(max(read.mean() or 0.0, month_first.mean() or 0.0))  # type: ignore[arg-type]


DOMAINS: Mapping[str, str] = {
    "student": "id", "national_id": "id", "full_name": "name", "first_name": "name",
    "last_name": "name", "sex": "sex", "birth_date": "date", "entry_date": "date",
    "exit_date": "date", "date": "date", "code": "code", "score": "mark", "pass_mark": "number",
    "max_score": "number", "points": "number", "balance": "number", "severity": "severity",
    "polarity": "polarity", "sick": "number", "permitted": "number", "unexcused": "number",
    "absent": "number", "effective_days": "number", "late_minutes": "number",
    "staff_name": "name", "visit_status": "visit", "school_year": "school_year",
    "is_attendance_related": "truth", "max_visits": "number", "grade_level": "number",
    "family_card": "id", "father_name": "name", "mother_name": "name", "guardian_name": "name",
}  # fmt: skip
"""What stands under a role; roles that are not here may hold any text but a date."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns are.

    Attributes
    ----------
    columns : mapping of role to Column
    swapped : tuple of (str, str)
        Pairs of headings whose cells belong under each other; `columns` follows the cells.
    odd : tuple of str
        What else contradicts its heading, in words.
    """

    columns: Mapping[str, Column]
    swapped: tuple[tuple[str, str], ...] = ()
    odd: tuple[str, ...] = ()

    def __contains__(self, role: str) -> bool:
        return role in self.columns

    def __getitem__(self, role: str) -> Column:
        return self.columns[role]

    def has(self, *roles: str) -> bool:
        """Whether all of these are there."""
        return all(role in self.columns for role in roles)

    def headings(self, **roles: str) -> dict[str, str]:
        """Our columns and the headings of those roles that are there: `student="student"`."""
        return {
            ours: self.columns[role].heading for ours, role in roles.items() if role in self.columns
        }


def find_roles(columns: Sequence[Column]) -> Roles:
    """What each column is; a column has one role, a role one column.

    A heading with several meanings (`Kode`, `Status`, `Grade`) takes the one that its cells fit.
    """
    candidates = [
        (column, role, place)
        for column in columns
        for role, place in BY_HEADING.get(plain(column.heading), ())
    ]
    fit = {
        (column.heading, role): column.share(DOMAINS.get(role, "text"))
        for column, role, _ in candidates
    }
    chosen: dict[str, Column] = {}
    used: set[str] = set()
    # What only some cells can be is tried before what may hold any text.
    for column, role, _ in sorted(candidates, key=lambda one: (one[1] not in DOMAINS, one[2])):
        fits = fit[column.heading, role] >= _FITS or not column.filled
        if fits and role not in chosen and column.heading not in used:
            chosen[role] = column
            used.add(column.heading)
    left = [
        (column, role)
        for column, role, _ in sorted(candidates, key=lambda one: one[2])
        if column.heading not in used and column.filled and role not in _NEVER_SHOWN
        and len(BY_HEADING[plain(column.heading)]) <= _MEANINGS
    ]  # fmt: skip
    return _with_swapped(chosen, left, fit)


def _with_swapped(
    chosen: dict[str, Column],
    left: Sequence[tuple[Column, str]],
    fit: Mapping[tuple[str, str], float],
) -> Roles:
    """Follow the cells where two columns fit each other's heading and not their own."""
    swapped: list[tuple[str, str]] = []
    odd: list[str] = []
    done: set[str] = set()
    for column, role in left:
        if column.heading in done or role in chosen:
            continue
        partner = next(
            (
                (other, others)
                for other, others in (*left, *((own, name) for name, own in chosen.items()))
                if other.heading not in done | {column.heading}
                and others != role
                and other.share(DOMAINS.get(role, "text")) >= _FITS
                and column.share(DOMAINS.get(others, "text")) >= _FITS
                and _is_swap(other, others, role)
            ),
            None,
        )
        if partner:
            other, others = partner
            chosen |= {role: other, others: column}
            swapped.append((column.heading, other.heading))
            done |= {column.heading, other.heading}
        elif fit[column.heading, role] >= _CONTRADICTS:
            chosen[role] = column
            done.add(column.heading)
        elif role in DOMAINS:
            odd.append(
                f"under {column.heading!r} stands no {role.replace('_', ' ')}: "
                f"{', '.join(map(repr, column.distinct()[:3]))}; the column is not used"
            )
            done.add(column.heading)
    return Roles(chosen, tuple(swapped), tuple(odd))


def _is_swap(other: Column, others: str, role: str) -> bool:
    """Whether the other column's own heading contradicts its cells too, or allows anything."""
    own = DOMAINS.get(others, "text")
    return own == "text" or other.share(own) < _CONTRADICTS or DOMAINS.get(role) == "date"
