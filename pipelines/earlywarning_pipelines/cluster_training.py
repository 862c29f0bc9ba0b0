"""Training where a cluster holds what one machine cannot: what serves learns from everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from earlywarning.district import District
from earlywarning.io.dataset import history_quarters
from earlywarning.io.engine import Engine
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.results import ON_CLUSTER, Notice, TrainingResult

Refit = Callable[[TrainingResult], TrainingResult]


def refit(
    engine: Engine, snapshot: Path, district: District, as_of: date, seed: int
) -> Refit | None:
    """Lets boosted trees that serve learn from everybody; None on one machine.

    Candidates are compared, and risks calibrated, on students of whom a machine holds enough. Only
    the trees gain from more. The rule, the last value, the logistic model, borrowed trees, and
    trees that are calibrated by group stay as they were learnt.

    Parameters
    ----------
    engine : Engine
    snapshot : Path
        Folder of the facts.
    as_of : date
        Only what was known before this day is used.
    """
    if not engine.distributed:
        return None
    tables: list[Any] = []

    def learnt_again(result: TrainingResult) -> TrainingResult:
        from earlywarning.io import spark_boosting
        from earlywarning.io.spark_engine import SparkEngine

        if type(result.estimator) is not Boosted or not isinstance(engine, SparkEngine):
            return result
        if not tables:  # once for all outcomes
            quarters = history_quarters(engine, snapshot, district, as_of)
            tables.append(
                spark_boosting.everybody(
                    engine, snapshot, district, quarters=quarters, known_before=as_of
                )
            )
        made, rows = spark_boosting.from_everybody(
            engine, result.estimator, tables[0], outcome=result.outcome, seed=seed
        )
        said = Notice(ON_CLUSTER, {"rows": rows})
        return replace(result, estimator=made, notices=(*result.notices, said))

    return learnt_again
