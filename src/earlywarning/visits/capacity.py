"""One teacher's families, ranked and cut at what the teacher can do. A person can check it by hand.

Rank by priority, cut after N places for concern. Of the places for prevention a few go to families
who asked for a visit, to a sick child, and to good news; all others to the families who were not
visited for longest. Nothing cleverer, on purpose: see it, recompute it, trust it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, Decimal
from typing import Any

from earlywarning.visit_rules import Tracks
from earlywarning.visits.households import Household
from earlywarning.visits.lottery import Lot, block_ranks, draw

CONCERN = "concern"
PREVENTIVE = "preventive"
REQUESTED = "requested"
SICK_CHILD = "sick_child"
GOOD_NEWS = "good_news"
CALLED = (REQUESTED, SICK_CHILD, GOOD_NEWS)
"""Tracks that something calls for, in the order in which they take places."""

VISIT_FIRST = "visit_first"
SCHEDULE = "schedule"
KEEP_WATCHING = "keep_watching"
BANDS = (VISIT_FIRST, SCHEDULE, KEEP_WATCHING)
"""Visit first: listed for concern. Schedule: listed on another track. Keep watching: not listed."""

DO_NOT_VISIT = "do_not_visit"
OBJECTION = "objection"
NO_GUARDIAN = "no_guardian_at_home"
MOVED = "moved"
ALREADY_VISITED = "visited_this_quarter"
REGISTERED = (OBJECTION, DO_NOT_VISIT, NO_GUARDIAN)
"""Reasons that stand in the register; the others are told by past visits."""

EXCLUSIONS = (*REGISTERED, MOVED, ALREADY_VISITED)
"""Why a family is kept on record but given neither rank nor place, the first that holds. A person
can decide otherwise."""

UNSCORED = (OBJECTION,)
"""Families of whom nothing is computed, because they objected or took their consent back: they are
shown without rank, for a person to decide."""


@dataclass(frozen=True, slots=True)
class Places:
    """A teacher's capacity, divided.

    Attributes
    ----------
    capacity : int
        Households the teacher can visit in the quarter.
    concern : int
        Places for those who rank highest.
    preventive : int
        Places for those not visited for longest; `concern + preventive == capacity`.
    """

    capacity: int
    concern: int
    preventive: int


def split(capacity: int, preventive_share: float) -> Places:
    """Divide a capacity.

    Preventive places are `capacity * preventive_share`, rounded to the nearest whole; an exact half
    goes to concern. The share is taken as it is written (0.35 is 35/100), so that 10 places at 0.35
    are 3 and 7 on every machine.

    Raises
    ------
    ValueError
        If the capacity is negative or the share outside 0 to 1.
    """
    if capacity < 0 or not 0 <= preventive_share <= 1:
        raise ValueError(
            f"capacity {capacity} must be 0 or more, preventive_share {preventive_share} 0 to 1"
        )
    exact = capacity * Decimal(str(preventive_share))
    preventive = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_DOWN))
    return Places(capacity, capacity - preventive, preventive)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What the cut made of one household.

    Attributes
    ----------
    household : Household
    rank : int or None
        Among the lead's families, 1 first; None for an excluded family.
    cut : float or None
        The N-th highest priority among the lead's *other* families, N being the places for concern;
        None if everybody with a concern has a place, or there are no places.
    distance : float or None
        Priority minus `cut`: the running variable of the discontinuity.
    lot : Lot or None
        If the family drew lots.
    waiting_rank : int or None
        Place in the queue for preventive visits, 1 is the longest wait; None if not in it.
    track : str or None
        `concern`, `preventive` or one of `CALLED`; None if not listed.
    occasion : mapping or None
        What called for the visit on a track of `CALLED`.
    band : str
        One of `BANDS`.
    excluded : str or None
        One of `EXCLUSIONS`.
    """

    household: Household
    rank: int | None
    cut: float | None
    distance: float | None
    lot: Lot | None
    waiting_rank: int | None
    track: str | None
    band: str
    excluded: str | None
    occasion: Mapping[str, Any] | None = None

    @property
    def listed(self) -> bool:
        """Whether the family has a place on the list."""
        return self.track is not None


