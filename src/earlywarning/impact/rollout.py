"""Effects from a roll-out whose order was drawn by lot: some homerooms visit first, others later.

Lists are made in every homeroom, also where nobody visits yet (shadow lists), so that listed
children are compared with children who would have been listed. Differences-in-differences is used
for nothing else here: where homerooms or children were *chosen*, it finds effects that are not
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.errors import MissingExtra
from earlywarning.impact.lottery import Randomisation, inverted
from earlywarning.impact.regression import (
    Estimate,
    covariates,
    estimate,
    least_squares,
    of_value,
    within,
)

NEVER = np.inf


def by_score(rows: pd.DataFrame) -> pd.DataFrame:
    """Children listed for their score, or in the shadow, in the homerooms of the drawn order.

    Families who are visited whether their homeroom has started or not (they asked, a child is sick)
    say nothing.
    """
    listed = rows["listed"] & rows["track"].isin(["concern", "preventive"])
    return rows[listed & rows["wave"].notna()]


def starting(rows: pd.DataFrame, *, everybody: bool = False) -> pd.DataFrame:
    """Listed and shadow-listed children of the quarters in which some homerooms start.

    Only a homeroom's first visiting quarter is compared with those not visiting yet: later lists of
    a visiting homeroom already follow from its visits, a shadow list never does.

    Parameters
    ----------
    everybody : bool
        Also the children not listed, for a sharper look at what was before.
    """
    some = rows[rows["wave"].notna()] if everybody else by_score(rows)
    some = some[some["wave"] >= some["t"]]
    started = (some["wave"] == some["t"]).groupby(some["t"]).transform("mean")
    return some[(started > 0) & (started < 1)]


def itt(
    rows: pd.DataFrame, outcome: str, before: str, *, adjust: Sequence[str] = ()
) -> Estimate:  # fmt: skip
    """Effect of being listed in a homeroom that visits: difference of changes, by quarter.

    Two groups, two periods, in each quarter of a start (Card and Krueger 1994), pooled with quarter
    effects; random order makes both groups alike (Athey and Imbens 2022). Clustered by homeroom.

    Parameters
    ----------
    rows : DataFrame
        As `starting` returns them.
    outcome, before : str
        The outcome after the list, and the same measure before it.
    """
    return estimate("rollout.itt", _fit(rows, rows[outcome] - rows[before], adjust), len(rows))


def first_stage(rows: pd.DataFrame, *, adjust: Sequence[str] = ()) -> Estimate:
    """How much the start raised the share of listed children visited."""
    fit = _fit(rows, rows["visited"].astype(float), adjust)
    return estimate("rollout.first_stage", fit, len(rows), first_stage=fit.f())


def effect(
    rows: pd.DataFrame, outcome: str, before: str, *, adjust: Sequence[str] = ()
) -> Estimate:  # fmt: skip
    """Effect of a visit on listed children visited because their homeroom started."""
    code = pd.factorize(rows["t"])[0]
    y, started, X = _parts(rows, rows[outcome] - rows[before], adjust, code)
    visited = within(rows["visited"].to_numpy(dtype=float), code)
    fit = least_squares(
        y, np.column_stack([visited, X]), instruments=np.column_stack([started, X]),
        cluster=rows["homeroom"].to_numpy(),
    )  # fmt: skip
    strength = first_stage(rows, adjust=adjust).first_stage
    return estimate("rollout.effect", fit, len(rows), first_stage=strength)


def pre_trend(rows: pd.DataFrame, before: str, earlier: str) -> Estimate:
    """The same comparison a quarter too early, when nobody had started: should be nothing."""
    known = rows[rows[before].notna() & rows[earlier].notna()]
    return estimate(
        "rollout.pre_trend", _fit(known, known[before] - known[earlier], ()), len(known)
    )


def order_trend(rows: pd.DataFrame, before: str, earlier: str) -> Estimate:
    """Whether absence had risen more, before anybody started, where visits start sooner.

    Change of absence before the first list on the homeroom's place in the order, all its children.
    """
    some = rows[(rows["t"] == rows["t"].min()) & rows["wave"].notna()]
    known = some[some[before].notna() & some[earlier].notna()]
    change = (known[before] - known[earlier]).to_numpy(dtype=float)
    place = known["wave"].rank(method="dense").to_numpy(dtype=float)
    X = np.column_stack([place - place.mean(), np.ones(len(known))])
    fit = least_squares(change, X, cluster=known["homeroom"].to_numpy())
    return estimate("rollout.order_trend", fit, len(known))


def randomisation(
    rows: pd.DataFrame, outcome: str, before: str, *, seed: int, draws: int = 999
) -> Randomisation:
    """Test and interval by drawing the order of homerooms again, within the drawn groups.

    Homerooms exchange their starts, and each redraw compares what `starting` would keep of it; so
    of a homeroom that came first a redraw looks at later quarters, too. For the interval, all lists
    of a homeroom that visits have the same effect.

    Parameters
    ----------
    rows : DataFrame
        As `by_score` returns them, of the quarters compared, both measures known.
    """
    y = (rows[outcome] - rows[before]).to_numpy(dtype=float)
    when = rows["t"].to_numpy()
    visits = (rows["wave"] <= rows["t"]).to_numpy(dtype=float)
    rooms, names = pd.factorize(rows["homeroom"])
    wave = rows.groupby(rooms)["wave"].first().to_numpy(dtype=float)
    group = pd.factorize(rows.groupby(rooms)["stratum"].first())[0]

    def compared(starts: np.ndarray) -> tuple[float, float]:
        start = starts[rooms]
        use = start >= when
        quarter = pd.factorize(when[use])[0]
        started = within((start == when).astype(float)[use], quarter)
        return _difference(y[use], started), _difference(visits[use], started)

    rng = np.random.default_rng(seed)
    place = np.argsort(group, kind="stable")
    redrawn = np.empty((draws, 2))
    again = np.empty(len(names))
    for turn in range(draws):
        again[place] = wave[np.lexsort((rng.random(len(names)), group))]
        redrawn[turn] = compared(again)
    a, b = redrawn.T
    return inverted(a, b, *compared(wave), reach=8 * float(np.std(a)))


def _difference(y: np.ndarray, started: np.ndarray) -> float:
    total = float(started @ started)
    return float(started @ y) / total if total else 0.0


def _fit(rows: pd.DataFrame, change: pd.Series, adjust: Sequence[str]) -> Any:
    code = pd.factorize(rows["t"])[0]
    y, started, X = _parts(rows, change, adjust, code)
    return least_squares(y, np.column_stack([started, X]), cluster=rows["homeroom"].to_numpy())


def _parts(
    rows: pd.DataFrame, change: pd.Series, adjust: Sequence[str], code: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        within(change.to_numpy(dtype=float), code),
        within((rows["wave"] == rows["t"]).to_numpy(dtype=float), code),
        within(covariates(rows, adjust), code),
    )


@dataclass(frozen=True, slots=True)
class GroupTime:
    """Effects by the period of first treatment and the period of the outcome.

    Attributes
    ----------
    table : DataFrame
        `group`, `time`, `value`, `se`, `units`; periods before a start are tests of the design.
    influence : array of float, shape (n_units, n_rows)
        How much each unit moves each row.
    share : Series
        Units of each group over all treated units.
    unit_group : array of float, shape (n_units,)
        First treated period of each unit; infinite if never.
    """

    table: pd.DataFrame
    influence: np.ndarray
    share: pd.Series
    unit_group: np.ndarray


def group_time(panel: pd.DataFrame, *, unit: str, time: str, outcome: str, group: str) -> GroupTime:
    """Group-time effects of Callaway and Sant'Anna (2021), without covariates.

    ATT(g, t) is the mean change since g - 1 of those first treated in g, less that of those not
    treated by then. `diff-diff` (extra `impact`) does it with covariates.

    Parameters
    ----------
    panel : DataFrame
        Balanced: each unit once a period.
    group : str
        Column with the first treated period; 0 or missing means never.
    """
    wide = panel.pivot(index=unit, columns=time, values=outcome)
    first = panel.groupby(unit)[group].first().reindex(wide.index).astype(float)
    first = first.where(first > 0, NEVER).fillna(NEVER).to_numpy()
    periods = [float(one) for one in wide.columns]
    values = wide.to_numpy(dtype=float)
    never = np.isinf(first)
    rows, influences = [], []
    for g in sorted(set(first[~never])):
        base_of_g = periods.index(g) - 1
        if base_of_g < 0:
            continue
        for place, t in enumerate(periods[1:], start=1):
            base = base_of_g if t >= g else place - 1
            treated = first == g
            others = never if never.any() else np.asarray(first > max(t, g))
            if not others.any():
                continue
            change = values[:, place] - values[:, base]
            value = change[treated].mean() - change[others].mean()
            n = len(first)
            influence = np.zeros(n)
            influence[treated] = (change[treated] - change[treated].mean()) * n / treated.sum()
            influence[others] = -(change[others] - change[others].mean()) * n / others.sum()
            rows.append((g, t, value, float(np.sqrt((influence**2).sum())) / n, treated.sum()))
            influences.append(influence)
    table = pd.DataFrame(rows, columns=["group", "time", "value", "se", "units"])
    sizes = pd.Series(first[~never]).value_counts().sort_index()
    return GroupTime(table, np.column_stack(influences), sizes / sizes.sum(), first)


def aggregate(found: GroupTime, how: str) -> Estimate:
    """One figure of all group-time effects.

    Parameters
    ----------
    how : {"simple", "dynamic", "group"}
        By group size over all treated periods; mean over time since the start; mean over groups.
    """
    table = found.table
    after = (table["time"] >= table["group"]).to_numpy()
    size = table["group"].map(found.share).to_numpy(dtype=float)
    if how == "simple":
        weight = np.where(after, size, 0.0)
    elif how == "dynamic":
        since = (table["time"] - table["group"]).to_numpy()
        weight = np.where(after, size, 0.0)
        for e in np.unique(since[after]):
            weight[since == e] /= weight[since == e].sum()
    elif how == "group":
        weight = np.zeros(len(table))
        for g, share in found.share.items():
            mine = after & (table["group"] == g).to_numpy()
            if mine.any():
                weight[mine] = share / mine.sum()
    else:
        raise ValueError(f"how is {how!r}; allowed: simple, dynamic, group")
    weight = weight / weight.sum()
    value = float(weight @ table["value"])
    n = len(found.unit_group)
    influence = found.influence @ weight
    se = float(np.sqrt((influence**2).sum())) / n
    return of_value(f"group_time.{how}", value, se, n=n, clusters=n, df=max(n - 1, 1))


def with_covariates(
    panel: pd.DataFrame, *, unit: str, time: str, outcome: str, group: str, adjust: Sequence[str]
) -> Any:
    """The same with covariates, by the package diff-diff.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        from diff_diff import CallawaySantAnna
    except ImportError as error:
        raise MissingExtra(
            "differences with covariates need diff-diff; pip install 'earlywarning[impact]'"
        ) from error
    return CallawaySantAnna().fit(
        panel, outcome=outcome, unit=unit, time=time, first_treat=group, covariates=list(adjust)
    )  # fmt: skip
