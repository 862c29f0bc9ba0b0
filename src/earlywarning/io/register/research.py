"""What research gets: who was listed and visited, in large groups, under names of its own."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import exports
from earlywarning.io.register.exports import ExportRow, Sheet
from earlywarning.io.register.models import Student, VisitList, VisitListItem
from earlywarning.io.register.rights import objecting_students
from earlywarning.io.register.rights_tables import Consent, Export, ResearchAgreement
from earlywarning.io.register.visit_tables import Visit, VisitStudent
from earlywarning.records.disclosure import pseudonym, release
from earlywarning.visits.frozen import opened

COLUMNS = ("student", "household", "school", "quarter", "grade_level", "sex", "listed", "track",
           "in_lottery", "assignment_probability", "visited")  # fmt: skip
"""`student`, `household` and `school` are random to whoever has no key. The first two are others in
each quarter: who came late, or left early, would be known by that. `household` joins brothers and
sisters only where so many families have the same children (by grade level and sex)."""

_MARGIN = 2
"""School and quarter: how many children a class has is no secret."""


@dataclass(frozen=True, slots=True)
class _Child:
    """One child on one quarter's list."""

    student_id: str
    household_key: str
    group: tuple[str, str, int | None, str | None]
    listed: bool
    track: str | None
    in_lottery: bool
    probability: float
    visited: bool


def export(
    session: Session, agreement: ResearchAgreement, *, format_: str, by: str, at: datetime
) -> ExportRow:
    """Make the file that an agreement covers; the caller commits.

    Children whose family objected, or took consent to research back, are not in it.
    """
    children = _children(session, agreement.schools)
    groups: dict[tuple[Any, ...], set[str]] = {}
    for child in children:
        groups.setdefault(child.group, set()).add(child.student_id)
    released = release(
        {group: frozenset(ids) for group, ids in groups.items()},
        margin=_MARGIN,
        k=agreement.smallest_group,
        earlier=[
            frozenset(one["students"])
            for basis in session.scalars(select(Export.basis).where(Export.basis.is_not(None)))
            for one in (basis or {}).get("groups", ())
            if tuple(one["group"][:_MARGIN]) in {group[:_MARGIN] for group in groups}
        ],
    )
    key = secrets.token_bytes(32)
    kept = [child for child in children if child.group in released.groups]
    usual = _usual_families(kept, agreement.smallest_group)
    rows = sorted((_row(child, key, usual) for child in kept), key=lambda row: (row[3], row[0]))
    basis = {
        "groups": [
            {"group": list(group), "students": sorted(ids)}
            for group, ids in sorted(released.groups.items(), key=lambda one: str(one[0]))
        ]
    }
    return exports.keep(
        session,
        Sheet("research", COLUMNS, rows, frozenset(child.student_id for child in kept)),
        kind=exports.RESEARCH,
        format_=format_,
        purpose=agreement.purpose,
        by=by,
        at=at,
        agreement_id=agreement.agreement_id,
        suppressed=len(children) - len(kept),
        pseudonym_key=key,
        basis=json.loads(json.dumps(basis)),
    )


def _usual_families(children: Sequence[_Child], k: int) -> set[tuple[str, str]]:
    """Families, by quarter and household, of whom at least k have the same children."""
    homes: dict[tuple[str, str], list[str]] = {}
    for child in children:
        home = (child.group[1], child.household_key)
        homes.setdefault(home, []).append(str(child.group))
    alike = Counter(tuple(sorted(groups)) for groups in homes.values())
    return {home for home, groups in homes.items() if alike[tuple(sorted(groups))] >= k}


def _row(child: _Child, key: bytes, usual: Collection[tuple[str, str]]) -> tuple[object, ...]:
    school_id, quarter, grade_level, sex = child.group
    joined = (quarter, child.household_key) in usual
    home = child.household_key if joined else f"student-{child.student_id}"
    return (
        pseudonym(key, f"student {quarter}", child.student_id),
        pseudonym(key, f"household {quarter}", home),
        pseudonym(key, "school", school_id),
        quarter,
        grade_level,
        sex,
        int(child.listed),
        child.track,
        int(child.in_lottery),
        child.probability,
        int(child.visited),
    )


def _children(session: Session, schools: Sequence[str]) -> list[_Child]:
    """Every child of every published list of some schools who may be in research."""
    sexes: dict[str, str | None] = {
        row[0]: row[1] for row in session.execute(select(Student.student_id, Student.sex))
    }
    out = outside_research(session)
    visited = _visited(session)
    query = select(VisitList.frozen, VisitList.frozen_sha256).where(
        VisitList.school_id.in_(schools), VisitList.status == "published"
    )
    found = []
    for frozen, sha256 in session.execute(query):
        document = opened(frozen, sha256)
        header = document["header"]
        for household in document["households"]:
            lot = household["lottery"]
            for child in household["children"]:
                id_ = child["student_id"]
                if id_ in out or id_ not in sexes:  # objected, or erased
                    continue
                level = header["classes"].get(child["class_id"] or "", {}).get("grade_level")
                found.append(
                    _Child(
                        student_id=id_,
                        household_key=household["household_key"],
                        group=(header["school_id"], header["quarter"], level, sexes[id_]),
                        listed=household["listed"],
                        track=household["track"],
                        in_lottery=lot is not None,
                        probability=lot["probability"] if lot else float(household["listed"]),
                        visited=(id_, header["quarter"]) in visited,
                    )
                )
    return found


def _visited(session: Session) -> set[tuple[str, str]]:
    """Who was visited in which quarter, by the list on which the visit stood."""
    query = (
        select(VisitStudent.student_id, VisitList.quarter)
        .join(Visit, Visit.visit_id == VisitStudent.visit_id)
        .join(VisitListItem, VisitListItem.item_id == Visit.item_id)
        .join(VisitList, VisitList.visit_list_id == VisitListItem.visit_list_id)
        .where(Visit.status == "done")
    )
    return {(row[0], row[1]) for row in session.execute(query)}


def outside_research(session: Session) -> frozenset[str]:
    """Students of whom no research is made: objected, or agreement to research taken back."""
    return objecting_students(session) | _refused_research(session)


def _refused_research(session: Session) -> set[str]:
    """Whose guardians agreed to research once and took it back."""
    standing: dict[str, bool] = {}
    query = select(Consent.student_id, Consent.withdrawn_at).where(Consent.purpose == "research")
    for student_id, withdrawn_at in session.execute(query):
        standing[student_id] = standing.get(student_id, False) or withdrawn_at is None
    return {student_id for student_id, agrees in standing.items() if not agrees}
