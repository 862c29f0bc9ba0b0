"""Rows of a CSV file: where each begins, how many fields it has; Polars parses them.

Whether every row of a block has as many fields as there are headings is proved with little work. If
it is not, the fields of each row are counted over bytes, before parsing. A file with quotation
marks in odd places goes row by row through the standard library instead, which can name the row.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Limits, nearby

BLOCK = 1 << 24
"""Bytes read at a time."""
_LINE = 1 << 16
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_LINES_IN_QUOTES = 100
"""More lines than this within one pair of quotation marks mean that one of them is a slip."""


def decoded_blocks(file: FileKind, size: int = BLOCK) -> Iterator[bytes]:
    """The file as blocks of UTF-8 with line feeds, whatever it was."""
    plain = file.encoding in ("utf-8", "utf-8-sig") and not file.old_newlines
    decoder = codecs.getincrementaldecoder(file.encoding.removesuffix("-sig"))("strict")
    with file.path.open("rb") as stream:
        stream.seek(file.skip)
        while block := stream.read(size):
            if plain:  # to the end of a row, so that nobody must join its halves
                yield block + stream.readline(_LINE)
                continue
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{file.path.name}: is not the {file.encoding} text that its beginning says; "
                    "save it as CSV (UTF-8)"
                ) from error
            yield (text.replace("\r", "\n") if file.old_newlines else text).encode()


@dataclass(slots=True)
class Records:
    """Rows of a block as bytes or, if its quotation marks are odd, as lists; or parsed already.

    Attributes
    ----------
    fields : array of int
        Fields of each row; -1 if its quotation marks are wrong.
    blank : array of bool
        Whether a row holds nothing at all.
    """

    fields: np.ndarray
    blank: np.ndarray
    last: bool = False
    data: bytes = b""
    starts: np.ndarray | None = None
    delimiter: str = ","
    lists: list[list[str]] | None = None
    even: pl.DataFrame | None = None
    """Cells of all rows, where `split_records` was told to try `even_rows` and these are."""

    def __len__(self) -> int:
        return len(self.fields) if self.even is None else self.even.height

    def frame(
        self, which: np.ndarray, headings: Sequence[str], chosen: Sequence[str]
    ) -> pl.DataFrame:
        """The chosen columns of the given rows, all of which are as wide as the headings."""
        if not len(which):
            return pl.DataFrame(schema=dict.fromkeys(chosen, pl.String))
        if self.lists is not None:
            return pl.DataFrame(
                {name: [self.lists[row][headings.index(name)] for row in which] for name in chosen},
                schema=dict.fromkeys(chosen, pl.String),
            )
        places = {name: place for place, name in enumerate(headings) if name in chosen}
        if not places:
            return pl.DataFrame(height=len(which))
        types = [pl.String] * len(headings)
        wanted = list(places.values())
        found = _parsed(self._bytes(which), self.delimiter, types, wanted, quotes=True)
        found.columns = list(places)
        return found.select(chosen)

    def _bytes(self, which: np.ndarray) -> bytes:
        assert self.starts is not None  # noqa: S101
        breaks = np.flatnonzero(np.diff(which) != 1)
        firsts = which[np.concatenate(([0], breaks + 1))]
        lasts = which[np.concatenate((breaks, [len(which) - 1]))]
        view = memoryview(self.data)
        pieces = [
            view[self.starts[a] : self.starts[b + 1]] for a, b in zip(firsts, lasts, strict=True)
        ]
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)


def _parsed(
    data: bytes, delimiter: str, types: Sequence[Any], columns: list[int], *, quotes: bool
) -> pl.DataFrame:
    """Some columns of rows without headings, `types` being those of all; names are numbers."""
    return pl.read_csv(
        data,
        has_header=False,
        separator=delimiter,
        quote_char='"' if quotes else None,
        schema={f"{place}": dtype for place, dtype in enumerate(types)},
        columns=columns,
        raise_if_empty=False,
    )


def counts(data: bytes, signs: Sequence[int]) -> list[int]:
    """How often each byte stands in the data."""
    found = [0] * len(signs)
    for part in nearby(data):
        for place, sign in enumerate(signs):
            found[place] += int(np.count_nonzero(part == sign))
    return found


def even_rows(
    data: bytes,
    delimiter: str,
    headings: Sequence[str],
    chosen: Sequence[str],
    types: Mapping[str, pl.Categorical] | None = None,
) -> pl.DataFrame | None:
    """The chosen columns, if every row certainly has as many fields as there are headings.

    In a row with too few the last field is missing. If it is in none, and there are as many marks
    between fields as rows of that width have, then no row has too many either. So a last column
    with empty cells proves nothing.

    Parameters
    ----------
    data : bytes
        Whole rows without a quotation mark.
    types : mapping of heading to Categorical, optional
        Of columns that are to be no plain text.

    Returns
    -------
    DataFrame or None
        None if it is not certain.
    """
    last = len(headings) - 1
    rows, marks = counts(data, (_NEWLINE, ord(delimiter)))
    if not chosen or marks != rows * last:
        return None
    places = {headings.index(name): name for name in chosen}
    wanted = sorted({*places, last})
    dtypes = [(types or {}).get(name, pl.String) for name in headings]
    try:
        found = _parsed(data, delimiter, dtypes, wanted, quotes=False)
    except pl.exceptions.PolarsError:  # the first rows are narrower, or some are wider
        return None
    if found.height != rows or found[str(last)].has_nulls():
        return None
    return found.select(pl.col(str(place)).alias(name) for place, name in places.items())


def split_records(
    file: FileKind,
    delimiter: str,
    limits: Limits,
    even: Callable[[bytes, int], pl.DataFrame | None] | None = None,
) -> Iterator[Records]:
    """The file's rows, block by block; a quoted field may hold line ends.

    Parameters
    ----------
    even : function of (bytes, int), optional
        `even_rows` of whole rows without a quotation mark, of which so many stand before them.
    """
    separator = ord(delimiter)
    carry = b""
    number = 0
    blocks = decoded_blocks(file)
    for block in blocks:
        data = carry + block
        cut, records = _even(data, number, even)
        if records is None:
            cut, records = _split(data, separator, delimiter)
        if records is None:
            rest = _chain(data, blocks)
            yield from _slow_records(file.path.name, rest, delimiter, number)
            return
        carry = data[cut:]
        if len(carry) > limits.record_bytes:
            raise DataError(
                f"{file.path.name}: row {number + len(records) + 1} is longer than "
                f"{limits.record_bytes:,} bytes; look for a quotation mark that is not closed"
            )
        number += len(records)
        if len(records):
            yield records
    if carry.strip(b"\x1a\r"):
        _, records = _split(carry + b"\n", separator, delimiter)
        if records is None or not len(records):
            yield from _slow_records(file.path.name, iter((carry,)), delimiter, number)
            return
        records.last = True
        yield records


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _even(
    data: bytes, number: int, even: Callable[[bytes, int], pl.DataFrame | None] | None
) -> tuple[int, Records | None]:
    """The whole rows of a block, if they are certainly as wide as the headings."""
    if even is None or b'"' in data:
        return 0, None
    cut = data.rfind(b"\n") + 1
    cells = even(data[:cut], number) if cut else None
    if cells is None:
        return 0, None
    nothing = np.zeros(0, dtype=np.int64)
    return cut, Records(nothing, nothing, even=cells)


def _split(data: bytes, separator: int, delimiter: str) -> tuple[int, Records | None]:
    """Count the rows of a block and the fields of each; None if quotation marks are odd."""
    array = np.frombuffer(data, dtype=np.uint8)
    newline, mark = array == _NEWLINE, array == separator
    if b'"' in data:
        quote = array == _QUOTE
        inside = np.logical_xor.accumulate(quote)
        if not _tidy_quotes(array, np.flatnonzero(quote), inside, separator):
            return 0, None
        newline &= ~inside
        mark &= ~inside
    ends = np.flatnonzero(newline) + 1
    starts = np.concatenate(([0], ends)).astype(np.int64)
    fields = np.diff(_counts_before(mark, starts)) + 1
    length = np.diff(starts)
    first = array[np.minimum(starts[:-1], max(len(array) - 1, 0))] if len(ends) else array[:0]
    blank = (length == 1) | ((length == 2) & (first == _RETURN))
    cut = int(starts[-1])
    return cut, Records(
        fields.astype(np.int64), blank, data=data, starts=starts, delimiter=delimiter
    )


def _counts_before(mark: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How many marks lie before each place, counted 64 at a time.

    Parameters
    ----------
    mark : array of bool
    places : array of int
        Ascending, up to the length of `mark`.
    """
    bits = np.packbits(mark, bitorder="little")
    # One word more, for a place at the very end.
    words = np.zeros(len(bits) // 8 + 2, dtype="<u8")
    words.view(np.uint8)[: len(bits)] = bits
    sums = np.concatenate(([0], np.cumsum(np.bitwise_count(words), dtype=np.int64)))
    word = places >> 6
    below = (np.uint64(1) << (places & 63).astype(np.uint64)) - np.uint64(1)
    return sums[word] + np.bitwise_count(words[word] & below)


def _tidy_quotes(array: np.ndarray, quotes: np.ndarray, inside: np.ndarray, separator: int) -> bool:
    """Whether each quotation mark begins or ends a field, or is doubled within one."""
    opening = inside[quotes]
    before = array[quotes[opening] - 1]
    if len(quotes) and quotes[0] == 0:
        before[0] = _NEWLINE
    closing = quotes[~opening]
    closing = closing[closing + 1 < len(array)]
    after = array[closing + 1]
    begins = np.isin(before, (separator, _NEWLINE, _QUOTE))
    ends = np.isin(after, (separator, _NEWLINE, _RETURN, _QUOTE))
    return bool(begins.all() and ends.all())


def _slow_records(
    name: str, blocks: Iterator[bytes], delimiter: str, number: int
) -> Iterator[Records]:
    """Row by row, for files with quotation marks in odd places."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def lines() -> Iterator[str]:
        rest = ""
        for block in blocks:
            pieces = (rest + decoder.decode(block)).split("\n")
            rest = pieces.pop()
            yield from (_line(piece) + "\n" for piece in pieces)
        if rest:
            yield _line(rest)

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    fields: list[int] = []
    while True:
        number += 1
        line = reader.line_num
        try:
            row = next(reader)
            width = len(row)
        except StopIteration:
            break
        except csv.Error as error:
            row, width = [], -1
            if reader.line_num - line > 1 or "unexpected end" in str(error):
                raise DataError(
                    f"{name}: a quotation mark opened in row {number} is not closed "
                    f"({reader.line_num - line} lines on); the file is cut off or damaged, "
                    "export it again"
                ) from error
        if reader.line_num - line > _LINES_IN_QUOTES:
            raise DataError(
                f"{name}: row {number} runs over {reader.line_num - line} lines; look for a "
                "quotation mark that is not closed"
            )
        rows.append(row)
        fields.append(width)
        if len(rows) == 50_000:
            yield _list_records(rows, fields)
            rows, fields = [], []
    if rows:
        records = _list_records(rows, fields)
        records.last = True
        yield records


def _line(text: str) -> str:
    return text.rstrip("\r").replace("\r", " ")


def _list_records(rows: list[list[str]], fields: list[int]) -> Records:
    widths = np.array(fields, dtype=np.int64)
    blank = np.array([width == 0 for width in fields], dtype=bool)
    return Records(widths, blank, lists=rows)
