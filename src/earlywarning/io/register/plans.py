"""Plans of lists: made, made again, changed by hand; the numbers of assignment letters."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from earlywarning.calendar import Quarter
from earlywarning.errors import Conflict, DataError, NotFound
from earlywarning.io.register import audit_log, plan_basis
from earlywarning.io.register.db import Register
from earlywarning.io.register.families import Stale
from earlywarning.io.register.models import Staff, VisitList, VisitListItem
from earlywarning.io.register.plan_tables import LetterSeries, Plan, PlannedVisit
from earlywarning.visit_rules import Planning
from earlywarning.visits.plan_task import Planned

if TYPE_CHECKING:
    from earlywarning.visits.schedule import Schedule

MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True, slots=True)
class Change:
    """What a person sets of a planned visit. The visit then stays so when the plan is made again.

    Attributes
    ----------
    week : date
        A Monday.
    slot : str
    companion : str or None
        Staff id.
    on_date : date or None
        A day of that week.
    pinned : bool
        False gives it back to the next planning.
    """

    week: date
    slot: str
    companion: str | None = None
    on_date: date | None = None
    pinned: bool = True


def new_id() -> str:
    """A random id."""
    return uuid.uuid4().hex


def make(
    register: Register,
    visit_list_id: str,
    *,
    quarter: Quarter,
    rules: Planning,
    by: str,
    actor: str,
    at: datetime,
    today: date,
    id_source: Callable[[], str] = new_id,
) -> str:
    """Plan a published list, or plan it again; what people set by hand stays.

    Parameters
    ----------
    quarter : Quarter
        Of the list.
    by, actor : str
        Who did it, for people and for the audit.
    at, today
        Now, in UTC without zone, and the date at the school.

    Returns
    -------
    str
        The plan's id.

    Raises
    ------
    NotFound
        If there is no such list.
    Conflict
        If it is not published, or somebody changed the plan meanwhile.
    """
    with register.session() as session:
        status = session.scalar(
            select(VisitList.status).where(VisitList.visit_list_id == visit_list_id)
        )
        if status is None:
            raise NotFound(f"there is no visit list {visit_list_id!r}")
        if status != "published":
            raise Conflict("only a published list is planned; publish it first")
        basis = plan_basis.read(session, visit_list_id, quarter, rules, since=today)
    from earlywarning.visits.schedule import plan  # the solver, only where a plan is made

    made = plan(basis.task)  # may take seconds: nobody waits for the register meanwhile
    try:
        with register.session(writing=True) as session:
            plan_id = _write(
                session, visit_list_id, basis, made, rules, by=by, at=at, id_source=id_source
            )
            audit_log.record(
                session, actor=actor, action="plan.made", entity="visit_list",
                entity_id=visit_list_id, at=at,
                detail={"visits": len(made.planned), "conflicts": len(made.conflicts)},
            )  # fmt: skip
            session.commit()
    except IntegrityError as error:
        raise Conflict("somebody made this plan at the same moment; look at theirs") from error
    return plan_id


def _write(
    session: Session,
    visit_list_id: str,
    basis: plan_basis.Basis,
    made: Schedule,
    rules: Planning,
    *,
    by: str,
    at: datetime,
    id_source: Callable[[], str],
) -> str:
    found = session.scalar(
        select(Plan).where(Plan.visit_list_id == visit_list_id).with_for_update()
    )
    if (0 if found is None else found.revision) != basis.revision:
        raise Conflict("the plan was changed while it was made again; look at it, then try again")
    if found is None:
        found = Plan(plan_id=id_source(), visit_list_id=visit_list_id, revision=0)
        session.add(found)
    found.revision += 1
    found.made_at, found.made_by = at, by
    found.rules = {"visits_per_week": rules.visits_per_week, "accompany": rules.accompany}
    found.conflicts = [
        {"code": one.loosened.kind, "whose": one.loosened.whose,
         "against": [asdict(wish) for wish in one.against]}
        for one in made.conflicts
    ]  # fmt: skip
    session.flush()
    leads = {one.item_id: one for one in basis.task.families}
    before = {
        one.item_id: one
        for one in session.scalars(
            select(PlannedVisit).where(PlannedVisit.plan_id == found.plan_id)
        )
    }
    for one in made.planned:
        family = leads[one.item_id]
        row = before.pop(one.item_id, None)
        _keep(
            session, row, one, plan_id=found.plan_id, lead=family.lead,
            done=one.item_id in basis.done, by=by, at=at, id_source=id_source,
        )  # fmt: skip
    # Taken off the list by a person since. A letter that was numbered stays, so none is missing.
    for row in before.values():
        if row.letter_number is None and not row.pinned:
            session.execute(
                delete(PlannedVisit).where(PlannedVisit.planned_visit_id == row.planned_visit_id)
            )
        elif row.status == "planned":
            row.status, row.revision = "cancelled", row.revision + 1
            row.changed_at, row.changed_by = at, by
    return found.plan_id


def _keep(
    session: Session,
    row: PlannedVisit | None,
    one: Planned,
    *,
    plan_id: str,
    lead: str | None,
    done: bool,
    by: str,
    at: datetime,
    id_source: Callable[[], str],
) -> None:
    values = {
        "lead_staff_id": lead,
        "companion_staff_id": one.companion,
        "companion_needed": one.companion_needed,
        "week": one.monday,
        "slot": one.slot,
        "loosened": list(one.loosened),
    }
    if row is None:
        session.add(
            PlannedVisit(
                planned_visit_id=id_source(), plan_id=plan_id, item_id=one.item_id, on_date=None,
                pinned=False, status="done" if done else "planned", revision=1, changed_at=at,
                changed_by=by, **values,
            )
        )  # fmt: skip
        return
    status = "done" if done else row.status
    same = status == row.status and all(getattr(row, key) == new for key, new in values.items())
    if same:
        return
    if (row.week, row.slot) != (one.monday, one.slot):
        row.on_date = None
    for key, new in values.items():
        setattr(row, key, new)
    row.status, row.revision = status, row.revision + 1
    row.changed_at, row.changed_by = at, by


def change(
    register: Register,
    planned_visit_id: str,
    wanted: Change,
    *,
    revision: int,
    quarter: Quarter,
    rules: Planning,
    despite: bool,
    by: str,
    actor: str,
    at: datetime,
) -> int:
    """Set a planned visit by hand.

    Parameters
    ----------
    revision : int
        The one that was read.
    despite : bool
        Set it although it goes against wishes; else such a change is refused and the wishes named.

    Returns
    -------
    int
        The new revision.

    Raises
    ------
    NotFound, Stale
        If it is not there, or was changed since.
    DataError
        `field: what is allowed`, for what can never be.
    AgainstWishes
        If it goes against wishes and `despite` is false.
    """
    with register.session(writing=True) as session:
        row = session.get(PlannedVisit, planned_visit_id, with_for_update=True)
        if row is None:
            raise NotFound("there is no such planned visit")
        if row.revision != revision:
            raise Stale
        if row.status != "planned":
            raise DataError("status: the visit is over; only a planned one can be moved")
        found = session.get_one(Plan, row.plan_id)
        _allowed(session, row, wanted, quarter)
        against = _against(session, found.visit_list_id, row, wanted, quarter, rules)
        if against and not despite:
            raise AgainstWishes(against)
        row.week, row.slot, row.on_date = wanted.week, wanted.slot, wanted.on_date
        row.companion_staff_id, row.pinned = wanted.companion, wanted.pinned
        row.loosened, row.revision = list(against), row.revision + 1
        row.changed_at, row.changed_by = at, by
        found.revision += 1
        audit_log.record(
            session, actor=actor, action="planned_visit.changed", entity="planned_visit",
            entity_id=planned_visit_id, at=at,
            detail={"week": wanted.week.isoformat(), "slot": wanted.slot,
                    "against": list(against)},
        )  # fmt: skip
        session.commit()
        return row.revision


class AgainstWishes(Conflict):
    """A change by hand goes against wishes; `wishes` has their codes."""

    def __init__(self, wishes: Sequence[str]) -> None:
        super().__init__(f"the change goes against: {', '.join(wishes)}; confirm it to keep it")
        self.wishes = tuple(wishes)


def _allowed(session: Session, row: PlannedVisit, wanted: Change, quarter: Quarter) -> None:
    if wanted.week.weekday() != 0:
        raise DataError("week: must be a Monday, the first day of the week")
    days = (wanted.week - quarter.start).days
    if days <= -7 or wanted.week >= quarter.end:
        raise DataError("week: must be a week of the list's quarter")
    if wanted.on_date is not None and not 0 <= (wanted.on_date - wanted.week).days < 7:
        raise DataError("on_date: must be a day of that week")
    if wanted.companion is not None:
        if wanted.companion == row.lead_staff_id:
            raise DataError("companion_staff_id: must be somebody else than the lead")
        school = session.scalar(
            select(VisitList.school_id)
            .join(VisitListItem, VisitListItem.visit_list_id == VisitList.visit_list_id)
            .where(VisitListItem.item_id == row.item_id)
        )
        member = session.get(Staff, wanted.companion)
        if member is None or member.school_id != school:
            raise DataError("companion_staff_id: must be a member of the school's staff")


def _against(
    session: Session,
    visit_list_id: str,
    row: PlannedVisit,
    wanted: Change,
    quarter: Quarter,
    rules: Planning,
) -> tuple[str, ...]:
    """Codes of the wishes that a change goes against."""
    from earlywarning.visits.plan_task import needs_companion

    basis = plan_basis.read(session, visit_list_id, quarter, rules, since=quarter.start)
    task = basis.task
    found = []
    family = next((one for one in task.families if one.item_id == row.item_id), None)
    if family is not None:
        if wanted.slot not in family.adults:
            found.append("availability")
        lead = task.teachers.get(family.lead or "")
        needed = lead is not None and needs_companion(lead, family, wanted.slot)
        if needed and wanted.companion is None:
            found.append("companion")
    open_ = {week.monday: week.slots for week in task.weeks}
    if wanted.slot not in open_.get(wanted.week, ()):
        found.append("calendar")
    others = session.execute(
        select(PlannedVisit.lead_staff_id, PlannedVisit.companion_staff_id).where(
            PlannedVisit.plan_id == row.plan_id,
            PlannedVisit.week == wanted.week,
            PlannedVisit.status != "cancelled",
            PlannedVisit.planned_visit_id != row.planned_visit_id,
        )
    ).all()
    for who in (row.lead_staff_id, wanted.companion):
        visits = sum(who in pair for pair in others)
        if who is not None and visits >= rules.visits_per_week and "load" not in found:
            found.append("load")
    return tuple(found)


def letter(
    register: Register, planned_visit_id: str, *, on: date, actor: str, at: datetime
) -> tuple[int, date]:
    """The number and date of a visit's assignment letter; the first time it gets the next number.

    Numbers run by school and calendar year without a gap: the number is taken in the transaction
    that stores it, and is never given back.

    Parameters
    ----------
    on : date
        Of the letter, if it has none yet.
    """
    with register.session(writing=True) as session:
        row = session.get(PlannedVisit, planned_visit_id, with_for_update=True)
        if row is None:
            raise NotFound("there is no such planned visit")
        if row.letter_number is not None and row.letter_date is not None:
            return row.letter_number, row.letter_date
        school_id = session.scalars(
            select(VisitList.school_id)
            .join(VisitListItem, VisitListItem.visit_list_id == VisitList.visit_list_id)
            .where(VisitListItem.item_id == row.item_id)
        ).one()
        # The school's row is the lock where the year's series does not exist yet.
        session.execute(
            select(VisitList.school_id).where(VisitList.school_id == school_id).with_for_update()
        )
        key = (LetterSeries.school_id == school_id, LetterSeries.year == on.year)
        series = session.scalar(select(LetterSeries).where(*key).with_for_update())
        if series is None:
            series = LetterSeries(school_id=school_id, year=on.year, last=0)
            session.add(series)
        series.last += 1
        row.letter_school_id, row.letter_year = school_id, on.year
        row.letter_number, row.letter_date = series.last, on
        row.revision += 1
        audit_log.record(
            session, actor=actor, action="planned_visit.letter", entity="planned_visit",
            entity_id=planned_visit_id, at=at, detail={"number": series.last, "year": on.year},
        )  # fmt: skip
        session.commit()
        return series.last, on


def letter_text(number: int, on: date, middle: str) -> str:
    """`001/ST/SMP/IX/2026`: number, kind and school, month in Roman numerals, year."""
    return f"{number:03d}/{middle}/{MONTHS[on.month - 1]}/{on.year}"
