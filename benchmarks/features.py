"""Features of a simulated district: our build on both engines, pandas, and a bare scan.

All read the same three school years of day-by-day marks: the scan and pandas as they are, ours as
the exceptions that an import keeps of them. `value`: processor seconds of our build on the default
engine over those of the scan (100,000 students, one as-of date). Bars there: at most 5 times the
scan, at least 5 times faster than pandas, under 1 GB.

`--students 1000000` asks for a province instead: the district of `--made` students is drawn to size
(see `_district.draw`), and the scan and our build on Polars run for `--dates` as-of dates. Bars:
under 8 GB, at most 3 times the scan for each date, and growth from `--made` students no faster than
their number (power 1.1).

`--stages` prints what one date of the district of `--made` students is made of: each frame that the
build keeps, the last step, and the floor: the same files read once, every column, and no more.
`--district` names a folder that `_district.make` filled before.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _district import as_of_quarters, draw, make
from _measure import THREADS, Cost, finish, median, run_apart, table, work

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from earlywarning.district import District

BAR_SCAN, BAR_PANDAS, BAR_MB = 5.0, 5.0, 1000.0
BAR_PROVINCE_SCAN, BAR_PROVINCE_MB, BAR_GROWTH = 3.0, 8000.0, 1.1
DUCKDB_MEMORY = "500MB"
SIDES = ("scan", "polars", "duckdb", "pandas")
REPEATS = 3
"""Of the short sides; the run of median processor time counts."""


def scan(data: Path) -> Any:
    """Count text, add up numbers, over every column of every mark."""
    import duckdb

    connection = duckdb.connect(config={"threads": THREADS})
    marks = connection.read_parquet(f"{data}/marks/*.parquet")
    parts = [
        f"{'count' if str(kind) in ('VARCHAR', 'BOOLEAN') else 'sum'}({name})"
        for name, kind in zip(marks.columns, marks.types, strict=True)
    ]
    return work(lambda: marks.aggregate(", ".join(parts)).fetchall())


def ours(data: Path, engine_name: str, codes: list[str], out: Path) -> None:
    """Our build, from the snapshot of facts, one file a date."""
    from earlywarning.features import build
    from earlywarning.io.engine import open_engine

    district = _district(data)
    duckdb = engine_name == "duckdb"

    def task() -> None:
        with open_engine(
            "duckdb" if duckdb else "polars",
            threads=THREADS,
            memory_limit=DUCKDB_MEMORY if duckdb else None,
        ) as engine:
            for code in codes:
                quarter = district.calendar.quarter(code)
                facts = engine.views(data / "facts", as_of_date=quarter.start, district=district)
                frame = build.features(facts, quarter)
                # Saved at once: eight dates of a province fill memory, and nobody wants them so.
                made = engine.collect(frame, build.FEATURE_SCHEMA)
                made.write_parquet(out / f"{code}.parquet", compression="lz4")

    work(task)


def pandas(data: Path, codes: list[str], out: Path) -> None:
    """The same from marks."""
    import _pandas_features as peer
    import pandas as pd

    district = _district(data)

    def task() -> dict[str, pd.DataFrame]:
        marks = peer.read(data / "marks")
        facts = {
            name: peer.read(data / "facts" / name)
            for name in ("enrollment", "behaviour_event", "grade", "visit")
        }
        quarters = [district.calendar.quarter(code) for code in codes]
        return {quarter.code: peer.build(marks, facts, district, quarter) for quarter in quarters}

    for code, frame in work(task).items():
        frame.to_parquet(out / f"{code}.parquet")


def differences(mine: Path, theirs: Path, codes: list[str], names: list[str]) -> list[str]:
    """Features that are not equal in every row, to the bit."""
    import polars as pl

    found: set[str] = set()
    for code in codes:
        a, b = (
            pl.read_parquet(folder / f"{code}.parquet")
            .select(
                pl.col("student_id").cast(pl.String), pl.col(names).cast(pl.Float64).fill_nan(None)
            )
            .sort("student_id")
            for folder in (mine, theirs)
        )
        if not a["student_id"].equals(b["student_id"]):
            return ["student_id"]
        found |= {name for name in names if not a[name].equals(b[name])}
    return sorted(found)


def _district(data: Path) -> District:
    from earlywarning import district

    return district.load(data / "district.toml")


def child(arguments: argparse.Namespace) -> None:
    """One side, in its own process."""
    data, out = Path(arguments.data), Path(arguments.out)
    codes = arguments.quarters.split(",")
    if arguments.side == "make":
        work(lambda: make(data, arguments.students), told=lambda rows: rows)
    elif arguments.side == "draw":
        work(lambda: draw(out, data, arguments.students), told=lambda rows: rows)
    elif arguments.side == "scan":
        scan(data)
    elif arguments.side == "pandas":
        pandas(data, codes, out)
    else:
        ours(data, arguments.side, codes, out)


def compare(
    data: Path, students: int, dates: int, scratch: Path, *, repeats: int
) -> tuple[dict[str, Cost], list[str]]:
    """Run every side; what differed between them."""
    codes = as_of_quarters(dates)
    costs: dict[str, Cost] = {}
    for side in SIDES:
        out = scratch / f"{side}-{students}-{dates}"
        out.mkdir()
        runs = 1 if side == "pandas" or (dates > 1 and side != "scan") else repeats
        costs[side] = median(
            [
                run_apart(
                    Path(__file__),
                    f"--side={side}", f"--data={data}", f"--out={out}",
                    f"--quarters={','.join(codes)}",
                )
                for _ in range(runs)
            ]
        )  # fmt: skip
        _show(students, dates, side, costs)
    import _pandas_features as peer

    from earlywarning.features.build import FEATURES

    folders = {side: scratch / f"{side}-{students}-{dates}" for side in SIDES}
    every = [feature.name for feature in FEATURES]
    wrong = [
        f"{name} differs between polars and {other}"
        for other, names in (("duckdb", every), ("pandas", peer.shared_features()))
        for name in differences(folders["polars"], folders[other], codes, names)
    ]
    for folder in folders.values():
        shutil.rmtree(folder)
    return costs, wrong


def _show(students: int, dates: int, side: str, costs: dict[str, Cost]) -> None:
    cost = costs[side]
    print(
        f"{students:>7,} students, {dates} date(s), {side:<6}: {cost.cpu:7.2f} CPU s, "
        f"{cost.wall:7.2f} s, {cost.peak_mb:6.0f} MB, {cost.cpu / costs['scan'].cpu:6.2f} × scan",
        flush=True,
    )


def stages(data: Path) -> int:
    """Processor seconds of every frame of one date, the least of `REPEATS` runs."""
    import time
    import traceback

    import polars as pl

    from earlywarning.features import build
    from earlywarning.io.engine import PolarsEngine, open_engine
    from earlywarning.records.tables import FACT_TABLES

    district = _district(data)
    quarter = district.calendar.quarter(as_of_quarters(1)[0])
    collect = PolarsEngine._collect
    found: dict[str, tuple[float, int, int]] = {}

    def timed(engine: PolarsEngine, frame: nw.LazyFrame) -> pl.DataFrame:
        start = time.process_time()
        made = collect(engine, frame)
        cost = time.process_time() - start
        places = [one for one in traceback.extract_stack() if "/features/" in one.filename]
        name = f"{Path(places[-1].filename).name}: {places[-1].line}" if places else ""
        name = name or ("schools" if made.width == 1 else "last step: all joined")
        before = found.get(name, (cost, 0, 0))
        found[name] = (min(before[0], cost), made.height, made.width)
        return made

    PolarsEngine._collect = timed  # type: ignore[method-assign]
    totals = []
    for _ in range(REPEATS):
        start = time.process_time()
        with open_engine("polars") as engine:
            facts = engine.views(data / "facts", as_of_date=quarter.start, district=district)
            engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA)
        totals.append(time.process_time() - start)
    PolarsEngine._collect = collect  # type: ignore[method-assign]
    start, size = time.process_time(), 0
    for kind in FACT_TABLES:
        for file in (data / "facts" / kind).glob("*.parquet"):
            size += file.stat().st_size
            pl.read_parquet(file)
    floor = time.process_time() - start
    total = min(totals)
    planned = total - sum(cost for cost, _, _ in found.values())
    rows = [
        (name, f"{cost:.3f}", f"{cost / total:.0%}", f"{height:,}", width)
        for name, (cost, height, width) in sorted(found.items(), key=lambda one: -one[1][0])
    ]
    table(
        ("frame", "CPU s", "of all", "rows", "columns"),
        [*rows, ("plans and the rest", f"{planned:.3f}", f"{planned / total:.0%}", "", "")],
    )
    print(f"{total:.2f} CPU s in all; the files, {size / 1e6:.1f} MB, read once: {floor:.2f}")
    figures = {"name": "features_stages", "bar": None, "unit": "x reading the files", "sizes": [],
               "seeds": [1], "cpu_s": round(total, 3), "read_cpu_s": round(floor, 3),
               "read_mb": round(size / 1e6, 1)}  # fmt: skip
    return finish(total / floor, figures, [])


def province(students: int, made: int, dates: int) -> int:
    """One size, drawn; the scan and Polars, at both sizes."""
    codes = as_of_quarters(dates)
    costs: dict[tuple[int, str], Cost] = {}
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as temporary:
        small, large = Path(temporary) / "made", Path(temporary) / "drawn"
        small.mkdir()
        script = Path(__file__)
        run_apart(script, "--side=make", f"--data={small}", f"--students={made}")
        drawn = run_apart(
            script, "--side=draw", f"--data={large}", f"--out={small}",
            f"--students={students // made}",
        )  # fmt: skip
        print(f"{made:,} students simulated and drawn to {students:,}: "
              f"{json.dumps(drawn.result)}", flush=True)  # fmt: skip
        stored = sum(file.stat().st_size for file in (large / "facts").rglob("*.parquet"))
        for size, data in ((made, small), (students, large)):
            for side in ("scan", "polars"):
                out = Path(temporary) / f"{side}-{size}"
                out.mkdir()
                costs[size, side] = run_apart(
                    script, f"--side={side}", f"--data={data}", f"--out={out}",
                    f"--quarters={','.join(codes)}",
                )  # fmt: skip
                cost = costs[size, side]
                print(f"{size:>9,} students, {side:<6}: {cost.cpu:8.2f} CPU s, {cost.wall:8.2f} s, "
                      f"{cost.peak_mb:6.0f} MB", flush=True)  # fmt: skip
                shutil.rmtree(out)
    mine, scanned = costs[students, "polars"], costs[students, "scan"]
    value = mine.cpu / dates / scanned.cpu
    power = math.log(mine.cpu / costs[made, "polars"].cpu) / math.log(students / made)
    print(f"{value:.2f} times the scan a date; grows as students^{power:.2f}; facts of "
          f"{stored / 1e6:.0f} MB, {drawn.result['marks']:,} marks")  # fmt: skip
    failed = [
        words
        for words, is_so in (
            (f"{value:.2f} times the scan a date, at most {BAR_PROVINCE_SCAN}",
             value > BAR_PROVINCE_SCAN),
            (f"{mine.peak_mb:.0f} MB, less than {BAR_PROVINCE_MB:.0f}",
             mine.peak_mb >= BAR_PROVINCE_MB),
            (f"grows as students^{power:.2f}, at most {BAR_GROWTH}", power > BAR_GROWTH),
        )
        if is_so
    ]  # fmt: skip
    figures = {
        "name": "features", "bar": BAR_PROVINCE_SCAN, "unit": "x scan a date",
        "sizes": [made, students], "dates": dates, "seeds": [1], "made": made,
        "power": round(power, 3), "peak_mb": round(mine.peak_mb), "cpu_s": round(mine.cpu, 1),
        "scan_cpu_s": round(scanned.cpu, 1), "facts_mb": round(stored / 1e6),
    }  # fmt: skip
    return finish(value, figures, failed)


def main() -> int:
    """Every size and number of dates, a table, the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 students only")
    for name in ("side", "data", "out", "quarters"):
        parser.add_argument(f"--{name}", default="", help=argparse.SUPPRESS)
    parser.add_argument("--students", type=int, default=0, help="a province of so many instead")
    parser.add_argument("--made", type=int, default=20_000, help="of them really simulated")
    parser.add_argument("--stages", action="store_true", help="what one date is made of")
    parser.add_argument("--district", type=Path, help="a simulated district to do it on")
    parser.add_argument("--dates", type=int, default=8, help="as-of dates of the province")
    arguments = parser.parse_args()
    if arguments.side:
        child(arguments)
        return 0
    if arguments.stages:
        with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
            data = arguments.district or Path(folder)
            if not (data / "facts").exists():
                make(data, arguments.made)
            return stages(data)
    if arguments.students:
        return province(arguments.students, arguments.made, arguments.dates)
    sizes, date_counts = ((10_000,), (1, 2)) if arguments.quick else ((10_000, 100_000), (1, 8))
    results: dict[tuple[int, int], dict[str, Cost]] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        for students in sizes:
            data = Path(folder) / f"district-{students}"
            data.mkdir()
            made = run_apart(
                Path(__file__), "--side=make", f"--data={data}", f"--students={students}"
            )
            rows = json.dumps(made.result)
            print(f"{students:>7,} students, simulated in {made.wall:.0f} s: {rows}", flush=True)
            for dates in date_counts:
                costs, wrong = compare(
                    data, students, dates, Path(folder),
                    repeats=1 if arguments.quick else REPEATS,
                )  # fmt: skip
                results[students, dates] = costs
                failed += wrong
            shutil.rmtree(data)
    rows = [
        [
            f"{students:,} × {dates}", side, f"{cost.cpu:.2f}", f"{cost.wall:.2f}",
            f"{cost.peak_mb:.0f}", f"{cost.cpu / costs['scan'].cpu:.2f}",
            f"{costs['pandas'].cpu / cost.cpu:.1f}",
        ]
        for (students, dates), costs in results.items()
        for side, cost in costs.items()
    ]  # fmt: skip
    print()
    table(
        ["students × dates", "side", "CPU s", "wall s", "peak MB", "÷ scan", "faster than pandas"],
        rows,
    )
    costs = results[sizes[-1], 1]
    mine = costs["polars"]
    value, gain = mine.cpu / costs["scan"].cpu, costs["pandas"].cpu / mine.cpu
    if not arguments.quick:
        if value > BAR_SCAN:
            failed.append(f"{value:.2f} times the scan, at most {BAR_SCAN}")
        if gain < BAR_PANDAS:
            failed.append(f"{gain:.1f} times faster than pandas, at least {BAR_PANDAS}")
        failed += [
            f"{side} took {costs[side].peak_mb:.0f} MB, less than {BAR_MB:.0f}"
            for side in ("polars", "duckdb")
            if costs[side].peak_mb >= BAR_MB
        ]
    figures = {
        "name": "features", "bar": None if arguments.quick else BAR_SCAN, "unit": "x scan",
        "sizes": sizes, "seeds": [1], "faster_than_pandas": round(gain, 1),
        "peak_mb": round(mine.peak_mb), "duckdb_x_scan": round(
            costs["duckdb"].cpu / costs["scan"].cpu, 2
        ),
    }  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
