"""XGBoost's exact Shapley values of many students, each tree asked once for each way through it.

What a tree adds for a student depends on nothing but how its splits decide for that student. A
shallow tree has few splits, so a thousand students go through it in a few hundred ways. XGBoost is
asked for one student of each way, tree by tree, and the answers are added up in its own order and
precision: the sums are the same bits as when it is asked for every student.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xgboost as xgb

MOST_SPLITS = 16
"""Of a tree; with more, the ways are too many to be worth counting, and XGBoost does all."""

FEW_ROWS = 4000
"""Below so many students XGBoost does all: asking tree by tree costs more than it saves."""

SEVERAL = 4
"""Ways of a tree among the students must be fewer than the students by this factor."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The splits of one tree.

    Attributes
    ----------
    columns : array of int, shape (n_splits,)
    places : array of int, shape (n_splits,)
        Of each threshold among all thresholds of its column, in order.
    missing_left : array of bool, shape (n_splits,)
        Whether an empty value goes where smaller ones go.
    """

    columns: np.ndarray
    places: np.ndarray
    missing_left: np.ndarray


@dataclass(slots=True)
class Known:
    """Ways through one tree of which XGBoost was asked.

    Attributes
    ----------
    ways : array of int, shape (n_ways,)
    parts : array of float32, shape (n_ways, n_columns of the tree)
    """

    ways: np.ndarray
    parts: np.ndarray


class TreeParts:
    """Shapley values of one booster.

    Parameters
    ----------
    booster : xgboost.Booster
        Trees only, one group of outputs.
    threads : int
    """

    def __init__(self, booster: xgb.Booster, *, threads: int = 1) -> None:
        self.booster = booster
        self.threads = threads
        self._known: dict[int, Known] = {}

    def values(self, values: np.ndarray) -> np.ndarray:
        """What each column adds to each student's margin, in 32 bits.

        Parameters
        ----------
        values : array of float32, shape (n, n_columns)

        Returns
        -------
        array of float32, shape (n, n_columns)
            `pred_contribs` without its last column, to the bit.
        """
        trees, thresholds = self._read
        if len(values) < FEW_ROWS or any(len(tree.columns) > MOST_SPLITS for tree in trees):
            return self._asked(self.booster, values)
        by_column = np.asfortranarray(values)
        empty = {at: np.isnan(by_column[:, at]) for at in thresholds}
        steps = {at: _steps(some, by_column[:, at]) for at, some in thresholds.items()}
        added = np.zeros((values.shape[1], len(values)), dtype=np.float32)
        for number, tree in enumerate(trees):
            if len(tree.columns):
                self._add(added, number, tree, values, _ways(tree, steps, empty))
        return added.T

    def _add(
        self,
        added: np.ndarray,
        number: int,
        tree: Tree,
        values: np.ndarray,
        ways: np.ndarray,
    ) -> None:
        columns = np.unique(tree.columns)
        known = self._known.get(number)
        if known is None:
            nothing = np.empty((0, len(columns)), dtype=np.float32)
            known = self._known[number] = Known(np.empty(0, dtype=np.int64), nothing)
        new = np.zeros(1 << len(tree.columns), dtype=bool)
        new[ways] = True
        new[known.ways] = False
        asked = np.flatnonzero(new)
        if len(asked) * SEVERAL > len(ways):
            parts = self._asked(self._singles[number], values)
            for column in columns.tolist():
                added[column] += parts[:, column]
            return
        if len(asked):
            one_of = np.empty(len(new), dtype=np.int64)
            one_of[ways] = np.arange(len(ways))
            parts = self._asked(self._singles[number], values[one_of[asked]])
            known.ways = np.concatenate([known.ways, asked])
            known.parts = np.concatenate([known.parts, parts[:, columns]])
        of_way = np.zeros(len(new), dtype=np.float32)
        for at, column in enumerate(columns.tolist()):
            of_way[known.ways] = known.parts[:, at]
            added[column] += of_way.take(ways)

    def _asked(self, booster: xgb.Booster, values: np.ndarray) -> np.ndarray:
        """XGBoost's own answer."""
        data = xgb.DMatrix(values, nthread=self.threads)
        return booster.predict(data, pred_contribs=True)[:, :-1]

    @cached_property
    def _singles(self) -> list[xgb.Booster]:
        """Each tree alone."""
        return [self.booster[at : at + 1] for at in range(self.booster.num_boosted_rounds())]

    @cached_property
    def _read(self) -> tuple[list[Tree], dict[int, np.ndarray]]:
        """Every tree, and the thresholds of each column in order."""
        model = json.loads(bytes(self.booster.save_raw(raw_format="json")))
        raw = []
        for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
            inner = np.asarray(tree["left_children"], dtype=np.int64) >= 0
            raw.append(
                (
                    np.asarray(tree["split_indices"], dtype=np.int64)[inner],
                    np.asarray(tree["split_conditions"], dtype=np.float32)[inner],
                    np.asarray(tree["default_left"], dtype=bool)[inner],
                )
            )
        columns = np.concatenate([one[0] for one in raw] or [np.empty(0, np.int64)])
        limits = np.concatenate([one[1] for one in raw] or [np.empty(0, np.float32)])
        thresholds = {at: np.unique(limits[columns == at]) for at in np.unique(columns).tolist()}
        trees = [
            Tree(
                some,
                np.array(
                    [
                        np.searchsorted(thresholds[at], limit)
                        for at, limit in zip(some.tolist(), values, strict=True)
                    ],
                    dtype=np.uint16,
                ),
                missing_left,
            )
            for some, values, missing_left in raw
        ]
        return trees, thresholds


def _steps(thresholds: np.ndarray, column: np.ndarray) -> np.ndarray:
    """How many thresholds of its column each value has reached, in as few bits as will do."""
    kind = np.uint8 if len(thresholds) < 1 << 8 else np.uint16
    return np.searchsorted(thresholds, column, side="right").astype(kind)


def _ways(tree: Tree, steps: dict[int, np.ndarray], empty: dict[int, np.ndarray]) -> np.ndarray:
    """Each student's way through a tree: one bit a split, set where smaller values go."""
    students = len(steps[int(tree.columns[0])])
    halves = np.zeros((2, students), dtype=np.uint8)
    left = np.empty(students, dtype=bool)
    bits = left.view(np.uint8)
    for split, column in enumerate(tree.columns.tolist()):
        here = steps[column]
        # An empty value is greater than every threshold here, so it is right without more.
        np.less_equal(here, here.dtype.type(tree.places[split]), out=left)
        if tree.missing_left[split]:
            np.logical_or(left, empty[column], out=left)
        np.left_shift(bits, np.uint8(split % 8), out=bits)
        np.bitwise_or(halves[split // 8], bits, out=halves[split // 8])
    ways = halves[0].astype(np.int64)
    if len(tree.columns) > 8:
        ways |= halves[1].astype(np.int64) << 8
    return ways
