"""What a list would have found had nobody been visited.

A list that works hides its own success: a child who was visited and recovered counts as a false
alarm. So later quarters are also judged by what would have happened without a visit (Coston,
Mishler, Kennedy and Chouldechova 2020). Each student's outcome is replaced by

    m + (1 - a) / (1 - e) * (y - m)

with `a` 1 for the visited, `e` the chance of a visit and `m` the chance of trouble without one,
both given what was known when the quarter began. Its mean is right if either `e` or `m` is (Robins,
Rotnitzky and Zhao 1994); a single value may lie outside 0 to 1 and says nothing of a child. Both
are fitted on other students than those they are used for, on every feature, the risks of the lists
and the student's place by risk within the class: who is visited follows rank within a class more
than anything else.

Where nearly all listed students were visited, nothing on record says how they would have fared, and
no formula can: that is said, and the figures of what happened stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.calibration import expit, logit
from earlywarning.risk.estimators.filling import medians
from earlywarning.risk.estimators.treatment import MIN_VISITED, NOT_RECORDED, TOO_RARE
from earlywarning.risk.evaluation import bootstrap
from earlywarning.risk.evaluation.calibration import calibration_error
from earlywarning.risk.evaluation.judged import Judged
from earlywarning.risk.evaluation.ranking import capacity_of

CORRECTED = "corrected"
NO_OVERLAP = "no_overlap"
"""Nearly everybody on the list was visited: what they would have done alone is not on record."""

FOLDS, FOLDS_OF_MANY = 5, 2
"""Two, where half of the students are more than are learnt from anyway."""

STRENGTH_VISIT, STRENGTH_OUTCOME = 0.3, 0.1
"""Inverse penalties: the greater for who is visited, where too smooth a curve is what biases."""

MOST_ROWS = 10_000
"""Students from whom each of the two is learnt: chosen by the folds' lot, where there are more."""

WIDEST = 6.0
SURE = 0.95
"""A chance of a visit above it is as good as certain; weights are kept below 1 / (1 - 0.95)."""

MOST_SURE = 0.1
LEAST_EFFECTIVE = 10.0
"""No overlap if more than a tenth of the listed were as good as certain of a visit, or if those of
them who were not visited carry less weight than ten students."""


@dataclass(frozen=True, slots=True)
class Positivity:
    """Whether the records can say what would have happened without visits.

    Attributes
    ----------
    status : str
        `corrected`; `not_recorded` (no visit), `too_rare` (fewer than 20 visited or not visited)
        or `no_overlap`: not corrected.
    students, visited : int
        Of the later quarters.
    beyond : float
        Share of students whose chance of a visit is below 0.05 or above 0.95. Below does no harm
        here: such students show every day how it goes without a visit.
    listed_sure : float
        Share of the students within capacity whose chance is above 0.95.
    effective, effective_listed : float
        Students not visited, of all and within capacity, after weighting (Kish 1965). Figures of
        overlap are NaN where no chance was estimated.
    """

    status: str
    students: int
    visited: int
    beyond: float = float("nan")
    listed_sure: float = float("nan")
    effective: float = float("nan")
    effective_listed: float = float("nan")


@dataclass(frozen=True, slots=True)
class Without:
    """One candidate, judged by what would have happened without a visit.

    Attributes
    ----------
    found_share, found_share_low, found_share_high : float
        Share of that trouble found within capacity, with a 95 % bootstrap interval.
    brier, brier_low, brier_high : float
        Mean squared distance of the risk without a visit.
    calibration_error : float
        Over tenths by risk, 0 to 1.
    """

    found_share: float
    found_share_low: float
    found_share_high: float
    brier: float
    brier_low: float
    brier_high: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class NoVisit:
    """Later quarters judged as if nobody had been visited.

    Attributes
    ----------
    positivity : Positivity
    candidates : mapping of candidate to Without
        Empty unless the status is `corrected`.
    """

    positivity: Positivity
    candidates: Mapping[str, Without]


@dataclass(frozen=True, slots=True)
class Later:
    """One later quarter, student by student; arrays of shape (n,).

    Attributes
    ----------
    y : array of 0 or 1
        What happened.
    visited : array of 0, 1 or NaN
        NaN counts as none.
    risks : mapping of candidate to array
        Risk without a visit, of models that had not seen the quarter.
    X : DataFrame, shape (n, n_features)
        Everything known when the quarter began.
    classes : array of str
    """

    y: np.ndarray
    visited: np.ndarray
    risks: Mapping[str, np.ndarray]
    X: pd.DataFrame
    classes: np.ndarray


