"""How good a ranked list is, at every capacity and as one figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from earlywarning.risk.evaluation.calibration import brier_score, calibration_error
from earlywarning.risk.evaluation.ties import Found, found_at_every_capacity


@dataclass(frozen=True, slots=True)
class RankingReport:
    """One list, judged once its quarter was over.

    Attributes
    ----------
    n, positives : int
        Students with a known outcome, and those in trouble.
    found : Found
        Students in trouble among the first k, k = 1 to n.
    pr_auc, roc_auc : float
        NaN where every student, or none, was in trouble.
    brier, calibration_error : float
        Of the risks, given the visits that were made.
    """

    n: int
    positives: int
    found: Found
    pr_auc: float
    roc_auc: float
    brier: float
    calibration_error: float

    def found_share(self, capacity: int, ties: str = "random") -> float:
        """Share of all trouble that the first `capacity` students hold, 0 to 1."""
        if not self.positives:
            return float("nan")
        return float(getattr(self.found, ties)[self._at(capacity)] / self.positives)

    def precision(self, capacity: int, ties: str = "random") -> float:
        """Share of the first `capacity` students who were in trouble, 0 to 1."""
        at = self._at(capacity)
        return float(getattr(self.found, ties)[at] / (at + 1))

    def _at(self, capacity: int) -> int:
        if not 1 <= capacity <= self.n:
            raise ValueError(f"capacity must be 1 to {self.n}, got {capacity}")
        return capacity - 1

    def figures(self, capacity: int) -> dict[str, float]:
        """The figures to keep, those at one capacity with their three ways of settling ties."""
        out = {
            "n": float(self.n),
            "positives": float(self.positives),
            "prevalence": self.positives / self.n if self.n else float("nan"),
            "pr_auc": self.pr_auc,
            "roc_auc": self.roc_auc,
            "brier": self.brier,
            "calibration_error": self.calibration_error,
        }
        if self.n:
            capacity = min(max(capacity, 1), self.n)
            out["capacity"] = float(capacity)
            for ties in ("random", "best", "worst"):
                end = "" if ties == "random" else f"_{ties}"
                out[f"found_share{end}"] = self.found_share(capacity, ties)
                out[f"precision{end}"] = self.precision(capacity, ties)
        return out


def evaluate(
    y: np.ndarray, risk: np.ndarray, *, factual: np.ndarray | None = None
) -> RankingReport:
    """Judge a list by what happened.

    Parameters
    ----------
    y : array of 0, 1 or NaN, shape (n,)
        NaN (no outcome known) is left out.
    risk : array of float, shape (n,)
        Risk without a visit: what ranks.
    factual : array of float, shape (n,), optional
        Risk given the visits that were made: what Brier score and calibration are about. Default
        `risk`.
    """
    known = ~np.isnan(y)
    y, risk, given = y[known], risk[known], (risk if factual is None else factual)[known]
    positives = int(y.sum())
    pair: tuple[Any, Any] = (y, risk)
    mixed = 0 < positives < len(y)
    return RankingReport(
        n=len(y),
        positives=positives,
        found=found_at_every_capacity(y, risk),
        pr_auc=float(average_precision_score(*pair)) if mixed else float("nan"),
        roc_auc=float(roc_auc_score(*pair)) if mixed else float("nan"),
        brier=brier_score(y, given),
        calibration_error=calibration_error(y, given),
    )


def capacity_of(share: float, n: int) -> int:
    """Whole places for a share of n students: at least one, at most all."""
    return min(max(int(np.floor(share * n + 0.5)), 1), max(n, 1))
