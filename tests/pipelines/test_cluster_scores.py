"""Models that travel: the same scores wherever rows are, and nothing altered is opened."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earlywarning.errors import ArtifactError
from earlywarning.io import artifact, signing
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import Engine, open_engine
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec
from earlywarning.risk.estimators.base import MAIN_FILE
from earlywarning.risk.estimators.rule import Rule
from earlywarning_pipelines import cluster_scores, cohort_scores
from earlywarning_pipelines.cluster_scores import Shipped
from messy_district import DISTRICT, messy_tables
from tiny_school import QUARTER, write

WINDOW = DISTRICT.calendar.quarter(QUARTER)
RULES = {name: Rule(name, spec.load(name).rule) for name in OUTCOMES}
UNSCORED = {"SCH1 student 07"}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(messy_tables(5), tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def signed(outcome: str) -> Shipped:
    """A rule, recorded and signed as a trained model is."""
    signer = signing.Signer(bytes(32), ())
    files = RULES[outcome].to_files()
    listed = artifact.manifest(files)
    seal = artifact.Seal(artifact.digest(files), signer.sign(listed), signer.trusted)
    return Shipped(outcome, files, seal)


def shipped() -> list[Shipped]:
    return [signed(outcome) for outcome in OUTCOMES]


def test_the_same_as_on_one_machine(engine: Engine, snapshot: Path):
    found, news = cluster_scores.scored(engine, snapshot, DISTRICT, WINDOW, shipped(), UNSCORED)
    dataset = load_dataset(
        engine, snapshot, DISTRICT, quarters=[WINDOW], known_before=WINDOW.start, labels=False
    )
    expected, told = cohort_scores.scored(dataset, RULES, DISTRICT, WINDOW, UNSCORED)
    assert found.ids.equals(expected.ids)
    assert found.risks.equals(expected.risks)
    assert found.priority.tolist() == expected.priority.tolist()
    everybody = np.arange(len(found.ids))
    assert found.reasons(everybody) == expected.reasons(everybody)
    assert found.reasons(everybody[:0:-7]) == expected.reasons(everybody[:0:-7])
    assert list(found.completeness) == list(expected.completeness)
    assert news == told
    assert len(found.ids) > 20
    assert news
    unscored = found.ids["student_id"].isin(UNSCORED).to_numpy()
    assert unscored.sum() == 1
    assert found.risks[unscored].isna().all(axis=None)


def test_schools_do_not_depend_on_one_another(engine: Engine, snapshot: Path):
    """Whichever schools a worker gets, a student's row is the same."""
    work = {}

    def kept(rows: pl.DataFrame) -> pl.DataFrame:
        work["rows"] = rows
        return rows

    def done(rows: pl.DataFrame) -> pl.DataFrame:
        return cluster_scores._work(
            rows, shipped=shipped(), district=DISTRICT, quarter=WINDOW, unscored=UNSCORED
        )

    facts = engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
    schema = cluster_scores.build.FEATURE_SCHEMA
    features = cluster_scores.build.features(facts, WINDOW)
    engine.map_rows(features, schema, kept, schema, together="school_id")
    parts = [done(part) for part in work["rows"].partition_by("school_id")]
    assert len(parts) == 2
    assert pl.concat(parts).sort("student_id").equals(done(work["rows"]))
    assert done(work["rows"].clear()).is_empty()


def test_what_travels_can_be_pickled():
    assert pickle.loads(pickle.dumps((signed("grades"), DISTRICT, WINDOW)))  # noqa: S301


def test_an_altered_model_is_not_opened():
    one = signed("grades")
    assert one.opened().kind == "rule"
    assert one.seal
    stranger = signing.Signer(bytes([1] * 32), ())
    altered = {MAIN_FILE: one.files[MAIN_FILE].replace(b"0.", b"1.", 1)}
    for bad in (
        replace(one, files=altered),
        replace(one, files={**one.files, "more.json": b"{}"}),
        replace(one, seal=replace(one.seal, trusted=stranger.trusted)),
        Shipped("grades", altered, sha256="0" * 64),
    ):
        with pytest.raises(ArtifactError, match="altered on its way"):
            bad.opened()
