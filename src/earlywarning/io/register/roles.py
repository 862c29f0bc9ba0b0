"""The roles that a person or a token can have, and what each of them needs."""

from __future__ import annotations

ADMIN = "admin"

ROLES = (
    ADMIN,
    "coordinator",
    "homeroom_teacher",
    "counsellor",
    "principal",
    "data_staff",
    "researcher",
)
"""What each may do stands in the API's `access.py`."""

OF_ONE_SCHOOL = frozenset({"coordinator", "homeroom_teacher", "counsellor", "principal"})
"""Roles that are nothing without a school; a homeroom teacher is also one member of staff."""

SECOND_FACTOR = frozenset(ROLES) - {"homeroom_teacher"}
"""Roles that see more than a class, or more than children: a password alone is not enough."""
