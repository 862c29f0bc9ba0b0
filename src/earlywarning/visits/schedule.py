"""From a list to weeks: when each family is visited, and who comes along.

Selection is over: nobody's place on the list changes here. Each teacher's weeks are chosen by a
small program, one teacher after the other; then all companions at once. What that leaves unmet is
solved jointly, wishes being loosened at a price, so that as few as possible are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earlywarning.visits.choosing import accompany, choose
from earlywarning.visits.conflicts import Conflict, explain
from earlywarning.visits.plan_task import (
    LEAD,
    Family,
    Planned,
    Spot,
    Spots,
    Task,
    Wish,
    ids,
    loosened,
    needs_companion,
    price,
    unmet_of,
)

LARGEST = 60_000
"""Variables of a joint program; a larger one is solved for the teachers concerned alone."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan in the order of the list, and what could not be met."""

    planned: tuple[Planned, ...]
    conflicts: tuple[Conflict, ...]


def plan(task: Task) -> Schedule:
    """Give every family a week, a slot and, where the lead wishes so, a companion.

    Parameters
    ----------
    task : Task
        Of one school. Families without a lead get no week.
    """
    spots: Spots = {}
    number = {week.monday: place for place, week in enumerate(task.weeks)}
    for family in task.families:
        if family.fixed is not None:
            lead = task.teachers.get(family.lead or "")
            needed = lead is not None and needs_companion(lead, family, family.fixed.slot)
            week = number.get(family.fixed.monday) if family.fixed.monday else None
            spots[family.item_id] = Spot(week, family.fixed.slot, family.fixed.companion, needed)
    open_ = [one for one in task.families if one.fixed is None and one.lead in task.teachers]
    leads = list(dict.fromkeys(one.lead for one in open_ if one.lead))
    for lead in leads:
        own = [one for one in open_ if one.lead == lead]
        spots |= choose(task, own, spots, companions=False)
    spots |= accompany(task, open_, spots)
    spots = _repair(task, open_, spots)
    planned = [_planned(task, one, spots.get(one.item_id)) for one in task.families]
    return Schedule(tuple(planned), explain(task, spots))


def _repair(task: Task, open_: Sequence[Family], spots: Spots) -> Spots:
    """Solve jointly for each teacher whose wishes are not met, then all of them, then everybody."""
    for lead in _concerned(task, loosened(task, spots)):
        spots = _better(task, [one for one in open_ if one.lead == lead], spots)
    concerned = _concerned(task, loosened(task, spots))
    if concerned:
        spots = _better(task, [one for one in open_ if one.lead in concerned], spots)
    return _better(task, open_, spots) if loosened(task, spots) else spots


def _better(task: Task, some: Sequence[Family], spots: Spots) -> Spots:
    """The plan with these families placed anew, if fewer wishes are loosened then."""
    if not some or _joint_size(task, some) > LARGEST:
        return spots
    kept = {item: spot for item, spot in spots.items() if item not in ids(some)}
    better = kept | choose(task, some, kept, companions=True)
    return better if price(loosened(task, better)) < price(loosened(task, spots)) else spots


def _concerned(task: Task, unmet: Mapping[Wish, int]) -> list[str]:
    """Staff ids of the leads whose wishes, or whose families' wishes, are not met."""
    leads = {one.item_id: one.lead or "" for one in task.families}
    return sorted({leads.get(wish.whose, wish.whose) for wish in unmet})


def _joint_size(task: Task, some: Sequence[Family]) -> int:
    slots = sum(len(week) for week in task.slots_of_week)
    return len(some) * (slots + len(task.weeks) * len(task.teachers))


def _planned(task: Task, family: Family, spot: Spot | None) -> Planned:
    if family.fixed is not None:
        fixed = family.fixed
        return Planned(
            family.item_id, fixed.monday, fixed.slot, fixed.companion,
            spot is not None and spot.needed, (),
        )  # fmt: skip
    if family.lead not in task.teachers or spot is None:
        return Planned(family.item_id, None, None, None, False, (LEAD,))
    monday = None if spot.week is None else task.weeks[spot.week].monday
    return Planned(
        family.item_id, monday, spot.slot, spot.companion, spot.needed,
        tuple(unmet_of(family, spot)),
    )  # fmt: skip
