"""Formulas that reviewers of education studies use, each from its published source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

ATTRITION_OVERALL = (0.0, 0.10, 0.20, 0.30, 0.40, 0.50)
ATTRITION_CAUTIOUS = (0.057, 0.063, 0.054, 0.041, 0.026, 0.010)
"""Most difference between the arms at each overall attrition: What Works Clearinghouse Standards
Handbook 4.1, Table II.1, at every tenth per cent; straight lines between."""

ALWAYS_HIGH = 0.58


def attrition_boundary(overall: float) -> float:
    """Most difference of attrition between the arms that still counts as low.

    By the cautious boundary, since visits may change who leaves. 0 where overall attrition alone
    is too high.
    """
    if overall >= ALWAYS_HIGH:
        return 0.0
    ends = (*ATTRITION_OVERALL, ALWAYS_HIGH)
    return float(np.interp(overall, ends, (*ATTRITION_CAUTIOUS, 0.0)))


def small_sample(n: int) -> float:
    """Hedges' (1981) correction, 1 - 3 / (4 n - 9)."""
    return 1 - 3 / (4 * n - 9)


def hedges_g(
    mean_one: float, mean_other: float, sd_one: float, sd_other: float, n_one: int, n_other: int
) -> float:
    """Difference of two means in pooled standard deviations, corrected for small samples."""
    spread = np.sqrt(
        ((n_one - 1) * sd_one**2 + (n_other - 1) * sd_other**2) / (n_one + n_other - 2)
    )
    if spread == 0:
        return 0.0
    return float(small_sample(n_one + n_other) * (mean_one - mean_other) / spread)


def cox_index(share_one: float, share_other: float, n: int) -> float:
    """Difference of two shares in standard deviations: log odds ratio / 1.65 (Cox 1970)."""
    clipped = np.clip([share_one, share_other], 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped))
    return float(small_sample(n) * (odds[0] - odds[1]) / 1.65)


LEAST_EVENTS = 5
"""Fewer yes, or no, in an arm than this, and log odds say more about luck than about the arms."""


def standardised(values: pd.Series, arm: pd.Series) -> float:
    """Baseline difference of two arms: Cox's index for yes/no values, else Hedges' g.

    Yes/no values that hardly vary are taken as numbers, for log odds have no bound.
    """
    known = values.notna()
    one = values[known & arm].to_numpy(dtype=float)
    other = values[known & ~arm].to_numpy(dtype=float)
    if len(one) < 2 or len(other) < 2:
        return float("nan")
    yes_no = set(np.unique(np.concatenate([one, other]))) <= {0.0, 1.0}
    least = min(min(part.sum(), len(part) - part.sum()) for part in (one, other))
    if yes_no and least >= LEAST_EVENTS:
        return cox_index(one.mean(), other.mean(), len(one) + len(other))
    return hedges_g(
        one.mean(), other.mean(), one.std(ddof=1), other.std(ddof=1), len(one), len(other)
    )


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """p values adjusted so that of all findings at most so many per hundred are expected to be
    false (Benjamini and Hochberg 1995). An unknown p stays unknown."""
    values = np.asarray(p, dtype=float)
    known = ~np.isnan(values)
    adjusted = np.full(len(values), np.nan)
    adjusted[known] = stats.false_discovery_control(values[known]) if known.any() else []
    return [float(one) for one in adjusted]


def partial_r2(t: float, df: float) -> float:
    """Share of what is left of the outcome that the treatment explains."""
    return t**2 / (t**2 + df)


def robustness_value(t: float, df: float, *, q: float = 1.0, alpha: float = 1.0) -> float:
    """How strongly a hidden cause must be tied to both visit and outcome to undo a result.

    Cinelli and Hazlett (2020). With `alpha` below 1, to make it no longer significant at alpha.

    Returns
    -------
    float
        0 to 1: the share of the residual variance of both that it must explain.
    """
    f = q * abs(t) / np.sqrt(df)
    if alpha < 1:
        critical = stats.t.ppf(1 - alpha / 2, df - 1) / np.sqrt(df - 1)
        if f <= critical:
            return 0.0
        adjusted = f - critical
        value = 0.5 * (np.sqrt(adjusted**4 + 4 * adjusted**2) - adjusted**2)
        if f > 1 / critical and value > 1 - 1 / f**2:
            return float((f**2 - critical**2) / (1 + f**2))
        return float(value)
    return float(0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2))
