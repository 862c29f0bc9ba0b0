"""Rows about visits put into answers, with words in the asked language."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from earlywarning.district import Protection
from earlywarning.io import wording
from earlywarning.io.register.contacts import AttemptRow
from earlywarning.io.register.follow_ups import FollowUpRow, RequestRow
from earlywarning.io.register.overrides import OverrideRow
from earlywarning.io.register.visit_views import VisitRow
from earlywarning_api import access, visit_schemas
from earlywarning_api.preconditions import etag
from earlywarning_api.words import coded


def visit(row: VisitRow, person: access.Person, language: str) -> visit_schemas.VisitView:
    """A recorded visit, without what this person need not know."""
    return visit_schemas.VisitView(
        visit_id=UUID(row.visit_id),
        student_ids=list(row.student_ids),
        item_id=row.item_id,
        status=coded("visit_status", row.status, language),
        day=row.day,
        track=coded("track", row.track, language),
        lead_staff_id=row.lead_staff_id,
        companion_staff_id=row.companion_staff_id,
        met=[coded("met", code, language) for code in row.met],
        purposes=[coded("purpose", code, language) for code in row.purposes],
        causes=[coded("cause", code, language) for code in row.causes],
        observations={
            name: coded("answer", code, language) for name, code in row.observations.items()
        },
        agreement=row.agreement,
        family_requests=row.family_requests,
        danger=row.danger if access.knows_danger(person, row) else None,
        has_restricted_note=row.has_note,
        revision=row.revision,
        etag=etag("visit", row.visit_id, row.revision),
        entered_at=row.entered_at,
        changed_at=row.changed_at,
    )


def next_step(request: Request, code: str, language: str, *, knows: bool) -> visit_schemas.NextStep:
    """What comes next; who need not know of a danger is sent to the counsellor."""
    if code == "protection" and not knows:
        code = "ask_counsellor"
    path = protection_path(request.app.state.protection, language) if code == "protection" else []
    return visit_schemas.NextStep(
        code=code, text=wording.say(f"next_step.{code}", language), path=path
    )


def protection_path(protection: Protection, language: str) -> list[str]:
    """The school's own steps and contact; without steps, the program's words."""
    steps = list(protection.steps) or [wording.say("protection.default", language)]
    return steps + ([protection.contact] if protection.contact else [])


def attempt(row: AttemptRow, language: str) -> visit_schemas.AttemptView:
    """An attempt to reach a family."""
    return visit_schemas.AttemptView(
        attempt_id=UUID(row.attempt_id),
        student_id=row.student_id,
        channel=coded("channel", row.channel, language),
        at=row.at,
        result=coded("contact_result", row.result, language),
        entered_at=row.entered_at,
    )


def follow_up(row: FollowUpRow, language: str) -> visit_schemas.FollowUpView:
    """A follow-up."""
    return visit_schemas.FollowUpView(
        follow_up_id=UUID(row.follow_up_id),
        student_id=row.student_id,
        visit_id=UUID(row.visit_id) if row.visit_id else None,
        kind=coded("follow_up_kind", row.kind, language),
        action=row.action,
        owner_staff_id=row.owner_staff_id,
        due=row.due,
        status=coded("follow_up", row.status, language),
        revision=row.revision,
        etag=etag("follow_up", row.follow_up_id, row.revision),
        entered_at=row.entered_at,
    )


def request_(row: RequestRow, language: str) -> visit_schemas.RequestView:
    """A request for a visit."""
    return visit_schemas.RequestView(
        request_id=UUID(row.request_id),
        student_id=row.student_id,
        asked_by=coded("asked_by", row.asked_by, language),
        asked_on=row.asked_on,
        wish=row.wish,
        status=coded("request", row.status, language),
        revision=row.revision,
        etag=etag("visit_request", row.request_id, row.revision),
        entered_at=row.entered_at,
    )


def override(row: OverrideRow, language: str) -> visit_schemas.OverrideView:
    """What a person decided about a place."""
    return visit_schemas.OverrideView(
        item_id=row.item_id,
        revision=row.revision,
        action=coded("override", row.action, language) if row.action else None,
        reason=coded("override_reason", row.reason_code, language) if row.reason_code else None,
        note=row.note,
        expires_on=row.expires_on,
        original_position=row.original_position,
        made_at=row.made_at if row.action else None,
        etag=etag("override", row.item_id, row.revision),
    )
