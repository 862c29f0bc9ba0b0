"""Two models on the same later quarters, neither flattered by having learnt from them.

A model that was trained without the quarters it is judged on is judged as it serves. One that has
seen them is learnt again, with its own choice of features and settings, from the quarters before
each: what is judged then is how it learns, not what it remembers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from earlywarning.risk.candidates import candidate
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning.risk.evaluation import bootstrap
from earlywarning.risk.gates import Difference
from earlywarning.risk.spec import OutcomeSpec

AS_SERVED = "as_served"
REFITTED = "refitted"
RULE = "rule"


@dataclass(frozen=True)
class Entrant:
    """One version to be compared.

    Attributes
    ----------
    name : str
        For people; the two must differ.
    kind : str
        `rule`, `last_value`, `logistic` or `boosted`.
    estimator : Estimator
        As it serves.
    spec : OutcomeSpec
        As it was trained by.
    history : collection of str
        Quarters that it learnt from, or was chosen on.
    test : sequence of str
        Quarters that judged it at training.
    """

    name: str
    kind: str
    estimator: Estimator
    spec: OutcomeSpec
    history: Collection[str]
    test: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """Two versions and the rule.

    Attributes
    ----------
    quarters : tuple of str
        Judged on.
    unseen : bool
        Whether neither version had learnt from any of them.
    how : dict of name to str
        `as_served` or `refitted`.
    found_share : dict of name to float
        Share of the trouble found within capacity; also of `rule`.
    against : Difference
        The first version against the second.
    rule : Difference
        The first version against the rule of its own spec.
    """

    quarters: tuple[str, ...]
    unseen: bool
    how: dict[str, str]
    found_share: dict[str, float]
    against: Difference
    rule: Difference


def compare(
    one: Entrant, other: Entrant, dataset: Dataset, *, capacity_share: float, seed: int
) -> Comparison | None:
    """Judge two versions of one outcome on the same later quarters.

    On the closed quarters that are newer than anything either has learnt from, if there are any
    with trouble to find; else on those that judged the first version at its training.

    Parameters
    ----------
    one, other : Entrant
    dataset : Dataset
        Closed quarters, labelled.
    capacity_share : float
        Places as a share of the students, above 0, at most 1.
    seed : int

    Returns
    -------
    Comparison or None
        None where there is no quarter to judge on, or too little before it to learn again from.
    """
    y = dataset.y[one.spec.outcome].to_numpy(dtype=np.float64)
    quarters = dataset.ids["quarter"].to_numpy(dtype=str)
    seen = {*one.history, *other.history}
    newest = max(seen, default="")

    def usable(codes: Collection[str]) -> list[str]:
        known = np.isin(quarters, list(codes)) & ~np.isnan(y)
        there = sorted(set(quarters[known]))
        return there if y[known].sum() > 0 else []

    unseen = usable({code for code in quarters if code > newest}) if seen else []
    chosen = unseen or usable(one.test)
    how = {
        entrant.name: REFITTED if set(chosen) & set(entrant.history) else AS_SERVED
        for entrant in (one, other)
    }
    if REFITTED in how.values():
        needed = max(one.spec.min_positives, other.spec.min_positives)
        chosen = [code for code in chosen if _enough(y[quarters < code], needed)]
    if not chosen:
        return None
    table = dataset.with_school
    judged = []
    for code in chosen:
        later = np.flatnonzero((quarters == code) & ~np.isnan(y))
        before = np.flatnonzero((quarters < code) & ~np.isnan(y))
        X = table.iloc[later]
        risks = {}
        for entrant in (one, other):
            estimator: Any = entrant.estimator
            if how[entrant.name] == REFITTED:
                estimator = _fitted(entrant, dataset, y, before, seed)
            risks[entrant.name] = estimator.predict_risk(X)
        rule = candidate(RULE, one.spec)
        risks[RULE] = _learnt(rule, dataset, y, before, seed).predict_risk(X)
        judged.append(bootstrap.Quarterly(y[later], risks))
    drawn = bootstrap.found_share(judged, capacity_share=capacity_share, seed=seed)
    return Comparison(
        quarters=tuple(chosen),
        unseen=bool(unseen),
        how=how,
        found_share=drawn.value,
        against=_difference(drawn, one.name, other.name),
        rule=_difference(drawn, one.name, RULE),
    )


def _enough(y: np.ndarray, needed: int) -> bool:
    """Whether so much happened, and did not, that something can be learnt."""
    trouble, known = np.nansum(y), np.count_nonzero(~np.isnan(y))
    return bool(min(trouble, known - trouble) >= needed)


def _fitted(entrant: Entrant, dataset: Dataset, y: np.ndarray, at: np.ndarray, seed: int) -> Any:
    """Learnt again from some rows."""
    inside: Any = entrant.estimator
    if isinstance(inside, Borrowed):
        # What was borrowed never saw these quarters; only what this school added is forgotten.
        made: Any = Borrowed(inside.base, inside.origin)
    else:
        made = candidate(entrant.kind, entrant.spec)
    return _learnt(made, dataset, y, at, seed)


def _learnt(made: Any, dataset: Dataset, y: np.ndarray, at: np.ndarray, seed: int) -> Any:
    """Fitted on some rows; as it is where there are none."""
    if not len(at):
        return made
    return made.fit(
        dataset.with_school.iloc[at],
        y[at],
        visited=dataset.visited[at],
        quarters=dataset.ids["quarter"].to_numpy(dtype=str)[at],
        seed=seed,
    )


def _difference(drawn: bootstrap.Drawn, one: str, other: str) -> Difference:
    gain, _, low, high = drawn.difference(one, other)
    return Difference(drawn.value[one], drawn.value[other], gain, low, high)
