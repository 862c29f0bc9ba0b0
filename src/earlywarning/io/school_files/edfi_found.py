"""What a bundle of Ed-Fi files means: entries of a mapping, what is odd, what a person must say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from earlywarning.calendar import SchoolCalendar
from earlywarning.io.school_files.edfi_contents import Contents
from earlywarning.io.school_files.edfi_tables import period_name, session_warnings
from earlywarning.io.school_files.edfi_terms import (
    CALENDAR_KINDS,
    GUARDIAN_SEXES,
    RELATIONS,
    SCHOOL_CODES,
    SECTION_CODES,
    SEXES,
)
from earlywarning.io.school_files.interface import Found

_ID = {"school_id": "SchoolId", "student": "StudentUniqueId"}


def understood(contents: Contents, layout: str, version: str) -> Found | None:
    """What the files hold; None if nothing of it is imported.

    Parameters
    ----------
    contents : Contents
    layout : str
        The reader's name.
    version : str
        What the files are, such as "Ed-Fi 5.2.0 XML".
    """
    entries = [{"layout": layout, **entry} for entry in _entries(contents)]
    if not entries:
        return None
    return Found(
        layout,
        f"{version}: {_amounts(contents)}",
        tuple({"table": entry.pop("table"), **entry} for entry in entries),
        questions=tuple(_questions(contents)),
        warnings=tuple(_warnings(contents)),
    )


def _entries(contents: Contents) -> list[dict[str, Any]]:
    """One entry for each table that the files fill."""
    entries: list[dict[str, Any]] = []

    def add(table: str, part: str, columns: Mapping[str, str], **more: Any) -> None:
        entries.append({"table": table, "part": part, **more, "columns": dict(columns)})

    if contents.total("school"):
        add("school", "school", {"school_id": "SchoolId", "name": "NameOfInstitution"})
    if contents.total("student"):
        add(
            "student", "student",
            {**_ID, "full_name": "FullName", "birth_date": "BirthDate", "sex": "BirthSex",
             "household": "Household"},
            values={"sex": SEXES},
        )  # fmt: skip
    if contents.total("enrollment") or contents.total("student"):
        add(
            "enrollment", "enrollment",
            {**_ID, "school_year": "SchoolYear", "class_name": "ClassName",
             "grade_level": "GradeLevel", "entry_date": "EntryDate",
             "exit_date": "ExitWithdrawDate"},
        )  # fmt: skip
    if contents.total("contact_of"):
        # A second contact of one relation is no mistake: both are kept.
        second = {f"{word} #2": "guardian" for word in ("Father", "Mother")}
        add(
            "guardian", "guardian",
            {**_ID, "relation": "Relation", "full_name": "FullName", "sex": "Sex",
             "phone": "TelephoneNumber", "lives_with": "LivesWith"},
            values={"relation": {**RELATIONS, **second}, "sex": GUARDIAN_SEXES},
        )  # fmt: skip
    if contents.total("session") or contents.calendar_days:
        add(
            "calendar_day", "calendar",
            {"school_id": "SchoolId", "date": "Date", "kind": "CalendarEvent"},
            distinct=True, values={"kind": CALENDAR_KINDS},
        )  # fmt: skip
    event = {**_ID, "date": "EventDate", "code": "AttendanceEventCategory",
             "late_minutes": "LateMinutes"}  # fmt: skip
    coverage = "exceptions" if contents.exceptions_only else "all_marks"
    if contents.total("attendance"):
        add(
            "attendance", "attendance", event,
            namespace="edfi5.2", coverage=coverage, codes=SCHOOL_CODES,
        )  # fmt: skip
    if contents.total("section_attendance"):
        add(
            "attendance", "section_attendance", event,
            namespace="edfi5.2", coverage=coverage, rollup="worst", codes=SECTION_CODES,
        )  # fmt: skip
    if contents.total("behaviour"):
        add(
            "behaviour", "behaviour",
            {**_ID, "event": "Event", "date": "IncidentDate", "type_code": "Behavior"},
            constants={"polarity": "offence"},
        )  # fmt: skip
    if contents.graded_periods:
        periods = _periods(contents)
        add(
            "grade", "grade",
            {**_ID, "subject": "LocalCourseCode", "period": "GradingPeriod",
             "kind": "GradingPeriod", "score": "NumericGradeEarned"},
            values={
                "period": {name: quarter for name, (quarter, _) in periods.items()},
                "kind": {name: kind for name, (_, kind) in periods.items()},
            } if periods else {},
        )  # fmt: skip
    return entries


def _periods(contents: Contents) -> dict[str, tuple[str, str]]:
    """Quarter and kind of each grading period that is graded and whose days are known.

    The quarter, by the usual calendar, in which most of its days lie; of several in one quarter the
    last is final, the others are midterm.
    """
    quarters: dict[str, tuple[str, date]] = {}
    for (year, name), (begin, end) in contents.periods.items():
        try:
            first, last = date.fromisoformat(begin), date.fromisoformat(end)
        except ValueError:
            continue
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        codes = Counter(SchoolCalendar().quarter_of(day).code for day in days)
        quarters[period_name(year, name) or name] = (max(codes, key=codes.__getitem__), last)
    finals = {code: max(last for other, last in quarters.values() if other == code)
              for code, _ in quarters.values()}  # fmt: skip
    graded = {period_name(year, name) or name for year, name in contents.graded_periods}
    return {
        name: (code, "final" if finals[code] == last else "midterm")
        for name, (code, last) in quarters.items()
        if name in graded
    }


def _questions(contents: Contents) -> list[tuple[str, str]]:
    questions = []
    lost = len(contents.without_school)
    if lost:
        questions.append((
            "options.school_of_others",
            f"no file says which school {lost:,} of {len(contents.students):,} students attend: "
            "add the enrolments (StudentSchoolAssociation); or, if all of them attend one school, "
            "give its number in [table.options] of the tables student, enrollment and guardian; as "
            "it is, these students are refused",
        ))  # fmt: skip
    guessed = _entered_by_session(contents)
    lacking = sorted(school for school in guessed if contents.first_day(school)[1] is None)
    if lacking:
        questions.append((
            "constants.entry_date",
            f"since when are the students of {', '.join(lacking)} there? there are neither "
            "enrolments nor sessions; in the table enrollment put entry_date and school_year under "
            "[table.constants] instead of their columns",
        ))  # fmt: skip
    known = _periods(contents)
    for year, name in contents.graded_periods:
        period = period_name(year, name) or name
        days = contents.periods.get((year, name))
        proposal = ""
        if period in known:
            quarter, kind = known[period]
            proposal = f" ({days[0]} to {days[1]}: {quarter}, {kind}?)" if days else ""
        questions.append((
            "values.period",
            f"which quarter of the district's calendar is the grading period {period!r}{proposal}? "
            "and in values.kind: is its grade midterm or final there?",
        ))  # fmt: skip
    return questions


def _entered_by_session(contents: Contents) -> Counter[str]:
    """Students without an enrolment whose school is known, by school."""
    return Counter(
        school for student in contents.without_enrollment for school in contents.schools_of[student]
    )


def _warnings(contents: Contents) -> list[str]:
    found = []
    guessed = _entered_by_session(contents)
    if guessed:
        schools = ", ".join(
            f"{contents.class_of(school)} {number:,}" for school, number in sorted(guessed.items())
        )
        found.append(
            f"{guessed.total():,} students have no enrolment; their school is the one that their "
            f"attendance, lessons, grades or incidents name ({schools}); they count as enrolled "
            "from its first session on, and each school as one class, for no class is named"
        )
    found += _attendance_warnings(contents)
    found += session_warnings(contents)
    if contents.total("gradebook_mark"):
        found.append(
            f"{contents.total('gradebook_mark'):,} marks of single assignments (gradebook) belong "
            "to no grading period; they say where a student goes and are no grades here"
        )
    if contents.total("action"):
        found.append(
            f"{contents.total('action'):,} disciplinary actions: the incident counts, what "
            "followed is not read"
        )
    return found


def _attendance_warnings(contents: Contents) -> list[str]:
    found = []
    total = contents.events.total()
    if total and contents.exceptions_only:
        without = len([one for one in contents.students if one not in contents.with_event])
        about = (
            f"{without:,} of {len(contents.students):,} students have none: "
            if contents.students
            else ""
        )
        found.append(
            f"attendance: the {total:,} events are absences and lateness only; {about}present, or "
            "not loaded? The school's calendar stands for the register, and features are flagged "
            "as assumed"
        )
    missing = contents.without_duration
    if missing:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in missing.most_common())
        found.append(
            f"attendance: {missing.total():,} of {total:,} events have no EventDuration ({kinds}); "
            f"first in row {contents.first_without_duration}; each counts as its category says"
        )
    return found


def _amounts(contents: Contents) -> str:
    names = {
        "school": "school", "student": "student", "enrollment": "enrolment",
        "contact_of": "contact", "session": "session", "calendar_date": "calendar day",
        "attendance": "attendance event", "section_attendance": "event of a lesson",
        "behaviour": "student in an incident", "grade": "grade",
    }  # fmt: skip
    totals = {name: contents.total(kind) for kind, name in names.items()}
    parts = [f"{name}: {number:,}" for name, number in totals.items() if number]
    lost = len(contents.without_school)
    if lost:
        parts.append(f"no school known for {lost:,} students")
    return ", ".join(parts)
