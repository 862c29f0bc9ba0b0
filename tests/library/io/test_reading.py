"""A delivery from files to checked rows: the real ones, and every kind of bad one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earlywarning import district
from earlywarning.errors import ConfigError, DataError, EarlyWarningError
from earlywarning.io import delivery as delivery_module
from earlywarning.io import shaping
from earlywarning.io.delivery import ORDER, Delivery, schema_of
from earlywarning.io.mapping import Mapping, load_mapping, parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.refusals import refusals_csv, write_refusals
from earlywarning.records.faults import REASONS
from earlywarning.records.judged import Judged
from earlywarning.records.tables import SOURCE_TABLES

DATA = Path(__file__).parents[2] / "data"
DISTRICT = district.parse("[visits]\nlottery = false\n")

HEAD = 'source = "smp"\n[defaults]\nschool_id = "S"\nschool_year = "2026-27"\n'
STUDENTS = """
[[table]]
table = "student"
file = ["siswa.csv", "siswa.xlsx"]
[table.columns]
student = "NIS"
full_name = "Nama"
sex = "JK"
birth_date = "Lahir"
[table.values.sex]
L = "M"
P = "F"
"""
MARKS = """
[[table]]
table = "attendance"
file = ["hadir*.csv", "hadir.xlsx"]
date_format = "%d/%m/%Y"
blank = "unrecorded"
[table.columns]
student = "NIS"
date = "Tanggal"
code = "Kode"
"""
GRADES = """
[[table]]
table = "grade"
file = "nilai.csv"
decimal = ","
[table.columns]
student = "NIS"
subject = "Mapel"
period = "Triwulan"
score = "Nilai"
"""
SISWA = "NIS;Nama;JK;Lahir\n0101;Ahmad Fulan;L;3/4/2013\n0102;Siti Contoh;P;14/4/2013\n"
HADIR = "NIS;Tanggal;Kode\n0101;01/09/2026;H\n0102;01/09/2026;S\n0101;14/09/2026;\n"
NILAI = "NIS;Mapel;Triwulan;Nilai\n0101;MTK;2026-27-Q1;77,5\n0102;MTK;2026-27-Q1;80\n"


def read(tmp_path: Path, mapping: str | Mapping = "", **files: Any) -> Delivery:
    """Read files given as text or bytes; `hadir_csv` is the file hadir.csv."""
    paths = []
    for name, content in files.items():
        path = tmp_path / name.replace("_csv", ".csv")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    if isinstance(mapping, str):
        mapping = parse_mapping(HEAD + (mapping or STUDENTS + MARKS + GRADES))
    return read_delivery(paths, mapping, district=DISTRICT)


def reasons(delivery: Delivery) -> list[tuple[str, int, str]]:
    return delivery.refused.select("file", "row", "reason").rows()


def accounts(delivery: Delivery) -> None:
    """No row is lost silently: each is accepted, refused or merged."""
    assert set(delivery.rows_read) == set(delivery.tables)
    for table in delivery.tables:
        rest = delivery.rows_refused.get(table, 0) + delivery.merged.get(table, 0)
        assert delivery.rows_read[table] == delivery.rows[table] + rest, table
        frame = delivery.frame(table)
        assert frame.height == delivery.rows[table]
        assert frame.schema == pl.Schema(schema_of(table))
        key = SOURCE_TABLES[table].key
        assert not frame.select(key).is_duplicated().any()


# Real files


def real(name: str, *folders: str) -> Delivery:
    place = DATA / name
    rules = place / "district.toml"
    return read_delivery(
        [place / folder for folder in folders],
        load_mapping(place / "mapping.toml"),
        district=district.load(rules) if rules.exists() else DISTRICT,
    )


def test_contoso_day_by_day() -> None:
    """1,462 section marks, one of them twice, are 244 student-days."""
    with real("contoso", "day1") as first, real("contoso", "day2") as second:
        for delivery in (first, second):
            accounts(delivery)
        assert first.rows_read["attendance"] == 1462
        assert first.rows["attendance"] == 244
        assert first.merged["attendance"] == 1217
        assert reasons(first) == [("studentattendance.csv", 3, "duplicate")]
        assert first.refused["allowed"][0] == "the same as row 2; kept once"
        assert first.frame("student")["full_name"].to_list() == ["Albert Ibarra", "Jon Smith"]
        assert second.frame("student")["full_name"].to_list() == ["Al Ibarra", "Sharon Henderson"]
        assert second.rows == {
            "school": 1, "class_group": 2, "student": 2, "enrollment": 2,
            "attendance": 247, "grade": 24,
        }  # fmt: skip
        assert second.refused.is_empty()
        assert second.frame("grade")["score"].max() == 108
        assert second.frame("grade")["period"].unique().sort().to_list() == [
            "2019-20-Q2", "2019-20-Q4"
        ]  # fmt: skip
        days = pl.read_csv(DATA / "contoso/day1/studentattendance.csv", infer_schema=False)
        days = (
            days.unique()
            .group_by("attendance_date")
            .agg((pl.col("AttendanceCode") == "A").sum().alias("absent"), pl.len())
        )
        absent = days.filter(pl.col("absent") * 2 >= pl.col("len")).height
        found = first.frame("attendance")["status"].value_counts().rows()
        assert sorted(found) == [("present", 244 - absent), ("unexcused", absent)]


def test_uci_students() -> None:
    with real("uci_student", "") as delivery:
        accounts(delivery)
        assert delivery.refused.is_empty()
        assert delivery.rows == {
            "school": 2, "class_group": 2, "student": 649, "enrollment": 649,
            "attendance_summary": 649, "grade": 1947,
        }  # fmt: skip
        grades = delivery.frame("grade").pivot("period", index="student", values="score")
        text = (DATA / "uci_student/student-por.csv").read_text("utf-8")
        source = list(csv.DictReader(io.StringIO(text), delimiter=";"))
        assert grades.sort(pl.col("student").cast(pl.Int32)).rows() == [
            (str(number), float(row["G1"]), float(row["G2"]), float(row["G3"]))
            for number, row in enumerate(source, start=1)
        ]
        totals = delivery.frame("attendance_summary")
        assert totals["absent"].to_list() == [int(row["absences"]) for row in source]
        assert totals["recorded_on"].unique().to_list() == [date(2006, 6, 30)]
        assert any("23 grades are 0" in warning for warning in delivery.warnings)


def test_a_monthly_sheet() -> None:
    with real("monthly_sheet", "") as delivery:
        accounts(delivery)
        marks = delivery.frame("attendance")
        assert marks.height == 2 * 30
        assert set(marks["student"]) == {"0123", "0124"}
        ahmad = marks.filter(pl.col("student") == "0123")["status"].value_counts()
        # By hand from the sheet: 12 H, 2 DT, 3 TA, 3 A, 1 S, 8 weekend days and a holiday.
        assert dict(ahmad.rows()) == {
            "present": 12, "late": 2, "unrecorded": 3, "unexcused": 3, "sick": 1, "no_school": 9,
        }  # fmt: skip


def test_a_heading_that_is_no_day_of_the_month_refuses_its_marks(tmp_path: Path) -> None:
    mapping = (DATA / "monthly_sheet/mapping.toml").read_text("utf-8")
    sheet = "NIS,Nama Siswa,Kelas,Sel (30),Rab (31)\n0123,Ahmad,7A,H,A\n0124,Siti,7A,S,\n"
    (tmp_path / "2025-09.csv").write_text(sheet, "utf-8")
    with read_delivery([tmp_path], parse_mapping(mapping), district=DISTRICT) as delivery:
        accounts(delivery)
        assert delivery.refused.select("row", "column", "found", "reason").rows() == [
            (2, "Rab (31)", "A", "impossible_date")
        ]
        assert delivery.rows["attendance"] == 2


# Bad input, file by file


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("hadir_csv", "", "hadir.csv: is empty"),
        ("hadir_csv", "NIS;Tgl;Kode\n0101;01/09/2026;H\n", "has no column 'Tanggal'; found: 'NIS'"),
        ("hadir_csv", b"%PDF-1.7", "hadir.csv: is a PDF document"),
        ("hadir_csv", "<html><table>", "hadir.csv: is a web page"),
        ("hadir_csv", HADIR[:-13], "row 4, the last one, breaks off after 1 of 3 fields"),
        ("hadir_csv", HADIR[:40] + '"', "quotation mark opened in row 3 is not closed"),
        (
            "siswa_csv",
            SISWA.replace("Siti", "Sité").encode() + b"0103;Ren\xe9;L;\n",
            "row 4 is not",
        ),
        (
            "hadir_csv",
            HADIR.replace("\n0101", "\nNomor;Hari;Ket\n0101", 1),
            r"row 2 looks like a second row of headings \('Hari', 'Ket'\); set data_row = 3",
        ),
        (
            "siswa_csv",
            SISWA.replace("\n0101", "\n(induk);(lengkap);(L/P);(tanggal)\n0101", 1),
            "row 2 looks like a second row of headings",
        ),
        (
            "hadir_csv",
            HADIR.replace("14/09", "09/14"),
            r"'Tanggal' seems to be month first \(09/14/2026 in row 4",
        ),
    ],
)
def test_a_file_that_cannot_be_right_stops_everything(
    tmp_path: Path, name: str, content: Any, says: str
) -> None:
    good = {"siswa_csv": SISWA, "hadir_csv": HADIR, "nilai_csv": NILAI}
    with pytest.raises(DataError, match=says) as error:
        read(tmp_path, **(good | {name: content}))
    assert name.replace("_csv", ".csv") in str(error.value)


def test_two_heading_rows_are_read_when_the_mapping_says_so(tmp_path: Path) -> None:
    marks = MARKS.replace("blank", "data_row = 3\nblank")
    text = HADIR.replace("\n0101", "\nNomor;Hari;Ket\n0101", 1)
    with read(tmp_path, marks, hadir_csv=text) as delivery:
        assert (delivery.rows["attendance"], delivery.refused.height) == (3, 0)


@pytest.mark.parametrize(
    ("change", "row", "column", "reason"),
    [
        (("14/09/2026", "31/09/2026"), 4, "Tanggal", "impossible_date"),
        (("14/09/2026", "2026-09-14"), 4, "Tanggal", "mixed_date_styles"),
        (("14/09/2026", "14/09/0003"), 4, "Tanggal", "date_out_of_range"),
        (("14/09/2026", "14/09/6209"), 4, "Tanggal", "date_out_of_range"),
        (("14/09/2026", "14/09/2027"), 4, "Tanggal", "date_out_of_range"),
        (("14/09/2026", "30/06/2026"), 4, "Tanggal", "date_out_of_range"),
        ((";S", ";Q"), 3, "Kode", "unknown_code"),
        (("0102;01", "0999;01"), 3, "NIS", "unknown_student"),
        (("0102;01", "102;01"), 3, "NIS", "lost_zeros"),
        (("0102;01", ";01"), 3, "NIS", "missing"),
        ((";S", ";S;S"), 3, None, "too_many_fields"),
        ((";S\n", "\n"), 3, None, "too_few_fields"),
    ],
)
def test_a_row_that_is_wrong_is_refused_alone(
    tmp_path: Path, change: tuple[str, str], row: int, column: str | None, reason: str
) -> None:
    text = HADIR.replace(*change)
    assert text != HADIR
    with read(tmp_path, siswa_csv=SISWA, hadir_csv=text, nilai_csv=NILAI) as delivery:
        accounts(delivery)
        (line,) = delivery.refused.to_dicts()
        assert (line["file"], line["row"], line["column"], line["reason"]) == (
            "hadir.csv", row, column, reason
        )  # fmt: skip
        assert line["found"] is not None
        assert line["allowed"]
        assert delivery.rows["attendance"] == 2
        assert delivery.refused_counts().rows() == [("attendance", reason, 1)]


def test_marks_of_one_day_that_disagree_are_refused_across_files(tmp_path: Path) -> None:
    more = "NIS,Tanggal,Kode\n0102,01/09/2026,A\n0101,01/09/2026,H\n"
    with read(tmp_path, STUDENTS + MARKS, siswa_csv=SISWA, hadir_csv=HADIR, hadir2_csv=more) as got:
        accounts(got)
        assert sorted(reasons(got)) == [
            ("hadir.csv", 3, "duplicates_disagree"),
            ("hadir2.csv", 2, "duplicates_disagree"),
            ("hadir2.csv", 3, "duplicate"),
        ]
        assert got.frame("attendance")["date"].to_list() == [date(2026, 9, 1), date(2026, 9, 14)]


def test_scores_out_of_range(tmp_path: Path) -> None:
    text = NILAI + "0101;IPA;2026-27-Q1;-5\n0102;IPA;2026-27-Q1;107\n"
    with read(tmp_path, siswa_csv=SISWA, hadir_csv=HADIR, nilai_csv=text) as delivery:
        accounts(delivery)
        assert reasons(delivery) == [
            ("nilai.csv", 4, "out_of_range"), ("nilai.csv", 5, "out_of_range")
        ]  # fmt: skip
    scale = GRADES + "[table.constants]\nmax_score = 110\n"
    with read(tmp_path, STUDENTS + scale, siswa_csv=SISWA, nilai_csv=text) as delivery:
        assert reasons(delivery) == [("nilai.csv", 4, "out_of_range")]


def test_windows_text_is_read_and_said_to_be(tmp_path: Path) -> None:
    text = SISWA.replace("Siti", "Zoë").encode("cp1252")
    with read(tmp_path, STUDENTS, siswa_csv=text) as delivery:
        assert delivery.frame("student")["full_name"].to_list() == ["Ahmad Fulan", "Zoë Contoh"]
        assert any("Windows-1252" in warning for warning in delivery.warnings)


def test_nobody_and_somebody_alone(tmp_path: Path) -> None:
    with read(tmp_path, STUDENTS, siswa_csv="NIS;Nama;JK;Lahir\n") as delivery:
        assert delivery.rows == {"student": 0}
        assert delivery.frame("student").is_empty()
        assert delivery.warnings == ("siswa.csv: holds no rows for student",)
    with read(tmp_path, STUDENTS, siswa_csv=SISWA.partition("0102")[0]) as delivery:
        assert delivery.rows == {"student": 1}


def test_files_and_tables_must_meet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no table of the mapping names these files: lain\.csv"):
        read(tmp_path, STUDENTS, siswa_csv=SISWA, lain_csv="a;b\n")
    with pytest.raises(DataError, match=r"no file was given for: attendance \(hadir\*\.csv or"):
        read(tmp_path, STUDENTS + MARKS, siswa_csv=SISWA)
    with pytest.raises(DataError, match=r"gone\.csv"):
        read_delivery(
            [tmp_path / "gone.csv"],
            parse_mapping(HEAD + STUDENTS.replace("siswa.csv", "gone.csv")),
            district=DISTRICT,
        )
    optional = MARKS.replace("blank", "optional = true\nblank")
    with read(tmp_path, STUDENTS + optional, siswa_csv=SISWA) as delivery:
        assert delivery.tables == ("student",)


def test_a_folder_is_walked_and_what_is_not_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "siswa.csv").write_text(SISWA, "utf-8")
    (tmp_path / "mapping.toml").write_text("", "utf-8")
    (tmp_path / "notes.txt").write_text("hello", "utf-8")
    mapping = parse_mapping(HEAD + STUDENTS)
    with read_delivery([tmp_path, tmp_path / "siswa.csv"], mapping, district=DISTRICT) as delivery:
        assert [(file.name, file.rows) for file in delivery.files] == [
            ("siswa.csv", {"student": 2})
        ]
        assert len(delivery.files[0].sha256) == 64
        assert delivery.warnings == (
            "notes.txt: belongs to no table of the mapping and was not read",
        )


def test_students_known_from_before(tmp_path: Path) -> None:
    known = pl.DataFrame({"school_id": ["S", "T"], "student": ["0101", "0102"]})
    path = tmp_path / "hadir.csv"
    path.write_text(HADIR, "utf-8")
    mapping = parse_mapping(HEAD + MARKS)
    with read_delivery([path], mapping, district=DISTRICT, known_students=known) as delivery:
        assert reasons(delivery) == [("hadir.csv", 3, "unknown_student")]
    with read_delivery(
        [path], mapping, district=DISTRICT, delivered_on=date(2026, 9, 5)
    ) as delivery:
        assert reasons(delivery) == [("hadir.csv", 4, "after_delivery")]


def test_the_calendar_must_know_the_mappings_periods(tmp_path: Path) -> None:
    grades = GRADES.replace('period = "Triwulan"\n', "")
    grades += '[table.constants]\nperiod = "2026-27-Q7"\n'
    with pytest.raises(ConfigError, match=r"constants\.period is '2026-27-Q7'; allowed: Q1 to Q4"):
        read(tmp_path, grades, nilai_csv=NILAI)
    with pytest.raises(ConfigError, match=r"\(attendance\): .*unknown namespace 'xx'"):
        read(tmp_path, MARKS.replace("blank", 'namespace = "xx"\nblank'), hadir_csv=HADIR)


# Workbooks


def test_a_workbook_with_its_usual_damage(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["NIS", "Nama", "JK", "Lahir"])
    page.append(["0101", "Ahmad Fulan", "L", date(2013, 4, 3)])
    page.append([102, "Siti Contoh", "P", date(2013, 4, 14)])
    page.append(["0103", "#N/A", "P", None])
    page.append(["0104", "=A1", "P", None])
    page.append(["0105", "Budi", "P", None, "note"])
    book.save(tmp_path / "siswa.xlsx")
    mapping = parse_mapping(HEAD + STUDENTS)
    known = pl.DataFrame({"school_id": ["S"], "student": ["0102"]})
    with read_delivery(
        [tmp_path / "siswa.xlsx"], mapping, district=DISTRICT, known_students=known
    ) as delivery:
        accounts(delivery)
        assert delivery.frame("student").select("student", "birth_date", "_sheet").rows() == [
            ("0101", date(2013, 4, 3), "Sheet")
        ]
        assert delivery.refused.select("sheet", "row", "column", "reason").rows() == [
            ("Sheet", 3, "NIS", "lost_zeros"),
            ("Sheet", 4, "Nama", "error_value"),
            ("Sheet", 5, "Nama", "formula_without_value"),
            ("Sheet", 6, None, "too_many_fields"),
        ]
        assert any("'NIS' holds a number in row" in warning for warning in delivery.warnings)


# Size


def big_file(path: Path, count: int) -> None:
    """`count` marks: 50,000 students, 20 days."""
    days = pl.date_range(date(2026, 9, 1), date(2026, 9, 20), eager=True).dt.strftime("%d/%m/%Y")
    number = np.arange(count)
    pl.DataFrame(
        {
            "NIS": pl.Series(number // 20 + 1_000_000).cast(pl.String),
            "Tanggal": days.gather(number % 20),
            "Kode": pl.Series(["H", "H", "H", "S", "I", "A", "T"]).gather(number % 7),
        }
    ).write_csv(path, separator=";")


def test_a_million_rows(tmp_path: Path) -> None:
    count = 1_000_000
    path = tmp_path / "hadir.csv"
    big_file(path, count)
    known = pl.DataFrame(
        {"school_id": "S", "student": pl.Series(range(1_000_000, 1_050_000)).cast(pl.String)}
    )
    seen = []
    with read_delivery(
        [path], parse_mapping(HEAD + MARKS), district=DISTRICT, known_students=known,
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    ) as delivery:  # fmt: skip
        assert delivery.rows == {"attendance": count}
        assert delivery.refused.is_empty()
    size = path.stat().st_size
    assert seen[-1] == ("read", size, size)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_large_tables_wait_on_disk_and_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "work").mkdir()
    rows = [
        f"{student:04d};{day:02d}/{month:02d}/2026;H\n"
        for student in range(50) for month in (9, 10) for day in range(1, 29)
    ]  # fmt: skip
    for name, part in (("hadir1", rows[::2]), ("hadir2", rows[1::2] + rows[:5])):
        (tmp_path / "in" / f"{name}.csv").write_text("NIS;Tanggal;Kode\n" + "".join(part), "utf-8")
    mapping = parse_mapping(HEAD + MARKS)

    def once() -> tuple[list[pl.DataFrame], pl.DataFrame, list[Path]]:
        with read_delivery(
            [tmp_path / "in"], mapping, district=DISTRICT, work_dir=tmp_path / "work"
        ) as delivery:
            accounts(delivery)
            on_disk = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
            # A second pass over the batches gives the same.
            first = list(delivery.batches("attendance"))
            assert [b.height for b in delivery.batches("attendance")] == [b.height for b in first]
            return first, delivery.refused, on_disk

    memory, refused, files = once()
    assert not files
    assert [batch["date"].dt.month().unique().to_list() for batch in memory] == [[9], [10]]
    assert refused["reason"].to_list() == ["duplicate"] * 5
    monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", 100)
    disk, refused_again, files = once()
    assert files
    assert all(one.equals(two) for one, two in zip(memory, disk, strict=True))
    assert refused.equals(refused_again)
    assert not list((tmp_path / "work").iterdir())


def test_a_large_table_is_divided_by_school(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Months in order, each school of a month whole in one part, its rows in their order."""
    rows = pl.DataFrame(
        {"school_id": f"S{number % 70}", "date": date(2026, 7 + number % 3, 1), "_row": number}
        for number in range(2_000)
    )
    monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", 300)
    store = delivery_module.PartStore(tmp_path)
    for start in range(0, rows.height, 130):
        store.add("attendance", rows.slice(start, 130))
    parts = {part: store.load("attendance", part) for part in store.parts("attendance")}
    months = [part[:6] for part in parts]
    assert months == sorted(months)
    assert set(months) == {"202607", "202608", "202609"}
    assert len(parts) > 3 * delivery_module.GROUPS // 2
    assert max(frame.height for frame in parts.values()) < rows.height / 10
    where = pl.concat([frame.with_columns(part=pl.lit(part)) for part, frame in parts.items()])
    assert where.height == rows.height
    of_school = where.group_by("school_id", pl.col("date").dt.month()).agg(
        pl.col("part").n_unique(), in_order=pl.col("_row").diff().min()
    )
    assert set(of_school["part"]) == {1}
    assert all(step > 0 for step in of_school["in_order"])
    store.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [300, 1_000_000])
