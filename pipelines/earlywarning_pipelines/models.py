"""The life of models after training: look at them, compare them, let one serve, go back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from earlywarning.district import District
from earlywarning.errors import ArtifactError, ConfirmationNeeded, Conflict, DataError, NotFound
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import CatalogueUnreachable, ModelRegistry
from earlywarning.io.register import model_events, model_versions, monitor_checks
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.models import ModelEvent, ModelVersion
from earlywarning.io.register.monitor_checks import CheckRow
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import comparing, gates
from earlywarning.risk.comparing import Comparison
from earlywarning.risk.dataset import Dataset
from earlywarning_pipelines import promoting, train
from earlywarning_pipelines.promoting import Promotion, Weighed

Progress = Callable[[str, int, int], None]

CHAMPION = "champion"
CHALLENGER = "challenger"
COMPARE_SEED = 1
"""Of the draws behind an interval: the same versions on the same facts give the same one."""


class GatesFailed(ConfirmationNeeded):
    """A version was judged and failed; a person who knows better may let it serve all the same.

    Parameters
    ----------
    words : str
    gates : list of str
        Of `risk.gates.NAMES`, those that failed.
    """

    def __init__(self, words: str, gates: list[str]) -> None:
        super().__init__(words)
        self.gates = gates


@dataclass(frozen=True)
class Version:
    """One version, and where it stands.

    Attributes
    ----------
    row : ModelVersion
    alias : str
        `champion`, `challenger`, or empty.
    """

    row: ModelVersion
    alias: str


@dataclass(frozen=True)
class Shown:
    """All that is known of one version.

    Attributes
    ----------
    version : Version
    events : list of ModelEvent
        That concern it, oldest first.
    refusal : str
        Why it could not be opened; empty if its hash and signature match.
    numbers : dict of id to int
        Version numbers, for the events.
    watched : list of CheckRow
        The checks of the newest look that concern this outcome or all of them; watching is about
        the version in service, so there are none for another.
    """

    version: Version
    events: list[ModelEvent]
    refusal: str
    numbers: dict[str, int]
    watched: list[CheckRow]


@dataclass(frozen=True)
class Compared:
    """Two versions; `comparison` is None where no quarter can judge them."""

    outcome: str
    one: ModelVersion
    other: ModelVersion
    comparison: Comparison | None


@dataclass(frozen=True)
class Promoted:
    """A version that serves now."""

    row: ModelVersion
    before: ModelVersion | None
    weighed: Weighed
    decision: Decision


@dataclass(frozen=True)
class RolledBack:
    """A version that serves again; `skipped` could not be opened."""

    row: ModelVersion
    before: ModelVersion
    skipped: tuple[int, ...]
    decision: Decision


def listed(register: Register, outcome: str | None = None) -> list[Version]:
    """Every version of one outcome or of all, by outcome, newest first."""
    found = []
    for name in OUTCOMES if outcome is None else (outcome,):
        waiting = model_events.challenger(model_events.of_outcome(register, name))
        found += [
            Version(row, _alias(row, waiting)) for row in model_versions.every(register, name)
        ]
    return found


def _alias(row: ModelVersion, waiting: str | None) -> str:
    if row.is_champion:
        return CHAMPION
    return CHALLENGER if row.model_version_id == waiting else ""


def shown(registry: ModelRegistry, outcome: str, version: int | None = None) -> Shown:
    """One version; by default the one in service.

    Raises
    ------
    NotFound
        If there is none.
    """
    row = _row(registry.register, outcome, version, CHAMPION)
    try:
        registry.files(row.model_version_id)
        refusal = ""
    except ArtifactError as error:
        refusal = str(error)
    events = model_events.of_outcome(registry.register, outcome)
    id_ = row.model_version_id
    return Shown(
        version=Version(row, _alias(row, model_events.challenger(events))),
        events=[one for one in events if id_ in (one.model_version_id, one.from_version_id)],
        refusal=refusal,
        numbers={
            one.model_version_id: one.version
            for one in model_versions.every(registry.register, outcome)
        },
        watched=[
            one
            for one in (monitor_checks.latest(registry.register) if row.is_champion else [])
            if one.outcome in (None, outcome)
        ],
    )


def card(
    registry: ModelRegistry, outcome: str, version: int | None = None, *, language: str
) -> str:
    """The card of a version, Markdown, as its run made it."""
    row = _row(registry.register, outcome, version, CHAMPION)
    return registry.run_text(row.run_id, f"card.{language}.md")


def compare(
    outcome: str,
    one: int | None = None,
    other: int | None = None,
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    as_of: date,
    progress: Progress | None = None,
) -> Compared:
    """Two versions on the same later quarters; see `risk.comparing.compare`.

    Parameters
    ----------
    one, other : int, optional
        Default the challenger and the champion.
    as_of : date
        Only what was known before this day is used.

    Raises
    ------
    NotFound
        If there is no such version.
    Conflict
        If they are the same.
    ArtifactError
        If one was altered.
    """
    first = _row(register, outcome, one, CHALLENGER)
    second = _row(register, outcome, other, CHAMPION)
    if first.model_version_id == second.model_version_id:
        raise Conflict(f"{outcome} version {first.version} cannot be compared with itself")
    dataset = _closed(engine, store, register, district, as_of, progress)
    found = comparing.compare(
        promoting.entrant(registry, first),
        promoting.entrant(registry, second),
        dataset,
        capacity_share=train.capacity_share_of(dataset, register, district),
        seed=COMPARE_SEED,
    )
    return Compared(outcome, first, second, found)


def promote(
    outcome: str,
    version: int | None = None,
    *,
    promotion: Promotion,
    override: bool,
    at: datetime,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    as_of: date,
    progress: Progress | None = None,
) -> Promoted:
    """Let a version serve.

    Parameters
    ----------
    version : int, optional
        Default the challenger.
    promotion : Promotion
        Who, and why.
    override : bool
        Go on although a gate fails.
    at : datetime
        Now, in UTC without zone.

    Raises
    ------
    NotFound
        If there is no such version.
    Conflict
        If it serves already.
    GatesFailed
        If a gate fails, without `override`; says which, with its figures.
    ArtifactError
        If it was altered.
    """
    row = _row(register, outcome, version, CHALLENGER)
    if row.is_champion:
        raise Conflict(f"{outcome} version {row.version} serves already")
    before = model_versions.champion(register, outcome)
    dataset = _closed(engine, store, register, district, as_of, progress)
    weighed = promoting.weigh(
        registry,
        promoting.entrant(registry, row),
        row.report,
        before,
        dataset,
        capacity_share=train.capacity_share_of(dataset, register, district),
        seed=COMPARE_SEED,
    )
    failed = gates.failed(weighed.gates)
    if failed and not override:
        from earlywarning_pipelines.model_words import gate_text

        told = "; ".join(gate_text(name, weighed.gates[name]) for name in failed)
        raise GatesFailed(
            f"{outcome} version {row.version} was not promoted. {told}. What serves goes on "
            "serving; if you know better, say why with --reason and add --override",
            failed,
        )
    decision = Decision(
        promotion.by, promotion.reason, at, override=bool(failed), gates=weighed.gates
    )
    registry.let_serve(row.model_version_id, decision)
    return Promoted(row, before, weighed, decision)


def rollback(
    registry: ModelRegistry, outcome: str, *, promotion: Promotion, at: datetime
) -> RolledBack:
    """Let the version serve again that served before the present one, and is intact.

    Raises
    ------
    NotFound
        If no earlier one can serve.
    """
    register = registry.register
    now = _row(register, outcome, None, CHAMPION)
    decision = Decision(promotion.by, promotion.reason, at)
    skipped = []
    for id_ in model_events.served_before(model_events.of_outcome(register, outcome)):
        row = model_versions.get(register, id_)
        try:
            registry.let_serve(id_, decision, action=model_events.ROLLED_BACK)
        except CatalogueUnreachable:
            raise
        except ArtifactError:
            skipped.append(row.version)
            continue
        return RolledBack(row, now, tuple(skipped), decision)
    altered = f" (altered: {', '.join(map(str, skipped))})" if skipped else ""
    raise NotFound(
        f"{outcome}: no version served before version {now.version} that could serve again"
        f"{altered}; `earlywarning models list` shows all, `models promote` takes any of them"
    )


def _row(register: Register, outcome: str, version: int | None, default: str) -> ModelVersion:
    """A version by number, or the one of an alias."""
    if version is not None:
        return model_versions.numbered(register, outcome, version)
    for one in listed(register, outcome):
        if one.alias == default:
            return one.row
    what = "waits as challenger" if default == CHALLENGER else "is in service"
    raise NotFound(
        f"{outcome}: no version {what}; name one by its number (`earlywarning models list`), or "
        "train one with `earlywarning train`"
    )


def _closed(
    engine: Engine,
    store: FactStore,
    register: Register,
    district: District,
    as_of: date,
    progress: Progress | None,
) -> Dataset:
    snapshot_id: Any = register.current_snapshot()
    if snapshot_id is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    return train.history(engine, store, snapshot_id, district, as_of, progress)
