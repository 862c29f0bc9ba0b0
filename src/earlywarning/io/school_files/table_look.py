"""What is looked at and found when it is asked which of our tables a plain table fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from earlywarning.io.school_files.column_roles import Column, Roles
from earlywarning.io.school_files.grade_guess import Marks


@dataclass(slots=True)
class Guess:
    """What a plain table is.

    Attributes
    ----------
    entries : list of mapping
        `[[table]]` entries without file and layout.
    what : list of str
    defaults : dict
    questions, warnings
        As of `interface.Found`.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    what: list[str] = field(default_factory=list)
    defaults: dict[str, Any] = field(default_factory=dict)
    questions: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Look:
    """One plain table, and what is understood of it so far.

    Attributes
    ----------
    where : str
        File and sheet, for messages.
    columns : sequence of Column
    roles : Roles
    marks : Marks or None
    made : Guess
        Filled step by step.
    """

    where: str
    columns: Sequence[Column]
    roles: Roles
    marks: Marks | None
    made: Guess

    def named(self) -> dict[str, Any]:
        """The column by which rows name a student, and how."""
        if "student" in self.roles:
            return self.roles.headings(student="student")
        if "student_oid" in self.roles:
            return self.roles.headings(student="student_oid")
        if "national_id" in self.roles:
            return self.roles.headings(student="national_id")
        return {"student": self.names()} if self.names() else {}

    def names(self) -> Any:
        """The heading of the name, or the two of which it is made; None if there is none."""
        if self.roles.has("first_name", "last_name"):
            return [self.roles["first_name"].heading, self.roles["last_name"].heading]
        return self.roles["full_name"].heading if "full_name" in self.roles else None

    def add(self, table: str, columns: dict[str, Any], what: str, **keys: Any) -> dict[str, Any]:
        """An entry more, and what it is in words."""
        entry = {"table": table, "columns": dict(columns), **keys}
        self.made.entries.append(entry)
        if what:
            self.made.what.append(what)
        return entry

    def rows(self, role: str) -> int:
        """Filled cells of a column."""
        return len(self.roles[role].filled)

    @property
    def has_type(self) -> bool:
        """Whether a column says what happened, or what it cost."""
        return any(role in self.roles for role in ("type_code", "type_name", "points"))