def test_rows_wait_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Texts by number, columns that say one thing once: they are read as they were."""
    monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", limit)
    rows = pl.DataFrame(
        {
            "school_id": [f"S{number % 7}" for number in range(2_000)],
            "student": [f"{number}" for number in range(2_000)],
            "period": "2026-27-Q1",
            "kind": None,
            "score": [float("nan") if number % 3 == 1 else 1.0 for number in range(2_000)],
            "max_score": 100.0,
            "subject": [None if number % 5 else "IPA" for number in range(2_000)],
            "date": None,
            "_row": range(2_000),
        },
        schema_overrides={"kind": pl.String, "date": pl.Date, "_row": pl.Int32},
    )
    store = delivery_module.PartStore(tmp_path)
    for start in range(0, rows.height, 130):
        block = rows.slice(start, 130)
        if start % 260:
            block = block.with_columns(store.dtypes.number("student", block["student"]))
        store.add("grade", block)
    assert list(tmp_path.iterdir()) if limit == 300 else not list(tmp_path.iterdir())
    for _ in range(2):
        found = pl.concat(store.load("grade", part) for part in store.parts("grade")).sort("_row")
        assert found.equals(rows)
        assert found.schema == rows.schema
        for part in store.parts("grade"):  # settled rows, some parts empty
            kept = store.load("grade", part).filter(pl.col("school_id") != "S3")
            store.replace("grade", part, kept)
        rows = rows.filter(pl.col("school_id") != "S3")
    store.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [100, 1_000_000])
def test_parts_without_a_fault_are_settled_like_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Two schools number their students alike; who repeats a day, is unknown or outside the years
    is found in any part."""
    monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", limit)
    mapping = parse_mapping(
        'source = "smp"\n[defaults]\nschool_year = "2026-27"\n'
        + MARKS.replace("[table.columns]", '[table.columns]\nschool_id = "Sekolah"')
    )
    known = pl.DataFrame(
        [(f"S{school}", f"{number:02d}") for school in range(2) for number in range(20)],
        schema=["school_id", "student"],
        orient="row",
    )
    good = [
        f"{school};{student};{day:02d}/{month:02d}/2026;H\n"
        for month in (8, 9, 10) for day in range(3, 9) for school, student in known.iter_rows()
    ]  # fmt: skip

    def once(*more: str) -> tuple[int, list[tuple[int, str]]]:
        (tmp_path / "hadir.csv").write_text("Sekolah;NIS;Tanggal;Kode\n" + "".join([*good, *more]))
        with read_delivery(
            [tmp_path / "hadir.csv"], mapping, district=DISTRICT, known_students=known,
            work_dir=tmp_path / "work",
        ) as delivery:  # fmt: skip
            accounts(delivery)
            counted = sum(batch.height for batch in delivery.batches("attendance"))
            assert delivery.rows["attendance"] == counted
            return counted, delivery.refused.select("row", "reason").rows()

    last = len(good) + 2
    assert once() == (len(good), [])
    for line, reason in (
        ("S0;03;04/09/2026;H\n", "duplicate"),
        ("S1;99;04/09/2026;H\n", "unknown_student"),
        ("S2;03;04/09/2026;H\n", "unknown_student"),
        ("S1;3;04/09/2026;H\n", "lost_zeros"),
        ("S1;03;04/09/2027;H\n", "date_out_of_range"),
    ):
        assert once(line) == (len(good), [(last, reason)])
    kept, refused = once("S0;03;04/09/2026;S\n")
    assert kept == len(good) - 1
    assert [reason for _, reason in refused] == ["duplicates_disagree"] * 2


