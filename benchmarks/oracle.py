"""How near does the list come to the best that could be known?

On simulated districts the true risk of trouble without a visit is known: the chance given each
student's state when the quarter begins. No list can find more, on average, than one ranked by it
(the ceiling). Here the list of next quarter is made from the records alone by us (the trained
pipeline with its gate), by the rule, by last quarter's value and by chance, and each is measured by
the share of next quarter's expected trouble that it finds within the school's capacity; the share
of what then really happened is printed beside it.

`value`: ours over the ceiling. Bar: at least 0.90, and above the rule.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

import _measure
import numpy as np
import polars as pl

from earlywarning import district as districts
from earlywarning.calendar import day_number
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import scoring, spec, training
from earlywarning.simulation import facts as simulated
from earlywarning.simulation import mapping_text
from earlywarning_pipelines import simulate

BAR = 0.90
UNTIL = date(2026, 10, 1)
CAPACITY_SHARE = 0.16
"""About eight visits a class of thirty, 40 % of them preventive."""

LISTS = ("ours", "rule", "last value", "chance", "ceiling")


def measure(students: int, seed: int, engine: Engine) -> dict[str, tuple[float, float]]:
    """Share of expected and of realised trouble that each list finds, for one district."""
    rules = districts.parse(mapping_text.DISTRICT)
    made = list(
        simulate.schools(
            students=students, years=3, seed=seed, until=UNTIL, effect=1.0, draws=200, processes=2
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        store = FactStore(Path(folder))
        parts = [simulated.facts(one, delivered_day=day_number(UNTIL)) for one in made]
        tables = {
            name: pl.concat(
                [pl.DataFrame(schema=schema), *(p[name].cast(schema) for p in parts if name in p)],
                how="diagonal",
            ).select(schema.names())
            for name, schema in ((name, pl.Schema(schema)) for name, schema in FACT_SCHEMAS.items())
            if name in parts[0]
        }
        snapshot = store.folder(store.write(tables, base=None).id)
        quarter = rules.calendar.quarter_of(UNTIL)
        history = load_dataset(
            engine, snapshot, rules, known_before=UNTIL,
            quarters=history_quarters(engine, snapshot, rules, UNTIL),
        )  # fmt: skip
        now = load_dataset(
            engine, snapshot, rules, quarters=[quarter], known_before=UNTIL, labels=False
        )
    truth = _truth(made, quarter.code)
    ids = pl.DataFrame({"student_id": now.ids["student_id"].to_list()})
    known = ids.join(truth, on="student_id", how="left", maintain_order="left")
    weights = np.array([rules.weights[name] for name in OUTCOMES])
    expected, realised = (
        known.select(pl.col(f"{name}_{what}").cast(pl.Float64) for name in OUTCOMES).to_numpy()
        @ weights
        for what in ("without_visit", "realised")
    )
    ranked = {name: _priority(name, history, now, rules, seed) for name in LISTS[:3]}
    ranked["ceiling"] = expected
    capacity = max(1, round(CAPACITY_SHARE * len(ids)))
    found = {
        name: (share_found(values, expected, capacity), share_found(values, realised, capacity))
        for name, values in ranked.items()
    }
    found["chance"] = (capacity / len(ids), capacity / len(ids))
    return found


def _truth(made, quarter: str) -> pl.DataFrame:
    return pl.concat(
        one.truth.filter(pl.col("quarter") == quarter).with_columns(
            pl.Series(simulated.student_ids(one.school))
            .gather(one.truth.filter(pl.col("quarter") == quarter)["student"])
            .alias("student_id")
        )
        for one in made
    )


def _priority(name: str, history, now, rules, seed: int) -> np.ndarray:
    estimators = {}
    for outcome in OUTCOMES:
        chosen = spec.load(outcome)
        if name == "ours":
            result = training.train(history, chosen, capacity_share=CAPACITY_SHARE, seed=seed)
            if result.estimator is not None:
                estimators[outcome] = result.estimator
            continue
        estimator = training.candidate(name.replace(" ", "_"), chosen)
        y = history.y[outcome].to_numpy(dtype=np.float64)
        rows = np.flatnonzero(~np.isnan(y))
        estimators[outcome] = estimator.fit(
            history.X.iloc[rows], y[rows], visited=history.visited[rows],
            quarters=history.ids["quarter"].to_numpy(dtype=str)[rows], seed=seed,
        )  # fmt: skip
    return scoring.priority(scoring.score(estimators, now.X), rules.weights)


def share_found(values: np.ndarray, trouble: np.ndarray, capacity: int) -> float:
    """Found share of the first `capacity`; the tied ones at the cut count by their mean."""
    order = np.argsort(-values, kind="stable")
    cut = values[order[capacity - 1]]
    above, tied = values > cut, values == cut
    places = capacity - int(above.sum())
    return float((trouble[above].sum() + places * trouble[tied].mean()) / trouble.sum())


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval over seeds (Student's t)."""
    from scipy.stats import t

    mean = float(values.mean())
    if len(values) < 2:
        return mean, mean, mean
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small district")
    parser.add_argument("--students", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    students = 300 if options.quick else options.students
    seeds = list(range(1, (1 if options.quick else options.seeds) + 1))
    engine = open_engine("polars")
    runs = []
    for seed in seeds:
        runs.append(measure(students, seed, engine))
        print(
            f"seed {seed}: " + ", ".join(f"{name} {runs[-1][name][0]:.3f}" for name in LISTS),
            flush=True,
        )
    rows = []
    for name in LISTS:
        expected, low, high = interval(np.array([run[name][0] for run in runs]))
        realised = np.mean([run[name][1] for run in runs])
        rows.append((name, f"{expected:.3f}", f"{low:.3f} to {high:.3f}", f"{realised:.3f}"))
    _measure.table(("list", "found", "95 % interval", "of what happened"), rows)
    ours, rule, ceiling = (
        np.array([run[name][0] for run in runs]) for name in ("ours", "rule", "ceiling")
    )
    value, low, high = interval(ours / ceiling)
    gain, gain_low, gain_high = interval(ours - rule)
    closed = float((ours - rule).sum() / (ceiling - rule).sum())
    print(f"ours / ceiling {value:.3f} ({low:.3f} to {high:.3f})")
    print(f"ours - rule {gain:+.3f} ({gain_low:+.3f} to {gain_high:+.3f}), "
          f"{closed:.0%} of the gap to the ceiling closed")  # fmt: skip
    failed = []
    if value < BAR:
        failed.append(f"ours / ceiling is {value:.3f}, the bar is {BAR}")
    if gain <= 0 if options.quick else gain_low <= 0:
        failed.append(f"the gain over the rule is {gain:+.3f} (from {gain_low:+.3f})")
    return _measure.finish(
        value,
        {"name": "oracle", "bar": BAR, "unit": "found share over the ceiling's",
         "sizes": [students], "seeds": seeds},
        failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
