"""What a school writes down: daily marks, incidents, grades, visits; and the truth beside it.

Each quarter first draws what it brings, then how many days each student is absent, then on which
days. Then the school records it, not quite: registers are not taken, marks are missing or entered
late. The truth counts what happened, not what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from earlywarning.calendar import Quarter, day_date
from earlywarning.district import Thresholds
from earlywarning.simulation import life
from earlywarning.simulation.school_days import CALENDAR
from earlywarning.simulation.world import STAY, School

MARKS = ("H", "S", "I", "A", "T", "B", "D", "", "")
HERE, SICK, PERMITTED, UNEXCUSED, LATE, TRUANT, DISPENSED, BLANK, NOT_TAKEN = range(9)
NOT_ENROLLED = 255
WEEKDAY_PULL = {1: 1.35, 5: 1.2, 6: 1.3}
"""Unexcused absence is likelier at the edges of the week."""

TRUANT_SHARE = 0.12
DISPENSED_SHARE = 0.004
LATE_LEVEL = -3.7
BLANK_SHARE = 0.008
NOT_TAKEN_SHARE = 0.015
ENTERED_LATE_SHARE = 0.04
CHARGED_SHARE = 0.5
"""Share of unexcused days for which the school also gives points: attendance in another dress."""

MERIT_RATE = 0.15
MISSING_GRADE_SHARE = 0.02
TESTS_BEFORE_END = 12
"""School days between a quarter's tests and its end: two weeks, to mark them and write reports."""

GRADES_LATE_SHARE = 0.1
"""Share of classes and subjects whose marks are entered 10 to 24 days after the tests."""

VISITED_BY_NEED, VISITED_BY_CHANCE = 4, 2
VISIT_STATUSES = ("done", "no_one_home", "rescheduled")
VISIT_STATUS_CHANCES = (0.82, 0.12, 0.06)
VISIT_SCHEMA = {"student": pl.Int32, "day": pl.Int32, "status": pl.String, "track": pl.String}


@dataclass(frozen=True)
class Records:
    """One school's records and its truth.

    Attributes
    ----------
    marks : array of uint8, shape (n_students, n_days)
        Index into `MARKS`; `NOT_ENROLLED` where there is no student to mark.
    entered_late : array of uint8, same shape
        Days after which a mark was entered, where that was late; 0 elsewhere.
    incidents, grades, visits, truth : DataFrame
        By `student` (index) and `day`, or by `quarter`.
    """

    school: School
    marks: np.ndarray
    entered_late: np.ndarray
    incidents: pl.DataFrame
    grades: pl.DataFrame
    visits: pl.DataFrame
    truth: pl.DataFrame


ChooseVisits = Callable[[Quarter, Records], Sequence[tuple[int, str]]]
"""Whom to visit in a quarter, as (student, track), given what was written down before it began."""


