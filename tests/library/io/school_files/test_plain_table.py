"""Plain tables: what each file fills, by headings and cells, and what is asked about it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from earlywarning import district
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.file_kind import inspect
from earlywarning.io.mapping import load_mapping, parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.school_files.plain_table import PlainTable

DATA = Path(__file__).parents[3] / "data"
READER = PlainTable()
DISTRICT = district.parse("[visits]\nlottery = false\n")


def written(folder: Path, text: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def found(path: Path) -> Found:
    seen = READER.sniff(Bundle((inspect(path, accept=READER.kinds),), path.name))
    assert seen is not None
    return seen


def entry(seen: Found, table: str) -> dict[str, Any]:
    (one,) = [dict(entry) for entry in seen.entries if entry["table"] == table]
    return one


def asked(seen: Found) -> set[str]:
    return {key for key, _ in seen.questions}


def inspected(*paths: Path, school: str | None = "S1") -> Inspection:
    return inspect_files(list(paths), source="x", school_id=school)


def read(path: Path, *, more: str = "", change: tuple[str, str] = ("", "")) -> Delivery:
    """Import with the mapping that inspect wrote, completed."""
    text = inspected(path).mapping.replace(*change) if change[0] else inspected(path).mapping
    return read_delivery(
        [path], parse_mapping(text + more), district=DISTRICT, delivered_on=date(2026, 12, 31)
    )


ROSTER = "NIS;Nama;L/P;Kelas\n0101;Siti Aminah;P;VII-A\n0102;Budi Santoso;L;VII-A\n"


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        (ROSTER, ["student", "class_group", "enrollment"]),
        ("NIPD,Nama Siswa,Rombel\n1,Siti Aminah,7A\n", ["student", "class_group", "enrollment"]),
        ("LASID|First Name|Last Name|Homeroom\n7|Siti|Aminah|7A\n8|Budi|Santoso|7A\n",
         ["student", "class_group", "enrollment"]),
        ("NIS;Kelas;Tanggal Masuk\n0101;VII-B;01/10/2026\n", ["class_group", "enrollment"]),
        ("Kode Guru;Nama Guru\nG1;Sari Wulandari, S.Pd.\n", ["staff"]),
        ("Kelas;Wali Kelas\nVII-A;G01\nVII-B;G02\n", ["class_group"]),
        ("Kelas;Wali Kelas\nVII-A;Sari Wulandari\n", ["staff", "class_group"]),
        ("NIS;Tanggal;Ket\n0101;01/09/2026;Sakit\n", ["attendance"]),
        ("student_id,attendance_date,AttendanceCode\nst1,1/9/2026,A\n", ["attendance"]),
        ("NIS;Sakit;Izin;Alpa\n0101;1;0;2\n", ["attendance_summary"]),
        ("NIS;Tanggal;Pelanggaran;Poin\n0101;01/09/2026;Merokok;50\n", ["behaviour"]),
        ("Kode;Pelanggaran;Bobot\nP1;Merokok;50\n", ["behaviour_type"]),
        ("NIS;Mapel;Nilai\n0101;IPA;77,5\n", ["grade"]),
        ("NIS;MTK;IPA;B. Indonesia\n0101;77;80;90\n", ["grade"]),
        ("NIS;PTS;PAS;Mapel\n0101;77;80;IPA\n", ["grade"]),
        ("NIS;Tanggal Kunjungan;Hasil Kunjungan\n0101;01/09/2026;selesai\n", ["visit"]),
        ("NPSN;Nama Sekolah\n20212223;SMP Contoh\n", ["school"]),
    ],
)  # fmt: skip
def test_what_a_file_fills(text: str, tables: list[str], tmp_path: Path) -> None:
    seen = found(written(tmp_path, text))
    assert [one["table"] for one in seen.entries] == tables
    # The general reader reads it: no layout of its own.
    assert all("layout" not in one for one in seen.entries)


def test_a_roster_becomes_an_ordinary_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, ROSTER)
    seen = found(path)
    assert entry(seen, "student")["columns"] == {
        "student": "NIS", "full_name": "Nama", "sex": "L/P",
    }  # fmt: skip
    assert entry(seen, "student")["values"] == {"sex": {"P": "F", "L": "M"}}
    assert asked(seen) == {"entry_date", "school_year"}
    with pytest.raises(ConfigError, match="school_year is required"):
        parse_mapping(inspected(path).mapping)


def test_a_file_that_names_its_year_needs_no_answer(tmp_path: Path) -> None:
    text = "NISN,Nama,Tahun Pelajaran,Rombel\n0000000001,Siti Aminah,2026/2027,VII-A\n"
    path = written(tmp_path, text)
    seen = inspected(path)
    assert seen.questions == ()
    made = read(path)
    (row,) = made.frame("enrollment").to_dicts()
    assert (row["student"], row["school_year"], row["entry_date"]) == (
        "0000000001", "2026-27", date(2026, 7, 1),
    )  # fmt: skip
    assert made.frame("student")["national_id"].to_list() == ["0000000001"]


def test_what_another_file_says_is_not_asked(tmp_path: Path) -> None:
    one = written(tmp_path, ROSTER, "a.csv")
    two = written(tmp_path, "NIS,Nama,Tahun Ajaran\n0103,Rina Dewi,2026/2027\n", "b.csv")
    assert {key for key, _ in inspected(one).questions} == {"entry_date", "school_year"}
    assert "school_year" not in {key for key, _ in inspected(one, two).questions}


@pytest.mark.parametrize(
    ("text", "pair", "columns"),
    [
        ("NIS;Nama;Kelas\nSiti Aminah;0101;7A\nBudi;0102;7A\n", ("'NIS'", "'Nama'"),
         {"student": "Nama", "full_name": "NIS"}),
        ("NIS;Kode;Tanggal\n0101;01/09/2026;S\n0102;13/09/2026;H\n", ("'Tanggal'", "'Kode'"),
         {"student": "NIS", "date": "Kode", "code": "Tanggal"}),
        ("NIS;Nama;L/P;Tanggal Lahir\n1;Siti;01/05/2014;P\n2;Budi;13/06/2014;L\n",
         ("'L/P'", "'Tanggal Lahir'"),
         {"student": "NIS", "full_name": "Nama", "sex": "Tanggal Lahir", "birth_date": "L/P"}),
    ],
)  # fmt: skip
def test_swapped_columns_are_named_and_asked_about(
    text: str, pair: tuple[str, str], columns: dict[str, str], tmp_path: Path
) -> None:
    seen = found(written(tmp_path, text))
    (said,) = [warning for warning in seen.warnings if "swapped" in warning]
    assert all(heading in said for heading in pair)
    assert "columns" in asked(seen)
    assert seen.entries[0]["columns"] == columns


def test_a_heading_over_other_cells_is_said_and_not_used(tmp_path: Path) -> None:
    seen = found(written(tmp_path, "NIS;Nama;Tanggal Lahir;L/P\n1;Siti;Tuban;P\n"))
    (said,) = seen.warnings
    assert said == ("under 'Tanggal Lahir' stands no birth date: 'Tuban'; the column is not used")
    assert "birth_date" not in entry(seen, "student")["columns"]


def test_headings_below_titles(tmp_path: Path) -> None:
    text = "SMP CONTOH;;\nTahun 2026;;\n\nNIS;Tanggal;Kode\n0101;01/09/2026;S\n0102;01/09/2026;H\n"
    path = written(tmp_path, text)
    one = entry(found(path), "attendance")
    assert (one["header_row"], one["delimiter"]) == (4, ";")
    assert read(path).frame("attendance")["_row"].to_list() == [5, 6]


def test_two_sheets_of_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Absen"
    first.append(["NIS", "Tanggal", "Kode"])
    first.append(["0101", date(2026, 9, 1), "S"])
    first.append(["0102", date(2026, 9, 1), "H"])
    other = book.create_sheet("Nilai")
    other.append(["NIS", "Mapel", "Nilai", "Periode"])
    other.append(["0101", "IPA", 77.5, "2026-27-Q1"])
    book.create_sheet("Catatan").append(["Hanya teks"])
    book.save(tmp_path / "x.xlsx")
    path = tmp_path / "x.xlsx"
    seen = found(path)
    assert [(one["table"], one["sheet"]) for one in seen.entries] == [
        ("attendance", "Absen"), ("grade", "Nilai"),
    ]  # fmt: skip
    made = read(path)
    assert made.frame("attendance")["date"].to_list() == [date(2026, 9, 1)] * 2
    assert made.frame("grade")["score"].to_list() == [77.5]
    assert made.refused.is_empty()


PAGE = (
    "<html><body><table><tr><td>REKAP</td></tr></table><table>"
    "<tr><th>NIS</th><th>Tanggal</th><th>Keterangan</th></tr>"
    "<tr><td>0101</td><td>2026-09-01</td><td>Sakit</td></tr>"
    "<tr><td>0102</td><td>2026-09-31</td><td>Hadir</td></tr></table></body></html>"
)


def test_a_table_of_a_web_page(tmp_path: Path) -> None:
    path = written(tmp_path, PAGE, "rekap.xls")
    one = entry(found(path), "attendance")
    assert (one["layout"], one["part"], one["sheet"]) == ("plain_table", "rows", "table 2")
    made = read(path)
    assert made.frame("attendance")["status"].to_list() == ["sick"]
    (row,) = made.refused.to_dicts()
    assert (row["sheet"], row["row"], row["column"]) == ("table 2", 3, "Tanggal")


LEDGER = (
    "DAFTAR NILAI;;;;\n\nNo;NIS;MTK;IPA;Jumlah\n;KKM;75;70;\n1;0101;77,5;80;157,5\n"
    "2;0102;0;60;60\n;Rata-rata;38,75;70;\n"
)


def test_marks_with_a_line_of_pass_marks_and_totals(tmp_path: Path) -> None:
    path = written(tmp_path, LEDGER)
    seen = found(path)
    one = entry(seen, "grade")
    assert one["melt"]["columns"] == {
        "MTK": {"subject": "Matematika", "pass_mark": 75.0},
        "IPA": {"subject": "IPA", "pass_mark": 70.0},
    }
    assert (one["layout"], one["decimal"]) == ("plain_table", ",")
    assert asked(seen) == {"period"}
    said = " ".join(seen.warnings)
    assert "row 4 (KKM), row 7 (Rata-rata)" in said
    assert "1 of 4 marks are 0" in said
    assert "not taken as subjects: Jumlah" in said
    made = read(
        path, change=("[table.melt]", '[table.constants]\nperiod = "2026-27-Q1"\n[table.melt]')
    )
    rows = made.frame("grade").select("student", "subject", "score", "pass_mark", "_row").rows()
    assert sorted(rows) == [
        ("0101", "IPA", 80.0, 70.0, 5), ("0101", "Matematika", 77.5, 75.0, 5),
        ("0102", "IPA", 60.0, 70.0, 6), ("0102", "Matematika", 0.0, 75.0, 6),
    ]  # fmt: skip
    assert made.refused.is_empty()
    assert any("row 7 (Rata-rata) is none and was left out" in text for text in made.warnings)


@pytest.mark.parametrize(
    ("values", "scale", "is_asked"),
    [
        (("77,5", "100"), None, False),  # 0 to 100 is the usual scale
        (("21", "15"), None, False),
        (("3.5", "2"), 4.0, True),
        (("17", "9"), 20.0, True),
        (("108", "66"), None, True),  # of how many?
    ],
)
def test_the_scale_is_the_whole_file_s(
    values: tuple[str, str], scale: float | None, is_asked: bool, tmp_path: Path
) -> None:
    rows = "".join(f"010{i};IPA;{value};2026-27-Q1\n" for i, value in enumerate(values))
    seen = found(written(tmp_path, "NIS;Mapel;Nilai;Periode\n" + rows))
    assert entry(seen, "grade").get("constants", {}).get("max_score") == scale
    assert asked(seen) == ({"max_score"} if is_asked else set())


def test_letters_need_a_table_of_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "NIS;Mapel;Nilai;Periode\n01;IPA;A;2026-27-Q1\n02;IPA;b+;2026-27-Q1\n")
    ((key, question),) = found(path).questions
    assert key == "values.score"
    assert "A, B+" in question
    with read(path) as made:
        assert made.refused["reason"].to_list() == ["wrong_number"] * 2
    with read(path, more='[table.values.score]\nA = 95\n"B+" = 87.5\n') as made:
        assert made.frame("grade")["score"].to_list() == [95.0, 87.5]


def test_words_of_a_term_are_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, "NIS;Mapel;Nilai;Semester\n01;IPA;80;Ganjil\n")
    ((key, question),) = found(path).questions
    assert (key, "Ganjil" in question) == ("values.period", True)
    with read(path, more='[table.values.period]\nGanjil = "2026-27-Q2"\n') as made:
        assert made.frame("grade")["period"].to_list() == ["2026-27-Q2"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("NIS;Tanggal;Kode\n01;01/09/2026;S\n02;01/09/2026;H\n", set()),
        ("NIS;Tanggal;Kode\n01;01/09/2026;S\n", {"coverage"}),  # nobody present
        ("NIS;Tanggal;Kode\n01;01/09/2026;H\n02;01/09/2026;\n", {"blank"}),
        ("NIS;Tanggal;Kode\n01;01/09/2026;H\n02;01/09/2026;XYZ\n", {"codes"}),
        ("NIS;Tanggal;Jam ke;Kode\n01;01/09/2026;1;H\n01;01/09/2026;2;A\n", {"rollup"}),
        ("NIS;Tanggal;Kode\n01;9/30/2026;H\n02;9/14/2026;H\n", {"date_format"}),
    ],
)
def test_what_attendance_leaves_open(text: str, keys: set[str], tmp_path: Path) -> None:
    assert asked(found(written(tmp_path, text))) == keys


def test_a_log_of_incidents(tmp_path: Path) -> None:
    text = (
        "NIS;Nama;Tanggal;Jenis Pelanggaran;Poin;Kategori\n0101;Siti;01/09/2026;Merokok;-50;berat\n"
        "0102;Budi;02/09/2026;Juara lomba;20;\n0102;Budi;02/09/2026;Juara lomba;20;\n"
    )
    path = written(tmp_path, text)
    assert asked(found(path)) == {"direction"}
    with read(path) as made:
        rows = made.frame("behaviour").select("event", "points", "severity").rows()
        assert rows == [
            ("0101 01/09/2026 Merokok", -50.0, "serious"),
            ("0102 02/09/2026 Juara lomba", 20.0, None),
        ]
        assert made.refused["reason"].to_list() == ["duplicate"]


def test_a_catalogue_of_offences_and_rewards(tmp_path: Path) -> None:
    text = (
        "Kode;Nama Pelanggaran;Bobot;Kategori;Tipe\nP1;Merokok;50;berat;pelanggaran\n"
        "R1;Juara;20;;penghargaan\nP1;Merokok;75;berat;pelanggaran\n"
    )
    path = written(tmp_path, text)
    assert found(path).questions == ()
    with read(path) as made:
        (row,) = made.frame("behaviour_type").to_dicts()
        assert (row["type_code"], row["points"], row["polarity"]) == ("R1", 20.0, "merit")
        assert set(made.refused["reason"]) == {"duplicates_disagree"}


@pytest.mark.parametrize("heading", ["Sisa Poin", "Poin", "Total Poin"])
def test_a_balance_of_points_is_refused(heading: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"NIS;Nama;Kelas;{heading}\n0101;Siti Aminah;VII-A;85\n")
    with pytest.raises(DataError, match=r"without days, that is a balance.*Export the log"):
        found(path)


def test_a_table_that_holds_nothing_for_us(tmp_path: Path) -> None:
    """The shape of the dropout data of UCI: nobody's number, no day, no period."""
    path = written(tmp_path, "Course;Gender;Sex;Target\n171;1;1;Dropout\n9;0;0;Graduate\n")
    with pytest.raises(DataError, match=r"it lacks a student number .* a date .* Export the stud"):
        found(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NIS;Nama;Kelas\n", r"^x\.csv: has headings, but no rows below them"),
        (
            "NIS;Nama;NIS\n01;Siti;01\n02;Budi;02\n",
            r"the heading 'NIS' stands over several columns",
        ),
        ("Nama;Kelas\nSiti;VII-A\nBudi;VII-A\n", r"; for a list of students, their numbers \(NIS"),
    ],
)
def test_a_list_of_students_that_cannot_be_taken(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        found(written(tmp_path, text))


def test_text_that_is_no_table(tmp_path: Path) -> None:
    path = written(tmp_path, "Rapat wali murid, Senin\nMohon hadir, terima kasih\n")
    assert READER.sniff(Bundle((inspect(path),), path.name)) is None


def test_names_instead_of_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "Nama;Kelas;Tanggal;Kode\nSiti Aminah;VII-A;01/09/2026;H\n")
    one = entry(found(path), "attendance")
    assert (one["columns"]["student"], one["identify"]) == ("Nama", "name")
    assert one["match"] == {"class_name": "Kelas"}
    path = written(tmp_path, "NISN;Tanggal;Kode\n0000000001;01/09/2026;H\n")
    assert entry(found(path), "attendance")["identify"] == "national_id"


