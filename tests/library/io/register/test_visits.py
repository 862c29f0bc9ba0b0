"""Recording visits: once however often it is sent, late or not, and a danger stops the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import postgres
from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register import families, visit_views, visits
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.families import Stale
from earlywarning.io.register.models import Student
from earlywarning.io.register.visit_tables import FollowUp, Visit, VisitNote, VisitRequest
from earlywarning.io.register.visits import VisitContent
from people import AHMAD, BUDI, SARI, SCHOOL_ID, SITI, YUSUF
from service_world import OTHER, fill, household_id, staff_id

AT = datetime(2026, 10, 20, 9, 0)  # noqa: DTZ001 - the register keeps UTC without zone
TODAY = AT.date()
EVERYBODY = select(Student.student_id).where(Student.school_id == SCHOOL_ID)
DONE = VisitContent("done", date(2026, 10, 19), student_id=SITI.student_id, met=("mother",))


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    if request.param == "postgresql":
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url) as opened:
        fill(opened)
        yield opened


def new_id() -> str:
    return os.urandom(16).hex()


def put(register: Register, id_: str, content: VisitContent, **more):
    given: dict[str, Any] = {
        "visible": EVERYBODY,
        "actor": "a" * 32,
        "at": AT,
        "today": TODAY,
    } | more
    return visits.put(register, id_, content, **given)


def test_sent_twice_it_is_there_once(register: Register) -> None:
    id_ = new_id()
    first, outcome = put(register, id_, DONE)
    assert outcome == "new"
    assert first.revision == 1
    again, outcome = put(register, id_, DONE, at=AT + timedelta(days=3))
    assert outcome == "same"
    assert again == first
    with pytest.raises(Conflict):
        put(register, id_, replace(DONE, met=("father",)))
    with register.session() as session:
        assert session.scalar(select(func.count()).select_from(Visit)) == 1


def test_sent_twice_at_once_exactly_one_is_new(register: Register) -> None:
    for _ in range(5):
        id_ = new_id()
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _, id_=id_: put(register, id_, DONE)[1], range(4)))
        assert sorted(made) == ["new", "same", "same", "same"]


def test_siblings_are_one_visit_and_a_student_without_household_is_a_family(register) -> None:
    row, _ = put(register, new_id(), replace(DONE, student_id=AHMAD.student_id))
    assert row.household_key == household_id("K1")
    assert row.student_ids == (AHMAD.student_id, BUDI.student_id)
    alone, _ = put(register, new_id(), replace(DONE, student_id=YUSUF.student_id))
    assert alone.household_key == f"student-{YUSUF.student_id}"


def test_a_late_entry_keeps_both_dates(register: Register) -> None:
    row, _ = put(register, new_id(), replace(DONE, day=date(2026, 8, 3)))
    assert row.day == date(2026, 8, 3)
    assert row.entered_at == AT
    # It belongs to the list of then; before there was any list, to none.
    now, _ = put(register, new_id(), DONE)
    assert row.item_id is not None
    assert now.item_id not in (None, row.item_id)
    old, _ = put(register, new_id(), replace(DONE, day=date(2026, 5, 3)))
    assert old.item_id is None


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), date(1999, 12, 31)])
def test_what_took_place_does_not_lie_ahead(register: Register, day: date) -> None:
    with pytest.raises(DataError):
        put(register, new_id(), replace(DONE, day=day))


def test_the_lead_is_the_lists_unless_said_and_staff_is_the_schools(register: Register) -> None:
    listed, _ = put(register, new_id(), DONE, staff_id="c" * 32)
    assert listed.lead_staff_id == staff_id(SARI.local_id)
    with pytest.raises(DataError):
        put(register, new_id(), replace(DONE, companion_staff_id="c" * 32))


def test_another_schools_child_is_as_one_who_does_not_exist(register: Register) -> None:
    said = []
    for student in (OTHER, "9" * 32):
        with pytest.raises(NotFound) as error:
            put(register, new_id(), replace(DONE, student_id=student))
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_change_needs_the_revision_that_was_read(register: Register) -> None:
    id_ = new_id()
    planned = replace(DONE, status="planned", day=date(2026, 10, 25))
    put(register, id_, planned)
    done, outcome = put(register, id_, DONE, revision=1)
    assert (outcome, done.revision, done.status) == ("changed", 2, "done")
    with pytest.raises(Stale):
        put(register, id_, replace(DONE, met=("father",)), revision=1)
    with pytest.raises(Conflict):
        put(register, id_, replace(DONE, status="no_one_home"), revision=2)
    with pytest.raises(Conflict):
        put(register, id_, replace(DONE, student_id=AHMAD.student_id), revision=2)
    with pytest.raises(Stale):
        put(register, new_id(), DONE, revision=1)


def test_two_changes_at_once_exactly_one_wins(register: Register) -> None:
    def change(who: str, id_: str) -> str:
        try:
            return put(register, id_, replace(DONE, met=(who,)), revision=1)[1]
        except Stale:
            return "stale"

    for _ in range(5):
        id_ = new_id()
        put(register, id_, DONE)
        with ThreadPoolExecutor(2) as pool:
            made = pool.map(lambda who, id_=id_: change(who, id_), ("father", "carer"))
        assert sorted(made) == ["changed", "stale"]


def test_danger_opens_the_protection_path_and_stops_the_normal_flow(register: Register) -> None:
    id_ = new_id()
    put(register, id_, replace(DONE, danger=True))
    with register.session() as session:
        (path,) = session.scalars(select(FollowUp))
        assert (path.kind, path.status) == ("protection", "open")
        assert path.due == TODAY + timedelta(days=1)
        family = families.find(session, EVERYBODY, student_id=SITI.student_id)
        assert families.next_of(session, family, today=TODAY) == "protection"
    with pytest.raises(Conflict):
        put(register, new_id(), replace(DONE, status="planned", day=date(2026, 10, 25)))
    put(register, id_, replace(DONE, danger=True, met=("father",)), revision=1)
    with register.session() as session:
        assert session.scalar(select(func.count()).select_from(FollowUp)) == 1


def test_a_restricted_note_is_apart_and_only_its_existence_shows(register: Register) -> None:
    id_ = new_id()
    row, _ = put(register, id_, replace(DONE, restricted_note="zqxmarker"))
    assert row.has_note
    assert "zqxmarker" not in repr(row)
    with register.session() as session:
        assert visit_views.restricted_note(session, EVERYBODY, id_).note == "zqxmarker"
    row, _ = put(register, id_, DONE, revision=1)
    assert row.has_note  # whoever changes a visit cannot read the note, so cannot send it again
    row, _ = put(register, id_, replace(DONE, restricted_note="zqxother"), revision=2)
    with register.session() as session:
        assert session.scalar(select(VisitNote.note)) == "zqxother"


def test_a_visit_meets_the_request_for_it(register: Register) -> None:
    with register.session(writing=True) as session:
        session.add(
            VisitRequest(
                request_id="d" * 32, school_id=SCHOOL_ID, household_key=household_id("K2"),
                student_id=SITI.student_id, asked_by="family", asked_on=date(2026, 10, 1),
                wish=None, status="open", revision=1, entered_at=AT, entered_by="x",
                changed_at=AT, changed_by="x", content_sha256="0" * 64,
            )
        )  # fmt: skip
        session.commit()
    row, _ = put(register, new_id(), DONE)
    assert row.track == "requested"
    with register.session() as session:
        assert session.get_one(VisitRequest, "d" * 32).status == "met"


def test_visits_are_read_newest_first_page_by_page(register: Register) -> None:
    for days in range(5):
        put(register, new_id(), replace(DONE, day=date(2026, 10, 10 + days)))
    with register.session() as session:
        first = visit_views.rows(session, EVERYBODY, limit=3)
        rest = visit_views.rows(session, EVERYBODY, after=(first[-1].day, first[-1].visit_id))
        assert [row.day.day for row in first + rest] == [14, 13, 12, 11, 10]
        none = select(Student.student_id).where(Student.school_id == "SCH2")
        assert visit_views.rows(session, none) == []
