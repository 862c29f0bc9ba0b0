"""From facts and models in service to a frozen list of each school."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl

import earlywarning
from earlywarning.calendar import Quarter, day_date
from earlywarning.district import TRACKS_LAYOUT, District
from earlywarning.errors import ArtifactError, Conflict, DataError, NotFound
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import evidence, list_basis, lists
from earlywarning.io.register.db import Register
from earlywarning.io.register.lists import DRAFT, PUBLISHED, ListRow
from earlywarning.io.register.rights_tables import SnapshotRewrite
from earlywarning.risk.dataset import Dataset
from earlywarning.visits import cohort, past
from earlywarning.visits import occasions as occasions_of
from earlywarning.visits.capacity import REGISTERED, REQUESTED, UNSCORED
from earlywarning.visits.cohort import Registered, Scored
from earlywarning.visits.frozen import district_of, first_difference
from earlywarning.visits.occasions import Occasions
from earlywarning.visits.visit_list import FORMAT, ListBasis, VisitListDraft, build_all
from earlywarning_pipelines import cluster_scores, cohort_scores, recorded, serving, timelines
from earlywarning_pipelines.serving import Decider

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

Part = tuple[Scored, Occasions]
"""Some whole schools' students, and what is good news of them."""

PART = 200_000
"""Students who are scored and listed at a time: memory holds the features of a province, but
neither its reasons nor its lists."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A past list, made again.

    Attributes
    ----------
    identical : bool
        Whether every byte is the one that was frozen.
    frozen : bytes
        What was made now.
    sha256 : str
        Of `frozen`.
    difference : str or None
        Where the two differ first.
    made_by_version : str
        The version of the program that made the list.
    """

    identical: bool
    frozen: bytes
    sha256: str
    difference: str | None
    made_by_version: str


def draft(
    *,
    quarter: str,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    seed: int,
    by: str,
    at: datetime,
    school_id: str | None = None,
    progress: Progress | None = None,
) -> list[ListRow]:
    """Rank the families of every school for a quarter, in place of older drafts.

    Schools whose list is published already keep it.

    Parameters
    ----------
    quarter : str
        Code such as `2026-27-Q2`.
    seed : int
        Settles ties and lots; stored.
    by : str
        Who asks.
    at : datetime
        Now, in UTC without zone.
    school_id : str, optional
        Make the list of this school alone; the drafts of others stay.

    Raises
    ------
    NotFound
        If there is no such quarter.
    DataError
        If nothing was imported, or nobody is enrolled when the quarter starts.
    Conflict
        If every school's list is published; names who did it and when.
    """
    drafts = _make(
        quarter, engine, store, register, registry, district, seed, at, progress or _silent,
        school_id,
    )  # fmt: skip
    rows = lists.save(register, drafts, by=by, at=at, publish=False)
    _timelines(rows, store, register, district)
    log.info("drafted %d lists for %s", len(rows), quarter)
    return rows


def publish(
    *,
    quarter: str,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    seed: int,
    by: str,
    at: datetime,
    progress: Progress | None = None,
) -> list[ListRow]:
    """Freeze the quarter's lists: the drafts as people saw them; without drafts, new lists.

    One transaction for all schools. The parameters are those of `draft`; `seed` counts only where
    there is no draft.

    Raises
    ------
    NotFound, DataError
        As `draft`.
    Conflict
        If every list is published already (says who and when), or a draft rests on facts that a
        newer import replaced.
    """
    district.calendar.quarter(quarter)
    drafts = lists.of_quarter(register, quarter, status=DRAFT)
    if drafts:
        _refuse_stale(drafts, register.current_snapshot())
        rows = lists.publish_drafts(register, drafts, by=by, at=at)
    else:
        made = _make(
            quarter, engine, store, register, registry, district, seed, at, progress or _silent
        )
        rows = lists.save(register, made, by=by, at=at, publish=True)
        _timelines(rows, store, register, district)
    log.info("published %d lists for %s", len(rows), quarter)
    return rows


def _timelines(
    rows: Sequence[ListRow], store: FactStore, register: Register, district: District
) -> None:
    """Beside the lists, each student's year as it was known when the quarter began."""
    quarter = district.calendar.quarter(rows[0].quarter)
    timelines.run(
        store=store, register=register, snapshot_id=rows[0].snapshot_id, quarter=quarter,
        district=district,
    )  # fmt: skip


