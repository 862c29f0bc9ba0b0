"""Training from facts to what serves: runs, cards, bytes, and a kill at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlparse

import pytest
from mlflow import MlflowClient

import catalogue
from drawn_school import AFTER, QUARTERS, facts
from earlywarning.district import District, Visits
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import model_events, model_versions
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import FactsSnapshot
from earlywarning.records.tables import OUTCOMES
from earlywarning_pipelines import model_words, train
from earlywarning_pipelines.train import TrainResult

AT = datetime(2026, 1, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
DISTRICT = District(visits=Visits(lottery=False, capacity=10), name="SMP Contoh")
TESTS = Path(__file__).parents[1]


@dataclass
class Home:
    """One installation in a folder."""

    store: FactStore
    register: Register
    registry: ModelRegistry

    def train(self, **changes: object) -> TrainResult:
        given = {"as_of": AFTER, "trained_at": AT, "seed": 1} | changes
        return train.run(
            engine=open_engine(),
            store=self.store,
            register=self.register,
            registry=self.registry,
            district=DISTRICT,
            **given,  # type: ignore[arg-type]
        )

    def champions(self) -> dict[str, str]:
        rows = model_versions.champions(self.register)
        return {row.outcome: row.model_version_id for row in rows}


def installed(folder: Path, quarters: tuple[str, ...] = QUARTERS, students: int = 150) -> Home:
    folder.mkdir(parents=True, exist_ok=True)
    store = FactStore(folder / "facts")
    register = open_register(f"sqlite:///{folder / 'register.db'}")
    if quarters:
        snapshot = store.write(facts(students, quarters), base=None)
        with register.session(writing=True) as session:
            session.add(
                FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={})
            )
            session.commit()
    return Home(store, register, catalogue.registry(folder, register))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Home]:
    home = installed(tmp_path, quarters=())
    yield home
    home.register.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, TrainResult, list]]:
    home = installed(tmp_path_factory.mktemp("trained"))
    told: list[tuple[str, int, int]] = []
    yield home, home.train(progress=lambda *step: told.append(step)), told
    home.register.close()


def test_every_outcome_is_served(trained: tuple[Home, TrainResult, list]) -> None:
    home, result, told = trained
    assert [one.outcome for one in result.outcomes] == list(OUTCOMES)
    assert result.quarters == QUARTERS[1:], "when the first quarter began, nothing was known"
    assert result.students == 150
    # Four teachers with 10 places, 4 of each for prevention.
    assert result.capacity_share == 4 * 6 / 150
    assert {stage for stage, _, _ in told} == {
        "features", "record", "serve", *(f"train {outcome}" for outcome in OUTCOMES),
    }  # fmt: skip
    for one in result.outcomes:
        assert one.model is not None
        champion = home.registry.champion(one.outcome)
        assert champion is not None
        assert champion.model_version_id == one.model.model_version_id
        assert champion.kind == one.result.served
        assert champion.report["why"] == one.result.why
        assert champion.report["capacity_share"] == result.capacity_share


def test_the_catalogue_holds_runs_cards_and_figures(
    trained: tuple[Home, TrainResult, list],
) -> None:
    home, result, _ = trained
    client = home.registry._opened()
    experiment = client.get_experiment_by_name("SMP Contoh")
    assert experiment is not None
    for one in result.outcomes:
        row = model_versions.champion(home.register, one.outcome)
        assert row is not None
        run = client.get_run(row.run_id)
        assert run.data.params["snapshot_id"] == result.snapshot_id
        assert run.data.params["seed"] == "1"
        assert run.data.params["code_version"]
        nested = client.search_runs(
            [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{row.run_id}'"
        )
        assert len(nested) == len(one.result.splits) > 0
        assert all("found_share_worst" in child.data.metrics for child in nested)
        folder = Path(urlparse(row.artifact_uri).path).parent
        for name, heading in (("card.en.md", "## This version"), ("card.id.md", "## Versi ini")):
            card = (folder / name).read_text("utf-8")
            assert "Ringkasan" in card
            assert heading in card
            assert result.snapshot_id[:16] in card
        assert run.inputs is not None
        (learnt_from,) = run.inputs.dataset_inputs
        assert learnt_from.dataset.digest == result.snapshot_id[:32]
        assert result.snapshot_id in str(learnt_from.dataset.profile)
        assert (folder / "spec.toml").read_text("utf-8").startswith("#")
        test = one.result.plan.test[0]
        assert (folder / "figures" / f"found-{test}.svg").read_text("utf-8").startswith("<?xml")
        assert (folder / "figures" / f"calibration-{test}.svg").exists()


def test_mlflow_shows_versions_with_aliases_and_links_that_lead_somewhere(
    trained: tuple[Home, TrainResult, list],
) -> None:
    """As its own client sees them: what `mlflow ui` shows."""
    home, result, _ = trained
    client = MlflowClient(home.registry.tracking_uri, home.registry.tracking_uri)
    names = {f"smp-contoh-{outcome}" for outcome in OUTCOMES}
    assert {one.name for one in client.search_registered_models()} == names
    for one in result.outcomes:
        row = model_versions.champion(home.register, one.outcome)
        assert row is not None
        version = client.get_model_version_by_alias(f"smp-contoh-{one.outcome}", "champion")
        assert version.run_id == row.run_id
        assert version.tags["artifact_sha256"] == row.artifact_sha256
        assert version.tags["promoted.by"] == "earlywarning train"
        kept = {item.path for item in client.list_artifacts(row.run_id)}
        for tag in ("card", "card.id", "page", "report"):
            run_id, _, path = version.tags[tag].removeprefix("runs:/").partition("/")
            assert run_id == row.run_id
            assert path in kept
            assert version.tags[tag] in (version.description or "")
        assert {"classes.csv", "figures", "model", "district.json", "spec.toml"} <= kept
        figures = {item.path for item in client.list_artifacts(row.run_id, "figures")}
        assert {"figures/found.svg", "figures/calibration.svg"} <= figures
        run = client.get_run(row.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.metrics["rows"] == one.result.rows
        nested = client.search_runs(
            [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{row.run_id}'"
        )
        told = {(child.data.params["candidate"], child.data.params["quarter"]) for child in nested}
        assert told == {(split.candidate, split.label) for split in one.result.splits}
        assert {child.info.status for child in nested} == {"FINISHED"}


def test_no_name_and_no_pickle_is_stored(trained: tuple[Home, TrainResult, list]) -> None:
    home, result, _ = trained
    files = [
        path
        for one in result.outcomes
        for path in Path(
            urlparse(model_versions.champion(home.register, one.outcome).artifact_uri).path  # type: ignore[union-attr]
        ).parent.rglob("*")
        if path.is_file()
    ]
    assert {path.suffix for path in files} <= {
        ".json", ".toml", ".md", ".svg", ".ubj", ".skops", ".csv", ".html", ".sig",
    }  # fmt: skip
    student = f"{7:032x}".encode()
    for path in files:
        data = path.read_bytes()
        assert not any(data.startswith(bytes([0x80, protocol])) for protocol in range(6))
        assert student not in data


def test_the_same_facts_and_seed_give_the_same_bytes(
    trained: tuple[Home, TrainResult, list], tmp_path: Path
) -> None:
    _, result, _ = trained
    home = installed(tmp_path)
    again = home.train(outcomes=["behaviour"], threads=2)
    home.register.close()
    assert again.snapshot_id == result.snapshot_id
    (model,) = (one.model for one in again.outcomes)
    (first,) = (one.model for one in result.outcomes if one.outcome == "behaviour")
    assert model is not None
    assert first is not None
    assert model.artifact_sha256 == first.artifact_sha256


def test_without_history_the_rule_serves_and_says_so(tmp_path: Path) -> None:
    home = installed(tmp_path, quarters=QUARTERS[:1], students=30)
    result = home.train(as_of=date(2024, 8, 20))
    home.register.close()
    assert [one.result.why for one in result.outcomes] == ["no_history"] * 3
    for one in result.outcomes:
        assert one.model is not None
        assert (one.model.kind, one.report["calibrated"]) == ("rule", False)


def test_before_any_import_nothing_can_be_learnt(empty: Home) -> None:
    with pytest.raises(DataError, match="nothing was imported yet"):
        empty.train()


def test_an_outcome_that_does_not_exist_is_told(empty: Home) -> None:
    with pytest.raises(ConfigError, match="no outcome 'health'; allowed: attendance"):
        empty.train(outcomes=["grades", "health"])


# Trains again, and is killed when a stage is first told of.
CHILD = """
import os, signal, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from test_train import installed_again

