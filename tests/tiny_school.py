"""A school small enough to sum in one's head, and three ways to read it.

Days are written like "2026-09-07". Unless said otherwise an event is known the day after it
happened, an enrolment the day before it begins, and nothing is superseded.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import narwhals.stable.v2 as nw
import polars as pl

from earlywarning.calendar import NEVER, Quarter, day_number
from earlywarning.district import District, Visits
from earlywarning.features import build, outcomes
from earlywarning.features.views import Facts, cut, school_settings
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.records.tables import FACT_TABLES, Type

DISTRICT = District(visits=Visits(lottery=False))
QUARTER = "2026-27-Q2"
"""Starts on 2026-10-01; the quarter before it is 2026-07-01 to 2026-09-30."""

Backend = Literal["polars", "duckdb", "pandas"]
BACKENDS: tuple[Backend, ...] = ("polars", "duckdb", "pandas")


def number(day: str) -> int:
    """A day number."""
    return day_number(date.fromisoformat(day))


def school_days(first: str, count: int, *, weekdays: Iterable[int] = range(1, 7)) -> list[str]:
    """The first `count` school days from a day on; Monday to Saturday unless said otherwise."""
    day, found, weekdays = date.fromisoformat(first), [], set(weekdays)
    while len(found) < count:
        if day.isoweekday() in weekdays:
            found.append(day.isoformat())
        day += timedelta(days=1)
    return found


class TinySchool:
    """Facts of one school, one call a fact.

    Attributes
    ----------
    rows : mapping of table to list of rows
    """

    def __init__(self, school_id: str = "SCH1") -> None:
        self.school_id = school_id
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def class_id(self, class_name: str, year: str = "2026-27") -> str:
        return f"{self.school_id}/{year}/{class_name}"

    def _add(self, table: str, known: str | int, until: str | None, **values: Any) -> None:
        self.rows[table].append(
            values
            | {
                "school_id": self.school_id,
                "known_day": known if isinstance(known, int) else number(known),
                "superseded_day": number(until) if until else NEVER,
            }
        )

    def enroll(
        self,
        student: str,
        class_name: str = "7A",
        *,
        entry: str = "2026-07-01",
        exit: str | None = None,
        year: str = "2026-27",
        grade_level: int | None = 7,
        known: str | None = None,
        until: str | None = None,
    ) -> None:
        self._add(
            "enrollment",
            known or number(entry) - 1,
            until,
            student_id=student,
            class_id=self.class_id(class_name, year),
            entry_day=number(entry),
            exit_day=number(exit) if exit else NEVER,
            school_year=year,
            grade_level=grade_level,
        )

    def take_register(
        self,
        days: Iterable[str],
        class_name: str = "7A",
        *,
        year: str = "2026-27",
        taken: bool = True,
        assumed: bool = False,
        known: str | None = None,
        until: str | None = None,
    ) -> None:
        for day in days:
            self._add(
                "register_day",
                known or number(day) + 1,
                until,
                class_id=self.class_id(class_name, year),
                day=number(day),
                taken=taken,
                assumed=assumed,
            )

    def mark(
        self,
        student: str,
        days: str | Iterable[str],
        status: str = "unexcused",
        class_name: str = "7A",
        *,
        year: str = "2026-27",
        known: str | None = None,
        until: str | None = None,
    ) -> None:
        for day in [days] if isinstance(days, str) else days:
            self._add(
                "attendance_event",
                known or number(day) + 1,
                until,
                student_id=student,
                day=number(day),
                class_id=self.class_id(class_name, year),
                status=status,
                namespace="id",
            )

    def totals(
        self,
        student: str,
        start: str,
        day: str,
        *,
        absent: int,
        unexcused: int | None = None,
        effective: int | None = None,
    ) -> None:
        self._add(
            "attendance_summary",
            number(day) + 1,
            None,
            student_id=student,
            period=f"{start} {day}",
            start_day=number(start),
            day=number(day),
            absent=absent,
            unexcused=unexcused,
            effective_days=effective,
        )

    def incident(
        self,
        student: str,
        day: str,
        points: float = 5,
        severity: str = "minor",
        *,
        merit: bool = False,
        about_attendance: bool = False,
        known: str | None = None,
        until: str | None = None,
        event: str | None = None,
    ) -> None:
        self._add(
            "behaviour_event",
            known or number(day) + 1,
            until,
            event_id=event or f"event {len(self.rows['behaviour_event'])}",
            student_id=student,
            day=number(day),
            type_code="X",
            severity=severity,
            polarity="merit" if merit else "offence",
            centipoints=round(-100 * points if merit else 100 * points),
            is_attendance_related=about_attendance,
        )

    def grade(
        self,
        student: str,
        day: str,
        subject: str,
        score: float,
        *,
        pass_mark: float | None = None,
        kind: str = "final",
        known: str | None = None,
        until: str | None = None,
    ) -> None:
        self._add(
            "grade",
            known or number(day) + 1,
            until,
            student_id=student,
            subject=subject,
            period=DISTRICT.calendar.quarter_of(date.fromisoformat(day)).code,
            kind=kind,
            day=number(day),
            score_centi=round(100 * score),
            pass_centi=None if pass_mark is None else round(100 * pass_mark),
            max_score=100.0,
        )

    def visit(self, student: str, day: str, status: str = "done") -> None:
        self._add(
            "visit",
            number(day) + 1,
            None,
            visit_id=f"visit {len(self.rows['visit'])}",
            student_id=student,
            day=number(day),
            status=status,
            track="concern",
        )

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every fact table, typed."""
        return {
            name: pl.DataFrame(
                [{column: row.get(column) for column in schema} for row in self.rows[name]],
                schema=schema,
            )
            for name, schema in FACT_SCHEMAS.items()
        }


