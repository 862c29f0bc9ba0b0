"""Names as files spell them: what is the same, what is close, what is another child."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.records.names import (
    Likeness,
    is_one_slip,
    is_quite_different,
    likeness,
    normal,
)

LETTERS = st.text("abcdef", max_size=7)


@pytest.mark.parametrize(
    ("spellings", "expected"),
    [
        (["Suparmi", " SUPARMI ", "suparmi."], "suparmi"),
        (["M. Yusuf Al-Contoh", "Muh. Yusuf Al Contoh", "Moh Yusuf Al-Contoh", "M.Yusuf al contoh",
          "Muhamad Yusuf Al-Contoh", "Mohammad Yusuf Al-Contoh", "MUHAMMAD  YUSUF AL-CONTOH",
          "Mochamad Yusuf Al-Contoh"], "muhammad yusuf al contoh"),
        (["Nur'aini", "Nur\u2019aini", "Nur`aini", "Nur\u02bcaini", "NURAINI"], "nuraini"),
        (["Sari Wulandari, S.Pd.", "Sari Wulandari, S.Pd., M.Pd.", "Sari Wulandari,S. Pd",
          "Sari Wulandari"], "sari wulandari"),
        (["Wulandari, Sari"], "wulandari sari"),
        (["Jos\u00e9", "Jose\u0301", "JOSE"], "jose"),
        (["Bambang O'Connor"], "bambang oconnor"),
        (["Siti\u200b Contoh\u200f"], "siti contoh"),
        (["M", "m."], "m"),
        (["Moh"], "moh"),
        (["Muhamad"], "muhammad"),
        (["Nur Muhamad"], "nur muhammad"),
        (["\ua9b1\ua9b6\ua9a0\ua9b6"], "\ua9b1\ua9b6\ua9a0\ua9b6"),
        (["", " . ", "---"], ""),
    ],
)  # fmt: skip
def test_spellings_of_one_name(spellings: list[str], expected: str) -> None:
    assert {normal(spelling) for spelling in spellings} == {expected}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Siti Contoh", "SITI CONTOH", Likeness.SAME),
        ("Nur Aini", "Nuraini", Likeness.SPACED),
        ("Contoh Siti", "Siti Contoh", Likeness.REORDERED),
        ("Siti C.", "Siti Contoh", Likeness.SHORTENED),
        ("Siti A. Contoh", "Siti Aminah C.", Likeness.SHORTENED),
        ("Siti Conto", "Siti Contoh", Likeness.SLIP),
        ("Dewi Rahmawati", "Dewi Rahmawait", Likeness.SLIP),
        ("Suparmi", "Supermi", Likeness.SLIP),
        ("Ani", "Adi", Likeness.NONE),
        ("S. Contoh", "Siti Contoh", Likeness.NONE),
        ("Siti", "Siti Contoh", Likeness.NONE),
        ("Siti Contoh", "Budi Fulan", Likeness.NONE),
        ("Dewi Rahmawati", "Dewi Rahmwaait", Likeness.NONE),
        ("", "", Likeness.NONE),
    ],
)
def test_how_alike_two_names_are(one: str, other: str, expected: Likeness) -> None:
    assert likeness(normal(one), normal(other)) is expected
    assert likeness(normal(other), normal(one)) is expected


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        ("Ahmad Fulan", "Siti Contoh", True),
        ("Ahmad Fulan", "Ahmad Contoh", False),
        ("Ahmad Fulan", "Achmad Contoh", False),
        ("Suparmi", "Supermi", False),
        ("M. Yusuf", "Muh. Ridwan", True),
        ("Siti Contoh", "Siti Aminah Contoh", False),
    ],
)
def test_quite_different_names_share_no_word(one: str, other: str, different: bool) -> None:
    assert is_quite_different(normal(one), normal(other)) is different


def distance(one: str, other: str) -> int:
    """Optimal string alignment, by the textbook's table."""
    rows = [
        [i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)
    ]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            rows[i][j] = min(
                rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same)
            )
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@given(LETTERS, LETTERS)
def test_one_slip_is_a_distance_of_one_at_most(one: str, other: str) -> None:
    assert is_one_slip(one, other) == (distance(one, other) <= 1)


@given(LETTERS, st.integers(0, 6), st.sampled_from("abcdefx"))
def test_a_slip_of_any_kind_is_seen(text: str, place: int, letter: str) -> None:
    place = min(place, len(text))
    assert is_one_slip(text, text[:place] + letter + text[place:])
    assert is_one_slip(text, text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=30))
def test_normal_is_settled_after_one_step(name: str) -> None:
    once = normal(name)
    assert normal(once) == once
    assert once == once.strip()
    assert "  " not in once
    assert normal(f"  {name} ") == once


@given(st.text(max_size=30))
def test_forms_of_the_same_signs_are_one_name(name: str) -> None:
    assert normal(unicodedata.normalize("NFC", name)) == normal(unicodedata.normalize("NFD", name))


@given(st.text("abm.' ,sdp", max_size=14), st.text("abm.' ,sdp", max_size=14))
def test_likeness_has_no_direction(one: str, other: str) -> None:
    first, second = normal(one), normal(other)
    assert likeness(first, second) is likeness(second, first)
    assert (likeness(first, first) is Likeness.SAME) == bool(first)
    assert is_quite_different(first, second) == is_quite_different(second, first)
