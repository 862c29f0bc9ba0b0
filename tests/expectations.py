"""What each kind of caller is answered by each route. A route without a row here fails the tests.

How to add a route
------------------
Add a row to `ROWS`: `"METHOD /path/as/in/the/router"` and, for each kind of object, one letter for
each of `CALLERS` in their order: what they are answered (`LETTERS`).

    "GET /api/v1/students/{student_id}": Row(
        {"own": "2222 ...", "other class": ..., "other school": ..., "absent": ...}
    ),

- `own` is an object of the class of Sari, the homeroom teacher; `other class` one of another class
  of her school; `other school` one of SCH2; `absent` one that never was. A route without id has one
  case, `""`. Where two cases are answered alike, still write both.
- Ids come from `OBJECTS` by the name of the parameter. If yours is not there, add it, or give
  the row `prepare`: a function of the world that makes what is needed and returns, for each case,
  the parameters: `{"own": {"visit_id": "…"}, …}`.
- `json` is the body, or a function of (world, case) that makes it; `headers` likewise.
- A row that changes something gets a world of its own for each case; `apart=True` gives each caller
  one too (for what can be done only once).
- Every request carries an `Idempotency-Key` and comes from our own pages. Callers are browsers,
  signed in with `world.as_`, their second factor given and their password confirmed just now.

`python -m pytest tests/api/test_matrix.py -s` prints how many requests the matrix makes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

import analysed
from earlywarning.io.register import rights, visits
from earlywarning.io.register.job_tables import ImportJob
from earlywarning.io.register.models import (
    FactsSnapshot,
    Student,
    VisitListItem,
    VisitListStudent,
)
from earlywarning.io.register.visit_tables import ItemOverride
from earlywarning.io.register.visits import VisitContent
from earlywarning_api.preconditions import etag
from people import SITI, YUSUF
from service_world import NOW, OTHER, World, staff_id, user_id

CALLERS = (
    "coordinator", "homeroom_teacher", "counsellor", "principal", "data_staff", "researcher",
    "admin", None,
)  # fmt: skip
"""The order of the letters; None is anonymous."""

LETTERS: Mapping[str, frozenset[int]] = {
    "2": frozenset({200, 201, 202, 204}),
    "3": frozenset({403}),
    "4": frozenset({404}),
    "1": frozenset({401}),
    "c": frozenset({409}),
    "v": frozenset({422}),
    "m": frozenset({412}),
    "n": frozenset({428}),
    "r": frozenset({303}),
    "t": frozenset({429}),
    "u": frozenset({415}),
    "x": frozenset({503}),
}
"""m: changed meanwhile; n: `If-Match` needed; r: sent elsewhere; t: too often;
u: not of this type; x: this service has none."""

ABSENT = "e" * 32
Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Attributes
    ----------
    cases : dict of str to str
        Kind of object -> a letter for each caller.
    json, headers
        Of the request; or a function of (world, case).
    prepare : callable, optional
        world -> for each case the path's parameters.
    apart : bool
        Whether each caller needs a world of their own.
    """

    cases: Mapping[str, str]
    json: Any = None
    headers: Any = field(default_factory=dict)
    prepare: Callable[[World], Mapping[str, Parameters]] | None = None
    apart: bool = False


OBJECTS: Mapping[str, Callable[[World], Parameters]] = {
    "student_id": lambda world: {
        "own": SITI.student_id, "other class": YUSUF.student_id, "other school": OTHER,
        "absent": ABSENT,
    },
    "visit_list_id": lambda world: {
        "own": world.lists["2026-27-Q2"], "draft": world.lists["2026-27-Q3"],
        "other school": world.lists["other school"], "absent": ABSENT,
    },
    "user_id": lambda world: {
        "own": user_id("bambang"), "other school": user_id("joko"), "absent": ABSENT,
    },
}  # fmt: skip
"""Path parameter -> case -> id."""

ALL = "22222222"
SIGNED_IN = "22222221"
LIST = {
    "own": "22223331", "draft": "24443331", "other school": "44443331", "absent": "44443331",
}  # fmt: skip

