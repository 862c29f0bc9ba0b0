"""A school's catalogue stays in the register, and completes the logs that come after it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from earlywarning.district import District, Visits
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import BehaviourType
from earlywarning_pipelines import ingest

AT = datetime(2026, 10, 1)  # noqa: DTZ001 - the register keeps UTC without zone
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
full_name = "Nama"
[[table]]
table = "enrollment"
file = "siswa.csv"
[table.columns]
student = "NIS"
class_name = "Kelas"
[table.constants]
entry_date = 2026-07-13
"""
BOOK = """
source = "catalogue"
[defaults]
school_id = "S1"
[[table]]
table = "behaviour_type"
file = "tatib.csv"
direction = "subtract"
[table.columns]
type_code = "Kode"
name = "Uraian"
points = "Poin"
severity = "Kategori"
[table.values.severity]
ringan = "minor"
berat = "serious"
"""
LOG = """
source = "log"
[defaults]
school_id = "S1"
[[table]]
table = "behaviour"
file = "log.csv"
[table.columns]
event = ["NIS", "Tanggal", "Kode"]
student = "NIS"
date = "Tanggal"
type_code = "Kode"
"""
FILES = {
    "siswa.csv": "NIS;Nama;Kelas\n0101;Siti Aminah;VII-A\n0102;Budi Santoso;VII-A\n",
    "tatib.csv": "Kode;Uraian;Poin;Kategori\nP1;Merokok;-50;berat\nP2;Terlambat;-2;ringan\n"
    "R1;Juara lomba;20;\n",
    "log.csv": "NIS;Tanggal;Kode\n0101;2026-09-01;P1\n0102;2026-09-01;P2\n0102;2026-09-02;r1\n",
}


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        yield opened


def take(folder: Path, register: Register, text: str, *names: str, on: date) -> ingest.IngestResult:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_text(FILES[path.name], "utf-8")
    numbers = itertools.count(int(on.strftime("%Y%m%d")) * 1000)
    return ingest.run(
        files=paths, mapping=parse_mapping(text), store=FactStore(folder / "facts"),
        register=register, district=District(visits=Visits(lottery=False)), delivered_on=on,
        finished_at=AT, id_source=lambda: f"{next(numbers):032x}",
    )  # fmt: skip


def events(folder: Path, result: ingest.IngestResult) -> list[tuple[int, str, str, bool]]:
    facts = FactStore(folder / "facts").read(result.snapshot_id, "behaviour_event")
    return (
        facts.sort("day", "centipoints", descending=[False, True])
        .select("centipoints", "polarity", "severity", "is_attendance_related")
        .rows()
    )


EXPECTED = [
    (5000, "offence", "serious", False),
    (200, "offence", "minor", True),  # P2 is lateness, by its name
    (-2000, "merit", "minor", False),
]


def test_a_log_after_its_catalogue(tmp_path: Path, register: Register) -> None:
    take(tmp_path, register, ROSTER, "siswa.csv", on=date(2026, 9, 3))
    book = take(tmp_path, register, BOOK, "tatib.csv", on=date(2026, 9, 4))
    assert (book.counts["behaviour_type"].added, book.snapshot_id is not None) == (3, True)
    again = take(tmp_path, register, BOOK, "tatib.csv", on=date(2026, 9, 5))
    assert (again.counts["behaviour_type"].unchanged, again.changed_anything) == (3, False)
    log = take(tmp_path, register, LOG, "log.csv", on=date(2026, 9, 6))
    assert events(tmp_path, log) == EXPECTED
    (said,) = [text for text in log.warnings if "attendance" in text]
    assert 'attendance_types = ["P2"]' in said


def test_log_and_catalogue_in_one_delivery(tmp_path: Path, register: Register) -> None:
    take(tmp_path, register, ROSTER, "siswa.csv", on=date(2026, 9, 3))
    both = LOG + BOOK.partition('school_id = "S1"')[2]
    log = take(tmp_path, register, both, "log.csv", "tatib.csv", on=date(2026, 9, 6))
    assert events(tmp_path, log) == EXPECTED


def test_a_correction_of_the_catalogue_is_kept(tmp_path: Path, register: Register) -> None:
    take(tmp_path, register, BOOK, "tatib.csv", on=date(2026, 9, 4))
    text = FILES["tatib.csv"].replace("-50", "-75").replace("Merokok", "")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "tatib.csv").write_text(text, "utf-8")
    result = ingest.run(
        files=[tmp_path / "new"], mapping=parse_mapping(BOOK),
        store=FactStore(tmp_path / "facts"), register=register,
        district=District(visits=Visits(lottery=False)), delivered_on=date(2026, 9, 8),
        finished_at=AT, id_source=lambda: "f" * 32,
    )  # fmt: skip
    assert (result.counts["behaviour_type"].changed, result.rows_refused) == (
        1, {"behaviour_type": 0},
    )  # fmt: skip
    with register.session() as session:
        kept = session.scalars(select(BehaviourType).where(BehaviourType.type_code == "P1")).one()
        # What a delivery leaves empty stays.
        assert (kept.centipoints, kept.name, kept.polarity) == (7500, "Merokok", "offence")
    assert pl.DataFrame(result.refused).is_empty()