@pytest.mark.parametrize(
    ("options", "sheet", "error", "says"),
    [
        ({"row": 1}, None, ConfigError, "allowed is header_row"),
        ({"header_row": "1"}, None, ConfigError, "allowed is header_row"),
        ({"header_row": 9}, None, DataError, "row 9 is empty"),
        ({}, "Nilai", DataError, "has no sheet 'Nilai'"),
    ],
)
def test_options_that_do_not_fit(
    options: dict[str, Any], sheet: str | None, error: type[Exception], says: str, tmp_path: Path
) -> None:
    path = written(tmp_path, ROSTER)
    with pytest.raises(error, match=says):
        READER.open(Bundle((inspect(path),), path.name), "rows", options, sheet)


def test_a_row_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "NIS;Nama\n0101;Siti\n0102;Budi;x\n0103\n")
    table = READER.open(Bundle((inspect(path),), path.name), "rows", {}, None)
    (chunk,) = table.chunks()
    assert chunk.cells.rows() == [("0101", "Siti", 2), ("0103", None, 4)]
    assert chunk.faults.select("_row", "reason").rows() == [(3, "too_many_fields")]


def test_only_what_was_looked_at_is_spoken_of(tmp_path: Path) -> None:
    rows = "".join(f"{i:05d};01/09/2026;{'H' if i % 9 else 'S'}\n" for i in range(6_000))
    seen = found(written(tmp_path, "NIS;Tanggal;Kode\n" + rows))
    assert seen.warnings == ("x.csv: only the first 5,000 rows were looked at",)


