"""What people decide about a family's place on a published list; the list itself stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.errors import DataError, NotFound
from earlywarning.io.register import audit_log, families
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import Stale, Students
from earlywarning.io.register.models import VisitList, VisitListItem
from earlywarning.io.register.visit_tables import ItemOverride
from earlywarning.visits import overriding
from earlywarning.visits.overriding import Decision

WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """What holds for one family, and since when.

    Attributes
    ----------
    revision : int
        0 where nobody decided anything yet.
    action : str or None
        One of `overriding.ACTIONS`; None where nothing was decided, or it was taken back.
    original_position : int or None
        The place that the list gave; None for a family without a place.
    """

    item_id: str
    revision: int
    action: str | None
    reason_code: str | None
    note: str | None
    expires_on: date | None
    original_position: int | None
    made_by: str | None
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class OverrideContent:
    """What a person decides.

    Attributes
    ----------
    action : str
        One of `overriding.ACTIONS`.
    reason_code : str
        One of `overriding.REASONS` of the action.
    note : str or None
        In words; needed for the reason `other`.
    expires_on : date or None
        The last day on which it holds; None as long as the list.
    """

    action: str
    reason_code: str
    note: str | None = None
    expires_on: date | None = None


def current(
    session: Session,
    visible: Students,
    visit_list_id: str,
    item_id: str,
    *,
    lead: str | None = None,
) -> OverrideRow:
    """What holds for a family of a published list.

    Parameters
    ----------
    lead : str, optional
        Only if this member of staff leads the visit.

    Raises
    ------
    NotFound
        There is no such family on this list, or the caller may see none of its children.
    """
    families.find(session, visible, item_id=item_id)
    place = session.execute(
        select(VisitListItem.position, VisitListItem.lead_staff_id).where(
            VisitListItem.item_id == item_id, VisitListItem.visit_list_id == visit_list_id
        )
    ).one_or_none()
    if place is None or (lead is not None and place.lead_staff_id != lead):
        raise NotFound("there is no such family on this list, or not for you")
    found = _newest(session, visit_list_id, item_id)
    nothing = OverrideRow(item_id, 0, None, None, None, None, place.position, None, None)
    return found.get(item_id, nothing)


def put(
    register: Register,
    visit_list_id: str,
    item_id: str,
    content: OverrideContent,
    *,
    visible: Students,
    revision: int,
    actor: str,
    at: datetime,
    today: date,
    lead: str | None = None,
) -> OverrideRow:
    """Decide about a family's place.

    Parameters
    ----------
    revision : int
        What the caller read; see `current`.

    Raises
    ------
    NotFound
        As `current`.
    Stale
        Somebody decided after the caller read.
    DataError
        Action and reason do not fit the family or each other, or the end lies in the past.
    """
    _check(content, today)
    return _add(register, visit_list_id, item_id, content, visible=visible, revision=revision,
                actor=actor, at=at, lead=lead)  # fmt: skip


def withdraw(
    register: Register,
    visit_list_id: str,
    item_id: str,
    *,
    visible: Students,
    revision: int,
    actor: str,
    at: datetime,
    lead: str | None = None,
) -> OverrideRow:
    """Take a decision back; what was decided stays on record. Errors as of `put`."""
    return _add(register, visit_list_id, item_id, None, visible=visible, revision=revision,
                actor=actor, at=at, lead=lead)  # fmt: skip


def _check(content: OverrideContent, today: date) -> None:
    if content.reason_code not in overriding.REASONS[content.action]:
        raise DataError(
            f"reason_code: for {content.action} one of "
            f"{', '.join(overriding.REASONS[content.action])}"
        )
    if content.reason_code == "other" and not (content.note or "").strip():
        raise DataError("note: say in words what the reason is")
    if content.expires_on is not None and content.expires_on < today:
        raise DataError("expires_on: today or later")


def _add(
    register: Register,
    visit_list_id: str,
    item_id: str,
    content: OverrideContent | None,
    *,
    visible: Students,
    revision: int,
    actor: str,
    at: datetime,
    lead: str | None,
) -> OverrideRow:
    try:
        with register.session(writing=True) as session:
            before = current(session, visible, visit_list_id, item_id, lead=lead)
            if before.revision != revision:
                raise Stale("somebody decided about this family after you read it")
            if content is None and before.action is None:
                raise NotFound("nothing was decided about this family")
            listed = before.original_position is not None
            if content is not None and not overriding.fits(content.action, listed=listed):
                raise DataError(
                    "action: only a family without a place is added; one with a place is moved "
                    "up, deferred or removed"
                )
            session.execute(
                insert(ItemOverride).values(
                    item_id=item_id,
                    revision=revision + 1,
                    visit_list_id=visit_list_id,
                    action=content.action if content else WITHDRAWN,
                    reason_code=content.reason_code if content else None,
                    note=content.note if content else None,
                    expires_on=content.expires_on if content else None,
                    original_position=before.original_position,
                    made_by=actor,
                    made_at=at,
                )
            )
            audit_log.record(
                session,
                actor=actor,
                action="override.made" if content else "override.withdrawn",
                entity="visit_list_item",
                entity_id=item_id,
                detail={
                    "action": content.action if content else WITHDRAWN,
                    "reason_code": content.reason_code if content else None,
                    "revision": revision + 1,
                },
                at=at,
            )
            session.commit()
            return current(session, visible, visit_list_id, item_id, lead=lead)
    except IntegrityError as error:
        raise Stale("somebody decided about this family at the same moment") from error


def of_list(session: Session, visit_list_id: str) -> dict[str, OverrideRow]:
    """The newest decision about each family of a list that has one, by item id."""
    return _newest(session, visit_list_id)


def decisions(rows: Mapping[str, OverrideRow]) -> dict[str, Decision]:
    """What holds, for `overriding.in_order`."""
    return {
        item_id: Decision(row.action, row.expires_on)
        for item_id, row in rows.items()
        if row.action is not None
    }


def _newest(
    session: Session, visit_list_id: str, item_id: str | None = None
) -> dict[str, OverrideRow]:
    last = (
        select(ItemOverride.item_id, func.max(ItemOverride.revision).label("revision"))
        .where(ItemOverride.visit_list_id == visit_list_id)
        .group_by(ItemOverride.item_id)
    )
    if item_id is not None:
        last = last.where(ItemOverride.item_id == item_id)
    newest = last.subquery()
    columns = [getattr(ItemOverride, name) for name in OverrideRow.__slots__]
    query = select(*columns).join(
        newest,
        (newest.c.item_id == ItemOverride.item_id) & (newest.c.revision == ItemOverride.revision),
    )
    rows = [OverrideRow(*row) for row in session.execute(query)]
    return {row.item_id: _plain(row) for row in rows}


def _plain(row: OverrideRow) -> OverrideRow:
    """A decision that was taken back decides nothing."""
    if row.action != WITHDRAWN:
        return row
    return OverrideRow(row.item_id, row.revision, None, None, None, None,
                       row.original_position, row.made_by, row.made_at)  # fmt: skip


def rates(session: Session, school_ids: list[str] | None = None) -> list[tuple[str, str, str, int]]:
    """How often each action was taken and why, by quarter: for those who look after the models.

    Returns
    -------
    list of (quarter, action, reason_code, count)
    """
    query = (
        select(
            VisitList.quarter, ItemOverride.action, ItemOverride.reason_code, func.count()
        )
        .join(VisitList, VisitList.visit_list_id == ItemOverride.visit_list_id)
        .where(ItemOverride.action != WITHDRAWN)
        .group_by(VisitList.quarter, ItemOverride.action, ItemOverride.reason_code)
        .order_by(VisitList.quarter, ItemOverride.action, ItemOverride.reason_code)
    )  # fmt: skip
    if school_ids is not None:
        query = query.where(VisitList.school_id.in_(school_ids))
    return [(row[0], row[1], row[2] or "", row[3]) for row in session.execute(query)]
