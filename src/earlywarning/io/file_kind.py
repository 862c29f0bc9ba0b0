"""What a file is, by its content: never by its name, and before anything parses it.

A school's `.xls` may be a web page and its `.csv` a photograph; a small workbook may unpack to
gigabytes. So each file is looked at once, as bytes: kind, encoding, size, hash.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from earlywarning.errors import DataError

if TYPE_CHECKING:
    from earlywarning.district import FileLimits

BLOCK = 1 << 22
_NEAR = 1 << 17

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF8", "an image (GIF)"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file (7z)"),
    (b"Rar!\x1a", "a compressed file (RAR)"),
    (b"SQLite format 3\x00", "a database (SQLite)"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office file"),
)
_MARKUP = re.compile(rb"^\s*<(!|\?|[a-z])", re.I)
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|table|meta|style|div)\b", re.I)
_JSON = re.compile(rb"^\s*(\{\s*[\"}]|\[\s*[\[{\]\"\d])")
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27})
_UNDEFINED_1252 = b"\x81\x8d\x8f\x90\x9d"
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
"""What reading a zip file that is not sound raises."""
_SAVE_AS = "save it as CSV (UTF-8) or XLSX"

Kind = Literal["text", "workbook", "page", "xml", "json", "archive"]
TABLES: tuple[Kind, ...] = ("text", "workbook")
"""What the general reader takes; the rest needs a reader of `school_files`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read at all.

    Attributes
    ----------
    text_bytes, workbook_bytes, markup_bytes : int
        Largest CSV file; workbook or zip file; web page, XML or JSON, in bytes.
    unpacked_bytes, ratio, entries : int
        A workbook is a zip file: bytes after unpacking, unpacked ÷ packed, parts.
    columns, cells : int
        Columns of a table, and cells of one sheet of a workbook.
    record_bytes : int
        One row of a CSV file; a longer one means an unclosed quotation mark.
    memory_bytes : int
        Of the process that reads it.
    seconds : float
        Processor time of one step of reading, and time without an answer.
    """

    text_bytes: int = 4 << 30
    workbook_bytes: int = 20_000_000
    markup_bytes: int = 20_000_000
    unpacked_bytes: int = 100_000_000
    ratio: int = 100
    entries: int = 1_000
    columns: int = 1_000
    cells: int = 20_000_000
    record_bytes: int = 65_536
    memory_bytes: int = 2_000_000_000
    seconds: float = 120.0

    @classmethod
    def chosen(cls, files: FileLimits) -> Limits:
        """The limits that a `district.toml` sets."""
        return cls(
            workbook_bytes=files.file_mb * 1_000_000,
            markup_bytes=files.file_mb * 1_000_000,
            unpacked_bytes=files.unpacked_mb * 1_000_000,
            memory_bytes=files.memory_mb * 1_000_000,
            seconds=float(files.seconds),
        )


@dataclass(frozen=True, slots=True)
class FileKind:
    """What one file is.

    Attributes
    ----------
    path : Path
    kind : str
        "text" (rows of fields), "workbook" (XLSX), "page" (HTML), "xml", "json" or "archive" (zip).
    encoding : str
        Python's name of the encoding, for text of any kind; `utf-8`, `utf-8-sig`, `utf-16-le`,
        `utf-16-be` (both after their byte-order mark, if any) or `cp1252`.
    sha256 : str
    size : int
        Bytes.
    skip : int
        Bytes of the byte-order mark.
    ends_with_newline : bool
    old_newlines : bool
        Whether rows end with a carriage return alone.
    """

    path: Path
    kind: Kind
    encoding: str
    sha256: str
    size: int
    skip: int = 0
    ends_with_newline: bool = True
    old_newlines: bool = False


def inspect(
    path: Path, *, accept: Collection[Kind] = TABLES, limits: Limits | None = None
) -> FileKind:
    """Look at a file's bytes.

    Parameters
    ----------
    path : Path
    accept : collection of str, optional
        Kinds that the caller can read; tables by default.
    limits : Limits, optional

    Raises
    ------
    DataError
        If the file is missing, empty, too large, of another kind, cut off, or in no encoding that
        can be told.
    """
    limits = limits or Limits()
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise DataError(f"{path}: is not a file")
        with path.open("rb") as stream:
            first = stream.read(BLOCK)
            if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                _check_size(path.name, size, limits.workbook_bytes)
                stream.seek(0)
                kind = _check_archive(path.name, stream, size, limits, accept)
                stream.seek(0)
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                return FileKind(path, kind, "", digest, size)
            text_kind = _kind_of_text(path.name, first, accept)
            _check_size(
                path.name, size, limits.text_bytes if text_kind == "text" else limits.markup_bytes
            )
            return _inspect_text(path, text_kind, size, first, stream)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _check_size(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(
            f"{name}: has {size / 1e6:,.0f} MB; allowed are {limit / 1e6:,.0f} MB; "
            "split it, for instance by month"
        )


def _kind_of_text(name: str, first: bytes, accept: Collection[Kind]) -> Kind:
    """What a file of text is; other kinds are refused."""
    start = first.removeprefix(codecs.BOM_UTF8)
    if not start.strip(b" \t\r\n\x00\xff\xfe"):
        raise DataError(f"{name}: is empty; export it again")
    for signature, what in _SIGNATURES:
        if first.startswith(signature):
            raise DataError(f"{name}: is {what}, not a table; {_SAVE_AS}")
    plain = start.decode("utf-16", "ignore").encode() if first[:2] in _UTF16_BOMS else start
    if _MARKUP.match(plain[:4096]):
        kind: Kind = "page" if _PAGE.search(plain[:4096]) else "xml"
        if kind not in accept:
            raise DataError(
                f"{name}: is a web page or XML, whatever its name says; "
                f"open it in a spreadsheet program and {_SAVE_AS}"
            )
        return kind
    if _JSON.match(plain[:4096]):
        if "json" not in accept:
            raise DataError(f"{name}: is JSON, not a table; {_SAVE_AS}")
        return "json"
    if "text" not in accept:
        raise DataError(f"{name}: is plain text or CSV; expected: {', '.join(accept)}")
    return "text"


_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _inspect_text(path: Path, kind: Kind, size: int, first: bytes, stream: BinaryIO) -> FileKind:
    name = path.name
    encoding, skip = _encoding_of_start(name, first)
    digest = hashlib.sha256()
    tally = _Utf8Tally(path)
    newlines = returns = False
    last = block = first
    while block:
        lowest, few = _hashed(block, digest)
        if not encoding.startswith("utf-16"):
            if lowest == 0 or _is_binary(block, lowest, few):
                raise DataError(f"{name}: is binary data, not a table; {_SAVE_AS}")
            tally.add(block)
        newlines = newlines or b"\n" in block
        returns = returns or b"\r" in block
        last = block
        block = stream.read(BLOCK)
    ends = last.rstrip(b"\x00").endswith((b"\n", b"\r"))
    if encoding.startswith("utf-16"):
        if (size - skip) % 2:
            raise DataError(f"{name}: breaks off within a character; it is cut off, export it anew")
    else:
        encoding = tally.encoding(name, encoding)
    return FileKind(
        path, kind, encoding, digest.hexdigest(), size, skip, ends, returns and not newlines
    )


def nearby(data: bytes) -> Iterator[np.ndarray]:
    """Data in parts that stay near the processor while they are looked at more than once."""
    array = np.frombuffer(data, dtype=np.uint8)
    for start in range(0, len(array), _NEAR):
        yield array[start : start + _NEAR]


def _hashed(block: bytes, digest: Any) -> tuple[int, int]:
    """Hash a block, and look at its bytes on the way.

    Returns
    -------
    lowest : int
        The lowest byte.
    low : int
        How many bytes are from 14 to 31.
    """
    lowest, low = 255, 0
    for part in nearby(block):
        digest.update(part)
        lowest = min(lowest, int(part.min()))
        low += int(np.count_nonzero(part - np.uint8(14) < 18))  # lower ones wrap around
    return lowest, low


def _is_binary(block: bytes, lowest: int, low: int) -> bool:
    """Whether more than one byte in a hundred is a control character that no text has.

    Of those only 11 is from 9 to 13.
    """
    few = len(block) * 0.01
    if lowest >= 9 and low <= few and b"\x0b" not in block:
        return False
    return len(block) - len(block.translate(None, _CONTROL)) > few


def _encoding_of_start(name: str, first: bytes) -> tuple[str, int]:
    if first.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{name}: is UTF-32 text; {_SAVE_AS}")
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", 3
    if first.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if first.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    sample = first[:4096]
    if len(sample) >= 4:
        # Latin letters in UTF-16 have a zero byte each, always on the same side.
        odd, even = (
            sample[1::2].count(0) / len(sample[1::2]),
            sample[::2].count(0) / len(sample[::2]),
        )
        if odd > 0.7 and even < 0.05:
            return "utf-16-le", 0
        if even > 0.7 and odd < 0.05:
            return "utf-16-be", 0
    return "utf-8", 0


class _Utf8Tally:
    """Counts characters that are good UTF-8 and bytes that are not."""

    def __init__(self, path: Path) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._path = path
        self._pending = False
        self._bytes = 0
        self.good = self.bad = 0
        self.undefined = 0
        self.first_bad_row: int | None = None

    def add(self, block: bytes) -> None:
        """Count one block."""
        before, self._bytes = self._bytes, self._bytes + len(block)
        if block.isascii() and not self._pending:
            return
        self._count(self._decoder.decode(block), block.count("\ufffd".encode()), before)
        self._pending = bool(self._decoder.getstate()[0])
        self.undefined += len(block) - len(block.translate(None, _UNDEFINED_1252))

    def _count(self, text: str, genuine: int, before: int) -> None:
        bad = text.count("\ufffd") - genuine
        if bad > 0 and self.first_bad_row is None:
            rows = text[: text.index("\ufffd")].count("\n")
            self.first_bad_row = self._rows_in(before) + rows + 1
        self.bad += max(bad, 0)
        self.good += len(text) - len(text.encode("ascii", "ignore")) - max(bad, 0)

    def _rows_in(self, size: int) -> int:
        """Line ends in the first bytes of the file; few files are ever asked."""
        rows = 0
        with self._path.open("rb") as stream:
            while size and (block := stream.read(min(size, BLOCK))):
                rows += block.count(b"\n")
                size -= len(block)
        return rows

    def encoding(self, name: str, announced: str) -> str:
        """The encoding of all that was counted."""
        cut = 0
        if self._pending:
            cut = 1
            self._count(self._decoder.decode(b"", final=True), 0, self._bytes)
        if not self.bad:
            return announced
        if self.good or announced == "utf-8-sig":
            if self.bad == cut:
                raise DataError(
                    f"{name}: breaks off within a character; it is cut off, export it anew"
                )
            raise DataError(
                f"{name}: row {self.first_bad_row} is not UTF-8, while other rows are; "
                f"a program has mixed two encodings; {_SAVE_AS}"
            )
        if self.undefined:
            raise DataError(
                f"{name}: row {self.first_bad_row} is neither UTF-8 nor Windows-1252; {_SAVE_AS}"
            )
        return "cp1252"


def _check_archive(
    name: str, stream: BinaryIO, size: int, limits: Limits, accept: Collection[Kind]
) -> Kind:
    """Whether it is a workbook or another zip file; a bomb or an unwanted kind is refused."""
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            if len(parts) > limits.entries:
                raise DataError(
                    f"{name}: is a zip file of {len(parts):,} parts; allowed are "
                    f"{limits.entries:,}; {_SAVE_AS}"
                )
            unpacked = sum(part.file_size for part in parts)
            if unpacked > limits.unpacked_bytes or unpacked > limits.ratio * size:
                raise DataError(
                    f"{name}: unpacks from {size / 1e6:,.2f} to {unpacked / 1e6:,.0f} MB; allowed "
                    f"are {limits.unpacked_bytes / 1e6:,.0f} MB and {limits.ratio} times its size; "
                    "save the sheet as CSV, or delete its empty rows and formats"
                )
            kind: Kind = "workbook" if "xl/workbook.xml" in archive.namelist() else "archive"
            if kind not in accept:
                raise DataError(
                    f"{name}: is a zip file but no XLSX workbook; {_SAVE_AS}"
                    if kind == "archive"
                    else f"{name}: is a workbook; expected: {', '.join(accept)}"
                )
            if any(part.flag_bits & 1 for part in parts):
                raise DataError(f"{name}: is protected by a password; save it without one")
            for part in parts:
                if kind == "workbook" and part.filename.endswith((".xml", ".rels", ".vml")):
                    _refuse_declarations(name, archive, part)
            return kind
    except (*DAMAGED, OSError) as error:
        raise DataError(
            f"{name}: is a damaged workbook ({error}); it may be cut off; export it again"
        ) from error


def _refuse_declarations(name: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """A workbook has no use for XML entities, whose expansion can fill a machine's memory."""
    with archive.open(part) as stream:
        tail = b""
        while block := stream.read(BLOCK):
            text = tail + block
            if not tail and (text.startswith(_UTF16_BOMS) or b"\x00" in text[:64]):
                raise DataError(f"{name}: {part.filename} is not UTF-8; save the workbook again")
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise DataError(
                    f"{name}: {part.filename} declares XML entities, which no spreadsheet program "
                    "writes; it was not opened"
                )
            tail = text[-16:]
