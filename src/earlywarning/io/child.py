"""Files from outside are opened in a process of their own, which may fail without harm.

A school's file can be damaged or made to harm: a few kilobytes that want a machine's memory, or a
week of its time. So this process never looks into one. It starts a child (`child_main`) with a
limit on memory and time, an empty environment and an empty folder, hands it orders and takes back
plain tables. A child that breaks a limit is ended, the delivery is refused in words, and nothing of
it is kept. One child serves a whole delivery; after a failure the next order starts another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl

import earlywarning
from earlywarning.errors import ConfigError, DataError
from earlywarning.io import child_talk
from earlywarning.io.child_talk import NotUnderstood
from earlywarning.io.file_kind import FileKind, Kind, Limits
from earlywarning.io.numbered import Told, spelled
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.tabular import FAULT_SCHEMA, Chunk

THREADS = 2
"""Of Polars in the child: it splits rows and parses numbers, the rest happens here."""

_START_SECONDS = 60.0
"""More time for the first answer: a busy machine may take long to start a program."""

_SMALLER = "split it, for instance by month"
_PROGRAM = (sys.executable, "-s", "-P", "-B", "-m", "earlywarning.io.child_main")
_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR")
"""Without these no program starts there; they are no secrets."""


@dataclass(slots=True)
class ChildTable:
    """A table that the child has opened; see `school_files.interface.FlatTable`."""

    headings: tuple[str, ...]
    data_row: int
    sheet: str | None
    child: Child
    number: int
    name: str
    names: tuple[str, ...]
    warnings: list[str] = field(default_factory=list)
    file: str = ""
    last_row: int = 0

    def chunks(
        self, columns: Collection[str] | None = None, *, coded: bool = False
    ) -> Iterator[Chunk]:
        """The rows in blocks, as the child reads them; it waits while a block is worked on.

        Parameters
        ----------
        columns : collection of str, optional
            Headings whose cells are wanted; all of them by default.
        coded : bool
            Whether cells may stay numbers of texts (`Chunk.texts`), as they were sent.

        Raises
        ------
        DataError
            If the file is damaged or more than the limits allow, wherever in it.
        """
        order = {
            "do": "chunks", "number": self.number,
            "columns": None if columns is None else sorted(columns),
        }  # fmt: skip
        wanted = {name for name in self.headings if columns is None or name in columns}
        self.last_row = 0
        told = Told(self.child.limits.memory_bytes)
        for answer, parts in self.child.answers(order, self.name, self.names, self):
            try:
                if not answer.get("more"):
                    self.warnings = _texts(answer.get("warnings"))
                    return
                chunk = _chunk(parts, wanted, answer, told, coded=coded)
            except NotUnderstood as error:
                raise self.child.nonsense(self.name, error) from error
            if chunk.cells.height:
                self.last_row = int(chunk.cells["_row"].to_numpy().max())
            yield chunk


class Child:
    """The child of one delivery; use it in a `with` statement.

    Parameters
    ----------
    limits : Limits, optional
        `memory_bytes` and `seconds` are the child's.
    program : sequence of str, optional
        What is started.
    """

    def __init__(self, limits: Limits | None = None, program: Sequence[str] = _PROGRAM) -> None:
        self.limits = limits or Limits()
        self._program = tuple(program)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._busy = self._late = False
        self._is_new = True
        self._opened = 0

    @property
    def pid(self) -> int | None:
        """Of the process, if one runs."""
        return self._process.pid if self._process else None

    def inspect(self, path: Path, accept: Collection[Kind], *, name: str | None = None) -> FileKind:
        """What a file is; see `file_kind.inspect`. In messages it has the name, if one is given."""
        order = {"do": "inspect", "path": str(path.absolute()), "accept": list(accept)}
        answer = self._ask(order, name or path.name, (path.name,))
        try:
            # The place is the caller's: no answer can lead to another file.
            return child_talk.unpack_file(answer["file"] | {"path": str(path)})
        except (TypeError, KeyError) as error:
            raise self.nonsense(path.name, error) from error

    def sniff(self, reader: str, bundle: Bundle) -> Found | None:
        """What a reader, by its name, understands of a bundle."""
        answer = self._ask({"do": "sniff", "reader": reader, **_about(bundle)}, bundle.name,
                           _names(bundle))  # fmt: skip
        if answer.get("found") is None:
            return None
        try:
            return child_talk.unpack_found(answer["found"], reader)
        except NotUnderstood as error:
            raise self.nonsense(bundle.name, error) from error

    def files_of(self, reader: str, bundle: Bundle) -> tuple[FileKind, ...]:
        """Of a bundle that `sniff` knows, the files that are the reader's."""
        answer = self._ask({"do": "files_of", "reader": reader, **_about(bundle)}, bundle.name,
                           _names(bundle))  # fmt: skip
        try:
            return tuple(bundle.files[place] for place in answer["places"])
        except (TypeError, KeyError, IndexError) as error:
            raise self.nonsense(bundle.name, error) from error

    def open(
        self,
        bundle: Bundle,
        *,
        wanted: Collection[str] = (),
        layout: str | None = None,
        part: str | None = None,
        options: Mapping[str, Any] | None = None,
        sheet: str | int | None = None,
        header_row: int = 1,
        data_row: int | None = None,
        delimiter: str | None = None,
    ) -> ChildTable:
        """Open a table of a bundle.

        Parameters
        ----------
        bundle : Bundle
        wanted, sheet, header_row, data_row, delimiter
            Of a plain table; see `tabular.open_text` and `workbook.open_workbook`.
        layout, part, options, sheet
            Of a layout; see `school_files.interface.Reader.open`.
        """
        self._opened += 1
        order = {
            "do": "open", "number": self._opened, "layout": layout, "part": part,
            "options": dict(options or {}), "sheet": sheet, "wanted": list(wanted),
            "header_row": header_row, "data_row": data_row, "delimiter": delimiter,
            **_about(bundle),
        }  # fmt: skip
        answer = self._ask(order, bundle.name, _names(bundle))
        try:
            sheet_name, row = answer["sheet"], answer["data_row"]
            if not (sheet_name is None or isinstance(sheet_name, str)) or type(row) is not int:
                raise NotUnderstood("a table without a place")
            _texts([answer["file"]])
            return ChildTable(
                tuple(_texts(answer["headings"])), row, sheet_name, self, self._opened,
                bundle.name, _names(bundle), _texts(answer["warnings"]), answer["file"],
            )  # fmt: skip
        except (KeyError, NotUnderstood) as error:
            raise self.nonsense(bundle.name, error) from error

    def answers(
        self,
        order: Mapping[str, Any],
        name: str,
        names: Sequence[str] = (),
        table: ChildTable | None = None,
    ) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
        """Every answer to an order, the one without `more` last.

        Parameters
        ----------
        order : mapping
        name : str
            Of the file or folder, for messages.
        names : sequence of str
            Of its files.
        table : ChildTable, optional
            Whose last row is told in messages.
        """
        if self._busy:
            self.close()  # somebody left the rows of another table half read
        process = self._started()
        self._busy = True
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        try:
            child_talk.write(process.stdin, order)
        except OSError:
            raise self._ended(name) from None
        while True:
            try:
                with self._watched(process):
                    said = child_talk.read(process.stdout)
                if said is None:
                    raise self._ended(name, table)
                if "error" in said[0]:
                    self._busy = False
                    raise self._wrong(said[0], name, names, table)
                more = said[0].get("more") is True
                if not more:
                    self._busy = False
                yield said
            except NotUnderstood as error:
                raise self.nonsense(name, error) from error
            if not more:
                return

    def close(self) -> None:
        """End the process and remove its folder."""
        process, self._process = self._process, None
        self._busy = False
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self, order: Mapping[str, Any], name: str, names: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The only answer to an order."""
        asked = self.answers(order, name, names)
        answer, _ = next(asked)
        if self._busy:
            raise self.nonsense(name, "more than was asked")
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._folder = tempfile.TemporaryDirectory(prefix="earlywarning-child-")
            self._late, self._is_new = False, True
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder.name,
                env=_environment(self._folder.name),
                close_fds=True,
            )
            assert self._process.stdin is not None  # noqa: S101
            with contextlib.suppress(OSError):  # one that ends at once is noticed at the answer
                child_talk.write(
                    self._process.stdin, {"limits": child_talk.pack_limits(self.limits)}
                )
        return self._process

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """End the child if the next answer does not come in time."""

        def end() -> None:
            self._late = True
            process.kill()

        more, self._is_new = _START_SECONDS if self._is_new else 0.0, False
        timer = threading.Timer(self.limits.seconds + more, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _wrong(
        self, said: Mapping[str, Any], name: str, names: Sequence[str], table: ChildTable | None
    ) -> DataError | ConfigError:
        """What went wrong in the child, in its words or in ours."""
        words = str(said.get("words", ""))
        if said["error"] == "ConfigError":
            return ConfigError(words)
        if said["error"] == "DataError":
            return DataError(_placed(words, name, names))
        if said["error"] == "memory":
            self.close()
            return DataError(self._too_much_memory(name))
        kind = str(said.get("kind", "unknown error"))
        what = f"{kind}: {words}" if words else kind
        return DataError(
            f"{name}: cannot be read ({what}{_after(table)}); it is damaged, or not quite of the "
            "layout that it seems to be; open it in the program that made it and export it again"
        )

    def _ended(self, name: str, table: ChildTable | None = None) -> DataError:
        """Why the child is gone."""
        process, late = self._process, self._late
        code = None
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=5)
        self.close()
        if late or code == -getattr(signal, "SIGXCPU", 1 << 10):
            return DataError(
                f"{name}: took more than {self.limits.seconds:g} s in one step{_after(table)} and "
                f"was given up; {_SMALLER}, or raise seconds in [import] of district.toml"
            )
        if code is not None and -code in _MEMORY_SIGNALS:
            return DataError(self._too_much_memory(name))
        if code == -getattr(signal, "SIGXFSZ", 1 << 10):
            return DataError(
                f"{name}: unpacks to more than {self.limits.unpacked_bytes / 1e6:,.0f} MB; "
                f"{_SMALLER}"
            )
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return DataError(
            f"{name}: the process that reads it has ended ({how}{_after(table)}), perhaps because "
            f"the machine has no memory left; close other programs and import again; if it ends "
            f"again, {_SMALLER}"
        )

    def _too_much_memory(self, name: str) -> str:
        return (
            f"{name}: needs more memory than {self.limits.memory_bytes / 1e6:,.0f} MB to be read; "
            f"{_SMALLER}, or raise memory_mb in [import] of district.toml"
        )

    def nonsense(self, name: str, error: object) -> DataError:
        """What a person reads when the child's answer is none; it is ended."""
        self.close()
        return DataError(
            f"{name}: the process that reads it has answered with what is no answer ({error}), so "
            "nothing of the file was taken; open it in the program that made it and export it again"
        )


