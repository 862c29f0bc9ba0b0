"""The whole table: what is in it, the same on every engine, and blind to the future."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from earlywarning.calendar import day_number
from earlywarning.features import (
    attendance,
    behaviour,
    build,
    completeness,
    enrollment,
    grades,
    period_totals,
    streaks,
    visits,
)
from messy_district import DISTRICT, messy_tables, scrambled
from tiny_school import Backend, TinySchool, features, school_days

MODULES = (
    enrollment, attendance, streaks, period_totals, behaviour, grades, visits, completeness,
)  # fmt: skip
QUARTERS = ("2026-27-Q1", "2026-27-Q2", "2026-27-Q4")


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return messy_tables(1)


@pytest.fixture(scope="module")
def by_backend(tables: dict[str, pl.DataFrame]) -> dict[tuple[str, str], pl.DataFrame]:
    return {
        (backend, quarter): features(tables, backend, quarter=quarter, district=DISTRICT)
        for backend in ("polars", "duckdb", "pandas")
        for quarter in QUARTERS
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
@pytest.mark.parametrize("quarter", QUARTERS)
@pytest.mark.parametrize("backend", ["duckdb", "pandas"])
def test_every_engine_gives_the_same_bits(by_backend, module, quarter, backend):
    names = ["student_id", *(feature.name for feature in module.FEATURES)]
    expected = by_backend["polars", quarter].select(names)
    assert expected.height > 20
    assert expected.drop("student_id").null_count().sum_horizontal().item() < expected.height * len(
        names
    )
    assert by_backend[backend, quarter].select(names).equals(expected)


def test_table_is_as_declared(by_backend):
    frame = by_backend["polars", "2026-27-Q2"]
    assert frame.columns == [*build.IDS, *(feature.name for feature in build.FEATURES)]
    assert frame["student_id"].is_sorted()
    assert frame["student_id"].is_unique().all()
    assert len(set(frame.columns)) == len(frame.columns)


def test_shares_lie_between_0_and_1(by_backend):
    for frame in by_backend.values():
        rates = frame.select(pl.col("^.*_rate_(30d|quarter|year|previous_year)$"))
        assert len(rates.columns) > 20
        for column in rates:
            assert column.drop_nulls().is_between(0, 1).all(), column.name
        assert frame["recorded_share_quarter"].drop_nulls().is_between(0, 1).all()


def test_no_feature_knows_who_a_student_is():
    """Sex, religion, income, occupation, address, ethnicity: never features (audits only)."""
    forbidden = (
        "sex", "gender", "religi", "income", "occupation", "job", "address", "village", "ethnic",
        "race", "birth", "age_", "name", "household", "guardian", "parent", "distance_km",
    )  # fmt: skip
    for feature in build.FEATURES:
        for word in forbidden:
            assert word not in feature.name, feature.name


def test_every_feature_is_described_and_has_a_domain():
    domains = {feature.domain for feature in build.FEATURES}
    assert domains == {
        "attendance", "behaviour", "grades", "visits", "enrollment", "completeness",
    }  # fmt: skip
    for feature in build.FEATURES:
        assert len(feature.description) > 10, feature.name
    assert not any(f.changeable for f in build.FEATURES if f.domain in ("enrollment", "visits"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("quarter", ["2026-27-Q2", "2026-27-Q3"])
def test_nothing_moves_when_the_future_is_scrambled(tables, quarter, seed):
    as_of = DISTRICT.calendar.quarter(quarter).start
    before = features(tables, "polars", quarter=quarter, district=DISTRICT)
    other = scrambled(tables, day_number(as_of), seed)
    assert all(not other[name].equals(tables[name]) for name in tables)
    assert features(other, "polars", quarter=quarter, district=DISTRICT).equals(before)


def test_scrambling_the_past_does_move_it(tables):
    """The scrambling above is strong enough to be noticed, where it may be."""
    before = features(tables, "polars", district=DISTRICT)
    other = scrambled(tables, day_number(date(2026, 9, 1)), 1)
    moved = features(other, "polars", district=DISTRICT)
    changed = {
        feature.domain
        for feature in build.FEATURES
        if not moved[feature.name].equals(before[feature.name])
    }
    assert {"attendance", "behaviour", "grades"} <= changed


def test_order_of_rows_does_not_matter(tables, by_backend):
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in tables.items()
    }
    for backend in ("polars", "duckdb"):
        assert features(shuffled, backend, district=DISTRICT).equals(
            by_backend[backend, "2026-27-Q2"]
        )


_DIGEST = """
import hashlib, sys
from messy_district import DISTRICT, messy_tables
from tiny_school import features
frame = features(messy_tables(1), sys.argv[1], district=DISTRICT)
print(hashlib.sha256(frame.write_csv().encode()).hexdigest())
"""


@pytest.mark.parametrize(("threads", "hash_seed"), [(1, "0"), (2, "1")])
def test_number_of_threads_does_not_matter(by_backend, threads, hash_seed):
    environment = os.environ | {
        "POLARS_MAX_THREADS": str(threads),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", _DIGEST, "polars"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = by_backend["polars", "2026-27-Q2"].write_csv().encode()
    assert done.stdout.strip() == hashlib.sha256(expected).hexdigest()


def test_no_students_give_an_empty_table(backend: Backend):
    frame = features(TinySchool(), backend)
    assert frame.shape == (0, len(build.FEATURE_SCHEMA))


def test_one_student_of_whom_nothing_is_known(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    frame = features(school, backend)
    assert frame.height == 1
    assert frame["absence_rate_quarter"].item() is None
    assert frame["absent_days_quarter"].item() is None
    assert frame["incidents_quarter"].item() is None
    assert frame["graded_subjects_quarter"].item() is None
    assert frame["recorded_days_quarter"].item() == 0
    assert frame["visits_365d"].item() == 0


def test_a_corrected_mark_counts_from_the_day_after_it_was_known(backend: Backend):
    school = TinySchool()
    school.enroll("Ani")
    school.take_register(school_days("2026-09-07", 10))
    school.mark("Ani", "2026-09-08", "unexcused", until="2026-09-20")
    school.mark("Ani", "2026-09-08", "sick", known="2026-09-20")
    seen = {}
    for day in ("2026-09-09", "2026-09-10", "2026-09-20", "2026-09-21"):
        row = features(school, backend, as_of=date.fromisoformat(day)).row(0, named=True)
        seen[day] = (
            row["absent_days_quarter"],
            row["unexcused_days_quarter"],
            row["sick_days_quarter"],
        )
    assert seen == {
        "2026-09-09": (0, 0, 0),
        "2026-09-10": (1, 1, 0),
        "2026-09-20": (1, 1, 0),
        "2026-09-21": (1, 0, 1),
    }
