"""What models learn from and score: one row for each student of each quarter's cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Sample:
    """What a dataset was drawn from, where not everybody is in it.

    Attributes
    ----------
    of : int
        Students and quarters there are in all.
    classes : mapping of class_id to int
        Students of each class in the newest quarter, drawn or not.
    """

    of: int
    classes: Mapping[str, int]


@dataclass(frozen=True)
class Dataset:
    """Features, outcomes and visits, row for row, in the order of quarter and student_id.

    Attributes
    ----------
    ids : DataFrame, shape (n, 4)
        quarter, student_id, school_id, class_id.
    X : DataFrame, shape (n, n_features)
        `features.build.FEATURES`, float64; NaN where nothing was recorded.
    y : DataFrame, shape (n, 3)
        attendance, behaviour, grades: 1.0 in trouble, 0.0 not, NaN unknown.
    visited : array of float, shape (n,)
        1.0 if a visit was made in the quarter, 0.0 if not, NaN if not asked for.
    label_status : array of str, shape (n,)
        `labelled`, `left_early`, `no_data`; empty text if not asked for.
    sample : Sample or None
        None if everybody is in it.
    """

    ids: pd.DataFrame
    X: pd.DataFrame
    y: pd.DataFrame
    visited: np.ndarray
    label_status: np.ndarray
    sample: Sample | None = None

    def __len__(self) -> int:
        """Rows."""
        return len(self.ids)

    @property
    def quarters(self) -> tuple[str, ...]:
        """Codes of the quarters that have rows, oldest first."""
        return tuple(sorted(self.ids["quarter"].unique()))

    @property
    def with_school(self) -> pd.DataFrame:
        """`X` and the column `school_id`: for what is calibrated by school, never a feature."""
        return self.X.assign(school_id=self.ids["school_id"].to_numpy())

    def rows(self, chosen: np.ndarray) -> Dataset:
        """Some of the rows: a mask or positions, shape (n,) or (k,)."""
        positions = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Dataset(
            ids=self.ids.iloc[positions].reset_index(drop=True),
            X=self.X.iloc[positions].reset_index(drop=True),
            y=self.y.iloc[positions].reset_index(drop=True),
            visited=self.visited[positions],
            label_status=self.label_status[positions],
            sample=self.sample,
        )

    def by_school(self, *, most: int) -> Iterator[np.ndarray]:
        """Positions of the rows of whole schools, some schools at a time.

        What is computed of a school's students depends on no other school, so a province needs no
        more memory than one part of it.

        Parameters
        ----------
        most : int
            Rows of a part; a school of more comes alone.

        Yields
        ------
        array of int
            Ascending. Schools come in the order of their ids; every row comes once.
        """
        school, names = pd.factorize(self.ids["school_id"], sort=True)
        order = np.argsort(school, kind="stable")
        ends = np.cumsum(np.bincount(school, minlength=len(names)))
        start = 0
        for place, end in enumerate(ends.tolist()):
            if place + 1 == len(ends) or ends[place + 1] - start > most:
                yield np.sort(order[start:end])
                start = end
