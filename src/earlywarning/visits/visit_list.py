"""The list of one school and quarter: every household with its rank, place and reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import polars as pl

from earlywarning.calendar import day_number
from earlywarning.district import NEWEST_LAYOUT, TRACKS_LAYOUT, District
from earlywarning.records.class_names import SortKey, sort_key
from earlywarning.visit_rules import EVERYONE, Visits
from earlywarning.visits.capacity import (
    CALLED,
    CONCERN,
    GOOD_NEWS,
    PREVENTIVE,
    REQUESTED,
    SICK_CHILD,
    Allocation,
    Places,
    split,
)
from earlywarning.visits.frozen import canonical, digest, district_values, opened
from earlywarning.visits.households import Child
from earlywarning.visits.ranking import NOT_LISTED, TRACKS, Cut, Families, cut, gather, nth
from earlywarning.visits.record_text import Bytes, households
from earlywarning.visits.table import Table, of_children

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


@dataclass(frozen=True)
class VisitListDraft:
    """A list, ready to be saved.

    Attributes
    ----------
    header : dict
        What the list rests on, a summary for each lead, and counts.
    frozen : bytes
        Canonical JSON of header and households.
    sha256 : str
        Of `frozen`.
    """

    header: dict[str, Any]
    frozen: bytes
    sha256: str

    @cached_property
    def households(self) -> list[dict[str, Any]]:
        """By lead, then rank; excluded families last. Read from the record.

        `position` is the place on the list, 1 first, null if not listed.
        """
        return opened(self.frozen, self.sha256)["households"]


def build(
    children: Iterable[Child], basis: ListBasis, *, excluded: Mapping[str, str] | None = None
) -> VisitListDraft:
    """Rank, cut and freeze one school's list; see `build_all`.

    Parameters
    ----------
    children : iterable of Child
        The cohort of the school.
    basis : ListBasis
    excluded : mapping of household key to reason
        See `capacity.EXCLUSIONS`; keys that no child has are ignored.
    """
    table = of_children(children, basis.school_id)
    (made,) = build_all(table, [basis], excluded={basis.school_id: excluded or {}})
    return made


def build_all(
    table: Table,
    bases: Sequence[ListBasis],
    *,
    excluded: Mapping[str, Mapping[str, str]] | None = None,
) -> list[VisitListDraft]:
    """Rank, cut and freeze the lists of some schools at once.

    A list runs lead by lead (grade level, class, then families without a lead), within a lead
    concern by rank, then requests, sick children and good news, then preventive by the longest
    wait. Not by priority across the school: each
    teacher's cut is their own, so a school-wide order would compare places that are not
    comparable, and nobody could check it against a class list.

    Parameters
    ----------
    table : Table
        The cohorts of those schools and no other.
    bases : sequence of ListBasis
        One a school, in the order of their ids; they differ in nothing but school, models and
        classes.
    excluded : mapping of school_id to mapping of household key to reason
        See `capacity.EXCLUSIONS`; keys that no child has are ignored.

    Raises
    ------
    ValueError
        A student comes twice, a priority is odd, or the bases do not go together.
    """
    if not bases:
        return []
    _refuse_apart(table, bases)
    first = bases[0]
    rules = first.district.visits
    with_tracks = first.layout >= TRACKS_LAYOUT
    families = gather(table, seed=first.seed)
    leads, numbers = _leads(families, bases)
    places = [places_of(lead, basis) for basis, lead in leads]
    found = cut(
        families, numbers, places,
        [f"{basis.school_id}/{basis.quarter}/{lead or 'no-lead'}" for basis, lead in leads],
        table=table, seed=first.seed, lottery=rules.lottery,
        excluded=_excluded(families, excluded or {}),
        tracks=rules.tracks if with_tracks else None,
        year_ago=day_number(first.as_of_date) - 365,
    )  # fmt: skip
    waits = np.array([lead in first.shadow for _, lead in leads], dtype=bool)
    shadow = waits[found.lead]
    scored = (found.track == TRACKS.index(CONCERN)) | (found.track == TRACKS.index(PREVENTIVE))
    # Families who asked, sick children and good news keep their places: only the score waits.
    would = np.where(shadow & scored, found.track, NOT_LISTED)
    found.track[would != NOT_LISTED] = NOT_LISTED
    schools = [basis.school_id for basis in bases]
    of_lead = np.array([schools.index(basis.school_id) for basis, _ in leads], dtype=np.int64)
    positions = _positions(found, of_lead[found.lead])
    rows = Bytes(households(
        table, families, found, explained=_explained(found, would, rules),
        positions=positions, shadow=shadow, shadow_track=would, with_tracks=with_tracks,
    ))  # fmt: skip
    told = _told_of_leads(leads, places, found)
    students = np.bincount(
        of_lead[found.lead], weights=families.sizes[found.order], minlength=len(bases)
    )
    values = (district_values(first.district, first.layout), first.district.hash_as(first.layout))
    made = []
    start = lead_start = 0
    for at, basis in enumerate(bases):
        lead_end = lead_start + int((of_lead == at).sum())
        here = told[lead_start:lead_end]
        end = start + sum(one["households"] for one in here)
        header = _header(basis, here, int(students[at]), values)
        frozen = b"".join(
            [b'{"header":', canonical(header), b',"households":[', rows.joined(start, end), b"]}"]
        )
        made.append(VisitListDraft(header, frozen, digest(frozen)))
        start, lead_start = end, lead_end
    return made


def _refuse_apart(table: Table, bases: Sequence[ListBasis]) -> None:
    """Bases that differ in more than their school, or are not those of the table's schools."""
    schools = [basis.school_id for basis in bases]
    same = replace(bases[0], school_id="", models={}, classes={})
    for basis in bases[1:]:
        if replace(basis, school_id="", models={}, classes={}) != same:
            raise ValueError("lists that are made together rest on the same facts and rules")
    if schools != sorted(set(schools)) or not set(table.rows["school_id"].unique()) <= set(schools):
        raise ValueError("one basis for each school is needed, in the order of the schools")


