"""Who is in which class of a OneRoster bundle, from when to when."""

from __future__ import annotations

from dataclasses import dataclass, field

from earlywarning.errors import DataError
from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.oneroster_files import Line
from earlywarning.io.school_files.oneroster_people import Person, Place, World, grade_level
from earlywarning.io.school_files.oneroster_table import (
    NO_REFERENCE,
    PartTable,
    refuse_class,
    refuse_user,
    refuse_year,
)


def fill_enrollments(world: World, table: PartTable) -> None:
    """The rows of the part `enrollment`."""
    if world.options.classes == "grade_level":
        for stay in stays_by_grade(world, table):
            table.add(
                stay.row, stay.school, stay.student, stay.year, stay.level,
                grade_level(stay.level), stay.first_day, stay.last_day,
            )  # fmt: skip
        return
    is_delta = world.files.is_delta(f.ENROLLMENTS)
    lines = world.files.lines(f.ENROLLMENTS) if is_delta else world.files.kept(f.ENROLLMENTS)
    settled: set[str] = set()
    for line in lines:
        if line["role"].lower() == "student":
            settled.add(line["userSourcedId"])
            _enrollment(world, table, line)
    if world.files.is_delta(f.USERS):
        for name, person in world.people.items():
            if person.line.is_gone and "student" in person.orgs and name not in settled:
                table.refuse(
                    f.USERS, person.line, "sourcedId", NO_REFERENCE,
                    "a deleted student whose enrollment is in enrollments.csv too, so that it is "
                    "known which class they left",
                )  # fmt: skip


def _enrollment(world: World, table: PartTable, line: Line) -> None:
    """One enrollment in a homeroom class; those in subjects are no part of the roster."""
    place = world.classes.get(line["classSourcedId"])
    if place is None:
        refuse_class(table, line)
        return
    if not place.is_homeroom:
        return
    person = world.people.get(line["userSourcedId"])
    number = world.number(line["userSourcedId"], world.options.student)
    is_left_out = person and person.line.is_gone and not world.files.is_delta(f.USERS)
    if not number or is_left_out:
        refuse_user(table, f.ENROLLMENTS, line, "userSourcedId", world.options.student)
        return
    if not world.year_of(place):
        refuse_year(table, f.ENROLLMENTS, line, "classSourcedId")
        return
    gone = [item for item in (line, person.line if person else line) if item.is_gone]
    if any(not item["dateLastModified"] for item in gone):
        table.refuse(
            f.ENROLLMENTS, line, "dateLastModified", "missing",
            "the day of the deletion, on which the student left",
        )  # fmt: skip
        return
    first, last = _days(line, place, [item["dateLastModified"] for item in gone])
    table.add(
        line.row, world.school(line["schoolSourcedId"] or place.line["schoolSourcedId"]), number,
        world.year_of(place), place.line["title"], grade_level(place.line["grades"]), first, last,
    )  # fmt: skip


def _days(line: Line, place: Place, deleted: list[str]) -> tuple[str, str]:
    """First day, and first day gone; the latter empty for whoever stays to the end of the class."""
    first, last = line["beginDate"] or place.first_day, line["endDate"]
    if place.last_day and last >= place.last_day:
        last = ""
    if deleted:
        # Deleted before it began: nobody was ever in the class.
        last = max(first, min([*deleted, *([last] if last else [])]))
    return first, last


@dataclass(slots=True)
class Stay:
    """A student at a school in a school year, where classes are grade levels.

    Attributes
    ----------
    row : int
        Of their first enrollment.
    levels : set of str
        Grade levels of their classes.
    """

    row: int
    school: str
    student: str
    year: str
    level: str
    first_day: str
    last_day: str
    levels: set[str] = field(default_factory=set)


def stays_by_grade(world: World, table: PartTable | None = None) -> list[Stay]:
    """One stay a student, school and year, out of the enrollments in all classes.

    Whoever's last class ends as late as anybody's has not left.

    Parameters
    ----------
    table : PartTable, optional
        Where enrollments that cannot be joined are refused.

    Raises
    ------
    DataError
        If the enrollments are a delta: changes alone do not say who is still there.
    """
    if world.files.is_delta(f.ENROLLMENTS):
        raise DataError(
            f"{world.files.bundle.name}enrollments.csv: is a delta, and without homeroom classes "
            "changes alone do not say who left the school; give a bulk bundle"
        )
    found: dict[tuple[str, str, str], Stay] = {}
    for line in world.files.kept(f.ENROLLMENTS):
        if line["role"].lower() != "student":
            continue
        place = world.classes.get(line["classSourcedId"])
        number = world.number(line["userSourcedId"], world.options.student)
        if place is None or not number or not world.year_of(place):
            if table:
                _refuse(world, table, line, place, number)
            continue
        school = world.school(line["schoolSourcedId"] or place.line["schoolSourcedId"])
        first, last = line["beginDate"] or place.first_day, line["endDate"] or place.last_day
        year = world.year_of(place)
        level = _level(world.people.get(line["userSourcedId"]))
        stay = found.setdefault(
            (school, number, year), Stay(line.row, school, number, year, level, first, last)
        )
        stay.first_day, stay.last_day = min(stay.first_day, first), max(stay.last_day, last)
        stay.levels.update(place.line.list("grades"))
    ends: dict[tuple[str, str], str] = {}
    for stay in found.values():
        ends[stay.school, stay.year] = max(ends.get((stay.school, stay.year), ""), stay.last_day)
    for stay in found.values():
        if not stay.level and len(stay.levels) == 1:
            (stay.level,) = stay.levels
        if stay.last_day == ends[stay.school, stay.year]:
            stay.last_day = ""
    return list(found.values())


def _level(person: Person | None) -> str:
    levels = person.line.list("grades") if person else []
    return levels[0] if levels else ""


def _refuse(world: World, table: PartTable, line: Line, place: Place | None, number: str) -> None:
    if place is None:
        refuse_class(table, line)
    elif not number:
        refuse_user(table, f.ENROLLMENTS, line, "userSourcedId", world.options.student)
    else:
        refuse_year(table, f.ENROLLMENTS, line, "classSourcedId")
