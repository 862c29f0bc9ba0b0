"""A register to test the service with: the cast's school, another one, three lists.

- 2026-27-Q1 published, Q2 published (the newest), Q3 a draft, all of SCH1
- 2026-27-Q2 published in SCH2, whose only student is `OTHER`

Households are the cast's; Sari has two places, Bambang one, Retno none.

`world.as_("principal")` is a signed-in browser of somebody of that role; see `USERS`. Every user's
password is `PASSWORD`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from earlywarning.district import District, Visits
from earlywarning.io.register import lists, passwords, sessions, tokens
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import ClassGroup, Household, School, Staff, Student
from earlywarning.visits.households import Child as Scored
from earlywarning.visits.households import key_of
from earlywarning.visits.visit_list import ListBasis, VisitListDraft, build
from earlywarning_api.app import create_app
from people import (
    AHMAD,
    BUDI,
    CHILDREN,
    CITRA,
    DEWI,
    SARI,
    SCHOOL_ID,
    SCHOOL_YEAR,
    SITI,
    SUPARMI,
    TEACHERS,
    YUSUF,
)

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
OTHER = "f" * 32
DISTRICT = District(visits=Visits(lottery=False, capacity=3, preventive_share=0.4))
PRIORITY = {AHMAD: 0.5, SITI: 1.2, SUPARMI: 0.4, DEWI: 2.0, YUSUF: 0.75, BUDI: 0.25, CITRA: 1.5}
RULE = {"serves": "rule", "estimator": "rule", "version": None, "why": "no_model"}
MODELS = dict.fromkeys(("attendance", "behaviour", "grades"), RULE)


PASSWORD = "empat kata tanpa arti"
USERS = {
    # who: (role, school, staff number)
    "admin": ("admin", None, None),
    "coordinator": ("coordinator", SCHOOL_ID, None),
    "homeroom_teacher": ("homeroom_teacher", SCHOOL_ID, SARI.local_id),
    "bambang": ("homeroom_teacher", SCHOOL_ID, "G02"),
    "retno": ("homeroom_teacher", SCHOOL_ID, "G03"),
    "counsellor": ("counsellor", SCHOOL_ID, None),
    "principal": ("principal", SCHOOL_ID, None),
    "data_staff": ("data_staff", None, None),
    "researcher": ("researcher", None, None),
    "other coordinator": ("coordinator", "SCH2", None),
    "other counsellor": ("counsellor", "SCH2", None),
    "other principal": ("principal", "SCH2", None),
    "joko": ("homeroom_teacher", "SCH2", "G01"),
}
"""Users by who they are; `homeroom_teacher` is Sari, and Joko teaches in the other school."""


def user_id(who: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, who).hex


@cache
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


def staff_id(local_id: str) -> str:
    return local_id.lower().rjust(32, "a")


def household_id(local_key: str) -> str:
    return local_key.lower().rjust(32, "b")


@dataclass(frozen=True)
class World:
    """The register, what is in it, and a token for each kind of caller."""

    register: Register
    app: FastAPI
    client: TestClient
    tokens: dict[str, str]
    lists: dict[str, str]
    browsers: dict[str, TestClient] = field(default_factory=dict)

    def as_(self, who: str) -> TestClient:
        """A browser in which somebody is signed in, second factor given; the same each time."""
        if who not in self.browsers:
            self.browsers[who] = self.browser(who)
        return self.browsers[who]

    def browser(self, who: str | None = None, *, level: str = sessions.FULL) -> TestClient:
        """A new browser on our own pages, signed in as somebody or nobody."""
        made = TestClient(self.app, base_url="https://testserver", follow_redirects=False)
        made.portal = self.client.portal  # else each request would start a thread of its own
        made.headers["Sec-Fetch-Site"] = "same-origin"
        if who is not None:
            with self.register.session(writing=True) as session:
                opened = sessions.open_for(
                    session, user_id(who), level=level, browser="test", at=self.app.state.clock()
                )
                session.commit()
            made.cookies.set("__Host-ew_session", opened.secret, domain="testserver.local")
        return made

    def planned(self, list_id: str, student_id: str) -> dict[str, Any]:
        """The coordinator plans a list on its page: the planned visit of a child."""
        coordinator = self.as_("coordinator")
        assert coordinator.post(f"/lists/{list_id}/plan").status_code == 303
        plan = coordinator.get(f"/api/v1/visit_lists/{list_id}/plan").json()
        return next(
            one for one in plan["visits"]
            if student_id in [child["student_id"] for child in one["students"]]
        )  # fmt: skip

    def get(self, path: str, who: str | None = "coordinator", **headers: str):
        """Ask as somebody; None is a stranger."""
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def people(register: Register) -> None:
    with register.session(writing=True) as session:
        session.add_all([School(school_id=SCHOOL_ID, name="SMP Contoh"),
                         School(school_id="SCH2", name="SMP Lain")])  # fmt: skip
        session.flush()
        session.add_all(
            Staff(staff_id=staff_id(t.local_id), school_id=SCHOOL_ID, local_id=t.local_id,
                  name=t.name, max_visits=t.max_visits)
            for t in TEACHERS
        )  # fmt: skip
        # The same staff number in another school is another teacher.
        session.add(Staff(staff_id="c" * 32, school_id="SCH2", local_id="G01", name="Joko"))
        session.flush()
        session.add_all(
            ClassGroup(class_id=t.class_id, school_id=SCHOOL_ID, school_year=SCHOOL_YEAR,
                       name=t.class_name, grade_level=t.grade_level,
                       homeroom_staff_id=staff_id(t.local_id))
            for t in TEACHERS
        )  # fmt: skip
        session.add(
            ClassGroup(class_id="SCH2/2026-27/VII-A", school_id="SCH2", school_year=SCHOOL_YEAR,
                       name="VII-A", grade_level=7, homeroom_staff_id="c" * 32)
        )  # fmt: skip
        session.add_all(
            Household(household_id=household_id(key), school_id=SCHOOL_ID, local_key=key,
                      do_not_visit=key == DEWI.household)
            for key in sorted({c.household for c in CHILDREN if c.household})
        )  # fmt: skip
        session.flush()
        session.add_all(
            Student(student_id=c.student_id, school_id=SCHOOL_ID, local_id=c.local_id,
                    full_name=c.name, sex=c.sex, class_id=c.class_id,
                    household_id=household_id(c.household) if c.household else None)
            for c in CHILDREN
        )  # fmt: skip
        session.add(Student(student_id=OTHER, school_id="SCH2", local_id="0101",
                            full_name="Rina Lain", class_id="SCH2/2026-27/VII-A"))  # fmt: skip
        session.commit()


def users(register: Register) -> None:
    with register.session(writing=True) as session:
        for who, (role, school, local_id) in USERS.items():
            staff = None if local_id is None else staff_id(local_id)
            if school == "SCH2" and local_id is not None:
                staff = "c" * 32
            session.add(
                UserAccount(user_id=user_id(who), sign_in_name=f"{who.replace(' ', '.')}@a.example",
                            display_name=who.title(), role=role, school_id=school, staff_id=staff,
                            password_hash=password_hash(), password_set_at=NOW, made_at=NOW,
                            made_by="terminal")
            )  # fmt: skip
        session.commit()


def scored(absent: int) -> list[Scored]:
    homeroom = {t.class_id: staff_id(t.local_id) for t in TEACHERS}
    return [
        Scored(
            child.student_id,
            PRIORITY[child],
            risks={"attendance": PRIORITY[child] / 3},
            class_id=child.class_id,
            lead=homeroom[child.class_id],
            household=household_id(child.household) if child.household else None,
            reasons=(
                {
                    "code": "absent_days",
                    "domain": "attendance",
                    "numbers": {"absent": absent, "days": 20, "since": "2026-09-01"},
                    "as_of": "2026-10-01",
                },
            ),
            completeness={"available": 2, "of": 3, "attendance": "daily"},
        )
        for child in CHILDREN
    ]


def draft(quarter: str, as_of: date, absent: int) -> VisitListDraft:
    children = scored(absent)
    keys = {child.student_id: key_of(child) for child in children}
    return build(
        children,
        ListBasis(
            quarter=quarter,
            as_of_date=as_of,
            school_id=SCHOOL_ID,
            snapshot_id="0" * 64,
            district=DISTRICT,
            models=MODELS,
            seed=1,
            code_version="0.1.0",
            classes={
                t.class_id: {"lead": staff_id(t.local_id), "grade_level": t.grade_level}
                for t in TEACHERS
            },
            capacities={staff_id(t.local_id): t.max_visits for t in TEACHERS},
        ),
        excluded={keys[DEWI.student_id]: "do_not_visit"},
    )


def other_school() -> VisitListDraft:
    class_id = "SCH2/2026-27/VII-A"
    return build(
        [Scored(OTHER, 1.0, class_id=class_id, lead="c" * 32)],
        ListBasis(
            quarter="2026-27-Q2", as_of_date=date(2026, 10, 1), school_id="SCH2",
            snapshot_id="0" * 64, district=DISTRICT, models=MODELS, seed=1, code_version="0.1.0",
            classes={class_id: {"lead": "c" * 32, "grade_level": 7}}, capacities={},
        ),
    )  # fmt: skip


def fill(
    register: Register, *, tokens_made_at: datetime = NOW
) -> tuple[dict[str, str], dict[str, str]]:
    """Everybody, the lists and the tokens; returns tokens by caller and list ids by quarter."""
    people(register)
    users(register)
    made = {}
    for quarter, as_of, absent, publish in (
        ("2026-27-Q1", date(2026, 7, 1), 4, True),
        ("2026-27-Q2", date(2026, 10, 1), 9, True),
        ("2026-27-Q3", date(2027, 1, 1), 2, False),
    ):
        (row,) = lists.save(
            register, [draft(quarter, as_of, absent)], by="Bu Ratna", at=NOW, publish=publish
        )
        made[quarter] = row.visit_list_id
    (row,) = lists.save(register, [other_school()], by="Pak Joko", at=NOW, publish=True)
    made["other school"] = row.visit_list_id

    def token(role: str, school: str | None = None, staff: str | None = None) -> str:
        return tokens.create(
            register, role=role, label=role, at=tokens_made_at, expires_days=30, school_id=school,
            staff_local_id=staff,
        ).secret  # fmt: skip

    return {
        "coordinator": token("coordinator", SCHOOL_ID),
        "other school": token("coordinator", "SCH2"),
        "sari": token("homeroom_teacher", SCHOOL_ID, SARI.local_id),
        "bambang": token("homeroom_teacher", SCHOOL_ID, "G02"),
        "retno": token("homeroom_teacher", SCHOOL_ID, "G03"),
        "data_staff": token("data_staff"),
        **{role: token(role, SCHOOL_ID) for role in ("counsellor", "principal")},
        **{role: token(role) for role in ("admin", "researcher")},
    }, made


@cache
def _template() -> tuple[Path, dict[str, str], dict[str, str]]:
    """A filled register, made once a run; a copy of it costs far less than another one."""
    folder = Path(tempfile.mkdtemp(prefix="world-"))
    atexit.register(shutil.rmtree, folder)
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        made_tokens, made_lists = fill(register)
    return folder / "register.db", made_tokens, made_lists


@contextmanager
def opened_world(folder: Path) -> Iterator[World]:
    """The whole of it, in an empty folder."""
    template, made_tokens, made_lists = _template()
    shutil.copy(template, folder / "register.db")
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        app = create_app(register, clock=lambda: NOW, requests_per_minute=0)
        with TestClient(app) as client:
            yield World(register, app, client, made_tokens, made_lists)


@contextmanager
def installed_world(home: Path, *, at: datetime = NOW) -> Iterator[World]:
    """An installation in a new folder, with people and users and no facts; its clock stands."""
    home.mkdir()
    (home / "district.toml").write_text(
        '[district]\nname = "Contoh"\n\n[visits]\nlottery = false\n', encoding="utf-8"
    )
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        people(register)
        users(register)
        app = create_app(register, clock=lambda: at, home=home, requests_per_minute=0)
        with TestClient(app) as client:
            yield World(register, app, client, {}, {})
