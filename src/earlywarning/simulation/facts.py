"""The facts of a simulated school, without going through files.

They are what an import of the school's files makes (a test compares), for measurements at sizes at
which writing and reading every mark would take longer than what is measured.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from earlywarning.calendar import NEVER
from earlywarning.simulation import rosters
from earlywarning.simulation.records import (
    BLANK,
    DISPENSED,
    LATE,
    MARKS,
    NOT_ENROLLED,
    NOT_TAKEN,
    PERMITTED,
    SICK,
    TRUANT,
    UNEXCUSED,
    Records,
    first_year_of,
    letters_on,
)
from earlywarning.simulation.world import School

STATUS = {
    SICK: "sick", PERMITTED: "permitted", UNEXCUSED: "unexcused", LATE: "late", TRUANT: "truant",
    DISPENSED: "dispensed", BLANK: "unrecorded",
}  # fmt: skip
LAG = {"attendance": 1, "behaviour": 2, "grade": 7, "visit": 3}
"""The district's usual lags."""


def student_ids(school: School) -> list[str]:
    """Stand-ins for the random ids, fixed by school and number."""
    return [hashlib.md5(one.encode(), usedforsecurity=False).hexdigest()
            for one in school.local_ids()]  # fmt: skip


def facts(records: Records, *, delivered_day: int) -> dict[str, pl.DataFrame]:
    """Fact tables as `records.tables.FACT_TABLES` describes them.

    Parameters
    ----------
    records : Records
    delivered_day : int
        Nothing is known later than this day.
    """
    school = records.school
    ids = pl.Series(student_ids(school))
    stays = _stays(records, ids)
    register, events = _attendance(records, ids, delivered_day)
    return {
        "enrollment": stays,
        "register_day": register,
        "attendance_event": events,
        "behaviour_event": _behaviour(records, ids, delivered_day),
        "grade": _grades(records, ids, stays, delivered_day),
        "visit": _visits(records, ids, delivered_day),
    }


def marks(records: Records) -> pl.DataFrame:
    """Day by day: `student_id`, `class_id`, `day`, `status`, `known_day`, for comparison."""
    school = records.school
    part = records.marks
    day, who = np.nonzero(((part != NOT_ENROLLED) & (part != NOT_TAKEN)).T)
    ids = pl.Series(student_ids(school))
    late = records.entered_late[who, day]
    days = school.days[day]
    names = pl.Series([STATUS.get(place, "present") for place in range(len(MARKS))])
    return pl.DataFrame(
        {
            "student_id": ids.gather(who),
            "class_id": _classes(school).gather(_class_places(school)[who, day]),
            "day": days,
            "status": names.gather(part[who, day].astype(np.uint32)),
            "known_day": (days + np.where(late > 0, late, LAG["attendance"])).astype(np.int32),
        }
    )


def _versions(known: pl.Expr, delivered_day: int) -> list[pl.Expr]:
    return [
        pl.min_horizontal(known, pl.lit(delivered_day, pl.Int32)).cast(pl.Int32).alias("known_day"),
        pl.lit(NEVER, pl.Int32).alias("superseded_day"),
    ]


def _class_id(school: School) -> pl.Expr:
    return pl.format("{}/{}/{}", pl.lit(school.school_id), "school_year", "class_name")


def _stays(records: Records, ids: pl.Series) -> pl.DataFrame:
    school = records.school
    frame = rosters.enrolments(school)
    return frame.select(
        ids.gather(frame["student"]).alias("student_id"),
        _class_id(school).alias("class_id"),
        "entry_day",
        "exit_day",
        "exit_reason",
        pl.lit(school.school_id).alias("school_id"),
        "school_year",
        "grade_level",
        (pl.col("entry_day") - 1).alias("known_day"),
        pl.lit(NEVER, pl.Int32).alias("superseded_day"),
    )


def _classes(school: School) -> pl.Series:
    """Every class id, by year, level and letter."""
    return pl.Series(
        [
            f"{school.school_id}/{rosters.school_year(year)}/{rosters.class_name(level, letter)}"
            for year in school.first_years
            for level in (7, 8, 9)
            for letter in range(school.letters)
        ]
    )


def _class_places(school: School) -> np.ndarray:
    """Index into `_classes` of each student on each day."""
    year = first_year_of(school.days)
    level = np.clip(7 + year[None, :] - school.intake[:, None], 7, 9) - 7
    place = (year - school.first_years[0])[None, :] * 3 + level
    return place * school.letters + letters_on(school, school.days)


