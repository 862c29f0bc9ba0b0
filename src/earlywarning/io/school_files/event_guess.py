"""Which events a plain table holds: attendance, incidents, marks, days absent, visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from earlywarning.errors import DataError
from earlywarning.io.school_files.column_roles import Column
from earlywarning.io.school_files.table_look import Look
from earlywarning.records.codes import attendance_codes


def find_events(look: Look) -> None:
    """Entries for what happened: attendance, incidents, marks, days absent, visits."""
    roles = look.roles
    named = look.named()
    _refuse_balances(look)
    if named and roles.has("date", "visit_status"):
        look.add("visit", named | roles.headings(date="date", status="visit_status"),
                  "home visits")  # fmt: skip
    elif named and roles.has("date") and look.has_type:
        _behaviour(look, named)
    elif named and roles.has("date", "code"):
        _attendance(look, named)
    elif _is_catalogue(look):
        _catalogue(look)
    kinds = roles.headings(sick="sick", permitted="permitted", unexcused="unexcused")
    if (len(kinds) >= 2 or "absent" in roles) and not roles.has("date"):
        named = named or _by_row(look, "days absent")
        _summary(look, named, kinds)
    if look.marks and not roles.has("date", "code"):
        named = named or _by_row(look, "marks")
        rest = {key: value for key, value in look.marks.entry.items() if key != "columns"}
        columns = named | look.marks.entry["columns"]
        look.add("grade", columns, f"marks: {look.marks.what}", **rest)
        look.made.questions += look.marks.questions
        look.made.warnings += look.marks.warnings


def _refuse_balances(look: Look) -> None:
    """Points of students without days: a balance, not incidents."""
    roles = look.roles
    about_students = any(role in roles for role in ("student", "national_id", "class_name"))
    points = next((role for role in ("balance", "points") if role in roles), None)
    if points and about_students and "date" not in roles:
        raise DataError(
            f"{look.where}: holds points of students ({roles[points].heading!r}) without days, "
            "that is a balance; incidents are counted by the day on which they happened, and a "
            "balance depends on the school's last reset. Export the log of incidents, one row an "
            "incident with its date"
        )


def _is_catalogue(look: Look) -> bool:
    """Types with what they cost, and nobody who did it."""
    roles = look.roles
    if any(role in roles for role in ("student", "national_id", "class_name", "date")):
        return False
    worth = any(role in roles for role in ("points", "severity", "polarity"))
    return look.has_type and worth


def _by_row(look: Look, what: str) -> dict[str, Any]:
    look.made.questions.append(
        ("columns.student",
         f"the file has {what} but no student number; the number of the row stands for it, "
         "which is right only for a file that is never delivered again. Is there an export "
         "with NIS?")
    )  # fmt: skip
    return {"student": "#row"}


def _behaviour(look: Look, named: dict[str, Any]) -> None:
    roles = look.roles
    code = next((one for one in ("type_code", "code", "type_name") if one in roles), None)
    if code is None:
        look.made.warnings.append(
            f"{look.where}: incidents without a column that says what happened "
            "(Kode, Jenis Pelanggaran) were not taken"
        )
        return
    columns = named | roles.headings(
        date="date", type_code=code, points="points", severity="severity",
        polarity="polarity", is_attendance_related="is_attendance_related",
    )  # fmt: skip
    if "event" in roles:
        columns["event"] = roles["event"].heading
    else:
        parts = [columns["student"], columns["date"], columns["type_code"]]
        parts += [roles["event_time"].heading] if "event_time" in roles else []
        columns["event"] = [
            part for one in parts for part in (one if isinstance(one, list) else [one])
        ]
    entry = look.add("behaviour", columns, f"{look.rows(code):,} incidents")
    _ask_direction(look, entry)


def _catalogue(look: Look) -> None:
    roles = look.roles
    code = next((one for one in ("type_code", "code", "type_name") if one in roles), None)
    if code is None:
        return
    columns = roles.headings(
        type_code=code, name="type_name" if "type_name" in roles else "full_name",
        points="points", severity="severity",
        polarity="polarity", is_attendance_related="is_attendance_related",
    )  # fmt: skip
    entry = look.add("behaviour_type", columns, f"a catalogue of {look.rows(code):,} types")
    _ask_direction(look, entry)


def _ask_direction(look: Look, entry: dict[str, Any]) -> None:
    if "points" not in look.roles or "polarity" in look.roles:
        return
    values = look.roles["points"].filled
    below = sum(value.startswith("-") for value in values)
    if below:
        look.made.questions.append(
            ("direction",
             f"{below} of {len(values)} points are below 0: are those merits "
             '(direction = "add"), or offences that subtract from a balance '
             '(direction = "subtract")?')
        )  # fmt: skip
    if any("," in value for value in values):
        entry["decimal"] = ","


def _attendance(look: Look, named: dict[str, Any]) -> None:
    roles, made = look.roles, look.made
    columns = named | roles.headings(
        date="date", code="code", class_name="class_name", late_minutes="late_minutes"
    )
    marks = roles["code"]
    entry = look.add("attendance", columns, f"attendance, {look.rows('date'):,} marks")
    known = attendance_codes("id").statuses
    strange = [mark for mark in marks.distinct() if mark.upper() not in known]
    if strange:
        made.questions.append(
            ("codes",
             f"what does each mark mean: {', '.join(marks.distinct()[:12])}? Write lines like "
             f'"{strange[0]}" = "present", or name the list with namespace')
        )  # fmt: skip
    if len(marks.filled) < len(marks.values):
        made.questions.append(
            ("blank", "what does an empty mark mean: unrecorded, present or no_school?")
        )
    many = _marks_a_day(look, named)
    if many > 1:
        entry["rollup"] = "majority"
        made.questions.append(
            ("rollup",
             f"a student has up to {many} marks a day; rollup = \"majority\" counts as absent "
             'who missed at least half of the lessons, rollup = "worst" who missed any. Which?')
        )  # fmt: skip
    elif len(marks.distinct()) and not _has_present(marks):
        made.questions.append(
            ("coverage",
             'no mark says present: are these only absences (coverage = "exceptions"), or was '
             'everybody marked (coverage = "all_marks")?')
        )  # fmt: skip


def _marks_a_day(look: Look, named: Mapping[str, Any]) -> int:
    student = next((c for c in look.columns if c.heading == named["student"]), None)
    if student is None:
        return 1
    rows = {tuple(column.values[i] for column in look.columns)
            for i in range(len(student.values))}  # fmt: skip
    places = [look.columns.index(student), look.columns.index(look.roles["date"])]
    days = Counter(tuple(row[place] for place in places) for row in rows)
    return max((count for day, count in days.items() if all(day)), default=1)


def _summary(look: Look, named: dict[str, Any], kinds: dict[str, str]) -> None:
    columns = named | kinds
    columns |= look.roles.headings(absent="absent", effective_days="effective_days")
    entry = look.add("attendance_summary", columns, "days absent of a period")
    if "period" in look.roles:
        entry["columns"]["period"] = look.roles["period"].heading
    else:
        look.made.questions.append(
            ("period", "of which quarter, semester or school year are the days absent, like "
             "2026-27-Q1 or 2026-27?")
        )  # fmt: skip


def _has_present(marks: Column) -> bool:
    statuses = attendance_codes("id").statuses
    return any(
        statuses.get(mark.upper()) == "present" or mark.upper() in ("P", "PRESENT", "1", "/")
        for mark in marks.distinct()
    )
