"""Monthly attendance sheets from the command line: what `inspect` says, and an import without a
mapping."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from earlywarning.simulation.layouts import monthly_sheets
from earlywarning_pipelines import cli

DATA = Path(__file__).parents[1] / "data" / "monthly_sheet"


def run(*words: str | Path) -> tuple[int, str]:
    """Exit code, and what the command said."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout + result.stderr


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new installation; the test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "home"
    assert run("--home", place, "init", "--no-lottery")[0] == 0
    return place


def test_a_sheet_is_inspected_and_imported_without_a_mapping(home: Path) -> None:
    path = DATA / "2025-09.csv"
    code, said = run("inspect", path, "--school", "SCH1")
    assert code == 0
    assert "monthly attendance sheet, September 2025, class 7A, 2 students, 30 days" in said
    assert "layout monthly_sheet; fills class_group, student, enrollment, attendance" in said
    assert "to say first" not in said
    code, said = run(
        "--home", home, "import", path, "--school", "SCH1", "--delivered-on", "2025-10-01"
    )
    assert code == 0, said
    # Of 30 days 8 are weekends and one is a holiday; on the 8th both have TA: nobody took the
    # register.
    assert "read     attendance: 60 rows" in said
    assert "saved    register_day: 20 added" in said
    assert "no row was refused" in said
    assert "total 'Total Alpa (TA)' (column AJ) counts TA and A" in said


