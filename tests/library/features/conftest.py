"""Each by-hand sum is made on every back end; that they agree at large is in `test_build`."""

from __future__ import annotations

import pytest

from tiny_school import Backend


@pytest.fixture(
    params=[
        "polars",
        pytest.param("duckdb", marks=pytest.mark.slow),
        pytest.param("pandas", marks=pytest.mark.slow),
    ]
)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param
