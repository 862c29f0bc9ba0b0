"""Commands that the service starts as processes of their own, so that it carries nothing of theirs.

Each works in a folder of its own and holds a lock on a file there as long as it lives, so that
whoever asks, also after a restart of the service, can tell whether it still does.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from earlywarning.errors import Conflict
from earlywarning.io.register.db import Register

MOST_REPORT = 8_000_000
LONGEST_RUN = 3600
"""Seconds; what takes longer is ended."""


def program(home: Path) -> list[str]:
    """How a command on an installation begins."""
    return [sys.executable, "-m", "earlywarning_pipelines", "--home", str(home)]


class Desk:
    """Starts commands on an installation, each in a folder of its own.

    Parameters
    ----------
    home : Path
        Folder of the installation.
    clock : callable
        The time in UTC without zone.
    """

    FOLDER: ClassVar[str]
    """Inside the installation, for what runs and waits."""

    def __init__(
        self,
        register: Register,
        *,
        home: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._register = register
        self._home = home.resolve()
        self._folder = self._home / self.FOLDER
        self._clock = clock
        self._environment = dict(os.environ)

    def _place(self, job_id: str) -> Path:
        return self._folder / job_id

    def _new_place(self, job_id: str) -> Path:
        place = self._place(job_id)
        place.mkdir(parents=True, mode=0o700)
        self._folder.chmod(0o700)
        return place


@contextmanager
def held(place: Path) -> Iterator[int]:
    """A lock that the started process inherits; this process lets go of it.

    Raises
    ------
    Conflict
        If the folder is gone.
    """
    try:
        lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        raise Conflict("the files of this upload were removed; send them again") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock
    finally:
        os.close(lock)


def is_held(place: Path) -> bool:
    """Whether the process still lives."""
    try:
        lock = os.open(place / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def start(
    command: Sequence[str], place: Path, *, lock: int, environment: Mapping[str, str]
) -> None:
    """Start a command; it goes on if the service stops."""
    with (place / "log.txt").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            cwd=place, env=environment, pass_fds=(lock,), start_new_session=True,
        )  # fmt: skip
    threading.Thread(target=_watch, args=(process,), name="started", daemon=True).start()


def _watch(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=LONGEST_RUN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def report(path: Path) -> dict[str, Any]:
    """What a command wrote of itself; empty if nothing, or no more."""
    try:
        found = json.loads(path.read_bytes()[:MOST_REPORT])
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
