"""The record of processing (law 27 of 2022, article 31): what each table is kept for, and how long.

A table without an entry fails the tests, so that nothing about a person is kept unsaid.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAVING = "12 months after the student's last day at school"
WITH_STAFF = "as long as the person works at the school"
FOR_GOOD = "for good: random ids, codes and hashes only"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a table is about.

    Attributes
    ----------
    about : str
        Whose data: students, guardians, staff, nobody.
    purpose : str
    until : str
    """

    about: str
    purpose: str
    until: str


_PLAN = Kept("students, staff", "who visits which family when", LEAVING)
_VISIT = Kept("students, guardians, staff", "what came of a visit, and what follows", LEAVING)
_ACCOUNT = Kept("staff", "signing in, and nobody else as them", WITH_STAFF)
_NOBODY = Kept("nobody", "how the installation works", "as long as the installation runs")
_MODEL = Kept("nobody", "which model decided, and who let it", FOR_GOOD)
_LIST = Kept("students, by random id", "what was published, so that it can be checked", FOR_GOOD)

RECORD: dict[str, Kept] = {
    "student": Kept("students", "knowing whom records and visits are about", LEAVING),
    "guardian": Kept("guardians", "reaching a family, and knowing who can be met", LEAVING),
    "household": Kept("students, guardians", "one visit for brothers and sisters", LEAVING),
    "person_match": Kept("students", "whose a name in a school's file is", LEAVING),
    "student_timeline": Kept("students", "showing a teacher the last year", LEAVING),
    "staff": Kept("staff", "who leads which class and visit", WITH_STAFF),
    "school": _NOBODY,
    "class_group": _NOBODY,
    "behaviour_type": _NOBODY,
    "calendar_day": _NOBODY,
    "installation_key": _NOBODY,
    "facts_snapshot": _NOBODY,
    "import_batch": _NOBODY,
    "import_job": Kept("staff", "who imported what from the service", WITH_STAFF),
    "work_job": Kept("staff", "who asked for a draft or another model", WITH_STAFF),
    "content_version": _NOBODY,
    "snapshot_rewrite": _NOBODY,
    "monitor_check": _NOBODY,
    "model_version": _MODEL,
    "model_signature": _MODEL,
    "model_event": _MODEL,
    "visit_list": _LIST,
    "visit_list_item": _LIST,
    "visit_list_student": _LIST,
    "item_override": Kept("students, staff", "why a person changed a place", FOR_GOOD),
    "item_place": _LIST,
    "plan": _PLAN,
    "planned_visit": _PLAN,
    "letter_series": _NOBODY,
    "contact_attempt": _VISIT,
    "visit": _VISIT,
    "visit_student": _VISIT,
    "visit_note": _VISIT,
    "follow_up": _VISIT,
    "visit_request": _VISIT,
    "api_token": _ACCOUNT,
    "token_scope": _ACCOUNT,
    "user_account": _ACCOUNT,
    "role_change": _ACCOUNT,
    "user_session": _ACCOUNT,
    "one_time_link": _ACCOUNT,
    "external_identity": _ACCOUNT,
    "sign_in_attempt": _ACCOUNT,
    "recovery_code": _ACCOUNT,
    "emergency_access": Kept(
        "students, staff", "who saw whom beyond their class, and why", LEAVING
    ),
    "idempotency_key": Kept("students, staff", "sending twice makes nothing twice", "24 hours"),
    "impact_study": Kept("nobody", "what was laid down before outcomes were known", FOR_GOOD),
    "impact_result": Kept("nobody", "whether visits helped, in counts", FOR_GOOD),
    "audit_event": Kept("staff and students, by random id", "who read and did what", FOR_GOOD),
    "consent": Kept("students, guardians", "proof of a guardian's agreement", LEAVING),
    "objection": Kept("students", "families decided about by hand", LEAVING),
    "rights_request": Kept("students, by random id", "answering families in time", FOR_GOOD),
    "research_agreement": Kept("researchers", "who may have what, for what", FOR_GOOD),
    "export": Kept("students", "files to fetch, and that they left", "24 hours; the entry 5 years"),
}
"""By table, the people first."""


def as_markdown() -> str:
    """The record as a table for people."""
    lines = ["| table | about | kept for | until |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {kept.about} | {kept.purpose} | {kept.until} |"
        for name, kept in RECORD.items()
    ]
    return "\n".join(lines)
