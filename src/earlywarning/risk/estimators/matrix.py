"""From the feature table to the numbers that an estimator computes with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from earlywarning.errors import DataError


def matrix(
    X: pd.DataFrame,
    features: Sequence[str],
    *,
    who: str,
    into: np.ndarray | None = None,
) -> np.ndarray:
    """The named columns as floats, empty ones as NaN.

    Parameters
    ----------
    X : DataFrame
        One row a student; see `features.build.FEATURES`.
    features : sequence of str
    who : str
        Whose features they are, for the message.
    into : array, shape (len(X), len(features)), optional
        To be filled and returned, in place of a new one: 32 bits take half the memory.

    Returns
    -------
    array of `dtype`, shape (n, len(features))

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
    values = np.empty((len(X), len(features))) if into is None else into
    for at, name in enumerate(features):
        values[:, at] = X[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values
