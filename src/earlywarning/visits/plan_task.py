"""What a plan is made of: families, teachers, weeks; who wishes for what, and what is unmet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from earlywarning.visit_rules import Planning
from earlywarning.visits.weeks import Week

NEVER = "never"
ALWAYS = "always"
OPPOSITE = "opposite_sex_household"

PLACE = "place"
COMPANION = "companion"
AVAILABILITY = "availability"
LOAD = "load"
LEAD = "lead"
PRICES: Mapping[str, float] = {LOAD: 3.0, AVAILABILITY: 5.0, COMPANION: 8.0, PLACE: 100.0}
"""What it costs to loosen a wish: the load of a teacher's week first, a family's place last."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What stays as it is: set by hand, or over already."""

    monday: date | None
    slot: str | None
    companion: str | None


@dataclass(frozen=True, slots=True)
class Family:
    """A listed family, to be given a week.

    Attributes
    ----------
    item_id : str
    lead : str or None
        Staff id.
    position : int
        On the list.
    concern : bool
        Whether it is to be visited first.
    village : str or None
    adults : mapping of slot to sexes
        The slots in which somebody can be met, and the recorded sexes of those adults.
    told : tuple of str
        The other homeroom teachers of its children; they know the family, so they come along first.
    fixed : Fixed or None
    """

    item_id: str
    lead: str | None
    position: int
    concern: bool
    village: str | None
    adults: Mapping[str, frozenset[str]]
    told: tuple[str, ...] = ()
    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Teacher:
    """Somebody who leads or accompanies visits.

    Attributes
    ----------
    sex, preference : str or None
        As recorded; see `needs_companion`.
    accompanies : bool
    """

    staff_id: str
    sex: str | None = None
    preference: str | None = None
    accompanies: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Wish:
    """What somebody wants: a family (its item id) or a teacher (staff id)."""

    kind: str
    whose: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One family's place in the plan; `loosened` names the wishes it does not meet."""

    item_id: str
    monday: date | None
    slot: str | None
    companion: str | None
    companion_needed: bool
    loosened: tuple[str, ...]


@dataclass
class Task:
    """All that a plan depends on."""

    families: Sequence[Family]
    teachers: Mapping[str, Teacher]
    weeks: Sequence[Week]
    rules: Planning
    slots_of_week: list[tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.slots_of_week = [week.slots for week in self.weeks]


@dataclass(slots=True)
class Spot:
    """Where a family stands while the plan is made: a week's number, a slot, a companion."""

    week: int | None
    slot: str | None
    companion: str | None = None
    needed: bool = False


Spots = dict[str, Spot]
"""By item id."""


def needs_companion(lead: Teacher, family: Family, slot: str | None) -> bool:
    """Whether a teacher wishes to be accompanied to a family in a slot.

    By the teacher's own preference: `never`, `always`, or where no adult of the teacher's own sex
    is recorded as being at home then. The same rule for everybody; what is not recorded counts as
    not known, and nothing is read from a name. No preference recorded: no companion.
    """
    if lead.preference == ALWAYS:
        return True
    if lead.preference != OPPOSITE:
        return False
    there = family.adults.get(slot or "")
    if there is None:
        there = frozenset().union(*family.adults.values())
    return lead.sex is None or lead.sex not in there


def price(unmet: Mapping[Wish, int]) -> float:
    """What all loosened wishes cost together."""
    return sum(PRICES[wish.kind] * times for wish, times in unmet.items())


def loosened(task: Task, spots: Spots) -> dict[Wish, int]:
    """The wishes that a plan does not meet, and by how much; nothing that was set by hand counts
    unless it takes part in a week that is too full."""
    unmet: Counter[Wish] = Counter()
    for family in task.families:
        spot = spots.get(family.item_id)
        if family.fixed is not None or family.lead not in task.teachers or spot is None:
            continue
        for kind in unmet_of(family, spot):
            unmet[Wish(kind, family.item_id)] += 1
    free = {one.lead for one in task.families if one.fixed is None}
    for (teacher, _), visits in loads(task, spots).items():
        over = visits - task.rules.visits_per_week
        if over > 0 and teacher in free:
            unmet[Wish(LOAD, teacher)] += over
    return dict(unmet)


def unmet_of(family: Family, spot: Spot) -> list[str]:
    """The kinds of wishes that a family's place in the plan does not meet."""
    if spot.week is None:
        return [PLACE]
    found = [AVAILABILITY] if spot.slot not in family.adults else []
    return found + ([COMPANION] if spot.needed and spot.companion is None else [])


def loads(task: Task, spots: Spots) -> Counter[tuple[str, int]]:
    """Visits led or accompanied, by teacher and number of the week."""
    found: Counter[tuple[str, int]] = Counter()
    for family in task.families:
        spot = spots.get(family.item_id)
        if spot is None or spot.week is None:
            continue
        for teacher in (family.lead, spot.companion):
            if teacher is not None:
                found[teacher, spot.week] += 1
    return found


def ids(families: Iterable[Family]) -> set[str]:
    """Their item ids."""
    return {one.item_id for one in families}
