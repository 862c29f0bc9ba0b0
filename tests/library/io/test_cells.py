"""No cell that a spreadsheet could compute."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.io.cells import csv_bytes, neutral


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "|cmd",
        "%0A",
        "\uff1d1",
        "  =1",
        "\ufeff=1",
    ],
)
def test_what_could_be_computed_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Siti", "O'Connor", "VII-A", "", "a=b", "Al-Contoh", "’Aisyah"])
def test_ordinary_text_stays(text: str) -> None:
    assert neutral(text) == text


def test_numbers_stay_numbers_and_nothing_is_empty() -> None:
    assert (neutral(-3), neutral(2.5), neutral(None)) == ("-3", "2.5", "")


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=5))
def test_every_row_comes_back_and_no_cell_computes(rows: list[list[str]]) -> None:
    text = csv_bytes(("a", "b"), rows).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *([neutral(cell) for cell in row] for row in rows)]
    for row in read:
        for cell in row:
            assert not cell.lstrip(" \u00a0\ufeff\u200b").startswith(
                ("=", "+", "-", "@", "\t", "\r", "\n")
            )
