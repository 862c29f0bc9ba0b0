"""Which students are learnt from, where all of them are more than one machine's memory holds.

Students are drawn, not rows: of a drawn student every quarter is learnt from. Features are computed
from everybody's facts, so what compares a student with the class still has the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from earlywarning.calendar import NEVER, Quarter
from earlywarning.risk.dataset import Sample


@dataclass(frozen=True)
class Drawn:
    """Students drawn by lot.

    Attributes
    ----------
    students : Series of str
        Their ids, sorted.
    sample : Sample
        What they were drawn from.
    """

    students: pl.Series
    sample: Sample


def draw(snapshot: Path, quarters: Sequence[Quarter], *, most: int, seed: int) -> Drawn | None:
    """Draw students if the quarters' cohorts have more rows than may be learnt from.

    Parameters
    ----------
    snapshot : Path
        Folder of the facts; only the enrolments are read.
    quarters : sequence of Quarter
    most : int
        Rows, at least 1; about so many are drawn.
    seed : int
        The same enrolments and seed give the same students.

    Returns
    -------
    Drawn or None
        None if everybody can be learnt from.
    """
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    files = sorted((snapshot / "enrollment").glob("*.parquet"))
    if not files or not quarters:
        return None
    enrolled = pl.scan_parquet(files, hive_partitioning=False).filter(
        pl.col("superseded_day") == NEVER
    )
    cohorts = [
        enrolled.filter(
            pl.col("school_year") == quarter.school_year,
            pl.col("entry_day") <= quarter.start_day,
            pl.col("exit_day") > quarter.start_day,
        )
        for quarter in sorted(quarters)
    ]
    each = pl.concat([cohort.select("student_id").unique() for cohort in cohorts])
    counts = each.group_by("student_id").len().sort("student_id").collect(engine="streaming")
    total = int(counts["len"].sum())
    if total <= most:
        return None
    newest = cohorts[-1].group_by("class_id").len().collect(engine="streaming")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(counts.height)[: max(counts.height * most // total, 1)])
    classes = dict(zip(newest["class_id"].to_list(), newest["len"].to_list(), strict=True))
    return Drawn(counts["student_id"][chosen], Sample(total, classes))
