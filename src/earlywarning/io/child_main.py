"""The child process that opens files from outside; `child` starts it and asks.

It takes one order a line, carries it out, answers, and stays for the next. Before the first it
gives up what it does not need: memory above a limit, large files, core files; before each step it
sets how much processor time that step may take. What goes wrong in here becomes an answer in words.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from earlywarning.errors import ConfigError, DataError
from earlywarning.io import child_talk
from earlywarning.io.file_kind import FileKind, Limits, inspect

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has no such limits; the parent measures the time
    import resource

_PIECE = 1 << 26
_PIECE_ROWS = 250_000
"""Rows are sent in pieces of so many rows or bytes of text, however few at a time a reader makes:
each piece costs the other side some work of its own."""


def main() -> None:
    """Serve the other end of the pipes until it closes them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends this process
    orders, answers = _own_pipes()
    first = child_talk.read(orders)
    if first is None:
        return
    limits = Limits(**first[0]["limits"])
    confine(limits)
    work = Orders(limits)
    while (said := child_talk.read(orders)) is not None:
        confine_step(limits)
        try:
            for message, frames in work.carry_out(said[0]):
                child_talk.write(answers, message, frames)
                confine_step(limits)
        except BrokenPipeError:
            return
        except BaseException as error:  # Polars' panics too
            said_of_it = told(error)
            child_talk.write(answers, said_of_it)
            if said_of_it["error"] == "memory":
                return  # what is left of this process is not to be trusted


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, out of reach of whatever a library prints or reads."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nowhere, number)
    return orders, answers


