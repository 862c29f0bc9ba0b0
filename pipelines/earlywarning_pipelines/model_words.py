"""What the commands about models print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from earlywarning.io import wording
from earlywarning.io.register import model_events
from earlywarning.io.wording import card_text
from earlywarning.risk import gates
from earlywarning.risk.results import BORROWED, FEWER, ON_CLUSTER, SAMPLED, UNJUDGED
from earlywarning.risk.watch.checks import ACT, LOOK
from earlywarning_pipelines import visit_words

if TYPE_CHECKING:
    from earlywarning.io.base_bundle import Bundle
    from earlywarning.io.register.models import ModelEvent
    from earlywarning.io.register.monitor_checks import CheckRow
    from earlywarning.risk.comparing import Comparison
    from earlywarning_pipelines.borrowing import Exported
    from earlywarning_pipelines.models import Compared, Promoted, RolledBack, Shown, Version
    from earlywarning_pipelines.repeating import Repeated
    from earlywarning_pipelines.train import TrainedOutcome, TrainResult

LEFT_OUT = {
    "rule": "not lent, the rule serves, which every school has",
    "borrowed": "not lent, it was borrowed itself",
    "no_model": "not lent, no model was trained yet",
}
GATES = {
    gates.RULE: "more than the rule",
    gates.CHAMPION: "no less than what serves now",
    gates.CALIBRATION: "expectation meets what happened",
    gates.GROUPS: "fair to every group",
}
OPEN = {
    "is_the_rule": "it is the rule itself",
    "nothing_serves": "nothing serves yet",
    "nothing_to_judge": "no later quarter could judge it",
    "not_judged": "not judged",
}
HOW = {
    "as_served": "as it serves",
    "refitted": "learnt again from the quarters before each",
}


def training_summary(result: TrainResult) -> str:
    """What was trained, what serves and why, and what waits for whom."""
    lines = ["no closed quarter on record yet, so there is nothing to compare"]
    if result.quarters:
        quarters = len(result.quarters)
        lines = [
            f"{quarters} closed quarter{'' if quarters == 1 else 's'}, {result.students:,} "
            f"student{'' if result.students == 1 else 's'}, concern places for "
            f"{result.capacity_share:.0%} of them"
        ]
    for one in result.outcomes:
        lines += _trained(one)
    return "\n".join(lines)


def _trained(one: TrainedOutcome) -> list[str]:
    if one.model is None:
        return [f"  {one.outcome}: nothing serves. {wording.say('why.no_records', 'en')}"]
    why = wording.say(f"why.{one.report['why']}", "en")
    version = f"version {one.model.version}"
    if one.serves:
        lines = [f"  {one.outcome}: {one.model.kind} serves. {why}"]
    else:
        lines = [f"  {one.outcome}: {one.model.kind} waits as {version}, a challenger. {why}"]
    lines += [f"    {words}" for words in _few(one.report) if words]
    gate = one.report.get("gate")
    if gate:
        lines.append(
            f"    found {gate['found_share']:.1%} of later trouble, "
            f"the rule {gate['rule_found_share']:.1%}"
        )
    lines += [f"    {line}" for line in visit_words.summary(one.report)]
    if one.page is not None:
        lines.append(f"    how sure, for whom and how stable: {one.page}")
    if one.weighed is not None and one.weighed.decision is not None:
        decision = one.weighed.decision
        lines.append(f"    {version}, put in service by {decision.made_by}: {decision.reason}")
    if not one.serves:
        if one.weighed is not None:
            lines += [f"    {line}" for line in _gates(one.weighed.gates)]
        lines.append(
            "    what served before goes on serving; look with `earlywarning models compare "
            f"{one.outcome}`,"
        )
        lines.append(
            f"    then `earlywarning models promote {one.outcome} --by NAME --reason TEXT`"
        )
    return lines


def _few(report: Mapping[str, Any]) -> list[str]:
    """That a small school was asked for less, and where a borrowed model comes from."""
    told = [
        f"boosted trees were left out: {one['numbers']['found']} to learn from, "
        f"{one['numbers']['needed']} are needed"
        for one in report.get("notices", [])
        if one["code"] == FEWER
    ]
    told += [
        card_text(f"card.notice.{one['code']}", "en", **one["numbers"])
        for one in report.get("notices", [])
        if one["code"] in (SAMPLED, ON_CLUSTER)
    ]
    return [*told, _from(report).removeprefix("; ")]


def exported(done: Exported, path: str) -> str:
    """What was lent, and what the borrower must be told."""
    bundle = done.bundle
    lines = [f"{path}: {', '.join(bundle.outcomes)} of {bundle.district}"]
    lines += [f"  {outcome}: {LEFT_OUT[why]}" for outcome, why in done.left_out.items()]
    lines += [
        "  no row of any child is in it: weights, thresholds and totals only",
        f"  signed with the key {bundle.key}",
        "  tell the borrower this key by telephone or on paper, not with the file; there:",
        f"  `earlywarning models borrow FILE --key {bundle.key} --by NAME --reason TEXT`",
    ]
    return "\n".join(lines)


def borrowed(bundle: Bundle, differ: Sequence[str]) -> str:
    """Where the models come from."""
    what = "invented pupils" if bundle.learnt_from == "simulation" else "real records"
    lines = [f"borrowed from {bundle.district}, learnt from {what}, key {bundle.key}"]
    for outcome, one in bundle.outcomes.items():
        about = one.about
        span = " to ".join(dict.fromkeys(about["quarters"]))
        lines.append(
            f"  {outcome}: {about['kind']}, {about['rows']:,} students and quarters, {span}"
        )
    lines += [f"  other thresholds, so it predicts something else: {one}" for one in differ]
    return "\n".join(lines)


def versions_table(versions: Sequence[Version]) -> str:
    """One line a version."""
    lines = []
    for one in versions:
        row, gate = one.row, one.row.report.get("gate")
        found = f"{gate['gain']:+.1%} on the rule" if gate else "nothing compared"
        found += _from(row.report)
        if row.estimator == "rule":
            found = "is the rule"
        lines.append(
            f"{row.outcome:<11}{row.version:>3}  {one.alias or '-':<11} {row.estimator:<11}"
            f"{row.trained_at:%Y-%m-%d %H:%M} UTC  {_span(row.report)}  {found}"
        )
    return "\n".join(lines) or "no model yet; train one with `earlywarning train`"


def _from(report: Mapping[str, Any]) -> str:
    """Of a borrowed model: from whom, and if nothing here has judged it."""
    for one in report.get("notices", []):
        if one["code"] in (BORROWED, UNJUDGED):
            unjudged = ", judged by no quarter here" if one["code"] == UNJUDGED else ""
            numbers, key = one["numbers"], one["numbers"]["lender_key"][:9]
            return f"; borrowed from {numbers['district']} (key {key}…){unjudged}"
    return ""


def _span(report: Mapping[str, Any]) -> str:
    history = report.get("quarters", {}).get("history", [])
    if not history:
        return "no quarter"
    return history[0] if len(history) == 1 else f"{history[0]} to {history[-1]}"


def version_text(shown: Shown) -> str:
    """A version in words."""
    row = shown.version.row
    report = row.report
    alias = shown.version.alias
    lines = [
        f"{row.outcome} version {row.version}: {row.estimator}"
        + (f", {alias}" if alias else ", not in service"),
        f"  {wording.why_text(str(report.get('why')), 'en')}",
        f"  learnt from {_span(report)}: {report.get('rows', 0):,} students and quarters, "
        f"{report.get('positives', 0):,} in trouble; facts {row.snapshot_id[:16]}",
        *(f"  {words}" for words in _few(report) if words),
    ]
    gate = report.get("gate")
    if gate:
        lines.append(
            f"  on {', '.join(report['quarters']['test'])}, which chose nothing: {gate['model']} "
            f"found {gate['found_share']:.1%} of the trouble, the rule "
            f"{gate['rule_found_share']:.1%} ({_gain(gate)})"
        )
    served = (report.get("test") or {}).get(row.estimator) or {}
    figures = {
        "precision": "of those listed, in trouble", "roc_auc": "ROC-AUC", "brier": "Brier",
        "calibration_error": "calibration error",
    }  # fmt: skip
    told = [
        f"{words} {served[name]:.3f}"
        for name, words in figures.items()
        if served.get(name) is not None
    ]
    if told:
        lines.append(f"  {'; '.join(told)}")
    for name in (gates.CALIBRATION, gates.GROUPS):
        judged = (report.get("gates") or {}).get(name, {"passed": None, "why": "not_judged"})
        lines.append(f"  {gate_text(name, judged)}")
    if row.is_champion:
        lines += [f"  {line}" for line in _watched(shown.watched)]
    lines += [
        f"  run {row.run_id}, trained {_moment(row.trained_at)}",
        f"  manifest sha256 {row.artifact_sha256}",
        f"  {'hash and signature match' if not shown.refusal else 'REFUSED: ' + shown.refusal}",
    ]
    lines += [f"  {_event(one, shown)}" for one in shown.events]
    lines.append(f"the card: `earlywarning models show {row.outcome} {row.version} --card`")
    return "\n".join(lines)


def _watched(checks: Sequence[CheckRow]) -> list[str]:
    """The newest state that `earlywarning monitor` kept."""
    if not checks:
        return ["watched: not yet; `earlywarning monitor` looks"]
    found = {status: [one for one in checks if one.status == status] for status in (ACT, LOOK)}
    quarters = ", ".join(sorted({one.quarter for one in checks}))
    told = "all in order"
    if found[ACT] or found[LOOK]:
        told = f"{len(found[ACT])} to act on, {len(found[LOOK])} to look at"
    lines = [f"watched {_moment(checks[0].at)}, {quarters}: {len(checks)} checks, {told}"]
    for one in (*found[ACT], *found[LOOK]):
        about = f" of {one.subject}" if one.subject else ""
        lines.append(
            f"  [{one.status}] {one.quarter} {one.code}{about}: {_number(one.value)}, "
            f"limit {_number(one.limit)}"
        )
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _event(event: ModelEvent, shown: Shown) -> str:
    number = shown.numbers.get(event.model_version_id, "?")
    before = shown.numbers.get(event.from_version_id or "")
    words = {
        model_events.TRAINED: f"version {number} was trained",
        model_events.PROMOTED: f"version {number} was put in service",
        model_events.ROLLED_BACK: f"version {number} was put back in service",
        model_events.REFUSED: f"version {number} was refused",
    }[event.action]
    if before is not None:
        words += f" instead of {before}"
    against = ", against what was judged" if event.override else ""
    return f"{_moment(event.at)}: {words}{against}, by {event.made_by}: {event.reason}"


def comparison_text(compared: Compared) -> str:
    """Two versions side by side."""
    names = f"{compared.outcome}: version {compared.one.version} and {compared.other.version}"
    if compared.comparison is None:
        return f"{names}: no closed quarter can judge them, so they cannot be compared yet"
    return "\n".join([names, *_compared(compared.comparison)])


def _compared(found: Comparison) -> list[str]:
    which = (
        "which neither had learnt from"
        if found.unseen
        else "which judged the newer one; who had learnt from them was learnt again without"
    )
    lines = [f"  on {', '.join(found.quarters)}, {which}:"]
    for name, share in found.found_share.items():
        how = HOW[found.how[name]] if name in found.how else "from the quarters before each"
        lines.append(f"  {name:<16} found {share:.1%} of the trouble ({how})")
    lines.append(f"  difference between the two: {_gain(_plain(found.against))}")
    lines.append(f"  more than the rule: {_gain(_plain(found.rule))}")
    return lines


def _plain(difference: Any) -> dict[str, float]:
    return {name: getattr(difference, name) for name in ("gain", "low", "high")}


def _gain(figures: Mapping[str, Any]) -> str:
    return f"{figures['gain']:+.1%}, 95 % interval {figures['low']:+.1%} to {figures['high']:+.1%}"


def gate_text(name: str, gate: Mapping[str, Any]) -> str:
    """One gate: what it asks, whether it is passed, and its figures."""
    passed = gate.get("passed")
    verdict = {True: "passed", False: "NOT passed", None: "open"}[passed]
    if "gain" in gate:
        detail = f" ({_gain(gate)})"
    elif gate.get("error") is not None:
        detail = f" (error {gate['error']:.3f}, allowed {gate['limit']:.3f})"
    elif gate.get("gap") is not None:
        rule = gate.get("rule_gap")
        beside = "" if rule is None else f"; on the rule's own list {rule:+.1%}"
        detail = (
            f" ({gate['attribute']}: {gate['gap']:.1%} more is found of {gate['group']} than of "
            f"{gate['against']}, interval {gate['low']:+.1%} to {gate['high']:+.1%}{beside}; more "
            f"than {gate['limit']:.0%} fails unless chance or the rule explains it)"
        )
    elif passed is None:
        detail = f" ({OPEN.get(str(gate.get('why')), gate.get('why', 'not judged'))})"
    else:
        detail = f" ({gate['why']})" if gate.get("why") else ""
    return f"{GATES[name]}: {verdict}{detail}"


def _gates(judged: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [gate_text(name, gate) for name, gate in judged.items()]


def promotion_text(done: Promoted) -> str:
    """Which version serves now, and what was judged."""
    instead = f" instead of version {done.before.version}" if done.before else ""
    lines = [f"{done.row.outcome}: version {done.row.version} serves from now on{instead}"]
    if done.weighed.comparison is not None:
        lines += _compared(done.weighed.comparison)
    lines += [f"  {line}" for line in _gates(done.weighed.gates)]
    against = ", against what was judged" if done.decision.override else ""
    lines.append(f"  kept: by {done.decision.made_by}{against}: {done.decision.reason}")
    return "\n".join(lines)


def rollback_text(done: RolledBack) -> str:
    """Which version serves again."""
    lines = [
        f"{done.row.outcome}: version {done.row.version} serves again instead of version "
        f"{done.before.version}"
    ]
    lines += [f"  version {number} was altered and was passed over" for number in done.skipped]
    lines.append(f"  kept: by {done.decision.made_by}: {done.decision.reason}")
    return "\n".join(lines)


def refusal(outcome: str, version: int) -> str:
    """That a list could not be made by the model in service."""
    return (
        f"{outcome}: version {version} serves, but was altered after it was recorded and was not "
        f"opened; look with `earlywarning models show {outcome}`, restore its folder from the "
        "backup, or let another serve with `earlywarning models rollback`"
    )


def repetition(result: Repeated) -> str:
    """Whether a run gave the same model again."""
    name = f"{result.outcome}, run {result.run_id}"
    if result.identical:
        return f"identical: {name}, manifest sha256 {result.sha256}"
    return "\n".join([f"DIFFERENT: {name}", *(f"  {line}" for line in result.differences)])


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
