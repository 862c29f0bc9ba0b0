"""What drives a student's quarter, and the true risk of trouble in it.

Engagement drifts (an autoregression around what is lasting in a student); families meet shocks;
illness comes in waves; classes, seasons and subjects differ. What is known when a quarter starts is
the *state*; what the quarter brings (the next step of the drift, a new shock, a wave) nobody can
know. The true risk is the chance of trouble given the state, over all that the quarter may bring:
the best that any list could use. Records show the state only through noise.

Prevalences aimed at, per quarter: absent 10 % or more of days 10 to 20 % of students (chronic
absence of 10 to 16.6 % in the trials of EWIMS and EWI; 34 and 40 % in high-need groups); behaviour
trouble 4 to 12 % (incident rates of 9.3 and 12.2 % in REL 2022-128); two or more subjects below
the pass mark 10 to 25 % (school-set rules, no published rate). The summary says what came out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import expit, ndtr

from earlywarning.district import Thresholds

DRIFT = 0.75
DRIFT_STEP = 0.66
SHOCK_CHANCE = 0.05
SHOCK_LASTS = 0.45
SHOCK_SIZE = 1.5
WAVE_CHANCE = 0.2
WAVE_SIZE = 0.6
SEASON = (0.0, 0.1, 0.25, -0.1)
"""Log rate of illness in Q1 to Q4: the rains fall in Q2 and Q3."""

SICK_RATE = -0.7
SPELL = 0.45
"""Chance that an illness ends each day: about 2.2 days a spell."""

PERMITTED_RATE = -0.9
UNEXCUSED = -4.35
INCIDENTS = -1.05
SEVERITY = (0.72, 0.23, 0.05)
POINTS = (5, 15, 40)
SUBJECTS = (
    "Agama", "Bahasa Indonesia", "Bahasa Inggris", "IPA", "IPS", "Informatika", "Matematika",
    "PJOK", "PPKn", "Seni Budaya",
)  # fmt: skip
DIFFICULTY = np.array([-3.0, -0.5, 2.0, 2.0, 0.0, -1.0, 4.0, -4.0, -1.5, -3.0])
GRADE_LEVEL = 84.0
ABILITY_POINTS = 5.0
GRADE_NOISE = 5.0
PASS = 75
LIFT_FROM = 70
LIFT_CHANCE = 0.4
"""Marks just below the pass mark that teachers lift to it (*katrol*)."""

VISIT_UNEXCUSED = -0.8
VISIT_SICK = -0.15
VISIT_INCIDENTS = -0.35
VISIT_GRADES = 1.2
CARRY_OVER = 0.5
"""What is left of a visit's effect a quarter later."""

DRAWS = 100
OUTCOME_NAMES = ("attendance", "behaviour", "grades")


@dataclass(frozen=True)
class State:
    """What is true of each student when a quarter starts; arrays of shape (n,)."""

    drift: np.ndarray
    shock: np.ndarray
    carried: np.ndarray
    engagement: np.ndarray
    conduct: np.ndarray
    ability: np.ndarray
    class_effect: np.ndarray

    def of(self, students: np.ndarray) -> State:
        """The state of some students."""
        return State(*(getattr(self, item.name)[students] for item in fields(self)))


@dataclass(frozen=True)
class Drivers:
    """What the quarter brought; arrays of shape (n,) or (n, draws)."""

    drift: np.ndarray
    shock: np.ndarray
    wave: np.ndarray


def next_drivers(
    state: State, household: np.ndarray, rng: np.random.Generator, draws: int = 1
) -> Drivers:
    """Draw what a quarter brings, `draws` times; a family's children share its shock."""
    n = len(state.drift)
    step = rng.standard_normal((n, draws)) * DRIFT_STEP
    drift = DRIFT * state.drift[:, None] + step
    families, place = np.unique(household, return_inverse=True)
    new = (rng.random((len(families), draws)) < SHOCK_CHANCE)[place]
    stays = (rng.random((len(families), draws)) < SHOCK_LASTS)[place]
    shock = new | (stays & (state.shock[:, None] > 0))
    wave = np.broadcast_to(rng.random((1, draws)) < WAVE_CHANCE, (n, draws))
    return Drivers(drift, shock.astype(float), wave.astype(float))


@dataclass(frozen=True)
class Rates:
    """What a quarter's events are drawn from, shape (n, draws)."""

    sick_spells: np.ndarray
    permitted: np.ndarray
    unexcused: np.ndarray
    incidents: np.ndarray
    level: np.ndarray


