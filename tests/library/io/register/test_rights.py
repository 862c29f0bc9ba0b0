"""Consent, objections and requests: recorded, counted down, answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register import audit_log, rights
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import Student
from earlywarning.records.rights import leaves_on
from people import AHMAD, BUDI, SCHOOL_ID, SITI, YUSUF
from service_world import household_id, people

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
BY = "e" * 32


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        people(opened)
        yield opened


def actions(register: Register) -> list[str]:
    with register.session() as session:
        return [one.action for one in audit_log.entries(session)]


def test_a_family_that_objects_is_ranked_by_no_computer(register: Register) -> None:
    with register.session(writing=True) as session:
        first = rights.object_to(
            session, student_id=BUDI.student_id, made_on=NOW.date(), by=BY, at=NOW
        )
        rights.object_to(session, student_id=YUSUF.student_id, made_on=NOW.date(), by=BY, at=NOW)
        with pytest.raises(Conflict, match="on record already"):
            rights.object_to(session, student_id=BUDI.student_id, made_on=NOW.date(), by=BY, at=NOW)
        session.commit()
    with register.session(writing=True) as session:
        assert rights.objecting_students(session) == {BUDI.student_id, YUSUF.student_id}
        # Ahmad is Budi's brother: the household is visited together, so it is decided together.
        assert rights.objecting_households(session) == {
            household_id("K1"), f"student-{YUSUF.student_id}"
        }  # fmt: skip
        rights.lift(session, first, by=BY, at=NOW)
        assert rights.objecting_households(session) == {f"student-{YUSUF.student_id}"}
        with pytest.raises(NotFound):
            rights.lift(session, first, by=BY, at=NOW)
        session.commit()
    assert actions(register) == ["objection.recorded"] * 2 + ["objection.lifted"]


def agree(register: Register, student_id: str, purpose: str = "priority") -> str:
    with register.session(writing=True) as session:
        made = rights.add_consent(
            session, student_id=student_id, purpose=purpose, given_by="mother",
            given_on=date(2026, 7, 13), evidence="signed form, folder 7A", by=BY, at=NOW,
        )  # fmt: skip
        session.commit()
    return made


def test_consent_taken_back_counts_as_an_objection(register: Register) -> None:
    consent, photo = agree(register, SITI.student_id), agree(register, SITI.student_id, "photo")
    with register.session(writing=True) as session:
        assert rights.objecting_students(session) == set()
        rights.withdraw_consent(session, photo, by=BY, at=NOW)
        assert rights.objecting_students(session) == set()
        rights.withdraw_consent(session, consent, by=BY, at=NOW)
        assert rights.objecting_students(session) == {SITI.student_id}
        with pytest.raises(Conflict, match="withdrawn at"):
            rights.withdraw_consent(session, consent, by=BY, at=NOW)
        session.commit()
    agree(register, SITI.student_id)
    with register.session() as session:
        assert rights.objecting_students(session) == set()
        assert [one.purpose for one in rights.consents(session, SITI.student_id)].count(
            "priority"
        ) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"purpose": "adverts"}, "purpose: is 'adverts'; allowed: priority"),
        ({"given_by": "Bu Ratna"}, "allowed: father, mother"),
        ({"evidence": "  "}, "evidence: is empty"),
        ({"given_on": date(2026, 10, 8)}, "has not come yet"),
    ],
)
def test_consent_that_proves_nothing_is_refused(
    register: Register, change: dict[str, object], says: str
) -> None:
    whole = {"student_id": SITI.student_id, "purpose": "priority", "given_by": "mother",
             "given_on": date(2026, 7, 13), "evidence": "form", "by": BY, "at": NOW}  # fmt: skip
    with register.session(writing=True) as session, pytest.raises(DataError, match=says):
        rights.add_consent(session, **(whole | change))  # type: ignore[arg-type]


def test_the_clock_of_a_request_is_three_days_and_nights(register: Register) -> None:
    friday = datetime(2026, 10, 2, 15, 30)  # noqa: DTZ001
    with register.session(writing=True) as session:
        made = rights.receive(
            session, kind="access", made_by="mother", student_id=SITI.student_id,
            received_at=friday, by=BY, at=NOW,
        )  # fmt: skip
        session.commit()
    assert made.due_at == datetime(2026, 10, 5, 15, 30)  # noqa: DTZ001 - Monday, same hour
    assert not made.overdue(made.due_at)
    assert made.overdue(made.due_at + timedelta(seconds=1))
    with register.session() as session:
        assert rights.requests(session, overdue_at=made.due_at) == []
        late = rights.requests(session, overdue_at=made.due_at + timedelta(seconds=1))
        assert [one.request_id for one in late] == [made.request_id]
        assert rights.requests(session, school_id="SCH2") == []


def test_a_correction_is_made_when_it_is_granted(register: Register) -> None:
    with register.session(writing=True) as session:
        made = rights.receive(
            session, kind="rectification", made_by="father", student_id=AHMAD.student_id,
            wanted={"full_name": "Ahmad Fulani", "birth_date": "2013-05-17"}, by=BY, at=NOW,
        )  # fmt: skip
        session.commit()
    with register.session(writing=True) as session:
        rights.decide(session, made.request_id, status="done", by=BY, at=NOW)
        session.commit()
        student = session.get(Student, AHMAD.student_id)
        assert student is not None
        assert (student.full_name, student.birth_date) == ("Ahmad Fulani", date(2013, 5, 17))
        # The name asked for stays nowhere but where it belongs.
        assert rights.found_request(session, made.request_id).wanted is None
        with pytest.raises(Conflict, match="was answered at"):
            rights.decide(session, made.request_id, status="done", by=BY, at=NOW)


def test_an_objection_holds_from_the_moment_it_is_made(register: Register) -> None:
    with register.session(writing=True) as session:
        made = rights.receive(session, kind="profiling", made_by="mother",
                              student_id=SITI.student_id, by=BY, at=NOW)  # fmt: skip
        assert rights.objecting_students(session) == {SITI.student_id}
        with pytest.raises(DataError, match="allowed: not_identified, endangers"):
            rights.decide(session, made.request_id, status="refused", by=BY, at=NOW)
        rights.decide(
            session, made.request_id, status="refused", reason="not_identified", by=BY, at=NOW
        )
        assert rights.objecting_students(session) == set()
        session.commit()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "wish"}, "allowed: access, rectification"),
        ({"received_at": NOW + timedelta(hours=1)}, "after now"),
        ({"student_id": None}, "student_id: a request of kind access needs one"),
        ({"kind": "rectification"}, "which fields should read what"),
        ({"kind": "rectification", "wanted": {"status": "x"}}, "allowed: full_name, sex"),
        ({"kind": "rectification", "wanted": {"birth_date": "17/5/2013"}}, "like 2013-05-17"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_at_once(
    register: Register, change: dict[str, object], says: str
) -> None:
    whole: dict[str, object] = {"kind": "access", "made_by": "mother", "by": BY, "at": NOW,
                                "student_id": SITI.student_id}  # fmt: skip
    with register.session(writing=True) as session, pytest.raises(DataError, match=says):
        rights.receive(session, **(whole | change))  # type: ignore[arg-type]


def test_a_breach_has_the_same_clock_and_no_student(register: Register) -> None:
    with register.session(writing=True) as session:
        made = rights.receive(session, kind="breach_notice", made_by="school",
                              school_id=SCHOOL_ID, by=BY, at=NOW)  # fmt: skip
    assert made.due_at - made.received_at == timedelta(days=3)


@pytest.mark.parametrize(
    ("last", "months", "until"),
    [
        (date(2026, 6, 30), 12, date(2027, 6, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 6, 30), 0, date(2026, 6, 30)),
    ],
)
def test_how_long_data_are_kept(last: date, months: int, until: date) -> None:
    assert leaves_on(last, months=months) == until
