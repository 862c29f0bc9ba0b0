"""Features of a simulated district on Spark, a master and two workers, beside the default engine.

Every process is one of its own, on this machine. `value`: processor seconds of the whole cluster,
driver included, over those of Polars. There is no bar: a cluster is for what one machine cannot
hold, and what it costs beyond that is printed here. Fails if a single feature differs.

Above `--made` students the district is drawn to size, as in `features.py`, and each process gets
more memory. `docs/performance.md` says how far that carried.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from _district import as_of_quarters
from _measure import run_apart, skipped, work
from features import differences

HERE = Path(__file__)
MAKES = HERE.with_name("features.py")
WORKERS, EXECUTOR_MEMORY, WORKER_MEMORY = 2, "1g", "1500m"
PROVINCE = {
    "spark.executor.memory": "3g", "spark.driver.memory": "6g", "spark.driver.maxResultSize": "4g",
    "spark.sql.shuffle.partitions": "64",
    # Merged parts of the last step, thirty sorts in one task, ended for want of memory.
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}  # fmt: skip
PROVINCE_WORKER_MEMORY = "3500m"


def missing() -> str:
    """What is needed and not there, in words; empty if all is."""
    if importlib.util.find_spec("pyspark") is None:
        return "PySpark is not installed: pip install 'earlywarning[spark]'"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "Java 17 or 21 is not installed: apt-get install openjdk-17-jre-headless"
    if not Path("/proc/self/stat").exists():
        return "processor time of other processes is read from /proc, which is not here"
    return ""


def cluster_cpu(groups: set[int]) -> float:
    """Processor seconds of this process's descendants and of whole process groups, so far."""
    found, parents = {}, {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        pid, parent, group = int(entry.parent.name), int(words[1]), int(words[2])
        parents[pid] = parent
        # Its own time, and that of children it has waited for.
        found[pid] = (group, sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK"))

    def is_ours(pid: int) -> bool:
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    return sum(cpu for pid, (group, cpu) in found.items() if group in groups or is_ours(pid))


def on_spark(data: Path, codes: list[str], out: Path, scratch: Path, *, size: str) -> None:
    """Start a cluster, make the features, and say what all of its processes cost.

    With few students Spark plans once and compiles nothing, which would be nearly all of its time.

    Parameters
    ----------
    size : {"few", "district", "province"}
    """
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    from earlywarning import district as districts
    from earlywarning.features import build
    from earlywarning.io.engine import open_engine
    from spark_cluster import JAVA_OPTIONS, SMALL, cluster

    district = districts.load(data / "district.toml")

    def task() -> dict[str, Any]:
        memory = PROVINCE_WORKER_MEMORY if size == "province" else WORKER_MEMORY
        with cluster(scratch, memory=memory, workers=WORKERS) as found:
            groups = {found.master.pid, *(one.pid for one in found.workers)}
            options = {
                "spark.executor.memory": EXECUTOR_MEMORY,
                "spark.sql.shuffle.partitions": "8",
            }
            if size == "province":
                options = dict(PROVINCE)
            if size == "few":
                os.environ["JAVA_TOOL_OPTIONS"] = JAVA_OPTIONS
                options = dict(SMALL)
            with open_engine("spark", master=found.address, options=options) as engine:
                begun = cluster_cpu(groups)
                for code in codes:
                    quarter = district.calendar.quarter(code)
                    facts = engine.views(
                        data / "facts", as_of_date=quarter.start, district=district
                    )
                    made = engine.collect(build.features(facts, quarter), build.FEATURE_SCHEMA)
                    made.write_parquet(out / f"{code}.parquet")
                return {"cpu": cluster_cpu(groups), "start": begun}

    work(task, told=lambda result: result)


def compare(students: int, made: int, dates: int, *, small: bool) -> int:
    """Both engines on the same snapshot."""
    codes = as_of_quarters(dates)
    size = "few" if small else "province" if students > made else "district"
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as temporary:
        folder = Path(temporary)
        data, spark, polars, scratch = (
            folder / name for name in ("data", "spark", "polars", "scratch")
        )
        for one in (data, spark, polars, scratch):
            one.mkdir()
        first = folder / "made" if size == "province" else data
        first.mkdir(exist_ok=True)
        done = run_apart(
            MAKES, "--side=make", f"--data={first}", f"--students={min(made, students)}"
        )
        if size == "province":
            done = run_apart(
                MAKES, "--side=draw", f"--data={data}", f"--out={first}",
                f"--students={students // made}",
            )  # fmt: skip
        print(f"{students:,} students: {json.dumps(done.result)}", flush=True)
        shared = [f"--data={data}", f"--quarters={','.join(codes)}"]
        alone = run_apart(MAKES, "--side=polars", f"--out={polars}", *shared)
        print(
            f"Polars: {alone.cpu:.2f} CPU s, {alone.wall:.2f} s, {alone.peak_mb:.0f} MB", flush=True
        )
        spread = run_apart(
            HERE, "--side=spark", f"--out={spark}", f"--scratch={scratch}", f"--size={size}",
            *shared,
        )  # fmt: skip
        cpu, start = spread.result["cpu"], spread.result["start"]
        print(
            f"Spark, {WORKERS} workers of one core: {cpu:.2f} CPU s, of which {start:.2f} until it "
            f"had started; {spread.wall:.2f} s",
            flush=True,
        )
        from earlywarning.features.build import FEATURES

        wrong = differences(polars, spark, codes, [feature.name for feature in FEATURES])
    ratio = cpu / alone.cpu
    print(f"Spark takes {ratio:.1f} times the processor time of Polars")
    for name in wrong:
        print(f"BELOW THE BAR: {name} differs between Polars and Spark")
    last = {
        "name": "features on spark over polars", "value": round(ratio, 3), "bar": None,
        "unit": "ratio of CPU s", "sizes": [students], "seeds": [1], "dates": dates,
        "spark_cpu_s": round(cpu, 2), "spark_start_cpu_s": round(start, 2),
        "polars_cpu_s": round(alone.cpu, 2), "spark_wall_s": round(spread.wall, 2),
        "polars_wall_s": round(alone.wall, 2), "different": len(wrong),
    }  # fmt: skip
    print(json.dumps(last), flush=True)
    return 1 if wrong else 0


def main() -> int:
    """Measure, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 students, one date")
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--made", type=int, default=100_000, help="of them really simulated")
    parser.add_argument("--dates", type=int, default=1)
    for hidden in ("--side", "--data", "--out", "--quarters", "--scratch", "--size"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side == "spark":
        codes = arguments.quarters.split(",")
        on_spark(
            Path(arguments.data), codes, Path(arguments.out), Path(arguments.scratch),
            size=arguments.size,
        )  # fmt: skip
        return 0
    students = 300 if arguments.quick else arguments.students
    if words := missing():
        return skipped(words, {
            "name": "features on spark over polars", "bar": None, "unit": "ratio of CPU s",
            "sizes": [students], "seeds": [1],
        })  # fmt: skip
    return compare(students, arguments.made, arguments.dates, small=arguments.quick)


if __name__ == "__main__":
    sys.exit(main())