_MEMORY_SIGNALS = tuple(
    int(getattr(signal, name)) for name in ("SIGABRT", "SIGSEGV", "SIGBUS") if hasattr(signal, name)
)
"""How libraries end that are refused memory."""


def _environment(folder: str) -> dict[str, str]:
    """Nothing of this process's own, which may hold passwords."""
    source = str(Path(earlywarning.__file__).resolve().parents[1])
    kept = {name: os.environ[name] for name in ("PATH", *_WINDOWS) if name in os.environ}
    return kept | {
        "PYTHONPATH": source,
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "HOME": folder,
        "TMPDIR": folder,
        "POLARS_MAX_THREADS": str(THREADS),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # glibc keeps the memory of one block for the next, instead of asking the system anew.
        "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
    }


def _about(bundle: Bundle) -> dict[str, Any]:
    return {
        "files": [
            child_talk.pack_file(file) | {"path": str(file.path.absolute())}
            for file in bundle.files
        ],
        "name": bundle.name,
    }


def _names(bundle: Bundle) -> tuple[str, ...]:
    return tuple(file.path.name for file in bundle.files)


def _placed(words: str, name: str, names: Sequence[str]) -> str:
    """The words with the file as the delivery calls it, such as `roster.zip/users.csv`."""
    for file in names:
        if file and words.startswith(file):
            whole = name + file if name.endswith("/") else name
            return words if words.startswith(whole) else whole + words.removeprefix(file)
    named = any(item and item in words for item in (name.rstrip("/"), *names))
    return words if named else f"{name}: {words}"


