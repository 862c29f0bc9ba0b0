"""Which people a plain table holds: students, classes, teachers, parents, schools."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from earlywarning.io.school_files.table_look import Look

_MOSTLY = 0.95
_YEAR = re.compile(r"\d{4}")


def find_people(look: Look) -> None:
    """Entries for who is there: students, classes, teachers, parents, schools."""
    roles = look.roles
    if any(entry["table"] in ("attendance", "behaviour", "visit") for entry in
           look.made.entries):  # fmt: skip
        return
    if _is_roster(look):
        _roster(look)
    elif not look.made.entries and (number := _staff_number(look)):
        name = "staff_name" if "staff_name" in roles else "full_name"
        look.add("staff", roles.headings(staff=number, name=name, sex="sex",
                 max_visits="max_visits"), f"{look.rows(number):,} teachers")  # fmt: skip
    elif not look.made.entries and "class_name" in roles and look.named() and not look.names():
        level = roles.headings(class_name="class_name", grade_level="grade_level")
        rows = f"the classes of {look.rows('class_name'):,} students, without names"
        _enrolled(look, look.named() | level, rows)
    elif roles.has("class_name", "homeroom_staff") and "student" not in roles:
        _class_groups(look)
    if roles.has("school_id", "school_name"):
        look.add("school", roles.headings(school_id="school_id", name="school_name"),
                  "schools", distinct=True)  # fmt: skip


def _staff_number(look: Look) -> str:
    """The role that holds the teachers' numbers, in a list of nobody else; else nothing."""
    if any(role in look.roles for role in ("student", "national_id", "date", "points")):
        return ""
    named = "staff_name" in look.roles or "full_name" in look.roles
    teachers = named and any(role in look.roles for role in ("staff", "staff_name", "max_visits"))
    found = [role for role in ("staff", "type_code", "code") if role in look.roles]
    return found[0] if found and teachers else ""


def _is_roster(look: Look) -> bool:
    roles = look.roles
    if "student" in roles or "national_id" in roles:
        number = roles["student" if "student" in roles else "national_id"]
        unique = len(number.distinct()) >= _MOSTLY * max(len(number.filled), 1)
        beside = ("sex", "birth_date", "homeroom_staff", "entry_date", "class_name")
        alone = not look.made.entries
        return unique and look.names() is not None and (
            alone or sum(role in roles for role in beside) >= 2
        )  # fmt: skip
    by_row = any(entry["columns"].get("student") == "#row" for entry in look.made.entries)
    return by_row and "sex" in roles


def _roster(look: Look) -> None:
    roles, made = look.roles, look.made
    if "student" in roles or "national_id" in roles:
        number = roles["student" if "student" in roles else "national_id"]
        columns: dict[str, Any] = {"student": number.heading, "full_name": look.names()}
        what = f"{len(number.distinct()):,} students"
    else:
        parts = [roles["school_id"].heading] if "school_id" in roles else []
        columns = {"student": "#row", "full_name": [*parts, "#row"] if parts else "#row"}
        what = f"{len(look.columns[0].values):,} students without numbers"
    columns |= roles.headings(
        sex="sex", birth_date="birth_date", household="household", village="village",
        status="student_status",
    )  # fmt: skip
    if "national_id" in roles:
        numbers = roles["national_id"]
        if len(numbers.distinct()) == len(numbers.filled):
            columns["national_id"] = numbers.heading
        else:
            made.warnings.append(
                f"{numbers.heading!r} names several students by one number; it is not used"
            )
    student = look.add("student", columns, what)
    if "family_card" in roles and "household" not in roles:
        student["columns"]["household"] = roles["family_card"].heading
        student["hashed"] = ["household"]
    level = roles.headings(grade_level="grade_level")
    name = _class_name(look)
    if not name:
        made.questions.append(
            ("class_name", "in which class are these students? add [[table]] "
             "enrollment, or a file that has the class")
        )  # fmt: skip
        if "#row" not in columns.values():
            return
    elif "class_name" not in roles:
        made.warnings.append(
            f"the file knows no classes, so {roles['grade_level'].heading!r} stands for them"
        )
    _enrolled(look, {"student": columns["student"]} | name | level, "")
    _guardians(look)


def _enrolled(look: Look, columns: dict[str, Any], what: str) -> None:
    """Who is in which class, and the classes."""
    roles, made = look.roles, look.made
    _class_groups(look)
    columns |= roles.headings(entry_date="entry_date", exit_date="exit_date")
    entry = look.add("enrollment", columns, what)
    if "entry_date" in roles:
        years = {found[0] for v in roles["entry_date"].distinct() if (found := _YEAR.findall(v))}
        if len(years) > 1:
            made.warnings.append(
                f"{roles['entry_date'].heading!r} holds days of {len(years)} years, "
                f"{min(years)} to {max(years)}: days on which students came to the school rather "
                "than to this class"
            )
    elif year := made.defaults.get("school_year"):
        entry["constants"] = {"entry_date": date(int(year[:4]), 7, 1)}
        made.warnings.append(
            f"the file names the school year {year} and no day of entry, so the students are taken "
            f"to be in their classes since {entry['constants']['entry_date']}"
        )
    else:
        made.questions.append(
            ("entry_date",
             "since when are the students in these classes? write the first day of school "
             "under [table.constants] of enrollment, like entry_date = 2026-07-13")
        )  # fmt: skip


def _class_name(look: Look) -> dict[str, str]:
    """The class, or the grade level where the file knows no smaller group."""
    return look.roles.headings(class_name="class_name") or look.roles.headings(
        class_name="grade_level"
    )


def _class_groups(look: Look) -> None:
    roles = look.roles
    level = roles.headings(grade_level="grade_level")
    columns = _class_name(look) | level | roles.headings(homeroom_staff="homeroom_staff")
    if "homeroom_staff" in roles and roles["homeroom_staff"].share("name") >= _MOSTLY:
        heading = roles["homeroom_staff"].heading
        look.add("staff", {"staff": heading, "name": heading}, "", distinct=True)
    look.add("class_group", columns, "", distinct=True)


def _guardians(look: Look) -> None:
    student = look.named()
    for relation in ("father", "mother", "guardian"):
        if f"{relation}_name" in look.roles:
            columns = look.roles.headings(full_name=f"{relation}_name", phone=f"{relation}_phone")
            look.add("guardian", student | columns, "", constants={"relation": relation})
