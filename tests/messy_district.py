"""Two small schools over two years with everything that goes wrong, drawn from a seed.

Late joiners, leavers who return, changes of class (the old one left open), days without register,
registers withdrawn, unrecorded marks, late corrections of every kind of fact, schools that give
totals only, points on two scales.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.district import District, Thresholds, Visits
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.records.codes import ATTENDANCE_STATUSES, GRADE_KINDS, SEVERITIES, VISIT_STATUSES
from tiny_school import TinySchool

DISTRICT = District(
    visits=Visits(lottery=False),
    school_thresholds={"SCH2": Thresholds(first_warning_points=100.0, pass_mark=60.0)},
)
YEARS = ("2025-26", "2026-27")
CLASSES = ("7A", "7B", "8A")
SUBJECTS = ("Math", "Art", "PE", "History")
TOTALS_ONLY = 5
"""Of each school, this many students have totals of periods and no daily marks."""


def messy_tables(seed: int, *, students: int = 24) -> dict[str, pl.DataFrame]:
    """Every fact table, every version, of both schools."""
    rng = np.random.default_rng(seed)
    tables: list[dict[str, pl.DataFrame]] = []
    for school_id in ("SCH1", "SCH2"):
        school = TinySchool(school_id)
        for year in YEARS:
            _year(school, year, students, rng)
        tables.append(school.tables())
    joined = {name: pl.concat(table[name] for table in tables) for name in FACT_SCHEMAS}
    return {name: _with_corrections(name, frame, rng) for name, frame in joined.items()}


def _year(school: TinySchool, year: str, students: int, rng: np.random.Generator) -> None:
    first = day_number(date(int(year[:4]), 7, 1))
    days = [first + n for n in range(330) if (first + n + 3) % 7 < 6 and rng.random() < 0.95]
    for class_name in CLASSES:
        for day in days:
            if rng.random() < 0.97:
                school.rows["register_day"].append(
                    {
                        "class_id": school.class_id(class_name, year), "day": day,
                        "school_id": school.school_id, "taken": rng.random() < 0.98,
                        "assumed": rng.random() < 0.1, "known_day": day + 1,
                        "superseded_day": NEVER,
                    }
                )  # fmt: skip
    for n in range(students):
        _student(
            school, f"{school.school_id} student {n:02d}", year, days, rng, daily=n >= TOTALS_ONLY
        )


def _student(
    school: TinySchool,
    student: str,
    year: str,
    days: list[int],
    rng: np.random.Generator,
    *,
    daily: bool,
) -> None:
    stays = _stays(school, student, year, days, rng)
    trouble = rng.beta(1, 4)
    row = {"student_id": student, "school_id": school.school_id, "superseded_day": NEVER}
    if daily:
        for day in days:
            for class_id, entry, exit_day in reversed(stays):
                if rng.random() < trouble and (entry <= day < exit_day or rng.random() < 0.02):
                    school.rows["attendance_event"].append(
                        row
                        | {
                            "class_id": class_id, "day": day, "known_day": day + 1,
                            "status": str(rng.choice(ATTENDANCE_STATUSES)), "namespace": "id",
                        }
                    )  # fmt: skip
                    break
    for start in range(days[0], days[-1], 90):
        if not daily:
            effective = None if rng.random() < 0.2 else int(rng.integers(40, 70))
            school.rows["attendance_summary"].append(
                row
                | {
                    "period": f"from {start}", "start_day": start, "day": start + 80,
                    "known_day": start + 84, "absent": int(rng.integers(0, 15)),
                    "effective_days": effective,
                }
            )  # fmt: skip
        for subject in SUBJECTS:
            for kind in GRADE_KINDS:
                if rng.random() < 0.6:
                    day = start + int(rng.integers(0, 85))
                    school.rows["grade"].append(
                        row
                        | {
                            "subject": subject, "period": f"from {start}", "kind": kind,
                            "day": day, "known_day": day + int(rng.integers(0, 20)),
                            "score_centi": int(rng.integers(3000, 10_001)), "max_score": 100.0,
                            "pass_centi": None if rng.random() < 0.3 else 7000,
                        }
                    )  # fmt: skip
    for day in days:
        if rng.random() < trouble / 10:
            merit = rng.random() < 0.2
            school.rows["behaviour_event"].append(
                row
                | {
                    "event_id": f"{student} {day}", "day": day, "type_code": "X",
                    "known_day": day + int(rng.integers(0, 9)),
                    "severity": str(rng.choice(SEVERITIES, p=[0.7, 0.25, 0.05])),
                    "polarity": "merit" if merit else "offence",
                    "centipoints": int(rng.integers(1, 1500)) * (-1 if merit else 1),
                    "is_attendance_related": rng.random() < 0.2,
                }
            )  # fmt: skip
        if rng.random() < 0.004:
            school.rows["visit"].append(
                row
                | {
                    "visit_id": f"{student} {day}", "day": day, "known_day": day + 3,
                    "status": str(rng.choice(VISIT_STATUSES)), "track": "concern",
                }
            )  # fmt: skip


def _stays(
    school: TinySchool, student: str, year: str, days: list[int], rng: np.random.Generator
) -> list[tuple[str, int, int]]:
    entry = days[0] if rng.random() < 0.8 else int(rng.choice(days))
    end = days[-1] + 5 if rng.random() < 0.8 else NEVER
    class_name = str(rng.choice(CLASSES))
    stays = [(school.class_id(class_name, year), entry, end)]
    kind = rng.random()
    later = entry + int(rng.integers(5, 150))
    if kind < 0.2:  # moves to another class; the first stay is never closed
        other = str(rng.choice([name for name in CLASSES if name != class_name]))
        stays = [(stays[0][0], entry, NEVER), (school.class_id(other, year), later, end)]
    elif kind < 0.3:  # leaves, and returns to the same class
        stays = [(stays[0][0], entry, later), (stays[0][0], later + 20, end)]
    elif kind < 0.4:  # leaves for good
        stays = [(stays[0][0], entry, later)]
    for class_id, first, last in stays:
        school.rows["enrollment"].append(
            {
                "student_id": student, "class_id": class_id, "entry_day": first,
                "exit_day": last, "school_id": school.school_id, "school_year": year,
                "grade_level": None if rng.random() < 0.1 else 7, "known_day": first - 1,
                "superseded_day": NEVER,
            }
        )  # fmt: skip
    return stays


_CORRECTED = {
    "attendance_event": lambda rng: {"status": str(rng.choice(ATTENDANCE_STATUSES))},
    "register_day": lambda rng: {"taken": bool(rng.random() < 0.5)},
    "grade": lambda rng: {"score_centi": int(rng.integers(3000, 10_001))},
    "behaviour_event": lambda rng: {"centipoints": int(rng.integers(1, 3000))},
    "attendance_summary": lambda rng: {"absent": int(rng.integers(0, 20))},
    "visit": lambda rng: {"status": str(rng.choice(VISIT_STATUSES))},
    "enrollment": lambda rng: {"grade_level": 8},
}


def _with_corrections(table: str, frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row in ten was corrected later: the old version ends, a new one begins."""
    rows = frame.to_dicts()
    for row in list(rows):
        if rng.random() < 0.1:
            learnt = row["known_day"] + int(rng.integers(1, 60))
            rows.append(row | {"known_day": learnt} | _CORRECTED[table](rng))
            row["superseded_day"] = learnt
    return pl.DataFrame(rows, schema=frame.schema)


