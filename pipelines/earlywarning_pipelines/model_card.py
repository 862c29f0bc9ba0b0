"""The model card of one version: what people wrote about the outcome, and what this run found.

One card a language. Its words are `locale/<language>/LC_MESSAGES/card.po`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from earlywarning.district import District
from earlywarning.io import report_page, wording
from earlywarning.io.wording import card_text
from earlywarning.risk.evaluation.group_names import BY
from earlywarning.risk.spec import OutcomeSpec
from earlywarning_pipelines import visit_words

SUMMARY = "**Ringkasan"
"""Begins the paragraph of a card's own text that is in Indonesian."""

PEOPLE_WRITE = ("purpose", "not_for", "data", "limits")
"""Sections that the card's own text may have; where it has not, the catalogue's words stand."""

LAW = (
    "pasal_10", "pasal_20", "pasal_31", "pasal_32", "pasal_34", "pasal_35", "pasal_40", "pasal_42",
    "pasal_46", "pasal_51", "inference", "prohibited", "ferpa", "gdpr", "ai_act",
)  # fmt: skip
"""What a school must be able to answer, and where the answer is."""


def build(
    text: str,
    report: Mapping[str, Any],
    spec: OutcomeSpec,
    *,
    district: str,
    as_of: date,
    snapshot_id: str,
    code_version: str,
    rules: District | None = None,
    language: str = "en",
) -> str:
    """Markdown: the card's own text, then what this version is, found and answers.

    Parameters
    ----------
    text : str
        `models/<outcome>/card.md`: English, with a paragraph in Indonesian.
    report : mapping
        From `risk.report.report`; its `groups` and `gates` are told where it has them.
    spec : OutcomeSpec
    district, snapshot_id, code_version : str
    as_of : date
        Nothing known on or after it was used.
    rules : District, optional
        Whose thresholds are told.
    language : {"en", "id"}
    """
    say = _Say(language)
    lines = [f"# {say('title', outcome=wording.say(f'outcome.{spec.outcome}', language))}", ""]
    lines += [_own(text, language), ""]
    for name in PEOPLE_WRITE:
        if f"## {say(name)}\n" not in lines[2]:
            lines += [f"## {say(name)}", "", say(f"{name}.text"), ""]
    if rules is not None:
        lines += [*_thresholds(spec.outcome, rules, say), ""]
    lines += [f"## {say('version')}", ""]
    lines += _version(
        report, spec, say, district=district, as_of=as_of, snapshot_id=snapshot_id,
        code_version=code_version,
    )  # fmt: skip
    if report["selection"]:
        lines += ["", *_selection(report, say)]
    if report["gate"]:
        lines += ["", *_gate(report, say)]
        lines += ["", *_without_visits(report, say)]
    lines += ["", *_calibration(report, say), "", *_groups(report, say)]
    lines += ["", f"### {say('law')}", "", *(f"- {say(f'law.{item}')}" for item in LAW)]
    lines += ["", f"### {say('features')}", "", ", ".join(f"`{name}`" for name in spec.features)]
    return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True)
class _Say:
    """The card's words in one language."""

    language: str

    def __call__(self, key: str, **numbers: Any) -> str:
        return card_text(f"card.{key}", self.language, **numbers)


