"""A lock between processes that ends with its holder, however that ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earlywarning.errors import Busy


@contextmanager
def only_one(path: Path, *, wait_seconds: float, busy: str) -> Iterator[None]:
    """Hold a lock file against every other process.

    SQLite's lock on a file of its own: it works on every system, waits, and is free again as soon
    as the process is gone, killed or not.

    Parameters
    ----------
    path : Path
        Made if it is not there; its folder, too.
    busy : str
        What is said if somebody else holds it.

    Raises
    ------
    Busy
        If it is still held after `wait_seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise Busy(busy) from error
        yield
    finally:
        lock.close()
