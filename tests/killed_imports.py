"""Runs `earlywarning` commands in processes of their own that are killed at a told moment.

Started as a script: it loads the program once, reads one JSON object a line, and forks a process
for each, for loading takes longer than the import that is to be killed.

    {"argv": [...], "say": "output file"}         to the end
    {..., "after": 0.1}                           killed after so many seconds
    {..., "event": "os.rename", "about": "x"}     killed just before this system call on such a path
    {..., "sql": "INSERT INTO student"}           killed before such a statement
    {..., "sql": "commit"}                        killed before the transaction ends; "committed":
                                                  just after
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Killer:
    """The other side: starts the script and asks it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, argv: Sequence[str], *, say: Path, **moment: Any) -> int:
        """Exit code of a command, or minus the number of the signal that ended it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"argv": [*argv], "say": str(say), **moment}) + "\n")
        stdin.flush()
        return os.waitstatus_to_exitcode(int(stdout.readline()))


@contextmanager
def started() -> Iterator[Killer]:
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Only the forking thread survives a fork.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )
    try:
        yield Killer(process)
    finally:
        process.communicate(timeout=60)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm(order: dict[str, Any]) -> None:
    from sqlalchemy import Engine, event
    from sqlalchemy.orm import Session

    def audit(name: str, about: tuple[Any, ...]) -> None:
        if name == order["event"] and any(order["about"] in str(one) for one in about):
            _die()

    def statement(_c: object, _u: object, text: str, *_: object) -> None:
        if text.startswith(order["sql"]):
            _die()

    if "event" in order:
        sys.addaudithook(audit)
    elif order.get("sql") == "commit":
        event.listen(Engine, "commit", lambda _: _die())
    elif order.get("sql") == "committed":
        event.listen(Session, "after_commit", lambda _: _die())
    elif "sql" in order:
        event.listen(Engine, "before_cursor_execute", statement)


def _child(order: dict[str, Any]) -> None:
    from earlywarning_pipelines import cli

    said = os.open(order["say"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    _arm(order)
    code: Any = 70
    try:
        cli.app(order["argv"])
    except SystemExit as error:
        code = error.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 70)


def _serve() -> None:
    import sqlalchemy.dialects.sqlite  # noqa: F401 - loaded before the fork, not after

    from earlywarning.io.register import people  # noqa: F401
    from earlywarning_pipelines import cli, home, ingest, printing  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        if "after" in order:
            time.sleep(order["after"])
            os.kill(pid, signal.SIGKILL)  # not yet waited for, so the number is still its own
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    _serve()
