"""Does a model that causes visits forget the children whom its visits helped?

A school lives through twelve quarters. From the second on, every quarter begins with a list made by
the product's own cut: eight families a class, 40 % of the places preventive, lots at the cut. Its
visits are made, they help as strongly as the simulator's visits always do, and the models are then
trained anew on what was recorded. Two copies of the same school differ in the training alone:

- `naive`: visits are ignored;
- `ours`: a visit is a treatment in training, and risk is predicted without one.

The simulator knows each student's chance of trouble if nobody visits. Each list is measured by the
share of that expected trouble which the first `CAPACITY_SHARE` of the students by priority hold
(found), as a part of what a list by the true chance would hold (of the ceiling: how concentrated
trouble is differs between the copies once their visits differ). Calibration is judged against the
true chance too, as means over the outcomes: students in tenths by predicted risk, the mean distance
between a tenth's mean risk and its mean true chance (gap), and mean risk less mean true chance of
the highest tenth (top; negative is too low).

`value`: ours of the ceiling, mean over the last three lists (Q2 to Q4 of the third year) by mean
over the first three after a year of four lists (Q2 to Q4 of the second). In Q1 new children come of
whom nothing is known, so any list finds less: the same seasons are compared. Bar: at least 0.97.
Naive has to be worse than ours over the last three lists, else the correction earns nothing here:
further from the truth in the highest tenth, beyond chance, and in a full run finding less. One
small school (`--quick`) is too small to tell either from luck.

`--effect` makes visits help so many times as much as the simulator's usually do.

What naive loses is the level, hardly the order, however much visits help: visits go where risk is
highest and lower it for all of these about alike, so the same families stay on top with too low a
risk. What is found differs by less than eight runs can tell, and the last lines say so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import _measure
import numpy as np
import pandas as pd
import polars as pl
from oracle import interval, share_found

from earlywarning import district as districts
from earlywarning.calendar import Quarter
from earlywarning.features import outcomes
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import scoring, spec, training
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import Estimator
from earlywarning.simulation import facts as simulated
from earlywarning.simulation import mapping_text
from earlywarning.simulation.records import Records, live
from earlywarning.simulation.world import build_school
from earlywarning.visits import capacity as cut
from earlywarning.visits.households import Child, group
from earlywarning_pipelines import simulate

BAR = 0.97
YEARS = 2
UNTIL = date(2026, 4, 1)
CAPACITY_SHARE = 0.16
WARM_UP, WINDOW = 4, 3
ARMS = ("naive", "ours")
STRENGTH = 0.03
"""Penalty of the logistic regression, as the product's search often chooses."""

DRAWS = 400
"""Of the true chance; the lists before the last get a tenth. Means over tenths hardly feel it."""