def scrambled(
    tables: dict[str, pl.DataFrame], as_of_day: int, seed: int
) -> dict[str, pl.DataFrame]:
    """Everything changed that happened, or became known, on or after a day.

    Rows known before keep what was known of them; when they end, and what is to come, is drawn
    anew. Rows of the future change every value, and as many again are added, some of them about
    days long past.
    """
    rng = np.random.default_rng(seed)
    return {name: _scrambled(name, frame, as_of_day, rng) for name, frame in tables.items()}


def _scrambled(
    table: str, frame: pl.DataFrame, as_of_day: int, rng: np.random.Generator
) -> pl.DataFrame:
    rows = frame.to_dicts()
    learnt_later = [row for row in rows if row["known_day"] >= as_of_day]
    for row in rows:
        if row["superseded_day"] >= as_of_day:
            row["superseded_day"] = int(rng.choice([as_of_day, as_of_day + 7, NEVER]))
        if table == "enrollment" and row["exit_day"] > as_of_day:
            row["exit_day"] = int(rng.choice([as_of_day + 1, as_of_day + 50, NEVER]))
        if table != "enrollment" and row["day"] >= as_of_day:
            _garble(row, rows, rng)
            row["day"] = as_of_day + int(rng.integers(0, 90))
    added = []
    for row in learnt_later:
        _garble(row, rows, rng)
        added.append(row | {"known_day": as_of_day + int(rng.integers(0, 90))})
        _garble(added[-1], rows, rng)
    frame = pl.DataFrame(rows + added, schema=frame.schema)
    return frame.sample(fraction=1.0, shuffle=True, seed=int(rng.integers(2**31)))


def _garble(row: dict, rows: list[dict], rng: np.random.Generator) -> None:
    """Give a row the values of others, its dates of knowing excepted."""
    for column in row:
        if column not in ("known_day", "superseded_day"):
            row[column] = rows[int(rng.integers(len(rows)))][column]
