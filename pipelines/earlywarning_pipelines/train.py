"""Train, compare on later quarters, and keep the honest winner: it serves, or it waits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import earlywarning
from earlywarning.district import District
from earlywarning.errors import ConfigError, DataError
from earlywarning.io import drawing, wording
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.mlflow_catalogue import LearntFrom
from earlywarning.io.model_registry import LoadedModel, ModelRegistry, Run
from earlywarning.io.register import list_basis, model_versions
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_events import Decision
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec as specs
from earlywarning.risk import training
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import json_bytes
from earlywarning.risk.report import every_capacity, metrics, report
from earlywarning.risk.results import SAMPLED, Notice, TrainingResult
from earlywarning.risk.spec import OutcomeSpec
from earlywarning.visits.capacity import split
from earlywarning.visits.frozen import district_values
from earlywarning_pipelines import (
    cluster_training,
    evaluating,
    model_card,
    promoting,
    recorded,
    run_texts,
)
from earlywarning_pipelines.borrowing import Base
from earlywarning_pipelines.cluster_training import Refit
from earlywarning_pipelines.promoting import Promotion, Weighed

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

BORROWED_FILE = "borrowed.json"
"""Another school's models, as a run was offered them."""

MOST_ROWS = 4_000_000
"""Students and quarters that one machine learns from: their features take about 3 GB. Of more,
students are drawn by lot; on a cluster, boosted trees that serve then learn from all."""

LOT = 1
"""Seed of that lot: whoever compares models later draws the same students."""

DEFAULT_SHARE = 0.10
"""Places as a share of the students, where there is no class to count from."""


@dataclass(frozen=True)
class TrainedOutcome:
    """What came of one outcome.

    Attributes
    ----------
    outcome : str
    result : TrainingResult
    report : dict
        As recorded in the register and on the card.
    model : LoadedModel or None
        The new version; None if the outcome cannot be scored.
    weighed : Weighed or None
        Whether it serves now, and what was judged.
    page : Path or None
        What the later quarters say, to be read in a browser.
    """

    outcome: str
    result: TrainingResult
    report: dict[str, Any]
    model: LoadedModel | None
    weighed: Weighed | None = None
    page: Path | None = None

    @property
    def serves(self) -> bool:
        """Whether the new version serves from now on."""
        return self.weighed is not None and self.weighed.decision is not None


@dataclass(frozen=True)
class TrainResult:
    """What came of `train`.

    Attributes
    ----------
    as_of : date
    snapshot_id : str
    quarters : tuple of str
        Closed ones, oldest first.
    students : int
        In the newest of them.
    capacity_share : float
        Places for concern as a share of them.
    outcomes : tuple of TrainedOutcome
    """

    as_of: date
    snapshot_id: str
    quarters: tuple[str, ...]
    students: int
    capacity_share: float
    outcomes: tuple[TrainedOutcome, ...]


def run(
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    as_of: date,
    trained_at: datetime,
    outcomes: Sequence[str] | None = None,
    seed: int,
    threads: int = 1,
    promotion: Promotion | None = None,
    base: Base | None = None,
    reports_folder: Path | None = None,
    progress: Progress | None = None,
) -> TrainResult:
    """Train the outcomes and keep each winner as a new version, all of them at once.

    The first version of an outcome serves; later ones wait as challengers, unless a person promotes
    them here or the district lets training decide: see `promoting.decide`.

    Parameters
    ----------
    as_of : date
        Only what was known before this day is used.
    trained_at : datetime
        Now, in UTC without zone.
    outcomes : sequence of str, optional
        Default all.
    seed : int
        Stored.
    threads : int
        The models are the same for any number.
    promotion : Promotion, optional
        Who wants the new versions to serve at once, and why; those that fail a gate still wait.
    base : Base, optional
        Another school's models, to be judged beside this school's own.
    reports_folder : Path, optional
        Where each outcome's page is written.
    progress : function of (stage, done, total), optional

    Raises
    ------
    ConfigError
        If an outcome is unknown, or a `spec.toml` cannot be.
    DataError
        If nothing was imported yet.
    """
    wanted = _wanted(outcomes)
    chosen = {outcome: specs.load(outcome) for outcome in wanted}
    recorded.take_in(store=store, register=register, timezone=district.timezone, at=trained_at)
    snapshot_id = register.current_snapshot()
    if snapshot_id is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    registry.align_aliases()
    dataset = history(engine, store, snapshot_id, district, as_of, progress)
    share = capacity_share_of(dataset, register, district)
    learned = learnt(
        dataset, chosen, register=register, capacity_share=share, seed=seed, threads=threads,
        base=base, progress=progress,
        refit=cluster_training.refit(engine, store.folder(snapshot_id), district, as_of, seed),
    )  # fmt: skip
    results = {outcome: one.result for outcome, one in learned.items()}
    judgements = {outcome: one.judgement for outcome, one in learned.items()}
    reports = {outcome: one.report for outcome, one in learned.items()}
    logged = []
    pages: dict[str, Path] = {}
    weighed: dict[str, Weighed] = {}
    for done, (outcome, result) in enumerate(results.items()):
        _tell(progress, "record", done, len(results))
        about = _About(district, as_of, snapshot_id, share, base)
        texts = evaluating.texts(result, judgements[outcome], reports[outcome], district, as_of)
        if reports_folder is not None:
            pages[outcome] = evaluating.write(texts["report.html"], reports_folder, outcome, as_of)
        run_ = _run(result, reports[outcome], chosen[outcome], about, texts)
        files = learned[outcome].files
        kept = registry.log(district.name, run_, files, at=trained_at)
        if kept is None or files is None:
            continue
        logged.append((outcome, str(result.served), kept, reports[outcome]))
        serving = model_versions.champion(register, outcome)
        asked = serving is None or promotion is not None or district.promote == "automatic"
        if not asked:
            continue
        new = promoting.made(
            "the new version", str(result.served), result.estimator, files, reports[outcome]
        )
        judged = promoting.weigh(
            registry, new, reports[outcome], serving, dataset, capacity_share=share, seed=seed
        )
        weighed[outcome] = promoting.decide(
            judged,
            first=serving is None,
            promotion=promotion,
            automatic=district.promote == "automatic",
            at=trained_at,
        )
    _tell(progress, "serve", 0, 1)
    by = promoting.BY_TRAINING if promotion is None else promotion.by
    models = {
        model.outcome: model
        for model in registry.keep(
            district.name,
            logged,
            snapshot_id=snapshot_id,
            trained=Decision(by, f"seed {seed}, as of {as_of.isoformat()}", trained_at),
            promoted={
                outcome: one.decision
                for outcome, one in weighed.items()
                if one.decision is not None
            },
        )
    }
    _tell(progress, "serve", 1, 1)
    log.info("trained %s on %d rows", ", ".join(results), len(dataset))
    return TrainResult(
        as_of=as_of,
        snapshot_id=snapshot_id,
        quarters=dataset.quarters,
        students=_newest(dataset).shape[0],
        capacity_share=share,
        outcomes=tuple(
            TrainedOutcome(
                outcome,
                result,
                reports[outcome],
                models.get(outcome),
                weighed.get(outcome),
                pages.get(outcome),
            )
            for outcome, result in results.items()
        ),
    )