@dataclass
class Copy:
    """One copy of the school: what its models have seen, and what they said.

    Attributes
    ----------
    arm : str
        One of `ARMS`.
    engine : Engine
    folder : Path
        Of its facts.
    seed : int
    history : list of Dataset
        One closed quarter each.
    listed : Dataset or None
        The quarter that is under way, without labels.
    said : dict of quarter to DataFrame
        `student`, the three risks, `priority`.
    """

    arm: str
    engine: Engine
    folder: Path
    seed: int
    history: list[Dataset] = field(default_factory=list)
    listed: Dataset | None = None
    said: dict[str, pd.DataFrame] = field(default_factory=dict)

    def choose(self, quarter: Quarter, records: Records) -> list[tuple[int, str]]:
        """Learn from what is known, list, and say whom the list sends visits to."""
        rules = districts.parse(mapping_text.DISTRICT)
        snapshot = self._snapshot(records, quarter)
        before = rules.calendar.previous(quarter)
        if self.listed is not None:
            later = self.engine.views(snapshot, as_of_date=quarter.start, district=rules)
            self.history.append(
                labelled(
                    self.listed,
                    self.engine.collect(outcomes.outcomes(later, before), outcomes.OUTCOME_SCHEMA),
                )
            )
        now = load_dataset(
            self.engine, snapshot, rules, quarters=[quarter], known_before=quarter.start,
            labels=False,
        )  # fmt: skip
        self.listed = now
        risks = scoring.score(self._models(), now.X)
        priority = scoring.priority(risks, rules.weights)
        index = {one: at for at, one in enumerate(simulated.student_ids(records.school))}
        students = now.ids["student_id"].map(index).to_numpy()
        self.said[quarter.code] = risks.assign(student=students, priority=priority)
        return self._visits(quarter, records, now, students, priority, rules)

    def _snapshot(self, records: Records, quarter: Quarter) -> Path:
        store = FactStore(self.folder / quarter.code)
        tables = simulated.facts(records, delivered_day=quarter.start_day)
        return store.folder(
            store.write(
                {name: frame.cast(FACT_SCHEMAS[name]) for name, frame in tables.items()}, base=None
            ).id
        )

    def _models(self) -> dict[str, Estimator]:
        """The rule until there are two closed quarters, as in the product."""
        if not self.history:
            return {name: training.candidate("rule", spec.load(name)) for name in OUTCOMES}
        X = pd.concat([one.X for one in self.history], ignore_index=True)
        quarters = np.concatenate([one.ids["quarter"].to_numpy(str) for one in self.history])
        visited = np.concatenate([one.visited for one in self.history])
        out = {}
        for name in OUTCOMES:
            chosen = spec.load(name)
            y = np.concatenate([one.y[name].to_numpy(dtype=float) for one in self.history])
            known = np.flatnonzero(~np.isnan(y))
            enough = y[known].sum() >= chosen.min_positives and len(self.history) > 1
            offered = training.candidate("logistic" if enough else "rule", chosen)
            if enough:
                offered.strengths = (STRENGTH,)
            out[name] = offered.fit(
                X.iloc[known].reset_index(drop=True), y[known],
                visited=visited[known] if self.arm == "ours" else None,
                quarters=quarters[known], seed=self.seed,
            )  # fmt: skip
        return out

    def _visits(
        self, quarter: Quarter, records: Records, now: Dataset, students: np.ndarray,
        priority: np.ndarray, rules: districts.District,
    ) -> list[tuple[int, str]]:  # fmt: skip
        done = records.visits.filter(pl.col("status") == "done")
        last = dict(done.group_by("student").agg(pl.col("day").max()).iter_rows())
        children = [
            Child(
                student_id=str(student), priority=float(value), class_id=class_id, lead=class_id,
                household=str(records.school.household[student]), last_visit=last.get(student),
            )
            for student, value, class_id in zip(
                students.tolist(), priority, now.ids["class_id"], strict=True
            )
        ]  # fmt: skip
        by_lead: dict[str, list] = {}
        for household in group(children, seed=self.seed):
            by_lead.setdefault(str(household.lead), []).append(household)
        return [
            (int(child.student_id), str(one.track))
            for lead in sorted(by_lead)
            for one in cut.allocate(
                by_lead[lead],
                places=cut.split(rules.visits.capacity, rules.visits.preventive_share),
                seed=self.seed, lottery=True, block=f"{quarter.code}/{lead}",
            )
            if one.listed
            for child in one.household.children
        ]  # fmt: skip


def labelled(listed: Dataset, became: pl.DataFrame) -> Dataset:
    """A listed quarter with what became of its students."""
    ids = pl.DataFrame({"student_id": listed.ids["student_id"].to_list()})
    found = ids.join(became, on="student_id", how="left", maintain_order="left")
    return replace(
        listed,
        y=pd.DataFrame({name: found[name].cast(pl.Float64).to_numpy() for name in OUTCOMES}),
        visited=found["visited"].fill_null(0).cast(pl.Float64).to_numpy(),
    )


def measure(arm: str, students: int, seed: int, effect: float) -> pd.DataFrame:
    """One copy's life: a line a list, columns `found`, `of_ceiling`, `gap`, `top`, `visited`."""
    school = build_school(1, students, years=YEARS, seed=seed, until=UNTIL)
    quarters = simulate.quarters_until(YEARS, UNTIL)
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(arm, open_engine("polars"), Path(folder), seed)
        lived = live(
            school, quarters=quarters, effect=effect, draws=DRAWS, choose_visits=copy.choose
        )
    weights = districts.parse(mapping_text.DISTRICT).weights
    rows = []
    for code, said in copy.said.items():
        truth = lived.truth.filter(pl.col("quarter") == code).to_pandas().set_index("student")
        truth = truth.loc[said["student"]]
        true = {name: truth[f"{name}_without_visit"].to_numpy() for name in OUTCOMES}
        expected = np.column_stack([true[name] for name in OUTCOMES]) @ [
            weights[name] for name in OUTCOMES
        ]
        places = max(1, round(CAPACITY_SHARE * len(said)))
        found = share_found(said["priority"].to_numpy(), expected, places)
        best = share_found(expected, expected, places)
        gaps = [_gaps(said[name].to_numpy(), true[name]) for name in OUTCOMES]
        mean, top = np.nanmean(gaps, axis=0)
        rows.append((code, found, found / best, mean, top, truth["visited"].mean()))
    return pd.DataFrame(rows, columns=["quarter", "found", "of_ceiling", "gap", "top", "visited"])


