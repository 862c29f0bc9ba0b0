"""Three sources that know the same children by number, by national id, and by name."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from earlywarning.io.facts import FactStore
from earlywarning.io.register import matches
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import ClassGroup, ImportBatch, PersonMatch, Student
from earlywarning_pipelines import cli

ROSTER = """
source = "roster"
[defaults]
school_id = "S1"
school_year = "2026-27"
[[table]]
table = "student"
file = "siswa.csv"
[table.columns]
student = "NIS"
national_id = "NISN"
full_name = "Nama"
birth_date = "Lahir"
[[table]]
table = "enrollment"
file = "siswa.csv"
[table.columns]
student = "NIS"
class_name = "Kelas"
[table.constants]
entry_date = 2026-07-13
"""

LEDGER = """
source = "ledger"
[defaults]
school_id = "S1"
school_year = "2026-27"
[[table]]
table = "behaviour"
file = "poin.csv"
identify = "national_id"
[table.columns]
event = "#row"
student = "NISN"
date = "Tanggal"
type_code = "Jenis"
points = "Poin"
[table.constants]
polarity = "offence"
is_attendance_related = false
"""

SHEET = """
source = "sheet"
[defaults]
school_id = "S1"
school_year = "2026-27"
[[table]]
table = "attendance"
file = "absen-*.csv"
identify = "name"
[table.columns]
student = "Nama"
class_name = "Kelas"
[table.melt]
into = "code"
label = "date"
pattern = '^(\\d\\d)/(\\d\\d)$'
template = "2026-{2}-{1}"
"""

SISWA = """NIS;NISN;Nama;Lahir;Kelas
0101;0130000001;Ahmad Fulan;04/05/2013;VII-A
0102;0130000002;Siti Contoh;01/06/2013;VII-A
0103;0130000003;Suparmi;02/07/2013;VII-A
0201;0130000004;M. Yusuf Al-Contoh;03/08/2013;VII-B
0202;0130000005;Siti Contoh;09/09/2013;VII-B
"""

POIN = """NISN;Tanggal;Jenis;Poin
0130000001;01/09/2026;B1;10
0130000004;02/09/2026;B1;5
130000002;02/09/2026;B1;5
0130000009;02/09/2026;B1;5
"""

AUGUST = """Nama;Kelas;03/08;04/08
AHMAD FULAN;7A;H;S
Siti C.;7A;A;H
Supermi;7A;H;H
Muh. Yusuf Al Contoh;7B;H;I
Bambang;7B;H;H
"""


@dataclass(frozen=True)
class Home:
    """An installation, and files to import into it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def review(self) -> Path:
        return self.home / "review.csv"

    def run(self, *words: str | Path) -> tuple[int, str, str]:
        """Exit code, what was said, what was said on the error stream."""
        result = CliRunner().invoke(cli.app, ["--home", str(self.home), *map(str, words)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def take(
        self, mapping: str, files: Mapping[str, str], *words: str | Path, on: str = "2026-09-30"
    ) -> str:
        """Import files that a mapping names; what was said."""
        code, out, err = self.trying(mapping, files, *words, on=on)
        assert code == 0, err
        return out

    def trying(
        self, mapping: str, files: Mapping[str, str], *words: str | Path, on: str = "2026-09-30"
    ) -> tuple[int, str, str]:
        (self.folder / "mapping.toml").write_text(mapping, "utf-8")
        paths = []
        for name, text in files.items():
            paths.append(self.folder / name)
            paths[-1].write_text(text, "utf-8")
        return self.run("import", "--mapping", self.folder / "mapping.toml", "--delivered-on", on,
                        *words, *paths)  # fmt: skip

    def questions(self, path: Path | None = None) -> list[dict[str, str]]:
        with (path or self.review).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))

    def fill_in(self, answers: Mapping[str, str], path: Path | None = None) -> Path:
        """Answer the questions by the name found, in a copy of the review file."""
        lines = self.questions(path)
        filled = self.folder / "answers.csv"
        with filled.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(
                line | {"answer": answers.get(line["name found"], "")} for line in lines
            )
        return filled

    def facts(self, table: str) -> pl.DataFrame:
        """Newest versions, with the school's own number of each student."""
        with self.register() as register, register.session() as session:
            people = session.scalars(select(Student)).all()
            numbers = {one.student_id: one.local_id for one in people}
            snapshot = register.current_snapshot()
        rows = FactStore(self.home / "facts").read(snapshot, table)
        return rows.filter(pl.col("superseded_day") == 2**31 - 1).with_columns(
            pl.col("student_id").replace_strict(numbers).alias("student")
        )

    def marks(self) -> dict[tuple[str, str], str]:
        """Exceptions of August: student and day, status."""
        rows = self.facts("attendance_event").with_columns(
            day=pl.col("day").cast(pl.Date).dt.to_string("%m-%d")
        )
        return {(one, day): status
                for one, day, status in rows.select("student", "day", "status").rows()}  # fmt: skip

    def register(self) -> Register:
        return open_register(f"sqlite:///{self.home / 'register.db'}")


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EARLYWARNING_")]:
        monkeypatch.delenv(name)
    made = Home(tmp_path)
    assert made.run("init", "--name", "SMP Contoh", "--no-lottery")[0] == 0
    made.take(ROSTER, {"siswa.csv": SISWA})
    return made


