"""Is everything as it was when the models were trained, and did the last list keep its word?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy import select

from earlywarning.calendar import Quarter
from earlywarning.district import District
from earlywarning.errors import DataError
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import Engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import lists, model_versions, monitor_checks
from earlywarning.io.register.db import Register
from earlywarning.io.register.lists import DRAFT, PUBLISHED, ListRow
from earlywarning.io.register.models import Student
from earlywarning.io.register.monitor_checks import CheckRow
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.watch import ranking
from earlywarning.risk.watch.checks import ACT, LOOK, OK, Check
from earlywarning_pipelines import serving
from earlywarning_pipelines.train import DEFAULT_SHARE
from earlywarning_pipelines.watching import (
    Watched,
    input_checks,
    learnt_quarters,
    outcome_checks,
)

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class MonitorResult:
    """What `run` found.

    Attributes
    ----------
    quarter : str
        The one whose records and ranking were looked at.
    learnt_from : tuple of str
        Quarters that it was compared with; empty where there are none yet.
    judged : str or None
        The quarter whose published lists were judged by what happened.
    rows : tuple of CheckRow
        As kept in the register.
    """

    quarter: str
    learnt_from: tuple[str, ...]
    judged: str | None
    rows: tuple[CheckRow, ...]

    @property
    def worst(self) -> str:
        """`act` if any check says so, else `look`, else `ok`."""
        found = {row.status for row in self.rows}
        return ACT if ACT in found else LOOK if LOOK in found else OK


def run(
    *,
    engine: Engine,
    store: FactStore,
    register: Register,
    registry: ModelRegistry,
    district: District,
    as_of: date,
    at: datetime,
    quarter: str | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> MonitorResult:
    """Look at one quarter, judge the newest list whose quarter is over, and keep what was found.

    Parameters
    ----------
    as_of : date
        Only what was known before this day.
    at : datetime
        Now, in UTC without zone.
    quarter : str, optional
        The one of `as_of` by default.
    seed : int
        Of the bootstrap.
    progress : function of (stage, done, total), optional

    Raises
    ------
    NotFound
        If there is no such quarter.
    DataError
        If nothing was imported yet, or the quarter begins after `as_of`.
    """
    snapshot_id = register.current_snapshot()
    if snapshot_id is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    calendar = district.calendar
    looked_at = calendar.quarter(quarter) if quarter else calendar.quarter_of(as_of)
    if looked_at.start > as_of:
        raise DataError(
            f"quarter {looked_at.code} begins on {looked_at.start}, after {as_of}; name an earlier "
            "quarter with --quarter, or a later day with --as-of"
        )
    snapshot = store.folder(snapshot_id)
    known = history_quarters(engine, snapshot, district, as_of)
    watched = _watched(register, registry, looked_at, known)
    history = load_dataset(
        engine, snapshot, district, known_before=as_of, progress=progress,
        quarters=[one for one in known if one.code in watched.learnt_from],
    )  # fmt: skip
    found = input_checks(
        engine, snapshot, district, looked_at, history=history, watched=watched, as_of=as_of
    )
    found += _list_sizes(register, looked_at.code)
    rows = [(looked_at.code, check) for check in found]
    judged = _to_judge(register, district, looked_at if quarter else None, as_of)
    if judged is not None:
        _, published = judged
        after = load_dataset(engine, snapshot, district, quarters=[judged[0]], known_before=as_of)
        realised_ = outcome_checks(
            history, after, _published_risks(register, published), watched, district,
            groups=_groups(register, after), seed=seed,
        )  # fmt: skip
        rows += [(judged[0].code, check) for check in realised_]
    kept = monitor_checks.save(register, rows, at=at)
    result = MonitorResult(
        looked_at.code, watched.learnt_from, judged[0].code if judged else None, tuple(kept)
    )
    log.info("%d checks of %s, worst %s", len(kept), looked_at.code, result.worst)
    return result


def _watched(
    register: Register, registry: ModelRegistry, quarter: Quarter, known: Sequence[Quarter]
) -> Watched:
    """What serves, and the quarters that it learnt from; if it learnt nothing, all earlier ones."""
    reports = {row.outcome: row.report for row in model_versions.champions(register)}
    learnt = {code for report in reports.values() for code in learnt_quarters(report)}
    before = [one.code for one in known if one.end <= quarter.start]
    shares = [float(one["capacity_share"]) for one in reports.values() if "capacity_share" in one]
    return Watched(
        estimators={one.outcome: one.estimator for one in serving.in_service(registry)},
        learnt_from=tuple(code for code in before if code in learnt or not learnt),
        capacity_share=shares[0] if shares else DEFAULT_SHARE,
        reports=reports,
    )


def _list_sizes(register: Register, quarter: str) -> list[Check]:
    """Each school's published list, or its draft, against its places."""
    rows = {row.school_id: row for row in lists.of_quarter(register, quarter, status=DRAFT)}
    rows |= {row.school_id: row for row in lists.of_quarter(register, quarter, status=PUBLISHED)}
    found = []
    for school, row in sorted(rows.items()):
        leads = row.header["leads"]
        check = ranking.list_size_check(
            school,
            listed=sum(lead["listed"] for lead in leads),
            wanted=sum(
                min(lead["capacity"], lead["households"] - lead["excluded"]) for lead in leads
            ),
        )
        found += [check] if check else []
    return found


def _to_judge(
    register: Register, district: District, asked: Quarter | None, as_of: date
) -> tuple[Quarter, list[ListRow]] | None:
    """The newest quarter that is over and has published lists; or the one asked for."""
    over: dict[str, list[ListRow]] = {}
    for row in lists.everything(register):
        if row.status == PUBLISHED:
            over.setdefault(row.quarter, []).append(row)
    quarters = [
        quarter
        for quarter in map(district.calendar.quarter, over)
        if quarter.end <= as_of and (asked is None or quarter.start <= asked.start)
    ]
    newest = max(quarters, default=None)
    return None if newest is None else (newest, over[newest.code])


def _published_risks(register: Register, rows: Sequence[ListRow]) -> dict[str, dict[str, float]]:
    """Every student's risks as they were frozen."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        _, document = lists.frozen_record(register, row.visit_list_id)
        for household in document["households"]:
            for child in household["children"]:
                for outcome, risk in child["risks"].items():
                    if risk is not None:
                        found.setdefault(outcome, {})[child["student_id"]] = float(risk)
    return found


def _groups(register: Register, after: Dataset) -> dict[str, np.ndarray]:
    """Sex from the register; grade level and school from the records."""
    with register.session() as session:
        rows = session.execute(select(Student.student_id, Student.sex)).all()
    sexes = {row.student_id: row.sex for row in rows}
    levels = after.X["grade_level"]
    return {
        "sex": np.array([sexes.get(one) or "" for one in after.ids["student_id"]], dtype=str),
        "grade_level": np.array(["" if level != level else f"{level:g}" for level in levels]),
        "school": after.ids["school_id"].to_numpy(dtype=str),
    }
