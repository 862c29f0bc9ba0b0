"""Features, outcomes, lists and trees on a Spark cluster are those of one machine.

The cluster is a master and two workers, processes of their own on loopback.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from earlywarning.calendar import day_number
from earlywarning.errors import ConfigError, EarlyWarningError
from earlywarning.features import build, outcomes
from earlywarning.io import artifact, signing, spark_engine
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.io.spark_engine import SparkEngine
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.simulation import records, world
from earlywarning.simulation.facts import facts as simulated_facts
from earlywarning.simulation.school_days import CALENDAR
from earlywarning_pipelines import cluster_scores, cohort_scores
from earlywarning_pipelines.cluster_scores import Shipped
from messy_district import DISTRICT, messy_tables
from spark_cluster import SMALL, Cluster, cluster, needs_spark
from tiny_school import QUARTER, write

WINDOW = DISTRICT.calendar.quarter(QUARTER)
KNOWN = date(2027, 1, 1)
MESSES = (1, 5, 9)


def apart(tables: Mapping[str, pl.DataFrame], place: str) -> dict[str, pl.DataFrame]:
    """The same facts of another place: ids of students, classes and events are its own."""
    names = ("student_id", "class_id", "event_id", "visit_id")
    return {
        table: frame.with_columns(
            pl.format(f"{place} {{}}", pl.col(name)).alias(name)
            for name in names
            if name in frame.columns
        )
        for table, frame in tables.items()
    }


def simulated(students: int) -> dict[str, pl.DataFrame]:
    """A simulated school of three years, with late marks, corrections, moves and leavers."""
    quarters = CALENDAR.quarters_between(date(2024, 7, 1), KNOWN)
    school = world.build_school(1, students, years=2, seed=3, until=KNOWN)
    lived = records.live(school, quarters=quarters, effect=1.0, draws=1)
    made = simulated_facts(lived, delivered_day=day_number(KNOWN))
    return {
        name: made[name].select(schema.names()).cast(schema)
        if name in made
        else pl.DataFrame(schema=schema)
        for name, schema in FACT_SCHEMAS.items()
    }


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every mess and a simulated school side by side, so that one run of Spark sees all."""
    places = [apart(messy_tables(seed), f"mess {seed}") for seed in MESSES]
    places.append(apart(simulated(60), "simulated"))
    joined = {name: pl.concat([place[name] for place in places]) for name in FACT_SCHEMAS}
    return write(joined, tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    needs_spark()
    with cluster(tmp_path_factory.mktemp("spark")) as found:
        yield found


def opened(found: Cluster, scratch: Path | None = None) -> SparkEngine:
    engine = open_engine(
        "spark", master=found.address, options=SMALL, scratch=str(scratch) if scratch else None
    )
    assert isinstance(engine, SparkEngine)
    return engine


def features(engine: Engine, snapshot: Path) -> pl.DataFrame:
    facts = engine.views(snapshot, as_of_date=WINDOW.start, district=DISTRICT)
    return engine.collect(build.features(facts, WINDOW), build.FEATURE_SCHEMA)


def labels(engine: Engine, snapshot: Path) -> pl.DataFrame:
    later = engine.views(snapshot, as_of_date=KNOWN, district=DISTRICT)
    return engine.collect(outcomes.outcomes(later, WINDOW), outcomes.OUTCOME_SCHEMA)


def same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Counts and text to the bit, the rest within a billionth."""
    assert found.schema == expected.schema
    assert found.height == expected.height > 100
    for name, kind in expected.schema.items():
        if kind != pl.Float64:
            assert found[name].equals(expected[name]), name
            continue
        assert found[name].is_null().equals(expected[name].is_null()), name
        given, wanted = (frame[name].drop_nulls().to_numpy() for frame in (found, expected))
        np.testing.assert_allclose(given, wanted, rtol=1e-9, atol=0, err_msg=name)


@pytest.mark.slow
class TestOnACluster:
    def test_the_same_tables_as_on_one_machine(self, spark_cluster: Cluster, snapshot: Path):
        with open_engine() as polars:
            expected = features(polars, snapshot), labels(polars, snapshot)
            days = polars.recorded_days(snapshot)
        with opened(spark_cluster) as spark:
            assert spark.name == "spark"
            same(features(spark, snapshot), expected[0])
            same(labels(spark, snapshot), expected[1])
            assert spark.recorded_days(snapshot).equals(days)

    def test_a_worker_that_dies_while_students_are_scored(self, tmp_path: Path, snapshot: Path):
        """The run ends with the list of one machine, or whole without any; a repeat has it."""
        needs_spark()
        fitted = models(snapshot)
        shipped = [signed(name, one.to_files()) for name, one in fitted.items()]

        def scored(engine: Engine) -> tuple[list, dict]:
            found, news = cluster_scores.scored(engine, snapshot, DISTRICT, WINDOW, shipped, ())
            return rows_of(found), news

        with open_engine() as polars:
            dataset = load_dataset(
                polars, snapshot, DISTRICT, quarters=[WINDOW], known_before=WINDOW.start,
                labels=False,
            )  # fmt: skip
        found, news = cohort_scores.scored(dataset, fitted, DISTRICT, WINDOW, ())
        expected = rows_of(found), news
        with cluster(tmp_path) as own, opened(own) as spark:
            written = spark._keep
            killed = threading.Event()

            def keep(frame):
                if not killed.is_set() and spark._frames == 4:
                    killed.set()
                    threading.Timer(0.5, own.kill_a_worker).start()
                return written(frame)

            spark._keep = keep
            first = None
            with contextlib.suppress(EarlyWarningError):
                first = scored(spark)
            assert first in (None, expected)
            assert killed.is_set()
            assert len(own.workers) == 1
            assert scored(spark) == expected

    def test_trees_of_a_cluster_rank_like_those_of_one_machine(
        self, spark_cluster: Cluster, tmp_path: Path
    ):
        from earlywarning.io import spark_boosting

        X, y = drawn(4000, seed=1)
        later, truth = drawn(4000, seed=2)
        alone = boosted().fit(
            X, y, visited=None, quarters=np.repeat(["2025-26-Q1", "2025-26-Q2"], 2000), seed=1
        )
        table = X[list(alone.features)].assign(
            **{spark_boosting.TREATED: 0.0, spark_boosting.LABEL: y}
        )
        with opened(spark_cluster, scratch=tmp_path) as spark:
            halves = (spark._load(pl.from_pandas(half)) for half in (table[:2000], table[2000:]))
            native = spark.table(halves)
            assert native.count() == 4000
            together = Boosted.from_files(alone.to_files())
            together.booster_ = spark_boosting.trees(native, alone, seed=1, workers=spark.slots)
            again = Boosted.from_files(together.to_files())
            assert spark.slots == 2
            assert list(tmp_path.iterdir())
        assert not list(tmp_path.iterdir()), "what was written for the workers is gone"
        assert together.booster_.num_boosted_rounds() == alone.booster_.num_boosted_rounds()
        risks = alone.predict_risk(later), together.predict_risk(later)
        assert np.array_equal(again.predict_risk(later), risks[1])
        assert not np.array_equal(*risks), "the rows of each worker were binned apart"
        losses = [log_loss(truth, risk) for risk in risks]
        # Noise: half of the standard error with which so many students tell either loss.
        assert abs(losses[0] - losses[1]) < 0.5 * deviation(truth, risks[0])
        assert abs(found_share(truth, risks[0]) - found_share(truth, risks[1])) < 0.02
        for name in alone.increasing:
            if name in later:
                more = later.assign(**{name: later[name] + 1.0})
                assert (together.predict_risk(more) >= risks[1] - 1e-6).all(), name

    def test_trees_learn_from_the_rows_of_one_machine(self, spark_cluster: Cluster, snapshot: Path):
        """Features, label and treatment of each known row of two quarters, and trees from them."""
        from earlywarning.io import spark_boosting

        now = DISTRICT.calendar.previous(WINDOW)
        quarters = [DISTRICT.calendar.previous(now), now]
        with open_engine() as polars:
            learnt = load_dataset(
                polars, snapshot, DISTRICT, quarters=quarters, known_before=WINDOW.start
            )
        y = learnt.y["grades"].to_numpy()
        found = candidate("boosted", spec.load("grades")).fit(
            learnt.X, y, visited=learnt.visited, quarters=learnt.ids["quarter"].to_numpy(dtype=str),
            seed=1,
        )  # fmt: skip
        assert isinstance(found, Boosted)
        before = found.to_files()
        columns = [*found.features, spark_boosting.TREATED, f"{spark_boosting.LABEL}grades"]
        with opened(spark_cluster) as spark:
            table = spark_boosting.everybody(
                spark, snapshot, DISTRICT, quarters=quarters, known_before=WINDOW.start
            )
            together, rows = spark_boosting.from_everybody(
                spark, found, table, outcome="grades", seed=1
            )
            there = spark._collect(nw.from_native(table)).select(columns)
        known = np.flatnonzero(~np.isnan(y))
        there = there.filter(pl.col(columns[-1]).is_not_null()).to_numpy()
        assert rows == len(there) == len(known) > 100
        treated = np.nan_to_num(learnt.visited[known])
        here = found._columns(learnt.X.iloc[known], treated)
        rows_here = np.column_stack([here, y[known].astype(np.float32)])
        assert sorted(map(tuple, np.nan_to_num(there, nan=-9.0))) == sorted(
            map(tuple, np.nan_to_num(rows_here, nan=-9.0))
        )
        assert together.booster_.num_boosted_rounds() == found.booster_.num_boosted_rounds()
        assert found.to_files() == before, "what was found stays as it was"
        risks = [one.predict_risk(learnt.X.iloc[known]) for one in (found, together)]
        losses = [log_loss(y[known], risk) for risk in risks]
        assert abs(losses[0] - losses[1]) < 0.5 * deviation(y[known], risks[0])


@pytest.mark.slow
def test_one_machine_divides_its_rows_into_few_parts():
    """In a process of its own: Java keeps what its first session was told."""
    needs_spark()
    script = """
from earlywarning.io.engine import open_engine
for master, options in (("local[1]", {}), ("local[6]", {}), ("local[1]", {NAME: "3"})):
    with open_engine("spark", master=master, options=options) as engine:
        print(engine._session.conf.get(NAME), engine._session.conf.get("spark.driver.bindAddress"))
"""
    script = f"NAME = {spark_engine.PARTITIONS!r}{script}"
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines() == ["8 127.0.0.1", "12 127.0.0.1", "3 127.0.0.1"]


def models(snapshot: Path) -> dict:
    """A rule, a logistic model and trees, learnt from the quarter before."""
    before = DISTRICT.calendar.previous(WINDOW)
    with open_engine() as polars:
        learnt = load_dataset(
            polars, snapshot, DISTRICT, quarters=[before], known_before=before.end
        )
    kinds = dict(zip(OUTCOMES, ("boosted", "rule", "logistic"), strict=True))
    return {
        name: candidate(kind, spec.load(name)).fit(
            learnt.X, learnt.y[name].to_numpy(), visited=learnt.visited,
            quarters=learnt.ids["quarter"].to_numpy(dtype=str), seed=1,
        )
        for name, kind in kinds.items()
    }  # fmt: skip


def signed(outcome: str, files: dict[str, bytes]) -> Shipped:
    """A model, recorded and signed as training does."""
    signer = signing.Signer(bytes(32), ())
    listed = artifact.manifest(files)
    seal = artifact.Seal(artifact.digest(files), signer.sign(listed), signer.trusted)
    return Shipped(outcome, files, seal)


def rows_of(found) -> list:
    """Everything that a list takes of each student."""
    return [
        found.ids.to_dict("records"),
        found.risks.fillna(-1.0).to_dict("records"),
        found.priority.tolist(),
        found.reasons(np.arange(len(found.ids))),
        list(found.completeness),
    ]


def boosted() -> Boosted:
    of = spec.load("attendance")
    return Boosted(
        of.features, of.boosted_settings[2:3], rounds=40, increasing=of.increasing,
        decreasing=of.decreasing,
    )  # fmt: skip


def drawn(students: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of which some matter, with empty cells, and what came of it."""
    rng = np.random.default_rng(seed)
    names = spec.load("attendance").features
    X = pd.DataFrame(rng.normal(size=(students, len(names))), columns=list(names))
    logit = -1.5 + X["absence_rate_30d"] + 0.7 * X["unexcused_rate_year"].clip(lower=0)
    y = (rng.random(students) < 1 / (1 + np.exp(-logit))).astype(float)
    return X.mask(rng.random(X.shape) < 0.1), np.asarray(y)


def losses_of(y: np.ndarray, risk: np.ndarray) -> np.ndarray:
    return -np.log(np.where(y == 1, risk, 1 - risk))


def log_loss(y: np.ndarray, risk: np.ndarray) -> float:
    return float(losses_of(y, risk).mean())


def deviation(y: np.ndarray, risk: np.ndarray) -> float:
    """Standard error of the mean loss."""
    return float(losses_of(y, risk).std() / np.sqrt(len(y)))


def found_share(y: np.ndarray, risk: np.ndarray) -> float:
    """Share of trouble among the tenth at the top."""
    return float(y[np.argsort(-risk, kind="stable")[: len(y) // 10]].sum() / y.sum())


@pytest.mark.parametrize("options", [{"threads": 2}, {"memory_limit": "1GB"}])
def test_what_spark_does_not_take(options):
    with pytest.raises(ConfigError, match="Spark takes neither threads nor a memory limit"):
        open_engine("spark", **options)


def test_workers_elsewhere_need_a_folder_and_an_address_that_they_see(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv(spark_engine.ADDRESS, raising=False)
    begun = time.monotonic()
    for master in ("spark://master.example:7077", "yarn", "k8s://https://master.example"):
        with pytest.raises(ConfigError, match="EARLYWARNING_SPARK_SCRATCH"):
            open_engine("spark", master=master)
        with pytest.raises(ConfigError, match="set SPARK_LOCAL_IP to its address"):
            open_engine("spark", master=master, scratch="/shared/scratch")
    assert time.monotonic() - begun < 60, "refused before Java was started"


@pytest.mark.parametrize(
    ("master", "here"),
    [
        ("local[*]", True), ("local-cluster[2,1,1024]", True), ("spark://127.0.0.1:7077", True),
        ("spark://localhost:7077", True), ("spark://master.example:7077", False), ("yarn", False),
    ],
)  # fmt: skip
def test_where_workers_are(master: str, here: bool):
    assert spark_engine._is_here(master) is here


def test_what_only_spark_takes():
    with pytest.raises(ConfigError, match="are Spark's; the engine is 'polars'"):
        open_engine(master="local[2]")


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="needs Java 17 or 21, and none was found"):
        open_engine("spark")


@pytest.mark.parametrize(
    ("said", "version"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 1), ("?", None)],
)
def test_versions_of_java(said: str, version: int | None):
    assert spark_engine._major(said) == version
