"""What each rule is held against, set before outcomes are known.

A design carries a copy of them under its hash: a program with others says so in its report.
"""

from __future__ import annotations

F_LEAST = 16.0
"""Robust F of assignment on visits (What Works Clearinghouse)."""

FINE, ADJUST = 0.05, 0.25
"""Baseline differences in standard deviations: no need to adjust; too large to adjust for."""

LEAST_BLOCKS = 40
LEAST_CLUSTERS = 30
LEAST_PER_SIDE = 100
LEAST_LISTED = 200
LEAST_OVERLAP = 0.05
BALANCE_P = 0.01
PRE_TREND_P = 0.05
PLACEBO_P = 0.01
DENSITY_P = 0.01

LIMITS: dict[str, float] = {
    "first_stage_f": F_LEAST,
    "baseline_fine": FINE,
    "baseline_adjust": ADJUST,
    "blocks": LEAST_BLOCKS,
    "homerooms": LEAST_CLUSTERS,
    "each_side": LEAST_PER_SIDE,
    "listed": LEAST_LISTED,
    "overlap": LEAST_OVERLAP,
    "balance_p": BALANCE_P,
    "pre_trend_p": PRE_TREND_P,
    "placebo_p": PLACEBO_P,
    "density_p": DENSITY_P,
}
"""All of them, as `study.toml` names them."""
