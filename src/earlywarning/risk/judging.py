"""The later quarters judged as a school asks: how sure, for whom, do the risks hold, how stable.

Comes after training, from what it kept of the test quarters. Who the students are enters here and
nowhere before: a model cannot look at what is not there when it is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.risk.evaluation import bootstrap, groups
from earlywarning.risk.evaluation.bootstrap import Band, Measured
from earlywarning.risk.evaluation.calibration import (
    Reliability,
    brier_score,
    brier_skill,
    calibration_error,
    error_by_chance,
    reliability,
)
from earlywarning.risk.evaluation.judged import Judged
from earlywarning.risk.evaluation.places import expected_places, expected_places_within
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.stability import Stability
from earlywarning.risk.results import TrainingResult
from earlywarning.risk.spec import OutcomeSpec

MOST_CAPACITIES = 1000
"""Capacities of one quarter with an interval: every one of a school, evenly spread in a district,
so that the cost grows with the students and not with their square."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """What one candidate's risks are worth as numbers.

    Attributes
    ----------
    brier, brier_skill : float
        Skill against the share in trouble in the quarters before each.
    """

    brier: float
    brier_skill: float


@dataclass(frozen=True, slots=True)
class Held:
    """Whether the risks of what serves hold.

    Attributes
    ----------
    curve : Reliability
    error : float
        Mean distance between risk and share in trouble, 0 to 1.
    by_chance : float
        What perfect risks of so many students stay below in 95 of 100 cases.
    limit : float
        Above this the gate fails: the spec's, or `by_chance` where that is more.
    top_risk : float
        Mean risk of those within capacity.
    """

    curve: Reliability
    error: float
    by_chance: float
    limit: float
    top_risk: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the limit."""
        return self.error <= self.limit


@dataclass(frozen=True, slots=True)
class Served:
    """What one way of calibrating gives on the later quarters.

    Attributes
    ----------
    found_share : float
        Of all trouble, within capacity, on one order of all schools.
    error : float
        Calibration error of all students together, 0 to 1.
    worst_step : float
        Largest distance between a group's mean risk and its share in trouble, of groups large
        enough.
    gap : float
        Largest difference between two groups' shares of trouble found, as the list is cut.
    groups : mapping of group to float
        Mean risk less share in trouble.
    """

    found_share: float
    error: float
    worst_step: float
    gap: float
    groups: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Mitigation:
    """What calibrating by group changed, and what it cost.

    Attributes
    ----------
    by : str
        `grade_level` or `school`.
    before, after : Served
        One calibration of all, and one step a group.
    """

    by: str
    before: Served
    after: Served


