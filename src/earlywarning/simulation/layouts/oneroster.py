"""A OneRoster 1.1 bundle, and a flat file of attendance beside it, which the standard lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.simulation.layouts.canonical import Frames, current_year

SEXES = {"M": "male", "F": "female"}
FILES = ("academicSessions", "classes", "demographics", "enrollments", "orgs", "users")


def carry(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """This year's classes, students and staff, and every mark that was made."""
    kept = current_year(tables, until)
    names = ("school", "staff", "class_group", "student", "enrollment")
    marks = kept["attendance"].filter(pl.col("code") != "")
    return {name: kept[name] for name in names} | {"attendance": marks}


def write(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """The bundle's files and `attendance.csv` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    school = tables["school"].row(0, named=True)
    here = pl.lit(school["school_id"])
    stays = tables["enrollment"]
    year, first = str(stays["school_year"][0]), stays["entry_date"][0]
    last = date(first.year + 1, 6, 30)
    session = pl.lit(f"{school['school_id']}_{year}")
    blank = {"status": pl.lit(None, pl.String), "dateLastModified": pl.lit(None, pl.String)}
    manifest = {"manifest.version": "1.0", "oneroster.version": "1.1"}
    manifest |= {f"file.{name}": "bulk" for name in FILES}
    pl.DataFrame({"propertyName": list(manifest), "value": list(manifest.values())}).write_csv(
        folder / "manifest.csv"
    )
    tables["school"].select(
        sourcedId="school_id", **blank, name="name", type=pl.lit("school"), identifier="school_id",
        parentSourcedId=pl.lit(None, pl.String),
    ).write_csv(folder / "orgs.csv")  # fmt: skip
    pl.select(
        sourcedId=session, **blank, title=pl.lit(year), type=pl.lit("schoolYear"),
        startDate=pl.lit(first), endDate=pl.lit(last), parentSourcedId=pl.lit(None, pl.String),
        schoolYear=pl.lit(str(last.year)),
    ).write_csv(folder / "academicSessions.csv")  # fmt: skip
    classes = tables["class_group"].with_columns(_class_id(school["school_id"]), term=session)
    classes.select(
        sourcedId="class_id", **blank, title="class_name", grades=pl.col("grade_level")
        .cast(pl.String).str.zfill(2), courseSourcedId=pl.lit(None, pl.String),
        classCode="class_name", classType=pl.lit("homeroom"), location=pl.lit(None, pl.String),
        schoolSourcedId=here, termSourcedIds="term",
    ).write_csv(folder / "classes.csv")  # fmt: skip
    tables["student"].select(
        sourcedId="student", **blank, birthDate="birth_date",
        sex=pl.col("sex").replace_strict(SEXES, return_dtype=pl.String),
    ).write_csv(folder / "demographics.csv")  # fmt: skip
    _users(tables, here, blank).write_csv(folder / "users.csv")
    students = stays.select(
        _class_id(school["school_id"]), user="student", role=pl.lit("student"),
        primary=pl.lit(None, pl.String),
    )  # fmt: skip
    teachers = classes.filter(pl.col("homeroom_staff").is_not_null()).select(
        "class_id", user="homeroom_staff", role=pl.lit("teacher"), primary=pl.lit("true")
    )
    pl.concat([students, teachers]).with_row_index("number").select(
        sourcedId=pl.format("E{}", "number"), **blank, classSourcedId="class_id",
        schoolSourcedId=here, userSourcedId="user", role="role", primary="primary",
        beginDate=pl.lit(first), endDate=pl.lit(last),
    ).write_csv(folder / "enrollments.csv")  # fmt: skip
    tables["attendance"].select(student_id="student", date="date", code="code").write_csv(
        folder / "attendance.csv"
    )


def _class_id(school_id: str) -> pl.Expr:
    return pl.format("{}/{}", pl.lit(school_id), "class_name").alias("class_id")


def _users(
    tables: Mapping[str, pl.DataFrame], here: pl.Expr, blank: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """Students and staff; a name of one word stands twice, as the standard asks for two."""
    words = pl.col("name").str.splitn(" ", 2)
    given = words.struct.field("field_0")
    people = pl.concat(
        [
            tables["student"].select(user="student", name="full_name", role=pl.lit("student")),
            tables["staff"].select(user="staff", name="name", role=pl.lit("teacher")),
        ]
    )
    return people.select(
        sourcedId="user", **blank, enabledUser=pl.lit("true"), orgSourcedIds=here, role="role",
        username="user", userIds=pl.lit(None, pl.String), givenName=given,
        familyName=pl.coalesce(words.struct.field("field_1"), given),
        middleName=pl.lit(None, pl.String), identifier="user",
    )  # fmt: skip
