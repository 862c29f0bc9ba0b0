"""One step a group: it makes risks come true there, and little data makes a little step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drawn_school import dataset
from earlywarning.errors import DataError
from earlywarning.risk import spec, training
from earlywarning.risk.candidates import candidate
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.calibration import expit, logit
from earlywarning.risk.estimators.grouped import GROUP, GROUPS_FILE, Grouped
from earlywarning.risk.estimators.stored import from_files
from earlywarning.risk.evaluation.groups import Audit, Gap
from earlywarning.risk.judging import judge
from earlywarning.risk.spec import OutcomeSpec

SPEC = replace(
    spec.load("attendance"),
    candidates=("rule", "last_value", "logistic"),
    logistic_strengths=(0.01,),
    calibrate_by="grade_level",
    # What a model knows of the grade level it would learn by itself.
    features=tuple(n for n in spec.load("attendance").features if n != "grade_level"),
)


def with_a_hard_year(students: int = 600, only: int | None = None) -> Dataset:
    """In grade level 9 three in ten of the others are in trouble as well, whatever the records."""
    data = dataset(students)
    rng = np.random.default_rng(3)
    level = data.X["grade_level"].to_numpy().copy()
    if only is not None:
        at = np.flatnonzero(level == 9)
        level[np.delete(at, np.arange(0, len(at), len(at) // only))] = 8
    hard = (level == 9) & (rng.random(len(data)) < 0.3)
    y = data.y["attendance"].to_numpy()
    y = np.where(np.isnan(y), y, np.maximum(y, hard))
    return replace(data, X=data.X.assign(grade_level=level), y=data.y.assign(attendance=y))


def fitted(kind: str, data: Dataset, read: OutcomeSpec = SPEC) -> Grouped:
    return candidate(kind, read).fit(
        data.with_school, data.y["attendance"].to_numpy(), visited=data.visited,
        quarters=data.ids["quarter"].to_numpy(dtype=str), seed=1,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["last_value", "logistic"])
def test_the_step_makes_risks_come_true_in_the_group(kind: str) -> None:
    data = with_a_hard_year()
    one = fitted(kind, data)
    assert one.steps_["9"] > 0.3 > 0 > one.steps_["7"]
    later = dataset(600, seed=8)
    level = later.X["grade_level"].to_numpy()
    pooled, stepped = one.predict_pooled(later.X), one.predict_risk(later.X)
    assert stepped[level == 9].mean() > pooled[level == 9].mean()
    assert stepped[level == 7].mean() < pooled[level == 7].mean()
    # Within a group nobody changes places; whose group is not recorded keeps the risk to the bit.
    for value in (7, 8, 9):
        at = level == value
        assert (
            np.argsort(pooled[at], kind="stable") == np.argsort(stepped[at], kind="stable")
        ).all()
    unknown = np.isnan(level)
    assert unknown.any()
    assert (pooled[unknown] == stepped[unknown]).all()


def test_a_small_group_is_drawn_to_all() -> None:
    few, many = (fitted("logistic", with_a_hard_year(only=n)) for n in (15, None))
    assert few.counts_["9"] < 15
    assert 0 < few.steps_["9"] < 0.4 * many.steps_["9"]


def test_the_sum_of_the_parts_is_still_the_risk_and_the_step_is_one_of_them() -> None:
    data = with_a_hard_year()
    one = fitted("logistic", data)
    X = data.X.head(300)
    parts = one.contributions(X)
    rest = logit(one.predict_risk(X)) - parts.to_numpy().sum(axis=1)
    assert np.ptp(rest) < 1e-9
    step = parts[GROUP].to_numpy()
    assert expit(logit(one.predict_pooled(X)) + step) == pytest.approx(one.predict_risk(X))


def test_it_is_stored_with_the_model_and_the_same_bytes_come_back() -> None:
    data = with_a_hard_year()
    one = fitted("logistic", data)
    files = one.to_files()
    assert GROUPS_FILE in files
    again = from_files(files)
    assert isinstance(again, Grouped)
    assert again.to_files() == files
    assert (again.predict_risk(data.X) == one.predict_risk(data.X)).all()
    assert fitted("logistic", data).to_files() == files
    assert b"female" not in b"".join(files.values())


def test_by_school() -> None:
    data = with_a_hard_year()
    school = np.where(data.X["grade_level"].to_numpy() == 9, "SCH2", "SCH1")
    data = replace(data, ids=data.ids.assign(school_id=school))
    one = fitted("logistic", data, replace(SPEC, calibrate_by="school"))
    assert set(one.steps_) == {"SCH1", "SCH2"}
    assert one.steps_["SCH2"] > 0.3
    with pytest.raises(DataError, match="school_id is not among the features"):
        one.predict_risk(data.X)


def test_a_training_says_what_it_changed_and_what_it_cost() -> None:
    data = with_a_hard_year()
    result = training.train(data, SPEC, capacity_share=0.15, seed=1)
    assert result.served in ("last_value", "logistic")
    level = data.X["grade_level"]
    attributes = {"grade_level": np.array(["" if v != v else f"{v:g}" for v in level])}
    found = judge(result, data.ids, attributes, spec=SPEC, capacity_share=0.15, seed=1)
    assert found is not None
    assert found.mitigation is not None
    before, after = found.mitigation.before, found.mitigation.after
    assert after.worst_step < 0.65 * before.worst_step
    assert abs(after.groups["9"]) < abs(before.groups["9"])
    assert after.found_share > before.found_share - 0.03
    told = found.as_report()["groups"]["mitigation"]
    assert told["by"] == "grade_level"
    without = replace(SPEC, calibrate_by="")
    plain = training.train(data, without, capacity_share=0.15, seed=1)
    told = judge(plain, data.ids, attributes, spec=without, capacity_share=0.15, seed=1)
    assert told is not None
    assert told.mitigation is None


def test_a_gap_that_the_rule_has_as_well_holds_no_model_back() -> None:
    gap = Gap("sex", "female", "male", 0.4, 0.2, 0.6)
    assert gap.too_wide(0.2), "no rule was compared"
    alike = replace(gap, rule_gap=0.38, more_than_rule=0.02, more_low=-0.1, more_high=0.14)
    assert not alike.too_wide(0.2)
    own = replace(gap, rule_gap=0.05, more_than_rule=0.35, more_low=0.15, more_high=0.55)
    assert own.too_wide(0.2)
    assert not own.too_wide(0.5)
    assert Audit((), (replace(alike, gap=0.5), own), ()).worst(0.2) == own