def of_test(everything: Dataset, judged: Sequence[Judged]) -> list[Later]:
    """The quarters that judged a training, with every feature on record.

    Parameters
    ----------
    everything : Dataset
        That the training had.
    judged : sequence of Judged
    """
    classes = everything.ids["class_id"].to_numpy(dtype=str)
    return [
        Later(
            y=one.y,
            visited=everything.visited[one.rows],
            risks=one.risks,
            X=everything.X.iloc[one.rows],
            classes=classes[one.rows],
        )
        for one in judged
    ]


def pseudo_outcomes(
    y: np.ndarray, visited: np.ndarray, outcome: np.ndarray, propensity: np.ndarray
) -> np.ndarray:
    """Stand-ins for what would have happened without a visit; only their sums mean anything.

    Parameters
    ----------
    y, visited : arrays of 0 or 1, shape (n,)
    outcome : array of float, shape (n,)
        Chance of trouble without a visit.
    propensity : array of float, shape (n,)
        Chance of a visit; above 0.95 counts as 0.95.
    """
    weight = (1 - visited) / (1 - np.minimum(propensity, SURE))
    return outcome + weight * (y - outcome)


def judge(
    quarters: Sequence[Later], *, listed_by: str, capacity_share: float, seed: int
) -> NoVisit:
    """Judge every candidate on some later quarters as if nobody had been visited.

    Parameters
    ----------
    quarters : sequence of Later
        At least one, with the same candidates.
    listed_by : str
        The candidate whose list has to overlap with those not visited.
    capacity_share : float
        Places as a share of the students of each quarter.
    seed : int
        Of folds and bootstrap.

    Returns
    -------
    NoVisit
    """
    made = [np.nan_to_num(one.visited, nan=0.0) for one in quarters]
    students, visited = sum(map(len, made)), int(sum(one.sum() for one in made))
    if not visited:
        return NoVisit(Positivity(NOT_RECORDED, students, 0), {})
    if min(visited, students - visited) < MIN_VISITED:
        return NoVisit(Positivity(TOO_RARE, students, visited), {})
    chances, expected = [], []
    for one, seen in zip(quarters, made, strict=True):
        inputs = _inputs(one)
        lot = np.random.default_rng(seed).permutation(len(seen))
        everybody = np.ones(len(seen), dtype=bool)
        chances.append(_cross_fitted(inputs, seen, everybody, lot, STRENGTH_VISIT))
        expected.append(_cross_fitted(inputs, one.y, seen == 0, lot, STRENGTH_OUTCOME))
    propensity = _levelled(np.concatenate(chances), np.concatenate(made))
    every = pseudo_outcomes(
        np.concatenate([one.y for one in quarters]),
        np.concatenate(made),
        np.concatenate(expected),
        propensity,
    )
    pseudo = np.split(every, np.cumsum([len(one.y) for one in quarters])[:-1])
    listed = [_listed(one.risks[listed_by], capacity_share) for one in quarters]
    positivity = _positivity(np.concatenate(made), propensity, np.concatenate(listed))
    if positivity.status != CORRECTED:
        return NoVisit(positivity, {})
    drawn = bootstrap.found_share(
        [bootstrap.Quarterly(p, one.risks) for p, one in zip(pseudo, quarters, strict=True)],
        capacity_share=capacity_share,
        seed=seed,
    )
    return NoVisit(
        positivity,
        {
            name: _without(
                drawn.value[name],
                drawn.draws[name],
                every,
                np.concatenate([one.risks[name] for one in quarters]),
                seed,
            )
            for name in quarters[0].risks
        },
    )


def _without(
    found: float, draws: np.ndarray, pseudo: np.ndarray, risk: np.ndarray, seed: int
) -> Without:
    low, high = np.quantile(draws, (0.025, 0.975))
    # (risk - y)^2 is risk^2 + (1 - 2 risk) y for y of 0 or 1: linear in what is unknown.
    losses = risk**2 + (1 - 2 * risk) * pseudo
    drawn = bootstrap.drawn_weights(np.random.default_rng(seed), len(losses), bootstrap.REPLICATES)
    again = np.concatenate([weights @ losses / len(losses) for _, weights in drawn])[1:]
    brier_low, brier_high = np.quantile(again, (0.025, 0.975))
    return Without(
        found_share=found,
        found_share_low=float(low),
        found_share_high=float(high),
        brier=float(losses.mean()),
        brier_low=float(brier_low),
        brier_high=float(brier_high),
        calibration_error=calibration_error(pseudo, risk),
    )