def told(error: BaseException) -> dict[str, Any]:
    """An error as an answer: ours by their words, others by their kind and words.

    A reader may take a lack of memory for damage, as it takes every error of a library.
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, MemoryError):
            return {"error": "memory"}
        behind = behind.__cause__ or behind.__context__
    for ours in (DataError, ConfigError):
        if isinstance(error, ours):
            return {"error": ours.__name__, "words": str(error)}
    words = " ".join(str(error).split())[:300]
    return {"error": "other", "kind": type(error).__name__, "words": words}


def confine(limits: Limits) -> None:
    """Give up what reading a file never needs; some systems know no such limits."""
    if resource is None:
        return
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", limits.unpacked_bytes)
    # Of all private memory, threads and mappings included; code and files read through the cache
    # do not count. macOS takes the limit and does not keep it.
    _limit("RLIMIT_DATA", limits.memory_bytes)
    confine_step(limits)


def confine_step(limits: Limits) -> None:
    """Allow the next step its processor time, from now on."""
    if resource is None:
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    seconds = spent.ru_utime + spent.ru_stime + limits.seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _limit(name: str, value: int) -> None:
    which = getattr(resource, name, None)
    if which is None:
        return
    _, hard = resource.getrlimit(which)
    value = value if hard < 0 else min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):  # a system that does not let itself be limited so
        return


Answer = tuple[Mapping[str, Any], Sequence[Any]]


@dataclass(slots=True)
class Orders:
    """Carries out orders; the open tables are kept by number."""

    limits: Limits
    tables: dict[int, Any] = field(default_factory=dict)

    def carry_out(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """The answers to one order; each ends with one that is not `more`."""
        yield from getattr(self, f"do_{order['do']}")(order)

    def do_inspect(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """What a file is."""
        file = inspect(Path(order["path"]), accept=order["accept"], limits=self.limits)
        yield {"file": child_talk.pack_file(file)}, ()

    def do_sniff(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """What a reader understands of a bundle."""
        found = _reader(order).sniff(self._bundle(order))
        yield {"found": None if found is None else child_talk.pack_found(found)}, ()

    def do_files_of(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """Which files of a bundle are a reader's, by number."""
        bundle = self._bundle(order)
        used = {file.path for file in _reader(order).files_of(bundle)}
        yield {"places": [i for i, file in enumerate(bundle.files) if file.path in used]}, ()

    def do_open(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """Open a table: of a layout, of a workbook, or a plain one."""
        bundle = self._bundle(order)
        if order["layout"] is not None:
            table = _reader({"reader": order["layout"]}).open(
                bundle, order["part"], order["options"], order["sheet"]
            )
        elif bundle.file.kind == "workbook":
            from earlywarning.io.workbook import open_workbook

            table = open_workbook(
                bundle.file, wanted=order["wanted"], sheet=order["sheet"],
                header_row=order["header_row"], data_row=order["data_row"], limits=self.limits,
            )  # fmt: skip
        else:
            from earlywarning.io.tabular import open_text

            table = open_text(
                bundle.file, wanted=order["wanted"], header_row=order["header_row"],
                data_row=order["data_row"], delimiter=order["delimiter"], limits=self.limits,
            )  # fmt: skip
        self.tables[order["number"]] = table
        yield (
            {
                "headings": list(table.headings),
                "data_row": table.data_row,
                "sheet": table.sheet,
                "warnings": list(table.warnings),
                # Of several files that are read together, the one that the table is.
                "file": file if isinstance(file := getattr(table, "file", ""), str) else "",
            },
            (),
        )

    def do_chunks(self, order: Mapping[str, Any]) -> Iterator[Answer]:
        """The rows of an open table, which is closed at their end."""
        table = self.tables.pop(order["number"])
        wanted = order["columns"]
        twice = sorted({name for name in wanted or () if table.headings.count(name) > 1})
        if twice:
            raise DataError(f"has the heading {twice[0]!r} twice; give one of them another name")
        from earlywarning.io.numbered import MEMORY, Numbering

        most = self.limits.memory_bytes // MEMORY
        numbering = Numbering(most, getattr(table, "types", None))
        for chunk in _gathered(table.chunks(None if wanted is None else set(wanted))):
            for piece in _pieces(chunk):
                cells, texts = numbering.numbered(piece.cells)
                frames = [cells, piece.faults]
                frames += [more for more in (piece.kinds, texts) if more is not None]
                yield {"more": True, "file": piece.file, "texts": texts is not None}, frames
        yield {"more": False, "warnings": list(table.warnings)}, ()

    def _bundle(self, order: Mapping[str, Any]) -> Any:
        from earlywarning.io.school_files.interface import Bundle

        files: tuple[FileKind, ...] = tuple(child_talk.unpack_file(file) for file in order["files"])
        return Bundle(files, order["name"], self.limits)


def _reader(order: Mapping[str, Any]) -> Any:
    from earlywarning.io.school_files import readers

    return readers.reader(order["reader"])


def _gathered(chunks: Iterator[Any]) -> Iterator[Any]:
    """Small chunks together; those before an error are given before it."""
    waiting: list[Any] = []
    try:
        for chunk in chunks:
            waiting.append(chunk)
            rows = sum(one.cells.height for one in waiting)
            size = sum(one.cells.estimated_size() for one in waiting)
            if rows >= _PIECE_ROWS or size >= _PIECE // 2:
                yield from _joined(waiting)
                waiting = []
    except Exception:
        yield from _joined(waiting)
        raise
    yield from _joined(waiting)


def _joined(chunks: list[Any]) -> Iterator[Any]:
    """Neighbours of one file and one kind as one chunk."""
    for _, group in groupby(chunks, key=_sort):
        same = list(group)
        first = same[0]
        if len(same) == 1:
            yield first
            continue
        import polars as pl

        yield type(first)(
            pl.concat(one.cells for one in same),
            pl.concat(one.faults for one in same),
            None if first.kinds is None else pl.concat(one.kinds for one in same),
            first.file,
        )


def _sort(chunk: Any) -> Any:
    return chunk.file, chunk.kinds is None, list(chunk.cells.schema.items())


def _pieces(chunk: Any) -> Iterator[Any]:
    """A chunk, cut if its cells are too much for one message; the faults go with the first."""
    size, rows = chunk.cells.estimated_size(), chunk.cells.height
    if size <= _PIECE or rows < 2:
        yield chunk
        return
    step = max(rows * _PIECE // size, 1)
    for start in range(0, rows, step):
        yield type(chunk)(
            chunk.cells.slice(start, step),
            chunk.faults if start == 0 else chunk.faults.clear(),
            None if chunk.kinds is None else chunk.kinds.slice(start, step),
            chunk.file,
        )


def leave_nothing() -> None:
    """Remove the private folder: a parent that was killed could not."""
    folder = Path.cwd()
    os.chdir(folder.parent)
    with contextlib.suppress(OSError):
        folder.rmdir()


if __name__ == "__main__":
    main()
    leave_nothing()
    # Without the interpreter's farewell: threads of libraries and open files end with the process.
    os._exit(0)
