"""What must be shown before any effect is, and what failing it leaves to be said.

Each rule has a limit that was set before; a report prints all of them, passed or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from earlywarning.impact import discontinuity
from earlywarning.impact.density import by_counts
from earlywarning.impact.limits import (
    ADJUST,
    BALANCE_P,
    DENSITY_P,
    F_LEAST,
    FINE,
    LEAST_BLOCKS,
    LEAST_CLUSTERS,
    LEAST_LISTED,
    LEAST_OVERLAP,
    LEAST_PER_SIDE,
    LIMITS,
    PLACEBO_P,
    PRE_TREND_P,
)
from earlywarning.impact.regression import Estimate, covariates, least_squares, within
from earlywarning.impact.standards import attrition_boundary, robustness_value, standardised

NOTHING = "nothing"
"""The design says nothing."""

ITT_ONLY = "itt_only"
"""Only what a place on the list did; not what a visit did."""

EXACT_ONLY = "exact_only"
"""Only what redrawing the lots says; no cluster-robust interval."""

RESERVATIONS = "reservations"
"""An effect may be said, with this reservation beside it."""

NOTE = "note"
"""Nothing changes; a reader is told."""

SEVERITY = (NOTE, RESERVATIONS, EXACT_ONLY, ITT_ONLY, NOTHING)


@dataclass(frozen=True, slots=True)
class Rule:
    """One diagnostic.

    Attributes
    ----------
    name : str
        For example `attrition`.
    value, limit : float
        What was found, and what it is held against.
    passed : bool
    then : str
        What a failure leaves to be said: one of `SEVERITY`.
    detail : dict of str to float, optional
        Numbers that a reader may want beside it.
    """

    name: str
    value: float
    limit: float
    passed: bool
    then: str
    detail: Mapping[str, float] | None = None


def may_say(rules: Sequence[Rule]) -> str | None:
    """The strictest consequence of the rules that failed; None if nothing is held back."""
    failed = [rule.then for rule in rules if not rule.passed]
    return max(failed, key=SEVERITY.index) if failed else None


def attrition(rows: pd.DataFrame, arm: str, outcome: str) -> Rule:
    """Children whose outcome is missing, in both arms, against the cautious boundary of the What
    Works Clearinghouse (4.1): visits may change who leaves.

    Parameters
    ----------
    rows : DataFrame
        Everybody who was assigned, with and without outcome.
    arm : str
        Column of the assignment.
    """
    missing = rows[outcome].isna().to_numpy()
    one = rows[arm].to_numpy(dtype=bool)
    overall = float(missing.mean()) if len(rows) else 1.0
    shares = [float(missing[part].mean()) if part.any() else 1.0 for part in (one, ~one)]
    difference = abs(shares[0] - shares[1])
    limit = attrition_boundary(overall)
    return Rule(
        "attrition", difference, limit, bool(difference <= limit and overall < 0.58), RESERVATIONS,
        {"overall": overall, "assigned": shares[0], "not_assigned": shares[1]},
    )  # fmt: skip


def attrition_caused(rows: pd.DataFrame, arm: str, outcome: str, *, blocks: str | None) -> Rule:
    """Whether leaving differs between the arms beyond luck, however little it is.

    A large study can have little attrition by the boundary above, and yet visits that make
    families leave. Shown beside it.
    """
    missing = rows[outcome].isna().to_numpy(dtype=float)
    code = pd.factorize(rows[blocks])[0] if blocks else np.zeros(len(rows), dtype=int)
    one = within(rows[arm].to_numpy(dtype=float), code)
    fit = least_squares(within(missing, code), one[:, None], cluster=rows["homeroom"].to_numpy())
    p = _p(fit.beta[0], fit.se(), fit.df)
    return Rule("attrition_caused", p, PLACEBO_P, not p < PLACEBO_P, RESERVATIONS)


def equivalence(rows: pd.DataFrame, arm: str, names: Sequence[str]) -> list[Rule]:
    """Baseline differences in standard deviations (What Works Clearinghouse): at most 0.05 is
    fine, up to 0.25 must be adjusted for, beyond it fails."""
    one = rows[arm].astype(bool)
    made = []
    for name in names:
        g = standardised(rows[name].astype(float), one)
        value = 0.0 if np.isnan(g) else abs(g)
        made.append(
            Rule(
                f"equivalence:{name}", value, ADJUST, value <= ADJUST, RESERVATIONS,
                {"g": g, "adjusted": float(value > FINE)},
            )
        )  # fmt: skip
    return made


def first_stage(estimate: Estimate) -> Rule:
    """Robust F of assignment on visits: below 16 the effect of a visit is not shown."""
    strength = estimate.first_stage or 0.0
    return Rule(
        "first_stage", strength, F_LEAST, strength >= F_LEAST, ITT_ONLY, {"moved": estimate.value}
    )


def lottery_balance(rows: pd.DataFrame, names: Sequence[str]) -> Rule:
    """Do winners and losers of the same block differ before the draw? One test of all columns.

    A true lottery fails this in one study of a hundred.
    """
    code = pd.factorize(rows["block"])[0]
    X = within(covariates(rows, names), code)
    won = within(rows["won"].to_numpy(dtype=float), code)
    fit = least_squares(won, X, cluster=rows["homeroom"].to_numpy())
    k = X.shape[1]
    wald = float(fit.beta @ np.linalg.pinv(fit.covariance) @ fit.beta)
    f = wald / k * max(fit.df - k + 1, 1) / max(fit.df, 1)
    p = float(stats.f.sf(f, k, max(fit.df - k + 1, 1)))
    return Rule("lottery_balance", p, BALANCE_P, p >= BALANCE_P, NOTHING)


def blocks(rows: pd.DataFrame) -> Rule:
    """Lottery blocks in which somebody won and somebody did not."""
    many = rows["block"].nunique()
    return Rule("blocks", many, LEAST_BLOCKS, many >= LEAST_BLOCKS, RESERVATIONS)


def clusters(many: int) -> Rule:
    """Homerooms: below thirty, cluster-robust intervals cover too little."""
    return Rule("homerooms", many, LEAST_CLUSTERS, many >= LEAST_CLUSTERS, EXACT_ONLY)


def cells(found: discontinuity.Discontinuity) -> Rule:
    """Enough children on both sides of the cut, and enough homerooms."""
    least = min(found.left, found.right)
    enough = least >= LEAST_PER_SIDE and found.homerooms >= LEAST_CLUSTERS
    return Rule(
        "cells", least, LEAST_PER_SIDE, enough, NOTHING,
        {"left": found.left, "right": found.right, "homerooms": found.homerooms},
    )  # fmt: skip


def placebo_outcome(rows: pd.DataFrame, before: str, adjust: Sequence[str]) -> Rule:
    """A jump, at the cut, of absence *before* the list: there must be none."""
    known = rows[rows[before].notna()]
    found = discontinuity.estimate_at_cut(known, before, adjust=adjust)
    p = found.itt.p
    return Rule("placebo_outcome", p, PLACEBO_P, not p < PLACEBO_P, NOTHING,
                {"jump": found.itt.value})  # fmt: skip


def placebo_cuts(
    rows: pd.DataFrame, outcome: str, *, bandwidth: float, adjust: Sequence[str]
) -> Rule:
    """Jumps where there is no cut, on either side; the smaller p, doubled (Bonferroni)."""
    ps = []
    for side in (-1.0, 1.0):
        part = rows[np.sign(rows["x"]) == side]
        place = float(part["x"].median())
        near = min(bandwidth, abs(place))
        if (abs(part["x"] - place) < near).sum() >= 2 * LEAST_PER_SIDE:
            found = discontinuity.estimate_at_cut(
                part, outcome, adjust=adjust, bandwidth=near, cut=place
            )
            ps.append(found.itt.p)
    p = min(1.0, 2 * min(ps)) if ps else float("nan")
    return Rule("placebo_cuts", p, PLACEBO_P, not p < PLACEBO_P, RESERVATIONS)


def bandwidths(
    rows: pd.DataFrame, outcome: str, *, bandwidth: float, adjust: Sequence[str]
) -> Rule:
    """The effect at half, once and twice the bandwidth: the three intervals must overlap."""
    found = [
        discontinuity.estimate_at_cut(rows, outcome, adjust=adjust, bandwidth=bandwidth * by).itt
        for by in (0.5, 1.0, 2.0)
    ]
    gap = max(one.low for one in found) - min(one.high for one in found)
    detail = {f"at_{by}": one.value for by, one in zip(("half", "one", "two"), found, strict=True)}
    return Rule("bandwidths", gap, 0.0, gap <= 0, RESERVATIONS, detail)


def donut(rows: pd.DataFrame, outcome: str, *, bandwidth: float, adjust: Sequence[str]) -> Rule:
    """Without the tenth of the bandwidth next to the cut: the interval must hold the value."""
    whole = discontinuity.estimate_at_cut(rows, outcome, adjust=adjust, bandwidth=bandwidth).itt
    holed = discontinuity.estimate_at_cut(
        rows, outcome, adjust=adjust, bandwidth=bandwidth, hole=bandwidth / 10
    ).itt
    inside = holed.low <= whole.value <= holed.high
    return Rule("donut", holed.value, whole.value, inside, RESERVATIONS)


def density(rows: pd.DataFrame) -> Rule:
    """Counts on both sides of the cut. Nearly blind here: capacity fixes them; see `density`."""
    found = by_counts(rows["x"].to_numpy(dtype=float))
    return Rule("density", found.p, DENSITY_P, not found.p < DENSITY_P, NOTE)


def pre_trend(*estimates: Estimate) -> Rule:
    """The roll-out's comparison before anybody started; the smallest p times their number."""
    p = min(1.0, len(estimates) * min(one.p for one in estimates))
    return Rule(
        "pre_trend", p, PRE_TREND_P, not p < PRE_TREND_P, NOTHING,
        {one.what: one.value for one in estimates},
    )  # fmt: skip


