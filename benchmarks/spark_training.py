"""Trees that a cluster learns from everybody, beside those of one machine, on the same students.

A district is simulated. Boosted trees learn from its closed quarters but the last: on one machine,
as in training; then anew with the same setting, constraints and number of trees by XGBoost's Spark
estimator, a master and two workers, processes of their own on this machine. Both are judged on the
last closed quarter: log loss, area under the curve, and the share of trouble found at as many
places as teachers have.

`value`: the greatest difference of log loss, in standard errors with which that quarter's students
tell the loss of one machine. Noise is at most half of one. What both cost is printed, with no bar:
the cluster computes the features as well.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import _district
import _measure
import numpy as np
from spark import EXECUTOR_MEMORY, WORKER_MEMORY, WORKERS, cluster_cpu, missing

HERE = Path(__file__)
BAR = 0.5
CAPACITY_SHARE = 0.16
SEED = 1
NAME, UNIT = "trees of a cluster against one machine's", "standard errors of the log loss"


def split(data: Path, quarters: int) -> tuple[Any, list[Any], Any]:
    """The district's rules, the quarters to learn from, and the one to be judged on."""
    from earlywarning import district as districts
    from earlywarning.io.dataset import history_quarters
    from earlywarning.io.engine import open_engine

    rules = districts.load(data / "district.toml")
    closed = history_quarters(open_engine(), data / "facts", rules, _district.UNTIL)
    return rules, closed[-1 - quarters : -1], closed[-1]


def alone(data: Path, out: Path, outcomes: list[str], *, quarters: int, search: bool) -> None:
    """Fit on one machine, and keep the models."""
    from earlywarning.io.dataset import load_dataset
    from earlywarning.io.engine import open_engine
    from earlywarning.risk import spec
    from earlywarning.risk.estimators.boosted import Boosted

    rules, learnt_from, last = split(data, quarters)

    def task() -> dict[str, int]:
        with open_engine() as engine:
            learnt = load_dataset(
                engine, data / "facts", rules, quarters=learnt_from, known_before=last.start
            )
        for outcome in outcomes:
            of = spec.load(outcome)
            settings = of.boosted_settings if search else of.boosted_settings[:1]
            fitted = Boosted(
                of.features, settings, rounds=of.boosted_rounds if search else 60,
                increasing=of.increasing, decreasing=of.decreasing, threads=_measure.THREADS,
            ).fit(
                learnt.X, learnt.y[outcome].to_numpy(), visited=learnt.visited,
                quarters=learnt.ids["quarter"].to_numpy(dtype=str), seed=SEED,
            )  # fmt: skip
            keep(out, outcome, fitted.to_files())
        return {outcome: int(learnt.y[outcome].notna().sum()) for outcome in outcomes}

    _measure.work(task, told=lambda rows: rows)


def together(
    data: Path, out: Path, outcomes: list[str], scratch: Path, *, quarters: int, small: bool
) -> None:
    """Grow the trees of each model anew on a cluster."""
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    from earlywarning.io import spark_boosting
    from earlywarning.io.engine import open_engine
    from earlywarning.io.spark_engine import SparkEngine
    from earlywarning.risk.estimators.boosted import Boosted
    from spark_cluster import JAVA_OPTIONS, SMALL, cluster

    rules, learnt_from, last = split(data, quarters)
    options = {"spark.executor.memory": EXECUTOR_MEMORY, "spark.sql.shuffle.partitions": "8"}
    if small:
        os.environ["JAVA_TOOL_OPTIONS"] = JAVA_OPTIONS
        options = dict(SMALL)

    def task() -> dict[str, Any]:
        told: dict[str, Any] = {}
        with cluster(scratch, memory=WORKER_MEMORY, workers=WORKERS) as found:
            groups = {found.master.pid, *(one.pid for one in found.workers)}
            with open_engine("spark", master=found.address, options=options) as engine:
                assert isinstance(engine, SparkEngine)
                begun = cluster_cpu(groups)
                table = spark_boosting.everybody(
                    engine, data / "facts", rules, quarters=learnt_from, known_before=last.start
                )
                made = cluster_cpu(groups)
                for outcome in outcomes:
                    model = Boosted.from_files(kept(out, outcome))
                    again, told[outcome] = spark_boosting.from_everybody(
                        engine, model, table, outcome=outcome, seed=SEED
                    )
                    keep(out, f"{outcome} together", again.to_files())
                told["features"], told["trees"] = made - begun, cluster_cpu(groups) - made
        return told

    _measure.work(task, told=lambda told: told)


