"""Why a child is on the list: at most three dated facts, as codes and numbers.

What each feature adds to a risk is exact (coefficients, or XGBoost's own Shapley values). It is
added up by theme, and a theme is worth what the priority would lose without it. Only then is a fact
looked for that is true, is a matter of concern, and can be changed; and it is told only if the
child would rank lower had it not happened (see `removal`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.calendar import Quarter, SchoolCalendar, day_date
from earlywarning.features.windows import Windows
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import removal
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.calibration import expit, logit
from earlywarning.risk.estimators.rule import holds
from earlywarning.risk.estimators.what_if import WhatIf, what_if
from earlywarning.risk.reason_facts import DERIVED, THEMES, Fact

MOST = 3
MOST_OF_A_DOMAIN = 2
LEAST_LOSS = 0.002
"""Priority that must hang on a theme for it to be worth a sentence."""

CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    fact.code: (theme.domain, fact.placeholders) for theme in THEMES for fact in theme.facts
}
"""Every code, its domain, and the placeholders that its sentence may use."""

_EVENT_OF = np.array([removal.EVENTS.index(removal.EVENT_OF[theme.name]) for theme in THEMES])
_DOMAIN_OF = np.unique([theme.domain for theme in THEMES], return_inverse=True)[1]


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact.

    Attributes
    ----------
    code : str
        A key of `CODES`.
    domain : str
        `attendance`, `behaviour` or `grades`.
    numbers : dict of str to int, float or str
        Plain values; `since` is an ISO date, the first day counted.
    as_of : date
        The fact is as it was known when this day began.
    """

    code: str
    domain: str
    numbers: dict[str, int | float | str]
    as_of: date


def reasons(
    estimators: Mapping[str, Estimator],
    X: pd.DataFrame,
    risks: pd.DataFrame,
    quarter: Quarter,
    *,
    calendar: SchoolCalendar,
    weights: Mapping[str, float],
) -> list[list[Reason]]:
    """The reasons of every student.

    Parameters
    ----------
    estimators : mapping of outcome to Estimator
        Those that scored.
    X : DataFrame, shape (n, n_features)
        As scored: the features as of `quarter.start`.
    risks : DataFrame, shape (n, 3)
        From `scoring.score`; NaN is in no priority, so nothing can be lost of it.
    quarter : Quarter
        The quarter that was predicted.
    calendar : SchoolCalendar
        To date the facts.
    weights : mapping of outcome to float
        Of the priority.

    Returns
    -------
    list of list of Reason
        One list a row of `X`, at most three, those of a domain together, the weightiest domain
        first; empty where nothing that can be changed raised the priority.
    """
    told, places = shared(estimators, X, risks, quarter, calendar=calendar, weights=weights)
    return [[told[place] for place in row if place >= 0] for row in places.tolist()]


def shared(
    estimators: Mapping[str, Estimator],
    X: pd.DataFrame,
    risks: pd.DataFrame,
    quarter: Quarter,
    *,
    calendar: SchoolCalendar,
    weights: Mapping[str, float],
) -> tuple[list[Reason], np.ndarray]:
    """The reasons of every student, each one once: students share most of them.

    The parameters are those of `reasons`.

    Returns
    -------
    list of Reason
    array of int, shape (n, MOST)
        Places in it, in the order of telling; -1 for none, which come last.
    """
    columns = _columns(X)
    known = {
        outcome: risks[outcome].to_numpy(dtype=np.float64)
        for outcome in OUTCOMES
        if outcome in estimators and weights.get(outcome) and len(X)
    }
    asked = {outcome: what_if(estimators[outcome], X) for outcome in known}
    facts = np.full((len(X), len(THEMES)), -1)
    for at, theme in enumerate(THEMES):
        for index in reversed(range(len(theme.facts))):
            facts[_true(theme.facts[index], columns), at] = index
    losses = _losses(asked, known, facts >= 0, weights)
    losses[losses < LEAST_LOSS] = 0.0
    chosen = _chosen_and_lost(losses, asked, columns, known, weights)
    return _told(chosen, facts, columns, quarter, _since(quarter, calendar))


def _losses(
    asked: Mapping[str, WhatIf],
    risks: Mapping[str, np.ndarray],
    true: np.ndarray,
    weights: Mapping[str, float],
) -> np.ndarray:
    """What the priority would lose without each theme's parts, shape (n, n_themes).

    Only of themes with a fact to tell, shape (n, n_themes); 0 for others.
    """
    losses = np.zeros(true.shape)
    for outcome, risk in risks.items():
        scored, margin = ~np.isnan(risk), logit(risk)
        for at, theme in enumerate(THEMES):
            used = [name for name in theme.features if name in asked[outcome].names]
            rows = np.flatnonzero(true[:, at] & scored)
            if used and len(rows):
                parts = asked[outcome].parts(used, rows)
                without = expit(margin[rows] - parts.sum(axis=0))
                losses[rows, at] += weights[outcome] * (risk[rows] - without)
    return losses


