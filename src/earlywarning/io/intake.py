"""From the rows of a delivery to rows of the facts.

Students go by their random id from here on. What a row is known since is said once, in `_known`:
the source's own recording date, else the event's day and the source's usual lag, never later than
the delivery. Attendance becomes exceptions: which days a class's register was taken, and the marks
other than present; an enrolled student without a mark on such a day is `unrecorded`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from earlywarning.calendar import NEVER, SchoolCalendar, day_number
from earlywarning.district import District
from earlywarning.io.delivery import Delivery
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.io.versions import KNOWN_BEFORE, current
from earlywarning.records.codes import NO_SCHOOL, PRESENT, UNRECORDED

FULL_SCALE = 100.0
"""The scale of a grade whose source names none."""


class Intake:
    """The facts of one delivery, table by table.

    Parameters
    ----------
    delivery : Delivery
    district : District
    students : DataFrame
        `school_id`, `student`, `student_id` of everybody in the register.
    delivered_on : date
    """

    def __init__(
        self, delivery: Delivery, district: District, students: pl.DataFrame, delivered_on: date
    ) -> None:
        self.delivery = delivery
        self.district = district
        self.students = students
        self.day = day_number(delivered_on)

    def enrollment(self) -> pl.DataFrame:
        """Stretches in a class. Without an exit date one ends with its school year."""
        rows = self._identified(self.delivery.frame("enrollment"))
        years = rows["school_year"].unique().to_list()
        ends = {year: _year_end(self.district.calendar, year) for year in years}
        entry = _day("entry_date")
        recorded = pl.coalesce(_day("recorded_on"), entry - 1)
        return rows.select(
            "student_id",
            class_id=pl.format("{}/{}/{}", "school_id", "school_year", "class_name"),
            entry_day=entry,
            exit_day=pl.coalesce(
                _day("exit_date"),
                _looked_up("school_year", ends),
            ),
            exit_reason="exit_reason",
            school_id="school_id",
            school_year="school_year",
            grade_level="grade_level",
            known_day=pl.min_horizontal(recorded, pl.lit(self.day, pl.Int32)),
        )

    def attendance(
        self, enrollment: pl.DataFrame
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
        """Month by month: register days, marks (present ones too), and older versions of marks.

        Parameters
        ----------
        enrollment : DataFrame
            Current versions of every stretch, to find a student's class on a day.

        Yields
        ------
        register_day, marks, history
            `marks` still holds present marks, which matter only where they replace something;
            `history` says `unrecorded` for the days between a register and a mark entered late.
        """
        for batch in self.delivery.batches("attendance"):
            marks = self._placed(self._identified(batch), enrollment)
            held = marks.filter(pl.col("status") != NO_SCHOOL)
            taken = held.group_by("class_id", "day", "school_id").agg(
                known_day=pl.col("usual_day").min(), assumed=pl.lit(value=False).first()
            )
            if self._coverage(batch) == "exceptions":
                taken = self._assumed_days(batch, enrollment)
            else:
                held = pl.concat([held, _unmarked(taken, held, enrollment)], how="diagonal")
            late = held.filter(pl.col("known_day") > pl.col("usual_day"))
            history = late.with_columns(
                status=pl.lit(UNRECORDED),
                raw_code=pl.lit(None, pl.String),
                late_minutes=pl.lit(None, pl.Int32),
                superseded_day="known_day",
                known_day="usual_day",
            ).select(FACT_SCHEMAS["attendance_event"].names())
            yield (
                taken.with_columns(taken=pl.lit(value=True)),
                held.with_columns(entered_late=pl.col("known_day") > pl.col("usual_day")),
                history,
            )

    def attendance_summary(self) -> pl.DataFrame:
        """Totals of a quarter or a whole school year."""
        rows = self._identified(self.delivery.frame("attendance_summary"))
        spans = {
            period: _span(self.district.calendar, period)
            for period in rows["period"].unique().to_list()
        }
        starts = {period: span[0] for period, span in spans.items()}
        ends = {period: span[1] - 1 for period, span in spans.items()}
        rows = rows.with_columns(
            start_day=_looked_up("period", starts),
            day=_looked_up("period", ends),
        )
        parts = pl.sum_horizontal("sick", "permitted", "unexcused")
        return rows.with_columns(
            absent=pl.coalesce("absent", parts).cast(pl.Int32),
            known_day=self._known(rows, "attendance_summary"),
        ).select(_without_versions("attendance_summary"))

    def behaviour_event(self) -> pl.DataFrame:
        """Offences with positive points, merits with negative ones, whatever the source's sign."""
        rows = self._identified(self.delivery.frame("behaviour")).with_columns(day=_day("date"))
        points = (pl.col("points").fill_null(0).abs() * 100).round().cast(pl.Int32)
        merit = pl.col("polarity").fill_null("offence") == "merit"
        return rows.with_columns(
            event_id=pl.format("{}/{}", "school_id", "event"),
            severity=pl.col("severity").fill_null("minor"),
            polarity=pl.col("polarity").fill_null("offence"),
            centipoints=pl.when(merit).then(-points).otherwise(points),
            is_attendance_related=pl.col("is_attendance_related").fill_null(value=False),
            known_day=self._known(rows, "behaviour"),
        ).select(_without_versions("behaviour_event"))

    def grade(self, enrollment: pl.DataFrame) -> pl.DataFrame:
        """Marks as hundredths of a per cent of their scale."""
        rows = self._identified(self.delivery.frame("grade"))
        ends = {
            period: _span(self.district.calendar, period)[1] - 1
            for period in rows["period"].unique().to_list()
        }
        scale = pl.col("max_score").fill_null(FULL_SCALE)
        last = _looked_up("period", ends)
        rows = rows.with_columns(
            kind=pl.col("kind").fill_null("final"),
            day=pl.coalesce(_day("date"), last),
            score_centi=(pl.col("score") / scale * 10_000).round().cast(pl.Int32),
            pass_centi=(pl.col("pass_mark") / scale * 10_000).round().cast(pl.Int32),
            max_score=scale,
        )
        rows = rows.with_columns(known_day=self._known(rows, "grade"))
        places = _class_on(rows.select("student_id", "day").unique(), enrollment)
        return rows.join(places, on=["student_id", "day"], how="left").select(
            _without_versions("grade")
        )

    def visit(self) -> pl.DataFrame:
        """Visits of the past, one row a child."""
        rows = self._identified(self.delivery.frame("visit")).with_columns(day=_day("date"))
        return rows.with_columns(
            visit_id=pl.format("{}/{}/{}", "school_id", "student_id", "date"),
            track=pl.col("track").fill_null("concern"),
            known_day=self._known(rows, "visit"),
        ).select(_without_versions("visit"))

    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(self.students, on=["school_id", "student"], how="inner")

    def _lag(self, rows: pl.DataFrame, table: str) -> pl.Expr:
        """Days of lag, of each row's mapping entry, else the district's."""
        entries = self.delivery.mapping.tables
        usual = self.district.imports.lag_days[table]
        lags = {
            entry: usual if entries[entry].lag_days is None else entries[entry].lag_days
            for entry in rows["_entry"].unique().to_list()
        }
        return _looked_up("_entry", lags)

    def _known(self, rows: pl.DataFrame, table: str) -> pl.Expr:
        usual = pl.col("day") + self._lag(rows, table)
        known = pl.coalesce(_day("recorded_on"), usual)
        return pl.min_horizontal(known, pl.lit(self.day, pl.Int32))

    def _coverage(self, batch: pl.DataFrame) -> str:
        entries = [self.delivery.mapping.tables[entry] for entry in batch["_entry"].unique()]
        return "exceptions" if any(e.coverage == "exceptions" for e in entries) else "all_marks"

    def _placed(self, rows: pl.DataFrame, enrollment: pl.DataFrame) -> pl.DataFrame:
        """Marks with their day, class, and since when they are known; only of enrolled students."""
        rows = rows.with_columns(day=_day("date"))
        usual = pl.min_horizontal(
            pl.col("day") + self._lag(rows, "attendance"), pl.lit(self.day, pl.Int32)
        )
        rows = rows.with_columns(
            usual_day=usual, known_day=self._known(rows, "attendance"), raw_code=pl.col("code")
        ).drop("class_name")
        stays = enrollment.select("student_id", "class_id", "entry_day", "exit_day")
        return (
            rows.join(stays, on="student_id", how="inner")
            .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
            .unique(["student_id", "day"], keep="last", maintain_order=True)
        )

    def _assumed_days(self, batch: pl.DataFrame, enrollment: pl.DataFrame) -> pl.DataFrame:
        """School days by the calendar, where a source delivers absences only."""
        first = batch["date"].min()
        last = batch["date"].max()
        if not isinstance(first, date) or not isinstance(last, date):
            return pl.DataFrame(schema=FACT_SCHEMAS["register_day"])
        start = first.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
        until = min(day_number(end), self.day)
        days = [
            number
            for number in range(day_number(start), until)
            if (number + 3) % 7 + 1 in self.district.calendar.school_weekdays
        ]
        lag = self.district.imports.lag_days["attendance"]
        classes = enrollment.filter(
            pl.col("school_id").is_in(batch["school_id"].unique().implode())
        )
        return (
            classes.group_by("class_id", "school_id")
            .agg(entry_day=pl.col("entry_day").min(), exit_day=pl.col("exit_day").max())
            .join(pl.DataFrame({"day": days}, schema={"day": pl.Int32}), how="cross")
            .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
            .select(
                "class_id",
                "day",
                "school_id",
                known_day=pl.min_horizontal(pl.col("day") + lag, pl.lit(self.day, pl.Int32)),
                assumed=pl.lit(value=True),
            )
        )


