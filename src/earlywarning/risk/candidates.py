"""What can be compared: each candidate by its name, as a spec asks for it, not fitted yet."""

from __future__ import annotations

from typing import Any

from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.grouped import COLUMNS, Grouped
from earlywarning.risk.estimators.last_value import LastValue
from earlywarning.risk.estimators.logistic import Logistic
from earlywarning.risk.estimators.memo import Memo
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.spec import OutcomeSpec


def candidate(name: str, spec: OutcomeSpec, *, threads: int = 1, memo: Memo | None = None) -> Any:
    """An unfitted candidate; what learns is calibrated by group where the spec says so.

    The rule is not: it must be easy to check by hand. With a memo, what was learnt from the same
    rows before is not learnt again.
    """
    if name == "rule":
        return Rule(spec.outcome, spec.rule)
    made = _learner(name, spec, threads, memo)
    return Grouped(made, spec.calibrate_by) if spec.calibrate_by else made


def _learner(name: str, spec: OutcomeSpec, threads: int, memo: Memo | None) -> Any:
    if name == "last_value":
        return LastValue(spec.last_value, spec.last_value_direction)
    if name == "logistic":
        return Logistic(spec.features, spec.logistic_strengths, memo=memo)
    if name == "boosted":
        return Boosted(
            spec.features,
            spec.boosted_settings,
            rounds=spec.boosted_rounds,
            increasing=spec.increasing,
            decreasing=spec.decreasing,
            threads=threads,
            memo=memo,
        )
    raise ValueError(f"there is no candidate {name!r}")


def looked_at(spec: OutcomeSpec) -> tuple[str, ...]:
    """Every column that any candidate uses."""
    rule = Rule(spec.outcome, spec.rule)
    groups = [COLUMNS[spec.calibrate_by]] if spec.calibrate_by else []
    return tuple(dict.fromkeys([*spec.features, spec.last_value, *rule.features, *groups]))
