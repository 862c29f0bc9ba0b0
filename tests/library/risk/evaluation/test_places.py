"""Who holds a place, certainly or by lot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.risk.evaluation.places import expected_places, expected_places_within
from earlywarning.risk.evaluation.ties import found_at_every_capacity


def test_ties_at_the_cut_share_its_places() -> None:
    """Two places: one is sure, the other is drawn among three."""
    risk = np.array([0.2, 0.9, 0.2, 0.1, 0.2])
    assert expected_places(risk, 2).tolist() == [1 / 3, 1.0, 1 / 3, 0.0, 1 / 3]


def test_a_student_drawn_twice_takes_two_places() -> None:
    risk = np.array([0.9, 0.5, 0.1])
    weights = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [3.0, 0.0, 0.0]])
    assert expected_places(risk, 2, weights).tolist() == [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.5],
        [2 / 3, 0.0, 0.0],
    ]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_places_are_all_given_and_find_what_the_list_finds(levels: list[int], places: int) -> None:
    risk = np.array(levels, dtype=float)
    place = expected_places(risk, places)
    assert place.sum() == pytest.approx(min(places, len(risk)))
    assert ((place >= 0) & (place <= 1)).all()
    y = (np.arange(len(risk)) % 2).astype(float)
    at = min(places, len(risk)) - 1
    assert (place * y).sum() == pytest.approx(found_at_every_capacity(y, risk).random[at])


def test_every_class_has_places_of_its_own() -> None:
    """Half of two and half of four: one place and two; each class is ranked by itself."""
    risk = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.1])
    within = np.array(["A", "B", "A", "B", "B", "B"])
    assert expected_places_within(risk, within, 0.5).tolist() == [1, 0, 0, 1, 1, 0]
    weights = np.array([[1.0] * 6, [0, 1, 2, 0, 1, 2]])
    first, second = expected_places_within(risk, within, 0.5, weights)
    assert first.tolist() == [1, 0, 0, 1, 1, 0]
    assert second[[2, 4]].tolist() == [0.5, 1.0]
    assert second[1] == second[5] == pytest.approx(1 / 3)
