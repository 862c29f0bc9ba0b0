"""What does a list cost beside the bare prediction of its students?

A district is simulated and its features are made by the real feature code; above `--made` students
the table is drawn to size, as `training.py` does. Boosted trees for all three outcomes are fitted
before, and are no part of either side. Then, on the table of the newest quarter, one thread each:

- `everyone`: every student scored, the priority, at most three dated reasons of each, good news,
  families, the allocation of every school and its frozen bytes: all of a list but reading and
  saving. Whole schools come together, some `PART` students at a time, so that memory holds no
  province. So a district's lists are made unless it says otherwise.
- `listed`: the same as a province would have it (`visits.reasons = "listed"`): reasons are looked
  for and written down for listed families and those next in line only. Everybody is scored and
  stands in the record.
- `score`: of both, risks and priorities alone; `reasons`: these and the reasons of everybody.
- `xgboost`: for each outcome one matrix and one call of the booster, and no more.
- `explained`: the same with xgboost's exact Shapley values, on which the reasons rest; of the first
  `ASKED` students, and counted for as many as there are.

`value`: processor time of `listed` over that of xgboost, at most 2; `everyone` is printed beside
it. The rows of the register are read from the frozen bytes when a list is saved: part of saving.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import _measure
import numpy as np
import training
import xgboost as xgb

from earlywarning import district as districts
from earlywarning.district import District
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import reasons, scoring, spec
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.spec import BoostedSetting
from earlywarning.visits import cohort
from earlywarning.visits.cohort import Registered
from earlywarning.visits.visit_list import ListBasis, build_all
from earlywarning_pipelines import cohort_scores

BAR = 2.0
SEED = 1
THREADS = 1
SETTING = BoostedSetting(depth=4, learning_rate=0.1, min_child_weight=5)
ROUNDS = 200
SIDES = ("make", "fit", "xgboost", "explained", "score", "reasons", "everyone", "listed")
PART = 200_000
ASKED = 20_000
LEARNT = 100_000
"""Rows that the trees are fitted on; how many there were matters to neither side."""
RULE = {"serves": "model", "estimator": "boosted", "version": 1, "why": "better"}


def fitted(data: Dataset) -> dict[str, Boosted]:
    """Trees for every outcome, from the quarters before the newest."""
    made = {}
    earlier = data.ids["quarter"].to_numpy(dtype=str) < data.quarters[-1]
    past = data.rows(np.flatnonzero(earlier)[:LEARNT])
    for outcome in OUTCOMES:
        read = spec.load(outcome)
        one = Boosted(
            read.features, [SETTING], rounds=ROUNDS, increasing=read.increasing,
            decreasing=read.decreasing, threads=THREADS,
        ).uncalibrated()  # fmt: skip
        made[outcome] = one.fit(
            past.X, past.y[outcome].to_numpy(dtype=np.float64), visited=past.visited,
            quarters=past.ids["quarter"].to_numpy(dtype=str), seed=SEED,
        )  # fmt: skip
    return made


def bare(data: Dataset, trees: dict[str, Boosted], *, explained: bool = False) -> None:
    """One matrix and one prediction an outcome, and what each feature adds to it."""
    for one in trees.values():
        columns = data.X[list(one.features)].to_numpy(dtype=np.float32)
        # The column that says whether somebody visited.
        values = np.column_stack([columns, np.zeros(len(columns), dtype=np.float32)])
        matrix = xgb.DMatrix(values, nthread=THREADS)
        one.booster_.predict(matrix)
        if explained:
            one.booster_.predict(matrix, pred_contribs=True)


def scored(data: Dataset, trees: dict[str, Boosted], rules: District) -> tuple:
    """Risks and priorities."""
    risks = scoring.score(trees, data.with_school)
    return risks, scoring.priority(risks, rules.weights)


def explained(data: Dataset, trees: dict[str, Boosted], rules: District) -> None:
    """Risks and reasons."""
    quarter = rules.calendar.quarter(data.quarters[-1])
    for rows in data.by_school(most=PART):
        X = data.rows(rows).with_school
        reasons.reasons(
            trees, X, scoring.score(trees, X), quarter, calendar=rules.calendar,
            weights=rules.weights,
        )  # fmt: skip


def listed(data: Dataset, trees: dict[str, Boosted], rules: District) -> dict[str, int]:
    """Every school's list, frozen: families with a place, bytes, children without reasons."""
    quarter = rules.calendar.quarter(data.quarters[-1])
    places = size = untold = 0
    for rows in data.by_school(most=PART):
        part = data.rows(rows)
        found, news = cohort_scores.scored(part, trees, rules, quarter, ())
        classes = {name: f"lead of {name}" for name in part.ids["class_id"].unique()}
        registered = Registered(
            households={}, leads=classes, grade_levels=dict.fromkeys(classes, 7), capacities={}
        )
        table = cohort.table(found, registered, {}, news)
        bases = [
            ListBasis(
                quarter=quarter.code, as_of_date=quarter.start, school_id=school_id,
                snapshot_id="0" * 64, district=rules, models=dict.fromkeys(OUTCOMES, RULE),
                seed=SEED, code_version="benchmark", capacities={}, classes=here,
            )
            for school_id, here in sorted(cohort.classes(table, registered).items())
        ]  # fmt: skip
        for made in build_all(table, bases):
            places += sum(lead["listed"] for lead in made.header["leads"])
            size += len(made.frozen)
            untold += made.frozen.count(b'"reasons":null')
    return {"places": places, "bytes": size, "untold": untold}