def _leads(
    families: Families, bases: Sequence[ListBasis]
) -> tuple[list[tuple[ListBasis, str | None]], np.ndarray]:
    """The leads of all lists in their order, and the number of each family's."""
    frame = families.frame
    classes: dict[str, dict[str | None, list[str | None]]] = {}
    for school_id, lead, class_id in (
        frame.select("school_id", "lead", "class_id").unique().iter_rows()
    ):
        classes.setdefault(school_id, {}).setdefault(lead, []).append(class_id)
    leads = [
        (basis, lead)
        for basis in bases
        for lead in _in_order(classes.get(basis.school_id, {}), basis)
    ]
    numbers = pl.DataFrame(
        {
            "school_id": [basis.school_id for basis, _ in leads],
            "lead": [lead for _, lead in leads],
        },
        schema={"school_id": pl.String, "lead": pl.String},
    ).with_row_index("number")
    found = frame.select("school_id", "lead").join(
        numbers, on=["school_id", "lead"], how="left", nulls_equal=True, maintain_order="left"
    )
    return leads, found["number"].to_numpy().astype(np.int64)


def _excluded(families: Families, excluded: Mapping[str, Mapping[str, str]]) -> dict[int, str]:
    """The reasons of families who are not to be visited (now), by their place."""
    keys = {key for some in excluded.values() for key in some}
    if not keys:
        return {}
    may = families.frame["key"].is_in(list(keys)).arg_true()
    found = {}
    for at, school_id, key in zip(
        may, families.frame["school_id"].gather(may), families.frame["key"].gather(may), strict=True
    ):
        reason = excluded.get(school_id, {}).get(key)
        if reason is not None:
            found[at] = reason
    return found


def _explained(found: Cut, would: np.ndarray, rules: Visits) -> np.ndarray:
    """Whose reasons are written down; nobody's place depends on them.

    Beside the listed families (in a shadow list those who would be) the next by rank and by the
    longest wait, so that whoever is moved up by hand has theirs.
    """
    explained = np.ones(len(found.order), dtype=bool)
    if rules.reasons == EVERYONE:
        return explained
    explained = (found.track != NOT_LISTED) | (would != NOT_LISTED)
    rest = np.flatnonzero(~explained & (found.rank > 0))
    for queue in (found.rank, found.waiting_rank):
        line = rest[queue[rest] > 0]
        line = line[np.lexsort((queue[line], found.lead[line]))]
        explained[line[nth(found.lead[line]) < rules.reasons_next]] = True
    return explained


