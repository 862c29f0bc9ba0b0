"""Who may see what with a token; `test_matrix.py` asks every route as every role."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from earlywarning.io.register import tokens
from earlywarning.io.register.models import ClassGroup, Student
from earlywarning_api import access
from people import AHMAD, BUDI, CHILDREN, CITRA, DEWI, SARI, SITI, SUPARMI, TEACHERS, YUSUF
from service_world import NOW, OTHER, World, opened_world, staff_id

ABSENT = "e" * 32
ROLES = ("coordinator", "other school", "sari", "bambang", "retno", "data_staff", None)

# What each caller is answered: 2 = 200, 4 = 404, 3 = 403, 1 = 401; in the order of ROLES.
EXPECTED = {
    "/healthz": {"": "2222222"},
    "/readyz": {"": "2222222"},
    "/api/v1/openapi.json": {"": "2222221"},
    "/api/v1/quarters": {"": "2222221"},
    "/api/v1/models": {"": "2233321"},
    "/api/v1/visit_lists": {"": "2222231"},
    "/api/v1/visit_lists/{visit_list_id}": {
        "published": "2422231",
        "draft": "2444431",
        "other school": "4244431",
        "absent": "4444431",
    },
    "/api/v1/visit_lists/{visit_list_id}/items": {
        "published": "2422231",
        "draft": "2444431",
        "other school": "4244431",
        "absent": "4444431",
    },
    "/api/v1/visit_lists/{visit_list_id}/items.csv": {
        "published": "2422231",
        "draft": "2444431",
        "other school": "4244431",
        "absent": "4444431",
    },
    "/api/v1/students/{student_id}": {
        # Sari's class; Ahmad's brother is in Retno's class, and Sari leads that family's visit.
        "siti": "2424431",
        "yusuf": "2442431",
        "citra": "2444231",
        "budi": "2424231",
        "ahmad": "2424431",
        "other school": "4244431",
        "absent": "4444431",
    },
}
STATUS = {"1": 401, "2": 200, "3": 403, "4": 404}


def objects(world: World) -> dict[str, dict[str, str]]:
    return {
        "visit_list_id": {
            "published": world.lists["2026-27-Q2"],
            "draft": world.lists["2026-27-Q3"],
            "other school": world.lists["other school"],
            "absent": ABSENT,
        },
        "student_id": {
            "siti": SITI.student_id, "yusuf": YUSUF.student_id, "citra": CITRA.student_id,
            "budi": BUDI.student_id, "ahmad": AHMAD.student_id,
            "other school": OTHER, "absent": ABSENT,
        },
    }  # fmt: skip


def filled(world: World, path: str, case: str) -> str:
    for name, values in objects(world).items():
        if case:
            path = path.replace(f"{{{name}}}", values.get(case, ABSENT))
    return path


def same(body: str) -> dict:
    problem = json.loads(body)
    problem.pop("request_id")
    return problem


@pytest.mark.parametrize(
    ("path", "case"), [(path, case) for path, cases in EXPECTED.items() for case in cases]
)
def test_what_tokens_read(world: World, path: str, case: str) -> None:
    answers = [world.get(filled(world, path, case), who) for who in ROLES]
    expected = [STATUS[letter] for letter in EXPECTED[path][case]]
    assert [answer.status_code for answer in answers] == expected


def test_another_class_looks_exactly_like_nobody(world: World) -> None:
    answers = [
        world.get(f"/api/v1/students/{student}", "bambang")
        for student in (SITI.student_id, OTHER, ABSENT, "x", "0" * 500, "%00", "'; DROP TABLE--")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps(same(answer.text)) for answer in answers}) == 1
    headers = [
        {k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers
    ]
    assert all(each == headers[0] for each in headers)


def test_a_teacher_sees_own_families_and_the_class_they_lead(world: World) -> None:
    path = f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items"
    for who, own in (
        ("sari", {SITI, SUPARMI, AHMAD, BUDI}),
        ("bambang", {YUSUF, DEWI}),
        ("retno", {CITRA, BUDI}),
    ):
        for suffix in ("", f"?class_id={SITI.class_id}", f"?class_id={YUSUF.class_id}"):
            for row in world.get(path + suffix, who).json()["items"]:
                assert {child["student_id"] for child in row["students"]} <= {
                    child.student_id for child in own
                }
                assert row["students"]
    # Retno does not lead the brothers' visit: only her own student of the two is shown.
    for row in world.get(path, "retno").json()["items"]:
        assert {child["full_name"] for child in row["students"]} <= {BUDI.name, CITRA.name}


def test_a_teacher_sees_no_other_part_of_a_lists_summary(world: World) -> None:
    row = world.get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}", "sari").json()
    assert [lead["staff_id"] for lead in row["leads"]] == [staff_id(SARI.local_id)]
    assert row["counts"] is None


def test_a_class_filter_tells_nothing_about_another_class(world: World) -> None:
    path = f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items?class_id="
    other = world.get(path + SITI.class_id, "bambang").json()
    absent = world.get(path + "SCH1/2026-27/XII-Z", "bambang").json()
    assert other == absent


def test_data_staff_never_meet_a_name(world: World) -> None:
    known = [child.name for child in CHILDREN] + [teacher.name for teacher in TEACHERS]
    for path, cases in EXPECTED.items():
        for case in cases:
            text = world.get(filled(world, path, case), "data_staff").text
            assert not [name for name in known if name in text]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "Bearer nonsense", "Bearer ew_" + "A" * 43,
     "Bearer ew_" + "é" * 43, "bearer", "Token x", "Bearer " + "x" * 4000],
)  # fmt: skip
def test_what_is_no_token_is_401(world: World, header: str) -> None:
    answer = world.client.get(
        "/api/v1/quarters", headers=[(b"authorization", header.encode("latin-1"))]
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_401_comes_before_anything_about_the_request(world: World) -> None:
    path = f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items?limit=9999&cursor=x"
    assert world.get(path, None).status_code == 401
    assert world.get(path, "data_staff").status_code == 403
    assert world.get(path).status_code == 422


def test_expired_revoked_and_moved(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened_world(tmp_path_factory.mktemp("changing")) as world:
        path = f"/api/v1/students/{CITRA.student_id}"
        assert world.get(path, "sari").status_code == 404
        # Citra moves to Sari's class: at once the one sees her and the other does not.
        with world.register.session(writing=True) as session:
            session.execute(
                update(Student)
                .where(Student.student_id == CITRA.student_id)
                .values(class_id=SITI.class_id)
            )
            session.commit()
        assert world.get(path, "sari").status_code == 200
        # Retno leads Citra's family on the newest list, so she keeps seeing her until the next.
        assert world.get(path, "retno").status_code == 200
        # Sari hands her class over: only families whose visit she leads remain.
        with world.register.session(writing=True) as session:
            session.execute(
                update(ClassGroup)
                .where(ClassGroup.class_id == SITI.class_id)
                .values(homeroom_staff_id=staff_id("G02"))
            )
            session.commit()
        assert world.get(path, "sari").status_code == 404
        assert world.get(path, "bambang").status_code == 200
        # A token ends when it is revoked, and when its time is over.
        (row,) = [one for one in tokens.listed(world.register) if one.staff_id == staff_id("G02")]
        tokens.revoke(world.register, row.token_id, at=NOW)
        assert world.get(path, "bambang").status_code == 401
        world.app.state.clock = lambda: NOW + timedelta(days=30)
        assert world.get(path).status_code == 401
        world.app.state.clock = lambda: NOW + timedelta(days=30, seconds=-1)
        assert world.get(path).status_code == 200


def test_an_erased_student_is_gone_from_lists(tmp_path_factory: pytest.TempPathFactory) -> None:
    with opened_world(tmp_path_factory.mktemp("erased")) as world:
        with world.register.session(writing=True) as session:
            student = session.get(Student, SITI.student_id)
            session.delete(student)
            session.commit()
        assert world.get(f"/api/v1/students/{SITI.student_id}").status_code == 404
        text = world.get(f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/items").text
        assert SITI.name not in text
        assert SITI.student_id not in text


def test_a_role_that_is_not_named_may_nothing(world: World) -> None:
    person = access.Person("t", "janitor", "SCH1", None)
    assert not any(
        access.allowed(person, use) for uses in access.PERMISSIONS.values() for use in uses
    )
    with world.register.session() as session:
        for visible in (access.visible_students(person), access.visible_lists(person)):
            assert visible.why in ("nobody", "none")
            assert session.scalars(visible.ids).all() == []
        # A coordinator without school, or a teacher who is nobody, sees no one either.
        for role in ("coordinator", "homeroom_teacher"):
            lost = access.Person("t", role, None, None)
            assert session.scalars(access.visible_students(lost).ids).all() == []
            assert session.scalars(access.visible_lists(lost).ids).all() == []
        nameless = access.Person("t", "homeroom_teacher", "SCH1", None)
        assert session.scalars(access.visible_students(nameless).ids).all() == []
        assert session.scalars(select(Student.student_id)).all()


def test_each_rule_can_say_why(world: World) -> None:
    teacher = access.Person("t", "homeroom_teacher", "SCH1", staff_id("G01"))
    assert "own class" in access.visible_students(teacher).why
    assert "every student" in access.visible_students(
        access.Person("t", "coordinator", "SCH1", None)
    ).why  # fmt: skip