def step(name: str, folder: Path, students: int, made: int) -> None:
    """In the child: one side."""
    if name == "make":
        _measure.work(lambda: training.make(folder, students, made, 2))
        return
    data = training.load(folder)
    if name == "fit":
        trees = fitted(data)
        _measure.work(lambda: (folder / "trees.pkl").write_bytes(pickle.dumps(trees)))
        return
    trees = pickle.loads((folder / "trees.pkl").read_bytes())  # noqa: S301 - of the step before
    newest = data.rows(data.ids["quarter"].to_numpy(dtype=str) == data.quarters[-1])
    rules = districts.load(folder / "district" / "district.toml")
    if name == "xgboost":
        # So often that a clock that counts hundredths can tell.
        times = max(1, ASKED // len(newest))
        _measure.work(
            lambda: [bare(newest, trees) for _ in range(times)], told=lambda _: [len(newest), times]
        )
    elif name == "explained":
        few = newest.rows(np.arange(min(ASKED, len(newest))))
        _measure.work(lambda: bare(few, trees, explained=True), told=lambda _: len(few))
    elif name == "score":
        _measure.work(lambda: scored(newest, trees, rules))
    elif name == "reasons":
        _measure.work(lambda: explained(newest, trees, rules))
    else:
        visits = replace(rules.visits, reasons=name)
        some = replace(rules, visits=visits)
        _measure.work(lambda: listed(newest, trees, some), told=lambda told: told)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students; no bar")
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--made", type=int, default=20_000, help="students really simulated")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        step(options.side, options.folder, options.students, options.made)
        return 0
    students = 600 if options.quick else options.students
    costs: dict[str, _measure.Cost] = {}
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        for side in SIDES:
            costs[side] = _measure.run_apart(
                Path(__file__), "--side", side, "--folder", folder, "--students", str(students),
                "--made", str(options.made),
            )  # fmt: skip
    rows, times = costs["xgboost"].result
    costs["xgboost"] = replace(costs["xgboost"], cpu=costs["xgboost"].cpu / times)
    part = costs["explained"]
    costs["explained"] = replace(part, cpu=part.cpu * rows / int(part.result))
    _measure.table(
        ("side", "CPU s", "÷ xgboost", "students a CPU s", "MB"),
        [
            (side, f"{costs[side].cpu:.2f}", f"{costs[side].cpu / costs['xgboost'].cpu:.1f}",
             f"{rows / max(costs[side].cpu, 1e-9):,.0f}", f"{costs[side].peak_mb:.0f}")
            for side in SIDES[2:]
        ],
    )  # fmt: skip
    told = costs["listed"].result
    whole, few = (costs[side].result["bytes"] / 1e6 for side in ("everyone", "listed"))
    print(f"{rows:,} students, {told['places']:,} families listed; {whole:.0f} MB frozen with "
          f"everybody's reasons, {few:.0f} MB with those of listed families and the next in "
          "line.")  # fmt: skip
    print(f"The latter are those of {1 - told['untold'] / rows:.0%} of the students. The value is "
          'of a province that chose it, `visits.reasons = "listed"`.')  # fmt: skip
    value = costs["listed"].cpu / costs["xgboost"].cpu
    missed = value > BAR and not options.quick
    failed = [f"{value:.1f} times the bare prediction, at most {BAR:g}"] * missed
    figures = {"name": "scoring", "bar": BAR, "unit": "x xgboost", "sizes": [rows],
               "seeds": [SEED],
               "made": min(options.made, students),
               "score_alone": round(costs["score"].cpu / costs["xgboost"].cpu, 2),
               "with_reasons": round(costs["reasons"].cpu / costs["xgboost"].cpu, 2),
               "reasons": "listed",
               "everyone": round(costs["everyone"].cpu / costs["xgboost"].cpu, 2),
               "peak_mb": round(costs["listed"].peak_mb),
               "everyone_to_explained": round(
                   costs["everyone"].cpu / costs["explained"].cpu, 2
               )}  # fmt: skip
    return _measure.finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
