"""A server under load: a register to serve, wrk to ask with, a bare endpoint to compare with.

Every server has the first processor for itself and wrk the second, whichever server it asks; where
there is only one, they share it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from end_to_end import AT, QUARTER

CONNECTIONS = 16
SEED = 1
NEVER = "1000000000"
"""Requests a minute that nobody makes: they are counted all the same."""

BARE = [sys.executable, __file__]
"""The program of the bare endpoint, which answers `/ping`."""


@dataclass(frozen=True)
class Run:
    """What wrk told of one run, and what the server used.

    Attributes
    ----------
    rate : float
        Requests a second.
    p99_ms : float
        Milliseconds within which 99 of 100 were answered.
    errors : int
    cpu_us : float
        Microseconds of processor time of the server for each request; 0 if no process was named.
    """

    rate: float
    p99_ms: float
    errors: int
    cpu_us: float = 0.0


def bare() -> None:
    """In a process of its own: one endpoint that does nothing."""
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


def made(folder: Path, students: int, *, kept: Path | None) -> tuple[Path, str, str]:
    """The installation's folder, a token and an address: `make` them, or take those in `kept`.

    What is made in `kept` stays there: another version can be measured on the same.
    """
    if kept is None:
        return folder / "home", *make(folder, students)
    asked = kept / "asked"
    if not asked.exists():
        kept.mkdir(parents=True, exist_ok=True)
        asked.write_text("\n".join(make(kept, students)), encoding="utf-8")
    token, path = asked.read_text("utf-8").split("\n")
    return kept / "home", token, path


@contextlib.contextmanager
def served(program: list[str], environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A server until the end of the block; its process and port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    names = {"PORT": str(port), "EARLYWARNING_PORT": str(port)}
    process = subprocess.Popen(program, env={**os.environ, **environment, **names},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    place(process.pid, 0)
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def warm(port: int, path: str, token: str) -> None:
    """Ask alone a few times: what is made once is made before anything is measured."""
    address = f"http://127.0.0.1:{port}{path}"
    asked = Request(address, headers={"Authorization": f"Bearer {token}"})
    for _ in range(3):
        with urlopen(asked, timeout=300) as answer:  # noqa: S310
            answer.read()


def place(pid: int, number: int) -> None:
    """Keep a process, and all that it starts, on one processor: servers on 0, wrk on 1."""
    there = sorted(os.sched_getaffinity(0))
    if len(there) > 1:
        os.sched_setaffinity(pid, {there[number]})


def wrk(
    port: int, path: str, seconds: int, token: str = "", *headers: str, pid: int | None = None
) -> Run:
    """Load one address for some seconds; `pid` is the server's, whose processor time is told."""
    before = cpu(pid) if pid is not None else 0.0
    if token:
        headers = (*headers, f"Authorization: Bearer {token}")
    told = [part for header in headers for part in ("-H", header)]
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *told,
         f"http://127.0.0.1:{port}{path}"],
        check=True, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: place(0, 1),
    ).stdout  # fmt: skip
    used_cpu = cpu(pid) - before if pid is not None else 0.0
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))  # type: ignore[union-attr]
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = int(wrong.group(1)) if wrong else 0
    if broken := re.search(r"Socket errors: (.*)", said):
        errors += sum(map(int, re.findall(r"\d+", broken.group(1))))
    answered = int(re.search(r"(\d+) requests in", said).group(1))  # type: ignore[union-attr]
    return Run(rate, float(number) * scale, errors, used_cpu / max(answered, 1) * 1e6)


def cpu(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def used(pid: int) -> tuple[float, int]:
    """Resident memory in millions of bytes and open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024 / 1e6  # type: ignore[union-attr]
    return memory, len(list(Path(f"/proc/{pid}/fd").iterdir()))


if __name__ == "__main__":
    bare()
