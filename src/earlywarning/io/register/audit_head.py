"""The head of the audit chain, copied aside: without it nobody sees that the end was cut off.

One short line in a file beside the register, moved forward after each commit. Copy it to another
machine, or onto paper, now and then: whoever can write to this disk can write to both.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earlywarning.errors import ConfigError

_LINE = re.compile(r"^(\d{1,18}):([0-9a-f]{64})\s*$")
_WIDTH = 84
"""18 digits, a colon, 64 digits and a line's end: written over in one piece."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of the chain.

    Attributes
    ----------
    position : int
        1 or more.
    sha256 : str
    """

    position: int
    sha256: str

    def __str__(self) -> str:
        """`position:sha256`, as `parsed` reads it."""
        return f"{self.position}:{self.sha256}"


def parsed(text: str, *, where: str) -> Head:
    """A head as it was printed or kept.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    found = _LINE.match(text.strip())
    if found is None:
        raise ConfigError(
            f"{where}: is no head of the audit; a head looks like 120:5f2c… with 64 digits after "
            "the colon, as `earlywarning audit head` prints it"
        )
    return Head(int(found[1]), found[2])


def kept(path: Path | None) -> Head | None:
    """The head in a file; None where there is none yet."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    return parsed(text, where=str(path))


def advance(path: Path, head: Head) -> None:
    """Move the file forward; never back, whichever process is first."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    with _locked(handle):
        found = _LINE.match(os.pread(handle, _WIDTH, 0).decode("ascii", "replace"))
        if found is None or int(found[1]) < head.position:
            os.pwrite(handle, f"{head.position:018d}:{head.sha256}\n".encode(), 0)


@contextlib.contextmanager
def _locked(handle: int) -> Iterator[None]:
    """The lock ends when the file is closed, or its process ends."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
