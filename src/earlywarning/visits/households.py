"""From children to households: one family is one visit, led by one teacher."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earlywarning.visits.chance import tie_breaker


@dataclass(frozen=True, slots=True)
class Child:
    """One student of the cohort, scored.

    Attributes
    ----------
    student_id : str
        The random id of the facts.
    priority : float
        Expected number of trouble areas next quarter, weighted; 0 or more.
    risks : mapping of outcome to float or None
        Risk of each outcome without a visit, 0 to 1; None where it was not scored.
    class_id : str or None
        Their class on the as-of date.
    lead : str or None
        Staff id of that class's homeroom teacher.
    household : str or None
        Household id; None is a family of which the school recorded nothing.
    last_visit : int or None
        Day number of the last visit that took place; None if there was none.
    reasons : sequence of dict
        Codes and numbers, at most three.
    completeness : mapping
        Which kinds of records the school had.
    occasions : sequence of dict
        What else speaks for a visit; see `visits.occasions`.
    """

    student_id: str
    priority: float
    risks: Mapping[str, float | None] = field(default_factory=dict)
    class_id: str | None = None
    lead: str | None = None
    household: str | None = None
    last_visit: int | None = None
    reasons: Sequence[Mapping[str, Any]] = ()
    completeness: Mapping[str, Any] = field(default_factory=dict)
    occasions: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Household:
    """Who is visited together.

    Attributes
    ----------
    key : str
        The household id; `student-<id>` for a student without one.
    household_id : str or None
    children : tuple of Child
        By student id.
    priority : float
        Sum of the children's priorities, exactly rounded.
    tie_breaker : int
        From the seed; the lower of two equal households comes first.
    lead : str or None
        Who visits: the homeroom teacher of the child with most priority. If that child's class has
        none, of the next child's that has one. None if no child's class has one.
    class_id : str or None
        Class of the child who decided the lead.
    last_visit : int or None
        Day number of the family's last visit.
    """

    key: str
    household_id: str | None
    children: tuple[Child, ...]
    priority: float
    tie_breaker: int
    lead: str | None
    class_id: str | None
    last_visit: int | None


def key_of(child: Child) -> str:
    """The household key of a child."""
    return child.household or f"student-{child.student_id}"


def others_told(household: Household) -> tuple[str, ...]:
    """The other homeroom teachers of a family's children, who are told of the visit."""
    leads = {child.lead for child in household.children if child.lead is not None}
    return tuple(sorted(leads - {household.lead}))


def group(children: Iterable[Child], *, seed: int) -> list[Household]:
    """Gather children into households.

    Parameters
    ----------
    children : iterable of Child
        In any order; each student once.
    seed : int
        Settles ties between siblings and between households.

    Returns
    -------
    list of Household
        By key; every child is in exactly one.

    Raises
    ------
    ValueError
        A student comes twice, or a priority is not a number of 0 or more.
    """
    families: dict[str, list[Child]] = {}
    seen: set[str] = set()
    for child in children:
        if child.student_id in seen:
            raise ValueError(f"student {child.student_id} comes twice; each student counts once")
        if not (math.isfinite(child.priority) and child.priority >= 0):
            raise ValueError(
                f"student {child.student_id} has priority {child.priority}; "
                "it must be a number of 0 or more"
            )
        seen.add(child.student_id)
        families.setdefault(key_of(child), []).append(child)
    return [_household(key, families[key], seed) for key in sorted(families)]


def _household(key: str, children: list[Child], seed: int) -> Household:
    by_need = children
    if len(children) > 1:
        by_need = sorted(
            children, key=lambda child: (-child.priority, tie_breaker(seed, child.student_id))
        )
    first = next((child for child in by_need if child.lead is not None), by_need[0])
    visits = [child.last_visit for child in children if child.last_visit is not None]
    return Household(
        key=key,
        household_id=first.household,
        children=tuple(sorted(children, key=lambda child: child.student_id)),
        priority=math.fsum(child.priority for child in children),
        tie_breaker=tie_breaker(seed, key),
        lead=first.lead,
        class_id=first.class_id,
        last_visit=max(visits, default=None),
    )