def _chosen_and_lost(
    losses: np.ndarray,
    asked: Mapping[str, WhatIf],
    columns: Mapping[str, np.ndarray],
    risks: Mapping[str, np.ndarray],
    weights: Mapping[str, float],
) -> np.ndarray:
    """`_chosen`, of themes without whose events the child would rank lower.

    Parts add up, but a model may bend: what adds to a risk beside other things need not lower it
    when it goes. Only what would be told is tried; where it must go, what comes next is. Sets the
    losses that must go to 0.
    """
    chosen = _chosen(losses)
    tried = np.zeros((len(losses), len(removal.EVENTS)), dtype=bool)
    open_ = np.arange(len(losses))
    while len(open_):
        wanted = np.zeros((len(open_), len(removal.EVENTS)), dtype=bool)
        for place in range(MOST):
            there = chosen[open_, place] >= 0
            wanted[there, _EVENT_OF[chosen[open_[there], place]]] = True
        wanted &= ~tried[open_]
        changed = np.zeros(len(open_), dtype=bool)
        for at, event in enumerate(removal.EVENTS):
            told = np.flatnonzero(wanted[:, at])
            rows = open_[told]
            if not len(rows):
                continue
            lost = removal.losses(asked, columns, risks, weights, rows, event)
            tried[rows, at] = True
            goes = ~(lost >= LEAST_LOSS)
            losses[np.ix_(rows[goes], np.flatnonzero(at == _EVENT_OF))] = 0.0
            changed[told[goes]] = True
        open_ = open_[changed]
        chosen[open_] = _chosen(losses[open_])
    return chosen


def _chosen(losses: np.ndarray) -> np.ndarray:
    """Up to three themes of each student, at most two of a domain; those of a domain together.

    Returns
    -------
    array of int, shape (n, MOST)
        Places in `THEMES`, -1 for none.
    """
    rows = np.arange(len(losses))
    picked = np.full((len(losses), MOST), -1)
    count = np.zeros(len(losses), dtype=np.int64)
    of_domain = np.zeros((len(losses), len(THEMES)), dtype=np.int64)
    for at in np.argsort(-losses, axis=1, kind="stable").T:
        domain = _DOMAIN_OF[at]
        takes = (losses[rows, at] > 0) & (count < MOST)
        takes &= of_domain[rows, domain] < MOST_OF_A_DOMAIN
        picked[rows[takes], count[takes]] = at[takes]
        of_domain[rows[takes], domain[takes]] += 1
        count += takes
    first, second, third = (_DOMAIN_OF[picked[:, place]] for place in range(MOST))
    apart = (picked[:, -1] >= 0) & (third == first) & (second != first)
    picked[apart, 1:] = picked[apart, :0:-1]
    return picked


def _told(
    chosen: np.ndarray,
    facts: np.ndarray,
    columns: Mapping[str, np.ndarray],
    quarter: Quarter,
    since: Mapping[str, date],
) -> tuple[list[Reason], np.ndarray]:
    """The chosen themes of each student as reasons, fact by fact."""
    told: list[Reason] = []
    places = np.full(chosen.shape, -1)
    fact_of = np.where(chosen >= 0, np.take_along_axis(facts, np.maximum(chosen, 0), axis=1), -1)
    for at, theme in enumerate(THEMES):
        for index, fact in enumerate(theme.facts):
            rows, where = np.nonzero((chosen == at) & (fact_of == index))
            known: dict[tuple[int | float, ...], int] = {}
            here = []
            for values in _numbers(fact, columns, rows):
                # Shared but for zeros, of which there are two that are equal.
                one = known.get(values) if all(values) else None
                if one is None:
                    one = known[values] = len(told)
                    numbers = _named(fact, values, since)
                    told.append(Reason(fact.code, theme.domain, numbers, quarter.start))
                here.append(one)
            places[rows, where] = here
    return told, places


def _columns(X: pd.DataFrame) -> dict[str, np.ndarray]:
    features = X.select_dtypes("number")  # a school's id may stand beside them
    columns = {
        str(name): features[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in features
    }
    for name, (how, one, other) in DERIVED.items():
        if how == "minus":
            columns[name] = columns[one] - columns[other]
        else:
            divisor = np.where(columns[other] > 0, columns[other], np.nan)
            columns[name] = columns[one] / divisor
    return columns


def _true(fact: Fact, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where a fact holds and all of its numbers are known."""
    held = np.all([holds(condition, columns) for condition in fact.true], axis=0)
    for feature in (*fact.counts.values(), *fact.decimals.values()):
        held &= ~np.isnan(columns[feature.removeprefix("-")])
    return held


def _numbers(
    fact: Fact, columns: Mapping[str, np.ndarray], rows: np.ndarray
) -> Iterator[tuple[int | float, ...]]:
    """The numbers of one fact, counts before decimals, for each of some students."""
    values: list[list[Any]] = [
        columns[feature][rows].astype(np.int64).tolist() for feature in fact.counts.values()
    ]
    for feature in fact.decimals.values():
        column = columns[feature.removeprefix("-")][rows].tolist()
        sign = -1 if feature.startswith("-") else 1
        values.append([round(sign * value, 1) for value in column])
    return zip(*values, strict=True)


def _named(
    fact: Fact, values: tuple[int | float, ...], since: Mapping[str, date]
) -> dict[str, int | float | str]:
    names = (*fact.counts, *fact.decimals)
    named: dict[str, int | float | str] = dict(zip(names, values, strict=True))
    named |= fact.words
    if fact.window:
        named["since"] = since[fact.window].isoformat()
    return named


def _since(quarter: Quarter, calendar: SchoolCalendar) -> dict[str, date]:
    """First day of each window, as the features see it."""
    at = Windows.of(quarter, as_of_day=quarter.start_day, calendar=calendar)
    return {
        "30d": day_date(at.last_30_days.start),
        "quarter": day_date(at.quarter.start),
        "year": day_date(at.year.start),
        "latest": day_date(min(at.year.start, at.before_quarter.start)),
    }
