"""`layout = "oneroster"`: CSV bundles of OneRoster 1.0, 1.1 and 1.2, bulk and delta.

The standard is https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv. It knows people, classes
and results; attendance comes in other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind, Kind
from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.school_files.oneroster_files import open_bundle
from earlywarning.io.school_files.oneroster_grades import crowded, items
from earlywarning.io.school_files.oneroster_parts import open_part
from earlywarning.io.school_files.oneroster_people import (
    GUARDIAN_ROLES,
    STAFF_ROLES,
    Options,
    Person,
    World,
    read_options,
    read_world,
)
from earlywarning.io.school_files.oneroster_table import HEADINGS, PartTable

_CARD_NUMBER = re.compile(r"^\d{16}$")
_QUARTER = re.compile(r"^\d{4}-\d{2}-[QS]\d$")
_SEX = {"male": "M", "female": "F"}


@dataclass(slots=True)
class OneRoster:
    """The reader; attributes as in `interface.Reader`."""

    name: str = "oneroster"
    kinds: tuple[Kind, ...] = ("text",)
    is_bundle: bool = True
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: HEADINGS)

    def files_of(self, bundle: Bundle) -> tuple[FileKind, ...]:
        """Files with a name and headings of the standard; others stay for other readers."""
        return f.files_of(bundle)

    def open(
        self, bundle: Bundle, part: str, options: Mapping[str, Any], sheet: str | int | None
    ) -> PartTable:
        """One part, joined; see `interface.Reader.open`."""
        chosen = read_options(options, bundle.name)
        files = open_bundle(bundle, style=chosen.dates)
        if files is None:
            raise DataError(
                f"{bundle.name}: is no OneRoster bundle; it needs manifest.csv, or users.csv and "
                "enrollments.csv as in OneRoster 1.0"
            )
        return open_part(files, part, chosen)

    def sniff(self, bundle: Bundle) -> Found | None:
        """What the bundle holds, and what it leaves open."""
        files = open_bundle(bundle)
        if files is None:
            return None
        world = read_world(files, Options())
        return _found(world)


def _found(world: World) -> Found:
    files = world.files
    questions: list[tuple[str, str]] = []
    living = [person for person in world.people.values() if not person.line.is_gone]
    students = [person for person in living if "student" in person.orgs]
    staff = [person for person in living if set(STAFF_ROLES) & set(person.orgs)]
    guardians = [person for person in living if set(GUARDIAN_ROLES) & set(person.orgs)]
    options: dict[str, Any] = {"student": _number(students), "staff": _number(staff)}
    is_delta = files.is_delta(f.ENROLLMENTS) or files.is_delta(f.USERS)
    if is_delta and any(person.line["identifier"] for person in students):
        questions.append(
            ("options.student", "this delta holds only changes: is student the number by which "
             "earlier deliveries know the students, sourcedId or identifier?")
        )  # fmt: skip
    places = [place for place in world.classes.values() if not place.line.is_gone]
    warnings = []
    options["classes"] = "homeroom"
    if not any(place.is_homeroom for place in places):
        if is_delta:
            questions.append(
                ("options.classes", "this delta holds no homeroom class: do the classes of earlier "
                 "deliveries come from homeroom classes? Without such, give a bulk bundle")
            )  # fmt: skip
        else:
            options["classes"] = "grade_level"
            warnings.append(
                f"{files.bundle.name}classes.csv: holds no class of the type homeroom; the grade "
                "level stands for the class, and there are no homeroom teachers"
            )
    years = {place.school_year for place in places}
    if "" in years or (files.has(f.ENROLLMENTS) and not places):
        questions.append(
            ("options.school_year", "academicSessions.csv does not say the school year of every "
             'class: which one is it? Write it like school_year = "2026-27"')
        )  # fmt: skip
    entries = _entries(world, options, has_staff=bool(staff), has_guardians=bool(guardians))
    questions += _about_grades(world)
    years.discard("")
    return Found(
        layout="oneroster",
        what=_what(world, students, staff, years, options),
        entries=tuple(entries),
        defaults={"school_year": years.pop()} if len(years) == 1 else {},
        questions=tuple(questions),
        warnings=(*warnings, *dict.fromkeys(files.warnings)),
    )


def _number(people: Iterable[Person]) -> str:
    """The school's own number, if everybody has one of their own and it is no card's."""
    numbers = [person.line["identifier"] for person in people]
    own = all(numbers) and len(set(numbers)) == len(numbers)
    if not numbers or not own or any(_CARD_NUMBER.match(number) for number in numbers):
        return "sourcedId"
    return "identifier"


def _about_grades(world: World) -> list[tuple[str, str]]:
    if not world.files.has(f.RESULTS):
        return []
    questions = []
    known = items(world).values()
    periods = sorted({item.period for item in known if item.period})
    if not all(_QUARTER.match(period) for period in periods):
        questions.append(
            ("values.period of grade", "which quarter of the district's calendar is each grading "
             f"period: {', '.join(map(repr, periods))}? Write lines like "
             f'{periods[0]!r} = "2026-27-Q1" under [table.values.period]')
        )  # fmt: skip
    if crowded(world):
        titles = sorted({item.line["title"] for item in known})
        shown = ", ".join(map(repr, titles[:10])) + (" …" if len(titles) > 10 else "")
        questions.append(
            ("options.line_items of grade", "students have several results in one subject and "
             f"period: which line items are the grade of the period? Found: {shown}")
        )  # fmt: skip
    return questions


def _what(
    world: World, students: list[Person], staff: list[Person], years: set[str], options: Any
) -> str:
    files = world.files
    mode = "delta" if files.is_delta(f.USERS) or files.is_delta(f.ENROLLMENTS) else "bulk"
    places = [place for place in world.classes.values() if not place.line.is_gone]
    homerooms = sum(place.is_homeroom for place in places)
    classes = (
        f"{homerooms} homeroom classes" if options["classes"] == "homeroom"
        else "classes are grade levels"
    )  # fmt: skip
    of = f" of {' and '.join(sorted(years))}" if years else ""
    return (
        f"OneRoster {files.version}, {mode}{of}: {len(students)} students known by "
        f"{options['student']}, {len(staff)} staff known by {options['staff']}, {classes}"
    )


def _entries(
    world: World, options: dict[str, Any], *, has_staff: bool, has_guardians: bool
) -> list[dict[str, Any]]:
    files = world.files
    sex = {"sex": "sex"} if files.has(f.DEMOGRAPHICS) else {}
    born = {"birth_date": "birthDate"} if files.has(f.DEMOGRAPHICS) else {}
    place = {
        "school_id": "schoolSourcedId", "school_year": "schoolYear", "class_name": "class",
        "grade_level": "gradeLevel",
    }  # fmt: skip
    homeroom = options["classes"] == "homeroom"
    teacher = {"homeroom_staff": "homeroomTeacher"} if homeroom else {}
    person = {"school_id": "orgSourcedId", "student": "student"}
    grade = {
        "school_id": "schoolSourcedId", "student": "student", "subject": "subject",
        "period": "period", "score": "score", "max_score": "resultValueMax", "date": "scoreDate",
        "recorded_on": "dateLastModified",
    }  # fmt: skip
    wanted = {
        "school": (files.has(f.ORGS), {"school_id": "sourcedId", "name": "name"}),
        "staff": (
            has_staff,
            {"school_id": "orgSourcedId", "staff": "staff", "name": "name", **sex, "role": "role"},
        ),
        "class_group": (files.has(f.CLASSES), place | teacher),
        "student": (files.has(f.USERS), person | {"full_name": "name"} | sex | born),
        "enrollment": (
            files.has(f.ENROLLMENTS),
            place | {"student": "student", "entry_date": "beginDate", "exit_date": "endDate"},
        ),
        "guardian": (
            has_guardians,
            person | {"relation": "relation", "full_name": "name", **sex, "phone": "phone"},
        ),
        "grade": (files.has(f.RESULTS), grade),
    }
    entries = []
    for part, (is_there, columns) in wanted.items():
        if is_there:
            entry: dict[str, Any] = {
                "table": part, "layout": "oneroster", "part": part, "columns": columns,
                "options": options,
            }  # fmt: skip
            if "sex" in columns:
                entry["values"] = {"sex": _SEX}
            if part == "class_group" and not homeroom:
                entry["distinct"] = True  # every student's row names the class
            entries.append(entry)
    return entries
