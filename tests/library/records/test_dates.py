"""Dates as schools write them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from earlywarning.records.dates import parse, problem_of, usual_style


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("1/9/2026", "%d/%m/%Y"),
        ("01-09-2026", "%d-%m-%Y"),
        ("1.9.2026", "%d.%m.%Y"),
        ("2026-09-01", "%Y-%m-%d"),
        ("2026/9/1", "%Y/%m/%d"),
        ("1 September 2026", "%d %B %Y"),
    ],
)
def test_the_usual_styles_are_told_apart(text: str, style: str) -> None:
    column = pl.Series([text, None, text])
    assert usual_style(column) == style
    assert parse(column, (style,)).dates.to_list() == [date(2026, 9, 1), None, date(2026, 9, 1)]


def test_indonesian_months_in_the_spellings_that_occur() -> None:
    names = (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September",
        "Oktober", "November", "Desember",
    )  # fmt: skip
    column = pl.Series([f"3 {name} 2026" for name in names])
    assert parse(column, ("%d %B %Y",)).dates.dt.month().to_list() == list(range(1, 13))
    odd = pl.Series(["3 PEBRUARI 2026", "3 nopember 2026", "3 Agt 2026", "3 Oktoter 2026"])
    found = parse(odd, ("%d %B %Y",))
    assert found.dates.dt.month().to_list() == [2, 11, 8, None]
    assert found.impossible.to_list() == [False, False, False, True]


def test_the_majority_names_the_style() -> None:
    assert usual_style(pl.Series(["2026-09-01", "1/9/2026", "2/9/2026"])) == "%d/%m/%Y"


@pytest.mark.parametrize(
    ("style", "problem"),
    [
        ("%d/%m/%Y", None),
        ("%m/%d/%y", None),
        ("%Y-%m-%d %H:%M:%S", None),
        ("%d/%m", "a date needs"),
        ("dd/mm/yyyy", "a date needs"),
        ("%d/%m/%Y %Z", "%Z is not understood"),
    ],
)
def test_styles_are_checked(style: str, problem: str | None) -> None:
    found = problem_of(style)
    assert (found or "").startswith(problem or "")
    assert (found is None) is (problem is None)


def test_a_time_of_day_is_read_and_dropped() -> None:
    found = parse(pl.Series(["2026-09-01 07:15:00"]), ("%Y-%m-%d %H:%M:%S",))
    assert found.dates.to_list() == [date(2026, 9, 1)]