def _own(text: str, language: str) -> str:
    """What people wrote, in the language: all but the title, or the paragraph in Indonesian."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("# ")).strip()
    if language == "en":
        return body
    return "\n\n".join(part for part in body.split("\n\n") if part.startswith(SUMMARY))


def _names(language: str) -> dict[str, str]:
    kinds = ("rule", "last_value", "borrowed", "logistic", "boosted")
    return {kind: wording.say(f"estimator.{kind}", language) for kind in kinds}


def _thresholds(outcome: str, rules: District, say: _Say) -> list[str]:
    own = rules.thresholds
    numbers: dict[str, dict[str, Any]] = {
        "attendance": {"rate": 100 * own.absence_rate},
        "behaviour": {
            "points": own.first_warning_points * own.behaviour_share,
            "share": 100 * own.behaviour_share,
        },
        "grades": {"subjects": own.subjects_below, "mark": own.pass_mark},
    }
    lines = [f"## {say('threshold')}", "", f"{say(f'threshold.{outcome}', **numbers[outcome])}."]
    if rules.school_thresholds:
        lines.append(f"{say('threshold.schools', count=len(rules.school_thresholds))}.")
    return lines


def _version(
    report: Mapping[str, Any],
    spec: OutcomeSpec,
    say: _Say,
    *,
    district: str,
    as_of: date,
    snapshot_id: str,
    code_version: str,
) -> list[str]:
    quarters = report["quarters"]["history"]
    served = _names(say.language).get(report["served"], say("nothing"))
    lines = [
        say("district", district=district, as_of=as_of),
        say("serves", candidate=served, why=_why(report, say.language)),
        say(
            "records", rows=report["rows"], positives=report["positives"], first=quarters[0],
            last=quarters[-1],
        ) if quarters else say("no_records"),
        say("calibrated" if report["calibrated"] else "presets"),
        say("capacity", share=100 * report["capacity_share"]),
        say(
            "made", facts=snapshot_id[:16], spec=spec.sha256[:16], code=code_version,
            seed=report["seed"],
        ),
    ]  # fmt: skip
    treatment = f"card.treatment.{report['treatment']}"
    if treatment in wording.catalogue(say.language, "card"):
        lines.insert(3, card_text(treatment, say.language))
    lines += [
        say("note", note=_note(notice, say.language))
        for notice in report["notices"]
        if not notice["code"].startswith("visits_")
    ]
    lines += [say("note", note=words) for words in visit_words.notices(report, say.language)]
    return [f"- {line}" for line in lines]


def _why(report: Mapping[str, Any], language: str) -> str:
    key = f"why.{report['why']}"
    known = key in wording.catalogue(language)
    return wording.say(key, language) if known else str(report["why"])


def _note(notice: Mapping[str, Any], language: str) -> str:
    """A notice in words where there are some, and its numbers."""
    own = f"card.notice.{notice['code']}"
    if own in wording.catalogue(language, "card"):
        return card_text(own, language, **notice["numbers"]).rstrip(".")
    key = f"why.{notice['code']}"
    known = key in wording.catalogue(language)
    words = wording.say(key, language) if known else notice["code"].replace("_", " ")
    named = wording.catalogue(language, "card")
    numbers = ", ".join(
        f"{card_text(f'card.number.{name}', language)} "
        f"{_names(language).get(str(value), _figure(value))}"
        for name, value in notice["numbers"].items()
        if f"card.number.{name}" in named
    )
    return words + (f" ({numbers})" if numbers else "")


def _selection(report: Mapping[str, Any], say: _Say) -> list[str]:
    names = _names(say.language)
    quarters = ", ".join(report["quarters"]["validation"]) or say("part")
    columns = [say(f"column.{name}") for name in ("candidate", "found", "behind", "error")]
    lines = [
        f"### {say('chosen', quarters=quarters)}", "", say("chosen.text"), "", *_head(columns)
    ]  # fmt: skip
    for row in report["selection"]:
        lines.append(
            f"| {names[row['candidate']]} | {row['found_share']:.3f} | {row['behind']:.3f} "
            f"| {row['behind_error']:.3f} |"
        )
    return lines


def _gate(report: Mapping[str, Any], say: _Say) -> list[str]:
    gate, names = report["gate"], _names(say.language)
    signed = {name: f"{gate[name]:+.3f}" for name in ("gain", "low", "high")}
    columns = [
        say("column.candidate"), say("column.found"), say("column.best_ties"),
        say("column.worst_ties"), say("column.precision"), "PR-AUC", "ROC-AUC", "Brier",
        say("column.calibration_error"),
    ]  # fmt: skip
    lines = [
        f"### {say('judged', quarters=', '.join(report['quarters']['test']))}",
        "",
        say("judged.text", candidate=names[gate["model"]], **signed),
        "",
        *_head(columns),
    ]
    keys = (
        "found_share", "found_share_best", "found_share_worst", "precision", "pr_auc", "roc_auc",
        "brier", "calibration_error",
    )  # fmt: skip
    for candidate, figures in report["test"].items():
        values = " | ".join(_figure(figures[name]) for name in keys)
        lines.append(f"| {names[candidate]} | {values} |")
    return lines


def _without_visits(report: Mapping[str, Any], say: _Say) -> list[str]:
    """What the lists would have found had nobody been visited."""
    if say.language == "en":
        return visit_words.card(report, _names("en"))
    about = report.get("visits")
    if not about or about["status"] != "corrected":
        return []  # a note above says why
    columns = [say("column.candidate"), say("column.found"), "95 %", "Brier"]
    lines = [f"### {say('no_visit')}", "", say("no_visit.text"), "", *_head(columns)]
    for candidate, figures in report["test"].items():
        share, low, high, brier = (
            _figure(figures[f"no_visit_{name}"])
            for name in ("found_share", "found_share_low", "found_share_high", "brier")
        )
        lines.append(f"| {_names(say.language)[candidate]} | {share} | {low}–{high} | {brier} |")
    return lines


def _calibration(report: Mapping[str, Any], say: _Say) -> list[str]:
    figures = (report.get("test") or {}).get(report["served"]) or {}
    lines = [f"### {say('calibration')}", ""]
    if figures.get("calibration_error") is None:
        return [*lines, say("calibration.none")]
    told = say(
        "calibration.text", error=_figure(figures["calibration_error"]),
        brier=_figure(figures["brier"]),
    )  # fmt: skip
    return [*lines, f"{told} {_passed(report, 'calibration', say)}"]


def _passed(report: Mapping[str, Any], name: str, say: _Say) -> str:
    passed = ((report.get("gates") or {}).get(name) or {}).get("passed")
    return say("gate.null" if passed is None else f"gate.{str(passed).lower()}")


def _groups(report: Mapping[str, Any], say: _Say) -> list[str]:
    judged = [
        group
        for group in (report.get("groups") or {}).get("groups") or []
        if (group.get("figures") or {}).get("found_share")
    ]
    lines = [f"### {say('groups')}", ""]
    if not judged:
        return [*lines, say("groups.none")]
    columns = [say(f"column.{name}") for name in ("group", "students", "trouble", "found")]
    lines += [f"{say('groups.text')} {_passed(report, 'groups', say)}", "", *_head(columns)]
    for group in judged:
        found = group["figures"]["found_share"]
        name = f"{_attribute(group['attribute'], say)}: {_value(group['value'], say)}"
        lines.append(
            f"| {name} | {group['students']} | {group['trouble']} "
            f"| {_figure(found['value'])} ({_figure(found['low'])}–{_figure(found['high'])}) |"
        )
    worst = (report.get("gates") or {}).get("groups") or {}
    if worst.get("gap") is not None and worst.get("rule_gap") is not None:
        lines += ["", say(
            "groups.gap", attribute=_attribute(worst["attribute"], say),
            group=_value(worst["group"], say), against=_value(worst["against"], say),
            **{name: _figure(worst[name]) for name in ("gap", "low", "high", "rule_gap", "limit")},
        )]  # fmt: skip
    return [*lines, *_mitigation(report["groups"].get("mitigation"), say)]


def _mitigation(found: Mapping[str, Any] | None, say: _Say) -> list[str]:
    """What one step of calibration a group changed, and what it cost."""
    if not found:
        return []
    columns = [say(f"column.{name}") for name in (
        "calibration", "found", "calibration_error", "worst_step", "gap",
    )]  # fmt: skip
    lines = [
        "", f"### {say('mitigation', attribute=_attribute(found['by'], say))}", "",
        say("mitigation.text"), "", *_head(columns),
    ]  # fmt: skip
    for name in ("before", "after"):
        figures = " | ".join(
            _figure(found[name][key]) for key in ("found_share", "error", "worst_step", "gap")
        )
        lines.append(f"| {say(f'mitigation.{name}')} | {figures} |")
    return lines


def _attribute(name: str, say: _Say) -> str:
    words = report_page.words(say.language)
    return BY.join(words.get(f"attribute_{part}", part) for part in name.split(BY))


def _value(value: str, say: _Say) -> str:
    words = report_page.words(say.language)
    return BY.join(words.get(part, part) for part in value.split(BY))


def _head(columns: list[str]) -> list[str]:
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def _figure(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