def _gaps(risk: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Mean distance of tenths, and risk minus truth of the highest tenth."""
    tenths = np.array_split(np.argsort(risk, kind="stable"), 10)
    distances = [float(risk[part].mean() - true[part].mean()) for part in tenths]
    return float(np.mean(np.abs(distances))), distances[-1]


def ends(curve: np.ndarray) -> tuple[float, float]:
    """Means over the first three lists after the warm-up, and over the last three."""
    return float(curve[WARM_UP : WARM_UP + WINDOW].mean()), float(curve[-WINDOW:].mean())


def main() -> int:
    """Let both copies live, print both curves, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small school")
    parser.add_argument("--students", type=int, default=900)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--effect", type=float, default=1.0, help="times the usual help of visits")
    options = parser.parse_args()
    students = 300 if options.quick else options.students
    seeds = list(range(1, (1 if options.quick else options.seeds) + 1))
    arms, of = zip(*product(ARMS, seeds), strict=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        made = list(pool.map(measure, arms, [students] * len(of), of, [options.effect] * len(of)))
    lives = {arm: made[at * len(seeds) : (at + 1) * len(seeds)] for at, arm in enumerate(ARMS)}
    for at, seed in enumerate(seeds):
        pairs = {arm: ends(lives[arm][at]["of_ceiling"].to_numpy()) for arm in ARMS}
        print(
            f"seed {seed}: "
            + ", ".join(f"{arm} {start:.3f} -> {end:.3f}" for arm, (start, end) in pairs.items())
        )
    _curves(lives)
    first, last = (
        {arm: np.array([ends(one["of_ceiling"].to_numpy())[at] for one in lives[arm]])
         for arm in ARMS}
        for at in (0, 1)
    )  # fmt: skip
    value, low, high = interval(last["ours"] / first["ours"])
    naive = float((last["naive"] / first["naive"]).mean())
    ahead, ahead_low, ahead_high = interval(last["ours"] - last["naive"])
    top = {arm: np.array([abs(ends(one["top"].to_numpy())[1]) for one in lives[arm]])
           for arm in ARMS}  # fmt: skip
    nearer, nearer_low, nearer_high = interval(top["naive"] - top["ours"])
    print(f"last / first: ours {value:.3f} ({low:.3f} to {high:.3f}), naive {naive:.3f}")
    print(
        f"last three lists: ours finds {ahead:+.3f} more of the ceiling ({ahead_low:+.3f} to "
        f"{ahead_high:+.3f}); in the highest tenth ours is off by {top['ours'].mean():.3f}, naive "
        f"by {top['naive'].mean():.3f}, {nearer:+.3f} ({nearer_low:+.3f} to {nearer_high:+.3f})"
    )
    if ahead_low <= 0 <= ahead_high:
        print("what is found does not differ beyond chance")
    failed = []
    if value < BAR:
        failed.append(f"ours last / first is {value:.3f}, the bar is {BAR}")
    if nearer <= 0 if options.quick else nearer_low <= 0:
        failed.append(f"naive is no further from the truth: {nearer:+.3f} (from {nearer_low:+.3f})")
    if ahead <= 0 and not options.quick:
        failed.append(f"naive finds no less than ours: ours - naive is {ahead:+.3f}")
    return _measure.finish(
        value,
        {"name": "feedback", "bar": BAR, "unit": "found share of the ceiling's, last over first",
         "naive": round(naive, 3), "ours_minus_naive": round(ahead, 3),
         "top_off_ours": round(float(top["ours"].mean()), 3),
         "top_off_naive": round(float(top["naive"].mean()), 3),
         "effect": options.effect, "sizes": [students], "seeds": seeds},
        failed,
    )  # fmt: skip


def _curves(lives: dict[str, list[pd.DataFrame]]) -> None:
    """Both curves quarter by quarter, as means over the seeds."""
    mean = {
        arm: pd.concat(found).groupby("quarter", sort=True).mean() for arm, found in lives.items()
    }
    what = ("found", "of_ceiling", "gap", "top")
    heads = [f"{arm} {name.replace('_', ' ')}" for name in what for arm in ARMS]
    rows = [
        (code, *(f"{mean[arm].loc[code, name]:.3f}" for name in what for arm in ARMS))
        for code in mean["ours"].index
    ]
    _measure.table(("quarter", *heads), rows)


if __name__ == "__main__":
    sys.exit(main())
