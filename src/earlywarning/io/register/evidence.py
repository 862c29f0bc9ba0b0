"""Evidence as the register keeps it: frozen lists whose hashes hold, studies registered before
outcomes were known, and results under the hash of what they rest on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from earlywarning.errors import ArtifactError, Conflict, NotFound
from earlywarning.impact.columns import FORMAT
from earlywarning.impact.study import Study, of_values
from earlywarning.io.register import audit_check, audit_head, audit_log
from earlywarning.io.register.db import Register
from earlywarning.io.register.evidence_tables import ImpactResult, ImpactStudy
from earlywarning.io.register.lists import PUBLISHED, new_id
from earlywarning.io.register.models import VisitList
from earlywarning.visits.frozen import opened

if TYPE_CHECKING:
    from earlywarning.impact.panel import FrozenList


@dataclass(frozen=True, slots=True)
class Registered:
    """A study as it was registered.

    Attributes
    ----------
    study : Study
    sha256 : str
        Of the design; checked.
    facts_until : date or None
        Newest day of attendance that the facts held then.
    """

    study_id: str
    study: Study
    sha256: str
    registered_at: datetime
    registered_by: str
    facts_until: date | None


def frozen_lists(
    register: Register, *, since: str, until: str, head_file: Path | None = None
) -> list[FrozenList]:
    """The published lists of some quarters, each as it was frozen.

    Parameters
    ----------
    since, until : str
        First and last quarter code.
    head_file : Path, optional
        The audit's head, copied aside.

    Raises
    ------
    NotFound
        If no list of these quarters was published.
    ArtifactError
        If a list is not the one that was frozen or published, does not follow its own seed, or the
        audit is not whole: secret changes at a cut bias every estimate, and no statistic sees them.
    """
    # Only here: the service shows studies, and computes none.
    from earlywarning.impact.panel import FrozenList
    from earlywarning.impact.redraw import faults

    with register.session() as session:
        kept = audit_head.kept(head_file)
        heads = [] if kept is None else [(str(head_file), kept)]
        checked = audit_check.verify(session, heads)
        if checked.faults:
            raise ArtifactError(
                f"the audit is not whole ({checked.faults[0]}); no effect is computed from it: "
                "`earlywarning audit verify` shows everything that is wrong"
            )
        rows = session.execute(
            select(VisitList.visit_list_id, VisitList.frozen, VisitList.frozen_sha256)
            .where(
                VisitList.status == PUBLISHED, VisitList.quarter >= since,
                VisitList.quarter <= until,
            )
            .order_by(VisitList.quarter, VisitList.school_id)
        ).all()  # fmt: skip
    if not rows:
        raise NotFound(
            f"no list was published from {since} to {until}; `earlywarning lists` shows all"
        )
    lists = [FrozenList(opened(frozen, sha256), sha256) for _, frozen, sha256 in rows]
    for (id_, *_), one in zip(rows, lists, strict=True):
        wrong = faults(one.document)
        if wrong:
            raise ArtifactError(
                f"visit list {id_}: {wrong[0]}; it does not follow its own seed and scores, so no "
                "effect is computed from it: find out who published it"
            )
    return lists


def register_study(
    register: Register, study: Study, *, facts_until: date | None, first_day: date, by: str,
    at: datetime,
) -> Registered:  # fmt: skip
    """Stamp a design, before its outcomes are known.

    Parameters
    ----------
    facts_until : date or None
        Newest day of attendance in the facts.
    first_day : date
        First day of the study's first quarter.

    Raises
    ------
    Conflict
        If outcomes of the study are known already, or another study has the name.
    """
    if facts_until is not None and facts_until >= first_day:
        raise Conflict(
            f"study {study.name!r} starts on {first_day}, but attendance up to {facts_until} is "
            "already known: a design is written before its outcomes. Let it start with a later "
            "quarter; the past can be looked at without a registered design, and the report then "
            "says so"
        )
    row = {
        "study_id": new_id(), "name": study.name, "first_quarter": study.first_quarter,
        "last_quarter": study.last_quarter, "registered_at": at, "registered_by": by,
        "snapshot_id": register.current_snapshot(), "facts_until": facts_until,
        "design": study.canonical(), "design_sha256": study.sha256,
    }  # fmt: skip
    try:
        with register.session(writing=True) as session:
            session.execute(insert(ImpactStudy), [row])
            audit_log.record(
                session, actor=by, action="impact.study_registered", entity="impact_study",
                entity_id=row["study_id"], detail={"design_sha256": study.sha256}, at=at,
            )  # fmt: skip
            session.commit()
    except IntegrityError as error:
        raise Conflict(
            f"a study named {study.name!r} is registered already and stays as it is; give the new "
            "one another name"
        ) from error
    return find(register, study.name)


def studies(register: Register) -> list[Registered]:
    """Every registered study, oldest first, its hash checked."""
    with register.session() as session:
        rows = session.scalars(
            select(ImpactStudy).order_by(ImpactStudy.registered_at, ImpactStudy.name)
        ).all()
    return [_registered(row) for row in rows]


def not_started(register: Register, quarter: str) -> set[str]:
    """Leads who do not visit yet in a quarter, by the drawn order of a registered study."""
    waiting: set[str] = set()
    for one in studies(register):
        study = one.study
        if study.roll_out and study.first_quarter <= quarter <= study.last_quarter:
            waiting |= {
                lead.split("/", 1)[1]
                for lead, start in study.roll_out.items()
                if start is None or start > quarter
            }
    return waiting


def find(register: Register, name: str) -> Registered:
    """A study by name or id.

    Raises
    ------
    NotFound
        If there is none.
    ArtifactError
        If its design was changed after it was registered.
    """
    with register.session() as session:
        row = session.scalars(
            select(ImpactStudy).where((ImpactStudy.name == name) | (ImpactStudy.study_id == name))
        ).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no registered study {name!r}; `earlywarning impact studies` shows all"
        )
    return _registered(row)


def _registered(row: ImpactStudy) -> Registered:
    found = hashlib.sha256(row.design).hexdigest()
    if found != row.design_sha256:
        raise ArtifactError(
            f"study {row.name!r}: its design was changed after it was registered (hash "
            f"{found[:12]}…, recorded {row.design_sha256[:12]}…); restore a backup"
        )
    return Registered(
        row.study_id, of_values(json.loads(row.design)), row.design_sha256, row.registered_at,
        row.registered_by, row.facts_until,
    )  # fmt: skip


def result_key(*parts: str) -> str:
    """The hash under which a result is kept: over data, design, lists and program."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def kept_result(register: Register, key: str) -> dict[str, Any] | None:
    """A result that was made before from the same data, design and program."""
    with register.session() as session:
        found = session.scalar(select(ImpactResult.result).where(ImpactResult.result_sha256 == key))
    return None if found is None else json.loads(found)


