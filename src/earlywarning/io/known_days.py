"""Which days are school days, by a school's own calendar or else by the district's weekdays.

A calendar may list every day, or only what is not as usual. So a day that it names is what it says;
one that it does not name is no school day if the calendar lists the instructional days of that
month, and follows the weekdays otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from earlywarning.records.codes import SCHOOL_DAY_KINDS
from earlywarning.records.faults import REFUSAL_SCHEMA

CALENDAR_SCHEMA = {"school_id": pl.String, "day": pl.Date, "kind": pl.String}
"""The register's calendar days."""

LISTED = "instructional"
"""The kind with which a calendar lists ordinary school days."""


def school_days(
    schools: pl.Series, month: date, *, calendar_days: pl.DataFrame, weekdays: Collection[int]
) -> pl.DataFrame:
    """The school days of one month.

    Parameters
    ----------
    schools : Series of school_id
    month : date
        Its first day.
    calendar_days : DataFrame
        `CALENDAR_SCHEMA`, of any schools and months.
    weekdays : collection of int
        ISO weekdays on which school is usually held, Monday 1.

    Returns
    -------
    DataFrame
        school_id, day (days since 1970-01-01), sorted.
    """
    end = (month + timedelta(days=32)).replace(day=1)
    named = calendar_days.filter(pl.col("day") >= month, pl.col("day") < end)
    listing = named.filter(pl.col("kind") == LISTED)["school_id"].unique()
    days = pl.select(pl.date_range(month, end, closed="left").alias("day"))
    usual = ~pl.col("school_id").is_in(listing.implode()) & pl.col("day").dt.weekday().is_in(
        list(weekdays)
    )
    return (
        pl.DataFrame({"school_id": schools}, schema={"school_id": pl.String})
        .join(days, how="cross")
        .join(named, on=["school_id", "day"], how="left")
        .filter(
            pl.when(pl.col("kind").is_null())
            .then(usual)
            .otherwise(pl.col("kind").is_in(SCHOOL_DAY_KINDS))
        )
        .select("school_id", pl.col("day").cast(pl.Int32))
        .sort("school_id", "day")
    )


def refusals(marks: pl.DataFrame, label: str) -> pl.DataFrame:
    """Marks on days without school, for the list of refused rows.

    Parameters
    ----------
    marks : DataFrame
        `day` and the place columns.
    label : str
        What the source calls the date.

    Returns
    -------
    DataFrame
        `records.faults.REFUSAL_SCHEMA`.
    """
    return marks.select(
        table=pl.lit("attendance"),
        file="_file",
        sheet="_sheet",
        row="_row",
        column=pl.lit(label),
        found=pl.col("day").cast(pl.Date).dt.to_string("%A, %Y-%m-%d"),
        allowed=pl.lit(
            "a school day; a day of school out of the ordinary stands as make_up in the table "
            "calendar_day"
        ),
        reason=pl.lit("not_a_school_day"),
    ).select(*REFUSAL_SCHEMA)
