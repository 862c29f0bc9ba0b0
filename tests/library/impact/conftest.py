"""Simulated districts, made once."""

from __future__ import annotations

import pandas as pd
import pytest

from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import LifeWorld, Plan, run


@pytest.fixture(scope="session")
def with_lottery() -> pd.DataFrame:
    """40 homerooms over four quarters; visits help, ties at the cut draw lots."""
    return run(RoughWorld(1.5), Plan(homerooms=60, lottery=True), seed=11)


@pytest.fixture(scope="session")
def without_lottery() -> pd.DataFrame:
    """The same without lots."""
    return run(LifeWorld(1.5), Plan(homerooms=80), seed=12)


@pytest.fixture(scope="session")
def one_school() -> pd.DataFrame:
    """A school of 12 homerooms."""
    return run(LifeWorld(1.0), Plan(homerooms=12, lottery=True), seed=13)
