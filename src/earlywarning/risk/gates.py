"""What a model must show before it serves: against the rule, the present one, and for every group.

A gate that nobody judged neither passes nor fails; who promotes sees that it is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

RULE = "beats_rule"
CHAMPION = "beats_champion"
CALIBRATION = "calibration"
GROUPS = "groups"
NAMES = (RULE, CHAMPION, CALIBRATION, GROUPS)


@dataclass(frozen=True, slots=True)
class Difference:
    """Share of trouble found within capacity, more than another on the same later quarters.

    Attributes
    ----------
    found_share, other_found_share : float
    gain, low, high : float
        Their difference, with a 95 % bootstrap interval.
    """

    found_share: float
    other_found_share: float
    gain: float
    low: float
    high: float


def judge(
    report: Mapping[str, Any],
    kind: str,
    *,
    rule: Difference | None,
    champion: Difference | None,
    has_champion: bool,
    min_gain: float = 0.0,
) -> dict[str, dict[str, Any]]:
    """Every gate of `NAMES`, JSON-ready: `passed` is true, false, or null where nobody judged.

    Parameters
    ----------
    report : mapping
        Of the training; its `gates`, where it has them, judge calibration and groups.
    kind : str
        What would serve; the rule need not beat itself.
    rule, champion : Difference, optional
        None where nothing could be compared.
    has_champion : bool
        Whether something serves now.
    min_gain : float
        By which a model must beat the rule: more than this.

    Notes
    -----
    The present model need not be beaten, only equalled: the same choice of features, learnt again
    from newer records, is a fair successor.
    """
    found: dict[str, dict[str, Any]] = {}
    if kind == "rule":
        found[RULE] = {"passed": None, "why": "is_the_rule"}
    elif rule is None:
        found[RULE] = {"passed": None, "why": "nothing_to_judge"}
    else:
        found[RULE] = {"passed": rule.gain > min_gain, **asdict(rule)}
    if not has_champion:
        found[CHAMPION] = {"passed": None, "why": "nothing_serves"}
    elif champion is None:
        found[CHAMPION] = {"passed": None, "why": "nothing_to_judge"}
    else:
        found[CHAMPION] = {"passed": champion.gain >= 0, **asdict(champion)}
    told = report.get("gates") or {}
    for name in (CALIBRATION, GROUPS):
        found[name] = dict(told.get(name) or {"passed": None, "why": "not_judged"})
    return found


def failed(gates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Gates that were judged and not passed."""
    return [name for name, gate in gates.items() if gate.get("passed") is False]


def clear(gates: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a program may promote by itself: nothing failed, and what serves was compared."""
    return not failed(gates) and gates[CHAMPION]["passed"] is True