@dataclass(frozen=True)
class Judgement:
    """What one outcome's later quarters say.

    Attributes
    ----------
    candidate : str
        What serves, and what groups, classes and calibration are about.
    shares : array of float, shape (n_shares,)
        Capacities as shares of the students, rising; 1 to 100 in 100 and the school's own.
    own : int
        Position of the school's own.
    measured : Measured
        All quarters together, at these capacities.
    quarters : mapping of quarter to (capacities, Measured)
        One quarter at up to `MOST_CAPACITIES` capacities.
    chance : tuple of float
        Share found and precision of a list by lot, at the school's capacity.
    probabilities : mapping of candidate to Probabilities
    held : Held
    stability : Stability or None
    audit : groups.Audit
    classes : DataFrame
        quarter, school_id, class_id, students, trouble, listed, found, rule_found, found_share,
        precision, few (too few to say much: see `groups.MIN_TROUBLE`).
    max_gap : float
        Of the spec.
    mitigation : Mitigation or None
        Where groups are calibrated: what that changed.
    """

    candidate: str
    shares: np.ndarray
    own: int
    measured: Measured
    quarters: Mapping[str, tuple[np.ndarray, Measured]]
    chance: tuple[float, float]
    probabilities: Mapping[str, Probabilities]
    held: Held
    stability: Stability | None
    audit: groups.Audit
    classes: pd.DataFrame
    max_gap: float
    mitigation: Mitigation | None = None

    @property
    def group_gate(self) -> dict[str, Any] | None:
        """The worst gap, and whether it is more than the spec allows, no chance, and more than
        the rule's own between the same groups: a model is not held back for what the rule has too.
        """
        worst = self.audit.worst(self.max_gap)
        if worst is None:
            return None
        passed = not worst.too_wide(self.max_gap)
        return {"passed": passed, "limit": self.max_gap, **asdict(worst)}

    def as_report(self) -> dict[str, Any]:
        """The keys `evaluation`, `groups` and `gates` of the report; numbers may be NaN."""
        gates: dict[str, Any] = {
            "calibration": {
                "passed": self.held.passed,
                "error": self.held.error,
                "limit": self.held.limit,
            }
        }
        if self.group_gate is not None:
            gates["groups"] = self.group_gate
        return {
            "evaluation": self._evaluation(),
            "groups": {
                "candidate": self.candidate,
                "min_students": groups.MIN_STUDENTS,
                "min_trouble": groups.MIN_TROUBLE,
                "alone": list(self.audit.alone),
                "gaps": [asdict(gap) for gap in self.audit.gaps],
                "groups": [
                    {**asdict(group), "too_small": group.too_small} for group in self.audit.groups
                ],
                "mitigation": None if self.mitigation is None else asdict(self.mitigation),
            },
            "gates": gates,
        }

    def _evaluation(self) -> dict[str, Any]:
        curve = self.held.curve
        return {
            "candidate": self.candidate,
            "chance": {"found_share": self.chance[0], "precision": self.chance[1]},
            "candidates": {
                name: {
                    "found_share": _at(self.measured.found_share(name), self.own),
                    "precision": _at(self.measured.precision(name), self.own),
                    "gain_over_rule": _at(self.gain(name), self.own),
                    **asdict(self.probabilities[name]),
                }
                for name in self.measured.found
            },
            "calibration": {
                "error": self.held.error,
                "by_chance": self.held.by_chance,
                "curve": [
                    {"risk": risk, "observed": observed, "students": int(size)}
                    for risk, observed, size in zip(
                        curve.predicted, curve.observed, curve.size, strict=True
                    )
                ],
                "within_capacity": {
                    "risk": self.held.top_risk,
                    "observed": _at(self.measured.precision(self.candidate), self.own),
                },
            },
            "stability": None
            if self.stability is None
            else {**asdict(self.stability), "mean": self.stability.mean},
            "classes": {"counted": len(self.classes), "few": int(self.classes["few"].sum())},
        }

    def gain(self, name: str) -> Band:
        """Share of trouble found more than by the rule."""
        more = self.measured.found_shares(name) - self.measured.found_shares("rule")
        return bootstrap.band(more, among=self.measured.trouble[0])


def _at(band: Band, index: int) -> dict[str, float]:
    return {
        "value": float(band.value[index]),
        "low": float(band.low[index]),
        "high": float(band.high[index]),
    }