def rebuild(
    visit_list_id: str,
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
) -> Rebuilt:
    """Make a past list again and compare it byte for byte.

    The snapshot, models, rule, seed and choices are those recorded. What the list took from the
    register (families, homeroom teachers, capacities, families not to be visited) changes every
    day, so it comes from the frozen record; everything else is computed anew.

    Raises
    ------
    NotFound
        If there is no such list.
    ArtifactError
        If the record, the facts or a model do not match their hashes.
    """
    frozen, document = lists.frozen_record(register, visit_list_id)
    header = document["header"]
    _refuse_rewritten(register, header["snapshot_id"])
    store.verify(header["snapshot_id"])
    district = district_of(header["district"])
    quarter = district.calendar.quarter(header["quarter"])
    deciders = serving.recorded(header["models"], registry)
    registered = _registered_then(document)
    layout = int(header["format"])
    _, scored = _score(
        engine, store, registry, header["snapshot_id"], district, quarter, deciders, _silent,
        registered.unscored, only=header["school_id"],
    )  # fmt: skip
    made = list(
        _lists(
            scored, registered, store, header["snapshot_id"], district, quarter, deciders,
            seed=header["seed"], code_version=header["code_version"], schools={header["school_id"]},
            layout=layout, shadow=header.get("shadow_leads", ()),
        )
    )  # fmt: skip
    if not made:
        raise ArtifactError(
            f"the snapshot of list {visit_list_id} has no student of {header['school_id']} any more"
        )
    again = made[0]
    difference = first_difference(
        document, {"header": again.header, "households": again.households}
    )
    return Rebuilt(
        identical=again.frozen == frozen,
        frozen=again.frozen,
        sha256=again.sha256,
        difference=difference,
        made_by_version=header["code_version"],
    )


