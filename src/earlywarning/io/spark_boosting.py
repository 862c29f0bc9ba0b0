"""Boosted trees learnt by a cluster from every student, where one machine could hold only some.

Settings, number of trees and calibration were found on the students whom one machine holds; the
trees are then grown anew, by XGBoost's own Spark estimator, from the rows where they are.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import xgboost as xgb

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.features import build, outcomes
from earlywarning.features.views import Facts
from earlywarning.io.spark_engine import SparkEngine, in_words
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.treatment import USED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LABEL, TREATED = "label_", "treated_"


def everybody(
    engine: SparkEngine,
    snapshot: Path,
    district: District,
    *,
    quarters: Sequence[Quarter],
    known_before: date,
) -> DataFrame:
    """Features, visit and outcomes of every student of some quarters, as trees see them.

    Stored where the workers read it until the engine is closed: every outcome learns from it.

    Parameters
    ----------
    engine : SparkEngine
    snapshot : Path
        Folder of the facts.
    quarters : sequence of Quarter
        Closed ones.
    known_before : date
        Labels are read as they were known before this day.

    Returns
    -------
    Spark DataFrame
        `features.build.FEATURES`, `TREATED` and each outcome after `LABEL`, all 32-bit floats.

    Raises
    ------
    EarlyWarningError
        If the cluster gave up.
    """
    later = engine.views(snapshot, as_of_date=known_before, district=district)
    return engine.table(
        _rows(engine.views(snapshot, as_of_date=quarter.start, district=district), later, quarter)
        for quarter in quarters
    )


def _rows(facts: Facts, later: Facts, quarter: Quarter) -> nw.LazyFrame:
    told = {"visited": TREATED, **{outcome: f"{LABEL}{outcome}" for outcome in OUTCOMES}}
    known = outcomes.outcomes(later, quarter).select(
        "student_id", *(nw.col(name).cast(nw.Float32).alias(new) for name, new in told.items())
    )
    names = [feature.name for feature in build.FEATURES]
    return (
        build.features(facts, quarter)
        .select("student_id", *names)
        .join(known, on="student_id", how="inner")
        .select(*(nw.col(name).cast(nw.Float32) for name in names), *told.values())
    )


def from_everybody(
    engine: SparkEngine, found: Boosted, table: DataFrame, *, outcome: str, seed: int
) -> tuple[Boosted, int]:
    """The same model, its trees learnt from all rows.

    Parameters
    ----------
    engine : SparkEngine
    found : Boosted
        Fitted on some of the students; it stays as it is.
    table : Spark DataFrame
        From `everybody`.
    outcome : str
    seed : int

    Returns
    -------
    (Boosted, int)
        And the rows with a known outcome that it was learnt from.

    Raises
    ------
    EarlyWarningError
        If the cluster gave up. A worker that dies while trees grow ends the training whole.
    """
    label = f"{LABEL}{outcome}"
    treated = nw.col(TREATED) if found.treatment_ == USED else nw.lit(0).cast(nw.Float32)
    chosen: DataFrame = (
        nw.from_native(table)
        .filter(~nw.col(label).is_null())
        .select(*found.features, treated.alias(TREATED), nw.col(label).alias(LABEL))
        .to_native()
    )
    made = copy.copy(found)
    with in_words():
        made.booster_ = trees(chosen, found, seed=seed, workers=engine.slots)
        return made, chosen.count()


def trees(table: DataFrame, of: Boosted, *, seed: int, workers: int) -> xgb.Booster:
    """Grow the trees of a fitted model anew.

    Parameters
    ----------
    table : Spark DataFrame
        The model's features, `TREATED` and `LABEL`; empty cells where nothing was recorded.
    of : Boosted
        Its setting, constraints and number of trees.
    seed : int
    workers : int
        Tasks that learn together, each on its part of the rows; all must run at once.
    """
    asked = dict(of._parameters(of.setting_, seed))
    signs = asked.pop("monotone_constraints")
    # The estimator sets these itself: of two labels it learns the log odds, of `seed` it knows
    # scikit-learn's name, and threads are those of a task.
    for name in ("objective", "seed", "nthread"):
        asked.pop(name)
    with _quiet():
        from xgboost.spark import SparkXGBClassifier

        estimator = SparkXGBClassifier(
            features_col=[*of.features, TREATED],
            label_col=LABEL,
            num_workers=workers,
            n_estimators=of.rounds_,
            random_state=seed,
            monotone_constraints=f"({','.join(map(str, signs))})",  # type: ignore[arg-type]
            **asked,
        )
        booster = estimator.fit(table).get_booster()
    booster.feature_names = None  # as elsewhere, columns are known by their place
    return xgb.Booster(model_file=bytearray(booster.save_raw(raw_format="ubj")))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what XGBoost tells of its progress, and PySpark of a pandas it does not know."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(before)
