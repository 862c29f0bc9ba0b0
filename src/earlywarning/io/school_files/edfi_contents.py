"""What a bundle of Ed-Fi files holds: one look through all of it, before any table is made.

Students of Ed-Fi have no school of their own. It stands in their enrolment; without one, wherever a
record of theirs names a school. Contacts, incidents and sessions are kept, for other records only
refer to them; events are not, so that memory does not grow with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from earlywarning.io.school_files.edfi_records import Fields
from earlywarning.io.school_files.edfi_terms import OF_SOME_STUDENTS, POSITIVE

Stream = Callable[[Collection[str]], Iterator[tuple[str, int, str, Fields]]]
"""The records of some kinds (all for none): file, row, kind, fields."""

OTHER_PLACES = (
    "attendance", "section_attendance", "section_of", "grade", "gradebook_mark", "behaviour",
    "non_offender", "action",
)  # fmt: skip
"""Kinds of record that name a student and, mostly, a school."""

POSITIVE_SHARE = 0.5
"""With more of its events positive, a source delivers whole registers."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A parent or other contact of students."""

    number: str
    name: str | None
    sex: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A term of a school, days as the file writes them; `row` of its file."""

    school: str
    name: str
    year: str | None
    begin: str
    end: str
    days: str | None
    row: int


@dataclass(slots=True)
class Contents:
    """All that records of a bundle refer to.

    Attributes
    ----------
    counts : Counter of (kind, file)
    students : dict of student to None
    enrolled : set of student
        With an enrolment of their own.
    schools_of : dict of student to dict of school to None
        By enrolment, else by other records.
    homeroom : dict of student to str
        The section that is the student's class.
    schools : dict of school to (name, short name)
    contacts : dict of contact number, and of XML id, to Contact
    homes : dict of contact or student to the one above it
        Who lives together; see `household`.
    incidents : dict of XML id, and of (school, incident), to (school, incident, date)
    sessions : list of Session
    calendars : dict of (school, code) to type
    calendar_days : set of (school, date)
        That a calendar of the whole school names.
    periods : dict of (year, name) to (begin, end)
    entries : dict of gradebook entry to school
    graded_periods : dict of (year, name) to None
        That grades name.
    with_event : set of student
    events, without_duration : Counter of category
        Events of the school.
    first_without_duration : int
        Row of the first one.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    students: dict[str, None] = field(default_factory=dict)
    enrolled: set[str] = field(default_factory=set)
    schools_of: dict[str, dict[str, None]] = field(default_factory=dict)
    homeroom: dict[str, str] = field(default_factory=dict)
    schools: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    incidents: dict[str | tuple[str, str], tuple[str | None, str, str | None]] = field(
        default_factory=dict
    )
    sessions: list[Session] = field(default_factory=list)
    calendars: dict[tuple[str, str], str] = field(default_factory=dict)
    calendar_days: set[tuple[str, str]] = field(default_factory=set)
    periods: dict[tuple[str | None, str], tuple[str, str]] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    graded_periods: dict[tuple[str | None, str], None] = field(default_factory=dict)
    with_event: set[str] = field(default_factory=set)
    events: Counter[str | None] = field(default_factory=Counter)
    without_duration: Counter[str | None] = field(default_factory=Counter)
    first_without_duration: int = 0

    def total(self, kind: str) -> int:
        """Records of a kind."""
        return sum(number for (name, _), number in self.counts.items() if name == kind)

    def files(self, *kinds: str) -> list[str]:
        """Files with records of the kinds."""
        return list(dict.fromkeys(file for name, file in self.counts if name in kinds))

    @property
    def without_school(self) -> list[str]:
        """Students whose school nothing names."""
        return [student for student in self.students if student not in self.schools_of]

    @property
    def without_enrollment(self) -> list[str]:
        """Students without an enrolment of their own, whose school is known otherwise."""
        return [
            student
            for student in self.students
            if student in self.schools_of and student not in self.enrolled
        ]

    @property
    def exceptions_only(self) -> bool:
        """Whether the events are absences, and presence is not delivered."""
        positive = sum(self.events[word] for word in POSITIVE)
        return positive <= POSITIVE_SHARE * self.events.total()

    def first_day(self, school: str) -> tuple[str | None, str | None]:
        """School year and first day of the newest year whose sessions are known."""
        years = [one for one in self.sessions if one.school == school and one.year]
        if not years:
            return None, None
        newest = max(one.year or "" for one in years)
        return newest, min(one.begin for one in years if one.year == newest)

    def class_of(self, school: str) -> str:
        """A school where no class is named is one class."""
        name, short = self.schools.get(school, (None, None))
        return short or name or school

    def household(self, student: str) -> str | None:
        """The lowest number of the contacts who live with the student, or with a housemate."""
        key = f"student {student}"
        return None if key not in self.homes else _top(self.homes, key)

    def is_of_some(self, school: str | None, code: str | None) -> bool:
        """Whether a calendar is not the whole school's."""
        return self.calendars.get((school or "", code or "")) in OF_SOME_STUDENTS


