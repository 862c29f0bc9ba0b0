"""What a piece of work costs: processor seconds, wall seconds, peak memory.

Each piece runs in a process of its own, so that neither memory nor caches of one side count for
another. Processor seconds are user and system time of the work alone, of every thread and child,
without the start of Python and the imports; they are the figure to compare, since wall time depends
on who else uses the machine.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

THREADS = 2
"""Every side may use as many."""


@dataclass(frozen=True)
class Cost:
    """What one process cost.

    Attributes
    ----------
    cpu : float
        Processor seconds of the work.
    wall : float
        Seconds of the work.
    peak_mb : float
        Most resident memory of the process (or of the greatest child it waited for), imports
        included, in millions of bytes.
    result : object
        What the child told of its work.
    """

    cpu: float
    wall: float
    peak_mb: float
    result: Any


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_mb() -> float:
    """Of this process; its `ru_maxrss` alone would count the parent's memory at the fork."""
    scale = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return max(int(line.split()[1]) * 1024, children) / 1e6
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale, children) / 1e6


def work(task: Callable[[], Result], *, told: Callable[[Result], Any] | None = None) -> Result:
    """In the child: do the work and say what it cost.

    Parameters
    ----------
    task : function
    told : function of the task's result, optional
        What of it the parent is told, as JSON allows; nothing unless given.
    """
    cpu, wall = _cpu(), time.perf_counter()
    result = task()
    cost = {"cpu": _cpu() - cpu, "wall": time.perf_counter() - wall, "peak_mb": _peak_mb()}
    print(json.dumps(cost | {"result": told(result) if told else None}), flush=True)
    return result


def run_apart(script: Path, *arguments: str, python: str = sys.executable) -> Cost:
    """In the parent: run `script arguments`, which ends with `work`, by this or another Python.

    Raises
    ------
    RuntimeError
        If it fails; its own words are on the standard error.
    """
    environment = dict(os.environ, POLARS_MAX_THREADS=str(THREADS), OMP_NUM_THREADS=str(THREADS))
    # Without bytecode, imports would be compiled anew in every child.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [python, str(script), *arguments],
        stdout=subprocess.PIPE, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{script.name} {' '.join(arguments)} ended with {done.returncode}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def median(costs: Sequence[Cost]) -> Cost:
    """The run of median processor time; peak memory is the greatest of all."""
    middle = statistics.median_low(cost.cpu for cost in costs)
    chosen = next(cost for cost in costs if cost.cpu == middle)
    return Cost(chosen.cpu, chosen.wall, max(cost.peak_mb for cost in costs), chosen.result)


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under headings, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        parts = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(parts), flush=True)


def skipped(words: str, figures: Mapping[str, Any]) -> int:
    """Print why nothing was measured, then the last line without a value."""
    print(f"skipped: {words}")
    print(json.dumps({"value": None, **figures, "skipped": words}), flush=True)
    return 0


def finish(value: float, figures: Mapping[str, Any], failed: Sequence[str]) -> int:
    """Print what missed its bar, then the last line; the exit code is 1 if anything did."""
    for words in failed:
        print(f"BELOW THE BAR: {words}", flush=True)
    print(json.dumps({"value": round(value, 3), **figures}), flush=True)
    return 1 if failed else 0
