"""What schools may deliver, from the command line to the list: every end is clear, none is a crash.

What single files and rows can have is tested where they are read (`library/io/test_reading.py`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

import catalogue
from drawn_school import AFTER, QUARTERS, facts
from earlywarning.district import District, Visits
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.register import lists
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch, School, Student, VisitList
from earlywarning_pipelines import publish, train
from earlywarning_pipelines.cli import app

AT = datetime(2026, 1, 1)  # noqa: DTZ001 - the register keeps UTC without zone

MAPPING = """
source = "smp-contoh"
[defaults]
school_id = "S1"
school_year = "2026-27"
[[table]]
table = "staff"
file = "guru.csv"
optional = true
[table.columns]
staff = "NIP"
name = "Nama"
max_visits = "Kunjungan"
[[table]]
table = "class_group"
file = "rombel.csv"
optional = true
[table.columns]
class_name = "Kelas"
homeroom_staff = "Wali"
[[table]]
table = "student"
file = "siswa.csv"
[table.columns]
student = "NIS"
full_name = "Nama"
household = "Keluarga"
[[table]]
table = "enrollment"
file = "siswa.csv"
[table.columns]
student = "NIS"
class_name = "Kelas"
[table.constants]
entry_date = 2026-07-13
[[table]]
table = "attendance"
file = "hadir.csv"
optional = true
date_format = "%d/%m/%Y"
namespace = "id"
[table.columns]
student = "NIS"
date = "Tanggal"
code = "Kode"
"""
DAYS = [day for day in (date(2026, 7, 20) + timedelta(days=n) for n in range(70))
        if day.isoweekday() < 6]  # fmt: skip
STUDENTS = [
    ("01", "Siti", "K1", "VII-A"),
    ("02", "Yusuf", "", "VII-A"),
    ("03", "Dewi", "K3", "VII-B"),
]


@dataclass
class Desk:
    """Somebody at the command line, with a folder of files."""

    home: Path
    files: Path

    @property
    def refused(self) -> Path:
        return self.home / "refused.csv"

    def write(self, name: str, heading: str, rows: Sequence[Sequence[object]]) -> Path:
        lines = [heading, *(";".join(map(str, row)) for row in rows)]
        path = self.files / name
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return path

    def students(self, rows: Sequence[Sequence[object]] = STUDENTS) -> None:
        self.write("siswa.csv", "NIS;Nama;Keluarga;Kelas", rows)

    def marks(self, code: dict[str, str], days: Sequence[date] = DAYS) -> None:
        rows = [(who, f"{day:%d/%m/%Y}", mark) for who, mark in code.items() for day in days]
        self.write("hadir.csv", "NIS;Tanggal;Kode", rows)

    def type(self, *words: str) -> tuple[int, str]:
        """Exit code, and all that was printed."""
        result = CliRunner().invoke(app, ["--home", str(self.home), *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        assert "Traceback" not in result.output
        return result.exit_code, result.output

    def take(self, *options: str, on: str = "2026-10-01") -> tuple[int, str]:
        return self.type(
            "import", "--mapping", str(self.files.parent / "mapping.toml"), "--delivered-on", on,
            *options, str(self.files),
        )  # fmt: skip

    def register(self) -> Register:
        return open_register(f"sqlite:///{self.home / 'register.db'}")

    def count(self, model: Any) -> int:
        with self.register() as register, register.session() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def listed(self) -> dict[str, Any]:
        """The one list's frozen record."""
        with self.register() as register:
            (row,) = lists.everything(register)
            return lists.frozen_record(register, row.visit_list_id)[1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path / "home", tmp_path / "files")
    made.home.mkdir()
    made.files.mkdir()
    (made.home / "district.toml").write_text("[visits]\nlottery = false\ncapacity = 4\n")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return made


def test_an_import_that_is_right_leaves_no_list_of_refused_rows(desk: Desk) -> None:
    desk.students()
    desk.marks({"01": "H", "02": "A", "03": "H"})
    code, said = desk.take()
    assert code == 0, said
    assert re.search(r"read +attendance: 150 rows", said)
    assert not desk.refused.exists()
    code, said = desk.take()
    assert (code, "nothing new: the facts are as they were" in said) == (0, True)
    code, said = desk.take("--preview")
    assert (code, said.rstrip().endswith("nothing was saved")) == (0, True)


