"""The Ed-Fi records that are imported, in XML and as the API answers them: what stands where.

Both forms say the same in other places, so a record becomes a few named texts here, and the rest
need not know where they came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from earlywarning.io.school_files.edfi_terms import code_value, school_year

Fields = dict[str, Any]
"""Texts of one record by our names; a list for those in `MANY`."""

MANY = ("events", "phones")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands: paths in XML (`A/B`, `A@id`), and in JSON (`a.b`); the first counts."""

    xml: tuple[str, ...]
    json: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    Attributes
    ----------
    name : str
        Ours.
    elements : tuple of str
        Names in XML, older versions of the standard too.
    keys : tuple of tuple of str
        Keys that tell a JSON object of this kind: all of one of the tuples.
    fields : mapping of str to Place
    """

    name: str
    elements: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    fields: Mapping[str, Place]


def _kind(name: str, elements: str, keys: str, fields: str) -> Kind:
    """`fields` are lines `name = XML paths : JSON paths`; alternatives with `|`; `:`, `|` go on."""
    places = {}
    for line in re.sub(r"\n\s*(?=[:|])", " ", fields).strip().splitlines():
        field, _, rest = line.partition("=")
        xml, _, json = rest.partition(" : ")
        places[field.strip()] = Place(
            tuple(xml.replace(" ", "").split("|")), tuple(json.replace(" ", "").split("|"))
        )
    told = tuple(tuple(some.split()) for some in keys.split("|"))
    return Kind(name, tuple(elements.split()), told, places)


_STUDENT = "StudentReference/StudentIdentity/StudentUniqueId : studentReference.studentUniqueId"
_SCHOOL = "SchoolReference/SchoolIdentity/SchoolId : schoolReference.schoolId"
_OFFERING = "SectionReference/SectionIdentity/CourseOfferingReference/CourseOfferingIdentity"
_SECTION_SCHOOL = f"{_OFFERING}/SchoolReference/SchoolIdentity/SchoolId : sectionReference.schoolId"
_INCIDENT = "DisciplineIncidentReference/DisciplineIncidentIdentity"
_ENROLLED = "StudentSectionAssociationReference/StudentSectionAssociationIdentity"
_PERIOD = "GradingPeriodReference/GradingPeriodIdentity"
_CALENDAR = "CalendarReference/CalendarIdentity"

KINDS: tuple[Kind, ...] = (
    _kind("student", "Student", "studentUniqueId lastSurname", """
        student = StudentUniqueId : studentUniqueId
        first = Name/FirstName : firstName
        middle = Name/MiddleName : middleName
        last = Name/LastSurname : lastSurname
        suffix = Name/GenerationCodeSuffix : generationCodeSuffix
        birth = BirthData/BirthDate : birthDate
        sex = BirthData/BirthSex : birthSexDescriptor
    """),
    _kind("contact", "Contact Parent",
          "contactUniqueId lastSurname | parentUniqueId lastSurname", """
        id = @id : -
        contact = ContactUniqueId | ParentUniqueId : contactUniqueId | parentUniqueId
        first = Name/FirstName : firstName
        middle = Name/MiddleName : middleName
        last = Name/LastSurname : lastSurname
        suffix = Name/GenerationCodeSuffix : generationCodeSuffix
        sex = Sex : sexDescriptor
        phones = Telephone : telephones
    """),
    _kind("contact_of", "StudentContactAssociation StudentParentAssociation",
          "contactReference studentReference | parentReference studentReference", f"""
        student = {_STUDENT}
        id = ContactReference@ref | ParentReference@ref : -
        contact = ContactReference/ContactIdentity/ContactUniqueId
            | ParentReference/ParentIdentity/ParentUniqueId
            : contactReference.contactUniqueId | parentReference.parentUniqueId
        relation = Relation : relationDescriptor
        lives_with = LivesWith : livesWith
    """),
    _kind("school", "School", "schoolId nameOfInstitution", """
        school = SchoolId : schoolId
        name = NameOfInstitution : nameOfInstitution
        short = ShortNameOfInstitution : shortNameOfInstitution
    """),
    _kind("session", "Session", "sessionName beginDate endDate schoolReference", f"""
        school = {_SCHOOL}
        name = SessionName : sessionName
        year = SchoolYear : schoolYearTypeReference.schoolYear
        begin = BeginDate : beginDate
        end = EndDate : endDate
        days = TotalInstructionalDays : totalInstructionalDays
    """),
    _kind("grading_period", "GradingPeriod",
          "gradingPeriodDescriptor beginDate endDate schoolReference", f"""
        school = {_SCHOOL}
        name = GradingPeriodName | GradingPeriod : gradingPeriodName | gradingPeriodDescriptor
        year = SchoolYear : schoolYearTypeReference.schoolYear
        begin = BeginDate : beginDate
        end = EndDate : endDate
    """),
    _kind("calendar", "Calendar", "calendarCode calendarTypeDescriptor", f"""
        school = {_SCHOOL}
        code = CalendarCode : calendarCode
        type = CalendarType : calendarTypeDescriptor
    """),
    _kind("calendar_date", "CalendarDate", "calendarReference calendarEvents date", f"""
        school = {_CALENDAR}/{_SCHOOL.partition(" :")[0]} : calendarReference.schoolId
        code = {_CALENDAR}/CalendarCode : calendarReference.calendarCode
        date = Date : date
        events = CalendarEvent : calendarEvents
    """),
    _kind("enrollment", "StudentSchoolAssociation",
          "entryDate schoolReference studentReference", f"""
        student = {_STUDENT}
        school = {_SCHOOL}
        year = SchoolYear : schoolYearTypeReference.schoolYear
        level = EntryGradeLevel : entryGradeLevelDescriptor
        entry = EntryDate : entryDate
        exit = ExitWithdrawDate : exitWithdrawDate
    """),
    _kind("section_of", "StudentSectionAssociation",
          "beginDate sectionReference studentReference", f"""
        student = {_STUDENT}
        school = {_SECTION_SCHOOL}
        section = SectionReference/SectionIdentity/SectionIdentifier
            : sectionReference.sectionIdentifier
        homeroom = HomeroomIndicator : homeroomIndicator
    """),
    _kind("attendance", "StudentSchoolAttendanceEvent",
          "attendanceEventCategoryDescriptor eventDate schoolReference studentReference", f"""
        student = {_STUDENT}
        school = {_SCHOOL}
        date = AttendanceEvent/EventDate | EventDate : eventDate
        category = AttendanceEvent/AttendanceEventCategory | AttendanceEventCategory
            : attendanceEventCategoryDescriptor
        duration = AttendanceEvent/EventDuration | EventDuration : eventDuration
        minutes = SchoolAttendanceDuration : schoolAttendanceDuration
    """),
    _kind("section_attendance", "StudentSectionAttendanceEvent",
          "attendanceEventCategoryDescriptor eventDate sectionReference studentReference", f"""
        student = {_STUDENT}
        school = {_SECTION_SCHOOL}
        date = AttendanceEvent/EventDate | EventDate : eventDate
        category = AttendanceEvent/AttendanceEventCategory | AttendanceEventCategory
            : attendanceEventCategoryDescriptor
        duration = AttendanceEvent/EventDuration | EventDuration : eventDuration
        minutes = SectionAttendanceDuration : sectionAttendanceDuration
    """),
    _kind("incident", "DisciplineIncident", "incidentDate incidentIdentifier", f"""
        id = @id : -
        incident = IncidentIdentifier : incidentIdentifier
        school = {_SCHOOL}
        date = IncidentDate : incidentDate
    """),
    _kind("behaviour", "StudentDisciplineIncidentBehaviorAssociation",
          "behaviorDescriptor disciplineIncidentReference studentReference", f"""
        student = {_STUDENT}
        id = DisciplineIncidentReference@ref : -
        incident = {_INCIDENT}/IncidentIdentifier : disciplineIncidentReference.incidentIdentifier
        school = {_INCIDENT}/{_SCHOOL.partition(" :")[0]} : disciplineIncidentReference.schoolId
        behaviour = Behavior : behaviorDescriptor
        part = DisciplineIncidentParticipationCode
            : disciplineIncidentParticipationCodes.0.disciplineIncidentParticipationCodeDescriptor
    """),
    _kind("non_offender", "StudentDisciplineIncidentNonOffenderAssociation",
          "disciplineIncidentParticipationCodes disciplineIncidentReference studentReference", f"""
        student = {_STUDENT}
        id = DisciplineIncidentReference@ref : -
        incident = {_INCIDENT}/IncidentIdentifier : disciplineIncidentReference.incidentIdentifier
        school = {_INCIDENT}/{_SCHOOL.partition(" :")[0]} : disciplineIncidentReference.schoolId
    """),
    _kind("action", "DisciplineAction", "disciplineActionIdentifier studentReference", f"""
        student = {_STUDENT}
        school = ResponsibilitySchoolReference/SchoolIdentity/SchoolId
            : responsibilitySchoolReference.schoolId
    """),
    _kind("grade", "Grade", "gradeTypeDescriptor studentSectionAssociationReference", f"""
        student = {_ENROLLED}/{_STUDENT.partition(" :")[0]}
            : studentSectionAssociationReference.studentUniqueId
        school = {_ENROLLED}/{_SECTION_SCHOOL.partition(" :")[0]}
            : studentSectionAssociationReference.schoolId
        course = {_ENROLLED}/{_OFFERING}/LocalCourseCode
            : studentSectionAssociationReference.localCourseCode
        type = GradeType : gradeTypeDescriptor
        score = NumericGradeEarned : numericGradeEarned
        period = {_PERIOD}/GradingPeriodName | {_PERIOD}/GradingPeriod
            : gradingPeriodReference.gradingPeriodName
            | gradingPeriodReference.gradingPeriodDescriptor
        year = {_PERIOD}/SchoolYear : gradingPeriodReference.schoolYear
    """),
    _kind("gradebook_entry", "GradebookEntry", "dateAssigned gradebookEntryIdentifier", f"""
        entry = GradebookEntryIdentifier : gradebookEntryIdentifier
        school = {_SECTION_SCHOOL}
    """),
    _kind("gradebook_mark", "StudentGradebookEntry",
          "gradebookEntryReference studentReference", f"""
        student = {_STUDENT}
        entry = GradebookEntryReference/GradebookEntryIdentity/GradebookEntryIdentifier
            : gradebookEntryReference.gradebookEntryIdentifier
    """),
)  # fmt: skip
"""Of JSON objects, the first kind whose keys are all there."""

ELEMENTS: Mapping[str, Kind] = {element: kind for kind in KINDS for element in kind.elements}


def kind_of_object(record: Mapping[str, Any]) -> Kind | None:
    """Which kind of record a JSON object is; None for one that is not imported."""
    found = [kind for kind in KINDS for keys in kind.keys if set(keys) <= set(record)]
    return max(found, key=lambda kind: max(map(len, kind.keys)), default=None)


def of_element(element: Element, kind: Kind) -> Fields:
    """The fields of an XML record; what is not there is None."""
    fields: Fields = {}
    for name, place in kind.fields.items():
        if name == "events":
            fields[name] = [code_value(found.text) for found in element.findall(place.xml[0])]
        elif name == "phones":
            fields[name] = [
                (
                    found.findtext("TelephoneNumber"),
                    code_value(found.findtext("TelephoneNumberType")),
                )
                for found in element.findall(place.xml[0])
            ]
        else:
            texts = (_text(element, path) for path in place.xml)
            fields[name] = next((code_value(text) for text in texts if text), None)
    return fields


def of_object(record: Mapping[str, Any], kind: Kind) -> Fields:
    """The fields of a JSON record; numbers become texts as they are written."""
    fields: Fields = {}
    for name, place in kind.fields.items():
        values = (_at(record, path) for path in place.json)
        values = (_at(record, path) for path in place.json)
        found = next((value for value in values if value is not None), None)
        if name == "events":
            fields[name] = [
                code_value(_plain(_at(event, "calendarEventDescriptor"))) for event in _list(found)
            ]
        elif name == "phones":
            fields[name] = [
                (
                    _plain(_at(phone, "telephoneNumber")),
                    code_value(_plain(_at(phone, "telephoneNumberTypeDescriptor"))),
                )
                for phone in _list(found)
            ]
        else:
            fields[name] = code_value(_plain(found))
    if "year" in fields:
        fields["year"] = school_year(fields["year"])
    return fields


def _text(element: Element, path: str) -> str | None:
    path, _, attribute = path.partition("@")
    found = element.find(path) if path else element
    if found is None:
        return None
    return found.get(attribute) if attribute else found.text


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
            continue
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _list(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else ()


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, (list, dict)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() or None
