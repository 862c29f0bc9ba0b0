"""Visits through the API: safe to send twice, late entry, who sees what, a child in danger."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from earlywarning.district import Protection
from earlywarning.io.register import audit_log
from earlywarning.io.register.models import Guardian, VisitListItem
from earlywarning.io.register.rights_tables import AuditEvent
from people import AHMAD, BUDI, RETNO, SARI, SITI, YUSUF
from service_world import OTHER, World, household_id, opened_world, staff_id

DONE: dict[str, Any] = {
    "student_id": SITI.student_id, "status": "done", "day": "2026-10-04", "met": ["mother"],
    "purposes": ["attendance"], "causes": ["transport", "work"],
    "observations": {"journey": "help_needed"}, "agreement": "Berangkat bersama tetangga",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def put(world: World, path: str, body: dict, who: str = "homeroom_teacher", **headers: str):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return world.as_(who).put(f"/api/v1/{path}", json=body, headers=headers)


def get(world: World, path: str, who: str = "homeroom_teacher"):
    return world.as_(who).get(f"/api/v1/{path}")


def new() -> str:
    return str(uuid.uuid4())


def actions(world: World) -> list[tuple[str, str]]:
    with world.register.session() as session:
        rows = session.execute(
            select(AuditEvent.action, AuditEvent.entity_id).order_by(AuditEvent.position)
        )
        return [(row[0], row[1]) for row in rows]


def item(world: World, household: str) -> str:
    with world.register.session() as session:
        return session.scalars(
            select(VisitListItem.item_id).where(
                VisitListItem.visit_list_id == world.lists["2026-27-Q2"],
                VisitListItem.household_key == household_id(household),
            )
        ).one()


def test_a_visit_is_recorded_once_however_often_it_is_sent(world: World) -> None:
    id_ = new()
    first = put(world, f"visits/{id_}", DONE)
    assert first.status_code == 201, first.text
    visit = first.json()["visit"]
    assert visit["visit_id"] == id_
    assert visit["lead_staff_id"] == staff_id(SARI.local_id)
    assert [cause["code"] for cause in visit["causes"]] == ["transport", "work"]
    assert first.headers["etag"] == visit["etag"]
    again = put(world, f"visits/{id_.upper()}", DONE)
    assert (again.status_code, again.json()["visit"]) == (200, visit)
    assert put(world, f"visits/{id_}", DONE | {"met": []}).status_code == 409
    recorded = [one for one in actions(world) if one[0].startswith("visit.")]
    assert recorded == [("visit.recorded", uuid.UUID(id_).hex)]


def test_the_same_visit_sent_at_once_by_two_phones_is_new_once(world: World) -> None:
    phones = [world.browser("homeroom_teacher") for _ in range(4)]
    for _ in range(3):
        id_ = new()
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(
                lambda phone, id_=id_: phone.put(f"/api/v1/visits/{id_}", json=DONE).status_code,
                phones,
            )
        assert sorted(answers) == [200, 200, 200, 201]


def test_a_visit_is_changed_by_who_has_read_it(world: World) -> None:
    id_ = new()
    planned = DONE | {"status": "planned", "day": "2026-10-09", "met": []}
    tag = put(world, f"visits/{id_}", planned).headers["etag"]
    assert get(world, f"visits/{id_}").headers["etag"] == tag
    done = put(world, f"visits/{id_}", DONE, If_Match=tag)
    assert done.status_code == 200, done.text
    assert (done.json()["visit"]["status"]["code"], done.json()["visit"]["revision"]) == ("done", 2)
    assert put(world, f"visits/{id_}", DONE | {"met": []}, If_Match=tag).status_code == 412
    assert put(world, f"visits/{new()}", DONE, If_Match=tag).status_code == 412
    undone = put(world, f"visits/{id_}", planned, If_Match=done.headers["etag"])
    assert undone.status_code == 409


def test_late_entry_is_fine_and_the_future_is_not(world: World) -> None:
    late = put(world, f"visits/{new()}", DONE | {"day": "2026-08-03"}).json()["visit"]
    assert (late["day"], late["entered_at"]) == ("2026-08-03", "2026-10-05T08:00:00Z")
    ahead = put(world, f"visits/{new()}", DONE | {"day": "2026-10-06"})
    assert ahead.status_code == 422
    assert ahead.json()["errors"][0]["pointer"] == "/body/day"


@pytest.mark.parametrize(
    "wrong",
    [{"status": "visited"}, {"met": ["neighbour"]}, {"role": "admin"}, {"student_id": None},
     {"agreement": "x" * 2001}, {"observations": {"income": "good"}},
     {"companion_staff_id": "c" * 32}, {"agreement": "a\0b"}],
)  # fmt: skip
def test_what_is_not_known_is_refused_and_not_repeated(world: World, wrong: dict) -> None:
    answer = put(world, f"visits/{new()}", DONE | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert "neighbour" not in answer.text


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-10-03T09:30:00", "x"]
)
def test_a_time_needs_its_zone_and_a_year_of_schools(world: World, at: str) -> None:
    attempt = {"student_id": SITI.student_id, "channel": "letter", "result": "sent", "at": at}
    answer = put(world, f"contact_attempts/{new()}", attempt)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/at"


def test_half_a_letter_is_refused(world: World) -> None:
    """A lone surrogate is valid JSON and no text that a database keeps."""
    body = json.dumps(DONE | {"agreement": "\ud800"})
    answer = world.as_("homeroom_teacher").put(
        f"/api/v1/visits/{new()}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("student", [YUSUF.student_id, OTHER, "e" * 32])
def test_another_class_is_as_one_that_does_not_exist(world: World, student: str) -> None:
    answer = put(world, f"visits/{new()}", DONE | {"student_id": student})
    assert answer.status_code == 404
    for path in (
        f"visits?student_id={student}",
        f"follow_ups?student_id={student}",
        f"students/{student}/contact_attempts",
        f"students/{student}/contact_link",
    ):
        assert get(world, path).status_code == 404


def test_siblings_are_seen_by_each_teacher_as_far_as_they_are_theirs(world: World) -> None:
    id_ = new()
    made = put(world, f"visits/{id_}", DONE | {"student_id": AHMAD.student_id})
    assert made.json()["visit"]["student_ids"] == [AHMAD.student_id, BUDI.student_id]
    retno = get(world, f"visits/{id_}", "retno").json()
    assert retno["student_ids"] == [BUDI.student_id]
    assert get(world, f"visits/{id_}", "bambang").status_code == 404
    assert get(world, f"visits/{id_}", "other counsellor").status_code == 404


def test_a_restricted_note_is_read_by_counsellor_and_principal_only(world: World) -> None:
    id_ = new()
    made = put(world, f"visits/{id_}", DONE | {"restricted_note": "zqxmarker"})
    assert made.json()["visit"]["has_restricted_note"]
    assert "zqxmarker" not in made.text
    for who, status in (
        ("counsellor", 200), ("principal", 200), ("coordinator", 403), ("homeroom_teacher", 403),
        ("data_staff", 403), ("other counsellor", 404), ("other principal", 404),
    ):  # fmt: skip
        answer = get(world, f"visits/{id_}/restricted_note", who)
        assert answer.status_code == status, who
        assert ("zqxmarker" in answer.text) == (status == 200)
        for path in (f"visits/{id_}", "visits", f"students/{SITI.student_id}"):
            assert "zqxmarker" not in get(world, path, who).text
    read = [one for one in actions(world) if one[0] == "visit_note.read"]
    assert len(read) == 2


def test_a_child_in_danger_stops_the_normal_flow(world: World) -> None:
    world.app.state.protection = Protection(("Hari ini juga beri tahu Bu Kepala",), "0812-0000")
    id_ = new()
    made = put(world, f"visits/{id_}", DONE | {"student_id": AHMAD.student_id, "danger": True})
    step = made.json()["next_step"]
    assert step["code"] == "protection"
    assert step["path"] == ["Hari ini juga beri tahu Bu Kepala", "0812-0000"]
    planned = DONE | {"student_id": BUDI.student_id, "status": "planned", "day": "2026-10-09"}
    refused = put(world, f"visits/{new()}", planned, "retno")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("ask-counsellor")
    # Who need not know is sent to the counsellor and is told nothing else.
    other = get(world, f"students/{BUDI.student_id}/contact_attempts", "retno").json()
    assert other["next_step"]["code"] == "ask_counsellor"
    assert get(world, f"visits/{id_}", "retno").json()["danger"] is None
    assert get(world, f"students/{BUDI.student_id}/contact_link", "retno").status_code == 409
    assert get(world, "follow_ups").json()["follow_ups"] == []
    # The counsellor closes the path; then the normal flow goes on.
    (path,) = get(world, "follow_ups", "counsellor").json()["follow_ups"]
    assert (path["kind"]["code"], path["due"]) == ("protection", "2026-10-06")
    closed = {"student_id": path["student_id"], "action": "TPPK", "status": "done",
              "owner_staff_id": staff_id(RETNO.local_id), "due": path["due"]}  # fmt: skip
    where = f"follow_ups/{path['follow_up_id']}"
    assert put(world, where, closed, If_Match=path["etag"]).status_code == 412
    assert put(world, where, closed, "counsellor", If_Match=path["etag"]).status_code == 200
    assert put(world, f"visits/{new()}", planned, "retno").status_code == 201


def test_after_two_failures_a_letter_is_next(world: World) -> None:
    attempt = {"student_id": SITI.student_id, "channel": "whatsapp", "result": "no_answer",
               "at": "2026-10-03T09:30:00+07:00"}  # fmt: skip
    id_ = new()
    first = put(world, f"contact_attempts/{id_}", attempt)
    assert (first.status_code, first.json()["next_step"]["code"]) == (201, "contact")
    assert first.json()["attempt"]["at"] == "2026-10-03T02:30:00Z"
    assert put(world, f"contact_attempts/{id_}", attempt).status_code == 200
    other = attempt | {"result": "reached"}
    assert put(world, f"contact_attempts/{id_}", other).status_code == 409
    second = put(world, f"visits/{new()}", DONE | {"status": "no_one_home", "met": []})
    assert second.json()["next_step"]["code"] == "letter"
    letter = attempt | {"channel": "letter", "result": "sent", "at": "2026-10-05T10:00:00+07:00"}
    third = put(world, f"contact_attempts/{new()}", letter)
    assert third.json()["next_step"]["code"] == "wait"
    tried = get(world, f"students/{SITI.student_id}/contact_attempts").json()
    assert [one["channel"]["code"] for one in tried["attempts"]] == ["letter", "whatsapp"]


def test_a_link_has_digits_and_neutral_words_and_is_on_the_audit(world: World) -> None:
    with world.register.session(writing=True) as session:
        session.add_all(
            Guardian(guardian_id=n * 32, student_id=SITI.student_id, relation=relation,
                     full_name="Ibu Zqxmarker", phone=phone, vital=vital)
            for n, relation, phone, vital in (
                ("1", "mother", "+6281234567890", "alive"),
                ("2", "father", "+6281234567891", "deceased"),
                ("3", "guardian", "+622112345678", None),
            )
        )  # fmt: skip
        session.commit()
    answer = get(world, f"students/{SITI.student_id}/contact_link")
    (link,) = answer.json()["links"]
    assert link["relation"] == "mother"
    assert link["url"].startswith("https://wa.me/6281234567890?text=")
    for word in ("Siti", "VII", "Zqxmarker", "absen", "hadir", " ", "+"):
        assert word not in link["url"]
    opened = [one for one in actions(world) if one[0] == "contact_link.opened"]
    assert opened == [("contact_link.opened", SITI.student_id)]
    assert get(world, f"students/{SITI.student_id}/contact_link", "coordinator").status_code == 200
    assert get(world, f"students/{SITI.student_id}/contact_link", "counsellor").status_code == 403
    # A brother in another class: who leads the visit may see him, and calls about the own child.
    assert get(world, f"students/{BUDI.student_id}/contact_link").status_code == 404


def test_follow_ups_belong_to_a_family_and_an_owner(world: World) -> None:
    visit, id_ = new(), new()
    put(world, f"visits/{visit}", DONE)
    body = {"student_id": SITI.student_id, "action": "Menanyakan angkutan", "due": "2026-10-20",
            "owner_staff_id": staff_id(RETNO.local_id), "visit_id": visit}  # fmt: skip
    made = put(world, f"follow_ups/{id_}", body)
    assert made.status_code == 201, made.text
    assert put(world, f"follow_ups/{id_}", body).status_code == 200
    assert put(world, f"visits/{visit}", DONE).json()["next_step"]["code"] == "follow_up"
    (mine,) = get(world, "follow_ups?status=open", "retno").json()["follow_ups"]
    assert mine["follow_up_id"] == id_
    assert get(world, "follow_ups", "bambang").json()["follow_ups"] == []
    done = put(world, f"follow_ups/{id_}", body | {"status": "done"}, "retno",
               If_Match=mine["etag"])  # fmt: skip
    assert done.status_code == 200
    assert get(world, "follow_ups?status=open").json()["follow_ups"] == []
    wrong = put(world, f"follow_ups/{new()}", body | {"student_id": AHMAD.student_id})
    assert wrong.status_code == 422


def test_a_family_asks_for_a_visit_and_gets_it(world: World) -> None:
    id_ = new()
    body = {"student_id": SITI.student_id, "asked_by": "family", "asked_on": "2026-10-01"}
    assert put(world, f"visit_requests/{id_}", body).status_code == 201
    (asked,) = get(world, "visit_requests?status=open").json()["visit_requests"]
    dropped = body | {"status": "dropped"}
    assert put(world, f"visit_requests/{id_}", dropped).status_code == 409
    put(world, f"visits/{new()}", DONE)
    (met,) = get(world, "visit_requests").json()["visit_requests"]
    assert met["status"]["code"] == "met"
    assert put(world, f"visit_requests/{id_}", dropped, If_Match=asked["etag"]).status_code == 412


def test_visits_come_page_by_page(world: World) -> None:
    made = [new() for _ in range(5)]
    for id_ in made:
        put(world, f"visits/{id_}", DONE)
    first = get(world, "visits?limit=3").json()
    rest = get(world, f"visits?limit=3&cursor={first['next_cursor']}").json()
    found = [one["visit_id"] for one in first["visits"] + rest["visits"]]
    assert sorted(found) == sorted(made)
    assert rest["next_cursor"] is None
    for cursor in ("x", first["next_cursor"] + "A"):
        assert get(world, f"visits?cursor={cursor}").status_code == 422
    assert get(world, f"visits?status=done&cursor={first['next_cursor']}").status_code == 422


def test_a_place_is_changed_with_a_reason_and_taken_back(world: World) -> None:
    list_id, siti = world.lists["2026-27-Q2"], item(world, "K2")
    where = f"visit_lists/{list_id}/items/{siti}/override"
    body = {"action": "defer", "reason_code": "family_away", "expires_on": "2026-11-01"}
    assert put(world, where, body).status_code == 428
    assert put(world, where, body, If_Match='"x"').status_code == 412
    tag = get(world, where).headers["etag"]
    rows = get(world, f"visit_lists/{list_id}/items").json()["items"]
    assert next(row for row in rows if row["item_id"] == siti)["override_etag"] == tag
    made = put(world, where, body, If_Match=tag)
    assert made.status_code == 200, made.text
    assert put(world, where, body, "coordinator", If_Match=tag).status_code == 412
    after = get(world, f"visit_lists/{list_id}/items").json()["items"]
    moved = after[-1]
    assert (moved["item_id"], moved["override"]["action"]["code"]) == (siti, "defer")
    assert moved["position"] == next(r for r in rows if r["item_id"] == siti)["position"]
    client = world.as_("homeroom_teacher")
    assert client.delete(f"/api/v1/{where}").status_code == 428
    gone = client.delete(f"/api/v1/{where}", headers={"If-Match": made.headers["etag"]})
    assert gone.status_code == 204
    assert [row["item_id"] for row in get(world, f"visit_lists/{list_id}/items").json()["items"]] \
        == [row["item_id"] for row in rows]  # fmt: skip
    # Only who leads the visit, or the coordinator.
    assert get(world, where, "retno").status_code == 404
    assert get(world, where, "counsellor").status_code == 403
    assert get(world, where, "coordinator").status_code == 200


def test_a_list_is_filtered_by_where_families_stand(world: World) -> None:
    list_id = world.lists["2026-27-Q2"]
    put(world, f"visits/{new()}", DONE)
    stands = {
        status: len(get(world, f"visit_lists/{list_id}/items?status={status}").json()["items"])
        for status in ("visited", "not_visited", "scheduled", "overdue", "no_contact", "closed")
    }
    assert stands["visited"] == 1
    whole = get(world, f"visit_lists/{list_id}/items").json()["items"]
    assert sum(stands.values()) == len(whole)


def test_a_cursor_of_before_a_decision_is_refused(world: World) -> None:
    list_id = world.lists["2026-27-Q2"]
    first = get(world, f"visit_lists/{list_id}/items?limit=1", "coordinator").json()
    one = first["items"][0]
    where = f"visit_lists/{list_id}/items/{one['item_id']}/override"
    body = {"action": "remove", "reason_code": "already_supported"}
    assert put(world, where, body, "coordinator", If_Match=one["override_etag"]).status_code == 200
    path = f"visit_lists/{list_id}/items?limit=1&cursor={first['next_cursor']}"
    assert get(world, path, "coordinator").status_code == 422


def test_every_reading_of_a_child_is_on_the_audit(world: World) -> None:
    id_ = new()
    put(world, f"visits/{id_}", DONE)
    before = len(actions(world))
    for path in (
        f"visits/{id_}",
        "visits",
        f"students/{SITI.student_id}/contact_attempts",
        "follow_ups",
        "visit_requests",
        f"students/{SITI.student_id}/contact_link",
    ):
        assert get(world, path).status_code == 200
        assert len(actions(world)) == before + 1, path
        before += 1
    with world.register.session() as session:  # and a family finds all of them by its child
        found = audit_log.search(session, entity_id=SITI.student_id, limit=100)
    assert {"visit.read", "visits.read"} <= {one.action for one in found}


def test_who_cannot_read_a_note_or_a_danger_takes_neither_away(world: World) -> None:
    id_, ahmad = new(), DONE | {"student_id": AHMAD.student_id}
    first = put(world, f"visits/{id_}", ahmad | {"restricted_note": "zqx one", "danger": True})
    budi = DONE | {"student_id": BUDI.student_id}  # his brother; Retno sees him alone
    changed = put(world, f"visits/{id_}", budi, "retno", If_Match=first.headers["etag"])
    assert changed.status_code == 200, changed.text
    assert changed.json()["visit"]["danger"] is None
    seen = get(world, f"visits/{id_}", "counsellor").json()
    assert (seen["danger"], seen["has_restricted_note"]) == (True, True)
    assert get(world, f"visits/{id_}/restricted_note", "counsellor").json()["note"] == "zqx one"
    more = ahmad | {"restricted_note": "zqx two"}
    put(world, f"visits/{id_}", more, "coordinator", If_Match=changed.headers["etag"])
    note = get(world, f"visits/{id_}/restricted_note", "counsellor").json()["note"]
    assert note == "zqx one\n\nzqx two"
