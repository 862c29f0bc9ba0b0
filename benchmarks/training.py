"""What does honest training cost beside one fit of the same trees?

A district is simulated and its features are made by the real feature code, for the last closed
quarters. Above 20,000 students (`--made` names another number) the table of so many is drawn to
size: schools are repeated under other names, and every value that is not a whole number is moved by
some per cent, so that no two rows are alike and trees have as many values to choose from. Then two
sides learn from the same matrix, with one thread each:

- `ours`: `risk.training.train` for all three outcomes: every candidate compared on later quarters,
  calibrated on quarters that it had not seen, the gate on the test quarters, the list learnt again
  to see how stable it is, what would have been found without visits, and what serves fitted on
  every row. The search for strengths runs before and is left out: both sides get what it found.
- `xgboost`: for each outcome one matrix and one fit of the same trees, on every row, and no more.

Beside it the figures of the report (`risk.judging`: intervals at every capacity, groups, classes),
which need no fit and are no part of `value`.

`value`: processor time of ours over that of xgboost. Bar: at most 2.5.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import _district
import _measure
import numpy as np
import pandas as pd
import xgboost as xgb

from earlywarning import district as districts
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import open_engine
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import judging, spec, splits, training
from earlywarning.risk.candidates import candidate
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.boosted import BINS
from earlywarning.risk.spec import BoostedSetting, OutcomeSpec

BAR = 2.5
CAPACITY_SHARE = 0.16
SEED = 1
THREADS = 1
"""Two threads on a busy machine would count their waiting for each other as work."""

SIDES = ("make", "search", "xgboost", "ours", "report")


def make(folder: Path, students: int, made: int, quarters: int) -> int:
    """Simulate, and keep the feature table of the last closed quarters. Returns its rows."""
    _district.make(folder / "district", min(made, students))
    rules = districts.load(folder / "district" / "district.toml")
    engine = open_engine("polars")
    snapshot = (folder / "district" / "facts").resolve()
    closed = history_quarters(engine, snapshot, rules, _district.UNTIL)
    data = load_dataset(
        engine, snapshot, rules, quarters=closed[-quarters:], known_before=_district.UNTIL
    )
    data = drawn_to(data, students / min(made, students))
    for name in ("ids", "X", "y"):
        getattr(data, name).to_parquet(folder / f"{name}.parquet")
    np.savez(folder / "rest.npz", visited=data.visited, label_status=data.label_status.astype(str))
    return len(data)


def drawn_to(data: Dataset, times: float) -> Dataset:
    """The same schools so many times over, each time under other names and with noise."""
    copies = max(round(times), 1)
    if copies == 1:
        return data
    rng = np.random.default_rng(SEED)
    at = np.tile(np.arange(len(data)), copies)
    copy = np.repeat(np.arange(copies), len(data))
    ids = data.ids.iloc[at].reset_index(drop=True)
    for name in ("student_id", "school_id", "class_id"):
        ids[name] = ids[name].astype(str) + "/" + pd.Series(copy).astype(str)
    X = data.X.iloc[at].reset_index(drop=True)
    for name in X.columns:
        values = X[name].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.all(np.isnan(values) | (values == np.round(values))):
            X[name] = values * np.exp(np.where(copy, rng.normal(0, 0.03, len(values)), 0))
    order = np.argsort(ids["quarter"].to_numpy(dtype=str), kind="stable")
    y = data.y.iloc[at].reset_index(drop=True)
    return Dataset(ids, X, y, data.visited[at], data.label_status[at]).rows(order)


def load(folder: Path) -> Dataset:
    """The table of `make`."""
    rest = np.load(folder / "rest.npz")
    ids, X, y = (pd.read_parquet(folder / f"{name}.parquet") for name in ("ids", "X", "y"))
    return Dataset(ids, X, y, rest["visited"], rest["label_status"])


def searched(data: Dataset) -> dict[str, Any]:
    """What the search finds for every outcome, on quarters before the first test quarter."""
    found = {}
    for outcome in OUTCOMES:
        read = spec.load(outcome)
        y = data.y[outcome].to_numpy(dtype=np.float64)
        quarters = data.ids["quarter"].to_numpy(dtype=str)
        test = splits.plan(list(quarters[~np.isnan(y)])).test[0]
        rows = np.flatnonzero(~np.isnan(y) & (quarters < test))
        given = {"visited": data.visited[rows], "quarters": quarters[rows], "seed": SEED}
        X = data.X.iloc[rows]
        trees = candidate("boosted", read, threads=THREADS).tuned(X, y[rows], **given)
        line = candidate("logistic", read).tuned(X, y[rows], **given)
        (setting,) = trees.settings
        found[outcome] = {
            "setting": {name: getattr(setting, name) for name in BoostedSetting.__slots__},
            "trees": trees.rounds,
            "strength": line.strengths[0],
        }
    return found


def fixed(outcome: str, found: dict[str, Any]) -> OutcomeSpec:
    """The outcome's spec with nothing left to search for."""
    return replace(
        spec.load(outcome),
        boosted_settings=(BoostedSetting(**found["setting"]),),
        boosted_rounds=found["trees"],
        logistic_strengths=(found["strength"],),
    )