def test_letters_where_marks_have_a_decimal_comma() -> None:
    text = (
        'source = "x"\n[defaults]\nschool_id = "S1"\n[[table]]\ntable = "grade"\nfile = "x"\n'
        'decimal = ","\n[table.columns]\nstudent = "NIS"\nsubject = "M"\nperiod = "P"\n'
        'score = "N"\n[table.values.score]\nA = 92.5\nB = "80,5"\n'
    )
    (one,) = parse_mapping(text).tables
    assert one.values == {"score": {"A": "92,5", "B": "80,5"}}
    with pytest.raises(ConfigError, match="must be lines like"):
        parse_mapping(text.replace("92.5", "true"))


def test_the_number_of_a_family_card_is_repeated_nowhere(tmp_path: Path) -> None:
    number = "9" * 16
    seen = found(written(tmp_path, f"NIS;Nama;No KK;Kelas\n01;Siti;{number} x;7A\n"))
    assert number not in str(seen)
    seen = found(written(tmp_path, f"NIS;Nama;No KK;Kelas\n01;Siti;{number};7A\n"))
    student = entry(seen, "student")
    assert (student["columns"]["household"], student["hashed"]) == ("No KK", ["household"])
    assert number not in str(seen)


# Real files: what inspect writes, against the mapping that a person wrote