def _attendance(
    records: Records, ids: pl.Series, delivered_day: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    school = records.school
    classes = _classes(school)
    places = _class_places(school)
    marked = (records.marks != NOT_ENROLLED) & (records.marks != NOT_TAKEN)
    who, day = np.nonzero(marked)
    taken = np.unique(np.column_stack([places[who, day], day]), axis=0)
    days = school.days[taken[:, 1]]
    register = pl.DataFrame(
        {"class_id": classes.gather(taken[:, 0]), "day": days},
    ).select(
        "class_id",
        "day",
        pl.lit(school.school_id).alias("school_id"),
        pl.lit(value=True).alias("taken"),
        pl.lit(value=False).alias("assumed"),
        *_versions(pl.col("day") + LAG["attendance"], delivered_day),
    )
    who, day = np.nonzero(marked & (records.marks != 0))
    code = records.marks[who, day].astype(np.uint32)
    late = records.entered_late[who, day]
    names = pl.Series([STATUS.get(place, "present") for place in range(len(MARKS))])
    events = pl.DataFrame(
        {
            "student_id": ids.gather(who),
            "day": school.days[day],
            "class_id": classes.gather(places[who, day]),
            "status": names.gather(code),
            "raw_code": pl.Series(MARKS).gather(code),
            "late": late.astype(np.int32),
        }
    ).select(
        "student_id",
        "day",
        "class_id",
        pl.lit(school.school_id).alias("school_id"),
        "status",
        pl.lit("id").alias("namespace"),
        pl.when(pl.col("raw_code") != "").then("raw_code").alias("raw_code"),
        pl.lit(None, pl.Int32).alias("late_minutes"),
        *_versions(
            pl.col("day") + pl.when(pl.col("late") > 0).then("late").otherwise(LAG["attendance"]),
            delivered_day,
        ),
    )
    usual = pl.min_horizontal(pl.col("day") + LAG["attendance"], pl.lit(delivered_day, pl.Int32))
    before = events.filter(pl.col("known_day") > usual).with_columns(
        status=pl.lit("unrecorded"),
        raw_code=pl.lit(None, pl.String),
        superseded_day="known_day",
        known_day=usual.cast(pl.Int32),
    )
    return register, pl.concat([events, before])


def _behaviour(records: Records, ids: pl.Series, delivered_day: int) -> pl.DataFrame:
    school = records.school
    found = records.incidents.sort("day", "student", "type_code", maintain_order=True)
    sign = pl.when(pl.col("polarity") == "merit").then(-100).otherwise(100)
    return found.with_row_index("number").select(
        pl.format("{}/{}-{}", pl.lit(school.school_id), pl.lit(school.number), "number")
        .alias("event_id"),
        ids.gather(found["student"]).alias("student_id"),
        "day",
        pl.lit(school.school_id).alias("school_id"),
        "type_code",
        "severity",
        "polarity",
        (pl.col("points") * sign).cast(pl.Int32).alias("centipoints"),
        "is_attendance_related",
        *_versions(pl.col("day") + LAG["behaviour"], delivered_day),
    )  # fmt: skip


def _grades(
    records: Records, ids: pl.Series, stays: pl.DataFrame, delivered_day: int
) -> pl.DataFrame:
    found = records.grades
    rows = found.with_columns(ids.gather(found["student"]).alias("student_id"))
    where = (
        rows.select("student_id", "day")
        .unique()
        .join(stays.select("student_id", "class_id", "entry_day", "exit_day"), on="student_id")
        .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
        .select("student_id", "day", "class_id")
    )
    return rows.join(where, on=["student_id", "day"], how="left").select(
        "student_id",
        "subject",
        "period",
        "kind",
        "day",
        pl.lit(records.school.school_id).alias("school_id"),
        "class_id",
        (pl.col("score") * 100).cast(pl.Int32).alias("score_centi"),
        pl.lit(None, pl.Int32).alias("pass_centi"),
        pl.lit(100.0).alias("max_score"),
        *_versions(
            pl.col("day")
            + pl.when(pl.col("entered_late") > 0).then("entered_late").otherwise(LAG["grade"]),
            delivered_day,
        ),
    )


def _visits(records: Records, ids: pl.Series, delivered_day: int) -> pl.DataFrame:
    found = records.visits
    school = records.school
    return found.with_columns(ids.gather(found["student"]).alias("student_id")).select(
        pl.format(
            "{}/{}/{}", pl.lit(school.school_id), "student_id",
            pl.col("day").cast(pl.Date).dt.strftime("%Y-%m-%d"),
        ).alias("visit_id"),
        "student_id",
        "day",
        pl.lit(school.school_id).alias("school_id"),
        "status",
        "track",
        *_versions(pl.col("day") + LAG["visit"], delivered_day),
    )  # fmt: skip
