"""One teacher's families, ranked and cut at what the teacher can do. A person can check it by hand.

Rank by priority, cut after N places for concern; then the places for prevention go to the families
who were not visited for longest. Nothing cleverer, on purpose: see it, recompute it, trust it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, Decimal

from earlywarning.visits.households import Household
from earlywarning.visits.lottery import Lot, block_ranks, draw

CONCERN = "concern"
PREVENTIVE = "preventive"

VISIT_FIRST = "visit_first"
SCHEDULE = "schedule"
KEEP_WATCHING = "keep_watching"
BANDS = (VISIT_FIRST, SCHEDULE, KEEP_WATCHING)
"""Visit first: listed for concern. Schedule: listed on another track. Keep watching: not listed."""

DO_NOT_VISIT = "do_not_visit"
ALREADY_VISITED = "visited_this_quarter"
EXCLUSIONS = (DO_NOT_VISIT, ALREADY_VISITED)
"""Why a family is kept on record but given neither rank nor place."""


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
        `concern` or `preventive`; None if not listed.
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
    preventive = set(waiting[: places.capacity - len(concern)])
    rows = []
    for rank, household in enumerate(ranked, start=1):
        cut = _cut(ranked, rank, places.concern) if is_cut else None
        track = _track(household.key, concern, preventive)
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


def _track(key: str, concern: set[str], preventive: set[str]) -> str | None:
    if key in concern:
        return CONCERN
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


def _cut(ranked: Sequence[Household], rank: int, places: int) -> float:
    """The `places`-th highest priority among the others, `ranked` being in order."""
    return ranked[places if rank <= places else places - 1].priority