def _after(table: ChildTable | None) -> str:
    return f", after row {table.last_row:,}" if table and table.last_row else ""


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise NotUnderstood("a list of texts that is none")
    return values


def _chunk(
    parts: Sequence[bytes], wanted: set[str], answer: Mapping[str, Any], told: Told, *, coded: bool
) -> Chunk:
    """Rows, checked to be what was asked for."""
    has_texts = answer.get("texts") is True
    if len(parts) - has_texts not in (2, 3):
        raise NotUnderstood("rows that are none")
    cells, faults, *rest = (child_talk.frame_of(part) for part in parts)
    texts: dict[str, pl.Series] = {}
    if has_texts:
        texts = told.heard(cells, rest.pop())
    types = dict(cells.schema)
    if types.pop("_row", None) != pl.Int32 or any(
        dtype != pl.String and name not in texts for name, dtype in types.items()
    ):
        raise NotUnderstood("cells that are no text")
    if cells["_row"].has_nulls():
        raise NotUnderstood("rows without a place")
    if not coded:
        cells = spelled(cells, texts)
    if set(types) != wanted or dict(faults.schema) != FAULT_SCHEMA:
        raise NotUnderstood("columns that nobody asked for")
    kinds = rest[0] if rest else None
    if kinds is not None:
        same = set(kinds.columns) == wanted and kinds.height == cells.height
        if not same or any(dtype != pl.UInt8 for dtype in kinds.dtypes):
            raise NotUnderstood("kinds of cells that are none")
    (name,) = _texts([answer.get("file")])
    return Chunk(cells, faults, kinds, name, texts if coded else {})