def _positions(found: Cut, school: np.ndarray) -> np.ndarray:
    """The place of each family on its school's list, 0 for none."""
    positions = np.zeros(len(found.order), dtype=np.int64)
    listed = np.flatnonzero(found.track != NOT_LISTED)
    place = np.where(found.track == TRACKS.index(CONCERN), found.rank, found.waiting_rank)[listed]
    listed = listed[np.lexsort((place, found.track[listed], found.lead[listed]))]
    positions[listed] = nth(school[listed]) + 1
    return positions


def places_of(lead: str | None, basis: ListBasis) -> Places:
    """A lead's capacity, divided; families without a lead share the district's usual one."""
    rules = basis.district.visits
    capacity = rules.capacity if lead is None else basis.capacities.get(lead, rules.capacity)
    return split(capacity, rules.preventive_share)


_by_name = lru_cache(maxsize=10_000)(sort_key)
"""Classes of many schools have the same names."""


def _in_order(
    classes: Mapping[str | None, Sequence[str | None]], basis: ListBasis
) -> list[str | None]:
    """Leads by their first class, lowest grade level first; families without a lead at the end."""
    first: dict[str | None, tuple[int, SortKey, str]] = {}
    for lead, some in classes.items():
        places = []
        for class_id in some:
            level = basis.classes.get(class_id or "", {}).get("grade_level")
            by_name = _by_name((class_id or "").split("/", 2)[-1])
            places.append((by_name[0] if level is None else level, by_name, class_id or ""))
        first[lead] = min(places)
    return sorted(classes, key=lambda lead: (lead is None, first[lead], lead or ""))


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
    return _reached(
        places.capacity,
        len(ranked),
        sum(item.track == CONCERN for item in ranked),
        sum(item.track in CALLED and item.track != GOOD_NEWS for item in ranked),
        quarters,
    )


def _reached(
    capacity: int, families: int, concern: int, others: int, quarters: int
) -> dict[str, int]:
    """`within_year`, from counts; `others` asked, or have a sick child."""
    pace = max(0, capacity - concern - others)
    waiting = families - concern
    return {
        "families": families,
        "reached": concern + min(waiting, quarters * pace),
        "short": max(0, -(-waiting // quarters) - pace),
    }


def _told_of_leads(
    leads: Sequence[tuple[ListBasis, str | None]], places: Sequence[Places], found: Cut
) -> list[dict[str, Any]]:
    """What the header says of each lead."""

    def count(mask: np.ndarray) -> list[int]:
        return np.bincount(found.lead[mask], minlength=len(leads)).tolist()

    everybody = count(np.ones(len(found.lead), dtype=bool))
    listed = count(found.track != NOT_LISTED)
    excluded = count(found.rank == 0)
    concern = count(found.track == TRACKS.index(CONCERN))
    others = count(np.isin(found.track, [TRACKS.index(REQUESTED), TRACKS.index(SICK_CHILD)]))
    rows = []
    for at, ((basis, lead), one) in enumerate(zip(leads, places, strict=True)):
        more: dict[str, Any] = {}
        if basis.layout >= TRACKS_LAYOUT:
            quarters = len(basis.district.calendar.quarter_starts)
            families = everybody[at] - excluded[at]
            more = {"year": _reached(one.capacity, families, concern[at], others[at], quarters)}
        rows.append(
            {
                **more,
                "lead": lead,
                "capacity": one.capacity,
                "concern_places": one.concern,
                "preventive_places": one.preventive,
                "households": everybody[at],
                "listed": listed[at],
                "excluded": excluded[at],
            }
        )
    return rows


def _header(
    basis: ListBasis, leads: list[dict[str, Any]], students: int, district: tuple[dict, str]
) -> dict[str, Any]:
    """The header of one list; `district` are the district's values and their hash."""
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
        "district": district[0],
        "district_sha256": district[1],
        "models": {outcome: dict(model) for outcome, model in basis.models.items()},
        "classes": {name: dict(values) for name, values in basis.classes.items()},
        "leads": leads,
        "counts": {
            "students": students,
            "households": sum(lead["households"] for lead in leads),
            "listed": sum(lead["listed"] for lead in leads),
            "excluded": sum(lead["excluded"] for lead in leads),
            "leads_without_capacity": sum(lead["capacity"] == 0 for lead in leads),
        },
    }
