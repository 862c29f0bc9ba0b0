"""A simulated school that is watched, quiet or shocked; to try watching out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from earlywarning import district as districts
from earlywarning.calendar import Quarter, day_number
from earlywarning.district import District
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import scoring, spec, training
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.report import report
from earlywarning.risk.watch.checks import OK, Check
from earlywarning.simulation import facts as simulated
from earlywarning.simulation import mapping_text, shocks
from earlywarning.simulation.records import Records
from earlywarning_pipelines import simulate
from earlywarning_pipelines.watching import Watched, input_checks, outcome_checks

Facts = dict[str, pl.DataFrame]

LEARNT = 8
"""Quarters that the models learn from: two school years."""

WATCHED = 8
"""Quarters after them that are watched."""

CAPACITY_SHARE = 0.16


@dataclass(frozen=True)
class Shock:
    """Something that happens in one quarter, and the code of the warning that must come.

    Attributes
    ----------
    records : function of (Records, Quarter) to Records
    facts : function of (facts, Quarter) to facts
    rules : function of District to District
        What changes from then on; by default nothing.
    running : bool
        Whether it is looked for at the end of its quarter, not in the list of the next.
    """

    name: str
    expected: str
    records: Callable[[Records, Quarter], Records] = lambda records, quarter: records
    facts: Callable[[Facts, Quarter], Facts] = lambda facts, quarter: facts
    rules: Callable[[District], District] = lambda district: district
    running: bool = False


def _stricter(district: District) -> District:
    return replace(district, thresholds=replace(district.thresholds, pass_mark=80.0))


SHOCKS = (
    Shock("codes: I written as S", "codes_changed", shocks.permitted_written_as_sick),
    Shock("codes: unknown ones", "codes_changed", shocks.unknown_codes),
    Shock("registers stop", "registers_stopped", shocks.registers_stop, running=True),
    Shock("registers stopped", "registers_fewer", shocks.registers_stop),
    Shock("wave of illness", "illness", shocks.wave_of_illness),
    Shock("points doubled", "incident_points", shocks.points_doubled),
    Shock("pass mark 80, by grade", "pass_marks", facts=partial(shocks.pass_mark_raised, to=80)),
    Shock("pass mark 80, by rule", "trouble_redefined", rules=_stricter),
)


@dataclass(frozen=True)
class Watching:
    """One school whose first quarters have been learnt.

    Attributes
    ----------
    quarters : tuple of Quarter
        All with records.
    history : Dataset
        The learnt ones.
    """

    folder: Path
    engine: Engine
    district: District
    records: Records
    delivered_day: int
    quarters: tuple[Quarter, ...]
    snapshot: Path
    history: Dataset
    watched: Watched
    seed: int


def school(
    folder: Path,
    *,
    students: int,
    seed: int,
    until: date,
    candidates: tuple[str, ...] = ("rule", "logistic"),
) -> Watching:
    """Simulate, and train on the first `LEARNT` quarters."""
    district = districts.parse(mapping_text.DISTRICT)
    (records,) = simulate.schools(
        students=students, years=4, seed=seed, until=until, effect=1.0, draws=1
    )
    delivered = day_number(until) + 60
    engine = open_engine("polars")
    snapshot = _written(folder, simulated.facts(records, delivered_day=delivered))
    quarters = tuple(history_quarters(engine, snapshot, district, until))
    learnt = quarters[: len(quarters) - WATCHED][-LEARNT:]
    history = load_dataset(engine, snapshot, district, quarters=learnt, known_before=learnt[-1].end)
    estimators, reports = {}, {}
    for outcome in OUTCOMES:
        chosen = replace(spec.load(outcome), candidates=candidates)
        result = training.train(history, chosen, capacity_share=CAPACITY_SHARE, seed=seed)
        if result.estimator is not None:
            estimators[outcome] = result.estimator
        reports[outcome] = report(result, capacity_share=CAPACITY_SHARE, seed=seed)
    watched = Watched(estimators, history.quarters, CAPACITY_SHARE, reports)
    return Watching(
        folder, engine, district, records, delivered, quarters, snapshot, history, watched, seed
    )


def quiet(of: Watching) -> Iterator[tuple[str, list[Check]]]:
    """Each undisturbed quarter after the learnt ones, and what was not `ok` in it."""
    for quarter in of.quarters[-WATCHED:]:
        yield quarter.code, _not_ok([*_inputs(of, quarter), *_outcomes(of, quarter)])


def shocked(
    of: Watching, wanted: tuple[Shock, ...] = SHOCKS
) -> Iterator[tuple[Shock, list[Check]]]:
    """Each shock in the quarter before the last, and what was not `ok` after it."""
    quarter, following = of.quarters[-2:]
    for shock in wanted:
        changed = shock.records(of.records, quarter)
        facts = shock.facts(simulated.facts(changed, delivered_day=of.delivered_day), quarter)
        then = replace(of, snapshot=_written(of.folder, facts), district=shock.rules(of.district))
        if shock.rules(of.district) != of.district:
            history = load_dataset(
                of.engine, of.snapshot, then.district, known_before=of.quarters[-1].start,
                quarters=[one for one in of.quarters if one.code in of.history.quarters],
            )  # fmt: skip
            then = replace(then, history=history)
        found = _inputs(then, quarter if shock.running else following, late=shock.running)
        yield shock, _not_ok(found)


def _inputs(of: Watching, quarter: Quarter, *, late: bool = False) -> list[Check]:
    """At the beginning of a quarter, or on its last day."""
    as_of = quarter.end - timedelta(days=1) if late else quarter.start
    return input_checks(
        of.engine, of.snapshot, of.district, quarter,
        history=of.history, watched=of.watched, as_of=as_of,
    )  # fmt: skip


def _outcomes(of: Watching, quarter: Quarter) -> list[Check]:
    """When it is over: what a list of that quarter, made by the models, would have found."""
    after = load_dataset(
        of.engine, of.snapshot, of.district, quarters=[quarter],
        known_before=quarter.end + timedelta(days=30),
    )  # fmt: skip
    risks = scoring.score(of.watched.estimators, after.with_school)
    students = after.ids["student_id"]
    return outcome_checks(
        of.history,
        after,
        {outcome: dict(zip(students, risks[outcome], strict=True)) for outcome in OUTCOMES},
        of.watched,
        of.district,
        groups=groups(of.records, after),
        seed=of.seed,
    )


def groups(records: Records, after: Dataset) -> Mapping[str, np.ndarray]:
    """Sex and grade level."""
    ids = simulated.student_ids(records.school)
    sexes = dict(zip(ids, records.school.sex, strict=True))
    return {
        "sex": np.array([sexes[one] for one in after.ids["student_id"]], dtype=str),
        "grade_level": np.array([f"{one:g}" for one in after.X["grade_level"]]),
    }


def _not_ok(found: list[Check]) -> list[Check]:
    return [one for one in found if one.status != OK]


def _written(folder: Path, facts: Facts) -> Path:
    store = FactStore(folder)
    tables = {}
    for name, frame in facts.items():
        schema = FACT_SCHEMAS[name]
        whole = pl.concat([pl.DataFrame(schema=schema), frame], how="diagonal_relaxed")
        tables[name] = whole.select(schema.names()).cast(schema)  # type: ignore[arg-type]
    return store.folder(store.write(tables, base=None).id)
