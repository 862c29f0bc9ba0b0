"""The task on which a peer was measured, done by us: features, labels and matrices of a district.

triage, featuretools and pandas were measured elsewhere, on another machine and their own generator:
students in schools of 500, three school years of 180 days, 48 features, one label, quarterly as-of
dates, 18 months of training history, temporal test splits; processor seconds on two busy cores.
They cannot be installed beside this project's locked packages, so what is printed is the ratio of
their published figure to ours here, on as many simulated students with three school years: every
feature of every quarter that has closed, the labels of three outcomes, and one matrix a quarter on
disk. We make more of each (`features.build.FEATURES`), so nothing is left out on our side; another
machine may well be a third faster or slower, which the bar allows for.

`value`: triage's processor seconds at 10,000 students over ours, at least 20.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

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


def build(data: Path, out: Path) -> dict[str, int]:
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
    return {"quarters": len(quarters), "rows": rows, "features": columns}


def child(side: str, folder: Path, students: int) -> None:
    """One step, in its own process; imports do not count on either side."""
    import _district

    import earlywarning.io.dataset
    import earlywarning.io.engine  # noqa: F401

    if side == "make":
        _measure.work(lambda: _district.make(folder, students), told=lambda rows: rows)
        return
    out = folder / "matrices"
    out.mkdir()
    _measure.work(lambda: build(folder, out), told=lambda told: told)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 students; no bar")
    parser.add_argument("--students", type=int, default=10_000, choices=(1_000, 10_000, 100_000))
    parser.add_argument("--side", choices=("make", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        child(options.side, options.folder, options.students)
        return 0
    students = 1_000 if options.quick else options.students
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        made, ours = (
            _measure.run_apart(
                Path(__file__), "--side", side, "--folder", folder, "--students", str(students)
            )
            for side in ("make", "ours")
        )
    told = ours.result
    print(f"{students:,} students, {sum(made.result.values()):,} rows of marks and facts; "
          f"{told['features']} features and 3 labels of {told['quarters']} quarters, "
          f"{told['rows']:,} rows in the matrices")  # fmt: skip
    known = {name: some[students] for name, some in PUBLISHED.items() if students in some}
    _measure.table(
        ("side", "CPU s", "÷ ours"),
        [
            ("ours, here", f"{ours.cpu:.2f}", "1.0"),
            *((f"{name}, published", f"{cpu:.1f}", f"{cpu / ours.cpu:.1f}")
              for name, cpu in known.items()),
        ],
    )  # fmt: skip
    value = known[JUDGED] / ours.cpu
    missed = value < BAR and students == 10_000
    failed = [f"{value:.1f} times faster than the published figure, at least {BAR:g}"] * missed
    return _measure.finish(
        value,
        {"name": "peers", "bar": BAR if students == 10_000 else None, "aim": AIM,
         "unit": "published triage / ours", "sizes": [students], "seeds": [1],
         "ours_cpu_s": round(ours.cpu, 2), "peak_mb": round(ours.peak_mb)},
        failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
