"""What a class's name says, however a school spells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.records.class_names import LEVELS, canonical, sort_key

SEPARATORS = st.sampled_from(["-", " ", ".", "/", " - ", "_", "\u2013"])
SECTIONS = st.sampled_from(list("ABCDEFGHJKLMNOPQRSTUWYZ")) | st.integers(1, 20).map(str)


@pytest.mark.parametrize(
    ("spellings", "grade_level", "section"),
    [
        (["VII-A", "VII A", "7A", "Kelas 7 A", "VIIA", "7-A", "kls. vii a", "07A", "KELAS VII-A",
          "7 . A", "VII\u2013A", "Kelas7A", "\uff17\uff21"], 7, "A"),
        (["VIII", "8", "Kelas VIII", "kelas 8"], 8, ""),
        (["VII I", "VII-I", "7 I", "7I"], 7, "I"),
        (["VIII-I", "8 I"], 8, "I"),
        (["VIII A", "VIIIA", "8a"], 8, "A"),
        (["IX", "9"], 9, ""),
        (["IX-A", "IXA", "9A"], 9, "A"),
        (["X", "10"], 10, ""),
        (["XI IPA 1", "XI-IPA-1", "XIIPA1", "XI IPA1", "11 IPA 1", "11IPA1"], 11, "IPA1"),
        (["XII IPA 1", "XIIIPA1", "12-IPA-1"], 12, "IPA1"),
        (["X IPS 2", "XIPS2", "10 ips 2"], 10, "IPS2"),
        (["XII TKJ 1", "XIITKJ1"], 12, "TKJ1"),
        (["7-1", "7.1", "VII 1", "VII-1"], 7, "1"),
        (["7 1-1", "VII 1.1"], 7, "1-1"),
        (["VII-11"], 7, "11"),
        (["VII Ibnu Sina", "7 IBNU SINA"], 7, "IBNUSINA"),
        (["VID", "VI-D", "6d"], 6, "D"),
        (["IC", "1 C"], 1, "C"),
        (["VIIB2", "VII-B2", "7 B 2"], 7, "B2"),
        (["Ibnu Sina", "IBNU  SINA", "Kelas Ibnu Sina"], None, "IBNU SINA"),
        (["Vanda"], None, "VANDA"),
        (["Indah"], None, "INDAH"),
        (["71"], None, "71"),
        (["XIII"], None, "XIII"),
        (["13"], None, "13"),
        (["7/2026"], None, "7/2026"),
        (["Kelas"], None, "KELAS"),
        (["Portuguese"], None, "PORTUGUESE"),
    ],
)  # fmt: skip
def test_spellings_of_one_class(
    spellings: list[str], grade_level: int | None, section: str
) -> None:
    for spelling in spellings:
        found = canonical(spelling)
        assert (found.grade_level, found.section) == (grade_level, section), spelling


def test_classes_that_only_look_alike_stay_apart() -> None:
    apart = ["VIII", "VII I", "7-1", "71", "7-11", "7 1-1", "XI IPA 1", "XII PA 1", "X IPA 1",
             "VII A", "VIII A", "VII A1", "A", "IX", "XI"]  # fmt: skip
    assert len({canonical(name).key for name in apart}) == len(apart)


def test_lists_stand_in_a_schools_order() -> None:
    given = ["I", "IV", "V", "VII-A", "7 B", "VII 2", "VII-10", "VIII", "8A", "IX A", "X IPA 1",
             "XI IPA 2", "XI IPA 10", "12", "Angsana", "Melati"]  # fmt: skip
    # Numbers stand before letters within a level.
    expected = ["I", "IV", "V", "VII 2", "VII-10", "VII-A", "7 B", "VIII", "8A", "IX A", "X IPA 1",
                "XI IPA 2", "XI IPA 10", "12", "Angsana", "Melati"]  # fmt: skip
    assert sorted(given, key=sort_key) == expected
    given.reverse()
    assert sorted(given, key=sort_key) == expected


@given(st.integers(1, 12), SECTIONS, SEPARATORS, st.sampled_from(["", "Kelas ", "kls. ", "KELAS-"]))
def test_roman_and_arabic_with_a_separator_are_one(
    level: int, section: str, separator: str, word: str
) -> None:
    roman = canonical(f"{word}{LEVELS[level - 1]}{separator}{section}")
    assert roman == canonical(f"{word}{level}{separator}{section}")
    assert (roman.grade_level, roman.section) == (level, section)
    assert roman == canonical(f" {word}{LEVELS[level - 1]}{separator}{section} ".lower())


@given(st.text(max_size=30))
def test_any_text_has_a_key_and_a_place(text: str) -> None:
    found = canonical(text)
    assert found.grade_level is None or 1 <= found.grade_level <= 12
    assert canonical(f"  {text} ") == found
    assert sorted([text, "VII-A"], key=sort_key) in ([text, "VII-A"], ["VII-A", text])


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_same_class_stands_in_the_same_place(one: str, other: str) -> None:
    if canonical(one).key == canonical(other).key:
        assert sort_key(one) == sort_key(other)
    else:
        assert canonical(one) != canonical(other)
