"""Families of many leads ranked and cut at once: `capacity.allocate` as sorted columns.

What `households.group` and `capacity.allocate` say of one teacher's families is done here for a
province's: a sort in place of each loop. A property test holds the two together.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from earlywarning.visit_rules import Tracks
from earlywarning.visits.capacity import CALLED, CONCERN, GOOD_NEWS, PREVENTIVE, Places
from earlywarning.visits.chance import tie_breaker
from earlywarning.visits.lottery import Lot, block_ranks, draw
from earlywarning.visits.table import HOUSEHOLD_KEY, Table

NEVER = np.iinfo(np.int64).min
"""Day of a last visit where there was none."""

TRACKS = (CONCERN, *CALLED, PREVENTIVE)
NOT_LISTED = -1
"""Place in `TRACKS` of a family without a place."""


@dataclass(frozen=True, slots=True)
class Families:
    """Who is visited together, by school and key.

    Attributes
    ----------
    frame : DataFrame
        school_id, key, household_id, lead, class_id; a row a family.
    priority : array of float, shape (n_families,)
    tie_breaker, last_visit, sizes, starts : arrays of int, shape (n_families,)
        `NEVER` where nobody came; children, and where the first stands in `children`.
    children : array of int, shape (n,)
        Places in the table, family by family, by student id.
    """

    frame: pl.DataFrame
    priority: np.ndarray
    tie_breaker: np.ndarray
    last_visit: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    children: np.ndarray

    def of(self, family: int) -> np.ndarray:
        """Places in the table of one family's children."""
        return self.children[self.starts[family] : self.starts[family] + self.sizes[family]]


@dataclass(frozen=True, slots=True)
class Cut:
    """What the cut made of each family; see `capacity.Allocation`.

    Attributes
    ----------
    order : array of int, shape (n_families,)
        Places in `Families`: lead by lead, ranked families by rank, then excluded ones by key. All
        other arrays are in this order.
    lead : array of int
        Number of the lead.
    rank, waiting_rank, track : arrays of int
        0 for none; a place in `TRACKS` or `NOT_LISTED`.
    cut, distance : arrays of float
        NaN where there is none.
    lots : mapping of place to Lot
    occasions : mapping of place to occasion
        What called for the visit.
    excluded : mapping of place to reason
    """

    order: np.ndarray
    lead: np.ndarray
    rank: np.ndarray
    waiting_rank: np.ndarray
    track: np.ndarray
    cut: np.ndarray
    distance: np.ndarray
    lots: dict[int, Lot] = field(default_factory=dict)
    occasions: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    excluded: dict[int, str] = field(default_factory=dict)


def gather(table: Table, *, seed: int) -> Families:
    """Children into families; see `households.group`.

    Raises
    ------
    ValueError
        A student comes twice in a school, or a priority is not a number of 0 or more.
    """
    rows = table.rows
    _refuse_doubles(rows)
    _refuse_odd_priorities(rows)
    ordered = (
        rows.select("school_id", "student_id", key=HOUSEHOLD_KEY)
        .with_row_index("at")
        .sort("school_id", "key", "student_id")
    )
    children = ordered["at"].to_numpy().astype(np.int64)
    new = (
        (ordered["school_id"] != ordered["school_id"].shift(1))
        | (ordered["key"] != ordered["key"].shift(1))
    ).fill_null(value=True)
    starts = np.flatnonzero(new.to_numpy())
    sizes = np.diff(np.append(starts, len(children)))
    priorities = rows["priority"].to_numpy()
    visits = rows["last_visit"].fill_null(NEVER).to_numpy()
    first = children[starts] if len(starts) else np.empty(0, np.int64)
    priority, last_visit = priorities[first], visits[first]
    for family in np.flatnonzero(sizes > 1).tolist():
        some = children[starts[family] : starts[family] + sizes[family]]
        first[family] = _decides(rows, some.tolist(), seed)
        priority[family] = math.fsum(priorities[some].tolist())
        last_visit[family] = visits[some].max()
    frame = rows[first].select("school_id", "lead", "class_id", household_id="household")
    keys = ordered["key"].gather(starts)
    return Families(
        frame=frame.with_columns(key=keys), priority=priority,
        tie_breaker=tie_breakers(seed, keys), last_visit=last_visit, sizes=sizes, starts=starts,
        children=children,
    )  # fmt: skip