def progress(stage, done, total):
    if stage == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)

home = installed_again(Path(sys.argv[3]))
home.train(seed=2, outcomes=["behaviour", "grades"], progress=progress)
"""


def installed_again(folder: Path) -> Home:
    """The installation of another process, as it finds it."""
    register = open_register(f"sqlite:///{folder / 'register.db'}")
    return Home(FactStore(folder / "facts"), register, catalogue.registry(folder, register))


def killed(folder: Path, stage: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", CHILD, str(TESTS), str(Path(__file__).parent), str(folder), stage],
        env=os.environ,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "stages",
    [
        pytest.param(("serve",), id="last"),
        pytest.param(("record", "serve"), id="every", marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_stage_what_served_goes_on_serving(
    tmp_path: Path, stages: tuple[str, ...]
) -> None:
    home = installed(tmp_path, quarters=QUARTERS[:4], students=60)
    home.train(outcomes=["behaviour", "grades"])
    before = home.champions()
    for stage in stages:
        killed(tmp_path, stage)
        assert home.champions() == before
        for outcome in before:
            assert home.registry.champion(outcome) is not None
    # And the next training is none the worse for it: its models wait, because some serve already.
    made = home.train(outcomes=["behaviour", "grades"], seed=2)
    assert home.champions() == before
    for one in made.outcomes:
        events = model_events.of_outcome(home.register, one.outcome)
        assert one.model is not None
        assert model_events.challenger(events) == one.model.model_version_id
        assert not one.serves
    home.register.close()


def test_of_too_many_students_some_are_drawn_and_the_card_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "MOST_ROWS", 300)
    home = installed(tmp_path)
    result = home.train(outcomes=["attendance"])
    (one,) = result.outcomes
    (notice,) = (each for each in one.report["notices"] if each["code"] == "sampled")
    assert notice["numbers"]["of"] == 150 * len(QUARTERS[1:])
    assert 250 <= notice["numbers"]["rows"] <= 350
    # Places as a share of everybody, not of those who were drawn.
    assert result.capacity_share == 4 * 6 / 150
    row = model_versions.champion(home.register, "attendance")
    assert row is not None
    folder = Path(urlparse(row.artifact_uri).path).parent
    for name, words in (("card.en.md", "drawn by lot"), ("card.id.md", "diundi")):
        assert words in (folder / name).read_text("utf-8")
    assert "drawn by lot" in model_words.training_summary(result)
    home.register.close()
