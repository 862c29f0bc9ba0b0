"""Plans in the register: made, made again, changed by hand, letters numbered without a gap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, update

from earlywarning.calendar import SchoolCalendar
from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register import plan_views, plans
from earlywarning.io.register.families import Stale
from earlywarning.io.register.models import Guardian, Staff, Student, VisitListItem
from earlywarning.io.register.plan_views import PlannedRow, PlanRow
from earlywarning.io.register.plans import AgainstWishes, Change
from earlywarning.visit_rules import Planning
from people import BUDI, SARI, SITI
from service_world import NOW, World, opened_world, staff_id

QUARTER = SchoolCalendar().quarter("2026-27-Q2")
TODAY = date(2026, 10, 5)
RULES = Planning(exams=((date(2026, 11, 30), date(2026, 12, 12)),))
MONDAY = date(2026, 10, 12)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as made:
        yield made


def make(world: World, quarter: str = "2026-27-Q2", rules: Planning = RULES) -> str:
    return plans.make(
        world.register, world.lists[quarter], quarter=QUARTER, rules=rules, by="Ratna",
        actor="a" * 32, at=NOW, today=TODAY,
    )  # fmt: skip


def shown(world: World) -> PlanRow:
    with world.register.session() as session:
        found = plan_views.plan_of(session, select(Student.student_id), world.lists["2026-27-Q2"])
    assert found is not None
    return found


def of(world: World, student_id: str) -> PlannedRow:
    return next(
        one for one in shown(world).visits if student_id in (child[0] for child in one.students)
    )


def change(world: World, row: PlannedRow, wanted: Change, *, despite: bool = False) -> int:
    return plans.change(
        world.register, row.planned_visit_id, wanted, revision=row.revision, quarter=QUARTER,
        rules=RULES, despite=despite, by="Ratna", actor="a" * 32, at=NOW,
    )  # fmt: skip


def test_every_listed_family_gets_a_week_after_today_outside_exams(world: World) -> None:
    make(world)
    with world.register.session() as session:
        listed = session.scalars(
            select(VisitListItem.item_id).where(
                VisitListItem.visit_list_id == world.lists["2026-27-Q2"],
                VisitListItem.position.is_not(None),
            )
        ).all()
    plan = shown(world)
    assert {one.item_id for one in plan.visits} == set(listed)
    for one in plan.visits:
        assert one.week is not None
        assert one.week >= TODAY
        assert one.week not in (date(2026, 11, 30), date(2026, 12, 7))
    assert plan.conflicts == []
    # Made again with nothing changed, no visit is touched.
    before = {one.planned_visit_id: one.revision for one in plan.visits}
    assert make(world) == plan.plan_id
    again = shown(world)
    assert {one.planned_visit_id: one.revision for one in again.visits} == before
    assert again.revision == plan.revision + 1


def test_a_draft_is_not_planned_and_nothing_is_nothing(world: World) -> None:
    with pytest.raises(Conflict, match="publish it first"):
        make(world, "2026-27-Q3")
    with pytest.raises(NotFound):
        plans.make(world.register, "0" * 32, quarter=QUARTER, rules=RULES, by="x",
                   actor="a" * 32, at=NOW, today=TODAY)  # fmt: skip


def test_what_a_person_set_stays_until_it_is_given_back(world: World) -> None:
    make(world)
    row = of(world, SITI.student_id)
    wanted = Change(MONDAY, "evening", companion=staff_id("G02"), on_date=date(2026, 10, 14))
    assert change(world, row, wanted) == row.revision + 1
    with pytest.raises(Stale):
        change(world, row, wanted)  # what was read is not what is there
    make(world)
    kept = of(world, SITI.student_id)
    assert (kept.week, kept.slot, kept.on_date, kept.pinned) == (
        MONDAY, "evening", date(2026, 10, 14), True,
    )  # fmt: skip
    assert kept.companion_staff_id == staff_id("G02")
    change(world, kept, Change(MONDAY, "evening", pinned=False))
    make(world)
    assert not of(world, SITI.student_id).pinned


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Change(date(2026, 10, 13), "evening"), "week"),
        (Change(date(2027, 1, 4), "evening"), "week"),
        (Change(MONDAY, "evening", on_date=date(2026, 10, 20)), "on_date"),
        (Change(MONDAY, "evening", companion=staff_id(SARI.local_id)), "companion_staff_id"),
        (Change(MONDAY, "evening", companion="c" * 32), "companion_staff_id"),  # another school
    ],
)
def test_what_can_never_be_is_refused_with_its_field(
    world: World, wanted: Change, field: str
) -> None:
    make(world)
    with pytest.raises(DataError, match=f"^{field}: "):
        change(world, of(world, SITI.student_id), wanted)


def test_a_change_against_wishes_needs_a_yes(world: World) -> None:
    with world.register.session(writing=True) as session:
        session.add(
            Guardian(guardian_id="9" * 32, student_id=SITI.student_id, relation="father",
                     full_name="Pak Harun", sex="M", vital="alive", available="sabtu")
        )  # fmt: skip
        session.execute(
            update(Staff)
            .where(Staff.staff_id == staff_id(SARI.local_id))
            .values(sex="F", companion_preference="opposite_sex_household")
        )
        session.commit()
    make(world)
    row = of(world, SITI.student_id)
    # Only the father, only on Saturdays: Sari wishes for company and gets it.
    assert (row.slot, row.companion_needed) == ("saturday", True)
    assert row.companion_staff_id is not None
    exam_week = Change(date(2026, 11, 30), "evening")
    with pytest.raises(AgainstWishes) as refused:
        change(world, row, exam_week)
    assert refused.value.wishes == ("availability", "companion", "calendar")
    change(world, row, exam_week, despite=True)
    assert of(world, SITI.student_id).loosened == ["availability", "companion", "calendar"]


def test_letters_are_numbered_without_a_gap_even_at_once(world: World) -> None:
    make(world)
    ids = [one.planned_visit_id for one in shown(world).visits]
    assert len(ids) >= 3

    def ask(planned_visit_id: str) -> tuple[int, date]:
        return plans.letter(world.register, planned_visit_id, on=TODAY, actor="a" * 32, at=NOW)

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for number, _ in pool.map(ask, ids * 2)]
    assert sorted(numbers) == sorted([*range(1, len(ids) + 1)] * 2)
    # Another year begins again; a visit keeps its number.
    assert plans.letter(world.register, ids[0], on=date(2027, 1, 5), actor="a" * 32, at=NOW) == ask(
        ids[0]
    )
    assert plans.letter_text(1, date(2026, 9, 30), "ST/SMP") == "001/ST/SMP/IX/2026"


def test_brothers_are_one_visit_and_the_other_homeroom_is_told(world: World) -> None:
    with world.register.session() as session:
        rows = {
            item.household_key: plan_views.places(session, [item.item_id])[item.item_id]
            for item in session.scalars(
                select(VisitListItem).where(
                    VisitListItem.visit_list_id == world.lists["2026-27-Q2"]
                )
            )
        }
        told = [row.others_told for row in rows.values() if row.others_told]
        unranked = plan_views.unranked(
            session, select(Student.student_id), world.lists["2026-27-Q2"]
        )
    assert BUDI.household is not None
    assert told == [[staff_id("G03")]]
    assert [row.excluded for row in unranked] == ["do_not_visit"]
