"""One row a fact: identical rows are kept once, rows that disagree are refused, all of them.

Schools that take attendance in every lesson have several marks a student-day; only a rule that the
mapping states turns them into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from earlywarning.records.faults import REFUSAL_SCHEMA, Faults
from earlywarning.records.tables import Table

Rollup = Literal["worst", "majority"]

SEVERITY = (
    "unexcused", "truant", "suspended", "sick", "permitted", "early_leave", "partial", "late",
    "dispensed", "present_offsite", "present", "not_required", "other", "no_school", "unrecorded",
)  # fmt: skip
"""Statuses of a day, the gravest first; `unrecorded` and its like only if there is no other."""

_OUTSIDE = SEVERITY[SEVERITY.index("not_required") :]
_WHEN_KNOWN = "recorded_on"
_KEY_NAMES = {
    "attendance": "student and day",
    "grade": "student, subject, period and kind",
    "attendance_summary": "student and period",
    "behaviour": "event",
    "behaviour_type": "school and type",
    "calendar_day": "school and day",
}


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows without duplicates.

    Attributes
    ----------
    rows : DataFrame
        In the order given.
    refused : DataFrame
        `records.faults.REFUSAL_SCHEMA`; reasons `duplicate` and `duplicates_disagree`.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame


def settle(
    rows: pl.DataFrame,
    table: Table,
    *,
    labels: Mapping[str, str] | None = None,
    expected: Sequence[int] = (),
) -> Settled:
    """Keep one row a key.

    Two rows agree if all their values do; the day on which they were recorded may differ, and then
    the earlier row is kept.

    Parameters
    ----------
    rows : DataFrame
        Accepted rows of the table.
    labels : mapping of column to heading, optional
        For the message.
    expected : sequence of int
        Entries (`_entry`) in which identical rows are usual and not reported.
    """
    key = [name for name in table.key if name in rows.columns]
    keys = rows.select(key)
    # Different hashes prove different keys, in a third of the time.
    if keys.hash_rows().n_unique() == keys.height or not (repeated := keys.is_duplicated()).any():
        return Settled(rows, pl.DataFrame(schema=REFUSAL_SCHEMA))
    numbered = rows.with_row_index("_index")
    several = numbered.filter(repeated)
    values = [name for name in rows.columns if name not in key and not name.startswith("_")]
    compared = [name for name in values if name != _WHEN_KNOWN]
    differs = [
        (pl.col(name).n_unique().over(key) > 1).alias(f"_differs_{name}") for name in compared
    ]
    several = several.with_columns(*differs)
    disagree = several.select(
        pl.any_horizontal(pl.lit(False), *(f"_differs_{name}" for name in compared))
    ).to_series()
    refused = [_disagreeing(several.filter(disagree), table, key, compared, labels or {})]
    same = several.filter(~disagree)
    if _WHEN_KNOWN in rows.columns:
        same = same.sort(_WHEN_KNOWN, "_index", nulls_last=True)
    first = same.unique(key, keep="first", maintain_order=True)
    again = same.join(first.select("_index"), on="_index", how="anti")
    again = again.join(
        first.select(*key, pl.col("_row").alias("_kept")), on=key, nulls_equal=True
    ).filter(~pl.col("_entry").is_in(list(expected)))
    refused.append(_identical(again, table, key))
    gone = pl.concat([several.filter(disagree).select("_index"), same.select("_index")]).join(
        first.select("_index"), on="_index", how="anti"
    )
    kept = numbered.join(gone, on="_index", how="anti", maintain_order="left").drop("_index")
    return Settled(kept, pl.concat(refused))


def _disagreeing(
    rows: pl.DataFrame,
    table: Table,
    key: Sequence[str],
    compared: Sequence[str],
    labels: Mapping[str, str],
) -> pl.DataFrame:
    faults = Faults(table.name, rows)
    if rows.height:
        first, second = (pl.col("_row").get(place).over(key).cast(pl.String) for place in (0, 1))
        file = pl.col("_file").first().over(key), pl.col("_file").get(1).over(key)
        is_first = pl.int_range(pl.len()).over(key) == 0
        what = _KEY_NAMES.get(table.name, " and ".join(table.key))
        described = rows.select(
            pl.concat_str(
                *(
                    pl.when(f"_differs_{name}").then(pl.lit(labels.get(name, name)))
                    for name in compared
                ),
                separator=", ", ignore_nulls=True,
            ).alias("column"),
            pl.concat_str(
                *(
                    pl.when(f"_differs_{name}").then(pl.col(name).cast(pl.String).fill_null(""))
                    for name in compared
                ),
                separator=", ", ignore_nulls=True,
            ).alias("found"),
            pl.concat_str(
                pl.lit(f"one row a {what}; row "),
                pl.when(is_first).then(second).otherwise(first),
                pl.lit(" of "), pl.when(is_first).then(file[1]).otherwise(file[0]),
                pl.lit(" says otherwise"),
            ).alias("allowed"),
        )  # fmt: skip
        faults.add(
            pl.repeat(True, rows.height, eager=True), "duplicates_disagree",
            column=described["column"], found=described["found"], allowed=described["allowed"],
        )  # fmt: skip
    return faults.frame()


def _identical(rows: pl.DataFrame, table: Table, key: Sequence[str]) -> pl.DataFrame:
    faults = Faults(table.name, rows)
    if rows.height:
        described = rows.select(
            pl.concat_str(
                *(pl.col(name).cast(pl.String) for name in key), separator=" ", ignore_nulls=True
            ).alias("found"),
            pl.concat_str(pl.lit("the same as row "), "_kept", pl.lit("; kept once")).alias(
                "allowed"
            ),
        )
        faults.add(
            pl.repeat(True, rows.height, eager=True), "duplicate",
            column=None, found=described["found"], allowed=described["allowed"],
        )  # fmt: skip
    return faults.frame()


def repeated_rows(rows: pl.DataFrame, table: Table) -> Settled:
    """Drop source rows that are wholly repeated, before marks of one day are counted.

    Parameters
    ----------
    rows : DataFrame
        With `_hash`, a number made of every cell of the source row.
    """
    again = rows.select("_file", "_hash").is_duplicated()
    if not again.any():
        return Settled(rows, pl.DataFrame(schema=REFUSAL_SCHEMA))
    first = rows.select(pl.int_range(pl.len()).over("_file", "_hash") == 0).to_series()
    dropped = rows.with_columns(
        pl.col("_row").first().over("_file", "_hash").alias("_kept")
    ).filter(~first)
    return Settled(rows.filter(first), _identical(dropped, table, table.key))


def roll_up(rows: pl.DataFrame, table: Table, rule: Rollup) -> pl.DataFrame:
    """One attendance mark a student-day out of several.

    `worst` takes the gravest status (`SEVERITY`). `majority` takes the most frequent one, of
    equally frequent ones the gravest. Lessons without a mark, or in which the student need not be
    present, count only if there is no other lesson. Minutes late are the most of any lesson; the
    day is known when its last mark is.

    Parameters
    ----------
    rows : DataFrame
        Accepted attendance rows, with `status`.
    """
    key = list(table.key)
    rank = pl.col("status").replace_strict(
        list(SEVERITY), range(len(SEVERITY)), return_dtype=pl.Int32
    )
    ranked = rows.with_columns(rank.alias("_rank"))
    order = ["_rank"]
    if rule == "majority":
        votes = (
            pl.when(pl.col("status").is_in(_OUTSIDE))
            .then(0)
            .otherwise(pl.len().over(*key, "status"))
        )
        ranked = ranked.with_columns((-votes.cast(pl.Int32)).alias("_votes"))
        order = ["_votes", "_rank"]
    return (
        ranked.with_row_index("_index")
        .sort(*order, "_index")
        .with_columns(
            pl.col("late_minutes").max().over(key),
            pl.col("class_name").sort_by("_index").drop_nulls().first().over(key),
            pl.col("recorded_on").max().over(key),
            pl.col("_row").min().over(key),
            pl.col("_index").min().over(key),
        )
        .unique(key, keep="first", maintain_order=True)
        .sort("_index")
        .select(rows.columns)
    )