@dataclass(frozen=True)
class Learnt:
    """What one outcome's training made, before it is kept anywhere.

    Attributes
    ----------
    result : TrainingResult
    report : dict
    files : dict of name to bytes, or None
        The model's folder; None if the outcome cannot be scored.
    """

    result: TrainingResult
    report: dict[str, Any]
    files: dict[str, bytes] | None
    judgement: Any


def learnt(
    dataset: Dataset,
    chosen: Mapping[str, OutcomeSpec],
    *,
    register: Register,
    capacity_share: float,
    seed: int,
    threads: int = 1,
    base: Base | None = None,
    progress: Progress | None = None,
    refit: Refit | None = None,
) -> dict[str, Learnt]:
    """Train some outcomes; the same dataset, specs, share and seed give the same bytes.

    Parameters
    ----------
    dataset : Dataset
        Closed quarters.
    chosen : mapping of outcome to OutcomeSpec
    register : Register
        Of who the students are, for figures by group; nothing is learnt from it.
    capacity_share : float
        Places as a share of the students.
    base : Base, optional
        Another school's models.
    refit : function of TrainingResult to TrainingResult, optional
        Lets what serves learn from everybody, where only some could be compared on.
    """
    results = {}
    for outcome, spec in chosen.items():
        result = training.train(
            dataset, spec, capacity_share=capacity_share, seed=seed, threads=threads,
            base=base.of(outcome) if base else None, only_base=base is not None and base.alone,
            progress=progress,
        )  # fmt: skip
        if dataset.sample is not None:
            said = Notice(SAMPLED, {"rows": len(dataset), "of": dataset.sample.of})
            result = replace(result, notices=(*result.notices, said))
            if refit is not None:
                result = refit(result)
        results[outcome] = result
    judgements = evaluating.judge(
        results, dataset, register, specs=chosen, capacity_share=capacity_share, seed=seed
    )
    found = {}
    for outcome, result in results.items():
        about = report(result, capacity_share=capacity_share, seed=seed)
        # Figures by group come from the register, so they are no part of the model's bytes.
        files = _files(result, about, chosen[outcome])
        about |= evaluating.told(judgements[outcome])
        found[outcome] = Learnt(result, about, files, judgements[outcome])
    return found


@dataclass(frozen=True, slots=True)
class _About:
    district: District
    as_of: date
    snapshot_id: str
    capacity_share: float
    base: Base | None = None


