"""Decisions about places: with a reason, one at a time, and every original place stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import postgres
from earlywarning.errors import DataError, NotFound
from earlywarning.io.register import contacts, list_views, lists, overrides, visits, working_list
from earlywarning.io.register.contacts import AttemptContent
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.families import Stale
from earlywarning.io.register.models import Student, VisitListItem
from earlywarning.io.register.overrides import OverrideContent
from earlywarning.io.register.plan_tables import Plan, PlannedVisit
from earlywarning.io.register.visits import VisitContent
from people import AHMAD, SCHOOL_ID, SITI
from service_world import fill, household_id

AT = datetime(2026, 10, 20, 9, 0)  # noqa: DTZ001 - the register keeps UTC without zone
TODAY = AT.date()
EVERYBODY = select(Student.student_id).where(Student.school_id == SCHOOL_ID)
UP = OverrideContent("move_up", "new_event")


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Register, str]]:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    if request.param == "postgresql":
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url) as opened:
        _, made = fill(opened)
        yield opened, made["2026-27-Q2"]


def item(register: Register, list_id: str, key: str) -> str:
    with register.session() as session:
        return session.scalars(
            select(VisitListItem.item_id).where(
                VisitListItem.visit_list_id == list_id, VisitListItem.household_key == key
            )
        ).one()


def put(world, item_id: str, content: OverrideContent = UP, revision: int = 0, **more):
    given: dict[str, Any] = {
        "visible": EVERYBODY,
        "actor": "a" * 32,
        "at": AT,
        "today": TODAY,
    } | more
    return overrides.put(world[0], world[1], item_id, content, revision=revision, **given)


def order(world, *, today: date = TODAY, **more) -> list[working_list.FamilyRow]:
    register, list_id = world
    (row,) = lists.find(register, [list_id])
    with register.session() as session:
        return working_list.page(session, EVERYBODY, row, today=today, **more)


def keys(rows: list[working_list.FamilyRow]) -> list[str]:
    return [row.item.item_id for row in rows]


def test_without_decisions_the_order_is_the_lists(world) -> None:
    register, list_id = world
    with register.session() as session:
        plain = list_views.items(session, EVERYBODY, list_id)
    rows = order(world)
    assert [row.item for row in rows] == plain
    assert [row.place for row in rows] == [row.position for row in plain]
    assert {row.status for row in rows} == {"not_visited"}
    assert order(world, after=1, limit=1) == rows[1:2]


def test_moving_up_defers_nobody_elses_family_and_keeps_the_place(world) -> None:
    before = order(world)
    first, second = before[:2]
    assert first.item.lead_staff_id == second.item.lead_staff_id
    made = put(world, second.item.item_id)
    assert (made.revision, made.original_position) == (1, second.item.position)
    after = order(world)
    assert keys(after)[:2] == [second.item.item_id, first.item.item_id]
    assert keys(after)[2:] == keys(before)[2:]
    assert after[0].item.position == second.item.position
    assert [row.place for row in after] == list(range(1, len(after) + 1))
    put(world, first.item.item_id, OverrideContent("defer", "family_away"))
    assert keys(order(world)) == keys(after)


def test_removed_is_left_out_added_comes_in_and_both_come_back(world) -> None:
    register, list_id = world
    rows = order(world)
    gone = rows[0].item.item_id
    put(world, gone, OverrideContent("remove", "already_supported"))
    assert gone not in keys(order(world))
    with register.session() as session:
        new = session.scalars(
            select(VisitListItem.item_id).where(
                VisitListItem.visit_list_id == list_id, VisitListItem.position.is_(None)
            )
        ).first()
    assert new is not None
    put(world, new, OverrideContent("add", "teacher_knows_more"))
    assert new in keys(order(world))
    with pytest.raises(DataError):
        put(world, new, UP, revision=1)
    with pytest.raises(DataError):
        put(world, rows[1].item.item_id, OverrideContent("add", "new_event"))
    overrides.withdraw(register, list_id, gone, visible=EVERYBODY, revision=1,
                       actor="a" * 32, at=AT)  # fmt: skip
    overrides.withdraw(register, list_id, new, visible=EVERYBODY, revision=1,
                       actor="a" * 32, at=AT)  # fmt: skip
    assert keys(order(world)) == keys(rows)
    with pytest.raises(NotFound):
        overrides.withdraw(register, list_id, gone, visible=EVERYBODY, revision=2,
                           actor="a" * 32, at=AT)  # fmt: skip


def test_an_expired_decision_changes_nothing_and_still_shows(world) -> None:
    rows = order(world)
    second = rows[1].item.item_id
    put(world, second, OverrideContent("move_up", "new_event", expires_on=TODAY))
    assert keys(order(world))[0] == second
    tomorrow = order(world, today=TODAY + timedelta(days=1))
    assert keys(tomorrow) == keys(rows)
    assert tomorrow[1].override is not None


@pytest.mark.parametrize(
    "content",
    [OverrideContent("move_up", "family_away"), OverrideContent("defer", "other"),
     OverrideContent("defer", "other", "  "),
     OverrideContent("move_up", "new_event", expires_on=TODAY - timedelta(days=1))],
)  # fmt: skip
def test_a_decision_needs_a_reason_that_fits(world, content: OverrideContent) -> None:
    with pytest.raises(DataError):
        put(world, order(world)[0].item.item_id, content)


def test_two_decide_at_once_exactly_one_wins(world) -> None:
    item_id = order(world)[1].item.item_id

    def decide(revision: int, reason: str) -> str:
        try:
            put(world, item_id, OverrideContent("move_up", reason), revision=revision)
        except Stale:
            return "stale"
        return "made"

    for revision in range(5):
        with ThreadPoolExecutor(2) as pool:
            made = pool.map(
                lambda reason, revision=revision: decide(revision, reason),
                ("new_event", "family_asked"),
            )
        assert sorted(made) == ["made", "stale"]


def test_a_decision_belongs_to_its_list_and_lead(world) -> None:
    register, _ = world
    row = order(world)[0]
    with pytest.raises(NotFound):
        put((register, "0" * 32), row.item.item_id)
    with pytest.raises(NotFound):
        put(world, row.item.item_id, lead="c" * 32)
    nobody = EVERYBODY.where(Student.student_id == "9")
    with pytest.raises(NotFound):
        put(world, row.item.item_id, visible=nobody)


def test_rates_say_how_often_and_why_without_saying_who(world) -> None:
    put(world, order(world)[0].item.item_id)
    with world[0].session() as session:
        assert overrides.rates(session) == [("2026-27-Q2", "move_up", "new_event", 1)]


def test_a_list_shows_where_each_family_stands(world) -> None:
    register, list_id = world
    siti = item(register, list_id, household_id("K2"))
    ahmad = item(register, list_id, household_id("K1"))

    def stands() -> dict[str, str]:
        return {row.item.item_id: row.status for row in order(world)}

    def visit(id_: str, status: str, day: date, revision: int | None = None) -> None:
        visits.put(
            register, id_, VisitContent(status, day, student_id=SITI.student_id),
            visible=EVERYBODY, actor="a" * 32, at=AT, today=TODAY, revision=revision,
        )  # fmt: skip

    visit("1" * 32, "planned", date(2026, 10, 22))
    assert stands()[siti] == "scheduled"
    assert order(world, today=date(2026, 10, 23), status="overdue")[0].item.item_id == siti
    visit("1" * 32, "no_one_home", date(2026, 10, 20), revision=1)
    assert stands()[siti] == "no_contact"
    contacts.put(
        register, "2" * 32,
        AttemptContent(AHMAD.student_id, "telephone", AT - timedelta(hours=1), "no_answer"),
        visible=EVERYBODY, actor="a" * 32, at=AT,
    )  # fmt: skip
    assert stands()[ahmad] == "no_contact"
    visit("3" * 32, "done", date(2026, 10, 20))
    assert stands()[siti] == "visited"
    assert [row.item.item_id for row in order(world, status="visited")] == [siti]
    assert siti not in keys(order(world, status="no_contact"))


def test_an_agreed_day_before_the_week_of_the_plan_is_overdue_when_it_has_passed(world) -> None:
    register, list_id = world
    siti = item(register, list_id, household_id("K2"))
    changed = {"revision": 1, "changed_at": AT, "changed_by": "a" * 32}
    with register.session(writing=True) as session, session.begin():
        session.add(
            Plan(plan_id="d" * 32, visit_list_id=list_id, revision=1, made_at=AT,
                 made_by="a" * 32, rules={}, conflicts=[])
        )  # fmt: skip
        session.add(
            PlannedVisit(
                planned_visit_id="e" * 32, plan_id="d" * 32, item_id=siti, companion_needed=False,
                week=date(2026, 11, 2), pinned=False, status="planned", loosened=[], **changed,
            )
        )  # fmt: skip

    def on(day: date) -> str:
        return {row.item.item_id: row.status for row in order(world, today=day)}[siti]

    assert on(date(2026, 10, 23)) == on(date(2026, 11, 6)) == "scheduled"
    visits.put(
        register, "1" * 32,
        VisitContent("planned", date(2026, 10, 22), student_id=SITI.student_id),
        visible=EVERYBODY, actor="a" * 32, at=AT, today=TODAY,
    )  # fmt: skip
    assert on(date(2026, 10, 22)) == "scheduled"
    assert on(date(2026, 10, 23)) == "overdue"
