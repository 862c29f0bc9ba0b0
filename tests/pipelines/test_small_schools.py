"""Schools with little history: an answer in plain words, by the rule or by few candidates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earlywarning import district as districts
from earlywarning.calendar import day_number
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import scoring, spec, training
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.judging import judge
from earlywarning.risk.report import report
from earlywarning.risk.results import FEWER
from earlywarning.simulation import facts as simulated
from earlywarning.simulation import mapping_text
from earlywarning_pipelines import simulate

UNTIL = date(2026, 7, 1)
SHARE = 0.15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small")


@cache
def school(folder: Path, students: int, quarters: int, seed: int = 5) -> Dataset:
    """A simulated school of which the last quarters are on record."""
    rules = districts.parse(mapping_text.DISTRICT)
    (records,) = simulate.schools(
        students=students, years=2, seed=seed, until=UNTIL, effect=0.0, draws=1
    )
    tables = {}
    for name, frame in simulated.facts(records, delivered_day=day_number(UNTIL) + 60).items():
        schema = FACT_SCHEMAS[name]
        whole = pl.concat([pl.DataFrame(schema=schema), frame], how="diagonal_relaxed")
        tables[name] = whole.select(schema.names()).cast(schema)  # type: ignore[arg-type]
    store = FactStore(folder / f"{students}-{quarters}-{seed}")
    snapshot = store.folder(store.write(tables, base=None).id)
    engine = open_engine("polars")
    known = history_quarters(engine, snapshot, rules, UNTIL)[-quarters:]
    made = load_dataset(engine, snapshot, rules, quarters=known, known_before=UNTIL)
    engine.close()
    return made


def train(data: Dataset, outcome: str) -> training.TrainingResult:
    return training.train(data, spec.load(outcome), capacity_share=SHARE, seed=1)


def test_three_hundred_students_and_two_quarters(folder: Path) -> None:
    """Enough to compare simple candidates; trees are left out where there are few to learn from."""
    data = school(folder, 300, 2)
    assert len(data.quarters) == 2
    told = set()
    for outcome in OUTCOMES:
        read, result = spec.load(outcome), train(data, outcome)
        few = min(result.positives, result.rows - result.positives)
        told.add(result.why)
        offered = {one.candidate for one in result.splits}
        assert result.estimator is not None
        assert np.isfinite(result.estimator.predict_risk(data.with_school)).all()
        if few < read.min_positives or not offered:
            assert result.why in ("too_few", "nothing_to_judge", "never_happens")
            assert result.served == "rule"
            continue
        assert ("boosted" in offered) == (few >= read.boosted_min_positives)
        assert (FEWER in [one.code for one in result.notices]) == ("boosted" not in offered)
        assert {one.label.split("#")[0] for one in result.splits} == set(data.quarters)
        # Judged on one quarter of few: the interval says how little that is.
        assert result.gate is not None
        assert result.gate.high - result.gate.low > 0.1 or result.gate.model == "rule"
        attributes = {"grade_level": data.X["grade_level"].astype(str).to_numpy(dtype=str)}
        judged = judge(result, data.ids, attributes, spec=read, capacity_share=SHARE, seed=1)
        assert judged is not None
        found = report(result, capacity_share=SHARE, seed=1)
        assert found["served"] == result.served
    assert told & {"model_better", "rule_chosen", "not_better"}, "something was compared"


def test_forty_students_and_one_quarter(folder: Path) -> None:
    """Nothing can be compared: the rule, its presets drawn to what this quarter showed."""
    data = school(folder, 40, 1)
    assert len(data.quarters) == 1
    for outcome in OUTCOMES:
        result = train(data, outcome)
        assert result.served == "rule"
        assert result.why == "one_quarter"
        assert result.estimator is not None
        risk = result.estimator.predict_risk(data.with_school)
        known = ~np.isnan(data.y[outcome].to_numpy())
        share = data.y[outcome].to_numpy()[known].mean()
        # The pooled prior: neither the preset nor the school's few alone.
        assert abs(risk[known].mean() - share) < 0.10
        assert ((risk > 0) & (risk < 1)).all()
    scored = scoring.score(
        {outcome: train(data, outcome).estimator for outcome in OUTCOMES},  # type: ignore[misc]
        data.with_school,
    )
    assert np.isfinite(scoring.priority(scored, dict.fromkeys(OUTCOMES, 1.0))).all()


def test_an_outcome_that_befell_three(folder: Path) -> None:
    data = school(folder, 300, 2)
    y = np.zeros(len(data))
    y[[3, 50, len(data) - 4]] = 1.0
    rare = replace(data, y=data.y.assign(behaviour=y))
    result = train(rare, "behaviour")
    assert (result.served, result.why) == ("rule", "too_few")
    assert dict(result.notices[0].numbers) == {"found": 3, "needed": 20}
    assert result.estimator is not None
    risk = result.estimator.predict_risk(rare.with_school)
    assert 0 < risk.mean() < 0.05, "three of six hundred, and still nobody is called safe"
