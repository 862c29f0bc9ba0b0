"""A result as it may leave the house: no number of fewer than ten children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.impact.columns import LEAST_CELL

FEW = "few"
"""Why a design that ran has no number here."""


def public(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with its small cells emptied.

    Counts of 1 to 9 are null, and so are both arms' counts of a step where one of them is: the
    total would tell it. Estimates, misleading figures and baseline means of fewer children are left
    out.

    Parameters
    ----------
    result : mapping
        As `analysis.analyse` gives it.
    """
    made = dict(result)
    made["data"] = {
        key: None if key in ("listed", "visited", "left") and _small(value) else value
        for key, value in result["data"].items()
    }
    made["results"] = [_one(one) for one in result["results"]]
    made["naive"] = [row for row in result["naive"] if row["n"] >= LEAST_CELL]
    made["reach"] = [row for row in result["reach"] if row["children"] >= LEAST_CELL]
    made["subgroups"] = [row for row in result["subgroups"] if row["n"] >= LEAST_CELL]
    return made


def _one(one: Mapping[str, Any]) -> dict[str, Any]:
    flow = [
        {"step": step, "assigned": None, "not_assigned": None}
        if _small(first) or _small(other)
        else {"step": step, "assigned": first, "not_assigned": other}
        for step, first, other in one["flow"]
    ]
    few = any(_small(count) for _, *counts in one["flow"][:1] for count in counts)
    withheld = one["verdict"] == "withheld" or few
    kept = {
        key: one[key]
        for key in ("design", "outcome", "role", "verdict", "held", "exact_used",
                    "detectable_visit", "rules")
    }  # fmt: skip
    kept["reason"] = FEW if few and one["reason"] is None else one["reason"]
    for key in ("itt", "first_stage", "effect", "interval", "p", "p_adjusted"):
        kept[key] = None if withheld else one[key]
    kept["plot"] = {} if withheld else one["plot"]
    return kept | {"flow": flow, "baseline": [] if few else one["baseline"]}


def _small(count: int) -> bool:
    return 0 < count < LEAST_CELL
