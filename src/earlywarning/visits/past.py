"""Visits that were made: when a family was last visited, and whether already in this quarter."""

from __future__ import annotations

import polars as pl

from earlywarning.calendar import NEVER, Quarter

DONE = "done"
RECORDED = "recorded/"
"""With what the id of a visit begins that was recorded here, not delivered in a file."""
MOVED = "moved"
TRIED = (DONE, "no_one_home", MOVED, "declined")
"""What a visit comes to when somebody went there; others were only planned."""


def last_visits(visits: pl.DataFrame, *, as_of_day: int) -> dict[str, int]:
    """Day of each student's last visit that took place, as known when `as_of_day` began.

    Parameters
    ----------
    visits : DataFrame
        The fact table `visit`, every version.

    Returns
    -------
    dict of student_id to day number
    """
    known = visits.filter(
        pl.col("status") == DONE,
        pl.col("day") < as_of_day,
        pl.col("known_day") < as_of_day,
        pl.col("superseded_day") >= as_of_day,
    )
    latest = known.group_by("student_id").agg(pl.col("day").max())
    return dict(zip(latest["student_id"], latest["day"], strict=True))


def visited_in(visits: pl.DataFrame, quarter: Quarter) -> set[str]:
    """Students visited within a quarter, by the newest versions of the facts.

    Not cut at the as-of date: a list made in mid-quarter must not send a teacher to a family who
    was visited last week. It decides who can be listed, never the priority.
    """
    rows = visits.filter(
        pl.col("status") == DONE,
        pl.col("day") >= quarter.start_day,
        pl.col("day") < quarter.end_day,
        pl.col("superseded_day") == NEVER,
    )
    return set(rows["student_id"])


def moved_away(visits: pl.DataFrame, *, before_day: int) -> set[str]:
    """Students whose last visit found that the family had moved, by the newest versions.

    A later visit to the new address ends it.

    Parameters
    ----------
    before_day : int
        Only visits before it count.
    """
    newest = (
        visits.filter(pl.col("superseded_day") == NEVER, pl.col("day") < before_day)
        .sort("student_id", "day", "known_day", "visit_id")
        .unique("student_id", keep="last", maintain_order=True)
    )
    return set(newest.filter(pl.col("status") == MOVED)["student_id"])


def without_told_before(visits: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Visits of one source that another one has not told yet.

    A child visited twice on one day is one visit: a school that records here and also delivers
    its own list would else count each visit twice. Whichever source told first keeps it.

    Parameters
    ----------
    visits : DataFrame
        Rows of the fact table `visit`.
    known : DataFrame
        The newest versions of the other source's rows.
    """
    told = known.filter(pl.col("status") == DONE).select("student_id", "day").unique()
    same = pl.col("status") == DONE
    return pl.concat(
        [
            visits.filter(~same),
            visits.filter(same).join(told, on=["student_id", "day"], how="anti"),
        ]
    )


def recorded() -> pl.Expr:
    """Which rows of the fact table `visit` were recorded here."""
    return pl.col("visit_id").str.starts_with(RECORDED)
