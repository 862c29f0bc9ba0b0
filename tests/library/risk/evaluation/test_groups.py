"""Figures by group: by hand, against fairlearn, and where a group is small, single or missing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.risk.evaluation.calibration import calibration_error
from earlywarning.risk.evaluation.groups import Audit, Group, Listing, audit
from earlywarning.risk.evaluation.places import expected_places


def named(found: Audit) -> dict[tuple[str, str], Group]:
    return {(group.attribute, group.value): group for group in found.groups}


def small(**changes: object) -> Audit:
    """Eight students, four places. Girls: 3 in trouble, 2 of them listed; boys: 2 and 1."""
    y = np.array([1, 1, 0, 1, 1, 0, 1, 0.0])
    risk = np.array([0.9, 0.8, 0.1, 0.2, 0.7, 0.6, 0.3, 0.1])
    sex = np.array(["female"] * 4 + ["male"] * 4)
    given_ = {"seed": 1, "replicates": 40, "min_students": 2, "min_trouble": 1} | changes
    return audit([Listing(y, risk, risk, 4)], {"sex": sex}, **given_)  # type: ignore[arg-type]


def test_by_hand() -> None:
    groups = named(small())
    girls, boys = groups["sex", "female"], groups["sex", "male"]
    assert (girls.students, girls.trouble, girls.listed, girls.found) == (4, 3, 2.0, 2.0)
    assert (boys.students, boys.trouble, boys.listed, boys.found) == (4, 2, 2.0, 1.0)
    assert girls.figures["found_share"].value == 2 / 3
    assert boys.figures["precision"].value == 0.5
    assert boys.figures["selection_rate"].value == 0.5
    assert girls.figures["calibration_gap"].value == pytest.approx((2.0 - 3) / 4)
    (gap,) = small().gaps
    assert (gap.group, gap.against) == ("female", "male")
    assert gap.gap == pytest.approx(2 / 3 - 1 / 2)
    assert gap.low <= gap.gap <= gap.high
    assert gap.low < 0, "eight students prove nothing"


def test_a_small_group_is_counted_and_not_judged() -> None:
    found = small(min_trouble=3)
    boys = named(found)["sex", "male"]
    assert boys.too_small
    assert (boys.students, boys.trouble, boys.listed) == (4, 2, 2.0)
    assert math.isnan(boys.calibration_error)
    assert not named(found)["sex", "female"].too_small
    assert found.gaps == ()
    assert found.worst() is None


def test_one_group_and_nobody() -> None:
    y = np.array([1.0, 0.0])
    found = audit([Listing(y, y, y, 1)], {"school": np.array(["A", "A"])}, seed=1, min_students=1,
                  min_trouble=1)  # fmt: skip
    assert found.alone == ("school",)
    assert [(group.value, group.found) for group in found.groups] == [("A", 1.0)]
    assert found.gaps == ()
    assert audit([], {"sex": np.empty(0, dtype=str)}, seed=1) == Audit((), (), ("sex",))
    with pytest.raises(ValueError, match="must have 2 values each"):
        audit([Listing(y, y, y, 1)], {"sex": np.array(["female"])}, seed=1)


def test_a_group_of_which_nobody_is_in_trouble_or_listed() -> None:
    y = np.array([1.0, 1.0, 0.0, 0.0])
    risk = np.array([0.9, 0.8, 0.2, 0.1])
    found = audit([Listing(y, risk, risk, 2)], {"school": np.array(["A", "A", "B", "B"])}, seed=1,
                  min_students=1, min_trouble=0)  # fmt: skip
    other = named(found)["school", "B"].figures
    assert math.isnan(other["found_share"].value)
    assert math.isnan(other["precision"].value)
    assert other["selection_rate"].value == 0.0


def drawn(n: int, seed: int, *, hidden: float = 0.0) -> tuple[list[Listing], dict]:
    """Two quarters; of one sex the risk is `hidden` further down than it should be."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["female", "male"], 2 * n)
    level = rng.choice(["7", "8", "9"], 2 * n)
    risk = np.round(rng.random(2 * n), 2)
    y = (rng.random(2 * n) < 0.6 * risk).astype(float)
    risk = risk - hidden * (sex == "female")
    parts = [slice(0, n), slice(n, 2 * n)]
    return (
        [Listing(y[part], risk[part], risk[part] * 0.6, n // 5) for part in parts],
        {"sex": sex, "grade_level": level},
    )


def test_fairlearn_finds_the_same() -> None:
    listings, attributes = drawn(400, 5)
    y = np.concatenate([one.y for one in listings])
    factual = np.concatenate([one.factual for one in listings])
    place = np.concatenate([expected_places(one.risk, one.places) for one in listings])
    frame = MetricFrame(
        metrics={
            "found_share": lambda y, place: (y * place).sum() / y.sum(),
            "precision": lambda y, place: (y * place).sum() / place.sum(),
            "selection_rate": lambda y, place: place.mean(),
            "calibration_gap": lambda y, place, risk: risk.mean() - y.mean(),
            "calibration_error": lambda y, place, risk: calibration_error(y, risk),
        },
        y_true=y,
        y_pred=place,
        sensitive_features=pd.DataFrame(attributes),
        sample_params={
            name: {"risk": factual} for name in ("calibration_gap", "calibration_error")
        },
    )
    groups = named(audit(listings, attributes, seed=1, replicates=5))
    assert len(frame.by_group) == 6
    for (sex, level), row in frame.by_group.iterrows():  # type: ignore[misc]
        group = groups["sex × grade_level", f"{sex} × {level}"]
        assert group.calibration_error == pytest.approx(row["calibration_error"])
        for name, figure in group.figures.items():
            assert figure.value == pytest.approx(row[name])


def test_a_gap_that_was_put_in_is_found_and_one_that_was_not_is_no_finding() -> None:
    listings, attributes = drawn(1500, 2, hidden=0.3)
    worst = audit(listings, attributes, seed=1).worst()
    assert worst is not None
    assert "male" in worst.group
    assert "female" in worst.against
    assert worst.low > 0.1
    found = [audit(*drawn(300, seed), seed=seed).worst() for seed in range(40)]
    assert sum(gap is not None and gap.low > 0 for gap in found) <= 4, "5 % of audits, at most"


def test_the_unknown_are_shown_and_not_compared() -> None:
    listings, attributes = drawn(400, 3)
    attributes["sex"] = np.where(np.arange(800) < 300, "", attributes["sex"])
    found = audit(listings, attributes, seed=1, replicates=20)
    assert named(found)["sex", "unknown"].students == 300
    assert not any("unknown" in gap.group + gap.against for gap in found.gaps)


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 60), st.integers(0, 100))
def test_groups_add_up_to_the_list(n: int, seed: int) -> None:
    listings, attributes = drawn(n, seed)
    found = audit(listings, attributes, seed=seed, replicates=10, min_students=1, min_trouble=1)
    for attribute in ("sex", "grade_level", "sex × grade_level"):
        groups = [group for group in found.groups if group.attribute == attribute]
        assert sum(group.students for group in groups) == 2 * n
        assert sum(group.listed for group in groups) == pytest.approx(2 * (n // 5))
        assert sum(group.trouble for group in groups) == sum(one.y.sum() for one in listings)
        for group in groups:
            for name, figure in group.figures.items():
                assert math.isnan(figure.value) or figure.low <= figure.high
                if name != "calibration_gap" and not math.isnan(figure.value):
                    assert 0 <= figure.low <= figure.high <= 1 + 1e-12


def test_the_rule_is_measured_on_the_same_draws() -> None:
    listings, attributes = drawn(1500, 2, hidden=0.3)
    fair, _ = drawn(1500, 2)
    kept = audit(listings, attributes, seed=1, rule=listings, allowed=0.2).worst(0.2)
    assert kept is not None
    assert kept.low > 0
    assert (kept.rule_gap, kept.more_than_rule) == (kept.gap, 0.0)
    assert not kept.too_wide(0.05)
    held = audit(listings, attributes, seed=1, rule=fair, allowed=0.2).worst(0.2)
    assert held is not None
    assert held.too_wide(0.2)
    assert held.more_than_rule == pytest.approx(held.gap - held.rule_gap)
    assert held.more_low < held.more_than_rule < held.more_high
