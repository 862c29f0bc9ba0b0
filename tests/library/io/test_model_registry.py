"""What MLflow keeps, what the register says serves, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlparse

import pytest

import catalogue
from earlywarning.errors import ArtifactError, ConfigError, NotFound
from earlywarning.io.mlflow_catalogue import CHAMPION
from earlywarning.io.model_registry import (
    LoadedModel,
    Logged,
    ModelRegistry,
    Run,
    registered_name,
)
from earlywarning.io.register import model_versions
from earlywarning.io.register.db import open_register
from earlywarning.io.register.model_events import Decision
from earlywarning.risk import spec
from earlywarning.risk.estimators.rule import Rule

AT = datetime(2026, 10, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
DISTRICT = "SMP Contoh, Jenu"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ModelRegistry]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        numbers = iter(range(1, 100))
        yield catalogue.registry(tmp_path, register, lambda: f"{next(numbers):032x}")


def rule(risk: float = 0.75) -> Rule:
    made = Rule("attendance", spec.load("attendance").rule)
    made.risks_[0] = risk
    return made


def log(registry: ModelRegistry, risk: float = 0.75, nested: tuple[Run, ...] = ()) -> Logged:
    run = Run(
        name="attendance 2026-10-01",
        params={"seed": 1},
        tags={"outcome": "attendance"},
        metrics={"gate_gain": 0.1, "roc_auc": float("nan")},
        texts={"card.md": "# Kartu", "figures/found.svg": "<svg/>"},
        nested=nested,
    )
    kept = registry.log(DISTRICT, run, rule(risk).to_files(), at=AT)
    assert kept is not None
    return kept


BU_RATNA = Decision("Bu Ratna", "finds more", AT, gates={"beats_rule": {"passed": True}})


def keep(
    registry: ModelRegistry, *logged: tuple[str, Logged], promote: bool = True
) -> list[LoadedModel]:
    return registry.keep(
        DISTRICT,
        [(outcome, "rule", one, {"why": "no_history"}) for outcome, one in logged],
        snapshot_id="5" * 64,
        trained=Decision("earlywarning train", "seed 1", AT),
        promoted={outcome: BU_RATNA for outcome, _ in logged} if promote else {},
    )


def serve(registry: ModelRegistry, risk: float = 0.75, *, promote: bool = True) -> str:
    (model,) = keep(registry, ("attendance", log(registry, risk)), promote=promote)
    return model.model_version_id


def folder(logged_or_uri: Logged | str) -> Path:
    uri = logged_or_uri if isinstance(logged_or_uri, str) else logged_or_uri.artifact_uri
    return Path(urlparse(uri).path)


def test_before_the_first_training_nothing_serves(registry: ModelRegistry) -> None:
    assert registry.champion("attendance") is None
    assert registry._client is None, "MLflow is opened only when it is needed"
    with pytest.raises(NotFound, match="no model version 'x'"):
        registry.load("x")


def test_what_serves_is_what_was_logged(registry: ModelRegistry) -> None:
    made = serve(registry, 0.9)
    model = registry.champion("attendance")
    assert model is not None
    assert (model.model_version_id, model.version, model.kind) == (made, 1, "rule")
    assert model.why == "no_history"
    assert model.estimator.to_files() == rule(0.9).to_files()
    assert registry.load(made).artifact_sha256 == model.artifact_sha256
    assert registry.champion("grades") is None


def test_a_run_is_in_the_catalogue(registry: ModelRegistry) -> None:
    child = Run(name="rule test 2026-27-Q1", metrics={"found_share": 0.4})
    logged = log(registry, nested=(child,))
    client = registry._opened()
    run = client.get_run(logged.run_id)
    assert run.data.params == {"seed": "1"}
    assert run.data.metrics == {"gate_gain": 0.1}
    assert run.info.status == "FINISHED"
    assert {item.path for item in client.list_artifacts(logged.run_id)} == {
        "card.md", "figures", "model",
    }  # fmt: skip
    (nested,) = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{logged.run_id}'"
    )
    assert nested.data.metrics == {"found_share": 0.4}
    assert client.get_experiment(run.info.experiment_id).name == DISTRICT


def test_the_alias_follows_the_register(registry: ModelRegistry) -> None:
    first = serve(registry)
    serve(registry, 0.8)
    name = registered_name(DISTRICT, "attendance")
    assert name == "smp-contoh-jenu-attendance"
    client = registry._opened()
    assert str(client.get_model_version_by_alias(name, CHAMPION).version) == "2"
    registry.let_serve(first, BU_RATNA)
    assert str(client.get_model_version_by_alias(name, CHAMPION).version) == "1"
    champion = registry.champion("attendance")
    assert champion is not None
    assert champion.model_version_id == first
    # The process ended between the register's transaction and the alias: mended at the next run.
    client.set_registered_model_alias(name, CHAMPION, "2")
    registry.align_aliases()
    assert str(client.get_model_version_by_alias(name, CHAMPION).version) == "1"


@pytest.mark.parametrize("file", ["estimator.json", "manifest.json", "manifest.sig"])
def test_one_flipped_byte_is_refused_and_the_previous_serves(
    registry: ModelRegistry, file: str
) -> None:
    first = serve(registry)
    damaged = log(registry, 0.9)
    path = folder(damaged) / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{file}: was altered"):
        keep(registry, ("attendance", damaged))
    champion = registry.champion("attendance")
    assert champion is not None
    assert champion.model_version_id == first


def test_damage_after_the_fact_is_refused_until_a_person_goes_back(registry: ModelRegistry) -> None:
    first, second = serve(registry), serve(registry, 0.9)
    path = folder(model_versions.get(registry.register, second).artifact_uri) / "estimator.json"
    path.write_bytes(path.read_bytes().replace(b"0.9", b"0.8"))
    for ask in (lambda: registry.champion("attendance"), lambda: registry.load(second)):
        with pytest.raises(ArtifactError, match="was altered"):
            ask()
    with pytest.raises(ArtifactError):
        registry.let_serve(second, BU_RATNA)
    assert registry.let_serve(first, BU_RATNA).version == 1
    assert registry.champion("attendance") is not None


def test_a_swapped_folder_is_refused(registry: ModelRegistry) -> None:
    """A whole and honest model, but not the one that was recorded."""
    made = serve(registry)
    other = log(registry, 0.3)
    own = folder(model_versions.get(registry.register, made).artifact_uri)
    for file in folder(other).iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ArtifactError, match=r"manifest\.json: was altered"):
        registry.champion("attendance")


def test_all_or_none_are_put_in_service(registry: ModelRegistry) -> None:
    first = serve(registry)
    good, bad = log(registry, 0.8), log(registry, 0.7)
    (folder(bad) / "estimator.json").unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        keep(registry, ("attendance", good), ("grades", bad))
    champion = registry.champion("attendance")
    assert champion is not None
    assert champion.model_version_id == first
    assert registry.champion("grades") is None


def test_a_store_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database")
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        registry = catalogue.registry(tmp_path, register)
        with pytest.raises(ConfigError, match="MLflow's store cannot be opened"):
            log(registry)


def test_nothing_is_left_where_the_command_was_run(
    registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    serve(registry)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_reports_are_kept_as_they_were(registry: ModelRegistry) -> None:
    made = serve(registry)
    report = registry.load(made).report
    assert json.loads(json.dumps(report)) == report
    assert report["mlflow_version"] == "1"
