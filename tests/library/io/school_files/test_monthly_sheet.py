"""Monthly attendance sheets: every way in which schools write them, small enough to read by eye.

The cast of `people` in September 2025: the 1st is a Monday, the 7th a Sunday.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earlywarning import district
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.file_kind import inspect
from earlywarning.io.mapping import load_mapping, parse_mapping
from earlywarning.io.mapping_text import mapping_text
from earlywarning.io.reading import read_delivery
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.school_files.monthly_sheet import MonthlySheet
from people import AHMAD, SITI, SUPARMI

DATA = Path(__file__).parents[3] / "data" / "monthly_sheet"
DISTRICT = district.parse("[visits]\nlottery = false\n")
READER = MonthlySheet()
NAMES = (AHMAD.name, SITI.name, SUPARMI.name)
WORDS = ("Sen", "Sel", "Rab", "Kam", "Jum", "Sab", "Min")

Grid = Sequence[Sequence[object]]


# What the tests are made of


def bundle(path: Path) -> Bundle:
    return Bundle((inspect(path, accept=READER.kinds),), path.name)


def written(folder: Path, rows: Grid, name: str = "absen.csv", *, mark: str = ";") -> Path:
    """A CSV file, all rows equally wide as spreadsheet programs write them."""
    width = max(len(row) for row in rows)
    lines = [mark.join([*(str(cell) for cell in row), *[""] * (width - len(row))]) for row in rows]
    path = folder / name
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def sheet(
    marks: Sequence[str],
    *,
    days: Sequence[object] = (1, 2, 3, 4, 5),
    titles: Grid = (["Bulan : September 2025"], ["Kelas : VII-A"]),
    totals: Sequence[str] = (),
    counts: Sequence[str] = (),
) -> list[list[object]]:
    """Titles, one row of headings, and a student for each text of marks (`_` is an empty one)."""
    rows: list[list[object]] = [list(title) for title in titles]
    rows.append(["No", "NIS", "Nama", *days, *totals])
    for number, text in enumerate(marks, start=1):
        cells = ["" if cell == "_" else cell for cell in text.split()]
        more = counts[number - 1].split() if counts else []
        rows.append([number, f"010{number}", NAMES[(number - 1) % 3], *cells, *more])
    return rows


def sniffed(path: Path) -> Found:
    found = READER.sniff(bundle(path))
    assert found is not None
    return found


def read(path: Path, **more: Any) -> Delivery:
    """A delivery through the mapping that the reader writes."""
    return read_delivery([path], mapping_of(path, **more), district=DISTRICT)


def mapping_of(
    path: Path, *, keys: Map[str, Any] | None = None, options: Map[str, Any] | None = None
) -> Any:
    """What the reader wrote, with what a person adds: keys of attendance, options of all."""
    found = sniffed(path)
    defaults = {"school_id": "SCH1", "school_year": "2025-26", **found.defaults}
    entries = []
    for entry in found.entries:
        made = {**entry, "file": path.name}
        made.pop("fallback", None)
        if options:
            made["options"] = {**entry.get("options", {}), **options}
        if entry["table"] == "attendance":
            made |= keys or {}
        if entry["table"] == "enrollment":
            made["constants"] = {"entry_date": date(2025, 7, 1), **entry["constants"]}
        entries.append(made)
    return parse_mapping(mapping_text("test", defaults, entries))


def marks_of(delivery: Delivery) -> list[tuple[str, str, str]]:
    """Student, day as month-day, status; in order."""
    frame = delivery.frame("attendance").sort("student", "date")
    day = pl.col("date").dt.strftime("%m-%d")
    return frame.select("student", day.alias("day"), "status").rows()


def refused_of(delivery: Delivery) -> list[tuple[int, str | None, str, str]]:
    return delivery.refused.select("row", "column", "found", "reason").rows()


def flat(path: Path, options: Map[str, Any] | None = None, **more: Any) -> pl.DataFrame:
    """The marks as the reader hands them on."""
    table = READER.open(bundle(path), "marks", options or {}, more.get("sheet"))
    return pl.concat([chunk.cells for chunk in table.chunks()])


FIVE = [f"2025-09-0{day}" for day in range(1, 6)]


# The two layouts that public programs write


def layout_a(folder: Path) -> Path:
    """Three rows of headings, only working days, totals, footer, cp1252; students by name only."""
    days = (1, 2, 3, 4, 6, 8)
    rows: Grid = [
        ["DAFTAR HADIR SISWA"],
        ["SMP CONTOH"],
        ["TAHUN PELAJARAN 2025/2026"],
        ["Bulan : September", *[""] * 6, "Kelas : VII-A"],
        ["", "", "Hari/Tanggal"],
        ["", "", "Sen", "Sel", "Rab", "Kam", "Sab", "Sen", "Total"],
        ["No", "Nama", *(f"{day:02d}" for day in days), "H", "S", "I", "A"],
        [1, AHMAD.name, "H", "I", "S", "H", "H", "", 3, 1, 1, "-"],
        [2, SITI.name, "H", "H", "H", "H", "H", "", 5, "-", "-", "-"],
        [3, "Dewi O’Connor", "A", "H", "H", "A", "H", "A", 3, "-", "-", 3],
        [""],
        ["Jumlah siswa", ": 3"],
        ["Laki-laki", ": 1"],
        ["Perempuan", ": 2"],
    ]
    text = "\r\n".join(";".join(str(c) for c in (*row, *[""] * (12 - len(row)))) for row in rows)
    path = folder / "rekap.csv"
    path.write_bytes(text.encode("cp1252") + b"\r\n")
    return path


def test_layout_a_is_understood_but_for_what_an_empty_mark_means(tmp_path: Path) -> None:
    path = layout_a(tmp_path)
    found = sniffed(path)
    assert found.what == (
        "monthly attendance sheet, September 2025, SMP CONTOH, class VII-A, 3 students, 6 days"
    )
    assert found.defaults == {"school_year": "2025-26"}
    # Names alone are no roster; they are matched later, and a person confirms.
    (entry,) = found.entries
    assert (entry["table"], entry["identify"]) == ("attendance", "name")
    assert entry["columns"] == {"student": "Nama", "class_name": "Kelas"}
    assert entry["match"] == {"class_name": "Kelas"}
    assert found.questions == (
        (
            "blank",
            "rekap.csv: 2 empty marks on days on which others have one, day 8 (2); what does an "
            'empty mark mean? say blank = "unrecorded", "present" or "no_school"',
        ),
    )
    # Dewi's total of A is 3, and 3 are counted: all totals agree, and the footer is no student.
    assert found.warnings == (
        "rekap.csv: fewer than half of the 3 students have a mark on day 8 (1); absences there "
        "may have been filled in by a program",
    )
    cells = flat(path)
    assert cells["Nama"].to_list() == [AHMAD.name, SITI.name, "Dewi O’Connor"]
    assert cells["Kelas"].unique().to_list() == ["VII-A"]
    assert cells["_row"].to_list() == [8, 9, 10]
    assert cells.columns[2:-1] == [f"2025-09-{day:02d}" for day in (1, 2, 3, 4, 6, 8)]
    assert cells["2025-09-02"].to_list() == ["I", "H", "H"]
    assert cells["2025-09-08"].to_list() == [None, None, "A"]


def test_layout_b_reads_as_the_mapping_by_hand_does() -> None:
    path = DATA / "2025-09.csv"
    found = sniffed(path)
    assert found.what == ("monthly attendance sheet, September 2025, class 7A, 2 students, 30 days")
    assert found.questions == ()
    assert found.warnings == (
        "2025-09.csv: total 'Total Alpa (TA)' (column AJ) counts TA and A; it was compared so",
    )
    by_hand = read_delivery([path], load_mapping(DATA / "mapping.toml"), district=DISTRICT)
    with by_hand, read(path) as delivery:
        assert delivery.refused.is_empty()
        assert delivery.rows == by_hand.rows
        assert delivery.rows["attendance"] == 60
        assert marks_of(delivery) == marks_of(by_hand)
        # 0123 in September: 12 H, 2 DT, 3 A, 3 TA, 1 S, 9 days without school.
        counts = delivery.frame("attendance").filter(pl.col("student") == "0123")
        assert dict(counts["status"].value_counts().rows()) == {
            "present": 12, "late": 2, "unexcused": 3, "unrecorded": 3, "sick": 1, "no_school": 9,
        }  # fmt: skip
        assert delivery.frame("enrollment")["entry_date"].unique().to_list() == [date(2025, 7, 1)]
        assert delivery.frame("student")["full_name"].to_list() == ["Ahmad Fulan", "Siti Contoh"]


def test_a_month_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "rekap.csv"
    path.write_bytes((DATA / "2025-09.csv").read_bytes())
    found = sniffed(path)
    assert [key for key, _ in found.questions] == ["options.month", "entry_date"]
    assert "in it, day 1 is a Monday" in found.questions[0][1]
    with pytest.raises(DataError, match='say month = "2025-09" under'):
        flat(path)
    with read(path, options={"month": "2025-09"}) as delivery:
        assert delivery.rows["attendance"] == 60


# Time


@pytest.mark.parametrize(
    ("titles", "name", "first"),
    [
        ([["Bulan : Pebruari"], ["TAHUN PELAJARAN 2025/2026"]], "a.csv", "2026-02-01"),
        ([["Bulan : Nopember"], ["TP 2025/2026"]], "a.csv", "2025-11-01"),
        ([["Bulan", ":", "Oktoter 2025"]], "a.csv", "2025-10-01"),
        ([["Rekap Presensi Juli 2025"]], "a.csv", "2025-07-01"),
        ([["T.A. 2025/2026"]], "rekap_juni.csv", "2026-06-01"),
        ([["Daftar hadir"]], "202512.csv", "2025-12-01"),
        ([["Daftar hadir"]], "12-2025.csv", "2025-12-01"),
    ],
)
def test_month_and_year(tmp_path: Path, titles: Grid, name: str, first: str) -> None:
    """From July to December it is the school year's first year."""
    rows = sheet(["H H H H H"], titles=[*titles, ["Kelas : VII-A"]])
    assert flat(written(tmp_path, rows, name)).columns[3] == first