@pytest.mark.parametrize("dates", ['date_format = "%d/%m/%Y"\n', ""])
def test_rows_are_as_if_each_were_checked_where_texts_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dates: str
) -> None:
    """Files large enough for numbers, with every kind of fault, empty cells, and another order."""
    mapping = parse_mapping(
        HEAD + MARKS.replace('date_format = "%d/%m/%Y"\n', dates).replace(
            "[table.columns]", 'empty = ["-"]\n[table.columns]\nclass_name = "Kelas"'
        )
    )  # fmt: skip
    odd = [
        "0001;32/08/2026;H;A", "0002;20/08/2026;Q;A", ";20/08/2026;H;A", "0003;;H;A", ";;;",
        "3,52E+15;20/08/2026;H;A", "NIS;Tanggal;Kode;Kelas", "NIS;20/08/2026;H;A", "a;b",
        " 0004 ;20/08/2026; s ;-", "0005;20/08/2026;;", "0006;2026-08-20;H;A",
        "0007;20/08/2026;H;-", "0008;21/08/1950;H;A",
    ]  # fmt: skip
    good = [
        f"{student:04d};{day:02d}/08/2026;{'HSI'[(student + day) % 3]};VII-{student % 3}"
        for day in range(3, 20) for student in range(900)
    ]  # fmt: skip
    first = [*good[:6_000], *odd, *good[6_000:], odd[1]]
    for name, rows in (("hadir1", first), ("hadir2", [odd[0], *good[::-1][:11_000], *odd])):
        text = "NIS;Tanggal;Kode;Kelas\n" + "".join(row + "\n" for row in rows)
        (tmp_path / f"{name}.csv").write_text(text.replace("/08/2026;S", "/09/2026;S"), "utf-8")

    def once() -> tuple[Any, ...]:
        with read_delivery([tmp_path], mapping, district=DISTRICT) as delivery:
            accounts(delivery)
            counts = delivery.rows, delivery.rows_read, delivery.rows_refused, delivery.merged
            return delivery.frame("attendance"), delivery.refused, counts, delivery.warnings

    monkeypatch.setattr(shaping, "_WORTH_JUDGING", 0)
    files: list[Judged] = []
    monkeypatch.setattr(shaping, "Judged", lambda *about: files.append(Judged(*about)) or files[-1])
    by_text = once()
    assert len(files) == 2
    assert len(by_text[1]["reason"].unique()) >= 8
    monkeypatch.setattr(shaping, "_is_judged_by_text", lambda _: False)
    by_row = once()
    assert by_text[0].equals(by_row[0])
    assert by_text[1].equals(by_row[1])
    assert by_text[2:] == by_row[2:]


