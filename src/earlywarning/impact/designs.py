"""Each design run on a panel: its estimates, its rules, and what of them may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.impact import diagnose, discontinuity, listing, lottery, rollout
from earlywarning.impact.columns import BASELINE, BEFORE
from earlywarning.impact.diagnose import Rule
from earlywarning.impact.limits import ADJUST, LEAST_LISTED, LEAST_PER_SIDE
from earlywarning.impact.regression import Estimate
from earlywarning.impact.standards import standardised


@dataclass
class Run:
    """One design on one outcome.

    Attributes
    ----------
    design, outcome : str
    reason : str or None
        Why it could not run: `no_lots`, `lots_at_cut`, `no_roll_out`, `too_few`.
    itt, first_stage, effect : Estimate or None
        `effect` is None where the rules do not let it be shown.
    exact : dict
        p, low, high by redrawing lots, where lots were drawn.
    rules : list of Rule
    flow : list of (str, int, int)
        Children in each step: assigned, not assigned.
    baseline : list of dict
        Means of both arms before, and the difference in standard deviations.
    plot : dict
        Points of a figure.
    """

    design: str
    outcome: str
    reason: str | None = None
    itt: Estimate | None = None
    first_stage: Estimate | None = None
    effect: Estimate | None = None
    exact: dict[str, float] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    flow: list[tuple[str, int, int]] = field(default_factory=list)
    baseline: list[dict[str, Any]] = field(default_factory=list)
    plot: dict[str, Any] = field(default_factory=dict)


def adjustment(outcome: str) -> list[str]:
    """Columns to adjust for, the outcome's own history first."""
    before = BEFORE[outcome]
    return [before, *(name for name in BASELINE if name != before)]


def run(
    design: str, rows: pd.DataFrame, outcome: str, *, seed: int, before_rules: Sequence[Rule]
) -> Run:
    """Run a design.

    Parameters
    ----------
    design : str
        One of `study.DESIGNS`.
    rows : DataFrame
        The panel of the study's quarters.
    before_rules : sequence of Rule
        About the evidence itself: hashes and lots.
    """
    made = Run(design, outcome)
    made.rules += before_rules
    {"lottery": _lottery, "discontinuity": _discontinuity, "listing": _listing,
     "rollout": _roll_out}[design](made, rows, seed)  # fmt: skip
    if made.first_stage is not None:
        made.rules.append(diagnose.first_stage(made.first_stage))
    if made.itt is not None:
        made.rules.append(diagnose.sensitivity(made.itt))
        made.rules.append(diagnose.versions(rows))
    held = diagnose.may_say(made.rules)
    if held in (diagnose.NOTHING, diagnose.ITT_ONLY, diagnose.EXACT_ONLY):
        made.effect = None
    return made


def _lottery(made: Run, rows: pd.DataFrame, seed: int) -> None:
    whole = lottery.drawn(rows)
    if whole["block"].nunique() < 2:
        made.reason = "no_lots"
        return
    adjust = adjustment(made.outcome)
    known = lottery.drawn(whole[whole[made.outcome].notna()])
    _count(made, "assigned", whole, "won")
    _count(made, "outcome_known", known, "won")
    _count(made, "visited", known[known["visited"] > 0], "won")
    if known["block"].nunique() < 2:
        made.reason = "too_few"
        return
    made.itt = lottery.itt(known, made.outcome, adjust=adjust)
    made.first_stage = lottery.first_stage(known, adjust=adjust)
    made.effect = lottery.effect(known, made.outcome, adjust=adjust)
    drawn = lottery.randomisation(known, made.outcome, seed=seed, adjust=adjust)
    made.exact = asdict(drawn)
    made.rules += [
        diagnose.attrition(whole, "won", made.outcome),
        diagnose.attrition_caused(whole, "won", made.outcome, blocks="block"),
        diagnose.lottery_balance(whole, BASELINE),
        *diagnose.equivalence(known, "won", BASELINE),
        diagnose.blocks(known),
        diagnose.clusters(made.itt.clusters),
    ]
    made.baseline = baseline(known, "won")


def _discontinuity(made: Run, rows: pd.DataFrame, _: int) -> None:
    whole = discontinuity.at_cut(rows)
    if whole.empty:
        made.reason = "lots_at_cut" if rows["block"].notna().any() else "too_few"
        return
    adjust = adjustment(made.outcome)
    whole = whole.assign(above=whole["x"] > 0)
    known = whole[whole[made.outcome].notna()]
    if min((known["x"] > 0).sum(), (known["x"] <= 0).sum()) < LEAST_PER_SIDE:
        made.reason = "too_few"
        _count(made, "assigned", whole, "above")
        return
    found = discontinuity.estimate_at_cut(known, made.outcome, adjust=adjust)
    h = found.bandwidth
    near, near_known = (part[part["x"].abs() < h] for part in (whole, known))
    _count(made, "assigned", whole, "above")
    _count(made, "near_cut", near, "above")
    _count(made, "outcome_known", near_known, "above")
    _count(made, "visited", near_known[near_known["visited"] > 0], "above")
    made.itt, made.first_stage, made.effect = found.itt, found.first_stage, found.effect
    made.rules += [
        diagnose.cells(found),
        diagnose.attrition(near, "above", made.outcome),
        diagnose.placebo_outcome(whole, BEFORE[made.outcome], []),
        diagnose.placebo_cuts(known, made.outcome, bandwidth=h, adjust=adjust),
        diagnose.bandwidths(known, made.outcome, bandwidth=h, adjust=adjust),
        diagnose.donut(known, made.outcome, bandwidth=h, adjust=adjust),
        diagnose.density(whole),
    ]
    made.baseline = baseline(near_known, "above")
    bins = discontinuity.binned(known, made.outcome, bandwidth=h)
    made.plot = {"bandwidth": h, "points": bins.to_dict("records")}