def allocate(
    households: Sequence[Household],
    *,
    places: Places,
    seed: int,
    lottery: bool,
    block: str,
    excluded: Mapping[str, str] | None = None,
    tracks: Tracks | None = None,
    year_ago: int = 0,
) -> list[Allocation]:
    """Rank one lead's households and cut at capacity.

    A family without any priority has no concern to visit for: it takes no place for concern, and
    places that stay free go to prevention. Everybody else competes by rank alone.

    Parameters
    ----------
    households : sequence of Household
        All with the same lead.
    places : Places
        Of that lead.
    seed : int
        For lots; ties are settled by the numbers in `households`.
    lottery : bool
        Whether the ranks around the cut draw lots.
    block : str
        Id of the lottery block.
    excluded : mapping of household key to reason
        Families who are not to be visited (now).
    tracks : Tracks, optional
        How many places each track of `CALLED` takes; none without it.
    year_ago : int
        Good news is brought only to families not visited since that day, so that it never keeps
        a family waiting who was not visited for longer than a year.

    Returns
    -------
    list of Allocation
        Ranked families by rank, then excluded ones by key.
    """
    excluded = excluded or {}
    ranked = sorted(
        (household for household in households if household.key not in excluded),
        key=lambda household: (-household.priority, household.tie_breaker, household.key),
    )
    with_concern = sum(household.priority > 0 for household in ranked)
    is_cut = 0 < places.concern < with_concern
    lots = _lots(ranked, with_concern, places.concern, seed, block) if lottery and is_cut else {}
    concern = {
        household.key
        for rank, household in enumerate(ranked[:with_concern], start=1)
        if (lots[household.key].won if household.key in lots else rank <= places.concern)
    }
    waiting = _longest_wait(ranked, concern)
    queue = {key: place for place, key in enumerate(waiting, start=1)}
    rest = places.capacity - len(concern)
    by_key = {household.key: household for household in ranked}
    called = _called([by_key[key] for key in waiting], tracks, rest, year_ago) if tracks else {}
    longest = [key for key in waiting if key not in called]
    preventive = set(longest[: rest - len(called)])
    rows = []
    for rank, household in enumerate(ranked, start=1):
        cut = _cut(ranked, rank, places.concern) if is_cut else None
        occasion = called.get(household.key)
        track = _track(household.key, concern, preventive, occasion)
        rows.append(
            Allocation(
                household=household,
                rank=rank,
                cut=cut,
                distance=None if cut is None else household.priority - cut,
                lot=lots.get(household.key),
                waiting_rank=queue.get(household.key),
                track=track,
                band=band_of(track),
                excluded=None,
                occasion=occasion,
            )
        )
    outside = sorted(
        (household for household in households if household.key in excluded),
        key=lambda household: household.key,
    )
    return rows + [
        Allocation(item, None, None, None, None, None, None, KEEP_WATCHING, excluded[item.key])
        for item in outside
    ]


def band_of(track: str | None) -> str:
    """The band, in which a teacher reads how soon to go."""
    if track is None:
        return KEEP_WATCHING
    return VISIT_FIRST if track == CONCERN else SCHEDULE


def _track(
    key: str, concern: set[str], preventive: set[str], occasion: Mapping[str, Any] | None
) -> str | None:
    if key in concern:
        return CONCERN
    if occasion is not None:
        return str(occasion["track"])
    return PREVENTIVE if key in preventive else None


def _lots(
    ranked: Sequence[Household], with_concern: int, places: int, seed: int, block: str
) -> dict[str, Lot]:
    ranks = block_ranks(places, with_concern)
    keys = [ranked[rank - 1].key for rank in ranks]
    return draw(keys, places=places - ranks.start + 1, seed=seed, block=block)


def _longest_wait(ranked: Sequence[Household], chosen: set[str]) -> list[str]:
    """Keys in the order of preventive visits: never visited first, then the longest ago."""
    waiting = [household for household in ranked if household.key not in chosen]
    waiting.sort(
        key=lambda household: (
            household.last_visit is not None,
            household.last_visit or 0,
            household.tie_breaker,
            household.key,
        )
    )
    return [household.key for household in waiting]


def _called(
    waiting: Sequence[Household], tracks: Tracks, rest: int, year_ago: int
) -> dict[str, Mapping[str, Any]]:
    """Who takes a place for another reason than the longest wait, by household key.

    Track by track: the earliest request, the longest illness, and for good news the longest wait
    come first; the longest wait settles what is equal.
    """
    called: dict[str, Mapping[str, Any]] = {}
    for track in CALLED:
        found = []
        for place, household in enumerate(waiting):
            occasion = _first(household, track)
            recent = household.last_visit is not None and household.last_visit >= year_ago
            if occasion is None or household.key in called or (track == GOOD_NEWS and recent):
                continue
            found.append((occasion["urgency"], place, household.key, occasion))
        found.sort(key=lambda one: one[:2])
        for _, _, key, occasion in found[: min(getattr(tracks, track), rest - len(called))]:
            called[key] = occasion
    return called


def _first(household: Household, track: str) -> Mapping[str, Any] | None:
    """The most urgent occasion of a track among the children."""
    found = [
        occasion
        for child in household.children
        for occasion in child.occasions
        if occasion["track"] == track
    ]
    return min(found, key=lambda one: one["urgency"], default=None)


def _cut(ranked: Sequence[Household], rank: int, places: int) -> float:
    """The `places`-th highest priority among the others, `ranked` being in order."""
    return ranked[places if rank <= places else places - 1].priority
