"""From the feature table to the numbers that an estimator computes with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from earlywarning.errors import DataError


def matrix(X: pd.DataFrame, features: Sequence[str], *, who: str) -> np.ndarray:
    """The named columns as floats, empty ones as NaN.

    Parameters
    ----------
    X : DataFrame
        One row a student; see `features.build.FEATURES`.
    features : sequence of str
    who : str
        Whose features they are, for the message.

    Returns
    -------
    array of float64, shape (n, len(features))

    Raises
    ------
    DataError
        If a column is missing.
    """
    missing = [name for name in features if name not in X.columns]
    if missing:
        raise DataError(
            f"{who} needs the feature {missing[0]!r} ({len(missing)} missing in all), which this "
            "version does not compute; train again with `earlywarning train`"
        )
    columns = [X[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in features]
    return np.column_stack(columns) if columns else np.empty((len(X), 0))