def _refuse_rewritten(register: Register, snapshot_id: str) -> None:
    with register.session() as session:
        found = session.get(SnapshotRewrite, snapshot_id)
    if found is not None:
        raise ArtifactError(
            f"the facts of this list were written anew on {found.at:%Y-%m-%d}, without children "
            "who were erased; the list cannot be made again byte for byte. `audit verify` shows "
            "that it is the one that was published"
        )


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is shown."""


def _make(
    quarter_code: str,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    seed: int,
    at: datetime,
    progress: Progress,
    school_id: str | None = None,
) -> Iterable[VisitListDraft]:
    """Lists of all schools, or of one, that have none published.

    Of a province they are made while they are saved.
    """
    quarter = district.calendar.quarter(quarter_code)
    recorded.take_in(store=store, register=register, timezone=district.timezone, at=at)
    snapshot_id = register.current_snapshot()
    if snapshot_id is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    deciders = serving.in_service(registry, at=at)
    registered = list_basis.registered(register, quarter)
    students, scored = _score(
        engine, store, registry, snapshot_id, district, quarter, deciders, progress,
        registered.unscored, only=school_id,
    )  # fmt: skip
    schools = sorted(students)
    if not schools:
        raise NotFound(f"nobody of school {school_id!r} is enrolled when {quarter.code} starts")
    done = {
        row.school_id: row for row in lists.of_quarter(register, quarter.code, status=PUBLISHED)
    }
    open_ = [school for school in schools if school not in done]
    if not open_:
        first = done[schools[0]]
        raise lists.already_published(
            first.school_id, quarter.code, first.published_by, first.published_at
        )
    made = _lists(
        scored, registered, store, snapshot_id, district, quarter, deciders,
        seed=seed, code_version=earlywarning.__version__,
        schools=frozenset(open_), shadow=evidence.not_started(register, quarter.code),
        progress=progress,
    )  # fmt: skip
    # A register that one file holds stays open to others until the lists are ready.
    return made if sum(students.values()) > PART else list(made)


def _score(
    engine: Engine,
    store: FactStore,
    registry: ModelRegistry,
    snapshot_id: str,
    district: District,
    quarter: Quarter,
    deciders: Sequence[Decider],
    progress: Progress,
    unscored: Collection[str],
    *,
    only: str | None,
) -> tuple[dict[str, int], Iterator[Part]]:
    """Features and scores of whole schools, in the order of their ids, and good news.

    Of the students in `unscored` nothing is computed: no risk, no priority, no reason.

    Parameters
    ----------
    only : str or None
        Score this school alone. No student's row depends on another's.

    Returns
    -------
    dict
        Students of each school.
    iterator of (Scored, Occasions)
        Scored as it is read.

    Raises
    ------
    DataError
        If nobody is enrolled when the quarter starts.
    """
    snapshot = store.folder(snapshot_id)
    progress("features", 0, 1)
    if engine.distributed:
        models = serving.shipped(deciders, registry)
        found = cluster_scores.scored(engine, snapshot, district, quarter, models, unscored)
        progress("score", 1, 1)
        _refuse_nobody(len(found[0].ids), quarter)
        return _of_schools(found[0].ids["school_id"], only), iter([found])
    dataset: Dataset = load_dataset(
        engine, snapshot, district, quarters=[quarter], known_before=quarter.start, labels=False
    )
    progress("features", 1, 1)
    _refuse_nobody(len(dataset), quarter)
    if only is not None:
        dataset = dataset.rows((dataset.ids["school_id"] == only).to_numpy(dtype=bool))

    def parts() -> Iterator[Part]:
        estimators = {one.outcome: one.estimator for one in deciders}
        done = 0
        for rows in dataset.by_school(most=PART):
            progress("score", done, len(dataset))
            part = dataset.rows(rows)
            found = cohort_scores.scored(part, estimators, district, quarter, unscored)
            done += len(rows)
            progress("score", done, len(dataset))
            yield found

    return _of_schools(dataset.ids["school_id"], only), parts()


def _of_schools(school_ids: pd.Series, only: str | None) -> dict[str, int]:
    counts = {str(name): int(number) for name, number in school_ids.value_counts().items()}
    return counts if only is None else {name: n for name, n in counts.items() if name == only}


def _refuse_nobody(students: int, quarter: Quarter) -> None:
    if not students:
        raise DataError(
            f"nobody is enrolled on {quarter.start}, when {quarter.code} starts; "
            "check the quarter, and that the enrolments of that school year were imported"
        )


def _sick_children(
    store: FactStore, snapshot_id: str, district: District, quarter: Quarter
) -> Occasions:
    """Children who were sick for long, of the school years that the look back touches."""
    first = day_date(quarter.start_day - occasions_of.LOOK_BACK)
    years = {district.calendar.school_year_of(day) for day in (first, quarter.start)}
    events, registers = (
        pl.concat([store.read_part(snapshot_id, table, year) for year in sorted(years)])
        for table in ("attendance_event", "register_day")
    )
    return occasions_of.sick_children(
        events, registers, as_of_day=quarter.start_day, tracks=district.visits.tracks
    )


def _lists(
    parts: Iterable[Part],
    registered: Registered,
    store: FactStore,
    snapshot_id: str,
    district: District,
    quarter: Quarter,
    deciders: Sequence[Decider],
    *,
    seed: int,
    code_version: str,
    schools: Collection[str],
    layout: int = FORMAT,
    shadow: Collection[str] = (),
    progress: Progress = _silent,
) -> Iterator[VisitListDraft]:
    """One list for each of `schools`, by id; of leads in `shadow` only to compare with."""
    visits = store.read(snapshot_id, "visit")
    last_visits = past.last_visits(visits, as_of_day=quarter.start_day)
    visited = past.visited_in(visits, quarter)
    sick, moved = {}, ()
    if layout >= TRACKS_LAYOUT:
        sick = _sick_children(store, snapshot_id, district, quarter)
        moved = past.moved_away(visits, before_day=quarter.end_day)
    done = 0
    for scored, occasions in parts:
        for student_id in scored.ids["student_id"]:
            if student_id in sick and student_id not in registered.unscored:
                occasions[student_id] = [*sick[student_id], *occasions.get(student_id, [])]
        table = cohort.table(scored, registered, last_visits, occasions)
        table = table.of_schools(schools)
        counts = cohort.scored_students(scored)
        bases = [
            ListBasis(
                quarter=quarter.code,
                as_of_date=quarter.start,
                school_id=school_id,
                snapshot_id=snapshot_id,
                district=district,
                models=serving.records(deciders, counts[school_id]),
                seed=seed,
                code_version=code_version,
                classes=classes,
                capacities=registered.capacities,
                layout=layout,
                shadow=frozenset(shadow),
            )
            for school_id, classes in sorted(cohort.classes(table, registered).items())
        ]
        out = cohort.excluded(table, closed=registered.closed, visited=visited, moved=moved)
        made = build_all(table, bases, excluded=out)
        done += len(made)
        progress("allocate", done, len(schools))
        made.reverse()
        while made:  # Each is let go when it is saved, with what was read from its record.
            yield made.pop()


def _registered_then(document: Mapping[str, Any]) -> Registered:
    """What a list took from the register, as it was frozen."""
    header, rows = document["header"], document["households"]
    classes = header["classes"]
    return Registered(
        households={
            child["student_id"]: row["household_id"]
            for row in rows
            if row["household_id"] is not None
            for child in row["children"]
        },
        leads={name: one["lead"] for name, one in classes.items() if one["lead"] is not None},
        grade_levels={name: one["grade_level"] for name, one in classes.items()},
        capacities={
            lead["lead"]: lead["capacity"] for lead in header["leads"] if lead["lead"] is not None
        },
        closed={
            row["household_key"]: row["excluded"] for row in rows if row["excluded"] in REGISTERED
        },
        unscored=frozenset(
            child["student_id"]
            for row in rows
            if row["excluded"] in UNSCORED
            for child in row["children"]
        ),
        requests={
            child["student_id"]: [
                occasion for occasion in child["occasions"] if occasion["track"] == REQUESTED
            ]
            for row in rows
            for child in row["children"]
            if child.get("occasions")
        },
    )


def _refuse_stale(drafts: Sequence[ListRow], current: str | None) -> None:
    stale = [row.school_id for row in drafts if row.snapshot_id != current]
    if stale:
        raise Conflict(
            f"the draft of {', '.join(stale)} for {drafts[0].quarter} was made from facts that a "
            "newer import replaced; run `earlywarning draft` again and look at the new list first"
        )
