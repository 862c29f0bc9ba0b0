"""Boosted trees (XGBoost): shallow, strongly regularised, never against the sense of a feature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
import xgboost as xgb

from earlywarning.risk.estimators.base import MAIN_FILE, json_bytes
from earlywarning.risk.estimators.calibration import Sigmoid, fit_sigmoid
from earlywarning.risk.estimators.matrix import matrix
from earlywarning.risk.estimators.memo import Memo, once
from earlywarning.risk.estimators.treatment import NO_VISIT, USED, treatment
from earlywarning.risk.estimators.tree_ways import TreeWays
from earlywarning.risk.estimators.what_if import OfTrees, Plain, WhatIf
from earlywarning.risk.search import SEARCHED_OF_A_QUARTER, Tried
from earlywarning.risk.spec import BoostedSetting
from earlywarning.risk.splits import inner_folds, spread

TREES_FILE = "trees.ubj"

PATIENCE = 40
"""Trees without improvement after which a fold stops."""

FEW, FEW_SETTINGS = 200, 2
"""With fewer students in trouble only the first two settings are tried, the simplest: more could
not be told apart, and the best of many would be the luckiest."""

BINS = 128


class Boosted:
    """Gradient-boosted trees with monotone constraints, calibrated on later quarters.

    Parameters
    ----------
    features : sequence of str
    increasing, decreasing : sequence of str
        Of more of which the risk may only rise, or only fall.
    settings : sequence of BoostedSetting
        To choose from, by log loss on later quarters; simplest first.
    rounds : int
        Trees; with more than one setting, the most there may be.
    threads : int
        The model is the same, bit for bit, for any number.
    memo : Memo, optional
        Of the training that it takes part in.
    tried : sequence of Tried
        The search that chose the setting, if there was one.

    Attributes
    ----------
    booster_ : xgboost.Booster
        Its last input column is the treatment, which may only lower the risk.
    calibration_ : Sigmoid
    treatment_ : str
    """

    kind: ClassVar[str] = "boosted"

    def __init__(
        self,
        features: Sequence[str],
        settings: Sequence[BoostedSetting],
        *,
        rounds: int,
        increasing: Sequence[str] = (),
        decreasing: Sequence[str] = (),
        threads: int = 1,
        memo: Memo | None = None,
        tried: Sequence[Tried] = (),
    ) -> None:
        self.features = tuple(features)
        self.settings = tuple(settings)
        self.rounds = rounds
        self.increasing = tuple(increasing)
        self.decreasing = tuple(decreasing)
        self.threads = threads
        self.memo = memo
        self.tried = tuple(tried)
        self.calibrates = True
        self.treatment_ = ""
        self._ways: TreeWays | None = None

    def uncalibrated(self) -> Boosted:
        """The same candidate without calibration: it ranks alike, for a quarter of the work."""
        made = self._with(self.settings, self.rounds, self.tried)
        made.calibrates = False
        return made

    def _with(
        self, settings: Sequence[BoostedSetting], rounds: int, tried: Sequence[Tried]
    ) -> Boosted:
        return Boosted(
            self.features, settings, rounds=rounds, increasing=self.increasing,
            decreasing=self.decreasing, threads=self.threads, memo=self.memo, tried=tried,
        )  # fmt: skip

    def tuned(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Boosted:
        """The same candidate with setting and number of trees chosen, on later quarters."""
        if len(self.settings) == 1:
            return self
        known = np.flatnonzero(~np.isnan(y))
        known = known[spread(quarters[known], seed=seed, most=SEARCHED_OF_A_QUARTER)]
        X, y, quarters = X.iloc[known], y[known], quarters[known]
        treated, _ = treatment(None if visited is None else visited[known], y)
        values = self._columns(X, treated)
        folds = [
            (self._learnt_from(values[earlier], y[earlier]), self._data(values[later], y[later]),
             len(later))
            for earlier, later in inner_folds(quarters, seed=seed)
            if 0 < y[earlier].sum() < len(earlier)
        ]  # fmt: skip
        if not folds:
            return self._with(self.settings[:1], min(self.rounds, 100), ())
        offered = self.settings if y.sum() >= FEW else self.settings[:FEW_SETTINGS]
        found = [(setting, *self._curve(folds, setting, seed)) for setting in offered]
        setting, _, trees = min(found, key=lambda one: one[1])
        tried = [
            Tried(_values_of(each) | {"trees": most}, loss, each is setting)
            for each, loss, most in found
        ]
        return self._with([setting], trees, tried)

    def _curve(
        self,
        folds: Sequence[tuple[xgb.DMatrix, xgb.DMatrix, int]],
        setting: BoostedSetting,
        seed: int,
    ) -> tuple[float, int]:
        """Lowest log loss over all folds together, and the number of trees that had it."""
        curves = []
        for earlier, later, _ in folds:
            history: dict[str, dict[str, list[float]]] = {}
            xgb.train(
                self._parameters(setting, seed),
                earlier,
                self.rounds,
                evals=[(later, "later")],
                evals_result=history,
                early_stopping_rounds=PATIENCE,
                verbose_eval=False,
            )
            curves.append(history["later"]["logloss"])
        # A fold that stopped early would only have become worse: its last value stands.
        longest = max(map(len, curves))
        weights = np.array([size for _, _, size in folds], dtype=np.float64)
        padded = np.array([curve + curve[-1:] * (longest - len(curve)) for curve in curves])
        mean = (weights[:, None] * padded).sum(axis=0) / weights.sum()
        return float(mean.min()), int(mean.argmin()) + 1

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        visited: np.ndarray | None,
        quarters: np.ndarray,
        seed: int,
    ) -> Self:
        """Learn, and calibrate on quarters that the trees of earlier ones had not seen."""
        chosen = self.tuned(X, y, visited=visited, quarters=quarters, seed=seed)
        setting, self.rounds_ = chosen.settings[0], chosen.rounds
        self.setting_ = setting
        known = ~np.isnan(y)
        if not known.all():
            X, y, quarters = X.iloc[np.flatnonzero(known)], y[known], quarters[known]
            visited = None if visited is None else visited[known]
        treated, self.treatment_ = treatment(visited, y)
        if self.treatment_ != USED:
            treated = np.zeros(len(y))
        values = self._columns(X, treated)
        self.calibration_ = Sigmoid()
        if self.calibrates:
            margins, truths = [np.empty(0)], [np.empty(0)]
            for earlier, later in inner_folds(quarters, seed=seed):
                if not 0 < y[earlier].sum() < len(earlier):
                    continue
                trees = self._train(values[earlier], y[earlier], setting, seed)
                margins.append(_margin(trees, values[later]))
                truths.append(y[later])
            self.calibration_ = fit_sigmoid(np.concatenate(margins), np.concatenate(truths))
        self.booster_ = self._train(values, y, setting, seed)
        return self

    def predict_risk(self, X: pd.DataFrame) -> np.ndarray:
        """Risk if nobody visits, shape (n,)."""
        return self.predict_factual(X, None)

    def predict_factual(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        """Risk given the visits that were made, shape (n,)."""
        values = self._inputs(X, visited)
        ways = self._of_trees(len(X), once=True)
        margin = _margin(self.booster_, values) if ways is None else ways.margin(values)
        return self.calibration_.risk(margin.astype(np.float64))

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """XGBoost's own exact Shapley values (Lundberg et al. 2018), calibrated."""
        if not len(X):
            return pd.DataFrame(columns=[*self.features, NO_VISIT], dtype=np.float64)
        data = self._data(self._inputs(X, None))
        parts = self.booster_.predict(data, pred_contribs=True)[:, :-1].astype(np.float64)
        names = [*self.features, NO_VISIT]
        return pd.DataFrame(parts * self.calibration_.slope, columns=names)

    def what_if(self, X: pd.DataFrame) -> WhatIf:
        """Many students by their ways through each tree, few by XGBoost; see `what_if`."""
        ways = self._of_trees(len(X))
        if ways is None:
            return Plain(self, X)
        names = [*self.features, NO_VISIT]
        return OfTrees(ways.of(self._inputs(X, None)), names, self.calibration_)

    def to_files(self) -> dict[str, bytes]:
        """The trees as UBJ, the rest as JSON."""
        value = {
            "kind": self.kind,
            "features": list(self.features),
            "increasing": list(self.increasing),
            "decreasing": list(self.decreasing),
            "rounds": self.rounds_,
            "setting": _values_of(self.setting_),
            "treatment": self.treatment_,
            "calibration": [self.calibration_.intercept, self.calibration_.slope],
        }
        trees = bytes(self.booster_.save_raw(raw_format="ubj"))
        return {MAIN_FILE: json_bytes(value), TREES_FILE: trees}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The estimator of `to_files`."""
        value = json.loads(files[MAIN_FILE])
        made = cls(
            value["features"],
            [BoostedSetting(**value["setting"])],
            rounds=value["rounds"],
            increasing=value["increasing"],
            decreasing=value["decreasing"],
        )
        made.setting_, made.rounds_ = made.settings[0], made.rounds
        made.treatment_ = value["treatment"]
        made.calibration_ = Sigmoid(*value["calibration"])
        made.booster_ = xgb.Booster(model_file=bytearray(files[TREES_FILE]))
        return made

    def _columns(
        self, X: pd.DataFrame, treated: np.ndarray | float, *, order: Literal["C", "F"] = "C"
    ) -> np.ndarray:
        """The features and, last, the treatment, as the trees see them: 32 bits a number."""
        values = np.empty((len(X), len(self.features) + 1), dtype=np.float32, order=order)
        matrix(X, self.features, who="the boosted model", into=values[:, :-1])
        values[:, -1] = treated
        return values

    def _inputs(self, X: pd.DataFrame, visited: np.ndarray | None) -> np.ndarray:
        treated: np.ndarray | float = 0.0
        if visited is not None and self.treatment_ == USED:
            treated = np.nan_to_num(visited, nan=0.0)
        # Column after column in memory: as good to predict from, and far quicker to fill.
        return self._columns(X, treated, order="F")

    def _data(self, values: np.ndarray, y: np.ndarray | None = None) -> xgb.DMatrix:
        return xgb.DMatrix(values, y, nthread=self.threads)

    def _of_trees(self, students: int, *, once: bool = False) -> TreeWays | None:
        """The ways through the trees, if they are worth counting for so many students."""
        if self._ways is None or self._ways.booster is not self.booster_:
            self._ways = TreeWays(self.booster_, threads=self.threads)
        return self._ways if self._ways.serves(students, once=once) else None

    def _learnt_from(self, values: np.ndarray, y: np.ndarray) -> xgb.DMatrix:
        # Binned at once: half the memory of keeping the numbers as well.
        return xgb.QuantileDMatrix(values, y, max_bin=BINS, nthread=self.threads)

    def _parameters(self, setting: BoostedSetting, seed: int) -> dict[str, object]:
        signs = [(name in self.increasing) - (name in self.decreasing) for name in self.features]
        # The treatment comes last: a visit may only lower the risk. Where visited children did
        # worse than their records explain, that is why they were visited.
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_depth": setting.depth,
            "learning_rate": setting.learning_rate,
            "min_child_weight": setting.min_child_weight,
            "colsample_bytree": setting.column_share,
            "subsample": setting.row_share,
            "reg_lambda": setting.l2,
            "max_bin": BINS,
            "monotone_constraints": (*signs, -1),
            "seed": seed,
            "nthread": self.threads,
        }

    def _train(
        self, values: np.ndarray, y: np.ndarray, setting: BoostedSetting, seed: int
    ) -> xgb.Booster:
        parameters = self._parameters(setting, seed)

        def learn() -> xgb.Booster:
            data = self._learnt_from(values, y)
            return xgb.train(parameters, data, self.rounds_, verbose_eval=False)

        # The number of threads changes nothing.
        asked = {name: value for name, value in parameters.items() if name != "nthread"}
        return once(self.memo, learn, values, y, self.rounds_, asked)


def _values_of(setting: BoostedSetting) -> dict[str, float]:
    return {name: getattr(setting, name) for name in BoostedSetting.__slots__}


def _margin(booster: xgb.Booster, values: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.empty(0)
    return booster.inplace_predict(values, predict_type="margin").astype(np.float64)
