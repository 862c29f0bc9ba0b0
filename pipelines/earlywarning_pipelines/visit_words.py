"""What is said of visits where a training is told: what lists find had nobody been visited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.io import wording


def notices(report: Mapping[str, Any], language: str) -> list[str]:
    """What a reader must know of visits, one sentence each.

    Parameters
    ----------
    report : mapping
        From `risk.report.report`.
    language : {"en", "id"}
    """
    codes = [one["code"] for one in report["notices"]]
    return [wording.say(f"notice.{code}", language) for code in codes if code.startswith("visits_")]


def summary(report: Mapping[str, Any]) -> list[str]:
    """Lines for the terminal; none where there is nothing to say of visits."""
    lines = [f"visits: {words}" for words in notices(report, "en")]
    model = report["test"].get(report["chosen"]) or {}
    rule = report["test"].get("rule") or {}
    if model.get("no_visit_found_share") is not None:
        lines.append(
            f"had nobody been visited: {model['no_visit_found_share']:.1%} "
            f"({model['no_visit_found_share_low']:.0%} to "
            f"{model['no_visit_found_share_high']:.0%}), "
            f"the rule {rule['no_visit_found_share']:.1%}"
        )
    return lines


def card(report: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """A section of the model card; empty where no later quarter judged.

    Parameters
    ----------
    report : mapping
    names : mapping of candidate to words
    """
    about = report.get("visits")
    if not about:
        return []
    lines = [
        "### Had nobody been visited",
        "",
        f"{about['visited']:,} of {about['students']:,} students of the judging quarters were "
        "visited in them. A visit that helps makes a good list look bad, so the figures below are "
        "of what would have happened without visits (doubly robust; 95 % bootstrap intervals).",
        "",
    ]
    if about["status"] != "corrected":
        words = [wording.say(f"notice.visits_{about['status']}", one) for one in ("en", "id")]
        return [*lines[:2], *(f"{one}." for one in words)]
    lines += [
        f"Students not visited count as {about['effective']:.0f}, those within capacity as "
        f"{about['effective_listed']:.0f}; {about['listed_sure']:.1%} of the listed were as good "
        f"as certain of a visit, {about['beyond']:.1%} of all were beyond 5 to 95 %.",
        "",
        "| candidate | found | from | to | Brier | from | to | calibration error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    columns = (
        "found_share", "found_share_low", "found_share_high", "brier", "brier_low", "brier_high",
        "calibration_error",
    )  # fmt: skip
    for candidate, figures in report["test"].items():
        values = " | ".join(f"{figures[f'no_visit_{name}']:.3f}" for name in columns)
        lines.append(f"| {names[candidate]} | {values} |")
    return lines
