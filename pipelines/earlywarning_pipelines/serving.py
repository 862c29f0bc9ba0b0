"""What decides each outcome: the model in service, or the rule, and the record of which it was.

A model that was altered is never opened. The newest one that served before it decides instead, or
the rule; the list says so in its header and the command by its exit code.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from earlywarning.errors import ArtifactError
from earlywarning.io.model_registry import CatalogueUnreachable, LoadedModel, ModelRegistry
from earlywarning.io.register import model_events, model_versions
from earlywarning.io.register.model_events import Decision
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec
from earlywarning.risk.estimators.base import MAIN_FILE, Estimator, json_bytes
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.estimators.stored import from_files
from earlywarning_pipelines.cluster_scores import Shipped

log = logging.getLogger(__name__)

RULE = "rule"
EARLIER_MODEL = "earlier_model"
REFUSED = "refused"
NO_RECORDS = "no_records"


@dataclass(frozen=True, slots=True)
class Decider:
    """One outcome's estimator.

    Attributes
    ----------
    outcome : str
    estimator : Estimator
    record : dict
        What a list keeps of it: enough to open the same one again.
    """

    outcome: str
    estimator: Estimator
    record: Mapping[str, Any]


def in_service(registry: ModelRegistry, *, at: datetime | None = None) -> list[Decider]:
    """What decides now, an entry an outcome; without a model, the rule of `spec.toml`.

    Parameters
    ----------
    at : datetime, optional
        Now, in UTC without zone: a model that had to be refused is then written to the register.

    Raises
    ------
    CatalogueUnreachable
        If MLflow's server does not answer: then nothing is known of any model.
    """
    return [_serving(outcome, registry, at) for outcome in OUTCOMES]


def _serving(outcome: str, registry: ModelRegistry, at: datetime | None) -> Decider:
    row = model_versions.champion(registry.register, outcome)
    if row is None:
        return _untrained(outcome)
    try:
        return _trained(outcome, registry.load(row.model_version_id))
    except CatalogueUnreachable:
        raise
    except ArtifactError as error:
        log.error("%s version %d was refused: %s", outcome, row.version, error)
        if at is not None:
            decision = Decision("earlywarning", str(error), at)
            model_events.record_refusal(registry.register, outcome, row.model_version_id, decision)
    instead = next(_earlier(outcome, registry), None)
    refused = {"version": row.version, "model_version_id": row.model_version_id}
    if instead is None:
        made, why = _untrained(outcome), REFUSED
    else:
        made, why = _trained(outcome, instead), EARLIER_MODEL
    return replace(made, record={**made.record, "why": why, "refused": refused})


def _earlier(outcome: str, registry: ModelRegistry) -> Iterator[LoadedModel]:
    """Models that served before and are intact, newest first."""
    events = model_events.of_outcome(registry.register, outcome)
    for model_version_id in model_events.served_before(events):
        try:
            yield registry.load(model_version_id)
        except CatalogueUnreachable:
            raise
        except ArtifactError as error:
            log.error("%s: an earlier model was refused as well: %s", outcome, error)


def refusals(header: Mapping[str, Any]) -> dict[str, int]:
    """Versions that a list could not use although they serve, by outcome."""
    return {
        outcome: model["refused"]["version"]
        for outcome, model in header["models"].items()
        if "refused" in model
    }


def recorded(models: Mapping[str, Mapping[str, Any]], registry: ModelRegistry) -> list[Decider]:
    """What decided a past list.

    Raises
    ------
    ArtifactError
        If a model does not match the recorded hash, or is gone.
    """
    found = []
    for outcome, record in models.items():
        if record["model_version_id"] is None:
            files = {MAIN_FILE: json_bytes(record["rule"])}
            found.append(_decider(outcome, from_files(files), record, record["artifact_sha256"],
                                  _sha256(files[MAIN_FILE])))  # fmt: skip
        else:
            model = registry.load(record["model_version_id"])
            found.append(_decider(outcome, model.estimator, record, record["artifact_sha256"],
                                  model.artifact_sha256))  # fmt: skip
    return found


def shipped(deciders: Sequence[Decider], registry: ModelRegistry) -> list[Shipped]:
    """The same estimators as files, to be checked and opened on other machines.

    Raises
    ------
    ArtifactError
        If a model does not match its recorded hash and signature.
    """
    found = []
    for one in deciders:
        version = one.record["model_version_id"]
        if version is None:
            files = {MAIN_FILE: json_bytes(one.record["rule"])}
            found.append(Shipped(one.outcome, files, sha256=one.record["artifact_sha256"]))
        else:
            found.append(Shipped(one.outcome, *registry.sealed(version)))
    return found


def records(
    deciders: Sequence[Decider], scored_students: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """For a list's header: each decider's record, and how many students it scored."""
    found = {}
    for one in deciders:
        count = scored_students[one.outcome]
        why = one.record["why"] if count else NO_RECORDS
        found[one.outcome] = {**one.record, "scored_students": count, "why": why}
    return found


def _decider(
    outcome: str, estimator: Estimator, record: Mapping[str, Any], expected: str, found: str
) -> Decider:
    if expected != found:
        raise ArtifactError(
            f"the model of {outcome} has hash {found[:12]}…, the list recorded {expected[:12]}…"
        )
    kept = {key: value for key, value in record.items() if key != "scored_students"}
    return Decider(outcome, estimator, kept)


def _untrained(outcome: str) -> Decider:
    rule = Rule(outcome, spec.load(outcome).rule)
    (text,) = rule.to_files().values()
    record = {
        "serves": RULE,
        "estimator": RULE,
        "version": None,
        "model_version_id": None,
        "artifact_sha256": _sha256(text),
        "why": "no_model",
        # The rule itself: its file may change with the program, a list may not.
        "rule": json.loads(text),
    }
    return Decider(outcome, rule, record)


def _trained(outcome: str, model: LoadedModel) -> Decider:
    record = {
        "serves": RULE if model.kind == RULE else "model",
        "estimator": model.kind,
        "version": model.version,
        "model_version_id": model.model_version_id,
        "artifact_sha256": model.artifact_sha256,
        "why": model.why,
        "rule": None,
    }
    return Decider(outcome, model.estimator, record)


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
