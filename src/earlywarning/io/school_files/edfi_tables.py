"""The flat tables that Ed-Fi files become, one row a record, with the row that it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from earlywarning.errors import ConfigError
from earlywarning.io.school_files.edfi_contents import (
    Contents,
    Stream,
    full_name,
    incident_of,
)
from earlywarning.io.school_files.edfi_records import Fields
from earlywarning.io.school_files.edfi_terms import GRADE_LEVELS, PART_OF_A_DAY
from earlywarning.io.school_files.interface import RowsTable

PARTS: Mapping[str, tuple[str, ...]] = {
    "school": ("SchoolId", "NameOfInstitution"),
    "student": (
        "StudentUniqueId", "SchoolId", "FullName", "BirthDate", "BirthSex", "Household",
    ),
    "enrollment": (
        "StudentUniqueId", "SchoolId", "SchoolYear", "ClassName", "GradeLevel", "EntryDate",
        "ExitWithdrawDate",
    ),
    "guardian": (
        "StudentUniqueId", "SchoolId", "Relation", "FullName", "Sex", "TelephoneNumber",
        "LivesWith",
    ),
    "calendar": ("SchoolId", "Date", "CalendarEvent"),
    "attendance": (
        "StudentUniqueId", "SchoolId", "EventDate", "AttendanceEventCategory", "LateMinutes",
    ),
    "section_attendance": (
        "StudentUniqueId", "SchoolId", "EventDate", "AttendanceEventCategory", "LateMinutes",
    ),
    "behaviour": ("SchoolId", "Event", "StudentUniqueId", "IncidentDate", "Behavior"),
    "grade": (
        "StudentUniqueId", "SchoolId", "LocalCourseCode", "GradingPeriod", "NumericGradeEarned",
    ),
}  # fmt: skip
"""Headings of each part."""

SOURCES: Mapping[str, tuple[str, ...]] = {
    "student": ("student",), "enrollment": ("student", "enrollment"), "guardian": ("contact_of",),
    "calendar": ("calendar_date",), "school": ("school",), "attendance": ("attendance",),
    "section_attendance": ("section_attendance",), "behaviour": ("behaviour",),
    "grade": ("grade",),
}  # fmt: skip
"""Kinds of record that each part is made of."""

OPTIONS = ("school_of_others",)

Rows = Iterator[tuple[int, tuple[str | None, ...]]]


@dataclass(slots=True)
class EdfiTable(RowsTable):
    """Rows of one part; `file` is the one that they stand in, or several."""

    file: str = ""


def table(contents: Contents, stream: Stream, part: str, options: Mapping[str, Any]) -> EdfiTable:
    """One part of a bundle.

    Raises
    ------
    ConfigError
        If an option is not known or no text.
    """
    others = _school_of_others(options)
    files = contents.files(*_sources(contents, part, others))
    made = EdfiTable(PARTS[part], lambda: iter(()), file=", ".join(files))
    made.rows = lambda: _MAKERS[part](contents, stream, others, made.warnings)
    return made


def _sources(contents: Contents, part: str, others: str | None) -> tuple[str, ...]:
    """Kinds of record that rows of a part come from."""
    if part == "calendar":
        return (*SOURCES[part], "session")
    if part == "enrollment" and not contents.without_enrollment and not others:
        return ("enrollment",)
    return SOURCES[part]


def _school_of_others(options: Mapping[str, Any]) -> str | None:
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(f"options.{unknown[0]}: unknown; allowed: {', '.join(OPTIONS)}")
    found = options.get("school_of_others")
    if found is not None and not (isinstance(found, str) and found.strip()):
        raise ConfigError(f"options.school_of_others is {found!r}; give a school's number as text")
    return found.strip() if found else None


def _schools(
    contents: Contents, student: str | None, others: str | None
) -> list[str] | list[None] | list[str | None]:
    """Where the student goes; nothing, once, if that is not known."""
    return list(contents.schools_of.get(student or "", ())) or [others]


def _school_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    for _, row, _, fields in stream(("school",)):
        yield row, (fields["school"], fields["name"])


def _student_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    for _, row, _, fields in stream(("student",)):
        number = fields["student"]
        for school in _schools(contents, number, others):
            yield row, (
                number, school, full_name(fields), fields["birth"], fields["sex"],
                contents.household(number or ""),
            )  # fmt: skip


def _enrollment_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    strange: Counter[str] = Counter()
    for _, row, kind, fields in stream(("student", "enrollment")):
        student = fields["student"] or ""
        if kind == "enrollment":
            level = fields["level"]
            group = contents.homeroom.get(student) or level
            if level and level not in GRADE_LEVELS:
                strange[level] += 1
            yield row, (
                student or None, fields["school"], fields["year"] or _year(fields["entry"]),
                group or contents.class_of(fields["school"] or ""),
                str(GRADE_LEVELS[level]) if level in GRADE_LEVELS else None,
                fields["entry"], fields["exit"],
            )  # fmt: skip
        elif student not in contents.enrolled:
            for school in _schools(contents, student, others):
                if school is not None:
                    year, first = contents.first_day(school)
                    group = contents.homeroom.get(student) or contents.class_of(school)
                    yield row, (student, school, year, group, None, first, None)
    warnings += [
        f"grade level {level!r} ({number} enrolments) is no number of a year and was left out"
        for level, number in sorted(strange.items())
    ]


def _year(day: str | None) -> str | None:
    """The school year of a first day of school, which lies in its first half."""
    try:
        found = date.fromisoformat(day or "")
    except ValueError:
        return None
    first = found.year if found.month >= 7 else found.year - 1
    return f"{first}-{first + 1}"


def _guardian_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    seen: Counter[tuple[str | None, str | None]] = Counter()
    lost = 0
    for _, row, _, fields in stream(("contact_of",)):
        relation = fields["relation"]
        seen[fields["student"], relation] += 1
        number = seen[fields["student"], relation]
        if relation and number > 1:
            relation = f"{relation} #{number}"
        contact = contents.contacts.get(fields["id"] or fields["contact"] or "")
        lost += contact is None
        for school in _schools(contents, fields["student"], others):
            yield row, (
                fields["student"], school, relation, contact.name if contact else None,
                contact.sex if contact else None, contact.phone if contact else None,
                fields["lives_with"],
            )  # fmt: skip
    if lost:
        warnings.append(f"{lost} contacts of students are described in no file")


def _calendar_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    skipped: Counter[tuple[str | None, str | None]] = Counter()
    for _, row, _, fields in stream(("calendar_date",)):
        if contents.is_of_some(fields["school"], fields["code"]):
            skipped[fields["school"], fields["code"]] += 1
            continue
        for event in fields["events"] or [None]:
            yield row, (fields["school"], fields["date"], event)
    for (school, code), number in skipped.items():
        kind = contents.calendars[school or "", code or ""]
        warnings.append(
            f"calendar {code} of school {school} is of some students only ({kind}); its {number} "
            "days are not the school's and were not read"
        )
    yield from _between_sessions(contents)


def _between_sessions(contents: Contents) -> Rows:
    """Days of the sessions' months that lie in none of them."""
    for (school, _), sessions in _school_years(contents).items():
        spans = [(date.fromisoformat(one.begin), date.fromisoformat(one.end)) for one in sessions]
        day = min(begin for begin, _ in spans).replace(day=1)
        last = (max(end for _, end in spans).replace(day=1) + timedelta(days=32)).replace(day=1)
        while day < last:
            inside = any(begin <= day <= end for begin, end in spans)
            if not inside and (school, day.isoformat()) not in contents.calendar_days:
                yield sessions[0].row, (school, day.isoformat(), "Between sessions")
            day += timedelta(days=1)


