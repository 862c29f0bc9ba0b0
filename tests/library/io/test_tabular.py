"""CSV and XLSX as text cells: what is detected, what is refused, and by which row."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earlywarning.errors import DataError
from earlywarning.io.csv_rows import even_rows
from earlywarning.io.file_kind import Limits, inspect
from earlywarning.io.tabular import Chunk, TextTable, open_text
from earlywarning.io.workbook import DATE, FORMULA, NUMBER, TEXT, WorkbookTable, open_workbook


def opened(tmp_path: Path, data: bytes, **options: object) -> TextTable:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    return open_text(inspect(path), **({"wanted": ["a", "b"]} | options))  # type: ignore[arg-type]


def rows(table: TextTable | WorkbookTable) -> list[tuple[object, ...]]:
    return [row for chunk in table.chunks() for row in chunk.cells.rows()]


def faults(table: TextTable | WorkbookTable) -> list[tuple[object, ...]]:
    return [row for chunk in table.chunks() for row in chunk.faults.select("_row", "reason").rows()]


@pytest.mark.parametrize(
    ("data", "encoding", "cell"),
    [
        ("a;b\n1;é\n".encode(), "utf-8", "é"),
        ("a;b\n1;é\n".encode("utf-8-sig"), "utf-8-sig", "é"),
        ("a;b\r\n1;é\r\n".encode("cp1252"), "cp1252", "é"),
        ("a;b\n1;é\n".encode("utf-16"), "utf-16-le", "é"),
        (b"\xfe\xff" + "a;b\n1;é\n".encode("utf-16-be"), "utf-16-be", "é"),
        ("a;b\n1;é\n".encode("utf-16-le"), "utf-16-le", "é"),
        ("a,b\n1,✕\n".encode(), "utf-8", "✕"),
        ("a\tb\n1\té\n".encode(), "utf-8", "é"),
        ("a|b\n1|é\n".encode(), "utf-8", "é"),
        ("sep=;\na;b\n1;é\n".encode(), "utf-8", "é"),
        ("SEP=,\r\na,b\r\n1,é\r\n".encode("utf-8-sig"), "utf-8-sig", "é"),
        ("a;b\r1;é\r".encode(), "utf-8", "é"),
        (b'"a";"b"\n"1";"x;\n\ny ""z"""\n', "utf-8", 'x;\n\ny "z"'),
    ],
)
def test_encoding_delimiter_and_quotes_are_found(
    tmp_path: Path, data: bytes, encoding: str, cell: str
) -> None:
    table = opened(tmp_path, data)
    assert table.file.encoding == encoding
    assert table.headings == ("a", "b")
    assert rows(table) == [("1", cell, 2)]


def test_every_cell_is_text_as_it_stands(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a,b\n0123,3.10\n 7 ,1e3\nNULL,\n")
    assert rows(table) == [("0123", "3.10", 2), (" 7 ", "1e3", 3), ("NULL", None, 4)]


def test_the_delimiter_is_the_one_that_finds_the_headings(tmp_path: Path) -> None:
    # More commas than semicolons: addresses are full of them.
    table = opened(tmp_path, b"a;b\n1;Jl. Mawar 3, RT 2, Tuban\n2;Jl. Melati, 4\n")
    assert table.delimiter == ";"


def test_rows_of_another_width_are_refused_by_the_number_a_spreadsheet_shows(
    tmp_path: Path,
) -> None:
    table = opened(tmp_path, b'a;b\n1;2\n\n3;4;5\n6\n7;"x\ny"\n8;9\n')
    assert rows(table) == [("1", "2", 2), ("7", "x\ny", 6), ("8", "9", 7)]
    assert faults(table) == [(4, "too_many_fields"), (5, "too_few_fields")]


def test_a_sep_line_is_no_row(tmp_path: Path) -> None:
    table = opened(tmp_path, b"sep=,\na,b\n1,2\n3\n5,6\n")
    assert [row[-1] for row in rows(table)] == [2, 4]
    assert faults(table) == [(3, "too_few_fields")]


def test_odd_quotation_marks_cost_one_row(tmp_path: Path) -> None:
    table = opened(tmp_path, b'a,b\n1,"x"y\n2,5" pipe\n3,"ok, ok"\n')
    assert rows(table) == [("2", '5" pipe', 3), ("3", "ok, ok", 4)]
    assert faults(table) == [(2, "wrong_quotes")]


def test_many_blocks_give_the_same_rows_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'{i};"é{i}{"; " * (i % 3)}"\r\n' for i in range(500)]
    lines[77], lines[300] = "77\r\n", "1;2;3\r\n"
    data = ("a;b\r\n" + "".join(lines)).encode()
    whole = opened(tmp_path, data)
    expected = rows(whole), faults(whole)
    for size in (7, 64, 1001):
        monkeypatch.setattr("earlywarning.io.csv_rows.decoded_blocks.__defaults__", (size,))
        again = opened(tmp_path, data)
        assert (rows(again), faults(again)) == expected
    assert [row[0] for row in expected[1]] == [79, 302]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.lists(st.sampled_from(["", "1", "é", "  x ", '"q"', "\r"]), min_size=1, max_size=4),
        max_size=40,
    ),
    width=st.integers(1, 3),
    size=st.sampled_from([16, 64, 1 << 22]),
    crlf=st.booleans(),
)
def test_rows_that_are_plainly_as_wide_as_the_headings_are_as_if_counted(
    tmp_path: Path, lines: list[list[str]], width: int, size: int, crlf: bool
) -> None:
    """The short proof gives what counting the fields of each row gives, or nothing."""
    ends = "\r\n" if crlf else "\n"
    data = ends.join([",".join("abc"[:width]), *(",".join(line) for line in lines), ""]).encode()
    data = b"sep=,\n" + data

    def read() -> tuple[object, ...] | str:
        table = opened(tmp_path, data, wanted=["a"])
        try:
            return rows(table), faults(table), table.warnings
        except DataError as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("earlywarning.io.csv_rows.decoded_blocks.__defaults__", (size,))
        shortly = read()
        patch.setattr("earlywarning.io.tabular.even_rows", lambda *_: None)
        assert read() == shortly


