"""What the whole job costs as a district grows: simulate apart, then import, train, publish.

Each step runs in a process of its own; seconds are wall time, processor seconds stand beside them.
`value`: how processor time of the import grows from the smallest to the largest size, as a power of
the number of students (1 is proportional). Bars: at most 1.1 for each step, and an import below
4 GB. `--quick` judges memory only: so few students say nothing of growth.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path

from _measure import Cost, finish, run_apart, table, work

UNTIL = date(2026, 10, 1)
AT = datetime(2026, 10, 1)  # noqa: DTZ001 - the register keeps UTC without zone
QUARTER = "2026-27-Q2"
STEPS = ("simulate", "import", "train", "publish")
BAR, BAR_IMPORT_MB = 1.1, 4000.0


def step(name: str, folder: Path, students: int) -> None:
    """In the child: one step of the job."""
    from earlywarning.io.mapping import load_mapping
    from earlywarning_pipelines import ingest, publish, simulate, train
    from earlywarning_pipelines.home import open_home

    files = folder / "files"
    if name == "simulate":
        work(lambda: simulate.run(students=students, years=3, seed=1, out=files, until=UNTIL))
        return
    home = open_home(folder / "home")
    if name == "import":
        home.settings.home.mkdir(parents=True, exist_ok=True)
        home.settings.district_file.write_bytes((files / "district.toml").read_bytes())
        tools = {"store": home.store, "register": home.register, "district": home.district}
        work(
            lambda: ingest.run(
                files=[files / "delivery"],
                mapping=load_mapping(files / "delivery" / "mapping.toml"),
                delivered_on=UNTIL,
                finished_at=AT,
                **tools,
            ),
            told=lambda result: sum(result.rows_read.values()),
        )
        return
    tools = {
        "engine": home.engine, "store": home.store, "register": home.register,
        "registry": home.models, "district": home.district,
    }  # fmt: skip
    if name == "train":
        work(lambda: train.run(as_of=UNTIL, trained_at=AT, seed=1, threads=2, **tools))
    else:
        work(lambda: publish.publish(quarter=QUARTER, seed=1, by="benchmark", at=AT, **tools))


def main() -> int:
    """Measure every size, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 and 40 students; no bar on growth")
    parser.add_argument("--sizes", type=int, nargs="+", default=[600, 10_000, 100_000])
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step, options.folder, options.sizes[0])
        return 0
    sizes = [30, 40] if options.quick else options.sizes
    costs: dict[int, dict[str, Cost]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            costs[size] = {}
            for name in STEPS:
                cost = run_apart(
                    Path(__file__), "--step", name, "--folder", folder, "--sizes", str(size)
                )
                costs[size][name] = cost
                # At once: the steps of the largest size take from minutes to hours.
                print(f"{size:>7,} students, {name:<8}: {cost.wall:8.1f} s", flush=True)
        table(
            ("students", "step", "seconds", "processor s", "peak MB"),
            [
                (size, name, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak_mb:.0f}")
                for name, cost in costs[size].items()
            ],
        )
    small, large = costs[sizes[0]], costs[sizes[-1]]
    grows = {
        name: math.log(large[name].cpu / small[name].cpu) / math.log(sizes[-1] / sizes[0])
        for name in STEPS
    }
    print("grows as students to the power of: "
          + ", ".join(f"{name} {power:.2f}" for name, power in grows.items()))  # fmt: skip
    failed = [
        f"{name} grows as students^{power:.2f}, the bar is {BAR}"
        for name, power in grows.items()
        if power > BAR and not options.quick
    ]
    if large["import"].peak_mb >= BAR_IMPORT_MB:
        failed.append(
            f"the import took {large['import'].peak_mb:.0f} MB, less than {BAR_IMPORT_MB:.0f}"
        )
    return finish(
        grows["import"],
        {"name": "end_to_end", "bar": BAR, "unit": "power of students", "sizes": sizes,
         "seeds": [1], "import_peak_mb": round(large["import"].peak_mb)},
        failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
