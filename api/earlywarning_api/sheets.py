"""A list, a plan and the visits as sheets, for the school's own staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register import list_views, plan_views, visit_views
from earlywarning.io.register.exports import Sheet
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.models import ClassGroup, Student
from earlywarning_api import access, plan_words
from earlywarning_api.words import coded, completeness, reasons_in_a_cell

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
            reasons_in_a_cell(child.reasons, language),
            completeness(child.completeness, language).text,
        )
        for family in families
        for child in family.students
    ]  # fmt: skip
    return Sheet(row.quarter, LIST_COLUMNS, rows, _ids(row_[5] for row_ in rows))


def plan(
    session: Session, person: access.Person, row: ListRow, language: str, *, letter: str
) -> Sheet:
    """The planned visits of a list, in the weeks and on the days in which the plan's page has them.

    Parameters
    ----------
    letter : str
        Middle of the letters' numbers; see `Planning.letter`.
    """
    visible = access.visible_students(person).ids
    found = plan_views.plan_of(session, visible, row.visit_list_id)
    shown = [] if found is None else found.visits
    views = [(one, plan_words.planned(one, language, letter=letter)) for one in shown]
    rows = [
        (
            one.goes_in, one.goes_on,
            # A part of the week was planned; a day that was agreed on since takes its place.
            said.slot.text if said.slot is not None and one.agreed_on is None else None,
            one.lead_name, one.companion_name,
            "; ".join(child.full_name for child in said.students),
            "; ".join(child.class_name or "" for child in said.students),
            said.status.text, said.letter_number,
        )
        for one, said in views
    ]  # fmt: skip
    children = (child.student_id for _, said in views for child in said.students)
    return Sheet(row.quarter, PLAN_COLUMNS, rows, _ids(children))


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
