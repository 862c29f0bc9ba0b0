"""The imputer that is found by selection is scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from earlywarning.risk.estimators.filling import medians


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_it_is_the_imputer_of_all_rows(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, 6)).round(1)
    values[:, 1] = np.nan
    values[rng.random(n) < 0.4, 2] = np.nan
    values[:, 3] = 0.0
    values[: n // 2, 4] = np.nan
    own = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    own.fit(values)
    found = medians(values)
    assert found.statistics_.tolist() == own.statistics_.tolist()
    assert found.indicator_.features_.tolist() == own.indicator_.features_.tolist()
    later = np.where(rng.random((9, 6)) < 0.3, np.nan, 1.5)
    later[:, [0, 3]] = 2.0
    np.testing.assert_array_equal(found.transform(later), own.transform(later))
