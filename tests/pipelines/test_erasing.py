"""Erasing a child leaves no trace of the name, in the database, its journal, files or lists."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import filled_home
import postgres
from earlywarning.errors import NotFound
from earlywarning.io import backup, sealed
from earlywarning.io.facts import FactStore
from earlywarning.io.register import (
    audit_check,
    audit_head,
    audit_log,
    exports,
    lists,
    rights,
)
from earlywarning.io.register.models import (
    Guardian,
    Household,
    PersonMatch,
    Student,
)
from earlywarning.io.register.schema import Base
from earlywarning_pipelines import erasing, restoring, retaining
from earlywarning_pipelines.home import Home
from filled_home import AT
from people import AHMAD, BUDI, SCHOOL_ID, SITI
from service_world import household_id

MARK = "Zulaikha Penanda"
WORDS = ("Zulaikha", "Penanda", "+6281200009999", "Sulastri Penjaga")
BY = "e" * 32


def plant(home: Home) -> None:
    """The name in every place where somebody could write one."""
    with home.register.session(writing=True) as session:
        student = session.get_one(Student, SITI.student_id)
        student.full_name = MARK
        session.add(
            Guardian(
                guardian_id="9" * 32, student_id=SITI.student_id, relation="mother",
                full_name="Sulastri Penjaga", phone="+6281200009999",
            )
        )  # fmt: skip
        session.add(
            PersonMatch(
                source="contoh", school_id=SCHOOL_ID, label=MARK.lower(), class_key="7a", birth="",
                student_id=SITI.student_id, confirmed_at=AT,
            )
        )  # fmt: skip
        rights.receive(
            session, kind="rectification", made_by="mother", student_id=SITI.student_id,
            wanted={"full_name": MARK}, by=BY, at=AT,
        )  # fmt: skip
        exports.keep(
            session, exports.Sheet("x", ("student",), [[MARK]]), kind="visits", format_="csv",
            purpose="rapat guru", by=BY, at=AT,
        )  # fmt: skip
        session.flush()
        fill_texts(session)
        session.commit()
    folder = home.settings.home
    (folder / "refused.csv").write_text(f"row,what\n3,{MARK}\n")


def fill_texts(session: Any) -> None:
    """A row about the family, and one about somebody else that mentions the child, wherever a table
    has free text: tables of other parts are found by their description."""
    homes = {"zulaikha": household_id("K2"), "others": household_id("K3")}
    for table in Base.metadata.sorted_tables:
        if "household_key" not in table.c or table.name == "visit_list_item":
            continue
        for number, (about, key) in enumerate(homes.items()):
            row = {column.name: value(column, number) for column in table.c}
            row |= {"household_key": key, "school_id": SCHOOL_ID}
            row |= {"student_id": SITI.student_id if about == "zulaikha" else AHMAD.student_id}
            session.execute(table.insert(), {k: v for k, v in row.items() if k in table.c})


CODES = {"status": "open", "kind": "agreed", "asked_by": "family", "channel": "letter"}


def value(column: Any, number: int) -> Any:
    if column.foreign_keys and column.name != "school_id":
        return None
    if column.name in CODES:
        return "done" if column.table.name == "visit" else CODES[column.name]
    kind = column.type.python_type
    if column.primary_key or (kind is str and (column.type.length or 999) <= 64):
        return f"{number}" * 16
    made: dict[type, Any] = {
        str: f"Ibu dari {MARK} meminta buku.", int: 1, bool: False, date: AT.date(),
        type(AT): AT, object: [f"{MARK} sakit"], float: 1.0, dict: {"note": MARK},
    }  # fmt: skip
    return made[kind]


def traces(folder: Path) -> list[str]:
    """Every place in a folder where one of the words stands; Parquet is opened."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes().lower()
        found += [
            f"{path.relative_to(folder)}: {word}"
            for word in WORDS
            if word.lower().encode() in content
        ]
    for snapshot in (folder / "facts" / "snapshots").iterdir():
        for table in ("attendance_event",):
            rows = FactStore(folder / "facts").read(snapshot.name, table)
            if SITI.student_id in rows["student_id"].to_list():
                found.append(f"{snapshot.name}: facts of the child")
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = filled_home.made(tmp_path / "home")
    plant(made)
    yield made
    made.register.close()


def test_no_trace_of_a_planted_name_is_left(home: Home) -> None:
    folder = home.settings.home
    before = traces(folder)
    assert len(before) > 4  # the test can see
    old = home.register.current_snapshot()
    assert old is not None
    done = erasing.run(home, [SITI.student_id], by=BY, at=AT)
    assert traces(folder) == []
    assert [path.name for path in done.removed] == ["refused.csv"]
    assert done.remaining == []
    # The facts are those of before without hers, under a new name, and the chain says so.
    new = home.register.current_snapshot()
    assert done.snapshots == {old: new}
    assert new is not None
    home.store.verify(new)
    assert home.store.read(new, "attendance_event").height == 12
    with home.register.session() as session:
        head = audit_head.kept(home.settings.audit_head)
        assert head is not None
        checked = audit_check.verify(session, [("head", head)])
        told = {(one.action, one.entity_id): one.detail for one in audit_log.search(session)}
    assert checked.faults == []
    assert json.loads(told["facts.rewritten", new]) == {"before": old}
    assert ("student.erased", SITI.student_id) in told


