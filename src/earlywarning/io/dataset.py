"""From a snapshot of facts to the table that models learn from and score.

Training and scoring both come through `load_dataset`: a scored quarter is built exactly like a
learnt one, less its labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl

from earlywarning.calendar import Quarter, day_date, day_number
from earlywarning.district import District
from earlywarning.errors import DataError
from earlywarning.features import build, outcomes
from earlywarning.io.drawing import Drawn
from earlywarning.io.engine import Engine
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.dataset import Dataset

Progress = Callable[[str, int, int], None]

_NAMES = [feature.name for feature in build.FEATURES]
_ID_NAMES = ["quarter", *build.IDS]
_AT_ONCE = 16
"""Columns turned into floats by one query: fewer cost time, more cost memory."""


def load_dataset(
    engine: Engine,
    snapshot: Path,
    district: District,
    *,
    quarters: Sequence[Quarter],
    known_before: date,
    labels: bool = True,
    drawn: Drawn | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Features as of each quarter's first day and, if wanted, what became of it.

    Parameters
    ----------
    engine : Engine
    snapshot : Path
        Folder of one snapshot of facts.
    district : District
    quarters : sequence of Quarter
        Of each, the students enrolled on its first day.
    known_before : date
        Labels are read as they were known before this day.
    labels : bool
        False for a quarter to be scored: y, visited are NaN.
    drawn : Drawn, optional
        Only these students; their features are computed among all.
    progress : function of (stage, done, total), optional

    Raises
    ------
    DataError
        If labels are wanted of a quarter that ends after `known_before`.
    """
    later = None
    if labels:
        for quarter in quarters:
            if quarter.end > known_before:
                raise DataError(
                    f"quarter {quarter.code} ends on {quarter.end}: its outcomes are not known "
                    f"before {known_before}; leave it out, or ask for it without labels"
                )
        later = engine.views(snapshot, as_of_date=known_before, district=district)

    def chosen(frame: nw.LazyFrame) -> nw.LazyFrame:
        return frame if drawn is None else engine.among(frame, drawn.students)

    parts: list[tuple[pl.DataFrame, pl.DataFrame | None]] = []
    for done, quarter in enumerate(quarters):
        if progress:
            progress("features", done, len(quarters))
        facts = engine.views(snapshot, as_of_date=quarter.start, district=district)
        X = engine.collect(chosen(build.features(facts, quarter)), build.FEATURE_SCHEMA)
        y = None
        if later:
            found = chosen(outcomes.outcomes(later, quarter))
            y = engine.collect(found, outcomes.OUTCOME_SCHEMA)
            y = X.select("student_id").join(y, on="student_id", how="left", maintain_order="left")
        parts.append((X, y))
    if progress:
        progress("features", len(quarters), len(quarters))
    dataset = _stacked([quarter.code for quarter in quarters], parts)
    return dataset if drawn is None else replace(dataset, sample=drawn.sample)


def history_quarters(
    engine: Engine, snapshot: Path, district: District, before: date
) -> list[Quarter]:
    """Quarters that models can learn from.

    Their window closed on or before `before`; something was recorded in it; and something was known
    when it began, for a student of whom nothing is known teaches nothing.

    Returns
    -------
    list of Quarter
        Oldest first; empty for a school without history.
    """
    days = engine.recorded_days(snapshot).filter(pl.col("known_day") < day_number(before))
    if days.is_empty():
        return []
    first_known = days.select(pl.max_horizontal("day", "known_day").min()).item()
    recorded = {
        district.calendar.quarter_of(day_date(day)) for day in days["day"].unique().to_list()
    }
    return sorted(
        quarter for quarter in recorded if quarter.end <= before and first_known < quarter.start_day
    )


def unlabelled(quarter: Quarter, X: pl.DataFrame) -> Dataset:
    """Rows of `build.FEATURE_SCHEMA`, as they are scored."""
    return _stacked([quarter.code], [(X, None)])


def _stacked(
    codes: Sequence[str], parts: list[tuple[pl.DataFrame, pl.DataFrame | None]]
) -> Dataset:
    n = sum(X.height for X, _ in parts)
    # Written once into its place, quarter after quarter: a copy would double the memory.
    values = np.empty((n, len(_NAMES)), dtype=np.float64, order="F")
    y = np.full((n, len(OUTCOMES)), np.nan)
    visited = np.full(n, np.nan)
    status = np.full(n, "", dtype=object)
    ids: list[pl.DataFrame] = []
    start = 0
    for code in codes:
        X, labels = parts.pop(0)
        rows = slice(start, start + X.height)
        ids.append(X.select(pl.lit(code).alias("quarter"), *build.IDS))
        for first in range(0, len(_NAMES), _AT_ONCE):
            names = _NAMES[first : first + _AT_ONCE]
            for place, column in enumerate(_floats(X.select(names)).iter_columns()):
                values[rows, first + place] = column.to_numpy()
        if labels is not None:
            for place, column in enumerate(_floats(labels.select(OUTCOMES)).iter_columns()):
                y[rows, place] = column.to_numpy()
            # A student whose enrolment was taken back later has no outcome and had no visit.
            visited[rows] = labels["visited"].fill_null(0).to_numpy()
            status[rows] = labels["label_status"].fill_null(outcomes.NO_DATA).to_numpy()
        start = rows.stop
    return Dataset(
        ids=pl.concat(ids).to_pandas() if ids else pd.DataFrame(columns=_ID_NAMES, dtype=str),
        X=pd.DataFrame(values, columns=_NAMES, copy=False),
        y=pd.DataFrame(y, columns=list(OUTCOMES)),
        visited=visited,
        label_status=status,
    )


def _floats(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.all().cast(pl.Float64).fill_null(float("nan")))