ALL = {"AHMAD FULAN": "yes", "Siti C.": "ya", "Supermi": "0103", "Muh. Yusuf Al Contoh": "YES",
       "Bambang": "no"}  # fmt: skip


def test_a_ledger_by_national_id(school: Home) -> None:
    said = school.take(LEDGER, {"poin.csv": POIN})
    assert "  matched  2 students by national id\n" in said
    rows = school.facts("behaviour_event").sort("student")
    assert rows.select("student", "centipoints").rows() == [("0101", 1000), ("0201", 500)]
    with (school.home / "refused.csv").open(encoding="utf-8-sig", newline="") as file:
        refused = [(line["row"], line["column"], line["found"], line["reason"])
                   for line in csv.DictReader(file, delimiter=";")]  # fmt: skip
    assert refused == [
        ("4", "NISN", "130000002", "lost_zeros"),
        ("5", "NISN", "0130000009", "unmatched_student"),
    ]
    assert not school.review.exists()


def test_a_sheet_by_name_waits_for_answers_and_then_is_in(school: Home) -> None:
    said = school.take(SHEET, {"absen-08.csv": AUGUST})
    assert "  refused  attendance: 4 rows, needs_confirmation\n" in said
    assert "  refused  attendance: 1 row, unmatched_student\n" in said
    assert f"  to say   5 names in {school.review}: fill in answer" in said
    assert school.facts("attendance_event").is_empty()
    asked = {line["name found"]: line for line in school.questions()}
    assert {name: line["proposed student"] for name, line in asked.items()} == {
        "AHMAD FULAN": "0101", "Siti C.": "0102", "Supermi": "0103",
        "Muh. Yusuf Al Contoh": "0201", "Bambang": "",
    }  # fmt: skip
    assert asked["Supermi"] | {"key": ""} == {
        "key": "", "source": "sheet", "school": "S1", "name found": "Supermi", "class": "7A",
        "birth date": "", "rows": "2", "proposed student": "0103", "proposed name": "Suparmi",
        "proposed class": "VII-A", "how sure": "one letter differs, the same class", "answer": "",
    }  # fmt: skip
    # The rows that waited were delivered before, so they are no swing to be confirmed.
    said = school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", school.fill_in(ALL))
    assert "  matched  4 students by an answer\n" in said
    assert "  refused  attendance: 1 row, unmatched_student\n" in said
    marks = school.marks()
    assert {key: status for key, status in marks.items() if status != "unrecorded"} == {
        ("0101", "08-04"): "sick", ("0102", "08-03"): "unexcused", ("0201", "08-04"): "permitted",
    }  # fmt: skip
    assert ("0103", "08-03") not in marks
    assert ("0202", "08-03") in marks
    # The same again: nothing new, and nobody is asked but about whom nobody knows.
    school.review.unlink()
    said = school.take(SHEET, {"absen-08.csv": AUGUST})
    assert "  matched  4 students by an earlier confirmation\n" in said
    assert "nothing new: the facts are as they were" in said
    assert [line["name found"] for line in school.questions()] == ["Bambang"]