def overlap(kept: np.ndarray) -> Rule:
    """Share of the children for whom somebody comparable had the other assignment."""
    share = float(kept.mean()) if len(kept) else 0.0
    enough = share >= LEAST_OVERLAP and kept.sum() >= LEAST_LISTED
    return Rule("overlap", share, LEAST_OVERLAP, enough, NOTHING)


def limits(registered: Mapping[str, float] | None) -> Rule:
    """Limits that are not those which a design was registered with."""
    others = 0 if registered is None else sum(
        registered.get(name) != limit for name, limit in LIMITS.items()
    )  # fmt: skip
    return Rule("limits", others, 0, others == 0, RESERVATIONS)


def hashes(broken: int, lists: int) -> Rule:
    """Lists whose frozen record is not the one that was hashed before anybody saw it."""
    return Rule("frozen_lists", broken, 0, broken == 0 and lists > 0, NOTHING, {"lists": lists})


def versions(rows: pd.DataFrame) -> Rule:
    """Scores of one model version and rule only: others are on another scale."""
    many = rows["model_version"].nunique() if "model_version" in rows else 1
    return Rule("model_versions", many, 1, many <= 1, NOTE)


def sensitivity(estimate: Estimate) -> Rule:
    """Robustness value: what a hidden cause would have to explain of visits and of absence."""
    t = estimate.value / estimate.se if estimate.se > 0 else 0.0
    df = max(estimate.n - 2, 3)
    value = robustness_value(t, df)
    return Rule("robustness_value", value, 0.0, True, NOTE,
                {"significant": robustness_value(t, df, alpha=0.05)})  # fmt: skip


def _p(value: float, se: float, df: float) -> float:
    return float(2 * stats.t.sf(abs(value / se), df)) if se > 0 else 1.0
