"""Ed-Fi's XML interchange: students, their schools, the calendar, absences only, incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from earlywarning.simulation.layouts.canonical import Frames, current_year

NAMESPACE = "http://ed-fi.org/5.2.0"
CATEGORIES = {
    "S": "Excused Absence", "I": "Excused Absence", "A": "Unexcused Absence", "T": "Tardy",
    "B": "Unexcused Absence",
}  # fmt: skip
"""The descriptor for each of our codes; Ed-Fi's own list knows no illness and no truancy."""


def carry(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """This year's students, absences and lateness by Ed-Fi's categories, offences, the calendar.

    Present days are not delivered: they are every other day of the calendar.
    """
    kept = current_year(tables, until)
    marks = kept["attendance"].with_columns(
        code=pl.col("code").replace_strict(CATEGORIES, default=None, return_dtype=pl.String)
    )
    days = kept["attendance"].filter(pl.col("code") != "").select("school_id", "date").unique()
    return {
        "school": kept["school"],
        "class_group": kept["class_group"],
        "student": kept["student"],
        "enrollment": kept["enrollment"],
        "calendar_day": days.sort("date").with_columns(kind=pl.lit("instructional")),
        "attendance": marks.filter(pl.col("code").is_not_null()),
        "behaviour": kept["behaviour"]
        .filter(pl.col("polarity") == "offence")
        .select("school_id", "event", "student", "date", "type_code", "polarity"),
    }


def write(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """`Student.xml`, `StudentEnrollment.xml`, `EducationOrganization.xml`,
    `EducationOrgCalendar.xml`, `StudentAttendance.xml`, `StudentDiscipline.xml`."""
    folder.mkdir(parents=True, exist_ok=True)
    school = tables["school"].row(0, named=True)
    _file(folder, "EducationOrganization", [
        f"<School><EducationOrganizationId>{_text(school['school_id'])}</EducationOrganizationId>"
        f"<NameOfInstitution>{_text(school['name'])}</NameOfInstitution>"
        f"<SchoolId>{_text(school['school_id'])}</SchoolId></School>"
    ])  # fmt: skip
    _file(folder, "Student", map(_student, tables["student"].to_dicts()))
    _file(folder, "StudentEnrollment", map(_enrolled, tables["enrollment"].to_dicts()))
    _file(folder, "EducationOrgCalendar", map(_day, tables["calendar_day"].to_dicts()))
    year = tables["enrollment"]["school_year"][0]
    _file(folder, "StudentAttendance", (
        _event(row, year) for row in tables["attendance"].to_dicts()
    ))  # fmt: skip
    behaviour = tables["behaviour"].to_dicts()
    _file(folder, "StudentDiscipline", [*map(_incident, behaviour), *map(_involved, behaviour)])


def _file(folder: Path, interchange: str, elements: Iterable[str]) -> None:
    with (folder / f"{interchange}.xml").open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(f'<Interchange{interchange} xmlns="{NAMESPACE}">\n')
        file.writelines(f"\t{element}\n" for element in elements)
        file.write(f"</Interchange{interchange}>\n")


def _text(value: object) -> str:
    return escape(str(value))


def _uri(descriptor: str, value: object) -> str:
    return f"uri://ed-fi.org/{descriptor}Descriptor#{_text(value)}"


def _student(row: Mapping[str, object]) -> str:
    given, _, family = str(row["full_name"]).partition(" ")
    sex = "Male" if row["sex"] == "M" else "Female"
    return (
        f"<Student><StudentUniqueId>{_text(row['student'])}</StudentUniqueId>"
        f"<Name><FirstName>{_text(given)}</FirstName>"
        f"<LastSurname>{_text(family or given)}</LastSurname></Name>"
        f"<BirthData><BirthDate>{row['birth_date']}</BirthDate>"
        f"<BirthSex>{_uri('Sex', sex)}</BirthSex></BirthData></Student>"
    )


def _student_reference(row: Mapping[str, object]) -> str:
    return (
        "<StudentReference><StudentIdentity>"
        f"<StudentUniqueId>{_text(row['student'])}</StudentUniqueId>"
        "</StudentIdentity></StudentReference>"
    )


def _school_reference(row: Mapping[str, object]) -> str:
    return (
        "<SchoolReference><SchoolIdentity>"
        f"<SchoolId>{_text(row['school_id'])}</SchoolId>"
        "</SchoolIdentity></SchoolReference>"
    )


def _enrolled(row: Mapping[str, object]) -> str:
    years = str(row["school_year"])
    return (
        f"<StudentSchoolAssociation>{_student_reference(row)}{_school_reference(row)}"
        f"<SchoolYear>{years[:4]}-{int(years[:4]) + 1}</SchoolYear>"
        f"<EntryDate>{row['entry_date']}</EntryDate>"
        f"<EntryGradeLevel>{_uri('GradeLevel', GRADE_LEVELS[str(row['grade_level'])])}"
        f"</EntryGradeLevel></StudentSchoolAssociation>"
        f"<StudentSectionAssociation>{_student_reference(row)}"
        f"<SectionReference><SectionIdentity><SectionIdentifier>{_text(row['class_name'])}"
        f"</SectionIdentifier></SectionIdentity></SectionReference>"
        f"<BeginDate>{row['entry_date']}</BeginDate><HomeroomIndicator>true</HomeroomIndicator>"
        "</StudentSectionAssociation>"
    )


GRADE_LEVELS = {"7": "Seventh grade", "8": "Eighth grade", "9": "Ninth grade"}


def _day(row: Mapping[str, object]) -> str:
    return (
        f"<CalendarDate><Date>{row['date']}</Date>"
        f"<CalendarEvent>{_uri('CalendarEvent', 'Instructional day')}</CalendarEvent>"
        f"<CalendarReference><CalendarIdentity>{_school_reference(row)}"
        "</CalendarIdentity></CalendarReference></CalendarDate>"
    )


def _event(row: Mapping[str, object], year: str) -> str:
    return (
        "<StudentSchoolAttendanceEvent><AttendanceEvent>"
        f"<EventDate>{row['date']}</EventDate><AttendanceEventCategory>"
        f"{_uri('AttendanceEventCategory', row['code'])}</AttendanceEventCategory>"
        f"</AttendanceEvent>{_student_reference(row)}{_school_reference(row)}"
        f"<SessionReference><SessionIdentity><SchoolYear>{year[:4]}-{int(year[:4]) + 1}"
        "</SchoolYear></SessionIdentity></SessionReference></StudentSchoolAttendanceEvent>"
    )


def _incident(row: Mapping[str, object]) -> str:
    return (
        f"<DisciplineIncident><IncidentIdentifier>{_text(row['event'])}</IncidentIdentifier>"
        f"<IncidentDate>{row['date']}</IncidentDate><Behavior><Behavior>"
        f"{_uri('Behavior', row['type_code'])}</Behavior></Behavior>"
        f"{_school_reference(row)}</DisciplineIncident>"
    )


def _involved(row: Mapping[str, object]) -> str:
    return (
        "<StudentDisciplineIncidentBehaviorAssociation>"
        f"{_student_reference(row)}<DisciplineIncidentReference><DisciplineIncidentIdentity>"
        f"<IncidentIdentifier>{_text(row['event'])}</IncidentIdentifier>{_school_reference(row)}"
        "</DisciplineIncidentIdentity></DisciplineIncidentReference>"
        f"<Behavior>{_uri('Behavior', row['type_code'])}</Behavior>"
        "</StudentDisciplineIncidentBehaviorAssociation>"
    )
