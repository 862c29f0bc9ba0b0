"""Random small districts: the cut is a hand sort, and the plan breaks no rule without naming it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earlywarning.calendar import SchoolCalendar
from earlywarning.visit_rules import Planning, Tracks
from earlywarning.visits.capacity import Allocation, allocate, split
from earlywarning.visits.chance import tie_breaker
from earlywarning.visits.conflicts import Conflict
from earlywarning.visits.households import Child, group
from earlywarning.visits.plan_task import Family, Fixed, Planned, Task, Teacher, Wish
from earlywarning.visits.schedule import plan
from earlywarning.visits.weeks import weeks

QUARTER = SchoolCalendar().quarter("2026-27-Q2")
SLOTS = ("afternoon", "evening", "saturday")
TRACKS = Tracks(requested=1, sick_child=1, good_news=1)
YEAR_AGO = 100


def children(draw: random.Random, lead: str) -> list[Child]:
    """Up to nine families of one class: ties, families without trouble, occasions."""
    found = []
    for number in range(draw.randint(1, 9)):
        occasions = tuple(
            {"track": track, "code": "x", "numbers": {}, "urgency": draw.randint(0, 2)}
            for track in ("requested", "sick_child", "good_news")
            if draw.random() < 0.2
        )
        found.append(
            Child(
                f"s-{lead}-{number}", draw.choice([0.0, 0.5, 0.5, 1.0, draw.random()]),
                household=f"K-{lead}-{number}", lead=lead,
                last_visit=draw.choice([None, draw.randint(0, 200)]), occasions=occasions,
            )
        )  # fmt: skip
    return found


def by_hand(some: list[Child], capacity: int, concern: int, seed: int, out: set[str]) -> dict:
    """The cut, once more, in fifteen lines: sort, take the first, then the called, then wait."""
    rest = [c for c in some if c.household not in out]
    rest.sort(key=lambda c: (-c.priority, tie_breaker(seed, c.household or ""), c.household))
    track = {c.household: "concern" for c in [c for c in rest if c.priority > 0][:concern]}
    queue = [c for c in rest if c.household not in track]
    queue.sort(key=lambda c: (c.last_visit is not None, c.last_visit or 0,
                              tie_breaker(seed, c.household or ""), c.household))  # fmt: skip
    for name in ("requested", "sick_child", "good_news"):
        called = [(o["urgency"], i, c) for i, c in enumerate(queue) for o in c.occasions
                  if o["track"] == name and c.household not in track]  # fmt: skip
        called = [
            one for one in called if name != "good_news" or (one[2].last_visit or 0) < YEAR_AGO
        ]
        for _, _, child in sorted(called, key=lambda one: one[:2])[: min(1, capacity - len(track))]:
            track[child.household] = name
    for child in queue:
        if len(track) < capacity and child.household not in track:
            track[child.household] = "preventive"
    return track


def cut(draw: random.Random, lead: str, seed: int) -> list[Allocation]:
    some = children(draw, lead)
    places = split(draw.randint(0, 5), draw.choice([0.0, 0.4, 1.0]))
    out = {c.household or "" for c in some if draw.random() < 0.1}
    rows = allocate(
        group(some, seed=seed), places=places, seed=seed, lottery=False, block="b",
        excluded=dict.fromkeys(out, "do_not_visit"), tracks=TRACKS, year_ago=YEAR_AGO,
    )  # fmt: skip
    found = {row.household.key: row.track for row in rows if row.listed}
    assert found == by_hand(some, places.capacity, places.concern, seed, out)
    return [row for row in rows if row.listed]


def district(seed: int) -> Task:
    """A school of one to six teachers, its calendar, hours and wishes as they may come."""
    draw = random.Random(seed)  # noqa: S311 - invented people only
    rules = Planning(
        visits_per_week=draw.randint(1, 3),
        accompany=draw.randint(0, 4),
        holidays=((date(2026, 10, draw.randint(1, 20)), date(2026, 12, draw.randint(1, 31))),)
        if draw.random() < 0.3
        else (),
        exams=((date(2026, 11, 30), date(2026, 12, 12)),),
        ramadan=((date(2026, 11, 1), date(2026, 11, 20)),) if draw.random() < 0.3 else (),
    )
    open_weeks = weeks(QUARTER, rules)
    teachers = {
        f"t{i}": Teacher(
            f"t{i}", draw.choice(["F", "M", None]),
            draw.choice(["never", "opposite_sex_household", "always", None]),
            accompanies=draw.random() < 0.9,
        )
        for i in range(draw.randint(1, 6))
    }  # fmt: skip
    families: list[Family] = []
    for lead in [*teachers, *(["gone"] if draw.random() < 0.1 else [])]:
        for row in cut(draw, lead, seed):
            slots = draw.sample(SLOTS, draw.randint(1, 3))
            adults = {s: frozenset(draw.sample(["F", "M", "unknown"], draw.randint(1, 2)))
                      for s in slots}  # fmt: skip
            fixed = None
            if open_weeks and draw.random() < 0.1:
                week = draw.choice(open_weeks)
                fixed = Fixed(week.monday, draw.choice(week.slots), None)
            families.append(
                Family(row.household.key, lead, len(families) + 1, row.band == "visit_first",
                       draw.choice(["Jenu", "Wadung", None]), adults, fixed=fixed)
            )  # fmt: skip
    return Task(families, teachers, open_weeks, rules)


def check(task: Task) -> None:
    made = plan(task)
    assert [one.item_id for one in made.planned] == [one.item_id for one in task.families]
    named = {one.loosened for one in made.conflicts}
    monday_slots = {week.monday: week.slots for week in task.weeks}
    load: Counter[tuple[str, date]] = Counter()
    led: Counter[tuple[str, date, str]] = Counter()
    accompanied: Counter[str] = Counter()
    free = {one.lead for one in task.families if one.fixed is None}
    for family, planned in zip(task.families, made.planned, strict=True):
        for who in (family.lead, planned.companion):
            if who in task.teachers and planned.monday is not None:
                load[who, planned.monday] += 1
        if family.fixed is not None:
            kept = Fixed(planned.monday, planned.slot, planned.companion)
            assert (kept, planned.loosened) == (family.fixed, ())
            continue
        assert {Wish(kind, family.item_id) for kind in planned.loosened} == {
            wish for wish in named if wish.whose == family.item_id
        }
        accompanied[planned.companion or ""] += 1
        one_family(family, planned, task)
        if planned.monday is not None:
            assert planned.slot in monday_slots[planned.monday]
            led[family.lead or "", planned.monday, planned.slot or ""] += 1
    assert all(n <= task.rules.slots[slot].a_week + fixed_in(task, who, day, slot)
               for (who, day, slot), n in led.items())  # fmt: skip
    assert all(n <= task.rules.accompany for who, n in accompanied.items() if who)
    for (who, _), visits in load.items():
        if visits > task.rules.visits_per_week and who in free:
            assert Wish("load", who) in named
    smallest(made.conflicts)


def fixed_in(task: Task, who: str, day: date, slot: str) -> int:
    mine = [one.fixed for one in task.families if one.lead == who and one.fixed is not None]
    return sum(one.monday == day and one.slot == slot for one in mine)


def one_family(family: Family, planned: Planned, task: Task) -> None:
    lead = task.teachers.get(family.lead or "")
    if lead is None:
        assert planned.loosened == ("lead",)
        return
    if planned.monday is None:
        assert planned.loosened == ("place",)
        return
    assert (planned.slot in family.adults) == ("availability" not in planned.loosened)
    there = family.adults.get(planned.slot or "") or frozenset().union(*family.adults.values())
    wishes = {"always": True, "opposite_sex_household": lead.sex not in there}
    needed = wishes.get(lead.preference or "", False)
    assert planned.companion_needed == needed
    if not needed:
        assert planned.companion is None
    else:
        assert (planned.companion is None) == ("companion" in planned.loosened)
    if planned.companion is not None:
        assert planned.companion != family.lead
        assert task.teachers[planned.companion].accompanies


def smallest(conflicts: tuple[Conflict, ...]) -> None:
    for conflict in conflicts:
        assert conflict.loosened not in conflict.against
        assert len(set(conflict.against)) == len(conflict.against)


SEEDS = st.integers(0, 2**32 - 1)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=20, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(SEEDS)
def test_no_rule_is_broken_and_the_cut_is_a_hand_sort(seed: int) -> None:
    check(district(seed))


@pytest.mark.slow
def test_a_thousand_random_districts() -> None:
    for seed in range(1_000):
        check(district(seed))


def test_the_same_district_has_the_same_plan() -> None:
    for seed in range(5):
        assert plan(district(seed)) == plan(district(seed))


def school(families: list[Family], teachers: list[Teacher], visits_per_week: int = 2) -> Task:
    known = {one.staff_id: one for one in teachers}
    planning = Planning(
        visits_per_week=visits_per_week, holidays=((date(2026, 10, 19), date(2026, 12, 31)),)
    )
    return Task(families, known, weeks(QUARTER, planning), planning)


def home(number: int, slot: str = "saturday", adult: str = "F", lead: str = "sari") -> Family:
    return Family(f"K{number}", lead, number, True, None, {slot: frozenset({adult})})


def test_wishes_that_contradict_each_other_are_named() -> None:
    # Three weeks are left, one visit a week: four families can be met on Saturdays only.
    made = plan(school([home(i) for i in range(1, 5)], [Teacher("sari", "F")], visits_per_week=1))
    (conflict,) = made.conflicts
    assert conflict.loosened == Wish("load", "sari")
    assert conflict.against == tuple(Wish("place", f"K{i}") for i in range(1, 5))


def test_nobody_there_to_come_along() -> None:
    sari = Teacher("sari", "F", "opposite_sex_household")
    made = plan(school([home(1, adult="M")], [sari]))
    assert made.planned[0].loosened == ("companion",)
    assert made.conflicts[0].loosened == Wish("companion", "K1")
    # A colleague comes along; an hour when the mother is there needs nobody.
    both = plan(school([home(1, adult="M")], [sari, Teacher("joko", "M")]))
    assert (both.planned[0].companion, both.conflicts) == ("joko", ())
    family = Family("K1", "sari", 1, True, None, {"evening": frozenset({"M"}),
                                                  "saturday": frozenset({"F"})})  # fmt: skip
    alone = plan(school([family], [sari]))
    assert (alone.planned[0].slot, alone.planned[0].companion_needed) == ("saturday", False)


@pytest.mark.parametrize(
    ("lead", "adult", "needed"),
    [("F", "M", True), ("M", "F", True), ("F", "F", False), ("M", "M", False),
     ("F", "unknown", True), ("M", "unknown", True), (None, "F", True)],
)  # fmt: skip
def test_the_companion_rule_is_the_same_for_women_and_men(
    lead: str | None, adult: str, needed: bool
) -> None:
    teachers = [Teacher("sari", lead, "opposite_sex_household"), Teacher("joko", "M")]
    (planned,) = plan(school([home(1, adult=adult)], teachers)).planned
    assert planned.companion_needed is needed


def test_villages_are_visited_in_one_week() -> None:
    families = [
        Family(f"K{i}", "sari", i, False, village, {"afternoon": frozenset({"F"})})
        for i, village in enumerate(["Jenu", "Wadung", "Jenu", "Wadung"], start=1)
    ]
    made = plan(school(families, [Teacher("sari", "F")]))
    by_village: dict[str | None, set[date | None]] = {}
    for family, planned in zip(families, made.planned, strict=True):
        by_village.setdefault(family.village, set()).add(planned.monday)
    assert [len(mondays) for mondays in by_village.values()] == [1, 1]


def test_companions_share_the_work() -> None:
    leads = [Teacher(f"t{i}", "F", "always") for i in range(6)]
    families = [home(6 * k + i, lead=f"t{i}") for i in range(6) for k in range(2)]
    made = plan(school(families, leads, visits_per_week=3))
    shared = Counter(one.companion for one in made.planned)
    assert max(shared.values()) - min(shared.values()) <= 1
    assert len(shared) == 6


def pinned(change: Callable[[Family], Family]) -> Task:
    return school([change(home(1)), home(2)], [Teacher("sari", "F")], visits_per_week=1)


def test_what_was_set_by_hand_stays() -> None:
    monday = date(2026, 10, 12)
    made = plan(pinned(lambda f: Family(f.item_id, f.lead, 1, True, None, f.adults,
                                        fixed=Fixed(monday, "evening", None))))  # fmt: skip
    assert (made.planned[0].monday, made.planned[0].slot) == (monday, "evening")
    assert made.planned[1].monday not in (None, monday)
