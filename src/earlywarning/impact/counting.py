"""What happened to each student in a window of days, by the newest facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.records.codes import ABSENT_STATUSES, OUTSIDE_DENOMINATOR
from earlywarning.visits.past import DONE, TRIED

Facts = Mapping[str, pl.DataFrame]
UNEXPLAINED = ("unexcused", "truant")
_LONG = 1 << 20
"""More than any day number."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `start` to before `end`, as day numbers."""

    start: int
    end: int


def attendance(facts: Facts, window: Window) -> pd.DataFrame:
    """Days and absences of every student enrolled in a window.

    Returns
    -------
    DataFrame, by student_id
        `possible` days on which registers were taken in the student's classes over the whole
        window, also after leaving; `days` with a mark; `absent`, any reason; `unexplained`. Where
        a source has only totals, those of periods that end in the window.
    """
    stays = facts["enrollment"].filter(
        pl.col("entry_day") < window.end, pl.col("exit_day") > window.start
    )
    taken = facts["register_day"].filter(
        pl.col("taken"), pl.col("day") >= window.start, pl.col("day") < window.end
    )
    code = {name: place for place, name in enumerate(taken["class_id"].unique().to_list())}
    place = taken["class_id"].replace_strict(code, return_dtype=pl.Int64).to_numpy()
    keys = np.sort(place * _LONG + taken["day"].to_numpy())
    known = stays.filter(pl.col("class_id").is_in(list(code)))
    of = known["class_id"].replace_strict(code, return_dtype=pl.Int64).to_numpy() * _LONG
    first = np.maximum(known["entry_day"].to_numpy(), window.start)
    last = np.minimum(known["exit_day"].to_numpy(), window.end)
    inside = np.searchsorted(keys, of + last) - np.searchsorted(keys, of + first)
    whole = np.searchsorted(keys, of + window.end) - np.searchsorted(keys, of + window.start)
    days = pd.DataFrame(
        {"student_id": known["student_id"].to_numpy(), "days": inside, "possible": whole}
    )
    days = days.groupby("student_id").agg(days=("days", "sum"), possible=("possible", "max"))
    events = (
        facts["attendance_event"]
        .filter(pl.col("day") >= window.start, pl.col("day") < window.end)
        .group_by("student_id")
        .agg(
            pl.col("status").is_in(ABSENT_STATUSES).sum().alias("absent"),
            pl.col("status").is_in(UNEXPLAINED).sum().alias("unexplained"),
            pl.col("status").is_in([*OUTSIDE_DENOMINATOR, "unrecorded"]).sum().alias("outside"),
        )
        .to_pandas()
        .set_index("student_id")
    )
    found = days.join(events, how="left").fillna(0)
    found["days"] = (found["days"] - found["outside"]).clip(lower=0)
    found["absent"] = found[["absent", "days"]].min(axis=1)
    return _with_totals(found[["possible", "days", "absent", "unexplained"]], facts, window)


def _with_totals(found: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    """Totals of periods for students without a mark."""
    totals = (
        facts["attendance_summary"]
        .filter(
            pl.col("day") >= window.start, pl.col("day") < window.end,
            pl.col("effective_days").is_not_null(),
        )
        .group_by("student_id")
        .agg(
            pl.col("effective_days").sum().alias("days"), pl.col("absent").sum(),
            pl.col("unexcused").fill_null(0).sum().alias("unexplained"),
        )
        .to_pandas()
        .set_index("student_id")
    )  # fmt: skip
    marked = found.index[found["days"] > 0]
    totals = totals[~totals.index.isin(marked)]
    if totals.empty:
        return found
    totals["possible"] = totals["days"]
    rest = found[~found.index.isin(totals.index)]
    return pd.concat([rest, totals[list(found.columns)].astype(float)])


def incidents(facts: Facts, window: Window) -> pd.Series:
    """Offences of each student that are not about attendance, by student_id."""
    return _counted(
        facts["behaviour_event"].filter(
            pl.col("day") >= window.start, pl.col("day") < window.end,
            pl.col("polarity") == "offence", ~pl.col("is_attendance_related"),
        ),
        pl.len().cast(pl.Float64),
    )  # fmt: skip


def grades(facts: Facts, window: Window) -> pd.Series:
    """Mean mark of each student, per cent of the scale, by student_id."""
    return _counted(
        facts["grade"].filter(pl.col("day") >= window.start, pl.col("day") < window.end),
        pl.col("score_centi").mean() / 100,
    )


def visits(facts: Facts, window: Window) -> pd.DataFrame:
    """Visits of each student's family: `done`, `tried` (0 or 1), `day` of the first made."""
    found = (
        facts["visit"]
        .filter(pl.col("day") >= window.start, pl.col("day") < window.end)
        .group_by("student_id")
        .agg(
            (pl.col("status") == DONE).any().cast(pl.Float64).alias("done"),
            pl.col("status").is_in(TRIED).any().cast(pl.Float64).alias("tried"),
            pl.col("day").filter(pl.col("status") == DONE).min().cast(pl.Float64).alias("day"),
        )
    )
    return found.to_pandas().set_index("student_id")


def leavers(facts: Facts, window: Window) -> pd.DataFrame:
    """Students whose last stay ended in the window: `left` (1), `reason`."""
    last = (
        facts["enrollment"]
        .sort("exit_day")
        .group_by("student_id", maintain_order=True)
        .last()
        .filter(pl.col("exit_day") > window.start, pl.col("exit_day") < window.end)
    )
    found = last.select("student_id", pl.lit(1.0).alias("left"), pl.col("exit_reason"))
    return found.to_pandas().set_index("student_id").rename(columns={"exit_reason": "reason"})


def _counted(rows: pl.DataFrame, what: pl.Expr) -> pd.Series:
    found = rows.group_by("student_id").agg(what.alias("value")).to_pandas()
    return found.set_index("student_id")["value"]
