"""Dapodik's student list: every shape in which schools have it, and what must not leave it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

import people
from earlywarning import district
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import ORDER, Delivery
from earlywarning.io.file_kind import inspect
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning.io.school_files.dapodik_roster import PARTS, DapodikRoster
from earlywarning.io.school_files.interface import Bundle
from earlywarning_pipelines import cli

DISTRICT = district.parse("[visits]\nlottery = false\n")
KEY = b"k" * 32
GROUPS = ("Data Ayah", "Data Ibu", "Data Wali")
OF_A_PARENT = ("Nama", "Tahun Lahir", "Jenjang Pendidikan", "Pekerjaan", "Penghasilan", "NIK")
COLUMNS: tuple[tuple[str, str], ...] = (
    *(("", name) for name in (
        "No", "Nama", "NIPD", "JK", "NISN", "Tempat Lahir", "Tanggal Lahir", "NIK", "Agama",
        "Alamat", "RT", "RW", "Dusun", "Kelurahan", "Kecamatan", "Kode Pos", "Jenis Tinggal",
        "Alat Transportasi", "Telepon", "HP", "E-Mail", "SKHUN", "Penerima KPS", "No. KPS",
    )),
    *((group, name) for group in GROUPS for name in OF_A_PARENT),
    *(("", name) for name in (
        "Rombel Saat Ini", "No Peserta Ujian Nasional", "No Seri Ijazah", "Penerima KIP",
        "Nomor KIP", "Nama di KIP", "Nomor KKS", "No Registrasi Akta Lahir", "Bank",
        "Nomor Rekening Bank", "Rekening Atas Nama", "Layak PIP\n(usulan dari sekolah)",
        "Alasan Layak PIP", "Kebutuhan Khusus", "Sekolah Asal", "Anak ke-berapa", "Lintang",
        "Bujur", "No KK", "Berat Badan", "Tinggi Badan", "Lingkar Kepala",
        "Jml. Saudara\nKandung", "Jarak Rumah\nke Sekolah (KM)",
    )),
)  # fmt: skip
"""The 66 columns: group and heading."""

READ = {
    ("", name) for name in (
        "Nama", "NIPD", "JK", "NISN", "Tanggal Lahir", "Kelurahan", "Jenis Tinggal", "Telepon",
        "HP", "Rombel Saat Ini", "No KK",
    )
} | {(group, name) for group in GROUPS for name in ("Nama", "Pekerjaan")}  # fmt: skip
SECRET = "RAHASIA"
TITLES = (
    "Daftar Peserta Didik", "SMP NEGERI 1 CONTOH",
    "Kecamatan Kec. Contoh, Kabupaten Kab. Contoh, Provinsi Prov. Contoh",
    "Tanggal Unduh: 2026-09-15 08:10:55",
)  # fmt: skip
Row = dict[tuple[str, str], Any]


def card(family: int) -> str:
    """A family card's number that no province has."""
    return f"99{family:010d}1234"


def student(child: people.Child, family: int | None, **more: Any) -> Row:
    """One row of the list; every column that must not be read holds a secret."""
    row: Row = {
        column: f"{SECRET}-{column[0]}-{column[1]}" for column in COLUMNS if column not in READ
    }
    plain = {
        "Nama": child.name.upper(), "NIPD": child.local_id, "JK": "L" if child.sex == "M" else "P",
        "NISN": f"0000{child.local_id.zfill(6)}", "Tanggal Lahir": "2013-04-03",
        "Kelurahan": "Desa Contoh", "Rombel Saat Ini": child.class_name,
        "No KK": card(family) if family else None, **more,
    }  # fmt: skip
    for name, value in plain.items():
        group, _, own = name.rpartition("|")
        row[group, own] = value
    return row


