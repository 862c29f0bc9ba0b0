"""What calls for a visit besides concern: a long illness, good news, a request.

An occasion is a small dict: `track`, `code`, `numbers` for the words, and `urgency`, by which the
children of one track are put in order (lower first).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.calendar import day_date, day_number
from earlywarning.visit_rules import Tracks
from earlywarning.visits.capacity import GOOD_NEWS, REQUESTED, SICK_CHILD

Occasion = dict[str, Any]
Occasions = dict[str, list[Occasion]]
"""By student id."""

SICK = "sick"
LOOK_BACK = 120
"""Days before the as-of date in which the run of a long illness is looked for."""


def sick_children(
    events: pl.DataFrame, registers: pl.DataFrame, *, as_of_day: int, tracks: Tracks
) -> Occasions:
    """Children who were sick for long, by their longest run that ended lately.

    A run is of school days on which the class's register was taken and the child was marked sick;
    a day without a register neither breaks nor lengthens it.

    Parameters
    ----------
    events, registers : DataFrame
        The fact tables `attendance_event` and `register_day`, every version.
    as_of_day : int
        Only what happened and was known before it counts.
    """
    days = (
        _known(registers, as_of_day)
        .filter(pl.col("taken"))
        .select("class_id", "day")
        .unique()
        .sort("class_id", "day")
        .with_columns(number=pl.int_range(pl.len()).over("class_id"))
    )
    runs = (
        _known(events, as_of_day)
        .filter(pl.col("status") == SICK)
        .select("student_id", "class_id", "day")
        .join(days, on=["class_id", "day"])
        .sort("student_id", "class_id", "day")
        .with_columns(run=pl.col("number") - pl.int_range(pl.len()).over("student_id", "class_id"))
        .group_by("student_id", "class_id", "run")
        .agg(days=pl.len(), first=pl.col("day").min(), last=pl.col("day").max())
        .filter(
            pl.col("days") >= tracks.sick_days,
            pl.col("last") >= as_of_day - tracks.sick_within_days,
        )
        .sort("student_id", "days", "last", descending=[False, True, True])
        .unique("student_id", keep="first", maintain_order=True)
    )
    return {
        row["student_id"]: [
            {
                "track": SICK_CHILD,
                "code": "sick_days_in_a_row",
                "numbers": {
                    "days": row["days"],
                    "since": day_date(row["first"]).isoformat(),
                    "until": day_date(row["last"]).isoformat(),
                },
                "urgency": -row["days"],
            }
        ]
        for row in runs.iter_rows(named=True)
    }


def _known(rows: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    return rows.filter(
        pl.col("day") < as_of_day,
        pl.col("day") >= as_of_day - LOOK_BACK,
        pl.col("known_day") < as_of_day,
        pl.col("superseded_day") >= as_of_day,
    )


def good_news(X: pd.DataFrame, tracks: Tracks) -> dict[int, list[Occasion]]:
    """What went well in the quarter before, student by student.

    Fewer days absent or better marks than the student's own quarter before, or merits. All news of
    one child count, none is more urgent than another: who waits longest comes first.

    Parameters
    ----------
    X : DataFrame
        The features; shape (n, n_features).

    Returns
    -------
    dict of row to list of dict
        Only of students of whom there is some. Those with the same news share one list.
    """
    fell = _column(X, "absence_rate_change_quarter")
    rate = _column(X, "absence_rate_quarter")
    rose = _column(X, "grade_distance_change_quarter")
    merits = _column(X, "merits_quarter")
    found: dict[int, list[Occasion]] = {}
    fallen = np.flatnonzero(fell <= -tracks.absence_fall)
    now, before = np.rint(100 * rate[fallen]), np.rint(100 * (rate[fallen] - fell[fallen]))
    _tell(found, fallen, "absence_fell", before=before.astype(int), now=now.astype(int))
    risen = np.flatnonzero(rose >= tracks.grade_rise)
    _tell(found, risen, "grades_rose", points=[round(one, 1) for one in rose[risen].tolist()])
    praised = np.flatnonzero(merits >= tracks.merits)
    _tell(found, praised, "merits", merits=merits[praised].astype(int))
    return found


def _tell(
    found: dict[int, list[Occasion]],
    rows: np.ndarray,
    code: str,
    **numbers: np.ndarray | list[float],
) -> None:
    """Add news to some students; those with the same share it: a province has few kinds."""
    # With the list before, which must live as long as its id stands for it.
    shared: dict[tuple[int, tuple[float, ...]], tuple[list[Occasion] | None, list[Occasion]]] = {}
    columns = (np.asarray(column).tolist() for column in numbers.values())
    for row, values in zip(rows.tolist(), zip(*columns, strict=True), strict=True):
        before = found.get(row)
        both = shared.get((id(before), values))
        if both is None:
            one = _news(code, dict(zip(numbers, values, strict=True)))
            both = shared[id(before), values] = (before, [*(before or ()), one])
        found[row] = both[1]


def _column(X: pd.DataFrame, name: str) -> np.ndarray:
    return X[name].to_numpy(dtype=float, na_value=np.nan)


def _news(code: str, numbers: Mapping[str, Any]) -> Occasion:
    return {"track": GOOD_NEWS, "code": code, "numbers": dict(numbers), "urgency": 0}


def request(request_id: str, *, asked_by: str, asked_on: date) -> Occasion:
    """A family, a student or a teacher asked for a visit; the earliest comes first."""
    return {
        "track": REQUESTED,
        "code": f"asked_by_{asked_by}",
        "numbers": {"on": asked_on.isoformat()},
        "request_id": request_id,
        "urgency": day_number(asked_on),
    }
