"""Telephone numbers: every way of writing one is one number; what is doubtful is none."""

from __future__ import annotations

import pytest

from earlywarning.records.phones import is_mobile, numbers

MOBILE = "+628001234567"


@pytest.mark.parametrize(
    "text",
    [
        "08001234567", "8001234567", "628001234567", "+628001234567", "+62 800-1234-567",
        "+62 0800 1234 567", "0800.1234.567", "(0800) 1234567", "'08001234567", "00628001234567",
        " 0800 1234 567 ", "08001234567 / 08001234567", "0800\u20111234567",
    ],
)  # fmt: skip
def test_every_way_of_writing_a_mobile_number_is_one_number(text: str) -> None:
    assert numbers(text) == (MOBILE,)
    assert is_mobile(MOBILE)


@pytest.mark.parametrize(
    "text",
    [
        "08001234567/08009999999", "08001234567, 08009999999", "08001234567 atau 08009999999",
        "08001234567 08009999999", "08001234567;+628009999999", "08001234567\n8009999999",
    ],
)  # fmt: skip
def test_two_numbers_in_one_cell_are_two(text: str) -> None:
    assert numbers(text) == (MOBILE, "+628009999999")


def test_mobile_numbers_come_first_and_fixed_lines_need_their_area_code() -> None:
    assert numbers("0356-000111 / 08001234567") == (MOBILE, "+62356000111")
    assert numbers("0356 000111") == ("+62356000111",)
    assert numbers("356000111") == ()
    assert not is_mobile("+62356000111")


@pytest.mark.parametrize(
    ("text", "number"),
    [("+60 12 345 6789", "+60123456789"), ("0060123456789", "+60123456789"), ("+1234", None)],
)
def test_a_number_of_another_country_needs_a_plus(text: str, number: str | None) -> None:
    assert numbers(text) == ((number,) if number else ())


@pytest.mark.parametrize(
    "text",
    ["", "-", "0", "tidak ada", "6.28E+12", "0800123", "080012345678901234", "123", "0812 ext 3"],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert numbers(text) == ()
