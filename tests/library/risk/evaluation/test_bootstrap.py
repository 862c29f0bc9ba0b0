"""Students drawn again within their quarters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from earlywarning.risk.evaluation import bootstrap
from earlywarning.risk.evaluation.bootstrap import Quarterly, at_places, found_share
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


def test_every_capacity_by_hand() -> None:
    """Two tied at the top, one of them in trouble; then one in trouble, then one not."""
    q = Quarterly(np.array([0.0, 1.0, 1.0, 0.0]), {"rule": np.array([0.9, 0.9, 0.5, 0.1])})
    measured = at_places([q], [np.array([1, 2, 3, 4])], seed=1, replicates=50)
    assert measured.found["rule"][0].tolist() == [0.5, 1.0, 2.0, 2.0]
    found, precision = measured.found_share("rule"), measured.precision("rule")
    assert found.value.tolist() == [0.25, 0.5, 1.0, 1.0]
    assert precision.value.tolist() == [0.5, 0.5, 2 / 3, 0.5]
    assert (found.high[3], found.low[3]) == (1.0, 1.0), "all places find all trouble in every draw"


@given(
    st.integers(2, 40).flatmap(
        lambda n: st.tuples(
            st.lists(st.booleans(), min_size=n, max_size=n),
            st.lists(st.integers(0, 4), min_size=n, max_size=n),
        )
    ),
    st.integers(0, 5),
)
def test_each_draw_is_the_list_of_the_students_drawn_at_every_capacity(
    drawn: tuple[list[bool], list[int]], seed: int
) -> None:
    y, risk = np.array(drawn[0], dtype=float), np.array(drawn[1], dtype=float)
    n = len(y)
    measured = at_places(
        [Quarterly(y, {"one": risk})], [np.arange(1, n + 1)], seed=seed, replicates=3
    )
    rng = np.random.default_rng(seed)
    for draw in range(4):
        chosen = np.arange(n) if draw == 0 else rng.integers(0, n, size=n)
        found = found_at_every_capacity(y[chosen], risk[chosen]).random
        assert measured.found["one"][draw] == pytest.approx(found)
        assert measured.trouble[draw] == y[chosen].sum()
    share, precision = measured.found_share("one"), measured.precision("one")
    for band in (share, precision):
        assert ((band.low >= 0) & (band.low <= band.high) & (band.high <= 1 + 1e-12)).all()
    assert (np.diff(share.low) >= -1e-12).all(), "more places never find less"


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Share of trouble found by a known ranking, over 200 small schools: near 95 in 100."""
    rng = np.random.default_rng(0)
    risk = np.linspace(0.02, 0.6, 400)
    truth = risk[-80:].sum() / risk.sum()
    held = 0
    for school in range(200):
        y = (rng.random(400) < risk).astype(float)
        at = at_places([Quarterly(y, {"one": risk})], [np.array([80])], seed=school)
        band = at.found_share("one")
        held += band.low[0] <= truth <= band.high[0]
    assert 180 <= held <= 199


def test_the_fewer_are_in_trouble_the_wider_the_interval() -> None:
    """Student's t: of 3, 4.303 * root(3 / 2) standard errors; of very many, 1.96."""
    assert bootstrap.levels(float("inf")) == (0.025, 0.975)
    assert bootstrap.levels(1) == (0.0, 1.0)
    lows = [bootstrap.levels(n)[0] for n in (3, 10, 20, 100, 1000)]
    assert lows == sorted(lows)
    assert lows[0] == pytest.approx(norm.cdf(-4.3027 * 1.5**0.5), rel=1e-3)
    assert lows[2] == pytest.approx(norm.cdf(-2.0930 * (20 / 19) ** 0.5), rel=1e-3)
    drawn = np.random.default_rng(1).normal(size=(201, 1))
    few, many = (bootstrap.band(drawn, among=n) for n in (3, 1000))
    assert few.low[0] < many.low[0] < many.high[0] < few.high[0]
