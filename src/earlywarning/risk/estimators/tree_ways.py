"""Boosted trees asked about many students more than once: each tree once for each way through it.

What a tree says of a student depends on nothing but how its splits decide for that student: one bit
a split, the student's way. A shallow tree has few splits, so a thousand students go through it in a
few hundred ways. XGBoost is asked for the Shapley values of one student of each way; the margin of
students of whom some values were otherwise needs no XGBoost at all, only the bits of the splits on
those values. What is looked up is added up in XGBoost's own order and precision: the sums are the
same bits as when it is asked for every student.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb

from earlywarning.errors import DataError

MOST_SPLITS = 16
"""Of a tree; with more, the ways are too many to be worth counting."""

FEW_ROWS = 4000
"""Below so many students XGBoost does all: asking tree by tree costs more than it saves."""

FEW_FOR_MARGINS = 100_000
"""The same where only margins are asked for: to read the trees costs as much as they save."""

AT_ONCE = 1 << 16
"""Students whose numbers stay near the processor while they go through the trees."""

CELLS = 1 << 11
"""Into which the span of a column's thresholds is divided, to find each value's place."""


class Split(NamedTuple):
    """One split of a tree.

    Attributes
    ----------
    bit : int
        Of a way; set where smaller values go.
    column : int
    place : int
        Of its threshold among all thresholds of the column, in order.
    missing_left : bool
        Whether an empty value goes where smaller ones go.
    """

    bit: int
    column: int
    place: int
    missing_left: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree. A way through it is a number of one bit a split.

    Attributes
    ----------
    splits : list of Split
    leaves : array of float32, shape (2 ** n_splits,)
        What the tree adds to the margin of each way.
    """

    splits: list[Split]
    leaves: np.ndarray


@dataclass(slots=True)
class Known:
    """Ways through one tree of which XGBoost was asked.

    Attributes
    ----------
    ways : array of int, shape (n_ways,)
    parts : array of float32, shape (n_columns, n_ways)
        Of the tree's own columns, in order.
    """

    ways: np.ndarray
    parts: np.ndarray


