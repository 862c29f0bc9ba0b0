"""The list of one school and quarter: every household with its rank, place and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from earlywarning.calendar import day_date, day_number
from earlywarning.district import NEWEST_LAYOUT, TRACKS_LAYOUT, District
from earlywarning.records.class_names import SortKey, sort_key
from earlywarning.visits.capacity import (
    CALLED,
    CONCERN,
    GOOD_NEWS,
    KEEP_WATCHING,
    PREVENTIVE,
    Allocation,
    Places,
    allocate,
    split,
)
from earlywarning.visits.frozen import canonical, digest, district_values
from earlywarning.visits.households import Child, Household, group, others_told

FORMAT = NEWEST_LAYOUT
"""Version of the frozen record's layout. Layout 1 knew two tracks, concern and preventive."""


@dataclass(frozen=True, slots=True)
class ListBasis:
    """What a list rests on besides its children.

    Attributes
    ----------
    quarter : str
        Code of the quarter in which the visits are made.
    as_of_date : date
        Only what happened and was known before it was used.
    school_id : str
    snapshot_id : str
        The facts that were read.
    district : District
        The school's choices: weights, lottery, preventive share, thresholds.
    models : mapping of outcome to dict
        Which version served, its hash and kind; or that the rule served, and why.
    seed : int
        Settles ties and lots.
    code_version : str
    classes : mapping of class_id to dict
        `lead` (staff id or None) and `grade_level` (or None) of each class of the cohort.
    capacities : mapping of staff id to int
        Households each lead can visit; others have the district's usual capacity.
    layout : int
        Of the frozen record; an older one only to make an old list again.
    shadow : set of staff id
        Leads who do not visit yet in a drawn roll-out: their list is made and frozen to compare
        with, and nobody is put on it by score.
    """

    quarter: str
    as_of_date: date
    school_id: str
    snapshot_id: str
    district: District
    models: Mapping[str, Mapping[str, Any]]
    seed: int
    code_version: str
    classes: Mapping[str, Mapping[str, Any]]
    capacities: Mapping[str, int]
    layout: int = FORMAT
    shadow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VisitListDraft:
    """A list, ready to be saved.

    Attributes
    ----------
    header : dict
        What the list rests on, a summary for each lead, and counts.
    households : list of dict
        By lead, then rank; excluded families last. `position` is the place on the list, 1 first,
        null if not listed.
    frozen : bytes
        Canonical JSON of both.
    sha256 : str
        Of `frozen`.
    """

    header: dict[str, Any]
    households: list[dict[str, Any]]
    frozen: bytes
    sha256: str


def build(
    children: Iterable[Child], basis: ListBasis, *, excluded: Mapping[str, str] | None = None
) -> VisitListDraft:
    """Rank, cut and freeze.

    The list runs lead by lead (grade level, class, then families without a lead), within a lead
    concern by rank, then requests, sick children and good news, then preventive by the longest
    wait. Not by priority across the school: each
    teacher's cut is their own, so a school-wide order would compare places that are not
    comparable, and nobody could check it against a class list.

    Parameters
    ----------
    children : iterable of Child
        The cohort of one school.
    basis : ListBasis
    excluded : mapping of household key to reason
        See `capacity.EXCLUSIONS`; keys that no child has are ignored.
    """
    by_lead: dict[str | None, list[Household]] = {}
    for household in group(children, seed=basis.seed):
        by_lead.setdefault(household.lead, []).append(household)
    rows: list[dict[str, Any]] = []
    leads: list[dict[str, Any]] = []
    position = 0
    for lead in _in_order(by_lead, basis):
        places = places_of(lead, basis)
        allocations = allocate(
            by_lead[lead],
            places=places,
            seed=basis.seed,
            lottery=basis.district.visits.lottery,
            block=f"{basis.school_id}/{basis.quarter}/{lead or 'no-lead'}",
            excluded=excluded,
            tracks=basis.district.visits.tracks if basis.layout >= TRACKS_LAYOUT else None,
            year_ago=day_number(basis.as_of_date) - 365,
        )
        shadow: dict[str, str] = {}
        if lead in basis.shadow:
            allocations, shadow = _in_shadow(allocations)
        listed = _listed(allocations)
        positions = {item.household.key: position + i for i, item in enumerate(listed, start=1)}
        position += len(listed)
        rows += [
            _row(item, positions.get(item.household.key), basis)
            | _shadow_of(item.household.key, shadow, in_shadow=lead in basis.shadow)
            for item in allocations
        ]
        leads.append(_lead(lead, places, allocations, basis))
    header = _header(basis, leads, rows)
    frozen = canonical({"header": header, "households": rows})
    return VisitListDraft(header, rows, frozen, digest(frozen))


def places_of(lead: str | None, basis: ListBasis) -> Places:
    """A lead's capacity, divided; families without a lead share the district's usual one."""
    rules = basis.district.visits
    capacity = rules.capacity if lead is None else basis.capacities.get(lead, rules.capacity)
    return split(capacity, rules.preventive_share)


def _in_order(by_lead: Mapping[str | None, list[Household]], basis: ListBasis) -> list[str | None]:
    """Leads by their first class, lowest grade level first; families without a lead at the end."""
    first: dict[str | None, tuple[int, SortKey, str]] = {}
    for lead, households in by_lead.items():
        places = []
        for class_id in {household.class_id for household in households}:
            level = basis.classes.get(class_id or "", {}).get("grade_level")
            by_name = sort_key((class_id or "").split("/", 2)[-1])
            places.append((by_name[0] if level is None else level, by_name, class_id or ""))
        first[lead] = min(places)
    return sorted(by_lead, key=lambda lead: (lead is None, first[lead], lead or ""))


