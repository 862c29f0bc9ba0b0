"""What may leave for research without giving a child away.

Groups of fewer than k children are held back, and so are others where the number held back could
be found by subtraction (complementary suppression; see Hundepool and others, *Statistical
Disclosure Control*, 2012). A group that differs by a few children from one released before is held
back too: the difference would be those children.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

SMALLEST_GROUP = 10

Members = Mapping[tuple[Hashable, ...], frozenset[str]]
"""Children by group: the values by which they could be recognised."""


@dataclass(frozen=True, slots=True)
class Release:
    """What may leave.

    Attributes
    ----------
    groups : mapping of group to student ids
    held_back : int
        Children who are not in it.
    """

    groups: dict[tuple[Hashable, ...], frozenset[str]]
    held_back: int


def release(
    groups: Members,
    *,
    margin: int,
    k: int = SMALLEST_GROUP,
    earlier: Iterable[frozenset[str]] = (),
) -> Release:
    """Hold back what could give a child away.

    Parameters
    ----------
    groups : mapping of group to student ids
        Each child in one group.
    margin : int
        So many first values of a group name a total that others know: a school and a quarter.
    k : int
        Children a group must have, 2 or more.
    earlier : iterable of sets of student ids
        Groups that were released before, whoever got them.
    """
    if k < 2:
        raise ValueError(f"k must be 2 or more, got {k}")
    before = list(earlier)
    kept = {
        group: ids
        for group, ids in groups.items()
        if len(ids) >= k and not any(_differ_by_few(ids, old, k) for old in before)
    }
    totals: dict[tuple[Hashable, ...], list[tuple[Hashable, ...]]] = {}
    for group in groups:
        totals.setdefault(group[:margin], []).append(group)
    for within in totals.values():
        _hold_back_more(groups, kept, within, k)
    everybody = sum(map(len, groups.values()))
    return Release(kept, everybody - sum(map(len, kept.values())))


def _differ_by_few(ids: frozenset[str], old: frozenset[str], k: int) -> bool:
    """Whether two groups overlap, and one has a few children whom the other lacks."""
    if not ids & old:
        return False
    return 0 < len(ids - old) < k or 0 < len(old - ids) < k


def _hold_back_more(
    groups: Members,
    kept: dict[tuple[Hashable, ...], frozenset[str]],
    within: Sequence[tuple[Hashable, ...]],
    k: int,
) -> None:
    """Hold back the smallest groups of a total until at least k children, or none, are missing."""
    missing = sum(len(groups[group]) for group in within if group not in kept)
    by_size = sorted((g for g in within if g in kept), key=lambda g: (len(kept[g]), str(g)))
    for group in by_size:
        if missing == 0 or missing >= k:
            return
        missing += len(kept.pop(group))


def pseudonym(key: bytes, kind: str, id_: str) -> str:
    """HMAC-SHA-256 of an id under the key of one export, 128 bits in hexadecimal.

    Another export has another key: nobody can join the two.

    Parameters
    ----------
    key : bytes, 32
    kind : str
        What the id is of, so that equal ids of two kinds differ.
    """
    if len(key) < 32:
        raise ValueError(f"the key needs 32 bytes, got {len(key)}")
    return hmac.new(key, f"{kind}:{id_}".encode(), hashlib.sha256).hexdigest()[:32]