def keep_result(
    register: Register, key: str, result: Mapping[str, Any], *, study_id: str | None, by: str,
    at: datetime,
) -> None:  # fmt: skip
    """Keep a result, on record; one that is there already is the same."""
    text = json.dumps(result, sort_keys=True, allow_nan=False).encode()
    with register.session(writing=True) as session:
        if session.get(ImpactResult, key) is None:
            session.add(ImpactResult(result_sha256=key, study_id=study_id, made_at=at, result=text))
            audit_log.record(
                session, actor=by, action="impact.result_made", entity="impact_study",
                entity_id=study_id or "first-look", detail={"result": key}, at=at,
            )  # fmt: skip
            session.commit()


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it was kept.

    Attributes
    ----------
    result : dict
        As `impact.analysis.analyse` gives it, and `origin`.
    made_at : datetime
    """

    result: dict[str, Any]
    made_at: datetime


def newest_result(register: Register, study_id: str) -> Kept | None:
    """The newest result of a study that this version of the program can read."""
    with register.session() as session:
        found = session.execute(
            select(ImpactResult.result, ImpactResult.made_at)
            .where(ImpactResult.study_id == study_id)
            .order_by(ImpactResult.made_at.desc())
            .limit(1)
        ).one_or_none()
    if found is None:
        return None
    result = json.loads(found.result)
    return Kept(result, found.made_at) if result.get("format") == FORMAT else None
