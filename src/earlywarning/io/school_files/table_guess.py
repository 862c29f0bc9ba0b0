"""Which of our tables a plain table fills, and what is left to ask a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.school_files.column_roles import EMPTY_TEXTS, Column, find_roles
from earlywarning.io.school_files.event_guess import find_events
from earlywarning.io.school_files.grade_guess import find_marks
from earlywarning.io.school_files.headings_known import BY_HEADING, WORDS, plain
from earlywarning.io.school_files.people_guess import find_people
from earlywarning.io.school_files.table_look import Guess, Look
from earlywarning.records import dates
from earlywarning.records.cell_values import school_year_code

_DATES = ("date", "birth_date", "entry_date", "exit_date")
_FEW = 8


def guess_tables(
    where: str, columns: Sequence[Column], pass_marks: Mapping[str, float] | None = None
) -> Guess:
    """Which tables the columns fill.

    Parameters
    ----------
    where : str
        File and sheet, for messages.
    columns : sequence of Column
    pass_marks : mapping of heading to number, optional
        Of a line KKM among the marks.

    Raises
    ------
    DataError
        If nothing of it can be imported; says what is missing and what to export instead.
    """
    roles = find_roles(columns)
    made = Guess()
    look = Look(where, columns, roles, find_marks(columns, roles, pass_marks or {}), made)
    for one, other in roles.swapped:
        made.warnings.append(
            f"columns {one!r} and {other!r} seem to be swapped: the cells of each fit the "
            "heading of the other; the mapping follows the cells"
        )
        made.questions.append(
            ("columns", f"are the columns {one!r} and {other!r} swapped in the file?")
        )
    made.warnings += roles.odd
    if "school_year" in roles:
        years = {school_year_code(value) for value in roles["school_year"].distinct()}
        if len(years) == 1 and None not in years:
            made.defaults["school_year"] = years.pop()
    find_events(look)
    find_people(look)
    if not made.entries:
        raise DataError(_nothing(look))
    _common(look)
    return made


def _common(look: Look) -> None:
    roles, made = look.roles, look.made
    if "school_id" in roles:
        for entry in made.entries:
            entry["columns"]["school_id"] = roles["school_id"].heading
        if roles.has("school_id") and not any(e["table"] == "school" for e in made.entries):
            _school(look)
    needs_year = any(entry["table"] in ("class_group", "enrollment") for entry in made.entries)
    if needs_year and "school_year" not in made.defaults:
        made.questions.append(("school_year", "which school year is it, like 2026-27?"))
    _identify(look)
    texts = sorted(
        {value for column in look.columns for value in column.distinct()
         if value in EMPTY_TEXTS} - set(_used(look, "code"))
    )  # fmt: skip
    for entry in made.entries:
        _dates(look, entry)
        _words(look, entry)
        if texts and any(_holds(look, entry, text) for text in texts):
            entry["empty"] = texts
        for key in ("columns", "constants", "values"):
            if not entry.get(key):
                entry.pop(key, None)


def _used(look: Look, role: str) -> list[str]:
    return look.roles[role].distinct() if role in look.roles else []


def _school(look: Look) -> None:
    heading = look.roles["school_id"].heading
    if any(e["table"] == "student" for e in look.made.entries):
        look.add("school", {"school_id": heading, "name": heading}, "", distinct=True)


def _identify(look: Look) -> None:
    """How tables about students name them, where not by their own number."""
    if "student" in look.roles or "student_oid" in look.roles:
        return
    listed = any(entry["table"] == "student" for entry in look.made.entries)
    for entry in look.made.entries:
        named = entry["columns"].get("student")
        if entry["table"] == "student" or named is None or named == "#row" or listed:
            continue
        if "national_id" in look.roles:
            entry["identify"] = "national_id"
        else:
            entry["identify"] = "name"
            if "class_name" in look.roles:
                entry["match"] = {"class_name": look.roles["class_name"].heading}


def _holds(look: Look, entry: Mapping[str, Any], text: str) -> bool:
    used = {str(heading) for heading in entry["columns"].values()}
    used |= set(entry.get("melt", {}).get("columns", {}))
    return any(text in c.values for c in look.columns if c.heading in used)


def _dates(look: Look, entry: dict[str, Any]) -> None:
    styles: dict[str, None] = {}
    for role in _DATES:
        if role in look.roles and look.roles[role].heading in entry["columns"].values():
            column = look.roles[role]
            text = pl.Series([v for v in column.distinct() if v not in EMPTY_TEXTS],
                             dtype=pl.String)  # fmt: skip
            if not len(text):
                continue
            style = dates.usual_style(text)
            read = dates.parse(text, [style])
            styles[style] = None
            if read.month_first_proof and not read.day_first_proof:
                look.made.questions.append(
                    ("date_format", f"dates under {column.heading!r} make sense only month "
                     'first; write date_format = "%m/%d/%Y" if they are')
                )  # fmt: skip
    if styles and list(styles) != [dates.ISO]:
        names = list(styles)
        entry["date_format"] = names[0] if len(names) == 1 else names


def _words(look: Look, entry: dict[str, Any]) -> None:
    """Words of closed lists, translated as far as they are known."""
    for ours, role in (("sex", "sex"), ("severity", "severity"), ("polarity", "polarity"),
                       ("status", "visit_status")):  # fmt: skip
        if role not in look.roles or entry["columns"].get(ours) != look.roles[role].heading:
            continue
        words = {
            word: WORDS[role][plain(word)]
            for word in look.roles[role].distinct()
            if plain(word) in WORDS[role] and word.lower() != WORDS[role][plain(word)].lower()
        }
        if words:
            entry.setdefault("values", {})[ours] = words


def _nothing(look: Look) -> str:
    """Why nothing of a table can be imported, and what to do."""
    if not any(column.filled for column in look.columns):
        return f"{look.where}: has headings, but no rows below them; export it when it is filled"
    numbered = (re.fullmatch(r"(.+)#\d+", column.heading) for column in look.columns)
    twice = [found[1] for found in numbered if found and plain(found[1]) in BY_HEADING]
    if twice:
        return (
            f"{look.where}: the heading {twice[0]!r} stands over several columns, so it cannot be "
            "told which is meant; give each column a name of its own, or leave out what is there "
            "twice"
        )
    found = ", ".join(
        f"{column.heading} ({role.replace('_', ' ')})"
        for role, column in list(look.roles.columns.items())[:_FEW]
    )
    lacks = []
    if not look.named():
        lacks.append("a student number (NIS, NISN, student id) or name")
    if "date" not in look.roles and "period" not in look.roles:
        lacks.append("a date (Tanggal) or a period")
    if "code" not in look.roles and not look.marks and not look.has_type:
        lacks.append("an attendance code, a mark or an incident")
    lacking = ", ".join(lacks) or "what belongs to them"
    if look.names() and look.named() == {"student": look.names()}:
        lacking += "; for a list of students, their numbers (NIS, NISN, student id)"
    return (
        f"{look.where}: is a table, but holds nothing that can be imported; known columns: "
        f"{found or 'none'}; it lacks {lacking}. Export the "
        "students with their classes, the attendance by day, the marks by subject and period, "
        "or the log of incidents; or write a mapping (docs/mapping.md)"
    )
