"""Two versions on the same later quarters: no one is judged on what it remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drawn_school import QUARTERS, dataset
from earlywarning.risk import comparing, spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.comparing import Entrant

SPEC = replace(spec.load("grades"), logistic_strengths=(0.03,), min_positives=5)
DATA = dataset(200)


class Cheat:
    """A model that remembers every outcome that it was shown."""

    def __init__(self) -> None:
        self.known = {
            tuple(np.nan_to_num(row)): float(risk)
            for row, risk in zip(DATA.X.to_numpy(), np.nan_to_num(DATA.y["grades"]), strict=True)
        }

    def predict_risk(self, X: Any) -> np.ndarray:
        return np.array(
            [self.known[tuple(np.nan_to_num(row))] for row in X[list(DATA.X)].to_numpy()]
        )


def entrant(name: str, until: int, *, estimator: Any = None, kind: str = "logistic") -> Entrant:
    """A version that learnt from the first so many quarters, judged on the last of them."""
    history = QUARTERS[:until]
    rows = DATA.rows(DATA.ids["quarter"].isin(history).to_numpy())
    made = estimator or candidate(kind, SPEC).fit(
        rows.X, rows.y["grades"].to_numpy(), visited=rows.visited,
        quarters=rows.ids["quarter"].to_numpy(dtype=str), seed=1,
    )  # fmt: skip
    return Entrant(name, kind, made, SPEC, history, history[-1:])


def compare(one: Entrant, other: Entrant) -> comparing.Comparison:
    found = comparing.compare(one, other, DATA, capacity_share=0.15, seed=1)
    assert found is not None
    return found


def test_quarters_that_neither_had_seen_judge_both_as_they_serve() -> None:
    found = compare(entrant("new", 4), entrant("old", 3))
    assert found.quarters == QUARTERS[4:]
    assert found.unseen
    assert found.how == {"new": "as_served", "old": "as_served"}
    assert set(found.found_share) == {"new", "old", "rule"}


def test_who_has_seen_the_quarter_is_learnt_again_without_it() -> None:
    found = compare(entrant("new", 6), entrant("old", 4))
    assert found.quarters == QUARTERS[5:]
    assert not found.unseen
    assert found.how == {"new": "refitted", "old": "as_served"}
    # Refitted on the five quarters before: what would have served when the last one began.
    five = compare(entrant("new", 5), entrant("old", 4))
    assert five.quarters == QUARTERS[5:]
    assert five.found_share["new"] == pytest.approx(found.found_share["new"])


def test_a_champion_that_remembers_is_not_flattered() -> None:
    cheat = entrant("cheat", 6, estimator=Cheat())
    found = compare(entrant("new", 6), cheat)
    assert found.how["cheat"] == "refitted"
    assert found.against.gain == 0, "learnt again in the same way, it is the same model"
    flattered = replace(cheat, history=())
    assert compare(entrant("new", 6), flattered).against.gain < 0, "as it would have looked"


def test_both_sides_of_a_comparison_agree() -> None:
    one, other = entrant("a", 4), entrant("b", 4, kind="rule")
    there, back = compare(one, other), compare(other, one)
    assert there.against.gain == pytest.approx(-back.against.gain)
    assert (there.against.low, there.against.high) == pytest.approx(
        (-back.against.high, -back.against.low)
    )


def test_without_a_later_quarter_nothing_is_said() -> None:
    one = replace(entrant("a", 3), history=(), test=())
    other = replace(entrant("b", 3), history=(), test=())
    assert comparing.compare(one, other, DATA, capacity_share=0.1, seed=1) is None


def test_a_quarter_before_which_too_little_happened_does_not_judge() -> None:
    one = replace(entrant("a", 6), test=QUARTERS[:1])
    assert comparing.compare(one, entrant("b", 6), DATA, capacity_share=0.1, seed=1) is None
