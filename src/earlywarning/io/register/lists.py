"""Saving, publishing and opening visit lists. A list is there whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import ArtifactError, Conflict, NotFound
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import VisitList, VisitListItem, VisitListStudent
from earlywarning.io.register.plan_tables import ItemPlace
from earlywarning.visits.frozen import digest, opened

if TYPE_CHECKING:
    # The service reads lists and makes none; what makes them loads Polars.
    from earlywarning.visits.visit_list import VisitListDraft

DRAFT = "draft"
PUBLISHED = "published"
PUBLICATION = "visit_list.published"
"""What the audit calls it."""

STATUSES = (DRAFT, PUBLISHED, "withdrawn")


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list without its content.

    Attributes
    ----------
    header : dict
        See `visits.visit_list.VisitListDraft`.
    """

    visit_list_id: str
    school_id: str
    quarter: str
    revision: int
    status: str
    as_of_date: date
    made_at: datetime
    made_by: str
    published_at: datetime | None
    published_by: str | None
    snapshot_id: str
    seed: int
    header: dict[str, Any]
    frozen_sha256: str


COLUMNS = tuple(getattr(VisitList, name) for name in ListRow.__slots__)
"""All of a list but the frozen bytes, which can be large."""


def new_id() -> str:
    """A random id."""
    return uuid.uuid4().hex


def save(
    register: Register,
    drafts: Iterable[VisitListDraft],
    *,
    by: str,
    at: datetime,
    publish: bool,
    id_source: Callable[[], str] = new_id,
) -> list[ListRow]:
    """Save lists, one for each school, in one transaction; older drafts are replaced.

    Parameters
    ----------
    drafts : iterable of VisitListDraft
        Of one quarter; each school once. Each is let go when it is written.
    by : str
        Who did it.
    at : datetime
        Now, in UTC without zone.
    publish : bool
        Whether they are published at once.

    Raises
    ------
    Conflict
        If one of the schools already has a published list; nothing was saved.
    """
    try:
        with register.session(writing=True) as session:
            saved = []
            for draft in drafts:
                _refuse_second(session, draft.header["school_id"], draft.header["quarter"])
                saved.append(
                    _insert(session, draft, by=by, at=at, publish=publish, id_source=id_source)
                )
            for row in saved:
                _audit(session, ListRow(*(row[name] for name in ListRow.__slots__)), by=by, at=at)
            session.commit()
    except IntegrityError as error:
        raise Conflict(
            "somebody published a list of this quarter at the same moment; nothing was saved, "
            "look at theirs"
        ) from error
    return find(register, [row["visit_list_id"] for row in saved])


def publish_drafts(
    register: Register, rows: Sequence[ListRow], *, by: str, at: datetime
) -> list[ListRow]:
    """Publish drafts as they were seen, all of them or none.

    Raises
    ------
    Conflict
        If one was replaced, or published by somebody else, since it was read.
    ArtifactError
        If a draft's frozen record does not match its hash.
    """
    with register.session(writing=True) as session:
        for row in rows:
            _refuse_second(session, row.school_id, row.quarter)
            frozen = session.scalar(
                select(VisitList.frozen).where(
                    VisitList.visit_list_id == row.visit_list_id,
                    VisitList.status == DRAFT,
                    VisitList.frozen_sha256 == row.frozen_sha256,
                )
            )
            if frozen is None:
                raise _replaced(row)
            if digest(frozen) != row.frozen_sha256:
                raise ArtifactError(
                    f"the draft of school {row.school_id} for {row.quarter} was changed after it "
                    "was made; nothing was published: make the draft again"
                )
            # Two who read the draft at once both come this far; only one still finds a draft.
            changed = session.execute(
                update(VisitList)
                .where(VisitList.visit_list_id == row.visit_list_id, VisitList.status == DRAFT)
                .values(status=PUBLISHED, published_at=at, published_by=by)
            )
            if changed.rowcount != 1:  # type: ignore[attr-defined]
                _refuse_second(session, row.school_id, row.quarter)
                raise _replaced(row)
            _audit(session, replace(row, status=PUBLISHED), by=by, at=at)
        session.commit()
    return find(register, [row.visit_list_id for row in rows])


def of_quarter(register: Register, quarter: str, *, status: str) -> list[ListRow]:
    """The lists of a quarter with one status, by school."""
    query = (
        select(*COLUMNS)
        .where(VisitList.quarter == quarter, VisitList.status == status)
        .order_by(VisitList.school_id)
    )
    with register.session() as session:
        return [ListRow(*row) for row in session.execute(query)]


def everything(register: Register) -> list[ListRow]:
    """All lists, newest quarter first."""
    query = select(*COLUMNS).order_by(
        VisitList.as_of_date.desc(), VisitList.quarter.desc(), VisitList.school_id,
        VisitList.revision.desc(),
    )  # fmt: skip
    with register.session() as session:
        return [ListRow(*row) for row in session.execute(query)]


