"""The audit's codes in the words of a page: what was done, and what a row says beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earlywarning.io import wording

DO = "audit.do."
"""Before a code whose dots are underlines: `audit.do.student_read`."""

SAYS = "audit.says."
OF_CODES = {"role": "role.", "outcome": "outcome.", "status": "audit.status."}
"""Values that are codes with words of their own."""


def key_of(action: str) -> str:
    """The key of an action's words."""
    return DO + action.replace(".", "_")


def action(code: str, language: str) -> str:
    """What was done; an action of a newer or older program is told as such."""
    key = key_of(code)
    known = key in wording.catalogue(language, "pages")
    return wording.page_text(key if known else DO + "other", language)


def actions(language: str) -> list[tuple[str, str]]:
    """Every action that can be searched for: code and words, by the words."""
    found = [(code, action(code, language)) for code in ACTIONS]
    return sorted(found, key=lambda one: one[1])


def detail(said: Mapping[str, Any], language: str) -> str:
    """What a row says beside, long lists counted; what has no words is left out."""
    words = wording.catalogue(language, "pages")
    parts = []
    for name, value in said.items():
        if SAYS + name not in words or value in (None, "", [], False):
            continue
        parts.append(wording.page_text(SAYS + name, language, value=_value(name, value, language)))
    return " · ".join(parts)[:300]


def _value(name: str, value: Any, language: str) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value)
    if isinstance(value, bool):
        return value
    prefix = OF_CODES.get(name)
    if prefix is not None:
        key = f"{prefix}{value}"
        if prefix == "outcome.":
            return wording.say(key, language) if key in wording.catalogue(language) else value
        if key in wording.catalogue(language, "pages"):
            return wording.page_text(key, language)
    return value


ACTIONS = (
    "agreement.ended", "agreement.recorded", "audit.read", "backup.created", "backup.restored",
    "breach.listed", "consent.read", "consent.recorded", "consent.withdrawn",
    "contact_attempt.recorded", "contact_attempts.read", "contact_link.opened",
    "emergency_access.ended", "emergency_access.read", "emergency_access.taken",
    "export.fetched", "export.made", "facts.removed", "facts.rewritten", "follow_up.changed",
    "follow_up.recorded", "follow_ups.read", "identity.tied", "impact.exported",
    "impact.result_asked", "impact.result_made", "impact.study_registered", "import.answered",
    "import.confirmed", "import.faults_read", "import.read", "import.uploaded",
    "import.withdrawn", "invitation.offered", "model.promotion_asked", "model.roll_back_asked",
    "objection.lifted", "objection.recorded", "override.made", "override.read",
    "override.withdrawn", "password.changed", "password.reset", "password_reset.offered",
    "plan.made", "plan.read", "planned_visit.changed", "planned_visit.letter",
    "planned_visit.printed", "planned_visit.read", "protection.opened", "quarter.read",
    "recovery_code.used", "rights_request.done", "rights_request.received",
    "rights_request.refused", "rights_request.withdrawn", "second_factor.removed",
    "second_factor.set_up", "session.began", "session.ended", "session.raised",
    "sessions.ended", "student.copied", "student.erased", "student.read",
    "students.found", "token.made", "token.revoked", "user.activated",
    "user.disabled", "user.enabled", "user.invited",
    "user.role_changed", "visit.changed", "visit.read", "visit.recorded", "visit_form.read",
    "visit_list.draft_asked", "visit_list.drafted", "visit_list.published", "visit_list.read",
    "visit_list.unranked_read", "visit_note.read", "visit_request.changed",
    "visit_request.recorded", "visit_requests.read", "visits.read",
)  # fmt: skip
"""Every action that this program writes."""
