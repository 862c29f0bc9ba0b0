"""Grade ledgers: every shape of headings, what empty and 0 mean, and where a semester stands."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

import people
from earlywarning import district
from earlywarning.errors import DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.file_kind import inspect
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning.io.school_files.erapor_ledger import EraporLedger
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning_pipelines import cli

DISTRICT = district.parse("[visits]\nlottery = false\n")
TITLES: tuple[tuple[str | None, ...], ...] = (
    ("LEGER NILAI RAPOR",),
    ("Nama Sekolah", ":", "SMP Contoh"),
    ("Kelas", ":", "VII-A"),
    ("Semester", ":", "1 (Ganjil)"),
    ("Tahun Pelajaran", ":", "2026/2027"),
)
SUBJECTS = ("Pendidikan Agama", "Matematika", "Bahasa Indonesia")
HEADINGS = ("No", "NISN", "NIS", "Nama Peserta Didik", *SUBJECTS, "Jumlah", "Peringkat",
            "S", "I", "A")  # fmt: skip
NISN = {child.local_id: f"0000{child.local_id.zfill(6)}" for child in people.CHILDREN}
MARKS: Mapping[people.Child, tuple[Any, ...]] = {
    people.AHMAD: (80, 70, "-", 150, 2, 3, 0, 1),
    people.SITI: (90.5, 75, 85, 250.5, 1, "-", "-", "-"),
    people.SUPARMI: (60, 0, 65, 125, 3, 1, "-", "-"),
}


def student_row(child: people.Child, number: int, marks: Sequence[Any]) -> list[Any]:
    return [number, NISN[child.local_id], child.local_id, child.name, *marks]


def ledger_rows(
    *,
    titles: Sequence[Sequence[Any]] = TITLES,
    headings: Sequence[Sequence[Any]] = (HEADINGS,),
    below: Sequence[Sequence[Any]] = (),
    marks: Mapping[people.Child, Sequence[Any]] = MARKS,
    last: Sequence[Sequence[Any]] = (),
) -> list[list[Any]]:
    made = [list(row) for row in (*titles, *headings, *below)]
    made += [
        student_row(child, number, row) for number, (child, row) in enumerate(marks.items(), 1)
    ]
    return made + [list(row) for row in last]


def workbook(path: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for place, rows in enumerate(sheets):
        page = book.create_sheet(names[place] if names else f"Leger {place + 1}")
        for row in rows:
            page.append(list(row))
    book.save(path)
    return path


def in_text(cell: Any) -> str:
    if cell is None:
        return ""
    return str(cell).replace(".", ",") if isinstance(cell, float) else str(cell)


def text_file(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([in_text(cell) for cell in row] for row in rows)
    return path


def looked_at(path: Path) -> Inspection:
    return inspect_files([path], source="erapor", school_id=people.SCHOOL_ID)


def found_in(inspection: Inspection) -> Found:
    (item,) = inspection.files
    assert item.found is not None, item.problem
    assert item.found.layout == "erapor_ledger"
    return item.found


def read(path: Path, change: Callable[[str], str] = str) -> Delivery:
    found = looked_at(path)
    mapping = change(found.mapping)
    if change is str:
        assert not found.questions, found.questions
    return read_delivery([path], parse_mapping(mapping), district=DISTRICT)


def grades_of(delivery: Delivery) -> set[tuple[Any, ...]]:
    frame = delivery.frame("grade")
    return set(frame.select("student", "subject", "period", "kind", "score").rows())


def totals_of(delivery: Delivery) -> list[tuple[Any, ...]]:
    columns = ("student", "period", "sick", "permitted", "unexcused")
    return delivery.frame("attendance_summary").select(columns).sort("student").rows()


EXPECTED = {
    ("0101", "Pendidikan Agama", "2026-27-Q2", "final", 80.0),
    ("0101", "Matematika", "2026-27-Q2", "final", 70.0),
    ("0102", "Pendidikan Agama", "2026-27-Q2", "final", 90.5),
    ("0102", "Matematika", "2026-27-Q2", "final", 75.0),
    ("0102", "Bahasa Indonesia", "2026-27-Q2", "final", 85.0),
    ("0103", "Pendidikan Agama", "2026-27-Q2", "final", 60.0),
    ("0103", "Matematika", "2026-27-Q2", "final", 0.0),
    ("0103", "Bahasa Indonesia", "2026-27-Q2", "final", 65.0),
}
UNDER_GROUPS = (
    ("No", "NISN", "NIS", "Nama Siswa", "Mata Pelajaran", None, None, "Jumlah", "Peringkat",
     "Ketidakhadiran", None, None),
    (None, None, None, None, *SUBJECTS, None, None, "Sakit", "Izin", "Alpa"),
)  # fmt: skip
BELOW_GROUPS = (
    (None, None, None, None, "Mata Pelajaran", None, None, "Jumlah", None, "Absensi", None, None),
    HEADINGS,
)
FOOTER = (
    (None, None, None, "Rata-rata", 76.8, 48.3, 75),
    (None, None, None, "Nilai Tertinggi", 90.5, 75, 85),
    (None,), (None, None, None, None, None, "Wali Kelas"),
    (None, "NIP. 000000000000000000", None, "Sari Wulandari, S.Pd."),
)  # fmt: skip
ONE_LINE = (("LEGER KELAS VII-A SEMESTER GANJIL TAHUN PELAJARAN 2026/2027",),)
BOTH = (
    ("Nama Sekolah : SMP Contoh", None, "Kelas/Semester : VII-A / 1 (Ganjil)"),
    ("Leger", None, "Tahun Ajaran 2026-2027"),
)
SHAPES: Mapping[str, Callable[[Path], Path]] = {
    "five title rows": lambda folder: workbook(folder / "a.xlsx", ledger_rows()),
    "groups above": lambda folder: workbook(
        folder / "a.xlsx", ledger_rows(headings=UNDER_GROUPS)
    ),
    "groups over the headings": lambda folder: workbook(
        folder / "a.xlsx", ledger_rows(headings=BELOW_GROUPS, last=FOOTER)
    ),
    "one title line": lambda folder: workbook(
        folder / "a.xlsx", ledger_rows(titles=ONE_LINE, last=FOOTER)
    ),
    "class and semester together": lambda folder: workbook(
        folder / "a.xlsx", ledger_rows(titles=BOTH)
    ),
    "text with commas": lambda folder: text_file(folder / "leger.csv", ledger_rows(last=FOOTER)),
    "numbered headings": lambda folder: workbook(
        folder / "a.xlsx", ledger_rows(below=(tuple(range(1, 13)),))
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_ledger_says_the_same(shape: str, tmp_path: Path) -> None:
    path = SHAPES[shape](tmp_path)
    with read(path) as delivery:
        assert delivery.refused.is_empty(), delivery.refused.to_dicts()
        assert grades_of(delivery) == EXPECTED
        # Of the whole semester, not of one of its quarters.
        assert totals_of(delivery) == [("0101", "2026-27-S1", 3, 0, 1), ("0103", "2026-27-S1",
                                        1, None, None)]  # fmt: skip
        warnings = "\n".join(delivery.warnings)
    assert "1 grades are 0; make sure that 0 does not mean" in warnings
    # Ahmad's I is written as 0, so Siti's three dashes are not zeros.
    assert "S, I and A are all empty in 1 rows" in warnings


def test_what_inspect_says_and_writes(tmp_path: Path) -> None:
    found = looked_at(SHAPES["five title rows"](tmp_path))
    assert found_in(found).what == (
        "grade ledger of VII-A, semester 1 of 2026-27: 3 students, 3 subjects"
    )
    assert 'period = "2026-27-S1"' in found.mapping
    assert 'blank_totals = "unknown"' in found.mapping
    assert found.questions == ()


def test_knowledge_is_the_grade_and_skills_are_left_and_said(tmp_path: Path) -> None:
    headings = (
        (
            "No",
            "NISN",
            "NIS",
            "Nama",
            "Matematika",
            None,
            None,
            "PJOK",
            None,
            "Seni Budaya",
            "PPKn",
        ),
        (None, None, None, None, "P", "K", "Predikat", "Pengetahuan", "Keterampilan", "K", "NA"),
    )
    marks = {
        people.AHMAD: (70, 90, "B", 60, 80, 77, 81), people.SITI: (75, 95, "A", 65, 85, 78, 82),
    }  # fmt: skip
    path = workbook(tmp_path / "a.xlsx", ledger_rows(headings=headings, marks=marks))
    found = found_in(looked_at(path))
    assert any("(K) of 2 subjects are not taken" in note for note in found.warnings)
    with read(path) as delivery:
        scores = {row[1]: row[4] for row in grades_of(delivery) if row[0] == "0101"}
        assert "attendance_summary" not in delivery.tables
    assert scores == {"Matematika": 70, "PJOK": 60, "Seni Budaya": 77, "PPKn": 81}


def test_of_several_grades_of_one_subject_one_is_taken_and_the_others_are_named(
    tmp_path: Path,
) -> None:
    headings = ("No", "NIS", "Nama", "IPA", "IPA", "IPA (K)", "IPA (K)", "IPA (P)", "Sikap")
    rows = [*TITLES, headings, (1, "0101", "Ahmad", 70, 71, 80, 81, 60, "Baik")]
    path = workbook(tmp_path / "a.xlsx", rows)
    notes = "\n".join(found_in(looked_at(path)).warnings)
    assert "further grades of a subject are not taken: IPA, IPA, IPA (K)" in notes
    with read(path) as delivery:
        assert {row[1]: row[4] for row in grades_of(delivery)} == {"IPA": 60}


@pytest.mark.parametrize(
    "headings",
    [
        (("No", "NIS", "Nama", "Pengetahuan", None, "Keterampilan", None),
         (None, None, None, "Matematika", "IPA", "Matematika", "IPA")),
        (("No", "NIS", "Nama", "Matematika (P)", "IPA (P)", "Matematika (K)", "IPA (K)"),),
        (("No", "NIS", "Nama", "Matematika-P", "IPA - Pengetahuan", "Matematika_K", "IPA/K"),),
    ],
)  # fmt: skip
def test_knowledge_and_skills_above_or_behind_the_subject(
    headings: Sequence[Sequence[Any]], tmp_path: Path
) -> None:
    rows = [*TITLES, *headings, [1, "0101", "Ahmad", 70, 60, 95, 96]]
    with read(workbook(tmp_path / "a.xlsx", rows)) as delivery:
        scores = {row[1]: row[4] for row in grades_of(delivery)}
    assert scores == {"Matematika": 70, "IPA": 60}


def test_pass_marks_of_a_row_are_each_subjects_own(tmp_path: Path) -> None:
    below = [[None, None, None, "KKM", 75, 70]]  # Bahasa Indonesia has none
    path = workbook(tmp_path / "a.xlsx", ledger_rows(below=below))
    with read(path) as delivery:
        assert grades_of(delivery) == EXPECTED
        marks = delivery.frame("grade").select("subject", "pass_mark").unique().rows()
    assert set(marks) == {
        ("Pendidikan Agama", 75.0), ("Matematika", 70.0), ("Bahasa Indonesia", None),
    }  # fmt: skip
    path = workbook(tmp_path / "b.xlsx", ledger_rows(titles=(*TITLES, ("KKTP : 72,5",))))
    with read(path) as delivery:
        assert delivery.frame("grade")["pass_mark"].unique().to_list() == [72.5]


def test_students_go_by_the_national_number_where_there_is_no_other(tmp_path: Path) -> None:
    rows = [
        [cell for place, cell in enumerate(row) if place != 2 or len(row) < 5]
        for row in ledger_rows()
    ]
    path = workbook(tmp_path / "a.xlsx", rows)
    assert 'identify = "national_id"' in looked_at(path).mapping
    roster = tmp_path / "siswa.csv"
    roster.write_text(
        "NIS;NISN;Nama\n"
        + "".join(f"{child.local_id};{NISN[child.local_id]};{child.name}\n" for child in MARKS)
    )
    students = (
        '[[table]]\ntable = "student"\nfile = "siswa.csv"\n[table.columns]\n'
        'student = "NIS"\nnational_id = "NISN"\nfull_name = "Nama"\n'
    )
    mapping = parse_mapping(looked_at(path).mapping + students)
    with read_delivery([path, roster], mapping, district=DISTRICT) as delivery:
        assert delivery.refused.is_empty(), delivery.refused.to_dicts()
        assert grades_of(delivery) == EXPECTED


def test_both_numbers_in_one_column(tmp_path: Path) -> None:
    rows = [
        *TITLES, ("No", "NIS/NISN", "Nama", *SUBJECTS),
        (1, f"0101 / {NISN['0101']}", "Ahmad Fulan", 80, 70, 75),
        (2, f"0102/{NISN['0102']}", "Siti Contoh", 81, 71, 76),
    ]  # fmt: skip
    with read(workbook(tmp_path / "a.xlsx", rows)) as delivery:
        assert sorted(set(delivery.frame("grade")["student"])) == ["0101", "0102"]


def test_a_student_without_a_number_and_a_grade_out_of_range_are_refused(tmp_path: Path) -> None:
    marks = {
        **dict.fromkeys(people.CHILDREN[:6], (80, 70, 75, 225, 1, 0, 0, 0)),
        people.AHMAD: (800, "B", 75, 0, 0, 0, 0, 0),
    }
    rows = ledger_rows(marks=marks)
    rows[7][1:3] = [None, "-"]
    with read(workbook(tmp_path / "a.xlsx", rows)) as delivery:
        refused = set(delivery.refused.select("table", "row", "column", "reason").rows())
    assert refused == {
        ("grade", 7, "Pendidikan Agama", "out_of_range"), ("grade", 7, "Matematika",
         "wrong_number"), ("grade", 8, "NIS", "missing"), ("attendance_summary", 8, "NIS",
         "missing"),
    }  # fmt: skip


def test_three_empty_totals_are_asked_about_unless_zeros_are_written(tmp_path: Path) -> None:
    marks = {
        people.AHMAD: (80, 70, 75, 225, 1, 2, "-", "-"),
        people.SITI: (81, 71, 76, 228, 2, "-", None, "-"),
    }
    path = workbook(tmp_path / "a.xlsx", ledger_rows(marks=marks))
    found = looked_at(path)
    ((key, question),) = found.questions
    assert key == "blank_totals"
    assert "all empty for 1 students" in question
    with read(path, lambda text: text + "\n") as delivery:
        assert totals_of(delivery) == [("0101", "2026-27-S1", 2, None, None)]
        assert any('say blank_totals = "zero"' in said for said in delivery.warnings)
    said = '[table.options]\nblank_totals = "zero"\n'
    with read(path, lambda text: text + said) as delivery:
        assert totals_of(delivery)[1] == ("0102", "2026-27-S1", 0, 0, 0)
    with pytest.raises(DataError, match="blank_totals is 'none'; allowed: zero, unknown"):
        read(path, lambda text: text + said.replace("zero", "none"))


def test_totals_that_nobody_entered_are_not_taken(tmp_path: Path) -> None:
    marks = dict.fromkeys(people.CHILDREN[:3], (80, 70, 75, 225, 1, "-", "-", None))
    path = workbook(tmp_path / "a.xlsx", ledger_rows(marks=marks))
    found = found_in(looked_at(path))
    assert [entry["table"] for entry in found.entries] == ["grade"]
    assert any("empty throughout" in note for note in found.warnings)


@pytest.mark.parametrize(
    ("titles", "period", "kind"),
    [
        ((("LEGER",), ("Semester : 2",), ("Tahun Pelajaran : 2025/2026",)), "2025-26-Q4", "final"),
        ((("LEGER",), ("Semester : II (Dua)", "TP : 2025/2026")), "2025-26-Q4", "final"),
        ((("LEGER",), ("Semester : 20251",)), "2025-26-Q2", "final"),
        ((("LEGER TENGAH SEMESTER GENAP 2025/2026",),), "2025-26-Q3", "midterm"),
        ((("Leger STS",), ("Semester : Gasal", "Tahun Ajaran : 2025/2026")), "2025-26-Q1",
         "midterm"),
    ],
)  # fmt: skip
def test_the_semester_of_a_ledger(
    titles: Sequence[Sequence[Any]], period: str, kind: str, tmp_path: Path
) -> None:
    with read(workbook(tmp_path / "a.xlsx", ledger_rows(titles=titles))) as delivery:
        assert set(delivery.frame("grade").select("period", "kind").rows()) == {(period, kind)}


def test_a_ledger_that_does_not_say_its_semester_is_asked(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ledger_rows(titles=TITLES[:3]))
    found = looked_at(path)
    assert [key for key, _ in found.questions] == ["period"]
    assert "period" not in found.mapping


def test_a_scale_of_four_is_asked_about(tmp_path: Path) -> None:
    marks = {people.AHMAD: (3.3, 2.7, 4), people.SITI: (1, 2, 3.7)}
    path = workbook(tmp_path / "a.xlsx", ledger_rows(headings=(HEADINGS[:7],), marks=marks))
    assert [key for key, _ in looked_at(path).questions] == ["max_score"]


def test_the_classes_of_a_book_are_read_each(tmp_path: Path) -> None:
    other = [row if row[0] != "Kelas" else ("Kelas", ":", "VII-B") for row in TITLES]
    path = workbook(
        tmp_path / "a.xlsx",
        [["Petunjuk"]],
        ledger_rows(),
        ledger_rows(titles=other, marks={people.DEWI: (88, 77, 66, 231, 1, 0, 0, 0)}),
        names=["Petunjuk", "VII-A", "VII-B"],
    )
    with read(path) as delivery:
        frame = delivery.frame("grade")
        assert set(frame.filter(pl.col("student") == "0201")["_sheet"]) == {"VII-B"}
        assert frame.height == len(EXPECTED) + 3


OTHERS: Mapping[str, Sequence[Sequence[Any]]] = {
    "a roster": [("No", "NIS", "Nama", "Kelas"), (1, "0101", "Ahmad Fulan", "VII-A")],
    "a month's marks": [
        ("Bulan : September 2026",), ("No", "NIS", "Nama", *range(1, 31), "S", "I", "A"),
        (1, "0101", "Ahmad Fulan", *["H"] * 29, "S", 1, 0, 0),
    ],
    "a teacher's tests of one subject": [
        ("Mata Pelajaran : Matematika",), ("No", "NIS", "Nama", "UH 1", "UH 2", "UH 3"),
        (1, "0101", "Ahmad Fulan", 80, 70, 60),
    ],
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
def test_other_lists_are_left_to_others(other: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", OTHERS[other])
    reader = EraporLedger()
    bundle = Bundle((inspect(path, accept=reader.kinds),), path.name)
    assert reader.sniff(bundle) is None
    with pytest.raises(DataError, match="is no grade ledger; it needs headings with NIS or NISN"):
        reader.open(bundle, "grades", {}, None)


def test_an_option_that_the_part_does_not_know(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ledger_rows())
    reader = EraporLedger()
    bundle = Bundle((inspect(path, accept=reader.kinds),), path.name)
    with pytest.raises(DataError, match="has no option 'blank_totals' for grades; allowed: none"):
        reader.open(bundle, "grades", {"blank_totals": "zero"}, None)


def test_inspect_and_import_without_a_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "sekolah"
    folder.mkdir()
    workbook(folder / "nilai.xlsx", ledger_rows())
    roster = openpyxl.Workbook()
    assert roster.active is not None
    for row in (
        ("Daftar Peserta Didik",), ("NPSN : 20500001",), ("Tanggal Unduh: 2026-09-15 08:10:55",),
        ("No", "Nama", "NIPD", "JK", "NISN", "Rombel Saat Ini"),
        *((n, c.name, c.local_id, "L", NISN[c.local_id], c.class_name)
          for n, c in enumerate(MARKS, 1)),
    ):  # fmt: skip
        roster.active.append(row)
    roster.save(folder / "siswa.xlsx")

    def said(*words: str) -> str:
        result = CliRunner().invoke(cli.app, ["--home", str(tmp_path / "home"), *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    said("init", "--name", "SMP Contoh", "--no-lottery")
    told = said("inspect", str(folder))
    assert "layout erapor_ledger; fills grade, attendance_summary" in told
    told = said("import", str(folder), "--delivered-on", "2027-01-10")
    assert "attendance_summary" in told
    kept = [
        pl.read_parquet(file) for file in (tmp_path / "home").rglob("*.parquet")
    ]  # the facts by themselves
    totals = [frame for frame in kept if "effective_days" in frame.columns]
    assert {tuple(row) for frame in totals for row in frame.select("period", "absent").rows()} == {
        ("2026-27-S1", 4), ("2026-27-S1", 1),
    }  # fmt: skip