def judge(
    result: TrainingResult,
    ids: pd.DataFrame,
    attributes: Mapping[str, np.ndarray],
    *,
    spec: OutcomeSpec,
    capacity_share: float,
    seed: int,
) -> Judgement | None:
    """Ask the later quarters; None where none was judged.

    Parameters
    ----------
    result : TrainingResult
    ids : DataFrame, shape (n, 4)
        Of the dataset that was trained on: quarter, student_id, school_id, class_id.
    attributes : mapping of name to array of str, shape (n,)
        Whom to compare, row for row with `ids`; empty text is unknown.
    spec : OutcomeSpec
    capacity_share : float
        As in training.
    seed : int
    """
    judged = result.judged
    if not judged or result.served is None:
        return None
    candidate = result.served
    shares = np.unique(np.append(np.arange(1, 101) / 100, capacity_share))
    own = int(np.searchsorted(shares, capacity_share))
    quarterly = [one.quarterly for one in judged]
    places = [np.array([capacity_of(share, len(one.y)) for share in shares]) for one in judged]
    measured = bootstrap.at_places(quarterly, places, seed=seed + 2)
    students = sum(len(one.y) for one in judged)
    trouble = sum(float(one.y.sum()) for one in judged)
    by_lot = sum(at[own] * one.y.mean() for at, one in zip(places, judged, strict=True))
    classes = ids["class_id"].to_numpy(dtype=str)

    def listed(risks: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[groups.Listing]:
        """The quarters as some risks list them: (what ranks, what calibration is about) each."""
        return [
            groups.Listing(one.y, *of, int(at[own]), classes[one.rows], capacity_share)
            for at, one, of in zip(places, judged, risks, strict=True)
        ]

    listings = listed([(one.risks[candidate], one.factual[candidate]) for one in judged])
    by_rule = listed([(one.risks["rule"], one.factual["rule"]) for one in judged])
    rows = np.concatenate([one.rows for one in judged])
    known = {name: values[rows] for name, values in attributes.items()}
    mitigation = None
    if all(candidate in one.pooled for one in judged):
        mitigation = Mitigation(
            spec.calibrate_by,
            *(
                _served(one, known, spec.calibrate_by, seed + 5)
                for one in (listed([one.pooled[candidate] for one in judged]), listings)
            ),
        )
    return Judgement(
        candidate=candidate,
        shares=shares,
        own=own,
        measured=measured,
        quarters={one.label: _every_capacity(one, int(at[own]), seed + 3)
                  for at, one in zip(places, judged, strict=True)},
        chance=(by_lot / trouble if trouble else float("nan"), trouble / students),
        probabilities={name: _probabilities(judged, name) for name in measured.found},
        held=_held(listings, spec.max_calibration_error, seed + 4),
        stability=result.stability,
        audit=groups.audit(
            listings, known, seed=seed + 5, rule=by_rule, allowed=spec.max_group_gap
        ),
        classes=_classes(judged, ids, candidate, capacity_share),
        max_gap=spec.max_group_gap,
        mitigation=mitigation,
    )  # fmt: skip


def _served(
    listings: Sequence[groups.Listing], known: Mapping[str, np.ndarray], by: str, seed: int
) -> Served:
    """How one way of calibrating serves all, and the groups that are calibrated."""
    y = np.concatenate([one.y for one in listings])
    factual = np.concatenate([one.factual for one in listings])
    place = np.concatenate([expected_places(one.risk, one.places) for one in listings])
    found = groups.audit(
        listings, {name: of for name, of in known.items() if name == by}, seed=seed, replicates=20
    )
    steps = {
        group.value: group.figures["calibration_gap"].value
        for group in found.groups
        if not group.too_small and group.value != groups.UNKNOWN
    }
    worst = found.worst()
    trouble = float(y.sum())
    return Served(
        found_share=float((place * y).sum() / trouble) if trouble else float("nan"),
        error=calibration_error(y, factual),
        worst_step=max((abs(step) for step in steps.values()), default=float("nan")),
        gap=float("nan") if worst is None else worst.gap,
        groups=steps,
    )


def _every_capacity(one: Judged, own: int, seed: int) -> tuple[np.ndarray, Measured]:
    spread = np.linspace(1, len(one.y), min(len(one.y), MOST_CAPACITIES)).astype(int)
    capacities = np.unique(np.append(spread, own))
    return capacities, bootstrap.at_places([one.quarterly], [capacities], seed=seed)


def _probabilities(judged: tuple[Judged, ...], name: str) -> Probabilities:
    y = np.concatenate([one.y for one in judged])
    risk = np.concatenate([one.factual[name] for one in judged])
    before = np.concatenate([np.full(len(one.y), one.before) for one in judged])
    return Probabilities(brier_score(y, risk), brier_skill(y, risk, before))


def _held(listings: list[groups.Listing], allowed: float, seed: int) -> Held:
    y = np.concatenate([one.y for one in listings])
    risk = np.concatenate([one.factual for one in listings])
    place = np.concatenate([expected_places(one.risk, one.places) for one in listings])
    by_chance = error_by_chance(risk, seed=seed)
    return Held(
        curve=reliability(y, risk),
        error=calibration_error(y, risk),
        by_chance=by_chance,
        limit=max(allowed, by_chance),
        top_risk=float((place * risk).sum() / place.sum()),
    )


def _classes(
    judged: tuple[Judged, ...], ids: pd.DataFrame, candidate: str, share: float
) -> pd.DataFrame:
    """Each class of each quarter, with its own places."""
    parts = []
    for one in judged:
        part = ids.iloc[one.rows][["quarter", "school_id", "class_id"]].reset_index(drop=True)
        within = part["class_id"].to_numpy(dtype=str)
        place = expected_places_within(one.risks[candidate], within, share)
        rule = expected_places_within(one.risks["rule"], within, share)
        parts.append(
            part.assign(
                students=1,
                trouble=one.y,
                listed=place,
                found=place * one.y,
                rule_found=rule * one.y,
            )
        )
    table = pd.concat(parts).groupby(["quarter", "school_id", "class_id"], as_index=False).sum()
    table["trouble"] = table["trouble"].astype(int)
    table["found_share"] = table["found"] / table["trouble"].where(table["trouble"] > 0)
    table["precision"] = table["found"] / table["listed"].where(table["listed"] > 0)
    table["few"] = (table["students"] < groups.MIN_STUDENTS) | (
        table["trouble"] < groups.MIN_TROUBLE
    )
    return table