def plain_fits(data: Dataset, found: dict[str, Any]) -> None:
    """One matrix and one fit an outcome."""
    for outcome in OUTCOMES:
        read = fixed(outcome, found[outcome])
        (setting,) = read.boosted_settings
        y = data.y[outcome].to_numpy(dtype=np.float64)
        known = np.flatnonzero(~np.isnan(y))
        signs = [(name in read.increasing) - (name in read.decreasing) for name in read.features]
        values = data.X[list(read.features)].iloc[known].to_numpy(dtype=np.float32)
        matrix = xgb.QuantileDMatrix(values, y[known], max_bin=BINS, nthread=THREADS)
        xgb.train(
            {
                "objective": "binary:logistic", "tree_method": "hist", "max_bin": BINS,
                "max_depth": setting.depth, "learning_rate": setting.learning_rate,
                "min_child_weight": setting.min_child_weight, "reg_lambda": setting.l2,
                "colsample_bytree": setting.column_share, "subsample": setting.row_share,
                "monotone_constraints": tuple(signs), "seed": SEED, "nthread": THREADS,
            },
            matrix, read.boosted_rounds, verbose_eval=False,
        )  # fmt: skip


def trained(data: Dataset, found: dict[str, Any]) -> dict[str, training.TrainingResult]:
    """Our training, the search left out."""
    return {
        outcome: training.train(
            data, fixed(outcome, found[outcome]), capacity_share=CAPACITY_SHARE, seed=SEED,
            threads=THREADS,
        )
        for outcome in OUTCOMES
    }  # fmt: skip


def judged(data: Dataset, results: dict[str, training.TrainingResult]) -> None:
    """The figures of the report."""
    attributes = {
        "sex": np.where(np.arange(len(data)) % 2 == 0, "female", "male"),
        "grade_level": data.X["grade_level"].fillna(0).astype(int).astype(str).to_numpy(dtype=str),
        "school": data.ids["school_id"].to_numpy(dtype=str),
    }
    for outcome, result in results.items():
        judging.judge(
            result, data.ids, attributes, spec=spec.load(outcome), capacity_share=CAPACITY_SHARE,
            seed=SEED,
        )  # fmt: skip


def told(results: dict[str, training.TrainingResult]) -> dict[str, str]:
    """Who was chosen, and by how much it beats the rule."""
    return {
        outcome: f"{one.chosen} chosen, {one.served} serves"
        + ("" if one.gate is None else f", {one.gate.gain:+.3f} over the rule")
        for outcome, one in results.items()
    }


def step(name: str, folder: Path, students: int, made: int, quarters: int) -> None:
    """In the child: one side."""
    if name == "make":
        _measure.work(lambda: make(folder, students, made, quarters), told=lambda rows: rows)
        return
    data = load(folder)
    if name == "search":
        _measure.work(lambda: searched(data), told=lambda found: found)
        return
    found = json.loads((folder / "found.json").read_text())
    if name == "xgboost":
        _measure.work(lambda: plain_fits(data, found))
    elif name == "ours":
        _measure.work(lambda: trained(data, found), told=told)
    else:
        results = trained(data, found)
        _measure.work(lambda: judged(data, results))


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students, 4 quarters; no bar")
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--made", type=int, default=20_000, help="students really simulated")
    parser.add_argument("--quarters", type=int, default=8)
    parser.add_argument("--keep", type=Path, help="a folder for the table, to be used again")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        step(options.side, options.folder, options.students, options.made, options.quarters)
        return 0
    students, quarters = (600, 4) if options.quick else (options.students, options.quarters)
    costs: dict[str, _measure.Cost] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for side in SIDES:
            if side == "make" and (folder / "rest.npz").exists():
                continue
            costs[side] = _measure.run_apart(
                Path(__file__), "--side", side, "--folder", str(folder),
                "--students", str(students), "--made", str(options.made),
                "--quarters", str(quarters),
            )  # fmt: skip
            print(f"{side}: {costs[side].cpu:.1f} processor s", flush=True)
            if side == "search":
                (folder / "found.json").write_text(json.dumps(costs[side].result))
        rows = len(pd.read_parquet(folder / "ids.parquet", columns=["quarter"]))
    if students > options.made:
        print(f"{options.made:,} students were simulated, and drawn to {students:,} with noise")
    for outcome in OUTCOMES:
        found = costs["search"].result[outcome]
        print(f"{outcome}: {found['trees']} trees of depth {found['setting']['depth']}; "
              f"{costs['ours'].result[outcome]}")  # fmt: skip
    _measure.table(
        ("side", "processor s", "seconds", "peak MB"),
        [
            (side, f"{cost.cpu:.1f}", f"{cost.wall:.1f}", f"{cost.peak_mb:.0f}")
            for side, cost in costs.items()
        ],
    )
    value = costs["ours"].cpu / costs["xgboost"].cpu
    whole = (costs["ours"].cpu + costs["report"].cpu) / costs["xgboost"].cpu
    print(f"ours / xgboost {value:.2f}; with the figures of the report {whole:.2f}")
    failed = [f"ours / xgboost is {value:.2f}, the bar is {BAR}"] if value > BAR else []
    return _measure.finish(
        value,
        {"name": "training", "bar": None if options.quick else BAR, "unit": "times xgboost alone",
         "sizes": [students], "quarters": quarters, "rows": rows, "seeds": [SEED],
         "made": min(options.made, students), "with_report": round(whole, 2),
         "peak_mb": round(costs["ours"].peak_mb),
         "xgboost_peak_mb": round(costs["xgboost"].peak_mb)},
        [] if options.quick else failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
