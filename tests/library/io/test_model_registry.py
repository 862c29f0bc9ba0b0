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
from earlywarning.io import signing
from earlywarning.io.mlflow_catalogue import CHALLENGER, CHAMPION, LearntFrom
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


def test_who_waits_and_why_who_serves_stands_in_the_catalogue(registry: ModelRegistry) -> None:
    serve(registry)
    waiting = serve(registry, 0.8, promote=False)
    client, name = registry._opened(), registered_name(DISTRICT, "attendance")
    assert str(client.get_model_version_by_alias(name, CHAMPION).version) == "1"
    assert str(client.get_model_version_by_alias(name, CHALLENGER).version) == "2"
    assert "promoted.by" not in client.get_model_version(name, "2").tags
    registry.let_serve(waiting, BU_RATNA)
    (found,) = client.search_registered_models(f"name='{name}'")
    assert {alias: str(version) for alias, version in found.aliases.items()} == {CHAMPION: "2"}
    tags = client.get_model_version(name, "2").tags
    assert tags["promoted.by"] == "Bu Ratna"
    assert tags["promoted.override"] == "false"
    assert json.loads(tags["promoted.gates"]) == {"beats_rule": {"passed": True}}
    assert tags["card"].endswith("/card.en.md")
    row = model_versions.get(registry.register, waiting)
    signature = model_versions.signature(registry.register, waiting)
    assert signature is not None
    assert (tags["artifact_sha256"], tags["signature"]) == (row.artifact_sha256, signature.hex())


def test_what_was_learnt_from_is_an_input_of_the_run(registry: ModelRegistry) -> None:
    data = LearntFrom("facts", "ab" * 32, {"absence_rate_30d": "double"}, 120)
    logged = registry.log(DISTRICT, Run("x", data=data), rule().to_files(), at=AT)
    assert logged is not None
    inputs = registry._opened().get_run(logged.run_id).inputs
    assert inputs is not None
    (found,) = inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("facts", "ab" * 16)
    assert "absence_rate_30d" in str(found.dataset.schema)
    assert "ab" * 32 in str(found.dataset.profile)
    with pytest.raises(NotFound, match="MLflow has no run 'x'"):
        registry.run_params("x")
    with pytest.raises(NotFound, match=r"has no card\.id\.md"):
        registry.run_text(logged.run_id, "card.id.md")


def test_another_key_does_not_count_until_the_first_is_known(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    """A lost key: what it signed goes on counting, because the register knows its public part."""
    made = serve(registry)
    key = tmp_path / "model-signing.key"
    key.unlink()
    assert registry.load(made).version == 1, "a machine without the key checks with the register's"
    serve(registry, 0.8)
    assert registry.load(made).version == 1
    key.unlink()
    signing.made(key)  # by somebody who does not know what was signed before
    with pytest.raises(ArtifactError, match="is not by a key that this installation knows"):
        registry.load(made)


def test_what_was_never_signed_is_not_opened(registry: ModelRegistry) -> None:
    made = serve(registry)
    with registry.register.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM model_signature")
    with pytest.raises(ArtifactError, match="version 1 was never signed"):
        registry.load(made)


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
