"""The choices in `models/`, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from earlywarning.errors import ConfigError
from earlywarning.features.build import FEATURES
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec
from earlywarning.risk.estimators.rule import Rule

NAMES = {feature.name: feature for feature in FEATURES}
PROTECTED = (
    "sex",
    "religion",
    "income",
    "occupation",
    "address",
    "village",
    "ethnic",
    "distance_km",
)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_specs_that_ship(outcome: str) -> None:
    read = spec.load(outcome)
    assert read.outcome == outcome
    assert read.candidates == spec.CANDIDATES
    assert set(read.features) <= set(NAMES)
    assert read.text == (spec.models_folder() / outcome / "spec.toml").read_text("utf-8")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nothing_protected_and_no_past_visit_is_looked_at(outcome: str) -> None:
    read = spec.load(outcome)
    used = {*read.features, read.last_value, *Rule(outcome, read.rule).features}
    assert not [name for name in used if any(word in name for word in PROTECTED)]
    # A visit is a treatment, no feature.
    assert not [name for name in used if NAMES[name].domain == "visits"]
    # Points of two schools do not compare.
    assert not [
        name for name in read.features if name.startswith("points_") and "share" not in name
    ]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_a_card(outcome: str) -> None:
    card = (spec.models_folder() / outcome / "card.md").read_text("utf-8")
    for part in (
        "Ringkasan",
        "## Purpose",
        "## Not for",
        "## What is predicted",
        "## Limits",
        "## Law",
    ):
        assert part in card


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[gates]", '[groups]\ncalibrate_by = "sex"\n[gates]',
         "then depend on sex, which the law protects"),
        ("[gates]", '[groups]\ncalibrate_by = "class"\n[gates]', "allowed: grade_level, school"),
        ("[gates]", '[groups]\nby = "school"\n[gates]', "there is no key 'by'"),
        ('outcome = "attendance"', 'outcome = "health"', "outcome is 'health'; allowed"),
        ('"grade_level", ', '"shoe_size", ', "there is no feature 'shoe_size'"),
        ('"grade_level", ', '"joined_late", ', "names a feature twice"),
        ('decreasing = ["grade_distance_latest"]', 'decreasing = ["absence_rate_30d"]',
         "must be apart and within use"),
        ('["rule", "last_value"', '["last_value", "rule"', "in this order"),
        ("preset = 0.75", "preset = 0.05", "presets must fall from level to level"),
        ("preset = 0.75", "preset = 7.5", "allowed: a number from 0 to 1"),
        ("at_least = 0.20", "around = 0.20", "allowed: at_least, above, at_most, below"),
        ("direction = 1", "direction = 2", "last_value.direction is 2"),
        ("no_data = 0.10\n", "", "the key 'no_data' is missing"),
        ("strengths = [", 'strengths = ["much", ', "logistic.strengths is 'much'"),
        ("[logistic]", "[logistic", "is not valid TOML"),
        ("min_gain = 0.0", "min_gain = true", "selection.min_gain is True"),
        ("rounds = 400", "rounds = []", "boosted.rounds is \\[\\]"),
        ("[selection]", "[[selection]]", "wrong form"),
        ("max_group_gap = 0.20", "max_group_gap = 20", "gates.max_group_gap is 20; allowed"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = spec.load("attendance").text
    assert old in text
    (tmp_path / "attendance").mkdir()
    (tmp_path / "attendance" / "spec.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        spec.load("attendance", tmp_path)
    assert "spec.toml" in str(caught.value)


def test_a_spec_from_before_there_were_gates_has_the_usual_ones() -> None:
    text = spec.load("attendance").text
    old = spec.parse(text[: text.index("[gates]")], where="old", known_features=NAMES)
    assert (old.max_group_gap, old.max_calibration_error) == (0.20, 0.05)


def test_an_outcome_that_is_none() -> None:
    with pytest.raises(ConfigError, match="no outcome 'health'; allowed: attendance"):
        spec.load("health")


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        spec.load("grades", tmp_path)


def test_groups_are_calibrated_apart_only_where_data_staff_say_so() -> None:
    read = spec.load("attendance")
    assert read.calibrate_by == ""
    text = read.text + '\n[groups]\ncalibrate_by = "school"\n'
    assert spec.parse(text, where="x", known_features=NAMES).calibrate_by == "school"
