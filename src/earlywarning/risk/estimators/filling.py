"""Empty values filled with the column's median, and marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer


def medians(values: np.ndarray) -> SimpleImputer:
    """An imputer fitted on some rows: medians, and an indicator for each column with empty values.

    It is the imputer that scikit-learn fits on all rows, which sorts every column to find its
    median. Here medians are selected, and the imputer is fitted on three rows that have the same
    medians and the same empty columns.

    Parameters
    ----------
    values : array of float, shape (n, n_columns), n >= 1
        NaN is empty; a column may be empty altogether.
    """
    rows = np.full((3, values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        filled = values[:, column][~np.isnan(values[:, column])]
        if len(filled):
            rows[:, column] = np.median(filled)
        if len(filled) < len(values):
            rows[2, column] = np.nan
    imputer: Any = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return imputer.fit(rows)
