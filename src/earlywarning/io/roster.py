"""Who is in which class, before and after a delivery; and what is stored of a school year.

Students and classes go by small numbers (`sid`, `cid`): a month of marks is joined several times,
and whole numbers join several times faster than ids.
"""

from __future__ import annotations

import polars as pl

from earlywarning.io.stretches import PLACES
from earlywarning.io.versions import current

EVENT = ("sid", "day", "cid", "status", "namespace", "raw_code", "late_minutes", "known_day")
"""Columns of an exception by small numbers."""


class Roster:
    """Everybody's stretches.

    Parameters
    ----------
    before, now : DataFrame
        `stretches.PLACES`; no two stretches of a student overlap.

    Attributes
    ----------
    students, classes : DataFrame
        sid, student_id; cid, class_id, school_id.
    before, now : DataFrame
        sid, cid, entry_day, exit_day.
    since : DataFrame
        sid, cid, entry_day, stay_known: since when each stretch of `now` is known.
    changed : DataFrame
        sid of the students whose enrolment the delivery changes.
    """

    def __init__(self, before: pl.DataFrame, now: pl.DataFrame) -> None:
        both = pl.concat([before.select(PLACES), now.select(PLACES)])
        self.students = both.select("student_id").unique(maintain_order=True).with_row_index("sid")
        self.classes = (
            both.select("class_id", "school_id")
            .unique("class_id", maintain_order=True)
            .with_row_index("cid")
        )
        self.before = self._numbered(before).drop("stay_known")
        self.now = self._numbered(now).drop("stay_known")
        self.since = self._numbered(now).drop("exit_day")
        same = self.now.columns
        differs = [
            self.before.join(self.now, on=same, how="anti"),
            self.now.join(self.before, on=same, how="anti"),
        ]
        self.changed = pl.concat(differs).select("sid").unique()

    def _numbered(self, stays: pl.DataFrame) -> pl.DataFrame:
        return (
            stays.filter(pl.col("entry_day") < pl.col("exit_day"))
            .join(self.students, on="student_id")
            .join(self.classes.select("cid", "class_id"), on="class_id")
            .select("sid", "cid", "entry_day", "exit_day", stay_known="known_day")
        )


class Stored:
    """What is stored of a school year.

    Parameters
    ----------
    register, events : DataFrame
        Fact tables, every version.

    Attributes
    ----------
    register : DataFrame
        cid, day, assumed, taken_day (since when it is known) of the registers that were taken.
    events : DataFrame
        `EVENT`, newest versions.
    """

    def __init__(self, register: pl.DataFrame, events: pl.DataFrame, roster: Roster) -> None:
        classes = roster.classes.select("cid", "class_id")
        self.register = (
            current(register)
            .filter("taken")
            .join(classes, on="class_id")
            .select("cid", "day", "assumed", taken_day="known_day")
        )
        self.events = (
            current(events)
            .join(roster.students, on="student_id")
            .join(classes, on="class_id")
            .select(*EVENT)
        )


def inside(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose `day` lies in their stretch."""
    return rows.filter(pl.col("entry_day") <= pl.col("day"), pl.col("day") < pl.col("exit_day"))


def enrolled_on(days: pl.DataFrame, stays: pl.DataFrame) -> pl.Series:
    """Students enrolled in each class (`cid`) on each `day`, in the order of `days`."""
    steps = (
        pl.concat(
            [
                stays.select("cid", day="entry_day", step=pl.lit(1, pl.Int32)),
                stays.select("cid", day="exit_day", step=pl.lit(-1, pl.Int32)),
            ]
        )
        .group_by("cid", "day")
        .agg(pl.col("step").sum())
        .sort("cid", "day")
        .with_columns(enrolled=pl.col("step").cum_sum().over("cid"))
    )
    found = (
        days.with_row_index("_place")
        .sort("day")
        .join_asof(steps.drop("step").sort("day"), on="day", by="cid", check_sortedness=False)
        .sort("_place")
    )
    return found["enrolled"].fill_null(0)
