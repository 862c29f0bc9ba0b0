"""Code lists. A code means something only within its namespace.

`I` is *izin* (permitted) in Indonesia and illness in England; so every attendance code is read
through a namespace, and a school may add codes of its own in `district.toml`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from earlywarning.errors import ConfigError

PRESENT = "present"
UNRECORDED = "unrecorded"
NO_SCHOOL = "no_school"

ABSENT_STATUSES = ("sick", "permitted", "unexcused", "truant", "suspended")
"""Statuses that count as an absent day, for whatever reason."""

UNEXCUSED_STATUSES = ("unexcused", "truant")
OUTSIDE_DENOMINATOR = ("unrecorded", "not_required", "no_school", "other")
"""Neither present nor absent: such a day does not count as an enrolled school day."""

ATTENDANCE_STATUSES = (
    PRESENT, "late", "present_offsite", "partial", "early_leave", "dispensed",
    *ABSENT_STATUSES, *OUTSIDE_DENOMINATOR,
)  # fmt: skip

SEVERITIES = ("minor", "moderate", "serious")
POLARITIES = ("offence", "merit")
GRADE_KINDS = ("formative", "midterm", "final")
SEXES = ("F", "M")
VISIT_STATUSES = (
    "planned", "done", "no_one_home", "moved", "declined", "rescheduled", "cancelled",
)  # fmt: skip
CALENDAR_KINDS = (
    "instructional", "make_up", "exam", "optional", "midterm", "holiday", "break", "teacher_only",
    "closure",
)  # fmt: skip
SCHOOL_DAY_KINDS = ("instructional", "make_up", "exam")
"""Days on which every student is expected."""

TRACKS = ("concern", "preventive", "sick_child", "good_news", "requested")
EXIT_REASONS = (
    "moved",
    "withdrawn",
    "dropped_out",
    "graduated",
    "died",
    "promoted",
    "class_change",
)
STAFF_ROLES = (
    "homeroom_teacher", "teacher", "counsellor", "coordinator", "principal", "admin", "data_staff",
)  # fmt: skip
COMPANION_PREFERENCES = ("never", "opposite_sex_household", "always")
RELATIONS = ("father", "mother", "guardian", "grandparent", "uncle_aunt", "sibling", "carer")
VITALS = ("alive", "deceased", "abroad", "unknown")

ALLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("staff", "sex"): SEXES,
    ("staff", "role"): STAFF_ROLES,
    ("staff", "companion_preference"): COMPANION_PREFERENCES,
    ("student", "sex"): SEXES,
    ("enrollment", "exit_reason"): EXIT_REASONS,
    ("guardian", "relation"): RELATIONS,
    ("guardian", "sex"): (*SEXES, "unknown"),
    ("guardian", "vital"): VITALS,
    ("behaviour", "severity"): SEVERITIES,
    ("behaviour", "polarity"): POLARITIES,
    ("behaviour_type", "severity"): SEVERITIES,
    ("behaviour_type", "polarity"): POLARITIES,
    ("calendar_day", "kind"): CALENDAR_KINDS,
    ("grade", "kind"): GRADE_KINDS,
    ("visit", "status"): VISIT_STATUSES,
    ("visit", "track"): TRACKS,
}
"""Columns of a source table with a closed list of values (after the mapping's translation)."""


@dataclass(frozen=True, slots=True)
class AttendanceCodes:
    """The attendance codes of one namespace.

    Attributes
    ----------
    namespace : str
    statuses : mapping of code to canonical status
        Codes are compared in capitals, without outer blanks.
    """

    namespace: str
    statuses: Mapping[str, str]


@cache
def _built_in() -> dict[str, dict[str, str]]:
    namespaces: dict[str, dict[str, str]] = {}
    table = resources.files("earlywarning.records").joinpath("attendance_codes.csv")
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        namespaces.setdefault(row["namespace"], {})[row["code"].upper()] = row["status"]
    return namespaces


def attendance_codes(namespace: str, local: Mapping[str, str] | None = None) -> AttendanceCodes:
    """The codes of a namespace, with the school's own added.

    Parameters
    ----------
    namespace : str
        `id` (Indonesia), `uk2024` (England), `edfi5.2`, or a name that `local` fills alone.
    local : mapping of code to status, optional
        From `district.toml` or a mapping; wins over the built-in meaning.

    Raises
    ------
    ConfigError
        If the namespace is unknown and `local` is empty, or a status does not exist.
    """
    known = _built_in()
    local = {code.strip().upper(): status for code, status in (local or {}).items()}
    wrong = sorted(set(local.values()) - set(ATTENDANCE_STATUSES))
    if wrong:
        raise ConfigError(
            f"attendance codes: unknown status {wrong[0]!r}; "
            f"allowed: {', '.join(ATTENDANCE_STATUSES)}"
        )
    if namespace not in known and not local:
        raise ConfigError(
            f"attendance codes: unknown namespace {namespace!r}; "
            f"allowed: {', '.join(sorted(known))}, or a name of your own with its codes listed"
        )
    return AttendanceCodes(namespace, {**known.get(namespace, {}), **local})
