"""The weeks of a quarter, and in which parts of each a family can be visited."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from earlywarning.calendar import Quarter
from earlywarning.visit_rules import SLOTS, Planning

WEEKDAYS: Mapping[str, tuple[int, ...]] = {
    "morning": (1, 2, 3, 4, 5),
    "afternoon": (1, 2, 3, 4, 5),
    "evening": (1, 2, 3, 4, 5),
    "saturday": (6,),
    "sunday": (7,),
}
"""ISO weekdays of each slot."""


@dataclass(frozen=True, slots=True)
class Week:
    """One week, from Monday.

    Attributes
    ----------
    monday : date
    slots : tuple of str
        Slots with at least one free day, in the order of `SLOTS`.
    days : mapping of slot to tuple of date
        Those days.
    """

    monday: date
    slots: tuple[str, ...]
    days: Mapping[str, tuple[date, ...]]


def weeks(
    quarter: Quarter, rules: Planning, *, since: date | None = None, closed: Collection[date] = ()
) -> list[Week]:
    """The weeks in which visits can be made, first one first; a week without any slot is left out.

    Parameters
    ----------
    rules : Planning
        Holidays, weeks of exams, Ramadan, and the slots that are long enough.
    since : date, optional
        No visit before it: the day on which the plan is made.
    closed : collection of date
        Further days off, as the school's own calendar has them.
    """
    usable = {slot for slot in rules.slots if opening(slot, rules) is not None}
    first = max(quarter.start, since or quarter.start)
    monday = first - timedelta(days=first.weekday())
    found = []
    while monday < quarter.end:
        if not _touches(rules.exams, monday, monday + timedelta(days=6)):
            days = {}
            for slot in SLOTS:
                free = tuple(
                    day
                    for day in (monday + timedelta(days=weekday - 1) for weekday in WEEKDAYS[slot])
                    if first <= day < quarter.end and _free(day, slot, rules, closed)
                )
                if slot in usable and free:
                    days[slot] = free
            if days:
                found.append(Week(monday, tuple(days), days))
        monday += timedelta(days=7)
    return found


def _free(day: date, slot: str, rules: Planning, closed: Collection[date]) -> bool:
    if day in closed or _touches(rules.holidays, day, day):
        return False
    return slot in rules.ramadan_slots or not _touches(rules.ramadan, day, day)


def _touches(stretches: Collection[tuple[date, date]], first: date, last: date) -> bool:
    return any(start <= last and first <= end for start, end in stretches)


def opening(slot: str, rules: Planning) -> tuple[int, int] | None:
    """The longest stretch of a slot without a prayer time, in minutes since midnight.

    None if no visit fits into it. Of two equal stretches the first.
    """
    hours = rules.slots[slot]
    start, best = hours.start, (0, 0)
    stops = sorted(time for time in rules.prayer_times.values() if time < hours.end)
    for stop in [*stops, hours.end]:
        end = min(max(stop, start), hours.end)
        if end - start > best[1] - best[0]:
            best = (start, end)
        start = max(start, stop + rules.prayer_minutes)
    return best if best[1] - best[0] >= rules.visit_minutes else None


def slots_of(words: str | None, rules: Planning) -> tuple[str, ...] | None:
    """The slots that a guardian's availability names, as `sore, sabtu`; None if it names none."""
    if not words:
        return None
    parts = words.lower().replace("/", ",").replace(";", ",").replace(" ", ",").split(",")
    found = {slot for part in parts for slot in rules.available.get(part.strip(), ())}
    return tuple(slot for slot in SLOTS if slot in found) or None
