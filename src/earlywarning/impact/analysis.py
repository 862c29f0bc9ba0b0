"""A whole study on a panel: every design, what may be said, and the naive figures beside it.

Takes plain tables and gives plain values, so that an exported copy of this package gives the same
numbers anywhere.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.impact import diagnose, lottery, naive
from earlywarning.impact.columns import BEFORE, BETTER, FORMAT, LEAST_CELL
from earlywarning.impact.designs import Run, adjustment, run
from earlywarning.impact.diagnose import Rule
from earlywarning.impact.limits import LEAST_CLUSTERS
from earlywarning.impact.regression import REACH
from earlywarning.impact.standards import benjamini_hochberg

ALPHA = 0.05

HELPED, HARMED, INCONCLUSIVE, NOT_AS_LARGE, WITHHELD, NOT_RUN = (
    "helped", "harmed", "inconclusive", "not_as_large", "withheld", "not_run",
)  # fmt: skip
"""What a design finds. `not_as_large`: nothing as large as what was said to be worth the visits."""

TELLING = ("donut", "bandwidths", "robustness_value")
"""Rules in whose numbers the effect itself can be read."""


def analyse(
    panel: pd.DataFrame,
    study: Mapping[str, Any],
    evidence: Mapping[str, Any],
    *,
    told: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Everything a report shows, as JSON allows.

    Parameters
    ----------
    panel : DataFrame
        The columns of `columns.COLUMNS`.
    study : mapping
        The values of a `study.Study`.
    evidence : mapping
        `lists` (frozen lists read), `broken` (with another hash, or other lots than the seed's),
        `registered` (whether the design was registered before outcomes were known).
    told : callable, optional
        Called with how many estimates are made and how many there are.
    """
    rules = [
        diagnose.hashes(int(evidence["broken"]), int(evidence["lists"])),
        diagnose.limits(study.get("limits")),
    ]
    seed = int(study["seed"])
    asked = [
        (role, outcome, design)
        for role in ("primary", "secondary")
        for outcome in study[role]
        for design in study["designs"]
    ]
    found: list[dict[str, Any]] = []
    for role, outcome, design in asked:
        made = run(design, panel, outcome, seed=seed, before_rules=rules)
        found.append(_described(made, role))
        if told is not None:
            told(len(found), len(asked))
    _adjust(found)
    for one in found:
        one["verdict"] = _verdict(one, study)
        if one["verdict"] == WITHHELD:
            one["rules"] = [_without_effect(rule) for rule in one["rules"]]
    first = study["primary"][0]
    return _plain(
        {
            "format": FORMAT,
            "study": dict(study),
            "evidence": dict(evidence),
            "data": _about(panel),
            "results": found,
            "decides": _decides(found),
            "naive": [_biased(one) for one in naive.every(panel, first, BEFORE[first])],
            "subgroups": _subgroups(panel, study, found),
            "reach": reach(panel),
            "standards": _standards(found, panel),
        }
    )


def data_hash(panel: pd.DataFrame) -> str:
    """SHA-256 of a panel's values, whatever its ids are called; the same on every machine."""
    values = panel.copy()
    for name in ("student_id", "household_id", "homeroom", "class_id", "school_id", "block"):
        values[name] = pd.factorize(values[name])[0]
    for name in ("list_sha256", "stratum"):
        values[name] = ""
    text = values.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def _about(panel: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": len(panel),
        **{
            f"{name}s": int(panel[column].nunique())
            for name, column in (
                ("student", "student_id"), ("household", "household_id"),
                ("homeroom", "homeroom"), ("school", "school_id"),
            )
        },
        "quarters": sorted(panel["quarter"].unique()),
        "lottery": bool(panel["block"].notna().any()),
        "listed": int(panel["listed"].sum()),
        "visited": int((panel["visited"] > 0).sum()),
        "left": int(panel["left"].sum()),
        "exit_reasons": {
            str(reason): int(many)
            for reason, many in panel.loc[panel["left"], "exit_reason"].value_counts().items()
            if many >= LEAST_CELL
        },
        "sha256": data_hash(panel),
    }  # fmt: skip


def _described(made: Run, role: str) -> dict[str, Any]:
    held = diagnose.may_say(made.rules)
    whole = asdict(made)
    whole["rules"] = [asdict(rule) for rule in made.rules]
    few = made.itt is not None and made.itt.clusters < LEAST_CLUSTERS
    use_exact = few and "low" in made.exact
    itt = whole["itt"]
    interval = made.exact if use_exact else itt
    p = made.exact["p"] if few and "p" in made.exact else (itt or {}).get("p")
    return whole | {
        "role": role,
        "held": held,
        "interval": None if interval is None else {key: interval[key] for key in ("low", "high")},
        "exact_used": bool(few and made.exact),
        "p": p,
        "detectable": None if itt is None else REACH * itt["se"],
        "detectable_visit": _detectable_visit(made),
    }


def _detectable_visit(made: Run) -> float | None:
    """Smallest effect of a visit that would have been seen."""
    if made.itt is None or made.first_stage is None or made.first_stage.value <= 0:
        return None
    return REACH * made.itt.se / made.first_stage.value


def _adjust(found: list[dict[str, Any]]) -> None:
    """Benjamini-Hochberg over the primary outcomes of each design, and over its secondary ones."""
    for kind in dict.fromkeys((one["design"], one["role"]) for one in found):
        mine = [one for one in found if (one["design"], one["role"]) == kind]
        ps = [math.nan if one["p"] is None else one["p"] for one in mine]
        for one, p in zip(mine, benjamini_hochberg(ps), strict=True):
            one["p_adjusted"] = p


