"""People, schools and classes of a OneRoster bundle, joined: who is what, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.oneroster_files import BundleFiles, Line
from earlywarning.records.cell_values import school_year_code
from earlywarning.records.dates import problem_of

NUMBERS = ("sourcedId", "identifier", "userMasterIdentifier")
CLASSES = ("homeroom", "grade_level")
GUARDIAN_ROLES = ("parent", "guardian", "relative")
STAFF_ROLES: Mapping[str, str] = {
    "teacher": "teacher", "counselor": "counsellor", "principal": "principal",
}  # fmt: skip
"""Roles of the standard that are staff here, and our word; administrators make no visits."""

_YEAR = re.compile(r"^\d{4}$")
_GRADES = {"KG": "0", "TK": "0"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the mapping tells the reader; see `docs/school-files.md`."""

    student: str = "sourcedId"
    staff: str = "sourcedId"
    school: str = "sourcedId"
    classes: str = "homeroom"
    school_year: str = ""
    dates: str = ""
    line_items: tuple[str, ...] = ()


def read_options(options: Mapping[str, Any], where: str) -> Options:
    """Check `[table.options]`.

    Raises
    ------
    DataError
        Names the option, what was found and what is allowed.
    """
    allowed: dict[str, tuple[str, ...]] = {
        "student": NUMBERS, "staff": NUMBERS, "school": NUMBERS[:2], "classes": CLASSES,
    }  # fmt: skip
    made: dict[str, Any] = {}
    for name, value in options.items():
        if name in allowed:
            if value not in allowed[name]:
                raise DataError(
                    f"{where}: option {name} is {value!r}; allowed: {', '.join(allowed[name])}"
                )
            made[name] = value
        elif name == "school_year" and school_year_code(str(value)):
            made[name] = school_year_code(str(value))
        elif name == "dates" and isinstance(value, str) and not problem_of(value):
            made[name] = value
        elif name == "line_items" and _are_texts(value):
            made[name] = tuple(text.lower() for text in value)
        else:
            raise DataError(
                f"{where}: there is no option {name} = {value!r}; allowed: "
                f"{', '.join(allowed)}, school_year (like 2026-27), dates (like %m/%d/%Y), "
                "line_items (a list of titles)"
            )
    return Options(**made)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@dataclass(frozen=True, slots=True)
class Person:
    """One row of users.csv, with the roles of roles.csv where the bundle has it.

    Attributes
    ----------
    orgs : mapping of role to list of str
        In which organisations somebody has it, the primary one first.
    """

    line: Line
    orgs: Mapping[str, list[str]]

    def number(self, kind: str) -> str:
        """The number by which the school knows them; empty if they have none."""
        return self.line[kind]

    @property
    def name(self) -> str:
        """Full name; a family name that repeats the given one stands once."""
        line = self.line
        parts = [line["givenName"], line["middleName"], line["familyName"]]
        parts = [part for part in parts if part.strip(" .-")]
        if len(parts) > 1 and parts[-1].lower() == parts[0].lower():
            parts.pop()
        return " ".join(parts)


@dataclass(slots=True)
class Place:
    """One class.

    Attributes
    ----------
    school_year, first_day, last_day : str
        By its sessions; empty if the bundle does not hold them.
    """

    line: Line
    school_year: str
    first_day: str
    last_day: str
    terms: list[str] = field(default_factory=list)

    @property
    def is_homeroom(self) -> bool:
        """Whether it is the class that a student belongs to, and no subject's."""
        return self.line["classType"].lower() == "homeroom"


@dataclass(slots=True)
class World:
    """What the parts join: read once a part, small enough for memory."""

    files: BundleFiles
    options: Options
    orgs: dict[str, Line] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    sessions: dict[str, Line] = field(default_factory=dict)
    classes: dict[str, Place] = field(default_factory=dict)

    def school(self, name: str) -> str:
        """The number of a school, by the option `school`."""
        org = self.orgs.get(name)
        if self.options.school == "sourcedId" or org is None:
            return name
        return org[self.options.school]

    def schools_of(self, person: Person, roles: Iterable[str]) -> list[str]:
        """Schools in which somebody has one of the roles; districts and departments left out.

        What the bundle does not describe counts as a school, for a delta holds only changes.
        """
        names = dict.fromkeys(name for role in roles for name in person.orgs.get(role, ()))
        return [
            self.school(name)
            for name in names
            if name not in self.orgs or self.orgs[name]["type"].lower() == "school"
        ]

    def number(self, user: str, kind: str) -> str:
        """A person's number; empty if it cannot be told because the bundle has no such user."""
        if user in self.people:
            return self.people[user].number(kind)
        return user if kind == "sourcedId" else ""

    def year_of(self, place: Place) -> str:
        """A class's school year, by its sessions or else the option."""
        return place.school_year or self.options.school_year