class TreeWays:
    """One booster, and what it said of ways that students took before.

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

    def serves(self, students: int, *, once: bool = False) -> bool:
        """Whether counting ways is worth it for so many: not for few, nor with deep trees.

        Parameters
        ----------
        students : int
        once : bool
            Only the margin is asked for.
        """
        few = FEW_FOR_MARGINS if once else FEW_ROWS
        return students >= few and self._most_splits <= MOST_SPLITS

    def margin(self, values: np.ndarray) -> np.ndarray:
        """The margin of every student, in 32 bits.

        Parameters
        ----------
        values : array of float32, shape (n, n_columns)
            Column after column in memory is quickest.

        Returns
        -------
        array of float32, shape (n,)
            What XGBoost predicts, to the bit.

        Raises
        ------
        DataError
            If a value is infinite, which XGBoost refuses too.
        """
        margin = np.full(len(values), self.start)
        for some in _in_turn(len(values)):
            here = margin[some]
            columns = self._columns(values[some])
            part = np.empty_like(here)
            for tree in self.trees:
                here += _looked_up(tree.leaves, _bits(tree.splits, columns, len(here)), part)
        return margin

    def of(self, values: np.ndarray) -> StudentsWays:
        """The ways of every student, and what XGBoost says of them: `values` as in `margin`."""
        ways = np.zeros((len(self.trees), len(values)), dtype=np.uint16)
        for some in _in_turn(len(values)):
            columns = self._columns(values[some])
            for number, tree in enumerate(self.trees):
                ways[number, some] = _bits(tree.splits, columns, some.stop - some.start)
        by_student = np.ascontiguousarray(values)
        for number in range(len(self.trees)):
            self._learn(number, by_student, ways[number])
        return StudentsWays(self, ways)

    def _columns(self, values: np.ndarray) -> dict[int, Steps]:
        if np.isinf(values).any():
            raise DataError("a feature is infinite; trees know only numbers and empty values")
        return {column: one.steps(values[:, column]) for column, one in self.thresholds.items()}

    def known(self, number: int) -> Known:
        """What XGBoost said of one tree so far."""
        known = self._known.get(number)
        if known is None:
            nothing = np.empty((len(self.used[number]), 0), dtype=np.float32)
            known = self._known[number] = Known(np.empty(0, dtype=np.int64), nothing)
        return known

    def _learn(self, number: int, values: np.ndarray, ways: np.ndarray) -> None:
        """Ask XGBoost for one student of each way that nobody took before."""
        known = self.known(number)
        new = np.ones(len(self.trees[number].leaves), dtype=bool)
        new[known.ways] = False
        rows = np.flatnonzero(new.take(ways.astype(np.intp)))
        if not len(rows):
            return
        one_of = np.full(len(new), -1)
        one_of[ways[rows]] = rows
        asked = np.flatnonzero(one_of >= 0)
        data = xgb.DMatrix(values[one_of[asked]], nthread=self.threads)
        parts = self._singles[number].predict(data, pred_contribs=True).T
        known.ways = np.concatenate([known.ways, asked])
        known.parts = np.concatenate([known.parts, parts[list(self.used[number])]], axis=1)

    @cached_property
    def start(self) -> np.float32:
        """The margin before the first tree: that of a tree which adds nothing."""
        model = json.loads(bytes(self.booster[:1].save_raw(raw_format="json")))
        (tree,) = model["learner"]["gradient_booster"]["model"]["trees"]
        tree["split_conditions"] = [0.0] * len(tree["split_conditions"])
        empty = xgb.Booster(model_file=bytearray(json.dumps(model).encode()))
        nobody = np.full((1, self.booster.num_features()), np.nan, dtype=np.float32)
        return empty.predict(xgb.DMatrix(nobody, nthread=self.threads), output_margin=True)[0]

    @cached_property
    def trees(self) -> list[Tree]:
        """Every tree, in the order in which they are added up."""
        found = []
        for tree in self._read:
            nodes, leaves = _unfolded(tree, 0)
            splits = [
                Split(
                    bit, column, int(np.searchsorted(self.thresholds[column].limits, limit)), left
                )
                for bit, column, limit, left in zip(
                    range(len(nodes) - 1, -1, -1),
                    tree["split_indices"][nodes].tolist(),
                    tree["split_conditions"][nodes],
                    tree["default_left"][nodes].tolist(),
                    strict=True,
                )
            ]
            found.append(Tree(splits, leaves))
        return found

    @cached_property
    def used(self) -> list[dict[int, int]]:
        """The columns of each tree in order, and the place of each among them."""
        columns = [sorted({split.column for split in tree.splits}) for tree in self.trees]
        return [{column: place for place, column in enumerate(some)} for some in columns]

    @cached_property
    def thresholds(self) -> dict[int, Thresholds]:
        """Those of each column that is split on."""
        inner = [tree["left_children"] >= 0 for tree in self._read]
        columns, limits = (
            np.concatenate([tree[name][at] for tree, at in zip(self._read, inner, strict=True)])
            for name in ("split_indices", "split_conditions")
        )
        return {
            at: Thresholds(np.unique(limits[columns == at])) for at in np.unique(columns).tolist()
        }

    @cached_property
    def _most_splits(self) -> int:
        return max(int((tree["left_children"] >= 0).sum()) for tree in self._read)

    @cached_property
    def _singles(self) -> list[xgb.Booster]:
        """Each tree alone."""
        return [self.booster[at : at + 1] for at in range(self.booster.num_boosted_rounds())]

    @cached_property
    def _read(self) -> list[dict[str, np.ndarray]]:
        """Every tree's nodes, as XGBoost writes them."""
        kinds: dict[str, Any] = {
            "left_children": np.int64, "right_children": np.int64, "split_indices": np.int64,
            "split_conditions": np.float32, "default_left": bool,
        }  # fmt: skip
        model = json.loads(bytes(self.booster.save_raw(raw_format="json")))
        return [
            {name: np.asarray(tree[name], dtype=kind) for name, kind in kinds.items()}
            for tree in model["learner"]["gradient_booster"]["model"]["trees"]
        ]


class StudentsWays:
    """The ways of some students through every tree.

    Parameters
    ----------
    trees : TreeWays
    ways : array of uint16, shape (n_trees, n)
    """

    def __init__(self, trees: TreeWays, ways: np.ndarray) -> None:
        self._trees = trees
        self._ways = ways

    def parts(self, columns: Sequence[int], rows: np.ndarray) -> np.ndarray:
        """What some columns add to the margin of some students, in 32 bits.

        Parameters
        ----------
        columns : sequence of int
        rows : array of int, shape (k,)

        Returns
        -------
        array of float32, shape (len(columns), k)
            Of XGBoost's `pred_contribs`, to the bit.
        """
        added = np.zeros((len(columns), len(rows)), dtype=np.float32)
        # Of ways that nobody took it says nothing, and is not asked.
        of_way = np.empty(1 << MOST_SPLITS, dtype=np.float32)
        for some in _in_turn(len(rows)):
            here = rows[some]
            part = np.empty(len(here), dtype=np.float32)
            for number, used in enumerate(self._trees.used):
                shared = [(at, used[column]) for at, column in enumerate(columns) if column in used]
                if not shared:
                    continue
                known = self._trees.known(number)
                ways = self._ways[number].take(here).astype(np.intp)
                for at, place in shared:
                    of_way[known.ways] = known.parts[place]
                    added[at, some] += _looked_up(of_way, ways, part)
        return added

    def margin(self, rows: np.ndarray, changed: Mapping[int, np.ndarray]) -> np.ndarray:
        """The margin of some students, had some of their values been others.

        Parameters
        ----------
        rows : array of int, shape (k,)
        changed : mapping of column to array of float32, shape (k,)

        Returns
        -------
        array of float32, shape (k,)
            What XGBoost predicts, to the bit.
        """
        thresholds = self._trees.thresholds
        changed = {at: values for at, values in changed.items() if at in thresholds}
        # Of each tree: the splits that may decide otherwise, and the bits of all others.
        others = [
            (
                [one for one in tree.splits if one.column in changed],
                sum(1 << one.bit for one in tree.splits if one.column not in changed),
            )
            for tree in self._trees.trees
        ]
        margin = np.full(len(rows), self._trees.start)
        for some in _in_turn(len(rows)):
            columns = {at: thresholds[at].steps(values[some]) for at, values in changed.items()}
            here = rows[some]
            part, ways = np.empty(len(here), dtype=np.float32), np.empty(len(here), dtype=np.uint16)
            for tree, own, (splits, kept) in zip(
                self._trees.trees, self._ways, others, strict=True
            ):
                own.take(here, out=ways, mode="clip")
                if splits:
                    ways &= kept
                    ways |= _bits(splits, columns, len(here))
                margin[some] += _looked_up(tree.leaves, ways, part)
        return margin


