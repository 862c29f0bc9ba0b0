"""Exports of a student-information system: headings quoted otherwise than values, text NULL.

Shaped like the exports of a Massachusetts system: students, attendance by section, behaviour, and
section grades as `85.12 B+` in a file without headings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.simulation.layouts.canonical import Frames, current_year

SECTIONS = 3
"""Sections a day; a student absent from most of them was absent."""


def carry(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """This year's classes, and every mark that was made."""
    kept = current_year(tables, until)
    marks = kept["attendance"].filter(pl.col("code") != "")
    names = ("school", "class_group", "student", "enrollment", "behaviour")
    return {name: kept[name] for name in names} | {"attendance": marks}


def write(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """`students.csv`, `attendance.csv` and `behavior.csv` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    school = tables["school"].row(0, named=True)
    people = tables["student"].join(
        tables["enrollment"].select("student", "class_name", "grade_level"), on="student"
    )
    _dump(
        folder / "students.csv",
        ("school_local_id", "student_local_id", "full_name", "gender", "birthdate", "grade",
         "homeroom", "household", "enrollment_status", "ssn"),
        [
            (school["school_id"], one["student"], one["full_name"], one["sex"],
             one["birth_date"].isoformat(), f"{one['grade_level']:02d}", one["class_name"],
             one["household"], "Active", None)
            for one in people.to_dicts()
        ],
    )  # fmt: skip
    _dump(
        folder / "attendance.csv",
        ("school_local_id", "student_local_id", "event_date", "section", "code"),
        [
            (school["school_id"], mark["student"], mark["date"].isoformat(), f"P{section}",
             mark["code"])
            for mark in tables["attendance"].to_dicts()
            for section in range(1, SECTIONS + 1)
        ],
    )  # fmt: skip
    _dump(
        folder / "behavior.csv",
        ("school_local_id", "student_local_id", "incident_id", "event_date", "incident_code",
         "points", "polarity", "severity", "attendance_related"),
        [
            (school["school_id"], event["student"], event["event"], event["date"].isoformat(),
             event["type_code"], event["points"], event["polarity"], event["severity"],
             "true" if event["is_attendance_related"] else "false")
            for event in tables["behaviour"].to_dicts()
        ],
    )  # fmt: skip


def _dump(path: Path, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    lines = [",".join(f"'{heading}'" for heading in headings)]
    for row in rows:
        lines.append(",".join(_quoted(value) for value in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