USER = {"own": "33333321", "other school": "33333321", "absent": "33333341"}

RECORDED = {
    "own": "22233331", "other class": "24233331", "other school": "44433331",
    "absent": "44433331",
}  # fmt: skip
DECIDED = {
    "own": "22333331", "other class": "24333331", "other school": "44333331",
    "absent": "44333331",
}  # fmt: skip
CHILD = {
    "own": SITI.student_id, "other class": YUSUF.student_id, "other school": OTHER,
    "absent": ABSENT,
}  # fmt: skip


def new_ids(world: World) -> Mapping[str, Parameters]:
    """An id that a client made, for each case."""
    return {case: {"client_uuid": str(uuid.uuid4())} for case in CHILD}


ROWS: dict[str, Row] = {
    "GET /healthz": Row({"": ALL}),
    "GET /readyz": Row({"": ALL}),
    # Reading
    "GET /api/v1/openapi.json": Row({"": SIGNED_IN}),
    "GET /api/v1/quarters": Row({"": "22222331"}),
    "GET /api/v1/models": Row({"": "23322321"}),
    "GET /api/v1/impact/studies": Row({"": "23322231"}),
    "GET /api/v1/impact/studies/{study_id}": Row(
        {"own": "23322231", "absent": "43344431"}, prepare=lambda world: studies_of(world)
    ),
    # Nothing is worked out by the service of the tests: 503.
    "POST /api/v1/impact/studies/{study_id}/runs": Row(
        {"own": "3333xx31", "absent": "33334431"}, prepare=lambda world: studies_of(world)
    ),
    "GET /api/v1/impact/studies/{study_id}/runs/newest": Row(
        {"own": "33334431", "absent": "33334431"}, prepare=lambda world: studies_of(world)
    ),
    "GET /api/v1/visit_lists": Row({"": "22223331"}),
    "GET /api/v1/visit_lists/{visit_list_id}": Row(LIST),
    "GET /api/v1/visit_lists/{visit_list_id}/items": Row(LIST),
    "POST /api/v1/visit_lists/{visit_list_id}/publication": Row(
        {"own": "m3333331", "draft": "23333331", "other school": "43333331",
         "absent": "43333331"},
        prepare=lambda world: publishable(world), apart=True,
        headers=lambda world, case: read_as_coordinator(world, "2026-27-Q3"),
    ),
    "GET /api/v1/visit_lists/{visit_list_id}/items.csv": Row(LIST),
    "GET /api/v1/students/{student_id}": Row(
        {"own": "22243331", "other class": "24243331", "other school": "44443331",
         "absent": "44443331"}
    ),
    # Users, for administrators
    "GET /api/v1/users": Row({"": "33333321"}),
    "POST /api/v1/invitations": Row(
        {"": "33333321"},
        json={"sign_in_name": "wati@a.example", "display_name": "Wati", "role": "data_staff"},
    ),
    "GET /api/v1/users/{user_id}": Row(USER),
    "PATCH /api/v1/users/{user_id}": Row(USER, json={"disabled": True}),
    "DELETE /api/v1/users/{user_id}/sessions": Row(USER),
    "DELETE /api/v1/users/{user_id}/second_factor": Row(USER),
    "POST /api/v1/users/{user_id}/password_reset": Row(USER),
    "POST /api/v1/users/{user_id}/invitation": Row(
        {"own": "333333c1", "other school": "333333c1", "absent": "33333341"}
    ),
    # Emergency access
    "POST /api/v1/emergency_access": Row(
        {"own": "32323331", "other school": "34343331", "absent": "34343331"},
        json=lambda world, case: {
            "reason": "Wali kelas sakit, keluarga menunggu",
            "class_id": {"own": "SCH1/2026-27/VII-B", "other school": "SCH2/2026-27/VII-A"}.get(
                case, "SCH1/2026-27/IX-Z"
            ),
        },
    ),
    "GET /api/v1/emergency_access": Row({"": "22323331"}),
    "DELETE /api/v1/emergency_access/{access_id}": Row(
        {"own": "32343331", "absent": "34343331"},
        prepare=lambda world: {
            "own": {"access_id": emergency_of(world, "homeroom_teacher")},
            "absent": {"access_id": ABSENT},
        },
    ),
    # Imports; the world of these tests takes no files
    "GET /api/v1/imports": Row({"": "23332331"}),
    "POST /api/v1/imports": Row({"": "u333u331"}),
    "GET /api/v1/imports/{import_id}": Row(
        {"own": "23334331", "data staff": "43332331", "other school": "43334331",
         "absent": "43334331"},
        prepare=lambda world: imports_of(world),
    ),
    "GET /api/v1/imports/{import_id}/faults.csv": Row(
        {"own": "43334331", "data staff": "43333331", "other school": "43334331",
         "absent": "43334331"},
        prepare=lambda world: imports_of(world),
    ),
    "POST /api/v1/imports/{import_id}/answers": Row(
        {"own": "x3334331", "data staff": "4333x331", "other school": "43334331",
         "absent": "43334331"},
        prepare=lambda world: imports_of(world), json={"school_year": "2026-27"},
    ),
    "POST /api/v1/imports/{import_id}/confirmation": Row(
        {"own": "x3334331", "data staff": "4333x331", "other school": "43334331",
         "absent": "43334331"},
        prepare=lambda world: imports_of(world), json={},
    ),
    "DELETE /api/v1/imports/{import_id}": Row(
        {"own": "x3334331", "data staff": "4333x331", "other school": "43334331",
         "absent": "43334331"},
        prepare=lambda world: imports_of(world),
    ),
    # Signing in
    "GET /api/v1/oidc/start": Row({"": "44444444"}),  # no provider is set
    "GET /api/v1/oidc/callback": Row({"": "44444444"}),
    "GET /api/v1/me": Row({"": SIGNED_IN}),
    "PUT /api/v1/me/password": Row(
        {"": SIGNED_IN},
        json={"old_password": "empat kata tanpa arti", "new_password": "lima kata yang lain lagi"},
    ),
    "POST /api/v1/me/second_factor": Row({"": SIGNED_IN}),
    "PUT /api/v1/me/second_factor": Row({"": "11111111"}, json={"code": "123456"}),
    "POST /api/v1/activations": Row(
        {"": "11111111"}, json={"link": "x" * 43, "password": "empat kata tanpa arti"}
    ),
    "POST /api/v1/password_resets": Row(
        {"": "11111111"}, json={"link": "x" * 43, "password": "empat kata tanpa arti"}
    ),
    "POST /api/v1/sessions": Row(
        {"": "11111ttt"}, json={"sign_in_name": "nobody@a.example", "password": "not a password"}
    ),
    "GET /api/v1/sessions": Row({"": SIGNED_IN}),
    "POST /api/v1/sessions/current/second_factor": Row(
        {"": "11111111"}, json={"code": "123456"}
    ),
    "POST /api/v1/sessions/current/confirmation": Row(
        {"": SIGNED_IN}, json={"password": "empat kata tanpa arti"}
    ),
    "DELETE /api/v1/sessions/current": Row({"": SIGNED_IN}),
    "DELETE /api/v1/sessions/{session_id}": Row(
        {"own": "42444441", "absent": "44444441"},
        prepare=lambda world: {
            "own": {"session_id": session_of(world, "homeroom_teacher")},
            "absent": {"session_id": ABSENT},
        },
    ),
    # Visits
    "GET /api/v1/visits": Row({"": "22233331"}),
    "PUT /api/v1/visits/{client_uuid}": Row(
        RECORDED, prepare=new_ids,
        json=lambda world, case: {
            "student_id": CHILD[case], "status": "done", "day": "2026-10-01",
        },
    ),
    "GET /api/v1/visits/{client_uuid}": Row(RECORDED, prepare=lambda world: visits_of(world)),
    "GET /api/v1/visits/{client_uuid}/restricted_note": Row(
        {"own": "33223331", "other class": "33223331", "other school": "33443331",
         "absent": "33443331"},
        prepare=lambda world: visits_of(world),
    ),
    "PUT /api/v1/contact_attempts/{client_uuid}": Row(
        RECORDED, prepare=new_ids,
        json=lambda world, case: {
            "student_id": CHILD[case], "channel": "telephone", "at": "2026-10-01T03:00:00Z",
            "result": "reached",
        },
    ),
    "GET /api/v1/students/{student_id}/contact_attempts": Row(RECORDED),
    "GET /api/v1/students/{student_id}/contact_link": Row(DECIDED),
    "GET /api/v1/follow_ups": Row({"": "22233331"}),
    "PUT /api/v1/follow_ups/{client_uuid}": Row(
        RECORDED, prepare=new_ids,
        json=lambda world, case: {
            "student_id": CHILD[case], "action": "x", "owner_staff_id": staff_id("G03"),
            "due": "2026-11-01",
        },
    ),
    "GET /api/v1/visit_requests": Row({"": "22233331"}),
    "PUT /api/v1/visit_requests/{client_uuid}": Row(
        RECORDED, prepare=new_ids,
        json=lambda world, case: {
            "student_id": CHILD[case], "asked_by": "family", "asked_on": "2026-10-01",
        },
    ),
    # Places that people change
    "GET /api/v1/visit_lists/{visit_list_id}/items/{item_id}/override": Row(
        DECIDED, prepare=lambda world: items_of(world)
    ),
    "PUT /api/v1/visit_lists/{visit_list_id}/items/{item_id}/override": Row(
        DECIDED, prepare=lambda world: items_of(world), apart=True,
        json=lambda world, case: {"action": "move_up",
                                  "reason_code": "new_event"},
        headers=lambda world, case: tag(world, case, 0),
    ),
    "DELETE /api/v1/visit_lists/{visit_list_id}/items/{item_id}/override": Row(
        DECIDED, prepare=lambda world: decided(world), apart=True,
        headers=lambda world, case: tag(world, case, 1),
    ),
    # Plans
    "GET /api/v1/visit_lists/{visit_list_id}/plan": Row(
        {"own": "22223331", "draft": "44443331", "other school": "44443331",
         "absent": "44443331"},
        prepare=lambda world: plans_of(world),
    ),
    "POST /api/v1/visit_lists/{visit_list_id}/plan": Row(
        {"own": "23333331", "draft": "c3333331", "other school": "43333331",
         "absent": "43333331"}
    ),
    "GET /api/v1/visit_lists/{visit_list_id}/unranked": Row(LIST),
    "GET /api/v1/planned_visits/{planned_visit_id}": Row(
        {"own": "22243331", "other class": "24243331", "absent": "44443331"},
        prepare=lambda world: planned_of(world),
    ),
    "PATCH /api/v1/planned_visits/{planned_visit_id}": Row(
        {"own": "22333331", "other class": "24333331", "absent": "44333331"},
        prepare=lambda world: planned_of(world), apart=True,
        json={"week": "2026-10-12", "slot": "saturday", "despite": True},
        headers={"If-Match": "*"},
    ),
    "POST /api/v1/planned_visits/{planned_visit_id}/letter": Row(
        {"own": "22333331", "other class": "24333331", "absent": "44333331"},
        prepare=lambda world: planned_of(world),
    ),
    # Rights of families
    "GET /api/v1/students/{student_id}/consents": Row(RECORDED),
    "POST /api/v1/students/{student_id}/consents": Row(
        RECORDED,
        json={"purpose": "priority", "given_by": "mother", "given_on": "2026-07-13",
              "evidence": "map 7A"},
    ),
    "POST /api/v1/students/{student_id}/consents/{consent_id}/withdrawal": Row(
        RECORDED, prepare=lambda world: consents_of(world), apart=True
    ),
    "GET /api/v1/rights_requests": Row({"": "23333321"}),
    "POST /api/v1/rights_requests": Row(
        {"own": "23333341", "other class": "23333341", "other school": "43333341",
         "absent": "43333341"},
        json=lambda world, case: {
            "kind": "access", "student_id": CHILD[case], "made_by": "mother",
        },
    ),
    "POST /api/v1/rights_requests/{request_id}/decision": Row(
        {"own": "23333321", "other school": "43333321", "absent": "43333341"},
        prepare=lambda world: requests_of(world), apart=True,
        json={"status": "done"},
    ),
    "POST /api/v1/students/{student_id}/erasure": Row(
        {"own": "23333341", "other class": "23333341", "other school": "43333341",
         "absent": "43333341"},
        json={"made_by": "mother"},
    ),
    # Files that leave
    "POST /api/v1/exports": Row(
        {"own": "23333331", "other school": "43333331", "absent": "43333331"},
        json=lambda world, case: {
            "kind": "visit_list", "purpose": "rapat guru",
            "visit_list_id": {"own": world.lists["2026-27-Q2"],
                              "other school": world.lists["other school"]}.get(case, ABSENT),
        },
    ),
    "GET /api/v1/exports": Row({"": "23332231"}),
    "GET /api/v1/exports/{export_id}/file": Row(
        {"own": "23334431", "absent": "43334431"}, prepare=lambda world: exports_of(world)
    ),
    "GET /api/v1/audit_events": Row({"": "33333321"}),
}  # fmt: skip
"""Method and path -> what is answered."""


