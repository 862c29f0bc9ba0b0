"""A school's records as our own tables: what every layout is written from, and compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from earlywarning.calendar import day_number
from earlywarning.records.tables import SOURCE_TABLES
from earlywarning.simulation import rosters
from earlywarning.simulation.records import MARKS, NOT_ENROLLED, NOT_TAKEN, Records

Frames = dict[str, pl.DataFrame]


def frames(records: Records, until: date) -> Frames:
    """Every table of one school, with the columns of `records.tables.SOURCE_TABLES` it fills.

    Parameters
    ----------
    records : Records
    until : date
        First day without records.
    """
    school = records.school
    ids = pl.Series("student", school.local_ids())
    here = pl.lit(school.school_id).alias("school_id")
    people = rosters.students(school)
    stays = rosters.enrolments(school)
    staff = rosters.staff(school)
    leads = staff.filter(pl.col("class_name").is_not_null()).select(
        "class_name", homeroom_staff="staff"
    )
    incidents = records.incidents.sort("day", "student", "type_code", maintain_order=True)
    grades, visits = records.grades, records.visits.sort("day", "student")
    made = {
        "school": pl.DataFrame({"school_id": [school.school_id],
                                "name": [f"SMP Simulasi {school.number}"]}),
        "staff": staff.select(here, pl.exclude("class_name")),
        "class_group": stays.select("school_year", "class_name", "grade_level").unique()
        .sort("school_year", "grade_level", "class_name").join(leads, on="class_name", how="left")
        .select(here, pl.all()),
        "student": people.select(
            here, pl.all(), national_id=pl.concat_str(
                pl.lit("00"), pl.col("student").str.slice(1))
        ),
        "enrollment": stays.select(
            here, ids.gather(stays["student"]), "school_year", "class_name", "grade_level",
            pl.col("entry_day").cast(pl.Date).alias("entry_date"),
            pl.when(pl.col("exit_day") <= day_number(until)).then(pl.col("exit_day"))
            .cast(pl.Date).alias("exit_date"),
        ),
        "guardian": rosters.guardians(school).select(here, pl.all()),
        "attendance": _marks(records, ids).select(here, pl.all()),
        "behaviour": incidents.with_row_index("number").select(
            here, pl.format("{}-{}", pl.lit(school.number), "number").alias("event"),
            ids.gather(incidents["student"]), pl.col("day").cast(pl.Date).alias("date"),
            "type_code", "severity", "polarity", "points", "is_attendance_related",
        ),
        "grade": grades.select(
            here, ids.gather(grades["student"]), "subject", "period", "kind", "score",
            pl.col("day").cast(pl.Date).alias("date"),
        ),
        "visit": visits.select(
            here, ids.gather(visits["student"]), pl.col("day").cast(pl.Date).alias("date"),
            "status", "track",
        ),
    }  # fmt: skip
    return made


def _marks(records: Records, ids: pl.Series) -> pl.DataFrame:
    """student, date, code; an empty code where the register was taken and the mark is missing."""
    marks = records.marks
    day, who = np.nonzero(((marks != NOT_ENROLLED) & (marks != NOT_TAKEN)).T)
    codes = pl.Series("code", MARKS)
    return pl.DataFrame(
        [
            ids.gather(who),
            pl.Series("date", records.school.days[day], dtype=pl.Int32).cast(pl.Date),
            codes.gather(marks[who, day].astype(np.uint32)),
        ]
    )


BLANKS = 'blank = "unrecorded"\nnamespace = "id"'
"""What the mapping says of attendance where every mark is delivered."""


def write(tables: Mapping[str, pl.DataFrame], folder: Path, *, attendance: str = BLANKS) -> None:
    """Our own tables as CSV, headings as we call them, and the mapping for them.

    Parameters
    ----------
    attendance : str
        Lines of the mapping for the attendance table.
    """
    folder.mkdir(parents=True)
    lines = ['source = "school-files"', ""]
    for name, frame in tables.items():
        wanted = [column for column in SOURCE_TABLES[name].names if column in frame.columns]
        frame.select(wanted).write_csv(folder / f"{name}.csv")
        lines += ["[[table]]", f'table = "{name}"', f'file = "{name}.csv"']
        lines += ['date_format = "%Y-%m-%d"', "delimiter = ','"]
        if name == "attendance":
            lines.append(attendance)
        lines += ["[table.columns]", *(f'{column} = "{column}"' for column in wanted), ""]
    (folder / "mapping.toml").write_text("\n".join(lines), encoding="utf-8")


def current_year(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """What a list of today holds: this school year's students, each in one class all the year.

    Who left, changed class or came late is left out with all their events, because such a list
    has no place for that.
    """
    stays = tables["enrollment"]
    year = stays["school_year"].max()
    now = stays.filter(pl.col("school_year") == year)
    first = now["entry_date"].min()
    once = now.filter(pl.len().over("student") == 1)
    kept = once.filter(pl.col("entry_date") == first, pl.col("exit_date").is_null())
    students = kept.select("student")
    made: Frames = {}
    for name, frame in tables.items():
        if name == "enrollment":
            made[name] = kept
        elif name == "class_group":
            made[name] = frame.filter(pl.col("school_year") == year)
        elif "student" in frame.columns:
            made[name] = frame.join(students, on="student", how="semi")
        else:
            made[name] = frame
    for name in ("attendance", "behaviour", "grade", "visit"):
        if "date" in made[name].columns:
            made[name] = made[name].filter(pl.col("date") >= first, pl.col("date") < until)
    return made
