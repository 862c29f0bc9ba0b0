"""A lottery among the families at the cut.

Two families nearly tied are treated alike: chance decides which of them is visited this quarter.
Fair to them, and it lets a school learn whether visits help (half the uncertainty of comparing
families just above and just below the cut).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlywarning.visits.chance import number


@dataclass(frozen=True, slots=True)
class Lot:
    """What one family drew.

    Attributes
    ----------
    block : str
        Who drew together: one teacher's families at the cut in one quarter.
    probability : float
        Chance of a place, the same for the whole block: places / families.
    draw : int
        The number drawn; the lowest of the block win.
    won : bool
    """

    block: str
    probability: float
    draw: int
    won: bool


def block_ranks(places: int, ranked: int) -> range:
    """Which ranks draw lots.

    Ranks N-1 to N+2 around a cut after rank N, as far as they exist: four families for two places.
    With N = 1 three families draw for one place; where only one family is below the cut, three draw
    for two.

    Parameters
    ----------
    places : int
        N, the places for concern that the teacher has.
    ranked : int
        Families that could take one.

    Returns
    -------
    range
        Ranks, the first is 1; empty if everybody has a place or there is none.
    """
    if not 0 < places < ranked:
        return range(0)
    return range(max(1, places - 1), min(places + 2, ranked) + 1)


def draw(keys: Sequence[str], *, places: int, seed: int, block: str) -> dict[str, Lot]:
    """Share places among families by lot.

    Parameters
    ----------
    keys : sequence of str
        Household keys of the block.
    places : int
        1 <= places < len(keys).
    seed : int
        The list's seed.
    block : str
        The block's id, stored with each lot.

    Returns
    -------
    dict of key to Lot
        Exactly `places` of them won.

    Raises
    ------
    ValueError
        If there is nothing to draw for.
    """
    if not 1 <= places < len(keys):
        raise ValueError(f"{places} places for {len(keys)} families: nothing to draw lots for")
    drawn = {key: number(seed, f"lot:{block}", key) for key in keys}
    winners = set(sorted(keys, key=lambda key: (drawn[key], key))[:places])
    chance = places / len(keys)
    return {key: Lot(block, chance, drawn[key], key in winners) for key in keys}
