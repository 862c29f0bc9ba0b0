"""The task on which a peer was measured, done by us: features, labels and matrices of a district.

triage, featuretools and pandas were measured elsewhere, on another machine and their own generator:
students in schools of 500, three school years of 180 days, 48 features, one label, quarterly as-of
dates, 18 months of training history, temporal test splits; processor seconds on two busy cores.
Ours here: as many simulated students with three school years, every feature of every quarter that
has closed, the labels of three outcomes, and one matrix a quarter on disk. We make more of each
(`features.build.FEATURES`), so nothing is left out on our side; another machine may well be a third
faster or slower, which the bar allows for.

Beside ours, in the same run: our features of the same quarters in pandas, from every day's marks
and without labels (`_pandas_features.py`); and with `--featuretools PYTHON` the published features
by featuretools (`_featuretools_peer.py`). It cannot be installed beside this project's locked
packages, so PYTHON is one of another environment, which
`python3 -m venv DIR; DIR/bin/pip install 'featuretools==1.31.*' 'pandas<3' pyarrow` makes.
triage is not run: it wants a PostgreSQL server.

`value`: triage's processor seconds at 10,000 students over ours, at least 20.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import _measure

BAR = 20.0
AIM = 50.0
PUBLISHED = {
    "triage 6.0: cohort, labels, features, imputation, matrices": {
        1_000: 6.4, 10_000: 47.0, 100_000: 655.0
    },
    "featuretools 1.31: features and output": {1_000: 4.5, 10_000: 15.0},
    "pandas: features and output": {1_000: 1.1, 10_000: 3.2, 100_000: 32.0},
}  # fmt: skip
"""Processor seconds by number of students, without start and imports."""
JUDGED = next(iter(PUBLISHED))


def build(data: Path, out: Path) -> dict[str, Any]:
    """Features and labels of every closed quarter, and a matrix of each; rows and columns."""
    import _district

    from earlywarning import district as districts
    from earlywarning.io.dataset import history_quarters, load_dataset
    from earlywarning.io.engine import open_engine

    rules = districts.load(data / "district.toml")
    snapshot = (data / "facts").resolve()
    rows = columns = 0
    with open_engine("polars") as engine:
        quarters = history_quarters(engine, snapshot, rules, _district.UNTIL)
        dataset = load_dataset(
            engine, snapshot, rules, quarters=quarters, known_before=_district.UNTIL
        )
        for quarter in dataset.quarters:
            part = dataset.rows((dataset.ids["quarter"] == quarter).to_numpy(dtype=bool))
            part.X.join(part.y).to_parquet(out / f"{quarter}.parquet")
            rows, columns = rows + len(part), part.X.shape[1]
    starts = [quarter.start.isoformat() for quarter in quarters]
    return {
        "starts": starts, "rows": rows, "features": columns, "quarters": len(quarters)
    }  # fmt: skip


def in_pandas(data: Path, starts: list[str], out: Path) -> dict[str, int]:
    """The same features in pandas, one file a quarter."""
    import _pandas_features as peer

    from earlywarning import district as districts

    rules = districts.load(data / "district.toml")
    marks = peer.read(data / "marks")
    facts = {
        name: peer.read(data / "facts" / name)
        for name in ("enrollment", "behaviour_event", "grade", "visit")
    }
    rows = columns = 0
    for start in starts:
        quarter = rules.calendar.quarter_of(date.fromisoformat(start))
        found = peer.build(marks, facts, rules, quarter)
        found.to_parquet(out / f"{quarter.code}.parquet")
        rows, columns = rows + len(found), found.shape[1] - 1
    return {"rows": rows, "features": columns, "quarters": len(starts)}


def child(side: str, folder: Path, students: int, starts: list[str]) -> None:
    """One step, in its own process; imports do not count on either side."""
    import _district
    import _pandas_features  # noqa: F401

    import earlywarning.io.dataset
    import earlywarning.io.engine  # noqa: F401

    if side == "make":
        _measure.work(lambda: _district.make(folder, students), told=lambda rows: rows)
        return
    out = folder / side
    out.mkdir()
    if side == "pandas":
        _measure.work(lambda: in_pandas(folder, starts, out), told=lambda told: told)
        return
    _measure.work(lambda: build(folder, out), told=lambda told: told)


def here(folder: str, students: int, featuretools: str | None) -> dict[str, _measure.Cost]:
    """Every side that can be run, on the same district; ours first."""

    def run(side: str, *more: str) -> _measure.Cost:
        told = ("--side", side, "--folder", folder, "--students", str(students), *more)
        return _measure.run_apart(Path(__file__), *told)

    made = run("make")
    print(
        f"{students:,} students, {sum(made.result.values()):,} rows of marks and facts", flush=True
    )
    ours = run("ours")
    starts = ("--starts", ",".join(ours.result["starts"]))
    costs = {"ours": ours, "pandas, every feature": run("pandas", *starts)}
    if featuretools is not None:
        script = Path(__file__).with_name("_featuretools_peer.py")
        costs["featuretools"] = _measure.run_apart(
            script, "--folder", folder, *starts, python=featuretools
        )
    return costs


def times(cost: _measure.Cost, ours: _measure.Cost) -> float:
    """How much more a side takes for a quarter."""
    of, our = (one.cpu / one.result["quarters"] for one in (cost, ours))
    return of / our


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 students; no bar")
    parser.add_argument("--students", type=int, default=10_000, choices=(1_000, 10_000, 100_000))
    parser.add_argument(
        "--featuretools", metavar="PYTHON", help="of another environment that has featuretools"
    )
    parser.add_argument("--side", choices=("make", "ours", "pandas"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--starts", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        child(options.side, options.folder, options.students, options.starts.split(","))
        return 0
    students = 1_000 if options.quick else options.students
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        costs = here(folder, students, options.featuretools)
    ours = costs["ours"]
    told = ours.result
    print(f"{told['features']} features and 3 labels of {told['quarters']} quarters, "
          f"{told['rows']:,} rows in the matrices")  # fmt: skip
    known = {name: some[students] for name, some in PUBLISHED.items() if students in some}
    _measure.table(
        ("side", "features", "quarters", "CPU s", "a quarter ÷ ours", "peak MB"),
        [
            *((f"{name}, here", cost.result["features"], cost.result["quarters"],
               f"{cost.cpu:.2f}", f"{times(cost, ours):.1f}", f"{cost.peak_mb:.0f}")
              for name, cost in costs.items()),
            *((f"{name}, published", 48, "", f"{cpu:.1f}", f"{cpu / ours.cpu:.1f}", "")
              for name, cpu in known.items()),
        ],
    )  # fmt: skip
    value = known[JUDGED] / ours.cpu
    missed = value < BAR and students == 10_000
    failed = [f"{value:.1f} times faster than the published figure, at least {BAR:g}"] * missed
    beside = {
        f"{name.split(',')[0]}_here_over_ours": round(times(cost, ours), 1)
        for name, cost in costs.items() if cost is not ours
    }  # fmt: skip
    return _measure.finish(
        value,
        {"name": "peers", "bar": BAR if students == 10_000 else None, "aim": AIM,
         "unit": "published triage / ours", "sizes": [students], "seeds": [1],
         "ours_cpu_s": round(ours.cpu, 2), "peak_mb": round(ours.peak_mb), **beside},
        failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