def _verdict(one: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    if one["itt"] is None:
        return NOT_RUN
    failed = {rule["then"] for rule in one["rules"] if not rule["passed"]}
    if diagnose.NOTHING in failed:
        return WITHHELD
    if diagnose.EXACT_ONLY in failed and not one["exact_used"]:
        return WITHHELD
    sign = BETTER[one["outcome"]]
    low, high = one["interval"]["low"], one["interval"]["high"]
    if one["p_adjusted"] is not None and one["p_adjusted"] < ALPHA and (low > 0 or high < 0):
        return HELPED if one["itt"]["value"] * sign > 0 else HARMED
    first = one["outcome"] == study["primary"][0]
    best = -low if sign < 0 else high
    moved = one["first_stage"]["value"] if one["first_stage"] else 1.0
    if first and best < study["worthwhile"] * max(min(moved, 1.0), 0.0):
        return NOT_AS_LARGE
    return INCONCLUSIVE


def _decides(found: Sequence[Mapping[str, Any]]) -> int | None:
    """Place of the first primary result that could run: designs are in the study's order."""
    for verdicts in ((NOT_RUN, WITHHELD), (NOT_RUN,)):
        for place, one in enumerate(found):
            if one["role"] == "primary" and one["verdict"] not in verdicts:
                return place
    return None


def _biased(one: naive.Biased) -> dict[str, Any]:
    return {
        "what": one.what, "biased": True, "biased_value": one.biased_value,
        "biased_low": one.biased_low, "biased_high": one.biased_high, "n": one.n,
    }  # fmt: skip


def _without_effect(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule that tells the effect by the way tells only whether it passed, where that is held."""
    if rule["name"] not in TELLING:
        return rule
    return rule | {"value": None, "limit": None, "detail": None}


def _subgroups(
    panel: pd.DataFrame, study: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Effects of a place by lot below and above the median and their difference, only where this
    was asked before and the lottery may speak of everybody.

    Whether families with more priority gain more is what a ranking by benefit would rest on.
    """
    outcome = study["primary"][0]
    speaks = any(
        one["design"] == "lottery" and one["outcome"] == outcome
        and one["verdict"] not in (NOT_RUN, WITHHELD)
        for one in found
    )  # fmt: skip
    if not speaks:
        return []
    whole = lottery.drawn(panel)
    rows = lottery.drawn(whole[whole[outcome].notna()])
    made: list[dict[str, Any]] = []
    for name in study["subgroups"]:
        middle = float(rows[name].median())
        high = rows[name] > middle
        adjust = adjustment(outcome)
        for part, some in (
            ("low", lottery.drawn(rows[~high])),
            ("high", lottery.drawn(rows[high])),
        ):
            if some["homeroom"].nunique() >= LEAST_CLUSTERS:
                one = lottery.itt(some, outcome, adjust=adjust)
                made.append({"by": name, "part": part, "median": middle, **asdict(one)})
        if [row["part"] for row in made if row["by"] == name] == ["low", "high"]:
            one = lottery.difference(rows, outcome, high, adjust=adjust)
            made.append({"by": name, "part": "difference", "median": middle, **asdict(one)})
    differences = [row for row in made if row["part"] == "difference"]
    adjusted = benjamini_hochberg([row["p"] for row in differences])
    for row, p in zip(differences, adjusted, strict=True):
        row["p_adjusted"] = p
    return made


def reach(panel: pd.DataFrame) -> list[dict[str, Any]]:
    """How often listed families were reached: by places of their teacher, by track, and by how they
    were asked first.

    For planning, not for judging: no teacher is named, and no group of under ten children or five
    homerooms is shown.
    """
    listed = panel[panel["listed"] & ~panel["shadow"].astype(bool)]
    places = listed.groupby(["homeroom", "t"])["household_id"].transform("nunique")
    size = pd.cut(places, [0, 4, 8, np.inf], labels=["to_4", "5_to_8", "over_8"])
    made: list[dict[str, Any]] = []
    channel = listed["channel"].fillna("none")
    for by, groups in (("places", size.astype(str)), ("track", listed["track"]),
                       ("channel", channel)):  # fmt: skip
        for name, some in listed.groupby(groups):
            enough = len(some) >= LEAST_CELL and some["homeroom"].nunique() >= 5
            if enough and name != "rare":  # as an export names what few children have
                made.append(
                    {"by": by, "group": str(name), "children": len(some),
                     "tried": float(some["attempted"].mean()),
                     "reached": float((some["visited"] > 0).mean())}
                )  # fmt: skip
    return made


def _standards(found: Sequence[Mapping[str, Any]], panel: pd.DataFrame) -> dict[str, Any]:
    """What may be claimed of the levels of evidence in the law of the United States (ESSA)."""
    enough = panel["student_id"].nunique() >= 350 and panel["school_id"].nunique() >= 2
    helped = [
        one for one in found
        if one["role"] == "primary" and one["verdict"] == HELPED and one["design"] == "lottery"
    ]  # fmt: skip
    return {"enough": bool(enough), "experiment_helped": bool(helped)}


def _plain(value: Any) -> Any:
    """Values as JSON has them; what is not a number is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Rule):
        return _plain(asdict(value))
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return None if not math.isfinite(value) else float(value)
    return value