def exceptions(
    marks: pl.DataFrame,
    *,
    known_events: pl.DataFrame,
    known_days: pl.DataFrame,
    delivery_day: int,
) -> pl.DataFrame:
    """The marks worth a row: other than present, or present where something else was known.

    Parameters
    ----------
    marks : DataFrame
        From `Intake.attendance`.
    known_events, known_days : DataFrame
        Current versions of attendance events and register days of the same months. A new
        exception on a day whose register was known before is a change, not a first delivery.
    """
    told = known_events.select("student_id", "day", told=pl.lit(value=True))
    before = known_days.filter("taken").select("class_id", "day", taken_before=pl.lit(value=True))
    joined = marks.join(told, on=["student_id", "day"], how="left").join(
        before, on=["class_id", "day"], how="left"
    )
    present = pl.col("status") == PRESENT
    matters = ~present | pl.col("told").is_not_null() | pl.col("entered_late")
    known_before = pl.col("taken_before").fill_null(value=False) & pl.col("told").is_null()
    return (
        joined.filter(matters)
        .with_columns(known_before.alias(KNOWN_BEFORE))
        .with_columns(
            known_day=pl.when(KNOWN_BEFORE)
            .then(pl.lit(delivery_day, pl.Int32))
            .otherwise("known_day")
        )
        # Present on a day that was known as present already: nothing to say.
        .filter(~(present & pl.col(KNOWN_BEFORE)))
        .select(*_without_versions("attendance_event"), KNOWN_BEFORE)
    )


