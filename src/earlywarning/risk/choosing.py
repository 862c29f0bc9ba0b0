"""Which candidate is taken, and whether it may serve instead of the rule."""

from __future__ import annotations

from collections.abc import Sequence

from earlywarning.risk.evaluation import bootstrap
from earlywarning.risk.results import Choice, Gate


def choices(
    quarters: Sequence[bootstrap.Quarterly], *, capacity_share: float, seed: int
) -> tuple[Choice, ...]:
    """How far each candidate is behind the best, on the quarters that choose.

    Parameters
    ----------
    quarters : sequence of Quarterly
        Candidates simplest first.
    capacity_share : float
        Places as a share of the students of each quarter.
    seed : int
        Of the redraws.
    """
    drawn = bootstrap.found_share(quarters, capacity_share=capacity_share, seed=seed)
    best = max(drawn.value, key=lambda name: drawn.value[name])
    out = []
    for name, value in drawn.value.items():
        behind, error, _, _ = drawn.difference(best, name)
        out.append(Choice(name, value, behind, error))
    return tuple(out)


def simplest_near_best(selection: Sequence[Choice], standard_errors: float) -> str:
    """The simplest candidate within so many standard errors of the best (Breiman et al. 1984).

    The error is that of the difference: all candidates rank the same students, so it is much
    smaller than that of either share.
    """
    return next(c.candidate for c in selection if c.behind <= standard_errors * c.behind_error)


def gate(
    chosen: str,
    quarters: Sequence[bootstrap.Quarterly],
    *,
    capacity_share: float,
    seed: int,
    min_gain: float,
) -> Gate:
    """The chosen candidate against the rule, on quarters that had no part in choosing."""
    drawn = bootstrap.found_share(quarters, capacity_share=capacity_share, seed=seed)
    gain, error, low, high = drawn.difference(chosen, "rule")
    return Gate(
        model=chosen,
        found_share=drawn.value[chosen],
        rule_found_share=drawn.value["rule"],
        gain=gain,
        standard_error=error,
        low=low,
        high=high,
        passed=gain > min_gain,
    )