def judge(data: Path, out: Path, outcomes: list[str]) -> list[tuple[Any, ...]]:
    """A row an outcome: its trees, and both sides' figures on the last closed quarter."""
    from earlywarning.io.dataset import load_dataset
    from earlywarning.io.engine import open_engine
    from earlywarning.risk.estimators.boosted import Boosted
    from earlywarning.risk.evaluation import ranking

    rules, _, last = split(data, 1)
    with open_engine() as engine:
        later = load_dataset(
            engine, data / "facts", rules, quarters=[last], known_before=_district.UNTIL
        )
    rows = []
    for outcome in outcomes:
        y = later.y[outcome].to_numpy(dtype=float)
        known = np.flatnonzero(~np.isnan(y))
        y, X = y[known], later.X.iloc[known]
        places = ranking.capacity_of(CAPACITY_SHARE, len(y))
        models = [Boosted.from_files(kept(out, name)) for name in (outcome, f"{outcome} together")]
        risks = [one.predict_factual(X, later.visited[known]) for one in models]
        losses = [-np.log(np.where(y == 1, risk, 1 - risk)) for risk in risks]
        reports = [ranking.evaluate(y, one.predict_risk(X)) for one in models]
        noise = losses[0].std() / np.sqrt(len(y))
        rows.append((
            outcome, models[0].booster_.num_boosted_rounds(), len(y),
            *(float(loss.mean()) for loss in losses),
            float(abs(losses[0].mean() - losses[1].mean()) / noise),
            *(report.roc_auc for report in reports),
            *(report.found_share(places) for report in reports),
        ))  # fmt: skip
    return rows


def keep(out: Path, name: str, files: dict[str, bytes]) -> None:
    (out / name).mkdir()
    for file, content in files.items():
        (out / name / file).write_bytes(content)


def kept(out: Path, name: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (out / name).iterdir()}


def compare(students: int, quarters: int, outcomes: list[str], *, small: bool) -> int:
    """Both sides, side by side."""
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as temporary:
        data, out, scratch = (Path(temporary) / name for name in ("data", "models", "scratch"))
        for one in (data, out, scratch):
            one.mkdir()
        _district.make(data, students)
        shared = [f"--data={data}", f"--out={out}", f"--outcomes={','.join(outcomes)}"]
        shared.append(f"--quarters={quarters}")
        told = [*shared, *(["--quick"] if small else [])]
        one = _measure.run_apart(HERE, "--side=alone", *told)
        print(f"one machine: {one.cpu:.1f} CPU s, {one.peak_mb:.0f} MB", flush=True)
        many = _measure.run_apart(HERE, "--side=together", f"--scratch={scratch}", *told)
        grown, made = many.result["trees"], many.result["features"]
        print(f"cluster: features {made:.1f} CPU s, trees {grown:.1f} CPU s", flush=True)
        rows = judge(data, out, outcomes)
    wrong = [
        f"{name}: learnt from {many.result[name]:,} rows, on one machine {count:,}"
        for name, count in one.result.items() if many.result[name] != count
    ]  # fmt: skip
    _measure.table(
        ("outcome", "trees", "judged on", "log loss", "cluster", "÷ its error", "AUC", "cluster",
         "found", "cluster"),
        [(*row[:3], *(f"{value:.4f}" for value in row[3:])) for row in rows],
    )  # fmt: skip
    value = max(row[5] for row in rows)
    if value > BAR:
        wrong.append(f"log loss differs by {value:.2f} standard errors, at most {BAR}")
    figures = {
        "name": NAME, "bar": BAR, "unit": UNIT, "sizes": [students], "seeds": [SEED],
        "quarters": quarters,
        "auc_differs": round(max(abs(row[6] - row[7]) for row in rows), 4),
        "found_differs": round(max(abs(row[8] - row[9]) for row in rows), 4),
        "spark_features_cpu_s": round(made, 1), "spark_trees_cpu_s": round(grown, 1),
    }  # fmt: skip
    return _measure.finish(value, figures, wrong)


def main() -> int:
    """Measure, or say why not."""
    from earlywarning.records.tables import OUTCOMES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 students, a quarter, an outcome")
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--quarters", type=int, default=3, help="to learn from")
    for hidden in ("--side", "--data", "--out", "--scratch", "--outcomes"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        data, out, outcomes = Path(options.data), Path(options.out), options.outcomes.split(",")
        if options.side == "alone":
            alone(data, out, outcomes, quarters=options.quarters, search=not options.quick)
        else:
            together(
                data, out, outcomes, Path(options.scratch), quarters=options.quarters,
                small=options.quick,
            )  # fmt: skip
        return 0
    students = 300 if options.quick else options.students
    if words := missing():
        figures = {"name": NAME, "bar": BAR, "unit": UNIT, "sizes": [students], "seeds": [SEED]}
        return _measure.skipped(words, figures)
    if options.quick:
        return compare(students, 1, list(OUTCOMES)[:1], small=True)
    return compare(students, options.quarters, list(OUTCOMES), small=False)


if __name__ == "__main__":
    sys.exit(main())