def _listed(allocations: Iterable[Allocation]) -> list[Allocation]:
    listed = [item for item in allocations if item.listed]
    return sorted(
        listed,
        key=lambda item: (_ORDER.index(item.track or PREVENTIVE), _place(item)),
    )


_ORDER = (CONCERN, *CALLED, PREVENTIVE)


def _place(item: Allocation) -> int:
    return (item.rank if item.track == CONCERN else item.waiting_rank) or 0


def _in_shadow(allocations: list[Allocation]) -> tuple[list[Allocation], dict[str, str]]:
    """Allocations of a lead who does not visit yet, and who would have had a place, by track.

    Families who asked, sick children and good news keep their places: only the score waits.
    """
    would = {
        item.household.key: item.track
        for item in allocations
        if item.track in (CONCERN, PREVENTIVE)
    }
    kept = [
        replace(item, track=None, band=KEEP_WATCHING) if item.household.key in would else item
        for item in allocations
    ]
    return kept, would


def _shadow_of(key: str, shadow: Mapping[str, str], *, in_shadow: bool) -> dict[str, Any]:
    """What a row says of a shadow list; nothing where the lead visits."""
    return {"shadow_track": shadow.get(key)} if in_shadow else {}


def _row(item: Allocation, position: int | None, basis: ListBasis) -> dict[str, Any]:
    household = item.household
    lot = item.lot
    more: dict[str, Any] = {}
    if basis.layout >= TRACKS_LAYOUT:
        more = {
            "occasion": None if item.occasion is None else dict(item.occasion),
            "others_told": list(others_told(household)),
        }
    return {
        **more,
        "household_key": household.key,
        "household_id": household.household_id,
        "lead": household.lead,
        "class_id": household.class_id,
        "priority": household.priority,
        "tie_breaker": household.tie_breaker,
        "rank": item.rank,
        "cut": item.cut,
        "distance": item.distance,
        "lottery": None
        if lot is None
        else {
            "block": lot.block,
            "probability": lot.probability,
            "draw": lot.draw,
            "won": lot.won,
        },
        "last_visit": _day(household.last_visit),
        "waiting_rank": item.waiting_rank,
        "listed": item.listed,
        "track": item.track,
        "band": item.band,
        "position": position,
        "excluded": item.excluded,
        "children": [_child(child, basis) for child in household.children],
    }


def _child(child: Child, basis: ListBasis) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if basis.layout >= TRACKS_LAYOUT:
        more = {"occasions": [dict(occasion) for occasion in child.occasions]}
    return {
        **more,
        "student_id": child.student_id,
        "class_id": child.class_id,
        "priority": child.priority,
        "risks": dict(child.risks),
        "reasons": [dict(reason) for reason in child.reasons],
        "completeness": dict(child.completeness),
        "last_visit": _day(child.last_visit),
    }


def _day(number: int | None) -> str | None:
    return None if number is None else day_date(number).isoformat()


def within_year(places: Places, allocations: Iterable[Allocation], quarters: int) -> dict[str, int]:
    """Whether every family of a lead is reached within a year at this quarter's pace.

    Worst case: the same families take the places for concern each quarter. The queue for all
    others moves on by the places that go to the longest wait (good news too: it is brought only
    where nobody was for a year).

    Parameters
    ----------
    quarters : int
        Quarters of a year.

    Returns
    -------
    dict
        `families` that can be visited, how many are surely `reached`, and the places a quarter
        `short`; 0 if all are reached.
    """
    ranked = [item for item in allocations if item.excluded is None]
    concern = sum(item.track == CONCERN for item in ranked)
    others = sum(item.track in CALLED and item.track != GOOD_NEWS for item in ranked)
    pace = max(0, places.capacity - concern - others)
    waiting = len(ranked) - concern
    return {
        "families": len(ranked),
        "reached": concern + min(waiting, quarters * pace),
        "short": max(0, -(-waiting // quarters) - pace),
    }


def _lead(
    lead: str | None, places: Places, allocations: list[Allocation], basis: ListBasis
) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if basis.layout >= TRACKS_LAYOUT:
        quarters = len(basis.district.calendar.quarter_starts)
        more = {"year": within_year(places, allocations, quarters)}
    return {
        **more,
        "lead": lead,
        "capacity": places.capacity,
        "concern_places": places.concern,
        "preventive_places": places.preventive,
        "households": len(allocations),
        "listed": sum(item.listed for item in allocations),
        "excluded": sum(item.excluded is not None for item in allocations),
    }


def _header(
    basis: ListBasis, leads: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    waiting = sorted(basis.shadow & {lead["lead"] for lead in leads if lead["lead"]})
    return {
        **({"shadow_leads": waiting} if waiting else {}),
        "format": basis.layout,
        "quarter": basis.quarter,
        "as_of_date": basis.as_of_date.isoformat(),
        "school_id": basis.school_id,
        "snapshot_id": basis.snapshot_id,
        "code_version": basis.code_version,
        "seed": basis.seed,
        "district": district_values(basis.district, basis.layout),
        "district_sha256": basis.district.hash_as(basis.layout),
        "models": {outcome: dict(model) for outcome, model in basis.models.items()},
        "classes": {name: dict(values) for name, values in basis.classes.items()},
        "leads": leads,
        "counts": {
            "students": sum(len(row["children"]) for row in rows),
            "households": len(rows),
            "listed": sum(row["listed"] for row in rows),
            "excluded": sum(row["excluded"] is not None for row in rows),
            "leads_without_capacity": sum(lead["capacity"] == 0 for lead in leads),
        },
    }