def test_a_slip_in_the_month_is_said(tmp_path: Path) -> None:
    titles = [["Bulan : Oktoter 2025"], ["Kelas : VII-A"]]
    rows = sheet(["H H H H H"], days=(1, 2, 3, 4, 6), titles=titles)
    assert sniffed(written(tmp_path, rows)).warnings == (
        "absen.csv: 'Oktoter' was read as October",
    )


def test_a_month_without_a_year_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H H H H H"], titles=[["Bulan : Maret"], ["Kelas : VII-A"]]))
    assert [key for key, _ in sniffed(path).questions] == ["options.school_year", "entry_date"]
    with pytest.raises(DataError, match="March of which year"):
        flat(path)
    assert flat(path, {"school_year": "2025-26"}).columns[3] == "2026-03-01"
    assert flat(path, {"month": "2027-03"}).columns[3] == "2027-03-01"


def test_a_month_outside_the_school_year_of_the_titles_is_asked_for(tmp_path: Path) -> None:
    titles = [["Bulan : September 2025"], ["TAHUN PELAJARAN 2024/2025"], ["Kelas : VII-A"]]
    path = written(tmp_path, sheet(["H H H H H"], titles=titles))
    ((key, question),) = sniffed(path).questions
    assert key == "options.month"
    assert "September 2025 is not in the school year 2024-25" in question
    assert flat(path, {"month": "2025-09"}).columns[3:-1] == FIVE
    assert flat(path, {"school_year": "2024-25"}).columns[3] == "2024-09-01"