def test_next_months_sheet_asks_only_about_new_names(school: Home) -> None:
    school.take(SHEET, {"absen-08.csv": AUGUST})
    school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", school.fill_in(ALL))
    school.review.unlink()
    september = "Nama;Kelas;01/09\nahmad fulan;VII A;S\nSiti C.;VII-A;S\nSITI CONTOH;7B;A\n"
    said = school.take(SHEET, {"absen-09.csv": september})
    assert "  matched  2 students by an earlier confirmation\n" in said
    assert [line["name found"] for line in school.questions()] == ["SITI CONTOH"]
    assert school.marks()["0101", "09-01"] == "sick"
    filled = school.fill_in({"SITI CONTOH": "yes"})
    said = school.take(SHEET, {"absen-09.csv": september}, "--answers", filled)
    assert "  matched  2 students by an earlier confirmation\n" in said
    assert "  matched  1 student by an answer\n" in said
    assert school.marks()["0202", "09-01"] == "unexcused"


def test_a_preview_asks_and_saves_no_answer(school: Home) -> None:
    said = school.take(SHEET, {"absen-08.csv": AUGUST}, "--preview")
    assert "  to say   5 names" in said
    filled = school.fill_in(ALL)
    said = school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", filled, "--preview")
    assert "  matched  4 students by an answer\n" in said
    with school.register() as register, register.session() as session:
        assert session.scalars(select(PersonMatch)).all() == []
    assert school.facts("attendance_event").is_empty()


def test_wrong_answers_stop_the_import_with_row_and_column(school: Home) -> None:
    school.take(SHEET, {"absen-08.csv": AUGUST})
    order = [line["name found"] for line in school.questions()]
    filled = school.fill_in({"AHMAD FULAN": "101", "Bambang": "yes", "Siti C.": "yes"})
    code, _, err = school.trying(SHEET, {"absen-08.csv": AUGUST}, "--answers", filled)
    assert code == 1
    words = " ".join(err.split())
    assert "the answers cannot be used; nothing was saved" in words
    row = order.index("AHMAD FULAN") + 2
    assert (f"answers.csv: row {row}, column answer: '101' is no student of this school; allowed: "
            "yes, no, or a student's number; 0101 is one, so format the column as text"
            ) in words  # fmt: skip
    row = order.index("Bambang") + 2
    assert f"answers.csv: row {row}, column answer: 'yes', but nobody is proposed" in words
    with school.register() as register, register.session() as session:
        assert session.scalars(select(PersonMatch)).all() == []
        assert len(session.scalars(select(ImportBatch)).all()) == 2
    # Answers given to a mapping that names nobody by name are a mistake.
    code, _, err = school.trying(ROSTER, {"siswa.csv": SISWA}, "--answers", school.fill_in(ALL))
    assert code == 1
    assert "no table of the mapping names students by name" in " ".join(err.split())


def test_answers_are_not_overwritten_by_new_questions(school: Home) -> None:
    school.take(SHEET, {"absen-08.csv": AUGUST})
    school.fill_in({"AHMAD FULAN": "yes"}).replace(school.review)
    kept = school.review.read_bytes()
    said = school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", school.review)
    again = school.home / "review-2.csv"
    assert f"4 names in {again}" in said
    assert school.review.read_bytes() == kept
    assert "AHMAD FULAN" not in {line["name found"] for line in school.questions(again)}
    code, _, err = school.trying(
        SHEET, {"absen-08.csv": AUGUST}, "--review", school.folder / "none" / "r.csv"
    )
    assert (code, "--review: there is no folder" in err) == (1, True)


def test_an_answer_goes_with_the_student(school: Home) -> None:
    school.take(SHEET, {"absen-08.csv": AUGUST})
    school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", school.fill_in(ALL))
    with school.register() as register:
        with register.session() as session:
            labels = set(session.scalars(select(PersonMatch.label)))
            assert labels == {"ahmad fulan", "siti c", "supermi", "muhammad yusuf al contoh"}
        with register.session(writing=True) as session:
            session.execute(delete(Student).where(Student.local_id == "0102"))
            session.commit()
        with register.session() as session:
            assert set(session.scalars(select(PersonMatch.label))) == labels - {"siti c"}
            assert names_of(session, "sheet") == {"0101", "0103", "0201"}
            assert names_of(session, "roster") == set()


