"""Words of the Ed-Fi Data Standard, and which of ours they are.

Ed-Fi writes a code as a descriptor, `uri://ed-fi.org/AttendanceEventCategoryDescriptor#Tardy`, or
only its code value, `Tardy`. Words of a district's own may mean anything, so they stay whole.
"""

from __future__ import annotations

from collections.abc import Mapping

STANDARD = "uri://ed-fi.org/"

SEXES: Mapping[str, str] = {"Female": "F", "Male": "M"}
GUARDIAN_SEXES: Mapping[str, str] = {**SEXES, "Not Selected": "unknown", "Other": "unknown"}

RELATIONS: Mapping[str, str] = {
    "Father": "father", "Mother": "mother", "Guardian": "guardian", "Legal guardian": "guardian",
    "Parent": "guardian", "Stepfather": "guardian", "Stepmother": "guardian",
    "Father, step": "guardian", "Mother, step": "guardian", "Foster parent": "guardian",
    "Father, foster": "guardian", "Mother, foster": "guardian",
    "Father's significant other": "guardian", "Mother's significant other": "guardian",
    "Grandfather": "grandparent", "Grandmother": "grandparent", "Grandparent": "grandparent",
    "Aunt": "uncle_aunt", "Uncle": "uncle_aunt", "Brother": "sibling", "Sister": "sibling",
    "Sibling": "sibling", "Brother, half": "sibling", "Sister, half": "sibling",
    "Brother, step": "sibling", "Sister, step": "sibling", "Caregiver": "carer",
}  # fmt: skip

CALENDAR_KINDS: Mapping[str, str] = {
    "Instructional day": "instructional",
    "Student late arrival/early dismissal": "instructional",
    "Make-up day": "make_up",
    "Holiday": "holiday",
    "Non-instructional day": "closure",
    "Teacher only day": "teacher_only",
    "Emergency day": "closure",
    "Weather day": "closure",
    "Strike": "closure",
    "Between sessions": "break",
}

GRADE_LEVELS: Mapping[str, int] = {
    "Kindergarten": 0, "First grade": 1, "Second grade": 2, "Third grade": 3, "Fourth grade": 4,
    "Fifth grade": 5, "Sixth grade": 6, "Seventh grade": 7, "Eighth grade": 8, "Ninth grade": 9,
    "Tenth grade": 10, "Eleventh grade": 11, "Twelfth grade": 12,
}  # fmt: skip

OF_SOME_STUDENTS = ("Student Specific", "Grade Specific", "IEP")
"""Types of calendar that are not the school's."""

POSITIVE = ("In Attendance", "Present")
"""Attendance that says nothing but that the student was there."""

PART_OF_A_DAY = ", part of a day"
"""Added to a category whose duration is less than a day."""

SCHOOL_CODES: Mapping[str, str] = {
    f"Excused Absence{PART_OF_A_DAY}": "partial",
    f"Unexcused Absence{PART_OF_A_DAY}": "partial",
}
SECTION_CODES: Mapping[str, str] = {
    "Excused Absence": "partial", "Unexcused Absence": "partial", **SCHOOL_CODES,
}  # fmt: skip
"""Who misses one lesson has not missed the day."""


def school_year(text: str | None) -> str | None:
    """`2026-2027` for the number 2027 by which the API calls that school year."""
    if text is None or len(text) != 4 or not text.isdecimal():
        return text
    return f"{int(text) - 1}-{text}"


def code_value(text: str | None) -> str | None:
    """The code value of a descriptor of the standard; any other text as it is."""
    if text is None or not text.startswith(STANDARD):
        return text
    return text.partition("#")[2] or text