def test_title_and_name_of_the_file_disagree(tmp_path: Path) -> None:
    found = sniffed(written(tmp_path, sheet(["H H H H H"]), "absen_okt.csv"))
    assert found.what.startswith("monthly attendance sheet, September 2025")
    assert found.warnings == (
        "absen_okt.csv: the title says September, the name of the file October; the title was "
        'believed; if it is wrong, say month = "…" under [table.options]',
    )


def test_weekdays_of_another_month_are_asked_about(tmp_path: Path) -> None:
    """A sheet of December 2025, whose 1st is a Monday too, under a title that says October."""
    days = [f"{WORDS[i % 7]} ({i + 1:02d})" for i in range(6)]
    titles = [["Bulan : Oktober"], ["TAHUN PELAJARAN 2025/2026"], ["Kelas : VII-A"]]
    path = written(tmp_path, sheet(["H H H H H H"], days=days, titles=titles))
    ((key, question),) = sniffed(path).questions
    assert key == "options.month"
    assert "6 of 6 weekdays are not those of October 2025" in question
    assert "'Sen (01)' (column D) would be a Wednesday" in question
    assert "(the weekdays fit September 2025, December 2025, June 2026)" in question
    with pytest.raises(DataError, match="weekdays are not those"):
        flat(path)
    assert flat(path, {"month": "2025-12"}).columns[3] == "2025-12-01"
    # Who insists on October gets October, and a warning.
    table = READER.open(bundle(path), "marks", {"month": "2025-10"}, None)
    assert table.headings[3] == "2025-10-01"
    assert "weekdays are not those of October" in table.warnings[0]


def test_one_wrong_weekday_is_a_slip(tmp_path: Path) -> None:
    days = ["Sen (01)", "Rab (02)", "Rab (03)", "Kam (04)", "Jum (05)"]
    path = written(tmp_path, sheet(["H H H H H"], days=days))
    assert sniffed(path).questions == ()
    assert sniffed(path).warnings == (
        "absen.csv: the weekday over 'Rab (02)' (column E) is not that of the date: it is a "
        "Tuesday; its marks were taken for 2025-09-02",
    )


# Headings


