"""What models learn from and score: one row for each student of each quarter's cohort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


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
    """

    ids: pd.DataFrame
    X: pd.DataFrame
    y: pd.DataFrame
    visited: np.ndarray
    label_status: np.ndarray

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
        )
