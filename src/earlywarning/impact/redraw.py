"""Whether a frozen list follows its own rules: order, cut, places, and lots drawn again.

A list can be whole, as it was hashed, and yet wrong from the start. Anybody can rank its families,
cut, and draw its lots again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earlywarning.visits.capacity import CONCERN
from earlywarning.visits.chance import number, tie_breaker
from earlywarning.visits.lottery import block_ranks

Home = Mapping[str, Any]


def faults(document: Mapping[str, Any]) -> list[str]:
    """What does not follow: order of priority, ties, cuts and distances, lots, places for concern.

    Parameters
    ----------
    document : mapping
        Of a frozen list.

    Returns
    -------
    list of str
        Empty if all follows.
    """
    seed = document["header"]["seed"]
    places = {one["lead"]: one["concern_places"] for one in document["header"]["leads"]}
    by_lead: dict[Any, list[Home]] = {}
    for home in document["households"]:
        if home["rank"] is not None:
            by_lead.setdefault(home["lead"], []).append(home)
    found: list[str] = []
    for lead, homes in by_lead.items():
        ordered = sorted(homes, key=lambda home: home["rank"])
        found += _out_of_order(lead, ordered, seed)
        found += _wrong_cuts(ordered, places[lead])
        found += _wrong_places(lead, ordered, places[lead], seed)
    return found


def _out_of_order(lead: Any, ordered: Sequence[Home], seed: int) -> list[str]:
    keys = [(-home["priority"], home["tie_breaker"]) for home in ordered]
    if keys != sorted(keys) or [home["rank"] for home in ordered] != [*range(1, len(keys) + 1)]:
        return [f"the families of lead {lead} are not in the order of their priority"]
    return [
        f"family {home['household_key']} has another tie-breaker than the seed's"
        for home in ordered
        if home["tie_breaker"] != tie_breaker(seed, home["household_key"])
    ]


def _cut_after(ordered: Sequence[Home], places: int) -> bool:
    """Whether some families with a concern have no place for it."""
    return 0 < places < sum(home["priority"] > 0 for home in ordered)


def _wrong_cuts(ordered: Sequence[Home], places: int) -> list[str]:
    found = []
    is_cut = _cut_after(ordered, places)
    for place, home in enumerate(ordered):
        # The N-th highest among the others.
        other = ordered[places if place < places else places - 1] if is_cut else None
        cut = None if other is None else other["priority"]
        distance = None if cut is None else home["priority"] - cut
        if home["cut"] != cut:
            found.append(f"family {home['household_key']} has another cut than its neighbours make")
        elif home["distance"] != distance:
            found.append(f"family {home['household_key']} has another distance than its cut")
    return found


def _wrong_places(lead: Any, ordered: Sequence[Home], places: int, seed: int) -> list[str]:
    drew = {home["household_key"]: home["lottery"] for home in ordered if home["lottery"]}
    won: set[str] = set()
    if drew:
        some = sum(home["priority"] > 0 for home in ordered)
        ranks = block_ranks(places, some)
        due = [ordered[rank - 1]["household_key"] for rank in ranks]
        if set(drew) != set(due):
            return [f"others drew lots than the families at the cut of lead {lead}"]
        block = next(iter(drew.values()))["block"]
        drawn = {key: number(seed, f"lot:{block}", key) for key in due}
        if any((lot["block"], lot["draw"]) != (block, drawn[key]) for key, lot in drew.items()):
            return [f"lots of block {block} are not those of the seed"]
        free = places - ranks.start + 1
        won = set(sorted(drawn, key=lambda key: (drawn[key], key))[:free])
        if {key for key, lot in drew.items() if lot["won"]} != won:
            return [f"others won in block {block} than drew the lowest numbers"]
        if any(lot["probability"] != free / len(due) for lot in drew.values()):
            return [f"the chances of block {block} are not those of its places"]
    found = []
    for home in ordered:
        key = home["household_key"]
        high = home["rank"] <= places and home["priority"] > 0
        due_place = key in won if key in drew else high
        if (CONCERN in (home["track"], home.get("shadow_track"))) != due_place:
            found.append(f"family {key} has, or lacks, a place that its rank or lot does not give")
    return found
