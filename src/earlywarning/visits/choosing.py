"""The programs that choose weeks, slots and companions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from earlywarning.visits.milp import Program
from earlywarning.visits.plan_task import (
    AVAILABILITY,
    COMPANION,
    LOAD,
    PLACE,
    PRICES,
    Family,
    Spot,
    Spots,
    Task,
    Wish,
    ids,
    loads,
    needs_companion,
)

GROUP = 5.0
"""Price of one more week in a village, of a companion, of a second visit in a week, of a week's
delay of a family listed for concern, or of another; all far below any wish in the joint program."""
NEED, BUSY, DELAY, DELAY_OTHER, CROWD, KNOWN = 4.0, 2.0, 0.2, 0.02, 2.0, 0.5
SMALL = 1e-4
OWN_GAP, JOINT_GAP = 0.1, 0.005
"""By how much the cost may miss the best one. The second is far less than any wish costs, so that
no more wishes are loosened than must be."""

NODES = 500
"""Of one program's search tree: a limit that is the same on every machine."""


def choose(
    task: Task,
    some: Sequence[Family],
    spots: Spots,
    *,
    companions: bool,
    prices: Mapping[Wish, float] | None = None,
) -> Spots:
    """Weeks and slots of some families, everybody else staying where they are.

    Parameters
    ----------
    companions : bool
        Whether companions are chosen too, and only wishes have a price worth speaking of.
    prices : mapping of wish to price, optional
        Of each wish; `PRICES` by its kind where it is not named.
    """
    named = prices or {}

    def of(kind: str, whose: str) -> float:
        return named.get(Wish(kind, whose), PRICES[kind])

    program = Program()
    soft = SMALL if companions else 1.0
    taken, accompanied, in_slot = loads(task, spots), _accompanied(spots), _in_slots(task, spots)
    crowd = Counter(week for (_, week), visits in taken.items() for _ in range(visits))
    own: dict[tuple[str, int], list[int]] = {}
    slots: dict[tuple[str, int, str], list[int]] = {}
    x: dict[tuple[str, int, str], int] = {}
    y: dict[tuple[str, str, int], int] = {}
    helpers: dict[str, list[int]] = {}
    for family in some:
        assert family.lead is not None  # noqa: S101 - only led families are planned
        lead = task.teachers[family.lead]
        delay = DELAY if family.concern else DELAY_OTHER
        anywhere, needing = [], {}
        # Alone, a teacher's program keeps to the family's hours where there are any.
        meets = any(slot in family.adults for week in task.slots_of_week for slot in week)
        for week, open_slots in enumerate(task.slots_of_week):
            for slot in open_slots:
                if meets and not companions and slot not in family.adults:
                    continue
                needed = needs_companion(lead, family, slot)
                full = crowd[week] / max(len(task.teachers) * task.rules.visits_per_week, 1)
                cost = delay * week + CROWD * full
                cost += NEED * (1 + 2 * full) if needed else 0.0
                cost *= soft
                if slot not in family.adults:
                    cost += of(AVAILABILITY, family.item_id)
                variable = program.variable(cost)
                x[family.item_id, week, slot] = variable
                anywhere.append((variable, 1.0))
                own.setdefault((family.lead, week), []).append(variable)
                slots.setdefault((family.lead, week, slot), []).append(variable)
                if needed:
                    needing.setdefault(week, []).append((variable, 1.0))
        nowhere = program.variable(of(PLACE, family.item_id))
        program.row([*anywhere, (nowhere, 1.0)], low=1, high=1)
        if companions and needing:
            alone = program.variable(of(COMPANION, family.item_id))
            for week, terms in needing.items():
                row = [*terms, (alone, -1.0)]
                for helper in task.teachers.values():
                    full = taken[helper.staff_id, week] >= task.rules.visits_per_week
                    if full or not helper.accompanies or helper.staff_id == family.lead:
                        continue
                    known = KNOWN if helper.staff_id in family.told else 0.0
                    variable = program.variable(SMALL * (1 - known))
                    y[family.item_id, helper.staff_id, week] = variable
                    row.append((variable, -1.0))
                    own.setdefault((helper.staff_id, week), []).append(variable)
                    helpers.setdefault(helper.staff_id, []).append(variable)
                program.row(row, high=0)
    leads = {family.lead for family in some}
    for (teacher, week), variables in own.items():
        room = max(0, task.rules.visits_per_week - taken[teacher, week])
        row = [(variable, 1.0) for variable in variables]
        if teacher in leads:
            over = program.variable(of(LOAD, teacher), upper=len(variables))
            row.append((over, -1.0))
            busy = program.variable(soft * BUSY, upper=len(variables), whole=False)
            left = max(0, 1 - taken[teacher, week])
            program.row([*((one, 1.0) for one in variables), (busy, -1.0)], high=left)
        program.row(row, high=room)
    for (teacher, week, slot), variables in slots.items():
        most = task.rules.slots[slot].a_week - in_slot[teacher, week, slot]
        program.row([(one, 1.0) for one in variables], high=max(0, most))
    for teacher, variables in helpers.items():
        _balance(program, variables, accompanied[teacher], task.rules.accompany)
    _group(program, task, some, spots, x, soft)
    if companions:
        program.row([(program.variable(1.0), 1.0)], low=1)  # so that the gap is one of soft costs
    values = program.solve(nodes=NODES, gap=JOINT_GAP if companions else OWN_GAP)
    if values is None:
        return {family.item_id: Spot(None, None) for family in some}
    return _spots(task, some, x, y, values)


