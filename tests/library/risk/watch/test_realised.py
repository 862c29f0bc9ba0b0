"""What a list found against what was promised, for each group, and beyond luck."""

from __future__ import annotations

import numpy as np
import pytest

from earlywarning.district import MonitorLimits
from earlywarning.risk.watch.checks import Check
from earlywarning.risk.watch.realised import Promise, checks

N = 1000
LIMITS = MonitorLimits()
RNG = np.random.default_rng(5)
RISK = RNG.beta(1, 6, size=N)
HAPPENED = (RNG.random(N) < RISK).astype(float)
NOBODY = np.zeros(N)


def judged(
    y: np.ndarray = HAPPENED,
    risk: np.ndarray = RISK,
    promised: float = 0.30,
    visited: np.ndarray = NOBODY,
    **groups: np.ndarray,
) -> dict[str, Check]:
    found = checks(
        "attendance", y, risk, visited, groups,
        promise=Promise(promised, 300, 0.15), capacity_share=0.1, calibrated=True,
        usual_shift=0.0, limits=LIMITS, seed=1,
    )  # fmt: skip
    return {one.code: one for one in found}


def test_a_list_that_kept_its_word() -> None:
    found = judged(sex=np.where(np.arange(N) % 2, "F", "M"))
    assert {one.status for one in found.values()} == {"ok"}
    assert set(found) == {"capture", "calibration", "group_gap"}
    in_list = HAPPENED[np.argsort(-RISK)[:150]].sum() / HAPPENED.sum()
    assert found["capture"].value == pytest.approx(in_list)


def test_a_list_that_found_far_less() -> None:
    backwards = judged(risk=1 - RISK, promised=0.6)
    assert backwards["capture"].status == "act"
    assert backwards["capture"].value < backwards["capture"].limit


def test_expectations_that_are_far_off() -> None:
    assert judged(risk=np.minimum(RISK * 3, 1))["calibration"].status == "act"
    assert judged(risk=RISK)["calibration"].value < 0.06


def test_children_who_were_visited_do_not_count_against_calibration() -> None:
    """Where the visited half never had trouble, the other half is still as expected."""
    visited = (np.arange(N) % 2).astype(float)
    helped = np.where(visited == 1, 0.0, HAPPENED)
    assert judged(y=helped, visited=visited)["calibration"].status == "ok"
    assert judged(y=helped)["calibration"].value > judged(y=helped, visited=visited)[
        "calibration"
    ].value  # fmt: skip


def test_a_group_whose_trouble_is_not_found() -> None:
    sex = np.where(np.arange(N) % 2, "F", "M")
    missed = judged(risk=np.where(sex == "F", RISK / 100, RISK), sex=sex)["group_gap"]
    assert missed.status == "act"
    assert missed.subject == "sex"
    # A group of a few children, and those of whom nothing is known, say nothing.
    few = np.where(np.arange(N) < 12, "tiny", "rest")
    assert "group_gap" not in judged(few=few)
    assert "group_gap" not in judged(sex=np.where(sex == "F", "F", ""))


def test_with_hardly_any_trouble_nothing_is_said() -> None:
    y = np.zeros(N)
    y[:14] = 1
    assert judged(y=y) == {}
    assert judged(y=np.full(N, np.nan)) == {}