@dataclass(frozen=True, slots=True)
class Steps:
    """One column of some students, as its splits see it.

    Attributes
    ----------
    reached : array of uint8 or uint16, shape (n,)
        How many of the column's thresholds each value has reached; of an empty one, all.
    empty : array of bool, shape (n,), or None
        None where no value is empty.
    """

    reached: np.ndarray
    empty: np.ndarray | None


class Thresholds:
    """All thresholds of one column.

    A value's cell says which thresholds lie below it but for the few of the same cell, with which
    it is compared: what a search for each value finds, in a fraction of the time.

    Parameters
    ----------
    limits : array of float32, shape (n_thresholds,)
        In order, none twice.
    """

    def __init__(self, limits: np.ndarray) -> None:
        self.limits = limits
        self._kind = np.uint8 if len(limits) < 1 << 8 else np.uint16
        span = float(limits[-1]) - float(limits[0])
        self._scale = np.float32(min((CELLS - 1) / span, 1e30) if span else 1)
        cells = self._cells(limits)
        self._below = np.searchsorted(cells, np.arange(CELLS))
        self._most = int(np.bincount(cells).max())
        # Beyond the last stands what no value reaches.
        self._next = np.append(limits, np.full(self._most, np.nan, dtype=np.float32))

    def steps(self, values: np.ndarray) -> Steps:
        """Where values of 32 bits stand among them, shape (n,)."""
        at = self._below.take(self._cells(values))
        reached = at.astype(self._kind)
        for _ in range(self._most):
            reached += values >= self._next.take(at)
            at += 1
        empty = np.isnan(values)
        if not empty.any():
            return Steps(reached, None)
        np.copyto(reached, len(self.limits), where=empty)
        return Steps(reached, empty)

    def _cells(self, values: np.ndarray) -> np.ndarray:
        """Never a lower one for a greater value; the first where there is none."""
        with np.errstate(over="ignore"):
            cells = (values - self.limits[0]) * self._scale
        np.fmax(cells, 0, out=cells)
        np.fmin(cells, CELLS - 1, out=cells)
        return cells.astype(np.intp)


def _in_turn(students: int) -> Iterator[slice]:
    for start in range(0, students, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, students))


def _bits(splits: Sequence[Split], columns: Mapping[int, Steps], students: int) -> np.ndarray:
    """What some splits of a tree add to each student's way."""
    low, high = np.zeros((2, students), dtype=np.uint8)
    left = np.empty(students, dtype=bool)
    bits = left.view(np.uint8)
    for bit, column, place, missing_left in splits:
        here = columns[column]
        # An empty value has reached every threshold, so it is right without more.
        np.less_equal(here.reached, place, out=left)
        if missing_left and here.empty is not None:
            np.logical_or(left, here.empty, out=left)
        np.multiply(bits, 1 << bit % 8, out=bits)
        half = high if bit >= 8 else low
        np.bitwise_or(half, bits, out=half)
    ways = high.astype(np.uint16)
    ways *= 1 << 8
    ways |= low
    return ways


def _looked_up(of_way: np.ndarray, ways: np.ndarray, part: np.ndarray) -> np.ndarray:
    # Every way is in range: without `clip` each would be checked first.
    return of_way.take(ways.astype(np.intp, copy=False), out=part, mode="clip")


def _unfolded(tree: Mapping[str, np.ndarray], node: int) -> tuple[list[int], np.ndarray]:
    """The splits of the tree below a node, and the leaf of each way through them."""
    left, right = (int(tree[f"{side}_children"][node]) for side in ("left", "right"))
    if left < 0:
        return [], tree["split_conditions"][node : node + 1]
    left_splits, smaller = _unfolded(tree, left)
    right_splits, greater = _unfolded(tree, right)
    leaves = np.concatenate([np.tile(greater, len(smaller)), np.repeat(smaller, len(greater))])
    return [node, *left_splits, *right_splits], leaves
