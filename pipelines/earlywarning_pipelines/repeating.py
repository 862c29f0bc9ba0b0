"""Train again what a run of MLflow did, and compare what comes out, hash for hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import earlywarning
from earlywarning.errors import ArtifactError, ConfigError, NotFound
from earlywarning.features.build import FEATURES
from earlywarning.io import artifact, base_bundle
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import model_versions
from earlywarning.io.register.db import Register
from earlywarning.risk import spec as specs
from earlywarning.visits.frozen import district_of, first_difference
from earlywarning_pipelines import train
from earlywarning_pipelines.borrowing import Base

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Repeated:
    """What came of it.

    Attributes
    ----------
    run_id, outcome : str
    sha256 : str
        Of what was made now.
    identical : bool
        Whether it is the recorded one.
    differences : tuple of str
        In words: which files differ and where, and what else is not as it was.
    """

    run_id: str
    outcome: str
    sha256: str
    identical: bool
    differences: tuple[str, ...] = ()


def run(
    run_id: str,
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    progress: Progress | None = None,
) -> Repeated:
    """Train from the snapshot, day, seed, capacity, rules and spec that a run recorded.

    Nothing is kept. What the run says is taken from MLflow; what the result must be, from the
    register.

    Raises
    ------
    NotFound
        If MLflow has no such run, or it made no model.
    ConfigError
        If it did not record all that is needed.
    ArtifactError
        If the facts or the recorded model were altered.
    """
    row = model_versions.of_run(register, run_id)
    if row is None:
        raise NotFound(
            f"no model version was made by run {run_id!r}; `earlywarning models show` prints the "
            "run of each version"
        )
    recorded = registry.files(row.model_version_id)
    params = registry.run_params(run_id)
    try:
        rules = json.loads(registry.run_text(run_id, "district.json"))
        as_of, seed = date.fromisoformat(params["as_of"]), int(params["seed"])
        share, snapshot_id = float(params["capacity_share"]), params["snapshot_id"]
        code_version = params["code_version"]
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"run {run_id} did not record {error}, so it cannot be trained again from what it says"
        ) from error
    base = None
    if "borrowed_sha256" in params:
        bundle = base_bundle.parsed(
            registry.run_text(run_id, train.BORROWED_FILE), where=f"what run {run_id} borrowed"
        )
        if bundle.sha256 != params["borrowed_sha256"]:
            raise ArtifactError(
                f"what run {run_id} borrowed was exchanged since; restore MLflow's folder"
            )
        base = Base(bundle, alone=params["borrowed_alone"] == "True")
    store.verify(snapshot_id)
    spec = specs.parse(
        registry.run_text(run_id, "spec.toml"),
        where=f"spec.toml of run {run_id}",
        known_features=[feature.name for feature in FEATURES],
    )
    district = district_of(rules)
    dataset = train.history(engine, store, snapshot_id, district, as_of, progress)
    made = train.learnt(
        dataset, {row.outcome: spec}, register=register, capacity_share=share, seed=seed,
        base=base, progress=progress,
    )[row.outcome]  # fmt: skip
    files = made.files or {}
    sha256 = artifact.digest(files)
    if sha256 == row.artifact_sha256:
        return Repeated(run_id, row.outcome, sha256, identical=True)
    told = _files_that_differ(recorded, files)
    if code_version != earlywarning.__version__:
        told.append(f"made by earlywarning {code_version}, this is {earlywarning.__version__}")
    if row.snapshot_id != snapshot_id:
        told.append(f"the run says facts {snapshot_id[:16]}, the register {row.snapshot_id[:16]}")
    return Repeated(run_id, row.outcome, sha256, identical=False, differences=tuple(told))


def _files_that_differ(recorded: Mapping[str, bytes], made: Mapping[str, bytes]) -> list[str]:
    told = []
    for name in sorted({*recorded, *made}):
        old, new = recorded.get(name), made.get(name)
        if old is None or new is None:
            told.append(f"{name}: {'new' if old is None else 'missing'}")
        elif old != new:
            where = ""
            if name.endswith(".json"):
                found = first_difference(json.loads(old), json.loads(new))
                where = f": {found}" if found else ""
            told.append(f"{name}: {_short(new)}, recorded was {_short(old)}{where}")
        else:
            told.append(f"{name}: the same")
    return told


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
