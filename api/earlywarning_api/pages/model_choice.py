"""Why a candidate with a higher figure in later quarters was not taken, in words.

Candidates are chosen on earlier quarters: the simplest that is near the best. Later quarters only
judge the one that was chosen. See `risk.choosing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earlywarning.io import wording
from earlywarning_api.pages.model_charts import of_hundred

RULE = "rule"


@dataclass(frozen=True, slots=True)
class NotTaken:
    """One sentence.

    Attributes
    ----------
    code : str
        `near`: too close to the best to tell, and the one that was taken is simpler; `earlier`: it
        found no more where the choice is made; `behind`: it was surely behind the best there;
        `gate`: the chosen one did not gain enough on the rule, which serves instead.
    words : mapping of str to str
        What the sentence names: candidates in words, figures as so many of 100.
    """

    code: str
    words: Mapping[str, str]


def not_taken(report: Mapping[str, Any], language: str) -> tuple[NotTaken, ...]:
    """A sentence for each candidate above the one that serves, the highest first; mostly none.

    Parameters
    ----------
    report : mapping
        Of the training; see `risk.report.report` and `risk.judging`.
    """
    served, chosen = report.get("served"), report.get("chosen")
    choices = {
        one["candidate"]: one
        for one in report.get("selection") or ()
        if one["found_share"] is not None
    }
    gain = _gains(report)
    if served not in gain or chosen not in choices:
        return ()
    above = sorted(
        (name for name in gain if gain[name] > gain[served]), key=lambda name: -gain[name]
    )
    told = [
        _passed_over(name, str(chosen), choices, language)
        for name in above
        if name in choices and name != chosen
    ]
    if above and chosen != served:
        gate = (report.get("gate") or {}).get("gain", gain.get(chosen))
        words = {"taken": _name(chosen, language), "gain": of_hundred(gate, language, signed=True)}
        told.append(NotTaken("gate", words))
    return tuple(told)


def _gains(report: Mapping[str, Any]) -> dict[str, float]:
    """Of each candidate over the rule in later quarters; the rule's own is 0."""
    candidates = (report.get("evaluation") or {}).get("candidates", {})
    found = {
        name: (figures.get("gain_over_rule") or {}).get("value")
        for name, figures in candidates.items()
    }
    return {name: value for name, value in found.items() if value is not None} | {RULE: 0.0}


def _passed_over(
    other: str, chosen: str, choices: Mapping[str, Mapping[str, Any]], language: str
) -> NotTaken:
    one, taken = choices[other], choices[chosen]
    order = list(choices)  # simplest first
    words = {"other": _name(other, language), "taken": _name(chosen, language)}
    if order.index(other) < order.index(chosen):
        return NotTaken("behind", words | _distance(one, language))
    if one["found_share"] > taken["found_share"]:
        return NotTaken("near", words | _distance(taken, language))
    found = {
        "found": of_hundred(one["found_share"], language),
        "taken_found": of_hundred(taken["found_share"], language),
    }
    return NotTaken("earlier", words | found)


def _distance(one: Mapping[str, Any], language: str) -> dict[str, str]:
    return {
        "behind": of_hundred(one["behind"], language),
        "error": of_hundred(one["behind_error"], language),
    }


def _name(candidate: Any, language: str) -> str:
    return wording.say(f"estimator.{candidate}", language)