def _school_years(contents: Contents) -> dict[tuple[str, str | None], list[Any]]:
    """Sessions whose days can be read, by school and year."""
    found: dict[tuple[str, str | None], list[Any]] = {}
    for one in contents.sessions:
        try:
            date.fromisoformat(one.begin), date.fromisoformat(one.end)
        except ValueError:
            continue
        found.setdefault((one.school, one.year), []).append(one)
    return found


def session_warnings(contents: Contents) -> list[str]:
    """Sessions that have fewer school days than weekdays, and no calendar that says which."""
    found: dict[tuple[str, str, int, str, str], list[str]] = {}
    for (school, _), sessions in _school_years(contents).items():
        for one in sessions:
            begin, end = date.fromisoformat(one.begin), date.fromisoformat(one.end)
            days = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
            weekdays = sum(day.isoweekday() <= 5 for day in days)
            if one.days and one.days != str(weekdays):
                told = (one.name, one.days, weekdays, one.begin, one.end)
                found.setdefault(told, []).append(f"{school} (row {one.row})")
    return [
        f"{name} of school {', '.join(schools)}: {days} instructional days are announced, "
        f"{weekdays} weekdays lie between {begin} and {end}; unless a calendar names the others, "
        "they count as school days"
        for (name, days, weekdays, begin, end), schools in found.items()
    ]