def _refuse_doubles(rows: pl.DataFrame) -> None:
    if rows["student_id"].n_unique() == rows.height:
        return
    twice = rows.filter(rows.select("school_id", "student_id").is_duplicated())
    if twice.height:
        raise ValueError(f"student {twice['student_id'][0]} comes twice; each student counts once")


def _refuse_odd_priorities(rows: pl.DataFrame) -> None:
    odd = rows.filter(~(pl.col("priority").is_finite() & (pl.col("priority") >= 0)))
    if odd.height:
        raise ValueError(
            f"student {odd['student_id'][0]} has priority {odd['priority'][0]}; "
            "it must be a number of 0 or more"
        )


def _decides(rows: pl.DataFrame, some: Sequence[int], seed: int) -> int:
    """Of some siblings the one whose homeroom teacher leads the visit."""
    found = rows[some].select("student_id", "priority", "lead").rows()
    by_need = sorted(
        zip(found, some, strict=True), key=lambda one: (-one[0][1], tie_breaker(seed, one[0][0]))
    )
    return next((at for (_, _, lead), at in by_need if lead is not None), by_need[0][1])


def cut(
    families: Families,
    leads: np.ndarray,
    places: Sequence[Places],
    blocks: Sequence[str],
    *,
    table: Table,
    seed: int,
    lottery: bool,
    excluded: Mapping[int, str],
    tracks: Tracks | None,
    year_ago: int,
) -> Cut:
    """Rank every lead's families and cut at their capacity; see `capacity.allocate`.

    Parameters
    ----------
    leads : array of int, shape (n_families,)
        Number of each family's lead.
    places, blocks : sequence, length n_leads
        Capacity and lottery block of each.
    excluded : mapping of family to reason
    """
    count = len(families.priority)
    out = np.zeros(count, dtype=bool)
    out[list(excluded)] = True
    order = np.lexsort(
        (
            np.arange(count),
            np.where(out, 0, families.tie_breaker),
            np.where(out, 0.0, -families.priority),
            out,
            leads,
        )
    )
    lead, out = leads[order], out[order]
    priority, visit = families.priority[order], families.last_visit[order]
    begins = _begins(lead, len(places))
    rank = np.where(out, 0, np.arange(count) - begins[lead] + 1)
    concern_places = np.array([one.concern for one in places], dtype=np.int64)
    capacity = np.array([one.capacity for one in places], dtype=np.int64)
    with_concern = _count(lead[~out & (priority > 0)], len(places))
    is_cut = (concern_places > 0) & (concern_places < with_concern)
    n = concern_places[lead]
    concern = ~out & (rank <= n) & (rank <= with_concern[lead])
    keys = families.frame["key"]
    lots: dict[int, Lot] = {}
    if lottery:
        for one in np.flatnonzero(is_cut).tolist():
            ranks = block_ranks(int(concern_places[one]), int(with_concern[one]))
            at = [int(begins[one]) + place - 1 for place in ranks]
            drawn = draw(
                [keys[int(order[place])] for place in at],
                places=int(concern_places[one]) - ranks.start + 1, seed=seed, block=blocks[one],
            )  # fmt: skip
            lots |= dict(zip(at, drawn.values(), strict=True))
        concern[list(lots)] = [lot.won for lot in lots.values()]
    track = np.where(concern, 0, NOT_LISTED)
    waits = np.flatnonzero(~out & ~concern)
    waits = waits[
        np.lexsort((order[waits], families.tie_breaker[order[waits]], visit[waits], lead[waits]))
    ]
    waiting_rank = np.zeros(count, dtype=np.int64)
    waiting_rank[waits] = nth(lead[waits]) + 1
    rest = capacity - _count(lead[concern], len(places))
    called: dict[int, Mapping[str, Any]] = {}
    if tracks is not None:
        recent = visit >= year_ago
        called = _call(
            families, table, order, lead, waiting_rank, recent, tracks, track, rest
        )  # fmt: skip
        rest = rest - _count(lead[list(called)], len(places))
    longest = waits[track[waits] == NOT_LISTED]
    longest = longest[nth(lead[longest]) < rest[lead[longest]]]
    track[longest] = TRACKS.index(PREVENTIVE)
    # Of the others: the family after the cut for those above it, the last above for those below.
    has = is_cut[lead] & ~out
    line = np.full(count, np.nan)
    line[has] = priority[(begins[lead] + n - (rank > n))[has]]
    return Cut(
        order=order, lead=lead, rank=rank, waiting_rank=waiting_rank, track=track, cut=line,
        distance=priority - line, lots=lots, occasions=called,
        excluded={at: excluded[int(order[at])] for at in np.flatnonzero(out).tolist()},
    )  # fmt: skip