def find(register: Register, visit_list_ids: Iterable[str]) -> list[ListRow]:
    """Lists by id, in the order asked for.

    Raises
    ------
    NotFound
        If one does not exist.
    """
    wanted = list(visit_list_ids)
    with register.session() as session:
        rows = {
            row.visit_list_id: ListRow(*row)
            for row in session.execute(select(*COLUMNS).where(VisitList.visit_list_id.in_(wanted)))
        }
    for visit_list_id in wanted:
        if visit_list_id not in rows:
            raise _unknown(visit_list_id)
    return [rows[visit_list_id] for visit_list_id in wanted]


def frozen_record(register: Register, visit_list_id: str) -> tuple[bytes, dict[str, Any]]:
    """The frozen bytes of a list, their hash checked, and the document in them.

    Raises
    ------
    NotFound
        If there is no such list.
    ArtifactError
        If the bytes were changed after they were frozen.
    """
    with register.session() as session:
        found = session.execute(
            select(VisitList.frozen, VisitList.frozen_sha256).where(
                VisitList.visit_list_id == visit_list_id
            )
        ).one_or_none()
    if found is None:
        raise _unknown(visit_list_id)
    return found.frozen, opened(found.frozen, found.frozen_sha256)


def _unknown(visit_list_id: str) -> NotFound:
    return NotFound(f"there is no visit list {visit_list_id!r}; `earlywarning lists` shows all")


def _refuse_second(session: Session, school_id: str, quarter: str) -> None:
    first = session.execute(
        select(VisitList.published_by, VisitList.published_at).where(
            VisitList.school_id == school_id,
            VisitList.quarter == quarter,
            VisitList.status == PUBLISHED,
        )
    ).one_or_none()
    if first is not None:
        raise already_published(school_id, quarter, *first)


def _replaced(row: ListRow) -> Conflict:
    return Conflict(
        f"the draft of school {row.school_id} for {row.quarter} was replaced since it was read; "
        "nothing was published: look at the new draft first"
    )


def already_published(
    school_id: str, quarter: str, by: str | None, at: datetime | None
) -> Conflict:
    """The error that names who published a list, and when."""
    when = f"{at:%Y-%m-%d %H:%M} UTC" if at else "an unknown time"
    return Conflict(
        f"the list of school {school_id} for {quarter} was already published by {by} at {when}; "
        "a published list stays as it is"
    )


def _audit(session: Session, row: ListRow, *, by: str, at: datetime) -> None:
    """The hash of what was frozen goes into the audit: nobody can change both unseen."""
    record(
        session,
        actor=by,
        action=PUBLICATION if row.status == PUBLISHED else "visit_list.drafted",
        entity="visit_list",
        entity_id=row.visit_list_id,
        detail={
            "school_id": row.school_id,
            "quarter": row.quarter,
            "revision": row.revision,
            "frozen_sha256": row.frozen_sha256,
        },
        at=at,
    )


def _insert(
    session: Session,
    draft: VisitListDraft,
    *,
    by: str,
    at: datetime,
    publish: bool,
    id_source: Callable[[], str],
) -> dict[str, Any]:
    header = draft.header
    place = (
        VisitList.school_id == header["school_id"],
        VisitList.quarter == header["quarter"],
    )
    session.execute(delete(VisitList).where(*place, VisitList.status == DRAFT))
    last = session.scalar(select(func.max(VisitList.revision)).where(*place)) or 0
    row = {
        "visit_list_id": id_source(),
        "school_id": header["school_id"],
        "quarter": header["quarter"],
        "revision": last + 1,
        "status": PUBLISHED if publish else DRAFT,
        "as_of_date": date.fromisoformat(header["as_of_date"]),
        "made_at": at,
        "made_by": by,
        "published_at": at if publish else None,
        "published_by": by if publish else None,
        "snapshot_id": header["snapshot_id"],
        "seed": header["seed"],
        "header": header,
        "frozen": draft.frozen,
        "frozen_sha256": draft.sha256,
    }
    session.execute(insert(VisitList), [row])
    items, students = _rows(draft, row["visit_list_id"], id_source)
    if items:
        session.execute(insert(VisitListItem), items)
        session.execute(insert(ItemPlace), _places(draft, items))
        session.execute(insert(VisitListStudent), students)
    return {name: value for name, value in row.items() if name != "frozen"}


def _places(draft: VisitListDraft, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "item_id": item["item_id"],
            "rank": household["rank"],
            "excluded": household["excluded"],
            "occasion": household.get("occasion"),
            "others_told": household.get("others_told", []),
        }
        for item, household in zip(items, draft.households, strict=True)
    ]


def _rows(
    draft: VisitListDraft, visit_list_id: str, id_source: Callable[[], str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    items: list[dict[str, Any]] = []
    students: list[dict[str, Any]] = []
    for household in draft.households:
        item_id = id_source()
        items.append(
            {
                "item_id": item_id,
                "visit_list_id": visit_list_id,
                "household_key": household["household_key"],
                "household_id": household["household_id"],
                "lead_staff_id": household["lead"],
                "class_id": household["class_id"],
                "position": household["position"],
                "track": household["track"],
                "band": household["band"],
            }
        )
        students += [
            {
                "item_id": item_id,
                "student_id": child["student_id"],
                "class_id": child["class_id"],
                "reasons": child["reasons"],
                "completeness": child["completeness"],
            }
            for child in household["children"]
        ]
    return items, students
