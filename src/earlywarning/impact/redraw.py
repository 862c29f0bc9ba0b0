"""Whether a frozen list follows its own rules: order, cut, and lots drawn again from the seed.

A list can be whole, as it was hashed, and yet wrong from the start. Anybody can draw its lots
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.visits.chance import number


def faults(document: Mapping[str, Any]) -> list[str]:
    """What does not follow: order of priority, sign of a distance, numbers and winners of lots.

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
    found: list[str] = []
    blocks: dict[str, list[Mapping[str, Any]]] = {}
    by_lead: dict[Any, list[Mapping[str, Any]]] = {}
    for home in document["households"]:
        if home["rank"] is not None:
            by_lead.setdefault(home["lead"], []).append(home)
        if home["lottery"]:
            blocks.setdefault(home["lottery"]["block"], []).append(home)
    for lead, homes in by_lead.items():
        ordered = sorted(homes, key=lambda home: home["rank"])
        keys = [(-home["priority"], home["tie_breaker"]) for home in ordered]
        if keys != sorted(keys):
            found.append(f"the families of lead {lead} are not in the order of their priority")
        for home in ordered:
            if home["cut"] is not None and home["distance"] != home["priority"] - home["cut"]:
                found.append(f"family {home['household_key']} has another distance than its cut")
    for block, homes in blocks.items():
        drawn = {
            home["household_key"]: number(seed, f"lot:{block}", home["household_key"])
            for home in homes
        }
        if any(home["lottery"]["draw"] != drawn[home["household_key"]] for home in homes):
            found.append(f"lots of block {block} are not those of the seed")
            continue
        places = sum(home["lottery"]["won"] for home in homes)
        winners = set(sorted(drawn, key=lambda key: (drawn[key], key))[:places])
        if {home["household_key"] for home in homes if home["lottery"]["won"]} != winners:
            found.append(f"others won in block {block} than drew the lowest numbers")
    return found
