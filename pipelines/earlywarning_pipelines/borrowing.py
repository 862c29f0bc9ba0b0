"""Lend models to another school, and judge what another one lends on this school's own quarters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import earlywarning
from earlywarning import district as districts
from earlywarning.calendar import day_number
from earlywarning.district import District
from earlywarning.errors import ConfigError, NotFound
from earlywarning.features.build import FEATURES
from earlywarning.io import base_bundle, signing
from earlywarning.io.base_bundle import Bundle, Lent
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import model_versions
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec as specs
from earlywarning.risk import training
from earlywarning.risk.candidates import candidate
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning.risk.estimators.grouped import GROUPS_FILE
from earlywarning.simulation import facts as simulated
from earlywarning.simulation import mapping_text
from earlywarning_pipelines import simulate

Progress = Callable[[str, int, int], None]

SIMULATED = "simulator"
SIMULATED_STUDENTS = 1200
SIMULATED_YEARS = 3
SIMULATED_UNTIL = date(2026, 7, 1)
SIMULATED_SHARE = 0.15

_NOT_THE_MODEL = ("report.json", "spec.toml", GROUPS_FILE)
"""Files of a version that are not lent: figures by group, and steps for groups of one school."""


@dataclass(frozen=True)
class Exported:
    """What was lent.

    Attributes
    ----------
    bundle : Bundle
    left_out : dict of outcome to str
        Why it was not: `rule`, `borrowed` or `no_model`.
    """

    bundle: Bundle
    left_out: dict[str, str]


@dataclass(frozen=True)
class Base:
    """What training is offered of another school.

    Attributes
    ----------
    bundle : Bundle
        Its signature was checked, and its key trusted.
    alone : bool
        It faces the rule alone, and serves where nothing here can judge it yet.
    """

    bundle: Bundle
    alone: bool = False

    def of(self, outcome: str) -> Borrowed | None:
        """The model of an outcome, if it was lent and this version computes what it looks at.

        Raises
        ------
        ConfigError
            If it looks at a feature that does not exist here.
        """
        found = self.bundle.borrowed(outcome)
        missing = sorted(set(found.features) - {one.name for one in FEATURES}) if found else []
        if missing:
            raise ConfigError(
                f"the borrowed model of {outcome} looks at {missing[0]!r}, which this version does "
                f"not compute; it was made by earlywarning {self.bundle.code_version}, this is "
                f"{earlywarning.__version__}: use the same version on both sides"
            )
        return found


def export(
    registry: ModelRegistry, district: District, outcomes: Sequence[str] | None = None
) -> Exported:
    """The models in service as one signed bundle.

    The rule is not lent, for every school has it; nor is what was borrowed.

    Raises
    ------
    NotFound
        If no outcome has a model to lend.
    ArtifactError
        If one was altered.
    """
    lent, left_out = {}, {}
    for outcome in outcomes or OUTCOMES:
        row = model_versions.champion(registry.register, outcome)
        if row is None or row.estimator in ("rule", Borrowed.kind):
            left_out[outcome] = "no_model" if row is None else row.estimator
            continue
        files = registry.files(row.model_version_id)
        own = {name: data for name, data in files.items() if name not in _NOT_THE_MODEL}
        lent[outcome] = Lent(own, _about(row.estimator, row.report, district))
    if not lent:
        raise NotFound(
            "no model to lend: the rule, or a borrowed model, serves every outcome; train with "
            "more history first"
        )
    made = base_bundle.made(
        lent, district=district.name, learnt_from=base_bundle.RECORDS,
        code_version=earlywarning.__version__, signer=registry.signer(),
    )  # fmt: skip
    return Exported(made, left_out)


def opened(path: Path, key: str | None, registry: ModelRegistry) -> Bundle:
    """A bundle whose lender a person vouches for; see `base_bundle.trust`.

    Raises
    ------
    ConfigError
        If its models learnt from this school's own records: the quarters that would judge them are
        those that they have seen.
    """
    bundle = base_bundle.read(path)
    own = None if registry.key_file is None else signing.opened(registry.key_file)
    public = None if own is None else own.public
    base_bundle.trust(bundle, key, own=public)
    if bundle.public_key == public and bundle.learnt_from == base_bundle.RECORDS:
        raise ConfigError(
            f"{path}: was exported here, so its models have seen the quarters that would judge "
            "them; borrow from another school, or bring an earlier model back with "
            "`earlywarning models rollback`"
        )
    return bundle


def from_simulator(
    registry: ModelRegistry,
    district: District,
    outcomes: Sequence[str] | None = None,
    *,
    seed: int,
    students: int = SIMULATED_STUDENTS,
    progress: Progress | None = None,
) -> Bundle:
    """Models learnt from invented pupils, with this school's thresholds; signed here.

    They know how absence, incidents and marks usually hang together in the simulator, and nothing
    of any real school.
    """
    if progress:
        progress("simulate", 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        history = _simulated(Path(folder), district, seed, students)
    if progress:
        progress("simulate", 1, 1)
    lent = {}
    for outcome in outcomes or OUTCOMES:
        read = replace(specs.load(outcome), candidates=("rule", "logistic"), calibrate_by="")
        y = history.y[outcome].to_numpy(dtype=np.float64)
        made = candidate("logistic", read).fit(
            history.X, y, visited=history.visited,
            quarters=history.ids["quarter"].to_numpy(dtype=str), seed=seed,
        )  # fmt: skip
        judged = training.train(history, read, capacity_share=SIMULATED_SHARE, seed=seed)
        about = {
            "rows": judged.rows, "positives": judged.positives,
            "quarters": {"history": list(judged.plan.quarters)},
            "gate": None if judged.gate is None else asdict(judged.gate),
        }  # fmt: skip
        lent[outcome] = Lent(made.to_files(), _about("logistic", about, district))
    return base_bundle.made(
        lent, district=SIMULATED, learnt_from=base_bundle.SIMULATION,
        code_version=earlywarning.__version__, signer=registry.signer(),
    )  # fmt: skip


def thresholds_that_differ(bundle: Bundle, district: District) -> list[str]:
    """What counts as trouble there and not here: `absence_rate: there 0.1, here 0.2`."""
    own = _thresholds(district)
    told = []
    for one in bundle.outcomes.values():
        for name, there in one.about["thresholds"].items():
            line = f"{name}: there {there}, here {own.get(name)}"
            if own.get(name) != there and line not in told:
                told.append(line)
    return told


def _thresholds(district: District) -> dict[str, float]:
    return {name: value for name, value in asdict(district.thresholds).items() if value is not None}


def _about(kind: str, report: Any, district: District) -> dict[str, Any]:
    gate = report.get("gate") or {}
    quarters = report["quarters"]["history"]
    return {
        "kind": kind,
        "quarters": [quarters[0], quarters[-1]] if quarters else [],
        "rows": report["rows"],
        "positives": report["positives"],
        "found_share": gate.get("found_share"),
        "rule_found_share": gate.get("rule_found_share"),
        "thresholds": _thresholds(district),
    }


def _simulated(folder: Path, district: District, seed: int, students: int) -> Dataset:
    """The history of invented schools, with the thresholds of a real one."""
    rules = replace(districts.parse(mapping_text.DISTRICT), thresholds=district.thresholds)
    parts = [
        simulated.facts(records, delivered_day=day_number(SIMULATED_UNTIL) + 60)
        for records in simulate.schools(
            students=students, years=SIMULATED_YEARS, seed=seed, until=SIMULATED_UNTIL,
            effect=0.0, draws=1,
        )
    ]  # fmt: skip
    tables = {}
    for name, schema in FACT_SCHEMAS.items():
        frames = [pl.DataFrame(schema=schema), *(part[name] for part in parts if name in part)]
        whole = pl.concat(frames, how="diagonal_relaxed")
        tables[name] = whole.select(schema.names()).cast(schema)  # type: ignore[arg-type]
    store = FactStore(folder)
    snapshot = store.folder(store.write(tables, base=None).id)
    engine = open_engine("polars")
    quarters = history_quarters(engine, snapshot, rules, SIMULATED_UNTIL)
    return load_dataset(engine, snapshot, rules, quarters=quarters, known_before=SIMULATED_UNTIL)
