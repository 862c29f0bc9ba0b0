"""What people decide about places on a list: the order that follows, with every rank kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

MOVE_UP = "move_up"
DEFER = "defer"
REMOVE = "remove"
ADD = "add"
ACTIONS = (MOVE_UP, DEFER, REMOVE, ADD)

REASONS: dict[str, tuple[str, ...]] = {
    MOVE_UP: ("new_event", "family_asked", "teacher_knows_more", "sick_child", "other"),
    DEFER: ("family_asked", "family_away", "already_in_contact", "teacher_away", "other"),
    REMOVE: ("already_supported", "family_declined", "moved_away", "records_wrong", "other"),
    ADD: ("new_event", "family_asked", "teacher_knows_more", "sick_child", "records_wrong",
          "other"),
}  # fmt: skip
"""Why, for each action; `other` needs words."""

_GROUP = {MOVE_UP: 0, None: 1, DEFER: 2, ADD: 3}


@dataclass(frozen=True, slots=True)
class Ranked:
    """A family of a list.

    Attributes
    ----------
    item_id : str
    lead : str or None
        Who leads the visit.
    position : int or None
        The place that the list gave; None if the family was ranked and not listed.
    """

    item_id: str
    lead: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one family.

    Attributes
    ----------
    action : str
    expires_on : date or None
        The last day on which it holds; None as long as the list.
    """

    action: str
    expires_on: date | None = None

    def holds(self, today: date) -> bool:
        """Whether it holds on a day."""
        return self.expires_on is None or today <= self.expires_on


def fits(action: str, *, listed: bool) -> bool:
    """Whether an action makes sense: only a family without a place is added."""
    return (action == ADD) != listed


def in_order(
    families: Iterable[Ranked], decisions: Mapping[str, Decision], *, today: date
) -> list[str]:
    """Item ids in the order that holds today.

    Each lead's families stay together where the list has them, because each teacher's cut is
    their own: within a lead first those moved up, then the untouched, the deferred, the added;
    within each by the original place. Removed families are left out.

    Parameters
    ----------
    families : iterable of Ranked
        Of one list, without those neither listed nor added.
    decisions : mapping of item id to Decision
    """
    rows = list(families)
    first: dict[str | None, int] = {}
    for row in rows:
        if row.position is not None:
            first[row.lead] = min(first.get(row.lead, row.position), row.position)
    last = max(first.values(), default=0) + 1

    def place(row: Ranked) -> tuple[int, str, int, int, str]:
        return (
            first.get(row.lead, last),
            row.lead or "",
            _GROUP.get(_action(row, decisions, today), len(_GROUP)),
            row.position or 0,
            row.item_id,
        )

    shown = [
        row
        for row in rows
        if (found := _action(row, decisions, today)) != REMOVE
        and (row.position is not None or found == ADD)
    ]
    return [row.item_id for row in sorted(shown, key=place)]


def _action(row: Ranked, decisions: Mapping[str, Decision], today: date) -> str | None:
    found = decisions.get(row.item_id)
    return found.action if found is not None and found.holds(today) else None
