"""The list page of the interface under load, beside a bare FastAPI endpoint: requests a second.

A simulated district of 30,000 students, one coordinator's list of 50 families: the token looked up,
the families filtered by what the coordinator may see, the reading kept in the audit before the
answer leaves. wrk sends with 16 connections, in turns to both, each a server process of its own.
`value`: the median of our rate ÷ the bare one; at least 0.25. Bars too: the slowest of a hundred
answers within 250 ms, no error, and memory and open files that do not grow.

wrk is Debian's package. Beside other work the latency says nothing: look at the load that is told.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _measure import finish, table
from end_to_end import AT, QUARTER

BAR, BAR_P99_MS, BAR_GROWTH = 0.25, 250.0, 1.10
CONNECTIONS = 16
SEED = 1


@dataclass(frozen=True)
class Run:
    """What wrk told of one run."""

    rate: float
    p99_ms: float
    errors: int


def bare() -> None:
    """In the child: one endpoint that does nothing."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)

    @app.get("/ping")
    async def ping() -> dict[str, str]:
        return {"answer": "pong"}

    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False,
                log_level="warning")  # fmt: skip


def make(folder: Path, students: int) -> tuple[str, str]:
    """A published district; a coordinator's token, and the address of the list's first page."""
    from earlywarning.io.register import lists, tokens
    from earlywarning_pipelines.home import open_home

    for name in ("simulate", "import", "publish"):
        # In a process of its own each, as `end_to_end` does: their memory goes with them.
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("end_to_end.py")), "--step", name,
             "--folder", str(folder), "--sizes", str(students)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    home = open_home(folder / "home")
    with home.register as register:
        rows = lists.of_quarter(register, QUARTER, status=lists.PUBLISHED)
        row = rows[len(rows) // 2]
        made = tokens.create(register, role="coordinator", label="benchmark",
                             school_id=row.school_id, expires_days=3650, at=AT)  # fmt: skip
    return made.secret, f"/api/v1/visit_lists/{row.visit_list_id}/items?limit=50"


@contextlib.contextmanager
def served(program: list[str], environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A server until the end of the block; its process and port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    names = {"PORT": str(port), "EARLYWARNING_PORT": str(port)}
    process = subprocess.Popen(program, env={**os.environ, **environment, **names},
                               stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def wrk(port: int, path: str, seconds: int, token: str = "") -> Run:
    """Load one address for some seconds."""
    headers = ["-H", f"Authorization: Bearer {token}"] if token else []
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *headers,
         f"http://127.0.0.1:{port}{path}"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))  # type: ignore[union-attr]
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = int(wrong.group(1)) if wrong else 0
    if broken := re.search(r"Socket errors: (.*)", said):
        errors += sum(map(int, re.findall(r"\d+", broken.group(1))))
    return Run(rate, float(number) * scale, errors)


def used(pid: int) -> tuple[float, int]:
    """Resident memory in millions of bytes and open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024 / 1e6  # type: ignore[union-attr]
    return memory, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def main() -> int:
    """Serve both, load them in turns, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students, seconds only")
    parser.add_argument("--students", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--soak", type=int, default=300, help="seconds of the longest run")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare()
        return 0
    students = 600 if options.quick else options.students
    rounds, seconds, soak = (2, 2, 5) if options.quick else (options.rounds, 10, options.soak)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        token, path = make(Path(folder), students)
        ours = [sys.executable, "-m", "earlywarning_api"]
        settings = {"EARLYWARNING_HOME": f"{folder}/home", "EARLYWARNING_REQUESTS_PER_MINUTE": "0"}
        empty = [sys.executable, __file__, "--bare"]
        with served(empty, {}) as (_, bare_port), served(ours, settings) as (pid, port):
            wrk(port, path, 2, token)
            wrk(bare_port, "/ping", 2)
            runs: dict[str, list[Run]] = {"bare": [], "list": []}
            for _ in range(rounds):
                runs["bare"].append(wrk(bare_port, "/ping", seconds))
                runs["list"].append(wrk(port, path, seconds, token))
            before = used(pid)
            long = wrk(port, path, soak, token)
            after = used(pid)
    rows = [
        (name, f"{statistics.median(run.rate for run in some):.0f}",
         f"{statistics.median(run.p99_ms for run in some):.0f}", sum(run.errors for run in some))
        for name, some in runs.items()
    ]  # fmt: skip
    table(
        ("served", "requests/s", "p99 ms", "errors"),
        [*rows, (f"list {soak} s", f"{long.rate:.0f}", f"{long.p99_ms:.0f}", long.errors)],
    )
    growth, files = after[0] / before[0], after[1] - before[1]
    print(f"memory {before[0]:.0f} -> {after[0]:.0f} MB, open files {before[1]} -> {after[1]}")
    pairs = zip(runs["list"], runs["bare"], strict=True)
    value = statistics.median(one.rate / other.rate for one, other in pairs)
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
               "seeds": [SEED], "p99_ms": round(p99, 1), "errors": errors,
               "memory_growth": round(growth, 3)}  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
