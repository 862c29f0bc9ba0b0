"""Answers of an Ed-Fi API as they were captured, and that they say the same as the XML files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from earlywarning.errors import DataError
from earlywarning.io.file_kind import inspect
from earlywarning.io.school_files.edfi_json import EdfiJson
from earlywarning.io.school_files.edfi_rest import EdfiRest
from earlywarning.io.school_files.edfi_tables import PARTS
from earlywarning.io.school_files.edfi_xml import EdfiXml
from earlywarning.io.school_files.interface import Bundle, Reader

READER = EdfiJson()
URI = "uri://ed-fi.org/"
BOM = b"\xef\xbb\xbf"


def student(number: str, first: str = "Siti", last: str = "Aminah") -> dict[str, Any]:
    return {
        "id": "x", "studentUniqueId": number, "birthDate": "2013-05-06", "firstName": first,
        "lastSurname": last, "visas": [], "_etag": "1",
    }  # fmt: skip


def of(number: str) -> dict[str, Any]:
    link = {"rel": "Student", "href": "/ed-fi/students/1"}
    return {"studentReference": {"studentUniqueId": number, "link": link}}


AT = {"schoolReference": {"schoolId": 255901004, "link": {"rel": "School"}}}
YEAR = {"schoolYearTypeReference": {"schoolYear": 2027}}
RESOURCES: dict[str, list[dict[str, Any]]] = {
    "schools": [
        {"schoolId": 255901004, "nameOfInstitution": "Contoh", "shortNameOfInstitution": "C"}
    ],
    "students": [student("000101"), student("000102", "Budi", "Santoso")],
    "studentSchoolAssociations": [
        {
            **of("000101"), **AT, "entryDate": "2026-08-24", "_etag": "2",
            "entryGradeLevelDescriptor": f"{URI}GradeLevelDescriptor#Sixth grade",
            "exitWithdrawDate": "2027-05-28", "alternativeGraduationPlans": [],
        }
    ],
    "contacts": [
        {
            "contactUniqueId": "9", "firstName": "Agus", "lastSurname": "Wijaya",
            "sexDescriptor": f"{URI}SexDescriptor#Male",
            "telephones": [
                {"telephoneNumber": "111", "telephoneNumberTypeDescriptor": f"{URI}T#Fax"},
                {"telephoneNumber": "222", "telephoneNumberTypeDescriptor": f"{URI}T#Mobile"},
            ],
        }
    ],
    "studentContactAssociations": [
        {
            **of("000101"), "contactReference": {"contactUniqueId": "9"}, "livesWith": True,
            "relationDescriptor": f"{URI}RelationDescriptor#Father",
        }
    ],
    "sessions": [
        {
            **AT, "sessionName": "Fall", "beginDate": "2026-09-07", "endDate": "2026-10-02",
            "totalInstructionalDays": 18, "schoolYearTypeReference": {"schoolYear": 2027},
        }
    ],
    "calendars": [
        {**AT, "calendarCode": "C2", "calendarTypeDescriptor": f"{URI}C#Student Specific"}
    ],
    "calendarDates": [
        {
            "calendarReference": {"calendarCode": "C1", "schoolId": 255901004},
            "date": "2026-09-14",
            "calendarEvents": [{"calendarEventDescriptor": f"{URI}CalendarEvent#Holiday"}],
        }
    ],
    "studentSchoolAttendanceEvents": [
        {
            **of("000101"), **AT, "eventDate": "2026-09-08", "eventDuration": 0.5,
            "attendanceEventCategoryDescriptor": f"{URI}A#Unexcused Absence",
        },
        {
            **of("000102"), **AT, "eventDate": "2026-09-08", "schoolAttendanceDuration": 15,
            "attendanceEventCategoryDescriptor": f"{URI}A#Tardy",
        },
    ],
    "studentSectionAttendanceEvents": [
        {
            **of("000101"), "sectionReference": {"schoolId": 255901004, "sectionIdentifier": "M"},
            "attendanceEventCategoryDescriptor": "Tardy", "eventDate": "2026-09-09",
        }
    ],
    "disciplineIncidents": [
        {**AT, "incidentIdentifier": "7", "incidentDate": "2026-09-08"}
    ],
    "studentDisciplineIncidentBehaviorAssociations": [
        {
            **of("000102"), "behaviorDescriptor": f"{URI}BehaviorDescriptor#Other",
            "disciplineIncidentReference": {"incidentIdentifier": "7", "schoolId": 255901004},
            "disciplineIncidentParticipationCodes": [
                {"disciplineIncidentParticipationCodeDescriptor": f"{URI}P#Perpetrator"}
            ],
        }
    ],
    "gradingPeriods": [
        {
            **AT, **YEAR, "gradingPeriodDescriptor": f"{URI}G#First Six Weeks",
            "beginDate": "2026-08-24", "endDate": "2026-10-04",
        }
    ],
    "grades": [
        {
            "gradeTypeDescriptor": f"{URI}GradeTypeDescriptor#Grading Period",
            "gradingPeriodReference": {
                "gradingPeriodDescriptor": f"{URI}G#First Six Weeks", "schoolYear": 2027
            },
            "numericGradeEarned": 63.50,
            "studentSectionAssociationReference": {
                "studentUniqueId": "000101", "schoolId": 255901004, "localCourseCode": "ALG-1"
            },
        }
    ],
}  # fmt: skip


def bundle(folder: Path, **files: str | bytes) -> Bundle:
    folder.mkdir(exist_ok=True)
    kinds = []
    for name, text in files.items():
        path = folder / f"{name}.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        kinds.append(inspect(path, accept=("json", "text")))
    return Bundle(tuple(kinds), "folder/")


def captured(folder: Path) -> Bundle:
    """Each resource in a file of its own, in turn an array and one object a line."""
    texts = {}
    for number, (name, objects) in enumerate(RESOURCES.items()):
        lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in objects)
        texts[name] = json.dumps(objects, indent=1).encode() if number % 2 else BOM + lines.encode()
    return bundle(folder, **texts)


def rows(
    given: Bundle, part: str, *, reader: Reader = READER, numbered: bool = True
) -> list[tuple[Any, ...]]:
    opened = reader.open(given, part, {}, None)
    return [
        (number, *cells) if numbered else cells
        for chunk in opened.chunks()
        for number, cells in zip(chunk.cells["_row"], chunk.cells.drop("_row").rows(), strict=True)
    ]


def test_every_resource_fills_its_table(tmp_path: Path) -> None:
    given = captured(tmp_path)
    found = READER.sniff(given)
    assert found is not None
    assert [item["part"] for item in found.entries] == [
        "school", "student", "enrollment", "guardian", "calendar", "attendance",
        "section_attendance", "behaviour", "grade",
    ]  # fmt: skip
    said = {part: rows(given, part, numbered=False) for part in PARTS}
    school = "255901004"
    assert said["school"] == [(school, "Contoh")]
    assert said["student"] == [
        ("000101", school, "Siti Aminah", "2013-05-06", None, "9"),
        ("000102", school, "Budi Santoso", "2013-05-06", None, None),
    ]
    assert ("000101", school, "2026-2027", "Sixth grade", "6", "2026-08-24", "2027-05-28") in said[
        "enrollment"
    ]
    assert said["guardian"] == [
        ("000101", school, "Father", "Agus Wijaya", "Male", "222", "true")
    ]  # fmt: skip
    assert said["calendar"][0] == (school, "2026-09-14", "Holiday")
    assert said["attendance"] == [
        ("000101", school, "2026-09-08", "Unexcused Absence, part of a day", None),
        ("000102", school, "2026-09-08", "Tardy", "15"),
    ]
    assert said["section_attendance"] == [("000101", school, "2026-09-09", "Tardy", None)]
    assert said["behaviour"] == [(school, "7.000102", "000102", "2026-09-08", "Other")]
    # Marks stay as they are written; a year of the API is the one in which the school year ends.
    assert said["grade"] == [("000101", school, "ALG-1", "2026-2027 First Six Weeks", "63.5")]
    grade = found.entries[-1]
    assert grade["values"]["period"] == {"2026-2027 First Six Weeks": "2026-27-Q1"}


def test_arrays_lines_and_pages_behind_each_other_are_the_same(tmp_path: Path) -> None:
    one, two = (json.dumps(student(number)) for number in ("006217", "000102"))
    shapes = {
        "array": f"[{one},\n{two}]", "lines": f"{one}\n{two}\n", "pages": f"[{one}]\n[{two}]",
        "commas": f"{one},\n{two},", "crlf": f"{one}\r\n{two}\r\n",
    }  # fmt: skip
    for name, text in shapes.items():
        for mark in (b"", BOM):
            given = bundle(tmp_path / name, students=mark + text.encode())
            found = rows(given, "student")
            assert [row[:2] for row in found] == [(1, "006217"), (2, "000102")], name
    wide = b"\xff\xfe" + shapes["lines"].encode("utf-16-le")
    assert len(rows(bundle(tmp_path / "wide", students=wide), "student")) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{line}\n{"studentUniqueId": "1", "lastSur', "line 2, column 26: is no complete JSON"),
        ("[{line},\n{line}", "line 2: the list does not end"),
        ("[{line},\n{deep}]", "line 2: is nested too deep"),
        ("{line}\n{line}}", "line 2, column .*: is no complete JSON"),
    ],
)
def test_damaged_and_harmful_files_are_refused_by_line(
    tmp_path: Path, text: str, says: str
) -> None:
    deep = '{"a":' * 200_000
    line = json.dumps(student("1"))
    given = bundle(tmp_path, students=text.replace("{line}", line).replace("{deep}", deep))
    with pytest.raises(DataError, match=rf"^students\.json: {says}"):
        READER.sniff(given)


def test_files_of_which_nothing_is_imported_are_known_all_the_same(tmp_path: Path) -> None:
    given = bundle(
        tmp_path, schools_deletes='{"Id":"4bd3", "ChangeVersion":"123456"}',
        staffs=json.dumps([{"staffUniqueId": "1", "_etag": "5"}]),
        other='{"name": "settings"}', message='{"message": "Access denied"}', numbers='["1"]',
    )  # fmt: skip
    assert READER.files_of(given) == ()
    assert READER.sniff(given) is None
    found = [EdfiRest().sniff(Bundle((file,), file.path.name)) for file in given.files]
    assert [bool(item) for item in found] == [True, True, False, False, False]
    assert not any(item.entries for item in found if item)
    with pytest.raises(DataError, match="holds no answers of an Ed-Fi API"):
        READER.open(given, "student", {}, None)


def test_both_forms_of_one_record_are_one_row(tmp_path: Path) -> None:
    """What the readers make of XML and of JSON differs in nothing but the row numbers."""
    written = bundle(
        tmp_path, students="\n".join(json.dumps(one) for one in RESOURCES["students"]),
        events="\n".join(
            json.dumps(one) for one in RESOURCES["studentSchoolAttendanceEvents"]
        ),
    )  # fmt: skip
    xml = re.sub(
        r"\n\s*",
        "",
        """<?xml version="1.0"?>
        <Interchange{} xmlns="http://ed-fi.org/5.2.0">{}</Interchange{}>""",
    )
    people = "".join(
        f"<Student><StudentUniqueId>{one['studentUniqueId']}</StudentUniqueId><Name><FirstName>"
        f"{one['firstName']}</FirstName><LastSurname>{one['lastSurname']}</LastSurname></Name>"
        f"<BirthData><BirthDate>{one['birthDate']}</BirthDate></BirthData></Student>"
        for one in RESOURCES["students"]
    )
    events = "".join(
        "<StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>2026-09-08</EventDate>"
        f"<AttendanceEventCategory>{one['attendanceEventCategoryDescriptor']}"
        f"</AttendanceEventCategory><EventDuration>{one.get('eventDuration', '')}</EventDuration>"
        "</AttendanceEvent><StudentReference><StudentIdentity><StudentUniqueId>"
        f"{one['studentReference']['studentUniqueId']}</StudentUniqueId></StudentIdentity>"
        "</StudentReference><SchoolReference><SchoolIdentity><SchoolId>255901004</SchoolId>"
        "</SchoolIdentity></SchoolReference><SchoolAttendanceDuration>"
        f"{one.get('schoolAttendanceDuration', '')}</SchoolAttendanceDuration>"
        "</StudentSchoolAttendanceEvent>"
        for one in RESOURCES["studentSchoolAttendanceEvents"]
    )
    kinds = []
    for name, inside in (("Student", people), ("StudentAttendance", events)):
        path = tmp_path / f"{name}.xml"
        path.write_text(xml.format(name, inside, name), "utf-8")
        kinds.append(inspect(path, accept=("xml",)))
    interchange = Bundle(tuple(kinds), "folder/")
    for part in ("student", "enrollment", "attendance"):
        ours = rows(written, part, numbered=False)
        assert ours
        assert ours == rows(interchange, part, reader=EdfiXml(), numbered=False)
