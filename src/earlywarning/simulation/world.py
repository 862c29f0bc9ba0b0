"""Who there is: a school's students over the years, their classes, families and teachers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from earlywarning.calendar import day_number
from earlywarning.simulation.names import names
from earlywarning.simulation.school_days import CALENDAR, school_days

SCHOOL_SIZE = 600
CLASS_SIZE = 30
LEVELS = (7, 8, 9)
ROMAN = {7: "VII", 8: "VIII", 9: "IX"}
SIBLING_SHARE = 0.15
LATE_JOINER_SHARE = 0.02
LEAVER_SHARE = 0.025
CLASS_CHANGE_SHARE = 0.015
STAY = 0
"""A day number before every day: no change of class."""


@dataclass(frozen=True)
class School:
    """One school and everybody who was in it.

    Arrays have one entry a student, over all intakes.

    Attributes
    ----------
    school_id : str
    first_years : list of int
        School years with records, by their first calendar year; the last may have begun only.
    days : array of int
        School days as day numbers, ascending, the quarter to be listed included.
    intake, letter : arrays of int
        First school year at grade level 7; class letter, 0 for A.
    other_letter, change_day : arrays of int
        The class moved to, and since when; `STAY` if never.
    entry_day, exit_day : arrays of int
        First enrolled day, and first day no longer enrolled.
    household : array of int
    sex, full_name : lists of str
    engagement, conduct, ability : arrays of float
        What is lasting in a student; standard normal.
    """

    school_id: str
    number: int
    first_years: list[int]
    weekdays: tuple[int, ...]
    days: np.ndarray
    letters: int
    intake: np.ndarray
    letter: np.ndarray
    other_letter: np.ndarray
    change_day: np.ndarray
    entry_day: np.ndarray
    exit_day: np.ndarray
    left: np.ndarray
    household: np.ndarray
    sex: np.ndarray
    full_name: list[str]
    engagement: np.ndarray
    conduct: np.ndarray
    ability: np.ndarray
    seed: tuple[int, int]

    @property
    def size(self) -> int:
        """Students over all intakes."""
        return len(self.intake)

    def level(self, first_year: int) -> np.ndarray:
        """Grade level in a school year; outside 7 to 9 for those not in the school."""
        return 7 + first_year - self.intake

    def rng(self, purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, the same whatever else is drawn."""
        return np.random.default_rng([*self.seed, purpose])

    def local_ids(self) -> list[str]:
        """The school's own numbers of its students."""
        return [f"S{self.number:03d}{index:05d}" for index in range(self.size)]


def sizes(students: int) -> list[int]:
    """Students of each school: schools of about `SCHOOL_SIZE`."""
    schools = max(1, round(students / SCHOOL_SIZE))
    return [students // schools + (index < students % schools) for index in range(schools)]


def year_start(first_year: int) -> int:
    """1 July of a school year, as a day number."""
    return day_number(date(first_year, 7, 1))


def build_school(number: int, size: int, *, years: int, seed: int, until: date) -> School:
    """Draw one school.

    Parameters
    ----------
    number : int
        From 1.
    size : int
        Students at a time, about; at least 1.
    years : int
        Full school years before the one of `until`.
    seed : int
    until : date
        First day of the quarter to be listed.
    """
    rng = np.random.default_rng([seed, number, 0])
    quarter = CALENDAR.quarter_of(until)
    this_year = int(quarter.school_year[:4])
    first_years = list(range(this_year - years, this_year + 1))
    weekdays = (1, 2, 3, 4, 5, 6) if number % 2 else (1, 2, 3, 4, 5)
    days = school_days(date(first_years[0], 7, 1), quarter.end, weekdays=weekdays)
    intakes = range(first_years[0] - 2, this_year + 1)
    share = [size // 3 + (index < size % 3) for index in range(3)]
    counts = [max(share[(year - intakes[0]) % 3], 1 if size < 3 else 0) for year in intakes]
    intake = np.repeat(np.array(intakes), counts)
    total = len(intake)
    letters = max(1, round(max(share) / CLASS_SIZE))
    letter = rng.integers(0, letters, total)
    sex = np.where(rng.random(total) < 0.5, "F", "M")
    engagement = rng.standard_normal(total)
    conduct = 0.45 * engagement + np.sqrt(1 - 0.45**2) * rng.standard_normal(total)
    ability = 0.4 * engagement + np.sqrt(1 - 0.4**2) * rng.standard_normal(total)
    entry_day, exit_day, left = _stay(intake, engagement, rng)
    other, change = _changes(letter, letters, entry_day, exit_day, rng)
    return School(
        school_id=f"SIM{number:03d}", number=number, first_years=first_years, weekdays=weekdays,
        days=np.array([day_number(day) for day in days], dtype=np.int32), letters=letters,
        intake=intake, letter=letter, other_letter=other, change_day=change, entry_day=entry_day,
        exit_day=exit_day, left=left, household=_households(intake, rng), sex=sex,
        full_name=names(sex, rng), engagement=engagement, conduct=conduct, ability=ability,
        seed=(seed, number),
    )  # fmt: skip


def _stay(
    intake: np.ndarray, engagement: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Most stay three years; a few join late, and leave early, the less engaged more often."""
    starts = np.array([year_start(int(year)) for year in intake], dtype=np.int32)
    ends = np.array([year_start(int(year) + 3) for year in intake], dtype=np.int32)
    late = rng.random(len(intake)) < LATE_JOINER_SHARE
    entry = starts + np.where(late, rng.integers(30, 700, len(intake)), 0).astype(np.int32)
    chance = 3 * LEAVER_SHARE * np.exp(-0.5 * engagement - 0.125)
    leaves = rng.random(len(intake)) < np.minimum(chance, 0.9)
    last = np.where(leaves, rng.integers(60, 1000, len(intake)), 10_000).astype(np.int32)
    exit_day = np.minimum(ends, np.maximum(starts + last, entry + 20))
    return entry, exit_day.astype(np.int32), exit_day < ends


def _changes(
    letter: np.ndarray,
    letters: int,
    entry_day: np.ndarray,
    exit_day: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    moves = (rng.random(len(letter)) < 3 * CLASS_CHANGE_SHARE) & (exit_day - entry_day > 200)
    moves &= letters > 1
    other = (letter + 1 + rng.integers(0, max(letters - 1, 1), len(letter))) % letters
    day = entry_day + rng.integers(60, 180, len(letter)).astype(np.int32)
    return np.where(moves, other, letter), np.where(moves, day, STAY)


def _households(intake: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Households; some students are the brother or sister of one of another intake."""
    household = np.arange(len(intake))
    younger = rng.random(len(intake)) < SIBLING_SHARE
    for index in np.flatnonzero(younger):
        older = np.flatnonzero((intake < intake[index]) & (intake >= intake[index] - 4))
        if len(older):
            household[index] = household[older[rng.integers(0, len(older))]]
    return household
