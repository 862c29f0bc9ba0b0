"""Who serves, and why: choosing, the gate, and every way in which there is too little to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from drawn_school import QUARTERS, dataset
from earlywarning.risk import spec, training
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.evaluation.ranking import evaluate as ranking
from earlywarning.risk.report import every_capacity, metrics, report
from earlywarning.risk.spec import BoostedSetting, OutcomeSpec

SPEC = replace(
    spec.load("attendance"),
    boosted_settings=(
        BoostedSetting(depth=1, learning_rate=0.2, min_child_weight=5),
        BoostedSetting(depth=2, learning_rate=0.1, min_child_weight=10),
    ),
    boosted_rounds=60,
    logistic_strengths=(0.003, 0.03),
)


def train(data: Dataset, read: OutcomeSpec = SPEC, **changes: object) -> training.TrainingResult:
    given = {"capacity_share": 0.15, "seed": 1} | changes
    return training.train(data, read, **given)  # type: ignore[arg-type]


def with_outcome(data: Dataset, y: np.ndarray) -> Dataset:
    return replace(data, y=data.y.assign(attendance=y))


@pytest.fixture(scope="module")
def result() -> training.TrainingResult:
    return train(dataset(400))


def test_a_model_that_is_better_serves(result: training.TrainingResult) -> None:
    assert result.served == result.chosen != "rule"
    assert result.why == "model_better"
    assert result.gate is not None
    assert result.gate.passed
    assert result.gate.gain == result.gate.found_share - result.gate.rule_found_share > 0
    assert result.gate.low <= result.gate.gain <= result.gate.high


def test_visits_are_a_treatment(result: training.TrainingResult) -> None:
    used = {one.candidate: one.treatment for one in result.splits if one.role == "test"}
    assert used["logistic"] == used["boosted"] == "used"
    assert used["rule"] == "not_applicable"
    # What is said of visits is said of the model that serves.
    eager = replace(SPEC, candidates=("rule", "logistic"), standard_errors=0.0)
    unvisited = replace(dataset(400), visited=np.zeros(2400))
    told = train(unvisited, eager)
    assert told.served == "logistic"
    assert [one.code for one in told.notices] == ["visits_not_recorded"]


def test_the_test_quarters_are_also_judged_without_visits() -> None:
    """Two thirds of the families in sight are reached; six in ten visits prevent the trouble."""
    data = dataset(800, effect=0.0)
    rng = np.random.default_rng(4)
    visited = data.visited * (rng.random(len(data)) < 0.67)
    alone = data.y["attendance"].to_numpy()
    prevented = (visited == 1) & (rng.random(len(data)) < 0.6)
    helped = replace(with_outcome(data, np.where(prevented, 0 * alone, alone)), visited=visited)
    found = train(helped, replace(SPEC, candidates=("rule", "logistic")))
    assert found.no_visit is not None
    assert found.no_visit.positivity.status == "corrected"
    (quarter,) = found.judged
    about = report(found, capacity_share=0.15, seed=1)
    for name, figures in about["test"].items():
        truth = ranking(alone[quarter.rows], quarter.risks[name]).found_share(
            capacity_of(0.15, len(quarter.rows))
        )
        low, high = (figures[f"no_visit_found_share_{end}"] for end in ("low", "high"))
        assert low < truth < high
        assert figures["found_share"] < figures["no_visit_found_share"]
    assert "visits_no_overlap" not in [one.code for one in found.notices]


def test_where_all_listed_were_visited_the_report_says_so_and_keeps_what_happened() -> None:
    data = dataset(400)
    absence = data.X["absence_rate_quarter"].fillna(0).to_numpy()
    visited = (absence >= np.quantile(absence, 0.6)).astype(float)
    found = train(replace(data, visited=visited), replace(SPEC, candidates=("rule", "logistic")))
    assert found.no_visit is not None
    assert found.no_visit.positivity.status == "no_overlap"
    assert "visits_no_overlap" in [one.code for one in found.notices]
    for figures in report(found, capacity_share=0.15, seed=1)["test"].values():
        assert figures["no_visit_found_share"] is None
        assert 0 < figures["found_share"] < 1


def test_the_simplest_near_the_best_is_chosen(result: training.TrainingResult) -> None:
    best = max(choice.found_share for choice in result.selection)
    order = [choice.candidate for choice in result.selection]
    assert order == list(spec.CANDIDATES)
    for choice in result.selection[: order.index(result.chosen)]:
        assert choice.behind == best - choice.found_share > choice.behind_error
    # With a wide enough margin the rule is as good as anything.
    assert train(dataset(400), replace(SPEC, standard_errors=5.0)).why == "rule_chosen"


def test_every_candidate_is_judged_on_every_split(result: training.TrainingResult) -> None:
    assert result.plan.validation == QUARTERS[1:5]
    assert result.plan.test == QUARTERS[5:]
    seen = [(one.role, one.label, one.candidate) for one in result.splits]
    expected = [("validation", q, c) for q in QUARTERS[1:5] for c in spec.CANDIDATES]
    assert seen == expected + [("test", q, c) for q in QUARTERS[5:] for c in spec.CANDIDATES]


def test_what_serves_has_learnt_from_every_quarter() -> None:
    """Another outcome in the last quarter changes what serves, though not what was chosen."""
    data = dataset(400)
    last = (data.ids["quarter"] == QUARTERS[-1]).to_numpy()
    y = data.y["attendance"].to_numpy().copy()
    y[last] = np.roll(y[last], 1)
    shifted = train(with_outcome(data, y), replace(SPEC, min_gain=0.0))
    plain = train(data)
    assert [c.found_share for c in shifted.selection] == [c.found_share for c in plain.selection]
    assert shifted.chosen == plain.chosen
    assert shifted.gate != plain.gate


def test_the_same_seed_gives_the_same_result_and_bytes() -> None:
    few = replace(SPEC, boosted_rounds=10)
    one, other = train(dataset(150), few), train(dataset(150), few, threads=2)
    assert one.selection == other.selection
    assert one.gate == other.gate
    assert one.estimator is not None
    assert other.estimator is not None
    assert one.estimator.to_files() == other.estimator.to_files()


def test_a_model_that_does_not_beat_the_rule_does_not_serve() -> None:
    """In the quarters before the last one absence repeats itself; in the last it turns round."""
    data = dataset(400)
    last = (data.ids["quarter"] == QUARTERS[-1]).to_numpy()
    y = data.y["attendance"].to_numpy().copy()
    y[last] = (data.X["absence_rate_quarter"][last] < 0.03).astype(float)
    found = train(with_outcome(data, y))
    assert found.chosen != "rule"
    assert found.served == "rule"
    assert found.why == "not_better"
    assert found.gate is not None
    assert not found.gate.passed
    assert isinstance(found.estimator, Rule)
    assert found.estimator.calibrated


def some(students: int, quarters: int) -> Dataset:
    return dataset(students, quarters=QUARTERS[:quarters])


def no_rows() -> Dataset:
    return dataset(50).rows(np.zeros(0, dtype=int))


@pytest.mark.parametrize(
    ("data", "why", "calibrated"),
    [
        (no_rows(), "no_history", False),
        (with_outcome(dataset(50), np.full(300, np.nan)), "no_outcomes", False),
        (some(200, 1), "one_quarter", True),
        (with_outcome(dataset(50), np.zeros(300)), "never_happens", True),
        (with_outcome(dataset(50), np.ones(300)), "always_happens", True),
        (with_outcome(dataset(50), (np.arange(300) % 20 == 0).astype(float)), "too_few", True),
        (some(1, 6), "never_happens", True),
        (with_outcome(dataset(50), (np.arange(300) < 25).astype(float)), "nothing_to_judge", True),
    ],
)
def test_the_rule_serves_where_nothing_can_be_learnt(
    data: Dataset, why: str, calibrated: bool
) -> None:
    found = train(data)
    assert (found.why, found.served, found.chosen) == (why, "rule", "rule")
    assert found.calibrated is calibrated
    assert found.estimator is not None
    risk = found.estimator.predict_risk(dataset(50).X)
    assert ((risk > 0) & (risk < 1)).all()


def test_an_outcome_without_any_record_is_not_scored() -> None:
    data = with_outcome(dataset(50), np.full(300, np.nan))
    empty = replace(data, X=pd.DataFrame(np.nan, index=data.X.index, columns=data.X.columns))
    found = train(empty)
    assert (found.why, found.served, found.estimator) == ("no_data", None, None)


@pytest.mark.parametrize(("students", "quarters"), [(300, 2), (60, 2), (60, 3), (25, 6), (2, 6)])
def test_small_schools_get_an_answer(students: int, quarters: int) -> None:
    found = train(some(students, quarters))
    assert found.estimator is not None
    assert np.isfinite(found.estimator.predict_risk(dataset(50).X)).all()


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="capacity_share must be above 0"):
        train(some(20, 2), capacity_share=share)


def test_progress_ends_at_its_total() -> None:
    told: list[tuple[str, int, int]] = []
    train(some(150, 4), progress=lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2] == len(told)


def test_the_report_is_plain(result: training.TrainingResult) -> None:
    import json

    about = report(result, capacity_share=0.15, seed=1)
    assert json.loads(json.dumps(about, allow_nan=False)) == about
    assert about["test"]["rule"]["found_share"] == pytest.approx(about["gate"]["rule_found_share"])
    assert about["quarters"]["test"] == list(QUARTERS[5:])
    nothing = report(train(no_rows()), capacity_share=0.1, seed=1)
    assert nothing["why"] == "no_history"
    assert nothing["gate"] is None


def test_figures_at_every_capacity(result: training.TrainingResult) -> None:
    split = result.splits[0]
    lines = every_capacity(split).splitlines()
    assert lines[0].startswith("capacity,found_share,precision")
    assert len(lines) == split.ranking.n + 1
    assert lines[-1].split(",")[1] == "1.000000"
    figures = metrics(split, 0.15)
    capacity = capacity_of(0.15, split.ranking.n)
    assert float(lines[capacity].split(",")[1]) == pytest.approx(figures["found_share"], abs=1e-6)
    assert figures["found_share_worst"] <= figures["found_share"] <= figures["found_share_best"]


def test_the_test_quarters_are_kept_student_by_student(result: training.TrainingResult) -> None:
    data = dataset(400)
    y = data.y["attendance"].to_numpy()
    (judged,) = result.judged
    assert judged.label == QUARTERS[5]
    assert set(data.ids["quarter"].iloc[judged.rows]) == {QUARTERS[5]}
    assert (y[judged.rows] == judged.y).all()
    earlier = (data.ids["quarter"] < QUARTERS[5]).to_numpy() & ~np.isnan(y)
    assert judged.before == pytest.approx(y[earlier].mean())
    assert list(judged.risks) == list(judged.factual) == list(spec.CANDIDATES)
    assert result.stability is not None
    assert result.stability.candidate == result.chosen
    if result.chosen == "last_value":
        assert result.stability.mean == 0.0, "its order does not depend on what it learnt from"


def test_what_is_learnt_again_lists_others() -> None:
    told = train(dataset(400), replace(SPEC, candidates=("rule", "logistic"), standard_errors=0.0))
    assert told.chosen == "logistic"
    assert told.stability is not None
    assert 0 < told.stability.mean < 0.5
    assert told.stability.seed < told.stability.mean
