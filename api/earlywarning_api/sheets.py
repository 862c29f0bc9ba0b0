"""A list, a plan and the visits as sheets, for the school's own staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import list_views, visit_views
from earlywarning.io.register.exports import Sheet
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import ClassGroup, Student, VisitListStudent
from earlywarning.io.register.plan_tables import Plan, PlannedVisit
from earlywarning_api import access
from earlywarning_api.words import coded, completeness, reasons

LIST_COLUMNS = ("position", "band", "track", "lead", "class", "student_id", "student", "reasons",
                "completeness")  # fmt: skip
PLAN_COLUMNS = ("week", "date", "slot", "lead", "companion", "students", "classes", "status",
                "letter")  # fmt: skip
VISITS_COLUMNS = ("day", "status", "track", "lead", "companion", "students", "met", "purposes",
                  "causes", "agreement", "family_requests")  # fmt: skip


def visit_list(session: Session, person: access.Person, row: ListRow, language: str) -> Sheet:
    """The families of a list whom the person may see, a row a child."""
    visible = access.visible_students(person).ids
    families = list_views.items(session, visible, row.visit_list_id)
    rows = [
        (
            family.position, coded("band", family.band, language).text,
            coded("track", family.track, language).text, family.lead_name, child.class_name,
            child.student_id, child.full_name,
            "; ".join(reason.text for reason in reasons(child.reasons, language)),
            completeness(child.completeness, language).text,
        )
        for family in families
        for child in family.students
    ]  # fmt: skip
    return Sheet(row.quarter, LIST_COLUMNS, rows, _ids(row_[5] for row_ in rows))


def plan(session: Session, person: access.Person, row: ListRow, language: str) -> Sheet:
    """The planned visits of a list, in the order of their weeks."""
    names = _students(session, person)
    staff = list_views.staff_names(session, row.school_id)
    query = (
        select(PlannedVisit, VisitListStudent.student_id)
        .join(Plan, Plan.plan_id == PlannedVisit.plan_id)
        .join(VisitListStudent, VisitListStudent.item_id == PlannedVisit.item_id)
        .where(Plan.visit_list_id == row.visit_list_id)
        .order_by(PlannedVisit.week, PlannedVisit.planned_visit_id, VisitListStudent.student_id)
    )
    visits: dict[str, tuple[PlannedVisit, list[str]]] = {}
    for visit, student_id in session.execute(query):
        if student_id in names:
            visits.setdefault(visit.planned_visit_id, (visit, []))[1].append(student_id)
    rows = [
        (
            visit.week, visit.on_date, visit.slot, staff.get(visit.lead_staff_id or ""),
            staff.get(visit.companion_staff_id or ""),
            *_named(children, names), coded("visit_status", visit.status, language).text,
            f"{visit.letter_number}/{visit.letter_year}" if visit.letter_number else None,
        )
        for visit, children in visits.values()
    ]  # fmt: skip
    return Sheet(row.quarter, PLAN_COLUMNS, rows, _ids(*(ids for _, ids in visits.values())))


def visits(session: Session, person: access.Person, language: str) -> Sheet:
    """Recorded visits to families whom the person may see; never the restricted notes."""
    names = _students(session, person)
    staff = list_views.staff_names(session, person.school_id or "")
    found = visit_views.rows(session, access.visible_students(person).ids)

    def words(kind: str, codes: Iterable[str]) -> str:
        return "; ".join(coded(kind, code, language).text for code in codes)

    rows = [
        (
            one.day, words("visit_status", [one.status]), words("track", [one.track]),
            staff.get(one.lead_staff_id or ""), staff.get(one.companion_staff_id or ""),
            _named(one.student_ids, names)[0], words("met", one.met),
            words("purpose", one.purposes), words("cause", one.causes), one.agreement,
            one.family_requests,
        )
        for one in found
    ]  # fmt: skip
    return Sheet("visits", VISITS_COLUMNS, rows, _ids(*(one.student_ids for one in found)))


def _students(session: Session, person: access.Person) -> dict[str, tuple[str, str | None]]:
    """Name and class of everybody whom a person may see."""
    query = (
        select(Student.student_id, Student.full_name, ClassGroup.name)
        .outerjoin(ClassGroup, ClassGroup.class_id == Student.class_id)
        .where(Student.student_id.in_(access.visible_students(person).ids))
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}


def _named(ids: Iterable[str], names: Mapping[str, tuple[str, str | None]]) -> tuple[str, str]:
    found = [names[id_] for id_ in ids if id_ in names]
    return "; ".join(name for name, _ in found), "; ".join(class_ or "" for _, class_ in found)


def _ids(*groups: Iterable[object]) -> frozenset[str]:
    return frozenset(str(id_) for group in groups for id_ in group)