def read_world(files: BundleFiles, options: Options) -> World:
    """Organisations, people, sessions and classes. Deleted people and classes are among them."""
    world = World(files, options)
    world.orgs = {line["sourcedId"]: line for line in files.kept(f.ORGS)}
    world.sessions = {line["sourcedId"]: line for line in files.kept(f.SESSIONS)}
    world.people = _people(files)
    for line in files.lines(f.CLASSES):
        world.classes[line["sourcedId"]] = _place(line, world.sessions)
    return world


def _people(files: BundleFiles) -> dict[str, Person]:
    roles: dict[str, dict[str, list[str]]] = {}
    for line in files.kept(f.ROLES):
        places = roles.setdefault(line["userSourcedId"], {})
        places.setdefault(line["role"].lower(), []).append(line["orgSourcedId"])
    people = {}
    for line in files.lines(f.USERS):
        orgs = dict(roles.get(line["sourcedId"], {}))
        if line["role"]:
            orgs.setdefault(line["role"].lower(), line.list("orgSourcedIds"))
        if line["primaryOrgSourcedId"]:
            first = line["primaryOrgSourcedId"]
            orgs = {role: sorted(places, key=lambda p: p != first) for role, places in orgs.items()}
        people[line["sourcedId"]] = Person(line, orgs)
    return people


def _place(line: Line, sessions: Mapping[str, Line]) -> Place:
    terms = line.list("termSourcedIds")
    known = [sessions[term] for term in terms if term in sessions]
    first = [session["startDate"] for session in known if session["startDate"]]
    last = [session["endDate"] for session in known if session["endDate"]]
    return Place(
        line, school_year(sessions, terms), min(first, default=""), max(last, default=""), terms
    )


def school_year(sessions: Mapping[str, Line], wanted: Sequence[str]) -> str:
    """The school year of some sessions, like `2025-26`; empty if they do not say.

    A session says it itself, or by the session that it is part of, by name or by its dates.
    `schoolYear` is the year in which the school year ends; the dates of a whole year count more.
    """
    for name in wanted:
        seen: set[str] = set()
        while name in sessions and name not in seen:
            seen.add(name)
            line = sessions[name]
            whole = next((year for year in sessions.values() if _is_within(line, year)), line)
            first, last = whole["startDate"][:4], whole["endDate"][:4]
            is_dated = _YEAR.match(first) and _YEAR.match(last)
            if is_dated and int(last) - int(first) in ((0, 1) if _is_year(whole) else (1,)):
                return f"{first}-{(int(first) + 1) % 100:02d}"
            if _YEAR.match(line["schoolYear"]):
                return f"{int(line['schoolYear']) - 1}-{line['schoolYear'][2:]}"
            name = line["parentSourcedId"]
    return ""


def _is_year(line: Line) -> bool:
    return line["type"].lower() == "schoolyear"


def _is_within(line: Line, year: Line) -> bool:
    """Whether a session lies within one that is a whole school year."""
    return (
        _is_year(year)
        and "" < year["startDate"] <= line["startDate"]
        and "" < line["endDate"] <= year["endDate"]
    )


def grade_level(text: str) -> str:
    """A grade level as a whole number: `09` is 9, kindergarten 0; empty if it is none."""
    first = text.split(",")[0].strip()
    return str(int(first)) if first.isdecimal() else _GRADES.get(first.upper(), "")


def about_bodies(files: BundleFiles) -> dict[str, Line]:
    """demographics.csv by user."""
    return {line["sourcedId"]: line for line in files.kept(f.DEMOGRAPHICS)}


def sex_of(line: Line | None) -> str:
    """`male` or `female`; the standard's other words say nothing that is used here."""
    sex = line["sex"].lower() if line else ""
    return "" if sex in ("unspecified", "other") else sex
