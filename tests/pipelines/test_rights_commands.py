"""What families may ask, as a school's staff type it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

import filled_home
from earlywarning.calendar import NEVER, day_number
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.io.register import audit_log, lists, rights
from earlywarning.io.register.audit_batch import ReadAudit
from earlywarning.io.register.models import FactsSnapshot, Guardian, Student
from earlywarning.io.register.rights_tables import Export, SnapshotRewrite
from earlywarning_pipelines import cli, retaining
from earlywarning_pipelines.home import Home
from filled_home import AT
from people import AHMAD, CHILDREN, CITRA, SITI, SUPARMI


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = filled_home.made(tmp_path / "home")
    yield made
    made.register.close()


def run(home: Home, *words: str | Path, typed: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(
        cli.app, ["--home", str(home.settings.home), *map(str, words)], input=typed
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def done(home: Home, *words: str | Path, typed: str | None = None) -> str:
    code, said = run(home, *words, typed=typed)
    assert code == 0, said
    return said


def test_the_audit_is_verified_and_searched(home: Home) -> None:
    said = done(home, "audit", "verify")
    assert re.search(r"whole: \d+ rows, 3 published lists", said)
    head = done(home, "audit", "head").strip()
    assert f"head {head}" in said
    assert "whole" in done(home, "audit", "verify", "--head", head)
    code, said = run(home, "audit", "verify", "--head", f"99:{'0' * 64}")
    assert (code, "--head knows row 99: the end was cut off" in said) == (4, True)
    assert "visit_list.published" in done(home, "audit", "list", "--action", "visit_list")
    assert "nothing fits" in done(home, "audit", "list", "--until", "2020-01-01")


def test_a_request_from_receipt_to_answer(home: Home) -> None:
    said = done(home, "requests", "receive", "rectification", "0102", "--from", "mother",
                "--set", "full_name=Siti Contoh Benar")  # fmt: skip
    request_id = said.split()[1].rstrip(",")
    assert re.search(r"7[12] h left", done(home, "requests", "list"))
    assert "rectification: done" in done(home, "requests", "decide", request_id, "done")
    with home.register.session() as session:
        assert session.get_one(Student, SITI.student_id).full_name == "Siti Contoh Benar"
    assert "no request waits" in done(home, "requests", "list")
    assert request_id in done(home, "requests", "list", "--all")
    late = (datetime.now() - timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%S")  # noqa: DTZ005
    done(home, "requests", "receive", "access", "0103", "--received", late)
    code, said = run(home, "requests", "list")
    assert (code, "OVERDUE" in said) == (4, True)


def test_consent_and_objection_are_listed(home: Home) -> None:
    assert "nothing is on record" in done(home, "consent", "list", "0102")
    made = done(home, "consent", "add", "0102", "priority", "--from", "mother",
                "--evidence", "map 7A", "--given-on", "2026-07-13").split()[1]  # fmt: skip
    assert "stands" in done(home, "consent", "list", "0102")
    done(home, "consent", "withdraw", made)
    assert "withdrawn" in done(home, "consent", "list", "0102")
    done(home, "requests", "receive", "profiling", "0103", "--from", "father")
    with home.register.session() as session:
        assert rights.objecting_students(session) == {SITI.student_id, SUPARMI.student_id}
    code, said = run(home, "consent", "list", "9999")
    assert (code, "0 students have the number '9999'" in said) == (1, True)


def test_a_copy_holds_everything_about_one_child_and_nobody_else(
    home: Home, tmp_path: Path
) -> None:
    done(home, "copy", AHMAD.student_id, tmp_path / "copy")
    document = json.loads((tmp_path / "copy" / "copy.json").read_text())
    assert document["student"][0]["full_name"] == AHMAD.name
    assert [row["day"] for row in document["facts_attendance_event"]] == [
        "2026-03-03", "2026-09-03"
    ]  # fmt: skip
    assert len(document["visit_list_student"]) == 3
    text = (tmp_path / "copy" / "copy.txt").read_text()
    assert "full name: Ahmad Fulan" in text
    for other in CHILDREN:
        if other is not AHMAD:
            assert other.name not in text
            assert other.student_id not in json.dumps(document)
    assert (tmp_path / "copy" / "copy.json").stat().st_mode & 0o777 == 0o600
    with home.register.session() as session:
        assert audit_log.search(session)[0].action == "student.copied"


def test_erasing_asks_first(home: Home) -> None:
    code, _ = run(home, "erase", "0102", typed="n\n")
    assert code == 1
    request_id = done(home, "requests", "receive", "erasure", "0102").split()[1].rstrip(",")
    said = done(home, "requests", "decide", request_id, "done", typed="y\n")
    assert "erased 1 students; 1 snapshots" in said
    with home.register.session() as session:
        assert session.get(Student, SITI.student_id) is None
        assert rights.found_request(session, request_id).status == "done"


def leave(home: Home, child: str, last: date) -> None:
    """Write into the facts on which day somebody was there last."""
    rows = {
        "student_id": child, "class_id": "SCH1/2024-25/IX-A", "school_id": "SCH1",
        "school_year": "2024-25", "grade_level": 9, "entry_day": day_number(date(2024, 7, 15)),
        "exit_day": day_number(last) + 1, "exit_reason": "graduated",
        "known_day": day_number(last), "superseded_day": NEVER,
    }  # fmt: skip
    frame = pl.DataFrame([rows], schema=FACT_SCHEMAS["enrollment"])
    base = home.register.current_snapshot()
    snapshot = home.store.write({"enrollment": frame}, base=base)
    with home.register.session(writing=True) as session:
        session.execute(update(FactsSnapshot).values(is_current=False))
        session.add(FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True,
                                  rows=dict(snapshot.rows)))  # fmt: skip
        session.commit()


def test_who_left_a_year_ago_is_erased(home: Home) -> None:
    leave(home, CITRA.student_id, date(2025, 6, 20))
    with home.register.session(writing=True) as session:
        session.add(
            Export(
                export_id="7" * 32, kind="visit_list", format="csv", purpose="x", made_at=AT,
                made_by="terminal", rows=1, suppressed=0, sha256="0" * 64, expires_at=AT,
                content=b"names",
            )
        )  # fmt: skip
        session.commit()
    day_before = retaining.due(home, today=date(2026, 6, 20), at=AT)
    assert day_before.students == []
    found = retaining.due(home, today=date(2026, 6, 21), at=AT)
    assert (found.students, found.unknown, found.exports) == ([CITRA.student_id], 0, 1)
    assert retaining.due(home, today=date(2026, 6, 21), at=AT, months=24).students == []
    # The clock of the commands is today's, long after.
    said = done(home, "retention", "run", "--dry-run")
    assert CITRA.student_id in said
    with home.register.session() as session:
        assert session.get(Student, CITRA.student_id) is not None
    done(home, "retention", "run")
    with home.register.session() as session:
        assert session.get(Student, CITRA.student_id) is None
        assert session.get(Student, SITI.student_id) is not None
        assert session.get_one(Export, "7" * 32).content is None


def test_a_breach_names_whom_to_notify(home: Home, tmp_path: Path) -> None:
    with home.register.session(writing=True) as session:
        session.add(Guardian(guardian_id="9" * 32, student_id=SITI.student_id, relation="mother",
                             full_name="Sulastri", phone="+62812"))  # fmt: skip
        session.commit()
    audit = ReadAudit(home.register)
    for number in range(2):
        audit.record(actor="a" * 32, action="student.read", entity="student",
                     entity_id=SITI.student_id, at=AT + timedelta(days=number))  # fmt: skip
    audit.record(actor="a" * 32, action="visit_list.read", entity="visit_list", entity_id="l",
                 detail={"students": [AHMAD.student_id]}, at=AT)  # fmt: skip

    def rows(*words: str) -> list[dict[str, str]]:
        path = tmp_path / "affected.csv"
        done(home, "breach", "affected", path, *words)
        return list(csv.DictReader(io.StringIO(path.read_text())))

    assert len(rows()) == 8
    found = {row["student_id"]: row for row in rows("--actor", "a" * 32)}
    assert set(found) == {SITI.student_id, AHMAD.student_id}
    assert found[SITI.student_id]["times_read"] == "2"
    # A telephone number begins with a plus, which a spreadsheet would compute.
    assert found[SITI.student_id]["phone"] == "'+62812"
    assert len(rows("--actor", "a" * 32, "--since", "2026-10-06")) == 1


def test_an_agreement_with_a_researcher(home: Home) -> None:
    made = done(home, "agreement", "add", "f" * 32, "--purpose", "Apakah kunjungan membantu?",
                "--school", "SCH1", "--until", "2099-01-01").split()[1]  # fmt: skip
    assert "until 2099-01-01" in done(home, "agreement", "list")
    done(home, "agreement", "end", made)
    assert "ended" in done(home, "agreement", "list")
    code, said = run(home, "agreement", "end", made)
    assert (code, "no agreement" in said) == (1, True)
    code, said = run(home, "agreement", "add", "f" * 32, "--purpose", "x", "--school", "SCH9",
                     "--until", "2099-01-01")  # fmt: skip
    assert (code, "there is no school 'SCH9'" in said) == (1, True)


def test_a_list_whose_facts_were_rewritten_is_not_made_again(home: Home) -> None:
    snapshot = home.register.current_snapshot()
    assert snapshot is not None
    with home.register.session(writing=True) as session:
        session.add(SnapshotRewrite(old_snapshot_id="0" * 64, new_snapshot_id=snapshot, at=AT))
        session.commit()
    (row, *_) = lists.everything(home.register)
    code, said = run(home, "rebuild", row.visit_list_id)
    assert (code, "without children who were erased" in said) == (1, True)
