"""What a record of a visit may say, and what it means for the next step. No clock, no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

PLANNED = "planned"
DONE = "done"
NO_ONE_HOME = "no_one_home"
MOVED = "moved"
DECLINED = "declined"
RESCHEDULED = "rescheduled"
CANCELLED = "cancelled"

NEXT_STATUSES: dict[str, tuple[str, ...]] = {
    PLANNED: (PLANNED, DONE, NO_ONE_HOME, MOVED, DECLINED, RESCHEDULED, CANCELLED),
    DONE: (DONE, CANCELLED),
    NO_ONE_HOME: (NO_ONE_HOME, CANCELLED),
    MOVED: (MOVED, CANCELLED),
    DECLINED: (DECLINED, CANCELLED),
    RESCHEDULED: (RESCHEDULED, CANCELLED),
    CANCELLED: (CANCELLED,),
}
"""What a visit may become. What took place is corrected in its words, or taken back (cancelled)
and recorded anew; it never turns into something else, because others have acted on it."""

CHANNELS = ("whatsapp", "telephone", "letter")
RESULTS = ("agreed", "reached", "sent", "no_answer", "wrong_number", "declined")
FAILED_RESULTS = ("no_answer", "wrong_number")
FAILURES_BEFORE_LETTER = 2

MET = ("mother", "father", "guardian", "grandparent", "uncle_aunt", "sibling", "carer", "student",
       "other")  # fmt: skip
PURPOSES = ("attendance", "behaviour", "grades", "get_to_know", "sick_child", "good_news",
            "requested", "other")  # fmt: skip

CAUSES: dict[str, tuple[str, ...]] = {
    "internal": ("health", "motivation"),
    "external": ("family", "economy", "transport", "work", "care"),
}
"""What the family named as causes; several may hold."""

OBSERVATIONS = ("study_place", "support", "phone_use", "health", "work", "journey")
"""Learning at home: a place to study, somebody who supports, the phone, health, work, the way."""

ANSWERS = ("good", "help_needed", "not_asked")

FOLLOW_UP_STATUSES = ("open", "done", "dropped")
REQUEST_STATUSES = ("open", "met", "dropped")
ASKED_BY = ("family", "student", "staff")

FamilyStatus = Literal["not_visited", "scheduled", "visited", "overdue", "no_contact", "closed"]
FAMILY_STATUSES: tuple[FamilyStatus, ...] = (
    "not_visited", "scheduled", "visited", "overdue", "no_contact", "closed",
)  # fmt: skip
"""Where a listed family stands this quarter; `closed`: it moved away or declined."""

NextStep = Literal[
    "contact", "visit", "letter", "wait", "check_address", "respect_no", "follow_up", "none",
    "protection", "ask_counsellor",
]  # fmt: skip
NEXT_STEPS: tuple[NextStep, ...] = (
    "contact", "visit", "letter", "wait", "check_address", "respect_no", "follow_up", "none",
    "protection", "ask_counsellor",
)  # fmt: skip
"""`ask_counsellor` stands for `protection` where the reader need not know why."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried with a family: a visit or a contact.

    Attributes
    ----------
    day : date
        When it was, or is planned.
    kind : str
        `visit` or one of `CHANNELS`.
    result : str
        A visit's status, or one of `RESULTS`.
    """

    day: date
    kind: str
    result: str


def may_become(before: str, after: str) -> bool:
    """Whether a visit's status may change so."""
    return after in NEXT_STATUSES[before]


def known_causes() -> tuple[str, ...]:
    """Every cause, internal ones first."""
    return tuple(cause for causes in CAUSES.values() for cause in causes)


def failures(tried: Iterable[Tried], *, since_letter: bool = True) -> int:
    """Failures since the family was last reached, and since the last letter."""
    count = 0
    for one in sorted(tried, key=_when):
        if one.result in (DONE, "agreed", "reached") or (since_letter and one.kind == "letter"):
            count = 0
        elif one.result == NO_ONE_HOME or one.result in FAILED_RESULTS:
            count += 1
    return count


def family_status(tried: Collection[Tried], *, today: date) -> FamilyStatus:
    """Where a family stands, by what was tried in the list's quarter.

    Parameters
    ----------
    tried : collection of Tried
        Of this quarter; cancelled and rescheduled visits change nothing.
    today : date
        A visit planned before today without a record is overdue.
    """
    visits = [one for one in tried if one.kind == "visit"]
    if any(one.result == DONE for one in visits):
        return "visited"
    planned = [one.day for one in visits if one.result == PLANNED]
    if planned:
        return "scheduled" if max(planned) >= today else "overdue"
    if any(one.result in (MOVED, DECLINED) for one in tried):
        return "closed"
    return "no_contact" if failures(tried, since_letter=False) else "not_visited"


def next_step(
    tried: Collection[Tried], *, today: date, danger: bool = False, open_follow_ups: int = 0
) -> NextStep:
    """What comes next for a family.

    A child who may be in danger stops everything else. After two failures a letter is next, not a
    third attempt.

    Parameters
    ----------
    tried : collection of Tried
        Of this quarter.
    danger : bool
        Whether the protection path is open for the family.
    open_follow_ups : int
        What was agreed and is not done yet.
    """
    if danger:
        return "protection"
    status = family_status(tried, today=today)
    if status == "visited":
        return "follow_up" if open_follow_ups else "none"
    if status == "closed":
        left = max((one for one in tried if one.result in (MOVED, DECLINED)), key=_when)
        return "check_address" if left.result == MOVED else "respect_no"
    if failures(tried) >= FAILURES_BEFORE_LETTER:
        return "letter"
    if status in ("scheduled", "overdue"):
        return "visit"
    last = max(tried, key=_when, default=None)
    if last is not None and last.result == "sent":
        return "wait"
    return "visit" if last is not None and last.result in ("agreed", "reached") else "contact"


def _when(one: Tried) -> date:
    return one.day