def test_an_open_question_stops_an_import_without_a_mapping(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "rekap.csv"
    path.write_bytes((DATA / "2025-09.csv").read_bytes())
    code, said = run("--home", home, "import", path, "--school", "SCH1")
    assert code == 1
    assert "month: rekap.csv: of which month is this sheet?" in said
    assert "school_year under [defaults]" in said


NAMED = """\
DAFTAR HADIR SISWA;;;;;;;;;;;
TAHUN PELAJARAN 2025/2026;;;;;;;;;;;
Bulan : September;;;;;;;Kelas : VII-A;;;;
;;Hari/Tanggal;;;;;;;;;
;;Sen;Sel;Rab;Kam;Sab;Sen;Total;;;
No;Nama;01;02;03;04;06;08;H;S;I;A
1;Ahmad Fulan;H;I;S;H;H;;3;1;1;-
2;Siti Contoh;H;H;H;H;H;;5;-;-;-
3;Suparmi;A;H;H;A;H;A;3;-;-;3

Jumlah siswa;: 3;;;;;;;;;;
"""
MEANING = """
[[table]]
table = "attendance"
file = "rekap.csv"
layout = "monthly_sheet"
part = "marks"
identify = "name"
blank = "unrecorded"
[table.columns]
student = "Nama"
class_name = "Kelas"
[table.melt]
into = "code"
label = "date"
pattern = '^(\\d{4}-\\d\\d-\\d\\d)'
[table.match]
class_name = "Kelas"
"""


def test_a_sheet_of_names_waits_for_a_person(home: Path, tmp_path: Path) -> None:
    """Three students by name, 6 days: the marks come in once somebody has said who they are."""
    people = tmp_path / "siswa-2025-07.csv"
    people.write_text(
        "Kelas : VII-A;;;;;;;\nNIS;Nama;14;15;16;17;18;19\n"
        "0101;Ahmad Fulan;H;H;H;H;H;H\n0102;Siti Contoh;H;H;H;H;H;H\n0103;Suparmi;H;H;H;H;H;H\n",
        encoding="utf-8",
    )
    code, said = run("--home", home, "import", people, "--school", "SCH1",
                     "--delivered-on", "2025-08-01")  # fmt: skip
    assert code == 0, said
    sheet = tmp_path / "rekap.csv"
    sheet.write_text(NAMED, encoding="utf-8")
    mapping = tmp_path / "mapping.toml"
    head = 'source = "school-files"\n[defaults]\nschool_id = "SCH1"\nschool_year = "2025-26"\n'
    mapping.write_text(head + MEANING, encoding="utf-8")
    words = ("--home", home, "import", "--mapping", mapping, "--delivered-on", "2025-10-01", sheet)
    code, said = run(*words)
    assert code == 0, said
    assert "read     attendance: 18 rows, 18 refused" in said
    assert "to say   3 names" in said
    review = home / "review.csv"
    lines = review.read_text(encoding="utf-8-sig").splitlines()
    answered = [lines[0], *(line.removesuffix(";") + ";yes" for line in lines[1:])]
    answers = tmp_path / "answers.csv"
    answers.write_text("\n".join(answered) + "\n", encoding="utf-8")
    code, said = run(*words[:-1], "--answers", answers, sheet)
    assert code == 0, said
    assert "no row was refused" in said
    assert "saved    register_day: 6 added" in said
    # I and S of Ahmad, three A of Suparmi, and two empty marks on the 8th.
    assert "saved    attendance_event: 7 added" in said


ROWS = [("0101", "Ahmad Fulan", "VII-A"), ("0102", "Siti Contoh", "VII-A")]


def test_sheets_of_every_kind_make_the_same_facts(home: Path, tmp_path: Path) -> None:
    """Three months of a class as CSV, workbook and web page, beside a plain list of students."""
    numbers, names, classes = zip(*ROWS, strict=True)
    marks = [
        (student, date(2025, month, day), "S" if day == month else "H")
        for student in numbers for month in (8, 9, 10) for day in range(6, 12)
    ]  # fmt: skip
    tables = {
        "school": pl.DataFrame({"name": ["SMP Contoh"]}),
        "student": pl.DataFrame({"student": numbers, "full_name": names, "sex": ["M", "F"]}),
        "enrollment": pl.DataFrame(
            {"student": numbers, "school_year": ["2025-26"] * 2, "class_name": classes}
        ),
        "attendance": pl.DataFrame(marks, schema=["student", "date", "code"], orient="row"),
    }
    folder = tmp_path / "absensi"
    monthly_sheets.write(tables, folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".csv", ".xls", ".xlsx"]
    words = ("import", folder, "--school", "SCH1", "--delivered-on", "2025-11-01")
    code, said = run("--home", home, *words)
    assert code == 0, said
    assert "read     attendance: 36 rows" in said
    assert "student: 6 rows, 4 merged" in said
    assert "saved    register_day: 18 added" in said
    assert "saved    attendance_event: 6 added" in said
    code, said = run("--home", home, *words)
    assert "nothing new: the facts are as they were" in said


def test_a_list_of_students_is_better_than_a_sheet_that_names_them(tmp_path: Path) -> None:
    """Entries of the sheet for tables that another file fills are left out."""
    from earlywarning.io.recognising import inspect_files

    sheet, people = tmp_path / "2025-09.csv", tmp_path / "siswa.csv"
    sheet.write_bytes((DATA / "2025-09.csv").read_bytes())
    alone = inspect_files([sheet], source="x", school_id="SCH1")
    assert alone.mapping.count("[[table]]") == 4
    assert "fallback" not in alone.mapping
    people.write_text(
        "NIS;Nama;Jenis Kelamin;Kelas\n0123;Ahmad Fulan;L;7A\n0124;Siti Contoh;P;7A\n",
        encoding="utf-8",
    )
    unknown = sheet.rename(tmp_path / "rekap.csv")
    asked = [key for key, _ in inspect_files([unknown], source="x", school_id="SCH1").questions]
    assert asked == ["options.month", "entry_date"]
    unknown.rename(sheet)
    both = inspect_files([sheet, people], source="x", school_id="SCH1")
    (listed,) = [item.found for item in both.files if item.name == "siswa.csv"]
    assert listed is not None
    filled = {entry["table"] for entry in listed.entries}
    assert "student" in filled
    by_sheet = both.mapping.count('layout = "monthly_sheet"')
    assert by_sheet == len({"class_group", "student", "enrollment"} - filled) + 1