def _listing(made: Run, rows: pd.DataFrame, seed: int) -> None:
    whole = listing.comparable(rows)
    known = whole[whole[made.outcome].notna()]
    if known["listed"].sum() < LEAST_LISTED or known["homeroom"].nunique() < 2 * listing.FOLDS:
        made.reason = "too_few"
        _count(made, "assigned", whole, "listed")
        return
    found = listing.estimate_listing(
        known, made.outcome, adjust=adjustment(made.outcome), seed=seed
    )
    kept = known[found.kept]
    _count(made, "assigned", whole, "listed")
    _count(made, "outcome_known", known, "listed")
    _count(made, "comparable", kept, "listed")
    _count(made, "visited", kept[kept["visited"] > 0], "listed")
    made.itt, made.first_stage, made.effect = found.itt, found.first_stage, found.effect
    made.rules += [
        diagnose.overlap(found.kept),
        diagnose.clusters(found.itt.clusters),
        diagnose.attrition(whole, "listed", made.outcome),
        *_weighted(kept, found.propensity[found.kept]),
    ]
    made.baseline = baseline(kept, "listed")


def _weighted(kept: pd.DataFrame, propensity: np.ndarray) -> list[Rule]:
    """Baseline differences once both arms are weighted to be alike."""
    z = kept["listed"].to_numpy(dtype=bool)
    weight = np.where(z, 1 / propensity, 1 / (1 - propensity))
    made = []
    for name in BASELINE:
        values = kept[name].to_numpy(dtype=float)
        use = ~np.isnan(values)
        if not (use & z).any() or not (use & ~z).any():
            continue
        means = [np.average(values[use & arm], weights=weight[use & arm]) for arm in (z, ~z)]
        spread = values[use].std() or 1.0
        g = float((means[0] - means[1]) / spread)
        made.append(
            Rule(f"weighted:{name}", abs(g), ADJUST, abs(g) <= ADJUST,
                 diagnose.RESERVATIONS, {"g": g})
        )  # fmt: skip
    return made


def _roll_out(made: Run, rows: pd.DataFrame, seed: int) -> None:
    if not rows["wave"].notna().any():
        made.reason = "no_roll_out"
        return
    before = BEFORE[made.outcome]
    whole = rollout.starting(rows)
    whole = whole.assign(started=whole["wave"] == whole["t"])
    known = whole[whole[made.outcome].notna() & whole[before].notna()]
    known = rollout.starting(known)
    _count(made, "assigned", whole, "started")
    _count(made, "outcome_known", known, "started")
    _count(made, "visited", known[known["visited"] > 0], "started")
    if known["homeroom"].nunique() < 4:
        made.reason = "too_few"
        return
    made.itt = rollout.itt(known, made.outcome, before)
    made.first_stage = rollout.first_stage(known)
    made.effect = rollout.effect(known, made.outcome, before)
    made.exact = asdict(
        rollout.randomisation(_compared(rows, known, made.outcome, before), made.outcome, before,
                              seed=seed)
    )  # fmt: skip
    trends = [rollout.order_trend(rows, "absence_before", "absence_earlier")]
    if known["absence_earlier"].notna().any():
        trends.append(rollout.pre_trend(known, "absence_before", "absence_earlier"))
    made.rules += [
        diagnose.clusters(made.itt.clusters),
        diagnose.pre_trend(*trends),
        diagnose.attrition(whole, "started", made.outcome),
        *diagnose.equivalence(known, "started", BASELINE),
    ]
    made.baseline = baseline(known, "started")
    made.plot = {
        "points": [
            {"since": -1, "value": trends[-1].value, "low": trends[-1].low,
             "high": trends[-1].high},
            {"since": 0, "value": made.itt.value, "low": made.itt.low, "high": made.itt.high},
        ]
    }  # fmt: skip


def _compared(rows: pd.DataFrame, known: pd.DataFrame, outcome: str, before: str) -> pd.DataFrame:
    """Every list by score of the quarters compared, also those of homerooms that visit already."""
    some = rollout.by_score(rows)
    return some[some["t"].isin(known["t"]) & some[outcome].notna() & some[before].notna()]


def _count(made: Run, step: str, rows: pd.DataFrame, arm: str) -> None:
    one = int(rows[arm].astype(bool).sum())
    made.flow.append((step, one, len(rows) - one))


def baseline(rows: pd.DataFrame, arm: str) -> list[dict[str, Any]]:
    """Means of both arms before the list and their difference in standard deviations."""
    one = rows[arm].astype(bool)
    return [
        {
            "name": name,
            "assigned": float(rows.loc[one, name].mean()),
            "not_assigned": float(rows.loc[~one, name].mean()),
            "g": standardised(rows[name].astype(float), one),
        }
        for name in BASELINE
        if rows[name].notna().any()
    ]
