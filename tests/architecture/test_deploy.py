"""The files in `deploy/`: sound, and naming only what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        # The programs are not installed where the tests run.
        text = re.sub(r"/opt/earlywarning/bin/\w+", shutil.which("true") or "", unit.read_text())
        (tmp_path / unit.name.replace("@.", "@8000.")).write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in said.stderr.splitlines() if "earlywarning" in line]
    assert (said.returncode, ours) == (0, [])


def test_every_unit_runs_without_rights() -> None:
    for unit in UNITS:
        if unit.suffix == ".service":
            text = unit.read_text("utf-8")
            for line in ("User=earlywarning", "NoNewPrivileges=yes", "ProtectSystem=strict"):
                assert line in text.splitlines(), unit.name


def test_timers_start_services_that_are_there_and_the_page_names_them() -> None:
    names = {unit.name for unit in UNITS}
    for unit in UNITS:
        if unit.suffix == ".timer":
            assert f"{unit.stem}.service" in names
        assert f"`{unit.name.split('.')[0].replace('@', '@PORT')}`" in PAGE


def test_the_compose_file_hangs_together() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = compose["services"]
    for name, service in services.items():
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", ())) <= set(services), name
    # Only the proxy is reachable, and it is the one that is believed.
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    proxy = services["proxy"]["networks"]["inside"]["ipv4_address"]
    assert services["service"]["environment"]["EARLYWARNING_PROXY"] == proxy


def test_the_image_is_made_from_the_lock() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r /build/requirements.lock" in text
    assert text.count("pip install") == 2
    compose = (DEPLOY / "compose.yaml").read_text("utf-8")
    (client,) = re.findall(r"postgresql-client-(\d+)", text)
    assert f"image: postgres:{client}\n" in compose
