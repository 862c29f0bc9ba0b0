"""Gates: passed, failed, or open where nobody judged."""

from __future__ import annotations

from typing import Any

import pytest

from earlywarning.risk import gates
from earlywarning.risk.gates import Difference

BETTER = Difference(0.5, 0.4, 0.1, 0.02, 0.18)
SAME = Difference(0.4, 0.4, 0.0, -0.05, 0.05)
WORSE = Difference(0.3, 0.4, -0.1, -0.2, -0.01)


def judge(report: dict[str, Any] | None = None, kind: str = "logistic", **more: Any) -> Any:
    given: dict[str, Any] = {"rule": BETTER, "champion": BETTER, "has_champion": True} | more
    return gates.judge(report or {}, kind, **given)


def passed(judged: dict[str, dict[str, Any]]) -> list[bool | None]:
    return [judged[name]["passed"] for name in gates.NAMES]


def test_what_nobody_judged_is_open() -> None:
    judged = judge()
    assert passed(judged) == [True, True, None, None]
    assert judged["groups"]["why"] == "not_judged"
    assert gates.failed(judged) == []
    assert gates.clear(judged)
    assert judged["beats_rule"]["low"] == 0.02


@pytest.mark.parametrize(
    ("more", "failed"),
    [
        ({"rule": SAME}, ["beats_rule"]),
        ({"rule": BETTER, "min_gain": 0.1}, ["beats_rule"]),
        ({"champion": SAME}, []),
        ({"champion": WORSE}, ["beats_champion"]),
        ({"report": {"gates": {"groups": {"passed": False}}}}, ["groups"]),
        ({"report": {"gates": {"calibration": {"passed": False, "error": 0.2}}}}, ["calibration"]),
        ({"rule": WORSE, "kind": "rule"}, []),
    ],
)
def test_what_fails(more: dict[str, Any], failed: list[str]) -> None:
    judged = judge(**more)
    assert gates.failed(judged) == failed
    assert gates.clear(judged) == (not failed)


def test_a_program_promotes_only_what_was_compared() -> None:
    for has_champion in (True, False):
        judged = judge(champion=None, has_champion=has_champion)
        assert judged["beats_champion"]["passed"] is None
        assert gates.failed(judged) == []
        assert not gates.clear(judged)
    assert judge(rule=None)["beats_rule"] == {"passed": None, "why": "nothing_to_judge"}
    assert judge(kind="rule")["beats_rule"]["why"] == "is_the_rule"


def test_gates_of_the_report_keep_their_figures() -> None:
    told = {"gates": {"groups": {"passed": True, "gap": 0.1}, "calibration": None}}
    judged = judge(told)
    assert judged["groups"] == {"passed": True, "gap": 0.1}
    assert judged["calibration"]["passed"] is None
