"""The locked requirements serve every supported Python and name no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CORE = (ROOT / "requirements.lock").read_text("utf-8")
DEV = (ROOT / "requirements-dev.lock").read_text("utf-8")
SPARK = (ROOT / "requirements-spark.lock").read_text("utf-8")


def pins(lock: str) -> set[str]:
    """Every `name==version ; marker` of a lock."""
    return {line.rstrip("\\ ") for line in lock.splitlines() if re.match(r"[\w.-]+==", line)}


def names(requirements: list[str] | set[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in requirements}


@pytest.mark.parametrize("lock", [CORE, DEV, SPARK], ids=["core", "dev", "spark"])
def test_38_no_address_and_a_hash_for_each(lock: str) -> None:
    assert "://" not in lock
    assert "--index" not in lock
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert entries
    assert not [entry for entry in entries if "--hash=sha256:" not in entry]


def test_the_developers_lock_has_the_same_versions() -> None:
    assert pins(CORE) < pins(DEV)


def test_the_lock_of_a_cluster_adds_pyspark_and_its_bridge_alone() -> None:
    assert pins(CORE) < pins(SPARK)
    assert names(pins(SPARK) - pins(CORE)) == {"pyspark", "py4j"}


def test_38_every_requirement_is_locked() -> None:
    """Fails when pyproject.toml gained a package and `make lock` was forgotten."""
    assert names(PROJECT["project"]["dependencies"]) <= names(pins(CORE))
    groups = [line for group in PROJECT["dependency-groups"].values() for line in group]
    assert names(groups) <= names(pins(DEV))


def test_python_3_11_keeps_the_xgboost_that_it_can_run() -> None:
    markers = dict(re.findall(r"^xgboost==(\d+\.\d+)\S* ; (.*) \\$", CORE, flags=re.MULTILINE))
    assert markers.pop("3.2") == "python_full_version < '3.12'"
    assert set(markers.values()) == {"python_full_version >= '3.12'"}


def test_no_package_for_graphics_cards_is_installed() -> None:
    cards = [pin for pin in pins(DEV) if pin.startswith("nvidia-")]
    assert all("sys_platform == 'never'" in pin for pin in cards)
