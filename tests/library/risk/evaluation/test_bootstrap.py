"""Students drawn again within their quarters."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.risk.evaluation import bootstrap
from earlywarning.risk.evaluation.bootstrap import Quarterly, found_share
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.ties import found_at_every_capacity


def quarter(seed: int, n: int = 300) -> Quarterly:
    rng = np.random.default_rng(seed)
    risk = np.round(rng.random(n), 1)
    y = (rng.random(n) < risk).astype(float)
    return Quarterly(y, {"good": risk, "chance": rng.random(n)})


def test_without_redrawing_it_is_the_share_found() -> None:
    quarters = [quarter(1), quarter(2, 200)]
    drawn = found_share(quarters, capacity_share=0.15, seed=1, replicates=20)
    found = sum(
        found_at_every_capacity(q.y, q.risks["good"]).random[capacity_of(0.15, len(q.y)) - 1]
        for q in quarters
    )
    assert drawn.value["good"] == pytest.approx(found / sum(q.y.sum() for q in quarters))


def test_a_draw_is_the_list_of_the_students_drawn() -> None:
    """Counting a student twice is the same as having the student twice."""
    q = quarter(3, 50)
    drawn = found_share([q], capacity_share=0.2, seed=5, replicates=4)
    rng = np.random.default_rng(5)
    for draw in range(4):
        chosen = rng.integers(0, 50, size=50)
        found = found_at_every_capacity(q.y[chosen], q.risks["good"][chosen]).random[9]
        assert drawn.draws["good"][draw] == pytest.approx(found / q.y[chosen].sum())


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found_share([quarter(1)], capacity_share=0.1, seed=1, replicates=30)
    monkeypatch.setattr(bootstrap, "_CELLS", 1000)
    pieces = found_share([quarter(1)], capacity_share=0.1, seed=1, replicates=30)
    assert all((whole.draws[name] == pieces.draws[name]).all() for name in whole.draws)


def test_a_difference_is_surer_than_each_share() -> None:
    q = quarter(4)
    near = Quarterly(q.y, {"one": q.risks["good"], "other": q.risks["good"] + 0.001 * q.y})
    drawn = found_share([near], capacity_share=0.1, seed=1)
    gain, error, low, high = drawn.difference("other", "one")
    assert gain > 0
    assert low <= gain <= high
    assert error < drawn.standard_error("one")
    assert drawn.difference("one", "one")[:2] == (0.0, 0.0)


def test_a_quarter_without_trouble_is_no_obstacle() -> None:
    calm = Quarterly(np.zeros(20), {"good": np.linspace(0, 1, 20)})
    both = found_share(
        [calm, Quarterly(np.ones(20), {"good": np.linspace(0, 1, 20)})],
        capacity_share=0.5,
        seed=1,
    )
    assert both.value["good"] == 0.5
