"""What is kept of a training, as plain values: for the register, MLflow and the model card."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import polars as pl

from earlywarning.risk.evaluation.doubly_robust import Without
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.results import SplitResult, TrainingResult

FIXED_SHARES = (0.05, 0.10, 0.20)
"""Capacities at which figures are also given, so that schools can be compared."""


def report(result: TrainingResult, *, capacity_share: float, seed: int) -> dict[str, Any]:
    """The result of training one outcome, JSON-ready: a figure that does not exist is null.

    Parameters
    ----------
    result : TrainingResult
    capacity_share : float
        Places as a share of the students, as used in training.
    seed : int
    """
    estimator = result.estimator
    return plain(
        {
            "outcome": result.outcome,
            "served": result.served,
            "chosen": result.chosen,
            "why": result.why,
            "calibrated": result.calibrated,
            "treatment": None if estimator is None else estimator.treatment_,
            "notices": [{"code": one.code, "numbers": dict(one.numbers)} for one in result.notices],
            "capacity_share": capacity_share,
            "seed": seed,
            "quarters": {
                "history": list(result.plan.quarters),
                "validation": list(result.plan.validation),
                "test": list(result.plan.test),
            },
            "rows": result.rows,
            "positives": result.positives,
            "selection": [asdict(choice) for choice in result.selection],
            "gate": None if result.gate is None else asdict(result.gate),
            "visits": None if result.no_visit is None else asdict(result.no_visit.positivity),
            "test": {
                name: over_quarters(items, capacity_share) | without_visits(result, name)
                for name, items in by_candidate(result.splits, "test").items()
            },
        }
    )


def by_candidate(splits: Iterable[SplitResult], role: str) -> dict[str, list[SplitResult]]:
    """The splits of one role, by candidate."""
    found: dict[str, list[SplitResult]] = {}
    for split in splits:
        if split.role == role:
            found.setdefault(split.candidate, []).append(split)
    return found


def over_quarters(items: Iterable[SplitResult], capacity_share: float) -> dict[str, float]:
    """One candidate's figures over several quarters: mean, weighted by each quarter's students.

    Shares found are weighted by each quarter's trouble instead, so that they are shares of all of
    it.
    """
    items = list(items)
    figures = [item.figures(capacity_share) for item in items]
    out = {}
    for name in figures[0]:
        if name in ("n", "positives", "capacity"):
            out[name] = sum(one[name] for one in figures)
            continue
        weight = "positives" if name.startswith("found_share") else "n"
        pairs = [(one[name], one[weight]) for one in figures if math.isfinite(one[name])]
        total = sum(w for _, w in pairs)
        out[name] = sum(value * w for value, w in pairs) / total if total else math.nan
    return out


def without_visits(result: TrainingResult, candidate: str) -> dict[str, float]:
    """`no_visit_found_share`, `no_visit_brier` and so on: NaN where visits cannot be told apart."""
    found = None if result.no_visit is None else result.no_visit.candidates.get(candidate)
    return {
        f"no_visit_{one.name}": math.nan if found is None else getattr(found, one.name)
        for one in fields(Without)
    }


def metrics(split: SplitResult, capacity_share: float) -> dict[str, float]:
    """One candidate's figures on one quarter, at the school's capacity and at fixed ones."""
    out = split.figures(capacity_share)
    for share in FIXED_SHARES:
        capacity = capacity_of(share, split.ranking.n)
        percent = round(share * 100)
        out[f"found_share_at_{percent}_percent"] = split.ranking.found_share(capacity)
        out[f"precision_at_{percent}_percent"] = split.ranking.precision(capacity)
    return out


def every_capacity(split: SplitResult) -> str:
    """A CSV with a line a capacity: found share and precision, ties at best, worst and by lot."""
    ranking = split.ranking
    capacity = np.arange(1, ranking.n + 1)
    columns: dict[str, np.ndarray] = {"capacity": capacity}
    for ties in ("random", "best", "worst"):
        end = "" if ties == "random" else f"_{ties}"
        counts = getattr(ranking.found, ties)
        columns[f"found_share{end}"] = counts / (ranking.positives or math.nan)
        columns[f"precision{end}"] = counts / capacity
    return pl.DataFrame(columns).write_csv(float_precision=6)


def plain(value: Any) -> Any:
    """Numbers that JSON does not have become null, tuples lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
