"""From features and models to each student's risks, priority, reasons and good news.

On one machine of the whole cohort at once; on a cluster of as many students as a worker holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.risk import reasons, scoring
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.base import Estimator
from earlywarning.visits import cohort
from earlywarning.visits import occasions as occasions_of
from earlywarning.visits.cohort import Scored
from earlywarning.visits.frozen import text
from earlywarning.visits.occasions import Occasions


def scored(
    dataset: Dataset,
    estimators: Mapping[str, Estimator],
    district: District,
    quarter: Quarter,
    unscored: Collection[str],
) -> tuple[Scored, Occasions]:
    """Risks, priorities, reasons (when they are asked for) and good news of some students.

    Of whole schools, or of any part of them: no student's row depends on another's.

    Parameters
    ----------
    dataset : Dataset
        As of the first day of `quarter`.
    estimators : mapping of outcome to Estimator
    unscored : collection of student ids
        Of whom nothing is computed.
    """
    keep = ~dataset.ids["student_id"].isin(unscored).to_numpy(dtype=bool)
    rows = np.flatnonzero(keep)
    X = dataset.with_school[keep]
    risks = scoring.score(estimators, X)
    news = occasions_of.good_news(X, district.visits.tracks)
    n = len(keep)
    priority = np.zeros(n)
    priority[rows] = scoring.priority(risks, district.weights)

    def told(asked: np.ndarray) -> list[str]:
        computed = keep[asked]
        # Where each computed row stands in X.
        at = (np.cumsum(keep) - 1)[asked[computed]]
        whole = len(at) == len(X) and np.array_equal(at, np.arange(len(X)))
        some, places = reasons.shared(
            estimators, X if whole else X.iloc[at], risks if whole else risks.iloc[at], quarter,
            calendar=district.calendar, weights=district.weights,
        )  # fmt: skip
        texts = np.full(len(asked), "[]", dtype=object)
        texts[computed] = _as_text(some, places)
        return texts.tolist()

    found_of = Scored(
        ids=dataset.ids,
        risks=risks.set_axis(rows, axis="index").reindex(range(n)),
        priority=priority,
        reasons=told,
        completeness=cohort.completeness(dataset.X),
    )
    students = dataset.ids["student_id"].tolist()
    return found_of, {students[int(rows[at])]: some for at, some in news.items()}


def _as_text(some: Sequence[reasons.Reason], places: np.ndarray) -> np.ndarray:
    """The reasons of each student as canonical JSON, from what they share."""
    # One text for none, which is joined to nothing.
    each = pl.Series([*(text(_reason(one)) for one in some), None], dtype=pl.String)
    columns = [each.gather(np.where(places < 0, len(some), places)[:, at]) for at in range(3)]
    joined = pl.select(pl.concat_str(*columns, separator=",", ignore_nulls=True)).to_series()
    return ("[" + joined + "]").to_numpy()


def _reason(reason: reasons.Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "domain": reason.domain,
        "numbers": dict(reason.numbers),
        "as_of": reason.as_of.isoformat(),
    }
