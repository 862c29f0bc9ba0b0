"""A student's year as a small picture, with the same in words and figures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.dates import format_date

from earlywarning.calendar import WEEKS, day_date, day_number
from earlywarning.io import wording
from earlywarning.io.register.timelines import Timeline

WIDTH = 520
HEIGHT = 40
STEP = WIDTH / WEEKS
MONTHS = 12
_MIN = 4
_INCIDENT = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One mark of a picture, in its own units; `kind` is its colour's name."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of record over the year.

    Attributes
    ----------
    key : str
        Of its words: `year.<key>`.
    text : str
        What the picture shows, in words.
    points, mark : str
        Two lines as SVG points, for grades; else empty.
    """

    key: str
    text: str
    bars: tuple[Bar, ...] = ()
    points: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Month:
    """A row of the table that says the same as the picture."""

    name: str
    days: int
    absent: int
    late: int
    incidents: int
    merits: int


@dataclass(frozen=True, slots=True)
class Year:
    """The picture and its words.

    Attributes
    ----------
    months : tuple of str
        Below the picture, from left to right.
    table : tuple of Month
    """

    as_of: date
    lanes: tuple[Lane, ...]
    months: tuple[str, ...]
    table: tuple[Month, ...]


def year(timeline: Timeline, spoken: str) -> Year:
    """A student's year in a language."""
    end = day_number(timeline.as_of_date)
    start = end - WEEKS * 7
    content = timeline.content
    return Year(
        as_of=timeline.as_of_date,
        lanes=(
            _attendance(content["weeks"], start, spoken),
            _behaviour(content["behaviour"], start, spoken),
            _grades(content["grades"], start, spoken),
            _visits(content["visits"], start, spoken),
        ),
        months=tuple(
            format_date(
                day_date(start + round((part + 0.5) * WEEKS * 7 / 12)), "LLL", locale=spoken
            )
            for part in range(12)
        ),
        table=_table(content, spoken),
    )


def _middle(start: int, month: int) -> date:
    return day_date(start + round((month + 0.5) * WEEKS * 7 / MONTHS))


def _x(day: int, start: int) -> float:
    return round((day - start) / 7 * STEP, 1)


def _attendance(weeks: Sequence[Sequence[int]], start: int, spoken: str) -> Lane:
    bars = []
    for monday, days, absent, late in weeks:
        for kind, count in (("late", absent + late), ("absent", absent)):
            if count and (kind == "absent" or late):
                tall = round(max(_MIN, HEIGHT * min(1, count / days)), 1)
                bars.append(Bar(kind, _x(monday, start), HEIGHT - tall, STEP - 2, tall))
    days, absent, late = (sum(week[part] for week in weeks) for part in (1, 2, 3))
    text = wording.page_text("year.attendance.text", spoken, absent=absent, days=days, late=late)
    if absent:
        worst = max(weeks, key=lambda week: (week[2] / week[1], week[0]))
        text += " " + wording.page_text(
            "year.attendance.worst", spoken, absent=worst[2], days=worst[1],
            week=day_date(worst[0]),
        )  # fmt: skip
    return Lane("attendance", text, tuple(bars))


def _behaviour(weeks: Sequence[Sequence[int]], start: int, spoken: str) -> Lane:
    bars = []
    for monday, offences, merits in weeks:
        base = HEIGHT
        for kind, count in (("incident", offences), ("merit", merits)):
            if count:
                tall = min(_INCIDENT * count, base)
                bars.append(Bar(kind, _x(monday, start), base - tall, STEP - 2, tall - 1))
                base -= tall
    offences, merits = (sum(week[part] for week in weeks) for part in (1, 2))
    text = wording.page_text("year.behaviour.text", spoken, incidents=offences, merits=merits)
    return Lane("behaviour", text, tuple(bars))


def _grades(periods: Sequence[Sequence[float | None]], start: int, spoken: str) -> Lane:
    known = [(int(day or 0), score, mark) for day, score, mark in periods if score is not None]
    if not known:
        return Lane("grades", wording.page_text("year.grades.none", spoken))

    def line(which: int) -> str:
        found = [(row[0], row[which]) for row in known if row[which] is not None]
        return " ".join(f"{_x(day, start)},{_high(value)}" for day, value in found)

    day, score, mark = known[-1]
    key = "year.grades.text" if mark is not None else "year.grades.unmarked"
    marked = {} if mark is None else {"mark": mark}
    text = wording.page_text(key, spoken, score=score, day=day_date(day), **marked)
    dots = tuple(Bar("score", _x(row[0], start) - 3, _high(row[1]) - 3, 6, 6) for row in known)
    return Lane("grades", text, dots, points=line(1), mark=line(2))


def _high(value: float | None) -> float:
    """Marks from 40 to 100 of 100 fill the picture; few lie below."""
    share = ((value or 0) - 40) / 60
    return round(HEIGHT - HEIGHT * min(1.0, max(0.0, share)), 1)


def _visits(visits: Sequence[Sequence[Any]], start: int, spoken: str) -> Lane:
    done = [day for day, status in visits if status == "done"]
    tried = [day for day, status in visits if status in ("no_one_home", "moved", "declined")]
    bars = [Bar("visit", _x(day, start), 6, 6, HEIGHT - 12) for day in done]
    bars += [Bar("tried", _x(day, start), 14, 6, HEIGHT - 28) for day in tried]
    text = wording.page_text("year.visits.text", spoken, visits=len(done))
    if done:
        last = day_date(max(done))
        text += " " + wording.page_text("year.visits.last", spoken, day=last)
    return Lane("visits", text, tuple(bars))


def _table(content: Mapping[str, Any], spoken: str) -> tuple[Month, ...]:
    found: dict[date, list[int]] = {}
    for name, columns in (("weeks", (0, 1, 2)), ("behaviour", (3, 4))):
        for monday, *counts in content[name]:
            # A week belongs to the month that holds its Thursday.
            first = (day_date(monday) + timedelta(days=3)).replace(day=1)
            row = found.setdefault(first, [0] * 5)
            for column, count in zip(columns, counts, strict=True):
                row[column] += count
    return tuple(
        Month(format_date(first, "MMMM y", locale=spoken), *found[first]) for first in sorted(found)
    )