@pytest.mark.parametrize(
    "days",
    [
        (1, 2, 3, 4, 5),
        ("01", "02", "03", "04", "05"),
        ("Sen (01)", "Sel (02)", "Rab (03)", "Kam (04)", "Jum (05)"),
        ("Senin 1", "Selasa 2", "Rabu 3", "Kamis 4", "Jum'at 5"),
        ("01/09/2025", "02/09/2025", "03/09/2025", "04/09/2025", "05/09/2025"),
        ("1 Sep", "2 Sep", "3 Sep", "4 Sep", "5 Sep"),
        ("45901", "45902", "45903", "45904", "45905"),
    ],
)
def test_headings_of_days(tmp_path: Path, days: Sequence[object]) -> None:
    with read(written(tmp_path, sheet(["H S I A T", "H H H H H"], days=days))) as delivery:
        assert delivery.refused.is_empty()
        assert marks_of(delivery)[:5] == [
            ("0101", "09-01", "present"), ("0101", "09-02", "sick"), ("0101", "09-03", "permitted"),
            ("0101", "09-04", "unexcused"), ("0101", "09-05", "late"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("sign", "status"),
    [("H", "present"), (".", "present"), ("✓", "present"), ("√", "present"), ("v", "present"),
     ("Hadir", "present"), ("Ijin", "permitted"), ("Alfa", "unexcused"), ("TK", "unexcused"),
     ("Mangkir", "unexcused"), ("-", "unrecorded"), ("LBR", "no_school"), ("✕", "no_school")],
)  # fmt: skip
def test_marks_as_signs_and_words(tmp_path: Path, sign: str, status: str) -> None:
    rows = sheet([f"{sign} S {sign} {sign} {sign}"])
    with read(written(tmp_path, rows)) as delivery:
        assert delivery.refused.is_empty()
        assert [mark for _, _, mark in marks_of(delivery)] == [status, "sick", *[status] * 3]


@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_a_first_line_may_announce_the_delimiter(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path, [[f"sep={mark}"], *sheet(["H H H A H"])], mark=mark)
    # The line that announces holds no other field.
    text = path.read_text(encoding="utf-8").split("\n", 1)[1]
    path.write_text(f"sep={mark}\r\n{text}", encoding="utf-8")
    assert flat(path)["_row"].to_list() == [4]
    with read(path) as delivery:
        assert marks_of(delivery)[3] == ("0101", "09-04", "unexcused")


def test_a_workbook_with_merged_headings_and_dates(tmp_path: Path) -> None:
    """Names merged over three rows, days as real dates, two totals under one heading."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Daftar Hadir"
    page.append(["DAFTAR HADIR SISWA"])
    page.append(["Kelas : VII-A"])
    page.append(["No", "NIS", "Nama", "L/P", "Hari/Tanggal", *[None] * 4, "Jumlah"])
    page.append([None] * 4 + ["S", "S", "R", "K", "J"])
    days = [datetime(2025, 9, day) for day in range(1, 6)]  # noqa: DTZ001
    page.append([*[None] * 4, *days, "S", "A"])
    page.append([1, "0101", AHMAD.name, "L", "H", "S", "H", "H", "A", 1, 1])
    page.append([2, "0102", SITI.name, "P", "H", "H", "H", "H", "H", 0, 0])
    for area in ("A1:K1", "A3:A5", "B3:B5", "C3:C5", "D3:D5", "E3:I3", "J3:K3"):
        page.merge_cells(area)
    path = tmp_path / "absen.xlsx"
    book.save(path)
    found = sniffed(path)
    assert found.what == "monthly attendance sheet, September 2025, class VII-A, 2 students, 5 days"
    assert (found.questions, found.warnings) == ((), ())
    with read(path) as delivery:
        assert delivery.refused.is_empty()
        places = delivery.frame("attendance").select("_sheet", "_row").unique().sort("_row")
        assert places.rows() == [("Daftar Hadir", 6), ("Daftar Hadir", 7)]
        assert marks_of(delivery)[1] == ("0101", "09-02", "sick")
        assert delivery.frame("student").select("student", "sex").rows() == [
            ("0101", "M"), ("0102", "F"),
        ]  # fmt: skip


@pytest.mark.parametrize("name", ["absen.doc", "absen.xls"])
def test_a_web_page_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    """Titles outside the table, and a heading over two rows and over all days."""
    page = (
        "<html><body><h3>DAFTAR HADIR BULAN SEPTEMBER 2025</h3><p>Kelas : VII-A</p>"
        "<table><tr><th rowspan=2>No</th><th rowspan=2>NIS</th><th rowspan=2>Nama</th>"
        "<th colspan=5>Tanggal</th><th rowspan=2>A</th></tr>"
        "<tr><th>1</th><th>2</th><th>3</th><th>4</th><th>5</th></tr>"
        f"<tr><td>1<td>0101<td>{AHMAD.name}<td>H<td>H<td>A<td>H<td>H<td>1</tr>"
        f"<tr><td>2<td>0102<td>{SITI.name}<td>H<td>H<td>H<td>H<td>S<td>-</tr></table>"
        "<p>Tuban, 30 Oktober 2025</p></body></html>"
    )
    path = tmp_path / name
    path.write_text(page, encoding="utf-8")
    found = sniffed(path)
    assert found.what == "monthly attendance sheet, September 2025, class VII-A, 2 students, 5 days"
    assert found.warnings == ()
    with read(path) as delivery:
        assert delivery.refused.is_empty()
        assert marks_of(delivery)[2] == ("0101", "09-03", "unexcused")
        assert marks_of(delivery)[9] == ("0102", "09-05", "sick")


def test_two_months_side_by_side(tmp_path: Path) -> None:
    days = [*range(27, 32), *range(1, 6)]
    rows = sheet(["H H H H S A H H H H"], days=days, titles=[["TP 2025/2026"], ["Kelas : VII-A"]])
    rows.insert(2, ["", "", "", "Oktober", *[""] * 4, "Nopember"])
    path = written(tmp_path, rows)
    assert flat(path).columns[3:-1] == [
        *(f"2025-10-{day}" for day in range(27, 32)), *(f"2025-11-0{day}" for day in range(1, 6)),
    ]  # fmt: skip
    del rows[2]
    with pytest.raises(DataError, match=r"days begin anew at '1' \(column I\)"):
        flat(written(tmp_path, rows, "2025-10.csv"))


# Days


def test_a_day_that_the_month_has_not(tmp_path: Path) -> None:
    """An empty column 31 is part of the form; a mark in it is refused by row and column."""
    days = (24, 25, 26, 27, 30, 31)
    empty = written(tmp_path, sheet(["H H H H H _"], days=days))
    assert sniffed(empty).warnings == ()
    assert flat(empty).columns[3:-1] == [f"2025-09-{day}" for day in days[:5]]
    marked = written(tmp_path, sheet(["H H H H H _", "H H H H H A"], days=days), "marked.csv")
    assert (
        "marked.csv: '31' (column I) is no day of that month, but has 1 marks; they are refused"
        in sniffed(marked).warnings
    )
    with read(marked) as delivery:
        assert refused_of(delivery) == [(5, "2025-09-31", "A", "impossible_date")]
        assert delivery.rows["attendance"] == 10


def test_a_day_without_any_mark_is_no_day_of_the_register(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H _ H A _", "H _ H H _"]))
    found = sniffed(path)
    assert found.questions == ()
    assert found.what.endswith("2 students, 3 days")
    assert found.warnings == (
        "absen.csv: nobody has a mark on day 2, 5: no register was taken there, a holiday or a day "
        "to come",
    )
    with read(path) as delivery:
        assert delivery.refused.is_empty()
        assert {day for _, day, _ in marks_of(delivery)} == {"09-01", "09-03", "09-04"}
        assert found.warnings[0] in delivery.warnings


@pytest.mark.parametrize("meaning", ["unrecorded", "present", "no_school"])
def test_what_an_empty_mark_means_is_asked(tmp_path: Path, meaning: str) -> None:
    path = written(tmp_path, sheet(["_ S _ A _", "A _ I _ A"]))
    ((key, question),) = sniffed(path).questions
    assert key == "blank"
    assert "5 empty marks on days" in question
    assert "day 1 (1), 2 (1), 3 (1), 4 (1), 5 (1)" in question
    assert "nobody is marked as present, so it may mean present" in question
    with read(path) as delivery:
        assert {reason for *_, reason in refused_of(delivery)} == {"blank_code"}
        assert delivery.rows["attendance"] == 5
    with read(path, keys={"blank": meaning}) as delivery:
        assert marks_of(delivery)[0] == ("0101", "09-01", meaning)


def test_totals_can_show_what_an_empty_mark_means(tmp_path: Path) -> None:
    rows = sheet(["_ S _ A _", "A _ I _ A"], totals=["H", "A"], counts=["3 1", "2 2"])
    (_, question) = sniffed(written(tmp_path, rows)).questions[0]
    assert "the totals 'H' count it" in question


def test_a_day_that_stands_there_twice(tmp_path: Path) -> None:
    """The same mark is kept once; two different ones are refused, both."""
    path = written(tmp_path, sheet(["H H H H S S", "H H H H S A"], days=(1, 2, 3, 4, 5, 5)))
    assert sniffed(path).warnings == (
        "absen.csv: day 5 stands there 2 times, in columns H, I; equal marks are kept once, others "
        "refused",
    )
    with read(path) as delivery:
        assert [(row, reason) for row, *_, reason in refused_of(delivery)] == [
            (4, "duplicate"), (5, "duplicates_disagree"), (5, "duplicates_disagree"),
        ]  # fmt: skip
        assert marks_of(delivery)[4] == ("0101", "09-05", "sick")


def test_marks_where_no_day_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H H A H H H"], days=(1, 2, "", 3, 4, 5)))
    assert sniffed(path).warnings == (
        "absen.csv: column F, which has no heading, holds 1 marks but names no day; they are not "
        "read",
    )


def test_a_mark_on_a_free_day(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H LBR H H H", "H LBR H H H", "H A H H H"]))
    assert sniffed(path).warnings == (
        "absen.csv: '2' (column E) is no school day for 2 students, but row 6 has a mark there",
    )


def test_marks_on_sundays_where_friday_is_taught_too(tmp_path: Path) -> None:
    days = (4, 5, 6, 7, 8)
    taught = sniffed(written(tmp_path, sheet(["H H H H H"], days=days)))
    assert taught.warnings == (
        "absen.csv: most students have marks on a Sunday: 2025-09-07; check the month and the year",
    )
    resting = sniffed(written(tmp_path, sheet(["H ✕ H H H"], days=days), "pesantren.csv"))
    assert resting.warnings == ()


def test_an_unknown_mark_is_refused_and_named_before(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H Q H H H", "H H H H H"]))
    assert sniffed(path).warnings == (
        "absen.csv: marks that the list id does not know: 'Q' 1 times (first under '2' (column "
        "E)); give them a meaning in [table.codes], else their rows are refused",
    )
    with read(path) as delivery:
        assert refused_of(delivery) == [(4, "2025-09-02", "Q", "unknown_code")]


def test_marks_of_another_code_list_are_asked_about(tmp_path: Path) -> None:
    r"""`/` is present and N unexplained in England; here nobody knows them."""
    path = written(tmp_path, sheet(["/ / N / /", "/ / / / I"]))
    ((key, question),) = sniffed(path).questions
    assert key == "namespace"
    assert 'all are in uk2024; say namespace = "uk2024"' in question
    with read(path, keys={"namespace": "uk2024"}) as delivery:
        assert marks_of(delivery)[9] == ("0102", "09-05", "sick")


# Totals


def test_totals_that_differ_are_named(tmp_path: Path) -> None:
    rows = sheet(
        ["H S A H H", "H H H A A", "H H H H I"],
        totals=["H", "S", "I", "A", "%"],
        counts=["3 1 - 1 60", "3 - - 1 60", "4 - 1 - 80"],
    )
    assert sniffed(written(tmp_path, rows)).warnings == (
        "absen.csv: row 5 (student 2): total 'A' (column L) says 1, the marks make 2 (A)",
    )


@pytest.mark.parametrize(
    ("heading", "counts", "rule"),
    [
        ("Hadir", "3", None),
        ("Jml H", "4", "H and those who came late"),
        ("Total Alpa (TA)", "1", "TA and A"),
        ("A", "1", None),
        ("Tanpa Keterangan", "1", None),
        ("T", "1", None),
        ("Jumlah", "1", None),
    ],
)
def test_rules_of_counting(tmp_path: Path, heading: str, counts: str, rule: str | None) -> None:
    rows = sheet(["H H T A H", "H T H A H"], totals=[heading], counts=[counts, counts])
    warnings = sniffed(written(tmp_path, rows)).warnings
    assert warnings == (
        (f"absen.csv: total {heading!r} (column I) counts {rule}; it was compared so",)
        if rule
        else ()
    )


def test_a_total_that_follows_no_rule_is_said_once(tmp_path: Path) -> None:
    rows = sheet(["H H H A H"] * 5, totals=["Jumlah"], counts=["9"] * 5)
    (warning,) = sniffed(written(tmp_path, rows)).warnings
    assert (
        "follows no rule that is known here: 5 of 5 students differ, the first in row 4" in warning
    )


# Students


def test_only_students_are_rows(tmp_path: Path) -> None:
    """A numbering of columns, counts a day, sums, legend and signatures are none."""
    rows = sheet(["H S I A H", "_ H H H H"])
    rows.insert(3, [str(i + 1) for i in range(8)])
    rows += [
        ["", "", "Sakit", 0, 1, 0, 0, 0],
        ["", "", "Alpa", "-", "-", "-", 1, "-"],
        ["Jumlah hadir", "", "", 1, 1, 1, 1, 2],
        [],
        ["Keterangan", "", "H = Hadir"],
        ["", "", "", "H", ":", "Hadir"],
        ["", "", "Mengetahui,", "", "", "Tuban, 30 September"],
        ["", "", "Kepala Sekolah", "", "", "Wali Kelas"],
        ["", "", "Retno", "", "", "Sari Wulandari, S.Pd."],
    ]
    assert flat(written(tmp_path, rows))["_row"].to_list() == [5, 6]


def test_no_row_of_a_long_sheet_is_lost(tmp_path: Path) -> None:
    """The headings are looked for in the first rows only; the others follow without a gap."""
    rows = flat(written(tmp_path, sheet(["H H H H A"] * 150)))["_row"].to_list()
    assert rows == list(range(4, 154))


def test_a_student_without_number_or_marks_is_not_lost(tmp_path: Path) -> None:
    rows = sheet(["H H H H H", "_ _ _ _ _", "H H H H H"])
    rows[4][0] = ""
    rows[4][1] = ""
    with read(written(tmp_path, rows), keys={"blank": "unrecorded"}) as delivery:
        assert delivery.rows["student"] == 2


def test_the_national_number_alone_finds_students_and_makes_none(tmp_path: Path) -> None:
    rows = sheet(["H H H H H"])
    rows[2][1], rows[3][1] = "NISN", "009" + "0000001"
    (entry,) = sniffed(written(tmp_path, rows)).entries
    assert (entry["table"], entry["identify"]) == ("attendance", "national_id")
    assert entry["columns"]["student"] == "NISN"


def test_two_numbers_in_one_column(tmp_path: Path) -> None:
    rows = sheet(["H H H H H", "H H H H H", "H H H H H"])
    national = "009" + "0000001"
    rows[2][1], rows[3][1], rows[4][1] = "NIS / NISN", f"0101 / {national}", "0102"
    rows[5][1] = f"{national}/0103"
    with read(written(tmp_path, rows)) as delivery:
        assert delivery.frame("student").select("student", "national_id").rows() == [
            ("0101", national), ("0102", None), ("0103", national),
        ]  # fmt: skip


def test_a_number_of_its_own_is_believed_before_a_joined_one(tmp_path: Path) -> None:
    rows = sheet(["H H H H H"])
    rows[2][0], rows[3][0] = "NIS/NISN", "9999 / 009" + "0000001"
    cells = flat(written(tmp_path, rows))
    assert (cells["NIS"][0], cells["NISN"][0]) == ("0101", "009" + "0000001")


def test_two_words_over_one_column(tmp_path: Path) -> None:
    """What says who a row is about counts more than the number in the list."""
    rows = sheet(["H H H H H"])
    rows.insert(2, ["", "", "No", "Sen", "Sel", "Rab", "Kam", "Jum"])
    assert flat(written(tmp_path, rows))["Nama"].to_list() == [AHMAD.name]


def test_swapped_columns_are_asked_about(tmp_path: Path) -> None:
    rows = sheet(["H H H H H", "H H H H H"])
    for row in rows[3:]:
        row[1], row[2] = row[2], row[1]
    ((key, question),) = sniffed(written(tmp_path, rows)).questions
    assert key == "columns"
    assert "'NIS' holds names and 'Nama' numbers" in question


def test_a_word_for_the_sex_that_is_unknown_loses_no_student(tmp_path: Path) -> None:
    rows = sheet(["H H H H H"])
    rows[2][0], rows[3][0] = "L/P", "Putri"
    with read(written(tmp_path, rows)) as delivery:
        assert delivery.frame("student")["sex"].to_list() == [None]


# Classes


def test_a_class_that_nobody_names_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, sheet(["H H H H H"], titles=[["Bulan : September 2025"]]))
    ((key, question),) = sniffed(path).questions
    assert (key, 'class_name = "…"' in question) == ("options.class_name", True)
    assert flat(path, {"class_name": "VII-B"})["Kelas"].to_list() == ["VII-B"]


def classes(folder: Path) -> Path:
    """Two classes one under another, the class as a column, written once for each."""
    rows = sheet(["H H H H H", "H H H H H", "H _ H H A"])
    rows[2].insert(3, "Kelas")
    for row, name in zip(rows[3:], ("VII-A", "", "VII-B"), strict=True):
        row.insert(3, name)
    return written(folder, rows)


def test_several_classes_on_one_sheet(tmp_path: Path) -> None:
    path = classes(tmp_path)
    found = sniffed(path)
    assert found.what.endswith("classes VII-A, VII-B, 3 students, 5 days")
    assert found.warnings[-1] == (
        "absen.csv: class VII-B has no mark on day 2, on which other classes have some"
    )
    assert flat(path)["Kelas"].to_list() == ["VII-A", "VII-A", "VII-B"]


def test_several_tables_one_under_another(tmp_path: Path) -> None:
    """Each with its own title and headings; days and class may differ."""
    first = sheet(["H H H H H"])
    second = sheet(["A H H H H"], days=(2, 3, 4, 5, 6), titles=[["Kelas : VII-B"]])
    path = written(tmp_path, [*first, [], *second])
    found = sniffed(path)
    assert found.what.startswith("2 monthly attendance sheets: September 2025, class VII-A")
    assert [entry["options"] for entry in found.entries if entry["table"] == "attendance"] == [
        {"block": 1}, {"block": 2},
    ]  # fmt: skip
    with pytest.raises(DataError, match=r"holds 2 tables; say which: .*block = 2"):
        flat(path)
    cells = flat(path, {"block": 2})
    assert (cells["Kelas"][0], cells["2025-09-02"][0], cells["_row"][0]) == ("VII-B", "A", 8)
    with pytest.raises(DataError, match="holds no monthly attendance sheet"):
        flat(path, {"block": 3})


def test_a_workbook_with_a_sheet_a_month(tmp_path: Path) -> None:
    """The sheets' names say the months; one still to come is left out, notes are not looked at."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, marks in (("Nopember", "H H S H H"), ("Des", "A H H H H"), ("Jan", "_ _ _ _ _")):
        page = book.create_sheet(name)
        for row in sheet([marks], titles=[["TP 2025/2026"], ["Kelas : VII-A"]]):
            page.append([cell or None for cell in row])
    book.create_sheet("Catatan").append(["Rapat wali murid"])
    path = tmp_path / "absen.xlsx"
    book.save(path)
    found = sniffed(path)
    assert found.what == (
        "2 monthly attendance sheets: November 2025, class VII-A, 1 student, 5 days; December "
        "2025, class VII-A, 1 student, 5 days"
    )
    assert "absen.xlsx, sheet Jan: has no marks yet and is left out" in found.warnings
    with read(path) as delivery:
        assert delivery.refused.is_empty()
        assert [mark for mark in marks_of(delivery) if mark[2] != "present"] == [
            ("0101", "11-03", "sick"), ("0101", "12-01", "unexcused"),
        ]  # fmt: skip
        assert (delivery.rows["student"], delivery.merged["student"]) == (1, 1)
    with pytest.raises(DataError, match="has no sheet 'Mei'"):
        flat(path, sheet="Mei")
    assert flat(path, sheet=2).columns[3] == "2025-12-01"


# What it is not


@pytest.mark.parametrize(
    "rows",
    [
        [["No", "Nama", *range(1, 7)], [1, AHMAD.name, 80, 75, 90, 85, 70, 77]],
        [["NIS", "Tanggal", "Kode"], ["0101", "01/09/2025", "A"]],
        [["Bulan", *range(1, 7)], ["Juli", *"HHHHHH"]],
        [["No", "Nama", 1, 2, 3, 4], [1, AHMAD.name, "H", "H", "H", "H"]],
        [["No", "Nama", 5, 3, 4, 2, 1], [1, AHMAD.name, "H", "H", "H", "H", "H"]],
        [["No", "Nama", *range(1, 7)]],
    ],
    ids=["grades", "long", "no students", "four days", "not rising", "no rows"],
)
def test_other_files_are_not_taken(tmp_path: Path, rows: Grid) -> None:
    assert READER.sniff(bundle(written(tmp_path, rows))) is None


def test_a_form_without_marks_says_so(tmp_path: Path) -> None:
    rows = sheet([" ".join("_" * 31)], days=range(1, 32))
    with pytest.raises(DataError, match="is a monthly attendance sheet without any mark"):
        sniffed(written(tmp_path, rows))


CELLS = st.sampled_from(
    ["", "H", "S", "A", "-", "✕", "LBR", "No", "NIS", "NISN", "NIS / NISN", "Nama", "Nama Siswa",
     "Kelas", "Kelas : VII-A", "Bulan : September 2025", "L/P", "Jumlah", "%", "TA", "Sen", "S",
     "Sen (01)", "1", "2", "5", "31", "32", "45901", "2025-09-01", "Siti", "0101", "Maret"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    above=st.lists(st.lists(CELLS, max_size=12), max_size=4),
    head=st.lists(CELLS, min_size=1, max_size=5),
    days=st.integers(5, 9),
    body=st.lists(st.lists(CELLS, max_size=16), max_size=8),
)
def test_no_sheet_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory,
    above: Grid, head: list[str], days: int, body: Grid,
) -> None:  # fmt: skip
    """Whatever stands there: it is understood, not taken, or refused with a reason; and what was
    understood has every column that its entries name, once."""
    path = written(
        tmp_path_factory.mktemp("any"), [["x"], *above, [*head, *range(1, days + 1)], *body]
    )
    found = READER.sniff(bundle(path))
    for entry in found.entries if found else ():
        try:
            table = READER.open(bundle(path), entry["part"], entry.get("options", {}), None)
        except DataError:
            assert any(key.startswith("options.") for key, _ in found.questions)  # type: ignore[union-attr]
            continue
        assert len(set(table.headings)) == len(table.headings)
        assert set(entry["columns"].values()) <= set(table.headings)
        assert sum(chunk.cells.height for chunk in table.chunks()) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"year": 2025}, "no option 'year'; allowed: month, school_year, class_name, block"),
        ({"month": "09/2025"}, "month is '09/2025'; write it like"),
        ({"month": 9}, "month is 9"),
        ({"school_year": "2025-27"}, "school_year is '2025-27'"),
        ({"class_name": " "}, "class_name is ' '"),
        ({"block": 0}, "block is 0"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    path = written(tmp_path, sheet(["H H H H H"]))
    with pytest.raises(ConfigError, match=message):
        flat(path, options)
