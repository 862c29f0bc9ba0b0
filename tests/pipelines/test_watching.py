"""Watching a simulated school: each shock raises its warning, and quiet quarters raise none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from earlywarning_pipelines import watch_trial
from earlywarning_pipelines.watch_trial import SHOCKS, Shock, Watching

UNTIL = date(2026, 7, 1)
MOST_QUIET = 2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    made = watch_trial.school(tmp_path_factory.mktemp("watched"), students=210, seed=3, until=UNTIL)
    yield made
    made.engine.close()


@pytest.mark.parametrize("shock", SHOCKS, ids=[shock.name for shock in SHOCKS])
def test_a_shock_raises_its_warning(small: Watching, shock: Shock) -> None:
    ((_, found),) = watch_trial.shocked(small, (shock,))
    assert shock.expected in {one.code for one in found}


def test_eight_quiet_quarters_raise_none(small: Watching) -> None:
    found = dict(watch_trial.quiet(small))
    assert len(found) == 8
    assert not [one for checks in found.values() for one in checks]


@pytest.mark.slow
def test_forty_quiet_quarters_raise_two_warnings_at_most(tmp_path: Path) -> None:
    found, quarters = [], 0
    for seed in range(11, 16):
        made = watch_trial.school(tmp_path / str(seed), students=300, seed=seed, until=UNTIL)
        for _, checks in watch_trial.quiet(made):
            found += checks
            quarters += 1
        made.engine.close()
    assert quarters == 40
    assert len(found) <= MOST_QUIET, found