def test_no_proof_without_certainty() -> None:
    def proved(data: bytes, chosen: Sequence[str] = ("b",)) -> list[tuple[object, ...]] | None:
        cells = even_rows(data, ",", ("a", "b", "c"), chosen)
        return None if cells is None else cells.rows()

    assert proved(b"1,2,3\n4,5,6\r\n") == [("2",), ("5",)]
    assert proved(b"1,2,3\n4,5,6\n", ("c", "a")) == [("3", "1"), ("6", "4")]
    assert proved(b"1,,3\n4,5,6\n") == [(None,), ("5",)]
    for data in (b"1,2,\n", b"1,2\n", b"1,2,3,4\n", b"1,2\n1,2,3,4\n", b"1,2,3\n\n", b"\r\n"):
        assert proved(data) is None
    assert proved(b"1,2,3\n", ()) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n....", "an image"),
        (b"\xff\xd8\xff\xe0....", "an image"),
        (b"\x1f\x8b\x08....", "compressed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "old or password-protected Office"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "a web page"),
        ("\n <TABLE>é</TABLE>".encode("utf-16"), "a web page"),
        (b'[{"a": 1}]', "is JSON"),
        (b"a,b\n1,\x00\x01\x02\n", "is binary data"),
        (b"a,b\n1,2\n3", "row 3, the last one, breaks off after 1 of 2 fields"),
        (b'a,b\n1,2\n3,"Sit', "a quotation mark opened in row 3 is not closed"),
        ("a,b\n1,é\n2,ö".encode()[:-1], "breaks off within a character"),
        ("a,b\n1,é\n".encode() + "2,é\n".encode("cp1252"), "row 3 is not UTF-8, while other rows"),
        (b"a,b\n1,\x81\x8d\n", "neither UTF-8 nor Windows-1252"),
        ("a,b\n1,é\n".encode("utf-16")[:-1], "cut off"),
        (b"a,a,b\n1,2,3\n", "write 'a#1' or 'a#2'"),
        (b"x,y\n1,2\n", "row 1 has no column 'a', 'b'; found: 'x', 'y'"),
        (b"Sekolah\n\na,b\n1,2\n", "set header_row = 3"),
        (b'a,b\n1,"' + b"x" * 200_000 + b'\n2,3\n"', "quotation mark"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as error:
        list(opened(tmp_path, data).chunks())
    assert "file.csv" in str(error.value)


def test_a_last_row_without_line_end_is_kept_with_a_warning(tmp_path: Path) -> None:
    table = opened(tmp_path, b"a,b\n1,2\n3,4")
    assert len(rows(table)) == 2
    assert table.warnings == [
        "file.csv: the last row (3) has no line end; check that the file is complete"
    ]


def test_a_misspelt_heading_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean 'Tangal'"):
        opened(tmp_path, b"NIS,Tangal\n1,2\n", wanted=["NIS", "Tanggal"])


def test_headings_lose_line_breaks_and_may_be_counted(tmp_path: Path) -> None:
    table = opened(tmp_path, b'"a ",b,"Tanggal\nLahir",Nama,Nama,\n1,2,3,4,5,6\n')
    assert table.headings == ("a", "b", "Tanggal Lahir", "Nama#1", "Nama#2", "(column 6)")
    bare = opened(tmp_path, b"1,2\n3,4\n", wanted=["2"], header_row=0)
    assert rows(bare) == [("1", "2", 1), ("3", "4", 2)]


def test_a_missing_file_and_a_large_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.csv: cannot be read"):
        inspect(tmp_path / "nothing.csv")
    (tmp_path / "large.csv").write_bytes(b"a,b\n" * 1000)
    with pytest.raises(DataError, match="allowed are 0 MB; split it"):
        inspect(tmp_path / "large.csv", limits=Limits(text_bytes=1000))


# Workbooks


def workbook(tmp_path: Path, *sheet: Sequence[object], name: str = "file.xlsx") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in sheet:
        page.append(list(row))
    path = tmp_path / name
    book.save(path)
    return path


def test_a_workbook_keeps_kinds_apart(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        ["a", "b", "c"],
        ["0123", 123, date(2026, 9, 1)],
        [3.5, "1/9/2026", datetime.fromisoformat("2026-09-01T07:15")],
        [None, None, None],
        [7.0, "=1+1", True],
    )
    table = open_workbook(inspect(path), wanted=["a"])
    (chunk,) = table.chunks()
    assert isinstance(chunk, Chunk)
    assert chunk.cells.rows() == [
        ("0123", "123", "2026-09-01", 2),
        ("3.5", "1/9/2026", "2026-09-01 07:15:00", 3),
        ("7", "(formula)", "true", 5),
    ]
    assert chunk.kinds is not None
    assert chunk.kinds.rows()[:2] == [(TEXT, NUMBER, DATE), (NUMBER, TEXT, DATE)]
    # The value of the formula is not in the file; it is not computed.
    assert chunk.kinds["b"][2] == FORMULA


def test_17_a_workbook_with_the_wrong_name_is_a_workbook(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a"], ["x"], name="data.csv")
    assert inspect(path).kind == "workbook"


def test_cells_beyond_the_headings_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2, 3], [4, 5])
    table = open_workbook(inspect(path), wanted=["a"])
    assert rows(table) == [("4", "5", 3)]
    assert faults(table) == [(2, "too_many_fields")]


def test_several_sheets_must_be_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Petunjuk"  # type: ignore[union-attr]
    book.create_sheet("Data").append(["a"])
    book.save(tmp_path / "two.xlsx")
    file = inspect(tmp_path / "two.xlsx")
    for sheet, says in (
        (None, "has 2 sheets"),
        ("data", "no sheet 'data'; it has 'Petunjuk', 'Data'"),
    ):
        with pytest.raises(DataError, match=says):
            open_workbook(file, wanted=["a"], sheet=sheet)
    assert open_workbook(file, wanted=["a"], sheet=2).sheet == "Data"


def test_a_workbook_cut_in_half_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a"], *[[i] for i in range(200)])
    data = path.read_bytes()
    for length in (30, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match="damaged workbook"):
            inspect(path)
    broken = bytearray(data)
    broken[len(data) // 3] ^= 0xFF
    path.write_bytes(broken)
    with pytest.raises(DataError, match=r"file\.xlsx"):
        rows(open_workbook(inspect(path), wanted=["a"]))


def rezipped(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """Change one part of a workbook."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    assert old in parts[part]
    return archive(path, parts | {part: parts[part].replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'r="2"', b'r="99999999"', "row 1,048,576"),
        (b'r="A2"', b'r="XFC2"', "goes beyond 1,000 columns"),
        (b"</c>", b"", "damaged workbook"),
    ],
)
def test_cells_outside_every_sheet(tmp_path: Path, old: bytes, new: bytes, says: str) -> None:
    path = workbook(tmp_path, ["a"], ["x"])
    rezipped(path, "xl/worksheets/sheet1.xml", old, new)
    with pytest.raises(DataError, match=says):
        rows(open_workbook(inspect(path), wanted=["a"]))


def archive(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in parts.items():
            out.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"word/document.xml": b"<x/>"}, "zip file but no XLSX"),
        ({"a.csv": b"a,b\n"}, "zip file but no XLSX"),
        ({"xl/workbook.xml": b"<x/>", "xl/big.bin": bytes(5_000_000)}, "and 100 times its size"),
        ({f"xl/{i}": b"" for i in range(1_001)} | {"xl/workbook.xml": b""}, "1,002 parts"),
        (
            {"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'},
            "declares XML entities",
        ),
        (
            {"xl/workbook.xml": b"<x/>", "xl/s.xml": "<!DOCTYPE x []><x/>".encode("utf-16")},
            "not UTF-8",
        ),
        ({"xl/workbook.xml": b"<x/>"}, "damaged workbook"),
    ],
)
def test_4_17_zip_tricks_are_refused_before_parsing(
    tmp_path: Path, parts: dict[str, bytes], says: str
) -> None:
    path = archive(tmp_path / "trick.xlsx", parts)
    with pytest.raises(DataError, match=says):
        open_workbook(inspect(path), wanted=["a"])


def test_a_million_rows_take_seconds_and_blocks(tmp_path: Path) -> None:
    count = 1_000_000
    path = tmp_path / "big.csv"
    pl.DataFrame(
        {
            "a": pl.int_range(count, eager=True).cast(pl.String),
            "b": pl.repeat("H", count, eager=True),
        }
    ).write_csv(path, separator=";")
    table = open_text(inspect(path), wanted=["a", "b"])
    total = last = 0
    for chunk in table.chunks(["b"]):
        total += chunk.cells.height
        last = chunk.cells["_row"][-1]
    assert (total, last) == (count, count + 1)
