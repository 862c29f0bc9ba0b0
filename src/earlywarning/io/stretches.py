"""Stretches of a student in a class: one at a time, each with an end.

A roster says when somebody entered a class, and often not when they left it. So a stretch without
an exit ends with its school year, and whatever its exit, when the student enters the next class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.io.versions import KNOWN_BEFORE, current
from earlywarning.records.tables import FACT_TABLES

KEY = list(FACT_TABLES["enrollment"].key)
COLUMNS = [name for name in FACT_SCHEMAS["enrollment"].names() if name != "superseded_day"]
PLACES = ["student_id", "class_id", "school_id", "entry_day", "exit_day", "known_day"]
"""What the other tables need to know of a stretch."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Enrolments after a delivery.

    Attributes
    ----------
    incoming : DataFrame
        The delivery's stretches with their ends, and earlier ones that they end; without
        `superseded_day`, with `versions.KNOWN_BEFORE`.
    withdrawn : DataFrame
        Keys, and school year, of stretches that the delivery replaces by others.
    now : DataFrame
        Every stretch that holds from now on: `PLACES`. No two of a student overlap.
    """

    incoming: pl.DataFrame
    withdrawn: pl.DataFrame
    now: pl.DataFrame


def from_rows(
    rows: pl.DataFrame,
    *,
    year_ends: Mapping[str, int],
    grade_levels: pl.DataFrame,
    delivery_day: int,
) -> pl.DataFrame:
    """Stretches as a delivery tells them.

    Parameters
    ----------
    rows : DataFrame
        Source table `enrollment` with `student_id`.
    year_ends : mapping of school year to day
        First day after each school year of `rows`.
    grade_levels : DataFrame
        `class_id`, `grade_level`: for rows that name none.
    delivery_day : int

    Returns
    -------
    DataFrame
        Fact table `enrollment` without `superseded_day`, in the order of `rows`. Known the day
        before the entry, unless the source recorded it on another day; never after the delivery.
    """
    end = pl.lit(None, pl.Int32)
    if year_ends:  # without one row there is no year to look up
        end = pl.col("school_year").replace_strict(dict(year_ends), return_dtype=pl.Int32)
    entry = pl.col("entry_date").cast(pl.Int32)
    known = pl.coalesce(pl.col("recorded_on").cast(pl.Int32), entry - 1)
    return (
        rows.with_columns(
            class_id=pl.format("{}/{}/{}", "school_id", "school_year", "class_name"),
            entry_day=entry,
            # A year's class ends with the year, whatever the file says: its days belong to one.
            exit_day=pl.max_horizontal(
                entry, pl.min_horizontal(pl.col("exit_date").cast(pl.Int32), end)
            ),
            known_day=pl.min_horizontal(known, pl.lit(delivery_day, pl.Int32)),
        )
        .join(
            grade_levels.select("class_id", _level="grade_level"),
            on="class_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(grade_level=pl.coalesce("grade_level", "_level"))
        .select(COLUMNS)
    )


def settle(existing: pl.DataFrame, incoming: pl.DataFrame, *, delivery_day: int) -> Settled:
    """Put a delivery's stretches beside the known ones, so that no two of a student overlap.

    A stretch that takes the place of a known one (the class was another, or the day of entry) is a
    correction, known from the delivery on. A stretch that follows a known one only ends it.

    Parameters
    ----------
    existing : DataFrame
        Fact table `enrollment`, every version.
    incoming : DataFrame
        From `from_rows`.
    delivery_day : int
    """
    known = current(existing).select(COLUMNS)
    others = known.join(incoming.select("student_id"), on="student_id", how="semi").join(
        incoming.select(KEY), on=KEY, how="anti"
    )
    pairs = _replacements(others, incoming)
    others = others.join(pairs.select(KEY), on=KEY, how="anti")
    new = pairs.select(*(pl.col(f"_new_{name}").alias(name) for name in KEY)).unique()
    corrections = new.join(known.select(KEY), on=KEY, how="anti").with_columns(
        pl.lit(value=True).alias(KNOWN_BEFORE)
    )
    told = (
        incoming.join(corrections, on=KEY, how="left", maintain_order="left")
        .with_columns(pl.col(KNOWN_BEFORE).fill_null(value=False))
        .with_columns(
            known_day=pl.when(KNOWN_BEFORE)
            .then(pl.lit(delivery_day, pl.Int32))
            .otherwise("known_day")
        )
    )
    ended = _one_at_a_time(
        pl.concat(
            [
                others.with_columns(_told=pl.lit(value=False), **{KNOWN_BEFORE: False}),
                told.with_columns(_told=pl.lit(value=True)),
            ],
            how="diagonal",
        )
    )
    untouched = known.join(incoming.select("student_id"), on="student_id", how="anti")
    return Settled(
        incoming=ended.filter(pl.col("_told") | pl.col("_cut")).select(*COLUMNS, KNOWN_BEFORE),
        withdrawn=pairs.select(*KEY, "school_year").unique(),
        now=pl.concat([untouched.select(PLACES), ended.select(PLACES)]),
    )


def on_day(stays: pl.DataFrame, day: int) -> pl.DataFrame:
    """Each student's class on a day; else the one they enter next; else their last one.

    Returns
    -------
    DataFrame
        student_id, class_id.
    """
    first, end = pl.col("entry_day"), pl.col("exit_day")
    # 0: in it on the day. 1: enters it later, the soonest first. 2: was in it, the latest first.
    order = pl.when(end <= day).then(2).when(first <= day).then(0).otherwise(1)
    return (
        stays.filter(end > first)
        .with_columns(_order=order, _near=pl.when(end <= day).then(-first).otherwise(first))
        .sort("student_id", "_order", "_near")
        .unique("student_id", keep="first", maintain_order=True)
        .select("student_id", "class_id")
    )


def _replacements(others: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Known stretches that a delivered one corrects, each beside it (`_new_...`).

    The same class at the same time with another day of entry; or the same day of entry into
    another class, as rosters have it that name only the present class, for the whole year.
    """
    new = incoming.select(
        "student_id",
        _new_student_id="student_id",
        _new_class_id="class_id",
        _new_entry_day="entry_day",
        _new_exit_day="exit_day",
    )
    overlap = (pl.col("entry_day") < pl.col("_new_exit_day")) & (
        pl.col("_new_entry_day") < pl.col("exit_day")
    )
    same_class = pl.col("class_id") == pl.col("_new_class_id")
    same_day = pl.col("entry_day") == pl.col("_new_entry_day")
    return others.join(new, on="student_id").filter(overlap & (same_class | same_day))


def _one_at_a_time(stretches: pl.DataFrame) -> pl.DataFrame:
    """End each stretch when the next begins; of two that begin on one day the later told holds."""
    empty = stretches.filter(pl.col("entry_day") >= pl.col("exit_day"))
    ordered = stretches.filter(pl.col("entry_day") < pl.col("exit_day")).sort(
        "student_id", "entry_day", "_told", maintain_order=True
    )
    following = pl.col("entry_day", "school_year").shift(-1).over("student_id")
    ordered = ordered.with_columns(following.name.prefix("_next_"))
    cut = (pl.col("_next_entry_day") < pl.col("exit_day")).fill_null(value=False)
    same_year = pl.col("_next_school_year") == pl.col("school_year")
    ended = ordered.with_columns(
        _cut=cut,
        exit_day=pl.when(cut).then("_next_entry_day").otherwise("exit_day"),
        exit_reason=pl.when(cut & same_year & pl.col("exit_reason").is_null())
        .then(pl.lit("class_change"))
        .otherwise("exit_reason"),
    )
    whole = pl.concat([ended, empty.with_columns(_cut=pl.lit(value=False))], how="diagonal")
    return whole.drop("_next_entry_day", "_next_school_year")