DAMAGE = {
    "an empty file": (b"", "hadir.csv: is empty"),
    "another kind of file": (b"%PDF-1.7\n" + bytes(99), "hadir.csv: is a PDF"),
    "a workbook cut in half": (b"PK\x03\x04" + bytes(60), "hadir.csv: "),
    "wrong columns": (b"NISN;Hari\n1;2\n", "'NIS'"),
    "no text": (bytes(range(256)) * 4, "hadir.csv: "),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_cannot_be_read_stops_the_import(desk: Desk, damage: str) -> None:
    data, says = DAMAGE[damage]
    desk.students()
    (desk.files / "hadir.csv").write_bytes(data)
    code, said = desk.take()
    assert code == 1
    assert says in said
    assert desk.count(ImportBatch) == desk.count(Student) == 0
    assert not desk.refused.exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--mapping", "no.toml", "files"], 1, "no.toml: cannot be read"),
        (["--mapping", "mapping.toml", "no.csv"], 1, "no.csv: there is no such file"),
        (["--mapping", "mapping.toml"], 2, "Missing argument"),
        (
            ["--mapping", "mapping.toml", "--delivered-on", "1/10/2026", "files"],
            2,
            "like 2026-10-01",
        ),
        (["--mapping", "bad.toml", "files"], 1, "is not valid TOML"),
        (["files"], 1, "cannot be imported without a mapping"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(
    desk: Desk, words: list[str], code: int, says: str
) -> None:
    desk.students()
    Path("bad.toml").write_text("source = ")
    assert (desk.type("import", *words)[0], says in desk.type("import", *words)[1]) == (code, True)


def test_without_a_district_the_import_says_how_to_begin(desk: Desk) -> None:
    desk.students()
    (desk.home / "district.toml").unlink()
    code, said = desk.take()
    assert (code, "`earlywarning init`" in said) == (1, True)


def test_a_file_cut_in_half(desk: Desk) -> None:
    desk.students()
    desk.marks({"01": "H", "09": "A", "03": "H"})
    code, said = desk.take()
    assert code == 0, said
    desk.refused.unlink()
    whole = (desk.files / "hadir.csv").read_bytes()
    half = whole[: len(whole) // 2]

    # Within a row: somebody sees to it that the file is exported again.
    (desk.files / "hadir.csv").write_bytes(half[: half.rindex(b"/")])
    code, said = desk.take(on="2026-10-02")
    assert (code, "breaks off after 2 of 3 fields; the file is cut off" in said) == (1, True)

    # Between two rows: the import waits, and says meanwhile which rows it would refuse.
    half = half[: half.rindex(b"\n") + 1]
    (desk.files / "hadir.csv").write_bytes(half)
    code, said = desk.take(on="2026-10-02")
    assert code == 3, said
    rows = half.count(b"\n") - 1 - half.count(b"\n09")
    assert f"attendance: {rows} rows, the last delivery of smp-contoh had 100" in said
    assert f"the rows that it would refuse are in {desk.refused}" in said
    assert "--confirm" in said
    refused = desk.refused.read_text(encoding="utf-8-sig").splitlines()
    assert len(refused) == 1 + half.count(b"\n09")
    assert desk.count(ImportBatch) == 1
    code, said = desk.take("--confirm", on="2026-10-02")
    assert code == 0, said
    assert desk.count(ImportBatch) == 2


def test_refused_rows_are_written_where_they_are_wanted(desk: Desk) -> None:
    desk.students()
    desk.marks({"01": "H", "02": "A", "09": "H"}, DAYS[:2])
    code, said = desk.take("--refused", "list.csv")
    assert code == 0
    assert re.search(r"refused +attendance: 2 rows, unknown_student", said)
    assert "list.csv" in said
    assert len(Path("list.csv").read_text(encoding="utf-8-sig").splitlines()) == 3
    code, said = desk.take("--refused", "no/such/folder/list.csv", "--preview")
    assert code == 1
    assert "no/such/folder" in said


def test_no_students(desk: Desk) -> None:
    desk.students([])
    code, said = desk.take()
    assert (code, "siswa.csv: holds no rows for student" in said) == (0, True)
    code, said = desk.type("publish", "--quarter", "2026-27-Q2")
    assert (code, "nobody is enrolled on 2026-10-01" in said) == (1, True)
    assert desk.count(VisitList) == 0


def test_one_student_with_one_day(desk: Desk) -> None:
    desk.students(STUDENTS[:1])
    desk.marks({"01": "A"}, DAYS[:1])
    assert desk.take()[0] == 0
    code, said = desk.type("publish", "--quarter", "2026-27-Q2")
    assert (code, "Siti" in said) == (0, True)
    (family,) = desk.listed()["households"]
    assert family["listed"]


def test_a_school_with_gaps_and_a_quarter_of_history(desk: Desk) -> None:
    """A teacher without capacity, a class without homeroom, a student without a household."""
    desk.students([*STUDENTS, ("04", "Ahmad", "K3", "VII-C"), ("05", "Budi", "", "VII-D")])
    desk.write("guru.csv", "NIP;Nama;Kunjungan", [("t1", "Bu Ratna", 0), ("t2", "Pak Adi", "")])
    desk.write("rombel.csv", "Kelas;Wali", [("VII-A", "t1"), ("VII-B", "t2"), ("VII-C", "")])
    desk.marks({"01": "A", "02": "A", "03": "H", "04": "A"})
    code, said = desk.take()
    assert code == 0, said
    code, said = desk.type("publish", "--quarter", "2026-27-Q2", "--language", "en")
    assert code == 0, said
    record = desk.listed()
    with desk.register() as register, register.session() as session:
        names = {row.student_id: row.full_name for row in session.scalars(select(Student))}
    families = {
        frozenset(names[child["student_id"]] for child in family["children"]): family
        for family in record["households"]
    }
    # The siblings of two classes are one visit; their only homeroom teacher leads it.
    assert set(families) == {
        frozenset({"Siti"}), frozenset({"Yusuf"}), frozenset({"Dewi", "Ahmad"}), frozenset({"Budi"})
    }  # fmt: skip
    assert families[frozenset({"Dewi", "Ahmad"})]["listed"]
    assert families[frozenset({"Yusuf"})]["household_id"] is None
    # Bu Ratna visits nobody this quarter: her families are ranked all the same.
    for name in ("Siti", "Yusuf"):
        family = families[frozenset({name})]
        assert (family["listed"], family["rank"] is not None) == (False, True)
    assert families[frozenset({"Budi"})]["lead"] is None
    # Publishing twice, and a quarter that does not exist.
    code, said = desk.type("publish", "--quarter", "2026-27-Q2")
    assert (code, "already" in said) == (1, True)
    code, said = desk.type("publish", "--quarter", "2026-27-Q7")
    assert (code, "write it like 2026-27-Q1" in said) == (1, True)
    assert desk.count(VisitList) == 1


@pytest.fixture
def one_sided(tmp_path: Path) -> Iterator[tuple[FactStore, Register]]:
    """Two years in which nobody misbehaves and everybody fails in every subject."""
    tables = facts(80, QUARTERS)
    tables["behaviour_event"] = tables["behaviour_event"].with_columns(
        centipoints=pl.lit(0, pl.Int32), severity=pl.lit("minor")
    )
    tables["grade"] = tables["grade"].with_columns(score_centi=pl.lit(0, pl.Int32))
    store = FactStore(tmp_path / "facts")
    snapshot = store.write(tables, base=None)
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        with register.session(writing=True) as session:
            session.add(School(school_id="SCH1", name="SMP Contoh"))
            session.add(
                FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={})
            )
            session.commit()
        yield store, register


def test_what_never_happens_and_what_always_happens(
    one_sided: tuple[FactStore, Register], tmp_path: Path
) -> None:
    store, register = one_sided
    tools = {
        "engine": open_engine(), "store": store, "register": register,
        "registry": catalogue.registry(tmp_path, register),
        "district": District(visits=Visits(lottery=False, capacity=10)),
    }  # fmt: skip
    result = train.run(
        **tools, as_of=AFTER, trained_at=AT, outcomes=["behaviour", "grades"], seed=1
    )
    found = {one.outcome: one for one in result.outcomes}
    assert found["behaviour"].report["why"] == "never_happens"
    assert found["grades"].report["why"] == "always_happens"
    for one in found.values():
        assert one.model is not None
        assert one.model.kind == "rule"
    made = publish.draft(quarter=QUARTERS[-1], seed=1, by="Bu Ratna", at=AT, **tools)
    record = lists.frozen_record(register, made[0].visit_list_id)[1]
    assert any(family["listed"] for family in record["households"])


MILLION = """
import json, resource, sys
from earlywarning_pipelines.cli import app
try:
    app(sys.argv[1:])
finally:
    print(json.dumps({"peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@pytest.mark.slow
def test_a_million_rows(desk: Desk) -> None:
    students = [(f"{n:05d}", f"Siswa {n}", f"K{n}", f"VII-{n % 700}") for n in range(20_000)]
    desk.students(students)
    codes = "HHHHHHHHSA"
    rows = [
        (who[0], f"{day:%d/%m/%Y}", codes[(number + day.day) % 10])
        for day in DAYS
        for number, who in enumerate(students)
    ]
    desk.write("hadir.csv", "NIS;Tanggal;Kode", rows)
    assert len(rows) == 1_000_000
    done = subprocess.run(
        [sys.executable, "-c", MILLION, "--home", str(desk.home), "import", "--mapping",
         "mapping.toml", "--delivered-on", "2026-10-01", "files"],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    said = done.stdout.replace(",", "")
    assert re.search(r"read +attendance: 1000000 rows", said)
    assert re.search(r"saved +attendance_event: 200000 added 0 changed 0 unchanged", said)
    assert json.loads(done.stdout.splitlines()[-1])["peak_kb"] < 1_500_000
