"""The list page of the interface under load, beside a bare FastAPI endpoint: requests a second.

A simulated district of 30,000 students, one coordinator's list of 50 families: the token looked up,
the families filtered by what the coordinator may see, the reading kept in the audit before the
answer leaves. wrk sends with 16 connections, in turns to both, each a server process of its own on
the first processor, wrk on the second. Limits are counted, with one that nobody reaches.
`value`: the median of our rate ÷ the bare one; at least 0.25. Bars too: the slowest of a hundred
answers within 250 ms, no error, and memory and open files that do not grow.

wrk is Debian's package. Beside other work rate and latency say little (the load is told): look at
the microseconds of the server's processor for each request, and at their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from _load import BARE, CONNECTIONS, NEVER, SEED, Run, made, served, used, warm, wrk
from _measure import finish, table

BAR, BAR_P99_MS, BAR_GROWTH = 0.25, 250.0, 1.10


def main() -> int:
    """Serve both, load them in turns, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students, seconds only")
    parser.add_argument("--students", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=int, default=300, help="seconds of the longest run")
    parser.add_argument("--kept", type=Path, help="a folder whose district is made once")
    options = parser.parse_args()
    students = 600 if options.quick else options.students
    rounds, seconds, soak = (2, 2, 5) if options.quick else (options.rounds, 10, options.soak)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        home, token, path = made(Path(folder), students, kept=options.kept)
        ours = [sys.executable, "-m", "earlywarning_api"]
        settings = {"EARLYWARNING_HOME": str(home), "EARLYWARNING_REQUESTS_PER_MINUTE": NEVER}
        with served(BARE, {}) as (bare, bare_port), served(ours, settings) as (pid, port):
            warm(port, path, token)
            wrk(port, path, 2, token)
            wrk(bare_port, "/ping", 2)
            runs: dict[str, list[Run]] = {"bare": [], "list": []}
            for _ in range(rounds):
                runs["bare"].append(wrk(bare_port, "/ping", seconds, pid=bare))
                runs["list"].append(wrk(port, path, seconds, token, pid=pid))
            before = used(pid)
            long = wrk(port, path, soak, token, pid=pid)
            after = used(pid)
    rows = [
        (name, f"{statistics.median(run.rate for run in some):.0f}",
         f"{statistics.median(run.p99_ms for run in some):.0f}", sum(run.errors for run in some),
         f"{statistics.median(run.cpu_us for run in some):.0f}")
        for name, some in runs.items()
    ]  # fmt: skip
    table(
        ("served", "requests/s", "p99 ms", "errors", "CPU us a request"),
        [
            *rows,
            (
                f"list {soak} s",
                f"{long.rate:.0f}",
                f"{long.p99_ms:.0f}",
                long.errors,
                f"{long.cpu_us:.0f}",
            ),
        ],
    )
    growth, files = after[0] / before[0], after[1] - before[1]
    print(f"memory {before[0]:.0f} -> {after[0]:.0f} MB, open files {before[1]} -> {after[1]}")
    pairs = list(zip(runs["list"], runs["bare"], strict=True))
    value = statistics.median(one.rate / other.rate for one, other in pairs)
    by_cpu = statistics.median(other.cpu_us / one.cpu_us for one, other in pairs)
    print(f"by the servers' processor time: {by_cpu:.2f} of the bare rate")
    p99 = statistics.median(run.p99_ms for run in runs["list"])
    errors = long.errors + sum(run.errors for run in runs["list"])
    failed = [
        words
        for is_missed, words in (
            (value < BAR, f"{value:.2f} of the bare rate, at least {BAR}"),
            (p99 > BAR_P99_MS, f"p99 {p99:.0f} ms, at most {BAR_P99_MS:.0f}"),
            (errors > 0, f"{errors} errors"),
            (growth > BAR_GROWTH and not options.quick, f"memory grew by {growth:.2f}"),
            (files > CONNECTIONS, f"{files} files more are open"),
        )
        if is_missed
    ]
    figures = {"name": "api", "bar": BAR, "unit": "of the bare rate", "sizes": [students],
               "seeds": [SEED], "by_cpu": round(by_cpu, 3), "p99_ms": round(p99, 1),
               "errors": errors,
               "memory_growth": round(growth, 3)}  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