def _positivity(visited: np.ndarray, propensity: np.ndarray, listed: np.ndarray) -> Positivity:
    weight = (1 - visited) / (1 - np.minimum(propensity, SURE))
    sure = float((propensity[listed] > SURE).mean())
    effective_listed = _effective(weight[listed])
    short = sure > MOST_SURE or effective_listed < LEAST_EFFECTIVE
    return Positivity(
        status=NO_OVERLAP if short else CORRECTED,
        students=len(visited),
        visited=int(visited.sum()),
        beyond=float(((propensity < 1 - SURE) | (propensity > SURE)).mean()),
        listed_sure=sure,
        effective=_effective(weight),
        effective_listed=effective_listed,
    )


def _effective(weight: np.ndarray) -> float:
    total = float((weight**2).sum())
    return float(weight.sum()) ** 2 / total if total else 0.0


def _listed(risk: np.ndarray, capacity_share: float) -> np.ndarray:
    """Who stands within capacity; the tied at the cut in the order of the rows."""
    listed = np.zeros(len(risk), dtype=bool)
    listed[np.argsort(-risk, kind="stable")[: capacity_of(capacity_share, len(risk))]] = True
    return listed


def _inputs(one: Later) -> np.ndarray:
    """Features, each list's log odds, and each student's place by risk within the class."""
    _, group = np.unique(one.classes.astype(str), return_inverse=True)
    columns = [one.X.to_numpy(dtype=np.float64)]
    for risk in one.risks.values():
        order = np.lexsort((risk, group))
        size = np.bincount(group)[group]
        place = np.empty(len(risk))
        place[order] = (
            np.arange(len(risk))
            - (np.cumsum(np.bincount(group)) - np.bincount(group))[group[order]]
        )
        columns.append(np.column_stack([logit(np.clip(risk, 0.001, 0.999)), (place + 0.5) / size]))
    return np.column_stack(columns)


def _levelled(chance: np.ndarray, visited: np.ndarray) -> np.ndarray:
    """The chances in their order, made to agree with who was visited.

    Some families are never at home, so the chance of a visit levels off high on the list where a
    logistic curve goes on towards certainty, and would give those few not visited too much weight.
    """
    levels: Any = IsotonicRegression(y_min=0.0, y_max=1.0)
    return levels.fit(chance, visited).predict(chance)


def _cross_fitted(
    inputs: np.ndarray, truth: np.ndarray, learnt: np.ndarray, lot: np.ndarray, strength: float
) -> np.ndarray:
    """Chance of `truth`, by models of the `learnt` rows of the other folds.

    `lot` numbers the rows at random, 0 to n - 1: it makes the folds.
    """
    folds = FOLDS if len(lot) <= 2 * MOST_ROWS else FOLDS_OF_MANY
    fold = lot % folds
    chance = np.empty(len(truth))
    for index in range(folds):
        rows, at = np.flatnonzero(learnt & (fold != index)), fold == index
        rows = rows[np.argsort(lot[rows], kind="stable")[:MOST_ROWS]]
        wanted = truth[rows]
        if not 0 < wanted.sum() < len(wanted):
            chance[at] = (wanted.sum() + 0.5) / (len(wanted) + 1)
            continue
        imputer: Any = medians(inputs[rows])
        scaler: Any = StandardScaler()
        # One thread: more would add up in another order.
        with threadpool_limits(1):
            scaled = scaler.fit_transform(imputer.transform(inputs[rows]))
            model: Any = LogisticRegression(
                C=strength, solver="newton-cholesky", max_iter=100, tol=1e-6
            )
            model.fit(np.clip(scaled, -WIDEST, WIDEST), wanted)
            later = np.clip(scaler.transform(imputer.transform(inputs[at])), -WIDEST, WIDEST)
            chance[at] = expit(later @ model.coef_[0] + model.intercept_[0])
    return chance
