"""A real MLflow server on this machine: what is kept there, fetched from there, and refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import catalogue
from earlywarning.io.mlflow_catalogue import CHALLENGER, CHAMPION
from earlywarning.io.model_registry import CatalogueUnreachable, ModelRegistry, Run
from earlywarning.io.register.db import open_register
from earlywarning.io.register.model_events import Decision
from earlywarning.risk import spec
from earlywarning.risk.estimators.rule import Rule
from earlywarning_pipelines import serving

pytestmark = pytest.mark.slow

AT = datetime(2026, 10, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
RATNA = Decision("Bu Ratna", "finds more", AT)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Address of a running server, on loopback; it and its workers end with the test."""
    (folder / "mlflow.db").write_bytes(catalogue._template())
    port = free_port()
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
             "--artifacts-destination", str(folder / "kept")],
            stdout=log, stderr=log, start_new_session=True, cwd=folder,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urlopen(f"{address}/health", timeout=1).close()  # noqa: S310 - our own server
                break
            except (URLError, OSError):
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def test_models_live_on_a_server_and_are_checked_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    (tmp_path / "server").mkdir()
    key = tmp_path / "model-signing.key"
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        with server(tmp_path / "server") as address:
            registry = ModelRegistry(address, artifact_location="", register=register, key_file=key)
            versions = []
            for risk, promoted in ((0.75, True), (0.9, True), (0.6, False)):
                rule = Rule("attendance", spec.load("attendance").rule)
                rule.risks_[0] = risk
                run = Run("attendance", texts={"card.en.md": "# Card"})
                logged = registry.log("SMP Contoh", run, rule.to_files(), at=AT)
                assert logged is not None
                assert logged.artifact_uri.startswith("mlflow-artifacts:/")
                (made,) = registry.keep(
                    "SMP Contoh", [("attendance", "rule", logged, {"why": "no_history"})],
                    snapshot_id="5" * 64, trained=RATNA,
                    promoted={"attendance": RATNA} if promoted else {},
                )  # fmt: skip
                versions.append(made)
                assert registry.run_text(logged.run_id, "card.en.md") == "# Card"
            client = registry._opened()
            name = "smp-contoh-attendance"
            assert str(client.get_model_version_by_alias(name, CHAMPION).version) == "2"
            assert str(client.get_model_version_by_alias(name, CHALLENGER).version) == "3"
            champion = registry.champion("attendance")
            assert champion is not None
            assert champion.estimator.to_files() == versions[1].estimator.to_files()

            # The server's own files are altered: what it hands out is refused here.
            kept = sorted((tmp_path / "server" / "kept").rglob("estimator.json"))
            assert len(kept) == 3
            (altered,) = (path for path in kept if b"0.9" in path.read_bytes())
            altered.write_bytes(altered.read_bytes().replace(b"0.9", b"0.1", 1))
            (decider,) = (
                one for one in serving.in_service(registry, at=AT) if one.outcome == "attendance"
            )
            assert (decider.record["version"], decider.record["why"]) == (1, "earlier_model")

            # The key that signs is nowhere that the server serves.
            secret = key.read_bytes()[13:77]
            for path in (tmp_path / "server").rglob("*"):
                assert not path.is_file() or secret not in path.read_bytes()
        # A server that is gone is no damage: nothing takes the place of what serves.
        with pytest.raises(CatalogueUnreachable, match="start its server"):
            serving.in_service(registry, at=AT)
