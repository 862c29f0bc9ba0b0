"""XML files of many records, read one after the other: memory stays flat, and no trick works.

A file from a stranger may declare entities that expand to gigabytes, fetch other files, nest
without end, or break off. `defusedxml` refuses declarations; how deep and how large a record may be
is limited here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind

DEEPEST = 40
"""Levels of elements; Ed-Fi has about a dozen."""

MOST_PARTS = 10_000
"""Elements within one record."""

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Root:
    """The outermost element: its name, and its namespace (empty without one)."""

    name: str
    namespace: str


class _Taken(Exception):
    """The root is known; no more of the file is needed."""


class _Records:
    """Builds the children of the root one by one; tags lose their namespace."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.expat: Any = None
        self.root: Root | None = None
        self.done: deque[tuple[int, Element]] = deque()
        self.only_root = False
        self._open: list[Element] = []
        self._text: list[str] = []
        self._line = 0
        self._parts = 0
        self._depth = 0

    @property
    def line(self) -> int:
        """Of the file, 1 for the first."""
        return int(self.expat.CurrentLineNumber)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition("}")
        self._depth += 1
        self._text.clear()
        if self._depth == 1:
            self.root = Root(name, namespace.removeprefix("{"))
            if self.only_root:
                raise _Taken
            return
        if self._depth > DEEPEST:
            raise DataError(
                f"{self.file}: line {self.line}: elements are nested more than {DEEPEST} deep; "
                "no export is; it was not read"
            )
        if self._depth == 2:
            self._line, self._parts = self.line, 0
            self._open.append(Element(name, attributes))
            return
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise DataError(
                f"{self.file}: line {self._line}: the record {self._open[0].tag} has more than "
                f"{MOST_PARTS:,} parts; it was not read"
            )
        self._open.append(SubElement(self._open[-1], name, attributes))

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        if not len(element):
            element.text = "".join(self._text).strip()
        self._text.clear()
        if not self._open:
            self.done.append((self._line, element))

    def close(self) -> None:
        """Nothing is kept."""


def root(file: FileKind) -> Root | None:
    """The outermost element of a file; None if the file does not begin as XML does.

    Raises
    ------
    DataError
        If it declares a document type or entities.
    """
    target = _Records(file.path.name)
    target.only_root = True
    try:
        for _ in _parse(file, target):
            pass
    except _Taken:
        return target.root
    except _DamagedError:
        return None
    return target.root


def records(file: FileKind) -> Iterator[tuple[int, Element]]:
    """The children of the outermost element, one after the other.

    Yields
    ------
    line, element
        Where it begins, 1 for the first line; tags without namespace, text without outer blanks.

    Raises
    ------
    DataError
        If the file declares a document type or entities, is nested too deep, is damaged or cut
        off; names the line.
    """
    return _parse(file, _Records(file.path.name))


class _DamagedError(DataError):
    """The file is no complete XML."""


def _parse(file: FileKind, target: _Records) -> Iterator[tuple[int, Element]]:
    name = file.path.name
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    target.expat = parser.parser
    try:
        with file.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                parser.feed(block)
                while target.done:
                    yield target.done.popleft()
        parser.close()
        while target.done:
            yield target.done.popleft()
    except ParseError as error:
        line, column = error.position
        raise _DamagedError(
            f"{name}: line {line}, column {column + 1}: is no complete XML "
            f"({str(error).partition(':')[0]}); it is damaged or cut off, export it again"
        ) from error
    except DefusedXmlException as error:
        raise DataError(
            f"{name}: line {target.line}: declares a document type or entities, which no export "
            "needs and which can be used to harm; it was not read"
        ) from error
    except (LookupError, ValueError) as error:
        raise _DamagedError(
            f"{name}: is XML in an encoding that cannot be read ({error}); export it as UTF-8"
        ) from error
