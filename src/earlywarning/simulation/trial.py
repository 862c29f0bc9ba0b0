"""Whole districts with lists, lots and visits, fast enough to try a method on hundreds of them.

A district lives quarter by quarter: lists are drawn from what was known, some listed families are
visited, and the visit changes what follows. What a visit does is known for every child, so an
estimate can be held against it. Here is what all such districts share; how children fare is a
`World`: `LifeWorld` takes the rates of `life`, `rough_world` has other shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from earlywarning.simulation import life
from earlywarning.simulation.drawn_lists import NEVER_VISITED, Lists, draw_lists

DAYS = 60
SIBLING_SHARE = 0.15
BASELINE = ("absence_before", "absence_earlier", "incidents_before", "visited_before", "siblings")
"""Columns known before the list, for adjustment."""


@dataclass(frozen=True)
class Plan:
    """How a district chooses whom to visit.

    Attributes
    ----------
    homerooms, size : int
        Classes, and children in each.
    before, quarters : int
        Quarters of history without lists, and quarters with them.
    concern, preventive : int
        Places of each teacher.
    lottery : bool
    roll_out : bool
        Homerooms start in a drawn order, over all quarters; a fifth not within them.
    """

    homerooms: int = 200
    size: int = 25
    before: int = 4
    quarters: int = 4
    concern: int = 4
    preventive: int = 1
    lottery: bool = False
    roll_out: bool = False


@dataclass(frozen=True)
class People:
    """Who there is; arrays of shape (n_students,).

    Attributes
    ----------
    homeroom, household : arrays of int
    eldest : array of bool
        The child of a household because of whom one comes.
    """

    homeroom: np.ndarray
    household: np.ndarray
    eldest: np.ndarray


@dataclass(frozen=True)
class QuarterOf:
    """What a quarter holds before anybody is visited in it; arrays of shape (n_students,).

    Attributes
    ----------
    reached : array of bool
        Would be visited if listed.
    added : array of bool
        Is visited on the teacher's own judgement, listed or not.
    gain : array of float
        Expected change of the absence rate by a visit now.
    need : array of float
        What a teacher may sense: the expected absence rate without a visit.
    """

    reached: np.ndarray
    added: np.ndarray
    gain: np.ndarray
    need: np.ndarray


class World(Protocol):
    """How children fare."""

    def start(self, people: People, rng: np.random.Generator) -> None:
        """Draw what is lasting."""

    def begin(self, season: int) -> QuarterOf:
        """Draw what the quarter brings."""

    def end(self, visited: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Days absent, incidents, and who left, after the quarter's visits."""