def open_stretches(existing: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Current stretches after a delivery: incoming ones replace those with the same key."""
    key = ["student_id", "class_id", "entry_day"]
    kept = current(existing).join(incoming.select(key), on=key, how="anti")
    names = ["student_id", "class_id", "school_id", "entry_day", "exit_day"]
    return pl.concat([kept.select(names), incoming.select(names)])


def _unmarked(taken: pl.DataFrame, held: pl.DataFrame, enrollment: pl.DataFrame) -> pl.DataFrame:
    """Enrolled students without a mark on a day on which their class's register was taken."""
    return (
        taken.join(enrollment.drop("school_id"), on="class_id", how="inner")
        .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
        .join(held.select("student_id", "day"), on=["student_id", "day"], how="anti")
        .select(
            "student_id",
            "day",
            "class_id",
            "school_id",
            "known_day",
            usual_day="known_day",
            status=pl.lit(UNRECORDED),
            namespace=pl.lit("none"),
            raw_code=pl.lit(None, pl.String),
            late_minutes=pl.lit(None, pl.Int32),
        )
        .unique(["student_id", "day"], maintain_order=True)
    )


def _class_on(days: pl.DataFrame, enrollment: pl.DataFrame) -> pl.DataFrame:
    stays = enrollment.select("student_id", "class_id", "entry_day", "exit_day")
    return (
        days.join(stays, on="student_id", how="inner")
        .filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))
        .sort("student_id", "day", "entry_day")
        .unique(["student_id", "day"], keep="last", maintain_order=True)
        .select("student_id", "day", "class_id")
    )


def _without_versions(table: str) -> list[str]:
    return [name for name in FACT_SCHEMAS[table].names() if name != "superseded_day"]


def _day(column: str) -> pl.Expr:
    """Days since 1970-01-01."""
    return pl.col(column).cast(pl.Int32)


def _looked_up(column: str, values: Mapping[Any, int | None]) -> pl.Expr:
    """The day that belongs to a code; an empty table has no code, and still whole numbers."""
    if not values:
        return pl.lit(None, pl.Int32)
    return pl.col(column).replace_strict(dict(values), return_dtype=pl.Int32)


def _year_end(calendar: SchoolCalendar, school_year: str) -> int:
    return _span(calendar, school_year)[1]


def _span(calendar: SchoolCalendar, period: str) -> tuple[int, int]:
    """First day, and first day after, of a quarter or a whole school year."""
    if "-Q" in period:
        quarter = calendar.quarter(period)
        return quarter.start_day, quarter.end_day
    first = calendar.quarter(f"{period}-Q1")
    last = calendar.quarter(f"{period}-Q{len(calendar.quarter_starts)}")
    return first.start_day, min(last.end_day, NEVER)