def studies_of(world: World) -> Mapping[str, Parameters]:
    """A registered study with a result."""
    made = analysed.registered(world, f"Study {key()}")
    return {"own": {"study_id": made}, "absent": {"study_id": ABSENT}}


def plans_of(world: World) -> Mapping[str, Parameters]:
    """The plan of the newest list; the other lists have none."""
    made = world.as_("coordinator").post(
        f"/api/v1/visit_lists/{world.lists['2026-27-Q2']}/plan",
        headers={"Idempotency-Key": key()},
    )
    assert made.status_code == 200, made.text
    return {case: {"visit_list_id": id_} for case, id_ in OBJECTS["visit_list_id"](world).items()}


def planned_of(world: World) -> Mapping[str, Parameters]:
    """A planned visit of each kind."""
    found = plans_of(world)
    plan = world.as_("coordinator").get(f"/api/v1/visit_lists/{found['own']['visit_list_id']}/plan")
    by_child = {
        child["student_id"]: one["planned_visit_id"]
        for one in plan.json()["visits"] for child in one["students"]
    }  # fmt: skip
    return {
        "own": {"planned_visit_id": by_child[SITI.student_id]},
        "other class": {"planned_visit_id": by_child[YUSUF.student_id]},
        "absent": {"planned_visit_id": ABSENT},
    }