def live(
    school: School,
    *,
    quarters: list[Quarter],
    effect: float,
    draws: int = life.DRAWS,
    choose_visits: ChooseVisits | None = None,
) -> Records:
    """Let a school live through its quarters; the last one is to be listed and is not recorded.

    Parameters
    ----------
    school : School
    quarters : list of Quarter
        In order, without gaps.
    effect : float
        Strength of a visit; 0 for no effect.
    draws : int
        Monte Carlo draws of the true risk of the last quarter; earlier ones get a tenth.
    choose_visits : function of (quarter, records), optional
        Called as every quarter but the first begins; its visits then take the place of the
        teachers' own choice. They are made, or fail, as those are.
    """
    rng = school.rng(1)
    truth_rng = school.rng(2)
    marks = np.full((school.size, len(school.days)), NOT_ENROLLED, dtype=np.uint8)
    drift = rng.standard_normal(school.size)
    shock = np.zeros(school.size)
    carried = np.zeros(school.size)
    need = np.zeros(school.size)
    parts: dict[str, list[pl.DataFrame]] = {"incidents": [], "grades": [], "visits": [],
                                            "truth": []}  # fmt: skip
    for number, quarter in enumerate(quarters):
        last = number + 1 == len(quarters)
        first_year = int(quarter.school_year[:4])
        season = int(quarter.code[-1]) - 1
        span = np.flatnonzero((school.days >= quarter.start_day) & (school.days < quarter.end_day))
        enrolled = _enrolled(school, school.days[span], first_year)
        days = enrolled.sum(axis=1)
        state = life.State(
            drift, shock, carried, school.engagement, school.conduct, school.ability,
            _class_effect(school, first_year),
        )  # fmt: skip
        if choose_visits is None or number == 0:
            visits = _visits(school, quarter, need, rng, first_year, none=last or number == 0)
        else:
            chosen = choose_visits(quarter, _written(school, marks, parts))
            visits = _made(school, quarter, chosen, school.rng(10_000 + number))
        seen = np.zeros(school.size)
        done = visits.filter(pl.col("status") == "done")["student"].to_numpy()
        seen[done] = effect
        here = np.flatnonzero(_at_start(school, quarter))
        luck = int(truth_rng.integers(1 << 62))  # the same with a visit and without
        risks = [
            life.true_risk(
                state.of(here), school.household[here], days[here], season=season, visit=visit,
                thresholds=Thresholds(), rng=np.random.default_rng(luck),
                draws=draws if last else max(draws // 10, 1),
            )
            for visit in (0.0, effect)
        ]  # fmt: skip
        drivers = life.next_drivers(state, school.household, rng)
        rate = life.rates(state, drivers, season=season, visit=seen)
        change = _change_by_visit(state, drivers, season=season, effect=effect, days=days)
        counts = [part[:, 0] for part in life.absent_days(rate, days[:, None], rng)]
        incidents = [part[:, 0] for part in life.incident_counts(rate, days[:, None], rng)]
        scores = _scores(rate.level[:, 0], rng)
        if not last:
            marks[:, span] = _placed(school, span, enrolled, counts, drivers, rng)
            on = school.days[span]
            parts["incidents"].append(_incidents(on, enrolled, incidents, marks[:, span], rng))
            parts["grades"].append(
                _grades(
                    quarter, on, days, scores, school.level(first_year) * 100 + school.letter, rng
                )
            )
            parts["visits"].append(visits)
        parts["truth"].append(
            _truth(quarter, here, days, risks, counts, incidents, scores, seen > 0, change)
        )
        drift, shock = drivers.drift[:, 0], drivers.shock[:, 0]
        carried = life.CARRY_OVER * seen
        need = np.where(days > 0, sum(counts) / np.maximum(days, 1) * 10, 0) + 0.3 * sum(incidents)
    if choose_visits is not None:
        return _written(school, marks, parts)
    entered = _blur(school, marks, rng)
    return _records(school, marks, entered, parts)


def _records(
    school: School, marks: np.ndarray, entered: np.ndarray, parts: dict[str, list[pl.DataFrame]]
) -> Records:
    return Records(school, marks, entered, *(pl.concat(parts[name]) for name in (
        "incidents", "grades", "visits", "truth")))  # fmt: skip


def _written(school: School, marks: np.ndarray, parts: dict[str, list[pl.DataFrame]]) -> Records:
    """What is written down so far: a day is blurred the same whenever one looks."""
    marks = marks.copy()
    return _records(school, marks, _blur(school, marks, school.rng(10_000)), parts)


def letters_on(school: School, days: np.ndarray) -> np.ndarray:
    """Class letter of each student on each day, shape (n_students, n_days)."""
    moved = (school.change_day[:, None] != STAY) & (days[None, :] >= school.change_day[:, None])
    return np.where(moved, school.other_letter[:, None], school.letter[:, None])


def first_year_of(days: np.ndarray) -> np.ndarray:
    """First calendar year of the school year of each day."""
    return np.array([int(CALENDAR.school_year_of(day_date(int(day)))[:4]) for day in days])


def _enrolled(school: School, days: np.ndarray, first_year: int) -> np.ndarray:
    level = school.level(first_year)
    here = (level >= 7) & (level <= 9)
    return (
        here[:, None]
        & (days[None, :] >= school.entry_day[:, None])
        & (days[None, :] < school.exit_day[:, None])
    )


def _at_start(school: School, quarter: Quarter) -> np.ndarray:
    return (school.entry_day <= quarter.start_day) & (school.exit_day > quarter.start_day)


def _class_effect(school: School, first_year: int) -> np.ndarray:
    effects = school.rng(first_year).normal(0, 0.3, (3, school.letters))
    level = np.clip(school.level(first_year) - 7, 0, 2)
    return effects[level, school.letter]


def _placed(
    school: School,
    span: np.ndarray,
    enrolled: np.ndarray,
    counts: list[np.ndarray],
    drivers: life.Drivers,
    rng: np.random.Generator,
) -> np.ndarray:
    """Put counted days on days: illness in runs, unexcused by weekday, permission anywhere."""
    days = school.days[span]
    sick, permitted, unexcused = (part[:, None] for part in counts)
    n, width = enrolled.shape
    pull = np.array([WEEKDAY_PULL.get(int((day + 3) % 7 + 1), 1.0) for day in days])
    keys = np.where(enrolled, rng.exponential(1.0, (n, width)) / pull, np.inf)
    is_unexcused = (keys.argsort(axis=1).argsort(axis=1) < unexcused) & enrolled
    # From a random day on, and round the end of the quarter: the first free days are the illness.
    start = rng.integers(0, max(width, 1), (n, 1))
    turned = (np.arange(width)[None, :] + start) % max(width, 1)
    free = np.take_along_axis(enrolled & ~is_unexcused, turned, axis=1)
    in_turn = free & (free.cumsum(axis=1) <= sick)
    is_sick = np.zeros_like(enrolled)
    np.put_along_axis(is_sick, turned, in_turn, axis=1)
    rest = enrolled & ~is_unexcused & ~is_sick
    keys = np.where(rest, rng.random((n, width)), np.inf)
    is_permitted = (keys.argsort(axis=1).argsort(axis=1) < permitted) & rest
    chance = rng.random((n, width))
    late = 1 / (1 + np.exp(-(LATE_LEVEL - 0.6 * drivers.drift - 0.3 * school.engagement[:, None])))
    marks = np.where(chance < late, LATE, HERE)
    marks = np.where(chance > 1 - DISPENSED_SHARE, DISPENSED, marks)
    marks = np.where(is_permitted, PERMITTED, marks)
    marks = np.where(is_sick, SICK, marks)
    marks = np.where(is_unexcused, np.where(chance < TRUANT_SHARE, TRUANT, UNEXCUSED), marks)
    return np.where(enrolled, marks, NOT_ENROLLED).astype(np.uint8)


def _blur(school: School, marks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Registers not taken, marks missing, marks entered late."""
    taken = rng.random((3, school.letters, len(school.days))) >= NOT_TAKEN_SHARE
    letter = letters_on(school, school.days)
    level = np.clip(first_year_of(school.days)[None, :] - school.intake[:, None], 0, 2)
    open_ = taken[level, letter, np.arange(len(school.days))[None, :]]
    marked = marks != NOT_ENROLLED
    missing = marked & (rng.random(marks.shape) < BLANK_SHARE)
    marks[missing] = BLANK
    marks[marked & ~open_] = NOT_TAKEN
    absent = (marks == SICK) | (marks == PERMITTED) | (marks == UNEXCUSED) | (marks == TRUANT)
    late = absent & (rng.random(marks.shape) < ENTERED_LATE_SHARE)
    return np.where(late, rng.integers(3, 16, marks.shape), 0).astype(np.uint8)


def _incidents(
    days: np.ndarray,
    enrolled: np.ndarray,
    counts: list[np.ndarray],
    marks: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    rows = []
    n = enrolled.shape[0]
    here = enrolled.any(axis=1)
    merits = rng.poisson(MERIT_RATE, n) * here
    kinds = (
        (counts[0], "P-RINGAN", "minor", life.POINTS[0], "offence"),
        (counts[1], "P-SEDANG", "moderate", life.POINTS[1], "offence"),
        (counts[2], "P-BERAT", "serious", life.POINTS[2], "offence"),
        (merits, "PENGHARGAAN", "minor", 10, "merit"),
    )
    for number, code, severity, points, polarity in kinds:
        who = np.repeat(np.arange(n), number * here)
        keys = np.where(enrolled[who], rng.random((len(who), len(days))), -1)
        rows.append(_frame(who, days[keys.argmax(axis=1)] if len(who) else days[:0],
                           code, severity, points, polarity, related=False))  # fmt: skip
    who, place = np.nonzero(
        ((marks == UNEXCUSED) | (marks == TRUANT)) & (rng.random(marks.shape) < CHARGED_SHARE)
    )
    rows.append(_frame(who, days[place], "P-ALPA", "minor", 5, "offence", related=True))
    return pl.concat(rows)


def _frame(
    who: np.ndarray, day: np.ndarray, code: str, severity: str, points: int, polarity: str, *,
    related: bool,
) -> pl.DataFrame:  # fmt: skip
    return pl.DataFrame(
        {"student": who.astype(np.int32), "day": day.astype(np.int32)}
    ).with_columns(
        type_code=pl.lit(code),
        severity=pl.lit(severity),
        points=pl.lit(points, pl.Int32),
        polarity=pl.lit(polarity),
        is_attendance_related=pl.lit(related),
    )


def _scores(level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Marks of every subject, 0 to 100; just below the pass mark some are lifted to it."""
    shape = (len(level), len(life.SUBJECTS))
    raw = np.rint(level[:, None] - life.DIFFICULTY + life.GRADE_NOISE * rng.standard_normal(shape))
    near = (raw >= life.LIFT_FROM) & (raw < life.PASS)
    lifted = np.where(near & (rng.random(shape) < life.LIFT_CHANCE), life.PASS, raw)
    return np.clip(lifted, 0, 100).astype(np.int32)


def _grades(
    quarter: Quarter,
    days: np.ndarray,
    enrolled: np.ndarray,
    scores: np.ndarray,
    class_of: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    groups, group = np.unique(class_of, return_inverse=True)
    given = (enrolled >= 20)[:, None] & (rng.random(scores.shape) >= MISSING_GRADE_SHARE)
    who, subject = np.nonzero(given)
    day = int(days[-TESTS_BEFORE_END]) if len(days) > TESTS_BEFORE_END else quarter.start_day
    # A teacher who is late is late for the whole class and subject.
    late = rng.random((len(groups), len(life.SUBJECTS))) < GRADES_LATE_SHARE
    wait = np.where(late, rng.integers(10, 25, late.shape), 0)[group]
    return pl.DataFrame(
        {
            "student": who.astype(np.int32),
            "subject": np.array(life.SUBJECTS)[subject],
            "score": scores[who, subject],
            "entered_late": wait[who, subject],
        },
        schema={
            "student": pl.Int32,
            "subject": pl.String,
            "score": pl.Int32,
            "entered_late": pl.Int32,
        },
    ).with_columns(
        period=pl.lit(quarter.code),
        kind=pl.lit("midterm" if quarter.code[-1] in "13" else "final"),
        day=pl.lit(day, pl.Int32),
    )


def _visits(
    school: School,
    quarter: Quarter,
    need: np.ndarray,
    rng: np.random.Generator,
    first_year: int,
    *,
    none: bool,
) -> pl.DataFrame:
    """Past practice: each teacher goes to the families that worry them, and to a few others."""
    if none:
        return pl.DataFrame(schema=VISIT_SCHEMA)
    level = school.level(first_year)
    here = _at_start(school, quarter) & (level >= 7) & (level <= 9)
    worry = need + rng.exponential(0.6, school.size)
    chosen: list[tuple[int, str]] = []
    for group in np.unique((level * 100 + school.letter)[here]):
        members = np.flatnonzero(here & (level * 100 + school.letter == group))
        by_worry = members[np.argsort(-worry[members], kind="stable")]
        chosen += [(int(one), "concern") for one in by_worry[:VISITED_BY_NEED]]
        others = by_worry[VISITED_BY_NEED:]
        picked = rng.permutation(others)[:VISITED_BY_CHANCE]
        chosen += [(int(one), "preventive") for one in picked]
    return _made(school, quarter, chosen, rng)


def _made(
    school: School, quarter: Quarter, chosen: Sequence[tuple[int, str]], rng: np.random.Generator
) -> pl.DataFrame:
    """Visits on days of the quarter's first half; some find nobody at home."""
    days = school.days[(school.days >= quarter.start_day) & (school.days < quarter.end_day)]
    early = days[: max(len(days) // 2, 1)]
    status = rng.choice(VISIT_STATUSES, len(chosen), p=VISIT_STATUS_CHANCES)
    return pl.DataFrame(
        {
            "student": [one for one, _ in chosen],
            "day": rng.choice(early, len(chosen)).astype(np.int32),
            "status": status,
            "track": [track for _, track in chosen],
        },
        schema=VISIT_SCHEMA,
    )


def _change_by_visit(
    state: life.State, drivers: life.Drivers, *, season: int, effect: float, days: np.ndarray
) -> np.ndarray:
    """Expected change of each student's absence rate by a visit in the quarter as it came."""
    without, visited = (
        life.expected_absence(
            life.rates(state, drivers, season=season, visit=strength), days[:, None]
        )[:, 0]
        for strength in (0.0, effect)
    )
    return visited - without


def _truth(
    quarter: Quarter,
    here: np.ndarray,
    days: np.ndarray,
    risks: list[np.ndarray],
    counts: list[np.ndarray],
    incidents: list[np.ndarray],
    scores: np.ndarray,
    visited: np.ndarray,
    change: np.ndarray,
) -> pl.DataFrame:
    """Of everybody enrolled when the quarter started."""
    rules = Thresholds()
    absent = np.sum(counts, axis=0)
    points = np.array(life.POINTS) @ np.array(incidents)
    realised = (
        (absent * 1000 >= round(rules.absence_rate * 1000) * days) & (days > 0),
        (incidents[2] > 0) | (points >= rules.behaviour_share * rules.first_warning_points),
        (scores < life.PASS).sum(axis=1) >= rules.subjects_below,
    )
    columns: dict[str, np.ndarray] = {"student": here.astype(np.int32)}
    for place, name in enumerate(life.OUTCOME_NAMES):
        columns[f"{name}_without_visit"] = risks[0][:, place]
        columns[f"{name}_with_visit"] = risks[1][:, place]
        columns[f"{name}_realised"] = realised[place][here]
    columns["absent_days"] = absent[here].astype(np.int32)
    columns["enrolled_days"] = days[here].astype(np.int32)
    columns["visited"] = visited[here]
    columns["absence_change_by_visit"] = change[here]
    return pl.DataFrame(columns).select(pl.lit(quarter.code).alias("quarter"), pl.all())
