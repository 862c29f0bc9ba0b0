"""Scoring on a cluster: the models travel to the students, whose features never leave the workers.

Each worker checks hash and signature of a model before it opens it, scores whole schools by the
same function as one machine does, and hands back what a list needs of each student.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.errors import ArtifactError
from earlywarning.features import build
from earlywarning.io import artifact
from earlywarning.io.dataset import unlabelled
from earlywarning.io.engine import Engine
from earlywarning.records.tables import OUTCOMES, Type
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.stored import from_files
from earlywarning.visits.cohort import Scored
from earlywarning.visits.occasions import Occasions
from earlywarning_pipelines import cohort_scores

_TEXT: Type = "str"
_NUMBER: Type = "float64"
_TOLD: dict[str, Type] = {
    **dict.fromkeys(build.IDS, _TEXT),
    **dict.fromkeys((*OUTCOMES, "priority"), _NUMBER),
    **dict.fromkeys(("reasons", "completeness", "news"), _TEXT),
}
"""What comes back of each student; the last three are JSON."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model as it travels.

    Attributes
    ----------
    outcome : str
    files : mapping of name to bytes
    seal : artifact.Seal or None
        What was recorded of a trained model.
    sha256 : str
        Of the rule's only file, where there is no trained model.
    """

    outcome: str
    files: Mapping[str, bytes]
    seal: artifact.Seal | None = None
    sha256: str = ""

    def opened(self) -> Estimator:
        """The estimator.

        Raises
        ------
        ArtifactError
            If the files are not the ones that were recorded.
        """
        if self.seal is not None:
            artifact.check(self.files, self.seal)
        elif [hashlib.sha256(data).hexdigest() for data in self.files.values()] != [self.sha256]:
            raise ArtifactError("a rule was altered on its way here and was not opened")
        return from_files(self.files)


def scored(
    engine: Engine,
    snapshot: Path,
    district: District,
    quarter: Quarter,
    shipped: Sequence[Shipped],
    unscored: Collection[str],
) -> tuple[Scored, Occasions]:
    """What `cohort_scores.scored` gives of everybody enrolled, computed where the rows are.

    Parameters
    ----------
    engine : Engine
        Any; a distributed one spreads the work, school by school.
    snapshot : Path
        Folder of the facts.
    shipped : sequence of Shipped
    unscored : collection of student ids
        Of whom nothing is computed.

    Raises
    ------
    EarlyWarningError
        If the cluster gave up, or a worker refused a model.
    """
    facts = engine.views(snapshot, as_of_date=quarter.start, district=district)
    work = partial(
        _work, shipped=tuple(shipped), district=district, quarter=quarter,
        unscored=frozenset(unscored),
    )  # fmt: skip
    features = build.features(facts, quarter)
    rows = engine.map_rows(features, build.FEATURE_SCHEMA, work, _TOLD, together="school_id")
    return _gathered(rows, quarter)


def _work(
    X: pl.DataFrame,
    *,
    shipped: Sequence[Shipped],
    district: District,
    quarter: Quarter,
    unscored: Collection[str],
) -> pl.DataFrame:
    """On a worker: score some schools' students."""
    if X.is_empty():
        return X.select(build.IDS).with_columns(
            pl.lit(None).alias(name) for name in _TOLD if name not in build.IDS
        )
    dataset = unlabelled(quarter, X)
    estimators = {one.outcome: one.opened() for one in shipped}
    found, news = cohort_scores.scored(dataset, estimators, district, quarter, unscored)
    ids = X.select(build.IDS)
    return ids.with_columns(
        *(pl.Series(name, found.risks[name].to_numpy(dtype=float)) for name in OUTCOMES),
        pl.Series("priority", found.priority),
        pl.Series("reasons", found.reasons(np.arange(len(ids)))),
        pl.Series("completeness", found.completeness),
        pl.Series("news", [json.dumps(news.get(one, [])) for one in ids["student_id"]]),
    )


def _gathered(rows: pl.DataFrame, quarter: Quarter) -> tuple[Scored, Occasions]:
    ids = rows.select(pl.lit(quarter.code).alias("quarter"), *build.IDS).to_pandas()
    risks = pd.DataFrame({name: rows[name].to_numpy() for name in OUTCOMES})
    news = {
        student: json.loads(some)
        for student, some in zip(rows["student_id"], rows["news"], strict=True)
        if some != "[]"
    }
    told = rows["reasons"]
    return Scored(
        ids=ids,
        risks=risks,
        priority=rows["priority"].to_numpy(),
        reasons=lambda places: told.gather(places).to_list(),
        completeness=rows["completeness"].to_list(),
    ), news