def session_of(world: World, who: str) -> str:
    """Another session of somebody, whose id only they may use."""
    rows = world.browser(who).get("/api/v1/sessions").json()["sessions"]
    return next(row["session_id"] for row in rows if row["current"])


def emergency_of(world: World, who: str) -> str:
    """An emergency access that somebody took."""
    answer = world.as_(who).post(
        "/api/v1/emergency_access",
        json={"reason": "Wali kelas sakit, keluarga menunggu", "student_number": "0202"},
        headers={"Idempotency-Key": key()},
    )
    return answer.json()["access_id"]


def visits_of(world: World) -> Mapping[str, Parameters]:
    """A visit with a restricted note to each child."""
    made = {case: {"client_uuid": str(uuid.uuid4())} for case in CHILD}
    for case, child in CHILD.items():
        if case != "absent":
            visits.put(
                world.register, uuid.UUID(made[case]["client_uuid"]).hex,
                VisitContent("done", date(2026, 10, 1), student_id=child, restricted_note="x"),
                visible=select(Student.student_id), actor="0" * 32, at=world.app.state.clock(),
                today=date(2026, 10, 5),
            )  # fmt: skip
    return made


def items_of(world: World) -> Mapping[str, Parameters]:
    """Each child's family on its school's list."""
    found: dict[str, Parameters] = {"absent": {"visit_list_id": ABSENT, "item_id": ABSENT}}
    for case, child in CHILD.items():
        list_id = world.lists["other school" if case == "other school" else "2026-27-Q2"]
        with world.register.session() as session:
            item = session.scalar(
                select(VisitListStudent.item_id)
                .join(VisitListItem, VisitListItem.item_id == VisitListStudent.item_id)
                .where(VisitListItem.visit_list_id == list_id, VisitListStudent.student_id == child)
            )
        found.setdefault(case, {"visit_list_id": list_id, "item_id": item or ABSENT})
    return found


