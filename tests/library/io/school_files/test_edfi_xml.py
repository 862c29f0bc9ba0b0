"""Ed-Fi interchange files: what a folder of them means, and what no file may do to us."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.file_kind import inspect
from earlywarning.io.school_files.edfi_rest import EdfiRest
from earlywarning.io.school_files.edfi_xml import EdfiXml
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.school_files.xml_records import DEEPEST, MOST_PARTS, records

READER = EdfiXml()
NAMESPACE = "http://ed-fi.org/5.2.0"
URI = "uri://ed-fi.org/"


def interchange(name: str, *elements: str, namespace: str = NAMESPACE) -> str:
    """A file, one line an element: the first stands in row 3."""
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', f'<Interchange{name} xmlns="{namespace}">',
         *elements, f"</Interchange{name}>", ""]
    )  # fmt: skip


def nested(path: str, text: object) -> str:
    """`A/B` around a text."""
    for name in reversed(path.split("/")):
        text = f"<{name}>{text}</{name}>"
    return str(text)


def of(student: str) -> str:
    return nested("StudentReference/StudentIdentity/StudentUniqueId", student)


def at(school: str) -> str:
    return nested("SchoolReference/SchoolIdentity/SchoolId", school)


def section(school: str) -> str:
    inner = nested("CourseOfferingReference/CourseOfferingIdentity", at(school))
    return nested("SectionReference/SectionIdentity", inner)


def student(number: str, first: str = "Siti", last: str = "Aminah") -> str:
    name = f"<Name><FirstName>{first}</FirstName><LastSurname>{last}</LastSurname></Name>"
    born = nested("BirthData/BirthDate", "2013-05-06")
    return f"<Student><StudentUniqueId>{number}</StudentUniqueId>{name}{born}</Student>"


def event(
    number: str, day: str, category: str, *, duration: str = "1", minutes: str = "",
    school: str = "S1", lesson: bool = False,
) -> str:  # fmt: skip
    kind = "StudentSectionAttendanceEvent" if lesson else "StudentSchoolAttendanceEvent"
    longer = nested("EventDuration", duration) if duration else ""
    longer_name = kind.removeprefix("Student").removesuffix("Event") + "Duration"
    late = nested(longer_name, minutes) if minutes else ""
    place = section(school) if lesson else at(school)
    return (
        f"<{kind}><AttendanceEvent><EventDate>{day}</EventDate><AttendanceEventCategory>"
        f"{category}</AttendanceEventCategory>{longer}</AttendanceEvent>{of(number)}{place}{late}"
        f"</{kind}>"
    )


def enrolled(number: str, school: str = "S1", *, more: str = "", entry: str = "2026-08-24") -> str:
    inner = f"{of(number)}{at(school)}<EntryDate>{entry}</EntryDate>{more}"
    return f"<StudentSchoolAssociation>{inner}</StudentSchoolAssociation>"


def session(school: str = "S1", days: int = 20) -> str:
    return (
        "<Session><SessionName>Fall</SessionName><SchoolYear>2026-2027</SchoolYear>"
        "<BeginDate>2026-09-07</BeginDate><EndDate>2026-10-02</EndDate>"
        f"<TotalInstructionalDays>{days}</TotalInstructionalDays>{at(school)}</Session>"
    )


def bundle(folder: Path, **files: str | bytes) -> Bundle:
    """The files in a folder; `A__B` becomes `A-B`."""
    folder.mkdir(exist_ok=True)
    kinds = []
    for name, text in files.items():
        path = folder / f"{name.replace('__', '-')}.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        kinds.append(inspect(path, accept=("xml", "page", "text")))
    return Bundle(tuple(kinds), "folder/")


def rows(given: Bundle, part: str, **options: Any) -> list[tuple[Any, ...]]:
    """Row numbers and cells of a part."""
    opened = READER.open(given, part, options, None)
    return [
        (number, *cells)
        for chunk in opened.chunks()
        for number, cells in zip(
            chunk.cells["_row"], chunk.cells.drop("_row").rows(), strict=True
        )
    ]  # fmt: skip


def sniff(given: Bundle) -> Found:
    found = READER.sniff(given)
    assert found is not None
    return found


def entry(found: Found, part: str) -> Mapping[str, Any]:
    return next(entry for entry in found.entries if entry["part"] == part)


def warnings(given: Bundle, part: str) -> list[str]:
    opened = READER.open(given, part, {}, None)
    assert list(opened.chunks()) is not None
    return opened.warnings


STUDENTS = interchange("Student", student("0101"), student("0102", "Budi", "Santoso"))


def test_the_school_of_a_student_is_where_a_record_names_it(tmp_path: Path) -> None:
    given = bundle(
        tmp_path, Student=STUDENTS,
        StudentAttendance=interchange(
            "StudentAttendance", event("0102", "2026-09-08", f"{URI}X#Unexcused Absence")
        ),
        Calendar=interchange("EducationOrgCalendar", session()),
    )  # fmt: skip
    found = sniff(given)
    assert found.what == (
        "Ed-Fi 5.2.0 XML: student: 2, session: 1, attendance event: 1, "
        "no school known for 1 students"
    )
    assert rows(given, "student") == [
        (3, "0101", None, "Siti Aminah", "2013-05-06", None, None),
        (4, "0102", "S1", "Budi Santoso", "2013-05-06", None, None),
    ]
    # Nobody is enrolled whose school is not known.
    assert rows(given, "enrollment") == [
        (4, "0102", "S1", "2026-2027", "S1", None, "2026-09-07", None)
    ]
    ((key, question),) = found.questions
    assert key == "options.school_of_others"
    assert "which school 1 of 2 students attend" in question
    assert any("1 students have no enrolment" in warning for warning in found.warnings)
    # A person may say where the others go.
    told = rows(given, "student", school_of_others="S9")
    assert [row[2] for row in told] == ["S9", "S1"]
    assert [row[:5] for row in rows(given, "enrollment", school_of_others="S9")] == [
        (3, "0101", "S9", None, "S9"), (4, "0102", "S1", "2026-2027", "S1")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"schools": "S1"}, "options.schools: unknown; allowed: school_of_others"),
        ({"school_of_others": 7}, "options.school_of_others is 7"),
        ({"school_of_others": " "}, "options.school_of_others is ' '"),
    ],
)
def test_an_option_that_nobody_knows(tmp_path: Path, options: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        READER.open(bundle(tmp_path, Student=STUDENTS), "student", options, None)


def test_an_enrolment_says_school_level_and_days(tmp_path: Path) -> None:
    more = nested("EntryGradeLevel", f"{URI}GradeLevelDescriptor#Seventh grade")
    gone = "<ExitWithdrawDate>2027-01-08</ExitWithdrawDate>"
    given = bundle(
        tmp_path, Student=STUDENTS,
        StudentEnrollment=interchange(
            "StudentEnrollment", enrolled("0101", more=more + gone),
            enrolled("0102", more="<SchoolYear>2026-2027</SchoolYear>"),
            enrolled("0102", "S2", entry="2027-01-11"),
            enrolled("0103", more="<EntryGradeLevel>Ungraded</EntryGradeLevel>"),
            f"<StudentSectionAssociation>{of('0102')}<SectionReference><SectionIdentity>"
            "<SectionIdentifier>7-B</SectionIdentifier></SectionIdentity></SectionReference>"
            "<BeginDate>2026-08-24</BeginDate><HomeroomIndicator>true</HomeroomIndicator>"
            "</StudentSectionAssociation>",
        ),
    )  # fmt: skip
    found = sniff(given)
    assert found.questions == ()
    assert rows(given, "enrollment") == [
        (3, "0101", "S1", "2026-2027", "Seventh grade", "7", "2026-08-24", "2027-01-08"),
        (4, "0102", "S1", "2026-2027", "7-B", None, "2026-08-24", None),
        (5, "0102", "S2", "2026-2027", "7-B", None, "2027-01-11", None),
        (6, "0103", "S1", "2026-2027", "Ungraded", None, "2026-08-24", None),
    ]
    # A student of two schools is a student of each.
    assert [row[1:3] for row in rows(given, "student")] == [
        ("0101", "S1"), ("0102", "S1"), ("0102", "S2")
    ]  # fmt: skip
    assert warnings(given, "enrollment") == [
        "grade level 'Ungraded' (1 enrolments) is no number of a year and was left out"
    ]
    assert READER.open(given, "enrollment", {}, None).file == "StudentEnrollment.xml"  # type: ignore[attr-defined]


def contact(number: str, name: str, *phones: tuple[str, str]) -> str:
    numbers = "".join(
        f"<Telephone><TelephoneNumber>{text}</TelephoneNumber><TelephoneNumberType>{kind}"
        "</TelephoneNumberType></Telephone>"
        for text, kind in phones
    )
    return (
        f'<Contact id="C_{number}"><ContactUniqueId>{number}</ContactUniqueId><Name><FirstName>'
        f"{name}</FirstName><LastSurname>Wijaya</LastSurname></Name><Sex>{URI}SexDescriptor#Male"
        f"</Sex>{numbers}</Contact>"
    )


def contact_of(number: str, reference: str, relation: str, lives_with: str = "true") -> str:
    return (
        f"<StudentContactAssociation>{of(number)}{reference}<Relation>{URI}X#{relation}</Relation>"
        f"<LivesWith>{lives_with}</LivesWith></StudentContactAssociation>"
    )


def test_contacts_and_households(tmp_path: Path) -> None:
    by_id = '<ContactReference ref="C_{}"/>'
    by_number = nested("ContactReference/ContactIdentity/ContactUniqueId", "{}")
    given = bundle(
        tmp_path,
        Student=interchange("Student", *(student(f"010{n}") for n in range(1, 5))),
        StudentEnrollment=interchange(
            "StudentEnrollment", *(enrolled(f"010{n}") for n in range(1, 5))
        ),
        Contact=interchange(
            "Contact",
            # An association may stand before the contact that it speaks of.
            contact_of("0101", by_id.format("9"), "Father"),
            contact_of("0101", by_number.format("8"), "Father"),
            contact_of("0102", by_id.format("9"), "Father"),
            contact_of("0103", by_id.format("8"), "Mother"),
            contact_of("0104", by_id.format("9"), "Father", "false"),
            contact_of("0104", by_id.format("7"), "Aunt"),
            contact("9", "Agus", ("111", f"{URI}X#Fax"), ("222", "Home"), ("333", "Mobile")),
            contact("8", "Joko", ("444", "Fax")),
        ),
    )  # fmt: skip
    assert rows(given, "guardian") == [
        (3, "0101", "S1", "Father", "Agus Wijaya", "Male", "333", "true"),
        (4, "0101", "S1", "Father #2", "Joko Wijaya", "Male", None, "true"),
        (5, "0102", "S1", "Father", "Agus Wijaya", "Male", "333", "true"),
        (6, "0103", "S1", "Mother", "Joko Wijaya", "Male", None, "true"),
        (7, "0104", "S1", "Father", "Agus Wijaya", "Male", "333", "false"),
        (8, "0104", "S1", "Aunt", None, None, None, "true"),
    ]
    assert warnings(given, "guardian") == ["1 contacts of students are described in no file"]
    # 0101 lives with both, so the three are one household; 0104 lives with neither.
    assert [row[6] for row in rows(given, "student")] == ["8", "8", "8", None]
    words = entry(sniff(given), "guardian")["values"]["relation"]
    assert (words["Father"], words["Father #2"]) == ("father", "guardian")


def test_events_of_the_school_and_of_lessons(tmp_path: Path) -> None:
    given = bundle(
        tmp_path, Student=STUDENTS,
        A=interchange(
            "StudentAttendance",
            event("0101", "2026-09-08", f"{URI}AttendanceEventCategoryDescriptor#Tardy",
                  duration="", minutes="15"),
            event("0101", "2026-09-09", "Excused Absence", duration="0.5"),
            event("0102", "2026-09-09", "uri://district.example/X#Field trip"),
        ),
        B=interchange(
            "StudentAttendance",
            event("0101", "2026-09-08", f"{URI}X#Tardy", minutes="15", lesson=True),
            event("0102", "2026-09-10", f"{URI}X#Unexcused Absence", lesson=True),
        ),
    )  # fmt: skip
    assert rows(given, "attendance") == [
        (3, "0101", "S1", "2026-09-08", "Tardy", "15"),
        (4, "0101", "S1", "2026-09-09", "Excused Absence, part of a day", None),
        # What a district's own word means, only the district knows.
        (5, "0102", "S1", "2026-09-09", "uri://district.example/X#Field trip", None),
    ]
    assert rows(given, "section_attendance") == [
        (4, "0102", "S1", "2026-09-10", "Unexcused Absence", None)
    ]
    assert "1 of 2 events of lessons" in warnings(given, "section_attendance")[0]
    found = sniff(given)
    school, lesson = entry(found, "attendance"), entry(found, "section_attendance")
    assert school["coverage"] == lesson["coverage"] == "exceptions"
    assert school["namespace"] == "edfi5.2"
    assert "Unexcused Absence" not in school["codes"]
    assert (lesson["codes"]["Unexcused Absence"], lesson["rollup"]) == ("partial", "worst")
    assert any("1 of 3 events have no EventDuration (1 Tardy); first in row 3" in warning
               for warning in found.warnings)  # fmt: skip


def test_whole_registers_are_told_from_absences_alone(tmp_path: Path) -> None:
    present = [event("0101", f"2026-09-0{day}", "In Attendance") for day in range(1, 5)]
    given = bundle(
        tmp_path,
        A=interchange("StudentAttendance", *present, event("0101", "2026-09-07", "Tardy")),
    )
    found = sniff(given)
    assert entry(found, "attendance")["coverage"] == "all_marks"
    # A delivery of attendance alone asks for nothing: who attends which school is known by then.
    assert found.questions == ()
    assert [item["table"] for item in found.entries] == ["attendance"]


def calendar_date(day: str, *kinds: str, code: str = "C1", school: str = "S1") -> str:
    events = "".join(f"<CalendarEvent>{URI}X#{kind}</CalendarEvent>" for kind in kinds)
    inner = f"<CalendarCode>{code}</CalendarCode>{at(school)}"
    return (
        f"<CalendarDate><Date>{day}</Date>{events}"
        f"{nested('CalendarReference/CalendarIdentity', inner)}</CalendarDate>"
    )


def calendar(code: str, kind: str, school: str = "S1") -> str:
    return (
        f"<Calendar><CalendarCode>{code}</CalendarCode><CalendarType>{URI}X#{kind}</CalendarType>"
        f"{at(school)}</Calendar>"
    )


def test_calendar_days_and_the_days_between_sessions(tmp_path: Path) -> None:
    given = bundle(
        tmp_path,
        EducationOrgCalendar=interchange(
            "EducationOrgCalendar", session(days=18), calendar("C1", "School"),
            calendar("C2", "Student Specific"), calendar_date("2026-09-14", "Holiday"),
            calendar_date("2026-09-05", "Make-up day", "Teacher only day"),
            calendar_date("2026-09-08", "Instructional day", code="C2"),
        ),
    )  # fmt: skip
    found = rows(given, "calendar")
    assert found[:3] == [
        (6, "S1", "2026-09-14", "Holiday"), (7, "S1", "2026-09-05", "Make-up day"),
        (7, "S1", "2026-09-05", "Teacher only day"),
    ]  # fmt: skip
    # The session lasts from 7 September to 2 October: 6 days before it, 29 after it, and one of
    # the 6 has been named.
    between = {row[2] for row in found[3:]}
    assert {row[3] for row in found[3:]} == {"Between sessions"}
    assert len(found[3:]) == len(between) == 5 + 29
    assert "2026-09-05" not in between
    assert "of some students only (Student Specific); its 1 days" in warnings(given, "calendar")[0]
    (about,) = sniff(given).warnings
    assert "18 instructional days are announced, 20 weekdays lie between" in about
    assert entry(sniff(given), "calendar")["values"]["kind"]["Between sessions"] == "break"


def test_incidents(tmp_path: Path) -> None:
    incident = (
        '<DisciplineIncident id="D_7_S1"><IncidentIdentifier>7</IncidentIdentifier>'
        f"<IncidentDate>2026-09-08</IncidentDate>{at('S1')}</DisciplineIncident>"
    )
    by_identity = nested(
        "DisciplineIncidentReference/DisciplineIncidentIdentity",
        f"<IncidentIdentifier>7</IncidentIdentifier>{at('S1')}",
    )
    by_id = '<DisciplineIncidentReference ref="D_7_S1"/>'

    def part(number: str, reference: str, what: str, role: str = "Perpetrator") -> str:
        name = "StudentDisciplineIncidentBehaviorAssociation"
        return (
            f"<{name}>{of(number)}{reference}<Behavior>{URI}X#{what}</Behavior>"
            f"<DisciplineIncidentParticipationCode>{URI}X#{role}"
            f"</DisciplineIncidentParticipationCode></{name}>"
        )

    given = bundle(
        tmp_path, Student=STUDENTS,
        StudentDiscipline=interchange(
            "StudentDiscipline", part("0101", by_id, "School Violation"), incident,
            part("0101", by_identity, "Other"), part("0102", by_id, "Other"),
            part("0102", by_id, "Other", "Victim"),
            part("0102", '<DisciplineIncidentReference ref="D_8_S1"/>', "Other"),
        ),
    )  # fmt: skip
    assert rows(given, "behaviour") == [
        (3, "S1", "7.0101", "0101", "2026-09-08", "School Violation"),
        (5, "S1", "7.0101.2", "0101", "2026-09-08", "Other"),
        (6, "S1", "7.0102", "0102", "2026-09-08", "Other"),
        (8, None, None, "0102", None, "Other"),  # an incident that no file describes
    ]
    assert "1 students took part in an incident without being" in warnings(given, "behaviour")[0]
    assert [row[2] for row in rows(given, "student")] == ["S1", "S1"]


def grade(number: str, period: str, score: str, kind: str = "Grading Period") -> str:
    course = nested(
        "SectionReference/SectionIdentity/CourseOfferingReference/CourseOfferingIdentity",
        f"<LocalCourseCode>ALG-1</LocalCourseCode>{at('S1')}",
    )
    inside = f"<GradingPeriodName>{period}</GradingPeriodName><SchoolYear>2026-2027</SchoolYear>"
    return (
        f"<Grade><NumericGradeEarned>{score}</NumericGradeEarned><GradeType>{URI}X#{kind}"
        "</GradeType>"
        + nested(
            "StudentSectionAssociationReference/StudentSectionAssociationIdentity",
            of(number) + course,
        )
        + nested("GradingPeriodReference/GradingPeriodIdentity", inside)
        + "</Grade>"
    )


def grading_period(name: str, begin: str, end: str) -> str:
    return (
        f"<GradingPeriod>{at('S1')}<GradingPeriodName>{name}</GradingPeriodName><SchoolYear>"
        f"2026-2027</SchoolYear><BeginDate>{begin}</BeginDate><EndDate>{end}</EndDate>"
        "</GradingPeriod>"
    )


def test_grades_of_a_grading_period_and_which_quarter_it_is(tmp_path: Path) -> None:
    given = bundle(
        tmp_path,
        StudentGrade=interchange(
            "StudentGrade", grade("0101", "Exam 1", "63.00"), grade("0101", "Exam 2", "70.5"),
            grade("0101", "Exam 3", "71"), grade("0101", "Exam 3", "68", "Semester"),
            grade("0101", "Exam 9", "50"),
        ),
        EducationOrgCalendar=interchange(
            "EducationOrgCalendar", grading_period("Exam 1", "2026-08-24", "2026-10-04"),
            grading_period("Exam 2", "2026-10-05", "2026-11-08"),
            grading_period("Exam 3", "2026-11-09", "2026-12-18"),
        ),
    )  # fmt: skip
    assert rows(given, "grade") == [
        (3, "0101", "S1", "ALG-1", "2026-2027 Exam 1", "63.00"),
        (4, "0101", "S1", "ALG-1", "2026-2027 Exam 2", "70.5"),
        (5, "0101", "S1", "ALG-1", "2026-2027 Exam 3", "71"),
        (7, "0101", "S1", "ALG-1", "2026-2027 Exam 9", "50"),
    ]
    assert warnings(given, "grade") == [
        "1 grades of the type Semester are of no grading period and were not read"
    ]
    found = sniff(given)
    values = entry(found, "grade")["values"]
    assert values["period"] == {
        "2026-2027 Exam 1": "2026-27-Q1", "2026-2027 Exam 2": "2026-27-Q2",
        "2026-2027 Exam 3": "2026-27-Q2",
    }  # fmt: skip
    # Of two periods in one quarter the last is the final one.
    assert list(values["kind"].values()) == ["final", "midterm", "final"]
    asked = [question for key, question in found.questions if key == "values.period"]
    assert len(asked) == 4
    assert "'2026-2027 Exam 2' (2026-10-05 to 2026-11-08: 2026-27-Q2, midterm?)" in asked[1]
    assert "'2026-2027 Exam 9'?" in asked[3]


def test_files_of_which_nothing_is_imported_are_known_all_the_same(tmp_path: Path) -> None:
    given = bundle(
        tmp_path, StudentHealth=interchange("StudentHealth", "<StudentHealth/>"),
        Descriptors=interchange("Descriptors", "<BehaviorDescriptor/>"),
        Other='<?xml version="1.0"?><library><book/></library>',
        Empty=interchange("Student"),
    )  # fmt: skip
    assert [file.path.name for file in READER.files_of(given)] == ["Empty.xml"]
    assert READER.sniff(given) is None
    found = [EdfiRest().sniff(Bundle((file,), file.path.name)) for file in given.files]
    assert [item.what if item else None for item in found] == [
        "Ed-Fi 5.2.0 XML, StudentHealth: nothing is imported",
        "Ed-Fi 5.2.0 XML, Descriptors: nothing is imported",
        None,
        "Ed-Fi 5.2.0 XML, Student: nothing is imported",
    ]
    assert not any(item.entries for item in found if item)
    with pytest.raises(ConfigError, match="nothing of"):
        EdfiRest().open(given, "student", {}, None)
    with pytest.raises(DataError, match="holds no Ed-Fi interchange file"):
        READER.open(Bundle(given.files[:3], "folder/"), "student", {}, None)


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n'
    f'<InterchangeStudent xmlns="{NAMESPACE}"><Student>&b;</Student></InterchangeStudent>'
)
EXTERNAL = BOMB.replace('<!ENTITY a "ha">', '<!ENTITY a SYSTEM "file:///etc/hostname">')
DEEP = interchange("Student", "<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1))
WIDE = interchange("Student", f"<Student>{'<a/>' * (MOST_PARTS + 1)}</Student>")
TRUNCATED = STUDENTS[: STUDENTS.index("Budi")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "line 2: declares a document type or entities"),
        (EXTERNAL, "line 2: declares a document type or entities"),
        ('<?xml version="1.0"?>\n<!DOCTYPE InterchangeStudent>\n' + STUDENTS.partition("\n")[2],
         "line 2: declares a document type or entities"),
        (DEEP, f"line 3: elements are nested more than {DEEPEST} deep"),
        (WIDE, f"line 3: the record Student has more than {MOST_PARTS:,} parts"),
        (TRUNCATED, "line 4, column 66: is no complete XML .no element found.; it is damaged"),
        (STUDENTS.replace("</Student>", "</Pupil>", 1), "line 3, column .*mismatched tag"),
        (STUDENTS.replace("Aminah", "Aminah &amp", 1), "line 3, column .*not well-formed"),
        (STUDENTS.replace("Aminah", "&unknown;", 1), "line 3, column .*undefined entity"),
    ],
    ids=["bomb", "external", "dtd", "deep", "wide", "truncated", "mismatched", "ampersand",
         "entity"],
)  # fmt: skip
def test_4_harmful_and_damaged_files_are_refused_by_line(
    tmp_path: Path, text: str, says: str
) -> None:
    given = bundle(tmp_path, Student=text)
    with pytest.raises(DataError, match=rf"^Student\.xml: {says}"):
        READER.sniff(given)


def test_other_encodings(tmp_path: Path) -> None:
    text = STUDENTS.replace("Siti", "Zoë")
    latin = text.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    wide = b"\xff\xfe" + text.replace("UTF-8", "UTF-16").encode("utf-16-le")
    for name, content in (
        ("latin", latin),
        ("wide", wide),
        ("bom", b"\xef\xbb\xbf" + text.encode()),
    ):
        given = bundle(tmp_path / name, Student=content)
        assert rows(given, "student")[0][3] == "Zoë Aminah"
    # A file in an encoding that nobody knows is not taken for Ed-Fi, nor read by guessing.
    strange = bundle(tmp_path / "strange", Student=text.replace("UTF-8", "KOI-99"))
    assert READER.sniff(strange) is None
    with pytest.raises(DataError, match=r"^Student\.xml: "):
        list(records(strange.file))


def many(count: int) -> Iterator[str]:
    """A file of that many absences of 50 students."""
    yield f'<?xml version="1.0"?>\n<InterchangeStudentAttendance xmlns="{NAMESPACE}">\n'
    first = date(2026, 9, 1)
    for number in range(count):
        day = first + timedelta(days=number // 50 % 200)
        yield event(f"{number % 50:04d}", day.isoformat(), f"{URI}X#Excused Absence") + "\n"
    yield "</InterchangeStudentAttendance>\n"


def peak(folder: Path, count: int) -> tuple[int, int]:
    """Bytes of a file of that many events, and the most memory while its rows are read."""
    folder.mkdir()
    path = folder / "StudentAttendance.xml"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(many(count))
    given = Bundle((inspect(path, accept=("xml",)),), "folder/")
    tracemalloc.start()
    opened = READER.open(given, "attendance", {}, None)
    assert sum(1 for _ in opened.rows()) == count  # type: ignore[attr-defined]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return path.stat().st_size, most


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    # Held as a tree the larger file would take ten times its size.
    size, most = peak(tmp_path / "file", 4_000)
    assert size > 1_500_000
    assert most < size / 2
