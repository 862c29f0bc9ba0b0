"""Killed while importing: the old state whole, or the new one whole, and nothing left behind."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import func, select, text

from earlywarning.errors import Conflict
from earlywarning.io.facts import FactStore
from earlywarning.io.register import people
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch
from earlywarning.io.versions import current
from earlywarning_pipelines.console import BUSY_EXIT
from killed_imports import Killer, started

COMMAND = "from earlywarning_pipelines.cli import app; app()"
STUDENTS = 40
DAYS = [date(2026, 8, 3) + timedelta(days=n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]

MAPPING = """
source = "small"
[defaults]
school_id = "S1"
school_year = "2026-27"
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
namespace = "id"
[table.columns]
student = "NIS"
date = "Tanggal"
code = "Kode"
[[table]]
table = "grade"
file = "nilai.csv"
[table.columns]
student = "NIS"
subject = "Mapel"
score = "Nilai"
[table.constants]
period = "2026-27-Q1"
"""


@dataclass(frozen=True)
class State:
    """What an installation holds: absences by student and day, every score there is."""

    students: list[str]
    absences: dict[tuple[str, date], str]
    scores: set[int]


class School:
    """A school that delivers every day: each time one student more, other marks, other grades."""

    def __init__(self, folder: Path, killer: Killer) -> None:
        self.home, self.files, self.killer = folder / "home", folder / "files", killer
        self.home.mkdir()
        self.files.mkdir()
        (self.home / "district.toml").write_text("[visits]\nlottery = false\n")
        (folder / "mapping.toml").write_text(MAPPING)
        self.said = folder / "said.txt"
        self.store = FactStore(self.home / "facts")

    def expected(self, number: int) -> State:
        """After delivery `number`."""
        absences = {
            (student, day): "unexcused"
            for student in self.students(number)
            for day in DAYS
            if self.absent(student, day, number)
        }
        return State(self.students(number), absences, {self.score(number) * 100})

    @staticmethod
    def students(number: int) -> list[str]:
        return [f"{n:03d}" for n in range(STUDENTS + number)]

    @staticmethod
    def score(number: int) -> int:
        return 40 + number % 50

    @staticmethod
    def absent(student: str, day: date, number: int) -> bool:
        return (int(student) + day.day + number) % 7 == 0

    def deliver(self, number: int, **moment: Any) -> int:
        """Import the delivery of a day by the command line; its exit code."""
        self.write(number)
        return self.killer.run(self.argv(number), say=self.said, **moment)

    def write(self, number: int) -> None:
        """The files of a day."""
        students = self.students(number)
        people_ = [f"{s};Siswa {s};K{int(s) // 2};VII-{'AB'[int(s) % 2]}" for s in students]
        marks = [
            f"{s};{day};{'A' if self.absent(s, day, number) else 'H'}"
            for s in students
            for day in DAYS
        ]
        grades = [f"{s};IPA;{self.score(number)}" for s in students]
        self._write("siswa.csv", "NIS;Nama;Keluarga;Kelas", people_)
        self._write("hadir.csv", "NIS;Tanggal;Kode", marks)
        self._write("nilai.csv", "NIS;Mapel;Nilai", grades)

    def argv(self, number: int) -> list[str]:
        return [
            "--home", str(self.home),
            "import", "--mapping", str(self.files.parent / "mapping.toml"),
            "--delivered-on", str(date(2026, 9, 1) + timedelta(days=number)),
            "--refused", str(self.home / "refused.csv"), str(self.files),
        ]  # fmt: skip

    def _write(self, name: str, heading: str, rows: list[str]) -> None:
        (self.files / name).write_text("\n".join([heading, *rows, ""]))

    def dump(self) -> list[str]:
        """Every row of the register, byte for byte."""
        with closing(sqlite3.connect(self.home / "register.db")) as connection:
            return list(connection.iterdump())

    def state(self) -> tuple[int, State]:
        """Imports so far, and what register and current facts hold; both are sound."""
        with open_register(f"sqlite:///{self.home / 'register.db'}", migrate=False) as register:
            snapshot = register.current_snapshot()
            with register.session() as session:
                assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
                assert session.execute(text("PRAGMA foreign_key_check")).all() == []
                imports = session.scalar(select(func.count()).select_from(ImportBatch)) or 0
                known = people.known_students(session)
        assert snapshot is not None
        self.store.verify(snapshot)
        names = dict(known.select("student_id", "student").rows())
        stays = current(self.store.read(snapshot, "enrollment"))
        assert set(stays["student_id"]) == set(names)
        events = current(self.store.read(snapshot, "attendance_event"))
        absences = {
            (names[student], day): status
            for student, day, status in events.filter(pl.col("status") != "present")
            .select("student_id", pl.col("day").cast(pl.Date), "status")
            .rows()
        }
        grades = current(self.store.read(snapshot, "grade"))
        assert set(grades["student_id"]) == set(names)
        return imports, State(sorted(names.values()), absences, set(grades["score_centi"]))

    def left_behind(self) -> list[str]:
        """Names below the facts that no import stands for."""
        url = f"sqlite:///{self.home / 'register.db'}"
        with open_register(url) as register, register.session() as session:
            kept = set(session.scalars(select(FactsSnapshot.snapshot_id)))
        folders = {path.name for path in (self.home / "facts" / "snapshots").iterdir()}
        assert kept <= folders
        work = (self.home / "facts" / "work").rglob("*")
        return sorted(folders - kept) + [str(path) for path in work]


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with started() as one:
        yield one


@pytest.fixture
def school(tmp_path: Path, killer: Killer) -> School:
    made = School(tmp_path, killer)
    assert made.deliver(1) == 0, made.said.read_text()
    assert made.state() == (1, made.expected(1))
    return made


def kill_and_look(school: School, number: int, **moment: Any) -> bool:
    """Kill delivery `number` and look, then let it through; whether it had been saved already."""
    before = school.dump()
    code = school.deliver(number, **moment)
    assert code in (0, -signal.SIGKILL), school.said.read_text()
    imports, state = school.state()
    saved = imports == number
    assert state == school.expected(imports)
    if not saved:
        assert school.dump() == before
        assert code == -signal.SIGKILL
        assert school.deliver(number) == 0, school.said.read_text()
        assert school.state() == (number, school.expected(number))
        assert school.left_behind() == []
    return saved


MOMENTS = {
    "an orphan is being removed": {"event": "shutil.rmtree", "about": "work"},
    "nothing has been read": {"event": "os.mkdir", "about": "work"},
    "a snapshot is begun": {"event": "os.mkdir", "about": ".aside-"},
    "people are being saved": {"sql": "INSERT INTO student"},
    "the first table is written": {"event": "open", "about": "enrollment"},
    "the last table is written": {"event": "open", "about": "grade"},
    "files are being linked": {"event": "os.link", "about": "visit"},
    "the manifest is written": {"event": "open", "about": "manifest.json"},
    "the snapshot is whole but aside": {"event": "os.rename", "about": ".aside-"},
    "the snapshot is in place": {"sql": "UPDATE facts_snapshot"},
    "the import is noted": {"sql": "INSERT INTO import_batch"},
    "all but the end": {"sql": "commit"},
}


def test_killed_at_each_step_nothing_was_saved(school: School) -> None:
    for number, (name, moment) in enumerate(MOMENTS.items(), 2):
        assert not kill_and_look(school, number, **moment), name


def test_killed_after_the_end_all_was_saved(school: School) -> None:
    assert kill_and_look(school, 2, sql="committed")
    # What the killed process left is gone with the next import.
    assert school.deliver(3) == 0
    assert school.left_behind() == []


def at_random(school: School, kills: int, seed: int) -> None:
    start = time.perf_counter()
    assert school.deliver(2) == 0
    whole = time.perf_counter() - start
    rng = random.Random(seed)  # noqa: S311 - moments at which to kill
    early = [
        not kill_and_look(school, number, after=rng.uniform(0.1, 1.0) * whole)
        for number in range(3, 3 + kills)
    ]
    assert any(early)


def test_killed_at_any_moment(school: School) -> None:
    at_random(school, 4, 20261005)


@pytest.mark.slow
def test_killed_a_hundred_times(school: School) -> None:
    at_random(school, 100, 20261006)


def test_two_imports_at_once_end_one_after_the_other(school: School) -> None:
    school.write(2)
    command = [sys.executable, "-c", COMMAND, *school.argv(2)]
    with school.store.only_writer(wait_seconds=1):
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)
        ]
        time.sleep(1.5)
        assert [one.poll() for one in both] == [None, None]
    said = sorted(one.communicate(timeout=60)[0] for one in both)
    assert [one.returncode for one in both] == [0, 0], said
    assert sum("nothing new" in text for text in said) == 1
    assert school.state() == (3, school.expected(2))


def test_an_import_that_waits_too_long_says_so(school: School) -> None:
    before = school.dump()
    with school.store.only_writer(wait_seconds=1):
        assert school.deliver(2) == BUSY_EXIT
        with pytest.raises(Conflict), school.store.only_writer(wait_seconds=0):
            pass
    assert "another import into" in school.said.read_text()
    assert "Traceback" not in school.said.read_text()
    assert school.dump() == before
    # The lock of a process that was killed holds nobody up.
    assert not kill_and_look(school, 2, sql="commit")


def test_what_was_left_behind_does_not_hinder(school: School) -> None:
    (school.home / "facts" / "snapshots" / ".aside-0").mkdir()
    (school.home / "facts" / "work" / "delivery-0").mkdir(parents=True)
    shutil.copytree(
        next((school.home / "facts" / "snapshots").iterdir()),
        school.home / "facts" / "snapshots" / ("0" * 64),
    )
    assert len(school.left_behind()) == 3
    assert school.deliver(2) == 0
    assert school.left_behind() == []
