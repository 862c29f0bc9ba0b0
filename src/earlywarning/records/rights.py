"""What families may ask for and agree to, and how long the school has to answer.

Law 27 of 2022 on personal data (Indonesia): access and correction (articles 30, 32), withdrawal
(40) and restriction (41) within 3 × 24 hours, notice of a breach (46) too; objection to automated
profiling (10); guardians' consent for children (25). Every request gets the same clock.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

ANSWER_WITHIN = timedelta(hours=72)
"""3 × 24 hours, weekends and holidays included."""

PRIORITY = "priority"
PURPOSES = (PRIORITY, "home_visit", "messages", "photo", "research")
"""What a guardian can agree to, each apart: being ranked, visited, written to, photographed."""

GUARDIANS = ("father", "mother", "guardian", "other")
"""Who agrees for a child: a code, never a name."""

PROFILING = "profiling"
RESTRICTION = "restriction"
OBJECTIONS = (PROFILING, RESTRICTION)

ACCESS = "access"
RECTIFICATION = "rectification"
ERASURE = "erasure"
WITHDRAWAL = "withdrawal"
BREACH = "breach_notice"
REQUESTS = (ACCESS, RECTIFICATION, ERASURE, WITHDRAWAL, PROFILING, RESTRICTION, BREACH)
"""What has a clock. A breach is asked by nobody, but its notice is due as fast."""

ASKERS = (*GUARDIANS, "student", "school")

REFUSALS = ("not_identified", "endangers", "exposes_others", "law_requires_keeping", "no_such_data")
"""Why a request may be refused (article 33), as a code."""

RECTIFIABLE = ("full_name", "sex", "birth_date", "national_id")
"""Fields of a student that a family can have corrected here; the rest comes from the school's
files and is corrected there."""

OPEN, DONE, REFUSED = "open", "done", "refused"
STATUSES = (OPEN, DONE, REFUSED)


def due_at(received_at: datetime) -> datetime:
    """By when a request must be answered."""
    return received_at + ANSWER_WITHIN


def is_overdue(status: str, due: datetime, at: datetime) -> bool:
    """Whether a request waits longer than the law allows."""
    return status == OPEN and at > due


def leaves_on(last_day: date, *, months: int) -> date:
    """The day from which what is known of somebody is no longer kept.

    Parameters
    ----------
    last_day : date
        Their last day at the school.
    months : int
        For how long after it data are kept; 0 or more.
    """
    years, month = divmod(last_day.year * 12 + last_day.month - 1 + months, 12)
    following = date(years + (month == 11), (month + 1) % 12 + 1, 1)
    last_of_month = (following - timedelta(days=1)).day
    return date(years, month + 1, min(last_day.day, last_of_month))