def names_of(session: Session, source: str) -> set[str]:
    return set(matches.known(session, source, matches.Known()).remembered["student"])


def test_a_newer_answer_takes_the_place_of_an_older_one(school: Home) -> None:
    school.take(SHEET, {"absen-08.csv": AUGUST})
    kept = school.review.rename(school.folder / "kept.csv")
    for said, student in (("0103", {"0103"}), ("yes", {"0102"}), ("no", set()), ("yes", {"0102"})):
        filled = school.fill_in({"Siti C.": said}, kept)
        school.take(SHEET, {"absen-08.csv": AUGUST}, "--answers", filled)
        with school.register() as register, register.session() as session:
            assert names_of(session, "sheet") == student
            assert all(
                isinstance(one.confirmed_at, datetime)
                for one in session.scalars(select(PersonMatch))
            )


def test_birth_dates_tell_namesakes_apart(school: Home) -> None:
    grades = """
source = "grades"
[[table]]
table = "grade"
file = "nilai.csv"
identify = "name"
[table.match]
birth_date = "Tgl Lahir"
[table.columns]
student = "Nama"
score = "Nilai"
[table.constants]
school_id = "S1"
subject = "MTK"
period = "2026-27-Q1"
"""
    nilai = "Nama;Tgl Lahir;Nilai\nSiti Contoh;09/09/2013;80\nSiti Contoh;;70\nSuparmi;besok;60\n"
    said = school.take(grades, {"nilai.csv": nilai})
    assert "note: 1 birth dates beside names could not be read" in said
    assert [(line["name found"], line["birth date"], line["proposed student"])
            for line in school.questions()] == [
        ("Siti Contoh", "2013-09-09", "0202"), ("Siti Contoh", "", ""), ("Suparmi", "", "0103"),
    ]  # fmt: skip
    filled = school.fill_in({"Suparmi": "yes"})
    lines = filled.read_text("utf-8").replace("the same birth date;", "the same birth date;yes")
    filled.write_text(lines, "utf-8")
    school.take(grades, {"nilai.csv": nilai}, "--answers", filled)
    rows = school.facts("grade").sort("student").select("student", "score_centi").rows()
    assert rows == [("0103", 6000), ("0202", 8000)]


def test_classes_that_are_spelled_otherwise_meet(school: Home) -> None:
    july = """NIS;NISN;Nama;Lahir;Kelas
0101;0130000001;Ahmad Fulan;04/05/2013;7A
0102;0130000002;Siti Contoh;01/06/2013;Kelas 7 A
0103;0130000003;Suparmi;02/07/2013;VII A
0201;0130000004;M. Yusuf Al-Contoh;03/08/2013;VII-B
0202;0130000005;Siti Contoh;09/09/2013;7-B
0301;0130000006;Citra;09/09/2012;8A
"""
    said = school.take(ROSTER, {"siswa.csv": july})
    assert ("note: classes that are spelled in two ways are one class: 7A is VII-A, Kelas 7 A is "
            "VII-A, VII A is VII-A, 7-B is VII-B\n") in said  # fmt: skip
    with school.register() as register, register.session() as session:
        found = session.scalars(select(ClassGroup)).all()
        assert {one.class_id: one.grade_level for one in found} == {
            "S1/2026-27/VII-A": 7, "S1/2026-27/VII-B": 7, "S1/2026-27/8A": 8,
        }  # fmt: skip
    levels = school.facts("enrollment").sort("student").select("student", "grade_level").rows()
    assert dict(levels) == {"0101": 7, "0102": 7, "0103": 7, "0201": 7, "0202": 7, "0301": 8}


def test_a_number_that_may_be_another_child_is_told(school: Home) -> None:
    changed = SISWA.replace("0130000001;Ahmad Fulan", "0130000003;Citra")
    said = " ".join(school.take(ROSTER, {"siswa.csv": changed}).split())
    assert "have the same national id as another student: 0101 of S1 and 0103 of S1" in said
    assert "another national id than before; is it still the same child: 0101 of S1" in said
    assert "quite different name than before; is it still the same child: 0101 of S1" in said
    with school.register() as register, register.session() as session:
        renamed = session.scalars(select(Student).where(Student.local_id == "0101")).one()
        assert (renamed.full_name, renamed.birth_date) == ("Citra", date(2013, 5, 4))
