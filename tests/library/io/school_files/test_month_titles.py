"""Titles, headings and names of monthly sheets, as schools write them."""

from __future__ import annotations

import pytest

from earlywarning.io.school_files.month_titles import (
    DayLabel,
    Said,
    day_label,
    month_number,
    read_name,
    read_titles,
    school_year_of,
    weekday_of,
    year_in,
)

MONDAY, FRIDAY = frozenset((1,)), frozenset((5,))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("1", DayLabel(1)),
        ("01", DayLabel(1)),
        ("31", DayLabel(31)),
        ("12.0", DayLabel(12)),
        ("Tgl 3", DayLabel(3)),
        ("Sen (01)", DayLabel(1, MONDAY)),
        ("Sen\n01", DayLabel(1, MONDAY)),
        ("Senin, 1", DayLabel(1, MONDAY)),
        ("1 Sen", DayLabel(1, MONDAY)),
        ("Jum'at 5", DayLabel(5, FRIDAY)),
        ("Jum’at/05", DayLabel(5, FRIDAY)),
        ("2025-09-01", DayLabel(1, month=9, year=2025)),
        ("01/09/2025", DayLabel(1, month=9, year=2025)),
        ("13-9-25", DayLabel(13, month=9, year=2025)),
        ("01/09", DayLabel(1, month=9)),
        ("1 Sep", DayLabel(1, month=9)),
        ("12 Agustus 2025", DayLabel(12, month=8, year=2025)),
        ("Sen, 01/09/2025", DayLabel(1, MONDAY, 9, 2025)),
        ("45901", DayLabel(1, month=9, year=2025)),
    ],
)
def test_headings_of_days(text: str, label: DayLabel) -> None:
    assert day_label(text) == label


@pytest.mark.parametrize(
    "text",
    ["", "H", "0", "32", "99", "S1", "UH 1", "77,5", "13/13", "123", "0123", "Nama", "1.5.7.9"],
)
def test_what_is_no_day(text: str) -> None:
    assert day_label(text) is None


@pytest.mark.parametrize(
    ("word", "month"),
    [
        ("Pebruari", 2), ("FEBRUARI", 2), ("Nopember", 11), ("Oktoter", 10), ("Agt", 8),
        ("Agutus", 8), ("Septembr", 9), ("Juni", 6), ("Juli", 7), ("Jul", 7), ("May", 5),
        ("Jumat", None), ("Nomor", None), ("Marta", None), ("Kelas", None),
    ],
)  # fmt: skip
def test_months_and_their_slips(word: str, month: int | None) -> None:
    """Only long names are recognised with a slip: Juni and Juli are one letter apart."""
    assert month_number(word) == month


def test_letters_of_weekdays_leave_open_which() -> None:
    assert weekday_of("S", letters=True) == frozenset((1, 2, 6))
    assert weekday_of("S") == frozenset()
    assert weekday_of("Ahad") == frozenset((7,))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [["DAFTAR HADIR SISWA"], ["SMP CONTOH"], ["TAHUN PELAJARAN 2025/2026"],
             ["Bulan : September", "", "", "Kelas : VII-A"]],
            Said(9, None, "2025-26", "VII-A", "SMP CONTOH"),
        ),
        (
            [["Kelas", ":", "VII A", "", "Wali Kelas", ":", "Sari"], ["Bulan", ": Pebruari 2026"]],
            Said(2, 2026, None, "VII A"),
        ),
        (
            [["Kelas : 7 A   Bulan : Nopember   Wali Kelas : Sari Wulandari"]],
            Said(11, None, None, "7 A"),
        ),
        (
            [["DAFTAR HADIR KELAS VIII B BULAN OKTOTER 2025 SEMESTER GANJIL"]],
            Said(10, 2025, None, "VIII B", semester=1, slips=("OKTOTER",)),
        ),
        (
            # The name of a school and the day of printing are no titles.
            [["SMP 17 AGUSTUS 1945 TUBAN"], ["NPSN : 20500000"], ["Tuban, 1 Desember 2025"],
             ["Rekap September"]],
            Said(9, None, None, None, "SMP 17 AGUSTUS 1945 TUBAN", "20500000"),
        ),
        ([["Daftar Hadir Kelas 7A", "Wali Kelas : Mei Lestari"]], Said(class_name="7A")),
        ([["Rekap Juli dan Agustus 2025"]], Said()),
        ([["Periode 09/2025", "T.P. 2025-2026", "Semester Genap"]],
         Said(9, 2025, "2025-26", semester=2)),
        ([["Kelas X TKJ 1", "Bulan Maret"]], Said(3, None, None, "X TKJ 1")),
        ([["Tahun 2025/2027"]], Said()),
    ],
)  # fmt: skip
def test_titles(rows: list[list[str]], said: Said) -> None:
    assert read_titles(rows) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("2025-09", Said(9, 2025)),
        ("absensi-2025-09-VII-A", Said(9, 2025, class_name="VII-A")),
        ("absen_202509_7a", Said(9, 2025, class_name="7a")),
        ("Rekap Nopember 2025 kelas 7B", Said(11, 2025, class_name="7B")),
        ("okt", Said(10)),
        ("rekap_oktoter_2025-2026", Said(10, None, "2025-26", slips=("oktoter",))),
        ("Kelas IX C", Said(class_name="IX C")),
        ("Sheet1", Said()),
        ("rekap", Said()),
    ],
)
def test_names_of_sheets_and_files(name: str, said: Said) -> None:
    assert read_name(name) == said


def test_the_school_year_turns_in_july() -> None:
    assert [school_year_of(2026, month) for month in (6, 7)] == ["2025-26", "2026-27"]
    assert [year_in("2025-26", month) for month in (7, 12, 1, 6)] == [2025, 2025, 2026, 2026]