FAMILY = {
    "Data Ayah|Nama": "Bapak Fulan", "Data Ayah|Pekerjaan": "Petani",
    "Data Ibu|Nama": "Ibu Fulan", "Data Ibu|Pekerjaan": "Tenaga Kerja Indonesia",
    "Jenis Tinggal": "Bersama orang tua", "HP": "0800-1234-567",
}  # fmt: skip
LISTED = (
    student(people.AHMAD, 1, **FAMILY),
    student(people.BUDI, 1, **FAMILY),
    student(
        people.SITI, 2,
        **{
            "Data Ayah|Nama": "Bapak Contoh", "Data Ayah|Pekerjaan": "98",
            "Data Ibu|Nama": "Ibu Contoh", "Data Wali|Nama": "Nenek Contoh",
            "Data Wali|Pekerjaan": "Lainnya", "Jenis Tinggal": "Wali",
            "HP": "8001234568/08009999999", "Telepon": "0356-000111",
        },
    ),
    student(people.YUSUF, None, **{"Data Ibu|Nama": "-"}),
)  # fmt: skip


def two_rows(columns: Sequence[tuple[str, str]], *, above: bool) -> list[list[Any]]:
    """Two rows of headings; single columns in the upper one (`above`) or in the lower one."""
    upper, lower, before = [], [], ""
    for group, name in columns:
        upper.append(
            (group if group != before else None) or (name if above and not group else None)
        )
        lower.append(name if group or not above else None)
        before = group
    return [upper, lower]


def suffixed(columns: Sequence[tuple[str, str]], style: str) -> list[list[Any]]:
    """One row of headings: `Nama.1`; `Nama A`, `Nama I`, `Nama`; `Nama` alone; `Nama Ayah`."""
    seen: dict[str, int] = {}
    row = []
    for group, name in columns:
        count = seen.get(name, 0)
        seen[name] = count + 1
        number = f"{name}.{count}" if count else name
        letter = {"Data Ayah": f"{name}A", "Data Ibu": f"{name} I"}.get(group, name)
        word = f"{name} {group.removeprefix('Data ')}" if group else name
        row.append({"numbers": number, "letters": letter, "order": name, "words": word}[style])
    return [row]


def sheet_rows(
    rows: Sequence[Row],
    *,
    columns: Sequence[tuple[str, str]] = COLUMNS,
    headings: Callable[[Sequence[tuple[str, str]]], list[list[Any]]] | None = None,
    titles: Sequence[str] = TITLES,
) -> list[list[Any]]:
    made: list[list[Any]] = [[title] for title in titles]
    made += headings(columns) if headings else two_rows(columns, above=True)
    for number, row in enumerate(rows, start=1):
        made.append([row.get(column) if column != ("", "No") else number for column in columns])
    return made


def workbook(path: Path, rows: Sequence[Sequence[Any]], *, merge: bool = False) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Daftar Peserta Didik"
    for row in rows:
        page.append(list(row))
    if merge:
        for start in (25, 31, 37):
            page.merge_cells(start_row=5, end_row=5, start_column=start, end_column=start + 5)
        page.merge_cells("A5:A6")
    book.save(path)
    return path


def text_file(path: Path, rows: Sequence[Sequence[Any]], *, delimiter: str = ";") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(
            ["" if cell is None else cell for cell in row] for row in rows
        )
    return path