def _tell(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress:
        progress(stage, done, total)


def _wanted(outcomes: Sequence[str] | None) -> list[str]:
    unknown = sorted(set(outcomes or ()) - set(OUTCOMES))
    if unknown:
        raise ConfigError(f"there is no outcome {unknown[0]!r}; allowed: {', '.join(OUTCOMES)}")
    return [outcome for outcome in OUTCOMES if outcomes is None or outcome in outcomes]


def history(
    engine: Engine,
    store: FactStore,
    snapshot_id: str,
    district: District,
    as_of: date,
    progress: Progress | None,
) -> Dataset:
    """Every closed quarter, labelled as it was known before the as-of date.

    Of more than `MOST_ROWS` students and quarters, those of students drawn by lot.
    """
    snapshot = store.folder(snapshot_id)
    quarters = history_quarters(engine, snapshot, district, as_of)
    return load_dataset(
        engine, snapshot, district, quarters=quarters, known_before=as_of, progress=progress,
        drawn=drawing.draw(snapshot, quarters, most=MOST_ROWS, seed=LOT),
    )  # fmt: skip


def _newest(dataset: Dataset) -> Any:
    ids = dataset.ids
    return ids[ids["quarter"] == dataset.quarters[-1]] if len(dataset) else ids


def capacity_share_of(dataset: Dataset, register: Register, district: District) -> float:
    """Places for concern of all homeroom teachers together, as a share of the newest cohort."""
    newest = _newest(dataset)
    if not len(newest):
        return DEFAULT_SHARE
    registered = list_basis.registered(register, district.calendar.quarter(dataset.quarters[-1]))
    drawn = dataset.sample
    classes = set(newest["class_id"]) if drawn is None else drawn.classes
    students = len(newest) if drawn is None else sum(drawn.classes.values())
    # A class without a homeroom teacher on record counts as one more teacher.
    leads = {registered.leads.get(name, name) for name in classes}
    usual, preventive = district.visits.capacity, district.visits.preventive_share
    places = sum(
        split(registered.capacities.get(lead, usual), preventive).concern for lead in leads
    )
    return min(max(places, 1) / students, 1.0)


def _files(
    result: TrainingResult, about: dict[str, Any], spec: OutcomeSpec
) -> dict[str, bytes] | None:
    """The model's folder: the same dataset, spec and seed give the same bytes."""
    if result.estimator is None:
        return None
    return {
        **result.estimator.to_files(),
        "report.json": json_bytes(about),
        "spec.toml": spec.text.encode(),
    }


def _run(
    result: TrainingResult,
    about: dict[str, Any],
    spec: OutcomeSpec,
    of: _About,
    texts: dict[str, str],
) -> Run:
    """What MLflow keeps: one run an outcome, with a nested one for each candidate and quarter."""
    text = (specs.models_folder() / result.outcome / "card.md").read_text(encoding="utf-8")
    cards = {
        f"card.{language}.md": model_card.build(
            text,
            about,
            spec,
            district=of.district.name,
            as_of=of.as_of,
            snapshot_id=of.snapshot_id,
            code_version=earlywarning.__version__,
            rules=of.district,
            language=language,
        )
        for language in wording.LANGUAGES
    }
    shared = {
        "snapshot_id": of.snapshot_id,
        "spec_sha256": spec.sha256,
        "district_sha256": of.district.content_hash,
        "code_version": earlywarning.__version__,
    }
    borrowed = {}
    if of.base is not None:
        borrowed = {"borrowed_sha256": of.base.bundle.sha256, "borrowed_alone": of.base.alone}
        texts = {**texts, BORROWED_FILE: of.base.bundle.text}
    served = about["test"].get(result.served, {})
    gate = about["gate"] or {}
    return Run(
        name=f"{result.outcome} {of.as_of.isoformat()}",
        params={
            **shared,
            "outcome": result.outcome,
            "as_of": of.as_of.isoformat(),
            "seed": about["seed"],
            "capacity_share": of.capacity_share,
            "served": result.served,
            "chosen": result.chosen,
            "why": result.why,
            "treatment": about["treatment"],
            "quarters": " ".join(result.plan.quarters),
            "features": len(spec.features),
            **borrowed,
        },
        tags={"outcome": result.outcome, "snapshot_id": of.snapshot_id},
        metrics={
            "rows": result.rows,
            "positives": result.positives,
            **{f"test_{name}": value for name, value in served.items() if value is not None},
            **{f"gate_{name}": value for name, value in gate.items() if isinstance(value, float)},
        },
        texts={
            **cards,
            "spec.toml": spec.text,
            "district.json": json.dumps(district_values(of.district), sort_keys=True),
            "report.json": json.dumps(about, indent=2, sort_keys=True),
            **run_texts.of(result, of.capacity_share),
            **texts,
        },
        data=LearntFrom(
            name=f"{of.district.name} facts",
            snapshot_id=of.snapshot_id,
            columns={**dict.fromkeys(spec.features, "double"), result.outcome: "double"},
            rows=result.rows,
        ),
        nested=[
            Run(
                name=f"{one.candidate} {one.role} {one.label}",
                params={
                    **shared,
                    "candidate": one.candidate,
                    "role": one.role,
                    "quarter": one.label,
                    "trained_on": one.trained_on,
                    "treatment": one.treatment,
                },
                tags={"outcome": result.outcome, "candidate": one.candidate, "role": one.role},
                metrics=metrics(one, of.capacity_share),
                texts={"every_capacity.csv": every_capacity(one)},
            )
            for one in result.splits
        ],
    )
