"""Comparisons that find effects which are not there, computed only to be shown beside the others.

Families are chosen because a child was absent; absence falls afterwards even if nobody visits. A
result of these functions is no `Estimate`: it says BIASED wherever it is printed, and refuses to be
used as a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from earlywarning.impact.regression import Fit, estimate, least_squares, within
from earlywarning.impact.rollout import aggregate, group_time

BEFORE_AFTER = "before_after"
VISITED_OR_NOT = "visited_or_not"
CHANGE = "change_visited_or_not"
STAGGERED = "staggered_on_chosen"
NAIVE = (BEFORE_AFTER, VISITED_OR_NOT, CHANGE, STAGGERED)


@dataclass(frozen=True, slots=True, repr=False)
class Biased:
    """What a biased comparison would have claimed. Not an effect.

    Attributes
    ----------
    what : str
        One of `NAIVE`.
    biased_value, biased_low, biased_high, biased_p : float
        In units of the outcome. The interval is about luck only; the bias is not in it.
    n : int
    """

    what: str
    biased_value: float
    biased_low: float
    biased_high: float
    biased_p: float
    n: int

    def __repr__(self) -> str:
        return f"BIASED, not an effect: {self.what} {self.biased_value:+.4f}"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __float__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be used as a number; compare designs instead")


def before_after(rows: pd.DataFrame, outcome: str, before: str) -> Biased:
    """Visited children, after minus before. Biased: they were chosen at a bad moment."""
    some = _known(rows[rows["visited"] > 0], outcome, before)
    change = (some[outcome] - some[before]).to_numpy(dtype=float)
    fit = least_squares(change, np.ones((len(some), 1)), cluster=some["homeroom"].to_numpy())
    return _biased(BEFORE_AFTER, fit, len(some))


def visited_or_not(rows: pd.DataFrame, outcome: str) -> Biased:
    """Visited minus not visited. Biased: those in most need are visited."""
    some = _known(rows, outcome)
    return _difference(VISITED_OR_NOT, some, some[outcome])


def change_visited_or_not(rows: pd.DataFrame, outcome: str, before: str) -> Biased:
    """Change of visited minus change of not visited. Biased: chosen at a bad moment."""
    some = _known(rows, outcome, before)
    return _difference(CHANGE, some, some[outcome] - some[before])


def staggered_on_chosen(rows: pd.DataFrame, outcome: str) -> Biased:
    """Staggered differences with children as units, starting when first visited. Biased: a child
    is first visited after a bad quarter, and one not yet visited has had no such quarter."""
    periods = rows["t"].nunique()
    known = _known(rows, outcome)
    whole = known[known.groupby("student_id")["t"].transform("nunique") == periods]
    first = whole["t"].where(whole["visited"] > 0).groupby(whole["student_id"]).transform("min")
    panel = whole.assign(first=first.fillna(np.inf), y=whole[outcome])
    found = group_time(panel, unit="student_id", time="t", outcome="y", group="first")
    one = aggregate(found, "dynamic")
    return Biased(STAGGERED, one.value, one.low, one.high, one.p, one.n)


def every(rows: pd.DataFrame, outcome: str, before: str) -> list[Biased]:
    """All four, to stand beside the designs in a report."""
    made = [
        before_after(rows, outcome, before),
        visited_or_not(rows, outcome),
        change_visited_or_not(rows, outcome, before),
    ]
    if rows["t"].nunique() > 1:
        made.append(staggered_on_chosen(rows, outcome))
    return made


def _known(rows: pd.DataFrame, *names: str) -> pd.DataFrame:
    return rows[rows[list(names)].notna().all(axis=1)]


def _difference(what: str, some: pd.DataFrame, outcome: pd.Series) -> Biased:
    code = pd.factorize(some["t"])[0]
    visited = within((some["visited"] > 0).to_numpy(dtype=float), code)
    y = within(outcome.to_numpy(dtype=float), code)
    fit = least_squares(y, visited[:, None], cluster=some["homeroom"].to_numpy())
    return _biased(what, fit, len(some))


def _biased(what: str, fit: Fit, n: int) -> Biased:
    one = estimate(what, fit, n)
    return Biased(what, one.value, one.low, one.high, one.p, n)
