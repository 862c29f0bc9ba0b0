"""The service at rest: how soon it answers after its start, and what it holds in memory.

An empty installation on SQLite, started several times as a process of its own; it has started when
`/healthz` answers 200. `value`: seconds of the quickest start, at most 2; beside other work on the
machine look at the processor seconds. Memory is that of the process after fifty answers and two
idle seconds, at most 200 MB.
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
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from _measure import finish, table

BAR_SECONDS, BAR_MB = 2.0, 200.0
TICK = os.sysconf("SC_CLK_TCK")


def started(home: Path) -> tuple[float, float, float]:
    """One start: seconds to the first answer, processor seconds until then, MB at rest."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = {"EARLYWARNING_HOME": str(home), "EARLYWARNING_PORT": str(port),
                "EARLYWARNING_REQUESTS_PER_MINUTE": "0"}  # fmt: skip
    environment = {**os.environ, **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "earlywarning_api"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        while not _answers(f"{address}/healthz"):
            if process.poll() is not None or time.perf_counter() - begun > 120:
                raise RuntimeError("the service did not start; `earlywarning serve` says why")
            time.sleep(0.01)
        seconds = time.perf_counter() - begun
        cpu = _cpu(process.pid)
        for _ in range(50):
            _answers(f"{address}/sign-in")
        time.sleep(2)
        return seconds, cpu, _memory(process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(URLError, OSError), urlopen(address, timeout=5) as answer:  # noqa: S310 - our own
        return answer.status == 200
    return False


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024 / 1e6  # type: ignore[union-attr]


def main() -> int:
    """Start it several times, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two starts instead of five")
    options = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        subprocess.run(
            [sys.executable, "-m", "earlywarning_pipelines", "--home", folder, "init",
             "--no-lottery"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        started(Path(folder))  # bytecode and file cache
        runs = [started(Path(folder)) for _ in range(2 if options.quick else 5)]
    seconds, cpu, memory = (
        [run[0] for run in runs], statistics.median(run[1] for run in runs),
        max(run[2] for run in runs),
    )  # fmt: skip
    table(
        ("start", "seconds", "CPU seconds", "MB at rest"),
        [(str(n), f"{one:.2f}", f"{used:.2f}", f"{mb:.0f}")
         for n, (one, used, mb) in enumerate(runs, start=1)],
    )  # fmt: skip
    value = min(seconds)
    failed = [f"{value:.2f} s to the first answer, at most {BAR_SECONDS:g}"] * (value > BAR_SECONDS)
    failed += [f"{memory:.0f} MB at rest, at most {BAR_MB:g}"] * (memory > BAR_MB)
    figures = {"name": "service", "bar": BAR_SECONDS, "unit": "s to the first answer",
               "sizes": [len(runs)], "seeds": [], "cpu_seconds": round(cpu, 2),
               "mb_at_rest": round(memory)}  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