def _call(
    families: Families,
    table: Table,
    order: np.ndarray,
    lead: np.ndarray,
    waiting_rank: np.ndarray,
    recent: np.ndarray,
    tracks: Tracks,
    track: np.ndarray,
    rest: np.ndarray,
) -> dict[int, Mapping[str, Any]]:
    """Who takes a place for another reason than the longest wait; sets `track`."""
    best = _most_urgent(families, table, order)
    called: dict[int, Mapping[str, Any]] = {}
    for name in CALLED:
        found = np.fromiter(best[name], dtype=np.int64, count=len(best[name]))
        urgency = np.array([one["urgency"] for one in best[name].values()], dtype=np.float64)
        may = (waiting_rank[found] > 0) & (track[found] == NOT_LISTED)
        if name == GOOD_NEWS:
            may &= ~recent[found]
        found, urgency = found[may], urgency[may]
        found = found[np.lexsort((waiting_rank[found], urgency, lead[found]))]
        left = np.minimum(getattr(tracks, name), rest - _count(lead[list(called)], len(rest)))
        found = found[nth(lead[found]) < left[lead[found]]]
        track[found] = TRACKS.index(name)
        called |= {at: best[name][at] for at in found.tolist()}
    return called


def _most_urgent(
    families: Families, table: Table, order: np.ndarray
) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Of each track of `CALLED` and each family the most urgent occasion, the first child's."""
    best: dict[str, dict[int, Mapping[str, Any]]] = {name: {} for name in CALLED}
    if not table.occasions:
        return best
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    stands = np.empty(len(families.children), dtype=np.int64)
    stands[families.children] = np.arange(len(families.children))
    at = np.fromiter(table.occasions, dtype=np.int64, count=len(table.occasions))
    at = at[np.argsort(stands[at])]
    family = np.searchsorted(families.starts, stands[at], side="right") - 1
    for child, where in zip(at.tolist(), place[family].tolist(), strict=True):
        for one in table.occasions[child]:
            of = best.get(one["track"])
            if of is None:
                continue
            if where not in of or one["urgency"] < of[where]["urgency"]:
                of[where] = one
    return best


def _begins(lead: np.ndarray, leads: int) -> np.ndarray:
    """Where each lead's families begin, `lead` being in order."""
    return np.searchsorted(lead, np.arange(leads))


def nth(group: np.ndarray) -> np.ndarray:
    """How many of its group stand before each, `group` being in order."""
    at = np.arange(len(group))
    first = np.r_[True, group[1:] != group[:-1]] if len(group) else np.empty(0, dtype=bool)
    return at - np.maximum.accumulate(np.where(first, at, 0))


def _count(group: np.ndarray, groups: int) -> np.ndarray:
    return np.bincount(group.astype(np.int64), minlength=groups)


def tie_breakers(seed: int, keys: Iterable[str]) -> np.ndarray:
    """`chance.tie_breaker` of many keys, shape (n,), int64: of each digest the first 52 bits."""
    sha256 = hashlib.sha256
    start = f"{seed}:tie:"
    drawn = b"".join([sha256((start + key).encode()).digest() for key in keys])
    return (np.frombuffer(drawn, dtype=">u8")[::4] >> np.uint64(12)).astype(np.int64)
