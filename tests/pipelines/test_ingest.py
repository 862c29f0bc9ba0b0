"""Importing real files: all or nothing, corrections as versions, the same file twice is nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import update

from earlywarning import district
from earlywarning.calendar import day_number
from earlywarning.district import District
from earlywarning.errors import ConfirmationNeeded, Conflict, DataError
from earlywarning.io import delivery as delivery_module
from earlywarning.io.delivery import Delivery
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import load_mapping
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch, School, Student
from earlywarning_pipelines import ingest, publish

DATA = Path(__file__).parent.parent / "data"
AT = datetime(2026, 1, 1)  # noqa: DTZ001 - the register keeps UTC without zone


@dataclass
class Place:
    """An empty installation, and how to import into it."""

    home: Path
    register: Register
    store: FactStore
    district: District
    next_id: Callable[[], str]
    imports: int = 0

    def take(self, *files: Path, mapping: Path, on: date, **choices: Any) -> ingest.IngestResult:
        self.imports += 1
        return ingest.run(
            files=files,
            mapping=load_mapping(mapping),
            store=self.store,
            register=self.register,
            district=self.district,
            delivered_on=on,
            finished_at=AT + timedelta(seconds=self.imports),
            id_source=self.next_id,
            refused_path=self.home / "refused.csv",
            **choices,
        )


def place(folder: Path, rules: District) -> Iterator[Place]:
    numbers = itertools.count(1)
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        yield Place(
            folder, register, FactStore(folder / "facts"), rules, lambda: f"{next(numbers):032x}"
        )


@pytest.fixture
def contoso(tmp_path: Path) -> Iterator[Place]:
    yield from place(tmp_path, district.load(DATA / "contoso" / "district.toml"))


def deliver(where: Place, day: int, **choices: Any) -> ingest.IngestResult:
    folder = DATA / "contoso"
    return where.take(
        folder / f"day{day}", mapping=folder / "mapping.toml", on=date(2020, 6, day), **choices
    )


def numbers(result: ingest.IngestResult, table: str) -> tuple[int, int, int]:
    count = result.counts[table]
    return count.added, count.changed, count.unchanged


def test_the_first_delivery_of_contoso(contoso: Place) -> None:
    result = deliver(contoso, 1)
    assert result.rows_read["attendance"] == 1462
    assert result.refused.to_dicts() == [{"table": "attendance", "reason": "duplicate", "rows": 1}]
    assert "duplicate" in (contoso.home / "refused.csv").read_text(encoding="utf-8-sig")
    assert numbers(result, "register_day") == (244, 0, 0)
    assert numbers(result, "grade") == (12, 0, 0)
    assert contoso.register.current_snapshot() == result.snapshot_id
    events = contoso.store.read(result.snapshot_id, "attendance_event")
    # The second student has no marks: on each of the 244 days she is unrecorded, not absent.
    assert events.filter(pl.col("status") == "unrecorded").height == 244
    assert events.filter(pl.col("status") == "unexcused").height == 26


def test_the_same_delivery_again_changes_nothing(contoso: Place) -> None:
    first = deliver(contoso, 1)
    again = deliver(contoso, 1)
    assert again.snapshot_id == first.snapshot_id
    assert not again.changed_anything
    # The marks that say so; the days without one are as they were.
    assert numbers(again, "attendance_event") == (0, 0, 26)


def test_the_second_delivery_renames_adds_and_restates(contoso: Place) -> None:
    first = deliver(contoso, 1)
    second = deliver(contoso, 2)
    assert numbers(second, "student") == (1, 1, 0)
    assert numbers(second, "grade") == (12, 0, 12)
    assert second.snapshot_id != first.snapshot_id
    with contoso.register.session() as session:
        names = {row.local_id: row.full_name for row in session.query(Student).all()}
        assert session.query(ImportBatch).count() == 2
    assert names["st1"].startswith("Al ")
    assert set(names) == {"st1", "st2", "st4"}
    # What the first delivery said is still there, byte for byte.
    contoso.store.verify(str(first.snapshot_id))
    assert contoso.store.read(first.snapshot_id, "grade").height == 12


def test_a_list_of_the_first_delivery_rebuilds_after_the_second(contoso: Place) -> None:
    deliver(contoso, 1)
    registry = ModelRegistry(
        f"sqlite:///{contoso.home / 'mlflow.db'}",
        artifact_location=(contoso.home / "artifacts").as_uri(),
        register=contoso.register,
    )
    tools = {
        "engine": open_engine("polars"), "store": contoso.store, "register": contoso.register,
        "registry": registry,
    }  # fmt: skip
    (made,) = publish.publish(
        quarter="2019-20-Q3", district=contoso.district, seed=1, by="Bu Ratna", at=AT, **tools
    )
    deliver(contoso, 2)
    assert publish.rebuild(made.visit_list_id, **tools).identical


def test_a_preview_saves_nothing(contoso: Place) -> None:
    result = deliver(contoso, 1, preview=True)
    assert numbers(result, "register_day") == (244, 0, 0)
    assert contoso.register.current_snapshot() is None
    with contoso.register.session() as session:
        assert session.query(Student).count() == 0
        assert session.query(ImportBatch).count() == 0


def test_no_name_or_number_reaches_the_facts(contoso: Place) -> None:
    result = deliver(contoso, 1)
    for path in contoso.store.folder(str(result.snapshot_id)).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Ibarra" not in data
            assert b"albertibarra" not in data


def test_uci_is_read_whole(tmp_path: Path) -> None:
    folder = DATA / "uci_student"
    for where in place(tmp_path, district.load(folder / "district.toml")):
        result = where.take(
            folder / "student-por.csv", mapping=folder / "mapping.toml", on=date(2006, 7, 15)
        )
        assert numbers(result, "student") == (649, 0, 0)
        assert numbers(result, "grade") == (1947, 0, 0)
        assert numbers(result, "attendance_summary") == (649, 0, 0)
        totals = where.store.read(result.snapshot_id, "attendance_summary")
        assert totals["known_day"].min() == day_number(date(2006, 6, 30))


MAPPING = """
source = "small"
[defaults]
school_id = "S1"
school_year = "2026-27"
[[table]]
table = "student"
file = "siswa*.csv"
[table.columns]
student = "NIS"
full_name = "Nama"
[[table]]
table = "enrollment"
file = "siswa*.csv"
[table.columns]
student = "NIS"
class_name = "Kelas"
[table.constants]
entry_date = 2026-07-13
[[table]]
table = "attendance"
file = "hadir*.csv"
date_format = "%d/%m/%Y"
namespace = "id"
[table.columns]
student = "NIS"
date = "Tanggal"
code = "Kode"
"""


class Small:
    """Two classes of two, written by hand."""

    def __init__(self, where: Place) -> None:
        self.where = where
        self.mapping = where.home / "mapping.toml"
        self.mapping.write_text(MAPPING, encoding="utf-8")

    def take(self, marks: str, *, on: date, classes: str = "AABB", **choices: Any):
        folder = self.where.home / "delivery"
        folder.mkdir(exist_ok=True)
        people = "".join(f"0{n};Siswa {n};VII-{name}\n" for n, name in enumerate(classes, 1))
        (folder / "siswa.csv").write_text("NIS;Nama;Kelas\n" + people, encoding="utf-8")
        rows = "".join(f"{row}\n" for row in marks.split())
        (folder / "hadir.csv").write_text("NIS;Tanggal;Kode\n" + rows, encoding="utf-8")
        return self.where.take(folder, mapping=self.mapping, on=on, **choices)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    rules = district.parse("[visits]\nlottery = false\n")
    for where in place(tmp_path, rules):
        yield Small(where)


def test_a_mark_that_changes_is_a_version_known_from_its_delivery(small: Small) -> None:
    small.take("01;03/08/2026;H 02;03/08/2026;A", on=date(2026, 8, 10))
    result = small.take("01;03/08/2026;S 02;03/08/2026;H", on=date(2026, 8, 20))
    events = small.where.store.read(result.snapshot_id, "attendance_event")
    told = {
        (status, known - day_number(date(2026, 8, 1)), ended == 2**31 - 1)
        for status, known, ended in events.select("status", "known_day", "superseded_day").rows()
    }
    # The 4th of August: first delivery, a day's lag. The 20th: the correction.
    assert told == {("unexcused", 3, False), ("present", 19, True), ("sick", 19, True)}


def test_only_a_class_whose_register_was_taken_has_unrecorded_days(small: Small) -> None:
    result = small.take("01;03/08/2026;H", on=date(2026, 8, 10))
    events = small.where.store.read(result.snapshot_id, "attendance_event")
    assert events["status"].to_list() == ["unrecorded"]  # 02; nobody of VII-B
    days = small.where.store.read(result.snapshot_id, "register_day")
    assert days.select("class_id", "taken").rows() == [("S1/2026-27/VII-A", True)]


def test_a_class_that_vanishes_waits_for_a_person(small: Small) -> None:
    before = small.take("01;03/08/2026;H", on=date(2026, 8, 10))
    with pytest.raises(ConfirmationNeeded, match="class S1/2026-27/VII-B") as caught:
        small.take("01;03/08/2026;A", classes="AA", on=date(2026, 8, 20))
    assert "--confirm" in str(caught.value)
    assert small.where.register.current_snapshot() == before.snapshot_id
    small.take("01;03/08/2026;A", classes="AA", on=date(2026, 8, 20), confirmed=True)
    assert small.where.register.current_snapshot() != before.snapshot_id


def test_a_swing_in_rows_waits_for_a_person(small: Small) -> None:
    days = " ".join(f"0{n};{day:02d}/08/2026;H" for n in (1, 2) for day in range(3, 15))
    small.take(days, on=date(2026, 8, 20))
    with pytest.raises(ConfirmationNeeded, match="attendance: 2 rows, the last delivery"):
        small.take("01;03/08/2026;H 02;03/08/2026;H", on=date(2026, 8, 21))


def test_a_file_of_another_kind_leaves_everything_as_it_was(small: Small) -> None:
    before = small.take("01;03/08/2026;H", on=date(2026, 8, 10))
    bad = small.where.home / "delivery" / "hadir2.csv"
    bad.write_bytes(b"%PDF-1.7 not a table")
    with pytest.raises(DataError, match=r"hadir2\.csv"):
        small.take("01;03/08/2026;A", on=date(2026, 8, 20))
    assert small.where.register.current_snapshot() == before.snapshot_id
    work = small.where.store.root / "work"
    assert not work.exists() or not any(path.is_file() for path in work.rglob("*"))


def test_marks_of_nobody_s_class_are_counted_as_refused(small: Small) -> None:
    result = small.take("01;03/08/2026;A 02;01/07/2026;A", on=date(2026, 8, 10))
    assert result.refused.rows() == [("attendance", "not_enrolled", 1)]
    assert (result.rows_read["attendance"], result.rows_refused["attendance"]) == (2, 1)
    refused = (small.where.home / "refused.csv").read_text(encoding="utf-8-sig").splitlines()
    assert refused[1].startswith('hadir.csv;;3;Tanggal;2026-07-01;"a day on which')


def test_who_is_no_longer_in_the_list_of_the_class_is_said(small: Small) -> None:
    small.take("01;03/08/2026;H", classes="AAB", on=date(2026, 8, 10))
    result = small.take("01;03/08/2026;H", classes="AB", on=date(2026, 8, 20))
    # 02 moves to VII-B; nobody says where 03, of VII-B, is.
    assert [text for text in result.warnings if "not in the new list" in text] == [
        "1 enrolled students are not in the new list of their class: S1/2026-27/VII-B (1); they "
        "stay enrolled until a list gives the day on which they left"
    ]


def test_an_older_delivery_waits_for_a_person(small: Small) -> None:
    small.take("01;03/08/2026;H", on=date(2026, 8, 20))
    with pytest.raises(ConfirmationNeeded, match=r"older than the last delivery of small, of 2026"):
        small.take("01;03/08/2026;A", on=date(2026, 8, 10))
    small.take("01;03/08/2026;A", on=date(2026, 8, 10), confirmed=True)


def test_a_preview_says_what_the_import_then_does(small: Small) -> None:
    marks = "01;03/08/2026;A 02;03/08/2026;H"
    preview = small.take(marks, on=date(2026, 8, 10), preview=True)
    assert list(small.where.store.root.glob("snapshots/*")) == []
    assert preview.snapshot_id is None
    result = small.take(marks, on=date(2026, 8, 10))
    assert result.counts == preview.counts


def test_nobody_waits_for_the_register_while_the_facts_are_made(small: Small) -> None:
    written: list[str] = []

    def write_meanwhile(stage: str, done: int, total: int) -> None:
        # Another program writes to the register at every step that is told.
        with small.where.register.session(writing=True) as session:
            session.add(School(school_id=f"{stage} {done} {len(written)}", name="meanwhile"))
            session.commit()
        written.append(stage)

    small.take("01;03/08/2026;A", on=date(2026, 8, 10), progress=write_meanwhile)
    assert {"read", "attendance", "grade", "visit"} <= set(written)


def test_facts_imported_from_elsewhere_meanwhile_are_not_lost(small: Small) -> None:
    first = small.take("01;03/08/2026;H", on=date(2026, 8, 10)).snapshot_id

    def import_elsewhere(stage: str, done: int, total: int) -> None:
        if stage == "visit" and done == 0:
            with small.where.register.session(writing=True) as session:
                session.execute(update(FactsSnapshot).values(is_current=False))
                session.add(
                    FactsSnapshot(snapshot_id="f" * 64, made_at=AT, is_current=True, rows={})
                )
                session.commit()

    with pytest.raises(Conflict, match="imported meanwhile from another place"):
        small.take("01;03/08/2026;A", on=date(2026, 8, 11), progress=import_elsewhere)
    assert small.where.register.current_snapshot() == "f" * 64
    assert first != "f" * 64


@dataclass
class Schools:
    """Six schools with a class of three, marks of two school years and grades of two periods."""

    where: Place

    def take(self, mark: str, *, on: date) -> ingest.IngestResult:
        folder = self.where.home / "delivery"
        folder.mkdir(exist_ok=True)
        mapping = self.where.home / "mapping.toml"
        mapping.write_text(OF_SCHOOLS, encoding="utf-8")
        people = [(f"S{school}", f"0{n}") for school in range(6) for n in range(3)]
        days = [date(2026, month, day) for month in (5, 6, 8, 9) for day in (4, 5, 6, 7)]
        self._write("siswa", "Sekolah;NIS;Nama", [(*one, one[1]) for one in people])
        self._write("rombel", "Sekolah;NIS;Tahun;Kelas;Masuk",
                    [(*one, *stay) for one in people
                     for stay in (("2025-26", "VII-A", "2025-07-14"),
                                  ("2026-27", "VIII-A", "2026-07-13"))])  # fmt: skip
        self._write("hadir", "Sekolah;NIS;Tanggal;Kode",
                    [(*one, f"{day:%d/%m/%Y}", mark if day.day == 5 else "H")
                     for day in days for one in people[day.day % 2:]])  # fmt: skip
        self._write("nilai", "Sekolah;NIS;Mapel;Periode;Nilai",
                    [(*one, "Bahasa", period, "80")
                     for one in people for period in ("2025-26-Q4", "2026-27-Q1")])  # fmt: skip
        return self.where.take(folder, mapping=mapping, on=on)

    def _write(self, name: str, headings: str, rows: list[tuple[str, ...]]) -> None:
        text = "".join(f"{';'.join(row)}\n" for row in rows)
        path = self.where.home / "delivery" / f"{name}.csv"
        path.write_text(f"{headings}\n{text}", encoding="utf-8")


OF_SCHOOLS = """
source = "schools"
[[table]]
table = "student"
file = "siswa.csv"
[table.columns]
school_id = "Sekolah"
student = "NIS"
full_name = "Nama"
[[table]]
table = "enrollment"
file = "rombel.csv"
[table.columns]
school_id = "Sekolah"
student = "NIS"
school_year = "Tahun"
class_name = "Kelas"
entry_date = "Masuk"
[[table]]
table = "attendance"
file = "hadir.csv"
date_format = "%d/%m/%Y"
namespace = "id"
[table.columns]
school_id = "Sekolah"
student = "NIS"
date = "Tanggal"
code = "Kode"
[[table]]
table = "grade"
file = "nilai.csv"
[table.columns]
school_id = "Sekolah"
student = "NIS"
subject = "Mapel"
period = "Periode"
score = "Nilai"
"""


def test_what_waits_on_disk_by_school_becomes_the_same_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many parts a table has on the way, not a byte of the snapshots differs."""
    parts: list[int] = []
    whole = Delivery.batches

    def batches(self: Delivery, table: str) -> Iterator[pl.DataFrame]:
        parts.append(len(self.store.parts(table)))
        return whole(self, table)

    monkeypatch.setattr(Delivery, "batches", batches)
    found = []
    for limit in (delivery_module.ROWS_IN_MEMORY, 20):
        monkeypatch.setattr(delivery_module, "ROWS_IN_MEMORY", limit)
        home = tmp_path / str(limit)
        home.mkdir()
        parts.clear()
        for where in place(home, district.parse("[visits]\nlottery = false\n")):
            schools = Schools(where)
            made = [
                schools.take("A", on=date(2026, 10, 1)),
                schools.take("S", on=date(2026, 10, 9)),
            ]
            assert made[0].counts["grade"].added == 36
            assert made[1].counts["attendance_event"].changed > 0
            assert not made[1].rows_refused["attendance"]
            years = where.store.parts(made[1].snapshot_id, "attendance_event")
            assert years == ["2025-26", "2026-27"]
            found.append(([one.snapshot_id for one in made], sum(parts)))
    (before, undivided), (after, divided) = found
    assert after == before
    assert divided > 2 * undivided
