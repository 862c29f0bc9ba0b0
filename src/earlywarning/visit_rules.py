"""What `district.toml` says of visits: how the list is cut (`[visits]`) and planned (`[plan]`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from earlywarning.errors import ConfigError
from earlywarning.toml_checks import number, one_of, only, section


@dataclass(frozen=True, slots=True)
class Tracks:
    """Who is visited for another reason than concern, and how many places of a teacher that takes.

    They take places kept for prevention, never those for concern.

    Attributes
    ----------
    requested, sick_child, good_news : int
        At most so many places of a teacher in a quarter; 0 leaves the track out.
    sick_days : int
        School days marked sick, one after the other, from which a child is visited.
    sick_within_days : int
        The last of them lies within so many days before the as-of date.
    absence_fall : float
        Good news: the share of days absent fell by this against the student's quarter before.
    grade_rise : float
        Good news: marks rose by so many points of 100 against the quarter before.
    merits : int
        Good news: so many merits in the quarter.
    """

    requested: int = 2
    sick_child: int = 1
    good_news: int = 1
    sick_days: int = 5
    sick_within_days: int = 30
    absence_fall: float = 0.05
    grade_rise: float = 5.0
    merits: int = 1


EVERYONE = "everyone"
LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Visits:
    """How many families can be visited, and how the list is cut.

    Attributes
    ----------
    lottery : bool
        Whether nearly tied families at the cut share their places by lot. Must be said.
    capacity : int
        Households a lead teacher can visit in a quarter, unless the staff list says otherwise.
    preventive_share : float
        Share of the capacity kept for families who were not visited for longest, 0 to 1.
    tracks : Tracks
    reasons : str
        Whose reasons are written down with a list: `everyone`, or only the families `listed` and
        those next in line.
    reasons_next : int
        With `listed`: how many families of each teacher who are not listed have theirs too, first
        by rank and as many by the longest wait.
    """

    lottery: bool
    capacity: int = 8
    preventive_share: float = 0.4
    tracks: Tracks = field(default_factory=Tracks)
    reasons: str = EVERYONE
    reasons_next: int = 2


SLOTS = ("morning", "afternoon", "evening", "saturday", "sunday")
"""Parts of a week in which a family can be met; the first three on weekdays, Monday to Friday."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One part of the week in which visits are made.

    Attributes
    ----------
    start, end : int
        Minutes since midnight.
    a_week : int
        Visits that one teacher can make in it in a week.
    """

    start: int
    end: int
    a_week: int


@dataclass(frozen=True, slots=True)
class Planning:
    """How a list becomes a plan.

    Attributes
    ----------
    visits_per_week : int
        Of one teacher, led or accompanied.
    accompany : int
        Visits that a teacher accompanies in a quarter, at most.
    visit_minutes : int
        A slot shorter than this, once the prayer times are out of it, is not used.
    slots : mapping of slot to Slot
    prayer_times : mapping of name to minutes since midnight
    prayer_minutes : int
        Kept free from each prayer time on.
    holidays, exams, ramadan : tuple of (first day, last day)
        No visit in holidays, nor in a week that an exam touches.
    ramadan_slots : tuple of str
        Slots used in Ramadan.
    available : mapping of word to slots
        What words of guardians' availability stand for.
    letter : str
        Middle of an assignment letter's number: `001/ST/SMP/IX/2026`.
    """

    visits_per_week: int = 2
    accompany: int = 6
    visit_minutes: int = 45
    slots: Mapping[str, Slot] = field(
        default_factory=lambda: {
            "afternoon": Slot(15 * 60 + 30, 17 * 60 + 30, 2),
            "evening": Slot(18 * 60 + 15, 20 * 60 + 30, 1),
            "saturday": Slot(9 * 60, 11 * 60 + 30, 2),
        }
    )
    prayer_times: Mapping[str, int] = field(
        default_factory=lambda: {
            "zuhur": 11 * 60 + 45, "asar": 15 * 60, "magrib": 17 * 60 + 45, "isya": 19 * 60,
        }
    )  # fmt: skip
    prayer_minutes: int = 20
    holidays: tuple[tuple[date, date], ...] = ()
    exams: tuple[tuple[date, date], ...] = ()
    ramadan: tuple[tuple[date, date], ...] = ()
    ramadan_slots: tuple[str, ...] = ("afternoon", "saturday")
    available: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "pagi": ("morning",), "siang": ("afternoon",), "sore": ("afternoon",),
            "malam": ("evening",), "sabtu": ("saturday",), "minggu": ("sunday",),
            "ahad": ("sunday",), **{slot: (slot,) for slot in SLOTS},
        }
    )  # fmt: skip
    letter: str = "ST/SMP"


_CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")
_LETTER = re.compile(r"^[A-Za-z0-9.-]+(/[A-Za-z0-9.-]+)*$")


def visits(data: Mapping[str, Any]) -> Visits:
    """Check `[visits]`."""
    if not isinstance(data.get("lottery"), bool):
        raise ConfigError(
            "[visits] lottery must say true or false: with true, families nearly tied at the cut "
            "share their places by lot, so that the effect of visits can be measured"
        )
    only(data, "visits", {item.name for item in fields(Visits)})
    return Visits(
        lottery=data["lottery"],
        capacity=number(data.get("capacity", 8), "[visits] capacity", 0, 1000, whole=True),
        preventive_share=number(
            data.get("preventive_share", 0.4), "[visits] preventive_share", 0, 1
        ),
        tracks=_tracks(section(data, "tracks", "visits.tracks")),
        reasons=one_of(data.get("reasons", EVERYONE), "visits.reasons", (EVERYONE, LISTED)),
        reasons_next=number(
            data.get("reasons_next", 2), "[visits] reasons_next", 0, 1000, whole=True
        ),
    )


_TRACK_LIMITS = {
    "requested": (0, 1000), "sick_child": (0, 1000), "good_news": (0, 1000), "sick_days": (2, 60),
    "sick_within_days": (1, 120), "absence_fall": (0.001, 1), "grade_rise": (0.1, 100),
    "merits": (1, 100),
}  # fmt: skip


def _tracks(data: Mapping[str, Any]) -> Tracks:
    only(data, "visits.tracks", set(_TRACK_LIMITS))
    usual = Tracks()
    return Tracks(
        **{
            name: number(
                data.get(name, getattr(usual, name)),
                f"[visits.tracks] {name}",
                low,
                high,
                whole=isinstance(getattr(usual, name), int),
            )
            for name, (low, high) in _TRACK_LIMITS.items()
        }
    )


def planning(data: Mapping[str, Any]) -> Planning:
    """Check `[plan]`."""
    only(data, "plan", {item.name for item in fields(Planning)})
    usual = Planning()
    letter = str(data.get("letter", usual.letter))
    if not _LETTER.match(letter) or len(letter) > 40:
        raise ConfigError(f'[plan] letter is {letter!r}; write it like "ST/SMP"')
    slots = _slots(section(data, "slots", "plan.slots"), usual)
    ramadan_slots = tuple(data.get("ramadan_slots", usual.ramadan_slots))
    for slot in ramadan_slots:
        one_of(slot, "plan.ramadan_slots", SLOTS)
    return Planning(
        visits_per_week=_whole(data, "visits_per_week", usual.visits_per_week, 1, 50),
        accompany=_whole(data, "accompany", usual.accompany, 0, 1000),
        visit_minutes=_whole(data, "visit_minutes", usual.visit_minutes, 10, 240),
        slots=slots,
        prayer_times={
            str(name): _clock(value, f"[plan.prayer_times] {name}")
            for name, value in section(data, "prayer_times", "plan.prayer_times").items()
        }
        or usual.prayer_times,
        prayer_minutes=_whole(data, "prayer_minutes", usual.prayer_minutes, 0, 90),
        holidays=_stretches(data.get("holidays", ()), "holidays"),
        exams=_stretches(data.get("exams", ()), "exams"),
        ramadan=_stretches(data.get("ramadan", ()), "ramadan"),
        ramadan_slots=ramadan_slots,
        available={**usual.available, **_words(section(data, "available", "plan.available"))},
        letter=letter,
    )


def _whole(data: Mapping[str, Any], name: str, usual: int, low: int, high: int) -> int:
    return number(data.get(name, usual), f"[plan] {name}", low, high, whole=True)


def _slots(data: Mapping[str, Any], usual: Planning) -> Mapping[str, Slot]:
    if not data:
        return usual.slots
    found = {}
    for name in SLOTS:
        if name not in data:
            continue
        where = f"plan.slots.{name}"
        one = section(data, name, where)
        only(one, where, {"start", "end", "a_week"})
        start, end = (_clock(one.get(key), f"[{where}] {key}") for key in ("start", "end"))
        if start >= end:
            raise ConfigError(f"[{where}] ends at or before its start; say a later end")
        found[name] = Slot(
            start, end, number(one.get("a_week", 1), f"[{where}] a_week", 1, 50, whole=True)
        )
    only(data, "plan.slots", set(SLOTS))
    return found


def _clock(value: object, where: str) -> int:
    match = _CLOCK.match(str(value))
    if not match:
        raise ConfigError(f'{where} is {value!r}; write a time like "15:30"')
    return int(match[1]) * 60 + int(match[2])


def _stretches(value: object, name: str) -> tuple[tuple[date, date], ...]:
    where = f"[plan] {name}"
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} is {value!r}; write it like [[2026-12-19, 2027-01-03]]")
    found = []
    for one in value:
        days = [_day(day, where) for day in one] if isinstance(one, list | tuple) else []
        if len(days) != 2 or days[0] > days[1]:
            raise ConfigError(
                f"{where}: {one!r} is no stretch of days; write the first and the last day, "
                "like [2026-12-19, 2027-01-03]"
            )
        found.append((days[0], days[1]))
    return tuple(sorted(found))


def _day(value: object, where: str) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigError(f"{where}: {value!r} is no date; write 2026-12-19") from error


def _words(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for word, slots in data.items():
        some = (slots,) if isinstance(slots, str) else tuple(slots)
        for slot in some:
            one_of(slot, f"plan.available.{word}", SLOTS)
        found[str(word).strip().lower()] = some
    return found
