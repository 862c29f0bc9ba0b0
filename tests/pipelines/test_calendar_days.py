"""A school's calendar stays in the register; absences that come later are counted against it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from earlywarning.calendar import SchoolCalendar
from earlywarning.district import District, Visits
from earlywarning.errors import DataError
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import CalendarDay
from earlywarning_pipelines import ingest

AT = datetime(2026, 10, 1)  # noqa: DTZ001 - the register keeps UTC without zone
TOP = 'source = "school"\n[defaults]\nschool_id = "S1"\nschool_year = "2026-27"\n'
ROSTER = """
[[table]]
table = "student"
file = "siswa.csv"
columns = { student = "NIS", full_name = "Nama" }
[[table]]
table = "enrollment"
file = "siswa.csv"
columns = { student = "NIS", class_name = "Kelas" }
constants = { entry_date = 2026-07-13 }
"""
CALENDAR = """
[[table]]
table = "calendar_day"
file = "kalender.csv"
columns = { date = "Tanggal", kind = "Jenis" }
[table.values.kind]
LU = "holiday"
EF = "optional"
"""
ABSENCES = """
[[table]]
table = "attendance"
file = "absen.csv"
coverage = "exceptions"
columns = { student = "NIS", date = "Tanggal", code = "Kode" }
"""
FILES = {
    "siswa.csv": "NIS;Nama;Kelas\n0101;Siti Aminah;VII-A\n0102;Budi Santoso;VII-A\n",
    # September 2026: 22 days from Monday to Friday; two of them without school, one Saturday with.
    "kalender.csv": "Tanggal;Jenis\n2026-09-01;LU\n2026-09-02;EF\n2026-09-05;make_up\n",
    "absen.csv": "NIS;Tanggal;Kode\n0101;2026-09-03;A\n0102;2026-09-05;S\n0102;2026-09-06;S\n"
    "0101;2026-09-01;I\n",
}


@dataclass
class World:
    """An installation, and the files of a school."""

    files: Path
    register: Register
    store: FactStore
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def deliver(self, mapping: str, *names: str, on: str = "2026-10-01") -> ingest.IngestResult:
        return ingest.run(
            files=[self.files / name for name in names], mapping=parse_mapping(TOP + mapping),
            store=self.store, register=self.register,
            district=District(
                name="One", visits=Visits(lottery=False),
                calendar=SchoolCalendar(school_weekdays=(1, 2, 3, 4, 5)),
            ),
            delivered_on=date.fromisoformat(on), finished_at=AT,
            refused_path=self.files / "refused.out",
            id_source=lambda: f"{next(self.ids):032x}",
        )  # fmt: skip

    def days(self, result: ingest.IngestResult) -> set[str]:
        """Register days of the facts."""
        rows = self.store.read(result.snapshot_id, "register_day")
        assert rows["assumed"].all()
        assert rows["taken"].all()
        return {str(day) for day in rows["day"].cast(pl.Date)}

    def calendar(self) -> dict[str, str]:
        with self.register.session() as session:
            return {str(row.day): row.kind for row in session.scalars(select(CalendarDay))}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    files = tmp_path / "files"
    files.mkdir()
    for name, text in FILES.items():
        (files / name).write_text(text, encoding="utf-8")
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        yield World(files, register, FactStore(tmp_path / "facts"))


def test_absences_of_a_later_delivery_are_counted_against_the_calendar(world: World) -> None:
    first = world.deliver(ROSTER + CALENDAR, "siswa.csv", "kalender.csv", on="2026-08-31")
    assert first.counts["calendar_day"].added == 3
    assert world.calendar() == {
        "2026-09-01": "holiday", "2026-09-02": "optional", "2026-09-05": "make_up"
    }  # fmt: skip
    result = world.deliver(ABSENCES, "absen.csv")
    days = world.days(result)
    assert len(days) == 22 - 2 + 1
    assert "2026-09-05" in days
    assert not {"2026-09-01", "2026-09-02", "2026-09-06"} & days
    # The Sunday, and the day that the calendar calls a holiday.
    assert result.refused.rows() == [("attendance", "not_a_school_day", 2)]
    refused = (world.files / "refused.out").read_text("utf-8-sig")
    assert "absen.csv;;4;Tanggal;Sunday, 2026-09-06;" in refused
    assert "absen.csv;;5;Tanggal;Tuesday, 2026-09-01;" in refused
    events = world.store.read(result.snapshot_id, "attendance_event")
    assert sorted(str(day) for day in events["day"].cast(pl.Date)) == ["2026-09-03", "2026-09-05"]


def test_without_a_calendar_the_districts_weekdays_count_as_before(world: World) -> None:
    world.deliver(ROSTER, "siswa.csv", on="2026-08-31")
    result = world.deliver(ABSENCES, "absen.csv")
    assert len(world.days(result)) == 22
    assert result.refused.rows() == [("attendance", "not_a_school_day", 2)]  # Saturday, Sunday


def test_whole_registers_know_their_days_themselves(world: World) -> None:
    """A register that was taken on a Saturday was taken; only assumed days need a calendar."""
    world.deliver(ROSTER + CALENDAR, "siswa.csv", "kalender.csv", on="2026-08-31")
    marks = ABSENCES.replace('coverage = "exceptions"\n', "")
    result = world.deliver(marks, "absen.csv")
    assert result.refused.is_empty()
    assert world.store.read(result.snapshot_id, "register_day").height == 4


def test_a_month_with_nothing_but_days_without_school_is_no_error(world: World) -> None:
    world.deliver(ROSTER, "siswa.csv", on="2026-08-31")
    (world.files / "absen.csv").write_text("NIS;Tanggal;Kode\n0101;2026-09-06;S\n", "utf-8")
    result = world.deliver(ABSENCES, "absen.csv")
    assert result.refused.rows() == [("attendance", "not_a_school_day", 1)]
    assert len(world.days(result)) == 22


def test_a_corrected_calendar_replaces_the_day_and_keeps_the_rest(world: World) -> None:
    world.deliver(ROSTER + CALENDAR, "siswa.csv", "kalender.csv", on="2026-08-31")
    (world.files / "kalender.csv").write_text("Tanggal;Jenis\n2026-09-02;exam\n", "utf-8")
    result = world.deliver(CALENDAR, "kalender.csv")
    assert result.counts["calendar_day"].changed == 1
    assert world.calendar() == {
        "2026-09-01": "holiday", "2026-09-02": "exam", "2026-09-05": "make_up"
    }  # fmt: skip


def test_a_calendar_with_a_word_nobody_knows_is_refused_by_name(world: World) -> None:
    (world.files / "kalender.csv").write_text(
        "Tanggal;Jenis\n2026-09-01;libur\n2026-09-02;LU\n2026-09-02;exam\n", "utf-8"
    )
    result = world.deliver(ROSTER + CALENDAR, "siswa.csv", "kalender.csv", on="2026-08-31")
    assert result.refused.rows() == [
        ("calendar_day", "duplicates_disagree", 2), ("calendar_day", "unknown_code", 1)
    ]  # fmt: skip
    assert world.calendar() == {}


def test_an_import_that_fails_saves_no_calendar_either(world: World) -> None:
    with pytest.raises(DataError, match=r"absen\.csv"):
        world.deliver(ROSTER + CALENDAR + ABSENCES, "siswa.csv", "kalender.csv")
    assert world.calendar() == {}
