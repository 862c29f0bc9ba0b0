"""No cell that a spreadsheet could compute."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.io.cells import csv_bytes, neutral, xlsx_bytes
from earlywarning.io.refusals import refusals_csv
from earlywarning.io.review import REVIEW_SCHEMA, write_review
from earlywarning.records.faults import REFUSAL_SCHEMA


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t1",
        "\r1",
        "\nx",
        "|cmd",
        "%0A",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\ufe661",
        "  =1",
        "\ufeff=1",
        "\u3000=1",
        "\x0b=1",
    ],
)
def test_what_could_be_computed_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Siti,=1+1", "Siti,'=1+1"),
        ("Siti; @SUM(A1)", "Siti; '@SUM(A1)"),
        ('Siti",=1', "Siti\",'=1"),
        ("Siti\n=1", "Siti\n'=1"),
        ("Siti\t\uff1d1", "Siti\t'\uff1d1"),
        ("=1;=2", "'=1;'=2"),
        ("\t=1", "'\t'=1"),
        ("\r\n=1", "'\r\n'=1"),
    ],
)
def test_another_mark_between_cells_hides_nothing(text: str, safe: str) -> None:
    """A program that divides cells at commas may open a file that divides them at semicolons."""
    assert neutral(text) == safe


EVIL = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "a,=1", "a;=1")


def computing(content: bytes) -> list[str]:
    """Cells that a spreadsheet would compute, whichever mark it divides the lines at."""
    text = content.decode("utf-8-sig")
    found = []
    for mark in (",", ";", "\t", "|"):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            found += [cell for cell in row if neutral(cell) != cell and cell[:1] in "=+-@\uff1d"]
    return found


def test_the_list_of_refused_rows_computes_nothing() -> None:
    rows = pl.DataFrame(
        [
            {
                "table": "student", "file": f"{text}.csv", "sheet": text, "row": number,
                "column": text, "found": text, "allowed": text, "reason": "wrong_number",
            }
            for number, text in enumerate(EVIL)
        ],
        schema=REFUSAL_SCHEMA,
    )  # fmt: skip
    content = refusals_csv(rows)
    assert content.count(b"wrong_number") == len(EVIL)
    assert not computing(content)


def test_the_review_file_computes_nothing(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        [
            {name: 1 if kind == pl.Int64 else text for name, kind in REVIEW_SCHEMA.items()}
            for text in EVIL
        ],
        schema=REVIEW_SCHEMA,
    )
    content = write_review(rows, tmp_path / "review.csv").read_bytes()
    assert b"SUM(A1)" in content
    assert not computing(content)


def test_the_csv_of_lists_computes_nothing() -> None:
    assert not computing(csv_bytes(("a", "b", "c"), [(text, text, -3) for text in EVIL]).replace(
        b",-3", b""
    ))  # fmt: skip


def test_workbooks_are_written_in_one_place_but_for_invented_people() -> None:
    """openpyxl makes a living formula of any text that begins with `=`; `cells` does not let it."""
    root = Path(__file__).parents[3]
    for part in ("src/earlywarning", "pipelines", "api"):
        for path in (root / part).rglob("*.py"):
            if "simulation" not in path.parts and path.name != "cells.py":
                text = path.read_text(encoding="utf-8")
                assert not re.search(r"\bWorkbook\(|write_excel|to_excel|xlsxwriter", text), path


@pytest.mark.parametrize("text", ["Siti", "O'Connor", "VII-A", "", "a=b", "Al-Contoh", "’Aisyah"])
def test_ordinary_text_stays(text: str) -> None:
    assert neutral(text) == text


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert (neutral(-3), neutral(2.5), neutral(None)) == ("-3", "2.5", "")


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=5))
def test_3_every_row_comes_back_and_no_cell_computes(rows: list[list[str]]) -> None:
    text = csv_bytes(("a", "b"), rows).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *([neutral(cell) for cell in row] for row in rows)]
    for row in read:
        for cell in row:
            assert not cell.lstrip(" \u00a0\ufeff\u200b").startswith(
                ("=", "+", "-", "@", "\t", "\r", "\n")
            )


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.text(max_size=40),
    st.tuples(st.sampled_from("=+-@\t\r|%\uff1d"), st.text(max_size=20)).map("".join),
    st.just('=HYPERLINK("http://x","y")'),
    st.just("=cmd|'/c calc'!A1"),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5))
def test_3_no_cell_of_a_workbook_is_a_formula(rows: list[list[object]]) -> None:
    content = xlsx_bytes(("=a", "+b", "c"), rows, title="=Daftar [1]: a/b")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f" not in sheet
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = list(book.worksheets[0].iter_rows())
    assert [cell.value for cell in found[0]] == ["=a", "+b", "c"]
    for row, cells in zip(rows, found[1:], strict=False):
        for value, cell in zip(row, cells, strict=False):
            assert cell.data_type in ("s", "n", "inlineStr")
            if isinstance(value, int) or (isinstance(value, str) and value.isprintable()):
                assert cell.value == (None if value == "" else value)
