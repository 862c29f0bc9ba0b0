"""Run every benchmark, show one table, and fail if any falls below its bar.

Each script beside this file takes `--quick`, prints its result as one JSON object on its last line,
and exits with 1 below its bar.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """How one script ended: its name, verdict, wall seconds and what it measured."""

    name: str
    verdict: str
    seconds: float
    measured: str


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
    return Outcome(script.stem, verdict, seconds, ", ".join(f"{k} {v}" for k, v in result.items()))


def main(options: list[str]) -> int:
    """Run all, even after one has failed."""
    scripts = sorted(Path(__file__).parent.glob("[!_]*.py"))
    if not scripts:
        print("No benchmarks found.", file=sys.stderr)
        return 1
    outcomes = [run(script, options) for script in scripts]
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