def _balance(program: Program, variables: Sequence[int], before: int, most: int) -> None:
    """Each further visit that a teacher accompanies costs more than the one before."""
    steps = [program.variable(SMALL * (before + k)) for k in range(1, max(0, most - before) + 1)]
    program.row([*((one, 1.0) for one in variables), *((step, -1.0) for step in steps)], high=0)


def _group(
    program: Program,
    task: Task,
    some: Sequence[Family],
    spots: Spots,
    x: Mapping[tuple[str, int, str], int],
    soft: float,
) -> None:
    """One more week in which a teacher goes to a village has a price."""
    together: dict[tuple[str, str], list[Family]] = {}
    for family in some:
        if family.lead is not None and family.village is not None:
            together.setdefault((family.lead, family.village), []).append(family)
    there = {
        (one.lead, one.village, spots[one.item_id].week)
        for one in task.families
        if one.item_id in spots and one.village is not None
    }
    for (lead, village), members in together.items():
        if len(members) == 1:
            continue  # one week is needed anyway
        for week, open_slots in enumerate(task.slots_of_week):
            if (lead, village, week) in there:
                continue
            used = program.variable(soft * GROUP)
            for family in members:
                places = [(family.item_id, week, slot) for slot in open_slots]
                row = [(x[place], 1.0) for place in places if place in x]
                program.row([*row, (used, -1.0)], high=0)


def _spots(
    task: Task,
    some: Sequence[Family],
    x: Mapping[tuple[str, int, str], int],
    y: Mapping[tuple[str, str, int], int],
    values: np.ndarray,
) -> Spots:
    found: Spots = {}
    wanted = ids(some)
    for family in some:
        found[family.item_id] = Spot(None, None)
    for (item_id, week, slot), variable in x.items():
        if values[variable] > 0.5:
            found[item_id] = Spot(week, slot)
    for family in some:
        spot, lead = found[family.item_id], task.teachers[family.lead or ""]
        spot.needed = spot.week is not None and needs_companion(lead, family, spot.slot)
    for (item_id, helper, week), variable in y.items():
        spot = found[item_id]
        if values[variable] > 0.5 and item_id in wanted and spot.needed and spot.week == week:
            spot.companion = helper
    return found


def _accompanied(spots: Spots) -> Counter[str]:
    return Counter(spot.companion for spot in spots.values() if spot.companion is not None)


def _in_slots(task: Task, spots: Spots) -> Counter[tuple[str, int, str]]:
    found: Counter[tuple[str, int, str]] = Counter()
    for family in task.families:
        spot = spots.get(family.item_id)
        if spot and spot.week is not None and spot.slot is not None and family.lead:
            found[family.lead, spot.week, spot.slot] += 1
    return found


def accompany(task: Task, open_: Sequence[Family], spots: Spots) -> Spots:
    """Companions of all visits whose week is known, the work shared out evenly."""
    program = Program()
    taken, accompanied = loads(task, spots), _accompanied(spots)
    y: dict[tuple[str, str], int] = {}
    by_week: dict[tuple[str, int], list[int]] = {}
    by_helper: dict[str, list[int]] = {}
    for family in open_:
        spot = spots[family.item_id]
        if not spot.needed or spot.week is None:
            continue
        row = [(program.variable(PRICES[COMPANION]), 1.0)]
        for helper in task.teachers.values():
            full = taken[helper.staff_id, spot.week] >= task.rules.visits_per_week
            if full or not helper.accompanies or helper.staff_id == family.lead:
                continue
            known = KNOWN if helper.staff_id in family.told else 0.0
            # The search is over columns whose best values are whole by themselves (a flow).
            variable = program.variable(SMALL * (1 - known), whole=False)
            y[family.item_id, helper.staff_id] = variable
            row.append((variable, 1.0))
            by_week.setdefault((helper.staff_id, spot.week), []).append(variable)
            by_helper.setdefault(helper.staff_id, []).append(variable)
        program.row(row, low=1, high=1)
    for (helper, week), variables in by_week.items():
        room = task.rules.visits_per_week - taken[helper, week]
        program.row([(one, 1.0) for one in variables], high=room)
    for helper, variables in by_helper.items():
        _balance(program, variables, accompanied[helper], task.rules.accompany)
    values = program.solve(nodes=NODES)
    found: Spots = {}
    for (item_id, helper), variable in y.items():
        if values is not None and values[variable] > 0.5:
            spot = spots[item_id]
            found[item_id] = Spot(spot.week, spot.slot, helper, needed=True)
    return found
