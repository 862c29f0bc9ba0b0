"""From the rows of a delivery to rows of the facts; what marks become is in `marks`.

Students go by their random id from here on. Since when a row is known is said once, in `_known`:
the source's own recording date, else the event's day and the source's usual lag, never later than
the delivery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import polars as pl

from earlywarning.calendar import SchoolCalendar
from earlywarning.district import District
from earlywarning.io import behaviour_rows, known_days, stretches
from earlywarning.io.delivery import Delivery
from earlywarning.io.facts import FACT_SCHEMAS, part_of
from earlywarning.io.roster import Roster
from earlywarning.records.faults import REFUSAL_SCHEMA

FULL_SCALE = 100.0
"""The scale of a grade whose source names none."""


class Intake:
    """The facts of one delivery, table by table.

    Parameters
    ----------
    delivery : Delivery
    district : District
    students : DataFrame
        `school_id`, `student`, `student_id` of everybody in the register, this delivery's people
        among them.
    delivery_day : int
    event_key : bytes
        Secret of the installation; see `behaviour_event`.
    behaviour_types : DataFrame, optional
        `behaviour_rows.CATALOGUE_SCHEMA`: the schools' catalogues, this delivery's among them.
    calendar_days : DataFrame, optional
        `known_days.CALENDAR_SCHEMA`: the schools' calendars, this delivery's among them.

    Attributes
    ----------
    warnings : list of str
        What a person should look at, told by the tables that have been taken so far.
    """

    def __init__(
        self,
        delivery: Delivery,
        district: District,
        students: pl.DataFrame,
        *,
        delivery_day: int,
        event_key: bytes,
        behaviour_types: pl.DataFrame | None = None,
        calendar_days: pl.DataFrame | None = None,
    ) -> None:
        self.delivery = delivery
        self.district = district
        self.students = students
        self.day = delivery_day
        self._event_key = event_key
        self._types = (
            pl.DataFrame(schema=behaviour_rows.CATALOGUE_SCHEMA)
            if behaviour_types is None
            else behaviour_types
        )
        self._calendar = (
            pl.DataFrame(schema=known_days.CALENDAR_SCHEMA)
            if calendar_days is None
            else calendar_days
        )
        self.warnings: list[str] = []

    def enrollment(self, grade_levels: pl.DataFrame) -> pl.DataFrame:
        """Stretches in a class, as the roster tells them; see `stretches.from_rows`."""
        rows = self._identified(self.delivery.frame("enrollment"))
        years = rows["school_year"].unique().to_list()
        return stretches.from_rows(
            rows,
            year_ends={year: span(self.district.calendar, year)[1] for year in years},
            grade_levels=grade_levels,
            delivery_day=self.day,
        )

    def marks(self, roster: Roster) -> Iterator[tuple[str, pl.DataFrame]]:
        """Attendance marks by school year (`facts.part_of`), month by month.

        Yields
        ------
        school_year, rows
            What `Marks.month` takes, and `school_id` and the lag for `assumed_days`.
        """
        numbered = self.students.join(roster.students, on="student_id", how="left")
        exceptions = [
            number
            for number, entry in enumerate(self.delivery.mapping.tables)
            if entry.coverage == "exceptions"
        ]
        for batch in self.delivery.batches("attendance"):
            rows = batch.join(
                numbered, on=["school_id", "student"], how="inner", maintain_order="left"
            ).with_columns(day=_day("date"))
            if rows.is_empty():
                continue
            year = rows.select(part_of("attendance_event").first()).item()
            yield (
                year,
                rows.select(
                    "sid",
                    "school_id",
                    "day",
                    "status",
                    "namespace",
                    "late_minutes",
                    "_file",
                    "_sheet",
                    "_row",
                    raw_code="code",
                    known_day=self._known("attendance"),
                    complete=~pl.col("_entry").is_in(exceptions),
                    _lag=self._lag("attendance"),
                ),
            )

    def assumed_days(self, marks: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame | None:
        """School days by the calendar, for the classes of schools that deliver absences only.

        The days of the marks' month before the delivery; a month in which a school delivers
        nothing at all stays unknown. A school's own calendar counts where it says something, else
        the district's weekdays; see `known_days`.

        Returns
        -------
        DataFrame or None
            class_id, day, known_day.
        """
        rows = marks.filter(~pl.col("complete"))
        if rows.is_empty():
            return None
        days = self._school_days(rows).filter(pl.col("day") < self.day)
        lags = rows.group_by("school_id").agg(pl.col("_lag").min())
        return (
            stays.select("class_id", "school_id")
            .unique()
            .join(lags, on="school_id")
            .join(days, on="school_id")
            .select(
                "class_id",
                "day",
                known_day=pl.min_horizontal(
                    pl.col("day") + pl.col("_lag"), pl.lit(self.day, pl.Int32)
                ),
            )
        )

    def on_school_days(self, marks: pl.DataFrame, label: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Where absences only are delivered, the calendar is the register: no day, no mark.

        Parameters
        ----------
        marks : DataFrame
            One month of `marks`.
        label : str
            What the source calls the date.

        Returns
        -------
        kept, refused : DataFrame
            Marks as they are, and `records.faults.REFUSAL_SCHEMA`.
        """
        exceptions = marks.filter(~pl.col("complete"))
        if exceptions.is_empty():
            return marks, pl.DataFrame(schema=REFUSAL_SCHEMA)
        days = self._school_days(exceptions).with_columns(_held=pl.lit(value=True))
        held = marks.join(days, on=["school_id", "day"], how="left", maintain_order="left")
        kept = pl.col("complete") | pl.col("_held").fill_null(value=False)
        return held.filter(kept).drop("_held"), known_days.refusals(held.filter(~kept), label)

    def _school_days(self, marks: pl.DataFrame) -> pl.DataFrame:
        """`school_id`, `day` of the month of the marks."""
        return known_days.school_days(
            marks["school_id"].unique(),
            marks.select(pl.col("day").min().cast(pl.Date)).item().replace(day=1),
            calendar_days=self._calendar,
            weekdays=self.district.calendar.school_weekdays,
        )

    def attendance_summary(self) -> Iterator[pl.DataFrame]:
        """Totals of a quarter, a semester or a whole school year, period by period."""
        for batch in self.delivery.batches("attendance_summary"):
            rows = self._identified(batch)
            first, end = span(self.district.calendar, batch["period"][0])
            rows = rows.with_columns(
                start_day=pl.lit(first, pl.Int32), day=pl.lit(end - 1, pl.Int32)
            )
            parts = pl.sum_horizontal("sick", "permitted", "unexcused")
            yield rows.with_columns(
                absent=pl.coalesce("absent", parts).cast(pl.Int32),
                known_day=self._known("attendance_summary"),
            ).select(_told("attendance_summary"))

    def behaviour_event(self) -> Iterator[pl.DataFrame]:
        """Offences with positive points, merits with negative ones; see `behaviour_rows`.

        A file's own number of an event may hold the student's number, or lead to the child in the
        school's papers; so the facts keep a keyed hash of it, the same at each delivery.
        """
        for batch in self.delivery.batches("behaviour"):
            rows, warnings = behaviour_rows.completed(
                self._identified(batch), self._types, self.delivery.mapping.tables
            )
            self.warnings += warnings
            numbers = rows.select(pl.format("{}/{}", "school_id", "event")).to_series()
            yield (
                rows.with_columns(self._hidden(numbers).alias("event_id"), day=_day("date"))
                .with_columns(known_day=self._known("behaviour"))
                .select(_told("behaviour_event"))
            )

    def grade(self, stays: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Grades as hundredths of a per cent of their scale, period by period.

        A grade without a date belongs to the last day of its period. Its class is the student's on
        that day.
        """
        for batch in self.delivery.batches("grade"):
            rows = self._identified(batch)
            last = span(self.district.calendar, batch["period"][0])[1] - 1
            scale = pl.col("max_score").fill_null(FULL_SCALE)
            rows = rows.with_columns(
                kind=pl.col("kind").fill_null("final"),
                day=pl.coalesce(_day("date"), pl.lit(last, pl.Int32)),
                score_centi=(pl.col("score") / scale * 10_000).round().cast(pl.Int32),
                pass_centi=(pl.col("pass_mark") / scale * 10_000).round().cast(pl.Int32),
                max_score=scale,
            )
            places = _class_on(rows.select("student_id", "day").unique(), stays)
            yield (
                rows.with_columns(known_day=self._known("grade"))
                .join(places, on=["student_id", "day"], how="left", maintain_order="left")
                .select(_told("grade"))
            )

    def visit(self) -> Iterator[pl.DataFrame]:
        """Visits of the past, one row a child."""
        for batch in self.delivery.batches("visit"):
            rows = self._identified(batch).with_columns(day=_day("date"))
            yield rows.with_columns(
                visit_id=pl.format("{}/{}/{}", "school_id", "student_id", "date"),
                track=pl.col("track").fill_null("concern"),
                known_day=self._known("visit"),
            ).select(_told("visit"))

    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(
            self.students, on=["school_id", "student"], how="inner", maintain_order="left"
        )

    def _known(self, table: str) -> pl.Expr:
        """Since when each row (`day`, `recorded_on`, `_entry`) is known."""
        usual = pl.col("day") + self._lag(table)
        known = pl.coalesce(_day("recorded_on"), usual)
        return pl.min_horizontal(known, pl.lit(self.day, pl.Int32))

    def _lag(self, table: str) -> pl.Expr:
        """Days of lag: of each row's mapping entry, else the district's."""
        usual = self.district.imports.lag_days[table]
        lags = {
            number: usual if entry.lag_days is None else entry.lag_days
            for number, entry in enumerate(self.delivery.mapping.tables)
        }
        return pl.col("_entry").replace_strict(lags, return_dtype=pl.Int32)

    def _hidden(self, numbers: pl.Series) -> pl.Series:
        hashes = [
            hashlib.blake2b(number.encode(), key=self._event_key, digest_size=16).hexdigest()
            for number in numbers
        ]
        return pl.Series(hashes, dtype=pl.String)


def _class_on(days: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """The class of each `student_id` on each `day`; rows without one are left out."""
    return (
        days.join(stays.select("student_id", "class_id", "entry_day", "exit_day"), on="student_id")
        .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
        .select("student_id", "day", "class_id")
    )


def _told(table: str) -> list[str]:
    """Columns of a fact table that a delivery fills."""
    return [name for name in FACT_SCHEMAS[table].names() if name != "superseded_day"]


def _day(column: str) -> pl.Expr:
    """A date as days since 1970-01-01."""
    return pl.col(column).cast(pl.Int32)


def span(calendar: SchoolCalendar, period: str) -> tuple[int, int]:
    """First day, and first day after, of a quarter, a semester or a whole school year."""
    if "-Q" in period:
        quarter = calendar.quarter(period)
        return quarter.start_day, quarter.end_day
    if "-S" in period:
        first, last = calendar.semester(period)
        return first.start_day, last.end_day
    first = calendar.quarter(f"{period}-Q1")
    last = calendar.quarter(f"{period}-Q{len(calendar.quarter_starts)}")
    return first.start_day, last.end_day