def test_a_failed_reading_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", 1)
    for name, text in (("hadir1.csv", HADIR), ("hadir2.csv", HADIR[:-13])):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"hadir2\.csv"):
        read_delivery(
            [tmp_path], parse_mapping(HEAD + MARKS), district=DISTRICT, work_dir=tmp_path / "work"
        )
    assert not list((tmp_path / "work").iterdir())


# The list of refused rows


def test_the_list_of_refused_rows_is_safe_to_open(tmp_path: Path) -> None:
    text = SISWA + '=1+1;A;@x;1/1/2013\n-2;=cmd|\'/c calc\'!A0;"+3;""q""";x\n'
    with read(tmp_path, STUDENTS, siswa_csv=text) as delivery:
        write_refusals(delivery.refused, tmp_path / "refused.csv")
        data = (tmp_path / "refused.csv").read_bytes()
        assert data == refusals_csv(delivery.refused)
    assert data.startswith(b"\xef\xbb\xbffile;sheet;row;column;found;allowed;reason\r\n")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["siswa.csv"] * 3
    assert [row[4] for row in rows[1:]] == ["'@x", '\'+3;"q"', "x"]
    assert [row[6] for row in rows[1:]] == ["unknown_code", "unknown_code", "wrong_date_style"]


# Damage of every kind

