"""A world unlike ours, written apart from it: what holds in both does not hang on our shapes.

Absence has heavy tails; trouble comes over a whole family at once; a sister or brother gains half
of what the visited child gains; families in trouble are less often at home; teachers go on their
own to children whose trouble no record shows yet; visits move a few families to leave. No rate of
`life` is used.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from earlywarning.simulation.trial import DAYS, People, QuarterOf

BASE = -3.1
PERSON, ROOM, STEP, KEEP = 0.75, 0.35, 0.38, 0.6
CRISIS_CHANCE, CRISIS_STAYS, CRISIS = 0.06, 0.5, 1.1
ODDS = -0.75
CARRIED = 0.5
SPILL_OVER = 0.5
AT_HOME, AT_HOME_IN_CRISIS = 0.84, 0.55
OWN_JUDGEMENT, OWN_JUDGEMENT_IN_CRISIS = 0.02, 0.10
CONCENTRATION = 25.0
LEAVE = 0.006


class RoughWorld:
    """The world of this module.

    Parameters
    ----------
    effect : float
        Strength of a visit on the log odds of absence, in units of `ODDS`; 0 for none.
    leave_after_visit : float
        Additional chance to leave the school in the quarter of a visit.
    at_home : float, optional
        Chance to meet a family, in place of the usual.
    """

    def __init__(
        self, effect: float, *, leave_after_visit: float = 0.004, at_home: float | None = None
    ) -> None:
        self.effect = effect
        self.leave_after_visit = leave_after_visit
        self.at_home = at_home

    def start(self, people: People, rng: np.random.Generator) -> None:
        n = len(people.homeroom)
        self._people, self._rng = people, rng
        self._person = PERSON * np.clip(rng.standard_t(4, n), -6, 6) / np.sqrt(2)
        self._room = (ROOM * (rng.gamma(2.0, 1.0, people.homeroom.max() + 1) - 2) / np.sqrt(2))[
            people.homeroom
        ]
        self._mood = np.zeros(n)
        self._crisis = np.zeros(people.household.max() + 1, dtype=bool)
        self._carried = np.zeros(n)
        self._share = np.where(people.eldest, 1.0, SPILL_OVER)

    def begin(self, season: int) -> QuarterOf:
        rng, family = self._rng, self._people.household
        n, families = len(family), len(self._crisis)
        self._mood = KEEP * self._mood + STEP * np.clip(rng.standard_t(4, n), -6, 6) / np.sqrt(2)
        self._crisis = (rng.random(families) < CRISIS_CHANCE) | (
            self._crisis & (rng.random(families) < CRISIS_STAYS)
        )
        trouble = self._crisis[family]
        self._level = (
            BASE + self._person + self._room + self._mood + CRISIS * trouble
            + 0.15 * (season == 2) + self._carried
        )  # fmt: skip
        home = np.where(self._crisis, AT_HOME_IN_CRISIS, AT_HOME)
        if self.at_home is not None:
            home = np.full(families, self.at_home)
        own = np.where(self._crisis, OWN_JUDGEMENT_IN_CRISIS, OWN_JUDGEMENT)
        if self.at_home is not None:
            own = np.zeros(families)
        return QuarterOf(
            reached=(rng.random(families) < home)[family],
            added=(rng.random(families) < own)[family],
            gain=expit(self._level + self._visit(1.0)) - expit(self._level),
            need=expit(self._level),
        )

    def _visit(self, visited: np.ndarray | float) -> np.ndarray:
        return ODDS * self.effect * self._share * visited

    def end(self, visited: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = self._rng
        chance = expit(self._level + self._visit(visited))
        drawn = rng.beta(chance * CONCENTRATION, (1 - chance) * CONCENTRATION)
        absent = rng.binomial(DAYS, drawn)
        incidents = rng.negative_binomial(0.5, 1 / (1 + 8 * chance))
        left = rng.random(len(visited)) < LEAVE + self.leave_after_visit * visited
        self._carried = CARRIED * self._visit(visited)
        return absent, incidents, left
