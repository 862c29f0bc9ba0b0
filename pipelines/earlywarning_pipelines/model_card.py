"""The model card of one version: what people wrote about the outcome, and what this run found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from earlywarning.io import wording
from earlywarning.risk.spec import OutcomeSpec
from earlywarning_pipelines import visit_words

CANDIDATES = {
    "rule": "the rule",
    "last_value": "last quarter's value",
    "logistic": "logistic regression",
    "boosted": "boosted trees",
}
TREATMENT = {
    "used": "a treatment in training, none in scoring",
    "too_rare": "too few to be corrected for; left out",
    "not_recorded": "none on record in these quarters; nothing to correct for",
    "against_sense": "visited children did worse than their records explain, so visits went where "
    "trouble was already known and their effect cannot be separated; left out",
    "not_applicable": "not used by this candidate",
}


def build(
    text: str,
    report: Mapping[str, Any],
    spec: OutcomeSpec,
    *,
    district: str,
    as_of: date,
    snapshot_id: str,
    code_version: str,
) -> str:
    """Markdown: the card's own text, then "This version".

    Parameters
    ----------
    text : str
        `models/<outcome>/card.md`.
    report : mapping
        From `risk.report.report`.
    spec : OutcomeSpec
    district, snapshot_id, code_version : str
    as_of : date
        Nothing known on or after it was used.
    """
    quarters = report["quarters"]
    lines = [
        text.rstrip(),
        "",
        "## This version",
        "",
        f"- District: {district}. Learnt from what was known before {as_of.isoformat()}.",
        f"- Serves: {CANDIDATES.get(report['served'], 'nothing')}. {_why(report, 'en')}.",
        f"- Yang dipakai: {_why(report, 'id')}.",
        f"- Records: {report['rows']:,} students and quarters with a known outcome, "
        f"{report['positives']:,} of them in trouble; quarters {_span(quarters['history'])}.",
        f"- Visits: {TREATMENT.get(report['treatment'], 'not used')}.",
        f"- Risks {'calibrated on this history' if report['calibrated'] else 'are presets'}.",
        f"- Capacity: {report['capacity_share']:.1%} of the students can be listed for concern.",
        f"- Facts {snapshot_id[:16]}, spec {spec.sha256[:16]}, earlywarning {code_version}, "
        f"seed {report['seed']}.",
    ]
    lines += [
        f"- Note: {_note(notice)}."
        for notice in report["notices"]
        if not notice["code"].startswith("visits_")
    ]
    for language, word in (("en", "Note"), ("id", "Catatan")):
        lines += [f"- {word}: {words}." for words in visit_words.notices(report, language)]
    if report["selection"]:
        lines += ["", *_selection(report)]
    if report["gate"]:
        lines += ["", *_gate(report)]
        lines += ["", *visit_words.card(report, CANDIDATES)]
    lines += ["", "### Looks at", "", ", ".join(f"`{name}`" for name in spec.features), ""]
    return "\n".join(lines)


def _why(report: Mapping[str, Any], language: str) -> str:
    key = f"why.{report['why']}"
    known = key in wording.catalogue(language)
    return wording.say(key, language) if known else str(report["why"])


def _note(notice: Mapping[str, Any]) -> str:
    numbers = ", ".join(f"{name} {_figure(value)}" for name, value in notice["numbers"].items())
    return notice["code"].replace("_", " ") + (f" ({numbers})" if numbers else "")


def _selection(report: Mapping[str, Any]) -> list[str]:
    lines = [
        f"### Chosen on {', '.join(report['quarters']['validation']) or 'parts of one quarter'}",
        "",
        "The simplest candidate within one standard error of the best is taken.",
        "",
        "| candidate | share of trouble found | behind the best | standard error |",
        "|---|---|---|---|",
    ]
    for row in report["selection"]:
        lines.append(
            f"| {CANDIDATES[row['candidate']]} | {row['found_share']:.3f} | {row['behind']:.3f} "
            f"| {row['behind_error']:.3f} |"
        )
    return lines


def _gate(report: Mapping[str, Any]) -> list[str]:
    gate = report["gate"]
    lines = [
        f"### Judged on {', '.join(report['quarters']['test'])}, which had no part in choosing",
        "",
        f"{CANDIDATES[gate['model']].capitalize()} found {gate['gain']:+.3f} more of the trouble "
        f"than the rule (95 % interval {gate['low']:+.3f} to {gate['high']:+.3f}).",
        "",
        "| candidate | found | best ties | worst ties | precision | PR-AUC | ROC-AUC | Brier "
        "| calibration error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = (
        "found_share", "found_share_best", "found_share_worst", "precision", "pr_auc", "roc_auc",
        "brier", "calibration_error",
    )  # fmt: skip
    for candidate, figures in report["test"].items():
        values = " | ".join(_figure(figures[name]) for name in names)
        lines.append(f"| {CANDIDATES[candidate]} | {values} |")
    return lines


def _figure(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _span(codes: list[str]) -> str:
    if not codes:
        return "none"
    return codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1]}"