def contents_of(stream: Stream) -> Contents:
    """Look through all records once."""
    contents = Contents()
    other: dict[str, dict[str, None]] = {}
    links: list[tuple[str, str]] = []
    late: list[tuple[str, Fields]] = []
    for file, row, kind, fields in stream(()):
        contents.counts[kind, file] += 1
        if kind in OTHER_PLACES:
            school = fields.get("school")
            if kind in ("behaviour", "non_offender", "gradebook_mark") and not school:
                late.append((kind, fields))
            elif school and fields["student"]:
                other.setdefault(fields["student"], {})[school] = None
        _note(contents, kind, fields, row, links)
    for kind, fields in late:
        school = (
            contents.entries.get(fields["entry"])
            if kind == "gradebook_mark"
            else incident_of(contents, fields)[0]
        )
        if school and fields["student"]:
            other.setdefault(fields["student"], {})[school] = None
    for student, schools in other.items():
        if student not in contents.enrolled:
            contents.schools_of.setdefault(student, {}).update(schools)
    for student, reference in links:
        contact = contents.contacts.get(reference)
        if contact:
            _join(contents.homes, f"student {student}", contact.number)
    return contents


def incident_of(contents: Contents, fields: Fields) -> tuple[str | None, str | None, str | None]:
    """School, number and date of the incident that a record refers to."""
    if fields["id"]:
        return contents.incidents.get(fields["id"], (None, None, None))
    key = (fields["school"] or "", fields["incident"] or "")
    return contents.incidents.get(key, (fields["school"], fields["incident"], None))


def _note(
    contents: Contents, kind: str, fields: Fields, row: int, links: list[tuple[str, str]]
) -> None:
    match kind:
        case "student":
            if fields["student"]:
                contents.students[fields["student"]] = None
        case "enrollment":
            if fields["student"] and fields["school"]:
                contents.enrolled.add(fields["student"])
                contents.schools_of.setdefault(fields["student"], {})[fields["school"]] = None
        case "section_of":
            if fields["homeroom"] in ("true", "1") and fields["student"] and fields["section"]:
                contents.homeroom[fields["student"]] = fields["section"]
        case "school":
            contents.schools[fields["school"] or ""] = (fields["name"], fields["short"])
        case "contact":
            contact = _contact(fields)
            for key in (fields["id"], fields["contact"]):
                if key:
                    contents.contacts[key] = contact
        case "contact_of":
            reference = fields["id"] or fields["contact"]
            if fields["lives_with"] in ("true", "1") and fields["student"] and reference:
                links.append((fields["student"], reference))
        case "incident":
            told = (fields["school"], fields["incident"] or "", fields["date"])
            contents.incidents[fields["school"] or "", fields["incident"] or ""] = told
            if fields["id"]:
                contents.incidents[fields["id"]] = told
        case "session":
            if fields["school"] and fields["begin"] and fields["end"]:
                contents.sessions.append(
                    Session(
                        fields["school"], fields["name"] or "", fields["year"], fields["begin"],
                        fields["end"], fields["days"], row,
                    )
                )  # fmt: skip
        case "calendar":
            contents.calendars[fields["school"] or "", fields["code"] or ""] = fields["type"] or ""
        case "calendar_date":
            if fields["school"] and fields["date"]:
                contents.calendar_days.add((fields["school"], fields["date"]))
        case "grading_period":
            if fields["name"] and fields["begin"] and fields["end"]:
                contents.periods[fields["year"], fields["name"]] = (fields["begin"], fields["end"])
        case "grade":
            if fields["period"] and fields["type"] == "Grading Period":
                contents.graded_periods[fields["year"], fields["period"]] = None
        case "gradebook_entry":
            if fields["entry"] and fields["school"]:
                contents.entries[fields["entry"]] = fields["school"]
        case "attendance":
            contents.with_event.add(fields["student"] or "")
            contents.events[fields["category"]] += 1
            if fields["duration"] is None:
                contents.without_duration[fields["category"]] += 1
                contents.first_without_duration = contents.first_without_duration or row


def full_name(fields: Fields) -> str | None:
    """Names in their order."""
    parts = (fields[name] for name in ("first", "middle", "last", "suffix"))
    return " ".join(part for part in parts if part) or None


_NO_CALLS = ("Fax",)
_RANKS = {"Mobile": 0, "Home": 1}


def _contact(fields: Fields) -> Contact:
    phones = [(number, kind) for number, kind in fields["phones"] if kind not in _NO_CALLS]
    phones.sort(key=lambda phone: _RANKS.get(phone[1] or "", 2))
    phone = next((number for number, _ in phones if number), None)
    return Contact(fields["contact"] or fields["id"] or "", full_name(fields), fields["sex"], phone)


def _top(homes: dict[str, str], key: str) -> str:
    while homes.get(key, key) != key:
        key = homes[key]
    return key


def _join(homes: dict[str, str], student: str, contact: str) -> None:
    """Put both into one household, called by its lowest contact number."""
    homes.setdefault(contact, contact)
    top = _top(homes, contact)
    if student in homes:
        other = _top(homes, student)
        low, high = sorted((top, other))
        homes[high] = low
        top = low
    homes[student] = top
