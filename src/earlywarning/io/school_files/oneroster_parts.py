"""The parts of a OneRoster bundle about people and classes, and how a part is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.oneroster_files import BundleFiles
from earlywarning.io.school_files.oneroster_grades import fill_grades
from earlywarning.io.school_files.oneroster_people import (
    GUARDIAN_ROLES,
    STAFF_ROLES,
    Options,
    Person,
    World,
    about_bodies,
    grade_level,
    read_world,
    sex_of,
)
from earlywarning.io.school_files.oneroster_stays import fill_enrollments, stays_by_grade
from earlywarning.io.school_files.oneroster_table import (
    HEADINGS,
    NO_REFERENCE,
    OWN_FILES,
    PartTable,
    refuse_class,
    refuse_year,
)


def open_part(files: BundleFiles, part: str, options: Options) -> PartTable:
    """One part of a bundle, read and joined."""
    table = PartTable(HEADINGS[part], f"{OWN_FILES[part][0]}.csv")
    world = read_world(files, options)
    _MAKERS[part](world, table)
    if part not in ("staff", "guardian"):  # the students' part reports what users.csv has broken
        for name in OWN_FILES[part]:
            if files.faults.get(name):
                table.faults[f"{name}.csv"] = [
                    *files.faults[name], *table.faults.get(f"{name}.csv", []),
                ]  # fmt: skip
    table.warnings += files.warnings
    return table


def _schools(world: World, table: PartTable) -> None:
    for name, line in world.orgs.items():
        if line["type"].lower() == "school":
            table.add(line.row, world.school(name), line["name"])


def _living(world: World) -> Iterator[Person]:
    return (person for person in world.people.values() if not person.line.is_gone)


def _staff(world: World, table: PartTable) -> None:
    bodies = about_bodies(world.files)
    for person in _living(world):
        held = [role for role in STAFF_ROLES if role in person.orgs]
        for school in world.schools_of(person, held):
            table.add(
                person.line.row, school, person.number(world.options.staff), person.name,
                sex_of(bodies.get(person.line["sourcedId"])), STAFF_ROLES[held[0]],
            )  # fmt: skip


def _students(world: World, table: PartTable) -> None:
    bodies = about_bodies(world.files)
    for person in _living(world):
        if not person.orgs:
            table.refuse(
                f.USERS, person.line, "sourcedId", NO_REFERENCE,
                "a user with a role; roles.csv names none" if world.files.has(f.ROLES)
                else "a user with a role",
            )  # fmt: skip
        if "student" not in person.orgs:
            continue
        body = bodies.get(person.line["sourcedId"])
        schools = world.schools_of(person, ["student"])
        if not schools:
            table.refuse(
                f.USERS, person.line, "orgSourcedIds", NO_REFERENCE, "a school that is in orgs.csv"
            )
        for school in schools:
            table.add(
                person.line.row, school, person.number(world.options.student), person.name,
                sex_of(body), body["birthDate"] if body else "",
            )  # fmt: skip


def _guardians(world: World, table: PartTable) -> None:
    bodies = about_bodies(world.files)
    children: dict[str, list[str]] = {}
    for name, person in world.people.items():
        if "student" in person.orgs:
            for agent in person.line.list("agentSourcedIds"):
                children.setdefault(agent, []).append(name)
    seen: dict[tuple[str, str, str], int] = {}
    for name, person in world.people.items():
        roles = [role for role in GUARDIAN_ROLES if role in person.orgs]
        if not roles or person.line.is_gone:
            continue
        sex = sex_of(bodies.get(name))
        named = [*person.line.list("agentSourcedIds"), *children.get(name, [])]
        for child in dict.fromkeys(named):
            number = world.number(child, world.options.student)
            if not number:
                table.refuse(
                    f.USERS, person.line, "agentSourcedIds", NO_REFERENCE,
                    f"students of this bundle; {child} is none",
                )  # fmt: skip
                continue
            relation = _relation(roles[0], sex)
            known = world.people.get(child)
            schools = (
                world.schools_of(known, ["student"]) if known else world.schools_of(person, roles)
            )
            for school in schools:
                before = seen.setdefault((school, number, relation), person.line.row)
                if before != person.line.row:
                    table.warnings.append(
                        f"{world.files.bundle.name}users.csv: rows {before} and {person.line.row} "
                        f"are both {relation} of student {number}; the first was kept"
                    )
                    continue
                table.add(
                    person.line.row, school, number, relation, person.name, sex,
                    person.line["sms"] or person.line["phone"],
                )  # fmt: skip


def _relation(role: str, sex: str) -> str:
    if role == "parent":
        return {"male": "father", "female": "mother"}.get(sex, "guardian")
    return "carer" if role == "relative" else "guardian"


def _class_groups(world: World, table: PartTable) -> None:
    if world.options.classes == "grade_level":
        table.file = f"{f.ENROLLMENTS}.csv"
        for stay in stays_by_grade(world):
            table.add(stay.row, stay.school, stay.year, stay.level, grade_level(stay.level), "")
        return
    teachers = _homeroom_teachers(world, table)
    for name, place in world.classes.items():
        if not place.is_homeroom or place.line.is_gone:
            continue
        if not world.year_of(place):
            refuse_year(table, f.CLASSES, place.line, "termSourcedIds")
            continue
        table.add(
            place.line.row, world.school(place.line["schoolSourcedId"]), world.year_of(place),
            place.line["title"], grade_level(place.line["grades"]), teachers.get(name, ""),
        )  # fmt: skip


def _homeroom_teachers(world: World, table: PartTable) -> dict[str, str]:
    """The primary teacher of each homeroom class, or the only one."""
    found: dict[str, dict[str, bool]] = {}
    where = world.files.bundle.name
    for line in world.files.kept(f.ENROLLMENTS):
        if line["role"].lower() != "teacher":
            continue
        place = world.classes.get(line["classSourcedId"])
        if place is None:
            refuse_class(table, line)
        elif place.is_homeroom:
            user = line["userSourcedId"]
            number = world.number(user, world.options.staff)
            if not number or (user not in world.people and not world.files.is_delta(f.USERS)):
                table.warnings.append(
                    f"{where}enrollments.csv: row {line.row}: the teacher {user} is not in "
                    "users.csv; the class has no homeroom teacher by this row"
                )
                continue
            some = found.setdefault(line["classSourcedId"], {})
            some[number] = some.get(number, False) or line["primary"].lower() == "true"
    chosen = {}
    for name, numbers in found.items():
        best = [number for number, is_primary in numbers.items() if is_primary] or list(numbers)
        if len(best) == 1:
            chosen[name] = best[0]
        else:
            table.warnings.append(
                f"{where}enrollments.csv: {len(best)} teachers of the class "
                f"{world.classes[name].line['title']}, and not one that is primary; it was left "
                "without a homeroom teacher"
            )
    return chosen


_MAKERS: Mapping[str, Callable[[World, PartTable], None]] = {
    "school": _schools, "staff": _staff, "class_group": _class_groups, "student": _students,
    "enrollment": fill_enrollments, "guardian": _guardians, "grade": fill_grades,
}  # fmt: skip