def by_hand(name: str) -> dict[str, dict[str, Any]]:
    mapping = load_mapping(DATA / name / "mapping.toml")
    return {one.table: {key: list(names) for key, names in one.columns.items()}
            for one in mapping.tables}  # fmt: skip


def guessed(*files: Path) -> dict[str, dict[str, Any]]:
    data = tomllib.loads(inspected(*files, school=None).mapping)
    return {
        one["table"]: {
            key: names if isinstance(names, list) else [names]
            for key, names in one["columns"].items()
        }
        for one in data["table"]
    }


@pytest.mark.parametrize(
    ("name", "files", "missing"),
    [
        ("contoso", ["day1"], set()),
        ("uci_student", ["student-por.csv"], set()),
        ("two_classes", ["siswa.csv", "guru.csv", "kehadiran.csv"], set()),
    ],
)
def test_few_completions_are_needed(name: str, files: list[str], missing: set[str]) -> None:
    wanted, there = by_hand(name), guessed(*(DATA / name / file for file in files))
    assert set(wanted) <= set(there)
    lacking = {
        f"{table}.{column}"
        for table, columns in wanted.items()
        for column, headings in columns.items()
        if there[table].get(column) != headings
    }
    assert lacking == missing


def test_contoso_by_the_guess_completed(tmp_path: Path) -> None:
    files = [DATA / "contoso" / "day1"]
    text = inspected(*files, school="sch0").mapping
    text = text.replace('source = "x"\n', 'source = "x"\n\n[defaults]\nschool_year = "2019-20"\n')
    text = text.replace("\n[defaults]\nschool_id", "\nschool_id")
    marks = 'code = "AttendanceCode"\n'
    assert marks in text
    text = text.replace(
        'school_id = "school_id"\n',
        'school_id = "school_id"\n[table.codes]\nP = "present"\nA = "unexcused"\n',
        1,
    )
    text = text.replace(
        'period = "term_id"\n',
        'period = "term_id"\n[table.values.period]\nterm1 = "2019-20-Q2"\nterm2 = "2019-20-Q4"\n'
        "[table.constants]\nmax_score = 110\n",
    )
    text = text.replace(
        'table = "enrollment"\n', 'table = "enrollment"\nconstants = { entry_date = 2019-09-01 }\n'
    )
    rules = district.load(DATA / "contoso" / "district.toml")
    theirs = parse_mapping(text)
    ours = load_mapping(DATA / "contoso" / "mapping.toml")
    day = date(2020, 6, 1)
    with (
        read_delivery(files, theirs, district=rules, delivered_on=day) as one,
        read_delivery(files, ours, district=rules, delivered_on=day) as two,
    ):
        for table in ("attendance", "grade", "enrollment"):
            names = [n for n in two.frame(table).columns if n[0] != "_"]
            names = [n for n in names if n not in ("namespace", "kind", "pass_mark", "code")]
            assert one.frame(table).select(names).equals(two.frame(table).select(names)), table
        assert one.frame("attendance").height > 200
        assert pl.concat([one.refused, two.refused])["reason"].unique().to_list() == ["duplicate"]