def page_file(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    cells = ("".join(f"<td>{'' if cell is None else cell}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    path.write_text(f"<html><body><table>{body}</table></body></html>", encoding="utf-8")
    return path


def looked_at(path: Path, school: str | None = "20500001") -> Inspection:
    return inspect_files([path], source="dapodik", school_id=school)


def delivered(found: Inspection, path: Path) -> Delivery:
    assert not found.questions, found.questions
    mapping = parse_mapping(found.mapping)
    return read_delivery([path], mapping, district=DISTRICT, household_key=KEY)


def read(path: Path) -> Delivery:
    return delivered(looked_at(path), path)


def shuffled(columns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Columns in another order, each group still side by side."""
    blocks: list[list[tuple[str, str]]] = []
    for column in columns:
        if column[0] and blocks and blocks[-1][0][0] == column[0]:
            blocks[-1].append(column)
        else:
            blocks.append([column])
    order = np.random.default_rng(4)
    order.shuffle(blocks)
    for block in blocks:
        order.shuffle(block)
    return [column for block in blocks for column in block]


NEEDED = [
    column for column in COLUMNS
    if column in READ or column[1] in ("No", "Agama", "NIK", "Berat Badan")
]  # fmt: skip
SHAPES: Mapping[str, Callable[[Path], Path]] = {
    "as downloaded": lambda folder: workbook(folder / "a.xlsx", sheet_rows(LISTED), merge=True),
    "single columns below": lambda folder: workbook(
        folder / "a.xlsx",
        sheet_rows(LISTED, headings=lambda columns: two_rows(columns, above=False)),
        merge=True,
    ),
    "title rows gone": lambda folder: workbook(
        folder / "daftar_pd-SMP CONTOH-2026-09-15 08_10.xlsx", sheet_rows(LISTED, titles=())
    ),
    "shuffled": lambda folder: workbook(
        folder / "a.xlsx", sheet_rows(LISTED, columns=shuffled(COLUMNS))
    ),
    "shuffled, single columns below": lambda folder: workbook(
        folder / "a.xlsx",
        sheet_rows(
            LISTED, columns=shuffled(COLUMNS),
            headings=lambda columns: two_rows(columns, above=False),
        ),
    ),
    "columns gone": lambda folder: workbook(
        folder / "a.xlsx", sheet_rows(LISTED, columns=NEEDED)
    ),
    "one row, numbers": lambda folder: text_file(
        folder / "a.csv", sheet_rows(LISTED, headings=lambda names: suffixed(names, "numbers"))
    ),
    "one row, letters": lambda folder: text_file(
        folder / "a.csv", sheet_rows(LISTED, headings=lambda names: suffixed(names, "letters")),
        delimiter=",",
    ),
    "one row, words": lambda folder: text_file(
        folder / "a.csv", sheet_rows(LISTED, headings=lambda names: suffixed(names, "words"))
    ),
    "one row, order": lambda folder: text_file(
        folder / "a.txt", sheet_rows(LISTED, headings=lambda names: suffixed(names, "order"))
    ),
    "web page": lambda folder: page_file(folder / "a.xls", sheet_rows(LISTED)),
}  # fmt: skip


def everything(delivery: Delivery) -> str:
    """All that a delivery holds, as one text."""
    frames = [delivery.frame(name) for name in ORDER] + [delivery.refused]
    return "\n".join([frame.write_csv() for frame in frames] + [*delivery.warnings])


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_list_says_the_same(shape: str, tmp_path: Path) -> None:
    path = SHAPES[shape](tmp_path)
    found = looked_at(path)
    with delivered(found, path) as delivery:
        assert delivery.refused.is_empty(), delivery.refused.to_dicts()
        rows = {name: delivery.frame(name) for name in ORDER}
        told = everything(delivery) + found.mapping + repr(found.files)
    # What must not be read enters neither a chunk nor the delivery.
    reader = DapodikRoster()
    bundle = Bundle((inspect(path, accept=reader.kinds),), path.name)
    chunks = "".join(
        chunk.cells.write_csv() + chunk.faults.write_csv()
        for part in PARTS
        for chunk in reader.open(bundle, part, {}, None).chunks()
    )
    assert "Bapak Fulan" in told
    assert "Bapak Fulan" in chunks
    assert SECRET not in told + chunks
    assert card(1)[2:12] not in told
    students = {row["student"]: row for row in rows["student"].to_dicts()}
    assert students["0101"]["full_name"] == "AHMAD FULAN"
    assert students["0102"] | {"household": None} == students["0102"] | {
        "household": None, "national_id": "0000000102", "sex": "F", "village": "Desa Contoh",
        "birth_date": date(2013, 4, 3), "school_id": "20500001",
    }  # fmt: skip
    enrolled = rows["enrollment"].select("student", "class_name", "grade_level", "entry_date")
    assert enrolled.rows() == [
        ("0101", "VII-A", 7, date(2026, 7, 1)), ("0301", "VIII-A", 8, date(2026, 7, 1)),
        ("0102", "VII-A", 7, date(2026, 7, 1)), ("0202", "VII-B", 7, date(2026, 7, 1)),
    ]  # fmt: skip
    classes = rows["class_group"].select("class_name", "grade_level", "school_year").rows()
    assert classes == [("VII-A", 7, "2026-27"), ("VIII-A", 8, "2026-27"), ("VII-B", 7, "2026-27")]
    parents = rows["guardian"].drop("school_id", "available", pl.selectors.starts_with("_"))
    assert parents.rows() == [
        ("0101", "father", "Bapak Fulan", "M", "+628001234567", None, True),
        ("0101", "mother", "Ibu Fulan", "F", None, "abroad", None),
        ("0301", "father", "Bapak Fulan", "M", "+628001234567", None, True),
        ("0301", "mother", "Ibu Fulan", "F", None, "abroad", None),
        ("0102", "father", "Bapak Contoh", "M", None, "deceased", None),
        ("0102", "mother", "Ibu Contoh", "F", "+628001234568", None, None),
        ("0102", "guardian", "Nenek Contoh", "unknown", "+628001234568", None, True),
    ]  # fmt: skip


def test_brothers_and_sisters_of_one_family_card_are_one_household(tmp_path: Path) -> None:
    with read(SHAPES["as downloaded"](tmp_path)) as delivery:
        homes = dict(delivery.frame("student").select("student", "household").rows())
    assert homes["0101"] == homes["0301"] != homes["0102"]
    assert homes["0101"].startswith("kk-")
    assert homes["0202"] is None


def test_the_number_of_a_family_card_stands_in_no_refusal(tmp_path: Path) -> None:
    rows = [
        student(people.AHMAD, 1, JK="X"),
        student(people.BUDI, 1, **{"Tanggal Lahir": "2013-02-31"}),
        student(people.SITI, 2, NIPD=card(3)),
    ]  # fmt: skip
    with read(workbook(tmp_path / "a.xlsx", sheet_rows(rows))) as delivery:
        told = everything(delivery)
        reasons = delivery.refused.select("table", "row", "column", "reason").unique().rows()
    assert ("student", 7, "JK", "unknown_code") in reasons
    assert ("student", 8, "Tanggal Lahir", "impossible_date") in reasons
    assert ("student", 9, "NIPD", "identity_number") in reasons
    assert not any(card(family)[2:12] in told for family in (1, 2, 3))


def test_a_student_without_the_schools_number_is_refused_and_told_what_to_do(
    tmp_path: Path,
) -> None:
    rows = [
        student(people.AHMAD, 1, **FAMILY), student(people.BUDI, 1, NIPD=None, **FAMILY),
        student(people.SITI, 2, NIPD="-"),
    ]  # fmt: skip
    with read(workbook(tmp_path / "a.xlsx", sheet_rows(rows))) as delivery:
        refused = delivery.refused.select("table", "row", "column", "found", "reason").rows()
        assert refused == [
            ("guardian", 8, "NIPD", "(empty)", "missing"),
            ("student", 8, "NIPD", "(empty)", "missing"),
            ("student", 9, "NIPD", "-", "missing"),
        ]
        assert "enter it in Dapodik (NIPD)" in delivery.refused["allowed"][0]
        assert delivery.frame("student")["student"].to_list() == ["0101"]
        assert delivery.frame("enrollment")["student"].to_list() == ["0101"]
        assert delivery.frame("guardian").height == 2


def test_numbers_that_a_spreadsheet_spoilt_are_reported_and_never_padded(tmp_path: Path) -> None:
    rows = [
        student(people.AHMAD, 1, NIPD=101, NISN=102), student(people.SITI, 2, NISN="3.1E+09"),
        student(people.BUDI, None, **{"No KK": 9_900_000_000_011_230}),
        student(people.DEWI, None, **{"No KK": "9.9E+15"}),
    ]  # fmt: skip
    with read(workbook(tmp_path / "a.xlsx", sheet_rows(rows))) as delivery:
        students = {row["student"]: row for row in delivery.frame("student").to_dicts()}
        warnings = "\n".join(delivery.warnings)
        refused = delivery.refused.select("table", "column", "row", "reason").rows()
    assert students["101"]["national_id"] == "102"
    assert "column 'NIPD' holds a number in row" in warnings
    assert "column 'NISN' holds a number in row" in warnings
    assert students["0301"]["household"] is students["0201"]["household"] is None
    assert "No KK of 2 rows (9, 10) is no number of 16 digits" in warnings
    assert "9900000" not in warnings
    assert refused == [
        ("enrollment", "NIPD", 8, "unknown_student"), ("student", "NISN", 8, "id_as_number"),
    ]  # fmt: skip
    with read(text_file(tmp_path / "a.csv", sheet_rows(rows))) as delivery:
        again = delivery.refused.select("table", "column", "row", "reason").rows()
    assert again == refused


def test_a_column_of_family_cards_that_was_rounded_makes_no_families(tmp_path: Path) -> None:
    children = people.CHILDREN[:6]
    rounded = [
        student(child, None, **{"No KK": f"99{number:013d}0"})
        for number, child in enumerate(children, start=1)
    ]
    with read(text_file(tmp_path / "a.csv", sheet_rows(rounded))) as delivery:
        assert delivery.frame("student")["household"].null_count() == len(children)
        assert any("No KK of 6 rows" in warning for warning in delivery.warnings)
    kept = [*rounded[1:], student(people.AHMAD, 7)]
    with read(text_file(tmp_path / "b.csv", sheet_rows(kept))) as delivery:
        assert delivery.frame("student")["household"].null_count() == 0


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        ("Bersama orang tua", [True, True, None]), ("Wali", [None, None, True]),
        ("Asrama", [False, False, False]), ("Lainnya", [None] * 3), (None, [None] * 3),
    ],
)  # fmt: skip
def test_who_a_student_lives_with_is_taken_only_where_it_is_said(
    home: str | None, expected: list[bool | None], tmp_path: Path
) -> None:
    names = {f"{group}|Nama": f"Orang {group}" for group in GROUPS}
    rows = [student(people.AHMAD, 1, **names, **{"Jenis Tinggal": home})]
    with read(workbook(tmp_path / "a.xlsx", sheet_rows(rows))) as delivery:
        assert delivery.frame("guardian")["lives_with"].to_list() == expected


def test_the_late_and_those_abroad_get_no_number_and_unusable_numbers_are_counted(
    tmp_path: Path,
) -> None:
    rows = [
        student(people.AHMAD, 1, **{
            "Data Ayah|Nama": "Bapak Fulan (Alm.)", "Data Ibu|Nama": "Almira",
            "Data Wali|Nama": "Paman", "Data Wali|Pekerjaan": 13, "HP": 8_001_234_567,
        }),
        student(people.SITI, 2, **{"Data Ibu|Nama": "Ibu", "HP": "6.28E+12", "Telepon": "321"}),
        student(people.DEWI, 3, **{"Data Ibu|Nama": "Ibu", "HP": "-", "Telepon": "0356-000111"}),
    ]  # fmt: skip
    with read(workbook(tmp_path / "a.xlsx", sheet_rows(rows))) as delivery:
        found = delivery.frame("guardian").select("full_name", "vital", "phone").rows()
        assert found == [
            ("Bapak Fulan", "deceased", None), ("Almira", None, "+628001234567"),
            ("Paman", "abroad", None), ("Ibu", None, None), ("Ibu", None, "+62356000111"),
        ]  # fmt: skip
        (said,) = [warning for warning in delivery.warnings if "Telepon" in warning]
        assert "1 rows (8)" in said
        assert "321" not in said


def test_without_a_date_the_school_year_is_asked_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", sheet_rows(LISTED, titles=TITLES[:3]))
    found = looked_at(path, school=None)
    assert {key for key, _ in found.questions} == {"school_year", "school_id"}
    with pytest.raises(ConfigError, match=r"\(school\): the column school_id is required"):
        parse_mapping(found.mapping)


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Tanggal Unduh: 2026-06-30 10:00:00", "2025-26"),
        ("Tanggal unduh : 01/07/2026", "2026-27"),
        ("Diunduh pada: 12 Agustus 2025", "2025-26"),
    ],
)
def test_the_school_year_is_that_of_the_download(title: str, year: str, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        sheet_rows(LISTED, titles=("Daftar Peserta Didik", "NPSN : 20500002", title)),
    )
    found = looked_at(path, school=None)
    assert not found.questions
    mapping = parse_mapping(found.mapping)
    assert mapping.defaults == {"school_id": "20500002", "school_year": year}
    (item,) = found.files
    assert item.found is not None
    july = [warning for warning in item.found.warnings if "as the school year begins" in warning]
    assert bool(july) == ("01/07" in title)


def test_what_inspect_says(tmp_path: Path) -> None:
    (item,) = looked_at(SHAPES["as downloaded"](tmp_path)).files
    assert item.found is not None
    assert item.found.what == (
        "Dapodik student list of SMP NEGERI 1 CONTOH, downloaded 2026-09-15: "
        "4 students in 3 classes"
    )
    assert item.found.warnings == ()


def test_the_sheets_of_a_book_are_read_each(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Catatan"])
    for name, rows in (("VII", LISTED[:1]), ("VIII", LISTED[1:2])):
        page = book.create_sheet(name)
        for row in sheet_rows(rows):
            page.append(row)
    book.save(tmp_path / "a.xlsx")
    with read(tmp_path / "a.xlsx") as delivery:
        assert delivery.refused.is_empty()
        found = delivery.frame("enrollment").select("student", "class_name", "_sheet", "_row")
        assert found.rows() == [("0101", "VII-A", "VII", 7), ("0301", "VIII-A", "VIII", 7)]


def test_occupations_that_cannot_be_told_apart_are_not_read(tmp_path: Path) -> None:
    columns = [column for column in COLUMNS if column != ("Data Ayah", "Pekerjaan")]
    rows = sheet_rows(LISTED, columns=columns, headings=lambda names: suffixed(names, "order"))
    path = text_file(tmp_path / "a.csv", rows)
    (item,) = looked_at(path).files
    assert item.found is not None
    assert any("whose occupation" in warning for warning in item.found.warnings)
    with read(path) as delivery:
        assert delivery.frame("guardian")["vital"].null_count() == 7


def test_other_lists_of_students_are_left_to_others(tmp_path: Path) -> None:
    other = [["No", "NIS", "Nama", "Kelas"], [1, "0101", "Ahmad Fulan", "VII-A"]]
    path = workbook(tmp_path / "a.xlsx", other)
    reader = DapodikRoster()
    bundle = Bundle((inspect(path, accept=reader.kinds),), path.name)
    assert reader.sniff(bundle) is None
    with pytest.raises(DataError, match=r"is no student list of Dapodik; it needs the headings"):
        reader.open(bundle, "students", {}, None)
    good = workbook(tmp_path / "b.xlsx", sheet_rows(LISTED))
    bundle = Bundle((inspect(good, accept=reader.kinds),), good.name)
    with pytest.raises(DataError, match="has no option 'blank'"):
        reader.open(bundle, "students", {"blank": "x"}, None)


def test_inspect_and_import_without_a_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = workbook(
        tmp_path / "daftar.xlsx",
        sheet_rows(LISTED, titles=(*TITLES, "NPSN: 20500001")),
        merge=False,
    )

    def said(*words: str) -> str:
        result = CliRunner().invoke(cli.app, ["--home", str(tmp_path / "home"), *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    said("init", "--name", "SMP Contoh", "--no-lottery")
    told = said("inspect", str(path))
    assert "layout dapodik_roster; fills school, class_group, student, enrollment, guardian" in told
    told += said("import", str(path), "--delivered-on", "2026-10-01")
    again = said("import", str(path), "--delivered-on", "2026-10-02")
    assert "guardian" in told
    kept = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert b"Bapak Fulan" in kept
    for held in (kept, told.encode(), again.encode()):
        assert SECRET.encode() not in held
        assert card(1)[2:].encode() not in held