def write(tables: Mapping[str, pl.DataFrame], folder: Path) -> Path:
    """Lay tables down as a snapshot is."""
    for name, frame in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        frame.write_parquet(folder / name / "2026-27.parquet")
    return folder


def pandas_facts(tables: Mapping[str, pl.DataFrame], as_of: date, district: District) -> Facts:
    """The facts on pandas, which no engine uses: the by-hand sums must not depend on an engine."""
    frames = {name: nw.from_native(frame.to_pandas()).lazy() for name, frame in tables.items()}
    schools = tables["enrollment"]["school_id"].unique().to_list()
    settings = school_settings(district, schools).to_pandas()
    return cut(
        frames,
        as_of_day=day_number(as_of),
        calendar=district.calendar,
        school_setting=nw.from_native(settings).lazy(),
    )


def read(
    tables: Mapping[str, pl.DataFrame],
    backend: Backend,
    make: Callable[[Facts, Quarter], nw.LazyFrame],
    schema: Mapping[str, Type],
    *,
    quarter: str = QUARTER,
    as_of: date | None = None,
    district: District = DISTRICT,
) -> pl.DataFrame:
    """Make features or outcomes on one back end."""
    window = district.calendar.quarter(quarter)
    as_of = as_of or window.start
    if backend == "pandas":
        made = make(pandas_facts(tables, as_of, district), window).collect().to_pandas()
        types = {"str": pl.String, "int32": pl.Int32, "float64": pl.Float64}
        columns = [pl.col(name).cast(types[kind]) for name, kind in schema.items()]
        return pl.from_pandas(made, nan_to_null=True).select(columns).sort("student_id")
    with tempfile.TemporaryDirectory() as folder, open_engine(backend) as engine:
        facts = engine.views(write(tables, Path(folder)), as_of_date=as_of, district=district)
        return engine.collect(make(facts, window), schema)


def features(
    school: TinySchool | Mapping[str, pl.DataFrame], backend: Backend, **options: Any
) -> pl.DataFrame:
    """The feature table."""
    tables = school.tables() if isinstance(school, TinySchool) else school
    return read(tables, backend, build.features, build.FEATURE_SCHEMA, **options)


def labels(
    school: TinySchool | Mapping[str, pl.DataFrame],
    backend: Backend,
    *,
    as_of: date = date(2027, 1, 1),
    **options: Any,
) -> pl.DataFrame:
    """The outcome table of the quarter, as known a quarter later."""
    tables = school.tables() if isinstance(school, TinySchool) else school
    return read(tables, backend, outcomes.outcomes, outcomes.OUTCOME_SCHEMA, as_of=as_of, **options)


def of(frame: pl.DataFrame, student: str) -> dict[str, Any]:
    """One student's row."""
    return frame.row(by_predicate=pl.col("student_id") == student, named=True)


def empty_tables() -> dict[str, pl.DataFrame]:
    """A school that has recorded nothing."""
    return {name: pl.DataFrame(schema=FACT_SCHEMAS[name]) for name in FACT_TABLES}
