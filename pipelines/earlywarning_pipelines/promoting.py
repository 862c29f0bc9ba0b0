"""Candidate, challenger, champion: what a trained model is weighed on before it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from earlywarning.errors import ArtifactError, ConfigError
from earlywarning.features.build import FEATURES
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.models import ModelVersion
from earlywarning.risk import comparing, gates, spec
from earlywarning.risk.comparing import Comparison, Entrant
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.stored import from_files
from earlywarning.risk.gates import Difference

BY_TRAINING = "earlywarning train"
"""Who decided, where no person did."""

FIRST = "the first model of this outcome"
AUTOMATIC = "district.toml: models.promote is automatic, and no gate failed"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A person who wants what is trained to serve, and why."""

    by: str
    reason: str


@dataclass(frozen=True)
class Weighed:
    """What became of a version that could serve.

    Attributes
    ----------
    gates : dict
        See `risk.gates.judge`.
    comparison : Comparison or None
        With what serves now; None where nothing serves or nothing can be judged.
    decision : Decision or None
        None while it waits for a person.
    """

    gates: dict[str, dict[str, Any]]
    comparison: Comparison | None = None
    decision: Decision | None = field(default=None)


def person(by: str | None, reason: str | None) -> Promotion:
    """Who decides and why.

    Raises
    ------
    ConfigError
        If either is missing: a model changes which families are visited first.
    """
    by, reason = (by or "").strip(), (reason or "").strip()
    if not by or not reason:
        missing = "--by" if not by else "--reason"
        raise ConfigError(
            f"{missing} is missing: whoever lets a model serve gives a name and a reason; both "
            "are kept with the model"
        )
    return Promotion(by, reason)


def entrant(registry: ModelRegistry, row: ModelVersion) -> Entrant:
    """A stored version, ready to be compared.

    Raises
    ------
    ArtifactError
        If its files are not those that were recorded.
    """
    files = registry.files(row.model_version_id)
    return made(f"version {row.version}", row.estimator, from_files(files), files, row.report)


def made(
    name: str, kind: str, estimator: Any, files: Mapping[str, bytes], report: Mapping[str, Any]
) -> Entrant:
    """A version from its files and its report."""
    quarters = report["quarters"]
    return Entrant(
        name=name,
        kind=kind,
        estimator=estimator,
        spec=spec.parse(
            files["spec.toml"].decode(),
            where=f"spec.toml of {name}",
            known_features=[feature.name for feature in FEATURES],
        ),
        history=quarters["history"],
        test=quarters["test"],
    )


def weigh(
    registry: ModelRegistry,
    challenger: Entrant,
    report: Mapping[str, Any],
    champion: ModelVersion | None,
    dataset: Dataset,
    *,
    capacity_share: float,
    seed: int,
) -> Weighed:
    """Judge every gate of a version against what serves now.

    Parameters
    ----------
    champion : ModelVersion or None
        One that was altered cannot be compared; the others judge without it.
    dataset : Dataset
        Every closed quarter.
    capacity_share : float
    seed : int
    """
    found = None
    if champion is not None:
        try:
            other = entrant(registry, champion)
        except ArtifactError:
            pass
        else:
            found = comparing.compare(
                challenger, other, dataset, capacity_share=capacity_share, seed=seed
            )
    judged = gates.judge(
        report,
        challenger.kind,
        rule=_of_training(report) if found is None else found.rule,
        champion=None if found is None else found.against,
        has_champion=champion is not None,
        min_gain=challenger.spec.min_gain,
    )
    return Weighed(judged, found)


def _of_training(report: Mapping[str, Any]) -> Difference | None:
    """The model against the rule, as the training found it."""
    gate = report.get("gate")
    if not gate:
        return None
    return Difference(
        gate["found_share"], gate["rule_found_share"], gate["gain"], gate["low"], gate["high"]
    )


def decide(
    weighed: Weighed,
    *,
    first: bool,
    promotion: Promotion | None,
    automatic: bool,
    at: datetime,
) -> Weighed:
    """Whether it serves at once.

    The first model of an outcome does: a school where nobody looks at models still gets a list.
    Later ones do when a person asks for it and no gate fails, or when the district lets training
    decide and every comparison with what serves was made and won or drawn.
    """
    who: tuple[str, str] | None = None
    if promotion is not None:
        who = None if gates.failed(weighed.gates) else (promotion.by, promotion.reason)
    elif first:
        who = (BY_TRAINING, FIRST)
    elif automatic and gates.clear(weighed.gates):
        who = (BY_TRAINING, AUTOMATIC)
    if first and who is None:
        who = (BY_TRAINING, FIRST)
    if who is None:
        return weighed
    decision = Decision(who[0], who[1], at, gates=weighed.gates)
    return Weighed(weighed.gates, weighed.comparison, decision)