def tag(world: World, case: str, revision: int) -> Mapping[str, str]:
    """`If-Match` for a family's place."""
    return {"If-Match": etag("override", items_of(world)[case]["item_id"], revision)}


def publishable(world: World) -> Mapping[str, Parameters]:
    """Lists, and the facts of which the draft was made as the current ones."""
    with world.register.session(writing=True) as session:
        session.add(FactsSnapshot(snapshot_id="0" * 64, made_at=NOW, is_current=True, rows={}))
        session.commit()
    ids = OBJECTS["visit_list_id"](world)
    return {case: {"visit_list_id": id_} for case, id_ in ids.items()}


def read_as_coordinator(world: World, quarter: str) -> Mapping[str, str]:
    """`If-Match` with the ETag of a list."""
    place = f"/api/v1/visit_lists/{world.lists[quarter]}"
    return {"If-Match": world.as_("coordinator").get(place).headers["etag"]}


def decided(world: World) -> Mapping[str, Parameters]:
    """Families whose places somebody changed."""
    found = items_of(world)
    with world.register.session(writing=True) as session:
        session.add_all(
            ItemOverride(
                item_id=one["item_id"], revision=1, visit_list_id=one["visit_list_id"],
                action="defer", reason_code="family_away", note=None, expires_on=None,
                original_position=1, made_by="0" * 32, made_at=world.app.state.clock(),
            )
            for case, one in found.items()
            if case != "absent"
        )  # fmt: skip
        session.commit()
    return found


