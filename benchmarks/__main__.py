"""Run every benchmark, show one table, and fail if any falls below its bar.

Each script beside this file takes `--quick`, prints its result as one JSON object on its last line,
and exits with 1 below its bar. `--scale` runs those that have a province to work on, a million
students each where one machine can, and collects their last lines in `build/bench-scale.jsonl`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

PROVINCE = "1000000"
SCALE: tuple[tuple[str, ...], ...] = (
    ("service",),
    ("peers",),
    ("list_page",),
    ("scoring", "--students", PROVINCE),
    ("features", "--students", PROVINCE),
    ("import", "--students", PROVINCE),
    ("training",),
    ("spark", "--students", PROVINCE),
    ("end_to_end",),
)
"""What `--scale` runs, the shortest first: a script and its options."""

COLLECTED = Path("build") / "bench-scale.jsonl"


class Outcome(NamedTuple):
    """How one script ended: name, verdict, wall seconds, what it measured, its last line."""

    name: str
    verdict: str
    seconds: float
    measured: str
    line: str = ""


def run(script: Path, options: list[str]) -> Outcome:
    """Run one script, showing its output as it comes."""
    print(f"\n== {script.stem}", flush=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(script), *options], stdout=subprocess.PIPE, text=True
    )
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line.strip() or last
    code = process.wait()
    seconds = time.perf_counter() - start
    try:
        result = json.loads(last)
    except json.JSONDecodeError:
        result = None
    if not isinstance(result, dict):
        return Outcome(script.stem, "no result", seconds, f"exit code {code}")
    verdict = {0: "ok", 1: "below bar"}.get(code, f"exit code {code}")
    return Outcome(
        script.stem, verdict, seconds, ", ".join(f"{k} {v}" for k, v in result.items()), last
    )


def main(options: list[str]) -> int:
    """Run all, even after one has failed."""
    here = Path(__file__).parent
    if "--scale" in options:
        runs = [(here / f"{name}.py", list(more)) for name, *more in SCALE]
    else:
        runs = [(script, options) for script in sorted(here.glob("[!_]*.py"))]
    outcomes = []
    for script, more in runs:
        outcomes.append(run(script, more))
        if "--scale" in options:
            COLLECTED.parent.mkdir(exist_ok=True)
            lines = [one.line for one in outcomes if one.line]
            COLLECTED.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    names = max(len(outcome.name) for outcome in outcomes)
    print(f"\n{'benchmark':<{names}}  {'verdict':<11}  {'seconds':>7}  measured")
    for outcome in outcomes:
        print(
            f"{outcome.name:<{names}}  {outcome.verdict:<11}  {outcome.seconds:>7.1f}  "
            f"{outcome.measured}"
        )
    return 0 if all(outcome.verdict == "ok" for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
