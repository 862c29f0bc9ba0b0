"""Plans in the words of the asked language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlywarning.io import wording
from earlywarning.io.register.plan_views import PlannedRow, PlanRow, UnrankedRow
from earlywarning.io.register.plans import letter_text
from earlywarning_api import plan_schemas as schemas
from earlywarning_api.preconditions import etag
from earlywarning_api.schemas import Coded
from earlywarning_api.words import coded


def said(kind: str, code: str, language: str) -> Coded:
    """A code with its words."""
    return Coded(code=code, text=wording.say(f"{kind}.{code}", language))


def plan(row: PlanRow, language: str, *, letter: str) -> schemas.PlanView:
    """A whole plan.

    Parameters
    ----------
    letter : str
        Middle of the letters' numbers; see `Planning.letter`.
    """
    return schemas.PlanView(
        plan_id=row.plan_id,
        visit_list_id=row.visit_list_id,
        revision=row.revision,
        made_at=row.made_at,
        made_by=row.made_by,
        conflicts=[conflict(one, language) for one in row.conflicts],
        visits=[planned(one, language, letter=letter) for one in row.visits],
    )


def shown(row: PlanRow) -> dict[str, Any]:
    """What the audit is told of a plan that was read: how many visits, and to which children."""
    children = {student_id for one in row.visits for student_id, _, _ in one.students}
    return {"visits": len(row.visits), "students": sorted(children)}


def planned(row: PlannedRow, language: str, *, letter: str) -> schemas.PlannedVisitView:
    """One planned visit."""
    number = None
    if row.letter_number is not None and row.letter_date is not None:
        number = letter_text(row.letter_number, row.letter_date, letter)
    return schemas.PlannedVisitView(
        planned_visit_id=row.planned_visit_id,
        etag=etag("planned_visit", row.planned_visit_id, row.revision),
        item_id=row.item_id,
        position=row.position,
        track=coded("track", row.track, language),
        status=said("planned", row.status, language),
        lead=_member(row.lead_staff_id, row.lead_name),
        companion=_member(row.companion_staff_id, row.companion_name),
        companion_needed=row.companion_needed,
        week=row.week,
        slot=None if row.slot is None else said("slot", row.slot, language),
        on_date=row.on_date,
        agreed_on=row.agreed_on,
        pinned=row.pinned,
        village=row.village if row.students else None,
        unmet=[said("wish", code, language) for code in row.loosened],
        letter_number=number,
        letter_date=row.letter_date,
        students=students(row.students, language),
    )


def students(
    rows: list[tuple[str, str | None, str | None]], language: str
) -> list[schemas.PlanStudent]:
    """Children of a family."""
    return [
        schemas.PlanStudent(
            student_id=student_id,
            full_name=name or wording.say("name.unknown", language),
            class_name=class_name,
        )
        for student_id, name, class_name in rows
    ]


def conflict(one: Mapping[str, Any], language: str) -> schemas.ConflictView:
    """A wish that is not met, in words."""
    against = [said("wish", kind, language) for kind in _kinds(one["against"])]
    text = wording.say(f"conflict.{one['code']}", language)
    if against:
        wishes = ", ".join(wish.text for wish in against)
        text += ". " + wording.say("conflict.against", language, wishes=wishes)
    return schemas.ConflictView(
        wish=said("wish", one["code"], language), whose=one["whose"], against=against, text=text
    )


def _kinds(wishes: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(wish["kind"] for wish in wishes))


def unranked(row: UnrankedRow, language: str) -> schemas.UnrankedView:
    """A family without rank, and why."""
    return schemas.UnrankedView(
        item_id=row.item_id,
        reason=said("exclusion", row.excluded, language),
        lead=_member(row.lead_staff_id, row.lead_name),
        students=students(row.students, language),
    )


def _member(staff_id: str | None, name: str | None) -> schemas.Member | None:
    return None if staff_id is None else schemas.Member(staff_id=staff_id, name=name or staff_id)
