"""Dates as schools write them: day first or year first, and month first only when the mapping says.

`1/9/2019` is 1 September here and 9 January elsewhere, and no program can tell by looking at one
cell. So the style is the mapping's or, if it names none, that of the column as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

ISO = "%Y-%m-%d"
USUAL_STYLES = ("%d/%m/%Y", "%d-%m-%Y", ISO, "%d.%m.%Y", "%Y/%m/%d", "%d %B %Y")
"""Tried when a mapping names no style; no text is a date in two of them."""

_MONTHS = {
    "januari": "January", "februari": "February", "pebruari": "February", "maret": "March",
    "april": "April", "mei": "May", "juni": "June", "juli": "July", "agustus": "August",
    "september": "September", "oktober": "October", "november": "November",
    "nopember": "November", "desember": "December", "peb": "Feb", "agt": "Aug", "agu": "Aug",
    "okt": "Oct", "nop": "Nov", "des": "Dec",
}  # fmt: skip
_PARTS = {
    "%d": r"\d{1,2}", "%m": r"\d{1,2}", "%Y": r"\d{1,5}", "%y": r"\d{2}", "%B": r"[^\W\d_]+",
    "%b": r"[^\W\d_]+", "%H": r"\d{1,2}", "%M": r"\d{2}", "%S": r"\d{2}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedDates:
    """A column of dates.

    Attributes
    ----------
    dates : Series of Date
        Null where there is none.
    impossible, ambiguous, other_style, wrong : Series of bool
        Why there is none: the calendar has no such day; two named styles give different days; a
        date in a style that was not named; no date at all.
    day_first_proof, month_first_proof : int
        Dates that can only be read day first, and that could only be read month first.
    """

    dates: pl.Series
    impossible: pl.Series
    ambiguous: pl.Series
    other_style: pl.Series
    wrong: pl.Series
    day_first_proof: int
    month_first_proof: int


def problem_of(style: str) -> str | None:
    """What is wrong with a date style; None if it can be read."""
    parts = re.findall(r"%.", style)
    unknown = [part for part in parts if part not in _PARTS]
    if unknown:
        return f"{unknown[0]} is not understood; allowed: {' '.join(_PARTS)}"
    if (
        sum(part in ("%Y", "%y") for part in parts) != 1
        or sum(part in ("%m", "%B", "%b") for part in parts) != 1
        or parts.count("%d") != 1
    ):
        return "a date needs one day (%d), one month (%m or %B) and one year (%Y)"
    return None


def parse(text: pl.Series, styles: Sequence[str]) -> ParsedDates:
    """Read dates in the given styles.

    Parameters
    ----------
    text : Series of str
        Without outer blanks; null where the cell is empty.
    styles : sequence of str
        Like `%d/%m/%Y`; several only if the mapping names several.
    """
    dates = _read(text, styles[0])
    ambiguous = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    for style in styles[1:]:
        again = _read(text, style)
        ambiguous |= (dates != again).fill_null(False)
        dates = dates.fill_null(again)
    failed = (text.is_not_null() & dates.is_null()) | ambiguous
    day_first = sum(_is_day_first(style) for style in styles) == len(styles)
    proof = int((dates.dt.day() > 12).sum()) if day_first else 0
    nothing = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    if not failed.any():
        return ParsedDates(dates, nothing, nothing, nothing, nothing, proof, 0)
    dates = pl.select(pl.when(~ambiguous).then(dates)).to_series()
    bad = pl.select(pl.when(failed & ~ambiguous).then(text)).to_series()
    shaped = nothing
    for style in styles:
        shaped = shaped | bad.str.contains(_shape(style)).fill_null(False)
    other = nothing
    for style in {*USUAL_STYLES, "%d/%m/%y", "%d-%m-%y", "%m/%d/%Y"} - set(styles):
        other = other | (bad.str.contains(_shape(style)) & _read(bad, style).is_not_null())
    other = other.fill_null(False) & ~shaped
    american = 0
    if day_first:
        american = sum(
            int((shaped & _read(bad, _month_first(style)).is_not_null()).sum()) for style in styles
        )
    wrong = bad.is_not_null() & ~shaped & ~other
    return ParsedDates(dates, shaped, ambiguous, other, wrong, proof, american)


def usual_style(text: pl.Series) -> str:
    """The style of `USUAL_STYLES` that reads most of a column."""
    sample = text.drop_nulls().unique().sort().head(5_000)
    found = {style: int(_read(sample, style).is_not_null().sum()) for style in USUAL_STYLES}
    shapes = {style: int(sample.str.contains(_shape(style)).sum() or 0) for style in USUAL_STYLES}
    return max(USUAL_STYLES, key=lambda style: (found[style], shapes[style]))


def _read(text: pl.Series, style: str) -> pl.Series:
    if "%B" in style or "%b" in style:
        names = sorted(_MONTHS, key=len, reverse=True)
        text = text.str.to_lowercase().str.replace_many(
            names, [_MONTHS[name] for name in names], leftmost=True
        )
    return text.str.to_date(style, strict=False)


def _shape(style: str) -> str:
    pieces = re.split(r"(%.)", style)
    return "^" + "".join(_PARTS.get(piece) or re.escape(piece) for piece in pieces) + "$"


def _is_day_first(style: str) -> bool:
    return "%m" in style and style.index("%d") < style.index("%m") < style.lower().index("%y")


def _month_first(style: str) -> str:
    return style.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