def test_what_others_wrote_stays_without_the_name(home: Home) -> None:
    erasing.run(home, [SITI.student_id], by=BY, at=AT)
    found = 0
    with home.register.session() as session:
        for table in Base.metadata.sorted_tables:
            if "household_key" not in table.c or table.name == "visit_list_item":
                continue
            rows = session.execute(select(table)).mappings().all()
            assert len(rows) == 1  # the other family's
            found += sum("Ibu dari … meminta buku." in str(one.values()) for one in rows)
        assert session.get(Student, SITI.student_id) is None
        assert session.get(Household, household_id("K2")) is None
    assert found >= 1


def test_a_brother_keeps_the_household(home: Home) -> None:
    with home.register.session(writing=True) as session:
        visit = Base.metadata.tables["visit"]
        row = {column.name: value(column, 5) for column in visit.c}
        row |= {"household_key": household_id("K1"), "school_id": SCHOOL_ID}
        row["agreement"] = f"{BUDI.name} dan Ahmad belajar bersama; Budi lebih sehat."
        session.execute(visit.insert(), row)
        session.commit()
    erasing.run(home, [BUDI.student_id], by=BY, at=AT)
    with home.register.session() as session:
        assert session.get(Household, household_id("K1")) is not None
        text = session.scalar(
            select(visit.c.agreement).where(visit.c.household_key == household_id("K1"))
        )
    # "Fulan" is his brother's name too.
    assert text == "… dan Ahmad belajar bersama; … lebih sehat."


def test_a_visit_to_an_earlier_household_goes_too(home: Home) -> None:
    visit, child = (Base.metadata.tables[name] for name in ("visit", "visit_student"))
    with home.register.session(writing=True) as session:
        for number, others in ((5, ()), (6, (AHMAD.student_id,))):
            row = {column.name: value(column, number) for column in visit.c}
            row |= {"household_key": f"{number}" * 32, "school_id": SCHOOL_ID}
            row["agreement"] = "Zulaikha diantar tetangga."
            session.execute(visit.insert(), row)
            for student_id in (SITI.student_id, *others):
                session.execute(child.insert(), {"visit_id": row["visit_id"],
                                                 "student_id": student_id})  # fmt: skip
        session.commit()
    erasing.run(home, [SITI.student_id], by=BY, at=AT)
    with home.register.session() as session:
        found = select(visit.c.agreement).where(visit.c.household_key.in_(("5" * 32, "6" * 32)))
        assert session.scalars(found).all() == ["… diantar tetangga."]


def test_published_lists_are_as_they_were(home: Home) -> None:
    before = {row.visit_list_id: lists.frozen_record(home.register, row.visit_list_id)[0]
              for row in lists.everything(home.register)}  # fmt: skip
    erasing.run(home, [SITI.student_id], by=BY, at=AT)
    for id_, frozen in before.items():
        assert lists.frozen_record(home.register, id_)[0] == frozen
        assert MARK.encode() not in frozen


def test_an_unknown_student_changes_nothing(home: Home) -> None:
    old = home.register.current_snapshot()
    with pytest.raises(NotFound, match="nothing was erased"):
        erasing.run(home, [SITI.student_id, "0" * 32], by=BY, at=AT)
    assert home.register.current_snapshot() == old
    with home.register.session() as session:
        assert session.get(Student, SITI.student_id) is not None


def test_a_file_that_a_person_wrote_is_named(home: Home) -> None:
    note = home.settings.home / "mapping.toml"
    note.write_text(f"# {MARK.upper()} pindah\n")
    assert erasing.run(home, [SITI.student_id], by=BY, at=AT).remaining == [note]


def test_who_was_erased_stays_erased_after_a_restore(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "SCRYPT_N", 1 << 10)
    secret, path = sealed.passphrase("empat kata yang panjang"), tmp_path / "b.ewb"
    settings = home.settings
    backup.create(settings.home, settings.register_url, path, secret, at=AT)
    erasing.run(home, [SITI.student_id], by=BY, at=AT)
    home.register.close()
    gone = restoring.gone(home)
    assert gone.erased == (SITI.student_id,)
    summary, before = backup.restore(
        path, settings.home, settings.register_url, secret, replace=True, at=AT
    )
    assert before is not None
    shutil.rmtree(before)
    again = Home(settings)
    assert restoring.after(again, summary, gone, at=AT + timedelta(hours=1)) == 1
    assert traces(settings.home) == []
    again.register.close()


def test_a_reader_keeps_the_file_from_forgetting_until_the_next_run(
    home: Home,
) -> None:
    path = home.settings.home / "register.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM student").fetchone() == (8,)
        with home.register.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 100")
        done = erasing.run(home, [SITI.student_id], by=BY, at=AT)
        assert not done.forgotten
        assert traces(home.settings.home)
    nobody = retaining.Due([], 0, 0)
    assert retaining.run(home, nobody, by=BY, at=AT).forgotten
    assert traces(home.settings.home) == []


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


def test_no_row_of_postgresql_names_her(server: Path, tmp_path: Path) -> None:
    home = filled_home.made(tmp_path / "home", database_url=postgres.new_database(server))
    plant(home)
    erasing.run(home, [SITI.student_id], by=BY, at=AT)
    with home.register.session() as session:
        for table in Base.metadata.sorted_tables:
            rows = session.execute(select(table)).all()
            for word in WORDS:
                assert word.lower() not in str(rows).lower(), table.name
    home.register.close()