def _attendance_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    for _, row, _, fields in stream(("attendance",)):
        yield row, _event(fields)


def _section_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    days = {hash((fields["student"], fields["date"])) for *_, fields in stream(("attendance",))}
    covered = total = 0
    for _, row, _, fields in stream(("section_attendance",)):
        total += 1
        if hash((fields["student"], fields["date"])) in days:
            covered += 1
        else:
            yield row, _event(fields)
    if covered:
        warnings.append(
            f"{covered} of {total} events of lessons are on days on which the student has an event "
            "of the school; that one holds, and they add nothing"
        )


def _event(fields: Fields) -> tuple[str | None, ...]:
    category, duration = fields["category"], fields["duration"]
    if category and category.endswith("Absence") and duration:
        try:
            category += PART_OF_A_DAY if 0 < float(duration) < 1 else ""
        except ValueError:
            category = f"{category}, duration {duration}"
    minutes = fields["minutes"] if category == "Tardy" else None
    return fields["student"], fields["school"], fields["date"], category, minutes


def _behaviour_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    seen: Counter[tuple[str | None, str | None, str | None]] = Counter()
    bystanders = 0
    for _, row, _, fields in stream(("behaviour",)):
        if fields["part"] not in (None, "Perpetrator"):
            bystanders += 1
            continue
        school, incident, day = incident_of(contents, fields)
        seen[school, incident, fields["student"]] += 1
        number = seen[school, incident, fields["student"]]
        event = f"{incident}.{fields['student']}" + (f".{number}" if number > 1 else "")
        yield row, (
            school, event if incident else None, fields["student"], day, fields["behaviour"],
        )  # fmt: skip
    if bystanders:
        warnings.append(
            f"{bystanders} students took part in an incident without being its perpetrator; that "
            "is no behaviour of theirs and was not read"
        )


def _grade_rows(
    contents: Contents, stream: Stream, others: str | None, warnings: list[str]
) -> Rows:
    skipped: Counter[str | None] = Counter()
    for _, row, _, fields in stream(("grade",)):
        if fields["type"] != "Grading Period":
            skipped[fields["type"]] += 1
            continue
        yield row, (
            fields["student"], fields["school"], fields["course"],
            period_name(fields["year"], fields["period"]), fields["score"],
        )  # fmt: skip
    warnings += [
        f"{number} grades of the type {kind} are of no grading period and were not read"
        for kind, number in skipped.items()
    ]


def period_name(year: str | None, name: str | None) -> str | None:
    """A grading period, told apart from the same one of another year."""
    if not name or not year or name.startswith(year):
        return name
    return f"{year} {name}"


_MAKERS: Mapping[str, Callable[[Contents, Stream, str | None, list[str]], Rows]] = {
    "school": _school_rows,
    "student": _student_rows,
    "enrollment": _enrollment_rows,
    "guardian": _guardian_rows,
    "calendar": _calendar_rows,
    "attendance": _attendance_rows,
    "section_attendance": _section_rows,
    "behaviour": _behaviour_rows,
    "grade": _grade_rows,
}