Damage = Callable[[bytes], bytes]


@st.composite
def damages(draw: st.DrawFn) -> Damage:
    """One thing that happens to files on their way."""
    kind = draw(st.sampled_from(["cut", "drop", "put", "line", "swap", "encode", "top", "newline"]))
    at, length = draw(st.floats(0, 1)), draw(st.integers(1, 30))
    junk = draw(
        st.one_of(
            st.binary(min_size=1, max_size=4),
            st.sampled_from(
                [b'"', b";", b";;", b"\n", b"\r", b"\x00", b"\xe9", b"=", b"'", b"31/09"]
            ),
        )
    )
    line = draw(
        st.sampled_from(
            [b";;;", b"", b"#N/A;#REF!;1e400;nan", "é;ü;ß;ç".encode(), "é;ü".encode("cp1252"),
             b"=1+1;-2;@x;+3", b"9" * 3000, b"0101;01/09/2026;H", b"NIS;Tanggal;Kode"]
        )
    )  # fmt: skip
    old, new = draw(
        st.sampled_from(
            [(b";", b","), (b";", b"\t"), (b"/", b"-"), (b"/", b""), (b"0", b""), (b",", b".")]
        )
    )
    encoding = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp500"]))
    top = draw(
        st.sampled_from([b"sep=;\n", b"Judul\n\n", b"%PDF-", b"PK\x03\x04", b"<table>", b'"'])
    )
    end = draw(st.sampled_from([b"\r\n", b"\r", b"\n\n"]))

    def apply(data: bytes) -> bytes:
        i = int(at * len(data))
        if kind == "cut":
            return data[:i]
        if kind == "drop":
            return data[:i] + data[i + length :]
        if kind == "put":
            return data[:i] + junk + data[i:]
        if kind == "line":
            lines = data.split(b"\n")
            lines.insert(int(at * len(lines)), line)
            return b"\n".join(lines)
        if kind == "swap":
            return data.replace(old, new, length)
        if kind == "encode":
            return data.decode("latin-1").encode(encoding)
        return top + data if kind == "top" else data.replace(b"\n", end)

    return apply


@settings(
    max_examples=250, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    students=st.lists(damages(), max_size=2),
    marks=st.lists(damages(), max_size=3),
    grades=st.lists(damages(), max_size=2),
)
def test_damaged_files_are_refused_in_words(
    tmp_path: Path, students: list[Damage], marks: list[Damage], grades: list[Damage]
) -> None:
    files: dict[str, Any] = {}
    for name, text, hits in (
        ("siswa_csv", SISWA, students), ("hadir_csv", HADIR, marks), ("nilai_csv", NILAI, grades)
    ):  # fmt: skip
        data = text.encode()
        for hit in hits:
            data = hit(data)
        files[name] = data
    names, says = {"siswa.csv", "hadir.csv", "nilai.csv"}, ""
    try:
        delivery = read(tmp_path, **files)
    except EarlyWarningError as error:
        says = str(error)
        delivery = None
    if delivery is None:
        assert any(name in says for name in names)
        return
    with delivery:
        accounts(delivery)
        assert delivery.tables == tuple(
            table for table in ORDER if table in ("student", "attendance", "grade")
        )
        for line in delivery.refused.to_dicts():
            assert line["file"] in names
            assert line["row"] >= 1
            assert line["reason"] in REASONS
            assert line["allowed"]
