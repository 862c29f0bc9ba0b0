"""Why a wish could not be met: the smallest set of other wishes that stand against it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from earlywarning.visits.choosing import choose
from earlywarning.visits.plan_task import (
    AVAILABILITY,
    COMPANION,
    LEAD,
    LOAD,
    PLACE,
    Family,
    Spots,
    Task,
    Wish,
    loosened,
)

MOST_PROGRAMS = 200
"""Small programs solved for all explanations together; beyond it a wish is told without reasons."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A wish that was loosened, and those it cannot be met together with, as few as possible."""

    loosened: Wish
    against: tuple[Wish, ...]


def explain(task: Task, spots: Spots) -> tuple[Conflict, ...]:
    """Each loosened wish with those it cannot be met together with.

    The wishes that the plan does meet can all be met at once; with the loosened one they cannot.
    From that set one wish after the other is taken away, as long as the rest still contradicts
    itself: what remains is a smallest contradiction (a deletion filter; Chinneck 2008, chapter 6).
    Everybody but the lead concerned stays where the plan has put them.
    """
    unmet = loosened(task, spots)
    left = MOST_PROGRAMS
    found: list[Conflict] = []
    alike: dict[tuple[str, str], tuple[Wish, ...]] = {}
    for wish in sorted(unmet):
        families = _families(task, wish)
        lead = (families[0].lead if families else None) or wish.whose
        before = alike.get((wish.kind, lead))
        if before and left and _contradicts(task, spots, families, [wish, *before]):
            # What stands against one family's wish mostly stands against the next one's too.
            left -= 1
            found.append(Conflict(wish, before))
            continue
        others = [one for one in _wishes(families) if one not in unmet]
        if left < len(others) + 1:
            found.append(Conflict(wish, ()))
            continue
        left -= len(others) + 1
        alike[wish.kind, lead] = _smallest(task, spots, families, wish, others)
        found.append(Conflict(wish, alike[wish.kind, lead]))
    without = [one for one in task.families if one.lead not in task.teachers]
    found += [Conflict(Wish(LEAD, one.item_id), ()) for one in without if one.fixed is None]
    return tuple(found)


def _families(task: Task, wish: Wish) -> list[Family]:
    """The families of the lead whom a wish concerns."""
    lead = wish.whose
    for family in task.families:
        if family.item_id == wish.whose:
            lead = family.lead or ""
    return [one for one in task.families if one.lead == lead and one.fixed is None]


def _wishes(families: Collection[Family]) -> list[Wish]:
    leads = dict.fromkeys(one.lead for one in families if one.lead)
    found = [Wish(LOAD, lead) for lead in leads]
    for kind in (COMPANION, AVAILABILITY, PLACE):
        found += [Wish(kind, one.item_id) for one in families]
    return found


def _smallest(
    task: Task, spots: Spots, families: list[Family], wish: Wish, others: list[Wish]
) -> tuple[Wish, ...]:
    hard = [wish, *others]
    if not _contradicts(task, spots, families, hard):
        return ()
    for other in reversed(others):
        fewer = [one for one in hard if one != other]
        if _contradicts(task, spots, families, fewer):
            hard = fewer
    return tuple(one for one in hard if one != wish)


def _contradicts(task: Task, spots: Spots, families: list[Family], hard: list[Wish]) -> bool:
    """Whether wishes cannot all be met, all other wishes of these families being free."""
    ids = {one.item_id for one in families}
    rest = {item: spot for item, spot in spots.items() if item not in ids}
    prices = dict.fromkeys(_wishes(families), 0.0) | dict.fromkeys(hard, 1.0)
    chosen = choose(task, families, rest, companions=True, prices=prices)
    return any(wish in hard for wish in loosened(task, rest | chosen))
