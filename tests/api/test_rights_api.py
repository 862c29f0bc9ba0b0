"""Rights, exports and the audit over the API: what a role gets, what is kept, what never leaves."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from earlywarning.io.register import audit_check, exports, lists, research, rights, user_admin
from earlywarning.io.register.models import ClassGroup, Household, Student
from earlywarning.io.register.rights_tables import Export, ResearchAgreement
from earlywarning.visits.households import Child as Scored
from earlywarning.visits.visit_list import ListBasis, VisitListDraft, build
from people import AHMAD, CHILDREN, SCHOOL_ID, SITI, SUPARMI, TEACHERS, YUSUF
from service_world import DISTRICT, MODELS, NOW, World, opened_world, staff_id, user_id


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as made:
        yield made


def post(world: World, who: str, path: str, body: Any) -> Any:
    return world.as_(who).post(
        f"/api/v1{path}", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
    )


def file(world: World, who: str, sent: dict[str, Any]) -> Any:
    made = post(world, who, "/exports", {"purpose": "rapat guru", **sent})
    assert made.status_code == 202, made.text
    return world.as_(who).get(made.headers["location"])


def test_reads_of_children_are_in_the_audit(world: World) -> None:
    world.as_("coordinator").get(f"/api/v1/students/{SITI.student_id}")
    world.as_("coordinator").get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items")
    found = world.as_("admin").get(f"/api/v1/audit_events?entity_id={SITI.student_id}").json()
    assert [one["action"] for one in found["audit_events"]] == ["visit_list.read", "student.read"]
    assert {one["actor"] for one in found["audit_events"]} == {user_id("coordinator")}
    assert SITI.name not in str(found)
    with world.register.session() as session:
        assert audit_check.verify(session, []).faults == []


def test_what_cannot_be_seen_leaves_no_read(world: World) -> None:
    world.as_("homeroom_teacher").get(f"/api/v1/students/{YUSUF.student_id}")
    answer = world.as_("admin").get("/api/v1/audit_events?action=student").json()
    assert answer["audit_events"] == []


def test_pages_of_the_audit(world: World) -> None:
    for _ in range(5):
        world.as_("coordinator").get(f"/api/v1/students/{SITI.student_id}")
    admin, seen, cursor = world.as_("admin"), [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = admin.get(f"/api/v1/audit_events?action=student&limit=2{more}").json()
        seen += [one["position"] for one in page["audit_events"]]
        cursor = page["next_cursor"]
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    assert admin.get("/api/v1/audit_events?limit=2&cursor=eA").status_code == 422


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_list_leaves_as_a_file_without_formulas(world: World, format_: str) -> None:
    answer = file(world, "coordinator", {"kind": "visit_list", "format": format_,
                                         "visit_list_id": world.lists["2026-27-Q2"]})  # fmt: skip
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    if format_ == "csv":
        rows = list(csv.reader(io.StringIO(answer.text)))
        names = [row[6] for row in rows]
        assert "'" not in AHMAD.name
    else:
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        rows = list(book.worksheets[0].iter_rows())
        assert all(cell.data_type in ("s", "n") for row in rows for cell in row)
        names = [row[6].value for row in rows]
    assert AHMAD.name in names
    assert len(rows) == len({child.student_id for child in CHILDREN} & set(_ids(rows))) + 1


def _ids(rows: list[Any]) -> list[str]:
    return [getattr(row[5], "value", row[5]) for row in rows]


def test_visits_and_plan_leave_too(world: World) -> None:
    text = file(world, "coordinator", {"kind": "visits"}).text
    assert text.startswith("day,status,track,lead")
    plan = {"kind": "plan", "visit_list_id": world.lists["2026-27-Q2"]}
    assert file(world, "coordinator", plan).text.startswith("week,date,slot")
    log = world.as_("coordinator").get("/api/v1/exports").json()["exports"]
    assert {one["kind"] for one in log} == {"plan", "visits"}
    assert {one["purpose"] for one in log} == {"rapat guru"}


def test_a_file_is_gone_after_a_day(world: World) -> None:
    made = post(world, "coordinator", "/exports", {"kind": "visits", "purpose": "x"})
    place = made.headers["location"]
    assert world.as_("coordinator").get(place).status_code == 200
    with world.register.session(writing=True) as session:
        session.get_one(Export, made.json()["export_id"]).expires_at = NOW - timedelta(hours=1)
        session.commit()
    assert world.as_("coordinator").get(place).status_code == 404


def test_an_export_needs_the_password_again(world: World) -> None:
    answer = world.client.post(
        "/api/v1/exports", json={"kind": "visits", "purpose": "x"},
        headers={"Authorization": f"Bearer {world.tokens['coordinator']}",
                 "Idempotency-Key": "1"},
    )  # fmt: skip
    assert answer.status_code == 403


def test_an_objection_and_its_clock(world: World) -> None:
    body = {"kind": "profiling", "student_id": SUPARMI.student_id, "made_by": "mother"}
    made = post(world, "coordinator", "/rights_requests", body)
    assert made.status_code == 201
    assert made.json()["due_at"] == (NOW + timedelta(days=3)).isoformat() + "Z"
    with world.register.session() as session:
        assert rights.objecting_students(session) == {SUPARMI.student_id}
    listed = world.as_("admin").get("/api/v1/rights_requests?status=open").json()
    assert [one["overdue"] for one in listed["rights_requests"]] == [False]
    place = f"/rights_requests/{made.json()['request_id']}/decision"
    assert post(world, "coordinator", place, {"status": "refused"}).status_code == 422
    assert post(world, "coordinator", place, {"status": "done"}).status_code == 201
    assert post(world, "coordinator", place, {"status": "done"}).status_code == 409


def test_an_erasure_is_asked_for_here_and_done_at_the_terminal(world: World) -> None:
    made = post(world, "coordinator", f"/students/{SITI.student_id}/erasure", {"made_by": "mother"})
    assert (made.status_code, made.json()["kind"]) == (202, "erasure")
    place = f"/rights_requests/{made.json()['request_id']}/decision"
    assert post(world, "coordinator", place, {"status": "done"}).status_code == 409
    with world.register.session() as session:
        assert session.get(Student, SITI.student_id) is not None


def many(
    world: World, count: int, *, quarter: str = "2027-28-Q1", pairs: int = 0
) -> VisitListDraft:
    """A list of a class of many children, half of them girls; the first ones brother and sister."""
    homes = {number: f"{number // 2:032x}" for number in range(2 * pairs)}
    class_id = f"{SCHOOL_ID}/2026-27/VII-Z"
    with world.register.session(writing=True) as session:
        if session.get(ClassGroup, class_id) is None:
            session.add(ClassGroup(class_id=class_id, school_id=SCHOOL_ID, school_year="2026-27",
                                   name="VII-Z", grade_level=7))  # fmt: skip
            session.flush()
        for home in sorted(set(homes.values())):
            session.merge(Household(household_id=home, school_id=SCHOOL_ID, local_key=home))
        session.flush()
        for number in range(count):
            if session.get(Student, f"{number:032x}") is None:
                session.add(Student(student_id=f"{number:032x}", school_id=SCHOOL_ID,
                                    local_id=f"z{number}", full_name=f"Anak {number}",
                                    sex="FM"[number % 2], class_id=class_id))  # fmt: skip
        session.commit()
    return build(
        [
            Scored(f"{number:032x}", 1.0 + number, class_id=class_id, household=homes.get(number))
            for number in range(count)
        ],
        ListBasis(
            quarter=quarter, as_of_date=date(2027, 7, 1), school_id=SCHOOL_ID,
            snapshot_id="0" * 64, district=DISTRICT, models=MODELS, seed=1, code_version="0.1.0",
            classes={class_id: {"lead": None, "grade_level": 7}},
            capacities={staff_id(t.local_id): t.max_visits for t in TEACHERS},
        ),
    )  # fmt: skip


def agree(world: World, who: str) -> str:
    with world.register.session(writing=True) as session:
        made = exports.agree(
            session, researcher=user_id(who), purpose="Apakah kunjungan membantu?",
            schools=[SCHOOL_ID], expires_on=date(2028, 1, 1), by="terminal", at=NOW,
        )  # fmt: skip
        session.commit()
    return made


@pytest.mark.parametrize("who", ["researcher", "data_staff"])
def test_research_gets_large_groups_under_new_names(world: World, who: str) -> None:
    lists.save(world.register, [many(world, 24)], by="x", at=NOW, publish=True)
    agreement = agree(world, who)
    sent = {"kind": "research", "agreement_id": agreement}
    first, second = (
        list(csv.DictReader(io.StringIO(file(world, who, sent).text))) for _ in range(2)
    )
    # The small classes of the cast are held back.
    assert {row["quarter"] for row in first} == {"2027-28-Q1"}
    assert len(first) == 24
    assert tuple(first[0]) == research.COLUMNS
    assert {row["student"] for row in first}.isdisjoint(row["student"] for row in second)
    with world.register.session() as session:
        text = str(first)
        for student in session.query(Student):
            assert student.full_name not in text
            assert student.student_id not in text
    log = world.as_(who).get("/api/v1/exports").json()["exports"]
    assert [one["suppressed"] for one in log] == [14, 14]
    assert world.as_("coordinator").get("/api/v1/exports").json()["exports"] == []


def test_two_research_exports_give_no_difference(world: World) -> None:
    draft = many(world, 24)
    lists.save(world.register, [draft], by="x", at=NOW, publish=True)
    agreement = agree(world, "researcher")
    assert len(_rows(world, agreement)) == 24
    with world.register.session(writing=True) as session:
        # A girl's family objects: 11 girls beside the 12 of before would show which rows were hers.
        rights.object_to(session, student_id=f"{0:032x}", made_on=NOW.date(), by="terminal",
                         at=NOW)  # fmt: skip
        session.commit()
    after = _rows(world, agreement)
    assert {row["sex"] for row in after} == {"M"}


def test_research_follows_nobody_over_quarters_and_shows_no_rare_family(world: World) -> None:
    rare = many(world, 24, pairs=1)
    usual = many(world, 24, quarter="2027-28-Q2", pairs=12)
    lists.save(world.register, [rare, usual], by="x", at=NOW, publish=True)
    rows = _rows(world, agree(world, "researcher"))
    then, now = ([row for row in rows if row["quarter"] == f"2027-28-Q{n}"] for n in (1, 2))
    assert len(then) == len(now) == 24
    assert {row["student"] for row in then}.isdisjoint(row["student"] for row in now)
    # One girl with a brother is known to the whole village; a dozen of them are not.
    assert len({row["household"] for row in then}) == 24
    assert len({row["household"] for row in now}) == 12


def _rows(world: World, agreement: str) -> list[dict[str, str]]:
    sent = {"kind": "research", "agreement_id": agreement}
    return list(csv.DictReader(io.StringIO(file(world, "researcher", sent).text)))


def test_an_agreement_is_one_persons_and_ends(world: World) -> None:
    agreement = agree(world, "data_staff")
    sent = {"kind": "research", "purpose": "x", "agreement_id": agreement}
    assert post(world, "researcher", "/exports", sent).status_code == 404
    assert post(world, "data_staff", "/exports", sent).status_code == 202
    assert post(world, "data_staff", "/exports", sent | {"agreement_id": None}).status_code == 422
    assert (
        post(world, "data_staff", "/exports", {"kind": "visits", "purpose": "x"}).status_code == 403
    )
    with world.register.session(writing=True) as session:
        session.get_one(ResearchAgreement, agreement).ended_at = NOW
        session.commit()
    assert post(world, "data_staff", "/exports", sent).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/rights_requests", {"kind": "rectification", "made_by": "mother"}, "/body/wanted"),
        ("/rights_requests", {"kind": "rectification", "made_by": "mother", "wanted": {}},
         "/body/wanted"),
        ("/rights_requests", {"kind": "access", "made_by": "mother",
                              "received_at": "9999-12-31T23:59:59-14:00"}, "/body/received_at"),
        ("/exports", {"kind": "plan", "purpose": "x"}, "/body/visit_list_id"),
        ("/exports", {"kind": "plan", "purpose": "\u0000"}, "/body/purpose"),
        ("/exports", {"kind": "plan", "purpose": "x", "role": "admin"}, "/body/role"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_by_its_field(
    world: World, path: str, body: dict[str, Any], pointer: str
) -> None:
    more = {"student_id": SITI.student_id} if "rights" in path else {}
    answer = post(world, "coordinator", path, body | more)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_moments_at_the_ends_of_time_are_no_error(world: World) -> None:
    for since in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
        assert world.as_("admin").get(f"/api/v1/audit_events?since={since}").status_code == 200


def test_a_file_does_not_go_along_into_another_role(world: World) -> None:
    made = post(world, "coordinator", "/exports", {"kind": "visits", "purpose": "x"})
    place = made.headers["location"]
    for role, school in (("data_staff", None), ("coordinator", "SCH2")):
        user_admin.change_role(
            world.register, user_id("coordinator"), role, by="terminal", at=NOW, school_id=school
        )
        assert world.browser("coordinator").get(place).status_code == 404, role
    user_admin.change_role(
        world.register, user_id("coordinator"), "coordinator", by="terminal", at=NOW,
        school_id=SCHOOL_ID,
    )  # fmt: skip
    assert world.browser("coordinator").get(place).status_code == 200


def test_a_research_file_ends_with_its_agreement(world: World) -> None:
    agreement = agree(world, "researcher")
    sent = {"kind": "research", "purpose": "x", "agreement_id": agreement}
    place = post(world, "researcher", "/exports", sent).headers["location"]
    assert world.as_("researcher").get(place).status_code == 200
    with world.register.session(writing=True) as session:
        exports.end(session, agreement, by="terminal", at=NOW)
        session.commit()
    assert world.as_("researcher").get(place).status_code == 404
