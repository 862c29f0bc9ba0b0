"""Where the processor time of a request goes: the list page of `benchmarks/api.py`, by parts.

The service runs with a clock of its own thread's processor time around each part; what a part calls
of another one counts for that one alone, and what no part claims is the rest: the framework, its
event loop, threads. wrk asks as in `api.py`. The clocks cost too, about a microsecond a call.
`value`: microseconds of processor time a request; no bar of its own, `api.py` has it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _load import NEVER, SEED, made, served, warm, wrk
from _measure import finish, table

PARTS = {
    "HTTP: reading and writing": (
        "h11:Connection.send", "h11:Connection.receive_data", "h11:Connection.next_event",
        "asyncio.selector_events:_SelectorSocketTransport.write",
    ),
    "who asks: token, limits": (
        "earlywarning.io.register.tokens:of_hash", "earlywarning_api.rates:Rates.check",
    ),
    "whether anything changed": (
        "earlywarning.io.register.changes:number", "earlywarning_api.kept:key_of",
        "earlywarning_api.again:Lane._judge",
    ),
    "audit: rows and their hashes": (
        "earlywarning.io.register.audit_log:write", "earlywarning.io.register.audit_log:following",
        "earlywarning.io.register.audit_log:_append",
    ),
    "audit: transaction": ("earlywarning.io.register.audit_batch:ReadAudit._commit",),
    "audit: SQLite's commit": ("sqlalchemy.engine.default:DefaultDialect.do_commit",),
    "audit: its head copied aside": ("earlywarning.io.register.audit_log:_copy_head",
                                     "earlywarning.io.register.audit_log:copy_head"),
    "log line": ("logging:Logger.handle", "logging:Logger._log"),
    "counts for Prometheus": ("earlywarning_api.metrics:Metrics.answered",),
    "headers of safety": ("earlywarning_api.guard:_safe",
                          "starlette.datastructures:MutableHeaders.__setitem__"),
    "finding the route": ("starlette.routing:Route.matches", "fastapi.routing:APIRoute.matches"),
}  # fmt: skip
"""Functions by what they are for; one that this version does not have is left out."""


class Clocks:
    """Processor time of a thread within a part, without the parts that it calls."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = threading.local()

    def around(self, part: str, place: str) -> None:
        """Put a clock around a function."""
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        try:
            owner: Any = importlib.import_module(module)
            for one in owners:
                owner = getattr(owner, one)
            function = vars(owner)[name]
        except (ImportError, AttributeError, KeyError):
            return
        setattr(owner, name, self._clocked(part, function))

    def _clocked(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        inner = self._inner

        def clocked(*given: Any, **named: Any) -> Any:
            stack: list[float] = inner.__dict__.setdefault("stack", [])
            stack.append(0.0)
            begun = time.thread_time()
            try:
                return function(*given, **named)
            finally:
                took = time.thread_time() - begun
                self.spent[part] += took - stack.pop()
                if stack:
                    stack[-1] += took

        return clocked


def serve(told: Path) -> None:
    """In the child: serve with clocks, and write what they showed when it ends."""
    from earlywarning_api import serve as service

    clocks = Clocks()
    for part, places in PARTS.items():
        for place in places:
            clocks.around(part, place)

    def write() -> None:
        spent = {**clocks.spent, "all": time.process_time()}
        told.with_suffix(".new").write_text(json.dumps(spent))
        told.with_suffix(".new").replace(told)

    def keep_writing() -> None:
        while True:
            time.sleep(0.5)
            write()

    threading.Thread(target=keep_writing, daemon=True).start()
    service.main()


def main() -> int:
    """Serve, load, print what each part took of a request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students, seconds only")
    parser.add_argument("--students", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kept", type=Path, help="a folder whose district is made once")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    students = 600 if options.quick else options.students
    rounds, seconds = (2, 3) if options.quick else (options.rounds, 10)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        told = Path(folder) / "told.json"
        home, token, path = made(Path(folder), students, kept=options.kept)
        settings = {"EARLYWARNING_HOME": str(home), "EARLYWARNING_REQUESTS_PER_MINUTE": NEVER}
        with served([sys.executable, __file__, "--serve", str(told)], settings) as (pid, port):
            warm(port, path, token)
            wrk(port, path, 2, token, pid=pid)
            found = [_round(told, port, path, seconds, token, pid) for _ in range(rounds)]
    middle = {
        part: statistics.median(one.get(part, 0.0) for one in found)
        for part in {name: 0 for one in found for name in one}
    }
    total = middle.pop("all")
    middle["the rest: framework, event loop, threads"] = total - sum(middle.values())
    table(
        ("part of a request", "CPU us"),
        [(part, f"{us:.1f}") for part, us in sorted(middle.items(), key=lambda one: -one[1])]
        + [("all", f"{total:.1f}")],
    )
    figures = {"name": "api_parts", "bar": None, "unit": "CPU us a request", "sizes": [students],
               "seeds": [SEED]}  # fmt: skip
    return finish(total, figures, [])


def _round(
    told: Path, port: int, path: str, seconds: int, token: str, pid: int
) -> dict[str, float]:
    """Microseconds of each part for each request of one run of wrk."""
    time.sleep(1.1)
    before = json.loads(told.read_text())
    run = wrk(port, path, seconds, token, pid=pid)
    time.sleep(1.1)
    after = json.loads(told.read_text())
    requests = (after["all"] - before["all"]) / run.cpu_us * 1e6
    return {part: (after[part] - before.get(part, 0.0)) / requests * 1e6 for part in after}


if __name__ == "__main__":
    sys.exit(main())
