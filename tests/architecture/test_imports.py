"""Who imports whom: the contracts of pyproject.toml hold, and each would notice if it did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "api", "pipelines")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter on the sources below `root`, wherever the package is installed."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(root / part) for part in SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(report: str) -> set[str]:
    """The ids of the contracts that the linter found broken."""
    lines = report.splitlines()
    return {
        id_
        for id_, contract in CONTRACTS.items()
        if any(line.startswith(f"{contract['name']} BROKEN") for line in lines)
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree as it is, to plant a violation in."""
    for part in SOURCES:
        shutil.copytree(
            ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [
        ("library", "src/earlywarning/errors.py", "import earlywarning.settings"),
        ("library", "src/earlywarning/records/planted.py", "import earlywarning.io"),
        ("library", "src/earlywarning/features/planted.py", "import earlywarning.simulation"),
        # A module without a place in the layers.
        ("library", "src/earlywarning/planted.py", ""),
        ("apps", "src/earlywarning/io/planted.py", "import earlywarning_pipelines"),
        ("apps", "api/earlywarning_api/planted.py", "import earlywarning_pipelines"),
        ("apps", "pipelines/earlywarning_pipelines/planted.py", "import earlywarning_api"),
        ("outside", "src/earlywarning/visits/planted.py", "import sqlalchemy.orm"),
        ("serving", "api/earlywarning_api/planted.py", "def f():\n    import xgboost"),
    ],
)
def test_a_violation_is_noticed(copy: Path, contract: str, file: str, line: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as planted:
        planted.write(f"\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert contract in broken(result.stdout)


def test_every_engine_database_and_page_library_is_noticed(copy: Path) -> None:
    names = CONTRACTS["outside"]["forbidden_modules"]
    assert {"duckdb", "pyspark", "mlflow", "sqlalchemy", "fastapi", "jinja2"} <= set(names)
    planted = copy / "src/earlywarning/features/planted.py"
    planted.write_text("".join(f"import {name}\n" for name in names), "utf-8")
    report = lint(copy).stdout
    unnoticed = [name for name in names if f"earlywarning.features.planted -> {name}" not in report]
    assert not unnoticed


def test_the_modules_kept_from_the_outside_are_all_but_io() -> None:
    package = ROOT / "src" / "earlywarning"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in package.glob("*/__init__.py")}
    kept = {name.removeprefix("earlywarning.") for name in CONTRACTS["outside"]["source_modules"]}
    assert kept == modules - {"io"}
