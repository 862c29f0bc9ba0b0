"""The child process with one more reader, which does what a file made to harm might make one do.

Started by tests in the place of `earlywarning.io.child_main`. What it does stands in the first line
of the file that it is given.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from earlywarning.io import child_main, child_talk
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files import readers
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.tabular import FAULT_SCHEMA, Chunk

ANSWERS = os.dup(1)
"""The pipe to the parent, which no reader should find."""


class Hostile:
    """A reader that obeys its file."""

    name = "hostile"
    kinds: tuple[Kind, ...] = ("text",)
    is_bundle = False
    parts: Mapping[str, tuple[str, ...]] = {"rows": ("NIS", "Tanggal", "Kode")}

    def sniff(self, bundle: Bundle) -> Found | None:
        return Found(self.name, _do(bundle), ({"table": "attendance", "layout": self.name},))

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        return bundle.files

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> HostileTable:
        return HostileTable(bundle)


class HostileTable:
    """600,000 rows, and then what the file says."""

    sheet: str | None = None
    data_row = 2

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.headings: tuple[str, ...] = Hostile.parts["rows"]
        if bundle.file.path.read_bytes().startswith(b"head twice"):
            self.headings += ("Kode",)
        self.warnings: list[str] = []

    def chunks(self, columns: Collection[str] | None = None) -> Iterator[Chunk]:
        for start in range(2, 600_002, 100_000):
            rows = pl.int_range(start, start + 100_000, dtype=pl.Int32, eager=True)
            yield Chunk(
                pl.DataFrame(
                    {
                        name: rows.cast(pl.String)
                        for name in self.headings
                        if columns is None or name in columns
                    }
                    | {"_row": rows}
                ),
                pl.DataFrame(schema=FAULT_SCHEMA),
            )
        _do(self.bundle)


def _do(bundle: Bundle) -> str:
    what = bundle.file.path.read_text(encoding="utf-8").splitlines()[0]
    held = []
    if what == "hold memory":
        while True:
            held.append(bytearray(50_000_000))
    elif what == "hold memory in a library":
        held = [pl.repeat(1.0, 1 << 33, eager=True)]
    elif what == "compute for ever":
        while True:
            held = [1]
    elif what == "wait for ever":
        time.sleep(600)
    elif what == "write a large file":
        with Path("large").open("wb") as stream:
            for _ in range(30):
                stream.write(bytes(1_000_000))
    elif what == "be killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "leave":
        os._exit(0)
    elif what == "fail":
        raise ZeroDivisionError("no class has 0 students")
    elif what == "recurse":
        return _do(bundle)
    elif what == "talk nonsense":
        os.write(ANSWERS, b"Traceback (most recent call last):\n")
    elif what == "lie about lengths":
        os.write(ANSWERS, b'{"more":true,"parts":[99999999999,2]}\n')
    elif what == "send no tables":
        os.write(ANSWERS, b'{"more":true,"file":"","parts":[3,3]}\nabcdef')
    elif what == "send a number":
        os.write(ANSWERS, b"7\n")
    elif what == "send rows without a place":
        rows = pl.DataFrame({name: [""] for name in Hostile.parts["rows"]}).with_columns(
            pl.lit(None, pl.Int32).alias("_row")
        )
        with os.fdopen(os.dup(ANSWERS), "wb") as answers:
            child_talk.write(
                answers, {"more": True, "file": ""}, [rows, pl.DataFrame(schema=FAULT_SCHEMA)]
            )
    elif what == "print":
        print("a library talks")
        os.system("echo and a program too")  # noqa: S605
    elif what == "tell the environment":
        return repr((sorted(os.environ), os.listdir(), sys.stdin.read()))
    return what


if __name__ == "__main__":
    readers.READERS = (*readers.READERS, Hostile())
    child_main.main()
    child_main.leave_nothing()
    os._exit(0)
