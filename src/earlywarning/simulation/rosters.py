"""The school's lists: enrolments, classes, staff, students, guardians."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from earlywarning.simulation.names import names
from earlywarning.simulation.world import LEVELS, ROMAN, STAY, School, year_start

VILLAGES = ("Jenu", "Kaliuntu", "Mentoso", "Rawasan", "Sugihwaras", "Temaji", "Wadung")
AVAILABLE = ("sore", "sore, sabtu", "malam", "sabtu", "pagi, minggu")
"""When a parent can be met, in the words of a school's list."""
EXIT_WORDS = {"promoted": "naik kelas", "graduated": "lulus", "moved": "pindah sekolah",
              "class_change": "pindah kelas"}  # fmt: skip
SINGLE_PARENT_SHARE = 0.12
ABROAD_SHARE = 0.05


def class_name(level: int, letter: int) -> str:
    """`VII-A` of grade level 7 and letter 0."""
    return f"{ROMAN[level]}-{chr(ord('A') + letter % 26)}{'' if letter < 26 else letter // 26}"


def school_year(first_year: int) -> str:
    """`2026-27` of 2026."""
    return f"{first_year}-{(first_year + 1) % 100:02d}"


def enrolments(school: School) -> pl.DataFrame:
    """Every stretch in a class: `student` (index), `school_year`, `class_name`, `grade_level`,
    `entry_day`, `exit_day` (first day gone), `exit_reason`."""
    rows = []
    for first_year in school.first_years:
        start, end = year_start(first_year), year_start(first_year + 1)
        level = school.level(first_year)
        entry = np.maximum(school.entry_day, start)
        leave = np.minimum(school.exit_day, end)
        for student in np.flatnonzero((level >= 7) & (level <= 9) & (leave > entry)):
            a, b, change = int(entry[student]), int(leave[student]), int(school.change_day[student])
            reason = (
                "moved"
                if b < end or (school.left[student] and school.exit_day[student] == b)
                else ("graduated" if level[student] == 9 else "promoted")
            )
            first, second = int(school.letter[student]), int(school.other_letter[student])
            parts = [(first, a, b, reason)]
            if change != STAY and change <= a:
                parts = [(second, a, b, reason)]
            elif change != STAY and change < b:
                parts = [(first, a, change, "class_change"), (second, change, b, reason)]
            rows += [
                (int(student), school_year(first_year), class_name(int(level[student]), letter),
                 int(level[student]), one, two, why)
                for letter, one, two, why in parts
            ]  # fmt: skip
    return pl.DataFrame(
        rows,
        schema={
            "student": pl.Int32, "school_year": pl.String, "class_name": pl.String,
            "grade_level": pl.Int32, "entry_day": pl.Int32, "exit_day": pl.Int32,
            "exit_reason": pl.String,
        },
        orient="row",
    )  # fmt: skip


def staff(school: School) -> pl.DataFrame:
    """Homeroom teachers, then counsellor, principal and coordinator."""
    rng = school.rng(3)
    homerooms = [class_name(level, letter) for level in LEVELS for letter in range(school.letters)]
    roles = ["homeroom_teacher"] * len(homerooms) + ["counsellor", "principal", "coordinator"]
    sex = np.where(rng.random(len(roles)) < 0.6, "F", "M")
    capacity = rng.choice([4, 6, 8, 10], len(roles), p=[0.15, 0.25, 0.4, 0.2])
    if len(homerooms) > 5:
        capacity[int(rng.integers(0, len(homerooms)))] = 0
    preference = rng.choice(
        ["never", "opposite_sex_household", "always"], len(roles), p=[0.3, 0.6, 0.1]
    )
    return pl.DataFrame(
        {
            "staff": [f"G{school.number:03d}{index:03d}" for index in range(len(roles))],
            "name": [f"{name}, S.Pd." for name in names(sex, rng)],
            "sex": sex,
            "role": roles,
            "max_visits": [
                int(most) if role == "homeroom_teacher" else None
                for most, role in zip(capacity, roles, strict=True)
            ],
            "companion_preference": preference,
            "class_name": [*homerooms, None, None, None],
        },
        schema_overrides={"max_visits": pl.Int32, "class_name": pl.String},
    )


def students(school: School) -> pl.DataFrame:
    """Everybody with records: local number, name, sex, birth date, family code, village."""
    rng = school.rng(4)
    born = [
        date(int(year) - 13, int(month), int(day))
        for year, month, day in zip(
            school.intake,
            rng.integers(1, 13, school.size),
            rng.integers(1, 29, school.size),
            strict=True,
        )
    ]
    village = rng.integers(0, len(VILLAGES), school.size)[school.household]
    listed = enrolments(school)["student"].unique().sort()
    frame = pl.DataFrame(
        {
            "student": school.local_ids(),
            "full_name": school.full_name,
            "sex": school.sex,
            "birth_date": born,
            "household": [f"KLG-{school.number:03d}-{home:05d}" for home in school.household],
            "village": [VILLAGES[place] for place in village],
        }
    )
    return frame[listed.to_list()]


def guardians(school: School) -> pl.DataFrame:
    """Parents of a household, alike for its children; phones begin with +62 800, which no
    subscriber has."""
    rng = school.rng(5)
    n = school.size
    single = rng.random(n) < SINGLE_PARENT_SHARE
    abroad = rng.random(n) < ABROAD_SHARE
    known = names(np.full(n, "M"), rng), names(np.full(n, "F"), rng)
    when = rng.integers(0, len(AVAILABLE), (n, 2))
    listed = enrolments(school)["student"].unique().sort().to_list()
    ids = school.local_ids()
    rows = []
    for student in listed:
        home = int(school.household[student])
        for place, (relation, sex) in enumerate((("father", "M"), ("mother", "F"))):
            if single[home] and place == home % 2:
                continue
            away = abroad[home] and place == 0
            number = f"+62800{school.number:03d}{home:05d}{place}"
            rows.append(
                (ids[student], relation, known[place][home], sex, number,
                 "abroad" if away else "alive", AVAILABLE[when[home, place]])
            )  # fmt: skip
    return pl.DataFrame(
        rows,
        schema=["student", "relation", "full_name", "sex", "phone", "vital", "available"],
        orient="row",
    )


def date_text(days: np.ndarray) -> pl.Series:
    """Day numbers as dd/mm/yyyy."""
    return pl.Series(days, dtype=pl.Int32).cast(pl.Date).dt.strftime("%d/%m/%Y")