def rates(state: State, drivers: Drivers, *, season: int, visit: np.ndarray | float) -> Rates:
    """Rates with a visit's strength (0 none, 1 a visit now; what is carried is in the state)."""
    help_ = (
        np.broadcast_to(
            np.asarray(visit, dtype=float).reshape(-1, 1) if np.ndim(visit) else np.float64(visit),
            drivers.drift.shape,
        )
        + state.carried[:, None]
    )
    trouble = -(0.7 * state.engagement[:, None] + 0.8 * drivers.drift) + (
        SHOCK_SIZE * drivers.shock
    )
    sick = SICK_RATE + SEASON[season] + WAVE_SIZE * drivers.wave + 0.4 * trouble
    return Rates(
        sick_spells=np.exp(np.clip(sick + VISIT_SICK * help_, -5, 2.0)),
        permitted=np.exp(np.clip(PERMITTED_RATE + 0.2 * trouble, -5, 2.0)),
        unexcused=expit(
            UNEXCUSED + 0.95 * trouble + state.class_effect[:, None] + VISIT_UNEXCUSED * help_
        ),
        incidents=np.exp(
            np.clip(
                INCIDENTS + 0.35 * trouble - 0.8 * state.conduct[:, None] + VISIT_INCIDENTS * help_,
                -7,
                2.0,
            )
        ),
        level=GRADE_LEVEL
        + ABILITY_POINTS * state.ability[:, None]
        - 1.2 * trouble
        + VISIT_GRADES * help_,
    )


def absent_days(
    rate: Rates, days: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days sick, with permission, and unexcused; together never more than `days` (n, 1)."""
    share = days / 60.0
    spells = rng.poisson(rate.sick_spells * share)
    sick = spells + rng.negative_binomial(np.maximum(spells, 1), SPELL) * (spells > 0)
    permitted = rng.poisson(rate.permitted * share)
    unexcused = rng.binomial(np.broadcast_to(days, spells.shape), rate.unexcused)
    unexcused = np.minimum(unexcused, days)
    sick = np.minimum(sick, days - unexcused)
    permitted = np.minimum(permitted, days - unexcused - sick)
    return sick, permitted, unexcused


def expected_absence(rate: Rates, days: int | np.ndarray) -> np.ndarray:
    """Expected share of days absent, shape of the rates; `absent_days` draws around it."""
    share = np.asarray(days) / 60.0
    counted = (rate.sick_spells / SPELL + rate.permitted) * share
    return np.minimum(counted / np.maximum(days, 1) + rate.unexcused, 1.0)


def incident_counts(
    rate: Rates, days: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minor, moderate and serious incidents."""
    minor, moderate, serious = (
        rng.poisson(rate.incidents * share * days / 60.0) for share in SEVERITY
    )
    return minor, moderate, serious


def below_chances(level: np.ndarray) -> np.ndarray:
    """Chance that each subject ends below the pass mark, shape (n, draws, subjects)."""
    centre = level[..., None] - DIFFICULTY
    under = ndtr((PASS - 0.5 - centre) / GRADE_NOISE)
    far = ndtr((LIFT_FROM - 0.5 - centre) / GRADE_NOISE)
    return far + (1 - LIFT_CHANCE) * (under - far)


def true_risk(
    state: State,
    household: np.ndarray,
    days: np.ndarray,
    *,
    season: int,
    visit: float,
    thresholds: Thresholds,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> np.ndarray:
    """Chance of trouble in each area, over what the quarter may bring.

    Returns
    -------
    array, shape (n, 3)
        Attendance, behaviour, grades; a Monte Carlo mean over `draws`, so with a standard error
        of at most 0.05 a student at 100 draws.
    """
    drivers = next_drivers(state, household, rng, draws)
    rate = rates(state, drivers, season=season, visit=visit)
    column = days[:, None]
    absent = sum(absent_days(rate, column, rng))
    share = round(thresholds.absence_rate * 1000)
    attendance = (absent * 1000 >= share * column) & (column > 0)
    minor, moderate, serious = incident_counts(rate, column, rng)
    points = POINTS[0] * minor + POINTS[1] * moderate + POINTS[2] * serious
    enough = thresholds.behaviour_share * thresholds.first_warning_points
    behaviour = (serious > 0) | (points >= enough)
    return np.column_stack(
        [
            attendance.mean(axis=1),
            behaviour.mean(axis=1),
            _at_least(below_chances(rate.level), thresholds.subjects_below).mean(axis=1),
        ]
    )


def _at_least(chances: np.ndarray, least: int) -> np.ndarray:
    """Chance that at least so many of independent events happen; the last axis is the events."""
    counts = np.zeros((*chances.shape[:-1], least))
    counts[..., 0] = 1.0
    for event in range(chances.shape[-1]):
        chance = chances[..., event]
        for number in range(least - 1, 0, -1):
            counts[..., number] = (
                counts[..., number] * (1 - chance) + counts[..., number - 1] * chance
            )
        counts[..., 0] *= 1 - chance
    return 1 - counts.sum(axis=-1)