def key() -> str:
    """An `Idempotency-Key`."""
    return uuid.uuid4().hex


def consents_of(world: World) -> Mapping[str, Parameters]:
    """A consent about each child."""
    found: dict[str, Parameters] = {"absent": {"student_id": ABSENT, "consent_id": ABSENT}}
    with world.register.session(writing=True) as session:
        for case, child in CHILD.items():
            if case != "absent":
                made = rights.add_consent(
                    session, student_id=child, purpose="photo", given_by="mother",
                    given_on=date(2026, 7, 13), evidence="map 7A", by="0" * 32,
                    at=world.app.state.clock(),
                )  # fmt: skip
                found[case] = {"student_id": child, "consent_id": made}
        session.commit()
    return found


def requests_of(world: World) -> Mapping[str, Parameters]:
    """A request from each school."""
    found: dict[str, Parameters] = {"absent": {"request_id": ABSENT}}
    with world.register.session(writing=True) as session:
        for case in ("own", "other school"):
            row = rights.receive(
                session, kind="access", made_by="mother", student_id=CHILD[case], by="0" * 32,
                at=world.app.state.clock(),
            )  # fmt: skip
            found[case] = {"request_id": row.request_id}
        session.commit()
    return found


def exports_of(world: World) -> Mapping[str, Parameters]:
    """A file that the coordinator made."""
    answer = world.as_("coordinator").post(
        "/api/v1/exports", json={"kind": "visits", "purpose": "rapat guru"},
        headers={"Idempotency-Key": key()},
    )  # fmt: skip
    return {"own": {"export_id": answer.json()["export_id"]}, "absent": {"export_id": ABSENT}}


def imports_of(world: World) -> Mapping[str, Parameters]:
    """An upload that waits, of each kind."""
    found: dict[str, Parameters] = {"absent": {"import_id": ABSENT}}
    with world.register.session(writing=True) as session:
        for case, school in (("own", "SCH1"), ("data staff", None), ("other school", "SCH2")):
            id_ = uuid.uuid4().hex
            session.add(
                ImportJob(job_id=id_, school_id=school, status="waiting", made_by="terminal",
                          made_at=NOW, changed_at=NOW, files=[["a.csv", 1]], said={}, summary={})
            )  # fmt: skip
            found[case] = {"import_id": id_}
        session.commit()
    return found