class LifeWorld:
    """The rates of `life`, as in the simulated schools; days are counted, not laid out.

    Parameters
    ----------
    effect : float
        Strength of a visit: 1 as in `life`; 0 for none.
    """

    reach, judgement = 0.78, 0.04

    def __init__(self, effect: float) -> None:
        self.effect = effect

    def start(self, people: People, rng: np.random.Generator) -> None:
        n = len(people.homeroom)
        self._people, self._rng = people, rng
        engagement = rng.standard_normal(n)
        conduct = 0.45 * engagement + np.sqrt(1 - 0.45**2) * rng.standard_normal(n)
        ability = 0.4 * engagement + np.sqrt(1 - 0.4**2) * rng.standard_normal(n)
        room = rng.normal(0, 0.3, people.homeroom.max() + 1)[people.homeroom]
        zero = np.zeros(n)
        self._state = life.State(
            rng.standard_normal(n), zero, zero, engagement, conduct, ability, room
        )

    def begin(self, season: int) -> QuarterOf:
        rng, state = self._rng, self._state
        self._season = season
        self._drivers = life.next_drivers(state, self._people.household, rng)
        without, visited = (self._expected(visit) for visit in (0.0, self.effect))
        n = len(state.drift)
        family = self._people.household
        return QuarterOf(
            reached=(rng.random(family.max() + 1) < self.reach)[family],
            added=(rng.random(family.max() + 1) < self.judgement)[family],
            gain=visited - without if self.effect else np.zeros(n),
            need=without,
        )

    def _expected(self, visit: float) -> np.ndarray:
        rate = life.rates(self._state, self._drivers, season=self._season, visit=visit)
        return life.expected_absence(rate, DAYS)[:, 0]

    def end(self, visited: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = self._rng
        rate = life.rates(
            self._state, self._drivers, season=self._season, visit=visited * self.effect
        )
        days = np.full((len(visited), 1), DAYS)
        absent = sum(part[:, 0] for part in life.absent_days(rate, days, rng))
        incidents = sum(part[:, 0] for part in life.incident_counts(rate, days, rng))
        left = rng.random(len(visited)) < 0.005
        self._state = replace(
            self._state,
            drift=self._drivers.drift[:, 0],
            shock=self._drivers.shock[:, 0],
            carried=life.CARRY_OVER * visited * self.effect,
        )
        return np.asarray(absent), np.asarray(incidents), left


Tamper = Callable[[Lists, People, QuarterOf, np.ndarray, np.random.Generator], Lists]
"""What somebody secretly does to the lists of a quarter, knowing last quarter's absence; for trying
whether it is noticed."""


def run(
    world: World,
    plan: Plan,
    *,
    seed: int,
    tamper: Tamper | None = None,
    waves: Callable[[np.ndarray], np.ndarray] | None = None,
) -> pd.DataFrame:
    """Let a district live and return its panel, a row a student and quarter with lists.

    Parameters
    ----------
    world : World
    plan : Plan
    seed : int
    tamper : function, optional
    waves : function of each homeroom's last change of absence, optional
        First visiting quarter of each homeroom, in place of a drawn order.

    Returns
    -------
    DataFrame
        The columns of the panel, and the truth: `gain` (expected effect of a visit on the absence
        rate) and `complier` (visited if listed, not otherwise).
    """
    rng = np.random.default_rng([seed, 0])
    people = _people(plan, rng)
    world.start(people, np.random.default_rng([seed, 1]))
    n = len(people.homeroom)
    families = people.household.max() + 1
    rates: list[np.ndarray] = []
    trouble: list[np.ndarray] = []
    gone = np.zeros(n, dtype=bool)
    nobody = np.zeros(n)
    for number in range(plan.before):
        world.begin(number % 4)
        absent, incidents, _ = world.end(nobody)
        rates.append(absent / DAYS)
        trouble.append(incidents)
    weights = _learn(rates, trouble)
    last_visit = np.full(families, NEVER_VISITED)
    room_change = np.bincount(people.homeroom, rates[-1] - rates[-2]) / plan.size
    wave = _waves(plan, rng) if waves is None else waves(room_change)
    frames = []
    for t in range(plan.quarters):
        score = np.clip(_known(rates, trouble) @ weights, 0.001, None)
        score = np.where(gone, 0.0, score)
        priority = np.bincount(people.household, score, minlength=families)
        lead = _leads(people, score, families)
        lists = draw_lists(
            priority, lead, last_visit, rng.random(families), rng.random(families),
            concern=plan.concern, preventive=plan.preventive, lottery=plan.lottery,
        )  # fmt: skip
        brought = world.begin((plan.before + t) % 4)
        if tamper is not None:
            lists = tamper(lists, people, brought, rates[-1], rng)
        started = wave[lead] <= t if plan.roll_out else np.ones(families, dtype=bool)
        family = people.household
        listed = lists.listed[family]
        visits = (brought.added | (listed & brought.reached)) & started[family] & ~gone
        visited_before = (last_visit[family] == t - 1) if t else np.zeros(n, dtype=bool)
        absent, incidents, left = world.end(visits.astype(float))
        rate = absent / DAYS
        frames.append(
            pd.DataFrame(
                {
                    "student_id": np.arange(n), "household_id": family, "t": t,
                    "homeroom": lead[family], "school_id": lead[family] // 8,
                    "stratum": 0, "wave": wave[lead][family] if plan.roll_out else np.nan,
                    "shadow": ~started[family], "s": priority[family],
                    "rank": lists.rank[family], "cut": lists.cut[family],
                    "x": (priority - lists.cut)[family],
                    "block": np.where(
                        lists.in_lottery[family], lead[family] * 100 + t, np.nan
                    ),
                    "p_assign": lists.chance[family], "won": lists.won[family],
                    "listed": listed,
                    "track": np.where(
                        lists.concern[family], "concern",
                        np.where(lists.preventive[family], "preventive", "none"),
                    ),
                    "excluded": None, "visited": visits.astype(float),
                    "override": visits & ~listed, "enrolled_days": DAYS, "absent_days": absent,
                    "absence_rate": np.where(left, np.nan, rate), "incidents": incidents,
                    "chronic": rate >= 0.1, "left": left, "absence_before": rates[-1],
                    "absence_earlier": rates[-2], "incidents_before": trouble[-1],
                    "visited_before": visited_before.astype(float),
                    "siblings": np.bincount(family)[family].astype(float) - 1,
                    "quarter": f"{2026 + t // 4}-{27 + t // 4}-Q{t % 4 + 1}",
                    "class_id": people.homeroom, "list_sha256": "", "model_version": "simulated",
                    "list_day": 20_600 + 91 * t, "attempted": (visits | listed).astype(float),
                    "channel": None, "visit_day": np.nan, "unexplained_days": absent,
                    "mark": np.nan, "mark_before": np.nan, "exit_reason": None,
                    "gain": brought.gain, "complier": brought.reached & ~brought.added,
                }
            )[~gone]
        )  # fmt: skip
        last_visit[family[visits]] = t
        rates.append(rate)
        trouble.append(incidents)
        gone = gone | left
    return pd.concat(frames, ignore_index=True)


def _people(plan: Plan, rng: np.random.Generator) -> People:
    n = plan.homerooms * plan.size
    household = np.arange(n)
    younger = rng.random(n) < SIBLING_SHARE / 2
    older = np.flatnonzero(~younger)
    household[younger] = rng.choice(older, int(younger.sum()), replace=False)
    code = np.unique(household, return_inverse=True)[1]
    return People(np.repeat(np.arange(plan.homerooms), plan.size), code, ~younger)


def _known(rates: list[np.ndarray], trouble: list[np.ndarray]) -> np.ndarray:
    """What a list may rest on: the last two quarters."""
    return np.column_stack(
        [np.ones(len(rates[-1])), rates[-1], rates[-2], np.minimum(trouble[-1], 6)]
    )


def _learn(rates: list[np.ndarray], trouble: list[np.ndarray]) -> np.ndarray:
    """A model of next quarter's absence, learnt on the history."""
    X = np.concatenate([_known(rates[:end], trouble[:end]) for end in range(2, len(rates))])
    y = np.concatenate([rates[end] for end in range(2, len(rates))])
    return np.linalg.lstsq(X, y, rcond=None)[0]


def _leads(people: People, score: np.ndarray, families: int) -> np.ndarray:
    """The homeroom of each family's child with most priority."""
    order = np.argsort(score, kind="stable")
    lead = np.zeros(families, dtype=int)
    lead[people.household[order]] = people.homeroom[order]
    return lead


def _waves(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """First visiting quarter of each homeroom, a drawn order; the last fifth start afterwards."""
    order = rng.permutation(plan.homerooms)
    return order % (plan.quarters + 1)
