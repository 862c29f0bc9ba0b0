"""The rule: a few documented levels, such as absent one day in ten.

It needs no history. What it claims is easily checked by hand, and every other candidate must beat
it (the published comparison REL 2021-126 found simple flags about as accurate as machine learning
at equal list size).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from earlywarning.risk.estimators.base import MAIN_FILE, json_bytes
from earlywarning.risk.estimators.calibration import expit, logit, pool_adjacent_violators
from earlywarning.risk.estimators.matrix import matrix
from earlywarning.risk.estimators.treatment import NOT_APPLICABLE
from earlywarning.risk.spec import Condition, Level, RuleSpec

PRIOR_STUDENTS = 20.0
"""Students that the preset risk of a level is worth when a level is calibrated."""


class Rule:
    """A student's level and its risk.

    Parameters
    ----------
    outcome : str
        For messages.
    rule : RuleSpec

    Attributes
    ----------
    calibrated : bool
        Whether the risks come from history; else they are the presets of `spec.toml`.
    risks_ : array of float, shape (n_levels + 2,)
        Of each level, of "otherwise", and of a student without records.
    """

    kind: ClassVar[str] = "rule"
    treatment_ = NOT_APPLICABLE

    def __init__(self, outcome: str, rule: RuleSpec) -> None:
        self.outcome = outcome
        self.rule = rule
        self.calibrated = False
        presets = [level.preset for level in rule.levels]
        self.risks_ = np.array([*presets, rule.otherwise, rule.no_data])

    @property
    def features(self) -> tuple[str, ...]:
        """What it looks at."""
        used = [c.feature for level in self.rule.levels for c in level.conditions]
        return tuple(dict.fromkeys([*used, *self.rule.evidence]))

    def levels_of(self, X: pd.DataFrame) -> np.ndarray:
        """Each student's level: position in `risks_`."""
        columns = dict(zip(self.features, matrix(X, self.features, who=self._who).T, strict=True))
        level = np.full(len(X), len(self.rule.levels))
        for index in reversed(range(len(self.rule.levels))):
            level[fulfilled(self.rule.levels[index], columns)] = index
        empty = np.all([np.isnan(columns[name]) for name in self.rule.evidence], axis=0)
        level[empty] = len(self.rule.levels) + 1
        return level

    @property
    def _who(self) -> str:
        return f"the rule of {self.outcome}"

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None = None,
        quarters: np.ndarray | None = None,
        seed: int = 0,
    ) -> Self:
        """Calibrate the levels: each one's share in trouble, drawn towards its preset.

        The presets are first moved, all by one step on the logit scale, to the school's own
        prevalence; then shares are made to fall from level to level, as documented.
        """
        known = ~np.isnan(y)
        level, y = self.levels_of(X)[known], y[known]
        counts = np.bincount(level, minlength=len(self.risks_)).astype(np.float64)
        trouble = np.bincount(level, weights=y, minlength=len(self.risks_))
        presets = Rule(self.outcome, self.rule).risks_
        prior = expit(logit(presets) + _shift(presets, counts, trouble.sum()))
        share = (trouble + PRIOR_STUDENTS * prior) / (counts + PRIOR_STUDENTS)
        share[:-1] = pool_adjacent_violators(share[:-1], counts[:-1] + PRIOR_STUDENTS)
        self.risks_, self.calibrated = share, True
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk of each student's level, shape (n,)."""
        return self.risks_[self.levels_of(X)]

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """The same as `predict_risk`: the rule knows nothing of visits."""
        return self.predict_risk(X)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """A level's distance from "otherwise", in log odds, shared by the conditions fulfilled.

        That of a student without records stands under the first feature of the evidence.
        """
        features = self.features
        columns = dict(zip(features, matrix(X, features, who=self._who).T, strict=True))
        level = self.levels_of(X)
        margin = logit(self.risks_)
        out = np.zeros((len(X), len(features)))
        for index, item in enumerate(self.rule.levels):
            rows = np.flatnonzero(level == index)
            hits = np.zeros((len(rows), len(features)))
            for condition in item.conditions:
                at = features.index(condition.feature)
                hits[:, at] = np.maximum(hits[:, at], holds(condition, columns)[rows])
            out[rows] = (margin[index] - margin[-2]) * hits / hits.sum(axis=1, keepdims=True)
        empty = level == len(self.rule.levels) + 1
        out[empty, features.index(self.rule.evidence[0])] = margin[-1] - margin[-2]
        return pd.DataFrame(out, columns=list(features))

    def to_files(self) -> dict[str, bytes]:
        """One JSON file."""
        value = {
            "kind": self.kind,
            "outcome": self.outcome,
            "calibrated": self.calibrated,
            "risks": self.risks_.tolist(),
            "rule": {
                "otherwise": self.rule.otherwise,
                "no_data": self.rule.no_data,
                "evidence": list(self.rule.evidence),
                "levels": [
                    {
                        "name": level.name,
                        "preset": level.preset,
                        "any": [[c.feature, c.comparison, c.value] for c in level.conditions],
                    }
                    for level in self.rule.levels
                ],
            },
        }
        return {MAIN_FILE: json_bytes(value)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The estimator of `to_files`."""
        value: dict[str, Any] = json.loads(files[MAIN_FILE])
        rule = value["rule"]
        levels = tuple(
            Level(item["name"], item["preset"], tuple(Condition(*c) for c in item["any"]))
            for item in rule["levels"]
        )
        made = cls(
            value["outcome"],
            RuleSpec(levels, rule["otherwise"], rule["no_data"], tuple(rule["evidence"])),
        )
        made.risks_, made.calibrated = np.array(value["risks"]), value["calibrated"]
        return made


def holds(condition: Condition, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where one condition is fulfilled; never where the value is empty."""
    value = columns[condition.feature]
    compare = {
        "at_least": np.greater_equal,
        "above": np.greater,
        "at_most": np.less_equal,
        "below": np.less,
    }[condition.comparison]
    return compare(value, condition.value)


def fulfilled(level: Level, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Where any condition of a level is fulfilled."""
    return np.any([holds(condition, columns) for condition in level.conditions], axis=0)


def _shift(presets: np.ndarray, counts: np.ndarray, trouble: float) -> float:
    """The step on the logit scale at which the presets add up to the trouble there was."""
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if (counts * expit(logit(presets) + middle)).sum() < trouble:
            low = middle
        else:
            high = middle
    return (low + high) / 2
